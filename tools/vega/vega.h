#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "base/result.h"
#include "tools/vega/budget.h"
#include "tools/vega/load.h"
#include "tools/vega/scene.h"

/// vega: Vega-Lite specifications to pictures, without a browser.
///
/// compile() turns a specification and its data into a Scene, a plain value with everything that is
/// drawn; png(), svg() and pdf() paint it. Nothing here opens a socket; data comes through
/// Options::load. One thread per call.
namespace tools::vega {

enum class Metrics {
  estimated,  ///< the reference's estimate of text widths, for comparing scenes with it
  real,       ///< those of the installed fonts, for pictures that people look at
};

struct Options {
  UrlLoader load;  ///< reads "url"; empty: urls are refused (see folder_loader)
  Metrics metrics = Metrics::real;
  uint64_t max_work = Budget::kDefault;  ///< what the chart may cost; see Budget
};

/// The scene of a Vega-Lite specification.
/// Errors: usage (what is wrong with the specification, by name), unsupported (the feature, by
/// name), limit, and those of the data.
base::Result<Scene> compile(const nlohmann::json& spec, const Options& options);

/// The scene as JSON in the form of bench/charts/reference.mjs, for comparing and checking.
nlohmann::json scene_json(const Scene& scene);

/// scale: pixels per scene unit. Errors: limit (a picture larger than 100 million pixels),
/// internal.
base::Result<std::string> png(const Scene& scene, double scale = 2);
base::Result<std::string> svg(const Scene& scene);
base::Result<std::string> pdf(const Scene& scene);

}  // namespace tools::vega
