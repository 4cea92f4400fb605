#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tools::data {

struct Civil {
  int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
};

/// Ways a column can write its dates; strptime's letters.
enum class DateFormat : uint8_t {
  iso,                   ///< 2014-03-05, 2014-03-05 14:30, 2014-03-05T14:30:00.5Z
  month_day,             ///< %m/%d/%Y
  day_month,             ///< %d/%m/%Y
  mon_day_year,          ///< %b %d %Y
  day_mon_year,          ///< %d %b %Y
  month_day_comma_year,  ///< %B %d, %Y
  dotted,                ///< %d.%m.%Y
  slashed,               ///< %Y/%m/%d
  year_month,            ///< %Y-%m
};
inline constexpr int kDateFormats = 9;

/// Micros since 1970 of a date and time that exist; nothing otherwise (30 February).
std::optional<int64_t> micros_of(const Civil& civil);
Civil civil_of(int64_t micros);

/// The whole of `text` in one format. Errors: nothing.
std::optional<int64_t> parse_date(DateFormat format, std::string_view text);

/// What a script may compare a date with: [begin, end) of a year "2014", month "2014-03", day or
/// instant.
struct DateRange {
  int64_t begin = 0, end = 0;
};
std::optional<DateRange> parse_range(std::string_view text);

}  // namespace tools::data
