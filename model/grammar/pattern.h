#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace model {

/// How the characters of a string are written: as they are (Gemma's calls), or inside a JSON string
/// with `"`, `\` and control characters escaped, each in the one way that a JSON writer does it.
enum class Spelling : uint8_t { plain, json };

/// A regular expression as JSON Schema has it: ECMA-262 with the `u` flag, found anywhere in a
/// text. Understood are characters, escapes, classes, groups, alternatives, repetitions, `\p{…}`
/// and anchors at the ends; not look-around, back references and word boundaries, which a regular
/// language lacks.
class Pattern {
 public:
  /// Errors: usage (says what in the pattern isn't understood).
  static base::Result<Pattern> parse(std::string_view text);

  /// A regular expression of the grammar engine, without slashes around it, for the whole texts in
  /// which this pattern is found. Errors: usage.
  base::Result<std::string> regex(Spelling spelling) const;

  /// Whether it is found in `text`, valid UTF-8. Errors: usage (`\p{…}` isn't looked up here).
  base::Result<bool> found_in(std::string_view text) const;

  /// A part of the pattern; the tree is at most kMaxDepth deep.
  struct Node {
    enum class Kind : uint8_t { set, sequence, choice, repeat, begin, end };
    Kind kind = Kind::sequence;
    std::vector<std::pair<uint32_t, uint32_t>> ranges = {};  ///< of a set: sorted, apart
    std::vector<std::string> classes = {};                   ///< of a set: `\p{L}`, …
    bool negated = false;                                    ///< of a set with classes
    std::vector<Node> children = {};
    int least = 0, most = -1;  ///< of a repeat; most -1: no end
  };

 private:
  explicit Pattern(Node root) : root_(std::move(root)) {}
  Node root_;
};

/// A regular expression for one character of a string.
std::string_view any_character(Spelling spelling);

/// The code points of valid UTF-8.
std::vector<uint32_t> code_points(std::string_view text);

}  // namespace model
