#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sandbox {

/// What a program asked the proxy for.
struct ProxyRequest {
  std::string method;  ///< CONNECT, GET …
  std::string host;    ///< as policies::normal_host() gives it
  uint16_t port = 0;
  bool tunnel = false;          ///< CONNECT: bytes both ways
  std::string head;             ///< what the server is sent first; empty for a tunnel
  uint64_t content_length = 0;  ///< bytes of the request's body
  int status = 0;               ///< 0, or the HTTP status to refuse it with
  std::string problem;          ///< one sentence, when refused
};

/// Reads the head of a request, up to and with the empty line. It is strict where servers differ in
/// what they read: line ends, white space, hosts and lengths that occur twice. The head for the
/// server is written anew, without what is meant for this connection only, and asks to close it.
ProxyRequest read_proxy_request(std::string_view head);

/// Whether `address` belongs to the public internet: not this machine, a private or link-local
/// network, a cloud's metadata service, multicast, or an IPv6 form of one of these. What is not an
/// address is not public.
bool is_public_address(const std::string& address);

}  // namespace sandbox
