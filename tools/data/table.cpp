// Each method builds "SELECT … FROM (the receiver's SELECT)". Columns are c0, c1, … by position, so
// that no name a file or a script chose is ever part of the SQL; values are written as literals by
// literal(). The order of a table is its sort keys, then r. Methods that need the order as one
// number use numbered().
//
// A chain longer than kMaxDepth, and every result that is small by nature, is stored by keep(): a
// table of DuckDB's that lives as long as some Table refers to it.

#include "tools/data/table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include "base/json.h"

#include "tools/data/dates.h"
#include "tools/data/infer.h"
#include "tools/data/table_sql.h"
#include "tools/data/workspace.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;

using sql::aggregate_name;
using sql::aggregate_sql;
using sql::c;
using sql::in_quotes;
using sql::instant;
using sql::kMonthNames;
using sql::kWeekdays;
using sql::list_of_type;
using sql::literal;
using sql::named;
using sql::rank;
using sql::sql_type;

constexpr int kMaxDepth = 12;
constexpr uint64_t kPrintedRows = 12;
constexpr uint64_t kAllRows = UINT64_MAX;
constexpr uint64_t kSavedAtOnce = 100'000;
constexpr size_t kMaxSavedColumns = 4096;

nlohmann::ordered_json json_of(const Cell& cell) {
  if (const double* number = std::get_if<double>(&cell)) {
    if (!std::isfinite(*number)) return nullptr;
    if (std::abs(*number) < 9e15 && *number == std::trunc(*number))
      return static_cast<int64_t>(*number);
    return *number;
  }
  if (const bool* boolean = std::get_if<bool>(&cell)) return *boolean;
  if (std::holds_alternative<std::monostate>(cell)) return nullptr;
  return cell_text(cell);
}

std::string file_text(const Cell& cell) {
  if (const double* number = std::get_if<double>(&cell)) return exact_number(*number);
  return csv_field(cell_text(cell));
}

// One line: what would break it is a space.
std::string line_text(const Cell& cell) {
  if (const double* number = std::get_if<double>(&cell)) return exact_number(*number);
  std::string line;
  const std::string text = cell_text(cell);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
    line += text[i] == '\n' || text[i] == '\r' ? ' ' : text[i];
  }
  return line;
}

}  // namespace

struct Table::Stored {
  std::shared_ptr<Engine> engine;
  std::string name;
  ~Stored() { (void)engine->execute("DROP TABLE IF EXISTS " + name); }
};

Table Table::of(std::shared_ptr<Engine> engine, std::shared_ptr<const Source> source) {
  Table table;
  table.columns_ = source->columns();
  table.notes_ = source->notes();
  table.n_read_ = source->rows();
  const int id = engine->add(std::move(source));
  table.engine_ = std::move(engine);
  table.sql_ = "SELECT * FROM tessera(" + std::to_string(id) + ")";
  table.known_rows_ = {table.sql_, table.n_read_};
  return table;
}

Table Table::from_sql(std::shared_ptr<Engine> engine, std::string sql, std::vector<Column> columns,
                      std::vector<std::string> notes) {
  Table table;
  table.engine_ = std::move(engine);
  table.sql_ = std::move(sql);
  table.columns_ = std::move(columns);
  table.notes_ = std::move(notes);
  return table;
}

std::vector<std::string> Table::names() const {
  std::vector<std::string> names;
  for (const Column& column : columns_) names.push_back(column.name);
  return names;
}

base::Result<int> Table::find(const std::string& who, const std::string& column) const {
  for (size_t i = 0; i < columns_.size(); ++i)
    if (columns_[i].name == column) return static_cast<int>(i);
  return Error{Errc::not_found,
               who + ": no column " + in_quotes(column) + "; columns: " + suggest(names(), column)};
}

base::Result<int> Table::find_number(const std::string& who, const std::string& column,
                                     bool or_dates) const {
  base::Result<int> i = find(who, column);
  if (!i) return i.error();
  const Type type = columns_[static_cast<size_t>(*i)].type;
  if (type == Type::number || type == Type::empty || (or_dates && type == Type::date)) return i;
  return Error{Errc::usage,
               who + ": column " + in_quotes(column) + " is " + std::string(type_name(type)) +
                   "; number columns: " + list_of_type(columns_, Type::number, column)};
}

std::string Table::all_columns(size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += c(i) + ", ";
  return out;
}

std::string Table::named_sql(bool ordered) const {
  std::string list;
  for (size_t i = 0; i < columns_.size(); ++i) {
    list += (i ? ", " : "") + c(i) + " AS \"";
    for (const char ch : columns_[i].name)
      list += ch == '"' ? std::string("\"\"") : std::string(1, ch);
    list += '"';
  }
  // Ordered inside: a column may have the name r.
  return "SELECT " + list + " FROM (" +
         (ordered || !order_.empty() ? "SELECT * FROM (" + sql_ + ") ORDER BY " + order_by()
                                     : sql_) +
         ")";
}

void Table::own(const std::string& name) {
  stored_.push_back(std::shared_ptr<Stored>(new Stored{engine_, name}));
}

std::string Table::order_by() const {
  std::string out;
  for (const SortKey& key : order_)
    out += rank(columns_[static_cast<size_t>(key.column)], c(key.column)) +
           (key.descending ? " DESC" : " ASC") + " NULLS LAST, ";
  return out + "r";
}

Table Table::wrap(std::string sql, std::vector<Column> columns, std::vector<SortKey> order) const {
  Table table = *this;
  table.sql_ = std::move(sql);
  table.columns_ = std::move(columns);
  table.order_ = std::move(order);
  ++table.depth_;
  if (table.depth_ <= kMaxDepth) return table;
  base::Result<Table> kept = table.keep();
  // Without memory for a copy the long chain may still run; if not, its own error says why.
  return kept ? *kept : table;
}

Table Table::numbered() const {
  if (order_.empty()) return *this;
  Table table = *this;
  table.sql_ = "SELECT " + all_columns(columns_.size()) + "row_number() OVER (ORDER BY " +
               order_by() + ") AS r FROM (" + sql_ + ")";
  table.order_.clear();
  ++table.depth_;
  return table;
}

base::Result<Table> Table::keep() const { return keep_columns({}); }

base::Result<Table> Table::keep_columns(const std::string& more) const {
  const std::string name = engine_->fresh_name();
  base::Status ok = engine_->execute("CREATE TABLE " + name + " AS SELECT " +
                                     all_columns(columns_.size()) + "row_number() OVER (ORDER BY " +
                                     order_by() + ") AS r" + more + " FROM (" + sql_ + ")");
  if (!ok) return ok.error();
  Table table = *this;
  table.stored_ = {std::shared_ptr<Stored>(new Stored{engine_, name})};
  table.sql_ = "SELECT " + all_columns(columns_.size()) + "r" + more + " FROM " + name;
  table.order_.clear();
  table.depth_ = 0;
  table.n_read_ = 0;
  return table;
}

Table Table::with_column(const std::string& sql, Column column) const {
  size_t place = columns_.size();
  for (size_t i = 0; i < columns_.size(); ++i)
    if (columns_[i].name == column.name) place = i;
  // Replacing a column that the rows are sorted by would lose their order.
  Table base = *this;
  for (const SortKey& key : order_)
    if (static_cast<size_t>(key.column) == place) base = numbered();
  std::vector<Column> columns = base.columns_;
  if (place == columns.size()) columns.emplace_back();
  columns[place] = std::move(column);
  std::string list;
  for (size_t i = 0; i < columns.size(); ++i)
    list += (i == place ? sql + " AS " + c(i) : c(i)) + ", ";
  return base.wrap("SELECT " + list + "r FROM (" + base.sql_ + ")", std::move(columns),
                   base.order_);
}

base::Result<Table> Table::where(const std::string& column, const std::string& op,
                                 const Cell& value) const {
  base::Result<int> i = find("where", column);
  if (!i) return i.error();
  const Column& what = columns_[static_cast<size_t>(*i)];
  std::string sql_op;
  for (const auto& [ours, theirs] :
       {std::pair{"==", "="}, {"~=", "<>"}, {"<", "<"}, {"<=", "<="}, {">", ">"}, {">=", ">="}})
    if (op == ours) sql_op = theirs;
  if (sql_op.empty() && op != "contains")
    return Error{Errc::usage, "where: unknown operator " + in_quotes(op) +
                                  "; operators: ==, ~=, <, <=, >, >=, contains"};
  if (std::holds_alternative<std::monostate>(value))
    return Error{Errc::usage, "where: the value for " + in_quotes(column) +
                                  " is missing; use known() or missing()"};
  const auto mismatch = [&] {
    return Error{Errc::usage,
                 "where: column " + in_quotes(column) + " is " + std::string(type_name(what.type)) +
                     ", not " + in_quotes(cell_text(value)) +
                     (what.type == Type::date ? "; write 2014, 2014-03 or 2014-03-05" : "")};
  };
  std::string test;
  const std::string left = c(*i);
  if (op == "contains") {
    if (what.type == Type::text || what.type == Type::empty) {
      test = "contains(" + left + ", " + literal(cell_text(value)) + ")";
    } else if (what.type == Type::date) {
      test = "contains(CASE WHEN " + left + " = date_trunc('day', " + left + ") THEN strftime(" +
             left + ", '%Y-%m-%d') ELSE strftime(" + left + ", '%Y-%m-%d %H:%M:%S') END, " +
             literal(cell_text(value)) + ")";
    } else {
      return Error{Errc::usage, "where: contains needs a text column; " + in_quotes(column) +
                                    " is " + std::string(type_name(what.type))};
    }
  } else if (what.type == Type::date) {
    const std::optional<DateRange> range = parse_range(cell_text(value));
    if (!range) return mismatch();
    const std::string from = left + " >= " + instant(range->begin);
    const std::string past = left + " >= " + instant(range->end);
    test = op == "=="   ? from + " AND NOT " + past
           : op == "~=" ? "NOT (" + from + ") OR " + past
           : op == "<"  ? "NOT (" + from + ")"
           : op == ">=" ? from
           : op == ">"  ? past
                        : "NOT (" + past + ")";
  } else if (what.type == Type::number) {
    std::optional<double> number;
    if (const double* plain = std::get_if<double>(&value)) number = *plain;
    if (const std::string* text = std::get_if<std::string>(&value))
      number = parse_number(trimmed(*text));
    if (!number || !std::isfinite(*number)) return mismatch();
    test = left + " " + sql_op + " " + literal(*number);
  } else if (what.type == Type::boolean) {
    std::optional<bool> boolean;
    if (const bool* plain = std::get_if<bool>(&value)) boolean = *plain;
    if (const std::string* text = std::get_if<std::string>(&value)) boolean = read_boolean(*text);
    if (!boolean) return mismatch();
    test = left + " " + sql_op + (*boolean ? " true" : " false");
  } else {
    const std::string text = literal(cell_text(value));
    const bool by_text = what.calendar == Calendar::none || op == "==" || op == "~=";
    test = by_text ? left + " " + sql_op + " " + text
                   : rank(what, left) + " " + sql_op + " " + rank(what, text);
  }
  return wrap("SELECT " + all_columns(columns_.size()) + "r FROM (" + sql_ + ") WHERE " + test,
              columns_, order_);
}

Table Table::known_all(const std::vector<int>& columns) const {
  std::string test;
  std::vector<Column> kept = columns_;
  for (const int i : columns) {
    kept[static_cast<size_t>(i)].may_miss = false;
    test += (test.empty() ? "" : " AND ") + c(i) + " IS NOT NULL";
  }
  if (test.empty()) return *this;
  return wrap("SELECT " + all_columns(columns_.size()) + "r FROM (" + sql_ + ") WHERE " + test,
              std::move(kept), order_);
}

base::Result<Table> Table::known(const std::string& column) const {
  base::Result<int> i = find("known", column);
  if (!i) return i.error();
  return known_all({*i});
}

base::Result<uint64_t> Table::missing(const std::string& column) const {
  base::Result<int> i = find("missing", column);
  if (!i) return i.error();
  base::Result<Cell> n = engine_->scalar(
      "SELECT (count(*) - count(" + c(*i) + "))::DOUBLE FROM (" + sql_ + ")", Type::number);
  if (!n) return named("missing", n.error());
  return static_cast<uint64_t>(std::get<double>(*n));
}

base::Result<uint64_t> Table::count() const {
  base::Result<Cell> n =
      engine_->scalar("SELECT count(*)::DOUBLE FROM (" + sql_ + ")", Type::number);
  if (!n) return named("count", n.error());
  return static_cast<uint64_t>(std::get<double>(*n));
}

base::Result<uint64_t> Table::distinct(const std::string& column) const {
  base::Result<int> i = find("distinct", column);
  if (!i) return i.error();
  base::Result<Cell> n = engine_->scalar(
      "SELECT count(DISTINCT " + c(*i) + ")::DOUBLE FROM (" + sql_ + ")", Type::number);
  if (!n) return named("distinct", n.error());
  return static_cast<uint64_t>(std::get<double>(*n));
}

base::Result<Cell> Table::aggregate(Aggregate how, const std::string& column) const {
  const std::string who(aggregate_name(how));
  const bool ends = how == Aggregate::min || how == Aggregate::max;
  base::Result<int> i = find_number(who, column, ends);
  if (!i) return i.error();
  const Type type = columns_[static_cast<size_t>(*i)].type;
  if (type == Type::empty) return how == Aggregate::sum ? Cell(0.0) : Cell();
  base::Result<Cell> value =
      engine_->scalar("SELECT " + aggregate_sql(how, c(*i)) + " FROM (" + sql_ + ")", type);
  if (!value) return named(who, value.error());
  return value;
}

base::Result<Table> Table::group(const std::vector<std::string>& keys, Aggregate how,
                                 const std::vector<std::string>& columns, std::string& note) const {
  const std::string who(aggregate_name(how));
  if (keys.empty()) return Error{Errc::usage, "group: needs a column"};
  if (how != Aggregate::count && columns.empty())
    return Error{Errc::usage, who + ": needs a column"};
  std::vector<Column> out;
  std::string list;
  std::string by;
  std::string known;
  bool may_miss = false;
  std::vector<SortKey> order;
  const auto add_name = [&](std::string name) {
    const std::string wanted = name;
    for (int n = 2;
         std::any_of(out.begin(), out.end(), [&](const Column& o) { return o.name == name; }); ++n)
      name = wanted + "_" + std::to_string(n);
    return name;
  };
  for (const std::string& key : keys) {
    base::Result<int> i = find("group", key);
    if (!i) return i.error();
    if (std::any_of(out.begin(), out.end(), [&](const Column& o) { return o.name == key; }))
      continue;
    Column column = columns_[static_cast<size_t>(*i)];
    if (column.calendar != Calendar::none)
      order.push_back({.column = static_cast<int>(out.size())});
    may_miss = may_miss || column.may_miss;
    column.may_miss = false;
    list += c(*i) + " AS " + c(out.size()) + ", ";
    by += (by.empty() ? "" : ", ") + c(*i);
    known += (known.empty() ? "" : " AND ") + c(*i) + " IS NOT NULL";
    out.push_back(std::move(column));
  }
  if (how == Aggregate::count) {
    list += "count(*)::DOUBLE AS " + c(out.size()) + ", ";
    out.push_back({.name = add_name("count"), .type = Type::number, .may_miss = false});
  } else {
    const bool ends = how == Aggregate::min || how == Aggregate::max;
    for (const std::string& name : columns) {
      base::Result<int> i = find_number(who, name, ends);
      if (!i) return i.error();
      const Type type = columns_[static_cast<size_t>(*i)].type;
      const std::string sql = type != Type::empty     ? aggregate_sql(how, c(*i))
                              : how == Aggregate::sum ? "0::DOUBLE"
                                                      : "NULL::DOUBLE";
      list += sql + " AS " + c(out.size()) + ", ";
      out.push_back(
          {.name = add_name(name), .type = type == Type::date ? Type::date : Type::number});
    }
  }
  const Table base = numbered();
  Table grouped = base.wrap(
      "SELECT " + list + "min(r) AS r FROM (" + base.sql_ + ") WHERE " + known + " GROUP BY " + by,
      std::move(out), std::move(order));
  if (may_miss) {
    base::Result<Cell> dropped = base.engine_->scalar(
        "SELECT count(*)::DOUBLE FROM (" + base.sql_ + ") WHERE NOT (" + known + ")", Type::number);
    if (!dropped) return named(who, dropped.error());
    const auto n = static_cast<uint64_t>(std::get<double>(*dropped));
    std::string names;
    for (const std::string& key : keys) names += (names.empty() ? "" : " or ") + key;
    if (n > 0) note = counted(n, "row") + " without " + names + " left out";
  }
  base::Result<Table> kept = grouped.keep();
  if (!kept) return named(who, kept.error());
  return kept;
}

base::Result<Table> Table::top(int64_t n, const std::string& column,
                               const std::optional<std::string>& per, bool largest) const {
  const std::string who = largest ? "top" : "bottom";
  if (n < 0) return Error{Errc::usage, who + ": the number of rows is negative"};
  base::Result<int> i = find(who, column);
  if (!i) return i.error();
  const Table base = numbered();
  const std::string list = all_columns(columns_.size());
  const std::string key = rank(columns_[static_cast<size_t>(*i)], c(*i));
  const std::string order = key + (largest ? " DESC" : " ASC") + ", r";
  std::string sql;
  if (!per) {
    sql = "SELECT " + list + "row_number() OVER (ORDER BY " + order +
          ") AS r FROM (SELECT * FROM (" + base.sql_ + ") WHERE " + c(*i) +
          " IS NOT NULL ORDER BY " + order + " LIMIT " + std::to_string(n) + ")";
  } else {
    base::Result<int> p = find(who, *per);
    if (!p) return p.error();
    const std::string group = c(*p);
    const std::string first = "SELECT *, min(r) OVER (PARTITION BY " + group + ") AS f FROM (" +
                              base.sql_ + ") WHERE " + group + " IS NOT NULL";
    const std::string ranked = "SELECT *, row_number() OVER (PARTITION BY f ORDER BY " + order +
                               ") AS k FROM (" + first + ") WHERE " + c(*i) + " IS NOT NULL";
    sql = "SELECT " + list + "row_number() OVER (ORDER BY f, k) AS r FROM (" + ranked +
          ") WHERE k <= " + std::to_string(n);
  }
  base::Result<Table> kept = base.wrap(std::move(sql), columns_, {}).keep();
  if (!kept) return named(who, kept.error());
  return kept;
}

base::Result<Table> Table::sort(const std::string& column, bool descending) const {
  base::Result<int> i = find("sort", column);
  if (!i) return i.error();
  Table table = *this;
  std::erase_if(table.order_, [&](const SortKey& key) { return key.column == *i; });
  table.order_.insert(table.order_.begin(), {.column = *i, .descending = descending});
  return table;
}

base::Result<Table> Table::head(int64_t n) const {
  if (n < 0) return Error{Errc::usage, "head: the number of rows is negative"};
  Table table =
      wrap("SELECT * FROM (" + sql_ + ") ORDER BY " + order_by() + " LIMIT " + std::to_string(n),
           columns_, order_);
  if (n > 100'000) return table;
  base::Result<Table> kept = table.keep();
  if (!kept) return named("head", kept.error());
  return kept;
}

base::Result<Table> Table::select(const std::vector<std::string>& columns) const {
  if (columns.empty()) return Error{Errc::usage, "select: needs a column"};
  const Table base = numbered();
  std::vector<Column> out;
  std::string list;
  for (const std::string& name : columns) {
    base::Result<int> i = find("select", name);
    if (!i) return i.error();
    if (std::any_of(out.begin(), out.end(), [&](const Column& o) { return o.name == name; }))
      continue;
    list += c(*i) + " AS " + c(out.size()) + ", ";
    out.push_back(columns_[static_cast<size_t>(*i)]);
  }
  return base.wrap("SELECT " + list + "r FROM (" + base.sql_ + ")", std::move(out), {});
}

base::Result<Table> Table::rename(const std::string& old_name, const std::string& new_name) const {
  base::Result<int> i = find("rename", old_name);
  if (!i) return i.error();
  if (new_name.empty()) return Error{Errc::usage, "rename: the new name is empty"};
  for (size_t k = 0; k < columns_.size(); ++k)
    if (columns_[k].name == new_name && static_cast<int>(k) != *i)
      return Error{Errc::usage, "rename: there is a column " + in_quotes(new_name) + " already"};
  Table table = *this;
  table.columns_[static_cast<size_t>(*i)].name = new_name;
  return table;
}

base::Result<Table> Table::unique(const std::string& column) const {
  base::Result<int> i = find("unique", column);
  if (!i) return i.error();
  const Table base = numbered();
  Column what = columns_[static_cast<size_t>(*i)];
  what.may_miss = false;
  base::Result<Table> kept =
      base.wrap("SELECT " + c(*i) + " AS c0, min(r) AS r FROM (" + base.sql_ + ") WHERE " + c(*i) +
                    " IS NOT NULL GROUP BY " + c(*i),
                {what}, {})
          .keep();
  if (!kept) return named("unique", kept.error());
  return kept;
}

base::Result<Table> Table::derive(const std::string& name, const std::string& expression) const {
  if (name.empty()) return Error{Errc::usage, "derive: the new name is empty"};
  base::Result<ExpressionSql> made = expression_sql(*this, expression);
  if (!made) return made.error();
  if (columns_.size() >= kMaxSavedColumns) return Error{Errc::limit, "derive: too many columns"};
  return with_column(made->sql, {.name = name, .type = made->type});
}

base::Result<Table> Table::date_part(const std::string& part, const std::string& column) const {
  base::Result<int> i = find(part, column);
  if (!i) return i.error();
  const Column& what = columns_[static_cast<size_t>(*i)];
  const std::string x = c(*i);
  Column added{.name = part, .type = Type::text, .may_miss = what.may_miss};
  if (part == "year" || part == "hour") added.type = Type::number;
  if (part == "day") added.type = Type::date;
  if (part == "month_name") added.calendar = Calendar::month_name;
  if (part == "weekday") added.calendar = Calendar::weekday;
  if (what.type == Type::empty) {
    added.type = Type::empty;
    return with_column("NULL::VARCHAR", added);
  }
  if (what.type == Type::number && part == "month_name") {
    added.may_miss = true;
    return with_column("CASE WHEN " + x + " BETWEEN 1 AND 12 THEN " + kMonthNames + "[floor(" + x +
                           ")::INTEGER] END",
                       added);
  }
  if (what.type == Type::number && part == "year") return with_column(x, added);
  if (what.type == Type::text && part == "month_name" && what.calendar == Calendar::month_name)
    return with_column(x, added);
  if (what.type != Type::date)
    return Error{Errc::usage, part + ": column " + in_quotes(column) + " is " +
                                  std::string(type_name(what.type)) +
                                  "; date columns: " + list_of_type(columns_, Type::date, column)};
  std::string sql;
  if (part == "year") sql = "year(" + x + ")::DOUBLE";
  if (part == "hour") sql = "hour(" + x + ")::DOUBLE";
  if (part == "day") sql = "date_trunc('day', " + x + ")::TIMESTAMP";
  if (part == "week") sql = "strftime(" + x + ", '%G W%V')";
  if (part == "month") sql = "strftime(" + x + ", '%Y-%m')";
  if (part == "quarter") sql = "strftime(" + x + ", '%Y') || ' Q' || quarter(" + x + ")";
  if (part == "month_name") sql = std::string(kMonthNames) + "[month(" + x + ")]";
  if (part == "weekday") sql = std::string(kWeekdays) + "[isodow(" + x + ")]";
  return with_column(sql, added);
}

base::Result<Table> Table::share(const std::string& column) const {
  base::Result<int> i = find_number("share", column);
  if (!i) return i.error();
  base::Result<Cell> total = aggregate(Aggregate::sum, column);
  if (!total) return named("share", total.error());
  const double* sum = std::get_if<double>(&*total);
  const Column added{.name = "share", .type = Type::number};
  if (!sum || *sum == 0 || !std::isfinite(*sum) ||
      columns_[static_cast<size_t>(*i)].type == Type::empty)
    return with_column("NULL::DOUBLE", added);
  return with_column(c(*i) + " / " + literal(*sum) + " * 100", added);
}

base::Result<Table> Table::union_of(const std::vector<Table>& tables,
                                    const std::vector<std::string>& paths) {
  const std::string who = "data.union";
  if (tables.empty()) return Error{Errc::usage, who + ": needs files"};
  std::vector<Column> out = tables[0].columns_;
  Table all = tables[0];
  // First what each column is; one without a value is VARCHAR to DuckDB and follows the others.
  std::vector<std::vector<int>> places(tables.size());
  for (size_t t = 0; t < tables.size(); ++t) {
    for (Column& column : out) {
      base::Result<int> i = tables[t].find(who, column.name);
      if (!i)
        return Error{Errc::usage, who + ": " + paths[t] + " has no column " +
                                      in_quotes(column.name) +
                                      "; columns: " + suggest(tables[t].names(), column.name)};
      const Column& here = tables[t].columns_[static_cast<size_t>(*i)];
      if (column.type == Type::empty) column.type = here.type;
      if (here.type != column.type && here.type != Type::empty)
        return Error{Errc::usage, who + ": column " + in_quotes(column.name) + " is " +
                                      std::string(type_name(here.type)) + " in " + paths[t] +
                                      " and " + std::string(type_name(column.type)) + " before"};
      column.may_miss = column.may_miss || here.may_miss;
      places[t].push_back(*i);
    }
    for (const std::string& note : tables[t].notes_)
      if (t && all.notes_.size() < 100) all.notes_.push_back(note);
    if (t) {
      all.stored_.insert(all.stored_.end(), tables[t].stored_.begin(), tables[t].stored_.end());
      all.n_read_ += tables[t].n_read_;
    }
  }
  std::string sql;
  for (size_t t = 0; t < tables.size(); ++t) {
    std::string list;
    for (size_t k = 0; k < out.size(); ++k) {
      const bool empty = tables[t].columns_[static_cast<size_t>(places[t][k])].type == Type::empty;
      list += (empty ? "NULL::" + std::string(sql_type(out[k].type)) : c(places[t][k])) + " AS " +
              c(k) + ", ";
    }
    sql += (t ? " UNION ALL " : "") + ("SELECT " + list) + literal(stem(paths[t])) + " AS " +
           c(out.size()) + ", " + std::to_string(t) + "::BIGINT * 1000000000000 + r AS r FROM (" +
           tables[t].numbered().sql_ + ")";
  }
  std::string name = "file";
  for (int n = 2;
       std::any_of(out.begin(), out.end(), [&](const Column& o) { return o.name == name; }); ++n)
    name = "file_" + std::to_string(n);
  out.push_back({.name = name, .type = Type::text, .may_miss = false});
  return all.wrap(std::move(sql), std::move(out), {});
}

base::Result<Table> Table::fold(const std::vector<std::string>& fields) const {
  const Table base = numbered();
  std::vector<Column> out;
  std::string kept;
  for (size_t k = 0; k < columns_.size(); ++k) {
    if (std::find(fields.begin(), fields.end(), columns_[k].name) != fields.end()) continue;
    kept += c(k) + " AS " + c(out.size()) + ", ";
    out.push_back(columns_[k]);
  }
  std::string sql;
  for (size_t f = 0; f < fields.size(); ++f) {
    base::Result<int> i = find_number("fold", fields[f]);
    if (!i) return i.error();
    const std::string value =
        columns_[static_cast<size_t>(*i)].type == Type::empty ? "NULL::DOUBLE" : c(*i);
    sql += (f ? " UNION ALL " : "") + ("SELECT " + kept) + literal(fields[f]) + " AS " +
           c(out.size()) + ", " + value + " AS " + c(out.size() + 1) + ", r * " +
           std::to_string(fields.size()) + " + " + std::to_string(f) + " AS r FROM (" + base.sql_ +
           ")";
  }
  out.push_back({.name = "series", .type = Type::text, .may_miss = false});
  out.push_back({.name = "value", .type = Type::number});
  return base.wrap(std::move(sql), std::move(out), {});
}

base::Result<Rows> Table::fetch(uint64_t limit) const {
  std::string list;
  std::vector<Type> types;
  for (size_t i = 0; i < columns_.size(); ++i) {
    list += (i ? ", " : "") + c(i);
    types.push_back(columns_[i].type);
  }
  std::string sql = "SELECT " + list + " FROM (" + sql_ + ") ORDER BY " + order_by();
  if (limit != kAllRows) sql += " LIMIT " + std::to_string(limit);
  return engine_->query(sql, types);
}

base::Result<std::string> Table::printed() const {
  base::Result<Rows> rows = fetch(kPrintedRows + 1);
  if (!rows) return rows.error();
  std::string text;
  if (rows->count == 1) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      const Cell& cell = rows->columns[i][0];
      const std::string shown = cell_text(cell);
      const bool missing = std::holds_alternative<std::monostate>(cell) ||
                           (std::holds_alternative<double>(cell) && shown.empty());
      text += (i ? ", " : "") + columns_[i].name + ": " + (missing ? "missing" : shown);
    }
    return text;
  }
  for (size_t i = 0; i < columns_.size(); ++i) text += (i ? "," : "") + csv_field(columns_[i].name);
  for (uint64_t row = 0; row < std::min(rows->count, kPrintedRows); ++row) {
    text += '\n';
    for (size_t i = 0; i < columns_.size(); ++i)
      text += (i ? "," : "") + csv_field(cell_text(rows->columns[i][row]));
  }
  if (rows->count > kPrintedRows) {
    base::Result<uint64_t> n = count();
    if (!n) return n.error();
    text += "\n... " + std::to_string(*n) + " rows";
  }
  return text;
}

base::Result<uint64_t> Table::save(const std::string& path) const {
  const std::string ext = extension(path);
  if (ext != "csv" && ext != "json" && ext != "txt")
    return Error{Errc::usage, "save: " + in_quotes(path) + " must end in .csv, .json or .txt"};
  if (ext == "txt" && columns_.size() != 1) {
    if (!find("save", "text"))
      return Error{Errc::usage,
                   "save: " + in_quotes(path) +
                       " holds lines of one column; select one of: " + suggest(names(), "text")};
    base::Result<Table> lines = select({"text"});
    if (!lines) return lines.error();
    return lines->save(path);
  }
  const bool csv = ext == "csv";
  const bool json = ext == "json";
  // One sorted copy, read in pieces: the file is not held in memory as text.
  base::Result<Table> kept = keep();
  if (!kept) return named("save", kept.error());
  base::Result<base::UniqueFd> file = create_new(path);
  if (!file) return named("save", file.error());
  std::string list;
  std::vector<Type> types;
  std::string text = json ? "[" : "";
  for (size_t i = 0; i < columns_.size(); ++i) {
    list += (i ? ", " : "") + c(i);
    types.push_back(columns_[i].type);
    if (csv) text += (i ? "," : "") + csv_field(columns_[i].name);
  }
  if (csv) text += '\n';
  uint64_t done = 0;
  while (true) {
    base::Result<Rows> rows = engine_->query(
        "SELECT " + list + " FROM (" + kept->sql_ + ") WHERE r > " + std::to_string(done) +
            " AND r <= " + std::to_string(done + kSavedAtOnce) + " ORDER BY r",
        types);
    if (!rows) return named("save", rows.error());
    for (uint64_t row = 0; row < rows->count; ++row) {
      if (csv) {
        std::string line;
        for (size_t i = 0; i < columns_.size(); ++i)
          line += (i ? "," : "") + file_text(rows->columns[i][row]);
        // A line without a character would be no record.
        text += (line.empty() ? "\"\"" : line) + "\n";
      } else if (!json) {
        text += line_text(rows->columns[0][row]) + "\n";
      } else {
        nlohmann::ordered_json record = nlohmann::ordered_json::object();
        for (size_t i = 0; i < columns_.size(); ++i)
          record[columns_[i].name] = json_of(rows->columns[i][row]);
        text += (done + row ? ",\n" : "\n") +
                record.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
      }
    }
    done += rows->count;
    const bool last = rows->count < kSavedAtOnce;
    if (last && json) text += "\n]\n";
    if (base::Status ok = write_all(*file, text, path); !ok) return named("save", ok.error());
    text.clear();
    if (last) return done;
  }
}

}  // namespace tools::data
