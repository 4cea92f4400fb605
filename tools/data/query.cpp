// json_serialize_sql gives the syntax tree of SELECT statements as JSON, and of nothing else. Every
// table reference in it must be one of a short list of kinds: a plain name (not qualified), which
// becomes a view of a file or table opened here; a table function that only makes rows of its
// arguments; and the shapes that contain others. So DuckDB's own ways to files (read_csv, glob,
// 'x.csv' in FROM, DESCRIBE 'x.csv') are never reached: the views come first, and what has no view
// is refused.

#include "tools/data/query.h"

#include <algorithm>
#include <set>
#include "base/json.h"

#include "base/utf8.h"
#include "tools/data/table_sql.h"
#include "tools/data/workspace.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

constexpr size_t kMaxSql = 100'000;
constexpr size_t kMaxViews = 100;
constexpr std::string_view kRowFunctions[] = {
    "unnest", "range", "generate_series", "generate_subscripts", "repeat", "repeat_row"};
// References that contain others, or none.
constexpr std::string_view kShapes[] = {"JOIN", "SUBQUERY", "EMPTY", "EXPRESSION_LIST", "PIVOT"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string text_of(const json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_string() ? it->get<std::string>() : std::string();
}

struct Names {
  std::set<std::string> common{};     // names of WITH, in lower case
  std::vector<std::string> tables{};  // plain names in FROM
};

// Looks at every node of the tree, with a stack of its own.
base::Status look(const json& tree, Names& names) {
  std::vector<const json*> stack{&tree};
  std::set<std::string> found;
  while (!stack.empty()) {
    const json& node = *stack.back();
    stack.pop_back();
    if (node.is_array()) {
      for (const json& child : node) stack.push_back(&child);
      continue;
    }
    if (!node.is_object()) continue;
    const std::string type = text_of(node, "type");
    if (const auto with = node.find("cte_map"); with != node.end() && with->is_object()) {
      const auto map = with->find("map");
      if (map != with->end() && map->is_array())
        for (const json& entry : *map) {
          const std::string name = entry.is_object() ? text_of(entry, "key") : "";
          // A name that could also be a file's is refused: where it is not in scope, DuckDB would
          // take it for one.
          if (name.find_first_of("./\\:") != name.npos)
            return Error{Errc::usage, "the name \"" + name + "\" in WITH has a dot or slash"};
          names.common.insert(lower(name));
        }
    }
    if (type == "BASE_TABLE") {
      if (!text_of(node, "schema_name").empty() || !text_of(node, "catalog_name").empty())
        return Error{Errc::usage, "\"" + text_of(node, "schema_name") + "." +
                                      text_of(node, "table_name") +
                                      "\": write a file's name in quotes, as in FROM 'sales.csv'"};
      if (found.insert(text_of(node, "table_name")).second)
        names.tables.push_back(text_of(node, "table_name"));
    } else if (type == "TABLE_FUNCTION") {
      const auto call = node.find("function");
      const std::string name =
          call != node.end() && call->is_object() ? lower(text_of(*call, "function_name")) : "";
      if (std::find(std::begin(kRowFunctions), std::end(kRowFunctions), name) ==
          std::end(kRowFunctions))
        return Error{Errc::usage, "the function " + name +
                                      " is not available in FROM; name files directly, as in FROM "
                                      "'sales.csv'"};
    } else if (type == "SHOW_REF") {
      if (node.find("query") == node.end() || !node["query"].is_object())
        return Error{Errc::usage, "SHOW is not available; DESCRIBE SELECT … is"};
    } else if (node.contains("alias") && node.contains("sample") && !node.contains("class") &&
               std::find(std::begin(kShapes), std::end(kShapes), type) == std::end(kShapes)) {
      return Error{Errc::usage,
                   "this kind of table (" + lower(type) + ") is not available in FROM"};
    }
    for (const auto& child : node.items()) stack.push_back(&child.value());
  }
  return base::Ok{};
}

// The first line of DuckDB's words, without the class of its errors, and what it proposes instead.
std::string words_of(const std::string& message) {
  std::string first = message.substr(0, message.find('\n'));
  if (const size_t at = first.find(" Error: "); at != first.npos && at < 30)
    first = first.substr(at + 8);
  const size_t candidates = message.find("Candidate bindings: ");
  if (candidates != message.npos)
    first += "; columns: " +
             message.substr(candidates + 20, message.find('\n', candidates) - candidates - 20);
  return to_utf8(first).substr(0, 1000);
}

// Views that live as long as the query.
struct Views {
  std::shared_ptr<Engine> engine;
  std::vector<std::string> names{};
  ~Views() {
    for (const std::string& name : names)
      (void)engine->execute("DROP VIEW IF EXISTS temp." + sql::enclosed(name, '"'));
  }
};

}  // namespace

base::Result<Table> query_sql(const std::shared_ptr<Engine>& engine, const std::string& sql,
                              const std::vector<std::pair<std::string, Table>>& tables,
                              const std::string& who) {
  const auto named = [&](Error error) {
    error.message = who + ": " + error.message;
    return error;
  };
  if (sql.size() > kMaxSql) return named({Errc::usage, "the query is longer than 100000 bytes"});
  if (sql.find('\0') != sql.npos || !base::is_utf8(sql))
    return named({Errc::usage, "the query is not text"});
  base::Result<Cell> serialized = engine->scalar(
      "SELECT json_serialize_sql(" + sql::enclosed(sql, '\'') + ")::VARCHAR", Type::text);
  if (!serialized) {
    if (serialized.error().code == Errc::limit || serialized.error().code == Errc::system)
      return named(serialized.error());
    return named({Errc::usage, words_of(engine->last_message())});
  }
  const json tree = json::parse(cell_text(*serialized), nullptr, false);
  if (!tree.is_object()) return named({Errc::internal, "DuckDB cannot show how it read the query"});
  if (tree.value("error", true)) {
    if (text_of(tree, "error_type") == "not implemented")
      return named({Errc::usage, "only SELECT is possible; files are read, never changed"});
    return named({Errc::usage, text_of(tree, "error_message")});
  }
  const auto statements = tree.find("statements");
  if (statements == tree.end() || !statements->is_array() || statements->size() != 1)
    return named({Errc::usage, "one SELECT at a time"});
  Names names;
  if (base::Status ok = look(*statements, names); !ok) return named(ok.error());

  Views views{engine};
  std::vector<std::string> notes;
  std::set<std::string> made;
  for (const std::string& name : names.tables) {
    if (names.common.count(lower(name))) continue;
    if (made.size() >= kMaxViews) return named({Errc::limit, "more than 100 tables"});
    if (!made.insert(lower(name)).second)
      return named(
          {Errc::usage, "two tables whose names differ in capitals only: \"" + name + "\""});
    const auto given = std::find_if(tables.begin(), tables.end(),
                                    [&](const auto& table) { return table.first == name; });
    base::Result<Table> table = given != tables.end() ? base::Result<Table>(given->second)
                                                      : open_table(engine, name, {}, who);
    if (!table) {
      if (table.error().code == Errc::not_found && !tables.empty()) {
        std::string others;
        for (const auto& [other, unused] : tables) others += (others.empty() ? "" : ", ") + other;
        return Error{Errc::not_found, table.error().message + "; tables: " + others};
      }
      return table.error();
    }
    for (const std::string& note : table->notes()) notes.push_back(name + ": " + note);
    base::Status ok = engine->execute("CREATE TEMP VIEW " + sql::enclosed(name, '"') + " AS " +
                                      table->named_sql());
    if (!ok) return named(ok.error());
    views.names.push_back(name);
  }
  // The text ends before a last semicolon; a line break ends a last comment.
  std::string select = sql;
  while (!select.empty() &&
         (select.back() == ';' || select.back() == ' ' || select.back() == '\n' ||
          select.back() == '\t' || select.back() == '\r'))
    select.pop_back();
  const std::string kept = engine->fresh_name();
  base::Status ran = engine->execute("CREATE TEMP TABLE " + kept + " AS FROM (" + select + "\n)");
  if (!ran) {
    if (ran.error().code == Errc::limit || ran.error().code == Errc::corrupt)
      return named(ran.error());
    return named({Errc::usage, words_of(engine->last_message())});
  }
  base::Result<Table> table = adopt_select(engine, "SELECT *, rowid AS r FROM " + kept, "", "r");
  if (!table) {
    (void)engine->execute("DROP TABLE IF EXISTS " + kept);
    return named(table.error());
  }
  table->own(kept);
  table->add_notes(std::move(notes));
  return table;
}

}  // namespace tools::data
