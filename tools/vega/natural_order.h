#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tools::vega {

/// Names that have an order of their own, other than that of the alphabet.
struct NaturalOrder {
  const char* kind = "";  ///< "months", "weekdays", "numbers" or "dates"
  bool cyclic =
      false;  ///< months and weekdays may begin anywhere, if it is not the alphabet that chose
  std::vector<double> keys;  ///< [names], ascending where the names stand in their order
};

/// How all of `names` can be read; nullopt where they are plain names. Months and weekdays in
/// English, whole or by three letters; "2014 Q1", "2014-03", "3/14/2014", "Mar 2014".
std::optional<NaturalOrder> natural_order(const std::vector<std::string>& names);

/// Whether `order.keys` rise or fall all along; cyclic ones from any beginning.
bool is_in_order(const NaturalOrder& order);

/// A date as people write it in names: it must have a year of four digits and no other words than
/// months. Milliseconds since 1970.
std::optional<double> date_in_name(std::string_view name);

}  // namespace tools::vega
