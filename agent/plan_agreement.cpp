#include "agent/plan_agreement.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include "agent/grammar_text.h"

namespace agent {

namespace {

using std::string;
using std::string_view;

// As Lua reads it.
string inner(const string& text) { return unquoted(lua_quoted(text)); }

// Whether a header is no word of a sentence: several words, or what joins words in names.
bool cannot_be_a_word(string_view name) {
  return name.size() > 2 && std::any_of(name.begin() + 1, name.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return c == '_' || c == ' ' || std::isupper(byte) != 0 || std::isdigit(byte) != 0;
         });
}

// Whether `name` stands in `text` with nothing that could go on with it around.
bool stands_in(string_view text, string_view name) {
  const auto goes_on = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return std::isalnum(byte) != 0 || c == '_' || byte >= 0x80;
  };
  for (size_t at = text.find(name); at != string_view::npos; at = text.find(name, at + 1)) {
    const size_t end = at + name.size();
    if ((at == 0 || !goes_on(text[at - 1])) && (end == text.size() || !goes_on(text[end])))
      return true;
  }
  return false;
}

bool changes_files(string_view script) { return script.find("files.apply(") != string_view::npos; }

// Whether each file gets the name that it has: match="*.csv", to="{1}{ext}".
bool is_the_same(const Renaming& renaming) {
  const string_view name = renaming.to;
  if (renaming.regex) return false;
  if (name == "{name}" || name == "{stem}{ext}") return true;
  string same(renaming.pattern);
  const size_t star = same.find('*'), dot = same.rfind('.');
  if (star == string::npos || star != same.rfind('*')) return false;
  const string stem = same.substr(0, std::min(dot, same.size())) + "{ext}";
  const auto filled = [&](string text) { return text.replace(star, 1, "{1}"); };
  return name == filled(same) || (dot != string::npos && dot > star && name == filled(stem));
}

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

std::vector<string> disagreements(string_view plan, string_view script, const Names& names) {
  std::set<string, std::less<>> targets;
  for (const PlanLink& link : plan_links(plan))
    if (!link.target.empty()) targets.emplace(link.target);
  if (targets.empty()) return {};  // not a plan of ours

  // A pattern of names takes files without naming them.
  const bool any_file = changes_files(script) && script.find_first_of("*?") != string_view::npos;
  std::vector<string> lines;
  std::set<string> planned;
  for (const string& target : targets) {
    bool said = true;
    const ColumnNames* of = nullptr;
    for (const FileNames& file : names.files) {
      if (target == file.path) said = any_file || script.find(inner(target)) != string_view::npos;
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
    if (!said) lines.push_back("the plan names " + target + ", which it does not use");
  }

  const std::vector<Renaming> renamed = renamings(script);
  if (std::any_of(renamed.begin(), renamed.end(), is_the_same))
    lines.emplace_back("it gives files the names that they have");
  if (changes_files(script)) return lines;  // no columns

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
  for (const string& column : stray)
    lines.push_back("it uses " + column + ", which the plan does not name");
  return lines;
}

string without_repeats(string_view plan) {
  std::vector<string> kept;
  for (const PlanLink& link : plan_links(plan)) {
    const string text(link.phrase.data(), link.target.data() + link.target.size());
    if (std::find(kept.begin(), kept.end(), text) == kept.end()) kept.push_back(text);
  }
  return joined(kept, "; ");
}

std::vector<string> ignored_columns(string_view request, string_view script, const Names& names) {
  std::vector<string> lines;
  if (changes_files(script)) return lines;
  std::set<string_view> told;
  for (const FileNames& file : names.files)
    for (const ColumnNames& column : file.columns)
      if (cannot_be_a_word(column.name) && stands_in(request, column.name) &&
          !names_column(script, column.name) && told.insert(column.name).second)
        lines.push_back("the request names " + column.name + ", which it does not use");
  return lines;
}

}  // namespace agent
