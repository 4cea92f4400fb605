#include "base/layout.h"

#include <system_error>

#include "base/paths.h"

namespace base {

namespace fs = std::filesystem;

namespace {

struct Places {
  const char* installed;  // below the prefix; the meson.build of each part installs it there
  const char* built;      // absolute, or below the build folder
};

Places places(Part part) {
  switch (part) {
    case Part::launcher:
      return {"libexec/tessera/tessera-launcher", "sandbox/launcher/tessera-launcher"};
    case Part::worker:
      return {"libexec/tessera/tessera-worker", "tools/script/tessera-worker"};
    case Part::duckdb:
      return {"lib/tessera/libduckdb.so", TESSERA_SOURCE_ROOT "/.deps/lib/libduckdb.so"};
    case Part::planner:
      return {"share/tessera/planner.gguf", TESSERA_SOURCE_ROOT "/agent/planner.gguf"};
    case Part::eyes:
      return {"share/tessera/eyes.gguf", TESSERA_SOURCE_ROOT "/agent/eyes.gguf"};
    case Part::ears:
      return {"share/tessera/ears.gguf", TESSERA_SOURCE_ROOT "/agent/ears.gguf"};
    case Part::vega:
      return {"share/tessera/vega", TESSERA_SOURCE_ROOT "/.deps/vega"};
    case Part::examples:
      return {"share/tessera/examples", TESSERA_SOURCE_ROOT "/examples"};
  }
  return {"", ""};
}

}  // namespace

fs::path find_part(Part part) {
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  if (error) return {};
  const auto [installed, built] = places(part);
  // The program's path has no links in it, so this one must not either. A folder that cannot be
  // looked at is not the one the program is in.
  const fs::path build_root = fs::weakly_canonical(TESSERA_BUILD_ROOT, error);
  if (!error && is_below(folder, build_root)) {
    const fs::path path = build_root / built;
    return fs::exists(path, error) ? path : fs::path();
  }
  for (const fs::path& path :
       {folder / fs::path(installed).filename(), folder.parent_path() / installed})
    if (fs::exists(path, error)) return path;
  return {};
}

}  // namespace base
