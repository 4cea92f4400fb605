#include "tools/data/workspace.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "base/utf8.h"
#include "tools/data/value.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;

constexpr size_t kMaxListed = 10'000;
constexpr int kMaxFolders = 16;
constexpr size_t kMaxSuggested = 40;

base::Status check_path(const std::string& path) {
  if (path.empty()) return Error{Errc::refused, "the path is empty"};
  if (path.find('\0') != path.npos) return Error{Errc::refused, "the path holds a zero byte"};
  if (path.size() > 1000) return Error{Errc::refused, "the path is too long"};
  bool outside = path[0] == '/' || path[0] == '~';
  // Names that the policy hides, each followed by a slash.
  static const std::string hidden = [] {
    const char* names = std::getenv("TESSERA_HIDDEN");
    return "/" + std::string(names ? names : "");
  }();
  for (size_t at = 0; at <= path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    const std::string name = path.substr(at, slash - at);
    if (name == "..") outside = true;
    if (!name.empty() && hidden.find("/" + name + "/") != hidden.npos)
      return Error{Errc::refused, "\"" + path + "\" is hidden by the policy"};
    at = slash + 1;
  }
  if (outside) return Error{Errc::refused, "\"" + path + "\" is outside the workspace"};
  return base::Ok{};
}

// openat2 keeps the walk beneath the current directory. Where it is not there (a filter that does
// not know it), the last component at least must not be a link; the jail around the process does
// the rest.
int open_beneath(int folder, const std::string& path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how);
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM && errno != EACCES))
    return static_cast<int>(fd);
  return ::openat(folder, path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode);
}

// Where new files go: in the sandbox a folder of its own, from which they are added to the
// workspace after the run.
int out_folder() {
  static const int folder = [] {
    const char* path = std::getenv("TESSERA_OUT");
    return path ? ::open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : AT_FDCWD;
  }();
  return folder;
}

// Makes the folders of a file's path, one after the other, through no link. What it cannot make,
// the open that follows reports.
void make_folders(const std::string& path) {
  base::UniqueFd folder(::openat(out_folder(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (size_t at = 0, slash = 0; folder && (slash = path.find('/', at)) != path.npos;
       at = slash + 1) {
    const std::string name = path.substr(at, slash - at);
    if (name.empty() || name == ".") continue;
    if (::mkdirat(folder.get(), name.c_str(), 0755) != 0 && errno != EEXIST) return;
    folder = base::UniqueFd(
        ::openat(folder.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
}

void list_folder(int top, const std::string& folder, int depth, std::vector<FileEntry>& out) {
  const int fd = ::openat(top, folder.empty() ? "." : folder.c_str(),
                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR* dir = fd < 0 ? nullptr : ::fdopendir(fd);
  if (!dir) return;
  std::vector<std::string> folders;
  while (const dirent* entry = ::readdir(dir)) {
    if (out.size() >= kMaxListed) break;
    const std::string name = entry->d_name;
    if (name[0] == '.' || !base::is_utf8(name)) continue;
    const std::string path = folder.empty() ? name : folder + "/" + name;
    struct stat status;
    if (::fstatat(fd, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISREG(status.st_mode)) out.push_back({path, static_cast<uint64_t>(status.st_size)});
    if (S_ISDIR(status.st_mode) && depth < kMaxFolders) folders.push_back(path);
  }
  ::closedir(dir);
  for (const std::string& path : folders) list_folder(top, path, depth + 1, out);
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace

base::Result<base::UniqueFd> open_to_read(const std::string& path) {
  if (base::Status ok = check_path(path); !ok) return ok.error();
  constexpr int kFlags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
  base::UniqueFd file;
  if (out_folder() != AT_FDCWD) file = base::UniqueFd(open_beneath(out_folder(), path, kFlags, 0));
  if (!file) file = base::UniqueFd(open_beneath(AT_FDCWD, path, kFlags, 0));
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return Error{Errc::not_found, path + ": no such file"};
    if (errno == EXDEV || errno == ELOOP)
      return Error{Errc::refused, "\"" + path + "\" is outside the workspace"};
    return Error{Errc::system, path + ": " + std::strerror(errno)};
  }
  struct stat status;
  if (::fstat(file.get(), &status) != 0)
    return Error{Errc::system, path + ": " + std::strerror(errno)};
  if (S_ISDIR(status.st_mode)) return Error{Errc::usage, path + ": a folder, not a file"};
  if (!S_ISREG(status.st_mode)) return Error{Errc::usage, path + ": not a regular file"};
  return file;
}

base::Result<base::UniqueFd> create_new(const std::string& path) {
  if (base::Status ok = check_path(path); !ok) return ok.error();
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  struct stat there;
  if (::fstatat(AT_FDCWD, path.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0)
    return Error{Errc::usage, "\"" + path + "\" exists already"};
  base::UniqueFd file(open_beneath(out_folder(), path, kFlags, 0644));
  if (!file && errno == ENOENT) {
    make_folders(path);
    file = base::UniqueFd(open_beneath(out_folder(), path, kFlags, 0644));
  }
  if (file) return file;
  if (errno == EEXIST) return Error{Errc::usage, "\"" + path + "\" exists already"};
  if (errno == ENOENT || errno == ENOTDIR)
    return Error{Errc::not_found, path + ": its folder does not exist"};
  if (errno == EXDEV || errno == ELOOP)
    return Error{Errc::refused, "\"" + path + "\" is outside the workspace"};
  return Error{Errc::system, path + ": " + std::strerror(errno)};
}

base::Status write_all(const base::UniqueFd& file, std::string_view bytes,
                       const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Error{Errc::system, path + ": " + std::strerror(errno)};
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return base::Ok{};
}

std::vector<FileEntry> list_files() {
  std::vector<FileEntry> out;
  list_folder(AT_FDCWD, {}, 0, out);
  if (out_folder() != AT_FDCWD) list_folder(out_folder(), {}, 0, out);
  std::sort(out.begin(), out.end(),
            [](const FileEntry& a, const FileEntry& b) { return a.path < b.path; });
  return out;
}

TableKind table_kind(std::string_view path) {
  std::string ext = extension(path);
  for (char& c : ext) c = lower(c);
  if (ext == "gz") {
    const TableKind packed = table_kind(path.substr(0, path.size() - 3));
    return packed == TableKind::delimited || packed == TableKind::json ||
                   packed == TableKind::json_lines
               ? packed
               : TableKind::none;
  }
  for (const auto& [known, kind] : {std::pair{"csv", TableKind::delimited},
                                    {"tsv", TableKind::delimited},
                                    {"tab", TableKind::delimited},
                                    {"json", TableKind::json},
                                    {"ndjson", TableKind::json_lines},
                                    {"jsonl", TableKind::json_lines},
                                    {"parquet", TableKind::parquet},
                                    {"xlsx", TableKind::xlsx},
                                    {"sqlite", TableKind::sqlite},
                                    {"sqlite3", TableKind::sqlite},
                                    {"db", TableKind::sqlite}})
    if (ext == known) return kind;
  return TableKind::none;
}

bool is_table_name(std::string_view path) { return table_kind(path) != TableKind::none; }

std::string extension(std::string_view path) {
  path = path.substr(path.rfind('/') + 1);
  const size_t dot = path.rfind('.');
  return dot == path.npos || dot == 0 ? std::string() : std::string(path.substr(dot + 1));
}

std::string stem(std::string_view path) {
  path = path.substr(path.rfind('/') + 1);
  const size_t dot = path.rfind('.');
  return std::string(path.substr(0, dot == 0 ? path.npos : dot));
}

bool matches_glob(std::string_view text, std::string_view glob) {
  size_t t = 0;
  size_t g = 0;
  size_t star = glob.npos;
  size_t resume = 0;
  while (t < text.size()) {
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      resume = t;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g;
      ++t;
    } else if (star != glob.npos) {
      g = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

base::Result<std::string> read_whole(const std::string& path, uint64_t max_bytes) {
  base::Result<base::UniqueFd> file = open_to_read(path);
  if (!file) return file.error();
  std::string text;
  char buffer[65536];
  ssize_t n = 0;
  while ((n = ::read(file->get(), buffer, sizeof buffer)) != 0) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error{Errc::system, path + ": " + std::strerror(errno)};
    text.append(buffer, static_cast<size_t>(n));
    if (text.size() > max_bytes)
      return Error{Errc::limit, path + ": larger than " +
                                    format_number(static_cast<double>(max_bytes) / 1e6) + " MB"};
  }
  return text;
}

int edit_distance(std::string_view a, std::string_view b) {
  if (a.size() > 100 || b.size() > 100) return std::numeric_limits<int>::max();
  std::array<std::array<int, 101>, 3> row{};
  for (size_t j = 0; j <= b.size(); ++j) row[0][j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    auto& now = row[i % 3];
    const auto& last = row[(i + 2) % 3];
    const auto& before = row[(i + 1) % 3];
    now[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const char x = lower(a[i - 1]);
      const char y = lower(b[j - 1]);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (x != y)});
      if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
  }
  return row[a.size() % 3][b.size()];
}

std::string suggest(const std::vector<std::string>& names, std::string_view wanted) {
  std::vector<std::string> shown(
      names.begin(),
      names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kMaxSuggested)));
  if (names.size() > kMaxSuggested) {
    const auto nearest = std::min_element(
        names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
          return edit_distance(a, wanted) < edit_distance(b, wanted);
        });
    if (static_cast<size_t>(nearest - names.begin()) >= kMaxSuggested) shown.back() = *nearest;
    shown.push_back("…");
  }
  std::string out;
  for (const std::string& name : shown) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::string no_file(std::string_view path, bool only_tables) {
  std::vector<std::string> tables;
  std::vector<std::string> all;
  for (const FileEntry& entry : list_files()) {
    all.push_back(entry.path);
    if (is_table_name(entry.path)) tables.push_back(entry.path);
  }
  const std::string names = suggest(only_tables && !tables.empty() ? tables : all, path);
  return "no file \"" + std::string(path) + "\"; files: " + (names.empty() ? "none" : names);
}

void Crc32::add(std::string_view bytes) {
  static constexpr auto kTable = [] {
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t c = i;
      for (int k = 0; k < 8; ++k) c = (c & 1) ? 0xedb88320u ^ (c >> 1) : c >> 1;
      table[i] = c;
    }
    return table;
  }();
  for (const char c : bytes)
    state_ = kTable[(state_ ^ static_cast<unsigned char>(c)) & 0xff] ^ (state_ >> 8);
}

std::string Crc32::text() const {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, "%08x", state_ ^ 0xffffffffu);
  return buffer;
}

}  // namespace tools::data
