#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/jail.h"

/// Starting tessera-launcher and listening to it; what run() and Worker share.
namespace sandbox {

/// Two ends of a pipe or a socket pair, close-on-exec, above the descriptors of a launcher.
struct Pair {
  base::UniqueFd ours, theirs;
};
/// ours reads, theirs writes.
base::Result<Pair> make_pipe();
/// type: SOCK_STREAM or SOCK_SEQPACKET.
base::Result<Pair> make_socketpair(int type);

/// A running launcher. Letting go of it waits as await_end() does; what ends it is the end of its
/// status socket.
class Launcher {
 public:
  Launcher(pid_t pid, base::UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  Launcher(Launcher&& other) noexcept;
  Launcher& operator=(Launcher&&) = delete;
  ~Launcher();

  /// Readable when it is gone, and then so is every process inside.
  int pidfd() const { return pidfd_.get(); }
  void kill_now();
  /// Waits for the end of one that is about to end; one that takes longer than 2 s is killed, and
  /// the kernel kills the jail with it.
  void await_end();

 private:
  void reap();
  pid_t pid_;
  base::UniqueFd pidfd_;
  bool reaped_ = false;
};

/// A jail that stands and waits for its program.
struct Prepared {
  /// Makes one: executes the launcher by vfork, so the size of this process does not matter.
  /// resident: the program's descriptor 3 is a stream socket instead of a pipe, and 1 and 2 are the
  /// same pipe, which this side never waits for.
  /// Errors: as run().
  static base::Result<Prepared> make(Owner owner, bool resident);
  /// Lets it run the program of `jail`, whose owner is that of this jail. Once.
  base::Status go(const Jail& jail, const std::string& stdin_text);

  // In this order, because they go in the opposite one: closing the status socket ends the jail,
  // and the group can be removed only when the jail is gone.
  Owner owner;
  Cgroup cgroup;
  Launcher launcher;
  base::UniqueFd in, program;  ///< memory files, empty until go()
  base::UniqueFd out, err, events, status;
};

/// What a launcher has said so far.
struct Report {
  std::optional<jail::StatusMessage> end;  ///< the first message that is not `ready`
  base::UniqueFd layer, listener;          ///< of `ready`, where the jail asked for them
  bool copied = false;                     ///< the layer began as a copy of the workspace
};
/// Takes one message from `status` without waiting; false when there is none.
bool read_status(int status, const Jail& jail, Report& report);

/// Runs `program`, which `jail` was prepared for and is used up, in a jail that waits. When it
/// returns, every process of the program is dead; the launcher may still be ending. Errors: as
/// run().
base::Result<Outcome> run_in(Prepared& prepared, const Program& program,
                             const policies::Policy& policy, Jail& jail, std::stop_token stop);

/// How a run whose launcher is gone has ended. reason: why this side ended it: wall, output_bytes,
/// stop; or empty. name: of the program, for messages.
/// Errors: those of run().
base::Result<End> judge(const std::string& reason, const std::optional<jail::StatusMessage>& report,
                        const Cgroup& cgroup, const std::string& name);

}  // namespace sandbox
