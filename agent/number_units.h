#pragma once

#include <string_view>

namespace agent {

/// A unit of measure: how many of its family's base unit it is.
struct Unit {
  std::string_view name = {};  ///< canonical: "kg" of kilograms
  char family = 0;             ///< m(ass), l(ength), v(olume), t(ime), d(ata), e(nergy), p(ower)
  double factor = 0;
};

/// The unit that a word names, in lower case but for what differs by case; null if none.
const Unit* find_unit(std::string_view word);

/// What a word behind a number multiplies it by: 1e3 for thousand, Tsd, k; 1 for no such word.
/// attached: no space stands between them, so that one letter is enough.
double magnitude_of(std::string_view word, bool attached);

}  // namespace agent
