// What the library has beyond the functions that the shipped planner was trained on (lua_data.cpp):
// SQL, facts about files, summaries, joins of every kind, pivot, unpivot, window, sample and
// further file formats. Options are records: t:window("rank", "rank", {order = "mass", by =
// "species"}).

#include <algorithm>
#include <map>

#include "tools/data/facts.h"
#include "tools/data/query.h"
#include "tools/data/workspace.h"
#include "tools/script/host.h"
#include "tools/script/lua_support.h"

namespace tools::script {
namespace {

using base::Errc;
using base::Error;
using data::Table;

base::Result<int> pushed(lua_State* lua, base::Result<Table> table) {
  if (!table) return table.error();
  push_table(lua, std::move(*table));
  return 1;
}

bool is_text(lua_State* lua, int index) {
  return lua_type(lua, index) == LUA_TSTRING || lua_type(lua, index) == LUA_TNUMBER;
}

// A record's fields, in the order in which the script writes them. The values stay on the stack of
// `lua` only while `use` is called with their index.
template <class Use>
base::Status for_fields(lua_State* lua, int index, const std::string& who, Use use) {
  const int at = lua_absindex(lua, index);
  std::vector<std::string> keys;
  for (lua_pushnil(lua); lua_next(lua, at) != 0; lua_pop(lua, 1)) {
    if (lua_type(lua, -2) != LUA_TSTRING)
      return Error{Errc::usage, who + ": a field has no name; write name = value"};
    size_t size = 0;
    const char* key = lua_tolstring(lua, -2, &size);
    keys.emplace_back(key, size);
    if (keys.size() > 1000) return Error{Errc::limit, who + ": more than 1000 fields"};
  }
  const std::string& script = host_of(lua).script;
  std::stable_sort(keys.begin(), keys.end(), [&](const std::string& a, const std::string& b) {
    const size_t at_a = first_written(script, a);
    const size_t at_b = first_written(script, b);
    return at_a != at_b ? at_a < at_b : a < b;
  });
  for (const std::string& key : keys) {
    lua_pushlstring(lua, key.data(), key.size());
    lua_rawget(lua, at);
    base::Status ok = use(data::to_utf8(key), lua_absindex(lua, -1));
    lua_pop(lua, 1);
    if (!ok) return ok;
  }
  return base::Ok{};
}

// One text, or an array of texts.
base::Result<std::vector<std::string>> texts_at(lua_State* lua, int index, const std::string& who,
                                                const char* what) {
  std::vector<std::string> out;
  if (lua_istable(lua, index)) {
    const auto n = static_cast<lua_Integer>(lua_rawlen(lua, index));
    for (lua_Integer k = 1; k <= std::min<lua_Integer>(n, 1000); ++k) {
      lua_rawgeti(lua, index, k);
      base::Result<std::string> text = text_argument(lua, -1, who, what);
      lua_pop(lua, 1);
      if (!text) return text.error();
      out.push_back(std::move(*text));
    }
    return out;
  }
  base::Result<std::string> text = text_argument(lua, index, who, what);
  if (!text) return text.error();
  out.push_back(std::move(*text));
  return out;
}

bool has_named_field(lua_State* lua, int index) {
  if (!lua_istable(lua, index)) return false;
  const int at = lua_absindex(lua, index);
  bool any = false;
  for (lua_pushnil(lua); lua_next(lua, at) != 0; lua_pop(lua, 1))
    any = any || lua_type(lua, -2) == LUA_TSTRING;
  return any;
}

Error unknown_option(const std::string& who, const std::string& name,
                     const std::vector<std::string>& known) {
  return {Errc::usage, who + ": unknown option \"" + name.substr(0, 60) +
                           "\"; options: " + data::suggest(known, name)};
}

// The library
// ---------------------------------------------------------------------------------------------------

base::Result<int> data_query(lua_State* lua) {
  base::Result<std::string> sql = text_argument(lua, 1, "data.query", "the query");
  if (!sql) return sql.error();
  std::vector<std::pair<std::string, Table>> tables;
  if (!lua_isnoneornil(lua, 2)) {
    if (!lua_istable(lua, 2))
      return Error{Errc::usage, "data.query: the tables are a " +
                                    std::string(luaL_typename(lua, 2)) +
                                    ", not a record, as in {birds = t}"};
    base::Status ok = for_fields(lua, 2, "data.query", [&](const std::string& name, int at) {
      const Table* table = to_table(lua, at);
      if (!table)
        return base::Status(Error{Errc::usage, "data.query: " + name + " is not a table"});
      tables.emplace_back(name, *table);
      return base::Status(base::Ok{});
    });
    if (!ok) return ok.error();
  }
  return pushed(lua, data::query_sql(host_of(lua).engine, *sql, tables, "data.query"));
}

base::Result<int> data_profile(lua_State* lua) {
  base::Result<std::string> path = text_argument(lua, 1, "data.profile", "the path");
  if (!path) return path.error();
  base::Result<data::Facts> facts = data::facts_of(host_of(lua).engine, *path, "data.profile");
  if (!facts) return facts.error();
  return pushed(lua, data::facts_table(host_of(lua).engine, *facts));
}

// Methods
// -------------------------------------------------------------------------------------------------------

base::Result<int> notes(lua_State* lua) {
  base::Result<const Table*> t = self_argument(lua, "notes");
  if (!t) return t.error();
  lua_newtable(lua);
  lua_Integer n = 0;
  for (const std::string& note : (*t)->notes()) {
    lua_pushlstring(lua, note.data(), note.size());
    lua_rawseti(lua, -2, ++n);
  }
  return 1;
}

base::Result<int> pivot(lua_State* lua) {
  base::Result<const Table*> t = self_argument(lua, "pivot");
  if (!t) return t.error();
  base::Result<std::vector<std::string>> rows =
      texts_at(lua, 2, "pivot", "the column for the rows");
  if (!rows) return rows.error();
  base::Result<std::string> across = text_argument(lua, 3, "pivot", "the column for the columns");
  if (!across) return across.error();
  base::Result<std::string> value = text_argument(lua, 4, "pivot", "the column of the values");
  if (!value) return value.error();
  std::string how = "sum";
  if (!lua_isnoneornil(lua, 5)) {
    base::Result<std::string> given = text_argument(lua, 5, "pivot", "the summary");
    if (!given) return given.error();
    how = *given;
  }
  std::string note;
  base::Result<Table> table = (*t)->pivot(*rows, *across, *value, how, note);
  if (table && !note.empty()) host_of(lua).events.note(note);
  return pushed(lua, std::move(table));
}

base::Result<int> unpivot(lua_State* lua) {
  base::Result<const Table*> t = self_argument(lua, "unpivot");
  if (!t) return t.error();
  base::Result<std::vector<std::string>> columns = texts_at(lua, 2, "unpivot", "the columns");
  if (!columns) return columns.error();
  std::string names[2] = {"name", "value"};
  for (int k = 0; k < 2; ++k) {
    if (lua_isnoneornil(lua, 3 + k)) continue;
    base::Result<std::string> given = text_argument(lua, 3 + k, "unpivot", "a new name");
    if (!given) return given.error();
    names[k] = *given;
  }
  return pushed(lua, (*t)->unpivot(*columns, names[0], names[1]));
}

base::Result<int> window(lua_State* lua) {
  base::Result<const Table*> t = self_argument(lua, "window");
  if (!t) return t.error();
  base::Result<std::string> name = text_argument(lua, 2, "window", "the new name");
  if (!name) return name.error();
  base::Result<std::string> how = text_argument(lua, 3, "window", "the function");
  if (!how) return how.error();
  data::Window w{.name = *name, .how = *how};
  if (!lua_isnoneornil(lua, 4)) {
    if (!lua_istable(lua, 4))
      return Error{Errc::usage, "window: the options are a " + std::string(luaL_typename(lua, 4)) +
                                    ", not a record, as in {order = \"day\", by = \"shop\"}"};
    base::Status ok =
        for_fields(lua, 4, "window", [&](const std::string& key, int at) -> base::Status {
          if (key == "by") {
            base::Result<std::vector<std::string>> by = texts_at(lua, at, "window", "by");
            if (!by) return by.error();
            w.by = *by;
          } else if (key == "column" || key == "order") {
            base::Result<std::string> text = text_argument(lua, at, "window", key.c_str());
            if (!text) return text.error();
            (key == "column" ? w.column : w.order) = *text;
          } else if (key == "desc") {
            w.descending = lua_toboolean(lua, at);
          } else if (key == "n") {
            base::Result<int64_t> n = whole_argument(lua, at, "window", "n");
            if (!n) return n.error();
            w.n = *n;
          } else {
            return unknown_option("window", key, {"column", "by", "order", "desc", "n"});
          }
          return base::Ok{};
        });
    if (!ok) return ok.error();
  }
  return pushed(lua, (*t)->window(w));
}

base::Result<int> sample(lua_State* lua) {
  base::Result<const Table*> t = self_argument(lua, "sample");
  if (!t) return t.error();
  base::Result<int64_t> n = whole_argument(lua, 2, "sample", "the number of rows");
  if (!n) return n.error();
  int64_t seed = 1;
  if (!lua_isnoneornil(lua, 3)) {
    base::Result<int64_t> given = whole_argument(lua, 3, "sample", "the seed");
    if (!given) return given.error();
    seed = *given;
  }
  return pushed(lua, (*t)->sample(*n, seed));
}

base::Result<int> frame_date_part(lua_State* lua, const char* part) {
  base::Result<const Table*> t = self_argument(lua, part);
  if (!t) return t.error();
  base::Result<std::string> column = text_argument(lua, 2, part, "the column");
  if (!column) return column.error();
  return pushed(lua, (*t)->date_part(part, *column));
}

base::Result<int> day(lua_State* lua) { return frame_date_part(lua, "day"); }
base::Result<int> week(lua_State* lua) { return frame_date_part(lua, "week"); }
base::Result<int> hour(lua_State* lua) { return frame_date_part(lua, "hour"); }

base::Result<uint64_t> write(const Table& table, const std::string& path, const std::string& who) {
  if (who == "to_parquet") return table.save_parquet(path, who);
  if (who == "to_xlsx") return table.save_xlsx(path, who);
  const std::string wanted = who == "to_csv" ? "csv" : "json";
  if (data::extension(path) != wanted)
    return Error{Errc::usage, who + ": \"" + path + "\" must end in ." + wanted};
  base::Result<uint64_t> rows = table.save(path);
  if (!rows && rows.error().message.starts_with("save: "))
    return Error{rows.error().code, who + rows.error().message.substr(4)};
  return rows;
}

base::Result<int> save_as(lua_State* lua, const char* who) {
  base::Result<const Table*> t = self_argument(lua, who);
  if (!t) return t.error();
  base::Result<std::string> path = text_argument(lua, 2, who, "the path");
  if (!path) return path.error();
  base::Result<uint64_t> rows = write(**t, *path, who);
  if (!rows) return rows.error();
  Host& host = host_of(lua);
  host.events.file(*path, *rows);
  host.events.print(*path + ": " + data::counted(*rows, "row"));
  lua_pushvalue(lua, 1);
  return 1;
}

base::Result<int> to_csv(lua_State* lua) { return save_as(lua, "to_csv"); }
base::Result<int> to_json(lua_State* lua) { return save_as(lua, "to_json"); }
base::Result<int> to_parquet(lua_State* lua) { return save_as(lua, "to_parquet"); }
base::Result<int> to_xlsx(lua_State* lua) { return save_as(lua, "to_xlsx"); }

}  // namespace

base::Result<std::optional<Table>> group_with_summaries(lua_State* lua) {
  const int last = lua_gettop(lua);
  if (last < 3 || to_table(lua, last) || !has_named_field(lua, last)) return std::optional<Table>();
  std::vector<std::string> keys;
  for (int i = 2; i < last; ++i) {
    base::Result<std::vector<std::string>> some = texts_at(lua, i, "group", "an argument");
    if (!some) return some.error();
    keys.insert(keys.end(), some->begin(), some->end());
  }
  std::vector<data::Summary> summaries;
  base::Status ok =
      for_fields(lua, last, "group", [&](const std::string& name, int at) -> base::Status {
        data::Summary summary{.name = name};
        if (is_text(lua, at)) {
          base::Result<std::string> how = text_argument(lua, at, "group", "a summary");
          if (!how) return how.error();
          summary.how = *how;
        } else if (lua_istable(lua, at)) {
          base::Result<std::vector<std::string>> parts = texts_at(lua, at, "group", "a summary");
          if (!parts) return parts.error();
          if (parts->empty() || parts->size() > 2)
            return Error{
                Errc::usage,
                "group: " + name + " needs a summary and a column, as in {\"sum\", \"amount\"}"};
          summary.how = (*parts)[0];
          if (parts->size() == 2) summary.column = (*parts)[1];
        } else {
          return Error{Errc::usage, "group: " + name + " is a " + luaL_typename(lua, at) +
                                        ", not a summary, as in {\"sum\", \"amount\"}"};
        }
        summaries.push_back(std::move(summary));
        return base::Ok{};
      });
  if (!ok) return ok.error();
  std::string note;
  base::Result<Table> table = to_table(lua, 1)->group_by(keys, summaries, note);
  if (!table) return table.error();
  if (!note.empty()) host_of(lua).events.note(note);
  return std::optional<Table>(std::move(*table));
}

base::Result<std::optional<Table>> join_with_options(lua_State* lua) {
  // One column and nothing else is the plain inner join.
  if (is_text(lua, 3) && lua_isnoneornil(lua, 4)) return std::optional<Table>();
  if (!is_text(lua, 3) && !lua_istable(lua, 3)) return std::optional<Table>();
  std::string how = "inner";
  if (!lua_isnoneornil(lua, 4)) {
    base::Result<std::string> given = text_argument(lua, 4, "join", "the kind");
    if (!given) return given.error();
    how = *given;
  }
  std::vector<std::pair<std::string, std::string>> on;
  if (has_named_field(lua, 3)) {
    base::Status ok =
        for_fields(lua, 3, "join", [&](const std::string& here, int at) -> base::Status {
          base::Result<std::string> there = text_argument(lua, at, "join", "a column");
          if (!there) return there.error();
          on.emplace_back(here, *there);
          return base::Ok{};
        });
    if (!ok) return ok.error();
  } else {
    base::Result<std::vector<std::string>> names = texts_at(lua, 3, "join", "a column");
    if (!names) return names.error();
    for (const std::string& name : *names) on.emplace_back(name, name);
  }
  std::string note;
  base::Result<Table> table = to_table(lua, 1)->join_on(*to_table(lua, 2), on, how, note);
  if (!table) return table.error();
  if (!note.empty()) host_of(lua).events.note(note);
  return std::optional<Table>(std::move(*table));
}

std::vector<luaL_Reg> more_library() {
  return {{"query", call<data_query>}, {"profile", call<data_profile>}};
}

std::vector<luaL_Reg> more_methods() {
  return {{"pivot", call<pivot>},
          {"unpivot", call<unpivot>},
          {"window", call<window>},
          {"sample", call<sample>},
          {"day", call<day>},
          {"week", call<week>},
          {"hour", call<hour>},
          {"notes", call<notes>},
          {"to_csv", call<to_csv>},
          {"to_json", call<to_json>},
          {"to_parquet", call<to_parquet>},
          {"to_xlsx", call<to_xlsx>}};
}

}  // namespace tools::script
