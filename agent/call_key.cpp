#include "agent/call_key.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include "base/json.h"
#include "base/text.h"

namespace agent {
namespace {

using base::is_digit;
using nlohmann::json;

constexpr size_t kHalfOfKind = 150;

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

/// Without comments, which begin with `mark` where no string is open. Strings that go on over lines
/// are not known: what is left out wrongly only makes calls with one result the same.
std::string without_comments(const std::string& code, std::string_view mark) {
  std::string kept;
  char quote = 0;
  for (size_t i = 0; i < code.size(); ++i) {
    const char c = code[i];
    if (quote != 0) {
      if (c == '\\' && i + 1 < code.size()) kept += code[i++];
      if (c == quote || c == '\n') quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (code.compare(i, mark.size(), mark) == 0 &&
               (mark != "#" || kept.empty() || is_space(kept.back()))) {
      i = code.find('\n', i);
      if (i == code.npos) break;
    }
    kept += code[i];
  }
  return kept;
}

/// Without white space; of a language in which the beginning of a line says something, only without
/// empty lines and the ends of lines.
std::string without_space(const std::string& text, bool keep_indents) {
  std::string kept;
  if (!keep_indents) {
    std::copy_if(text.begin(), text.end(), std::back_inserter(kept),
                 [](char c) { return !is_space(c); });
    return kept;
  }
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    const size_t next = end + 1;
    while (end > begin && is_space(text[end - 1])) --end;
    if (end > begin) kept.append(text, begin, end - begin).append("\n");
    begin = next;
  }
  return kept;
}

/// Words for a person or another model, as they are said.
std::string as_said(const std::string& text) {
  std::string said = without_space(text, false);
  for (char& c : said) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  while (!said.empty() && std::string_view(".!?").find(said.back()) != std::string_view::npos)
    said.pop_back();
  return said;
}

void say_all(json& value) {
  if (value.is_string()) value = as_said(value.get<std::string>());
  if (value.is_structured())
    for (json& part : value) say_all(part);
}

json bare_arguments(const model::FunctionCall& call) {
  json bare = call.arguments;
  if (!bare.is_object()) return bare;
  const auto change = [&](const char* name, auto how) {
    if (bare.contains(name) && bare[name].is_string())
      bare[name] = how(bare[name].template get<std::string>());
  };
  if (call.name == "run_lua")
    change("code",
           [](const std::string& t) { return without_space(without_comments(t, "--"), false); });
  if (call.name == "run_python")
    change("code",
           [](const std::string& t) { return without_space(without_comments(t, "#"), true); });
  if (call.name == "run_command")
    change("command",
           [](const std::string& t) { return without_space(without_comments(t, "#"), true); });
  if (call.name == "task" || call.name == "update_plan") say_all(bare);
  if (call.name == "read_file" || call.name == "find_files")
    for (const char* limit : {"first", "last", "limit"}) bare.erase(limit);
  for (const char* name : {"path", "glob"})
    change(name, [](const std::string& t) { return t.starts_with("./") ? t.substr(2) : t; });
  return bare;
}

bool is_clock(std::string_view number) {
  const size_t colon = number.find(':');
  return colon != number.npos && colon <= 2 && colon + 2 < number.size() &&
         is_digit(number[colon + 1]) && is_digit(number[colon + 2]);
}

/// Durations ("0.013s", "12 ms") and times of day ("12:49:12.48") as marks.
std::string without_times(const std::string& text) {
  static constexpr std::string_view kUnits[] = {"ms",  "us",   "ns",     "s",
                                                "sec", "secs", "second", "seconds"};
  std::string kept;
  for (size_t i = 0; i < text.size();) {
    if (!is_digit(text[i]) || (i > 0 && (is_letter(text[i - 1]) || text[i - 1] == '_'))) {
      kept += text[i++];
      continue;
    }
    size_t end = i;
    while (end < text.size() &&
           (is_digit(text[end]) || ((text[end] == '.' || text[end] == ':') &&
                                    end + 1 < text.size() && is_digit(text[end + 1]))))
      ++end;
    const std::string_view number = std::string_view(text).substr(i, end - i);
    const size_t unit = end + (end < text.size() && text[end] == ' ' ? 1 : 0);
    size_t after = unit;
    while (after < text.size() && is_letter(text[after])) ++after;
    const std::string_view word = std::string_view(text).substr(unit, after - unit);
    const bool duration = std::find(std::begin(kUnits), std::end(kUnits), word) != std::end(kUnits);
    if (duration || is_clock(number))
      kept += "<time>";
    else
      kept += number;
    i = duration ? after : end;
  }
  return kept;
}

bool is_program(const model::FunctionCall& call) {
  return call.name == "run_command" || call.name == "run_python" || call.name == "run_lua";
}

}  // namespace

std::string kind_of_error(const std::string& error) {
  std::string kind;
  for (size_t i = 0; i < error.size(); ++i) {
    if ((kind.ends_with(":") || kind.ends_with("line ")) && is_digit(error[i])) {
      while (i + 1 < error.size() && is_digit(error[i + 1])) ++i;
      kind += '#';
      continue;
    }
    kind += error[i];
  }
  // What may help is another thing each time.
  if (const size_t help = kind.find("; the nearest is"); help != kind.npos) kind.resize(help);
  // A trace of calls has its error at the end.
  if (kind.size() > 2 * kHalfOfKind) kind.erase(kHalfOfKind, kind.size() - 2 * kHalfOfKind);
  return kind;
}

std::string call_key(const model::FunctionCall& call, const std::string& result, bool error) {
  const std::string plain = is_program(call) ? without_times(result) : result;
  return call.name + " " +
         bare_arguments(call).dump(-1, ' ', false, json::error_handler_t::replace) + '\n' +
         (error ? kind_of_error(plain) : plain);
}

bool waits(const model::FunctionCall& call) {
  for (const char* name : {"command", "code"})
    if (is_program(call) && call.arguments.is_object() && call.arguments.contains(name) &&
        call.arguments[name].is_string() &&
        call.arguments[name].get_ref<const std::string&>().find("sleep") != std::string::npos)
      return true;
  return false;
}

}  // namespace agent
