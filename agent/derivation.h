#pragma once

#include <string_view>
#include <vector>

#include "agent/number_context.h"

namespace agent {

/// A step that showed two to four values, so that what follows from them is plain.
struct SmallStep {
  int step = 0;
  std::vector<double> values;
};

/// Tries to work out a claim that was not found from those that were: a difference, sum, ratio,
/// share, mean or change in percent of numbers near it in the answer, if the words around it speak
/// of one, or of the values of a small step. The fewer digits it has, the fewer others are tried:
/// by chance nothing should fit.
void derive(std::string_view answer, const std::vector<Claim>& claims, Claim& claim,
            const std::vector<SmallStep>& small);

}  // namespace agent
