#include "sandbox/proxy_request.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "base/text.h"
#include "policies/policies.h"

// Only what RFC 9112 calls a well-formed request in absolute or authority form goes on:
//
//   CONNECT HOST:PORT HTTP/1.1 CRLF …        GET http://HOST[:PORT]/… HTTP/1.1 CRLF …
//   NAME: VALUE CRLF …
//   CRLF
//
// A server behind the proxy could read a bare LF, a folded line, a second Host or two lengths in
// its own way and find another request in it than the one that was judged. Chunked bodies are
// refused (411), so a request ends where its Content-Length says.

namespace sandbox {
namespace {

bool is_token(std::string_view text) {
  for (char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && std::string_view("!#$%&'*+-.^_`|~").find(c) == std::string_view::npos)
      return false;
  }
  return !text.empty();
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

ProxyRequest& refuse(ProxyRequest& request, int status, std::string problem) {
  request.status = status;
  request.problem = std::move(problem);
  return request;
}

/// Host and port of `authority`; false when it is not HOST[:PORT].
bool read_authority(std::string_view authority, uint16_t default_port, ProxyRequest& request) {
  const bool has_port = !authority.empty() && authority.back() != ']' &&
                        authority.rfind(':') != std::string_view::npos;
  std::string text(authority);
  if (!has_port) {
    if (default_port == 0) return false;
    text += ":" + std::to_string(default_port);
  }
  base::Result<policies::HostPort> parts = policies::split_host_port(text);
  if (!parts) return false;
  request.host = policies::normal_host(parts->host);
  request.port = parts->port;
  return !request.host.empty();
}

/// Lines that end with CRLF, without it; false for anything else between them.
bool split_lines(std::string_view head, std::vector<std::string_view>& lines) {
  while (!head.empty()) {
    const size_t end = head.find_first_of("\r\n");
    if (end == std::string_view::npos || head.substr(end, 2) != "\r\n") return false;
    lines.push_back(head.substr(0, end));
    head.remove_prefix(end + 2);
  }
  return lines.size() >= 2 && lines.back().empty();
}

bool is_public_v4(const unsigned char* a) {
  const uint32_t address = uint32_t{a[0]} << 24 | uint32_t{a[1]} << 16 | uint32_t{a[2]} << 8 | a[3];
  struct Range {
    uint32_t network;
    int bits;
  };
  // IANA special-purpose registry, RFC 6890 and its updates.
  for (const Range& range :
       {Range{0x00000000, 8}, Range{0x0a000000, 8}, Range{0x64400000, 10}, Range{0x7f000000, 8},
        Range{0xa9fe0000, 16}, Range{0xac100000, 12}, Range{0xc0000000, 24}, Range{0xc0000200, 24},
        Range{0xc0586300, 24}, Range{0xc0a80000, 16}, Range{0xc6120000, 15}, Range{0xc6336400, 24},
        Range{0xcb007100, 24}, Range{0xe0000000, 4}, Range{0xf0000000, 4}}) {
    if ((address ^ range.network) >> (32 - range.bits) == 0) return false;
  }
  // Clouds answer their machines at these public-looking ones, too.
  return address != 0xa83f8110;  // 168.63.129.16
}

bool is_public_v6(const unsigned char* a) {
  const auto begins = [&](std::initializer_list<unsigned char> bytes) {
    return std::equal(bytes.begin(), bytes.end(), a);
  };
  if (begins({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) return is_public_v4(a + 12);
  if (begins({0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) return is_public_v4(a + 12);  // NAT64
  if (begins({0x20, 0x02})) return is_public_v4(a + 2);                                    // 6to4
  if ((a[0] & 0xe0) != 0x20) return false;
  // Teredo and other protocols' own ranges, 2001::/23; documentation.
  if (begins({0x20, 0x01}) && (a[2] & 0xfe) == 0) return false;
  if (begins({0x20, 0x01, 0x0d, 0xb8}) || begins({0x3f, 0xff})) return false;
  return true;
}

}  // namespace

bool is_public_address(const std::string& address) {
  unsigned char raw[16];
  if (inet_pton(AF_INET, address.c_str(), raw) == 1) return is_public_v4(raw);
  if (inet_pton(AF_INET6, address.c_str(), raw) == 1) return is_public_v6(raw);
  return false;
}

ProxyRequest read_proxy_request(std::string_view head) {
  ProxyRequest request;
  std::vector<std::string_view> lines;
  for (char c : head) {
    const unsigned char byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\r' && c != '\n' && c != '\t') || byte == 0x7f)
      return refuse(request, 400, "the request holds a control character");
  }
  if (!split_lines(head, lines))
    return refuse(request, 400, "a line of the request does not end with CR LF");

  const std::string_view line = lines[0];
  const size_t first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return refuse(request, 400, "the first line is not METHOD TARGET HTTP/1.1");
  const std::string_view method = line.substr(0, first), version = line.substr(last + 1);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  bool printable = !target.empty();
  for (char c : target) printable = printable && c > 0x20 && c < 0x7f;
  if (!is_token(method) || !printable || (version != "HTTP/1.1" && version != "HTTP/1.0"))
    return refuse(request, 400, "the first line is not METHOD TARGET HTTP/1.1");
  request.method = method;
  request.tunnel = method == "CONNECT";

  std::string path;
  if (request.tunnel) {
    if (!read_authority(target, 0, request))
      return refuse(request, 400, "CONNECT needs HOST:PORT, not \"" + std::string(target) + "\"");
  } else {
    constexpr std::string_view kScheme = "http://";
    if (lower(target.substr(0, kScheme.size())) != kScheme) {
      return refuse(request, 400,
                    "only CONNECT and http://... go through this proxy, not \"" +
                        std::string(target.substr(0, 200)) + "\"");
    }
    const std::string_view rest = target.substr(kScheme.size());
    const size_t end = std::min(rest.find_first_of("/?"), rest.size());
    if (target.find('#') != std::string_view::npos ||
        !read_authority(rest.substr(0, end), 80, request)) {
      return refuse(request, 400,
                    "\"" + std::string(target.substr(0, 200)) + "\" does not name a host");
    }
    path = rest.substr(end);
    if (!path.starts_with('/')) path = "/" + path;
  }

  std::vector<std::pair<std::string, std::string_view>> headers;
  std::vector<std::string> for_this_connection = {
      "connection", "keep-alive",          "proxy-connection", "proxy-authenticate", "host", "te",
      "trailer",    "proxy-authorization", "upgrade",          "http2-settings"};
  int hosts = 0, lengths = 0;
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    const size_t colon = lines[i].find(':');
    // This refuses folded lines and blanks before the colon as well.
    if (colon == std::string_view::npos || !is_token(lines[i].substr(0, colon)))
      return refuse(request, 400, "a header is not NAME: VALUE");
    const std::string name = lower(lines[i].substr(0, colon));
    const std::string_view value = base::trimmed(lines[i].substr(colon + 1), base::kSpaces);
    if (name == "host") {
      ProxyRequest named;
      if (++hosts > 1) return refuse(request, 400, "the request has two Host headers");
      if (!read_authority(value, request.tunnel ? 443 : 80, named) || named.host != request.host ||
          (value.find(':') != std::string_view::npos && named.port != request.port)) {
        return refuse(request, 400,
                      "the Host header names \"" + std::string(value.substr(0, 200)) +
                          "\", the request " + request.host);
      }
    } else if (name == "transfer-encoding") {
      return refuse(request, 411, "a body must come with Content-Length, not Transfer-Encoding");
    } else if (name == "content-length") {
      if (++lengths > 1) return refuse(request, 400, "the request has two Content-Length headers");
      if (value.empty() || value.size() > 15 ||
          value.find_first_not_of("0123456789") != std::string_view::npos)
        return refuse(request, 400, "Content-Length is not a number");
      for (char c : value)
        request.content_length = request.content_length * 10 + static_cast<uint64_t>(c - '0');
    } else if (name == "connection" || name == "proxy-connection") {
      for (std::string_view rest = value;;) {
        const size_t comma = rest.find(',');
        for_this_connection.push_back(lower(base::trimmed(rest.substr(0, comma), base::kSpaces)));
        if (comma == std::string_view::npos) break;
        rest.remove_prefix(comma + 1);
      }
    }
    headers.emplace_back(name, lines[i]);
  }
  if (hosts == 0 && version == "HTTP/1.1")
    return refuse(request, 400, "the request has no Host header");
  if (request.tunnel) {
    if (request.content_length != 0) return refuse(request, 400, "CONNECT cannot have a body");
    return request;
  }

  std::string authority =
      request.host.find(':') == std::string::npos ? request.host : "[" + request.host + "]";
  if (request.port != 80) authority += ":" + std::to_string(request.port);
  request.head = request.method + " " + path + " HTTP/1.1\r\nHost: " + authority + "\r\n";
  for (const auto& [name, text] : headers) {
    // A client that names Content-Length as its connection's own would hide where the body ends.
    if (name != "content-length" &&
        std::find(for_this_connection.begin(), for_this_connection.end(), name) !=
            for_this_connection.end())
      continue;
    request.head += std::string(text) + "\r\n";
  }
  request.head += "Connection: close\r\n\r\n";
  return request;
}

}  // namespace sandbox
