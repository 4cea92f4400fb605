#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "policies/policies.h"
#include "sandbox/proxy.h"
#include "sandbox/workspace/layer.h"

/// sandbox: runs one untrusted program under a policy and says how it ended.
///
/// run() hands the program to tessera-launcher, which confines itself (namespaces, minimal root,
/// limits, no capabilities, Landlock, seccomp) before it executes it. The program sees the
/// workspace, the mounts it was given, read-only system folders and a private /tmp; no network, no
/// other process, nothing of the caller's environment. When run() returns, every process that the
/// program started is dead.
///
/// run() blocks its caller and any number of threads may call it at once. It never forks this
/// process for longer than it takes to execute the launcher. A wall that cannot be put up is an
/// Error and the program is not started; whatever the program itself does is an Outcome.
namespace sandbox {

/// A host file or folder that appears at the same path inside.
struct Mount {
  std::filesystem::path path;
  bool writable = false;
};

struct Program {
  /// argv[0] is a name in /usr/local/bin, /usr/bin or /bin, a path in the workspace (./prog), or an
  /// absolute path; one that is not visible otherwise is mounted by itself, read-only.
  std::vector<std::string> argv;
  /// Comes on top of PATH, HOME=/tmp, TMPDIR=/tmp and LANG=C.UTF-8, which are all it has otherwise.
  std::vector<std::pair<std::string, std::string>> env;
  /// Appears at its own path and is the working directory. Not a system folder, nor one that holds
  /// the home.
  std::filesystem::path workspace;
  /// Writable if the policy allows it too. What is written goes to a layer of its own and not to
  /// the workspace: see Outcome::layer.
  bool workspace_writable = false;
  /// With workspace_writable: the workspace is read-only, and /out, an empty folder, takes files
  /// that are to be added to it. Unlike the other way, changes that others make to the workspace
  /// meanwhile are seen.
  bool only_adds = false;
  /// With workspace_writable: the program works on a copy of the workspace, as it does anyway where
  /// the kernel cannot lay a layer over it. Both must fit into the policy's disk_bytes.
  bool on_a_copy = false;
  std::vector<Mount> mounts;
  /// It may reach the hosts that the policy lists, if there are any, through a proxy that
  /// HTTP_PROXY and its kin name. There is no other network.
  bool network = false;
  /// Hears what the proxy did, on a thread of the proxy.
  std::function<void(const ProxyEvent&)> on_proxy;
  /// All of standard input.
  std::string stdin_text;
  /// Hears standard output (1) and standard error (2) as they come, as far as they are kept.
  std::function<void(int fd, std::string_view text)> on_output;
};

/// The program ended by itself.
struct Exited {
  int code = 0;
  bool operator==(const Exited&) const = default;
};
/// A signal ended it. `limit` names the bound it went past: memory, processes, file_bytes,
/// output_bytes, disk_bytes, files; or is empty.
struct Killed {
  int signal = 0;
  std::string limit;
  bool operator==(const Killed&) const = default;
};
/// It ran into the `wall` or the `cpu` limit.
struct TimedOut {
  std::string limit;
  bool operator==(const TimedOut&) const = default;
};
/// It was stopped at something that no honest program does.
struct Violated {
  std::string what;
  bool operator==(const Violated&) const = default;
};

using End = std::variant<Exited, Killed, TimedOut, Violated>;

struct Outcome {
  End end;
  std::string out, err;
  std::string events;      ///< what was written to descriptor 3
  bool truncated = false;  ///< one of the three was cut at output_bytes
  std::chrono::milliseconds wall{0}, cpu{0};
  uint64_t peak_bytes =
      0;  ///< largest memory in use; without a cgroup sampled, so a short peak may be missed
  std::optional<Layer> layer;  ///< what it wrote to the workspace, if it could
  bool on_a_copy = false;      ///< which began as a copy: chosen, or no overlay can be mounted here
};

/// Runs `program` to its end or to the limits of `policy`.
/// Errors: refused (a mechanism is missing or the request asks for what no policy allows; the
/// message names it and nothing was run), not_found (no such program or workspace), usage,
/// cancelled (`stop` was requested), system.
base::Result<Outcome> run(const Program& program, const policies::Policy& policy,
                          std::stop_token stop);

/// One line for people: `exit code 1`, `killed by signal 9: more memory than allowed`, `timed out
/// (wall)`.
std::string describe(const Outcome& outcome);

/// One mechanism that run() relies on, for `tessera doctor`.
struct Probe {
  std::string name;
  bool available = false;
  bool required = true;  ///< without it run() refuses
  std::string detail;    ///< what was found, or why not and what to do
};
/// Tries each mechanism, the last one by a whole confined run of /bin/true.
std::vector<Probe> probe();

}  // namespace sandbox
