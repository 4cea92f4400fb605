#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tools::script {

/// `text` as one printable line of at most `max_points` code points: control characters and line
/// breaks become spaces, broken UTF-8 becomes U+FFFD, what is too long ends in "…".
std::string clean_text(std::string_view text, int max_points = 120);

/// Number of bytes of the code point that starts at text[i]; 1 for a broken one.
size_t point_bytes(std::string_view text, size_t i);

/// A field's name for people: "body_mass_g" -> "body mass (g)", "totalBill" -> "total bill",
/// "share" -> "share (%)".
std::string human_title(std::string_view field);

/// Number text with thousands separators and a true minus sign: 1234.5, 1 -> "1,234.5".
/// decimals: digits after the point, 0 to 17. separators: false for years.
std::string grouped_digits(double value, int decimals, bool separators = true);

/// A number as a name: whole numbers in full and without separators, others with six digits.
std::string plain_number(double value);

/// Texts for values that are compared with one another: as many digits as the largest needs, but
/// never "0" for a small value that is not 0. 1.2M above a million, 3×10¹⁸ for the very large and
/// small.
std::vector<std::string> value_texts(const std::vector<double>& values);

}  // namespace tools::script
