#include "policies/never.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <vector>

// A path is refused for three reasons: one of the listed names occurs in it (in anybody's home),
// it lies in a listed folder, or it holds one. The third matters as much as the others: ~ holds
// ~/.ssh. Links are followed first, and the path is judged both as it was written and as where it
// leads.

namespace policies {
namespace {

namespace fs = std::filesystem;

struct Entry {
  const char* path;
  const char* what;
};

/// Relative to any home, and refused wherever they occur.
constexpr Entry kPrivate[] = {
    {".ssh", "keys"},
    {".gnupg", "keys"},
    {".pki", "keys"},
    {".password-store", "passwords"},
    {".netrc", "passwords"},
    {".git-credentials", "passwords"},
    {".pgpass", "passwords"},
    {".my.cnf", "passwords"},
    {".aws", "cloud credentials"},
    {".azure", "cloud credentials"},
    {".config/gcloud", "cloud credentials"},
    {".oci", "cloud credentials"},
    {".kube", "cluster credentials"},
    {".docker", "registry credentials"},
    {".config/containers", "registry credentials"},
    {".npmrc", "registry credentials"},
    {".pypirc", "registry credentials"},
    {".cargo/credentials", "registry credentials"},
    {".cargo/credentials.toml", "registry credentials"},
    {".gem/credentials", "registry credentials"},
    {".config/gh", "access tokens"},
    {".config/hub", "access tokens"},
    {".config/git/credentials", "passwords"},
    {".config/rclone", "access tokens"},
    {".huggingface", "access tokens"},
    {".cache/huggingface/token", "access tokens"},
    {".vault-token", "access tokens"},
    {".local/share/keyrings", "a keyring"},
    {".local/share/kwalletd", "a keyring"},
    {".config/1Password", "passwords"},
    {".config/Bitwarden", "passwords"},
    {".config/keepassxc", "passwords"},
    {".bitcoin", "a wallet"},
    {".ethereum", "a wallet"},
    {".electrum", "a wallet"},
    {".mozilla", "a browser profile"},
    {".thunderbird", "a mail profile"},
    {".config/google-chrome", "a browser profile"},
    {".config/chromium", "a browser profile"},
    {".config/BraveSoftware", "a browser profile"},
    {".config/microsoft-edge", "a browser profile"},
    {".config/vivaldi", "a browser profile"},
    {".config/opera", "a browser profile"},
    {".config/Signal", "messages"},
    {".bash_history", "a shell's history"},
    {".zsh_history", "a shell's history"},
    {".python_history", "a shell's history"},
    {".bashrc", "a start-up file"},
    {".bash_profile", "a start-up file"},
    {".bash_login", "a start-up file"},
    {".bash_logout", "a start-up file"},
    {".profile", "a start-up file"},
    {".zshrc", "a start-up file"},
    {".zshenv", "a start-up file"},
    {".zprofile", "a start-up file"},
    {".config/fish", "start-up files"},
    {".config/autostart", "start-up files"},
    {".config/systemd", "start-up files"},
    {".config/environment.d", "start-up files"},
    {".gitconfig", "a file that starts programs"},
    {".config/git", "files that start programs"},
    {".config/tessera", "Tessera's own files"},
    {".local/state/tessera", "Tessera's own files"},
};

/// Absolute; refused with all that is in them.
constexpr Entry kSystem[] = {
    {"/etc", "the system's configuration"},
    {"/proc", "other processes"},
    {"/sys", "the kernel's settings"},
    {"/dev", "devices"},
    {"/run", "sockets of services"},
    {"/var/run", "sockets of services"},
    {"/boot", "the system's start"},
    {"/var/lib/docker", "containers"},
    {"/var/lib/containerd", "containers"},
    {"/var/lib/containers", "containers"},
    {"/var/spool", "mail and scheduled jobs"},
    {"/var/log", "the system's logs"},
    {"/var/backups", "copies of the system's configuration"},
    {"/tmp/.X11-unix", "sockets of the display"},
    {"/tmp/.ICE-unix", "sockets of the display"},
    {"/lost+found", "the file system's own files"},
};

/// May be read but not written.
constexpr const char* kPrograms[] = {"/usr",   "/bin",    "/sbin", "/lib",      "/lib32",
                                     "/lib64", "/libx32", "/opt",  "/nix/store"};

std::vector<std::string> parts_of(const fs::path& path) {
  std::vector<std::string> parts;
  for (const fs::path& part : path) {
    if (part != "/" && !part.empty() && part != ".") parts.push_back(part.string());
  }
  return parts;
}

bool begins_with(const std::vector<std::string>& path, const std::vector<std::string>& start,
                 size_t at = 0) {
  if (path.size() < at + start.size()) return false;
  for (size_t i = 0; i < start.size(); ++i)
    if (path[at + i] != start[i]) return false;
  return true;
}

std::string reason(const fs::path& path, const fs::path& home, bool writable) {
  const std::vector<std::string> parts = parts_of(path);
  if (parts.empty()) return "is the whole system";
  for (const Entry& entry : kSystem) {
    const std::vector<std::string> listed = parts_of(entry.path);
    if (begins_with(parts, listed) || begins_with(listed, parts))
      return std::string("holds ") + entry.what + " (" + entry.path + ")";
  }
  for (const Entry& entry : kPrivate) {
    const std::vector<std::string> listed = parts_of(entry.path);
    for (size_t at = 0; at < parts.size(); ++at) {
      if (begins_with(parts, listed, at))
        return std::string("holds ") + entry.what + " (" + entry.path + ")";
    }
  }
  // Whole homes, and what holds homes; of the user's own also a folder around a listed one.
  std::vector<std::vector<std::string>> homes = {{"root"}};
  if (!home.empty()) homes.push_back(parts_of(home));
  for (const std::vector<std::string>& one : homes) {
    if (!one.empty() && begins_with(one, parts)) return "holds a whole home folder";
    if (one.empty() || !begins_with(parts, one)) continue;
    for (const Entry& entry : kPrivate) {
      std::vector<std::string> listed = one;
      for (const std::string& part : parts_of(entry.path)) listed.push_back(part);
      if (begins_with(listed, parts))
        return std::string("holds ") + entry.what + " (" + entry.path + ")";
    }
  }
  if (parts[0] == "home" && parts.size() <= 2) return "holds a whole home folder";
  if (parts[0] == "home" && parts.size() == 3) {
    for (const Entry& entry : kPrivate) {
      const std::vector<std::string> listed = parts_of(entry.path);
      if (listed.size() > 1 && parts[2] == listed[0])
        return std::string("holds ") + entry.what + " (" + entry.path + ")";
    }
  }
  for (const std::string& part : parts) {
    if (part.ends_with(".sock") || part.starts_with("ssh-agent") ||
        (parts[0] == "tmp" && part.starts_with("ssh-")))
      return "is or holds a socket (" + part + ")";
  }
  if (writable) {
    for (const char* folder : kPrograms) {
      if (begins_with(parts, parts_of(folder)))
        return std::string("holds programs of the system (") + folder +
               "), which no run may change";
    }
  }
  return "";
}

}  // namespace

std::string never_reason(const fs::path& path, const fs::path& home, bool writable) {
  if (!path.is_absolute()) return "is not absolute";
  if (path.native().find('\0') != std::string::npos) return "holds a zero byte";
  if (std::string why = reason(path.lexically_normal(), home, writable); !why.empty()) return why;
  std::error_code error;
  const fs::path real = fs::weakly_canonical(path, error);
  if (error) return "cannot be looked at: " + error.message();
  const fs::path real_home = home.empty() ? home : fs::weakly_canonical(home, error);
  for (const fs::path& one : {home, real_home}) {
    if (std::string why = reason(real, one, writable); !why.empty()) return why;
  }
  struct stat st = {};
  if (::stat(real.c_str(), &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
    return S_ISSOCK(st.st_mode) ? "is a socket" : "is neither a file nor a folder";
  return "";
}

fs::path expand_home(std::string_view text) {
  fs::path path;
  if (text == "~" || text.starts_with("~/")) {
    const char* home = secure_getenv("HOME");
    if (home == nullptr || home[0] != '/') return {};
    path = fs::path(home) / fs::path(text.substr(std::min<size_t>(2, text.size())));
  } else {
    path = text;
  }
  if (!path.is_absolute() || path.native().find('\0') != std::string::npos) return {};
  for (const fs::path& part : path)
    if (part == "..") return {};
  path = path.lexically_normal();
  // No slash at the end, so that equal folders are equal paths.
  return path.has_filename() ? path : path.parent_path();
}

}  // namespace policies
