// Charts from untrusted specifications: whatever parses as JSON is drawn or refused in one
// sentence; what is drawn is a PNG of the size of its scene, and the check of it ends, too. The
// budget is small, so that a run stays short.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include "base/json.h"

#include "media/image.h"
#include "tools/vega/check.h"
#include "tools/vega/vega.h"

// Fontconfig keeps its patterns until the process ends.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig"; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const nlohmann::json spec = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (spec.is_discarded()) return 0;
  tools::vega::Options options;
  options.max_work = 100'000;
  const base::Result<tools::vega::Scene> scene = tools::vega::compile(spec, options);
  if (!scene) {
    if (scene.error().message.empty()) std::abort();
    return 0;
  }
  for (const tools::vega::Finding& finding : tools::vega::check(spec, *scene, {}))
    if (finding.code.empty() || finding.text.empty()) std::abort();
  // Pictures as large as they may be are for the test of limits.
  if (scene->width * scene->height > 1e6) return 0;
  const base::Result<std::string> png = tools::vega::png(*scene, 1);
  const base::Result<std::string> drawing = tools::vega::svg(*scene);
  if (drawing ? !drawing->starts_with("<svg") : drawing.error().message.empty()) std::abort();
  if (!png) return 0;
  const base::Result<media::Pixels> pixels = media::decode_png(*png);
  if (!pixels || std::abs(pixels->width - scene->width) > 1 ||
      std::abs(pixels->height - scene->height) > 1)
    std::abort();
  return 0;
}
