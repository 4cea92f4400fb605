// Charts from untrusted specs: whatever parses as JSON is drawn or refused, and what is drawn is a
// PNG of the size it claims.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include "base/json.h"

#include "media/image.h"
#include "tools/chart/chart.h"

// Fontconfig keeps its patterns until the process ends.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig"; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const nlohmann::json spec = nlohmann::json::parse(text.begin(), text.end(), nullptr, false);
  if (spec.is_discarded()) return 0;
  const base::Result<tools::chart::Drawn> drawn = tools::chart::draw_png(spec);
  if (!drawn) {
    if (!drawn.error().message.starts_with("chart: ")) std::abort();
    return 0;
  }
  const base::Result<media::Pixels> pixels = media::decode_png(drawn->png);
  if (!pixels || pixels->width != drawn->width || pixels->height != drawn->height ||
      drawn->rows_drawn < 1)
    std::abort();
  return 0;
}
