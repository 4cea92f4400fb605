#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "server/http/http_server.h"
#include "server/service.h"

namespace server {

class Page;

struct EndpointOptions {
  std::string api_key = {};                     ///< empty: nobody is asked for one
  std::vector<std::string> allowed_hosts = {};  ///< names beside loopback's (checks.h)
  bool any_host = false;  ///< with a key: whoever knows it may call the server by any name
  /// Of pages beside loopback's; only pages of these may read answers, by their browser's rules.
  std::vector<std::string> allowed_origins = {};
  /// A stream in which nothing happens for so long gets a comment with the progress.
  std::chrono::milliseconds ping{5000};
  /// What a browser gets; null: nothing. Outlives the handler's last call.
  Page* page = nullptr;
};

/// What each path does: joins the protocols (api/) with a backend.
class Endpoints {
 public:
  /// The backend outlives the handler's last call.
  Endpoints(Backend& backend, EndpointOptions options);
  ~Endpoints();
  /// Lets requests that are being prepared end; none may come any more. Before the server ends.
  void join();

  /// An HttpServer with these paths; strangers are turned away before their body is read. Sets
  /// at_the_door, answer_headers and error_reply of `options`. Errors: as HttpServer::listen.
  base::Result<std::unique_ptr<HttpServer>> listen(HttpOptions options);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace server
