#include "tools/file/listing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "tools/data/workspace.h"
#include "tools/file/beneath.h"

namespace tools::file {

using base::Errc;
using base::Error;

namespace {

Kind kind_of(mode_t mode) {
  return S_ISREG(mode)   ? Kind::file
         : S_ISDIR(mode) ? Kind::folder
         : S_ISLNK(mode) ? Kind::link
                         : Kind::other;
}

std::string link_target(int folder, const char* name) {
  char buffer[4096];
  const ssize_t n = ::readlinkat(folder, name, buffer, sizeof buffer);
  return n > 0 ? std::string(buffer, static_cast<size_t>(n)) : std::string();
}

/// Whether entries may be made and removed in a folder. A plan is also made where all of the
/// workspace is mounted read-only; then the folder's mode tells.
bool may_change(int folder) {
  if (::faccessat(folder, ".", W_OK | X_OK, AT_EACCESS) == 0) return true;
  struct stat info = {};
  if (errno != EROFS || ::fstat(folder, &info) != 0) return false;
  const mode_t mine = info.st_uid == ::geteuid() ? 0300 : info.st_gid == ::getegid() ? 0030 : 0003;
  return (info.st_mode & mine) == mine;
}

// Depth first; the depth is bounded, so is the recursion.
base::Status list_folder(int top, const std::string& folder, int depth, const ListBounds& bounds,
                         std::vector<Entry>& out) {
  base::UniqueFd fd = open_beneath(top, folder, O_RDONLY | O_DIRECTORY);
  if (!fd) {
    if (folder.empty()) return path_error("listing", ".", errno);
    out.back().read_only = true;
    return base::Ok{};
  }
  if (!folder.empty() && !may_change(fd.get())) out.back().read_only = true;
  const int number = fd.release();
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(number), ::closedir);
  if (!dir) {
    ::close(number);
    return path_error("listing", folder, errno);
  }
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == ".." || is_hidden(name)) continue;
    if (out.size() + names.size() >= bounds.entries)
      return Error{Errc::limit, "there are more than " + std::to_string(bounds.entries) +
                                    " files and folders, too many to plan for"};
    names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    struct stat info = {};
    if (::fstatat(::dirfd(dir.get()), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    Entry entry{.path = joined(folder, name), .kind = kind_of(info.st_mode)};
    entry.mtime_ns = int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
    if (entry.kind == Kind::file) entry.bytes = static_cast<uint64_t>(info.st_size);
    if (entry.kind == Kind::link) entry.target = link_target(::dirfd(dir.get()), name.c_str());
    const bool enter = entry.kind == Kind::folder;
    out.push_back(std::move(entry));
    if (!enter) continue;
    if (depth >= bounds.depth)
      return Error{Errc::limit, in_quotes(joined(folder, name)) + " lies more than " +
                                    std::to_string(bounds.depth) + " folders deep"};
    const std::string path = out.back().path;
    if (base::Status s = list_folder(top, path, depth + 1, bounds, out); !s) return s;
  }
  return base::Ok{};
}

}  // namespace

base::Result<Listing> list(int top, const ListBounds& bounds) {
  Listing listing;
  if (base::Status s = list_folder(top, "", 0, bounds, listing.entries); !s) return s.error();
  return listing;
}

std::string nearest(const std::vector<std::string>& paths, const std::string& wanted) {
  std::vector<std::pair<int, const std::string*>> ranked;
  const std::string name = name_of(wanted);
  for (const std::string& path : paths) {
    if (ranked.size() >= 20'000) break;
    // The right name in another folder is nearer than another name in this one.
    const int whole = data::edit_distance(path, wanted);
    const int last = data::edit_distance(name_of(path), name) + (path == wanted ? 0 : 1);
    ranked.emplace_back(std::min(whole, last), &path);
  }
  const size_t n = std::min<size_t>(3, ranked.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(n), ranked.end(),
                    [](const auto& a, const auto& b) {
                      return a.first != b.first ? a.first < b.first : *a.second < *b.second;
                    });
  std::string out;
  for (size_t i = 0; i < n; ++i) out += (i > 0 ? ", " : "") + in_quotes(*ranked[i].second);
  return out;
}

}  // namespace tools::file
