#pragma once

#include <type_traits>
#include <utility>

#include "base/net.h"

namespace server {

/// Runs `work` on a thread of `pool`, and goes on where the coroutine that awaits it runs; what the
/// work throws is thrown there. Its result must have a default. The work may capture references and
/// numbers alone: GCC 12 destroys other captures of a lambda in a co_await twice.
template <class Work>
auto on_pool(net::thread_pool& pool, Work work) -> net::awaitable<decltype(work())> {
  static_assert(std::is_trivially_destructible_v<Work>);
  using T = decltype(work());
  co_return co_await net::co_spawn(
      pool.get_executor(),
      [work = std::move(work)]() mutable -> net::awaitable<T> { co_return work(); },
      net::use_awaitable);
}

}  // namespace server
