#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tools/data/infer.h"

namespace tools::data {

/// Watches one column while its type is found, so that a reader can say which lines kept it from
/// being numbers or dates. Costs nothing while every value fits.
class Mixture {
 public:
  /// place: "line" or "row", what the numbers given to add() count.
  /// semicolons: the file is separated by them, so that 1,234 is a decimal number.
  explicit Mixture(const char* place = "line", bool semicolons = false)
      : place_(place), semicolons_(semicolons) {}

  /// field: as given to `guess`, whose add() has just been called. at: its line.
  void add(const Guess& guess, std::string_view field, uint64_t at);
  /// A sentence about the column, or nothing: values that do not fit the others, digits that a
  /// number would not keep, dates that can be read in two ways.
  std::string note(const std::string& name, const Reading& reading) const;

 private:
  enum class Kind : uint8_t { number, date, other };
  struct Example {
    uint64_t at = 0;
    std::string text{};
  };
  void count(Kind kind, std::string_view field, uint64_t at);
  std::string examples(Kind not_of) const;

  const char* place_;
  bool semicolons_;
  bool only_threes_ = true;  // digits after a comma or point always come in threes
  Example threes_{};
  Kind before_ = Kind::other;  // what all values were until one did not fit
  uint64_t fitting_ = 0;       // how many they were
  bool struck_ = false;
  uint64_t counts_[3] = {};
  std::vector<Example> first_[3];
  Example two_ways_{};
  Example code_{};
};

}  // namespace tools::data
