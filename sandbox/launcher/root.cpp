// The new root, in two steps because the first may need rights that only the outside has.
//
// open_binds() copies the mounts (open_tree with OPEN_TREE_CLONE): what is named by path is looked
// up exactly once, and a detached copy can be made read-only before anybody sees it. build_root()
// and enter_root() then build
//
//   /            tmpfs, read-only once it is built
//   /usr, /lib*, /bin, …, workspace, mounts   the copies, at their own paths; over the workspace,
//                if it may be written, an overlay
//   /etc         a few generated files and the copies of fonts, alternatives, ld.so.cache
//   /tmp         fresh tmpfs, also HOME
//   /dev         null zero full random urandom, /dev/shm a fresh tmpfs, links into /proc/self/fd
//   /proc        of the new pid namespace, processes only (subset=pid): no /proc/sys, kcore,
//   sysrq-trigger, keys;
//                and of those only what may be traced (hidepid=ptraceable), which pid 1 may not
//
// in the copies of the new mount namespace, moves there with pivot_root and detaches the old root.
// Destinations are opened beneath the new root without following any symbolic link, so a link that
// an earlier run left in the workspace cannot move a mount to somewhere else.

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "sandbox/launcher/steps.h"

namespace jail {

namespace {

constexpr const char* kDevices[] = {"null", "zero", "full", "random", "urandom"};
int device_trees[std::size(kDevices)];

void set_attributes(int tree, uint64_t attributes, const std::string& what) {
  mount_attr attr{};
  attr.attr_set = attributes;
  attr.propagation = MS_PRIVATE;
  if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof attr) != 0) {
    die("mount_setattr " + what);
  }
}

int clone_tree(int dir, const std::string& path, bool follow) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
  if (!follow) flags |= AT_SYMLINK_NOFOLLOW;
  int tree = static_cast<int>(syscall(SYS_open_tree, dir, path.c_str(), flags));
  if (tree < 0) die("bind " + path);
  return tree;
}

/// Creates the folders of `path` (relative, canonical) below `root`, and at its end a folder or an
/// empty file. Those that exist are kept, whatever they are: open_beneath() judges them.
void make_place(int root, const std::string& path, bool folder) {
  for (size_t slash = path.find('/'); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    (void)!mkdirat(root, path.substr(0, slash).c_str(), 0755);
  }
  if (folder) {
    (void)!mkdirat(root, path.c_str(), 0755);
  } else {
    int fd = openat(root, path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd >= 0) close(fd);
  }
}

int open_beneath(int root, const std::string& path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  int fd = static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how));
  if (fd < 0) die("open the place of /" + path);
  return fd;
}

/// Attaches a detached mount at /`path` below `root`.
void attach(int tree, int root, const std::string& path) {
  int place = open_beneath(root, path);
  if (syscall(SYS_move_mount, tree, "", place, "",
              MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0) {
    die("attach /" + path);
  }
  close(place);
  close(tree);
}

/// A new file system, detached. Options: NAME=VALUE, or NAME alone where the value is empty. -1
/// with errno, and `what` failed.
int try_filesystem(const char* type,
                   std::initializer_list<std::pair<const char*, std::string>> options,
                   uint64_t attributes, std::string& what) {
  what = std::string("mount ") + type + " (fsopen)";
  const int fs = static_cast<int>(syscall(SYS_fsopen, type, 1 /* FSOPEN_CLOEXEC */));
  if (fs < 0) return -1;
  auto configure = [fs](unsigned command, const char* name, const char* value) {
    return syscall(SYS_fsconfig, fs, command, name, value, 0) == 0;
  };
  int tree = -1;
  bool good = true;
  for (const auto& [name, value] : options) {
    what = std::string("mount ") + type + " (" + name + ")";
    good = good && (value.empty() ? configure(0 /* FSCONFIG_SET_FLAG */, name, nullptr)
                                  : configure(1 /* FSCONFIG_SET_STRING */, name, value.c_str()));
    if (!good) break;
  }
  if (good) {
    what = std::string("mount ") + type;
    if (configure(6 /* FSCONFIG_CMD_CREATE */, nullptr, nullptr))
      tree = static_cast<int>(syscall(SYS_fsmount, fs, 1 /* FSMOUNT_CLOEXEC */, attributes));
  }
  const int error = errno;
  close(fs);
  errno = error;
  return tree;
}

int new_filesystem(const char* type,
                   std::initializer_list<std::pair<const char*, std::string>> options,
                   uint64_t attributes) {
  std::string what;
  const int tree = try_filesystem(type, options, attributes, what);
  if (tree < 0) die(what);
  return tree;
}

std::string relative(const std::string& path) { return path.substr(1); }

bool is_folder(int fd) {
  struct stat info {};
  if (fstat(fd, &info) != 0) die("fstat");
  return S_ISDIR(info.st_mode);
}

void cover(const Cover& cover, int root) {
  const std::string path = relative(cover.path);
  int place = open_beneath(root, path);
  int tree = -1;
  if (!cover.hidden) {
    tree = clone_tree(root, path, false);
    set_attributes(tree, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, cover.path);
  } else if (is_folder(place)) {
    tree = new_filesystem(
        "tmpfs", {{"size", "4096"}, {"mode", "0555"}},
        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  } else {
    tree = clone_tree(root, "etc/empty", false);
    set_attributes(tree, MOUNT_ATTR_RDONLY, cover.path);
  }
  close(place);
  attach(tree, root, path);
}

void write_file(int root, const std::string& path, const std::string& content) {
  make_place(root, path, false);
  int fd = openat(root, path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 || write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
    die("write /" + path);
  }
  close(fd);
}

void attach_binds(const std::vector<Bind>& binds, int root) {
  for (const Bind& bind : binds) {
    make_place(root, relative(bind.path), is_folder(bind.tree_fd));
    attach(bind.tree_fd, root, relative(bind.path));
  }
}

/// Whether an overlay can remember there that a folder hides the one below it.
bool takes_attributes(int folder) {
  const std::string path = "/proc/self/fd/" + std::to_string(folder);
  if (setxattr(path.c_str(), "user.overlay.try", "y", 1, 0) != 0) return false;
  (void)removexattr(path.c_str(), "user.overlay.try");
  return true;
}

/// Where the parts of a layer are mounted while it is made of them. What covers this place
/// afterwards hides them, which costs nothing; each mount that is taken away makes the kernel wait
/// for every processor.
#define STAGE "dev/shm"

/// Attaches the parts there.
void stage(int root, int workspace, int fs) {
  if (mkdirat(fs, "lower", 0700) != 0) die("mkdir of the layer's parts");
  attach(fs, root, STAGE);
  attach(workspace, root, STAGE "/lower");
}

int layer_filesystem(const ProgramSpec& spec, uint64_t more_files) {
  return new_filesystem("tmpfs",
                        {{"size", std::to_string(spec.header.layer_bytes)},
                         {"nr_inodes", std::to_string(spec.header.layer_files + more_files)},
                         {"mode", "0755"}},
                        MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

/// Gives the tmpfs the folders that an overlay needs, and opens the one that takes the writes.
int make_upper(int fs) {
  for (const char* folder : {"upper", "work"}) {
    if (mkdirat(fs, folder, 0755) != 0 || fchownat(fs, folder, 1000, 1000, 0) != 0)
      die("make the layer");
  }
  const int upper = openat(fs, "upper", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (upper < 0) die("open the layer");
  return upper;
}

/// Makes what takes the program's writes to the workspace, and sets root.layer: the upper layer of
/// an overlay, a copy of the workspace in its place, or a folder of its own. All belong to the id
/// that the program will have. An overlay keeps private copies of the mounts that it is made of.
/// workspace: what is to be at its place; the layer, where it goes there.
void make_layer(const ProgramSpec& spec, Root& root, int& workspace) {
  constexpr uint64_t kPlain = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  constexpr uint64_t kOwnPlaces = 16;  // the layer's and the overlay's own folders
  // The names of an overlay's folders must not have the commas and colons that a path may hold.
  if (fchdir(root.fd) != 0) die("enter the new root");
  if (spec.header.layer == LayerKind::out) {
    // Nothing but the program's files is in it: the supervisor counts them (worker.cpp).
    const int fs = layer_filesystem(spec, 1);
    if (fchownat(fs, ".", 1000, 1000, 0) != 0) die("make the layer");
    root.layer = openat(fs, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    make_place(root.fd, relative(kOutFolder), true);
    return attach(fs, root.fd, relative(kOutFolder));
  }
  if (spec.header.layer == LayerKind::overlay) {
    const int fs = layer_filesystem(spec, kOwnPlaces);
    root.layer = make_upper(fs);
    struct stat info {};
    // The root of an overlay looks like that of its upper layer.
    if (fstat(workspace, &info) != 0 || fchmodat(fs, "upper", info.st_mode & 0777, 0) != 0)
      die("chmod of the layer");
    if (takes_attributes(root.layer)) {
      stage(root.fd, workspace, fs);
      std::string what;
      const int overlay = try_filesystem("overlay",
                                         {{"lowerdir", STAGE "/lower"},
                                          {"upperdir", STAGE "/upper"},
                                          {"workdir", STAGE "/work"},
                                          {"userxattr", ""}},
                                         kPlain, what);
      if (overlay >= 0) {
        workspace = overlay;
        return;
      }
      workspace = clone_tree(root.fd, STAGE "/lower", false);
    } else {
      close(fs);
    }
    close(root.layer);
  }
  root.copied = true;
  const int fs = layer_filesystem(spec, kMaxCopied + kOwnPlaces);
  root.layer = make_upper(fs);
  stage(root.fd, workspace, fs);
  copy_workspace(spec, open(STAGE "/lower", O_RDONLY | O_DIRECTORY | O_CLOEXEC), root.layer);
  workspace = clone_tree(root.fd, STAGE "/upper", false);
}

/// Makes the new root, which is the working directory, the only one.
void leave_old_root() {
  // With both arguments the same, the old root lands on top of the new one, from where it can be
  // detached.
  if (syscall(SYS_pivot_root, ".", ".") != 0) die("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) die("detach the old root");
  if (chdir("/") != 0) die("chdir /");
}

}  // namespace

bool may_mount() {
  int tree = static_cast<int>(
      syscall(SYS_open_tree, AT_FDCWD, "/dev/null", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (tree >= 0) close(tree);
  return tree >= 0 || errno != EPERM;
}

void open_binds(std::vector<Bind>& binds) {
  for (Bind& bind : binds) {
    bind.tree_fd = clone_tree(AT_FDCWD, bind.path, false);
    uint64_t attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
    if (!bind.writable) attributes |= MOUNT_ATTR_RDONLY;
    set_attributes(bind.tree_fd, attributes, bind.path);
  }
}

void open_devices() {
  for (size_t i = 0; i < std::size(kDevices); ++i) {
    const std::string path = std::string("/dev/") + kDevices[i];
    device_trees[i] = clone_tree(AT_FDCWD, path, false);
    struct stat info {};
    if (fstat(device_trees[i], &info) != 0) die("stat " + path);
    if (!S_ISCHR(info.st_mode) || major(info.st_rdev) != 1)
      die(path + " is not the device", ENODEV);
    // Read-only is for the node, which is the host's: a device is written all the same, but its
    // owner, as a program of root's may be, cannot change its mode.
    set_attributes(device_trees[i], MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
                   path);
  }
}

int listen_for_proxy(uint32_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die("socket for the proxy");
  ifreq loopback{};
  memcpy(loopback.ifr_name, "lo", 3);
  loopback.ifr_flags = IFF_UP;
  if (ioctl(fd, SIOCSIFFLAGS, &loopback) != 0) die("bring up the loopback");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd, 64) != 0) {
    die("listen for the proxy");
  }
  return fd;
}

void mount_proc(Root& root) {
  constexpr uint64_t kProc =
      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY;
  attach(new_filesystem("proc", {{"subset", "pid"}, {"hidepid", "ptraceable"}}, kProc), root.fd,
         "proc");
  // A process can make itself untraceable, but not hide from the limits.
  root.proc = new_filesystem("proc", {{"subset", "pid"}}, kProc);
}

void build_root(const BaseSpec& spec, bool alone) {
  // Nothing that happens here may reach the mount namespace outside.
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) die("make mounts private");

  constexpr uint64_t kPlain = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  const int root = new_filesystem("tmpfs", {{"size", "1048576"}, {"mode", "0755"}}, kPlain);
  // On top of the old root, where it hides nothing: absolute paths still start below it.
  if (syscall(SYS_move_mount, root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0) {
    die("attach the new root");
  }
  for (const char* folder : {"etc", "tmp", "dev", "dev/shm", "proc", "run", "var"}) {
    if (mkdirat(root, folder, 0755) != 0) die("mkdir");
  }
  for (size_t i = 0; i < std::size(kDevices); ++i) {
    const std::string path = std::string("dev/") + kDevices[i];
    make_place(root, path, false);
    attach(device_trees[i], root, path);
  }
  for (auto [link, target] : {std::pair{"dev/fd", "/proc/self/fd"},
                              {"dev/stdin", "/proc/self/fd/0"},
                              {"dev/stdout", "/proc/self/fd/1"},
                              {"dev/stderr", "/proc/self/fd/2"}}) {
    if (symlinkat(target, root, link) != 0) die(std::string("link /") + link);
  }
  write_file(root, "etc/empty", "");
  for (const auto& [path, content] : spec.files) write_file(root, relative(path), content);
  for (const auto& [link, target] : spec.symlinks) {
    if (symlinkat(target.c_str(), root, relative(link).c_str()) != 0) die("link " + link);
  }
  attach_binds(spec.binds, root);
  if (fchdir(root) != 0) die("enter the new root");
  if (alone) {
    // A user namespace may mount a /proc only where it sees one. Each jail's own covers this one.
    Root shared{.fd = root};
    mount_proc(shared);
    close(shared.proc);
    leave_old_root();
  }
  close(root);
}

Root here_as_root() {
  // A copy of a mount namespace has copies of the mounts, and only the working directory leads
  // there.
  Root root;
  root.fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root.fd < 0) die("open the new root");
  return root;
}

void enter_root(Root& root, ProgramSpec& spec, bool alone) {
  constexpr uint64_t kPlain = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  const std::string tmp_bytes = std::to_string(spec.header.tmp_bytes);
  const std::string shm_bytes = std::to_string(spec.header.tmp_bytes / 4);
  if (spec.header.layer != LayerKind::none) {
    for (Bind& bind : spec.binds) {
      if (bind.path == spec.workspace) make_layer(spec, root, bind.tree_fd);
    }
  }
  attach(new_filesystem("tmpfs", {{"size", tmp_bytes}, {"mode", "01777"}, {"nr_inodes", "65536"}},
                        kPlain),
         root.fd, "tmp");
  // Over the parts of the layer.
  attach(new_filesystem("tmpfs", {{"size", shm_bytes}, {"mode", "01777"}, {"nr_inodes", "4096"}},
                        kPlain | MOUNT_ATTR_NOEXEC),
         root.fd, STAGE);
  attach_binds(spec.binds, root.fd);
  for (const Cover& c : spec.covers) cover(c, root.fd);

  if (fchdir(root.fd) != 0) die("enter the new root");
  if (!alone) leave_old_root();
  mount_attr read_only{};
  read_only.attr_set = MOUNT_ATTR_RDONLY;
  if (syscall(SYS_mount_setattr, root.fd, "", AT_EMPTY_PATH, &read_only, sizeof read_only) != 0) {
    die("make the root read-only");
  }
  close(root.fd);
  root.fd = -1;
  if (chdir(spec.workspace.c_str()) != 0) die("chdir " + spec.workspace);
}

}  // namespace jail
