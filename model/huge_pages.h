#pragma once

#include <cstddef>
#include <cstdlib>

namespace model {

constexpr size_t kHugePage = size_t{2} << 20;

/// Deleter of what std::aligned_alloc() gave.
struct FreeAligned {
  void operator()(void* p) const { std::free(p); }
};

/// At least `bytes` for FreeAligned, in pages of 2 MiB where the system gives them: weights that
/// are read from end to end wait less for their addresses. Throws std::bad_alloc.
std::byte* huge_pages(size_t bytes);

}  // namespace model
