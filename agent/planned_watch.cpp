#include "agent/planned_watch.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "agent/grammar_text.h"

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

// How many parts a glob (docs/files.md) or a regular expression, of which all may be said, keeps
// for {1}, {2}, …; rather too many than too few.
size_t captures_of(string_view pattern, bool regex) {
  size_t n = 0;
  for (size_t at = 0; at < pattern.size(); ++at) {
    if (regex) {
      n += pattern[at] == '(' ? 1 : 0;
      continue;
    }
    n += string_view("*?[{").find(pattern[at]) != string_view::npos ? 1 : 0;
    if (pattern.substr(at).starts_with("**")) ++at;
    if (pattern[at] == '[') at = std::min(pattern.find(']', at), pattern.size());
  }
  return n;
}

// Whether new names take only parts that their pattern keeps.
bool takes_what_is_kept(string_view script) {
  for (const Renaming& renaming : renamings(script)) {
    const size_t kept = captures_of(renaming.pattern, renaming.regex);
    const string_view name = renaming.to;
    for (size_t i = 0; i < name.size(); ++i) {
      if (name[i] != '{') continue;
      size_t number = 0;
      while (++i < name.size() && std::isdigit(static_cast<unsigned char>(name[i])) != 0)
        number = std::min<size_t>(number * 10 + static_cast<size_t>(name[i] - '0'), 1000);
      if (number > kept) return false;
    }
  }
  return true;
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

// The link that the plan of `reply` ends with; a complete link, too.
PlanLink last_link(string_view reply) {
  PlanLink link = plan_links(reply.substr(0, reply.find(model::ReplyWatch::kSpecial))).back();
  if (link.target.ends_with(';')) link.target.remove_suffix(1);  // of what separates links
  return link;
}

}  // namespace

PlannedWatch::PlannedWatch(const Names& names, std::vector<string> new_files)
    : columns_(names), new_files_(std::move(new_files)) {
  const auto means = [&](const string& phrase, const string& target) {
    const auto [at, is_new] = meant_.emplace(phrase, target);
    if (!is_new && at->second != target) at->second.clear();
  };
  for (const FileNames& file : names.files) {
    files_.insert(file.path);
    for (const ColumnNames& column : file.columns) {
      means(as_said(column.name), column.name);
      for (const string& value : column.values) means(as_said(value), column.name + ":" + value);
      if (column.type == ColumnType::date && column.first_year > 0)
        years_.emplace_back(column.first_year, column.last_year);
    }
  }
  // Said of any date.
  for (const char* word : {"date", "day", "month", "quarter", "time", "week", "when", "year"})
    if (const auto at = meant_.find(word); at != meant_.end()) at->second.clear();
}

bool PlannedWatch::has_year(string_view phrase) const {
  const std::optional<int> year = year_in(phrase);
  return year && !years_.empty() &&
         std::all_of(years_.begin(), years_.end(),
                     [&](const auto& span) { return span.first <= *year && *year <= span.second; });
}

std::optional<std::vector<string>> PlannedWatch::rest_of_name(string_view script) const {
  for (const Saving& saving : kSavings) {
    const string head = string(saving.call) + '"';
    const size_t at = script.rfind(head);
    if (at == string_view::npos) continue;
    const string_view rest = script.substr(at + head.size());
    const string_view name = rest.substr(0, rest.find('"'));
    bool any = false, written = false;
    std::vector<string> ends;
    for (const string& wanted : new_files_) {
      const string extension = wanted.substr(wanted.rfind('.') + 1);
      if (('|' + string(saving.extensions) + '|').find('|' + extension + '|') == string::npos)
        continue;
      any = true;
      written = written || (name == wanted && name.size() < rest.size());
      if (name.size() == rest.size() && wanted.starts_with(name))
        ends.push_back(wanted.substr(name.size()) + '"');
    }
    if (any && !written) return ends;
  }
  return std::nullopt;
}

bool PlannedWatch::allows(string_view reply) const {
  if (const std::optional<string_view> script = script_of(reply)) {
    const ScriptEnd end = columns_.end_of(*script);
    const auto rest = rest_of_name(*script);
    return !end.wrong && !end.astray && takes_what_is_kept(*script) && (!rest || !rest->empty());
  }
  const auto [phrase, target] = last_link(reply);
  if (target.empty()) return true;
  const auto meant = meant_.find(phrase);
  if (meant == meant_.end()) return target != "none" || !has_year(phrase);
  if (meant->second.empty()) return target != "none";
  // A value of a column is of the column, and a file may be called like one.
  return meant->second.starts_with(target) || target.starts_with(meant->second + ":") ||
         std::any_of(files_.begin(), files_.end(),
                     [&](const string& file) { return file.starts_with(target); });
}

std::vector<string> PlannedWatch::continuations(string_view reply) const {
  const std::optional<string_view> script = script_of(reply);
  if (script) {
    const auto rest = rest_of_name(*script);
    return rest ? *rest : columns_.end_of(*script).rest;
  }
  const auto [phrase, target] = last_link(reply);
  const auto meant = meant_.find(phrase);
  if (meant == meant_.end() || !meant->second.starts_with(target)) return {};
  return {meant->second.substr(target.size())};
}

}  // namespace agent
