#pragma once

#include <functional>
#include <string>

#include "base/result.h"

namespace tools::file {

struct ReadOptions {
  std::string path{};
  int64_t first = 1;   ///< line or row, from 1 on
  int64_t last = 0;    ///< 0: as far as max_bytes goes
  std::string part{};  ///< sheet of a workbook, table of a database
  size_t max_bytes = 16 << 10;
};

/// What read() leaves to others.
struct ReadServices {
  /// The table in a file as CSV text. Workbooks, databases and Parquet need it.
  std::function<base::Result<std::string>(const std::string& path, const std::string& part)>
      table_text = {};
  /// Whether programs that take untrusted files apart may be run here: only inside the sandbox.
  bool may_run_programs = false;
};

/// A file as text for a reader. Texts: their lines, whatever the encoding (UTF-8, UTF-16 with a
/// byte order mark, else Latin-1). PDF: its text, by the program pdftotext. Workbooks and the like:
/// rows. Pictures and sound: what they are. The first line says what it is and which lines these
/// are. Errors: not_found (with the nearest names), refused, usage (no text), limit, unsupported.
base::Result<std::string> read(int top, const ReadOptions& options, const ReadServices& services);

}  // namespace tools::file
