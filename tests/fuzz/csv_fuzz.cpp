// Delimited text from untrusted bytes: the dialect is found or refused, and every record is read or
// refused with a sentence that names the file. Nothing is read twice: the records' fields together
// are not longer than the file.

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "tools/data/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Packed text is longer than its file; zlib is not what is tested here.
  if (size >= 2 && data[0] == 0x1f && data[1] == 0x8b) return 0;
  base::UniqueFd file(::memfd_create("fuzz.csv", MFD_CLOEXEC));
  if (file.get() < 0 || ::write(file.get(), data, size) != static_cast<ssize_t>(size)) std::abort();
  const base::Result<tools::data::Dialect> dialect = tools::data::sniff(file, "fuzz.csv");
  if (!dialect) {
    if (!dialect.error().message.starts_with("fuzz.csv")) std::abort();
    return 0;
  }
  ::lseek(file.get(), 0, SEEK_SET);
  tools::data::CsvReader reader(std::move(file), "fuzz.csv", dialect->delimiter);
  std::vector<std::string_view> fields;
  size_t length = 0;
  uint64_t line = 0;
  for (;;) {
    const base::Result<bool> more = reader.next(fields);
    if (!more && !more.error().message.starts_with("fuzz.csv")) std::abort();
    if (!more || !*more) break;
    if (reader.line() <= line && line != 0) std::abort();
    line = reader.line();
    for (const std::string_view field : fields) {
      length += field.size();
      (void)tools::data::parse_number(field);
    }
    if (length > size) std::abort();
  }
  return 0;
}
