#include "agent/plan_agreement.h"

#include <algorithm>
#include <set>
#include <string>

#include "agent/grammar_text.h"

namespace agent {

namespace {

using std::string;
using std::string_view;

// As Lua reads it.
string inner(const string& text) { return unquoted(lua_quoted(text)); }

// As a script names a column: in quotes, or in brackets within an expression.
bool names_column(string_view script, const string& column) {
  const string name = inner(column);
  return script.find("\"" + name + "\"") != string_view::npos ||
         script.find("[" + name + "]") != string_view::npos;
}

// Up to the quote that ends the text which begins at `at`.
size_t past_quotes(string_view script, size_t at) {
  for (++at; at < script.size() && script[at] != '"'; ++at)
    if (script[at] == '\\') ++at;
  return std::min(at + 1, script.size());
}

// Without what a plan has no words for: titles, lists between braces (years and months from the
// first to the last), what tables are joined by, what a pivot or a ranking counts by.
string without_unsaid(string_view script) {
  string kept;
  for (size_t at = 0; at < script.size();) {
    const string_view rest = script.substr(at);
    const bool ends_at_brace = rest.starts_with("{\"") || rest.starts_with("{[");
    const bool ends_at_bracket =
        rest.starts_with(":join(") || rest.starts_with(":top(") || rest.starts_with(":bottom(");
    if (rest.starts_with("title=\"") || rest.starts_with("save=\"")) {
      at = past_quotes(script, at + rest.find('"'));
    } else if (ends_at_brace || ends_at_bracket) {
      int depth = 0;
      const char open = ends_at_brace ? '{' : '(', close = ends_at_brace ? '}' : ')';
      do {
        if (script[at] == '"') {
          at = past_quotes(script, at);
          continue;
        }
        depth += script[at] == open ? 1 : script[at] == close ? -1 : 0;
        ++at;
      } while (at < script.size() && (depth > 0 || script[at - 1] != close));
    } else if (rest.starts_with(":pivot(")) {
      const size_t end = std::min(rest.find(')'), rest.size() - 1) + 1;
      if (rest.substr(0, end).find("\"count\")") == string_view::npos) kept += rest.substr(0, end);
      at += end;
    } else {
      kept += script[at++];
    }
  }
  return kept;
}

}  // namespace

int disagreements(string_view plan, string_view script, const Names& names) {
  std::set<string, std::less<>> targets;
  for (const PlanLink& link : plan_links(plan))
    if (!link.target.empty()) targets.emplace(link.target);
  if (targets.empty()) return 0;  // not a plan of ours

  int n = 0;
  std::set<string> planned;
  for (const string& target : targets) {
    bool said = true;
    const ColumnNames* of = nullptr;
    for (const FileNames& file : names.files) {
      if (target == file.path) said = script.find(inner(target)) != string_view::npos;
      for (const ColumnNames& column : file.columns)
        if ((target == column.name || target.starts_with(column.name + ":")) &&
            (of == nullptr || of->name.size() < column.name.size()))
          of = &column;
    }
    if (of != nullptr) {
      planned.insert(of->name);
      said = names_column(script, of->name);
      if (target.size() > of->name.size() + 1 && of->type != ColumnType::boolean)
        said = said && script.find(inner(target.substr(of->name.size() + 1))) != string_view::npos;
    }
    n += said ? 0 : 1;
  }

  if (script.find("files.apply(") != string_view::npos) return n;  // no columns

  // Names that scripts give, too, say nothing.
  static const std::set<string_view> kMade = {"count", "total", "year",    "month",
                                              "value", "share", "percent", "rate"};
  const string taken = without_unsaid(script);
  std::set<string> stray;
  for (const FileNames& file : names.files)
    for (const ColumnNames& column : file.columns)
      if (column.type == ColumnType::number && !planned.count(column.name) &&
          !kMade.count(column.name) && names_column(taken, column.name))
        stray.insert(column.name);
  return n + static_cast<int>(stray.size());
}

}  // namespace agent
