#pragma once

#include "base/result.h"
#include "tools/chart/scene.h"
#include "tools/chart/spec.h"
#include "tools/chart/text.h"

namespace tools::chart {

/// Resolves a table to a scene: scales, marks, labels with their boxes.
/// Errors: usage (values the chart cannot show, such as a negative slice).
base::Result<Scene> compose(const Table& table, TextRuler& ruler);

/// The same for a pie.
base::Result<Scene> compose_pie(const Table& table, TextRuler& ruler);

}  // namespace tools::chart
