#pragma once

#include <string>

#include "tools/vega/read.h"

namespace tools::vega {

/// The defaults of Vega-Lite with the specification's "config" laid over them.
json merged_config(const json& own);

/// A property of marks: from the mark itself, then its styles, the configuration of its type, that
/// of all marks. Null where none of them has it.
json mark_property(const json& mark, const std::string& type, const json& config,
                   const std::string& name);

/// A property of guides that are styled ("guide-label", "guide-title", "group-title"…).
json style_property(const json& config, const std::string& style, const std::string& name);

}  // namespace tools::vega
