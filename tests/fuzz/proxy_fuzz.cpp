// Heads of requests from a confined program: what is refused has a status and a reason, what is
// not has a host that is one, and a head for the server that nobody can read as two requests.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "policies/policies.h"
#include "sandbox/proxy_request.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const sandbox::ProxyRequest request = sandbox::read_proxy_request(text);
  (void)sandbox::is_public_address(std::string(text));
  if (request.status != 0) {
    require(request.status >= 400 && request.status < 600 && !request.problem.empty());
    return 0;
  }
  require(request.port != 0 && policies::normal_host(request.host) == request.host);
  require(request.tunnel == (request.method == "CONNECT"));
  if (request.tunnel) {
    require(request.head.empty());
    return 0;
  }
  const size_t end = request.head.find("\r\n\r\n");
  require(end != std::string::npos && end + 4 == request.head.size());
  for (size_t i = 0; i < request.head.size(); ++i) {
    require(request.head[i] != '\0');
    if (request.head[i] == '\n') require(i > 0 && request.head[i - 1] == '\r');
    if (request.head[i] == '\r') require(request.head[i + 1] == '\n');
  }
  return 0;
}
