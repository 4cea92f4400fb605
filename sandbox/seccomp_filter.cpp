// An allowlist, built by libseccomp for the native architecture only: a call made through another
// one (int 0x80, x32) kills the process. What is not listed fails with ENOSYS, which is what a
// kernel says that is too old for it, so libraries fall back (clone3 to clone, openat2 to openat).
// What is known to be dangerous is listed too and fails with EPERM, so that the list below can be
// read as one of decisions.
//
// Arguments are looked at where the same call is both needed and dangerous:
//   clone          without any namespace flag
//   socket         not at all, or for a policy with hosts TCP only, of which only the proxy listens
//   open, chmod…   without set-uid and set-gid bits, which would stay behind in the workspace
//   socketpair     AF_UNIX, connected for good: one end of a datagram pair can still send to any
//                  path, such as a service's socket in the workspace
//   ioctl, prctl   a few requests; TIOCSTI and its kind are not among them
// A filter sees registers and not memory, so calls that take their flags in a struct (clone3,
// openat2) are not allowed.

#include "sandbox/seccomp_filter.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "base/unique_fd.h"

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr const char* kAllowed[] = {
    // files
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2",
    "pwritev2", "close", "close_range", "stat", "fstat", "lstat", "newfstatat", "statx", "statfs",
    "fstatfs", "access", "faccessat", "faccessat2", "readlink", "readlinkat", "lseek", "getdents",
    "getdents64", "getcwd", "chdir", "fchdir", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat",
    "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "chown", "fchown",
    "lchown", "fchownat", "umask", "utime", "utimes", "utimensat", "futimesat", "truncate",
    "ftruncate", "fallocate", "fsync", "fdatasync", "sync_file_range", "copy_file_range",
    "sendfile", "splice", "tee", "fadvise64", "readahead", "flock", "fcntl", "dup", "dup2", "dup3",
    "pipe", "pipe2", "getxattr", "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr",
    // memory
    "mmap", "mprotect", "munmap", "mremap", "madvise", "mincore", "brk", "msync", "mlock", "mlock2",
    "munlock", "mlockall", "munlockall", "membarrier", "pkey_alloc", "pkey_free", "pkey_mprotect",
    // waiting, time
    "select", "pselect6", "poll", "ppoll", "epoll_create", "epoll_create1", "epoll_ctl",
    "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2", "signalfd", "signalfd4",
    "timerfd_create", "timerfd_settime", "timerfd_gettime", "nanosleep", "clock_nanosleep",
    "clock_gettime", "clock_getres", "gettimeofday", "time", "times", "getitimer", "setitimer",
    "alarm", "timer_create", "timer_settime", "timer_gettime", "timer_getoverrun", "timer_delete",
    // signals
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait",
    "rt_sigqueueinfo", "rt_tgsigqueueinfo", "rt_sigsuspend", "sigaltstack", "pause", "kill",
    "tkill", "tgkill", "restart_syscall", "pidfd_open", "pidfd_send_signal",
    // processes and threads
    "execve", "execveat", "exit", "exit_group", "fork", "vfork", "wait4", "waitid", "futex",
    "futex_waitv", "set_robust_list", "get_robust_list", "set_tid_address", "rseq", "arch_prctl",
    "getpid", "gettid", "getppid", "getpgrp", "getpgid", "setpgid", "getsid", "setsid", "getuid",
    "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups", "setuid", "setgid",
    "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid", "capget", "capset",
    "getrlimit", "setrlimit", "prlimit64", "getrusage", "sysinfo", "uname", "getcpu", "sched_yield",
    "sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_getscheduler",
    "sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval",
    "sched_setscheduler", "sched_setparam", "getpriority", "setpriority", "getrandom",
    // the two ends of a socketpair
    "sendto", "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "shutdown", "getsockname",
    "getpeername", "getsockopt", "setsockopt"};

constexpr const char* kRefused[] = {
    // network, and Unix sockets of the host
    "socket", "connect", "bind", "listen", "accept", "accept4",
    // other processes
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease",
    "kcmp", "pidfd_getfd",
    // namespaces, mounts, roots
    "unshare", "setns", "mount", "umount2", "pivot_root", "chroot", "fsopen", "fsconfig", "fsmount",
    "fspick", "open_tree", "move_mount", "mount_setattr", "swapon", "swapoff", "quotactl",
    "quotactl_fd", "acct", "open_by_handle_at", "name_to_handle_at", "fanotify_init",
    "fanotify_mark",
    // special files, attributes that carry rights
    "mknod", "mknodat", "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr",
    "fremovexattr",
    // parts of the kernel with a history
    "io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "perf_event_open",
    "userfaultfd", "keyctl", "add_key", "request_key", "personality", "modify_ldt", "vmsplice",
    "lookup_dcookie", "remap_file_pages",
    // memory that no limit sees
    "memfd_create", "memfd_secret", "shmget", "shmat", "shmctl", "shmdt", "semget", "msgget",
    "mq_open",
    // the machine
    "reboot", "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load",
    "syslog", "iopl", "ioperm", "sethostname", "setdomainname", "settimeofday", "clock_settime",
    "clock_adjtime", "adjtimex", "vhangup", "sync", "syncfs", "setgroups", "ioprio_set",
    "migrate_pages", "move_pages", "mbind", "set_mempolicy"};

constexpr unsigned long kNamespaceFlags = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
                                          CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                                          CLONE_NEWNET | 0x80 /* NEWTIME */;
/// Of a socket's second argument, without SOCK_CLOEXEC and SOCK_NONBLOCK.
constexpr uint64_t kSocketType = 0xf;
constexpr unsigned long kSetIdBits = S_ISUID | S_ISGID;

constexpr unsigned long kIoctls[] = {TCGETS,  TIOCGWINSZ, TIOCGPGRP, FIONREAD,
                                     FIONBIO, FIOCLEX,    FIONCLEX};
constexpr int kPrctls[] = {PR_SET_NAME,
                           PR_GET_NAME,
                           PR_SET_PDEATHSIG,
                           PR_GET_PDEATHSIG,
                           PR_GET_DUMPABLE,
                           PR_SET_DUMPABLE,
                           PR_CAPBSET_READ,
                           PR_GET_NO_NEW_PRIVS,
                           PR_GET_SECCOMP,
                           PR_GET_SECUREBITS,
                           PR_GET_KEEPCAPS,
                           PR_SET_TIMERSLACK,
                           PR_GET_TIMERSLACK,
                           PR_SET_THP_DISABLE,
                           PR_GET_THP_DISABLE,
                           PR_SET_VMA,
                           PR_SET_CHILD_SUBREAPER,
                           PR_GET_CHILD_SUBREAPER,
                           PR_SET_NO_NEW_PRIVS};

/// Where a call has its mode, and where its open flags (-1: always creates).
struct Creates {
  const char* name;
  unsigned mode;
  int flags;
};
constexpr Creates kCreates[] = {{"open", 2, 1},      {"openat", 3, 2},  {"creat", 1, -1},
                                {"chmod", 1, -1},    {"fchmod", 1, -1}, {"fchmodat", 2, -1},
                                {"fchmodat2", 2, -1}};

struct Builder {
  scmp_filter_ctx context = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
  int error = 0;
  std::string failed;
  ~Builder() { seccomp_release(context); }

  void check(int rc, const char* what) {
    if (rc < 0 && error == 0) {
      error = -rc;
      failed = what;
    }
  }
  /// Adds a rule; a name that this architecture or library does not have cannot be called, or is
  /// ENOSYS anyway.
  template <class... Conditions>
  void rule(uint32_t action, const char* name, Conditions... conditions) {
    int number = seccomp_syscall_resolve_name(name);
    if (number < 0) return;
    if constexpr (sizeof...(conditions) == 0) {
      check(seccomp_rule_add(context, action, number, 0), name);
    } else {
      const scmp_arg_cmp array[] = {conditions...};
      check(seccomp_rule_add_array(context, action, number, sizeof...(conditions), array), name);
    }
  }
};

scmp_arg_cmp equal(unsigned arg, uint64_t value) { return {arg, SCMP_CMP_EQ, value, 0}; }
scmp_arg_cmp masked(unsigned arg, uint64_t mask, uint64_t value) {
  return {arg, SCMP_CMP_MASKED_EQ, mask, value};
}

}  // namespace

Result<std::string> build_seccomp_filter(bool network) {
  Builder b;
  if (b.context == nullptr) return Error{Errc::refused, "seccomp: libseccomp cannot make a filter"};
  b.check(seccomp_attr_set(b.context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS),
          "architecture");
  b.check(seccomp_attr_set(b.context, SCMP_FLTATR_CTL_OPTIMIZE, 2), "binary tree");
  for (const char* name : kAllowed) b.rule(SCMP_ACT_ALLOW, name);
  for (const char* name : kRefused) {
    const bool opened =
        network && (std::strcmp(name, "socket") == 0 || std::strcmp(name, "connect") == 0);
    if (!opened) b.rule(SCMP_ACT_ERRNO(EPERM), name);
  }
  if (network) {
    // Streams only: the empty network of the jail has one listener, the proxy's.
    for (const uint64_t family : {AF_INET, AF_INET6}) {
      b.rule(SCMP_ACT_ALLOW, "socket", equal(0, family), masked(1, kSocketType, SOCK_STREAM));
    }
    b.rule(SCMP_ACT_ALLOW, "connect");
  }

  b.rule(SCMP_ACT_ALLOW, "clone", masked(0, kNamespaceFlags, 0));
  for (const uint64_t type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    b.rule(SCMP_ACT_ALLOW, "socketpair", equal(0, AF_UNIX), masked(1, kSocketType, type));
  }
  for (unsigned long request : kIoctls) b.rule(SCMP_ACT_ALLOW, "ioctl", equal(1, request));
  for (int option : kPrctls)
    b.rule(SCMP_ACT_ALLOW, "prctl", equal(0, static_cast<uint64_t>(option)));
  // O_TMPFILE holds O_DIRECTORY, which creates nothing by itself.
  constexpr unsigned long kCreating = O_CREAT | (O_TMPFILE & ~O_DIRECTORY);
  for (const Creates& call : kCreates) {
    b.rule(SCMP_ACT_ALLOW, call.name, masked(call.mode, kSetIdBits, 0));
    // A call that creates nothing may have anything where the mode would be.
    if (call.flags >= 0) {
      b.rule(SCMP_ACT_ALLOW, call.name, masked(static_cast<unsigned>(call.flags), kCreating, 0));
    }
  }

  base::UniqueFd file(memfd_create("seccomp", MFD_CLOEXEC));
  if (!file) return Error{Errc::system, std::string("memfd_create: ") + std::strerror(errno)};
  b.check(seccomp_export_bpf(b.context, file.get()), "export");
  if (b.error != 0) {
    return Error{Errc::refused, "seccomp: " + b.failed + ": " + std::strerror(b.error)};
  }
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return Error{Errc::system, "fstat of the seccomp filter"};
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  if (pread(file.get(), bytes.data(), bytes.size(), 0) != info.st_size) {
    return Error{Errc::system, "read of the seccomp filter"};
  }
  return bytes;
}

}  // namespace sandbox
