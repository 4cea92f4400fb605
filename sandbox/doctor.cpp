// What run() relies on, tried one by one.

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox/cgroup.h"
#include "sandbox/jail.h"
#include "sandbox/sandbox.h"
#include "sandbox/seccomp_filter.h"

namespace sandbox {

using base::Result;

std::vector<Probe> probe() {
  std::vector<Probe> result;
  Result<std::filesystem::path> launcher = find_launcher();
  result.push_back({"launcher", launcher.has_value(), true,
                    launcher ? launcher->string() : launcher.error().message});

  Result<std::string> filter = build_seccomp_filter(false);
  result.push_back(
      {"seccomp", filter.has_value(), true,
       filter ? std::to_string(filter->size() / 8) + " instructions" : filter.error().message});

  long abi = syscall(444 /* landlock_create_ruleset */, nullptr, 0, 1);
  result.push_back(
      {"Landlock", abi >= 1, true,
       abi >= 1 ? "ABI " + std::to_string(abi)
                : std::string(strerror(errno)) + "; enable it with lsm=landlock,… at boot"});

  policies::Policy policy;
  policy.limits.wall = std::chrono::seconds(10);
  std::string detail;
  {
    Cgroup cgroup = Cgroup::create(detail);
    cgroup.set_limits(policy.limits.memory_bytes, policy.limits.processes);
    const std::string instead = "sampled every 20 ms instead (" + detail + ")";
    result.push_back({"cgroup memory limit", cgroup.limits_memory(), false,
                      cgroup.limits_memory() ? "in use, and sampled" : instead});
    result.push_back({"cgroup process limit", cgroup.limits_processes(), false,
                      cgroup.limits_processes() ? "in use, and sampled" : instead});
  }

  std::error_code ec;
  std::string folder = (std::filesystem::temp_directory_path(ec) / "tessera-probe-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    result.push_back({"confined run", false, true, std::string("mkdtemp: ") + strerror(errno)});
    return result;
  }
  Program program;
  program.argv = {"/bin/true"};
  program.workspace = folder;
  Result<Outcome> outcome = run(program, policy, {});
  const bool ok = outcome && outcome->end == decltype(outcome->end)(Exited{0});
  result.push_back({"confined run", ok, true,
                    ok        ? std::to_string(outcome->wall.count()) + " ms"
                    : outcome ? describe(*outcome)
                              : outcome.error().message});
  program.argv = {"/bin/sh", "-c", "echo new > file"};
  program.workspace_writable = true;
  policy.workspace_writable = true;
  outcome = run(program, policy, {});
  const bool layered = outcome && outcome->end == End(Exited{0}) && outcome->layer;
  result.push_back({"workspace layer", layered, true,
                    !outcome   ? outcome.error().message
                    : !layered ? describe(*outcome)
                    : outcome->on_a_copy
                        ? "a copy of the workspace: slow if it is large; an overlay "
                          "on a tmpfs needs Linux 6.6 or later"
                        : "overlay on a tmpfs"});
  std::filesystem::remove_all(folder, ec);
  return result;
}

}  // namespace sandbox
