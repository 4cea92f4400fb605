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

}  // namespace model
