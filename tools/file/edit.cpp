#include "tools/file/edit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "sandbox/workspace/diff.h"
#include "sandbox/workspace/text.h"
#include "tools/data/workspace.h"
#include "tools/file/beneath.h"
#include "tools/file/listing.h"
#include "tools/file/produce.h"

namespace tools::file {

using base::Errc;
using base::Error;
using base::Result;
using base::Status;

namespace {

constexpr uint64_t kMaxText = 16u << 20;

Status make_parents(int top, const std::string& path) {
  for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
    const std::string folder = path.substr(0, slash);
    if (open_beneath(top, folder, O_PATH | O_DIRECTORY)) continue;
    const base::UniqueFd in = open_beneath(top, parent_of(folder), O_PATH | O_DIRECTORY);
    if (!in || ::mkdirat(in.get(), name_of(folder).c_str(), 0777) != 0)
      return path_error("write", folder, errno);
  }
  return base::Ok{};
}

/// By a file beside it that is renamed over it.
Status put(int top, const std::string& path, const std::string& content, unsigned mode) {
  const base::UniqueFd folder = open_beneath(top, parent_of(path), O_PATH | O_DIRECTORY);
  if (!folder) return path_error("write", path, errno);
  const std::string spare = ".tessera-write-" + std::to_string(::getpid());
  base::UniqueFd file(::openat(folder.get(), spare.c_str(),
                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
  if (!file) return path_error("write", path, errno);
  Status s = write_bytes(file.get(), content, path);
  if (s && ::fchmod(file.get(), mode) != 0) s = path_error("write", path, errno);
  if (s && ::renameat(folder.get(), spare.c_str(), folder.get(), name_of(path).c_str()) != 0)
    s = path_error("write", path, errno);
  if (!s) ::unlinkat(folder.get(), spare.c_str(), 0);
  return s;
}

std::vector<size_t> places_of(const std::string& text, const std::string& wanted) {
  std::vector<size_t> out;
  for (size_t at = text.find(wanted); at != text.npos; at = text.find(wanted, at + wanted.size()))
    out.push_back(at);
  return out;
}

size_t line_at(const std::string& text, size_t place) {
  return static_cast<size_t>(
      std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(place), '\n') + 1);
}

/// The line most like the first one of `wanted`: `line 12: "…"`, or "".
std::string nearest_line(const std::string& text, const std::string& wanted) {
  std::string first = wanted.substr(0, wanted.find('\n')).substr(0, 100);
  size_t line = 0, best_line = 0;
  int best = 1 << 30;
  std::string best_text;
  for (size_t at = 0; at < text.size() && line < 20'000;) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string here = text.substr(at, std::min<size_t>(end - at, 100));
    ++line;
    if (const int d = data::edit_distance(here, first); d < best) {
      best = d;
      best_line = line;
      best_text = here;
    }
    at = end + 1;
  }
  if (best_line == 0 || best > static_cast<int>(first.size()) / 2 + 2) return {};
  return "line " + std::to_string(best_line) + ": " + in_quotes(best_text);
}

}  // namespace

Result<std::string> write_file(int top, const std::string& given, const std::string& content) {
  if (Status s = check_new_path("write", given); !s) return s.error();
  Result<std::string> path = clean_path("write", given);
  if (!path) return path.error();
  if (content.size() > kMaxText) return Error{Errc::limit, "write: the text is larger than 16 MB"};
  std::string before;
  unsigned mode = 0644;
  const base::UniqueFd folder = open_beneath(top, parent_of(*path), O_PATH | O_DIRECTORY);
  struct stat info = {};
  const bool there =
      folder && ::fstatat(folder.get(), name_of(*path).c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
  if (there) {
    if (S_ISDIR(info.st_mode))
      return Error{Errc::usage, "write: " + in_quotes(*path) + " is a folder"};
    if (!S_ISREG(info.st_mode))
      return Error{Errc::refused, "write: " + in_quotes(*path) + " is a link or no regular file"};
    Result<std::string> old = read_beneath(top, *path, kMaxText, "write");
    if (!old) return old.error();
    before = std::move(*old);
    mode = info.st_mode & 07777;
    if (before == content) return "write: " + in_quotes(*path) + " had that content already\n";
  } else if (Status s = make_parents(top, *path); !s) {
    return s.error();
  }
  if (Status s = put(top, *path, content, mode); !s) return s.error();
  if (!there) return "made " + *path + ", " + std::to_string(content.size()) + " bytes\n";
  return sandbox::unified_diff(before, content, *path, *path);
}

Result<std::string> edit_file(int top, const std::string& given, const std::string& old_text,
                              const std::string& new_text, bool all) {
  Result<std::string> path = clean_path("edit", given);
  if (!path) return path.error();
  if (old_text.empty()) return Error{Errc::usage, "edit: the old text is empty; use write"};
  if (old_text == new_text)
    return Error{Errc::usage, "edit: the old and the new text are the same"};
  Result<std::string> before = read_beneath(top, *path, kMaxText, "edit");
  if (!before) {
    if (before.error().code != Errc::not_found) return before.error();
    Result<Listing> listing = list(top);
    std::vector<std::string> paths;
    if (listing)
      for (const Entry& entry : listing->entries) paths.push_back(entry.path);
    const std::string near = nearest(paths, *path);
    return Error{Errc::not_found, "edit: there is no file " + in_quotes(*path) +
                                      (near.empty() ? "" : "; the nearest are " + near)};
  }
  const std::vector<size_t> places = places_of(*before, old_text);
  if (places.empty()) {
    const std::string near = nearest_line(*before, old_text);
    return Error{Errc::usage, "edit: the old text is not in " + in_quotes(*path) +
                                  (near.empty() ? "" : "; the nearest is " + near)};
  }
  if (places.size() > 1 && !all) {
    std::string lines;
    for (size_t i = 0; i < std::min<size_t>(places.size(), 10); ++i)
      lines += (i > 0 ? ", " : "") + std::to_string(line_at(*before, places[i]));
    return Error{Errc::usage, "edit: the old text is there " + std::to_string(places.size()) +
                                  " times (lines " + lines + (places.size() > 10 ? ", …" : "") +
                                  "); give more of it, or set all"};
  }
  if (new_text.size() > old_text.size() &&
      before->size() + (new_text.size() - old_text.size()) * places.size() > kMaxText)
    return Error{Errc::limit, "edit: the file would be larger than 16 MB"};
  std::string after;
  size_t done = 0;
  for (const size_t place : places) {
    after.append(*before, done, place - done);
    after += new_text;
    done = place + old_text.size();
  }
  after.append(*before, done);
  return write_file(top, *path, after);
}

}  // namespace tools::file
