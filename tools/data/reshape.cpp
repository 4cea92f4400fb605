// group_by, join_on, pivot, unpivot, window and sample of Table: each one SELECT around the
// receiver's, as in table.cpp.

#include <algorithm>

#include "tools/data/table.h"
#include "tools/data/table_sql.h"
#include "tools/data/workspace.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;
using sql::c;
using sql::distinct_name;
using sql::in_quotes;
using sql::named;

constexpr size_t kMaxPivoted = 200;
constexpr size_t kMaxUnpivoted = 1000;
constexpr size_t kMaxSummaries = 200;
constexpr int64_t kMaxWindow = 1'000'000;
constexpr uint64_t kSoonRead = 1'000'000;  // rows of a source: a fifth of a second

Error unknown(const std::string& who, const char* what, const std::string& given,
              const std::vector<std::string>& known) {
  return {Errc::usage, who + ": unknown " + what + " " + in_quotes(given) +
                           "; one of: " + suggest(known, given)};
}

// Whether one could be put below the other.
bool same_columns(const std::vector<Column>& a, const std::vector<Column>& b) {
  return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const Column& here) {
           return std::any_of(b.begin(), b.end(), [&](const Column& there) {
             return here.name == there.name &&
                    (here.type == there.type || here.type == Type::empty ||
                     there.type == Type::empty);
           });
         });
}

}  // namespace

base::Result<std::optional<uint64_t>> Table::soon_counted() const {
  if (known_rows_.of == sql_) return std::optional(known_rows_.rows);
  if (n_read_ > kSoonRead) return std::optional<uint64_t>();
  base::Result<uint64_t> n = count();
  if (!n) return n.error();
  return std::optional(*n);
}

base::Result<Table> Table::without_missing_keys(const std::vector<std::string>& keys,
                                                const std::string& count, const std::string& who,
                                                std::string& note) const {
  std::string known;
  std::string names;
  for (size_t k = 0; k < keys.size(); ++k) {
    known += (k ? " AND " : "") + c(k) + " IS NOT NULL";
    names += (k ? " or " : "") + keys[k];
  }
  base::Result<Cell> dropped =
      engine_->scalar("SELECT coalesce(sum(" + count + "), 0)::DOUBLE FROM (" + sql_ +
                          ") WHERE NOT (" + known + ")",
                      Type::number);
  if (!dropped) return named(who, dropped.error());
  const auto n = static_cast<uint64_t>(std::get<double>(*dropped));
  if (n == 0) return *this;
  note = counted(n, "row") + " without " + names + " left out";
  return wrap("SELECT * FROM (" + sql_ + ") WHERE " + known, columns_, order_);
}

base::Result<Table> Table::group_by(const std::vector<std::string>& keys,
                                    const std::vector<Summary>& summaries,
                                    std::string& note) const {
  const std::string who = "group";
  if (keys.empty()) return Error{Errc::usage, "group: needs a column"};
  if (summaries.empty()) return Error{Errc::usage, "group: needs a summary"};
  if (summaries.size() > kMaxSummaries) return Error{Errc::limit, "group: more than 200 summaries"};
  std::vector<Column> out;
  std::vector<std::string> used;
  std::vector<SortKey> order;
  std::string list;
  std::string by;
  bool may_miss = false;
  bool nan_shows = true;  // a NaN among the values makes a result NaN
  std::string any_nan;
  for (const std::string& key : keys) {
    base::Result<int> i = find(who, key);
    if (!i) return i.error();
    nan_shows = nan_shows && columns_[static_cast<size_t>(*i)].type != Type::number;
    if (std::find(used.begin(), used.end(), key) != used.end()) continue;
    Column column = columns_[static_cast<size_t>(*i)];
    if (column.calendar != Calendar::none)
      order.push_back({.column = static_cast<int>(out.size())});
    may_miss = may_miss || column.may_miss;
    column.may_miss = false;
    list += c(*i) + " AS " + c(out.size()) + ", ";
    by += (by.empty() ? "" : ", ") + c(*i);
    used.push_back(key);
    out.push_back(std::move(column));
  }
  for (const Summary& summary : summaries) {
    int i = -1;
    if (!(summary.how == "count" && summary.column.empty())) {
      if (summary.column.empty())
        return Error{Errc::usage, "group: " + summary.how + " of " + in_quotes(summary.name) +
                                      " needs a column, as in {\"" + summary.how + "\", \"" +
                                      (columns_.empty() ? "x" : columns_[0].name) + "\"}"};
      base::Result<int> found = find(who, summary.column);
      if (!found) return found.error();
      i = *found;
    }
    base::Result<sql::SummarySql> made =
        i < 0 ? sql::summary_sql(who, summary.how, {}, "")
              : sql::summary_sql(who, summary.how, columns_[static_cast<size_t>(i)], c(i));
    if (!made) return made.error();
    list += made->sql + " AS " + c(out.size()) + ", ";
    if (summary.how == "sum" || summary.how == "mean")
      any_nan += " OR isnan(" + c(out.size()) + ")";
    else if (i >= 0)
      nan_shows = false;
    out.push_back({.name = distinct_name(out, summary.name), .type = made->type});
  }
  const Table base = numbered();
  // Rows without a key are counted in the same pass and left out after it.
  const size_t width = out.size();
  const auto grouped = [&](const std::string& rows) {
    // Not wrapped: a long chain would be kept without the further column.
    Table table = base;
    table.sql_ = "SELECT " + list + "min(r) AS r" + (may_miss ? ", count(*) AS n" : "") +
                 " FROM (" + rows + ") GROUP BY " + by;
    table.columns_ = out;
    return table.keep_columns(may_miss ? ", n" : "");
  };
  // NaN counts as missing. A sum or a mean with a NaN is NaN, so it is first tried without looking
  // at every number, which takes an eighth of a group over many rows.
  const bool try_first = nan_shows && base.with_nan_.of == base.sql_;
  base::Result<Table> kept = grouped(try_first ? base.with_nan_.sql : base.sql_);
  if (kept && try_first) {
    base::Result<Cell> nan = engine_->scalar(
        "SELECT coalesce(bool_or(false" + any_nan + "), false) FROM (" + kept->sql_ + ")",
        Type::boolean);
    if (!nan) return named(who, nan.error());
    if (std::get<bool>(*nan)) kept = grouped(base.sql_);
  }
  if (!kept) return named(who, kept.error());
  kept->order_ = std::move(order);
  if (!may_miss) return kept;
  base::Result<Table> known = kept->without_missing_keys(used, "n", who, note);
  if (!known) return known.error();
  known->sql_ = "SELECT " + all_columns(width) + "r FROM (" + known->sql_ + ")";
  return known;
}

base::Result<Table> Table::join(const Table& other, const std::string& column,
                                std::string& note) const {
  return join_on(other, {{column, column}}, "inner", note);
}

// Each row is there once, at most, where the key of the other table is unique; rows without a
// partner do not count for the other one.
base::Result<std::string> Table::multiplied(
    const Table& other, const std::vector<std::pair<std::string, std::string>>& on,
    const Joined& joined) const {
  // A size that is known comes first: it may be enough.
  const bool here_first = known_rows_.of == sql_;
  std::optional<uint64_t> here, there;
  for (const bool of_here : {here_first, !here_first}) {
    base::Result<std::optional<uint64_t>> size = (of_here ? *this : other).soon_counted();
    if (!size) return size.error();
    if (!*size || joined.all - (of_here ? joined.only_there : joined.only_here) <= **size)
      return std::string();
    (of_here ? here : there) = *size;
  }
  std::string keys;
  for (const auto& [key, unused] : on) keys += (keys.empty() ? "" : " and ") + in_quotes(key);
  return "join: " + keys + (on.size() == 1 ? " repeats" : " together repeat") +
         " in both tables: " + std::to_string(*here) + " and " + std::to_string(*there) +
         " rows became " + std::to_string(joined.all) +
         (same_columns(columns_, other.columns_)
              ? "; tables of the same columns are put together by data.union"
              : "");
}

base::Result<Table> Table::join_on(const Table& other,
                                   const std::vector<std::pair<std::string, std::string>>& on,
                                   const std::string& how, std::string& note) const {
  const std::string who = "join";
  const std::vector<std::string> kHows = {"inner", "left", "right", "full", "semi", "anti"};
  if (std::find(kHows.begin(), kHows.end(), how) == kHows.end())
    return unknown(who, "kind of join", how, kHows);
  if (on.empty()) return Error{Errc::usage, "join: needs a column"};
  if (other.engine_ != engine_) return Error{Errc::usage, "join: the tables are of different runs"};
  std::vector<int> left;
  std::vector<int> right;
  std::string test;
  for (const auto& [here, there] : on) {
    base::Result<int> i = find(who, here);
    if (!i) return i.error();
    base::Result<int> j = other.find(who, there);
    if (!j) return j.error();
    const Type a = columns_[static_cast<size_t>(*i)].type;
    const Type b = other.columns_[static_cast<size_t>(*j)].type;
    if (a != b && a != Type::empty && b != Type::empty)
      return Error{Errc::usage, "join: column " + in_quotes(here) + " is " +
                                    std::string(type_name(a)) + " in one table and " +
                                    (here == there ? "" : in_quotes(there) + " is ") +
                                    std::string(type_name(b)) + " in the other"};
    test += (test.empty() ? "" : " AND ") +
            (a == b ? "a." + c(*i) + " = b." + c(*j) : std::string("false"));
    left.push_back(*i);
    right.push_back(*j);
  }
  const Table a = numbered();
  const Table b = other.numbered();
  std::vector<Column> out = columns_;
  std::string list;
  const bool outer_right = how == "right" || how == "full";
  const bool outer = outer_right || how == "left";
  const bool filters = how == "semi" || how == "anti";
  for (size_t k = 0; k < columns_.size(); ++k) {
    const auto key = std::find(left.begin(), left.end(), static_cast<int>(k));
    // A row that is only in the other table has its key from there.
    if (outer_right && key != left.end()) {
      const auto place = static_cast<size_t>(key - left.begin());
      const bool empty = columns_[k].type == Type::empty;
      const Column& there = other.columns_[static_cast<size_t>(right[place])];
      if (empty) out[k].type = there.type;
      list +=
          (empty                       ? "b." + c(right[place])
           : there.type == Type::empty ? "a." + c(k)
                                       : "coalesce(a." + c(k) + ", b." + c(right[place]) + ")") +
          " AS " + c(k) + ", ";
    } else {
      list += "a." + c(k) + ", ";
    }
    out[k].may_miss = out[k].may_miss || outer_right;
  }
  const std::string from = " FROM (" + a.sql_ + ") a ";
  const std::string with = "(" + b.sql_ + ") b ON " + test;
  std::string select;
  if (filters) {
    select =
        "SELECT " + list + "a.r AS r" + from + (how == "semi" ? "SEMI JOIN " : "ANTI JOIN ") + with;
  } else {
    for (size_t k = 0; k < other.columns_.size(); ++k) {
      if (std::find(right.begin(), right.end(), static_cast<int>(k)) != right.end()) continue;
      Column added = other.columns_[k];
      added.name = distinct_name(out, added.name);
      added.may_miss = added.may_miss || how == "left" || how == "full";
      list += "b." + c(k) + " AS " + c(out.size()) + ", ";
      out.push_back(std::move(added));
    }
    const std::string kind = how == "left"    ? "LEFT JOIN "
                             : how == "right" ? "RIGHT JOIN "
                             : how == "full"  ? "FULL JOIN "
                                              : "JOIN ";
    select = "SELECT " + list +
             "row_number() OVER (ORDER BY a.r NULLS LAST, b.r NULLS FIRST) AS r" +
             (outer ? ", (a.r IS NULL)::TINYINT - (b.r IS NULL)::TINYINT AS lone" : "") + from +
             kind + with;
  }
  Table joined = a;
  joined.sql_ = std::move(select);
  joined.columns_ = std::move(out);
  joined.stored_.insert(joined.stored_.end(), b.stored_.begin(), b.stored_.end());
  base::Result<Table> kept = joined.keep_columns(outer ? ", lone" : "");
  if (!kept) return named(who, kept.error());
  if (filters) return kept;

  const auto count_lone = [&](const char* side) {
    return outer ? std::string("count(*) FILTER (WHERE lone = ") + side + ")" : std::string("0");
  };
  base::Result<Rows> rows =
      engine_->query("SELECT count(*)::DOUBLE, " + count_lone("-1") + "::DOUBLE, " +
                         count_lone("1") + "::DOUBLE FROM (" + kept->sql_ + ")",
                     {Type::number, Type::number, Type::number});
  if (!rows) return named(who, rows.error());
  if (outer)
    kept->sql_ = "SELECT " + all_columns(kept->columns_.size()) + "r FROM (" + kept->sql_ + ")";
  const auto number = [&](size_t i) {
    return static_cast<uint64_t>(std::get<double>(rows->columns[i][0]));
  };
  base::Result<std::string> said =
      multiplied(other, on, {.all = number(0), .only_here = number(1), .only_there = number(2)});
  if (!said) return named(who, said.error());
  note = *said;
  return kept;
}

base::Result<Table> Table::pivot(const std::vector<std::string>& rows, const std::string& across,
                                 const std::string& value, const std::string& how,
                                 std::string& note) const {
  const std::string who = "pivot";
  if (rows.empty()) return Error{Errc::usage, "pivot: needs a column for the rows"};
  base::Result<int> a = find(who, across);
  if (!a) return a.error();
  base::Result<int> v = find(who, value);
  if (!v) return v.error();
  const Column& over = columns_[static_cast<size_t>(*a)];
  const std::vector<std::string> kHows = {"count", "sum", "mean", "median", "min", "max"};
  if (std::find(kHows.begin(), kHows.end(), how) == kHows.end())
    return unknown(who, "summary", how, kHows);
  const Table base = numbered();
  base::Result<Rows> values =
      engine_->query("SELECT " + c(*a) + " FROM (" + base.sql_ + ") WHERE " + c(*a) +
                         " IS NOT NULL GROUP BY " + c(*a) + " ORDER BY " +
                         (over.calendar == Calendar::none ? "" : sql::rank(over, c(*a)) + ", ") +
                         "min(r) LIMIT " + std::to_string(kMaxPivoted + 1),
                     {over.type});
  if (!values) return named(who, values.error());
  if (values->count > kMaxPivoted)
    return Error{Errc::limit, "pivot: " + in_quotes(across) +
                                  " has more than 200 different values; filter them first"};
  std::vector<Column> out;
  std::vector<std::string> used;
  std::vector<SortKey> order;
  std::string list;
  std::string by;
  for (const std::string& key : rows) {
    base::Result<int> i = find(who, key);
    if (!i) return i.error();
    if (*i == *a) return Error{Errc::usage, "pivot: " + in_quotes(key) + " is both row and column"};
    if (std::find(used.begin(), used.end(), key) != used.end()) continue;
    Column column = columns_[static_cast<size_t>(*i)];
    if (column.calendar != Calendar::none)
      order.push_back({.column = static_cast<int>(out.size())});
    column.may_miss = false;
    list += c(*i) + " AS " + c(out.size()) + ", ";
    by += (by.empty() ? "" : ", ") + c(*i);
    used.push_back(key);
    out.push_back(std::move(column));
  }
  for (uint64_t k = 0; k < values->count; ++k) {
    const std::string here = c(*a) + " = " + sql::literal_of(values->columns[0][k]);
    base::Result<sql::SummarySql> made =
        sql::summary_sql(who, how, columns_[static_cast<size_t>(*v)],
                         "CASE WHEN " + here + " THEN " + c(*v) + " END");
    if (!made) return made.error();
    list += (how == "count" ? "count(*) FILTER (WHERE " + here + ")::DOUBLE"
                            : "CASE WHEN count(*) FILTER (WHERE " + here + ") > 0 THEN " +
                                  made->sql + " END") +
            " AS " + c(out.size()) + ", ";
    out.push_back(
        {.name = distinct_name(out, cell_text(values->columns[0][k])), .type = made->type});
  }
  const size_t width = out.size();
  Table table = base;  // not wrapped, as in group_by()
  table.sql_ =
      "SELECT " + list + "min(r) AS r, count(*) AS n FROM (" + base.sql_ + ") GROUP BY " + by;
  table.columns_ = std::move(out);
  base::Result<Table> kept = table.keep_columns(", n");
  if (!kept) return named(who, kept.error());
  kept->order_ = std::move(order);
  base::Result<Table> known = kept->without_missing_keys(used, "n", who, note);
  if (!known) return known.error();
  known->sql_ = "SELECT " + all_columns(width) + "r FROM (" + known->sql_ + ")";
  return known;
}

base::Result<Table> Table::unpivot(const std::vector<std::string>& columns, const std::string& name,
                                   const std::string& value) const {
  const std::string who = "unpivot";
  if (columns.empty()) return Error{Errc::usage, "unpivot: needs columns"};
  if (columns.size() > kMaxUnpivoted) return Error{Errc::limit, "unpivot: more than 1000 columns"};
  if (name.empty() || value.empty()) return Error{Errc::usage, "unpivot: a new name is empty"};
  const Table base = numbered();
  std::vector<Column> out;
  std::string kept;
  for (size_t k = 0; k < columns_.size(); ++k) {
    if (std::find(columns.begin(), columns.end(), columns_[k].name) != columns.end()) continue;
    kept += c(k) + " AS " + c(out.size()) + ", ";
    out.push_back(columns_[k]);
  }
  Type type = Type::empty;
  std::string first;
  std::vector<int> places;
  for (const std::string& column : columns) {
    base::Result<int> i = find(who, column);
    if (!i) return i.error();
    const Type here = columns_[static_cast<size_t>(*i)].type;
    if (type == Type::empty) {
      type = here;
      first = column;
    }
    if (here != type && here != Type::empty)
      return Error{Errc::usage, "unpivot: column " + in_quotes(column) + " is " +
                                    std::string(type_name(here)) + " and " + in_quotes(first) +
                                    " is " + std::string(type_name(type))};
    places.push_back(*i);
  }
  std::string select;
  for (size_t f = 0; f < columns.size(); ++f) {
    const bool empty = columns_[static_cast<size_t>(places[f])].type == Type::empty;
    const std::string cell = empty ? "NULL::" + std::string(sql::sql_type(type)) : c(places[f]);
    select += (f ? " UNION ALL " : "") + ("SELECT " + kept) + sql::literal(columns[f]) + " AS " +
              c(out.size()) + ", " + cell + " AS " + c(out.size() + 1) + ", r * " +
              std::to_string(columns.size()) + " + " + std::to_string(f) + " AS r FROM (" +
              base.sql_ + ")";
  }
  out.push_back({.name = distinct_name(out, name), .type = Type::text, .may_miss = false});
  out.push_back({.name = distinct_name(out, value), .type = type});
  Table folded = base.wrap(std::move(select), std::move(out), {});
  folded.n_read_ *= columns.size();
  return folded;
}

base::Result<Table> Table::window(const Window& w) const {
  const std::string who = "window";
  const std::vector<std::string> kHows = {"row_number", "rank",           "dense_rank",    "lag",
                                          "lead",       "cumulative_sum", "moving_average"};
  if (std::find(kHows.begin(), kHows.end(), w.how) == kHows.end())
    return unknown(who, "function", w.how, kHows);
  if (w.name.empty()) return Error{Errc::usage, "window: the new name is empty"};
  const bool ranks = w.how == "rank" || w.how == "dense_rank";
  const bool shifts = w.how == "lag" || w.how == "lead";
  if (ranks && w.order.empty())
    return Error{Errc::usage, "window: " + w.how + " needs order, the column to rank by"};
  if (w.n < (shifts ? 0 : 1) || w.n > kMaxWindow)
    return Error{Errc::usage, "window: n is " + std::to_string(w.n) + ", not from 1 to 1000000"};
  int i = -1;
  if (!ranks && w.how != "row_number") {
    if (w.column.empty()) return Error{Errc::usage, "window: " + w.how + " needs column"};
    base::Result<int> found = shifts ? find(who, w.column) : find_number(who, w.column);
    if (!found) return found.error();
    i = *found;
  }
  std::string over;
  for (const std::string& by : w.by) {
    base::Result<int> b = find(who, by);
    if (!b) return b.error();
    over += (over.empty() ? "PARTITION BY " : ", ") + c(*b);
  }
  std::string order;
  if (!w.order.empty()) {
    base::Result<int> o = find(who, w.order);
    if (!o) return o.error();
    order = sql::rank(columns_[static_cast<size_t>(*o)], c(*o));
  }
  const std::string way = w.descending ? " DESC NULLS LAST" : " ASC NULLS LAST";
  const Table base = numbered();
  Column added{.name = w.name, .type = Type::number};
  std::string made;
  if (ranks) {
    // A missing value has no rank.
    made = "CASE WHEN " + order + " IS NULL THEN NULL ELSE " + w.how + "() OVER (" + over +
           " ORDER BY " + order + way + ") END::DOUBLE";
  } else {
    const std::string rows = over + " ORDER BY " + (order.empty() ? "" : order + way + ", ") + "r";
    const std::string x = i < 0 ? ""
                          : columns_[static_cast<size_t>(i)].type == Type::empty && !shifts
                              ? "NULL::DOUBLE"
                              : c(i);
    const std::string n = std::to_string(w.n);
    if (w.how == "row_number") made = "row_number() OVER (" + rows + ")::DOUBLE";
    if (shifts) {
      added.type = columns_[static_cast<size_t>(i)].type;
      added.calendar = columns_[static_cast<size_t>(i)].calendar;
      made = w.how + "(" + x + ", " + n + ") OVER (" + rows + ")";
    }
    if (w.how == "cumulative_sum")
      made = "coalesce(sum(" + x + ") OVER (" + rows + " ROWS UNBOUNDED PRECEDING), 0)::DOUBLE";
    if (w.how == "moving_average") {
      // Missing until there are n known values in a row.
      const std::string frame = " OVER (" + rows + " ROWS BETWEEN " + std::to_string(w.n - 1) +
                                " PRECEDING AND CURRENT ROW)";
      made = "CASE WHEN count(" + x + ")" + frame + " = " + n + " THEN avg(" + x + ")" + frame +
             " END";
    }
  }
  return base.with_column(made, std::move(added));
}

base::Result<Table> Table::sample(int64_t n, int64_t seed) const {
  if (n < 0) return Error{Errc::usage, "sample: the number of rows is negative"};
  const Table base = numbered();
  base::Result<Table> kept =
      base.wrap("SELECT * FROM (" + base.sql_ + ") ORDER BY hash(r, " + std::to_string(seed) +
                    "::BIGINT), r LIMIT " + std::to_string(n),
                columns_, {})
          .keep();
  if (!kept) return named("sample", kept.error());
  return kept;
}

}  // namespace tools::data
