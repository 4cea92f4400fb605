// The host side of the escape suite. The test process is a subreaper, so that whatever a program
// leaves behind on the host becomes a child of it and can be counted and ended.

#include "scene.h"

#include "sandbox/workspace/journal.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fts.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <thread>

namespace sandbox {

namespace fs = std::filesystem;
using base::UniqueFd;

namespace {

constexpr const char* kKeyName = "tessera-test-key";

std::string read_file(const fs::path& path, size_t most = 1 << 20) {
  std::ifstream file(path, std::ios::binary);
  std::string text(most, '\0');
  file.read(text.data(), static_cast<std::streamsize>(most));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

void write_file(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

std::string random_hex() {
  std::random_device device;
  std::ostringstream text;
  text << std::hex << device() << device() << device();
  return text.str();
}

UniqueFd listen_unix(const std::string& name, int type) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  EXPECT_LT(name.size(), sizeof address.sun_path);
  memcpy(address.sun_path, name.data(), name.size());
  UniqueFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size())),
            0)
      << name << ": " << strerror(errno);
  if (type == SOCK_STREAM) {
    EXPECT_EQ(::listen(fd.get(), 64), 0);
  }
  return fd;
}

/// The number of the port that it got, or 0.
template <class Address>
int bind_any(const UniqueFd& fd, Address address, in_port_t Address::*port) {
  socklen_t size = sizeof address;
  if (!fd || bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return 0;
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.*port);
}

/// Whether something has come in. Takes it.
bool heard(const UniqueFd& fd) {
  bool any = false;
  for (;;) {
    UniqueFd peer(accept4(fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer) break;
    any = true;
  }
  char byte;
  while (recv(fd.get(), &byte, 1, MSG_DONTWAIT) >= 0) any = true;
  return any;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return tolower(c); });
  return text;
}

bool has_protected_name(const std::string& relative) {
  for (const fs::path& part : fs::path(relative)) {
    const std::string name = lower(part.string());
    for (const char* taboo : {".git", ".vscode", ".idea", ".envrc", ".tessera"}) {
      if (name == taboo) return true;
    }
  }
  return false;
}

/// Walks without following links and however deep it is: visit(entry, path relative to `top`).
template <class Visit>
void walk(const fs::path& top, Visit visit) {
  std::string start = top.string();
  char* roots[] = {start.data(), nullptr};
  // Changes the current folder as it goes, which is why paths may be longer than PATH_MAX.
  FTS* tree = fts_open(roots, FTS_PHYSICAL, nullptr);
  if (tree == nullptr) return;
  while (FTSENT* entry = fts_read(tree)) {
    if (entry->fts_info == FTS_DP || entry->fts_level == 0) continue;
    visit(*entry, std::string(entry->fts_path).substr(start.size() + 1));
  }
  fts_close(tree);
}

std::string link_target(const FTSENT& entry) {
  char target[4096];
  const ssize_t n = readlink(entry.fts_accpath, target, sizeof target);
  return n < 0 ? "" : std::string(target, static_cast<size_t>(n));
}

}  // namespace

std::vector<pid_t> children() {
  std::vector<pid_t> pids;
  std::error_code ec;
  for (const auto& task : fs::directory_iterator("/proc/self/task", ec)) {
    std::istringstream text(read_file(task.path() / "children"));
    for (pid_t pid = 0; text >> pid;) pids.push_back(pid);
  }
  return pids;
}

Scene::Scene() {
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  std::string name = (fs::temp_directory_path() / "tessera-test-XXXXXX").string();
  base_ = mkdtemp(name.data());
  chmod(base_.c_str(), 0755);
  id_ = base_.filename().string();
  workspace_ = base_ / "workspace";
  outside_ = base_ / "outside";
  secret_ = base_ / "secret.txt";
  home_ = base_ / "home";
  token_ = "TESSERA-SECRET-" + random_hex();
  write_file(secret_, token_ + "\n");
  write_file(outside_ / "kept.txt", "kept as it is\n");
  write_file(home_ / ".ssh/id_ed25519", token_ + "\n");
  write_file(home_ / ".aws/credentials", token_ + "\n");
  write_file(home_ / ".bashrc", "# mine\n");
  write_file(home_ / ".profile", "# mine\n");
  write_file(workspace_ / "notes.txt", "my notes\n");
  write_file(workspace_ / "sub/inner.txt", "inner\n");
  write_file(workspace_ / ".git/config", "[core]\n");
  write_file(workspace_ / ".git/hooks/sample", "");
  write_file(workspace_ / "vendor/sub/.git/config", "[core]\n");

  targets_ = {{"OUTSIDE", outside_.string()},
              {"SECRET", secret_.string()},
              {"USER_HOME", home_.string()},
              {"ID", id_},
              {"KEY_NAME", kKeyName}};
  start_victim();
  leak_descriptors();  // before anything of ours takes the numbers
  listen();
  share_memory();
  // A session keyring of our own, so that the person's is left alone.
  if (syscall(SYS_keyctl, 1 /* JOIN_SESSION_KEYRING */, nullptr) > 0) {
    syscall(SYS_add_key, "user", kKeyName, token_.data(), token_.size(), -3 /* session */);
  }
  // A file_handle with room for what lies behind it: size, type, bytes.
  unsigned handle[2 + 32] = {128, 0};
  int mount_id = 0;
  std::ostringstream text;
  if (name_to_handle_at(AT_FDCWD, outside_.c_str(), reinterpret_cast<file_handle*>(handle),
                        &mount_id, 0) == 0) {
    handles_ = true;
    text << std::hex << handle[1] << ':';
    const auto* bytes = reinterpret_cast<const unsigned char*>(handle + 2);
    for (unsigned i = 0; i < handle[0]; ++i) {
      text << (bytes[i] < 16 ? "0" : "") << static_cast<unsigned>(bytes[i]);
    }
  }
  targets_.push_back({"HANDLE", text.str()});
  setenv("TESSERA_API_KEY", token_.c_str(), 1);
  setenv("SSH_AUTH_SOCK", (outside_ / "service.sock").c_str(), 1);
  outside_before_ = snapshot(base_);
  workspace_before_ = snapshot(workspace_);
}

Scene::~Scene() {
  unsetenv("TESSERA_API_KEY");
  unsetenv("SSH_AUTH_SOCK");
  for (int fd : leaked_) close(fd);
  listeners_.clear();
  end_children();
  if (shm_id_ >= 0) shmctl(shm_id_, IPC_RMID, nullptr);
  if (!shm_name_.empty()) shm_unlink(shm_name_.c_str());
  std::error_code ec;
  // What a control of left_in_tmp made.
  for (const char* folder : {"/tmp/", "/var/tmp/", "/dev/shm/"}) {
    fs::remove(folder + id_ + "-left", ec);
  }
  // A tree may be deeper than remove_all() can go.
  (void)run_outside(
      {"/bin/sh", "-c", "chmod -R u+rwx \"$0\" 2> /dev/null; rm -rf \"$0\"", base_.string()},
      20'000, false);
  EXPECT_FALSE(fs::exists(base_, ec)) << base_;
}

void Scene::start_victim() {
  int ready[2];
  ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
  const std::string program = TESSERA_PROGRAMS "/actors-victim";
  const std::string key = "TESSERA_API_KEY=" + token_;
  victim_ = fork();
  if (victim_ == 0) {
    dup2(ready[1], 1);
    (void)!chdir(outside_.c_str());
    execle(program.c_str(), "victim", secret_.c_str(), token_.c_str(), nullptr,
           std::vector<const char*>{key.c_str(), nullptr}.data());
    _exit(127);
  }
  close(ready[1]);
  std::string address;
  char buffer[64];
  for (ssize_t n = 0; (n = read(ready[0], buffer, sizeof buffer)) > 0;)
    address.append(buffer, static_cast<size_t>(n));
  close(ready[0]);
  ASSERT_FALSE(address.empty()) << program;
  address.pop_back();
  targets_.push_back({"VICTIM", std::to_string(victim_)});
  targets_.push_back({"ADDRESS", address});
}

void Scene::listen() {
  constexpr int kFlags = SOCK_CLOEXEC | SOCK_NONBLOCK;
  UniqueFd tcp4(socket(AF_INET, SOCK_STREAM | kFlags, 0));
  UniqueFd tcp6(socket(AF_INET6, SOCK_STREAM | kFlags, 0));
  UniqueFd udp(socket(AF_INET, SOCK_DGRAM | kFlags, 0));
  int on = 1;
  // 5: the queue of connections that send data at once.
  setsockopt(tcp4.get(), IPPROTO_TCP, 23 /* TCP_FASTOPEN */, &on, sizeof on);
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_addr = in6addr_loopback;
  const int port4 = bind_any(tcp4, four, &sockaddr_in::sin_port);
  const int port6 = bind_any(tcp6, six, &sockaddr_in6::sin6_port);
  const int port_udp = bind_any(udp, four, &sockaddr_in::sin_port);
  EXPECT_NE(port4, 0);
  EXPECT_NE(port_udp, 0);
  ipv6_ = port6 != 0;
  ::listen(tcp4.get(), 64);
  if (ipv6_) ::listen(tcp6.get(), 64);
  targets_.push_back({"TCP4", std::to_string(port4)});
  targets_.push_back({"TCP6", std::to_string(port6)});
  targets_.push_back({"UDP", std::to_string(port_udp)});
  const std::string abstract = "tessera-" + token_.substr(15);
  targets_.push_back({"SOCKET_OUTSIDE", (outside_ / "service.sock").string()});
  targets_.push_back({"ABSTRACT", abstract});
  listeners_.emplace_back("127.0.0.1", std::move(tcp4));
  if (ipv6_) listeners_.emplace_back("::1", std::move(tcp6));
  listeners_.emplace_back("the resolver", std::move(udp));
  listeners_.emplace_back("the socket outside",
                          listen_unix((outside_ / "service.sock").string(), SOCK_STREAM));
  listeners_.emplace_back("the socket in the workspace",
                          listen_unix((workspace_ / "service.sock").string(), SOCK_STREAM));
  listeners_.emplace_back("the datagram socket in the workspace",
                          listen_unix((workspace_ / "datagram.sock").string(), SOCK_DGRAM));
  listeners_.emplace_back("the abstract socket",
                          listen_unix(std::string(1, '\0') + abstract, SOCK_STREAM));
}

void Scene::share_memory() {
  shm_id_ = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  void* memory = shm_id_ < 0 ? nullptr : shmat(shm_id_, nullptr, 0);
  if (memory != nullptr && memory != reinterpret_cast<void*>(-1)) {
    memcpy(memory, token_.c_str(), token_.size() + 1);
    shmdt(memory);
  }
  shm_name_ = "/" + id_ + "-memory";
  UniqueFd fd(shm_open(shm_name_.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  EXPECT_EQ(write(fd.get(), token_.data(), token_.size()), static_cast<ssize_t>(token_.size()));
  targets_.push_back({"SHM_ID", std::to_string(shm_id_)});
  targets_.push_back({"SHM_NAME", shm_name_.substr(1)});
}

void Scene::leak_descriptors() {
  UniqueFd low_folder(open(outside_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  UniqueFd low_file(open(secret_.c_str(), O_RDONLY | O_CLOEXEC));
  UniqueFd folder(fcntl(low_folder.get(), F_DUPFD_CLOEXEC, 300));
  UniqueFd file(fcntl(low_file.get(), F_DUPFD_CLOEXEC, 300));
  low_folder.reset();
  low_file.reset();
  for (auto [number, source] :
       {std::pair{8, folder.get()}, {9, file.get()}, {200, folder.get()}, {201, file.get()}}) {
    if (fcntl(number, F_GETFD) >= 0) {
      const std::string at = "/proc/self/fd/" + std::to_string(number);
      ADD_FAILURE() << "descriptor " << number << " is taken by " << fs::read_symlink(at);
      continue;
    }
    dup2(source, number);
    leaked_.push_back(number);
  }
}

Scene::Tree Scene::snapshot(const fs::path& top) {
  Tree tree;
  walk(top, [&](const FTSENT& entry, const std::string& path) {
    struct stat info {};
    if (lstat(entry.fts_accpath, &info) != 0) return;
    std::ostringstream text;
    text << std::oct << info.st_mode << ' ';
    if (S_ISLNK(info.st_mode)) text << link_target(entry);
    if (S_ISREG(info.st_mode)) text << read_file(entry.fts_accpath);
    tree[path] = text.str();
  });
  return tree;
}

std::vector<std::string> Scene::after_run() const {
  std::vector<std::string> found;
  const fs::path real = fs::canonical(workspace_);
  walk(workspace_, [&](const FTSENT& entry, const std::string& path) {
    struct stat info {};
    if (lstat(entry.fts_accpath, &info) != 0) return;
    const std::string shown = path.size() > 200 ? path.substr(0, 200) + "…" : path;
    const auto before = workspace_before_.find(path);
    const auto add = [&](const char* what) { found.push_back("left " + shown + ": " + what); };
    if (S_ISLNK(info.st_mode)) {
      const fs::path parent = fs::path(entry.fts_path).parent_path();
      const fs::path target = fs::weakly_canonical(parent / link_target(entry)).lexically_normal();
      const fs::path relative = target.lexically_relative(real);
      if (relative.empty() || *relative.begin() == "..") add("a link that leads out");
    } else if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) {
      if (before == workspace_before_.end()) add("a special file");
    } else if ((info.st_mode & (S_ISUID | S_ISGID)) != 0) {
      add("set-uid or set-gid");
    }
    if (std::count(path.begin(), path.end(), '/') == 64)
      found.push_back("left a tree that is more than 64 folders deep");
    // The journal's own; a program's would lie beside it or not be listed there.
    const bool journal = path.rfind(".tessera/undo/", 0) == 0 || path == ".tessera/.gitignore";
    if (has_protected_name(path) && !journal && !S_ISDIR(info.st_mode)) {
      std::ostringstream text;
      text << std::oct << info.st_mode << ' '
           << (S_ISREG(info.st_mode) ? read_file(entry.fts_accpath) : "");
      if (before == workspace_before_.end()) {
        add("planted");
      } else if (before->second != text.str()) {
        add("changed");
      }
    }
  });
  for (const auto& [path, text] : workspace_before_) {
    struct stat info {};
    if (has_protected_name(path) && lstat((workspace_ / path).c_str(), &info) != 0)
      found.push_back("left " + path + ": removed");
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<std::string> Scene::what_happened() {
  std::vector<std::string> lines = after_run();
  const std::string inner = workspace_.filename().string();
  Tree now = snapshot(base_);
  for (const auto& [path, text] : outside_before_) {
    if (*fs::path(path).begin() == inner) continue;
    const auto it = now.find(path);
    if (it == now.end()) {
      lines.push_back("outside: removed " + path);
    } else if (it->second != text) {
      lines.push_back("outside: changed " + path);
    }
  }
  for (const auto& [path, text] : now) {
    const std::string top = fs::path(path).begin()->string();
    if (top == inner || top.rfind("control.", 0) == 0) continue;
    if (outside_before_.count(path) == 0) lines.push_back("outside: new " + path);
  }
  for (const auto& [name, fd] : listeners_) {
    if (heard(fd)) lines.push_back("heard at " + name);
  }
  if (waitpid(victim_, nullptr, WNOHANG) != 0) {
    victim_ = -1;
    lines.push_back("the victim is dead");
  }
  // What was killed may take a moment to be gone; a daemon stays.
  std::vector<pid_t> left;
  for (int i = 0; i < 100; ++i) {
    left = children();
    left.erase(std::remove(left.begin(), left.end(), victim_), left.end());
    for (pid_t pid : left) waitpid(pid, nullptr, WNOHANG);
    if (left.empty()) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  if (!left.empty()) lines.push_back("a process is left");
  return lines;
}

std::string Scene::lacks(const std::string& needs) const {
  if (needs == "root" && geteuid() != 0) return "needs root";
  if (needs == "user" && geteuid() == 0) return "root may do all that";
  if (needs == "ipv6" && !ipv6_) return "this machine has no ::1";
  if (needs == "handles" && (geteuid() != 0 || !handles_)) return "needs root and file handles";
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (needs == "descriptors" && limit.rlim_max < 8100) return "fewer descriptors are allowed";
  return "";
}

std::string Scene::script(const Threat& threat) const {
  std::string text = "local TARGET = {";
  for (const auto& [key, value] : targets_) text += key + " = \"" + value + "\", ";
  return text + "} " + read_file(fs::path(TESSERA_ESCAPE_SOURCES) / threat.program);
}

std::vector<std::string> Scene::command(const Threat& threat) const {
  const fs::path source = fs::path(TESSERA_ESCAPE_SOURCES) / threat.program;
  std::vector<std::string> argv;
  const std::string kind = source.extension().string();
  if (kind == ".c") {
    std::string built = fs::path(threat.program).replace_extension().string();
    std::replace(built.begin(), built.end(), '/', '-');
    argv = {std::string(TESSERA_PROGRAMS "/") + built};
  } else if (kind == ".lua") {
    argv = {"/usr/bin/lua5.4", (base_ / "control.lua").string()};
  } else if (kind == ".py") {
    argv = {"/usr/bin/python3", "-B", source.string()};
  } else {
    const bool bash = read_file(source, 11) == "#!/bin/bash";
    argv = {bash ? "/bin/bash" : "/bin/sh", source.string()};
  }
  argv.insert(argv.end(), threat.args.begin(), threat.args.end());
  return argv;
}

/// As a person's run does: what can be kept comes into the workspace, else nothing.
void Scene::commit(const Layer& layer, const policies::Policy& policy) {
  base::Result<ChangeSet> changes = find_changes(layer, workspace_, policy.protect, {});
  if (!changes) return;
  base::Result<Journal> journal = Journal::open(workspace_);
  ASSERT_TRUE(journal) << journal.error().message;
  auto committed = journal->commit(*changes, layer, "test", 0);
  ASSERT_TRUE(committed) << committed.error().message;
}

Seen Scene::inside(const Threat& threat) {
  Program program;
  program.argv = command(threat);
  program.env = targets_;
  program.workspace = workspace_;
  program.workspace_writable = true;
  // TESSERA_ON_A_COPY=1 tries it all as where no overlay can be mounted.
  program.on_a_copy = getenv("TESSERA_ON_A_COPY") != nullptr;
  program.mounts = {{TESSERA_ESCAPE_SOURCES, false}};
  const policies::Policy policy = policy_of(threat);
  Seen seen;
  std::thread killer;
  if (threat.kill_launcher) {
    // Mounted by itself, because what is written to the layer is not seen here.
    const fs::path mark = workspace_ / "daemon-runs";
    std::ofstream(mark).close();
    program.mounts.push_back({mark, true});
    killer = std::thread([this, mark] {
      for (int i = 0; i < 1000 && fs::file_size(mark) == 0; ++i) usleep(5'000);
      for (pid_t pid : children()) {
        if (pid != victim_) kill(pid, SIGKILL);
      }
    });
  }
  const auto once = [&] {
    seen = {};
    base::Result<Outcome> outcome = run(program, policy, {});
    if (!outcome) {
      seen.end = "error: " + outcome.error().message;
      return;
    }
    seen.out = outcome->out;
    seen.all_output = outcome->out + outcome->err + outcome->events;
    seen.end = describe(*outcome) + (seen.out.empty() ? "" : ": " + seen.out);
    testing::Test::RecordProperty("wall_ms", static_cast<int>(outcome->wall.count()));
    if (outcome->layer) commit(*outcome->layer, policy);
  };
  for (int i = 0; i < threat.runs; ++i) {
    if (!threat.terminal) {
      once();
      continue;
    }
    // In a session with a terminal of its own, which this process may not have.
    UniqueFd master(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    grantpt(master.get());
    unlockpt(master.get());
    const std::string name = ptsname(master.get());
    pid_t pid = fork();
    if (pid == 0) {
      setsid();
      if (open(name.c_str(), O_RDWR) < 0) _exit(2);
      once();
      std::ofstream(base_ / "control.end") << seen.end;
      _exit(0);
    }
    int state = 0;
    waitpid(pid, &state, 0);
    seen.end = read_file(base_ / "control.end");
    char byte;
    if (read(master.get(), &byte, 1) == 1) seen.host.push_back("typed into the terminal");
  }
  if (killer.joinable()) killer.join();
  while (!seen.end.empty() && seen.end.back() == '\n') seen.end.pop_back();
  for (const std::string& line : what_happened()) seen.host.push_back(line);
  return seen;
}

std::pair<int, std::string> Scene::run_outside(const std::vector<std::string>& argv, int limit_ms,
                                               bool terminal) {
  const fs::path out = base_ / "control.out";
  UniqueFd master(terminal ? posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC) : -1);
  std::string name;
  if (terminal) {
    grantpt(master.get());
    unlockpt(master.get());
    name = ptsname(master.get());
  }
  pid_t pid = fork();
  if (pid == 0) {
    int fd = open(out.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644);
    int err = open((base_ / "control.err").c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644);
    int nothing = open("/dev/null", O_RDONLY);
    setsid();
    if (terminal) nothing = open(name.c_str(), O_RDWR);
    dup2(nothing, 0);
    dup2(fd, 1);
    dup2(err, 2);
    for (int done : {fd, err, nothing}) {
      if (done > 2) close(done);
    }
    if (chdir(workspace_.c_str()) != 0 && chdir("/") != 0) _exit(126);
    for (const auto& [key, value] : targets_) setenv(key.c_str(), value.c_str(), 1);
    setenv("HOME", home_.c_str(), 1);
    setenv("CONTROL", "1", 1);
    // A parent in between keeps the environment that exec hands down, as a launcher would.
    std::vector<std::string> words{"/bin/sh", "-c", "\"$@\"; code=$?; exit $code", "sh"};
    words.insert(words.end(), argv.begin(), argv.end());
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    execv("/bin/sh", pointers.data());
    _exit(127);
  }
  int state = 0;
  for (int waited = 0;; waited += 5) {
    if (waitpid(pid, &state, WNOHANG) == pid) break;
    if (waited >= limit_ms) {
      kill(pid, SIGTERM);
      usleep(20'000);
      // Of the whole session, and of those who left it end_children() takes care.
      kill(-pid, SIGKILL);
      waitpid(pid, &state, 0);
      return {-1, read_file(out)};
    }
    usleep(5'000);
  }
  return {state, read_file(out)};
}

Seen Scene::control(const Threat& threat) {
  std::vector<std::string> argv = command(threat);
  if (argv[0] == "/usr/bin/lua5.4") write_file(base_ / "control.lua", script(threat));
  if (const char* peer = getenv("TESSERA_ESCAPE_PEER")) {
    std::vector<std::string> words;
    std::istringstream text(peer);
    for (std::string word; text >> word;) {
      if (word == "{workspace}") word = workspace_.string();
      if (word == "{programs}") word = TESSERA_ESCAPE_SOURCES;
      words.push_back(word);
    }
    argv.insert(argv.begin(), words.begin(), words.end());
  }
  const bool endless = threat.group == "time" || threat.group == "lua_time";
  Seen seen;
  for (int i = 0; i < threat.runs; ++i) {
    const auto [state, text] = run_outside(argv, endless ? 350 : 30'000, threat.terminal);
    seen.out = text;
    seen.all_output = text + read_file(base_ / "control.err");
    seen.end = state == -1        ? "still running"
               : WIFEXITED(state) ? "exit code " + std::to_string(WEXITSTATUS(state))
                                  : "killed by signal " + std::to_string(WTERMSIG(state));
    if (!text.empty()) seen.end += ": " + text;
  }
  while (!seen.end.empty() && seen.end.back() == '\n') seen.end.pop_back();
  seen.host = what_happened();
  end_children();
  return seen;
}

void Scene::end_children() {
  // Those of the children become ours when their parent dies, so until there are none.
  for (int i = 0; i < 2000; ++i) {
    const std::vector<pid_t> pids = children();
    if (pids.empty()) return;
    for (pid_t pid : pids) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
    }
  }
  victim_ = -1;
}

}  // namespace sandbox
