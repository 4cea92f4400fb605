#include "tools/script/file_services.h"

#include <unistd.h>

#include <cstdlib>

#include "tools/data/csv.h"
#include "tools/data/open.h"
#include "tools/data/workspace.h"

namespace tools::script {

using base::Error;
using base::Result;

namespace {

constexpr uint64_t kShownRows = 2000;
constexpr uint64_t kPageRows = 600;
constexpr uint64_t kMaxConverted = 1u << 30;
constexpr uint64_t kMaxAsset = 32u << 20;

using Engine = std::shared_ptr<data::Engine>;
using Lines = std::vector<std::vector<std::string>>;

Result<Lines> rows_of(const Engine& engine, const std::string& path, const std::string& part,
                      uint64_t most, const std::string& who) {
  Result<data::Table> table = data::open_table(engine, path, part, who);
  if (!table) return table.error();
  Result<data::Rows> rows = table->fetch(most);
  if (!rows) return rows.error();
  Lines out = {table->names()};
  for (uint64_t row = 0; row < rows->count; ++row) {
    out.emplace_back();
    for (const auto& column : rows->columns) out.back().push_back(data::cell_text(column[row]));
  }
  return out;
}

/// A table saved as another kind, by way of a file of its own.
Result<std::string> converted(const Engine& engine, const std::string& path,
                              const std::string& format) {
  Result<data::Table> table = data::open_table(engine, path, {}, "convert");
  if (!table) return table.error();
  const std::string spare = ".tessera-convert-" + std::to_string(::getpid()) + "." + format;
  Result<uint64_t> rows = table->save(spare);
  if (!rows) {
    ::unlink(spare.c_str());
    return Error{rows.error().code, "convert: " + path + ": " + rows.error().message};
  }
  Result<std::string> text = data::read_whole(spare, kMaxConverted);
  ::unlink(spare.c_str());
  return text;
}

}  // namespace

file::Services file_services(const Engine& engine) {
  file::Services services;
  services.read.may_run_programs = std::getenv("TESSERA_JAIL") != nullptr;
  services.read.table_text = [engine](const std::string& path,
                                      const std::string& part) -> Result<std::string> {
    Result<Lines> rows = rows_of(engine, path, part, kShownRows, "read");
    if (!rows) return rows.error();
    std::string out;
    for (const std::vector<std::string>& row : *rows) {
      for (size_t i = 0; i < row.size(); ++i) out += (i ? "," : "") + data::csv_field(row[i]);
      out += '\n';
    }
    return out;
  };
  services.apply.convert_table = [engine](const std::string& path, const std::string& format) {
    return converted(engine, path, format);
  };
  return services;
}

report::Assets report_assets(const Engine& engine) {
  return {.bytes = [](const std::string& path) -> Result<std::string> {
            Result<std::string> bytes = data::read_whole(path, kMaxAsset);
            if (bytes) return bytes;
            return Error{bytes.error().code,
                         "report: " + (bytes.error().code == base::Errc::not_found
                                           ? data::no_file(path, false)
                                           : bytes.error().message)};
          },
          .rows =
              [engine](const std::string& path) {
                return rows_of(engine, path, {}, kPageRows, "report");
              }};
}

}  // namespace tools::script
