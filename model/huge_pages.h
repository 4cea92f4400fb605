#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace model {

constexpr size_t kHugePage = size_t{2} << 20;

/// Deleter of what std::aligned_alloc() gave.
struct FreeAligned {
  void operator()(void* p) const { std::free(p); }
};

/// At least `bytes` for FreeAligned, in pages of 2 MiB where the system gives them: weights that
/// are read from end to end wait less for their addresses. Throws std::bad_alloc.
std::byte* huge_pages(size_t bytes);

/// Memory that is used again from call to call.
class Buffer {
 public:
  /// At least `bytes`, 64-byte aligned, in huge pages from 2 MiB on. What is in them is what was,
  /// but nothing in particular after more bytes were asked for than before.
  std::byte* sized(size_t bytes);

 private:
  std::unique_ptr<std::byte, FreeAligned> memory_;
  size_t bytes_ = 0;
};

}  // namespace model
