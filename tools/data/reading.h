#pragma once

#include <memory>
#include <string>

#include "tools/data/source.h"

namespace tools::data {

/// The table in a CSV, TSV, JSON or NDJSON file, or one of these packed with gzip. Files up to 64
/// MB are held in memory; larger delimited ones are read anew by each pass. who: what an error
/// about a missing file begins with. Errors: one sentence; about a missing file it names the files
/// there are.
base::Result<std::shared_ptr<const Source>> read_table(const std::string& path,
                                                       const std::string& who);

/// Copies all rows of a source into memory.
base::Result<std::shared_ptr<const Source>> load(const Source& source);

/// Table of the files whose path matches: file, name, ext, bytes, lines, words, hash.
base::Result<std::shared_ptr<const Source>> files_table(const std::string& glob);

/// Table of a text file's lines: line (from 1), text. Errors: as read_table.
base::Result<std::shared_ptr<const Source>> lines_table(const std::string& path);

/// What a text has: lines (\n, \r\n or \r end one), words (runs without white space).
struct TextCounts {
  uint64_t lines = 0, words = 0;
};
TextCounts count_text(std::string_view text);

/// Whether bytes are text: no zero byte.
bool looks_like_text(std::string_view bytes);

}  // namespace tools::data
