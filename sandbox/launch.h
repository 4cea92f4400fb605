#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/cgroup.h"
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
  bool is_gone() const;
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

/// A launcher with what all jails of one owner share, which makes one jail after the other.
class Zygote {
 public:
  /// Executes the launcher by vfork, so the size of this process does not matter, and does not wait
  /// for it. Errors: as run().
  static base::Result<std::shared_ptr<Zygote>> make(Owner owner);
  Zygote(Owner owner, Launcher launcher, base::UniqueFd control)
      : owner(owner), launcher(std::move(launcher)), control(std::move(control)) {}

  const Owner owner;
  // In this order: closing the control socket ends the launcher.
  Launcher launcher;
  base::UniqueFd control;
};

/// What a program's descriptors 0 to 3 are. Of the latter two this side never waits.
enum class Wiring {
  run,      ///< 0 is a file; 1, 2 and 3 are pipes
  worker,   ///< 0 is a file; 1 and 2 are one pipe, 3 is a stream socket
  service,  ///< 0 and 1 are one stream socket, 2 and 3 are one pipe
};

/// A jail that stands and waits for its program.
struct Prepared {
  /// Asks `zygote` for one and does not wait for it. Errors: as run().
  static base::Result<Prepared> make(std::shared_ptr<Zygote> zygote, Wiring wiring);
  /// Lets it run the program of `jail`, whose owner is that of the zygote. Once. No other program
  /// may run in a jail of the same zygote meanwhile.
  base::Status go(const Jail& jail, const std::string& stdin_text);
  /// Waits until every process of the jail is gone, but no longer than 2 s. status: its socket.
  static void await_end(int status);

  std::shared_ptr<Zygote> zygote;  ///< shared with whoever asks it for the next jail
  // In this order, because they go in the opposite one: closing the status socket ends the jail,
  // and the group can be removed only when the jail is gone.
  Cgroup cgroup;
  base::UniqueFd in, program;               ///< memory files, empty until go()
  base::UniqueFd out, err, events, status;  ///< events: the socket, where there is one
  bool spoiled = false;  ///< the program did not come to an end that the jail reported
};

/// What a launcher has said so far.
struct Report {
  std::optional<jail::StatusMessage> end;  ///< the first message that is not `ready`
  base::UniqueFd layer, listener;          ///< of `ready`, where the jail asked for them
  bool copied = false;                     ///< the layer began as a copy of the workspace
};
enum class Heard { message, nothing, end };
/// Takes one message from `status` without waiting. `end`: the jail is gone.
Heard read_status(int status, const Jail& jail, Report& report);
/// Takes all that there is, and if that does not say how the program ended, what the zygote says.
void read_rest(int status, const Zygote& zygote, const Jail& jail, Report& report);

/// Runs `program`, which `jail` was prepared for and is used up, in a jail that waits. When it
/// returns, every process of the program is dead; the jail may still be ending. Errors: as
/// run().
base::Result<Outcome> run_in(Prepared& prepared, const Program& program,
                             const policies::Policy& policy, Jail& jail, std::stop_token stop);

/// How a run whose launcher is gone has ended. reason: why this side ended it: wall, output_bytes,
/// stop; or empty. name: of the program, for messages.
/// Errors: those of run().
base::Result<End> judge(const std::string& reason, const std::optional<jail::StatusMessage>& report,
                        const Cgroup& cgroup, const std::string& name);

}  // namespace sandbox
