#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tools/data/frame.h"
#include "tools/data/zip.h"

namespace tools::data {

/// One sheet of an Excel workbook (xlsx) as a table. Cells have the values that were last computed;
/// dates are told by the cell's number format; errors (#N/A) are missing. The first row holds the
/// names, as in a CSV file; a title above the table (a row with one cell) is left out. Rows without
/// a value are skipped.
/// sheet: empty: the first one that is not hidden.
/// Errors: not_found, refused, corrupt, unsupported, limit (256 MB, 4096 columns); usage (no such
/// sheet: it names the ones there are). One sentence that begins with the path.
base::Result<std::shared_ptr<Frame>> read_xlsx(const std::string& path, const std::string& sheet);

/// Writes a workbook of one sheet, row by row. The same rows give the same bytes.
class XlsxWriter : public CellSink {
 public:
  explicit XlsxWriter(const std::vector<Column>& columns);
  void missing(int column) override;
  void number(int column, double value) override;
  void text(int column, std::string_view value) override;
  void date(int column, int64_t micros) override;
  void boolean(int column, bool value) override;
  void end_row() override;
  uint64_t rows() const { return row_ - 1; }
  /// The file's bytes; call it once, last.
  std::string finish();

 private:
  void cell(int column, const std::string& attributes, const std::string& content);
  ZipWriter zip_;
  std::string line_;
  uint64_t row_ = 1;
};

/// Rows and columns that a sheet can hold.
inline constexpr uint64_t kMaxSheetRows = 1'048'576;
inline constexpr uint64_t kMaxSheetColumns = 16'384;

}  // namespace tools::data
