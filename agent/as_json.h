#pragma once

#include "base/json.h"

#include "agent/agent.h"

/// What runs made and changed, as every JSON output shows it (docs/cli.md).
namespace agent {

/// The last event of a run.
nlohmann::json result_json(const RunResult& result);

/// kind, path, from, old_size, new_size.
nlohmann::json change_json(const sandbox::Change& change);

/// A run of the journal: run, label, time_ms, state, changes, bytes.
nlohmann::json run_json(const sandbox::Journal::Info& run);

}  // namespace agent
