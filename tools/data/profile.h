#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tools/data/engine.h"
#include "tools/data/source.h"

namespace tools::data {

struct ColumnProfile {
  Column column{};
  uint64_t distinct = 0;  ///< different values; counting stops at 2,000,000
  uint64_t missing = 0;
  Cell min{}, max{};                  ///< numbers and dates
  std::vector<std::string> values{};  ///< the first 64 different texts
};

/// What is known of one file of the workspace before anybody asks about it.
struct Profile {
  std::string path{};
  std::string text{};  ///< what the model reads
  std::vector<ColumnProfile> columns{};
  uint64_t rows = 0;
  std::string error{};  ///< why it is not a table; empty if it is one
  std::string note{};   ///< for people: an assumption made while reading
};

/// Reads all of the file. Never fails: a file that cannot be read has an error and a text that says
/// so.
/// engine: reads Parquet; without it such a file is no table.
Profile profile_of(const std::string& path, const std::shared_ptr<Engine>& engine = nullptr);

/// The text of a table's profile.
std::string profile_text(const Profile& profile);

/// The event of the worker: {"type":"profile","path",…}.
nlohmann::json profile_event(const Profile& profile);

/// The end of a column's range: a number, a date's text, or null for anything else.
nlohmann::json end_json(const Cell& cell);

}  // namespace tools::data
