#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace agent {

/// Where a server is: what `--endpoint` names, or an MCP server's "url".
struct EndpointUrl {
  bool tls = false;
  std::string host;  ///< a name or an address; of IPv6 without the brackets
  int port = 0;
  std::string base;  ///< path before /chat/completions, without a slash at its end: "/v1"
  std::string root;  ///< path of the server itself: `base` without "/v1"

  /// Whether it is this machine by its own name or address: localhost, 127.0.0.0/8, ::1. A name
  /// that only resolves to one is not.
  bool is_local() const;
  /// "host", "host:8080", "[::1]:8080": as in a Host header, without the default port.
  std::string authority() const;
};

/// Reads http(s)://HOST[:PORT][/PATH]; `base` and `root` are the path as it is. 0.0.0.0 and [::]
/// are taken for this machine. Errors: usage (says what is wrong).
base::Result<EndpointUrl> parse_http_url(std::string_view url);

/// Reads http(s)://HOST[:PORT][/PATH]. Without a path it is /v1; a /chat/completions at its end
/// goes. Otherwise as parse_http_url().
base::Result<EndpointUrl> parse_endpoint(std::string_view url);

}  // namespace agent
