// Bytes of a connection to the whole server, with a model that has nothing to say: whatever comes,
// each answer has a status and a head that ends, and the server goes on.

#include <sys/socket.h>

#include <cstdlib>
#include <string>
#include <thread>

#include "server/endpoints.h"
#include "tests/server/http_client.h"
#include "tests/server/scripted_backend.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

class World {
 public:
  World() {
    server::HttpOptions options;
    options.max_body_bytes = 1 << 20;
    auto listening = endpoints_.listen(options);
    require(static_cast<bool>(listening));
    http_ = std::move(*listening);
    thread_ = std::thread([this] { http_->run(); });
  }
  ~World() {
    http_->stop();
    thread_.join();
    endpoints_.join();
  }
  /// All that comes back, until the server closes.
  std::string say(std::string_view bytes) {
    int ends[2];
    require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    http_->serve(ends[1]);
    RawClient client = RawClient::of(ends[0]);
    client.send(bytes);
    client.end_of_requests();
    std::string all = client.read_all();
    require(!client.timed_out());
    return all;
  }

 private:
  server::ScriptedBackend backend_{
      {{.when = "hi", .reply = "Hello.<turn|>", .times = 1000000}}, 4096, ""};
  server::Endpoints endpoints_{backend_, {}};
  std::unique_ptr<server::HttpServer> http_;
  std::thread thread_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static World world;
  const std::string reply = world.say({reinterpret_cast<const char*>(data), size});
  if (reply.empty()) return 0;
  require(reply.starts_with("HTTP/1.1 ") || reply.starts_with("HTTP/1.0 "));
  require(reply[9] >= '1' && reply[9] <= '5');
  require(reply.find("\r\n\r\n") != std::string::npos);
  return 0;
}
