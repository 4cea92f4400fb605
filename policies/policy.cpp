#include "policies/policy.h"

#include <set>
#include "base/json.h"

#include "base/file.h"
#include "policies/decide.h"
#include "policies/never.h"

// A policy file is one JSON object:
//
//   name       text
//   why        text
//   workspace  "read" | "write"
//   commit     "auto" | "ask"
//   paths      optional: read, write, both optional: arrays of /… or ~/…
//   network    "none" | hosts: array of HOST:PORT
//   rules      array of why, verdict, one of command (array of words), tool, host (text), and
//              examples: match, not (arrays of text)
//   otherwise  command, tool: verdicts
//   limits     wall_ms, cpu_ms, memory_bytes, file_bytes, output_bytes, processes, open_files,
//              disk_bytes, files: whole numbers
//   protect    read_only, hidden: arrays of names (no '/')
//
// Every other field is required and no other is allowed. A key that occurs twice is refused,
// because readers differ on which of the two counts. What the fields mean: docs/policies.md.

namespace policies {

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
constexpr size_t kMaxRules = 128;

struct Reader {
  std::string origin;

  Error bad(const std::string& field, const std::string& what) const {
    return Error{Errc::corrupt, origin + ": " + field + ": " + what};
  }

  Status keys(const Json& object, const std::string& field,
              std::initializer_list<const char*> expected,
              std::initializer_list<const char*> optional = {}) const {
    const std::string prefix = field.empty() ? "" : field + ".";
    if (!object.is_object()) return bad(field.empty() ? "policy" : field, "expected an object");
    for (const auto& [key, value] : object.items()) {
      bool known = false;
      for (const char* name : expected) known = known || key == name;
      for (const char* name : optional) known = known || key == name;
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

  Result<Verdict> verdict(const Json& value, const std::string& field) const {
    for (Verdict v : {Verdict::allow, Verdict::ask, Verdict::deny})
      if (value == std::string(verdict_name(v))) return v;
    return bad(field, value.dump() + ", expected \"allow\", \"ask\" or \"deny\"");
  }

  /// An array of at most kMaxNames texts.
  Result<std::vector<std::string>> texts(const Json& value, const std::string& field) const {
    if (!value.is_array()) return bad(field, "expected an array of text");
    if (value.size() > kMaxNames) return bad(field, "more than 64 entries");
    std::vector<std::string> out;
    for (size_t i = 0; i < value.size(); ++i) {
      Result<std::string> item = text(value[i], field + "[" + std::to_string(i) + "]");
      if (!item) return item.error();
      out.push_back(std::move(*item));
    }
    return out;
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

Status read_paths(const Reader& reader, const Json& json, Paths& paths) {
  if (Status s = reader.keys(json, "paths", {}, {"read", "write"}); !s) return s;
  const std::filesystem::path home = expand_home("~");
  for (auto [key, target] : {std::pair{"read", &paths.read}, {"write", &paths.write}}) {
    if (!json.contains(key)) continue;
    const std::string field = std::string("paths.") + key;
    Result<std::vector<std::string>> texts = reader.texts(json[key], field);
    if (!texts) return texts.error();
    for (size_t i = 0; i < texts->size(); ++i) {
      const std::string& text = (*texts)[i];
      const std::string item = field + "[" + std::to_string(i) + "]";
      const std::filesystem::path path = expand_home(text);
      if (path.empty()) {
        return reader.bad(item, "\"" + text + "\": expected /... or ~/... without ..");
      }
      const std::string why = never_reason(path, home, target == &paths.write);
      if (!why.empty()) {
        return reader.bad(item, "\"" + text + "\" " + why + "; no policy can give it to a program");
      }
      target->push_back(path);
    }
  }
  return Ok{};
}

Status read_network(const Reader& reader, const Json& json, Network& network) {
  if (json == "none") return Ok{};
  if (!json.is_object()) {
    return reader.bad("network", "expected \"none\" or an object with hosts");
  }
  if (Status s = reader.keys(json, "network", {"hosts"}); !s) return s;
  Result<std::vector<std::string>> hosts = reader.texts(json["hosts"], "network.hosts");
  if (!hosts) return hosts.error();
  if (hosts->empty()) return reader.bad("network.hosts", "no host; write \"network\": \"none\"");
  for (size_t i = 0; i < hosts->size(); ++i) {
    Result<HostPattern> host = HostPattern::parse((*hosts)[i], false);
    if (!host) {
      return reader.bad("network.hosts[" + std::to_string(i) + "]", host.error().message);
    }
    network.hosts.push_back(std::move(*host));
  }
  return Ok{};
}

/// Whether `line` is something the rule is about.
Result<bool> example_matches(const Rule& rule, const std::string& line) {
  if (rule.command) return rule_matches_line(rule, line);
  if (rule.tool) return rule.tool->match(line);
  Result<HostPort> host = split_host_port(line);
  if (!host) return host.error();
  return rule.host->match(normal_host(host->host), host->port);
}

Status check_examples(const Reader& reader, const Json& json, const std::string& field,
                      Rule& rule) {
  if (Status s = reader.keys(json, field, {"match", "not"}); !s) return s;
  for (bool expected : {true, false}) {
    const std::string list = field + (expected ? ".match" : ".not");
    Result<std::vector<std::string>> lines = reader.texts(json[expected ? "match" : "not"], list);
    if (!lines) return lines.error();
    if (expected && lines->empty()) return reader.bad(list, "expected at least one example");
    for (size_t i = 0; i < lines->size(); ++i) {
      const std::string item = list + "[" + std::to_string(i) + "]";
      const std::string shown = "\"" + (*lines)[i] + "\" ";
      Result<bool> matches = example_matches(rule, (*lines)[i]);
      if (!matches) {
        // The message about a host has the example in it.
        return reader.bad(item, (rule.host ? "" : shown) + matches.error().message);
      }
      if (*matches != expected)
        return reader.bad(item,
                          shown + (expected ? "does not match the rule" : "matches the rule"));
    }
    (expected ? rule.examples.match : rule.examples.not_match) = std::move(*lines);
  }
  return Ok{};
}

Result<Rule> read_rule(const Reader& reader, const Json& json, const std::string& field) {
  if (Status s =
          reader.keys(json, field, {"why", "verdict", "examples"}, {"command", "tool", "host"});
      !s)
    return s.error();
  if (json.contains("command") + json.contains("tool") + json.contains("host") != 1) {
    return reader.bad(field, "expected exactly one of command, tool and host");
  }
  Rule rule;
  Result<std::string> why = reader.text(json["why"], field + ".why");
  if (!why) return why.error();
  rule.why = *why;
  Result<Verdict> verdict = reader.verdict(json["verdict"], field + ".verdict");
  if (!verdict) return verdict.error();
  rule.verdict = *verdict;
  if (json.contains("command")) {
    Result<std::vector<std::string>> words = reader.texts(json["command"], field + ".command");
    if (!words) return words.error();
    Result<CommandPattern> pattern = CommandPattern::parse(*words);
    if (!pattern) return reader.bad(field + ".command", pattern.error().message);
    rule.command = *pattern;
  } else if (json.contains("tool")) {
    Result<std::string> text = reader.text(json["tool"], field + ".tool");
    if (!text) return text.error();
    Result<NamePattern> pattern = NamePattern::parse(*text);
    if (!pattern) return reader.bad(field + ".tool", pattern.error().message);
    rule.tool = *pattern;
  } else {
    Result<std::string> text = reader.text(json["host"], field + ".host");
    if (!text) return text.error();
    Result<HostPattern> pattern = HostPattern::parse(*text, true);
    if (!pattern) return reader.bad(field + ".host", pattern.error().message);
    if (rule.verdict == Verdict::allow) {
      return reader.bad(field + ".verdict", "a host is allowed by listing it in network.hosts");
    }
    rule.host = *pattern;
  }
  if (Status s = check_examples(reader, json["examples"], field + ".examples", rule); !s) {
    return s.error();
  }
  return rule;
}

Status read_limits(const Reader& reader, const Json& json, Limits& limits) {
  if (Status s = reader.keys(json, "limits",
                             {"wall_ms", "cpu_ms", "memory_bytes", "file_bytes", "output_bytes",
                              "processes", "open_files", "disk_bytes", "files"});
      !s) {
    return s;
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
           Bound{"memory_bytes", 16 * kMiB, 1024 * kGiB, &limits.memory_bytes},
           Bound{"file_bytes", 4 * kKiB, 1024 * kGiB, &limits.file_bytes},
           Bound{"output_bytes", 1 * kKiB, 1 * kGiB, &limits.output_bytes},
           Bound{"processes", 1, 4096, &limits.processes},
           Bound{"open_files", 16, 65536, &limits.open_files},
           Bound{"disk_bytes", 4 * kKiB, 1024 * kGiB, &limits.disk_bytes},
           Bound{"files", 1, 1'000'000, &limits.files},
       }) {
    Result<uint64_t> value =
        reader.whole(json[bound.name], std::string("limits.") + bound.name, bound.low, bound.high);
    if (!value) return value.error();
    *bound.target = *value;
  }
  limits.wall = std::chrono::milliseconds(wall_ms);
  limits.cpu = std::chrono::milliseconds(cpu_ms);
  return Ok{};
}

Result<Policy> read_policy(const Reader& reader, const Json& json) {
  if (Status s = reader.keys(json, "",
                             {"name", "why", "workspace", "commit", "network", "rules", "otherwise",
                              "limits", "protect"},
                             {"paths"});
      !s) {
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

  const Json& commit = json["commit"];
  if (commit != "auto" && commit != "ask") {
    return reader.bad("commit", commit.dump() + ", expected \"auto\" or \"ask\"");
  }
  policy.commit_asks = commit == "ask";
  if (json.contains("paths")) {
    if (Status s = read_paths(reader, json["paths"], policy.paths); !s) return s.error();
  }
  if (Status s = read_network(reader, json["network"], policy.network); !s) return s.error();

  const Json& rules = json["rules"];
  if (!rules.is_array()) return reader.bad("rules", "expected an array of rules");
  if (rules.size() > kMaxRules) return reader.bad("rules", "more than 128 rules");
  for (size_t i = 0; i < rules.size(); ++i) {
    Result<Rule> rule = read_rule(reader, rules[i], "rules[" + std::to_string(i) + "]");
    if (!rule) return rule.error();
    policy.rules.push_back(std::move(*rule));
  }
  const Json& otherwise = json["otherwise"];
  if (Status s = reader.keys(otherwise, "otherwise", {"command", "tool"}); !s) return s.error();
  for (auto [field, target] :
       {std::pair{"command", &policy.otherwise.command}, {"tool", &policy.otherwise.tool}}) {
    Result<Verdict> verdict = reader.verdict(otherwise[field], std::string("otherwise.") + field);
    if (!verdict) return verdict.error();
    *target = *verdict;
  }
  if (Status s = read_limits(reader, json["limits"], policy.limits); !s) return s.error();

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
    return Error{Errc::corrupt, reader.origin + ": not JSON: " + base::reason(e)};
  }
}

Result<Policy> load(const std::filesystem::path& path) {
  Result<std::string> text = base::read_file(path, kMaxPolicyBytes);
  if (!text) return text.error();
  return parse(*text, path.string());
}

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::allow:
      return "allow";
    case Verdict::ask:
      return "ask";
    case Verdict::deny:
      break;
  }
  return "deny";
}

}  // namespace policies
