#include "sandbox/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>

#include "base/file.h"
#include "base/sha256.h"
#include "base/unique_fd.h"
#include "base/utf8.h"

// A line is written in one way only, so it is also read by its shape and not by a JSON parser:
//
//   {"seq":N,"time":"T","run":"R","kind":"K",FIELDS"prev":"H","hash":"H"}
//
// The hash is the SHA-256 of the line without `,"hash":"H"`, and prev is that of the record before,
// 64 zeros in front of the first. An append holds the file's lock from reading the last record to
// writing the next, in one write. Renaming a full file leaves its lock behind, so after waiting for
// a lock the path is looked up again, and whoever finds a new file empty takes the end of the chain
// from the newest renamed one.

namespace sandbox {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;
using base::UniqueFd;

constexpr size_t kHashChars = 64;
constexpr size_t kMaxText = 4096, kMaxItems = 256, kMaxFields = 64, kMaxRecordText = 64 * 1024;
// The text of a record when each byte is written as \u0000, and room for names.
constexpr size_t kMaxLine = 1 << 20;
constexpr size_t kMaxFile = 256u << 20;
constexpr std::string_view kHashKey = ",\"hash\":\"", kPrevKey = "\"prev\":\"";

Error system_error(const fs::path& path, const char* what) {
  return Error{errno == ENOENT ? Errc::not_found : Errc::system,
               path.string() + ": " + what + ": " + strerror(errno)};
}

std::string json_text(std::string_view text) {
  std::string out = "\"";
  const auto escape = [&](unsigned c) {
    out += "\\u00";
    out += "0123456789abcdef"[c >> 4 & 15];
    out += "0123456789abcdef"[c & 15];
  };
  while (!text.empty()) {
    const size_t length = base::utf8_length(text);
    const unsigned char c = static_cast<unsigned char>(text[0]);
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (c == '"' || c == '\\') {
      out += {'\\', static_cast<char>(c)};
    } else if (c < 0x20 || c == 0x7f) {
      escape(c);
    } else if (c == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0) {
      // A terminal obeys these too.
      escape(static_cast<unsigned char>(text[1]));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out + "\"";
}

/// `text` as far as it may be logged; `room` is what is left for the record.
std::string clipped(std::string_view text, size_t& room) {
  const std::string_view kept = base::utf8_cut(text, std::min(kMaxText, room));
  room -= kept.size();
  if (kept.size() == text.size()) return json_text(text);
  return json_text(std::string(kept) + "… (" + std::to_string(text.size() - kept.size()) +
                   " more bytes)");
}

std::string value_text(const AuditValue& value, size_t& room) {
  if (const auto* text = std::get_if<std::string>(&value)) return clipped(*text, room);
  if (const auto* number = std::get_if<int64_t>(&value)) return std::to_string(*number);
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  const auto& items = std::get<std::vector<std::string>>(value);
  std::string out = "[";
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) out += ',';
    if (i == kMaxItems) return out + json_text(std::to_string(items.size() - i) + " more") + "]";
    out += clipped(items[i], room);
  }
  return out + "]";
}

Status check_names(const AuditEntry& entry) {
  std::set<std::string_view> names = {"seq", "time", "run", "kind", "prev", "hash"};
  if (entry.kind.empty()) return Error{Errc::usage, "audit: a record needs a kind"};
  if (entry.fields.size() > kMaxFields) return Error{Errc::usage, "audit: more than 64 fields"};
  for (const auto& [name, value] : entry.fields) {
    const bool plain =
        !name.empty() && name.size() <= 64 &&
        name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
    if (!plain) return Error{Errc::usage, "audit: \"" + name + "\" is not the name of a field"};
    if (!names.insert(name).second)
      return Error{Errc::usage, "audit: the field " + name + " is there already"};
  }
  return Ok{};
}

std::string now_utc() {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc = {};
  gmtime_r(&now.tv_sec, &utc);
  char text[64];
  const size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  snprintf(text + n, sizeof text - n, ".%03dZ", static_cast<int>(now.tv_nsec / 1'000'000));
  return text;
}

/// The end of a chain.
struct Link {
  uint64_t seq = 0;
  std::string hash = std::string(kHashChars, '0');
};

std::string record_line(const AuditEntry& entry, Link& link) {
  size_t room = kMaxRecordText;
  std::string line = "{\"seq\":" + std::to_string(link.seq + 1) + ",\"time\":\"" + now_utc() +
                     "\",\"run\":" + clipped(entry.run, room) +
                     ",\"kind\":" + clipped(entry.kind, room) + ",";
  for (const auto& [name, value] : entry.fields)
    line += "\"" + name + "\":" + value_text(value, room) + ",";
  line += std::string(kPrevKey) + link.hash + "\"";
  const std::string hash = base::sha256(line + "}");
  link = {link.seq + 1, hash};
  return line + std::string(kHashKey) + hash + "\"}\n";
}

/// What a line says of itself.
struct Line {
  uint64_t seq = 0;
  std::string prev, hash;
  bool hash_fits = false;
  bool torn = false;  ///< of the kind `torn`
};

bool is_hash(std::string_view text) {
  return text.size() == kHashChars &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Nothing when the line does not have the shape of a record.
std::optional<Line> read_record(std::string_view line) {
  constexpr std::string_view kSeqKey = "{\"seq\":";
  const size_t hash_part = kHashKey.size() + kHashChars + 2;
  const size_t prev_part = kPrevKey.size() + kHashChars + 1;
  if (!line.starts_with(kSeqKey) || !line.ends_with("\"}") ||
      line.size() < kSeqKey.size() + hash_part + prev_part)
    return std::nullopt;
  Line record;
  size_t at = kSeqKey.size();
  for (; at < line.size() && line[at] >= '0' && line[at] <= '9' && at < 26; ++at)
    record.seq = record.seq * 10 + static_cast<uint64_t>(line[at] - '0');
  if (!line.substr(at).starts_with(",\"time\":\"")) return std::nullopt;
  std::string_view body = line.substr(0, line.size() - hash_part);
  const std::string_view hash = line.substr(body.size());
  const std::string_view prev = body.substr(body.size() - prev_part);
  if (!hash.starts_with(kHashKey) || !prev.starts_with(kPrevKey) || !prev.ends_with('"'))
    return std::nullopt;
  record.hash = hash.substr(kHashKey.size(), kHashChars);
  record.prev = prev.substr(kPrevKey.size(), kHashChars);
  if (!is_hash(record.hash) || !is_hash(record.prev)) return std::nullopt;
  record.hash_fits = base::sha256(std::string(body) + "}") == record.hash;
  // The first `"kind":` that stands outside a text: a quote inside one is written \".
  record.torn = line.substr(0, 200).find("\",\"kind\":\"torn\",") != std::string_view::npos;
  return record;
}

/// NAME.1, NAME.2, … beside `path`, in this order.
std::vector<fs::path> rotated_files(const fs::path& path) {
  std::vector<std::pair<uint64_t, fs::path>> found;
  const std::string prefix = path.filename().string() + ".";
  std::error_code error;
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(prefix)) continue;
    const std::string number = name.substr(prefix.size());
    if (number.empty() || number.size() > 9 || number[0] == '0' ||
        number.find_first_not_of("0123456789") != std::string::npos)
      continue;
    found.emplace_back(std::stoull(number), it->path());
  }
  std::sort(found.begin(), found.end());
  std::vector<fs::path> files;
  for (auto& [number, file] : found) files.push_back(file);
  return files;
}

uint64_t next_number(const std::vector<fs::path>& rotated) {
  return rotated.empty() ? 1 : std::stoull(rotated.back().extension().string().substr(1)) + 1;
}

/// The last bytes of a file, with one whole line among them if there is any.
Result<std::string> read_end(int fd, uint64_t size, const fs::path& path) {
  const size_t length = static_cast<size_t>(std::min<uint64_t>(size, 2 * kMaxLine));
  std::string text(length, '\0');
  for (size_t done = 0; done < length;) {
    const ssize_t n =
        pread(fd, text.data() + done, length - done, static_cast<off_t>(size - length + done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return system_error(path, "read");
    done += static_cast<size_t>(n);
  }
  return text;
}

/// The last record of `text`, which ends with a line break.
Result<Link> last_link(std::string_view text, const fs::path& path) {
  text.remove_suffix(1);
  const size_t start = text.rfind('\n') == std::string_view::npos ? 0 : text.rfind('\n') + 1;
  const std::optional<Line> record = read_record(text.substr(start));
  if (!record || !record->hash_fits) {
    return Error{Errc::corrupt, path.string() +
                                    ": the last record was changed; look at it (tessera audit "
                                    "verify) and move the file away to begin a new log"};
  }
  return Link{record->seq, record->hash};
}

/// Of the file the newest rotation made, when a new file is still empty.
Result<Link> link_before(const std::vector<fs::path>& rotated) {
  if (rotated.empty()) return Link{};
  const fs::path& path = rotated.back();
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  struct stat st = {};
  if (!fd || fstat(fd.get(), &st) != 0) return system_error(path, "open");
  Result<std::string> text = read_end(fd.get(), static_cast<uint64_t>(st.st_size), path);
  if (!text) return text.error();
  if (!text->ends_with('\n'))
    return Error{Errc::corrupt, path.string() + ": the last line is cut off"};
  return last_link(*text, path);
}

Status owned_by_us(const struct stat& st, const fs::path& path, const char* kind) {
  if (st.st_uid != geteuid())
    return Error{Errc::refused, path.string() + ": the " + kind + " belongs to somebody else"};
  if ((st.st_mode & 022) != 0)
    return Error{Errc::refused, path.string() + ": others may write the " + kind};
  return Ok{};
}

struct LockedFile {
  UniqueFd fd;
  uint64_t size = 0;
};

/// Opens the file that has the name now, and locks it.
Result<LockedFile> open_locked(const fs::path& path) {
  for (;;) {
    UniqueFd fd(::open(path.c_str(),
                       O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    if (!fd) {
      if (errno == ELOOP) return Error{Errc::refused, path.string() + ": is a link"};
      return system_error(path, "open");
    }
    while (flock(fd.get(), LOCK_EX) != 0)
      if (errno != EINTR) return system_error(path, "lock");
    struct stat ours = {}, named = {};
    if (fstat(fd.get(), &ours) != 0) return system_error(path, "stat");
    if (lstat(path.c_str(), &named) != 0 || named.st_ino != ours.st_ino ||
        named.st_dev != ours.st_dev)
      continue;  // renamed while this waited
    if (!S_ISREG(ours.st_mode)) return Error{Errc::refused, path.string() + ": not a file"};
    if (Status s = owned_by_us(ours, path, "file"); !s) return s.error();
    return LockedFile{std::move(fd), static_cast<uint64_t>(ours.st_size)};
  }
}

/// Appends in one write; what a full disk leaves of it is taken back.
Status write_whole(int fd, const std::string& text, uint64_t size, const fs::path& path) {
  ssize_t n = 0;
  do {
    n = ::write(fd, text.data(), text.size());
  } while (n < 0 && errno == EINTR);
  if (n == static_cast<ssize_t>(text.size())) return Ok{};
  if (n >= 0) {
    errno = ENOSPC;
    const Error error = system_error(path, "write");
    // Should this fail as well, the next append finds a cut-off line.
    if (ftruncate(fd, static_cast<off_t>(size)) != 0) return error;
    return error;
  }
  return system_error(path, "write");
}

/// Keeps what a crash has left of a line in NAME.torn.
Status keep_torn(const fs::path& path, std::string_view torn) {
  const fs::path aside = path.string() + ".torn";
  UniqueFd fd(::open(aside.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return system_error(aside, "open");
  return write_whole(fd.get(), std::string(torn) + "\n", 0, aside);
}

}  // namespace

fs::path AuditLog::default_path() {
  const char* state = secure_getenv("XDG_STATE_HOME");
  if (state != nullptr && state[0] == '/') return fs::path(state) / "tessera" / "audit.jsonl";
  const char* home = secure_getenv("HOME");
  if (home == nullptr || home[0] != '/') return {};
  return fs::path(home) / ".local" / "state" / "tessera" / "audit.jsonl";
}

Status AuditLog::flush() const {
  UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return system_error(path_, "open");
  if (fdatasync(fd.get()) != 0) return system_error(path_, "flush");
  return Ok{};
}

Result<AuditLog> AuditLog::open(fs::path path, uint64_t rotate_bytes) {
  if (path.empty() || !path.has_filename())
    return Error{Errc::usage, "audit: no file; is HOME set?"};
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code error;
  if (folder.has_parent_path()) fs::create_directories(folder.parent_path(), error);
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return system_error(folder, "create");
  struct stat st = {};
  if (lstat(folder.c_str(), &st) != 0) return system_error(folder, "stat");
  if (!S_ISDIR(st.st_mode)) return Error{Errc::refused, folder.string() + ": not a folder"};
  if (Status s = owned_by_us(st, folder, "folder"); !s) return s.error();
  if (Result<LockedFile> file = open_locked(path); !file) return file.error();
  return AuditLog(std::move(path), rotate_bytes);
}

Status AuditLog::append(const AuditEntry& entry) {
  if (Status s = check_names(entry); !s) return s;
  for (;;) {
    Result<LockedFile> file = open_locked(path_);
    if (!file) return file.error();
    const std::vector<fs::path> rotated = rotated_files(path_);
    Result<std::string> end = read_end(file->fd.get(), file->size, path_);
    if (!end) return end.error();

    const size_t whole = end->rfind('\n') == std::string::npos ? 0 : end->rfind('\n') + 1;
    const std::string torn = end->substr(whole);
    if (!torn.empty()) {
      if (whole == 0 && file->size > end->size())
        return Error{Errc::corrupt, path_.string() + ": the last line is longer than a record"};
      if (Status s = keep_torn(path_, torn); !s) return s;
      file->size -= torn.size();
      if (ftruncate(file->fd.get(), static_cast<off_t>(file->size)) != 0)
        return system_error(path_, "truncate");
      end->resize(whole);
    }
    Result<Link> link = file->size == 0 ? link_before(rotated) : last_link(*end, path_);
    if (!link) return link.error();
    std::string lines;
    if (!torn.empty()) {
      lines = record_line({.run = "",
                           .kind = "torn",
                           .fields = {{"bytes", static_cast<int64_t>(torn.size())},
                                      {"sha256", base::sha256(torn)}}},
                          *link);
    } else if (file->size >= rotate_bytes_ && file->size > 0) {
      const std::string aside = path_.string() + "." + std::to_string(next_number(rotated));
      if (rename(path_.c_str(), aside.c_str()) != 0) return system_error(path_, "rename");
      continue;
    }
    lines += record_line(entry, *link);
    return write_whole(file->fd.get(), lines, file->size, path_);
  }
}

static void check_file(const fs::path& path, std::string_view text, Link& link, AuditCheck& check) {
  uint64_t line_number = 0;
  const auto broken = [&](const std::string& reason) {
    check.broken_file = path.string();
    check.broken_line = line_number;
    check.reason = reason;
  };
  while (!text.empty()) {
    ++line_number;
    const size_t end = text.find('\n');
    if (end == std::string_view::npos)
      return broken("it is cut off; the next append sets it aside");
    const std::optional<Line> record = read_record(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (!record) return broken("it is not a record");
    if (!record->hash_fits) return broken("its content was changed: the hash does not fit");
    if (record->seq != link.seq + 1) {
      return broken("it is record " + std::to_string(record->seq) + ", expected " +
                    std::to_string(link.seq + 1) + ": records are missing or were moved");
    }
    if (record->prev != link.hash) return broken("it does not follow the record before it");
    link = {record->seq, record->hash};
    ++check.records;
    check.set_aside += record->torn;
    check.last_hash = record->hash;
  }
}

Result<AuditCheck> verify_audit(const fs::path& path) {
  // Nobody can append or rename while the lock is held.
  UniqueFd lock;
  for (;;) {
    lock.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!lock) break;
    while (flock(lock.get(), LOCK_SH) != 0)
      if (errno != EINTR) return system_error(path, "lock");
    struct stat ours = {}, named = {};
    if (fstat(lock.get(), &ours) == 0 && stat(path.c_str(), &named) == 0 &&
        ours.st_ino == named.st_ino && ours.st_dev == named.st_dev)
      break;
  }
  const Error missing = system_error(path, "open");
  std::vector<fs::path> files = rotated_files(path);
  // Without the newest file the rest can be whole: a crash came between renaming and making it.
  if (!lock && (files.empty() || missing.code != Errc::not_found)) return missing;
  if (lock) files.push_back(path);
  AuditCheck check;
  Link link;
  for (const fs::path& file : files) {
    Result<std::string> text = base::read_file(file, kMaxFile);
    if (!text) return text.error();
    check_file(file, *text, link, check);
    if (!check.whole()) break;
  }
  return check;
}

Result<std::vector<std::string>> audit_tail(const fs::path& path, size_t count) {
  Result<std::string> text = base::read_file(path, kMaxFile);
  if (!text) return text.error();
  std::vector<std::string> lines;
  std::string_view rest = *text;
  while (!rest.empty() && lines.size() < count) {
    if (rest.ends_with('\n')) rest.remove_suffix(1);
    const size_t start = rest.rfind('\n') == std::string_view::npos ? 0 : rest.rfind('\n') + 1;
    lines.emplace_back(rest.substr(start));
    rest = rest.substr(0, start);
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

}  // namespace sandbox
