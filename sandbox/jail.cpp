// From a Program and a Policy to the launcher's specification. Paths are made canonical here, once:
// the launcher follows no link in them, so one that changes in between makes the run fail rather
// than lead somewhere else.

#include "sandbox/jail.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "base/layout.h"
#include "policies/never.h"
#include "sandbox/cgroup.h"
#include "sandbox/launcher/jail_spec.h"
#include "sandbox/seccomp_filter.h"

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;
namespace fs = std::filesystem;

constexpr size_t kMaxArgumentBytes = 1 << 20;
constexpr size_t kMaxMounts = 64;
/// Of the listener in the jail's own network, where nobody else is.
constexpr uint16_t kProxyPort = 3128;

/// Folders of the system that every program sees, if they exist. Those that are links at the root
/// stay links.
constexpr const char* kSystem[] = {"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"};
constexpr const char* kSystemParts[] = {"/etc/fonts", "/etc/alternatives", "/etc/ld.so.cache",
                                        "/var/cache/fontconfig"};
/// Nothing in or around these can be a workspace or a mount. /tmp is here for itself only.
constexpr const char* kNeverInside[] = {"/usr",   "/etc",   "/bin",    "/sbin", "/lib",
                                        "/lib32", "/lib64", "/libx32", "/proc", "/sys",
                                        "/dev",   "/run",   "/boot"};
constexpr const char* kNeverAround[] = {"/tmp", "/var", "/home",  "/root",
                                        "/opt", "/mnt", "/media", "/srv"};

bool is_below(const fs::path& path, const fs::path& folder) {
  auto [end, ignored] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  return end == folder.end();
}

template <class Header>
struct SpecWriter {
  std::string bytes = std::string(sizeof(Header), '\0');

  void add(jail::Record kind, std::string_view payload) {
    jail::JailRecord record{kind, static_cast<uint32_t>(payload.size())};
    bytes.append(reinterpret_cast<const char*>(&record), sizeof record);
    bytes.append(payload);
  }
  void add(jail::Record kind, std::string_view first, std::string_view second) {
    std::string pair(first);
    pair += '\0';
    pair += second;
    add(kind, pair);
  }
  std::string finish(Header header, const char (&magic)[8]) {
    memcpy(header.magic, magic, sizeof header.magic);
    header.total_bytes = bytes.size();
    memcpy(bytes.data(), &header, sizeof header);
    return std::move(bytes);
  }
};

/// The home that the system knows us by, or "".
fs::path find_listed_home() {
  char buffer[4096];
  passwd entry{}, *found = nullptr;
  if (getpwuid_r(getuid(), &entry, buffer, sizeof buffer, &found) != 0 || found == nullptr ||
      found->pw_dir == nullptr || found->pw_dir[0] != '/') {
    return {};
  }
  return found->pw_dir;
}

std::vector<fs::path> homes() {
  // Looked up once: it may mean to ask a server.
  static const fs::path listed = find_listed_home();
  std::vector<fs::path> result;
  if (const char* home = getenv("HOME"); home != nullptr && home[0] == '/') result.push_back(home);
  if (!listed.empty() && (result.empty() || result.front() != listed)) result.push_back(listed);
  for (fs::path& home : result) {
    std::error_code ec;
    if (fs::path real = fs::canonical(home, ec); !ec) home = real;
  }
  return result;
}

/// The canonical form of a path of the host that the program is to see. `what` names it in
/// messages.
Result<fs::path> visible_path(const fs::path& path, const std::string& what) {
  if (path.native().find('\0') != std::string::npos || path.empty()) {
    return Error{Errc::usage, what + ": not a path"};
  }
  std::error_code ec;
  fs::path real = fs::canonical(path, ec);
  if (ec) return Error{Errc::not_found, what + " " + path.string() + ": " + ec.message()};
  for (const char* folder : kNeverInside) {
    if (is_below(real, folder) || is_below(folder, real)) {
      return Error{Errc::refused, what + " " + real.string() + " belongs to the system"};
    }
  }
  for (const char* folder : kNeverAround) {
    if (is_below(folder, real)) {
      return Error{Errc::refused, what + " " + real.string() +
                                      " holds more than one project; choose a folder in it"};
    }
  }
  for (const fs::path& home : homes()) {
    if (is_below(home, real)) {
      return Error{Errc::refused,
                   what + " " + real.string() + " holds your home folder; choose a folder in it"};
    }
  }
  return real;
}

bool is_system(const fs::path& path) {
  return std::any_of(std::begin(kSystem), std::end(kSystem),
                     [&](const char* folder) { return is_below(path, folder); });
}

Status check_text(const Program& program) {
  if (program.argv.empty() || program.argv[0].empty())
    return Error{Errc::usage, "no program given"};
  size_t total = 0;
  for (const std::string& argument : program.argv) {
    total += argument.size() + 1;
    if (argument.find('\0') != std::string::npos)
      return Error{Errc::usage, "argument with a NUL byte"};
  }
  for (const auto& [name, value] : program.env) {
    total += name.size() + value.size() + 2;
    if (name.empty() || name.find('=') != std::string::npos ||
        name.find('\0') != std::string::npos || value.find('\0') != std::string::npos) {
      return Error{Errc::usage, "environment: \"" + name + "\" cannot be set"};
    }
  }
  if (total > kMaxArgumentBytes)
    return Error{Errc::limit, "more than 1 MiB of arguments and environment"};
  return Ok{};
}

}  // namespace

Result<fs::path> find_launcher() {
  fs::path place;
  if (const char* given = getenv("TESSERA_LAUNCHER"); given != nullptr && given[0] != '\0') {
    place = given;  // the only one, so that a wrong value is noticed
  } else {
    place = base::find_part(base::Part::launcher);
  }
  if (access(place.c_str(), X_OK) == 0) return place;
  return Error{Errc::refused,
               "the launcher is missing" + (place.empty() ? "" : ": " + place.string()) +
                   "; install tessera-launcher beside the program or set TESSERA_LAUNCHER"};
}

Result<JailBase> prepare_base(Owner owner) {
  JailBase result;
  Result<fs::path> launcher = find_launcher();
  if (!launcher) return launcher.error();
  result.launcher = *launcher;
  result.owner = owner;
  SpecWriter<jail::BaseHeader> spec;
  for (const char* folder : kSystem) {
    std::error_code ec;
    fs::file_status status = fs::symlink_status(folder, ec);
    if (fs::is_symlink(status)) {
      spec.add(jail::Record::symlink, folder, fs::read_symlink(folder, ec).string());
    } else if (fs::is_directory(status)) {
      spec.add(jail::Record::bind_read_only, folder);
    }
  }
  for (const char* part : kSystemParts) {
    struct stat entry {};
    if (lstat(part, &entry) == 0 && !S_ISLNK(entry.st_mode))
      spec.add(jail::Record::bind_read_only, part);
  }
  std::error_code no_zone;
  if (fs::path zone = fs::canonical("/etc/localtime", no_zone); !no_zone && is_system(zone)) {
    spec.add(jail::Record::symlink, "/etc/localtime", zone.string());
  }
  spec.add(jail::Record::file, "/etc/passwd", "user:x:1000:1000:user:/tmp:/bin/sh\n");
  spec.add(jail::Record::file, "/etc/group", "user:x:1000:\n");
  spec.add(jail::Record::file, "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n");
  for (const std::string& folder : Cgroup::parents()) spec.add(jail::Record::group_parent, folder);
  jail::BaseHeader header{};
  header.supervisor_pid = getpid();
  header.owner_uid = owner.uid;
  header.owner_gid = owner.gid;
  result.spec = spec.finish(header, jail::kBaseMagic);
  return result;
}

Result<Jail> prepare(const Program& program, const policies::Policy& policy) {
  if (Status s = check_text(program); !s) return s.error();
  Jail result;
  // Function-local so that they are built once; they depend on nothing but the build.
  static const Result<std::string> without_network = build_seccomp_filter(false);
  static const Result<std::string> with_network = build_seccomp_filter(true);
  result.proxy = program.network && !policy.network.none();
  const Result<std::string>& filter = result.proxy ? with_network : without_network;
  if (!filter) return filter.error();

  Result<fs::path> workspace = visible_path(program.workspace, "workspace");
  if (!workspace) return workspace.error();
  result.workspace = *workspace;
  if (program.workspace_writable && policy.workspace_writable)
    result.layer = program.only_adds   ? jail::LayerKind::out
                   : program.on_a_copy ? jail::LayerKind::copy
                                       : jail::LayerKind::overlay;
  // What the program sees as its workspace is not the workspace itself.
  const bool layered =
      result.layer == jail::LayerKind::overlay || result.layer == jail::LayerKind::copy;
  struct stat info {};
  if (stat(workspace->c_str(), &info) != 0) {
    return Error{Errc::not_found, "workspace " + workspace->string() + ": " + strerror(errno)};
  }
  if (!S_ISDIR(info.st_mode))
    return Error{Errc::usage, "workspace " + workspace->string() + ": not a folder"};

  SpecWriter<jail::ProgramHeader> spec;
  // An ordered map, so that a folder is mounted before what lies in it.
  std::map<std::string, bool> binds;
  binds[workspace->string()] = false;
  std::vector<Mount> mounts = program.mounts;
  for (const fs::path& path : policy.paths.read) mounts.push_back({path, false});
  for (const fs::path& path : policy.paths.write) mounts.push_back({path, true});
  // Links may lead elsewhere than when the policy was read.
  const char* home = getenv("HOME");
  for (size_t i = program.mounts.size(); i < mounts.size(); ++i) {
    std::error_code ec;
    const fs::path real = fs::canonical(mounts[i].path, ec);
    const std::string reason = policies::never_reason(real, home ? home : "", mounts[i].writable);
    if (!ec && !reason.empty())
      return Error{Errc::refused, "the policy's path " + mounts[i].path.string() + " " + reason};
  }
  if (mounts.size() > kMaxMounts) return Error{Errc::limit, "more than 64 mounts"};
  for (const Mount& mount : mounts) {
    Result<fs::path> path = visible_path(mount.path, "mount");
    if (!path) {
      // What is there anyway need not be mounted.
      std::error_code ec;
      if (!mount.writable && is_system(fs::canonical(mount.path, ec))) continue;
      return path.error();
    }
    auto [at, added] = binds.emplace(path->string(), mount.writable);
    const bool written = *path == *workspace && layered;
    if (!added && (written || at->second != mount.writable)) {
      return Error{Errc::usage, "mount " + path->string() + ": both writable and read-only"};
    }
  }

  std::vector<std::string> argv = program.argv;
  if (argv[0][0] == '/') {
    std::error_code ec;
    fs::path real = fs::canonical(argv[0], ec);
    if (ec) return Error{Errc::not_found, "program " + argv[0] + ": " + ec.message()};
    bool visible = is_system(real) && is_system(argv[0]);
    for (const auto& [path, writable] : binds) visible = visible || is_below(real, path);
    if (!is_system(real)) argv[0] = real.string();
    if (!visible) {
      if (!fs::is_regular_file(real, ec))
        return Error{Errc::usage, "program " + argv[0] + ": not a file"};
      if (Result<fs::path> ok = visible_path(real, "program"); !ok && !is_system(real))
        return ok.error();
      if (!is_system(real)) binds.emplace(real.string(), false);
    }
  }

  for (const auto& [path, writable] : binds) {
    spec.add(writable ? jail::Record::bind_writable : jail::Record::bind_read_only, path);
    result.binds.push_back({path, writable});
  }
  spec.add(jail::Record::workspace, workspace->string());

  Result<Snapshot> before = take_snapshot(*workspace, policy.protect);
  if (!before) return before.error();
  for (const ProtectedPath& found : before->protected_paths) {
    if (!found.hidden && !layered) continue;
    if (found.link) {
      return Error{Errc::refused,
                   "workspace: " + found.path + " is a symbolic link, which cannot be protected"};
    }
    spec.add(found.hidden ? jail::Record::cover_hidden : jail::Record::cover_read_only,
             (*workspace / found.path).string());
  }

  for (const std::string& argument : argv) spec.add(jail::Record::argv, argument);
  std::map<std::string, std::string> env{{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                                         {"HOME", "/tmp"},
                                         {"TMPDIR", "/tmp"},
                                         {"LANG", "C.UTF-8"}};
  if (result.proxy) {
    const std::string proxy = "http://127.0.0.1:" + std::to_string(kProxyPort);
    for (const char* name :
         {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"})
      env[name] = proxy;
  }
  for (const auto& [name, value] : program.env) env[name] = value;
  for (const auto& [name, value] : env) spec.add(jail::Record::env, name + "=" + value);
  spec.add(jail::Record::seccomp_filter, *filter);
  if (layered) result.before = std::move(*before);

  const policies::Limits& limits = policy.limits;
  // The kernel charges the layer to the group; its size has a limit of its own.
  result.memory_bytes =
      limits.memory_bytes + (result.layer == jail::LayerKind::none ? 0 : limits.disk_bytes);
  result.max_processes = limits.processes;
  result.owner = {geteuid(), getegid()};
  // Root's programs run as whoever the workspace belongs to.
  if (result.owner.uid == 0) result.owner = {info.st_uid, info.st_gid};

  jail::ProgramHeader header{};
  header.max_processes = static_cast<uint32_t>(std::min<uint64_t>(limits.processes, 1 << 20));
  header.memory_bytes = limits.memory_bytes;
#ifdef TESSERA_SANITIZED
  header.address_space_bytes = ~0ull;
#else
  header.address_space_bytes = 4 * limits.memory_bytes + (8ull << 30);
#endif
  header.tmp_bytes = limits.memory_bytes / 2;
  header.file_bytes = limits.file_bytes;
  header.open_files = limits.open_files;
  header.cpu_ms = static_cast<uint64_t>(limits.cpu.count());
  header.proxy_port = result.proxy ? kProxyPort : 0;
  header.layer = result.layer;
  header.layer_bytes = limits.disk_bytes;
  // A file that is moved leaves a mark where it was, which takes a place, too.
  header.layer_files = 2 * limits.files;
  result.spec = spec.finish(header, jail::kProgramMagic);
  return result;
}

}  // namespace sandbox
