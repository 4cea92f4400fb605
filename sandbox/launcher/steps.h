#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/launcher/jail_spec.h"

/// The steps of the launcher. It is single-threaded and owns its process, so a step that fails does
/// not return: die() names it on the status socket and ends the process, and with it everything
/// that was set up so far.
namespace jail {

struct Bind {
  std::string path;
  bool writable = false;
  int tree_fd = -1;  ///< a detached copy of the mount, from open_binds()
};

struct Cover {
  std::string path;
  bool hidden = false;
};

/// What every program gets.
struct BaseSpec {
  BaseHeader header{};
  std::vector<std::string> group_parents;
  std::vector<Bind> binds;  ///< parents before children
  std::vector<std::pair<std::string, std::string>> symlinks, files;
};

struct ProgramSpec {
  ProgramHeader header{};
  std::vector<std::string> argv, env;
  std::vector<Bind> binds;  ///< parents before children
  std::vector<Cover> covers;
  std::string workspace;
  std::string_view filter;  ///< struct sock_filter[]
};

/// Sends `failed` with the step and errno and exits.
[[noreturn]] void die(std::string_view step);
[[noreturn]] void die(std::string_view step, int error);
void send_status(Status kind, int value, std::string_view text, uint64_t peak_bytes,
                 uint64_t cpu_us);
/// Reports `ready` with those of `fds` that are not -1, and closes them.
void send_ready(std::initializer_list<int> fds, bool copied);

// spec.cpp
/// Waits for a message of `size` bytes on a socket, and for the descriptors that come with it.
/// Returns the bytes that came: 0 at the end, -1 where it failed.
ssize_t receive(int socket, void* message, size_t size, std::vector<int>& fds);
BaseSpec read_base();
ProgramSpec read_program();

// zygote.cpp
/// Z: makes a jail for each request on the control socket, until that is closed.
/// alone: as for build_root().
[[noreturn]] void serve_requests(bool alone);

// inside.cpp
/// B: waits for its program and runs it. fds: those of the request.
[[noreturn]] void run_jail(const JailRequest& request, const std::vector<int>& fds, bool alone);

// root.cpp
/// Whether this process may copy mounts where it is.
bool may_mount();
/// Opens a detached copy of the mount of every bind, already read-only where it has to be.
void open_binds(std::vector<Bind>& binds);
/// The same for the devices.
void open_devices();
struct Root {
  int fd = -1;     ///< the new root, while it is not yet the root
  int proc = -1;   ///< a /proc for watch() that shows every process inside; it is attached nowhere
  int layer = -1;  ///< the folder that takes what is written to the workspace, or -1
  bool copied = false;  ///< and it began as a copy of the workspace
};
/// Builds what is the same for every program of the new root on a tmpfs, from the opened binds, and
/// makes it the working directory. alone: and the old one is gone, so that the program's binds,
/// too, must come opened.
void build_root(const BaseSpec& spec, bool alone);
/// The new root as a process finds it that was made by the one that built it.
Root here_as_root();
/// Gives it the /proc of this process's pid namespace.
void mount_proc(Root& root);
/// Adds what is the program's and makes it the root; the old one is gone after it. alone: it was
/// gone before.
void enter_root(Root& root, ProgramSpec& spec, bool alone);
// copy.cpp
/// What a snapshot allows a workspace to have.
constexpr uint64_t kMaxCopied = 100'000;
/// Copies the workspace, opened as `from`, into the folder `to`, without what spec.covers hides.
void copy_workspace(const ProgramSpec& spec, int from, int to);

// root.cpp, continued
/// Brings up the loopback of the empty network and listens there for the supervisor's proxy.
int listen_for_proxy(uint32_t port);

// confine.cpp
void set_limits(const ProgramSpec& spec);
/// No capability can be gained any more. Those that are held stay.
void drop_bounding_set();
/// Becomes the ordinary id inside, with no capability in any set, and no way to gain one.
void drop_privileges();
void enter_landlock(const ProgramSpec& spec);
void enter_seccomp(const ProgramSpec& spec);

// watch.cpp
/// Pid 1 of the jail: reaps, samples the limits that the kernel does not add up, and after the end
/// of `program` kills and reaps what is left, reports and exits.
[[noreturn]] void watch(const ProgramSpec& spec, pid_t program, const Root& root);

}  // namespace jail
