// Where a group can be made:
//   version 2, unified   the caller's own group if it hands out controllers (the root group, or an
//   empty delegated
//                        one), else the parent folder, which under systemd belongs to the user
//   version 1            the caller's own group in the memory and in the pids hierarchy
// Both layouts are found by /proc/self/mountinfo (where a hierarchy is mounted) and
// /proc/self/cgroup (where we are).

#include "sandbox/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "sandbox/launcher/jail_spec.h"

namespace sandbox {

namespace {

std::string slurp(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool put(const std::string& path, const std::string& text) {
  int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  bool ok = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(fd);
  return ok;
}

bool has_word(const std::string& text, const std::string& word, char separator) {
  std::istringstream in(text);
  for (std::string item; std::getline(in, item, separator);) {
    if (!item.empty() && item.back() == '\n') item.pop_back();
    if (item == word) return true;
  }
  return false;
}

/// The number after `key` at the start of a line.
uint64_t value_of(const std::string& text, const std::string& key) {
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(key + " ", 0) == 0)
      return std::strtoull(line.c_str() + key.size() + 1, nullptr, 10);
  }
  return 0;
}

/// Our own folder in the hierarchy of `controller` ("" is version 2), or "".
std::string find_own_folder(const std::string& controller) {
  std::string own;
  std::istringstream groups(slurp("/proc/self/cgroup"));
  for (std::string line; std::getline(groups, line);) {
    size_t a = line.find(':');
    size_t b = a == line.npos ? a : line.find(':', a + 1);
    if (b == line.npos) continue;
    std::string names = line.substr(a + 1, b - a - 1);
    if (controller.empty() ? names.empty() : has_word(names, controller, ','))
      own = line.substr(b + 1);
  }
  if (own.empty()) return "";
  std::istringstream mounts(slurp("/proc/self/mountinfo"));
  for (std::string line; std::getline(mounts, line);) {
    // id parent major:minor ROOT PLACE options … - TYPE source SUPEROPTIONS
    std::istringstream in(line);
    std::string skip, root, place, word, type, source, super;
    in >> skip >> skip >> skip >> root >> place;
    while (in >> word && word != "-") {
    }
    in >> type >> source >> super;
    if (controller.empty() ? type != "cgroup2"
                           : (type != "cgroup" || !has_word(super, controller, ',')))
      continue;
    if (root != "/") {
      if (own.rfind(root, 0) != 0) continue;
      own = own.substr(root.size());
    }
    return own == "/" ? place : place + own;
  }
  return "";
}

/// The same, looked up once: who moves us later leaves these folders in place.
const std::string& own_folder(std::string_view controller) {
  static const std::string unified = find_own_folder(""), memory = find_own_folder("memory"),
                           pids = find_own_folder("pids");
  return controller.empty() ? unified : controller == "memory" ? memory : pids;
}

constexpr std::string_view kPrefix = jail::kGroupPrefix;

std::string unique_name() {
  uint64_t random = 0;
  if (getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random) random = 0;
  std::ostringstream name;
  name << kPrefix << getpid() << "-" << std::hex << random;
  return name.str();
}

}  // namespace

Cgroup Cgroup::create(std::string& detail) {
  Cgroup group;
  const std::string name = unique_name();
  detail = "no cgroup hierarchy is mounted";

  if (std::string own = own_folder(""); !own.empty()) {
    for (const std::string& parent : {own, own.substr(0, own.rfind('/'))}) {
      const std::string controllers = slurp(parent + "/cgroup.subtree_control");
      const bool has_memory = has_word(controllers, "memory", ' ');
      const bool has_pids = has_word(controllers, "pids", ' ');
      if (!has_memory && !has_pids) {
        detail = own + " hands out neither the memory nor the pids controller";
        continue;
      }
      const std::string folder = parent + "/" + name;
      if (mkdir(folder.c_str(), 0755) != 0) {
        detail = "mkdir in " + parent + ": " + strerror(errno);
        continue;
      }
      group.unified_ = true;
      group.folders_.push_back(folder);
      if (has_memory) group.memory_ = folder;
      if (has_pids) group.pids_ = folder;
      // A group that may not be entered is none.
      if (access((folder + "/cgroup.procs").c_str(), W_OK) == 0 &&
          access((parent + "/cgroup.procs").c_str(), W_OK) == 0) {
        break;
      }
      detail = parent + "/cgroup.procs is not writable";
      group = Cgroup();
    }
    if (!group.empty()) return group;
  }

  for (auto [controller, target] : {std::pair{"memory", &group.memory_}, {"pids", &group.pids_}}) {
    std::string own = own_folder(controller);
    if (own.empty()) continue;
    const std::string folder = own + "/" + name;
    if (mkdir(folder.c_str(), 0755) != 0) {
      detail = "mkdir in " + own + ": " + strerror(errno);
      continue;
    }
    group.folders_.push_back(folder);
    *target = folder;
  }
  return group;
}

void Cgroup::set_limits(uint64_t memory_bytes, uint64_t max_processes) {
  const std::string memory = std::to_string(memory_bytes);
  // Room for pid 1 of the jail and for the launcher's sampling to see an excess.
  const std::string processes = std::to_string(max_processes + 8);
  if (!memory_.empty()) {
    if (!put(memory_ + (unified_ ? "/memory.max" : "/memory.limit_in_bytes"), memory)) {
      memory_.clear();
    } else if (unified_) {
      put(memory_ + "/memory.swap.max", "0");
      put(memory_ + "/memory.oom.group", "1");
    } else {
      put(memory_ + "/memory.memsw.limit_in_bytes", memory);
    }
  }
  if (!pids_.empty() && !put(pids_ + "/pids.max", processes)) pids_.clear();
}

Cgroup::Cgroup(Cgroup&& other) noexcept
    : folders_(std::exchange(other.folders_, {})),
      memory_(std::exchange(other.memory_, {})),
      pids_(std::exchange(other.pids_, {})),
      unified_(other.unified_) {}

Cgroup& Cgroup::operator=(Cgroup&& other) noexcept {
  std::swap(folders_, other.folders_);
  std::swap(memory_, other.memory_);
  std::swap(pids_, other.pids_);
  std::swap(unified_, other.unified_);
  return *this;
}

Cgroup::~Cgroup() {
  for (const std::string& folder : folders_) {
    // The last process is reaped, but its group may take a moment to notice.
    for (int i = 0; i < 100 && rmdir(folder.c_str()) != 0 && errno == EBUSY; ++i) {
      const timespec pause{0, 1'000'000};
      nanosleep(&pause, nullptr);
    }
  }
}

base::Result<std::vector<base::UniqueFd>> Cgroup::open() const {
  std::vector<base::UniqueFd> fds;
  for (const std::string& folder : folders_) {
    base::UniqueFd fd(unified_ ? ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)
                               : ::open((folder + "/tasks").c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) return base::Error{base::Errc::refused, "open " + folder + ": " + strerror(errno)};
    fds.push_back(std::move(fd));
  }
  return fds;
}

std::vector<std::string> Cgroup::parents() {
  std::vector<std::string> folders;
  for (const char* controller : {"", "memory", "pids"}) {
    const std::string own = own_folder(controller);
    if (own.empty()) continue;
    folders.push_back(own);
    if (controller[0] == '\0') folders.push_back(own.substr(0, own.rfind('/')));
  }
  return folders;
}

void Cgroup::sweep() {
  for (const std::string& parent : parents()) {
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator(parent, ec)) {
      const std::string name = entry.path().filename().string();
      if (name.rfind(kPrefix, 0) != 0) continue;
      const pid_t maker =
          static_cast<pid_t>(std::strtol(name.c_str() + kPrefix.size(), nullptr, 10));
      // One with processes in it cannot be removed anyway.
      if (maker > 0 && kill(maker, 0) != 0 && errno == ESRCH) rmdir(entry.path().c_str());
    }
  }
}

uint64_t Cgroup::peak_bytes() const {
  if (memory_.empty()) return 0;
  return std::strtoull(
      slurp(memory_ + (unified_ ? "/memory.peak" : "/memory.max_usage_in_bytes")).c_str(), nullptr,
      10);
}

bool Cgroup::out_of_memory() const {
  if (memory_.empty()) return false;
  return value_of(slurp(memory_ + (unified_ ? "/memory.events" : "/memory.oom_control")),
                  "oom_kill") > 0;
}

}  // namespace sandbox
