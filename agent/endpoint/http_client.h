#pragma once

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/endpoint/url.h"
#include "base/result.h"

namespace agent {

struct HttpClientOptions {
  std::string key = {};      ///< sent as "Authorization: Bearer …"; printable
  std::string ca_file = {};  ///< PEM; certificates trusted in place of the system's
  std::chrono::milliseconds connect_time{10'000};  ///< name, connection and TLS, each
  std::chrono::milliseconds silence_time{
      600'000};  ///< at most without a byte; a slow machine reads a long prompt for minutes
  std::chrono::milliseconds send_time{60'000};
  size_t max_reply_bytes = 64 << 20;
};

/// Names and values; the names are tokens, the values printable.
using HttpFields = std::vector<std::pair<std::string, std::string>>;

struct HttpReplyHead {
  int status = 0;
  std::string type = {};         ///< Content-Type
  std::string retry_after = {};  ///< Retry-After
  std::string location = {};     ///< Location
  std::string session = {};      ///< Mcp-Session-Id
};

/// One request to the server of a URL and to no other: no redirects, no proxies of the environment,
/// no cookies. Blocking, one connection a request; any number of threads may call.
class HttpClient {
 public:
  /// Hears the body as it comes; false: enough, the connection is closed and that is no error.
  using OnPiece = std::function<bool(const HttpReplyHead&, std::string_view)>;

  HttpClient(EndpointUrl url, HttpClientOptions options)
      : url_(std::move(url)), options_(std::move(options)) {}

  const EndpointUrl& url() const { return url_; }

  /// Sends `body` as JSON (POST), or without one a GET. The head is the answer also when the status
  /// is an error. `deadline` ends it at the latest. fields: further ones of the request's head;
  /// those that the client writes itself are not replaced by them.
  /// Errors: not_found (nobody is there; the name is unknown), refused (the certificate is not
  /// trusted), limit (time, size), corrupt (what came is not HTTP, or ended before its end),
  /// cancelled.
  base::Result<HttpReplyHead> ask(const std::string& path, const std::string* body,
                                  const OnPiece& on_piece,
                                  std::chrono::steady_clock::time_point deadline,
                                  std::stop_token stop, const HttpFields& fields = {}) const;

 private:
  EndpointUrl url_;
  HttpClientOptions options_;
};

}  // namespace agent
