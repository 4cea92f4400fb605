// A profile is one pass of a Cursor into Statistics, a sink that counts. Distinct values are
// counted by 64-bit hashes; only the first 64 texts are kept.

#include "tools/data/profile.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <unordered_set>
#include "base/json.h"

#include "tools/data/csv.h"
#include "tools/data/json_table.h"
#include "tools/data/open.h"
#include "tools/data/reading.h"
#include "tools/data/sqlite_table.h"
#include "tools/data/workspace.h"
#include "tools/data/xlsx.h"

namespace tools::data {
namespace {

constexpr size_t kMaxDistinct = 2'000'000;
constexpr size_t kKeptValues = 64;
constexpr size_t kListedValues = 8;
constexpr size_t kFirstValues = 3;
constexpr size_t kFullColumns = 12;
constexpr size_t kManyColumns = 16;
constexpr size_t kNamedColumns = 40;
constexpr uint64_t kMaxTextBytes = 64'000'000;

uint64_t mixed(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdull;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ull;
  return x ^ (x >> 33);
}

class Statistics : public CellSink {
 public:
  explicit Statistics(const std::vector<Column>& columns) : seen_(columns.size()) {
    for (const Column& column : columns) profiles.push_back({.column = column});
  }
  std::vector<ColumnProfile> profiles;

  void missing(int column) override { ++at(column).missing; }
  void number(int column, double value) override {
    if (value == 0) value = 0;  // -0 is 0
    ColumnProfile& p = at(column);
    const double* min = std::get_if<double>(&p.min);
    const double* max = std::get_if<double>(&p.max);
    if (!min || value < *min) p.min = value;
    if (!max || value > *max) p.max = value;
    note(column, mixed(std::bit_cast<uint64_t>(value)));
  }
  void text(int column, std::string_view value) override {
    ColumnProfile& p = at(column);
    if (note(column, mixed(std::hash<std::string_view>()(value))) && p.values.size() < kKeptValues)
      p.values.emplace_back(value);
  }
  void date(int column, int64_t micros) override {
    ColumnProfile& p = at(column);
    const Date* min = std::get_if<Date>(&p.min);
    const Date* max = std::get_if<Date>(&p.max);
    if (!min || micros < min->micros) p.min = Date{micros};
    if (!max || micros > max->micros) p.max = Date{micros};
    note(column, mixed(static_cast<uint64_t>(micros)));
  }
  void boolean(int column, bool value) override { note(column, value); }
  void end_row() override {}

 private:
  ColumnProfile& at(int column) { return profiles[static_cast<size_t>(column)]; }
  bool note(int column, uint64_t hash) {
    auto& seen = seen_[static_cast<size_t>(column)];
    if (seen.size() >= kMaxDistinct || !seen.insert(hash).second) return false;
    at(column).distinct = seen.size();
    return true;
  }
  std::vector<std::unordered_set<uint64_t>> seen_;
};

std::string shown(const std::string& value) {
  std::string text = value;
  for (char& c : text)
    if (c == ',' || c == '\n' || c == '\r') c = ' ';
  const size_t all = utf8_prefix(text, 24);
  if (all < text.size()) text = text.substr(0, utf8_prefix(text, 23)) + "…";
  return text;
}

std::string line_of(const ColumnProfile& p, bool brief) {
  const std::string& name = p.column.name;
  const std::string type(type_name(p.column.type));
  if (p.column.type == Type::empty) return name + ": empty";
  std::string line = name + ": " + type;
  if (brief)
    return p.column.type == Type::text ? line + ", " + std::to_string(p.distinct) + " values"
                                       : line;
  if (p.column.type == Type::text) {
    line += ", " + counted(p.distinct, "value") + ": ";
    const bool all = p.distinct <= kListedValues;
    const size_t n = std::min(p.values.size(), all ? kListedValues : kFirstValues);
    for (size_t i = 0; i < n; ++i) line += (i ? ", " : "") + shown(p.values[i]);
    if (!all) line += ", ...";
  } else if (p.column.type == Type::number || p.column.type == Type::date) {
    line += " " + cell_text(p.min) + " to " + cell_text(p.max);
  }
  if (p.missing > 0) line += ", " + std::to_string(p.missing) + " missing";
  return line;
}

// What the first bytes say; nothing for text.
std::string file_kind(std::string_view bytes) {
  if (bytes.substr(0, 4) == "\x89PNG") return "PNG picture";
  if (bytes.substr(0, 3) == "\xff\xd8\xff") return "JPEG picture";
  if (bytes.substr(0, 4) == "GIF8") return "GIF picture";
  if (bytes.substr(0, 4) == "RIFF" && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP")
    return "WebP picture";
  if (bytes.substr(0, 5) == "%PDF-") return "PDF document";
  if (bytes.substr(0, 4) == "PAR1") return "Parquet file";
  if (bytes.substr(0, 4) == std::string_view("PK\x03\x04", 4)) return "ZIP archive";
  if (bytes.substr(0, 2) == "\x1f\x8b") return "gzip archive";
  return looks_like_text(bytes) ? "" : "binary file";
}

// The line about a file that is no table.
std::string plain_text(const std::string& path) {
  base::Result<std::string> bytes = read_whole(path, kMaxTextBytes);
  if (!bytes)
    return bytes.error().code == base::Errc::limit ? path + ": large file" : bytes.error().message;
  const std::string size = std::to_string(bytes->size()) + " bytes";
  if (bytes->empty()) return path + ": empty file";
  const std::string kind = file_kind(*bytes);
  if (!kind.empty()) return path + ": " + kind + ", " + size;
  return path + ": text file, " + counted(count_text(*bytes).lines, "line") + ", " + size;
}

base::Result<std::shared_ptr<const Source>> read_source(const std::string& path,
                                                        std::string& note) {
  const TableKind kind = table_kind(path);
  if (kind == TableKind::none) return base::Error{base::Errc::unsupported, path + ": not a table"};
  if (kind == TableKind::json || kind == TableKind::json_lines) return read_table(path, "profile");
  if (kind == TableKind::xlsx || kind == TableKind::sqlite) {
    base::Result<std::shared_ptr<Frame>> frame =
        kind == TableKind::xlsx ? read_xlsx(path, {}) : read_sqlite(path, {});
    if (!frame) return frame.error();
    for (const std::string& one : (*frame)->notes()) note += (note.empty() ? "" : "; ") + one;
    return std::shared_ptr<const Source>(std::move(*frame));
  }
  // Unlike read_table: no copy in memory, the pass that counts is the only one.
  base::Result<std::unique_ptr<CsvSource>> source = CsvSource::open(path);
  if (!source) return source.error();
  for (size_t i = 0; i < (*source)->readings().size(); ++i)
    if ((*source)->readings()[i].ambiguous_dates)
      note +=
          (note.empty() ? "" : "; ") + (*source)->columns()[i].name + " was read as month/day/year";
  return std::shared_ptr<const Source>(std::move(*source));
}

// One pass of all rows into `statistics`.
base::Status count_source(const Source& source, Statistics& statistics) {
  std::vector<int> all(source.columns().size());
  std::iota(all.begin(), all.end(), 0);
  base::Result<std::unique_ptr<Cursor>> cursor = source.start(std::move(all));
  base::Result<int> n = cursor ? base::Result<int>(1) : base::Result<int>(cursor.error());
  while (n && *n > 0) n = (*cursor)->next(statistics, 4096);
  if (!n) return n.error();
  return base::Ok{};
}

// Columns and rows of the profile of a table file.
base::Status count_file(const std::string& path, const std::shared_ptr<Engine>& engine,
                        Profile& profile) {
  if (table_kind(path) == TableKind::parquet) {
    if (!engine) return base::Error{base::Errc::unsupported, path + ": not a table"};
    base::Result<Table> table = open_table(engine, path, {}, "profile");
    if (!table) return table.error();
    Statistics statistics(table->columns());
    if (base::Status ok = table->send(statistics); !ok) return ok;
    base::Result<uint64_t> rows = table->count();
    if (!rows) return rows.error();
    profile.rows = *rows;
    profile.columns = std::move(statistics.profiles);
    return base::Ok{};
  }
  base::Result<std::shared_ptr<const Source>> source = read_source(path, profile.note);
  if (!source) return source.error();
  Statistics statistics((*source)->columns());
  if (base::Status ok = count_source(**source, statistics); !ok) return ok;
  profile.rows = (*source)->rows();
  profile.columns = std::move(statistics.profiles);
  return base::Ok{};
}

}  // namespace

std::string profile_text(const Profile& profile) {
  std::string text = profile.path + ": " + counted(profile.rows, "row");
  const size_t n = profile.columns.size();
  for (size_t i = 0; i < n; ++i) {
    if (i == kNamedColumns)
      return text + "\nand " + std::to_string(n - kNamedColumns) + " more columns";
    text += "\n" + line_of(profile.columns[i], n > kManyColumns && i >= kFullColumns);
  }
  return text;
}

Profile profile_of(const std::string& path, const std::shared_ptr<Engine>& engine) {
  Profile profile{.path = path};
  const base::Status counted = count_file(path, engine, profile);
  if (counted) {
    profile.text = profile_text(profile);
    return profile;
  }
  profile.error = counted.error().message;
  profile.text = plain_text(path);
  // A broken table says what is wrong with it, a database which tables it has.
  const base::Errc code = counted.error().code;
  if (is_table_name(path) && (code == base::Errc::corrupt ||
                              (code == base::Errc::usage && table_kind(path) == TableKind::sqlite)))
    profile.text = profile.error;
  return profile;
}

nlohmann::json end_json(const Cell& cell) {
  if (const double* number = std::get_if<double>(&cell)) return *number;
  if (const Date* date = std::get_if<Date>(&cell)) return format_date(*date);
  return nullptr;
}

nlohmann::json profile_event(const Profile& profile) {
  nlohmann::json event = {{"type", "profile"}, {"path", profile.path}, {"text", profile.text}};
  if (!profile.note.empty()) event["note"] = profile.note;
  if (!profile.error.empty()) {
    event["error"] = profile.error;
    return event;
  }
  event["rows"] = profile.rows;
  nlohmann::json columns = nlohmann::json::array();
  for (const ColumnProfile& p : profile.columns) {
    nlohmann::json column = {{"name", p.column.name},  {"type", type_name(p.column.type)},
                             {"distinct", p.distinct}, {"missing", p.missing},
                             {"min", end_json(p.min)}, {"max", end_json(p.max)}};
    if (p.column.type == Type::text) column["values"] = p.values;
    columns.push_back(std::move(column));
  }
  event["columns"] = std::move(columns);
  return event;
}

}  // namespace tools::data
