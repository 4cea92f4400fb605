#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace agent {

/// The numbers that a run has seen, and whether those of an answer are among them: for models whose
/// answers no grammar holds.
class SeenNumbers {
 public:
  /// All numbers of a text that an answer may quote, and its words that hold digits.
  void add(std::string_view text);

  /// The numbers of an answer that were not seen, as they are spelled there, each once, at most 20.
  /// Seen is what rounds to them at their decimals, whatever its sign, with thousands set apart or
  /// not, as a percentage of a share, or as so many thousands or millions. What counts lines of a
  /// list ("1."), ordinals ("2nd") and words that were seen as they stand (chart-2.png) are no
  /// numbers.
  std::vector<std::string> missing(std::string_view answer) const;

 private:
  bool seen(double value, double tolerance) const;
  std::set<double> values_;
  std::set<std::string, std::less<>> words_;
};

}  // namespace agent
