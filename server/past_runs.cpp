#include "server/past_runs.h"

#include <algorithm>

#include "base/json_line.h"

namespace server {

using agent::session::Info;
using nlohmann::json;

std::string run_event(const std::string& id, int64_t time_ms) {
  return base::line_of({{"type", "run"}, {"id", id}, {"time_ms", time_ms}});
}

namespace {

RunInfo info_of(const Info& info) {
  return {info.id, info.request, info.status == "running" ? "interrupted" : info.status,
          info.parent, info.created_ms};
}

}  // namespace

std::vector<RunInfo> past_runs(agent::session::Store& store, const std::string& workspace,
                               size_t most) {
  std::vector<RunInfo> runs;
  const base::Result<std::vector<Info>> sessions = store.list(workspace);
  if (!sessions) return runs;
  for (const Info& info : *sessions) {
    if (runs.size() == most) break;
    if (info.status == "running" && store.locked(info.id)) continue;
    runs.push_back(info_of(info));
  }
  std::reverse(runs.begin(), runs.end());
  return runs;
}

std::optional<PastRun> past_run(agent::session::Store& store, const std::string& workspace,
                                const std::string& id) {
  const base::Result<agent::session::Saved> saved = store.load(id);
  if (!saved || saved->info.workspace != workspace) return std::nullopt;
  PastRun run{.info = info_of(saved->info), .events = {run_event(id, saved->info.created_ms)}};
  const std::string& result = saved->info.result;
  for (const auto& [number, line] : saved->happened.events)
    if (line != result) run.events.push_back(line);
  json last = json::parse(result, nullptr, false);
  if (!last.is_object())
    last = {{"type", "result"},
            {"answer", ""},
            {"artifacts", json::array()},
            {"charts", json::array()}};
  last["status"] = run.info.status;
  run.events.push_back(base::line_of(last));
  return run;
}

}  // namespace server
