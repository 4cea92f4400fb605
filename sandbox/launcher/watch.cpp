// Pid 1 of the jail. The kernel limits most things per process; what a program may use is a sum
// over all of its processes, so every 20 ms this adds up their memory, processor time and number
// from a /proc of its own (which shows all processes of the jail and nobody else's) and the private
// tmpfs mounts. The cheap resident size comes first: only when it comes near the limit are the
// proportional sizes read, which count a page shared after fork() once and not per process.
//
// It runs outside the program's Landlock domain and is not dumpable, so that the program, although
// of the same user id, can neither signal nor trace it nor open anything through its /proc entry.

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/launcher/steps.h"

namespace jail {

namespace {

struct Sample {
  uint64_t memory_bytes = 0;
  uint64_t cpu_us = 0;
  uint64_t threads = 0;
};

uint64_t microseconds(const timeval& t) { return t.tv_sec * 1'000'000ull + t.tv_usec; }

uint64_t reaped_cpu_us() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  return microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
}

std::string_view read_entry(int proc, const char* pid, const char* name, char* buffer,
                            size_t size) {
  char path[64];
  size_t n = strlen(pid);
  memcpy(path, pid, n);
  path[n++] = '/';
  memcpy(path + n, name, strlen(name) + 1);
  int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};
  ssize_t got = read(fd, buffer, size - 1);
  close(fd);
  if (got < 0) got = 0;
  buffer[got] = '\0';
  return {buffer, static_cast<size_t>(got)};
}

/// The number behind `key` in a file of `Key:   123 kB` lines, in bytes; 0 when it is not there.
uint64_t kilobytes(std::string_view text, std::string_view key) {
  size_t at = text.find(key);
  return at == text.npos ? 0 : strtoull(text.data() + at + key.size(), nullptr, 10) * 1024;
}

uint64_t used_bytes(int fs) {
  struct statfs info {};
  if (fstatfs(fs, &info) != 0) return 0;
  return (info.f_blocks - info.f_bfree) * info.f_bsize;
}

struct Watch {
  const ProgramSpec& spec;
  int tmp, shm, layer;
  DIR* proc;
  uint64_t peak_bytes = 0;
  uint64_t peak_cpu_us = 0;

  /// The limit that what was written to the workspace has reached, or nullptr.
  const char* full_layer() const {
    struct statfs info {};
    if (layer < 0 || fstatfs(layer, &info) != 0) return nullptr;
    if (info.f_bfree == 0) return "disk_bytes";
    return info.f_ffree == 0 ? "files" : nullptr;
  }

  bool over(const Sample& s) const { return s.memory_bytes > spec.header.memory_bytes; }

  Sample sample() {
    static const uint64_t page = sysconf(_SC_PAGESIZE);
    static const uint64_t tick_us = 1'000'000 / sysconf(_SC_CLK_TCK);
    char buffer[4096];
    Sample sum;
    sum.cpu_us = reaped_cpu_us();
    const uint64_t files = used_bytes(tmp) + used_bytes(shm);
    uint64_t resident = 0;
    std::vector<std::string> pids;
    rewinddir(proc);
    while (dirent* entry = readdir(proc)) {
      if (!isdigit(static_cast<unsigned char>(entry->d_name[0])) || strcmp(entry->d_name, "1") == 0)
        continue;
      std::string_view stat = read_entry(dirfd(proc), entry->d_name, "stat", buffer, sizeof buffer);
      // The name in parentheses may hold anything, so count from the last one. Fields: proc(5),
      // from state = 3.
      size_t at = stat.rfind(')');
      if (at == stat.npos) continue;
      const char* p = stat.data() + at + 2;
      uint64_t fields[25] = {};
      char state = *p++;
      for (int i = 4; i <= 24; ++i) {
        char* end = nullptr;
        fields[i] = strtoull(p, &end, 10);
        p = end;
      }
      sum.cpu_us += (fields[14] + fields[15] + fields[16] + fields[17]) * tick_us;
      if (state == 'Z' || state == 'X') {
        sum.threads += 1;  // a zombie still takes a place
        continue;
      }
      sum.threads += fields[20];
      resident += fields[24] * page;
      pids.push_back(entry->d_name);
    }
    sum.memory_bytes = resident + files;
    if (over(sum)) {
      sum.memory_bytes = files;
      for (const std::string& pid : pids) {
        std::string_view text =
            read_entry(dirfd(proc), pid.c_str(), "smaps_rollup", buffer, sizeof buffer);
        if (!text.empty()) {
          // Pages of files on disk are the page cache's, which gives them back.
          sum.memory_bytes += kilobytes(text, "Pss_Anon:") + kilobytes(text, "Pss_Shmem:");
          continue;
        }
        text = read_entry(dirfd(proc), pid.c_str(), "status", buffer, sizeof buffer);
        sum.memory_bytes += kilobytes(text, "RssAnon:") + kilobytes(text, "RssShmem:");
      }
    }
    peak_bytes = std::max(peak_bytes, sum.memory_bytes);
    peak_cpu_us = std::max(peak_cpu_us, sum.cpu_us);
    return sum;
  }

  [[noreturn]] void end(Status kind, int value, std::string_view text) {
    kill(-1, SIGKILL);
    // The report says that everything is dead. (The kernel would see to it too when this exits, but
    // that takes as long as taking the namespaces down.)
    while (waitpid(-1, nullptr, __WALL) > 0 || errno == EINTR) {
    }
    peak_cpu_us = std::max(peak_cpu_us, reaped_cpu_us());
    send_status(kind, value, text, peak_bytes, peak_cpu_us);
    _exit(0);
  }
};

}  // namespace

void watch(const ProgramSpec& spec, pid_t program, const Root& root) {
  prctl(PR_SET_NAME, "sandbox-init");
  Watch watch{spec, open("/tmp", O_PATH | O_CLOEXEC), open("/dev/shm", O_PATH | O_CLOEXEC),
              root.layer, fdopendir(openat(root.proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC))};
  if (watch.tmp < 0 || watch.shm < 0 || watch.proc == nullptr) die("open /proc");
  for (int fd = 0; fd <= kEventsFd; ++fd) close(fd);
  (void)!chdir("/");

  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  const timespec interval{0, 20'000'000};
  for (;;) {
    for (;;) {
      int state = 0;
      rusage usage{};
      pid_t pid = wait4(-1, &state, WNOHANG, &usage);
      if (pid <= 0) break;
      watch.peak_bytes = std::max<uint64_t>(watch.peak_bytes, usage.ru_maxrss * 1024ull);
      if (pid != program) continue;
      if (reaped_cpu_us() >= spec.header.cpu_ms * 1000) watch.end(Status::limit, 0, "cpu");
      if (const char* full = watch.full_layer()) watch.end(Status::limit, 0, full);
      if (WIFEXITED(state)) watch.end(Status::exited, WEXITSTATUS(state), "");
      watch.end(Status::signalled, WTERMSIG(state), "");
    }
    Sample now = watch.sample();
    if (watch.over(now)) watch.end(Status::limit, 0, "memory");
    if (now.threads > spec.header.max_processes) watch.end(Status::limit, 0, "processes");
    if (now.cpu_us >= spec.header.cpu_ms * 1000) watch.end(Status::limit, 0, "cpu");
    if (const char* full = watch.full_layer()) watch.end(Status::limit, 0, full);
    sigtimedwait(&child, nullptr, &interval);
  }
}

}  // namespace jail
