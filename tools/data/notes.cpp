#include "tools/data/notes.h"

#include "base/text.h"
#include "tools/data/value.h"

namespace tools::data {
namespace {

constexpr size_t kExamples = 3;

bool any_date(std::string_view field) {
  for (int i = 0; i < kDateFormats; ++i)
    if (parse_date(static_cast<DateFormat>(i), field)) return true;
  return false;
}

// 1 to 3 digits, then groups of a comma or point and three digits.
bool in_threes(std::string_view field) {
  if (!field.empty() && (field[0] == '-' || field[0] == '+')) field.remove_prefix(1);
  const size_t n = field.find_first_of(",.");
  if (n == field.npos || n == 0 || n > 3 || (field.size() - n) % 4 != 0) return false;
  for (size_t i = 0; i < field.size(); ++i)
    if (i >= n && (i - n) % 4 == 0 ? field[i] != field[n] : !base::is_digit(field[i])) return false;
  return true;
}

std::string shortened(std::string_view field) {
  std::string text = to_utf8(field.substr(0, 200));
  const size_t all = utf8_prefix(text, 24);
  if (all < text.size()) text = text.substr(0, utf8_prefix(text, 23)) + "…";
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return "\"" + text + "\"";
}

}  // namespace

void Mixture::count(Kind kind, std::string_view field, uint64_t at) {
  const auto k = static_cast<size_t>(kind);
  ++counts_[k];
  if (first_[k].size() < kExamples) first_[k].push_back({at, shortened(field)});
}

void Mixture::add(const Guess& guess, std::string_view field, uint64_t at) {
  if (is_missing(field)) return;
  if (two_ways_.at == 0 && guess.dates_differ()) two_ways_ = {at, shortened(field)};
  if (semicolons_ && only_threes_ && field.find_first_of(",.") != field.npos) {
    only_threes_ = in_threes(field);
    if (threes_.at == 0) threes_ = {at, shortened(field)};
  }
  if (!guess.only_text()) {
    ++fitting_;
    before_ = guess.may_be_number() ? Kind::number : guess.may_be_date() ? Kind::date : Kind::other;
    return;
  }
  if (!struck_) {
    struck_ = true;
    counts_[static_cast<size_t>(before_)] = fitting_;
  }
  // Only what begins like a number or a date is looked at closely.
  const char first = field.empty() ? ' ' : field[0];
  const bool letter = (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z');
  // A date that begins with a letter has a month's name and a space.
  if (letter &&
      !(field.size() < 24 && base::is_digit(field.back()) && field.find(' ') != field.npos))
    return count(Kind::other, field, at);
  if (code_.at == 0 && is_code(field)) code_ = {at, shortened(field)};
  if (read_number(NumberStyle::decorated, field)) return count(Kind::number, field, at);
  if (field.size() < 40 && any_date(field)) return count(Kind::date, field, at);
  count(Kind::other, field, at);
}

std::string Mixture::examples(Kind not_of) const {
  std::vector<const Example*> shown;
  for (const Kind kind : {Kind::other, Kind::number, Kind::date})
    if (kind != not_of)
      for (const Example& e : first_[static_cast<size_t>(kind)]) shown.push_back(&e);
  std::string out;
  for (size_t i = 0; i < shown.size() && i < kExamples; ++i)
    out += (i ? ", " : "") + std::string(place_) + " " + std::to_string(shown[i]->at) + " " +
           shown[i]->text;
  return out;
}

std::string Mixture::note(const std::string& name, const Reading& reading) const {
  if (reading.type == Type::date && reading.ambiguous_dates)
    return name + " was read as month/day/year; as day/month/year it would give other dates (" +
           place_ + " " + std::to_string(two_ways_.at) + " " + two_ways_.text + ")";
  if (reading.type == Type::number && only_threes_ && threes_.at > 0)
    return name + " was read with decimals; " + threes_.text + " in " + place_ + " " +
           std::to_string(threes_.at) + " could also be thousands";
  if (reading.type != Type::text || !struck_) return {};
  const uint64_t all = counts_[0] + counts_[1] + counts_[2];
  const auto others = [&](Kind kind, const char* noun) {
    const uint64_t n = all - counts_[static_cast<size_t>(kind)];
    return name + " is text: " + std::to_string(n) + " of " + counted(all, "value") +
           (n == 1 ? " is no " : " are no ") + noun + (n == 1 ? " (" : "s (") + examples(kind) +
           (n > kExamples ? ", …)" : ")");
  };
  if (counts_[0] * 2 >= all && counts_[0] > 1) {
    if (counts_[0] < all) return others(Kind::number, "number");
    if (code_.at > 0)
      return code_.text.size() > 17
                 ? name + " is text: " + place_ + " " + std::to_string(code_.at) +
                       " has more digits than a number keeps (" + code_.text + ")"
                 : name + " is text: " + place_ + " " + std::to_string(code_.at) +
                       " begins with a zero (" + code_.text + ")";
    return name + " is text: its numbers are written in more than one way (" +
           examples(Kind::other) + ")";
  }
  if (counts_[1] * 2 >= all && counts_[1] > 1)
    return counts_[1] < all ? others(Kind::date, "date")
                            : name + " is text: its dates are written in more than one way (" +
                                  examples(Kind::other) + ")";
  return {};
}

}  // namespace tools::data
