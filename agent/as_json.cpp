#include "agent/as_json.h"

#include <filesystem>

namespace agent {

using nlohmann::json;

json result_json(const RunResult& result) {
  json artifacts = json::array(), charts = json::array();
  for (const std::string& path : result.artifacts) {
    const std::string extension = std::filesystem::path(path).extension().string();
    artifacts.push_back({{"path", path},
                         {"mime", extension == ".png"    ? "image/png"
                                  : extension == ".csv"  ? "text/csv"
                                  : extension == ".json" ? "application/json"
                                                         : "text/plain"}});
  }
  for (const tools::ChartMade& chart : result.charts)
    charts.push_back({{"path", chart.path}, {"spec", chart.spec}});
  json event{{"type", "result"},
             {"status", result.status == Status::ok        ? "ok"
                        : result.status == Status::refused ? "refused"
                                                           : "error"},
             {"answer", result.answer},
             {"artifacts", artifacts},
             {"charts", charts},
             {"usage",
              {{"tool_calls", result.tool_calls},
               {"prompt_tokens", result.prompt_tokens},
               {"completion_tokens", result.completion_tokens}}}};
  if (!result.not_found.empty()) event["not_found"] = result.not_found;
  if (result.context_tokens > 0) event["usage"]["context_tokens"] = result.context_tokens;
  if (result.context_length > 0) event["usage"]["context_length"] = result.context_length;
  if (result.cost > 0) event["usage"]["cost"] = result.cost;
  return event;
}

json change_json(const sandbox::Change& change) {
  json line{{"kind", std::string(sandbox::kind_name(change.kind))}, {"path", change.path}};
  if (!change.from.empty()) line["from"] = change.from;
  if (change.old_mode != 0) line["old_size"] = change.old_size;
  if (change.new_mode != 0) line["new_size"] = change.new_size;
  return line;
}

json run_json(const sandbox::Journal::Info& run) {
  return {{"run", run.id},
          {"label", run.label},
          {"time_ms", run.time_ms},
          {"state", std::string(sandbox::state_name(run.state))},
          {"changes", run.n_changes},
          {"bytes", run.bytes}};
}

}  // namespace agent
