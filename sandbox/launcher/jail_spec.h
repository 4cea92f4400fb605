#pragma once

#include <cstdint>

/// What the supervisor (sandbox.cpp) tells the launcher and what the launcher says back. Both are
/// built from the same tree and run on the same machine, so these are plain structs in host byte
/// order.
///
/// Descriptors of the launcher: 0 stdin, 1 stdout, 2 stderr, 3 events, 4 status socket
/// (SOCK_SEQPACKET), 5 and 6 the two parts of the JailSpec (memory files). All others are closed
/// before anything else happens.
///
/// The base part is a BaseHeader followed by records, each a JailRecord and `length` bytes of
/// payload; from it the launcher prepares what is the same for every program. The program part, a
/// ProgramHeader and records, is read when the supervisor sends kGo on the status socket. So a jail
/// can be prepared before anybody knows what will run in it.
namespace jail {

constexpr int kEventsFd = 3;
constexpr int kStatusFd = 4;
constexpr int kBaseFd = 5;
constexpr int kProgramFd = 6;
constexpr char kGo = 'g';
constexpr char kBaseMagic[8] = {'T', 'S', 'B', 'A', 'S', 'E', '0', '2'};
constexpr char kProgramMagic[8] = {'T', 'S', 'P', 'R', 'O', 'G', '0', '2'};

/// Where what the program writes to the workspace goes: a tmpfs of the jail, whose descriptor the
/// supervisor gets.
enum class LayerKind : uint32_t {
  none = 0,     ///< nothing can be written
  overlay = 1,  ///< it lies over the workspace: the program sees and changes it as if it were one
  copy = 3,     ///< it is a copy of the workspace; also what `overlay` becomes where none can be
  out = 2,      ///< it is the empty folder kOutFolder; the workspace itself is read-only
};
constexpr char kOutFolder[] = "/out";

struct BaseHeader {
  char magic[8];
  uint64_t total_bytes;    ///< header and records
  int32_t supervisor_pid;  ///< the launcher ends at once when this is no longer its parent
  uint32_t
      owner_uid;  ///< ids outside that the program runs with; the caller's own unless it is root
  uint32_t owner_gid;
  uint32_t reserved;
};

struct ProgramHeader {
  char magic[8];
  uint64_t total_bytes;
  uint32_t max_processes;  ///< processes and threads
  uint64_t memory_bytes;   ///< sum over all processes and the private /tmp and /dev/shm
  uint64_t address_space_bytes;
  uint64_t tmp_bytes;  ///< size of the private /tmp; /dev/shm has a quarter
  uint64_t file_bytes;
  uint64_t open_files;
  uint64_t cpu_ms;  ///< sum over all processes
  LayerKind layer;
  uint32_t proxy_port;   ///< 0: no network at all
  uint64_t layer_bytes;  ///< what may be written to the layer
  uint64_t layer_files;
};

/// Binds, links, files and groups may stand in the base part, what follows them only in the
/// program's.
enum class Record : uint32_t {
  argv = 1,            ///< one argument, without a terminator
  env = 2,             ///< NAME=value
  bind_read_only = 3,  ///< absolute canonical path, bound at the same place
  bind_writable = 4,
  workspace = 5,        ///< one of the read-only binds; the program's working directory
  cover_read_only = 6,  ///< absolute path below the workspace or a writable bind
  cover_hidden = 7,
  symlink = 8,          ///< LINK NUL TARGET: a link in the root folder
  cgroup_v1 = 9,        ///< folder of a group that is entered through its `tasks`
  cgroup_v2 = 10,       ///< folder of a group that pid 1 is made in
  seccomp_filter = 11,  ///< struct sock_filter[]
  file = 12,            ///< PATH NUL content: a small read-only file in /etc
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
  ready = 5,      ///< the walls stand; carries the layer's folder and the proxy's listening socket
                  ///< (SCM_RIGHTS), those of the two that were asked for, in this order. `value`
                  ///< is 1 if the layer is a copy of the workspace
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
