#include "tools/chart/chart.h"

#include <utility>
#include "base/json.h"

#include "media/image.h"
#include "tools/chart/check.h"
#include "tools/chart/compose.h"
#include "tools/chart/paint.h"
#include "tools/chart/spec.h"
#include "tools/chart/text.h"

namespace tools::chart {

base::Result<Drawn> draw_png(const nlohmann::json& spec) {
  base::Result<Table> table = read_spec(spec);
  if (!table) return table.error();
  if (!has_fonts())
    return base::Error{base::Errc::system, "chart: no fonts are installed; DejaVu Sans is needed"};
  TextRuler ruler;
  base::Result<Scene> scene = compose(*table, ruler);
  if (!scene) return scene.error();
  base::Result<Painting> painting = paint(*scene);
  if (!painting) return painting.error();
  base::Result<std::string> png = media::encode_png(painting->pixels);
  if (!png) return png.error();
  Drawn drawn;
  drawn.png = std::move(*png);
  drawn.width = painting->pixels.width;
  drawn.height = painting->pixels.height;
  drawn.rows_drawn = rows_drawn(*scene);
  drawn.blank = painting->blank;
  drawn.warnings = std::move(table->warnings);
  for (std::string& warning : scene->warnings) drawn.warnings.push_back(std::move(warning));
  if (ruler.lacks_glyphs())
    drawn.warnings.push_back("some characters are in no installed font and show as boxes");
  for (std::string& warning : label_warnings(*scene)) drawn.warnings.push_back(std::move(warning));
  return drawn;
}

void warm_up() {
  if (!has_fonts()) return;
  TextRuler ruler;
  (void)ruler.width("0123456789", Font{.size = 12, .bold = false});
}

}  // namespace tools::chart
