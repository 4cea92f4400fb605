// Months, weekdays, numbers and dates written as text sort wrongly by their letters. The first
// reading that fits every name counts.
#include "tools/vega/natural_order.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>

#include "base/text.h"
#include "tools/vega/calendar.h"
#include "tools/vega/datum.h"

namespace tools::vega {
namespace {

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text) out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

template <size_t N>
std::optional<double> place_of(std::string_view name, const char* const (&names)[N]) {
  const std::string text = lower(name);
  for (size_t i = 0; i < N; ++i)
    if (text == names[i] || (text.size() == 3 && std::string_view(names[i]).starts_with(text)))
      return static_cast<double>(i);
  return std::nullopt;
}

std::optional<double> month(std::string_view name) {
  static const char* const names[] = {"january",   "february", "march",    "april",
                                      "may",       "june",     "july",     "august",
                                      "september", "october",  "november", "december"};
  return place_of(name, names);
}

std::optional<double> weekday(std::string_view name) {
  static const char* const names[] = {"monday", "tuesday",  "wednesday", "thursday",
                                      "friday", "saturday", "sunday"};
  return place_of(name, names);
}

std::optional<double> number(std::string_view name) {
  if (name.empty() || name.size() > 32 || name.find_first_not_of("0123456789+-.eE") != name.npos)
    return std::nullopt;
  const std::string text(name);
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return *end == '\0' && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

// "2014 Q1", "2014-Q1", "Q1 2014".
std::optional<double> quarter_of_year(std::string_view name) {
  if (name.size() != 7) return std::nullopt;
  const bool first = name[0] == 'Q' || name[0] == 'q';
  const std::string_view year = first ? name.substr(3) : name.substr(0, 4);
  const std::string_view part = first ? name.substr(0, 2) : name.substr(5);
  if (!std::all_of(year.begin(), year.end(), base::is_digit)) return std::nullopt;
  if ((part[0] != 'Q' && part[0] != 'q') || part[1] < '1' || part[1] > '4') return std::nullopt;
  const int first_month = 3 * (part[1] - '1');
  return date_from_parts({.year = text_number(year), .month = static_cast<double>(first_month)},
                         Zone::utc);
}

}  // namespace

std::optional<double> date_in_name(std::string_view name) {
  if (name.size() > 40) return std::nullopt;
  if (const std::optional<double> quarter = quarter_of_year(name)) return quarter;
  bool year = false;
  for (size_t i = 0; i < name.size();) {
    size_t end = i;
    if (base::is_digit(name[i])) {
      while (end < name.size() && base::is_digit(name[end])) ++end;
      year |= end - i == 4;
    } else if (std::isalpha(static_cast<unsigned char>(name[i]))) {
      while (end < name.size() && std::isalpha(static_cast<unsigned char>(name[end]))) ++end;
      const std::string word = lower(name.substr(i, end - i));
      if (!month(word) && word != "t" && word != "z" && word != "am" && word != "pm")
        return std::nullopt;
    } else {
      end = i + 1;
    }
    i = end;
  }
  if (!year) return std::nullopt;
  const double ms = parse_date(name);
  return std::isfinite(ms) ? std::optional(ms) : std::nullopt;
}

std::optional<NaturalOrder> natural_order(const std::vector<std::string>& names) {
  if (names.size() < 2) return std::nullopt;
  struct Reading {
    const char* kind;
    bool cyclic;
    std::optional<double> (*read)(std::string_view);
  };
  for (const Reading& reading :
       {Reading{"months", true, month}, Reading{"weekdays", true, weekday},
        Reading{"numbers", false, number}, Reading{"dates", false, date_in_name}}) {
    // What the alphabet did is nobody's choice of a beginning: April, August, December, February.
    const bool alphabetical = std::is_sorted(names.begin(), names.end());
    NaturalOrder order{.kind = reading.kind, .cyclic = reading.cyclic && !alphabetical, .keys = {}};
    for (const std::string& name : names) {
      const std::optional<double> key = reading.read(name);
      if (!key) break;
      order.keys.push_back(*key);
    }
    if (order.keys.size() == names.size()) return order;
  }
  return std::nullopt;
}

bool is_in_order(const NaturalOrder& order) {
  size_t falls = 0, rises = 0;
  const size_t n = order.keys.size();
  const size_t steps = order.cyclic ? n : n - 1;
  for (size_t i = 0; i < steps && n > 1; ++i) {
    const double a = order.keys[i], b = order.keys[(i + 1) % n];
    falls += b < a;
    rises += b > a;
  }
  const size_t allowed = order.cyclic ? 1 : 0;  // where the circle closes
  return falls <= allowed || rises <= allowed;
}

}  // namespace tools::vega
