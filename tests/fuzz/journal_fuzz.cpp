// Records of a journal, which lie where a person or another program may change them: what is
// accepted says the same when it is written and read again.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sandbox/workspace/record.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const bool header_only : {true, false}) {
    const base::Result<sandbox::Record> record = sandbox::parse_record(text, "run", header_only);
    if (!record) {
      if (record.error().message.empty()) std::abort();
      continue;
    }
    if (header_only) continue;
    const std::string written = sandbox::serialize(*record);
    const base::Result<sandbox::Record> again = sandbox::parse_record(written, "run", false);
    if (!again || sandbox::serialize(*again) != written) std::abort();
  }
  return 0;
}
