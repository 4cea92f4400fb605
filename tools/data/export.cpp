// Saving as Parquet and Excel. DuckDB writes Parquet itself, which its lock allows beneath the
// workspace only; it would also replace a file, so the file is made first, as new, and DuckDB is
// given the path that its descriptor has.

#include <unistd.h>

#include <climits>

#include "tools/data/table.h"
#include "tools/data/table_sql.h"
#include "tools/data/workspace.h"
#include "tools/data/xlsx.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;
using sql::c;
using sql::in_quotes;
using sql::named;

constexpr uint64_t kMaxWorkbook = 500'000'000;

}  // namespace

base::Status Table::send(CellSink& sink) const {
  std::string list;
  std::vector<Type> types;
  for (size_t i = 0; i < columns_.size(); ++i) {
    list += (i ? ", " : "") + c(i);
    types.push_back(columns_[i].type);
  }
  return engine_->stream("SELECT " + list + " FROM (" + sql_ + ") ORDER BY " + order_by(), types,
                         sink);
}

base::Result<uint64_t> Table::save_parquet(const std::string& path, const std::string& who) const {
  if (extension(path) != "parquet")
    return Error{Errc::usage, who + ": " + in_quotes(path) + " must end in .parquet"};
  base::Result<uint64_t> rows = count();
  if (!rows) return named(who, rows.error());
  base::Result<base::UniqueFd> file = create_new(path);
  if (!file) return named(who, file.error());
  char real[PATH_MAX];
  const ssize_t n =
      ::readlink(("/proc/self/fd/" + std::to_string(file->get())).c_str(), real, sizeof real);
  if (n <= 0 || n >= PATH_MAX)
    return Error{Errc::system, who + ": the folder of " + path + " cannot be told"};
  const base::Status ok =
      engine_->execute("COPY (" + named_sql(true) + ") TO " +
                       sql::literal(std::string_view(real, static_cast<size_t>(n))) +
                       " (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)");
  if (!ok) return named(who, ok.error());
  return rows;
}

base::Result<uint64_t> Table::save_xlsx(const std::string& path, const std::string& who) const {
  if (extension(path) != "xlsx")
    return Error{Errc::usage, who + ": " + in_quotes(path) + " must end in .xlsx"};
  base::Result<uint64_t> rows = count();
  if (!rows) return named(who, rows.error());
  if (*rows >= kMaxSheetRows || columns_.size() > kMaxSheetColumns)
    return Error{Errc::limit, who + ": " + counted(*rows, "row") + " of " +
                                  counted(columns_.size(), "column") +
                                  " do not fit in a sheet; save as Parquet or CSV"};
  XlsxWriter writer(columns_);
  if (base::Status ok = send(writer); !ok) return named(who, ok.error());
  const std::string bytes = writer.finish();
  if (bytes.size() > kMaxWorkbook) return Error{Errc::limit, who + ": the workbook is too large"};
  base::Result<base::UniqueFd> file = create_new(path);
  if (!file) return named(who, file.error());
  if (base::Status ok = write_all(*file, bytes, path); !ok) return named(who, ok.error());
  return rows;
}

}  // namespace tools::data
