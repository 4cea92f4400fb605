// data.*, read_text and the methods of tables. Each method is a Body: it reads its arguments, calls
// the method of data::Table of the same name and pushes what came back.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <new>

#include "tools/data/frame.h"
#include "tools/data/infer.h"
#include "tools/data/open.h"
#include "tools/data/reading.h"
#include "tools/data/workspace.h"
#include "tools/script/host.h"
#include "tools/script/lua_support.h"

namespace tools::script {
namespace {

using base::Errc;
using base::Error;
using data::Aggregate;
using data::Cell;
using data::Table;
using data::Type;

constexpr uint64_t kMaxReadBytes = 1'000'000;
constexpr uint64_t kMaxLoopRows = 200'000;
constexpr int64_t kMaxFrameRows = 200'000;

base::Result<const Table*> self(lua_State* lua, const std::string& who) {
  return self_argument(lua, who);
}

base::Result<int> result(lua_State* lua, base::Result<Table> table) {
  if (!table) return table.error();
  push_table(lua, std::move(*table));
  return 1;
}

base::Result<int> result(lua_State* lua, base::Result<uint64_t> number) {
  if (!number) return number.error();
  lua_pushinteger(lua, static_cast<lua_Integer>(*number));
  return 1;
}

base::Result<int> pushed(lua_State* lua, std::shared_ptr<const data::Source> source) {
  push_table(lua, Table::of(host_of(lua).engine, std::move(source)));
  return 1;
}

// The library
// ---------------------------------------------------------------------------------------------------

base::Result<int> data_read(lua_State* lua) {
  base::Result<std::string> path = text_argument(lua, 1, "data.read", "the path");
  if (!path) return path.error();
  std::string part;
  if (!lua_isnoneornil(lua, 2)) {
    base::Result<std::string> given = text_argument(lua, 2, "data.read", "the sheet or table");
    if (!given) return given.error();
    part = *given;
  }
  return result(lua, data::open_table(host_of(lua).engine, *path, part, "data.read"));
}

base::Result<int> data_union(lua_State* lua) {
  base::Result<std::vector<std::string>> paths = text_arguments(lua, 1, "data.union");
  if (!paths) return paths.error();
  std::vector<Table> tables;
  for (const std::string& path : *paths) {
    base::Result<Table> table = data::open_table(host_of(lua).engine, path, {}, "data.union");
    if (!table) return table.error();
    tables.push_back(std::move(*table));
  }
  return result(lua, Table::union_of(tables, *paths));
}

base::Result<int> data_files(lua_State* lua) {
  std::string glob = "*";
  if (!lua_isnoneornil(lua, 1)) {
    base::Result<std::string> given = text_argument(lua, 1, "data.files", "the pattern");
    if (!given) return given.error();
    glob = *given;
  }
  base::Result<std::shared_ptr<const data::Source>> source = data::files_table(glob);
  if (!source) return source.error();
  return pushed(lua, *source);
}

base::Result<int> data_lines(lua_State* lua) {
  base::Result<std::string> path = text_argument(lua, 1, "data.lines", "the path");
  if (!path) return path.error();
  base::Result<std::shared_ptr<const data::Source>> source = data::lines_table(*path);
  if (!source) return source.error();
  return pushed(lua, *source);
}

base::Result<int> read_text(lua_State* lua) {
  base::Result<std::string> path = text_argument(lua, 1, "read_text", "the path");
  if (!path) return path.error();
  base::Result<std::string> text = data::read_whole(*path, kMaxReadBytes);
  if (!text) {
    if (text.error().code == Errc::not_found)
      return Error{Errc::not_found, "read_text: " + data::no_file(*path, false)};
    return Error{text.error().code, "read_text: " + text.error().message};
  }
  if (!data::looks_like_text(*text))
    return Error{Errc::usage, "read_text: " + *path + " is not a text file"};
  const std::string clean = data::to_utf8(*text);
  lua_pushlstring(lua, clean.data(), clean.size());
  return 1;
}

base::Result<int> data_frame(lua_State* lua) {
  if (!lua_istable(lua, 1))
    return Error{Errc::usage, "data.frame: the argument is not an array of records"};
  const auto n = static_cast<int64_t>(lua_rawlen(lua, 1));
  if (n > kMaxFrameRows) return Error{Errc::limit, "data.frame: more than 200000 records"};
  std::vector<std::map<std::string, Cell>> records(static_cast<size_t>(n));
  std::vector<std::string> names;
  for (int64_t i = 0; i < n; ++i) {
    if (lua_rawgeti(lua, 1, i + 1) != LUA_TTABLE)
      return Error{Errc::usage,
                   "data.frame: element " + std::to_string(i + 1) + " is not a record"};
    const int record = lua_gettop(lua);
    for (lua_pushnil(lua); lua_next(lua, record) != 0; lua_pop(lua, 1)) {
      if (lua_type(lua, -2) != LUA_TSTRING)
        return Error{Errc::usage,
                     "data.frame: record " + std::to_string(i + 1) + " has a field without a name"};
      size_t size = 0;
      const char* key = lua_tolstring(lua, -2, &size);
      base::Result<Cell> cell = cell_argument(lua, -1, "data.frame");
      if (!cell) return cell.error();
      const std::string name = data::to_utf8(std::string_view(key, size));
      records[static_cast<size_t>(i)][name] = *cell;
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        if (names.size() >= 1000) return Error{Errc::limit, "data.frame: more than 1000 columns"};
        names.push_back(name);
      }
    }
    lua_settop(lua, 1);
  }
  const std::string& script = host_of(lua).script;
  std::sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    const size_t at_a = first_written(script, a);
    const size_t at_b = first_written(script, b);
    return at_a != at_b ? at_a < at_b : a < b;
  });
  std::vector<data::Column> columns;
  for (const std::string& name : names) {
    data::Column column{.name = name, .type = Type::empty, .may_miss = false};
    bool days = true;
    for (const auto& record : records) {
      const auto it = record.find(name);
      if (it == record.end() || std::holds_alternative<std::monostate>(it->second)) {
        column.may_miss = true;
        continue;
      }
      const Type type = std::holds_alternative<double>(it->second) ? Type::number
                        : std::holds_alternative<bool>(it->second) ? Type::boolean
                                                                   : Type::text;
      const std::string* text = std::get_if<std::string>(&it->second);
      days = days && text && data::parse_date(data::DateFormat::iso, *text);
      column.type = column.type == Type::empty || column.type == type ? type : Type::text;
    }
    if (column.type == Type::text && days) column.type = Type::date;
    columns.push_back(column);
  }
  auto frame = std::make_shared<data::Frame>(columns);
  for (const auto& record : records) {
    for (size_t i = 0; i < names.size(); ++i) {
      const auto it = record.find(names[i]);
      const int column = static_cast<int>(i);
      if (it == record.end() || std::holds_alternative<std::monostate>(it->second)) {
        frame->missing(column);
      } else if (columns[i].type == Type::date) {
        frame->date(column,
                    *data::parse_date(data::DateFormat::iso, std::get<std::string>(it->second)));
      } else if (columns[i].type == Type::text) {
        frame->text(column, data::cell_text(it->second));
      } else if (columns[i].type == Type::number) {
        frame->number(column, std::get<double>(it->second));
      } else {
        frame->boolean(column, std::get<bool>(it->second));
      }
    }
    frame->end_row();
  }
  return pushed(lua, std::move(frame));
}

// Methods
// -------------------------------------------------------------------------------------------------------

base::Result<int> where(lua_State* lua) {
  base::Result<const Table*> t = self(lua, "where");
  if (!t) return t.error();
  base::Result<std::string> column = text_argument(lua, 2, "where", "the column");
  if (!column) return column.error();
  base::Result<std::string> op = text_argument(lua, 3, "where", "the operator");
  if (!op) return op.error();
  base::Result<Cell> value = cell_argument(lua, 4, "where");
  if (!value) return value.error();
  return result(lua, (*t)->where(*column, *op, *value));
}

template <base::Result<Table> (Table::*method)(const std::string&) const>
base::Result<int> column_method(lua_State* lua, const char* who) {
  base::Result<const Table*> t = self(lua, who);
  if (!t) return t.error();
  base::Result<std::string> column = text_argument(lua, 2, who, "the column");
  if (!column) return column.error();
  return result(lua, ((*t)->*method)(*column));
}

base::Result<int> known(lua_State* lua) { return column_method<&Table::known>(lua, "known"); }
base::Result<int> unique(lua_State* lua) { return column_method<&Table::unique>(lua, "unique"); }
base::Result<int> share(lua_State* lua) { return column_method<&Table::share>(lua, "share"); }

template <base::Result<uint64_t> (Table::*method)(const std::string&) const>
base::Result<int> count_method(lua_State* lua, const char* who) {
  base::Result<const Table*> t = self(lua, who);
  if (!t) return t.error();
  base::Result<std::string> column = text_argument(lua, 2, who, "the column");
  if (!column) return column.error();
  return result(lua, ((*t)->*method)(*column));
}

base::Result<int> missing(lua_State* lua) { return count_method<&Table::missing>(lua, "missing"); }
base::Result<int> distinct(lua_State* lua) {
  return count_method<&Table::distinct>(lua, "distinct");
}

base::Result<int> group(lua_State* lua) {
  base::Result<const Table*> t = self(lua, "group");
  if (!t) return t.error();
  base::Result<std::optional<Table>> summarized = group_with_summaries(lua);
  if (!summarized) return summarized.error();
  if (*summarized) return result(lua, std::move(**summarized));
  base::Result<std::vector<std::string>> keys = text_arguments(lua, 2, "group");
  if (!keys) return keys.error();
  if (keys->empty()) return Error{Errc::usage, "group: needs a column"};
  for (const std::string& key : *keys)
    if (base::Result<int> i = (*t)->find("group", key); !i) return i.error();
  void* memory = lua_newuserdatauv(lua, sizeof(Grouped), 0);
  new (memory) Grouped{**t, std::move(*keys)};
  luaL_setmetatable(lua, kGroupType);
  return 1;
}

template <Aggregate how>
base::Result<int> aggregate(lua_State* lua) {
  constexpr const char* kNames[] = {"count", "sum", "mean", "median", "min", "max"};
  const std::string who = kNames[static_cast<int>(how)];
  if (auto* grouped = static_cast<Grouped*>(luaL_testudata(lua, 1, kGroupType))) {
    base::Result<std::vector<std::string>> columns = text_arguments(lua, 2, who);
    if (!columns) return columns.error();
    std::string note;
    base::Result<Table> table = grouped->table.group(grouped->keys, how, *columns, note);
    if (table && !note.empty()) host_of(lua).events.note(note);
    return result(lua, std::move(table));
  }
  base::Result<const Table*> t = self(lua, who);
  if (!t) return t.error();
  if (how == Aggregate::count) return result(lua, (*t)->count());
  if (lua_isnoneornil(lua, 2)) return Error{Errc::usage, who + ": needs a column"};
  base::Result<std::string> column = text_argument(lua, 2, who, "the column");
  if (!column) return column.error();
  base::Result<Cell> value = (*t)->aggregate(how, *column);
  if (!value) return value.error();
  push_cell(lua, *value);
  return 1;
}

template <bool largest>
base::Result<int> top(lua_State* lua) {
  const std::string who = largest ? "top" : "bottom";
  base::Result<const Table*> t = self(lua, who);
  if (!t) return t.error();
  base::Result<int64_t> n = whole_argument(lua, 2, who, "the number of rows");
  if (!n) return n.error();
  base::Result<std::string> column = text_argument(lua, 3, who, "the column");
  if (!column) return column.error();
  std::optional<std::string> per;
  if (!lua_isnoneornil(lua, 4)) {
    base::Result<std::string> given = text_argument(lua, 4, who, "the column to take rows per");
    if (!given) return given.error();
    per = *given;
  }
  return result(lua, (*t)->top(*n, *column, per, largest));
}

base::Result<int> sort(lua_State* lua) {
  base::Result<const Table*> t = self(lua, "sort");
  if (!t) return t.error();
  base::Result<std::string> column = text_argument(lua, 2, "sort", "the column");
  if (!column) return column.error();
  bool descending = false;
  if (lua_type(lua, 3) == LUA_TBOOLEAN) {
    descending = lua_toboolean(lua, 3);
  } else if (!lua_isnoneornil(lua, 3)) {
    base::Result<std::string> order = text_argument(lua, 3, "sort", "the order");
    if (!order) return order.error();
    if (*order != "asc" && *order != "desc")
      return Error{Errc::usage, "sort: unknown order \"" + *order + "\"; orders: asc, desc"};
    descending = *order == "desc";
  }
  return result(lua, (*t)->sort(*column, descending));
}

base::Result<int> head(lua_State* lua) {
  base::Result<const Table*> t = self(lua, "head");
  if (!t) return t.error();
  base::Result<int64_t> n = whole_argument(lua, 2, "head", "the number of rows");
  if (!n) return n.error();
  return result(lua, (*t)->head(*n));
}

base::Result<int> select(lua_State* lua) {
  base::Result<const Table*> t = self(lua, "select");
  if (!t) return t.error();
  base::Result<std::vector<std::string>> columns = text_arguments(lua, 2, "select");
  if (!columns) return columns.error();
  return result(lua, (*t)->select(*columns));
}

base::Result<int> rename(lua_State* lua) {
  base::Result<const Table*> t = self(lua, "rename");
  if (!t) return t.error();
  base::Result<std::string> old_name = text_argument(lua, 2, "rename", "the column");
  if (!old_name) return old_name.error();
  base::Result<std::string> new_name = text_argument(lua, 3, "rename", "the new name");
  if (!new_name) return new_name.error();
  return result(lua, (*t)->rename(*old_name, *new_name));
}

base::Result<int> derive(lua_State* lua) {
  base::Result<const Table*> t = self(lua, "derive");
  if (!t) return t.error();
  base::Result<std::string> name = text_argument(lua, 2, "derive", "the new name");
  if (!name) return name.error();
  base::Result<std::string> expression = text_argument(lua, 3, "derive", "the expression");
  if (!expression) return expression.error();
  return result(lua, (*t)->derive(*name, *expression));
}

base::Result<int> date_part(lua_State* lua, const char* part) {
  base::Result<const Table*> t = self(lua, part);
  if (!t) return t.error();
  base::Result<std::string> column = text_argument(lua, 2, part, "the column");
  if (!column) return column.error();
  return result(lua, (*t)->date_part(part, *column));
}

base::Result<int> year(lua_State* lua) { return date_part(lua, "year"); }
base::Result<int> month(lua_State* lua) { return date_part(lua, "month"); }
base::Result<int> quarter(lua_State* lua) { return date_part(lua, "quarter"); }
base::Result<int> month_name(lua_State* lua) { return date_part(lua, "month_name"); }
base::Result<int> weekday(lua_State* lua) { return date_part(lua, "weekday"); }

base::Result<int> join(lua_State* lua) {
  base::Result<const Table*> t = self(lua, "join");
  if (!t) return t.error();
  const Table* other = to_table(lua, 2);
  if (!other) return Error{Errc::usage, "join: the first argument is not a table"};
  base::Result<std::optional<Table>> joined = join_with_options(lua);
  if (!joined) return joined.error();
  if (*joined) return result(lua, std::move(**joined));
  base::Result<std::string> column = text_argument(lua, 3, "join", "the column");
  if (!column) return column.error();
  std::string note;
  base::Result<Table> table = (*t)->join(*other, *column, note);
  if (table && !note.empty()) host_of(lua).events.note(note);
  return result(lua, std::move(table));
}

base::Result<int> value(lua_State* lua) {
  base::Result<const Table*> t = self(lua, "value");
  if (!t) return t.error();
  base::Result<std::string> column = text_argument(lua, 2, "value", "the column");
  if (!column) return column.error();
  base::Result<int> i = (*t)->find("value", *column);
  if (!i) return i.error();
  base::Result<Table> one = (*t)->head(1);
  if (!one) return one.error();
  base::Result<data::Rows> rows = one->fetch(1);
  if (!rows) return rows.error();
  push_cell(lua, rows->count == 0 ? Cell() : rows->columns[static_cast<size_t>(*i)][0]);
  return 1;
}

base::Result<int> columns(lua_State* lua) {
  base::Result<const Table*> t = self(lua, "columns");
  if (!t) return t.error();
  lua_newtable(lua);
  lua_Integer n = 0;
  for (const std::string& name : (*t)->names()) {
    lua_pushlstring(lua, name.data(), name.size());
    lua_rawseti(lua, -2, ++n);
  }
  return 1;
}

base::Result<int> next_row(lua_State* lua) {
  // Upvalues: an array of all records, the place of the next one.
  const lua_Integer place = lua_tointeger(lua, lua_upvalueindex(2)) + 1;
  lua_pushinteger(lua, place);
  lua_replace(lua, lua_upvalueindex(2));
  lua_rawgeti(lua, lua_upvalueindex(1), place);
  return 1;
}

base::Result<int> rows(lua_State* lua) {
  base::Result<const Table*> t = self(lua, "rows");
  if (!t) return t.error();
  base::Result<uint64_t> n = (*t)->count();
  if (!n) return n.error();
  if (*n > kMaxLoopRows)
    return Error{Errc::limit, "rows: " + std::to_string(*n) +
                                  " rows are too many to loop over; filter or group them first"};
  base::Result<data::Rows> all = (*t)->fetch(kMaxLoopRows);
  if (!all) return all.error();
  const std::vector<std::string> names = (*t)->names();
  lua_createtable(lua, static_cast<int>(all->count), 0);
  for (uint64_t row = 0; row < all->count; ++row) {
    lua_createtable(lua, 0, static_cast<int>(names.size()));
    for (size_t i = 0; i < names.size(); ++i) {
      lua_pushlstring(lua, names[i].data(), names[i].size());
      push_cell(lua, all->columns[i][row]);
      lua_rawset(lua, -3);
    }
    lua_rawseti(lua, -2, static_cast<lua_Integer>(row) + 1);
  }
  lua_pushinteger(lua, 0);
  lua_pushcclosure(lua, call<next_row>, 2);
  return 1;
}

base::Result<int> save(lua_State* lua) {
  base::Result<const Table*> t = self(lua, "save");
  if (!t) return t.error();
  base::Result<std::string> path = text_argument(lua, 2, "save", "the path");
  if (!path) return path.error();
  base::Result<uint64_t> n = (*t)->save(*path);
  if (!n) return n.error();
  Host& host = host_of(lua);
  host.events.file(*path, *n);
  host.events.print(*path + ": " + data::counted(*n, "row"));
  lua_pushvalue(lua, 1);
  return 1;
}

base::Result<int> length(lua_State* lua) { return aggregate<Aggregate::count>(lua); }

base::Result<int> table_text(lua_State* lua) {
  base::Result<std::string> text = shown_text(lua, 1);
  if (!text) return text.error();
  lua_pushlstring(lua, text->data(), text->size());
  return 1;
}

constexpr luaL_Reg kMethods[] = {
    {"where", call<where>},
    {"known", call<known>},
    {"missing", call<missing>},
    {"group", call<group>},
    {"count", call<aggregate<Aggregate::count>>},
    {"sum", call<aggregate<Aggregate::sum>>},
    {"mean", call<aggregate<Aggregate::mean>>},
    {"median", call<aggregate<Aggregate::median>>},
    {"min", call<aggregate<Aggregate::min>>},
    {"max", call<aggregate<Aggregate::max>>},
    {"distinct", call<distinct>},
    {"top", call<top<true>>},
    {"bottom", call<top<false>>},
    {"sort", call<sort>},
    {"head", call<head>},
    {"select", call<select>},
    {"rename", call<rename>},
    {"unique", call<unique>},
    {"derive", call<derive>},
    {"year", call<year>},
    {"month", call<month>},
    {"quarter", call<quarter>},
    {"month_name", call<month_name>},
    {"weekday", call<weekday>},
    {"share", call<share>},
    {"join", call<join>},
    {"value", call<value>},
    {"rows", call<rows>},
    {"columns", call<columns>},
    {"save", call<save>},
};

constexpr luaL_Reg kGroupMethods[] = {
    {"count", call<aggregate<Aggregate::count>>}, {"sum", call<aggregate<Aggregate::sum>>},
    {"mean", call<aggregate<Aggregate::mean>>},   {"median", call<aggregate<Aggregate::median>>},
    {"min", call<aggregate<Aggregate::min>>},     {"max", call<aggregate<Aggregate::max>>},
};

// t.name: the method, or a sentence that names the ones there are.
template <bool grouped>
base::Result<int> index(lua_State* lua) {
  lua_pushvalue(lua, 2);
  if (lua_rawget(lua, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  size_t size = 0;
  const char* name = lua_type(lua, 2) == LUA_TSTRING ? lua_tolstring(lua, 2, &size) : "";
  std::vector<std::string> names;
  if (grouped)
    for (const luaL_Reg& method : kGroupMethods) names.emplace_back(method.name);
  else
    for (const luaL_Reg& method : kMethods) names.emplace_back(method.name);
  const std::string_view wanted(name, std::min<size_t>(size, 60));
  // The list is what the planner was trained on; another method is named where it is what was
  // meant.
  if (!grouped)
    for (const luaL_Reg& method : more_methods())
      if (data::edit_distance(method.name, wanted) <= 2) {
        names.insert(names.begin(), method.name);
        break;
      }
  return Error{Errc::usage,
               (grouped ? "a grouped table has no method \"" : "a table has no method \"") +
                   std::string(wanted) + "\"; methods: " + data::suggest(names, wanted)};
}

template <class T>
int collect(lua_State* lua) {
  static_cast<T*>(lua_touserdata(lua, 1))->~T();
  return 0;
}

template <class Functions>
void add_functions(lua_State* lua, const Functions& functions) {
  for (const luaL_Reg& f : functions) {
    lua_pushcfunction(lua, f.func);
    lua_setfield(lua, -2, f.name);
  }
}

}  // namespace

base::Result<const Table*> self_argument(lua_State* lua, const std::string& who) {
  if (const Table* table = to_table(lua, 1)) return table;
  if (luaL_testudata(lua, 1, kGroupType))
    return Error{Errc::usage,
                 who + ": the table is grouped; first call count, sum, mean, median, min or max"};
  return Error{Errc::usage, who + ": call it on a table with a colon, as in t:" + who + "(…)"};
}

size_t first_written(const std::string& script, const std::string& key) {
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
  };
  const size_t bracketed = script.find("[\"" + key + "\"]");
  for (size_t at = script.find(key); at != script.npos; at = script.find(key, at + 1)) {
    if (at > 0 && is_word(script[at - 1])) continue;
    size_t end = at + key.size();
    while (end < script.size() && script[end] == ' ') ++end;
    if (end + 1 < script.size() && script[end] == '=' && script[end + 1] != '=')
      return std::min(at, bracketed);
  }
  return bracketed;
}

void push_table(lua_State* lua, Table table) {
  void* memory = lua_newuserdatauv(lua, sizeof(Table), 0);
  new (memory) Table(std::move(table));
  luaL_setmetatable(lua, kTableType);
}

const Table* to_table(lua_State* lua, int index) {
  return static_cast<const Table*>(luaL_testudata(lua, index, kTableType));
}

base::Result<std::string> shown_text(lua_State* lua, int index) {
  if (const Table* table = to_table(lua, index)) return table->printed();
  if (luaL_testudata(lua, index, kGroupType))
    return Error{Errc::usage,
                 "print: the table is grouped; first call count, sum, mean, median, min or max"};
  switch (lua_type(lua, index)) {
    case LUA_TNIL:
    case LUA_TNONE:
      return std::string("missing");
    case LUA_TNUMBER: {
      const std::string text = data::format_number(lua_tonumber(lua, index));
      return text.empty() ? std::string("missing") : text;
    }
    case LUA_TTABLE: {
      // An array as a list, a record as name: value; what is nested deeper is not shown.
      const int at = lua_absindex(lua, index);
      if (luaL_getmetafield(lua, at, "__tostring") != LUA_TNIL) {
        lua_pop(lua, 1);
        break;
      }
      const auto one = [&](int i) -> std::string {
        if (lua_istable(lua, i)) return "{…}";
        base::Result<std::string> text = shown_text(lua, i);
        return text ? *text : "?";
      };
      std::string out;
      const auto n = static_cast<lua_Integer>(lua_rawlen(lua, at));
      for (lua_Integer i = 1; i <= std::min<lua_Integer>(n, 1000); ++i) {
        lua_rawgeti(lua, at, i);
        out += (i > 1 ? ", " : "") + one(-1);
        lua_pop(lua, 1);
      }
      if (n > 0) return out;
      std::map<std::string, std::string> fields;
      for (lua_pushnil(lua); lua_next(lua, at) != 0; lua_pop(lua, 1))
        if (lua_type(lua, -2) == LUA_TSTRING && fields.size() < 1000) {
          const std::string key = lua_tostring(lua, -2);
          fields[key] = one(-1);
        }
      for (const auto& [key, text] : fields) out += (out.empty() ? "" : ", ") + key + ": " + text;
      return out;
    }
    default:
      break;
  }
  size_t size = 0;
  const char* text = luaL_tolstring(lua, index, &size);
  std::string out(text, size);
  lua_pop(lua, 1);
  return out;
}

base::Result<std::string> text_argument(lua_State* lua, int index, const std::string& who,
                                        const char* what) {
  if (lua_type(lua, index) == LUA_TNUMBER) return data::format_number(lua_tonumber(lua, index));
  if (lua_type(lua, index) != LUA_TSTRING)
    return Error{Errc::usage,
                 who + ": " + what + " is " +
                     (lua_isnoneornil(lua, index)
                          ? "missing"
                          : std::string("a ") + luaL_typename(lua, index) + ", not text")};
  size_t size = 0;
  const char* text = lua_tolstring(lua, index, &size);
  return data::to_utf8(std::string_view(text, size));
}

base::Result<std::vector<std::string>> text_arguments(lua_State* lua, int first,
                                                      const std::string& who) {
  std::vector<std::string> out;
  const int last = lua_gettop(lua);
  for (int i = first; i <= last; ++i) {
    if (lua_istable(lua, i)) {
      const auto n = static_cast<lua_Integer>(lua_rawlen(lua, i));
      for (lua_Integer k = 1; k <= std::min<lua_Integer>(n, 1000); ++k) {
        lua_rawgeti(lua, i, k);
        base::Result<std::string> text = text_argument(lua, -1, who, "an argument");
        lua_pop(lua, 1);
        if (!text) return text.error();
        out.push_back(std::move(*text));
      }
      continue;
    }
    base::Result<std::string> text = text_argument(lua, i, who, "an argument");
    if (!text) return text.error();
    out.push_back(std::move(*text));
  }
  return out;
}

base::Result<int64_t> whole_argument(lua_State* lua, int index, const std::string& who,
                                     const char* what) {
  int is_whole = 0;
  const lua_Integer n = lua_tointegerx(lua, index, &is_whole);
  if (!is_whole) return Error{Errc::usage, who + ": " + what + " is not a whole number"};
  return static_cast<int64_t>(n);
}

base::Result<Cell> cell_argument(lua_State* lua, int index, const std::string& who) {
  switch (lua_type(lua, index)) {
    case LUA_TNIL:
    case LUA_TNONE:
      return Cell();
    case LUA_TNUMBER: {
      const double number = lua_tonumber(lua, index);
      return std::isfinite(number) ? Cell(number) : Cell();
    }
    case LUA_TBOOLEAN:
      return Cell(lua_toboolean(lua, index) != 0);
    case LUA_TSTRING: {
      size_t size = 0;
      const char* text = lua_tolstring(lua, index, &size);
      return Cell(data::to_utf8(std::string_view(text, size)));
    }
    default:
      return Error{Errc::usage, who + ": a value is a " + luaL_typename(lua, index) +
                                    ", not text, number or boolean"};
  }
}

void push_cell(lua_State* lua, const Cell& cell) {
  if (const double* number = std::get_if<double>(&cell)) {
    // A whole number is an integer to Lua, so that "n" .. 5.0 is n5.
    if (*number == std::trunc(*number) && std::abs(*number) < 9e15)
      lua_pushinteger(lua, static_cast<lua_Integer>(*number));
    else
      lua_pushnumber(lua, *number);
  } else if (const bool* boolean = std::get_if<bool>(&cell)) {
    lua_pushboolean(lua, *boolean);
  } else if (std::holds_alternative<std::monostate>(cell)) {
    lua_pushnil(lua);
  } else {
    const std::string text = data::cell_text(cell);
    lua_pushlstring(lua, text.data(), text.size());
  }
}

void open_data(lua_State* lua) {
  luaL_newmetatable(lua, kTableType);
  lua_newtable(lua);
  add_functions(lua, kMethods);
  add_functions(lua, more_methods());
  lua_pushcclosure(lua, call<index<false>>, 1);
  lua_setfield(lua, -2, "__index");
  constexpr luaL_Reg kMeta[] = {
      {"__len", call<length>}, {"__tostring", call<table_text>}, {"__gc", collect<Table>}};
  add_functions(lua, kMeta);
  lua_pushboolean(lua, 0);
  lua_setfield(lua, -2, "__metatable");
  lua_pop(lua, 1);

  luaL_newmetatable(lua, kGroupType);
  lua_newtable(lua);
  add_functions(lua, kGroupMethods);
  lua_pushcclosure(lua, call<index<true>>, 1);
  lua_setfield(lua, -2, "__index");
  lua_pushcfunction(lua, collect<Grouped>);
  lua_setfield(lua, -2, "__gc");
  lua_pushboolean(lua, 0);
  lua_setfield(lua, -2, "__metatable");
  lua_pop(lua, 1);

  constexpr luaL_Reg kLibrary[] = {{"read", call<data_read>},
                                   {"union", call<data_union>},
                                   {"files", call<data_files>},
                                   {"lines", call<data_lines>},
                                   {"frame", call<data_frame>}};
  lua_newtable(lua);
  add_functions(lua, kLibrary);
  add_functions(lua, more_library());
  lua_setglobal(lua, "data");
  lua_register(lua, "read_text", call<read_text>);
}

}  // namespace tools::script
