#pragma once

#include <string>
#include <vector>

#include "tools/vega/model.h"
#include "tools/vega/scene.h"

namespace tools::vega {

/// The marks that a unit draws in one of its cells: one, or one per series of a line or area.
std::vector<Mark> make_marks(const View& view, int cell, Model& model);

/// A value of a field as labels and texts show it. format: the definition's own, or "".
std::string format_field(const ChannelDef& def, const Row& value, const std::string& format,
                         const std::string& format_type, const Model& model);

/// Text of a property that may be one line or a list of lines.
std::string lines_of(const json& value);

}  // namespace tools::vega
