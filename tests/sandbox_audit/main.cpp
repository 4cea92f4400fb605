// Built twice, as tests/sandbox/main.cpp: the second becomes an ordinary user first when root runs
// it, and runs nothing otherwise.

#include <grp.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
#ifdef TESSERA_TEST_UID
  constexpr uid_t kUid = TESSERA_TEST_UID;
  const char* why = nullptr;
  if (geteuid() != 0) {
    why = "not root: sandbox_audit_test has run these as an ordinary user";
  } else if (setgroups(0, nullptr) != 0 || setresgid(kUid, kUid, kUid) != 0 ||
             setresuid(kUid, kUid, kUid) != 0) {
    why = "root may not become an ordinary user here";
  }
  if (why != nullptr) {
    std::puts(why);
    testing::GTEST_FLAG(filter) = "-*";
  }
#endif
  return RUN_ALL_TESTS();
}
