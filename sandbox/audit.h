#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace sandbox {

/// One value of an audit record.
using AuditValue = std::variant<std::string, int64_t, bool, std::vector<std::string>>;

/// What happened, for AuditLog::append(). Arguments of programs belong in it; contents of files and
/// environments do not.
struct AuditEntry {
  std::string run;   ///< which run, as the caller names it
  std::string kind;  ///< verdict, outcome, commit, proxy …
  /// Names are of a-z, 0-9 and _, each once, and none of the record's own. Of texts, the first 4096
  /// bytes are kept, of arrays the first 256, of a record 64 KiB; what is left out is counted. What
  /// is not UTF-8 becomes U+FFFD.
  std::vector<std::pair<std::string, AuditValue>> fields;
};

/// How far a log is good.
struct AuditCheck {
  uint64_t records = 0;      ///< good ones, in all files of the log
  uint64_t set_aside = 0;    ///< lines cut off by a crash and set aside since
  std::string last_hash;     ///< of the last good record; empty when there is none
  std::string broken_file;   ///< empty when the log is whole
  uint64_t broken_line = 0;  ///< in broken_file, from 1
  std::string reason;        ///< one sentence

  bool whole() const { return broken_file.empty(); }
};

/// An append-only log of JSON Lines in which each record holds the SHA-256 of the one before it:
///
///   {"seq":7,"time":"2026-01-02T03:04:05.678Z","run":"…","kind":"…",…,"prev":"…","hash":"…"}
///
/// so that a record cannot be changed, taken out or moved without a trace. Records cut off at the
/// end leave none by themselves: AuditCheck::last_hash, noted elsewhere, shows that. A program in
/// the sandbox cannot reach the file at all; whoever can write it can also write a whole new chain.
///
/// Any number of threads may use an AuditLog and any number of processes may have the same path
/// open: each append() locks the file. Nothing is deleted.
class AuditLog {
 public:
  static constexpr uint64_t kRotateBytes = 16ull << 20;

  /// $XDG_STATE_HOME/tessera/audit.jsonl, else ~/.local/state/tessera/audit.jsonl; empty without
  /// either.
  static std::filesystem::path default_path();

  /// Makes the folder (0700) and the file (0600) where they are missing.
  /// rotate_bytes: a file that has reached this size is renamed to NAME.1, NAME.2, …, and the chain
  /// goes on in a new one.
  /// Errors: refused (the file or its folder is a link, belongs to somebody else, or others may
  /// write it), system.
  static base::Result<AuditLog> open(std::filesystem::path path,
                                     uint64_t rotate_bytes = kRotateBytes);

  /// Writes one record. It outlives this process at once, and a power failure once the system has
  /// written its caches. A last line that was cut off is first moved to NAME.torn and named in a
  /// record of the kind `torn`.
  /// Errors: usage (the names in `entry`), corrupt (the last record was changed), refused (as
  /// open()), system.
  base::Status append(const AuditEntry& entry);

  /// Has what was appended outlive a power failure, too. Errors: system.
  base::Status flush() const;

  const std::filesystem::path& path() const { return path_; }

 private:
  AuditLog(std::filesystem::path path, uint64_t rotate_bytes)
      : path_(std::move(path)), rotate_bytes_(rotate_bytes) {}
  std::filesystem::path path_;
  uint64_t rotate_bytes_;
};

/// Checks each record and the chain, NAME.1 first and `path` last. Appends wait meanwhile.
/// Errors: not_found, usage (not a file), limit (a file of more than 256 MiB), system. That the log
/// is broken is no error.
base::Result<AuditCheck> verify_audit(const std::filesystem::path& path);

/// The last `count` lines of `path`, as they are, oldest first.
/// Errors: as verify_audit().
base::Result<std::vector<std::string>> audit_tail(const std::filesystem::path& path, size_t count);

}  // namespace sandbox
