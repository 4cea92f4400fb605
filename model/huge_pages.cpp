#include "model/huge_pages.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

namespace model {

std::byte* huge_pages(size_t bytes) {
  const size_t whole = std::max((bytes + kHugePage - 1) / kHugePage * kHugePage, kHugePage);
  void* memory = std::aligned_alloc(kHugePage, whole);
  if (memory == nullptr) throw std::bad_alloc();
  (void)madvise(memory, whole, MADV_HUGEPAGE);
  return static_cast<std::byte*>(memory);
}

std::byte* Buffer::sized(size_t bytes) {
  if (bytes <= bytes_) return memory_.get();
  constexpr size_t kLine = 64;
  const size_t step = bytes < kHugePage ? kLine : kHugePage;
  memory_.reset();
  bytes_ = (bytes + step - 1) / step * step;
  memory_.reset(step == kHugePage ? huge_pages(bytes_)
                                  : static_cast<std::byte*>(std::aligned_alloc(kLine, bytes_)));
  if (!memory_) throw std::bad_alloc();
  return memory_.get();
}

}  // namespace model
