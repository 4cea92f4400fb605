#include "agent/planned_watch.h"

#include <algorithm>
#include <cctype>
#include <optional>

namespace agent {

namespace {

using std::string;
using std::string_view;

// As people write a header: in lower case, without what joins its words.
string as_said(string_view name) {
  string said;
  for (const char c : name)
    said +=
        c == '_' || c == '-' ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return said;
}

// The script of the call of run_lua that `reply` has begun.
std::optional<string_view> script_of(string_view reply) {
  static const string kBegin = string("call:run_lua{code:") + model::ReplyWatch::kSpecial;
  const size_t at = reply.find(kBegin);
  if (at == string_view::npos) return std::nullopt;
  const string_view script = reply.substr(at + kBegin.size());
  return script.substr(0, script.find(model::ReplyWatch::kSpecial));
}

// The year that `phrase` is, with a word before it or without: "2014", "in 2014".
std::optional<int> year_in(string_view phrase) {
  const string_view word = phrase.substr(phrase.rfind(' ') + 1);
  if (word.size() != 4 || std::count(phrase.begin(), phrase.end(), ' ') > 1 ||
      !std::all_of(word.begin(), word.end(),
                   [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }))
    return std::nullopt;
  return std::stoi(string(word));
}

}  // namespace

PlannedWatch::PlannedWatch(const Names& names) : columns_(names) {
  for (const FileNames& file : names.files)
    for (const ColumnNames& column : file.columns) {
      there_.insert(as_said(column.name));
      for (const string& value : column.values) there_.insert(as_said(value));
      if (column.type == ColumnType::date && column.first_year > 0)
        years_.emplace_back(column.first_year, column.last_year);
    }
}

bool PlannedWatch::is_there(string_view phrase) const {
  if (there_.contains(phrase)) return true;
  const std::optional<int> year = year_in(phrase);
  return year && !years_.empty() &&
         std::all_of(years_.begin(), years_.end(),
                     [&](const auto& span) { return span.first <= *year && *year <= span.second; });
}

bool PlannedWatch::allows(string_view reply) const {
  if (const std::optional<string_view> script = script_of(reply)) {
    const ScriptEnd end = columns_.end_of(*script);
    return !end.wrong && !end.astray;
  }
  const string_view plan = reply.substr(0, reply.find(model::ReplyWatch::kSpecial));
  const size_t separator = plan.rfind("; ");
  const string_view link = separator == string_view::npos ? plan : plan.substr(separator + 2);
  const size_t equals = link.find('=');
  return equals == string_view::npos || link.substr(equals + 1) != "none" ||
         !is_there(link.substr(0, equals));
}

std::vector<string> PlannedWatch::continuations(string_view reply) const {
  const std::optional<string_view> script = script_of(reply);
  return script ? columns_.end_of(*script).rest : std::vector<string>{};
}

}  // namespace agent
