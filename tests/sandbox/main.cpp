// Built twice: the second, with TESSERA_TEST_UID, becomes that ordinary user first when root runs
// it, without any capability, because the sandbox must hold for both. Run by somebody else it would
// repeat the first and runs nothing.

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "sandbox/jail.h"

#ifdef TESSERA_TEST_UID
/// Empty, or why the tests cannot run as the ordinary user.
static const char* become_ordinary() {
  constexpr uid_t kUid = TESSERA_TEST_UID;
  if (geteuid() != 0) return "not root: sandbox_test has run these as an ordinary user";
  if (setgroups(0, nullptr) != 0 || setresgid(kUid, kUid, kUid) != 0 ||
      setresuid(kUid, kUid, kUid) != 0) {
    return "root may not become an ordinary user here";
  }
  // Else /proc/self stays root's, and a test could not make a user namespace.
  prctl(PR_SET_DUMPABLE, 1);
  if (!sandbox::find_launcher() || access(TESSERA_PROGRAMS "/linger", X_OK) != 0) {
    return "an ordinary user cannot reach the build folder";
  }
  setenv("HOME", "/nonexistent", 1);
  return "";
}
#endif

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
#ifdef TESSERA_TEST_UID
  // The report may go where only root can write, so a test program without tests is the way to skip
  // them all.
  if (const char* why = become_ordinary(); why[0] != '\0') {
    std::puts(why);
    testing::GTEST_FLAG(filter) = "-*";
  }
#endif
  return RUN_ALL_TESTS();
}
