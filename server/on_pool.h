#pragma once

#include <utility>

#include "base/net.h"

namespace server {

/// Runs `work` on a thread of `pool`, and goes on where the coroutine that awaits it runs; what the
/// work throws is thrown there. Its result must have a default.
template <class Work>
auto on_pool(net::thread_pool& pool, Work work) -> net::awaitable<decltype(work())> {
  using T = decltype(work());
  co_return co_await net::co_spawn(
      pool.get_executor(),
      [work = std::move(work)]() mutable -> net::awaitable<T> { co_return work(); },
      net::use_awaitable);
}

}  // namespace server
