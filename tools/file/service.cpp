#include "tools/file/service.h"

#include <algorithm>

#include "base/json.h"
#include "tools/file/beneath.h"
#include "tools/file/edit.h"
#include "tools/file/find.h"
#include "tools/file/preview.h"
#include "tools/file/produce.h"

namespace tools::file {

using base::Errc;
using base::Error;
using base::Result;
using nlohmann::json;

const std::vector<ToolInfo>& tool_infos() {
  static const std::vector<ToolInfo> infos = {
      {"find_files", "Lists files by name pattern, type, size, date or content.",
       R"({"type":"object","properties":{"glob":{"type":"string"},"type":{"enum":["file","folder","link","any"]},"min_bytes":{"type":"integer"},"max_bytes":{"type":"integer"},"since":{"type":"string"},"until":{"type":"string"},"contains":{"type":"string"},"ignore_case":{"type":"boolean"},"order":{"enum":["name","date","size"]},"limit":{"type":"integer"}},"additionalProperties":false})"},
      {"read_file",
       "Shows lines of a text, the text of a PDF, rows of a sheet, or what a picture or sound is.",
       R"({"type":"object","properties":{"path":{"type":"string"},"first":{"type":"integer"},"last":{"type":"integer"},"part":{"type":"string"}},"required":["path"],"additionalProperties":false})"},
      {"write_file", "Makes a text file or replaces all of it.",
       R"({"type":"object","properties":{"path":{"type":"string"},"text":{"type":"string"}},"required":["path","text"],"additionalProperties":false})"},
      {"edit_file", "Replaces a text that stands once in a file, or all places of it.",
       R"({"type":"object","properties":{"path":{"type":"string"},"old":{"type":"string"},"new":{"type":"string"},"all":{"type":"boolean"}},"required":["path","old","new"],"additionalProperties":false})"},
      {"file_plan",
       "Moves, renames, sorts, merges, converts, packs or deletes files by a plan, which is shown "
       "or applied as a whole.",
       R"({"type":"object","properties":{"plan":{"type":"array","items":{"type":"object"}},"apply":{"type":"boolean"}},"required":["plan"],"additionalProperties":false})"},
  };
  return infos;
}

namespace {

/// Checks arguments against the properties of a schema, which is as simple as those above.
base::Status check_arguments(const ToolInfo& info, const json& arguments) {
  const json schema = json::parse(info.schema);
  const std::string who(info.name);
  if (!arguments.is_object()) return Error{Errc::usage, who + ": the arguments are no JSON object"};
  const json& properties = schema["properties"];
  std::string names;
  for (const auto& [name, value] : properties.items()) names += (names.empty() ? "" : ", ") + name;
  for (const auto& [name, value] : arguments.items()) {
    if (!properties.contains(name))
      return Error{Errc::usage,
                   who + ": there is no argument " + in_quotes(name) + "; arguments: " + names};
    const json& property = properties[name];
    if (property.contains("enum")) {
      const json& allowed = property["enum"];
      if (std::find(allowed.begin(), allowed.end(), value) == allowed.end())
        return Error{Errc::usage, who + ": " + name + " can be one of " + allowed.dump()};
      continue;
    }
    const std::string type = property.value("type", "");
    const bool right = (type == "string" && value.is_string()) ||
                       (type == "integer" && value.is_number_integer() &&
                        (!value.is_number_unsigned() || value.get<uint64_t>() < (1ull << 62))) ||
                       (type == "boolean" && value.is_boolean()) ||
                       (type == "array" && value.is_array());
    if (!right) return Error{Errc::usage, who + ": " + name + " must be of type " + type};
  }
  if (schema.contains("required"))
    for (const json& name : schema["required"])
      if (!arguments.contains(name.get<std::string>()))
        return Error{Errc::usage, who + ": " + name.get<std::string>() + " is missing"};
  return base::Ok{};
}

Result<json> find_files(int top, const json& a) {
  FindOptions o;
  o.glob = a.value("glob", o.glob);
  o.type = a.value("type", o.type);
  const auto bytes = [&](const char* name, uint64_t otherwise) {
    const int64_t n = a.value(name, int64_t{-1});
    return n < 0 ? otherwise : static_cast<uint64_t>(n);
  };
  o.min_bytes = bytes("min_bytes", o.min_bytes);
  o.max_bytes = bytes("max_bytes", o.max_bytes);
  o.since = a.value("since", "");
  o.until = a.value("until", "");
  o.contains = a.value("contains", "");
  o.ignore_case = a.value("ignore_case", false);
  o.order = a.value("order", o.order);
  o.limit = static_cast<size_t>(std::clamp<int64_t>(a.value("limit", int64_t{200}), 1, 10'000));
  Result<Found> found = find(top, o);
  if (!found) return found.error();
  json files = json::array();
  for (const Found::Hit& hit : found->hits) {
    json file{{"path", hit.entry.path},
              {"bytes", hit.entry.bytes},
              {"mtime", hit.entry.mtime_ns / 1'000'000'000}};
    if (hit.line > 0) {
      file["line"] = hit.line;
      file["text"] = hit.text;
    }
    files.push_back(std::move(file));
  }
  return json{{"text", found_text(*found)}, {"files", files}, {"total", found->total}};
}

/// Whether a step changes what things are called and no content.
bool only_names(const Step& step) {
  return step.kind == StepKind::mkdir || step.kind == StepKind::move ||
         step.kind == StepKind::remove;
}

Result<json> file_plan(int top, const json& a, const Services& services) {
  Result<std::vector<Operation>> plan = parse_plan(a["plan"]);
  if (!plan) return plan.error();
  Result<Listing> listing = list(top);
  if (!listing) return listing.error();
  Result<Expansion> expansion = expand(*plan, *listing, contents_beneath(top));
  if (!expansion) return expansion.error();
  bool wanted = a.value("apply", false);
  if (wanted && services.hand_over) {
    wanted = std::all_of(expansion->steps.begin(), expansion->steps.end(), only_names);
    if (wanted)
      if (base::Status s = services.hand_over(expansion->steps); !s) return s.error();
  } else if (wanted) {
    if (base::Status s = apply(top, *expansion, services.apply); !s) return s.error();
  }
  json out = preview_json(*expansion);
  out["text"] = (wanted ? "done:\n" : "") + preview_text(*expansion);
  out["applied"] = wanted;
  return out;
}

Result<json> as_text(Result<std::string> text) {
  if (!text) return text.error();
  return json{{"text", *text}};
}

}  // namespace

Result<json> call_tool(int top, const std::string& name, const json& arguments,
                       const Services& services) {
  const std::vector<ToolInfo>& infos = tool_infos();
  const auto info =
      std::find_if(infos.begin(), infos.end(), [&](const ToolInfo& i) { return i.name == name; });
  if (info == infos.end()) return Error{Errc::usage, "there is no file tool " + in_quotes(name)};
  if (base::Status s = check_arguments(*info, arguments); !s) return s.error();
  const auto text = [&](const char* key) { return arguments.value(key, std::string()); };
  if (name == "find_files") return find_files(top, arguments);
  if (name == "read_file")
    return as_text(read(top,
                        {.path = text("path"),
                         .first = arguments.value("first", int64_t{1}),
                         .last = arguments.value("last", int64_t{0}),
                         .part = text("part")},
                        services.read));
  if (name == "write_file") return as_text(write_file(top, text("path"), text("text")));
  if (name == "edit_file")
    return as_text(
        edit_file(top, text("path"), text("old"), text("new"), arguments.value("all", false)));
  return file_plan(top, arguments, services);
}

}  // namespace tools::file
