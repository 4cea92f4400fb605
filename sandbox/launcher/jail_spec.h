#pragma once

#include <cstdint>

/// What the supervisor (sandbox.cpp) tells the launcher and what the launcher says back. Both are
/// built from the same tree and run on the same machine, so these are plain structs in host byte
/// order.
///
/// Descriptors of the launcher: 4 control socket (SOCK_SEQPACKET), 5 the base part of the JailSpec
/// (a memory file); 0 to 3 and 6 lead nowhere. All others are closed before anything else happens.
/// Descriptors of a jail: 0 stdin, 1 stdout, 2 stderr, 3 events, 4 status socket (SOCK_SEQPACKET),
/// 6 the program part of the JailSpec (a memory file).
///
/// The base part is a BaseHeader followed by records, each a JailRecord and `length` bytes of
/// payload; from it the launcher prepares what is the same for every program. Each JailRequest on
/// the control socket makes a jail, and the jail waits. Its program part, a ProgramHeader and
/// records, is read when the supervisor sends kGo on its status socket. So a jail can be prepared
/// before anybody knows what will run in it.
namespace jail {

constexpr int kEventsFd = 3;
constexpr int kStatusFd = 4;
constexpr int kControlFd = kStatusFd;  ///< so that a step that fails is told either way
constexpr int kBaseFd = 5;
constexpr int kProgramFd = 6;
constexpr char kGo = 'g';
constexpr unsigned kMaxMessageFds = 253;  ///< that the kernel carries in one message
constexpr char kBaseMagic[8] = {'T', 'S', 'B', 'A', 'S', 'E', '0', '3'};
constexpr char kProgramMagic[8] = {'T', 'S', 'P', 'R', 'O', 'G', '0', '3'};

/// Asks for one more jail. With it come the jail's descriptors 0, 1, 2, 3, 4 and 6, and one of each
/// control group that it is to enter: of version 1 the opened `tasks`, of version 2 the folder.
struct JailRequest {
  uint32_t groups;
  uint32_t unified;  ///< 1: version 2
};
constexpr int kJailFds[] = {0, 1, 2, kEventsFd, kStatusFd, kProgramFd};
constexpr uint32_t kMaxGroups = 4;
/// Groups are folders named PREFIX supervisor_pid - anything.
constexpr char kGroupPrefix[] = "tessera-";

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

/// Binds may stand in both parts, links, files and group parents in the base part, all others in
/// the program's.
enum class Record : uint32_t {
  argv = 1,            ///< one argument, without a terminator
  env = 2,             ///< NAME=value
  bind_read_only = 3,  ///< absolute canonical path, bound at the same place
  bind_writable = 4,
  workspace = 5,        ///< one of the read-only binds; the program's working directory
  cover_read_only = 6,  ///< absolute path below the workspace or a writable bind
  cover_hidden = 7,
  symlink = 8,          ///< LINK NUL TARGET: a link in the root folder
  group_parent = 9,     ///< folder in which the supervisor makes groups
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
