#include "sandbox/workspace/preview.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "sandbox/workspace/content.h"
#include "sandbox/workspace/tree.h"

namespace sandbox {

using base::Result;
using base::UniqueFd;

Result<std::string> read_side(int top, const std::string& path, const DiffBounds& bounds) {
  UniqueFd place = tree::open_beneath(top, path, O_PATH | O_NOFOLLOW);
  struct stat info {};
  if (!place || fstat(place.get(), &info) != 0) return std::string();
  if (S_ISLNK(info.st_mode)) {
    char target[4096];
    const ssize_t n = readlinkat(place.get(), "", target, sizeof target);
    return "link to " + std::string(target, static_cast<size_t>(std::max<ssize_t>(n, 0))) + "\n";
  }
  if (!S_ISREG(info.st_mode)) return std::string();
  UniqueFd fd = tree::open_beneath(top, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
  if (!fd) return tree::system_error("open " + path);
  return content::read(fd.get(), bounds.input_bytes + 1);
}

const std::string& old_path(const Change& change) {
  return change.kind == ChangeKind::moved ? change.from : change.path;
}

std::string change_diff(const Change& change, std::string_view old_text, std::string_view new_text,
                        const DiffBounds& bounds) {
  return unified_diff(
      old_text, new_text, change.kind == ChangeKind::added ? "/dev/null" : "a/" + old_path(change),
      change.kind == ChangeKind::removed ? "/dev/null" : "b/" + change.path, bounds);
}

Result<std::string> preview(const Layer& layer, const std::filesystem::path& workspace,
                            const Change& change, const DiffBounds& bounds) {
  Result<UniqueFd> top = tree::open_top(workspace);
  if (!top) return top.error();
  std::string old_text, new_text;
  if (change.kind != ChangeKind::added) {
    Result<std::string> text = read_side(top->get(), old_path(change), bounds);
    if (!text) return text;
    old_text = std::move(*text);
  }
  if (change.kind == ChangeKind::moved && !layer.upper) {
    new_text = old_text;
  } else if (change.kind != ChangeKind::removed && layer.upper) {
    Result<std::string> text = read_side(layer.upper.get(), change.path, bounds);
    if (!text) return text;
    new_text = std::move(*text);
  }
  return change_diff(change, old_text, new_text, bounds);
}

}  // namespace sandbox
