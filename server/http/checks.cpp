#include "server/http/checks.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>

#include <algorithm>

namespace server {

namespace {

bool equal_names(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

/// HOST[:PORT] or [ADDRESS][:PORT] without the port and the brackets; empty where it is neither.
std::string_view without_port(std::string_view host) {
  std::string_view port;
  if (host.starts_with('[')) {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return {};
    port = host.substr(end + 1);
    host = host.substr(1, end - 1);
  } else if (const size_t colon = host.find(':'); colon != std::string_view::npos) {
    port = host.substr(colon);
    host = host.substr(0, colon);
  }
  if (port.empty()) return host;
  if (port[0] != ':' || port.size() > 6) return {};
  for (const char c : port.substr(1))
    if (c < '0' || c > '9') return {};
  return host;
}

bool is_local_name(std::string_view host) {
  return equal_names(host, "localhost") || is_loopback(host);
}

}  // namespace

bool is_loopback(std::string_view address) {
  const std::string text(address);
  in_addr four;
  if (inet_pton(AF_INET, text.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  in6_addr six;
  return inet_pton(AF_INET6, text.c_str(), &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

bool host_allowed(std::string_view host, const std::vector<std::string>& allowed) {
  const std::string_view name = without_port(host);
  if (name.empty()) return false;
  return is_local_name(name) || std::any_of(allowed.begin(), allowed.end(), [&](const auto& one) {
           return equal_names(name, one);
         });
}

bool origin_named(std::string_view origin, const std::vector<std::string>& allowed) {
  return !origin.empty() && std::any_of(allowed.begin(), allowed.end(),
                                        [&](const auto& one) { return equal_names(origin, one); });
}

bool origin_allowed(std::string_view origin, const std::vector<std::string>& allowed) {
  if (origin.empty() || origin_named(origin, allowed)) return true;
  for (const std::string_view scheme : {"http://", "https://"})
    if (origin.starts_with(scheme)) {
      const std::string_view name = without_port(origin.substr(scheme.size()));
      return !name.empty() && is_local_name(name);
    }
  return false;
}

bool key_accepted(std::string_view authorization, std::string_view x_api_key,
                  std::string_view key) {
  if (key.empty()) return true;
  constexpr std::string_view kBearer = "bearer ";
  if (authorization.size() > kBearer.size() &&
      equal_names(authorization.substr(0, kBearer.size()), kBearer))
    authorization.remove_prefix(kBearer.size());
  else
    authorization = {};
  for (const std::string_view given : {authorization, x_api_key})
    if (given.size() == key.size() && CRYPTO_memcmp(given.data(), key.data(), key.size()) == 0)
      return true;
  return false;
}

}  // namespace server
