#pragma once

#include <string>
#include <vector>

#include "tools/vega/model.h"

namespace tools::vega {

/// A value of a field as labels and texts show it. format: the definition's own, or "".
std::string format_field(const ChannelDef& def, const Row& value, const std::string& format,
                         const std::string& format_type, const Model& model);

/// Replaces labels by what the expression `labelExpr` makes of each (datum.value, datum.label,
/// datum.index); nothing where it is no text.
/// fraction: the index goes from 0 to 1, as on axes, and not by ones, as in legends.
void apply_label_expression(const json& expression, const std::vector<Row>& values, bool fraction,
                            std::vector<std::string>& labels, Model& model);

/// Text of a property that may be one line or a list of lines.
std::string lines_of(const json& value);

}  // namespace tools::vega
