#pragma once

#include <cstdint>

/// What the supervisor (sandbox.cpp) tells the launcher and what the launcher says back. Both are
/// built from the same tree and run on the same machine, so these are plain structs in host byte
/// order.
///
/// Descriptors of the launcher: 0 stdin, 1 stdout, 2 stderr, 3 events, 4 status socket
/// (SOCK_SEQPACKET), 5 the JailSpec (a memory file). All others are closed before anything else
/// happens.
///
/// A JailSpec is a JailHeader followed by records, each a JailRecord and `length` bytes of payload.
namespace jail {

constexpr int kEventsFd = 3;
constexpr int kStatusFd = 4;
constexpr int kSpecFd = 5;
constexpr char kMagic[8] = {'T', 'S', 'J', 'A', 'I', 'L', '0', '1'};

struct JailHeader {
  char magic[8];
  uint64_t total_bytes;    ///< header and records
  int32_t supervisor_pid;  ///< the launcher ends at once when this is no longer its parent
  uint32_t
      owner_uid;  ///< ids outside that the program runs with; the caller's own unless it is root
  uint32_t owner_gid;
  uint32_t max_processes;  ///< processes and threads
  uint64_t memory_bytes;   ///< sum over all processes and the private tmpfs mounts
  uint64_t address_space_bytes;
  uint64_t tmp_bytes;  ///< size of the private /tmp; /dev/shm has a quarter
  uint64_t file_bytes;
  uint64_t open_files;
  uint64_t cpu_ms;  ///< sum over all processes
};

enum class Record : uint32_t {
  argv = 1,            ///< one argument, without a terminator
  env = 2,             ///< NAME=value
  bind_read_only = 3,  ///< absolute canonical path, bound at the same place
  bind_writable = 4,
  workspace = 5,        ///< one of the bound paths; the program's working directory
  cover_read_only = 6,  ///< absolute path below a writable bind
  cover_hidden = 7,
  symlink = 8,          ///< LINK NUL TARGET: a link in the root folder
  cgroup_procs = 9,     ///< a cgroup.procs file to enter
  seccomp_filter = 10,  ///< struct sock_filter[]
  file = 11,            ///< PATH NUL content: a small read-only file in /etc
};

struct JailRecord {
  Record kind;
  uint32_t length;
};

enum class Status : uint32_t {
  failed = 1,     ///< `text` names the step, `error` is its errno; nothing was run
  exited = 2,     ///< `value` is the exit code
  signalled = 3,  ///< `value` is the signal
  limit = 4,      ///< `text` names the limit; everything inside was killed
};

struct StatusMessage {
  Status kind;
  int32_t value;
  int32_t error;
  uint32_t reserved;
  uint64_t peak_bytes;  ///< largest sampled sum of memory
  uint64_t cpu_us;      ///< processor time of all processes
  char text[160];
};

}  // namespace jail
