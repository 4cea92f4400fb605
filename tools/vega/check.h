#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "tools/vega/bounds.h"
#include "tools/vega/load.h"
#include "tools/vega/scene.h"

namespace tools::vega {

/// Something about a chart that keeps people from reading it right.
struct Finding {
  /// blank, clipped_label, shortened_label, overlapping_labels, non_zero_base, wrong_order,
  /// missing_category, outside_domain, low_contrast or too_many_slices.
  std::string code;
  std::string text;        ///< one sentence
  std::string path;        ///< into the specification, as "/layer/0/encoding/y"; empty: see `box`
  std::optional<Box> box;  ///< in the picture, scene units from its upper left corner
};

/// What can be seen in the scene alone: blank, labels, contrast, slices.
std::vector<Finding> check_scene(const Scene& scene);

/// All findings about a chart: those of its scene, and those that need what was asked for and the
/// rows. `scene` is compile()'s for `spec`; `load` reads its data again; what cannot be read again
/// is not judged.
std::vector<Finding> check(const nlohmann::json& spec, const Scene& scene, const UrlLoader& load);

/// {"findings": [{"code", "text", "path" or "box": [x1, y1, x2, y2]}]}
nlohmann::json findings_json(const std::vector<Finding>& findings);
/// A line per finding, "code: text (where)"; "no findings" for none.
std::string findings_text(const std::vector<Finding>& findings);

}  // namespace tools::vega
