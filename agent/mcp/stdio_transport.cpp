#include "agent/mcp/transport.h"

namespace agent::mcp {

using base::Errc;
using base::Error;

namespace {

constexpr int kMaxStray = 10'000;  // lines that are no messages, or are for nobody

class StdioTransport final : public Transport {
 public:
  explicit StdioTransport(std::unique_ptr<sandbox::Service> service)
      : service_(std::move(service)) {}

  base::Status exchange(const nlohmann::json& message, const OnMessage& on_message,
                        Deadline deadline, std::stop_token stop) override {
    if (base::Status sent = service_->send(base::line_of(message) + "\n", deadline, stop); !sent)
      return sent;
    for (int i = 0; on_message; ++i) {
      if (i == kMaxStray) return Error{Errc::corrupt, "the server prints without ever answering"};
      base::Result<std::string> line = service_->read_line(deadline, stop);
      if (!line) return line.error();
      bool heard = false;
      for (Message& one : read_messages(*line).messages)
        heard = on_message(std::move(one)) || heard;
      if (heard) break;
    }
    return base::Ok{};
  }

 private:
  std::unique_ptr<sandbox::Service> service_;
};

}  // namespace

base::Result<std::unique_ptr<Transport>> start_program(
    const ServerConfig& server, const std::filesystem::path& workspace,
    std::function<void(const sandbox::ProxyEvent&)> on_proxy) {
  sandbox::Program program;
  program.argv = server.command;
  program.env = server.env;
  program.workspace = workspace;
  program.on_proxy = std::move(on_proxy);
  base::Result<std::unique_ptr<sandbox::Service>> service =
      sandbox::Service::start(program, server_policy(server));
  if (!service) return service.error();
  return std::unique_ptr<Transport>(std::make_unique<StdioTransport>(std::move(*service)));
}

}  // namespace agent::mcp
