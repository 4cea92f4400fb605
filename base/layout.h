#pragma once

#include <filesystem>

namespace base {

/// What the program needs beside itself.
enum class Part { launcher, worker, duckdb, planner, eyes, ears, vega, examples };

/// Where a part lies: of a program in the build folder, where it was built; of any other, beside
/// the program or below its prefix (PREFIX/bin/tessera, PREFIX/libexec/tessera/…). An installed
/// program never looks into the folder it was built in. Empty if it is not there.
std::filesystem::path find_part(Part part);

}  // namespace base
