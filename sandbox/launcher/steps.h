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

struct JailSpec {
  JailHeader header{};
  std::vector<std::string> argv, env, cgroup_procs;
  std::vector<Bind> binds;  ///< parents before children
  std::vector<Cover> covers;
  std::vector<std::pair<std::string, std::string>> symlinks, files;
  std::string workspace;
  std::string_view filter;  ///< struct sock_filter[]
};

/// Sends `failed` with the step and errno and exits.
[[noreturn]] void die(std::string_view step);
[[noreturn]] void die(std::string_view step, int error);
void send_status(Status kind, int value, std::string_view text, uint64_t peak_bytes,
                 uint64_t cpu_us);

// root.cpp
/// Whether this process may copy mounts where it is.
bool may_mount();
/// Opens a detached copy of the mount of every bind, already read-only where it has to be, and of
/// the devices.
void open_binds(JailSpec& spec);
/// Builds the new root on a tmpfs from the opened binds and makes it the root; the old one is gone
/// after it. Returns a /proc for watch() that shows every process inside; it is attached nowhere.
int enter_root(const JailSpec& spec);

// confine.cpp
void set_limits(const JailSpec& spec);
/// Becomes the ordinary id inside, with no capability in any set, and no way to gain one.
void drop_privileges();
void enter_landlock(const JailSpec& spec);
void enter_seccomp(const JailSpec& spec);

// watch.cpp
/// Pid 1 of the jail: reaps, samples the limits that the kernel does not add up, reports the end of
/// `program` and exits, upon which the kernel kills what is left.
[[noreturn]] void watch(const JailSpec& spec, pid_t program, int proc_fd);

}  // namespace jail
