#pragma once

#include <string>
#include <string_view>

namespace sandbox {

struct DiffBounds {
  size_t input_bytes = 1 << 20;    ///< of each text
  size_t input_lines = 10'000;     ///< of each text, after the common beginning and end
  size_t output_bytes = 64 << 10;  ///< what is longer is cut at a line, and says so
};

/// Whether it is not to be shown as lines: it holds a zero byte, or is not UTF-8.
bool is_binary(std::string_view text);

/// A unified diff with three lines of context and a `---`, `+++` head; "" if they are equal. For
/// binary or too long texts one sentence with the sizes. Control characters other than tab come out
/// as `?`, so that a file cannot steer the terminal that shows it.
std::string unified_diff(std::string_view old_text, std::string_view new_text,
                         std::string_view old_name, std::string_view new_name,
                         const DiffBounds& bounds = {});

}  // namespace sandbox
