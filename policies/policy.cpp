#include "policies/policy.h"

#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"

// A policy file is one JSON object:
//
//   name       text
//   why        text
//   workspace  "read" | "write"
//   limits     wall_ms, cpu_ms, memory_bytes, file_bytes, output_bytes, processes, open_files:
//   whole numbers protect    read_only, hidden: arrays of names (no '/')
//
// Every field is required and no other is allowed. A key that occurs twice is refused, because
// readers differ on which of the two counts.

namespace policies {

extern const std::string_view embedded_default;
extern const std::string_view embedded_strict;

namespace {

using base::Errc;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;
using Json = nlohmann::json;

constexpr uint64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB;
constexpr size_t kMaxPolicyBytes = 64 * kKiB;
constexpr size_t kMaxNames = 64;

struct Reader {
  std::string origin;

  Error bad(const std::string& field, const std::string& what) const {
    return Error{Errc::corrupt, origin + ": " + field + ": " + what};
  }

  Status keys(const Json& object, const std::string& field,
              std::initializer_list<const char*> expected) const {
    const std::string prefix = field.empty() ? "" : field + ".";
    if (!object.is_object()) return bad(field.empty() ? "policy" : field, "expected an object");
    for (const auto& [key, value] : object.items()) {
      bool known = false;
      for (const char* name : expected) known = known || key == name;
      if (!known) return bad(prefix + key, "unknown field");
    }
    for (const char* name : expected) {
      if (!object.contains(name)) return bad(prefix + name, "missing");
    }
    return Ok{};
  }

  Result<std::string> text(const Json& value, const std::string& field) const {
    if (!value.is_string()) return bad(field, "expected text");
    std::string result = value.get<std::string>();
    if (result.empty() || result.size() > 1024) return bad(field, "expected 1 to 1024 bytes");
    return result;
  }

  Result<uint64_t> whole(const Json& value, const std::string& field, uint64_t low,
                         uint64_t high) const {
    std::string range = "expected " + std::to_string(low) + " to " + std::to_string(high);
    if (!value.is_number_unsigned()) return bad(field, value.dump() + ", " + range);
    uint64_t number = value.get<uint64_t>();
    if (number < low || number > high) return bad(field, value.dump() + ", " + range);
    return number;
  }

  Status names(const Json& value, const std::string& field, std::vector<std::string>& out) const {
    if (!value.is_array()) return bad(field, "expected an array of names");
    if (value.size() > kMaxNames) return bad(field, "more than 64 names");
    for (size_t i = 0; i < value.size(); ++i) {
      std::string item = field + "[" + std::to_string(i) + "]";
      Result<std::string> name = text(value[i], item);
      if (!name) return name.error();
      if (*name == "." || *name == ".." || name->find('/') != std::string::npos ||
          name->find('\0') != std::string::npos || name->size() > 255) {
        return bad(item, "\"" + *name + "\" is not the name of a file");
      }
      out.push_back(*name);
    }
    return Ok{};
  }
};

Result<Policy> read_policy(const Reader& reader, const Json& json) {
  if (Status s = reader.keys(json, "", {"name", "why", "workspace", "limits", "protect"}); !s) {
    return s.error();
  }
  Policy policy;
  for (auto [field, target] : {std::pair{"name", &policy.name}, {"why", &policy.why}}) {
    Result<std::string> value = reader.text(json[field], field);
    if (!value) return value.error();
    *target = *value;
  }
  const Json& workspace = json["workspace"];
  if (workspace != "read" && workspace != "write") {
    return reader.bad("workspace", workspace.dump() + ", expected \"read\" or \"write\"");
  }
  policy.workspace_writable = workspace == "write";

  const Json& limits = json["limits"];
  if (Status s = reader.keys(limits, "limits",
                             {"wall_ms", "cpu_ms", "memory_bytes", "file_bytes", "output_bytes",
                              "processes", "open_files"});
      !s) {
    return s.error();
  }
  constexpr uint64_t kDayMs = 86'400'000;
  uint64_t wall_ms = 0, cpu_ms = 0;
  struct Bound {
    const char* name;
    uint64_t low, high;
    uint64_t* target;
  };
  for (const Bound& bound : {
           Bound{"wall_ms", 1, kDayMs, &wall_ms},
           Bound{"cpu_ms", 1, kDayMs, &cpu_ms},
           Bound{"memory_bytes", 16 * kMiB, 1024 * kGiB, &policy.limits.memory_bytes},
           Bound{"file_bytes", 4 * kKiB, 1024 * kGiB, &policy.limits.file_bytes},
           Bound{"output_bytes", 1 * kKiB, 1 * kGiB, &policy.limits.output_bytes},
           Bound{"processes", 1, 4096, &policy.limits.processes},
           Bound{"open_files", 16, 65536, &policy.limits.open_files},
       }) {
    Result<uint64_t> value = reader.whole(limits[bound.name], std::string("limits.") + bound.name,
                                          bound.low, bound.high);
    if (!value) return value.error();
    *bound.target = *value;
  }
  policy.limits.wall = std::chrono::milliseconds(wall_ms);
  policy.limits.cpu = std::chrono::milliseconds(cpu_ms);

  const Json& protect = json["protect"];
  if (Status s = reader.keys(protect, "protect", {"read_only", "hidden"}); !s) return s.error();
  if (Status s = reader.names(protect["read_only"], "protect.read_only", policy.protect.read_only);
      !s) {
    return s.error();
  }
  if (Status s = reader.names(protect["hidden"], "protect.hidden", policy.protect.hidden); !s) {
    return s.error();
  }
  return policy;
}

}  // namespace

Result<Policy> parse(std::string_view json, std::string_view origin) {
  Reader reader{std::string(origin)};
  if (json.size() > kMaxPolicyBytes) return reader.bad("policy", "more than 64 KiB");
  std::vector<std::set<std::string>> keys_by_depth;
  std::string twice;
  bool too_deep = false;
  auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > 8) too_deep = true;
    if (event == Json::parse_event_t::object_start) keys_by_depth.emplace_back();
    if (event == Json::parse_event_t::object_end) keys_by_depth.pop_back();
    if (event == Json::parse_event_t::key) {
      std::string key = value.get<std::string>();
      if (!keys_by_depth.back().insert(key).second) twice = key;
    }
    return true;
  };
  try {
    Json value = Json::parse(json.begin(), json.end(), watch);
    if (!twice.empty()) return reader.bad(twice, "given twice");
    if (too_deep) return reader.bad("policy", "nested more than 8 levels");
    return read_policy(reader, value);
  } catch (const Json::exception& e) {
    return Error{Errc::corrupt, reader.origin + ": not JSON: " + e.what()};
  }
}

Result<Policy> load(const std::filesystem::path& path) {
  Result<std::string> text = base::read_file(path, kMaxPolicyBytes);
  if (!text) return text.error();
  return parse(*text, path.string());
}

std::vector<std::string_view> builtin_names() { return {"default", "strict"}; }

Result<Policy> builtin(std::string_view name) {
  if (name == "default") return parse(embedded_default, "default policy");
  if (name == "strict") return parse(embedded_strict, "strict policy");
  return Error{Errc::not_found,
               "no policy \"" + std::string(name) + "\"; built in: default, strict"};
}

Result<Policy> find(const std::string& name_or_path) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(name_or_path, ignored)) return load(name_or_path);
  return builtin(name_or_path);
}

}  // namespace policies
