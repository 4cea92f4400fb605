// One pass of rows into a Collector. Its memory does not grow with the file: distinct values are
// counted exactly up to kExact of them and then estimated by adaptive sampling (only hashes that
// end in k zero bits are kept, k grows as the set fills; Flajolet 1990), quartiles come from a
// reservoir, and of texts the first kValues are counted one by one.

#include "tools/data/facts.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include "base/json.h"

#include "tools/data/csv.h"
#include "tools/data/csv_pass.h"
#include "tools/data/frame.h"
#include "tools/data/grid.h"
#include "tools/data/infer.h"
#include "tools/data/open.h"
#include "tools/data/profile.h"
#include "tools/data/table_sql.h"
#include "tools/data/workspace.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;

constexpr size_t kExact = size_t{1} << 15;
constexpr size_t kReservoir = size_t{1} << 14;
constexpr size_t kValues = 64;
constexpr size_t kNotedTotals = 3;
constexpr size_t kMaxNotes = 50;

uint64_t mixed(uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdull;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ull;
  return x ^ (x >> 33);
}

// A set of hashes of bounded size; 0 stands for an empty place.
class DistinctCounter {
 public:
  // Whether the hash was there before (of those that are kept).
  bool add(uint64_t hash) {
    if (hash & mask_) return false;
    if (hash == 0) hash = 1;
    if (2 * (size_ + 1) > places_.size()) grow();
    if (hash & mask_) return false;
    size_t at = hash >> 20 & (places_.size() - 1);
    while (places_[at] != 0) {
      if (places_[at] == hash) {
        ++repeated_;
        return true;
      }
      at = (at + 1) & (places_.size() - 1);
    }
    places_[at] = hash;
    ++size_;
    return false;
  }
  uint64_t estimate() const { return size_ << std::popcount(mask_); }
  bool exact() const { return mask_ == 0; }
  // Values that came again, of those that are kept.
  uint64_t repeated() const { return repeated_; }

 private:
  void grow() {
    std::vector<uint64_t> old = std::move(places_);
    if (size_ >= kExact) {
      mask_ = mask_ << 1 | 1;
      places_.assign(old.size(), 0);
    } else {
      places_.assign(old.empty() ? 64 : old.size() * 2, 0);
    }
    size_ = 0;
    for (const uint64_t hash : old) {
      if (hash == 0 || (hash & mask_)) continue;
      size_t at = hash >> 20 & (places_.size() - 1);
      while (places_[at] != 0) at = (at + 1) & (places_.size() - 1);
      places_[at] = hash;
      ++size_;
    }
  }
  std::vector<uint64_t> places_;
  size_t size_ = 0;
  uint64_t mask_ = 0;
  uint64_t repeated_ = 0;
};

bool is_total(std::string_view text) {
  // Nearly all values are told apart here.
  if (text.size() < 3 || text.size() > 20 ||
      std::string_view("tTsSgG ").find(text[0]) == text.npos ||
      std::string_view("oOuUrReE tTsS").find(text[1]) == text.npos)
    return false;
  text = trimmed(text);
  if (text.size() < 3 || text.size() > 14) return false;
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  if (lower.back() == ':') lower.pop_back();
  for (const char* word : {"total", "totals", "sum", "grand total", "subtotal", "sub-total",
                           "gesamt", "summe", "totale", "somme"})
    if (lower == word) return true;
  return false;
}

struct Lane {
  Type type = Type::empty;
  uint64_t known = 0, missing = 0;
  DistinctCounter distinct{};
  double sum = 0, lost = 0;  // compensated
  double low = 0, high = 0;
  uint64_t low_row = 0, high_row = 0;
  int64_t first = 0, last = 0;
  bool whole = true;
  std::vector<double> reservoir{};
  std::unordered_map<uint64_t, size_t> places{};  // of values, by hash
  std::vector<std::pair<std::string, uint64_t>> values{};
  uint64_t repeat_row = 0;  // the first row whose value was there before
};

class Collector : public CellSink {
 public:
  explicit Collector(const std::vector<Column>& columns)
      : columns_(columns), lanes_(columns.size()) {
    for (size_t i = 0; i < columns.size(); ++i) lanes_[i].type = columns[i].type;
  }

  void missing(int column) override {
    ++at(column).missing;
    row_hash_ = row_hash_ * 31 + 7;
  }
  void number(int column, double value) override {
    Lane& lane = at(column);
    if (value == 0) value = 0;  // -0 is 0
    if (lane.known == 0 || value < lane.low) {
      lane.low = value;
      lane.low_row = row_;
    }
    if (lane.known == 0 || value > lane.high) {
      lane.high = value;
      lane.high_row = row_;
    }
    const double added = value - lane.lost;
    const double sum = lane.sum + added;
    lane.lost = (sum - lane.sum) - added;
    lane.sum = sum;
    lane.whole = lane.whole && value == std::trunc(value);
    if (lane.reservoir.size() < kReservoir) {
      lane.reservoir.push_back(value);
    } else {
      // next_random() has 47 bits.
      const auto place = static_cast<uint64_t>(static_cast<double>(next_random()) * 0x1p-47 *
                                               static_cast<double>(lane.known + 1));
      if (place < kReservoir) lane.reservoir[place] = value;
    }
    note(lane, mixed(std::bit_cast<uint64_t>(value)));
  }
  void text(int column, std::string_view value) override {
    Lane& lane = at(column);
    const uint64_t hash = mixed(std::hash<std::string_view>()(value));
    if (lane.values.size() < kValues || lane.distinct.estimate() <= 2 * kValues) {
      const auto it = lane.places.find(hash);
      if (it != lane.places.end()) {
        ++lane.values[it->second].second;
      } else if (lane.values.size() < kValues) {
        lane.places.emplace(hash, lane.values.size());
        lane.values.emplace_back(value, 1);
      }
    }
    if (value.size() <= 20 && is_total(value)) total_column_ = column;
    note(lane, hash);
  }
  void date(int column, int64_t micros) override {
    Lane& lane = at(column);
    if (lane.known == 0 || micros < lane.first) lane.first = micros;
    if (lane.known == 0 || micros > lane.last) lane.last = micros;
    note(lane, mixed(static_cast<uint64_t>(micros)));
  }
  void boolean(int column, bool value) override { note(at(column), mixed(value ? 3 : 5)); }
  void end_row() override {
    if (total_column_ >= 0) {
      if (totals_.size() < kNotedTotals) totals_.push_back(row_);
      ++n_totals_;
      total_column_ = -1;
    }
    if (rows_seen_.add(mixed(row_hash_)) && repeated_row_ == 0) repeated_row_ = row_;
    row_hash_ = 17;
    ++row_;
  }

  Facts facts(const std::string& path, std::vector<std::string> notes) {
    Facts facts{.path = path, .rows = row_ - 1, .notes = std::move(notes)};
    for (size_t i = 0; i < lanes_.size(); ++i) {
      Lane& lane = lanes_[i];
      ColumnFacts f{.column = columns_[i],
                    .unit = unit_of(columns_[i].name),
                    .known = lane.known,
                    .missing = lane.missing,
                    .distinct = lane.distinct.estimate(),
                    .about = !lane.distinct.exact()};
      if (lane.type == Type::date && lane.known > 0) {
        f.min = Date{lane.first};
        f.max = Date{lane.last};
      }
      if (lane.type == Type::number && lane.known > 0) numbers(lane, f, facts.notes);
      if (lane.type == Type::text) {
        std::stable_sort(lane.values.begin(), lane.values.end(),
                         [](const auto& a, const auto& b) { return a.second > b.second; });
        for (size_t k = 0; k < std::min<size_t>(3, lane.values.size()); ++k)
          f.values.push_back(lane.values[k].first);
      }
      keys(lane, f, facts);
      facts.columns.push_back(std::move(f));
    }
    for (const uint64_t row : totals_)
      facts.notes.push_back("row " + std::to_string(row) +
                            " looks like a total of the rows above it");
    if (n_totals_ > totals_.size())
      facts.notes.push_back(counted(n_totals_, "row") + " in all look like totals");
    if (repeated_row_ > 0)
      facts.notes.push_back(
          (rows_seen_.exact() ? "" : "at least ") + counted(rows_seen_.repeated(), "row") +
          (rows_seen_.repeated() == 1 ? " is" : " are") +
          " the same as an earlier one (first row " + std::to_string(repeated_row_) + ")");
    if (facts.notes.size() > kMaxNotes) {
      const size_t more = facts.notes.size() - kMaxNotes;
      facts.notes.resize(kMaxNotes);
      facts.notes.push_back("and " + counted(more, "more note"));
    }
    return facts;
  }

 private:
  Lane& at(int column) { return lanes_[static_cast<size_t>(column)]; }
  void note(Lane& lane, uint64_t hash) {
    ++lane.known;
    row_hash_ = (row_hash_ ^ hash) * 0x9e3779b97f4a7c15ull;
    if (lane.distinct.add(hash) && lane.repeat_row == 0) lane.repeat_row = row_;
  }
  uint64_t next_random() {
    random_ = random_ * 6364136223846793005ull + 1442695040888963407ull;
    return random_ >> 17;
  }

  static void numbers(Lane& lane, ColumnFacts& f, std::vector<std::string>& notes) {
    f.min = lane.low;
    f.max = lane.high;
    f.mean = lane.sum / static_cast<double>(lane.known);
    std::vector<double>& values = lane.reservoir;
    std::sort(values.begin(), values.end());
    const auto at = [&](double share) {
      const double place = share * static_cast<double>(values.size() - 1);
      const auto below = static_cast<size_t>(place);
      const size_t above = std::min(below + 1, values.size() - 1);
      return values[below] + (values[above] - values[below]) * (place - std::floor(place));
    };
    f.low_quartile = at(0.25);
    f.median = at(0.5);
    f.high_quartile = at(0.75);
    f.sampled = lane.known > values.size();
    const double range = f.high_quartile - f.low_quartile;
    if (range <= 0 || lane.known < 8) return;
    const double low = f.low_quartile - 3 * range;
    const double high = f.high_quartile + 3 * range;
    const auto outside = static_cast<uint64_t>(
        std::count_if(values.begin(), values.end(), [&](double x) { return x < low || x > high; }));
    f.outliers = f.sampled ? static_cast<uint64_t>(static_cast<double>(outside) *
                                                   static_cast<double>(lane.known) /
                                                   static_cast<double>(values.size()))
                           : outside;
    std::string far;
    if (lane.low < low) far += format_number(lane.low) + " in row " + std::to_string(lane.low_row);
    if (lane.high > high)
      far += (far.empty() ? "" : ", ") + format_number(lane.high) + " in row " +
             std::to_string(lane.high_row);
    if (!far.empty()) notes.push_back(f.column.name + ": far from the other values: " + far);
  }

  // A column of nearly as many values as rows is meant to be a key: repeated ones are worth a note.
  static void keys(const Lane& lane, const ColumnFacts& f, Facts& facts) {
    const bool may_be_key = lane.type == Type::text || (lane.type == Type::number && lane.whole);
    if (!may_be_key || lane.known < 10 || lane.repeat_row == 0) return;
    std::string name = f.column.name;
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    const bool named = name == "id" || name == "key" || name == "code" || name.ends_with("_id") ||
                       name.ends_with(" id") || name.ends_with("_key") || name.ends_with("_code");
    const double share = static_cast<double>(f.distinct) / static_cast<double>(lane.known);
    if (share < (named ? 0.9 : 0.98)) return;
    facts.notes.push_back(f.column.name + ": nearly all values are different, but " +
                          (lane.distinct.exact() ? "" : "at least ") +
                          std::to_string(lane.distinct.repeated()) + " came before (first in row " +
                          std::to_string(lane.repeat_row) + ")");
  }

  std::vector<Column> columns_;
  std::vector<Lane> lanes_;
  DistinctCounter rows_seen_;
  uint64_t row_ = 1, row_hash_ = 17, repeated_row_ = 0;
  uint64_t random_ = 1;
  int total_column_ = -1;
  std::vector<uint64_t> totals_;
  uint64_t n_totals_ = 0;
};

}  // namespace

std::string unit_of(const std::string& header) {
  const size_t n = header.size();
  for (const auto& [open, close] : {std::pair{'(', ')'}, {'[', ']'}})
    if (n > 2 && header[n - 1] == close)
      if (const size_t at = header.rfind(open); at != header.npos && at > 0 && n - at - 2 <= 16)
        return header.substr(at + 1, n - at - 2);
  const size_t at = header.find_last_of("_ ");
  if (at == header.npos || at == 0) return {};
  std::string last = header.substr(at + 1);
  for (char& c : last)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  for (const char* unit :
       {"kg",      "g",  "mg",  "lb",  "lbs", "oz",  "t",   "km",    "m",     "cm",      "mm",
        "mi",      "ft", "in",  "l",   "ml",  "eur", "usd", "gbp",   "chf",   "jpy",     "pct",
        "percent", "%",  "ms",  "s",   "sec", "min", "h",   "hours", "days",  "kwh",     "mwh",
        "kw",      "mw", "w",   "v",   "hz",  "mb",  "gb",  "kb",    "bytes", "celsius", "degc",
        "c",       "f",  "mph", "kmh", "bar", "hpa", "ppm"})
    if (last == unit) return header.substr(at + 1);
  return {};
}

base::Result<Facts> facts_of(const std::shared_ptr<Engine>& engine, const std::string& path,
                             const std::string& who) {
  // A delimited file is looked at as it is read; a copy in memory would only cost time.
  if (table_kind(path) == TableKind::delimited && path.find_first_of("*?") == path.npos) {
    std::unique_ptr<Collector> single;
    std::vector<std::string> notes;
    base::Result<bool> done = csv_single_pass(
        path,
        [&](const std::vector<Column>& columns) -> CellSink& {
          single = std::make_unique<Collector>(columns);
          return *single;
        },
        notes);
    if (done && *done) return single->facts(path, std::move(notes));
    single.reset();
    base::Result<std::unique_ptr<CsvSource>> source = CsvSource::open(path);
    if (source) {
      std::vector<int> all((*source)->columns().size());
      std::iota(all.begin(), all.end(), 0);
      base::Result<std::unique_ptr<Cursor>> cursor = (*source)->start(std::move(all));
      if (!cursor) return cursor.error();
      Collector collector((*source)->columns());
      while (true) {
        base::Result<int> n = (*cursor)->next(collector, 4096);
        if (!n) return n.error();
        if (*n == 0) break;
      }
      return collector.facts(path, (*source)->notes());
    }
    if (source.error().code != Errc::not_found && source.error().code != Errc::refused)
      return source.error();
  }
  base::Result<Table> table = open_table(engine, path, {}, who);
  if (!table) return table.error();
  Collector collector(table->columns());
  if (base::Status ok = table->send(collector); !ok) return sql::named(who, ok.error());
  return collector.facts(path, table->notes());
}

Table facts_table(const std::shared_ptr<Engine>& engine, const Facts& facts) {
  auto frame = std::make_shared<Frame>(std::vector<Column>{
      {.name = "column", .type = Type::text, .may_miss = false},
      {.name = "type", .type = Type::text, .may_miss = false},
      {.name = "unit", .type = Type::text},
      {.name = "missing", .type = Type::number, .may_miss = false},
      {.name = "distinct", .type = Type::number, .may_miss = false},
      {.name = "min", .type = Type::text},
      {.name = "max", .type = Type::text},
      {.name = "mean", .type = Type::number},
      {.name = "median", .type = Type::number},
      {.name = "outliers", .type = Type::number},
  });
  for (const ColumnFacts& f : facts.columns) {
    const auto text = [&](int column, const std::string& value) {
      value.empty() ? frame->missing(column) : frame->text(column, value);
    };
    frame->text(0, f.column.name);
    frame->text(1, type_name(f.column.type));
    text(2, f.unit);
    frame->number(3, static_cast<double>(f.missing));
    frame->number(4, static_cast<double>(f.distinct));
    text(5, cell_text(f.min));
    text(6, cell_text(f.max));
    const bool number = f.column.type == Type::number && f.known > 0;
    const double numbers[] = {f.mean, f.median, static_cast<double>(f.outliers)};
    for (int k = 0; k < 3; ++k) number ? frame->number(7 + k, numbers[k]) : frame->missing(7 + k);
    frame->end_row();
  }
  frame->add_notes(facts.notes);
  return Table::of(engine, std::move(frame));
}

std::string facts_text(const Facts& facts) {
  std::string text = facts.path + ": " + counted(facts.rows, "row") + ", " +
                     counted(facts.columns.size(), "column") + "\n\n";
  Grid grid({false, false, false, true, true, true, true, true, true, false});
  grid.add(
      {"column", "type", "unit", "missing", "distinct", "min", "median", "mean", "max", "values"});
  for (size_t i = 0; i < std::min<size_t>(facts.columns.size(), 1000); ++i) {
    const ColumnFacts& f = facts.columns[i];
    const bool number = f.column.type == Type::number && f.known > 0;
    std::string values;
    for (const std::string& value : f.values) values += (values.empty() ? "" : ", ") + value;
    if (f.distinct > f.values.size() && !values.empty()) values += ", …";
    grid.add({f.column.name, std::string(type_name(f.column.type)), f.unit,
              f.missing ? std::to_string(f.missing) : "",
              (f.about ? "~" : "") + std::to_string(f.distinct), cell_text(f.min),
              number ? format_number(f.median) : "", number ? format_number(f.mean) : "",
              cell_text(f.max), values});
  }
  text += grid.text(true);
  if (!facts.notes.empty()) text += "\n";
  for (const std::string& note : facts.notes) text += "note: " + note + "\n";
  return text;
}

nlohmann::json facts_json(const Facts& facts) {
  nlohmann::json columns = nlohmann::json::array();
  for (const ColumnFacts& f : facts.columns) {
    nlohmann::json column = {{"name", f.column.name},
                             {"type", type_name(f.column.type)},
                             {"missing", f.missing},
                             {"distinct", f.distinct},
                             {"distinct_is_estimate", f.about}};
    if (!f.unit.empty()) column["unit"] = f.unit;
    if (f.column.type == Type::number || f.column.type == Type::date) {
      column["min"] = end_json(f.min);
      column["max"] = end_json(f.max);
    }
    if (f.column.type == Type::number && f.known > 0) {
      column["mean"] = f.mean;
      column["quartiles"] = {f.low_quartile, f.median, f.high_quartile};
      column["outliers"] = f.outliers;
      column["sampled"] = f.sampled;
    }
    if (f.column.type == Type::text) column["values"] = f.values;
    columns.push_back(std::move(column));
  }
  return {{"path", facts.path}, {"rows", facts.rows}, {"columns", columns}, {"notes", facts.notes}};
}

}  // namespace tools::data
