#include "agent/answer_check.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

namespace agent {
namespace {

constexpr size_t kMaxKept = 200'000;
constexpr size_t kMaxMissing = 20;

bool digit(char c) { return c >= '0' && c <= '9'; }
bool space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80;
}

struct Number {
  size_t begin = 0, end = 0;
  double value = 0;
  int decimals = 0;
};

size_t digits_from(std::string_view text, size_t i) {
  size_t n = 0;
  while (i + n < text.size() && digit(text[i + n])) ++n;
  return n;
}

/// What sets thousands apart at i (a comma, an apostrophe, a space that does not break): its bytes
/// if exactly three digits follow, else 0.
size_t group_mark(std::string_view text, size_t i) {
  size_t mark = 0;
  for (const std::string_view one : {",", "'", "\xc2\xa0", "\xe2\x80\xaf"})
    if (text.substr(i).starts_with(one)) mark = one.size();
  return mark > 0 && digits_from(text, i + mark) == 3 ? mark : 0;
}

/// The next number at or after `from`. grouped: "1,200" is one.
bool next_number(std::string_view text, size_t from, bool grouped, Number& out) {
  size_t i = from;
  while (i < text.size() && !digit(text[i])) ++i;
  if (i == text.size()) return false;
  out = {.begin = i};
  std::string spelled(text.substr(i, digits_from(text, i)));
  i += spelled.size();
  if (grouped && spelled.size() <= 3)
    while (const size_t mark = group_mark(text, i)) {
      spelled += text.substr(i + mark, 3);
      i += mark + 3;
    }
  if (i + 1 < text.size() && text[i] == '.' && digit(text[i + 1])) {
    const size_t n = digits_from(text, i + 1);
    spelled += text.substr(i, n + 1);
    out.decimals = static_cast<int>(std::min<size_t>(n, 15));
    i += n + 1;
  }
  // 1.5e+06
  size_t e = i;
  if (e < text.size() && (text[e] == 'e' || text[e] == 'E')) {
    ++e;
    if (e < text.size() && (text[e] == '+' || text[e] == '-')) ++e;
    const size_t n = digits_from(text, e);
    if (n > 0 && n <= 3) {
      spelled += text.substr(i, e + n - i);
      out.decimals -= std::atoi(std::string(text.substr(i + 1, e + n - i - 1)).c_str());
      i = e + n;
    }
  }
  out.end = i;
  out.value = std::strtod(spelled.substr(0, 400).c_str(), nullptr);
  return true;
}

std::string_view stripped(std::string_view word) {
  constexpr std::string_view kAround = "\"'`()[]{}<>*_:;,.!?%=";
  while (!word.empty() && kAround.find(word.front()) != kAround.npos) word.remove_prefix(1);
  while (!word.empty() && kAround.find(word.back()) != kAround.npos) word.remove_suffix(1);
  return word;
}

/// Calls `each` with the place of every word that holds a digit.
template <class Each>
void words_with_digits(std::string_view text, Each each) {
  for (size_t begin = 0; begin < text.size();) {
    while (begin < text.size() && space(text[begin])) ++begin;
    size_t end = begin;
    while (end < text.size() && !space(text[end])) ++end;
    const std::string_view word = stripped(text.substr(begin, end - begin));
    if (std::any_of(word.begin(), word.end(), digit))
      each(static_cast<size_t>(word.data() - text.data()), word);
    begin = end;
  }
}

/// What a number is multiplied by the word behind it: "1.2 million", "3k".
double scale_behind(std::string_view text, size_t i) {
  const bool apart = i < text.size() && text[i] == ' ';
  if (apart) ++i;
  size_t n = 0;
  while (i + n < text.size() && letter(text[i + n])) ++n;
  const std::string_view word = text.substr(i, n);
  if (word == "thousand" || (!apart && (word == "k" || word == "K"))) return 1e3;
  if (word == "million" || word == "mn" || (!apart && (word == "M" || word == "m"))) return 1e6;
  if (word == "billion" || word == "bn" || (!apart && word == "B")) return 1e9;
  return 1;
}

bool is_ordinal(std::string_view text, const Number& number) {
  const std::string_view after = text.substr(number.end, 2);
  return number.decimals == 0 &&
         (after == "st" || after == "nd" || after == "rd" || after == "th") &&
         (number.end + 2 >= text.size() || !letter(text[number.end + 2]));
}

/// "1." or "2)" at the beginning of a line.
bool counts_lines(std::string_view text, const Number& number) {
  size_t i = number.begin;
  while (i > 0 && (text[i - 1] == ' ' || text[i - 1] == '*' || text[i - 1] == '#')) --i;
  if (i > 0 && text[i - 1] != '\n') return false;
  return number.end + 1 < text.size() && (text[number.end] == '.' || text[number.end] == ')') &&
         (space(text[number.end + 1]) || text[number.end + 1] == '*');
}

}  // namespace

void SeenNumbers::add(std::string_view text) {
  // Both ways, since "12,300" may be one number or two cells.
  for (const bool grouped : {true, false}) {
    Number number;
    for (size_t i = 0; values_.size() < kMaxKept && next_number(text, i, grouped, number);
         i = number.end)
      values_.insert(number.value);
  }
  words_with_digits(text, [&](size_t, std::string_view word) {
    if (words_.size() < kMaxKept && word.size() <= 200) words_.emplace(word);
  });
}

bool SeenNumbers::seen(double value, double tolerance) const {
  const double most = tolerance + 1e-9 * std::abs(value);
  const auto it = values_.lower_bound(value - most);
  return it != values_.end() && *it <= value + most;
}

std::vector<std::string> SeenNumbers::missing(std::string_view answer) const {
  std::vector<std::pair<size_t, size_t>> known;  // words as they were seen
  words_with_digits(answer, [&](size_t at, std::string_view word) {
    if (words_.contains(word)) known.emplace_back(at, at + word.size());
  });
  const auto fits = [&](const Number& n) {
    const double half = 0.5 * std::pow(10.0, -n.decimals);
    const double scale = scale_behind(answer, n.end);
    if (seen(n.value * scale, half * scale)) return true;
    const bool percent = answer.substr(n.end).starts_with("%") ||
                         answer.substr(n.end).starts_with(" %") ||
                         answer.substr(n.end).starts_with(" percent");
    return percent && seen(n.value / 100, half / 100);
  };
  std::vector<std::string> missing;
  Number n;
  for (size_t i = 0; missing.size() < kMaxMissing && next_number(answer, i, true, n); i = n.end) {
    const bool in_known_word = std::any_of(known.begin(), known.end(), [&](const auto& word) {
      return n.begin >= word.first && n.end <= word.second;
    });
    if (in_known_word || is_ordinal(answer, n) || counts_lines(answer, n)) continue;
    // A decimal comma; looked for first, since 12 alone may be what 12.5 rounds to.
    if (n.decimals == 0 && n.end + 1 < answer.size() && answer[n.end] == ',') {
      const size_t digits = digits_from(answer, n.end + 1);
      Number whole{.begin = n.begin, .end = n.end + 1 + digits};
      std::string spelled(answer.substr(n.begin, whole.end - n.begin));
      spelled[n.end - n.begin] = '.';
      whole.value = std::strtod(spelled.c_str(), nullptr);
      whole.decimals = static_cast<int>(std::min<size_t>(digits, 15));
      if (digits > 0 && fits(whole)) {
        n.end = whole.end;
        continue;
      }
    }
    if (fits(n)) continue;
    // Several numbers with commas between them.
    const std::string_view spelled = answer.substr(n.begin, n.end - n.begin);
    bool all = spelled.find(',') != spelled.npos;
    Number part;
    for (size_t k = n.begin; all && next_number(answer.substr(0, n.end), k, false, part);
         k = part.end)
      all = fits(part);
    if (all) continue;
    if (std::find(missing.begin(), missing.end(), spelled) == missing.end())
      missing.emplace_back(spelled);
  }
  return missing;
}

}  // namespace agent
