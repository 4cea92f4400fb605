#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "tools/vega/datum.h"

namespace tools::vega {

/// Rows that agree in some fields, in order of first appearance.
struct Groups {
  std::vector<std::string> names;              ///< of the grouping columns
  std::vector<std::vector<Row>> values;        ///< per group, of the grouping columns
  std::vector<std::vector<uint32_t>> members;  ///< per group, indices of rows in order
};
/// Without fields there is one group, also where there are no rows.
base::Result<Groups> group_rows(const Rows& rows, const std::vector<std::string>& fields);

/// Field paths to Fields. Errors: usage.
base::Result<std::vector<Field>> parse_fields(const std::vector<std::string>& paths);

/// Numbers of a field: null, empty and NaN left out, texts parsed.
std::vector<double> numbers_of(const Rows& rows, const std::vector<uint32_t>& members,
                               const Field& field);
/// Whether aggregates count the value as missing (null or empty text).
bool is_missing(const Row* value);

}  // namespace tools::vega
