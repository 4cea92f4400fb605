#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "agent/mcp/config.h"
#include "agent/mcp/rpc.h"
#include "sandbox/service.h"

namespace agent::mcp {

/// How messages get to one server and back. Belongs to one thread at a time.
class Transport {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  /// Hears a message of the server; true: it was the one that is waited for.
  using OnMessage = std::function<bool(Message)>;

  virtual ~Transport() = default;
  /// Sends `message`, and hands over what the server says until it is the one that is waited for.
  /// Empty: nothing is waited for. `on_message` may exchange further messages meanwhile.
  /// Errors: limit (time, size), cancelled, corrupt (the server has ended, or does not speak the
  /// protocol), not_found (nobody is there; the server has forgotten the session), refused.
  virtual base::Status exchange(const nlohmann::json& message, const OnMessage& on_message,
                                Deadline deadline, std::stop_token stop) = 0;
  /// The version that was agreed on.
  virtual void agreed(const std::string& version) { (void)version; }
};

/// A program in the sandbox. on_proxy: as sandbox::Program::on_proxy. Errors: as
/// sandbox::Service::start().
base::Result<std::unique_ptr<Transport>> start_program(
    const ServerConfig& server, const std::filesystem::path& workspace,
    std::function<void(const sandbox::ProxyEvent&)> on_proxy);

/// A server that is asked over HTTP, at the host of its URL alone ("streamable HTTP").
std::unique_ptr<Transport> http_transport(const ServerConfig& server);

}  // namespace agent::mcp
