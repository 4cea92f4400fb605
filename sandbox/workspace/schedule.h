#pragma once

#include <cstddef>
#include <vector>

#include "sandbox/workspace/record.h"

namespace sandbox {

/// One thing that is done when steps are carried out.
struct Turn {
  enum class Part {
    whole,  ///< all of a step; a move goes straight from one name to the other
    take,   ///< a move's first half: out of the workspace, into the journal
    put,    ///< and its second: to its new name
  };
  size_t step = 0;  ///< index of it
  Part part = Part::whole;

  bool operator==(const Turn&) const = default;
};

/// The order in which steps can be carried out that trade names, move things out of a folder that
/// goes away, into one that is new, or both. It depends on the steps alone, so whoever goes on with
/// a record that another began comes to the same. The way back is the same order backwards.
std::vector<Turn> schedule(const std::vector<Step>& steps);

}  // namespace sandbox
