#include "agent/number_context.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <vector>

namespace agent {
namespace {

constexpr size_t kScope = 500;  // bytes of a sentence on each side of a number

using Words = std::initializer_list<std::string_view>;

/// Whether a word of `text` begins with one of `words`. text: in lower case.
bool has_word(std::string_view text, Words words) {
  for (const std::string_view word : words)
    for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1))
      if (at == 0 || !is_letter(text[at - 1])) return true;
  return false;
}

size_t line_begin(std::string_view text, size_t at) {
  const size_t before = at == 0 ? text.npos : text.rfind('\n', at - 1);
  return before == text.npos ? 0 : before + 1;
}
size_t line_end(std::string_view text, size_t at) {
  return std::min(text.find('\n', at), text.size());
}

bool is_row(std::string_view line) { return std::count(line.begin(), line.end(), '|') >= 2; }

/// The cell of a row of Markdown, counted by the marks before it.
std::string_view cell_of(std::string_view row, int marks) {
  size_t begin = 0;
  for (int i = 0; i < marks; ++i) {
    const size_t mark = row.find('|', begin);
    if (mark == row.npos) return {};
    begin = mark + 1;
  }
  return row.substr(begin, row.find('|', begin) - begin);
}

/// The first line of the table that holds `at`.
size_t table_begin(std::string_view text, size_t at) {
  size_t begin = line_begin(text, at);
  while (begin > 0) {
    const size_t above = line_begin(text, begin - 1);
    if (!is_row(text.substr(above, begin - 1 - above))) break;
    begin = above;
  }
  return begin;
}

void set_context(std::string_view text, Claim& claim) {
  const size_t at = claim.number.begin, begin = line_begin(text, at), end = line_end(text, at);
  const std::string_view line = text.substr(begin, end - begin);
  claim.in_table = is_row(line);
  if (claim.in_table) {
    claim.scope_begin = begin;
    claim.scope_end = end;
    claim.column =
        static_cast<int>(std::count(text.begin() + static_cast<std::ptrdiff_t>(begin),
                                    text.begin() + static_cast<std::ptrdiff_t>(at), '|'));
    const size_t head = table_begin(text, at);
    const std::string_view heading = text.substr(head, line_end(text, head) - head);
    claim.context = lower_case(cell_of(heading, claim.column)) + " " +
                    lower_case(cell_of(line, line.front() == '|' ? 1 : 0)) + " " +
                    lower_case(cell_of(line, claim.column));
    return;
  }
  claim.scope_begin = begin;
  claim.scope_end = end;
  for (size_t i = begin; i + 1 < end; ++i) {
    const bool stop = (text[i] == '.' || text[i] == '!' || text[i] == '?') &&
                      is_space(text[i + 1]) &&
                      !(text[i] == '.' && i > begin && is_digit(text[i - 1]) && i < begin + 3);
    if (!stop) continue;
    // "Mio." and "Tsd." end no sentence.
    const std::string_view word = word_before(text, i + 1);
    if (magnitude_of(word, false) > 1 || lower_case(word) == "ca" || lower_case(word) == "approx")
      continue;
    if (i < at) claim.scope_begin = i + 2;
    if (i >= claim.number.end) {
      claim.scope_end = i;
      break;
    }
  }
  claim.scope_begin = std::max(claim.scope_begin, at - std::min(at, kScope));
  claim.scope_end = std::min(claim.scope_end, claim.number.end + kScope);
  claim.context = lower_case(text.substr(claim.scope_begin, claim.scope_end - claim.scope_begin));
}

/// The letters at i, and where they end.
std::string_view letters_at(std::string_view text, size_t& i) {
  const size_t begin = i;
  while (i < text.size() && is_letter(text[i])) ++i;
  return text.substr(begin, i - begin);
}

bool starts_with_any(std::string_view text, Words words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view w) { return text.starts_with(w); });
}

constexpr std::string_view kCurrencies[] = {"$",    "\xe2\x82\xac", "\xc2\xa3", "EUR",
                                            "USD",  "CHF",          "GBP",      "euro",
                                            "Euro", "dollar",       "franc",    "Franken"};

bool is_currency(std::string_view text) {
  return std::any_of(std::begin(kCurrencies), std::end(kCurrencies),
                     [&](std::string_view c) { return text.starts_with(c); });
}

}  // namespace

Claim claim_of(std::string_view text, const Spelled& number) {
  Claim claim{.number = number};
  size_t i = number.end;
  const auto skip = [&] {
    bool apart = false;
    while (i < text.size() &&
           (text[i] == ' ' || text[i] == '*' || text[i] == '_' ||
            text.substr(i).starts_with("\xc2\xa0") || text.substr(i).starts_with("\xe2\x80\xaf"))) {
      apart = apart || text[i] != '*';
      i += text[i] == '\xc2' ? 2 : text[i] == '\xe2' ? 3 : 1;
    }
    return apart;
  };
  bool apart = skip();
  if (const std::string_view before = text.substr(0, number.begin); !before.empty())
    claim.currency = before.ends_with("$") || before.ends_with("\xe2\x82\xac") ||
                     before.ends_with("\xc2\xa3") || before.ends_with("EUR ") ||
                     before.ends_with("CHF ") || before.ends_with("USD ");
  std::string_view word;
  for (int n = 0; n < 2; ++n) {
    const std::string_view rest = text.substr(i);
    if (rest.starts_with("%") || starts_with_any(rest, {"percent", "per cent", "Prozent"})) {
      claim.points = starts_with_any(rest, {"percentage point", "Prozentpunkt", "% points"});
      claim.percent = true;
      break;
    }
    if (starts_with_any(rest, {"pp ", "pp.", "pp,"})) claim.points = true;
    word = letters_at(text, i);
    if (n == 0) claim.behind = std::string(word);
    const double magnitude = magnitude_of(word, !apart && n == 0);
    if (n == 0 && magnitude > 1) {
      claim.magnitude = magnitude;
      if (i < text.size() && text[i] == '.' && lower_case(word) != "million") ++i;
      apart = skip();
      continue;
    }
    if (is_currency(word) || is_currency(rest)) claim.currency = true;
    // "5 m" is metres, and "in 3 t" no thousand; a hyphen makes it part of a word.
    if (i >= text.size() || text[i] != '-') claim.unit = find_unit(word);
    break;
  }
  set_context(text, claim);
  return claim;
}

bool has_cue(std::string_view context, Cue cue) {
  switch (cue) {
    case Cue::increase:
      return has_word(
          context,
          {"increas",      "rose",   "rise",  "rising",  "grew",  "grow",      "up ",
           "higher",       "more",   "above", "exceed",  "ahead", "gain",      "larger",
           "greater",      "bigger", "climb", "jump",    "stieg", "gestiegen", "mehr",
           "h\xc3\xb6her", "wuchs",  "wachs", "zunahme", "plus",  "anstieg",   "gewachsen"});
    case Cue::decrease:
      return has_word(context, {"decreas",
                                "fell",
                                "fall",
                                "drop",
                                "declin",
                                "down",
                                "lower",
                                "less",
                                "below",
                                "behind",
                                "loss",
                                "lost",
                                "lose",
                                "shrank",
                                "shrink",
                                "fewer",
                                "reduc",
                                "smaller",
                                "short",
                                "deficit",
                                "minus",
                                "negativ",
                                "sank",
                                "gesunken",
                                "weniger",
                                "niedriger",
                                "r\xc3\xbc"
                                "ckgang",
                                "verlust",
                                "abnahme",
                                "gefallen",
                                "verlor",
                                "fiel",
                                "colder"});
    case Cue::change:
      return has_word(context,
                      {"differ", "gap", "chang", "spread", "range", "delta", "margin", "between",
                       "versus", "vs", "compared", "unterschied", "differenz", "abstand",
                       "ver\xc3\xa4nder", "\xc3\xa4nder", "\xce\x94", "lead", "net"});
    case Cue::sum:
      return has_word(context,
                      {"total", "together", "sum", "combined", "both", "altogether", "overall",
                       "in all", "zusammen", "insgesamt", "summe", "gesamt", "adds up"});
    case Cue::ratio:
      return has_word(context,
                      {"times", "ratio", "x ", "\xc3\x97", "fold", "per ", "double", "triple",
                       "twice", "mal", "fach", "verh\xc3\xa4ltnis", "pro ", "je "}) ||
             context.find("fach") != context.npos || context.find("x ") != context.npos ||
             context.find("fold") != context.npos || context.ends_with("x");
    case Cue::share:
      return has_word(context, {"share", "fraction", "ratio", "proportion", "portion", "anteil",
                                "rate", "quote", "correlation"});
    case Cue::rest:
      return has_word(context, {"remain", "rest", "other",
                                "\xc3\xbc"
                                "brig",
                                "else"});
    case Cue::mean:
      return has_word(context, {"average", "mean", "durchschnitt", "mittel"});
  }
  return false;
}

Slack slack_of(std::string_view text, const Claim& claim, double claimed, double unit) {
  // Nothing is said to be 0 that is a half.
  if (claimed == 0 && claim.number.decimals == 0) return {};
  Slack slack{.low = unit / 2, .high = unit / 2};
  const size_t begin = claim.number.begin;
  const std::string before =
      lower_case(text.substr(begin - std::min<size_t>(begin, 24), std::min<size_t>(begin, 24)));
  const bool above = has_word(before, {"over ", "more than", "above ", "at least", "mehr als",
                                       "\xc3\xbc"
                                       "ber "});
  const bool below = has_word(before, {"nearly", "almost", "just under", "under ", "knapp", "fast ",
                                       "close to", "less than", "below "});
  const bool about = has_word(before, {"about", "roughly", "around", "approx", "some ", "circa",
                                       "ca. ", "etwa", "rund", "ungef\xc3\xa4hr", "gut "}) ||
                     before.find('~') != before.npos || before.find("\xe2\x89\x88") != before.npos;
  if (!above && !below && !about) return slack;
  double rounded = unit;
  int digits = 0;
  if (claim.number.decimals == 0 && claimed >= 1 && claimed < 1e15) {
    double whole = claimed;
    while (std::fmod(whole, 10) == 0) {
      whole /= 10;
      rounded *= 10;
    }
    for (double rest = whole; rest >= 1; rest /= 10) ++digits;
    // "about 1,000" says less than it may: at most a twentieth off.
    if (digits == 1) rounded = std::min(rounded, claimed / 10);
    rounded = std::max(rounded, unit);
  }
  if (about) slack = {.low = rounded / 2, .high = rounded / 2};
  if (above) slack.high = std::max(slack.high, rounded * 0.999999);
  if (below) slack.low = std::max(slack.low, rounded * 0.999999);
  return slack;
}

bool names_a_parameter(std::string_view text, size_t begin) {
  const size_t n = std::min<size_t>(begin, 24);
  return has_word(lower_case(text.substr(begin - n, n)), {"top ",
                                                          "first ",
                                                          "last ",
                                                          "best ",
                                                          "worst ",
                                                          "ersten ",
                                                          "letzten ",
                                                          "besten ",
                                                          "gr\xc3\xb6\xc3\x9ften ",
                                                          "than ",
                                                          "over ",
                                                          "under ",
                                                          "above ",
                                                          "below ",
                                                          "least ",
                                                          "most ",
                                                          "mindestens ",
                                                          "h\xc3\xb6"
                                                          "chstens ",
                                                          "\xc3\xbc"
                                                          "ber ",
                                                          "unter ",
                                                          "threshold",
                                                          "limit",
                                                          "bins",
                                                          "every ",
                                                          "within ",
                                                          "top-",
                                                          "window"});
}

bool names_a_difference(std::string_view text, size_t begin) {
  const size_t n = std::min<size_t>(begin, 24);
  std::string before = lower_case(text.substr(begin - n, n));
  while (!before.empty() && std::string_view(" *-$").find(before.back()) != std::string_view::npos)
    before.pop_back();
  for (const std::string_view words : {" by", "difference of", "gap of", "change of", "increase of",
                                       "decrease of", " um", "differenz von", "by about"})
    if (before.ends_with(words)) return true;
  return false;
}

bool is_ordinal(std::string_view text, const Spelled& number) {
  const std::string_view after = text.substr(number.end, 2);
  return number.decimals == 0 &&
         (after == "st" || after == "nd" || after == "rd" || after == "th") &&
         (number.end + 2 >= text.size() || !is_letter(text[number.end + 2]));
}

bool counts_lines(std::string_view text, const Spelled& number) {
  size_t i = number.begin;
  while (i > 0 && (text[i - 1] == ' ' || text[i - 1] == '*' || text[i - 1] == '#')) --i;
  if (i > 0 && text[i - 1] != '\n') return false;
  return number.decimals == 0 && number.end + 1 < text.size() &&
         (text[number.end] == '.' || text[number.end] == ')') &&
         (is_space(text[number.end + 1]) || text[number.end + 1] == '*');
}

bool is_rank(std::string_view text, const Spelled& number) {
  const size_t begin = line_begin(text, number.begin), end = line_end(text, number.begin);
  const std::string_view line = text.substr(begin, end - begin);
  if (!is_row(line) || line.front() != '|' ||
      text.substr(begin, number.begin - begin).find_first_not_of("| *#") != text.npos)
    return false;
  int row = 0;
  for (size_t at = table_begin(text, begin); at < begin; at = line_end(text, at) + 1) ++row;
  // Under the heading and the line below it.
  return number.value == row - 1 || number.value == row;
}

bool is_month(std::string_view word) {
  if (word.size() < 3) return false;
  const std::string lower = lower_case(word);
  for (const std::string_view month :
       {"january",     "february",  "march",   "april",    "may",      "june",     "july",
        "august",      "september", "october", "november", "december", "januar",   "februar",
        "m\xc3\xa4rz", "mai",       "juni",    "juli",     "oktober",  "dezember", "sept"})
    if (lower == month || (lower.size() == 3 && month.starts_with(lower))) return true;
  return false;
}

bool says_in(std::string_view text, const Claim& claim, std::string_view magnitude) {
  const size_t at = claim.number.begin, paragraph = text.rfind("\n\n", at);
  const size_t from =
      std::max(at - std::min(at, 4 * kScope), paragraph == text.npos ? 0 : paragraph);
  const std::string before = lower_case(text.substr(from, at - from)) + claim.context;
  if (magnitude == "thousand")
    return has_word(before, {"in thousand", "in tsd", "in tausend", "in k", "thousands of"}) ||
           before.find("(k") != before.npos || before.find("($k") != before.npos;
  if (magnitude == "million")
    return has_word(before, {"in million", "in mio", "millions of"}) ||
           before.find("(m)") != before.npos;
  return has_word(before, {"in billion", "in mrd", "in milliarden"});
}

std::string_view word_at(std::string_view text, size_t i) {
  size_t begin = i, end = i;
  while (begin > 0 && !is_space(text[begin - 1]) && text[begin - 1] != '|') --begin;
  while (end < text.size() && !is_space(text[end]) && text[end] != '|') ++end;
  return stripped(text.substr(begin, end - begin));
}

std::string_view word_before(std::string_view text, size_t begin) {
  while (begin > 0 && (text[begin - 1] == ' ' || text[begin - 1] == '*' || text[begin - 1] == '#' ||
                       text[begin - 1] == '.'))
    --begin;
  size_t first = begin;
  while (first > 0 && is_letter(text[first - 1])) --first;
  return text.substr(first, begin - first);
}

std::string_view word_behind(std::string_view text, size_t end) {
  while (end < text.size() && (text[end] == ' ' || text[end] == '*' || text[end] == '.')) ++end;
  return letters_at(text, end);
}

std::string owner_of(std::string_view text, const Claim& claim) {
  if (claim.in_table) {
    const std::string_view line =
        text.substr(claim.scope_begin, claim.scope_end - claim.scope_begin);
    for (int cell = line.front() == '|' ? 1 : 0; cell < claim.column; ++cell) {
      const std::string_view name = stripped(cell_of(line, cell));
      std::string_view inner = name;
      while (!inner.empty() && inner.front() == ' ') inner.remove_prefix(1);
      while (!inner.empty() && inner.back() == ' ') inner.remove_suffix(1);
      inner = stripped(inner);
      const bool rank = std::all_of(inner.begin(), inner.end(), is_digit);
      if (!inner.empty() && !rank) return lower_case(inner);
    }
    return {};
  }
  // Marks, a currency, a sign and one small word may stand between.
  std::string_view before = text.substr(claim.scope_begin, claim.number.begin - claim.scope_begin);
  const auto marks = [&] {
    while (!before.empty() && (std::string_view(" *_:=($-").find(before.back()) != before.npos ||
                               before.ends_with("\xe2\x82\xac") || before.ends_with("\x92"))) {
      if (before.ends_with("\xe2\x82\xac") || before.ends_with("\xe2\x88\x92"))
        before.remove_suffix(2);
      before.remove_suffix(1);
    }
  };
  marks();
  for (int i = 0; i < 3; ++i)
    for (const std::string_view small :
         {" is", " it", " has", " bei", " had", " about", " rund", " =", " roughly", " around"})
      if (lower_case(before.substr(before.size() - std::min(before.size(), small.size()))) ==
          small) {
        before.remove_suffix(small.size());
        marks();
      }
  // The last words of a name, as far as letters, digits and hyphens go; capitals or a list's point
  // tell a name from other words, which labels are compared with anyway.
  size_t begin = before.size();
  while (begin > 0 && !is_space(before[begin - 1]) &&
         std::string_view("*_(:,;|").find(before[begin - 1]) == before.npos)
    --begin;
  const std::string_view owner = stripped(before.substr(begin));
  return owner == "it" || owner == "It" ? "" : lower_case(owner);
}

int count_of_lines(std::string_view text) {
  int points = 0, rows = 0;
  for (size_t begin = 0; begin < text.size(); begin = line_end(text, begin) + 1) {
    std::string_view line = text.substr(begin, line_end(text, begin) - begin);
    while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
    if (is_row(line))
      ++rows;
    else if (line.starts_with("- ") || line.starts_with("* ") || line.starts_with("\xe2\x80\xa2") ||
             (!line.empty() && is_digit(line.front()) && line.find_first_of(".)") < 3))
      ++points;
  }
  return points > 0 ? points : rows > 2 ? rows - 2 : 0;
}

int count_of_names(std::string_view text, const Claim& claim) {
  if (claim.in_table || claim.scope_end <= claim.number.end) return 0;
  std::string_view rest = text.substr(claim.number.end, claim.scope_end - claim.number.end);
  int names = 0;
  while (!rest.empty()) {
    size_t end = rest.size(), mark = 0;
    for (const std::string_view one : {", and ", ", und ", ", ", " and ", " und "})
      if (const size_t at = rest.find(one); at < end) {
        end = at;
        mark = one.size();
      }
    // Longer than a name: what follows a comma is a clause.
    const std::string_view item = rest.substr(0, end);
    if (names > 0 && std::count(item.begin(), item.end(), ' ') > 3) return 0;
    ++names;
    rest.remove_prefix(std::min(rest.size(), end + mark));
  }
  return names > 1 ? names : 0;
}

}  // namespace agent
