// Reads a specification's data. Text formats become rows of what they hold: delimited text has only
// texts, as in Vega, and which of them are numbers or dates is decided by `parse` or by whoever
// compiles the encodings.
#include "tools/vega/load.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include "base/json.h"

#include "tools/vega/expression.h"
#include "tools/vega/format.h"
#include "tools/vega/transform.h"

namespace tools::vega {

using base::Errc;
using base::Error;
using base::Ok;

namespace {

constexpr int kMaxNesting = 64;
constexpr size_t kMaxColumns = 10000;
constexpr size_t kMaxFileBytes = size_t{1} << 30;

const Row& member(const Row& object, const char* key) {
  if (!object.is_object()) return null_row();
  auto it = object.find(key);
  return it == object.end() ? null_row() : *it;
}
std::string text_of(const Row& object, const char* key) {
  const Row& value = member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

// How deep brackets nest outside of texts; a deep value would exhaust the stack wherever it is
// copied.
bool nests_too_deep(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (quoted) {
      if (c == '\\') {
        ++i;
      } else if (c == '"') {
        quoted = false;
      }
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxNesting) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

bool nests_too_deep(const Row& value, int depth) {
  if (!value.is_structured()) return false;
  if (depth > kMaxNesting) return true;
  return std::any_of(value.begin(), value.end(),
                     [&](const Row& item) { return nests_too_deep(item, depth + 1); });
}

base::Result<Row> parse_json(std::string_view text) {
  if (nests_too_deep(text)) {
    return Error{Errc::limit, "data is nested deeper than 64 levels"};
  }
  try {
    return Row::parse(text);
  } catch (const Row::parse_error& e) {
    size_t end = std::min(e.byte, text.size());
    auto line = 1 + std::count(text.begin(), text.begin() + static_cast<long>(end), '\n');
    return Error{Errc::corrupt, "data is not JSON, line " + std::to_string(line)};
  } catch (const Row::exception& e) {
    return Error{Errc::corrupt, "data is not JSON: " + base::reason(e)};
  }
}

base::Result<Rows> rows_of(Row value) {
  Rows rows;
  if (!value.is_array()) {
    if (value.is_null()) return rows;
    value = Row::array({std::move(value)});
  }
  if (value.size() > kMaxRows) return Error{Errc::limit, "data has more than 5000000 rows"};
  rows.reserve(value.size());
  for (Row& item : value) {
    if (item.is_object()) {
      rows.push_back(std::move(item));
    } else if (item.is_array()) {
      // A list is read by its indices.
      Row row = Row::object();
      for (size_t i = 0; i < item.size(); ++i) row[std::to_string(i)] = std::move(item[i]);
      rows.push_back(std::move(row));
    } else {
      rows.push_back({{"data", std::move(item)}});
    }
  }
  return rows;
}

// The format that a url's ending names.
std::string type_of_url(std::string_view url) {
  url = url.substr(0, url.find_first_of("?#"));
  size_t dot = url.rfind('.');
  std::string ending = dot == std::string_view::npos ? "" : std::string(url.substr(dot + 1));
  return ending == "csv" || ending == "tsv" || ending == "dsv" ? ending : "json";
}

base::Result<Rows> read_text(std::string_view text, const std::string& type, const Row& format) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (type == "json") {
    base::Result<Row> value = parse_json(text);
    if (!value) return value.error();
    std::string property = text_of(format, "property");
    if (property.empty()) return rows_of(std::move(*value));
    base::Result<Field> field = Field::parse(property);
    if (!field) return field.error();
    const Row* found = field->find(*value);
    if (found == nullptr) {
      return Error{Errc::usage, "data has no property \"" + property.substr(0, 60) + "\""};
    }
    return rows_of(*found);
  }
  char delimiter = type == "tsv" ? '\t' : ',';
  if (type == "dsv") {
    std::string given = text_of(format, "delimiter");
    if (given.size() != 1 || given == "\"" || given == "\n" || given == "\r") {
      return Error{Errc::usage, "data format dsv needs a delimiter of one byte"};
    }
    delimiter = given[0];
  } else if (type != "csv" && type != "tsv") {
    return Error{type == "topojson" ? Errc::unsupported : Errc::usage,
                 "data format \"" + type.substr(0, 60) + "\" is not supported"};
  }
  return read_delimited(text, delimiter);
}

base::Result<Rows> sequence(const Row& spec, const LoadContext& context) {
  double values[3] = {0, 0, 1};
  const char* keys[] = {"start", "stop", "step"};
  for (size_t i = 0; i < 3; ++i) {
    const Row& value = member(spec, keys[i]);
    if (value.is_null()) continue;
    Row number = value;
    std::string text = text_of(value, "expr") + text_of(value, "signal");
    if (!text.empty()) {
      base::Result<Expression> expression = Expression::parse(text);
      if (!expression) return expression.error();
      base::Result<Row> computed = expression->evaluate({.names = context.names});
      if (!computed) return computed.error();
      number = *computed;
    }
    if (!number.is_number()) {
      return Error{Errc::usage, std::string("data sequence ") + keys[i] + " must be a number"};
    }
    values[i] = number.get<double>();
  }
  double n = std::max(0.0, std::ceil((values[1] - values[0]) / values[2]));
  if (!(n <= kMaxRows)) return Error{Errc::limit, "data sequence has more than 5000000 numbers"};
  std::string as = text_of(spec, "as");
  if (as.empty()) as = "data";
  Rows rows;
  rows.reserve(static_cast<size_t>(n));
  for (double i = 0; i < n; ++i) rows.push_back({{as, number_row(values[0] + i * values[2])}});
  return rows;
}

}  // namespace

UrlLoader folder_loader(std::string folder) {
  return [folder = std::move(folder)](std::string_view url) -> base::Result<std::string> {
    namespace fs = std::filesystem;
    std::string shown(url.substr(0, 120));
    fs::path path = fs::path(url).lexically_normal();
    if (url.find("://") != std::string_view::npos || path.is_absolute() || url.empty() ||
        url.find('\0') != std::string_view::npos || *path.begin() == "..") {
      return Error{Errc::refused, "data url \"" + shown + "\" is not a file below the folder"};
    }
    std::error_code error;
    fs::path root = fs::canonical(folder, error);
    fs::path full = error ? fs::path() : fs::canonical(root / path, error);
    if (error || !fs::is_regular_file(full, error)) {
      return Error{Errc::not_found, "data url \"" + shown + "\" does not exist"};
    }
    // A link may lead out of the folder.
    fs::path inside = full.lexically_relative(root);
    if (inside.empty() || *inside.begin() == "..") {
      return Error{Errc::refused, "data url \"" + shown + "\" is not a file below the folder"};
    }
    if (fs::file_size(full, error) > kMaxFileBytes) {
      return Error{Errc::limit, "data url \"" + shown + "\" is larger than 1 GiB"};
    }
    std::ifstream file(full, std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    if (!file) return Error{Errc::system, "data url \"" + shown + "\" cannot be read"};
    return std::move(bytes).str();
  };
}

base::Result<Rows> read_delimited(std::string_view text, char delimiter) {
  std::vector<std::string> columns;
  std::vector<std::string> fields;
  Rows rows;
  size_t i = 0, n = text.size();
  while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r')) {
    // Only one line end closes the last line.
    bool pair = n > 1 && text[n - 1] == '\n' && text[n - 2] == '\r';
    n -= pair ? 2 : 1;
    break;
  }
  bool header = true;
  bool more = n > 0;
  while (more) {
    fields.clear();
    for (bool in_line = true; in_line;) {
      std::string field;
      if (i < n && text[i] == '"') {
        for (++i; i < n; ++i) {
          if (text[i] != '"') {
            field += text[i];
          } else if (i + 1 < n && text[i + 1] == '"') {
            field += '"';
            ++i;
          } else {
            break;
          }
        }
        ++i;
        // What follows a closing quote belongs to nothing.
        while (i < n && text[i] != delimiter && text[i] != '\n' && text[i] != '\r') ++i;
      } else {
        size_t start = i;
        while (i < n && text[i] != delimiter && text[i] != '\n' && text[i] != '\r') ++i;
        field.assign(text, start, i - start);
      }
      fields.push_back(std::move(field));
      if (fields.size() > kMaxColumns) {
        return Error{Errc::limit, "data has a line of more than 10000 columns"};
      }
      if (i >= n) {
        in_line = more = false;
      } else if (text[i] == delimiter) {
        ++i;
      } else {
        i += text[i] == '\r' && i + 1 < n && text[i + 1] == '\n' ? 2 : 1;
        in_line = false;
      }
    }
    if (header) {
      columns = std::move(fields);
      fields = {};
      header = false;
      continue;
    }
    if (rows.size() >= kMaxRows) return Error{Errc::limit, "data has more than 5000000 rows"};
    Row row = Row::object();
    for (size_t c = 0; c < columns.size(); ++c) {
      row[columns[c]] = c < fields.size() ? std::move(fields[c]) : std::string();
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

namespace {

Row to_type_boolean(const Row& value) {
  if (value.is_null() || value == "") return nullptr;
  if (value == "false" || value == "0") return false;
  return to_boolean(value);
}
Row to_type_number(const Row& value) {
  return value.is_null() || value == "" ? Row() : number_row(to_number(value));
}
Row to_type_date(const Row& value) {
  if (value.is_null() || value == "") return nullptr;
  if (value.is_number()) return value;
  return number_row(parse_date(to_text(value)));
}
Row to_type_text(const Row& value) {
  return value.is_null() || value == "" ? Row() : Row(to_text(value));
}

using Converter = std::function<Row(const Row&)>;

base::Result<Converter> converter_of(const std::string& type) {
  if (type == "boolean") return Converter(to_type_boolean);
  if (type == "number" || type == "integer") return Converter(to_type_number);
  if (type == "date") return Converter(to_type_date);
  if (type == "string") return Converter(to_type_text);
  bool utc = type.starts_with("utc:");
  if (!utc && !type.starts_with("date:")) {
    return Error{Errc::usage,
                 "data format parse has an unknown type \"" + type.substr(0, 60) + "\""};
  }
  std::string pattern = type.substr(utc ? 4 : 5);
  if (pattern.size() >= 2 && (pattern[0] == '\'' || pattern[0] == '"') &&
      pattern.back() == pattern[0]) {
    pattern = pattern.substr(1, pattern.size() - 2);
  }
  Zone zone = utc ? Zone::utc : Zone::local;
  return Converter([pattern, zone](const Row& value) {
    double ms = parse_time(to_text(value), pattern, zone);
    return std::isnan(ms) ? Row() : number_row(ms);
  });
}

}  // namespace

base::Status parse_types(Rows& rows, const Row& parse) {
  if (parse.is_null()) return Ok{};
  if (parse == "auto") {
    infer_types(rows);
    return Ok{};
  }
  if (!parse.is_object()) return Error{Errc::usage, "data format parse must be an object"};
  for (const auto& [name, type] : parse.items()) {
    if (type.is_null()) continue;
    if (!type.is_string()) {
      return Error{Errc::usage, "data format parse of \"" + name.substr(0, 60) + "\" must be text"};
    }
    base::Result<Converter> convert = converter_of(type.get<std::string>());
    if (!convert) return convert.error();
    base::Result<Field> field = Field::parse(name);
    if (!field) return field.error();
    for (Row& row : rows) {
      if (!row.is_object()) continue;
      const Row* value = field->find(row);
      if (value != nullptr) row[field->name()] = (*convert)(*value);
    }
  }
  return Ok{};
}

void infer_types(Rows& rows) {
  if (rows.empty() || !rows[0].is_object()) return;
  std::vector<std::string> names;
  for (const auto& [name, value] : rows[0].items()) names.push_back(name);
  for (const std::string& name : names) {
    bool boolean = true, integer = true, number = true, date = true;
    for (const Row& row : rows) {
      auto it = row.find(name);
      if (it == row.end() || !is_valid(*it)) continue;
      if (!(it->is_boolean() || *it == "true" || *it == "false")) boolean = false;
      if (number || integer) {
        double x = to_number(*it);
        if (std::isnan(x)) number = false;
        if (!(x == std::floor(x)) || std::isinf(x)) integer = false;
      }
      if (date && std::isnan(it->is_number() ? it->get<double>() : parse_date(to_text(*it)))) {
        date = false;
      }
      if (!boolean && !integer && !number && !date) break;
    }
    auto convert = boolean             ? to_type_boolean
                   : integer || number ? to_type_number
                   : date              ? to_type_date
                                       : to_type_text;
    for (Row& row : rows) {
      auto it = row.is_object() ? row.find(name) : row.end();
      if (it != row.end()) *it = convert(*it);
    }
  }
}

base::Result<Rows> load_data(const Row& data, const LoadContext& context) {
  if (data.is_null()) return Rows{};
  if (!data.is_object()) return Error{Errc::usage, "data must be an object"};
  for (const char* generator : {"graticule", "sphere"}) {
    if (data.contains(generator)) {
      return Error{Errc::unsupported,
                   std::string("data generator ") + generator + " is not supported"};
    }
  }
  if (data.contains("sequence")) return sequence(data["sequence"], context);
  const Row& format = member(data, "format");
  std::string type = text_of(format, "type");
  if (member(format, "feature").is_string() || member(format, "mesh").is_string()) {
    type = "topojson";
  }
  base::Result<Rows> rows = Rows{};
  const Row* values = nullptr;
  if (data.contains("values")) {
    values = &data["values"];
  } else if (data.contains("name") && !data.contains("url")) {
    std::string name = text_of(data, "name");
    const Row* set = nullptr;
    if (context.datasets != nullptr && context.datasets->is_object()) {
      auto it = context.datasets->find(name);
      if (it != context.datasets->end()) set = &*it;
    }
    if (set == nullptr) {
      return Error{Errc::not_found,
                   "data \"" + name.substr(0, 60) + "\" is not among the datasets"};
    }
    values = set;
  }
  if (values != nullptr) {
    if (type == "topojson") {
      return Error{Errc::unsupported, "data format \"topojson\" is not supported"};
    }
    if (values->is_string() && !type.empty()) {
      rows = read_text(values->get_ref<const std::string&>(), type, format);
    } else if (values->is_string()) {
      // Without a type text is JSON where it looks like it, else comma-separated.
      const std::string& text = values->get_ref<const std::string&>();
      size_t first = text.find_first_not_of(" \t\r\n");
      bool json = first != std::string::npos && (text[first] == '[' || text[first] == '{');
      rows = read_text(text, json ? "json" : "csv", format);
    } else {
      if (nests_too_deep(*values, 0)) {
        return Error{Errc::limit, "data is nested deeper than 64 levels"};
      }
      std::string property = text_of(format, "property");
      if (!property.empty() && values->is_object()) {
        base::Result<Field> field = Field::parse(property);
        if (!field) return field.error();
        rows = rows_of(field->of(*values));
      } else {
        rows = rows_of(*values);
      }
    }
  } else if (data.contains("url")) {
    std::string url = text_of(data, "url");
    if (url.empty()) return Error{Errc::usage, "data url must be text"};
    if (!context.url)
      return Error{Errc::refused, "data url \"" + url.substr(0, 120) + "\" cannot be read here"};
    if (type.empty()) type = type_of_url(url);
    if (type == "topojson") {
      return Error{Errc::unsupported, "data format \"topojson\" is not supported"};
    }
    base::Result<std::string> text = context.url(url);
    if (!text) return text.error();
    rows = read_text(*text, type, format);
    if (!rows)
      return Error{rows.error().code,
                   "data url \"" + url.substr(0, 120) + "\": " + rows.error().message};
  } else {
    return Error{Errc::usage, "data has none of values, url, name, sequence"};
  }
  if (!rows) return rows.error();
  if (base::Status status = parse_types(*rows, member(format, "parse")); !status) {
    return status.error();
  }
  return rows;
}

}  // namespace tools::vega
