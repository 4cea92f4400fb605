#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/endpoint/http_client.h"
#include "base/result.h"
#include "policies/policies.h"

namespace agent::mcp {

/// One server that a person has named: a program (`command`) or an address (`url`).
struct ServerConfig {
  std::string name;                       ///< 1 to 32 of A-Z, a-z, 0-9, _ and -, without "__"
  std::vector<std::string> command = {};  ///< and its arguments; empty: `url` is set
  std::vector<std::pair<std::string, std::string>> env = {};
  std::vector<policies::HostPattern> network = {};  ///< what the program may reach
  std::vector<std::filesystem::path> read = {};     ///< what it sees beside the workspace
  EndpointUrl url = {};
  HttpFields headers = {};
  std::chrono::seconds startup_time{30}, call_time{60};
};

/// Reads {"mcpServers": {NAME: {"command", "args", "env"} | {"url", "headers"}}}, the form that
/// other programs use; "servers" is taken for "mcpServers". Ours are "network", "read",
/// "startup_timeout_sec" and "tool_timeout_sec"; fields that are not known are passed over, and so
/// are servers with "disabled": true. docs/mcp.md has the list.
/// origin: names the file in messages. variables: ${NAME} in "env" and "headers" is that variable
/// of the environment; else it is an error, which a file of the workspace gets.
/// Errors: corrupt, naming the field.
base::Result<std::vector<ServerConfig>> parse_servers(std::string_view text,
                                                      const std::string& origin, bool variables);

/// What a server's program may do: read the workspace and `read`, reach `network`, write nothing.
/// Its limit on processor time is for all of its life.
policies::Policy server_policy(const ServerConfig& server);

}  // namespace agent::mcp
