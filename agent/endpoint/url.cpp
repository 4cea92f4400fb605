#include "agent/endpoint/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace agent {

using base::Errc;
using base::Error;

namespace {

bool is_digits(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_name(std::string_view s) {
  return !s.empty() && s.size() <= 253 && std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
  });
}

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

Error wrong(const std::string& why) { return {Errc::usage, why}; }

}  // namespace

bool EndpointUrl::is_local() const {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::string EndpointUrl::authority() const {
  const std::string name = host.find(':') == host.npos ? host : "[" + host + "]";
  return port == (tls ? 443 : 80) ? name : name + ":" + std::to_string(port);
}

base::Result<EndpointUrl> parse_http_url(std::string_view url) {
  // What comes back in a message was printable and short.
  if (url.size() > 1000) return wrong("the URL is longer than 1000 bytes");
  if (std::any_of(url.begin(), url.end(), [](char c) { return c <= 0x20 || c >= 0x7f; }))
    return wrong("the URL holds a space or a character that is not ASCII");
  const std::string given(url);
  EndpointUrl out;
  const std::string scheme = lower(url.substr(0, std::min(url.find("://"), url.size())));
  if (scheme != "http" && scheme != "https")
    return wrong(given + " does not begin with http:// or https://");
  out.tls = scheme == "https";
  url.remove_prefix(scheme.size() + 3);
  if (url.find_first_of("?#") != url.npos) return wrong("a URL with ? or # is not taken");
  const size_t slash = std::min(url.find('/'), url.size());
  std::string_view authority = url.substr(0, slash), path = url.substr(slash);
  if (authority.find('@') != authority.npos) return wrong("a URL with a password is not taken");
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t end = authority.find(']');
    if (end == authority.npos) return wrong(given + ": the ] of the address is missing");
    out.host = lower(authority.substr(1, end - 1));
    in6_addr v6{};
    if (inet_pton(AF_INET6, out.host.c_str(), &v6) != 1)
      return wrong(given + ": [" + out.host + "] is no IPv6 address");
    if (IN6_IS_ADDR_UNSPECIFIED(&v6)) out.host = "::1";
    port = authority.substr(end + 1);
    if (!port.empty() && port.front() != ':') return wrong(given + " has something after the ]");
  } else {
    const size_t colon = std::min(authority.find(':'), authority.size());
    out.host = lower(authority.substr(0, colon));
    while (out.host.ends_with('.')) out.host.pop_back();
    if (!is_name(out.host)) return wrong(given + " names no host");
    // Names of numbers alone mean addresses in more ways than one (127.1, 0x7f000001).
    in_addr v4{};
    const std::string last = out.host.substr(out.host.rfind('.') + 1);
    if ((is_digits(last) || last.starts_with("0x")) &&
        inet_pton(AF_INET, out.host.c_str(), &v4) != 1)
      return wrong(given + ": " + out.host + " is no address; write it as 127.0.0.1");
    if (out.host == "0.0.0.0") out.host = "127.0.0.1";
    port = authority.substr(colon);
  }
  out.port = out.tls ? 443 : 80;
  if (!port.empty()) {
    port.remove_prefix(1);
    if (!is_digits(port) || port.size() > 5 ||
        std::from_chars(port.data(), port.data() + port.size(), out.port).ec != std::errc() ||
        out.port < 1 || out.port > 65535)
      return wrong(given + ": " + std::string(port) + " is no port");
  }
  out.base = out.root = std::string(path);
  return out;
}

base::Result<EndpointUrl> parse_endpoint(std::string_view url) {
  base::Result<EndpointUrl> out = parse_http_url(url);
  if (!out) {
    const bool password = url.find('@') != url.npos;
    return Error{Errc::usage, "--endpoint: " + out.error().message +
                                  (password ? "; use --endpoint-key-file" : "")};
  }
  std::string_view path = out->base;
  const auto cut = [&](std::string_view end) {
    if (path.ends_with(end)) path.remove_suffix(end.size());
    while (path.ends_with('/')) path.remove_suffix(1);
  };
  cut("");
  cut("/chat/completions");
  out->base = path.empty() ? "/v1" : std::string(path);
  out->root = out->base.ends_with("/v1") ? out->base.substr(0, out->base.size() - 3) : out->base;
  return out;
}

}  // namespace agent
