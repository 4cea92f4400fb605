#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace tools::file {

/// What the placeholders of a name template stand for.
struct NameFacts {
  std::string name{};                   ///< of the file, with its extension
  std::vector<std::string> captures{};  ///< {1} is the first
  int64_t counter = 1;                  ///< {n}
  int64_t mtime_ns = 0;                 ///< {date}, in UTC
};

/// A new name from a template. Placeholders: {1} … {99}, {stem}, {ext} (with its dot), {name}, {n}
/// and {n:3} (with leading zeros), {date} (2024-05-31) and {date:%Y%m}; of texts also {stem:lower},
/// {1:upper}. {{ and }} are braces. Errors: usage, with the placeholder.
base::Result<std::string> fill_template(const std::string& who, const std::string& text,
                                        const NameFacts& facts);

/// A time in UTC by strftime's letters Y y m d H M S j B b A a V G and %; others are an error.
/// Errors: usage.
base::Result<std::string> format_time(const std::string& who, const std::string& format,
                                      int64_t time_ns);

}  // namespace tools::file
