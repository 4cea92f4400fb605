#pragma once

#include <memory>

#include "tools/data/engine.h"
#include "tools/file/service.h"
#include "tools/report/report.h"

namespace tools::script {

/// What the file tools leave to the data engine, for the workspace that is the current directory.
file::Services file_services(const std::shared_ptr<data::Engine>& engine);

/// What pages embed, from the same place.
report::Assets report_assets(const std::shared_ptr<data::Engine>& engine);

}  // namespace tools::script
