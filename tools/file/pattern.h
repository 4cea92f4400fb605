#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tools::file {

/// A glob or a regular expression, compiled. The work of one match is bounded whatever the pattern.
///
/// Globs: `*` any text without a slash, `**` any text, `**/` any folders or none, `?` one
/// character,
/// `[a-z]` and `[!a-z]` one of a set, `{a,b}` alternatives, `\` takes the next character as it is.
/// A wildcard at the beginning of a name does not match a dot there.
class Pattern {
 public:
  /// Errors: usage, one sentence with the pattern.
  static base::Result<Pattern> glob(const std::string& who, const std::string& text,
                                    bool ignore_case);
  /// Errors: usage, with the place of the mistake.
  static base::Result<Pattern> regex(const std::string& who, const std::string& text,
                                     bool ignore_case);

  /// Whether all of `text` (glob), or some of it (regex) matches.
  bool matches(std::string_view text) const;

  struct Match {
    size_t begin = 0, end = 0;          ///< bytes of the text
    std::vector<std::string> captures;  ///< what each wildcard or group matched, from 1 on at [0]
  };
  /// The first match. Errors: limit (too much work), not_found (none).
  base::Result<Match> match(std::string_view text) const;

 private:
  struct Code;
  explicit Pattern(std::shared_ptr<const Code> code) : code_(std::move(code)) {}
  static base::Result<Pattern> compile(const std::string& who, const std::string& shown,
                                       const std::string& expression, bool ignore_case);
  std::shared_ptr<const Code> code_;  // never changes: copies of a Pattern share it
};

/// Whether a text has characters that mean something in a glob.
bool has_wildcards(std::string_view text);

}  // namespace tools::file
