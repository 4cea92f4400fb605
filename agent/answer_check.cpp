// What a run has seen is kept as values, whatever text they stood in; parts of dates and names are
// kept apart, so that the 21 of a date vouches for no sum of 21. Tracer then goes over an answer
// twice: first each number is looked for among the values, then what was not found is worked out
// from those that were, if the words around it say how (derivation.h).

#include "agent/answer_check.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "agent/derivation.h"
#include "agent/number_context.h"
#include "agent/number_units.h"

namespace agent {
namespace {

constexpr size_t kMaxKept = 200'000;
constexpr size_t kMaxMissing = 20;
constexpr size_t kMaxClaims = 2000;
constexpr size_t kMaxWord = 200;
constexpr size_t kMaxLabel = 80, kMaxRowLabels = 6, kMaxRows = 20'000;
constexpr size_t kMaxPlaces = 16;  // of one value
constexpr size_t kFirstValues = 4;
constexpr size_t kMostNear = 5000;  // values that a rounded number is compared with
constexpr double kMostCounted = 10'000;

bool separator(std::string_view text, size_t i) {
  const char c = text[i];
  if (is_space(c) || std::string_view(";|\"`()[]{}<>=").find(c) != std::string_view::npos)
    return true;
  const bool between =
      i > 0 && i + 1 < text.size() && is_digit(text[i - 1]) && is_digit(text[i + 1]);
  return c == ',' || ((c == ':' || c == '\'') && !between);
}

std::string key_of(std::string_view word, std::string_view digits) {
  return lower_case(word) + std::string(digits);
}

}  // namespace

/// What the cells of a row with commas name, by which rows are told apart.
int SeenNumbers::row_of(std::string_view line) {
  if (rows_.size() >= kMaxRows || line.find(", ") != line.npos) return -1;
  std::vector<std::string> names;
  bool numbers = false;
  for (size_t begin = 0; begin < line.size() && names.size() < kMaxRowLabels;) {
    const size_t end = std::min(line.find(',', begin), line.size());
    const std::string label = lower_case(stripped(line.substr(begin, end - begin)));
    const bool number = std::any_of(label.begin(), label.end(), is_digit) && !is_name(label);
    numbers = numbers || number;
    if (!label.empty() && label.size() <= kMaxLabel && !number) names.push_back(label);
    begin = end + 1;
  }
  // A heading names columns, not what its numbers are of.
  if (!numbers || names.empty()) return -1;
  std::vector<int> labels;
  for (const std::string& name : names)
    labels.push_back(labels_.emplace(name, static_cast<int>(labels_.size())).first->second);
  rows_.push_back(std::move(labels));
  return static_cast<int>(rows_.size()) - 1;
}

void SeenNumbers::add_value(double value, Place place) {
  std::vector<Place>& places = values_[value];
  if (places.size() < kMaxPlaces && std::find(places.begin(), places.end(), place) == places.end())
    places.push_back(place);
}

void SeenNumbers::add_word(Place place, std::string_view word, std::string_view before) {
  Spelled n;
  const size_t letters =
      static_cast<size_t>(std::find_if(word.begin(), word.end(), is_digit) - word.begin());
  size_t digits = 0;
  while (letters + digits < word.size() && is_digit(word[letters + digits])) ++digits;
  if (is_name(word)) {
    std::string_view name = word.substr(0, letters);
    while (!name.empty() && !is_letter(name.back())) name.remove_suffix(1);
    if (!name.empty()) names_.insert(key_of(name, word.substr(letters, digits)));
    for (size_t i = 0; next_spelled(word, i, Decimals::point, n); i = n.end)
      // 2014-08, but also 11.08.2014
      for (const double part :
           {n.value, std::trunc(n.value), std::round((n.value - std::trunc(n.value)) * 100)})
        if (name_parts_.size() < kMaxKept && part == std::trunc(part)) name_parts_.insert(part);
    return;
  }
  if (!next_spelled(word, 0, Decimals::point, n)) return;
  add_value(n.minus ? -n.value : n.value, place);
  if (steps_.back().first.size() < kFirstValues)
    steps_.back().first.push_back(n.minus ? -n.value : n.value);
  ++steps_.back().n_values;
  if (!before.empty() && n.decimals == 0)
    names_.insert(key_of(before, word.substr(letters, digits)));
  // 5kg
  std::string_view behind = word.substr(n.end);
  if (find_unit(behind) != nullptr) units_.emplace(find_unit(behind)->name);
}

void SeenNumbers::add(int step, std::string_view text) {
  steps_.push_back({.step = step});
  bool first_has_digits = false;
  for (size_t begin = 0;
       begin < text.size() && values_.size() < kMaxKept && words_.size() < kMaxKept;) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    if (steps_.back().lines++ == 0)
      first_has_digits = std::any_of(line.begin(), line.end(), is_digit);
    const Place place{.step = step, .row = step > 0 ? row_of(line) : -1};
    std::string_view before;  // the word before, if only a space stands between
    for (size_t at = 0; at < line.size();) {
      if (separator(line, at)) {
        if (line[at] != ' ') before = {};
        ++at;
        continue;
      }
      size_t stop = at;
      while (stop < line.size() && !separator(line, stop)) ++stop;
      const std::string_view word = stripped(line.substr(at, stop - at));
      at = stop;
      if (word.empty() || word.size() > kMaxWord) continue;
      if (std::any_of(word.begin(), word.end(), is_digit)) {
        words_.emplace(word);
        add_word(place, word, before);
        before = {};
        continue;
      }
      if (const int n = number_word(word); n > 0) parameters_.insert(n);
      // The unit of weight_kg and of "price (kg)"; a word alone only behind a number.
      const size_t underscore = word.find_last_of("_/");
      const std::string_view last = underscore == word.npos ? word : word.substr(underscore + 1);
      const auto start = static_cast<size_t>(word.data() - line.data());
      const bool marked = underscore != word.npos ||
                          (start > 0 && (line[start - 1] == '(' || line[start - 1] == '['));
      const bool behind = start > 1 && line[start - 1] == ' ' && is_digit(line[start - 2]);
      if (marked || behind)
        if (const Unit* unit = find_unit(last)) units_.emplace(unit->name);
      if (marked || magnitude_of(last, false) > 1)
        if (const double m = magnitude_of(last, marked); m > 1)
          units_.emplace(m == 1e3 ? "thousand" : m == 1e6 ? "million" : "billion");
      before = word;
    }
    // Thousands set apart, which were read as cells above; decimal commas where no comma parts
    // cells.
    Spelled n;
    for (const Decimals style : {Decimals::point, Decimals::comma}) {
      if (style == Decimals::comma &&
          (decimals_of(line) != style || line.find_first_of(" ;\t") == line.npos))
        continue;
      for (size_t i = 0; next_spelled(line, i, style, n); i = n.end)
        if (n.grouped || (style == Decimals::comma && n.decimals > 0))
          add_value(n.minus ? -n.value : n.value, place);
    }
  }
  // Words as whitespace parts them, for names with marks in them.
  for (size_t begin = 0; begin < text.size() && words_.size() < kMaxKept;) {
    while (begin < text.size() && is_space(text[begin])) ++begin;
    size_t end = begin;
    while (end < text.size() && !is_space(text[end])) ++end;
    const std::string_view word = stripped(text.substr(begin, end - begin));
    if (word.size() <= kMaxWord && std::any_of(word.begin(), word.end(), is_digit))
      words_.emplace(word);
    begin = end;
  }
  Step& last = steps_.back();
  last.rows = last.lines - (!first_has_digits && last.lines > 1 ? 1 : 0);
}

void SeenNumbers::add_parameters(std::string_view text) {
  Spelled n;
  for (size_t i = 0; parameters_.size() < kMaxKept && next_spelled(text, i, Decimals::point, n);
       i = n.end)
    parameters_.insert(n.value);
}

void SeenNumbers::add_value(int step, double value) {
  if (values_.size() < kMaxKept) add_value(value, {.step = step});
}

/// Goes over one answer.
class Tracer {
 public:
  Tracer(const SeenNumbers& seen, std::string_view answer)
      : seen_(seen), answer_(answer), style_(decimals_of(answer)) {}

  AnswerTrace trace() {
    Spelled n;
    for (size_t i = 0; claims_.size() < kMaxClaims && next_spelled(answer_, i, style_, n);
         i = claims_.empty() ? n.end : std::max(n.end, resume_)) {
      if (!is_claim(n)) continue;
      Claim claim = claim_of(answer_, n);
      find(claim);
      resume_ = claim.number.end;
      if (!claim.found && split(n)) continue;
      claims_.push_back(std::move(claim));
    }
    for (size_t i = 0; i < claims_.size(); ++i)
      if (!claims_[i].found) derive(answer_, claims_, claims_[i], small_steps());
    number_words();
    AnswerTrace trace;
    for (const Claim& claim : claims_) {
      const std::string spelled(
          answer_.substr(claim.number.begin, claim.number.end - claim.number.begin));
      if (claim.found)
        trace.traced.push_back(
            {(claim.number.minus ? "-" : "") + spelled, claim.value, claim.step, claim.how});
      else if (trace.missing.size() < kMaxMissing &&
               std::find(trace.missing.begin(), trace.missing.end(), spelled) ==
                   trace.missing.end())
        trace.missing.push_back(spelled);
    }
    return trace;
  }

 private:
  /// Names, dates and what counts lines say nothing that could be wrong.
  bool is_claim(const Spelled& n) const {
    if (is_ordinal(answer_, n) || counts_lines(answer_, n) || is_rank(answer_, n)) return false;
    const std::string_view word = word_at(answer_, n.begin);
    const std::string_view spelled = answer_.substr(n.begin, n.end - n.begin);
    if (is_name(word)) {
      if (seen_.words_.contains(word)) return false;
      // Q1, CO2: a name of its own.
      const auto at =
          static_cast<size_t>(n.begin - static_cast<size_t>(word.data() - answer_.data()));
      std::string_view name = word.substr(0, at);
      const bool letter = !name.empty() && is_letter(name.back());
      while (!name.empty() && !is_letter(name.back())) name.remove_suffix(1);
      if (!name.empty() && seen_.names_.contains(key_of(name, spelled))) return false;
      if (letter && spelled.size() <= 2) return false;
      if (seen_.name_parts_.contains(n.value)) return false;
    }
    const std::string_view before = word_before(answer_, n.begin),
                           behind = word_behind(answer_, n.end);
    if (n.decimals == 0 && !before.empty() && seen_.names_.contains(key_of(before, spelled)) &&
        !is_month(before))
      return false;
    const bool year = n.decimals == 0 && !n.grouped && !n.minus && n.value >= 1000 &&
                      n.value < 3000 && find_unit(behind) == nullptr &&
                      magnitude_of(behind, false) == 1;
    const bool day = n.value <= 31 && n.decimals == 0 && (is_month(before) || is_month(behind));
    return !((year || day) && seen_.name_parts_.contains(n.value));
  }

  /// What the answer gives a number to, if it says so plainly and a row names it; else -1.
  int label_of(const Claim& claim) const {
    if (names_a_difference(answer_, claim.number.begin)) return kNoProfile;
    const std::string label = owner_of(answer_, claim);
    const auto known = seen_.labels_.find(label);
    return label.empty() || known == seen_.labels_.end() ? -1 : known->second;
  }

  struct Found {
    double value;
    int step;
  };

  static constexpr int kNoProfile = -2;

  /// Whether a number that the answer gives to what `label` names may come from there: not from a
  /// row that names something else, and not from a request or profile.
  bool may_be_of(int label, const SeenNumbers::Place& place) const {
    if (label == -1) return true;
    if (place.step == 0) return false;
    if (label == kNoProfile || place.row < 0) return true;
    const std::vector<int>& labels = seen_.rows_[static_cast<size_t>(place.row)];
    return std::find(labels.begin(), labels.end(), label) != labels.end();
  }

  /// The value that was seen next to `value`, at most low below or high above it.
  std::optional<Found> near(double value, double low, double high, int label) const {
    const double slack = 1e-11 * std::abs(value);
    auto it = seen_.values_.lower_bound(value - low - slack);
    std::optional<Found> best;
    for (size_t n = 0;
         it != seen_.values_.end() && it->first <= value + high + slack && n < kMostNear; ++it, ++n)
      for (const SeenNumbers::Place& place : it->second)
        if (may_be_of(label, place) &&
            (!best || std::abs(it->first - value) <= std::abs(best->value - value)))
          best = Found{it->first, place.step};
    return best;
  }

  /// Tries one reading: claimed * scale is looked for with the claim's sign, and stands for
  /// scale / shown_as in the claim's own unit.
  bool try_value(Claim& claim, double claimed, double unit, double factor, const char* how) {
    const double value = claimed * factor;
    if (!std::isfinite(value)) return false;
    const Slack slack = slack_of(answer_, claim, claimed, unit);
    const int label = label_of(claim);
    std::optional<Found> found;
    if (!claim.number.minus || claim.number.dash)
      found = near(value, slack.low * factor, slack.high * factor, label);
    if (!found && (claim.number.minus || has_cue(claim.context, Cue::decrease) || value == 0))
      found = near(-value, slack.high * factor, slack.low * factor, label);
    if (!found) return false;
    claim.found = true;
    claim.value = found->value;
    claim.step = found->step;
    claim.base = found->value / factor * claim.magnitude;
    claim.how = how;
    claim.counted = found->step == 0 && whole(claim);
    if (std::string_view(how) == "as shown" &&
        std::abs(std::abs(found->value) - value) > 1e-9 * std::abs(value))
      claim.how = "rounded";
    return true;
  }

  bool try_readings(Claim& claim, double claimed, double unit) {
    const double m = claim.magnitude;
    // A unit that the files measure in another one of: what is meant must be converted.
    bool plain = true;
    if (claim.unit != nullptr) {
      bool same = false, family = false;
      for (const std::string& name : seen_.units_) {
        const Unit* seen = find_unit(name);
        if (seen == nullptr || seen->family != claim.unit->family) continue;
        family = true;
        same = same || seen->name == claim.unit->name;
      }
      // A script that multiplies or divides by what lies between the units has converted it itself.
      for (const std::string& name : seen_.units_)
        if (const Unit* seen = find_unit(name);
            seen != nullptr && seen->family == claim.unit->family)
          same = same || seen_.parameters_.contains(seen->factor / claim.unit->factor) ||
                 seen_.parameters_.contains(claim.unit->factor / seen->factor);
      plain = !family || same || claim.unit->family == 't';
      for (const std::string& name : seen_.units_) {
        const Unit* seen = find_unit(name);
        if (seen != nullptr && seen->family == claim.unit->family &&
            seen->name != claim.unit->name &&
            try_value(claim, claimed, unit, m * claim.unit->factor / seen->factor, "converted"))
          return true;
      }
    }
    if (plain && try_value(claim, claimed, unit, m, m > 1 ? "in other magnitude" : "as shown"))
      return true;
    if (claim.percent && try_value(claim, claimed, unit, 0.01, "percent of a share")) return true;
    if (!claim.percent && claimed <= 1 && unit <= 0.01 && has_cue(claim.context, Cue::share) &&
        try_value(claim, claimed, unit, 100, "share of a percentage"))
      return true;
    for (const auto& [name, factor] :
         {std::pair{"thousand", 1e3}, {"million", 1e6}, {"billion", 1e9}}) {
      // A column in thousands, said in full or in millions.
      if (seen_.units_.contains(name) && claimed * m >= factor / 10 &&
          try_value(claim, claimed, unit, m / factor, "in other magnitude"))
        return true;
      // A table of the answer in thousands.
      if (!claim.percent && m == 1 && says_in(answer_, claim, name) &&
          try_value(claim, claimed, unit, factor, "in other magnitude"))
        return true;
    }
    return false;
  }

  void find(Claim& claim) {
    Spelled comma;
    // Looked for first, since 12 alone may be what 12.5 rounds to.
    if (style_ == Decimals::point && with_decimal_comma(answer_, claim.number, comma)) {
      Claim other = claim_of(answer_, comma);
      if (try_readings(other, comma.value, std::pow(10.0, -comma.decimals))) {
        claim = std::move(other);
        return;
      }
    }
    const Spelled& n = claim.number;
    if (try_readings(claim, n.value, std::pow(10.0, -n.decimals))) return;
    const std::string spelled(answer_.substr(n.begin, n.end - n.begin));
    // Copied as it stands, with a decimal point among decimal commas.
    if (style_ == Decimals::comma && n.grouped && seen_.words_.contains(spelled)) {
      const double value = std::strtod(spelled.c_str(), nullptr);
      if (try_value(claim, value, 1e-9, 1, "as shown")) return;
    }
    if (whole(claim) && counts(claim, n.value)) return;
    const bool hyphen =
        n.end + 1 < answer_.size() && answer_[n.end] == '-' && is_letter(answer_[n.end + 1]);
    if (seen_.parameters_.contains(n.value) && (hyphen || names_a_parameter(answer_, n.begin)))
      settle(claim, n.value, 0, "set in the request or a call");
    if (claim.percent && n.value == 100 && !claim.found) settle(claim, 100, 0, "the whole");
  }

  static void settle(Claim& claim, double value, int step, std::string how) {
    claim.found = claim.counted = true;
    claim.value = claim.base = value;
    claim.step = step;
    claim.how = std::move(how);
  }

  /// A bare count of something.
  static bool whole(const Claim& claim) {
    return claim.number.decimals == 0 && !claim.number.minus && claim.magnitude == 1 &&
           !claim.percent && claim.unit == nullptr && !claim.currency &&
           claim.number.value <= kMostCounted && !claim.behind.empty();
  }

  /// Rows of a result, lines of a list or table of the answer, names in its sentence.
  bool counts(Claim& claim, double value) const {
    for (auto it = seen_.steps_.rbegin(); it != seen_.steps_.rend(); ++it)
      if (it->step > 0 && (value == it->rows || value == it->lines)) {
        settle(claim, value, it->step, "count of rows");
        return true;
      }
    if (value != count_of_lines(answer_) && value != count_of_names(answer_, claim)) return false;
    settle(claim, value, 0, "count of what the answer lists");
    return true;
  }

  /// "3,120,450" that is no number: a list of numbers, if each was seen.
  bool split(const Spelled& n) {
    if (style_ != Decimals::point || !n.grouped) return false;
    std::vector<Claim> parts;
    Spelled part;
    const std::string_view within = answer_.substr(0, n.end);
    for (size_t at = n.begin; at < n.end;) {
      size_t end = std::min(answer_.find(',', at), n.end);
      if (!next_spelled(answer_.substr(0, end), at, Decimals::point, part)) break;
      if (end - at > 1 && answer_[at] == '0') return false;
      parts.push_back(claim_of(within, part));
      if (!try_readings(parts.back(), part.value, std::pow(10.0, -part.decimals))) return false;
      at = end + 1;
    }
    claims_.insert(claims_.end(), parts.begin(), parts.end());
    return true;
  }

  std::vector<SmallStep> small_steps() const {
    std::vector<SmallStep> small;
    for (auto it = seen_.steps_.rbegin(); it != seen_.steps_.rend() && small.size() < 6; ++it)
      if (it->step > 0 && it->n_values >= 2 && it->n_values <= kFirstValues)
        small.push_back({it->step, it->first});
    return small;
  }

  /// "five shops"; two and three are said too often without counting anything.
  void number_words() {
    for (size_t begin = 0; begin < answer_.size() && claims_.size() < kMaxClaims;) {
      while (begin < answer_.size() && !is_letter(answer_[begin])) ++begin;
      size_t end = begin;
      while (end < answer_.size() && is_letter(answer_[end])) ++end;
      const int n = number_word(answer_.substr(begin, end - begin));
      if (n > 0) {
        Claim claim =
            claim_of(answer_, {.begin = begin, .end = end, .value = static_cast<double>(n)});
        if (!try_readings(claim, n, 1) && !counts(claim, n) && seen_.parameters_.contains(n))
          settle(claim, n, 0, "set in the request or a call");
        if (!claim.found) derive(answer_, claims_, claim, small_steps());
        if (claim.found || n > 3) claims_.push_back(std::move(claim));
      }
      begin = end;
    }
  }

  const SeenNumbers& seen_;
  std::string_view answer_;
  Decimals style_;
  std::vector<Claim> claims_;
  size_t resume_ = 0;
};

nlohmann::json numbers_event(const AnswerTrace& trace) {
  nlohmann::json numbers = nlohmann::json::array();
  for (const TracedNumber& one : trace.traced)
    numbers.push_back(
        {{"number", one.number}, {"step", one.step}, {"value", one.value}, {"how", one.how}});
  return {{"type", "numbers"}, {"numbers", numbers}, {"not_found", trace.missing}};
}

AnswerTrace SeenNumbers::trace(std::string_view answer) const {
  return Tracer(*this, answer).trace();
}

}  // namespace agent
