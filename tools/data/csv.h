#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "tools/data/byte_reader.h"
#include "tools/data/infer.h"
#include "tools/data/source.h"

namespace tools::data {

struct Dialect {
  char delimiter = ',';
  bool header = true;  ///< the first record holds the names
};

/// Records of a delimited text (or one packed with gzip), one after the other, through a buffer of
/// bounded size.
/// Quotes: a field that begins with " ends at the next single "; "" inside means one. Line ends:
/// \n, \r\n, \r.
class CsvReader {
 public:
  /// name: what errors call the file.
  CsvReader(base::UniqueFd file, std::string name, char delimiter);

  /// The next record's fields, trimmed unless quoted, valid until the next call; false at the end.
  /// Lines without a character are skipped. Errors: corrupt (unclosed quote, zero byte, field over
  /// 1 MB), system.
  base::Result<bool> next(std::vector<std::string_view>& fields);
  /// Line of the file (from 1) on which the last record began.
  uint64_t line() const { return record_line_; }

 private:
  struct Span {
    size_t begin = 0, end = 0;
    bool quoted = false, rewrite = false;
  };
  base::Result<bool> fill();  // more bytes behind those not yet used; false at the end of the file
  bool scan();                // finds the spans of a whole record; false: more bytes are needed
  std::string_view rewrite(const Span& span);

  ByteReader bytes_;
  std::string name_;
  char delimiter_;
  std::string buffer_;
  size_t at_ = 0;          // begin of the record
  size_t record_end_ = 0;  // begin of the next record
  bool ended_ = false;     // no more bytes in the file
  bool unclosed_ = false;
  uint64_t line_ = 1;  // line of at_
  uint64_t record_line_ = 1;
  uint64_t lines_in_record_ = 0;
  std::vector<Span> spans_;
};

/// A delimited file whose columns' types are known after one pass over all of it.
class CsvSource : public Source {
 public:
  /// path: relative to the workspace. as_text: columns that stay text whatever they look like.
  /// Errors: not_found, corrupt, limit, system; each one sentence that begins with the path.
  static base::Result<std::unique_ptr<CsvSource>> open(
      const std::string& path, const std::vector<std::string>& as_text = {});
  base::Result<std::unique_ptr<Cursor>> start(std::vector<int> wanted) const override;
  const std::vector<Reading>& readings() const { return readings_; }

 private:
  friend class CsvCursor;
  CsvSource() = default;

  std::string path_;
  Dialect dialect_;
  std::vector<Reading> readings_;
};

/// The delimiter and header of the first records of `file` (read from its start).
base::Result<Dialect> sniff(const base::UniqueFd& file, const std::string& path);

/// Makes names distinct and printable: empty ones become column1, repeated ones get _2, _3, …
std::vector<std::string> clean_names(const std::vector<std::string>& names);

}  // namespace tools::data
