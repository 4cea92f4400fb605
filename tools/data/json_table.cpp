// The SAX events of nlohmann/json fill one Raw column per key; depth 0 is the document, 1 the
// array, 2 a record (for one object a line: 1 a record). A value deeper than a record's is written
// back to text as it is read. When all is read, each Raw column is given a type and copied into the
// Frame.

#include "tools/data/json_table.h"

#include <cmath>
#include <unordered_map>
#include "base/json.h"

#include "tools/data/byte_reader.h"
#include "tools/data/csv.h"
#include "tools/data/infer.h"
#include "tools/data/workspace.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

constexpr uint64_t kMaxBytes = 256'000'000;
constexpr size_t kMaxColumns = 4096;

enum class Kind : uint8_t { missing, boolean, number, text };

struct Raw {
  std::string name{};
  std::vector<Kind> kinds{};      // [rows so far]
  std::vector<double> numbers{};  // [rows]: number, boolean
  std::string pool{};
  std::vector<uint64_t> ends{};  // [rows]

  void pad(size_t rows) {
    while (kinds.size() < rows) put(Kind::missing, 0, {});
  }
  void put(Kind kind, double number, std::string_view text) {
    kinds.push_back(kind);
    numbers.push_back(number);
    pool.append(text);
    ends.push_back(pool.size());
  }
  std::string_view text(size_t row) const {
    const uint64_t begin = row == 0 ? 0 : ends[row - 1];
    return std::string_view(pool).substr(begin, ends[row] - begin);
  }
};

class Reader : public nlohmann::json_sax<json> {
 public:
  explicit Reader(size_t record_depth) : record_depth_(record_depth) {}

  std::vector<Raw> columns;
  size_t rows = 0;
  std::string problem;  // empty: none
  size_t problem_byte = 0;
  bool records_only = true;  // something else than objects was in the array

  bool null() override { return value(Kind::missing, 0, {}, "null"); }
  bool boolean(bool v) override {
    return value(Kind::boolean, v, v ? "true" : "false", v ? "true" : "false");
  }
  bool number_integer(int64_t v) override {
    return integer(static_cast<double>(v), std::to_string(v));
  }
  bool number_unsigned(uint64_t v) override {
    return integer(static_cast<double>(v), std::to_string(v));
  }
  bool number_float(double v, const std::string& text) override {
    if (!std::isfinite(v)) return value(Kind::missing, 0, {}, "null");
    return value(Kind::number, v, exact_number(v), text);
  }
  bool string(std::string& v) override {
    if (is_missing(trimmed(v)))
      return value(Kind::missing, 0, {}, depth_ > record_depth_ ? json(v).dump() : "");
    return value(Kind::text, 0, v, depth_ > record_depth_ ? json(v).dump() : std::string());
  }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override {
    ++depth_;
    if (depth_ > record_depth_) return open('{');
    if (depth_ < record_depth_) return fail_shape();
    return true;
  }
  bool key(std::string& name) override {
    if (depth_ > record_depth_) {
      comma();
      nested_ += json(name).dump() + ":";
      after_key_ = true;
      return true;
    }
    const auto [it, fresh] = index_.emplace(name, columns.size());
    if (fresh) {
      if (columns.size() >= kMaxColumns) {
        problem = "more than 4096 different names";
        return false;
      }
      columns.push_back({.name = name});
    }
    column_ = it->second;
    return true;
  }
  bool end_object() override {
    if (depth_-- > record_depth_) return close('}');
    ++rows;
    return true;
  }
  bool start_array(size_t) override {
    ++depth_;
    if (depth_ > record_depth_) return open('[');
    if (depth_ == record_depth_) return fail_shape();
    return true;
  }
  bool end_array() override {
    if (depth_-- > record_depth_) return close(']');
    return true;
  }
  bool parse_error(size_t byte, const std::string&, const json::exception&) override {
    problem_byte = byte;
    problem = "not valid JSON";
    return false;
  }

 private:
  bool fail_shape() {
    records_only = false;
    return false;
  }
  bool integer(double v, const std::string& text) {
    // More digits than a double keeps: a code, not a quantity.
    return value(std::abs(v) < 1e15 ? Kind::number : Kind::text, v, text, text);
  }
  bool value(Kind kind, double number, std::string_view text, const std::string& nested) {
    if (depth_ > record_depth_) {
      comma();
      nested_ += nested;
      return true;
    }
    if (depth_ < record_depth_) return fail_shape();
    put(kind, number, text);
    return true;
  }
  void put(Kind kind, double number, std::string_view text) {
    Raw& column = columns[column_];
    if (column.kinds.size() > rows) return;  // a name twice in a record: the first counts
    column.pad(rows);
    column.put(kind, number, text);
  }
  void comma() {
    if (!after_key_ && !nested_.empty() && nested_.back() != '{' && nested_.back() != '[')
      nested_ += ',';
    after_key_ = false;
  }
  bool open(char bracket) {
    comma();
    nested_ += bracket;
    return nested_.size() < (size_t{1} << 20);
  }
  bool close(char bracket) {
    nested_ += bracket;
    if (depth_ == record_depth_) {
      put(Kind::text, 0, nested_);
      nested_.clear();
    }
    return true;
  }

  size_t record_depth_;
  size_t depth_ = 0;
  size_t column_ = 0;
  std::unordered_map<std::string, size_t> index_;
  std::string nested_;
  bool after_key_ = false;
};

void fill(Frame& frame, int column, const Raw& raw, const Reading& reading, bool all_numbers,
          bool all_booleans) {
  for (size_t row = 0; row < raw.kinds.size(); ++row) {
    if (raw.kinds[row] == Kind::missing) {
      frame.missing(column);
    } else if (all_numbers) {
      frame.number(column, raw.numbers[row]);
    } else if (all_booleans) {
      frame.boolean(column, raw.numbers[row] != 0);
    } else {
      const std::string_view text = raw.text(row);
      switch (reading.type) {
        case Type::number:
          frame.number(column, read_number(reading.style, trimmed(text)).value_or(0));
          break;
        case Type::date:
          frame.date(column, parse_date(reading.format, trimmed(text)).value_or(0));
          break;
        case Type::boolean:
          frame.boolean(column, read_boolean(trimmed(text)).value_or(false));
          break;
        case Type::text:
          frame.text(column, text);
          break;
        case Type::empty:
          frame.missing(column);
          break;
      }
    }
  }
}

uint64_t line_of(std::string_view text, size_t byte) {
  uint64_t line = 1;
  for (size_t i = 0; i + 1 < byte && i < text.size(); ++i) line += text[i] == '\n';
  return line;
}

}  // namespace

base::Result<std::shared_ptr<Frame>> read_json(const std::string& path) {
  base::Result<std::string> text = read_text_file(path, kMaxBytes);
  if (!text) return text.error();
  std::string_view rest = *text;
  if (rest.substr(0, 3) == "\xef\xbb\xbf") rest.remove_prefix(3);
  const size_t first = rest.find_first_not_of(" \t\r\n");
  if (first == rest.npos) return Error{Errc::corrupt, path + ": the file is empty"};
  const bool array = rest[first] == '[';
  if (!array && rest[first] != '{')
    return Error{Errc::corrupt, path + ": neither an array of objects nor one object a line"};
  Reader reader(array ? 2 : 1);
  uint64_t problem_line = 0;
  bool ok = true;
  try {
    if (array) {
      ok = json::sax_parse(rest.begin(), rest.end(), &reader);
      if (!ok) problem_line = line_of(rest, reader.problem_byte);
    } else {
      uint64_t line = 0;
      while (ok && !rest.empty()) {
        const size_t end = std::min(rest.find('\n'), rest.size());
        const std::string_view one = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        ++line;
        if (one.find_first_not_of(" \t\r") == one.npos) continue;
        ok = json::sax_parse(one.begin(), one.end(), &reader);
        problem_line = line;
      }
    }
  } catch (const std::exception& e) {
    return Error{Errc::corrupt, path + ": " + e.what()};
  }
  if (!ok) {
    if (!reader.records_only) return Error{Errc::corrupt, path + ": not an array of objects"};
    if (!array && reader.rows == 0)
      return Error{Errc::corrupt, path + ": neither an array of objects nor one object a line"};
    return Error{Errc::corrupt, path + ": line " + std::to_string(problem_line) + " is " +
                                    (reader.problem.empty() ? "nested too deep" : reader.problem)};
  }
  if (!array && reader.rows == 1 && table_kind(path) == TableKind::json)
    return Error{Errc::corrupt, path + ": one object, not an array of objects"};
  std::vector<Column> columns;
  std::vector<std::string> names;
  std::vector<Reading> readings;
  std::vector<std::pair<bool, bool>> all;  // numbers, booleans
  for (Raw& raw : reader.columns) {
    raw.pad(reader.rows);
    Guess guess;
    size_t numbers = 0;
    size_t booleans = 0;
    size_t known = 0;
    for (size_t row = 0; row < reader.rows; ++row) {
      numbers += raw.kinds[row] == Kind::number;
      booleans += raw.kinds[row] == Kind::boolean;
      known += raw.kinds[row] != Kind::missing;
    }
    Reading reading;
    const bool all_numbers = known > 0 && numbers == known;
    const bool all_booleans = known > 0 && booleans == known;
    if (all_numbers || all_booleans) {
      reading.type = all_numbers ? Type::number : Type::boolean;
    } else {
      for (size_t row = 0; row < reader.rows; ++row)
        if (raw.kinds[row] != Kind::missing) guess.add(trimmed(raw.text(row)));
      reading = guess.result();
    }
    reading.may_miss = known < reader.rows;
    names.push_back(raw.name);
    readings.push_back(reading);
    all.emplace_back(all_numbers, all_booleans);
    columns.push_back({.type = reading.type, .may_miss = reading.may_miss});
  }
  names = clean_names(names);
  for (size_t i = 0; i < names.size(); ++i) columns[i].name = names[i];
  auto frame = std::make_shared<Frame>(columns);
  for (size_t i = 0; i < columns.size(); ++i) {
    fill(*frame, static_cast<int>(i), reader.columns[i], readings[i], all[i].first, all[i].second);
    reader.columns[i] = Raw();
  }
  for (size_t row = 0; row < reader.rows; ++row) frame->end_row();
  return frame;
}

}  // namespace tools::data
