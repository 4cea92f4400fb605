#pragma once

#include <nlohmann/json_fwd.hpp>

namespace tools::vega {

class Failure;

/// Rewrites a specification into the four forms that the rest of the compiler knows: unit, layer,
/// facet and concat. Repeats are written out, row/column/facet channels become facets, composite
/// marks (boxplot, errorbar, errorband) and overlays (points on lines, lines on areas) become
/// layers. config: the merged configuration, for the defaults of composite marks. Errors go to
/// `failure`: usage (not a specification), limit (nested or repeated too much).
nlohmann::json normalize(const nlohmann::json& spec, const nlohmann::json& config,
                         Failure& failure);

/// The layer that a composite mark stands for. `spec` is a unit whose mark is one.
nlohmann::json expand_composite(const nlohmann::json& spec, const nlohmann::json& config,
                                Failure& failure);

/// Whether this mark name is boxplot, errorbar or errorband.
bool is_composite_mark(const nlohmann::json& mark);

}  // namespace tools::vega
