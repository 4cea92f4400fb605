// Policies from untrusted text: what is accepted has every limit above zero and a reason; what is
// refused is named.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "policies/policy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const base::Result<policies::Policy> policy = policies::parse(text, "fuzz.json");
  if (!policy) {
    if (!policy.error().message.starts_with("fuzz.json")) std::abort();
    return 0;
  }
  const policies::Limits& limits = policy->limits;
  if (policy->name.empty() || policy->why.empty() || limits.wall.count() <= 0 ||
      limits.cpu.count() <= 0 || limits.memory_bytes == 0 || limits.processes == 0)
    std::abort();
  return 0;
}
