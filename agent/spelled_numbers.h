#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/text.h"

namespace agent {

/// Which mark stands before decimals: 1,234.5 or 1.234,5.
enum class Decimals { point, comma };

/// A number as a text spells it in digits.
struct Spelled {
  size_t begin = 0, end = 0;  ///< of the digits and the marks between them; a sign stands before
  double value = 0;           ///< without its sign
  int decimals = 0;           ///< behind the mark; less than 0: 1.5e6
  bool minus = false;
  bool dash = false;  ///< the sign is a dash that may be none
  bool grouped = false;
};

/// The next number at or after `from`. False: there is none.
bool next_spelled(std::string_view text, size_t from, Decimals decimals, Spelled& out);

/// "12,5" at `number` in a text with decimal points: 12.5. False: no comma and digits follow.
bool with_decimal_comma(std::string_view text, const Spelled& number, Spelled& out);

/// How a text seems to write decimals: by its numbers, and by its words where they leave it open.
Decimals decimals_of(std::string_view text);

/// 2 to 12 for two to twelve and zwei to zwölf, in any case; else 0.
int number_word(std::string_view word);

using base::is_digit;
bool is_space(char c);
bool is_letter(char c);  ///< and each byte of what is not ASCII
std::string lower_case(std::string_view text);
/// Whether one of `words` stands anywhere in `text`.
bool has_any(std::string_view text, std::initializer_list<std::string_view> words);

/// Whether a word holds digits and is no plain number: a date, a time, a name (chart-2.png, Q1).
/// Signs, currencies and units around a number leave it plain.
bool is_name(std::string_view word);

/// Without quotes, brackets, marks of Markdown and of sentences around it.
std::string_view stripped(std::string_view word);

}  // namespace agent
