#include "policies/policies.h"

#include <cstdio>
#include <memory>

#include "cli/command.h"

namespace cli {
namespace {

using policies::Policy;
using policies::Verdict;

struct PolicyOptions {
  std::string policy = "default", file, name;
  std::vector<std::string> command;
};

int check(const PolicyOptions& o) {
  base::Result<Policy> policy = policies::load(o.file);
  if (!policy) {
    std::fprintf(stderr, "tessera: %s\n", policy.error().message.c_str());
    return kUsage;
  }
  size_t examples = 0;
  for (const policies::Rule& rule : policy->rules)
    examples += rule.examples.match.size() + rule.examples.not_match.size();
  std::printf("ok: %s, %zu rules, %zu examples\n", policy->name.c_str(), policy->rules.size(),
              examples);
  return kDone;
}

int show(const PolicyOptions& o) {
  if (o.name.empty()) {
    for (std::string_view name : policies::builtin_names()) {
      base::Result<Policy> policy = policies::builtin(name);
      if (!policy) return fail(policy.error());
      std::printf("%-14s %s\n", policy->name.c_str(), policy->why.c_str());
    }
    return kDone;
  }
  base::Result<Policy> policy = policies::builtin(o.name);
  if (!policy) return fail(policy.error());
  const std::string_view text = policies::builtin_text(o.name);
  std::fwrite(text.data(), 1, text.size(), stdout);
  return kDone;
}

std::string size_text(uint64_t bytes) {
  for (auto [unit, size] : {std::pair{"GiB", 1ull << 30}, {"MiB", 1ull << 20}, {"KiB", 1ull << 10}})
    if (bytes >= size && bytes % size == 0) return std::to_string(bytes / size) + " " + unit;
  return std::to_string(bytes) + " bytes";
}

std::string seconds_text(std::chrono::milliseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%g s", static_cast<double>(time.count()) / 1000);
  return text;
}

template <class List, class Text>
std::string joined(const List& list, Text text) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : ", ") + text(item);
  return out.empty() ? "none" : out;
}

/// What the sandbox allows, whatever the rules say.
void print_walls(const Policy& policy) {
  const auto path = [](const std::filesystem::path& p) { return p.string(); };
  const auto name = [](const std::string& n) { return n; };
  const policies::Limits& limits = policy.limits;
  std::printf("the sandbox, whatever the rules say:\n");
  std::printf("  workspace    %s%s\n", policy.workspace_writable ? "read and write" : "read only",
              policy.commit_asks ? "; changes are shown before they are kept" : "");
  std::printf("  read only    %s\n", joined(policy.protect.read_only, name).c_str());
  std::printf("  hidden       %s\n", joined(policy.protect.hidden, name).c_str());
  std::printf("  also reads   %s\n", joined(policy.paths.read, path).c_str());
  std::printf("  also writes  %s\n", joined(policy.paths.write, path).c_str());
  std::printf("  network      %s\n",
              joined(policy.network.hosts, [](const policies::HostPattern& h) {
                return h.text();
              }).c_str());
  std::printf("  time         %s, processor %s\n", seconds_text(limits.wall).c_str(),
              seconds_text(limits.cpu).c_str());
  std::printf("  memory       %s\n", size_text(limits.memory_bytes).c_str());
  std::printf("  disk         %s in %llu files, each up to %s\n",
              size_text(limits.disk_bytes).c_str(), static_cast<unsigned long long>(limits.files),
              size_text(limits.file_bytes).c_str());
  std::printf("  output       %s\n", size_text(limits.output_bytes).c_str());
  std::printf("  processes    %llu, each with %llu open files\n",
              static_cast<unsigned long long>(limits.processes),
              static_cast<unsigned long long>(limits.open_files));
}

int explain(const PolicyOptions& o) {
  base::Result<Policy> policy = policies::find(o.policy);
  if (!policy) return fail(policy.error());
  const policies::Decision decision = policies::decide_command(*policy, o.command);
  std::printf("%s: %s\n", std::string(policies::verdict_name(decision.verdict)).c_str(),
              decision.why.c_str());
  for (const policies::RuleMatch& match : decision.matches) {
    std::printf("  rules[%zu] %s `%s`: %s\n", match.rule,
                std::string(policies::verdict_name(match.verdict)).c_str(), match.subject.c_str(),
                policy->rules[match.rule].why.c_str());
  }
  print_walls(*policy);
  return kDone;
}

}  // namespace

void add_policy(CLI::App& app, Action& action) {
  auto o = std::make_shared<PolicyOptions>();
  CLI::App* c = app.add_subcommand("policy", "What runs are allowed, and why.");
  c->require_subcommand(1);
  CLI::App* k = c->add_subcommand("check", "Whether a policy file can be used.");
  k->add_option("file", o->file, "policy file")->required();
  CLI::App* e = c->add_subcommand("explain", "What a policy says of a command: explain -- CMD ...");
  e->add_option("--policy", o->policy, "name or file of a policy");
  e->add_option("command", o->command, "program and arguments")->required();
  CLI::App* s = c->add_subcommand("show", "The built-in policies, or the text of one.");
  s->add_option("name", o->name, "name of a built-in policy");
  k->callback([o, &action] { action = [o] { return check(*o); }; });
  e->callback([o, &action] { action = [o] { return explain(*o); }; });
  s->callback([o, &action] { action = [o] { return show(*o); }; });
}

}  // namespace cli
