#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/session/store.h"

namespace server {

/// A run as the page lists it.
struct RunInfo {
  std::string id, request;
  std::string status;  ///< running, ok, refused, error, stopped or interrupted
  std::string parent = {};
  int64_t time_ms = 0;
};

/// The newest `most` sessions of a workspace, the oldest first, without those that somebody works
/// on at the moment. Empty where the store cannot be read.
std::vector<RunInfo> past_runs(agent::session::Store& store, const std::string& workspace,
                               size_t most);

struct PastRun {
  RunInfo info;
  std::vector<std::string> events;  ///< as a run of the page tells them; the last one is a result
};

/// One of them; none where there is no such session of this workspace.
std::optional<PastRun> past_run(agent::session::Store& store, const std::string& workspace,
                                const std::string& id);

/// The event that every run begins with.
std::string run_event(const std::string& id, int64_t time_ms);

}  // namespace server
