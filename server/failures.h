#pragma once

#include <functional>

#include "base/result.h"
#include "model/serve/scheduler.h"

/// What libraries throw, memory that cannot be had above all, must cost one request and not the
/// server.
namespace server {

/// The exception that is being handled, as an error (internal). To be called in a catch clause.
base::Error caught();

/// Runs `task` between two passes of the model, whose workers it may use (Scheduler::with_engine).
/// Errors: the task's; internal (it threw).
base::Status on_engine(model::Scheduler& scheduler,
                       const std::function<base::Status(const model::Engine&)>& task);

}  // namespace server
