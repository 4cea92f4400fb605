#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/mcp/client.h"
#include "model/chat.h"
#include "sandbox/guard.h"

namespace agent::mcp {

struct ServersOptions {
  std::vector<ServerConfig> servers;
  /// Hears what a person should know: where arguments go, which server or tool cannot be used. One
  /// sentence each.
  std::function<void(const std::string&)> notice = {};
};

/// The servers that a person has named, and their tools under names of their own:
/// mcp__SERVER__TOOL; of one that has resources also mcp__SERVER__read_resource. A server that does
/// not start is told about and left out; one that fails later answers each call with an error.
/// Calls and ends are in the audit log. Belongs to one thread.
class Servers {
 public:
  Servers() = default;
  /// Starts them. The guard outlives this. Errors: cancelled, system (the audit log).
  static base::Result<Servers> start(ServersOptions options, sandbox::Guard& guard,
                                     std::stop_token stop);

  const std::vector<model::ToolDeclaration>& tools() const { return tools_; }
  bool offers(const std::string& name) const { return places_.contains(name); }
  /// name: one that is offered. Errors: cancelled, system (the audit log).
  base::Result<ToolAnswer> call(const std::string& name, const nlohmann::json& arguments,
                                std::chrono::steady_clock::time_point deadline,
                                std::stop_token stop);

 private:
  struct Server {
    ServerConfig config;
    std::unique_ptr<Client> client;
    int silent = 0;  ///< calls in a row that were not answered in time
  };
  struct Place {
    size_t server = 0;
    std::string tool;
    bool reads = false;  ///< its resources
  };
  void offer(size_t server, std::vector<ToolInfo> tools,
             const std::function<void(const std::string&)>& notice);

  std::vector<Server> servers_;
  std::map<std::string, Place> places_;
  std::vector<model::ToolDeclaration> tools_;
  sandbox::Guard* guard_ = nullptr;
};

}  // namespace agent::mcp
