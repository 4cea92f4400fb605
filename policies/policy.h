#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policies/pattern.h"

/// policies: what a run of an untrusted program may do, as values that are compared and copied
/// freely.
///
/// A policy only ever narrows: a field that is absent from a file is an error and an unknown one
/// too, so that a misspelt limit cannot pass as no limit. Nothing here enforces anything; sandbox/
/// does. What a policy says of one command, tool or host is in policies/decide.h.
namespace policies {

/// What a policy says of one command, tool or host; the greater is the stricter.
enum class Verdict { allow, ask, deny };

/// As a policy spells it.
std::string_view verdict_name(Verdict verdict);

/// Bounds on one run. They hold for the program and all its descendants together, but for
/// file_bytes and open_files, which are per file and per process.
struct Limits {
  std::chrono::milliseconds wall{30'000};
  std::chrono::milliseconds cpu{60'000};
  uint64_t memory_bytes = 1ull << 30;  ///< resident memory and what lies in /tmp and /dev/shm
  uint64_t file_bytes = 256ull << 20;  ///< the largest file it can write
  uint64_t output_bytes = 8ull << 20;  ///< each of stdout, stderr and the events stream
  uint64_t processes = 64;             ///< processes and threads
  uint64_t open_files = 256;           ///< descriptors of one process
  uint64_t disk_bytes = 1ull << 30;    ///< what a run may add to the workspace
  uint64_t files = 100'000;            ///< files that it may add to the workspace or change there

  bool operator==(const Limits&) const = default;
};

/// Names of files or folders, at any depth of the workspace, that a program must not change.
struct Protect {
  std::vector<std::string> read_only;  ///< can be read
  std::vector<std::string> hidden;     ///< appear as an empty folder or file

  bool operator==(const Protect&) const = default;
};

/// Host files and folders beside the workspace that a run may see, absolute and without `..`; none
/// of them has a never_reason() (policies/never.h).
struct Paths {
  std::vector<std::filesystem::path> read;
  std::vector<std::filesystem::path> write;  ///< can be read too

  bool operator==(const Paths&) const = default;
};

/// The hosts that a run may reach through the filtering proxy.
struct Network {
  std::vector<HostPattern> hosts;

  /// No network at all.
  bool none() const { return hosts.empty(); }
  bool operator==(const Network&) const = default;
};

/// Lines that must and must not match a rule, checked when the policy is read.
struct Examples {
  std::vector<std::string> match;
  std::vector<std::string> not_match;

  bool operator==(const Examples&) const = default;
};

/// One thing that a policy says of commands, of tools or of hosts: exactly one of the three is
/// there.
struct Rule {
  std::string why;  ///< one sentence for people
  Verdict verdict = Verdict::ask;
  std::optional<CommandPattern> command;
  std::optional<NamePattern> tool;
  std::optional<HostPattern> host;
  Examples examples;

  bool operator==(const Rule&) const = default;
};

/// What holds where no rule matches.
struct Otherwise {
  Verdict command = Verdict::ask;
  Verdict tool = Verdict::ask;

  bool operator==(const Otherwise&) const = default;
};

struct Policy {
  std::string name;
  std::string why;                  ///< one sentence for people
  bool workspace_writable = false;  ///< the most a run may ask for
  bool commit_asks = false;         ///< a person sees the changes before they are kept
  Paths paths;
  Network network;
  std::vector<Rule> rules;
  Otherwise otherwise;
  Limits limits;
  Protect protect;

  bool operator==(const Policy&) const = default;
};

/// Reads the JSON of a policy; `origin` names it in messages.
/// Errors: corrupt, naming the field: `p.json: limits.wall_ms: 0, expected 1 to 86400000`.
base::Result<Policy> parse(std::string_view json, std::string_view origin);

/// Errors: as parse() and base::read_file() (at most 64 KiB).
base::Result<Policy> load(const std::filesystem::path& path);

/// Names of the policies that are built into the program: default, strict, review, open-network.
std::vector<std::string_view> builtin_names();

/// Errors: not_found, listing builtin_names().
base::Result<Policy> builtin(std::string_view name);

/// The JSON of a built-in policy, or nothing.
std::string_view builtin_text(std::string_view name);

/// What a person names with --policy: a file if there is one of that name, else a built-in.
/// Errors: as load() or builtin().
base::Result<Policy> find(const std::string& name_or_path);

}  // namespace policies
