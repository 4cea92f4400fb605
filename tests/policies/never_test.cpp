#include "policies/never.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

namespace policies {
namespace {

namespace fs = std::filesystem;

std::string why(const fs::path& path, bool writable = false) {
  return never_reason(path, "/home/ann", writable);
}

TEST(Never, RefusesSecretsAndWhatHoldsThem) {
  for (const char* path :
       {"/home/ann/.ssh", "/home/ann/.ssh/id_ed25519", "/home/bob/.ssh/id",
        "/home/ann/.aws/credentials", "/home/ann/.gnupg",
        "/home/ann/.local/share/keyrings/login.keyring", "/home/ann/.mozilla/firefox",
        "/home/ann/.config/google-chrome/Default", "/home/ann/.config/gcloud",
        "/home/ann/.docker/config.json", "/home/ann/.netrc", "/home/ann/.bashrc",
        "/home/ann/.local/state/tessera", "/home/ann/.gitconfig",
        // Folders around them.
        "/", "/home", "/home/ann", "/home/bob", "/home/ann/.config", "/home/ann/.local",
        "/home/ann/.local/share", "/home/bob/.config", "/home/ann/.cargo/", "/root", "/var", "/tmp",
        "/var/lib", "/etc", "/etc/passwd", "/etc/", "/proc", "/proc/1/environ", "/sys/kernel",
        "/dev/sda", "/run/user/1000", "/var/run/docker.sock", "/var/log/auth.log", "/srv/app.sock",
        "/tmp/ssh-abc/agent.1", "/home/ann/./.ssh", "/home/ann//.ssh/", "/srv/../etc/shadow"}) {
    EXPECT_NE(why(path), "") << path;
  }
  EXPECT_EQ(why("/home/ann/.ssh/id"), "holds keys (.ssh)");
  EXPECT_EQ(why("/home"), "holds a whole home folder");
  EXPECT_EQ(why("/"), "is the whole system");
  EXPECT_EQ(why("relative"), "is not absolute");
}

TEST(Never, LeavesOrdinaryFoldersAlone) {
  for (const char* path :
       {"/home/ann/data", "/home/ann/.cache/pip", "/srv/data", "/usr/share/dict", "/opt/tool",
        "/mnt/disk/sets", "/tmp/tessera-none", "/home/ann/project/etc", "/home/ann/ssh",
        "/var/cache/data", "/home/ann/.cargo/registry", "/root/work"}) {
    EXPECT_EQ(why(path), "") << path;
  }
}

TEST(Never, ProgramsOfTheSystemAreNotWritten) {
  for (const char* path : {"/usr", "/usr/local/bin", "/bin", "/lib/x", "/opt/tool"}) {
    EXPECT_EQ(why(path), "") << path;
    EXPECT_NE(why(path, true), "") << path;
  }
  EXPECT_EQ(why("/srv/out", true), "");
}

TEST(Never, FollowsLinksAndKnowsSockets) {
  char folder[] = "/tmp/tessera-never-XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const fs::path base = folder;
  fs::create_symlink("/etc", base / "link");
  fs::create_directory(base / "data");
  std::ofstream(base / "file") << "x";
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (base / "service").c_str(), sizeof address.sun_path - 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(why(base / "link"), "holds the system's configuration (/etc)");
  EXPECT_EQ(why(base / "link/passwd"), "holds the system's configuration (/etc)");
  EXPECT_EQ(why(base / "service"), "is a socket");
  EXPECT_EQ(why(base / "data"), "");
  EXPECT_EQ(why(base / "file"), "");
  // A home behind a link is as much a home.
  fs::create_directories(base / "data/.config");
  fs::create_symlink(base / "data", base / "home");
  EXPECT_NE(never_reason(base / "data/.config", base / "home", false), "");
  close(fd);
  fs::remove_all(base);
}

TEST(Never, AHomeIsWrittenWithATilde) {
  const char* old = getenv("HOME");
  const std::string before = old != nullptr ? old : "";
  setenv("HOME", "/home/ann", 1);
  EXPECT_EQ(expand_home("~/data"), "/home/ann/data");
  EXPECT_EQ(expand_home("~"), "/home/ann");
  EXPECT_EQ(expand_home("/a//b/./c/"), "/a/b/c");
  EXPECT_EQ(expand_home("~bob/x"), "");
  EXPECT_EQ(expand_home("a"), "");
  EXPECT_EQ(expand_home(""), "");
  EXPECT_EQ(expand_home("/a/../b"), "");
  EXPECT_EQ(expand_home("~/../bob"), "");
  unsetenv("HOME");
  EXPECT_EQ(expand_home("~/data"), "");
  if (old != nullptr) setenv("HOME", before.c_str(), 1);
}

}  // namespace
}  // namespace policies
