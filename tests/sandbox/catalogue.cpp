#include "catalogue.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace sandbox {

using nlohmann::json;

namespace {

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "tests/programs/catalogue.json: %s\n", why.c_str());
  std::exit(2);
}

Threat threat_from(const std::string& group, const json& line) {
  static const std::set<std::string> kFields = {
      "name",  "threat", "program", "args", "inside", "only_output", "control",      "no_control",
      "needs", "hole",   "limits",  "runs", "files",  "terminal",    "kill_launcher"};
  for (const auto& [key, value] : line.items()) {
    if (kFields.count(key) == 0) give_up("unknown field " + key);
  }
  Threat t;
  t.group = group;
  t.threat = line.at("threat").get<std::string>();
  t.program = line.at("program").get<std::string>();
  t.name = line.value("name", std::filesystem::path(t.program).stem().string());
  t.args = line.value("args", t.args);
  t.only_output = line.value("only_output", group == "stays");
  t.inside = line.value("inside", t.only_output ? "done" : "exit code 0: contained");
  t.control = line.value("control", "");
  t.no_control = line.value("no_control", "");
  t.needs = line.value("needs", "");
  t.known_hole = line.value("hole", "");
  t.limits = line.value("limits", t.limits);
  t.runs = line.value("runs", 1);
  t.terminal = line.value("terminal", false);
  t.kill_launcher = line.value("kill_launcher", false);
  t.files = line.value("files", t.files);
  if (group.find("works") == std::string::npos && t.control.empty() == t.no_control.empty()) {
    give_up(group + "/" + t.name + ": one of control and no_control is needed");
  }
  return t;
}

}  // namespace

std::vector<Threat> catalogue(const std::vector<std::string>& groups) {
  std::ifstream file(TESSERA_ESCAPE_SOURCES "/catalogue.json");
  const json all = json::parse(file, nullptr, false, true);
  if (!all.is_object()) give_up("not a JSON object");
  std::vector<Threat> threats;
  std::set<std::string> names;
  for (const std::string& group : groups) {
    if (!all.contains(group)) give_up("no group " + group);
    for (const json& line : all[group]) {
      threats.push_back(threat_from(group, line));
      if (!names.insert(group + "/" + threats.back().name).second)
        give_up("twice: " + threats.back().name);
    }
  }
  return threats;
}

policies::Policy policy_of(const Threat& threat) {
  policies::Policy policy = *policies::builtin("default");
  policy.limits.wall = std::chrono::seconds(10);
  for (const auto& [name, value] : threat.limits.items()) {
    const uint64_t n = value.get<uint64_t>();
    if (name == "wall_ms") {
      policy.limits.wall = std::chrono::milliseconds(n);
    } else if (name == "cpu_ms") {
      policy.limits.cpu = std::chrono::milliseconds(n);
    } else if (name == "memory_bytes") {
      policy.limits.memory_bytes = n;
    } else if (name == "disk_bytes") {
      policy.limits.disk_bytes = n;
    } else if (name == "files") {
      policy.limits.files = n;
    } else if (name == "file_bytes") {
      policy.limits.file_bytes = n;
    } else if (name == "output_bytes") {
      policy.limits.output_bytes = n;
    } else if (name == "processes") {
      policy.limits.processes = n;
    } else {
      give_up("unknown limit " + name);
    }
  }
  return policy;
}

}  // namespace sandbox
