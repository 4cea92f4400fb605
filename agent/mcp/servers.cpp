#include "agent/mcp/servers.h"

#include <algorithm>

namespace agent::mcp {

using base::Errc;
using base::Error;
using base::Result;
using Clock = std::chrono::steady_clock;

namespace {

constexpr size_t kMaxToolsInAll = 128;        // of all servers together
constexpr int kMostSilent = 2;                // before a server is not asked any more
constexpr size_t kMaxOfferedName = 64;        // what APIs of models take
constexpr size_t kMaxDescription = 2000;      // bytes; the rest is left out
constexpr size_t kMaxSchemaBytes = 16 << 10;  // larger ones would fill a prompt

/// A tool's name with what APIs of models do not take replaced.
std::string plain(const std::string& name) {
  std::string out = name;
  for (char& c : out)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'))
      c = '_';
  return out;
}

Result<std::unique_ptr<Client>> connect(const ServerConfig& config, sandbox::Guard& guard,
                                        std::stop_token stop) {
  const auto deadline = Clock::now() + config.startup_time;
  if (config.command.empty()) return Client::connect(http_transport(config), {}, deadline, stop);
  Result<std::unique_ptr<Transport>> program =
      start_program(config, guard.workspace(),
                    [&guard](const sandbox::ProxyEvent& event) { guard.log_proxy(event); });
  if (!program) return program.error();
  return Client::connect(std::move(*program), guard.workspace(), deadline, stop);
}

/// Ours, for a server that has resources.
ToolInfo read_resource() {
  return {.name = "read_resource",
          .description = "Read what the server has at a uri; without one, list what it has",
          .schema = {{"type", "object"}, {"properties", {{"uri", {{"type", "string"}}}}}}};
}

}  // namespace

Result<Servers> Servers::start(ServersOptions options, sandbox::Guard& guard,
                               std::stop_token stop) {
  Servers all;
  all.guard_ = &guard;
  const auto notice = [&](const std::string& sentence) {
    if (options.notice) options.notice(sentence);
  };
  for (ServerConfig& config : options.servers) {
    const std::string who = "MCP server " + config.name;
    const bool program = !config.command.empty();
    if (!program && !config.url.is_local())
      notice("the arguments of calls to the " + who + " go to " + config.url.authority() +
             (config.url.tls ? "" : ", unencrypted"));
    if (!config.network.empty())
      notice("the " + who + " may read the workspace and reach " +
             std::to_string(config.network.size()) + " hosts of the network");
    Result<std::unique_ptr<Client>> client = connect(config, guard, stop);
    Result<std::vector<ToolInfo>> tools = std::vector<ToolInfo>();
    if (client) tools = (*client)->tools(Clock::now() + config.startup_time, stop);
    const Error* failed = !client ? &client.error() : !tools ? &tools.error() : nullptr;
    if (base::Status logged = guard.log(
            "mcp_start",
            {{"server", config.name},
             {"of", program ? config.command : std::vector<std::string>{config.url.authority()}},
             {"error", failed != nullptr ? failed->message : std::string()}});
        !logged)
      return logged.error();
    if (failed != nullptr) {
      if (failed->code == Errc::cancelled) return *failed;
      notice("the " + who + " cannot be used: " + failed->message);
      continue;
    }
    all.servers_.push_back({std::move(config), std::move(*client)});
    all.offer(all.servers_.size() - 1, std::move(*tools), notice);
  }
  return all;
}

void Servers::offer(size_t server, std::vector<ToolInfo> tools,
                    const std::function<void(const std::string&)>& notice) {
  const std::string who = "MCP server " + servers_[server].config.name;
  const bool reads = servers_[server].client->offers_resources();
  if (tools.empty() && !reads) notice("the " + who + " offers no tools");
  const size_t n_own = tools.size();
  if (reads) tools.push_back(read_resource());
  for (size_t i = 0; i < tools.size(); ++i) {
    ToolInfo& tool = tools[i];
    const std::string name = "mcp__" + servers_[server].config.name + "__" + plain(tool.name);
    const char* why = nullptr;
    if (tools_.size() == kMaxToolsInAll)
      why = "there are 128 already";
    else if (name.size() > kMaxOfferedName)
      why = "its name is too long";
    else if (places_.contains(name))
      why = "another has its name";
    else if (base::line_of(tool.schema).size() > kMaxSchemaBytes)
      why = "its schema is larger than 16 KiB";
    if (why != nullptr) {
      notice("the tool " + plain(tool.name.substr(0, 100)) + " of the " + who +
             " is left out: " + why);
      if (tools_.size() == kMaxToolsInAll) return;
      continue;
    }
    tools_.push_back({.name = name,
                      .description = tool.description.substr(0, kMaxDescription),
                      .parameters = std::move(tool.schema)});
    places_[name] = {server, std::move(tool.name), i == n_own};
  }
}

Result<ToolAnswer> Servers::call(const std::string& name, const nlohmann::json& arguments,
                                 Clock::time_point deadline, std::stop_token stop) {
  const Place& place = places_.at(name);
  Server& server = servers_[place.server];
  const auto end = std::min(deadline, Clock::now() + server.config.call_time);
  Result<ToolAnswer> answer = Error{Errc::limit, "it was silent before and is not asked any more"};
  if (server.silent < kMostSilent && place.reads)
    answer = arguments.contains("uri") && arguments["uri"].is_string()
                 ? server.client->read(arguments["uri"].get<std::string>(), end, stop)
                 : server.client->resources(end, stop);
  else if (server.silent < kMostSilent)
    answer = server.client->call(place.tool, arguments, end, stop);
  if (!answer && answer.error().code == Errc::cancelled) return answer.error();
  server.silent = !answer && answer.error().code == Errc::limit ? server.silent + 1 : 0;
  if (!answer)
    answer = ToolAnswer{.text = "error: the MCP server " + server.config.name +
                                " did not answer: " + answer.error().message,
                        .error = true};
  if (base::Status logged = guard_->log("mcp_call", {{"server", server.config.name},
                                                     {"tool", place.tool},
                                                     {"arguments", base::line_of(arguments)},
                                                     {"error", answer->error}});
      !logged)
    return logged.error();
  return answer;
}

}  // namespace agent::mcp
