#include "tools/file/operation.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/json.h"
#include "tools/data/workspace.h"
#include "tools/file/beneath.h"

namespace tools::file {

using base::Errc;
using base::Error;
using nlohmann::json;

namespace {

constexpr size_t kMaxOperations = 1000;
constexpr size_t kMaxFiles = 10'000;
constexpr size_t kMaxText = 4000;
constexpr size_t kMaxPlanBytes = 4 << 20;

struct VerbInfo {
  Verb verb;
  std::string_view name;
  std::string_view fields;    ///< that it may have, beside "op"
  std::string_view required;  ///< and must
};

constexpr std::array<VerbInfo, 10> kVerbs = {{
    {Verb::mkdir, "mkdir", "path", "path"},
    {Verb::move, "move", "files to ignore_case on_collision", "files to"},
    {Verb::copy, "copy", "files to ignore_case on_collision", "files to"},
    {Verb::rename, "rename", "files match regex to order start ignore_case on_collision",
     "files to"},
    {Verb::sort, "sort", "files by into format ignore_case on_collision", "files by"},
    {Verb::remove, "delete", "files recursive ignore_case", "files"},
    {Verb::dedupe, "dedupe", "files keep ignore_case", "files"},
    {Verb::merge, "merge", "files to format order remove ignore_case on_collision", "files to"},
    {Verb::archive, "archive", "files to remove ignore_case on_collision", "files to"},
    {Verb::convert, "convert", "files to into ignore_case on_collision", "files to"},
}};

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    if (end > at) out.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

/// Reads the fields of one operation; the first mistake stays.
class Fields {
 public:
  Fields(const json& object, std::string who) : object_(object), who_(std::move(who)) {}

  void text(const char* name, std::string& out) {
    const auto it = object_.find(name);
    if (it == object_.end()) return;
    if (!it->is_string()) return wrong(name, "must be text");
    out = it->get<std::string>();
    if (out.size() > kMaxText) wrong(name, "is longer than 4000 bytes");
    if (out.find('\0') != out.npos) wrong(name, "has a zero byte");
  }
  void flag(const char* name, bool& out) {
    const auto it = object_.find(name);
    if (it == object_.end()) return;
    if (!it->is_boolean()) return wrong(name, "must be true or false");
    out = it->get<bool>();
  }
  void number(const char* name, int64_t& out) {
    const auto it = object_.find(name);
    if (it == object_.end()) return;
    if (!it->is_number_integer()) return wrong(name, "must be a whole number");
    const auto n = it->get<int64_t>();
    if (n < 0 || n > 1'000'000'000) return wrong(name, "must lie between 0 and 1000000000");
    out = n;
  }
  void one_of(const char* name, std::string& out, std::string_view allowed) {
    text(name, out);
    const std::vector<std::string> names = words(allowed);
    if (object_.contains(name) && std::find(names.begin(), names.end(), out) == names.end())
      wrong(name, "is " + in_quotes(out) + "; it can be " + listed(names));
  }
  void texts(const char* name, std::vector<std::string>& out) {
    const auto it = object_.find(name);
    if (it == object_.end()) return;
    json list = *it;
    if (list.is_string()) list = json::array({*it});
    if (!list.is_array()) return wrong(name, "must be a path, a pattern, or a list of them");
    if (list.empty()) return wrong(name, "is an empty list");
    if (list.size() > kMaxFiles) return wrong(name, "names more than 10000 files; use a pattern");
    for (const json& item : list) {
      if (!item.is_string()) return wrong(name, "has an element that is not text");
      out.push_back(item.get<std::string>());
      if (out.back().empty() || out.back().size() > kMaxText ||
          out.back().find('\0') != std::string::npos)
        return wrong(name, "has an element that is empty, too long, or holds a zero byte");
    }
  }
  void wrong(const std::string& field, const std::string& why) {
    if (problem_.empty()) problem_ = who_ + ": \"" + field + "\" " + why;
  }
  const std::string& problem() const { return problem_; }

 private:
  const json& object_;
  std::string who_, problem_;
};

base::Result<Operation> parse_operation(const json& object, size_t number) {
  const std::string where = "operation " + std::to_string(number);
  if (!object.is_object()) return Error{Errc::usage, where + " is not a JSON object"};
  std::vector<std::string> verbs;
  for (const VerbInfo& v : kVerbs) verbs.emplace_back(v.name);
  const auto op = object.find("op");
  if (op == object.end() || !op->is_string())
    return Error{Errc::usage, where + " has no \"op\"; it can be " + listed(verbs)};
  const auto name = op->get<std::string>();
  const auto info =
      std::find_if(kVerbs.begin(), kVerbs.end(), [&](const VerbInfo& v) { return v.name == name; });
  if (info == kVerbs.end())
    return Error{Errc::usage,
                 where + ": there is no op " + in_quotes(name) + "; it can be " + listed(verbs)};
  const std::string who = where + " (" + name + ")";
  const std::vector<std::string> fields = words(info->fields);
  for (const auto& [key, value] : object.items()) {
    if (key == "op" || key == "why") continue;  // why: a note of whoever wrote the plan
    if (std::find(fields.begin(), fields.end(), key) == fields.end())
      return Error{Errc::usage,
                   who + ": there is no field " + in_quotes(key) + "; fields: " + listed(fields)};
  }
  for (const std::string& field : words(info->required))
    if (!object.contains(field)) return Error{Errc::usage, who + ": \"" + field + "\" is missing"};
  Operation o{.verb = info->verb};
  Fields f(object, who);
  f.texts("files", o.files);
  f.text("to", o.to);
  if (o.verb == Verb::mkdir) f.text("path", o.to);
  f.text("match", o.match);
  f.text("regex", o.regex);
  f.one_of("by", o.by, "extension date size letter");
  f.text("into", o.into);
  if (o.verb == Verb::merge)
    f.one_of("format", o.format, "csv text");
  else
    f.text("format", o.format);
  f.one_of("order", o.order, "name date size");
  f.one_of("keep", o.keep, "oldest newest shortest");
  f.number("start", o.start);
  f.flag("ignore_case", o.ignore_case);
  f.flag("recursive", o.recursive);
  f.flag("remove", o.remove);
  std::string collision = "refuse";
  f.one_of("on_collision", collision, "refuse number skip replace");
  o.on_collision = collision == "number"    ? Collision::number
                   : collision == "skip"    ? Collision::skip
                   : collision == "replace" ? Collision::replace
                                            : Collision::refuse;
  if (!o.match.empty() && !o.regex.empty()) f.wrong("match", "and \"regex\" exclude each other");
  if (!f.problem().empty()) return Error{Errc::usage, f.problem()};
  return o;
}

}  // namespace

std::string verb_name(Verb verb) {
  for (const VerbInfo& v : kVerbs)
    if (v.verb == verb) return std::string(v.name);
  return "?";
}

base::Result<std::vector<Operation>> parse_plan(const json& plan) {
  const json* list = &plan;
  if (plan.is_object() && plan.contains("plan")) list = &plan["plan"];
  if (list->is_object() && list->contains("op")) {
    base::Result<Operation> one = parse_operation(*list, 1);
    if (!one) return one.error();
    return std::vector<Operation>{std::move(*one)};
  }
  if (!list->is_array())
    return Error{Errc::usage,
                 "a plan is a JSON list of operations, such as "
                 "[{\"op\": \"move\", \"files\": \"*.csv\", \"to\": \"tables/\"}]"};
  if (list->size() > kMaxOperations)
    return Error{Errc::limit, "the plan has more than 1000 operations"};
  std::vector<Operation> out;
  for (const json& object : *list) {
    base::Result<Operation> operation = parse_operation(object, out.size() + 1);
    if (!operation) return operation.error();
    out.push_back(std::move(*operation));
  }
  return out;
}

base::Result<std::vector<Operation>> parse_plan_text(const std::string& text) {
  if (text.size() > kMaxPlanBytes) return Error{Errc::limit, "the plan is larger than 4 MB"};
  // The parser recurses, so nesting is bounded before it runs; a plan needs three levels.
  int depth = 0;
  bool in_text = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text && c == '\\')
      ++i;
    else if (c == '"')
      in_text = !in_text;
    else if (!in_text && (c == '[' || c == '{') && ++depth > 16)
      return Error{Errc::usage, "the plan is nested too deeply"};
    else if (!in_text && (c == ']' || c == '}'))
      --depth;
  }
  try {
    return parse_plan(json::parse(text));
  } catch (const json::exception& e) {
    return Error{Errc::usage, "the plan is not JSON: " + base::reason(e)};
  }
}

}  // namespace tools::file
