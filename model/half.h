#pragma once

#include <cstdint>

namespace model {

/// n values to IEEE half precision, rounded to nearest even (overflow becomes infinity), and back.
void to_halves(const float* from, uint16_t* to, int n);
void from_halves(const uint16_t* from, float* to, int n);

}  // namespace model
