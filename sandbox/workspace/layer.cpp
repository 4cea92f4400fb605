#include "sandbox/workspace/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "sandbox/workspace/tree.h"

// A closed folder stays open until the reader goes, since its children come next. It is remembered
// by path: a descriptor each would let a program with many closed folders run us out of them. The
// last one opened is closed first, so the way to each is still open. A file is closed again as soon
// as we have its descriptor.

namespace sandbox {

using base::Result;
using base::UniqueFd;

LayerReader::~LayerReader() {
  for (auto at = unlocked_.rbegin(); at != unlocked_.rend(); ++at) {
    UniqueFd fd = tree::open_beneath(top_, at->first, O_PATH | O_NOFOLLOW);
    if (fd) (void)!chmod(tree::self(fd.get()).c_str(), at->second);
  }
}

Result<UniqueFd> LayerReader::folder(const std::string& path) {
  UniqueFd place = tree::open_beneath(top_, path, O_PATH | O_DIRECTORY);
  struct stat info {};
  if (!place || fstat(place.get(), &info) != 0)
    return tree::system_error("open the layer's " + path);
  if ((info.st_mode & 0700) != 0700) {
    if (chmod(tree::self(place.get()).c_str(), (info.st_mode & 07777) | 0700) != 0) {
      return tree::system_error("chmod the layer's " + path);
    }
    unlocked_.push_back({path, info.st_mode & 07777});
  }
  UniqueFd fd = tree::open_beneath(top_, path, O_RDONLY | O_DIRECTORY);
  if (!fd) return tree::system_error("open the layer's " + path);
  return fd;
}

Result<UniqueFd> LayerReader::file(const std::string& path) {
  const std::string name = name_of(path);
  const int parent = folders_.open(folder_of(path));
  struct stat found {};
  // Nobody is at work in the layer any more, so what is looked at is what is opened.
  if (parent >= 0 && fstatat(parent, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISREG(found.st_mode)) {
    UniqueFd fd(openat(parent, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (fd) return fd;
  }
  UniqueFd place = tree::open_beneath(top_, path, O_PATH | O_NOFOLLOW);
  struct stat info {};
  if (!place || fstat(place.get(), &info) != 0)
    return tree::system_error("open the layer's " + path);
  if (!S_ISREG(info.st_mode)) {
    errno = EINVAL;
    return tree::system_error("open the layer's " + path);
  }
  const std::string self = tree::self(place.get());
  UniqueFd fd(open(self.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && errno == EACCES && chmod(self.c_str(), 0600) == 0) {
    fd = UniqueFd(open(self.c_str(), O_RDONLY | O_CLOEXEC));
    (void)!chmod(self.c_str(), info.st_mode & 07777);
  }
  if (!fd) return tree::system_error("open the layer's " + path);
  return fd;
}

}  // namespace sandbox
