#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tools/data/table.h"

namespace tools::data {

/// What is known of a column after one look at every value.
struct ColumnFacts {
  Column column{};
  std::string unit{};  ///< from the header: "kg" of weight_kg, "EUR" of "price (EUR)"
  uint64_t known = 0, missing = 0;
  uint64_t distinct = 0;
  bool about = false;  ///< distinct is an estimate (1 %), as from 32,768 different values on
  Cell min{}, max{};   ///< numbers and dates
  double mean = 0, low_quartile = 0, median = 0, high_quartile = 0;  ///< numbers
  bool sampled = false;               ///< quartiles and outliers are those of 16,384 values
  uint64_t outliers = 0;              ///< further than 3 quartile ranges from the middle half
  std::vector<std::string> values{};  ///< texts: the most frequent, at most 3
};

/// A file as a person should know it before using it.
struct Facts {
  std::string path{};
  uint64_t rows = 0;
  std::vector<ColumnFacts> columns{};
  std::vector<std::string>
      notes{};  ///< what reading assumed, and what looks wrong; a sentence each
};

/// Errors: as open_table.
base::Result<Facts> facts_of(const std::shared_ptr<Engine>& engine, const std::string& path,
                             const std::string& who);

/// A row per column of the file: column, type, unit, missing, distinct, min, max, mean, median,
/// outliers.
Table facts_table(const std::shared_ptr<Engine>& engine, const Facts& facts);

/// For a terminal: a heading, an aligned table, the notes. At most 1,000 columns.
std::string facts_text(const Facts& facts);

/// {"path", "rows", "columns": [{"name", "type", …}], "notes": […]}.
nlohmann::json facts_json(const Facts& facts);

/// The unit that a header names, or nothing.
std::string unit_of(const std::string& header);

}  // namespace tools::data
