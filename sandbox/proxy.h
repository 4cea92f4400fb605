#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "policies/policies.h"

namespace sandbox {

/// One thing that happened at the proxy, for the audit log.
struct ProxyEvent {
  enum class Kind {
    refused,  ///< nothing was connected; `why` says it
    failed,   ///< it was allowed, but the host could not be reached
    allowed,  ///< a connection to `address` was made
    closed    ///< an allowed one has ended; the bytes are final
  };
  Kind kind = Kind::refused;
  std::string method;  ///< CONNECT, GET …; empty when the request could not be read
  std::string host;    ///< as policies::normal_host() gives it
  uint16_t port = 0;
  std::string address;  ///< what was connected to
  std::string why;
  uint64_t sent_bytes = 0, received_bytes = 0;  ///< to and from the host
};

struct ProxyOptions {
  /// What the policy says of a host or an address: policies::decide_host. Only `allow` lets
  /// through; ask the person inside it.
  std::function<policies::Decision(std::string_view host, uint16_t port)> filter;
  /// Called for every event, on the proxy's thread or from its destructor; may be empty.
  std::function<void(const ProxyEvent&)> report;
  /// Addresses of `host`, in the order to try; empty when there are none. May block, is called on a
  /// thread of its own and can outlive the Proxy. Empty: the system's resolver.
  std::function<std::vector<std::string>(const std::string& host)> resolve;
  size_t max_connections = 32;  ///< more wait to be accepted
  size_t max_head_bytes = 16 * 1024;
  std::chrono::milliseconds head_time{10'000};     ///< for the whole head of a request
  std::chrono::milliseconds connect_time{10'000};  ///< for finding and reaching the host
  std::chrono::milliseconds idle_time{60'000};     ///< without a byte either way
};

/// An HTTP proxy that lets a confined program reach the hosts of a policy: CONNECT HOST:PORT and
/// plain requests for http://HOST/…, one a connection. Names are resolved here, and an address that
/// is not public (sandbox/proxy_request.h) or is this machine's own is refused unless the policy
/// lists that very address, or lists localhost and it is asked for. It connects to the address that
/// was checked. A refusal is a 403 with the reason in one sentence.
///
/// It has a thread of its own. What goes through a tunnel is not looked at: a host that is allowed
/// can be asked for anything.
class Proxy {
 public:
  /// Serves what connects to `listener`, a listening TCP or Unix socket of any network namespace.
  /// Errors: usage (no listening socket), system.
  static base::Result<std::unique_ptr<Proxy>> start(base::UniqueFd listener, ProxyOptions options);

  /// Ends the thread and all connections, without waiting for anybody, and reports those as closed.
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  /// Bytes to and from hosts so far, of all connections; any thread may ask.
  uint64_t sent_bytes() const;
  uint64_t received_bytes() const;

 private:
  struct Server;
  explicit Proxy(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

}  // namespace sandbox
