#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <sstream>

#include "sandbox/workspace/tree.h"

namespace sandbox {

namespace fs = std::filesystem;

namespace {

void look(const fs::path& at, const std::string& name, View view, std::string& out) {
  struct stat info {};
  if (lstat(at.c_str(), &info) != 0) {
    out += name + " ?\n";
    return;
  }
  char line[128];
  const bool top = name == ".";
  const bool timeless = (top && !view.top_time) || (S_ISDIR(info.st_mode) && !view.folder_times);
  snprintf(line, sizeof line, " %o %lld.%09ld", info.st_mode,
           timeless ? 0ll : static_cast<long long>(info.st_mtim.tv_sec),
           timeless ? 0l : info.st_mtim.tv_nsec);
  out += name + line;
  if (view.inodes && !top) out += " #" + std::to_string(info.st_ino);
  if (S_ISLNK(info.st_mode)) out += " -> " + fs::read_symlink(at).string();
  if (S_ISREG(info.st_mode)) {
    std::ifstream file(at, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    out += " " + std::to_string(info.st_size) + " " +
           std::to_string(std::hash<std::string>()(text.str()));
  }
  out += "\n";
  if (!S_ISDIR(info.st_mode)) return;
  const bool closed = (info.st_mode & 0500) != 0500;
  if (closed) chmod(at.c_str(), 0700);
  std::vector<std::string> names;
  if (DIR* dir = opendir(at.c_str())) {
    while (dirent* entry = readdir(dir)) names.push_back(entry->d_name);
    closedir(dir);
  }
  std::sort(names.begin(), names.end());
  for (const std::string& child : names) {
    if (child == "." || child == ".." || (top && child == ".tessera")) continue;
    look(at / child, top ? child : name + "/" + child, view, out);
  }
  if (closed) chmod(at.c_str(), info.st_mode & 07777);
}

/// In the child. Null, or what went wrong.
const char* mount_overlay(const fs::path& workspace, const fs::path& scratch) {
  const uid_t uid = geteuid();
  const gid_t gid = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return "unshare";
  auto put = [](const char* file, const std::string& text) {
    const int fd = open(file, O_WRONLY | O_CLOEXEC);
    const bool done = fd >= 0 && ::write(fd, text.data(), text.size()) > 0;
    if (fd >= 0) close(fd);
    return done;
  };
  const std::string u = std::to_string(uid), g = std::to_string(gid);
  if (!put("/proc/self/setgroups", "deny") || !put("/proc/self/uid_map", u + " " + u + " 1") ||
      !put("/proc/self/gid_map", g + " " + g + " 1")) {
    return "id maps";
  }
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "private mounts";
  if (mount("none", scratch.c_str(), "tmpfs", 0, "mode=755") != 0) return "tmpfs";
  for (const char* name : {"upper", "work", "view"}) mkdir((scratch / name).c_str(), 0755);
  const std::string options = "userxattr,lowerdir=" + workspace.string() +
                              ",upperdir=" + (scratch / "upper").string() +
                              ",workdir=" + (scratch / "work").string();
  if (mount("none", (scratch / "view").c_str(), "overlay", 0, options.c_str()) != 0) {
    return "overlay";
  }
  return chdir((scratch / "view").c_str()) == 0 ? nullptr : "chdir";
}

}  // namespace

std::string look_through(const fs::path& top, View view) {
  std::string out;
  look(top, ".", view, out);
  return out;
}

WorkspaceTest::WorkspaceTest() {
  options.durable = false;
  std::string name = fs::temp_directory_path() / "tessera-workspace-XXXXXX";
  base = mkdtemp(name.data());
  workspace = base / "workspace";
  for (const char* folder : {"workspace", "scratch", "upper"}) fs::create_directory(base / folder);
}

WorkspaceTest::~WorkspaceTest() {
  base::Result<base::UniqueFd> top = tree::open_top(base.parent_path());
  if (top) (void)tree::remove(top->get(), base.filename());
}

Layer WorkspaceTest::run(const std::function<void()>& work, std::string* view) {
  Layer layer;
  base::Result<Snapshot> before = take_snapshot(workspace, protect);
  EXPECT_TRUE(before) << before.error().message;
  if (before) layer.before = std::move(*before);
  int sockets[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
  const int text = memfd_create("view", MFD_CLOEXEC);
  const pid_t child = fork();
  if (child == 0) {
    const char* wrong = mount_overlay(workspace, base / "scratch");
    int upper = -1;
    if (wrong == nullptr) {
      umask(022);
      work();
      const std::string seen = view != nullptr ? look_through(".") : "";
      (void)!::write(text, seen.data(), seen.size());
      upper = open((base / "scratch/upper").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    std::string message = wrong == nullptr ? "ok" : std::string(wrong) + ": " + strerror(errno);
    iovec part{message.data(), message.size()};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    if (upper >= 0) {
      header.msg_control = control;
      header.msg_controllen = sizeof control;
      cmsghdr* rights = CMSG_FIRSTHDR(&header);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN(sizeof(int));
      memcpy(CMSG_DATA(rights), &upper, sizeof upper);
    }
    sendmsg(sockets[1], &header, 0);
    _exit(testing::Test::HasFailure() ? 1 : 0);
  }
  close(sockets[1]);
  char message[256] = {};
  iovec part{message, sizeof message - 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  (void)!recvmsg(sockets[0], &header, MSG_CMSG_CLOEXEC);
  close(sockets[0]);
  if (const cmsghdr* rights = CMSG_FIRSTHDR(&header)) {
    int fd = -1;
    memcpy(&fd, CMSG_DATA(rights), sizeof fd);
    layer.upper.reset(fd);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  if (view != nullptr) {
    view->resize(static_cast<size_t>(lseek(text, 0, SEEK_END)));
    EXPECT_EQ(pread(text, view->data(), view->size(), 0), static_cast<ssize_t>(view->size()));
  }
  close(text);
  EXPECT_TRUE(layer.upper) << "no overlay: " << message;
  return layer;
}

Layer WorkspaceTest::handmade(bool only_adds) {
  Layer layer;
  base::Result<Snapshot> before = take_snapshot(workspace, protect);
  EXPECT_TRUE(before) << before.error().message;
  if (before) layer.before = std::move(*before);
  layer.only_adds = only_adds;
  layer.upper.reset(open((base / "upper").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return layer;
}

ChangeSet WorkspaceTest::changes(const Layer& layer, const Quota& quota) {
  base::Result<ChangeSet> set = find_changes(layer, workspace, protect, quota);
  EXPECT_TRUE(set) << set.error().message;
  return set ? std::move(*set) : ChangeSet();
}

Journal WorkspaceTest::journal() {
  base::Result<Journal> journal = Journal::open(workspace, options);
  EXPECT_TRUE(journal) << journal.error().message;
  return std::move(*journal);
}

std::string WorkspaceTest::commit(const ChangeSet& set, const Layer& layer) {
  base::Result<Journal::Committed> done = journal().commit(set, layer, "a run", 1'700'000'000'000);
  return done ? done->id : done.error().message;
}

std::string WorkspaceTest::commit(const std::function<void()>& work) {
  const Layer layer = run(work);
  return commit(changes(layer), layer);
}

std::string WorkspaceTest::read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void WorkspaceTest::write(const fs::path& path, const std::string& text) {
  if (path.has_parent_path()) fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::string WorkspaceTest::list(const std::vector<Change>& changes) {
  std::string text;
  for (const Change& c : changes) {
    text += std::string(kind_name(c.kind)) + " " + (c.from.empty() ? "" : c.from + " -> ") +
            c.path + "\n";
  }
  return text;
}

}  // namespace sandbox
