// Built twice: the second, with TESSERA_TEST_UID, becomes that ordinary user first when root runs
// it. Run by somebody else it would repeat the first and runs nothing. Without overlays for such a
// user nothing can be tested, which it says.

#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#ifdef TESSERA_TEST_UID
/// Empty, or why the tests cannot run as the ordinary user.
static const char* become_ordinary() {
  constexpr uid_t kUid = TESSERA_TEST_UID;
  if (geteuid() != 0) return "not root: workspace_test has run these as an ordinary user";
  if (setgroups(0, nullptr) != 0 || setresgid(kUid, kUid, kUid) != 0 ||
      setresuid(kUid, kUid, kUid) != 0) {
    return "root may not become an ordinary user here";
  }
  // Else /proc/self stays root's, and a test could not make a user namespace.
  prctl(PR_SET_DUMPABLE, 1);
  return "";
}
#endif

static bool namespaces_allowed() {
  const pid_t child = fork();
  if (child == 0) _exit(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 ? 0 : 1);
  int status = 1;
  waitpid(child, &status, 0);
  return status == 0;
}

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
#ifdef TESSERA_TEST_UID
  if (const char* why = become_ordinary(); why[0] != '\0') {
    std::puts(why);
    testing::GTEST_FLAG(filter) = "-*";
  }
#endif
  if (!namespaces_allowed()) {
    std::puts("skipped: no user namespaces here, and so no overlay to look at");
    testing::GTEST_FLAG(filter) = "-*";
  }
  return RUN_ALL_TESTS();
}
