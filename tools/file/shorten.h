#pragma once

#include <vector>

#include "tools/file/expand.h"

namespace tools::file {

/// Steps that lead to the same as `steps`, where a file that is moved several times goes straight
/// to its last place, if nothing that lies between has to do with it. The order of the rest stays.
std::vector<Step> shorten(const std::vector<Step>& steps);

}  // namespace tools::file
