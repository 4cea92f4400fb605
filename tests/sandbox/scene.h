#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "catalogue.h"
#include "sandbox/sandbox.h"

namespace sandbox {

/// What a run of a hostile program came to, and what the host looked like afterwards.
struct Seen {
  std::string end;                ///< describe(outcome), and `: ` with the output if there was some
  std::string out;                ///< standard output, at most 1 MiB
  std::string all_output;         ///< everything that came out, for a search
  std::vector<std::string> host;  ///< what happened to the host, one line each; empty is good
};

/// A workspace with a host around it that hostile programs are aimed at, the same for a run inside
/// and for the control without a sandbox:
///
///   outside/  kept.txt                          OUTSIDE
///   secret.txt                                  SECRET
///   home/     .bashrc .profile .ssh .aws        USER_HOME
///   workspace/ notes.txt sub/ .git/ vendor/sub/.git/ service.sock datagram.sock
///   listeners on 127.0.0.1, ::1, UDP, a Unix socket outside and an abstract one
///                                               TCP4 TCP6 UDP SOCKET_OUTSIDE ABSTRACT
///   a process with the secret in memory, environment and an open file     VICTIM ADDRESS
///   System V and POSIX shared memory, a session key     SHM_ID SHM_NAME KEY_NAME
///   the secret in this process's environment (TESSERA_API_KEY), descriptors 8, 9, 200 and 201
///
/// The names in capitals are environment variables of the program. The secret starts with
/// TESSERA-SECRET. One scene at a time in a process.
class Scene {
 public:
  Scene();
  ~Scene();
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  /// Runs the program of `threat` in the sandbox.
  Seen inside(const Threat& threat);
  /// Runs it without, or, with TESSERA_ESCAPE_PEER set, under the command named there, in which
  /// {workspace} and {programs} are replaced. A program that does not end is killed.
  Seen control(const Threat& threat);

  /// What stayed behind in the workspace that somebody else could stumble over, one line each:
  /// protected names that are new or changed, links that lead out, set-uid bits, special files.
  std::vector<std::string> after_run() const;

  /// Everything that `inside` and `control` look at afterwards: after_run(), what is outside,
  /// listeners, the victim, processes left.
  std::vector<std::string> what_happened();

  /// The text of a Lua program, with the targets in a local table TARGET on its first line.
  std::string script(const Threat& threat) const;

  const std::filesystem::path& workspace() const { return workspace_; }
  const std::string& token() const { return token_; }
  /// Why a control with these needs (see Threat::needs) cannot be made here, or "".
  std::string lacks(const std::string& needs) const;

 private:
  using Tree = std::map<std::string, std::string>;  // path to type, mode and content
  static Tree snapshot(const std::filesystem::path& top);
  void commit(const Layer& layer, const policies::Policy& policy);
  void start_victim();
  void listen();
  void share_memory();
  void leak_descriptors();
  std::vector<std::string> command(const Threat& threat) const;
  std::pair<int, std::string> run_outside(const std::vector<std::string>& argv, int limit_ms,
                                          bool terminal);
  void end_children();

  std::filesystem::path base_, workspace_, outside_, secret_, home_;
  std::string token_;
  std::vector<std::pair<std::string, std::string>> targets_;
  std::vector<std::pair<std::string, base::UniqueFd>> listeners_;
  pid_t victim_ = -1;
  int shm_id_ = -1;
  std::string shm_name_, id_;
  bool ipv6_ = false, handles_ = false;
  std::vector<int> leaked_;
  Tree outside_before_, workspace_before_;
};

/// Children of this process.
std::vector<pid_t> children();

}  // namespace sandbox
