// Limits, identity, capabilities, Landlock and seccomp: what a process puts on itself and cannot
// take off again.

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/launcher/steps.h"

namespace jail {

namespace {

void set_limit(__rlimit_resource resource, uint64_t soft, uint64_t hard, const char* name) {
  // Never raise: the caller may live under a tighter limit of its own.
  rlimit now{};
  if (getrlimit(resource, &now) != 0) die(std::string("getrlimit ") + name);
  rlimit limit{std::min<rlim_t>(soft, now.rlim_max), std::min<rlim_t>(hard, now.rlim_max)};
  if (setrlimit(resource, &limit) != 0) die(std::string("setrlimit ") + name);
}

// Landlock, as of ABI 7. Spelled out here because the build machine's header may be older than the
// kernel.
struct RulesetAttr {
  uint64_t handled_access_fs;
  uint64_t handled_access_net;
  uint64_t scoped;
};
struct [[gnu::packed]] PathBeneathAttr {
  uint64_t allowed_access;
  int32_t parent_fd;
};
constexpr uint64_t kExecute = 1ull << 0, kWriteFile = 1ull << 1, kReadFile = 1ull << 2,
                   kReadDir = 1ull << 3, kMakeChar = 1ull << 6, kMakeSock = 1ull << 9,
                   kMakeFifo = 1ull << 10, kMakeBlock = 1ull << 11, kRefer = 1ull << 13,
                   kTruncate = 1ull << 14, kIoctlDev = 1ull << 15;
constexpr uint64_t kAllAbi1 = (1ull << 13) - 1;
constexpr uint64_t kRead = kExecute | kReadFile | kReadDir;
constexpr uint64_t kNeverMade = kMakeChar | kMakeBlock | kMakeSock | kMakeFifo;
constexpr uint64_t kNetBind = 1, kNetConnect = 2, kScopeAbstractUnix = 1, kScopeSignal = 2;

void allow_path(int ruleset, const std::string& path, uint64_t access) {
  int fd = open(path.c_str(), O_PATH | O_CLOEXEC);
  if (fd < 0) die("Landlock: open " + path);
  PathBeneathAttr rule{access, fd};
  if (syscall(SYS_landlock_add_rule, ruleset, 1 /* LANDLOCK_RULE_PATH_BENEATH */, &rule, 0) != 0) {
    die("Landlock: rule for " + path);
  }
  close(fd);
}

bool is_folder(const std::string& path) {
  int fd = open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

}  // namespace

void set_limits(const ProgramSpec& spec) {
  const ProgramHeader& h = spec.header;
  const uint64_t cpu_seconds = (h.cpu_ms + 999) / 1000;
  set_limit(RLIMIT_CORE, 0, 0, "core");
  set_limit(RLIMIT_FSIZE, h.file_bytes, h.file_bytes, "fsize");
  set_limit(RLIMIT_NOFILE, h.open_files, h.open_files, "nofile");
  // Per process, and far above the limit on memory in use: threads and allocators reserve what they
  // never touch. The sum is watched in watch.cpp and, where one is given, by the cgroup.
  set_limit(RLIMIT_AS, h.address_space_bytes, h.address_space_bytes, "as");
  // A backstop to the sampled sum: SIGXCPU, and SIGKILL a second later.
  set_limit(RLIMIT_CPU, cpu_seconds + 1, cpu_seconds + 2, "cpu");
  // Counted per user namespace, so this is the zygote's. The slack holds it, a jail that waits and
  // some that are being taken down, and lets watch() see an excess.
  set_limit(RLIMIT_NPROC, h.max_processes + 16, h.max_processes + 16, "nproc");
  set_limit(RLIMIT_MSGQUEUE, 0, 0, "msgqueue");
  set_limit(RLIMIT_MEMLOCK, 1 << 20, 1 << 20, "memlock");
  set_limit(RLIMIT_SIGPENDING, 256, 256, "sigpending");
  set_limit(RLIMIT_NICE, 0, 0, "nice");
  set_limit(RLIMIT_RTPRIO, 0, 0, "rtprio");
  set_limit(RLIMIT_STACK, 8 << 20, 64 << 20, "stack");
}

void drop_bounding_set() {
  for (int cap = 0; cap <= 63; ++cap) {
    if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0) {
      if (errno == EINVAL && cap > CAP_CHECKPOINT_RESTORE) break;  // past the kernel's last one
      die("drop the capability bounding set");
    }
  }
}

void drop_privileges() {
  if (setresgid(1000, 1000, 1000) != 0) die("setresgid");
  // NOROOT, NO_SETUID_FIXUP off, KEEP_CAPS off, NO_CAP_AMBIENT_RAISE, each locked.
  constexpr int kNoRoot = 3, kKeepCapsLocked = 1 << 5, kNoAmbient = 3 << 6, kFixupLocked = 1 << 3;
  if (prctl(PR_SET_SECUREBITS, kNoRoot | kFixupLocked | kKeepCapsLocked | kNoAmbient) != 0) {
    die("PR_SET_SECUREBITS");
  }
  if (setresuid(1000, 1000, 1000) != 0) die("setresuid");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  if (syscall(SYS_capset, &header, none) != 0) die("capset");
  __user_cap_data_struct now[2] = {};
  if (syscall(SYS_capget, &header, now) != 0) die("capget");
  for (const auto& part : now) {
    if (part.effective != 0 || part.permitted != 0 || part.inheritable != 0) {
      die("capabilities are left", EPERM);
    }
  }
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) die("PR_SET_NO_NEW_PRIVS");
  // Keeps the program, which has the same id, away from pid 1 in /proc; execve resets it for the
  // program itself.
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) die("PR_SET_DUMPABLE");
}

void enter_landlock(const ProgramSpec& spec) {
  long abi = syscall(SYS_landlock_create_ruleset, nullptr, 0, 1 /* VERSION */);
  if (abi < 1) die("Landlock");
  uint64_t fs = kAllAbi1;
  if (abi >= 2) fs |= kRefer;
  if (abi >= 3) fs |= kTruncate;
  if (abi >= 5) fs |= kIoctlDev;
  RulesetAttr attr{fs, 0, 0};
  size_t size = sizeof(uint64_t);
  if (abi >= 4) {
    attr.handled_access_net = kNetBind | kNetConnect;
    size = 2 * sizeof(uint64_t);
  }
  if (abi >= 6) {
    attr.scoped = kScopeAbstractUnix | kScopeSignal;
    size = 3 * sizeof(uint64_t);
  }
  int ruleset = static_cast<int>(syscall(SYS_landlock_create_ruleset, &attr, size, 0));
  if (ruleset < 0) die("Landlock: create a ruleset");
  // The root holds only what the jail was given, so reading needs no finer rules.
  allow_path(ruleset, "/", kRead & fs);
  const uint64_t everything = fs & ~(kNeverMade | kIoctlDev);
  const uint64_t on_file = (kExecute | kReadFile | kWriteFile | kTruncate) & fs;
  for (const char* path : {"/tmp", "/dev/shm"}) allow_path(ruleset, path, everything);
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full"}) {
    allow_path(ruleset, path, (kReadFile | kWriteFile | kTruncate) & fs);
  }
  for (const Bind& bind : spec.binds) {
    if (bind.writable) allow_path(ruleset, bind.path, is_folder(bind.path) ? everything : on_file);
  }
  if (spec.header.layer == LayerKind::overlay) allow_path(ruleset, spec.workspace, everything);
  if (spec.header.layer == LayerKind::out) allow_path(ruleset, kOutFolder, everything);
  if (spec.header.proxy_port != 0 && abi >= 4) {
    struct {
      uint64_t access, port;
    } rule{kNetConnect, spec.header.proxy_port};
    if (syscall(SYS_landlock_add_rule, ruleset, 2 /* LANDLOCK_RULE_NET_PORT */, &rule, 0) != 0) {
      die("Landlock: rule for the proxy");
    }
  }
  if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) die("Landlock: restrict_self");
  close(ruleset);
}

void enter_seccomp(const ProgramSpec& spec) {
  sock_fprog program{};
  if (spec.filter.size() % sizeof(sock_filter) != 0 ||
      spec.filter.size() / sizeof(sock_filter) > BPF_MAXINSNS) {
    die("seccomp: the filter has an impossible size", EINVAL);
  }
  program.len = static_cast<unsigned short>(spec.filter.size() / sizeof(sock_filter));
  // The records are not aligned; sock_filter needs four bytes.
  std::vector<sock_filter> filter(program.len);
  memcpy(filter.data(), spec.filter.data(), spec.filter.size());
  program.filter = filter.data();
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) die("seccomp");
}

}  // namespace jail
