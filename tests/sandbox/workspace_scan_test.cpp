#include "sandbox/workspace_scan.h"

#include "fixture.h"

namespace sandbox {
namespace {

namespace fs = std::filesystem;
using WorkspaceScanTest = SandboxTest;

TEST_F(WorkspaceScanTest, FindsProtectedNamesAtAnyDepthAndFollowsNothing) {
  write(workspace / ".git/config", "");
  write(workspace / ".git/modules/x/.git/config", "");
  write(workspace / "a/b/.tessera", "");
  write(workspace / "a/.gitignore", "");
  fs::create_symlink(base, workspace / "a/up");
  fs::create_symlink("nowhere", workspace / "a/.vscode");
  auto found = scan_workspace(workspace, policy.protect, false);
  ASSERT_TRUE(found) << found.error().message;
  std::vector<ProtectedPath> expected{
      {".git", false, false}, {"a/.vscode", false, true}, {"a/b/.tessera", true, false}};
  EXPECT_EQ(found->protected_paths, expected);
}

TEST_F(WorkspaceScanTest, RefusesWhatItCannotLookThrough) {
  fs::path deep = workspace;
  for (int i = 0; i < 70; ++i) deep /= "d";
  fs::create_directories(deep);
  auto found = scan_workspace(workspace, policy.protect, false);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, base::Errc::refused);
}

TEST_F(WorkspaceScanTest, SetsAsideWithoutOverwriting) {
  write(workspace / "a/.git/x", "1");
  write(workspace / "a/.git.blocked/y", "2");
  auto aside = set_aside(workspace, "a/.git");
  ASSERT_TRUE(aside) << aside.error().message;
  EXPECT_EQ(*aside, "a/.git.blocked-2");
  EXPECT_EQ(read(workspace / "a/.git.blocked-2/x"), "1");
  EXPECT_EQ(read(workspace / "a/.git.blocked/y"), "2");
  fs::create_directory_symlink(base, workspace / "link");
  EXPECT_FALSE(set_aside(workspace, "link/secret.txt"));
}

TEST_F(WorkspaceScanTest, FindsLinksThatLeaveByWhateverWay) {
  fs::create_directories(workspace / "a/b");
  write(workspace / "file", "");
  fs::create_symlink("../..", workspace / "a/b/top");        // stays inside
  fs::create_symlink("b/top/..", workspace / "a/climb");     // and this one leaves through it
  fs::create_symlink("../../file", workspace / "a/b/file");  // inside
  fs::create_symlink("not-yet", workspace / "dangling");     // inside, if it ever is
  fs::create_symlink("loop", workspace / "loop");            // nowhere
  fs::create_symlink("/etc/hostname", workspace / "absolute");
  fs::create_symlink("../nothing", workspace / "beside");
  auto found = scan_workspace(workspace, policy.protect, false);
  ASSERT_TRUE(found) << found.error().message;
  std::vector<LinkOut> expected{
      {"a/climb", "b/top/.."}, {"absolute", "/etc/hostname"}, {"beside", "../nothing"}};
  EXPECT_EQ(found->links_out, expected);
  ASSERT_TRUE(remove_link(workspace, {"absolute", "/other"}));
  EXPECT_TRUE(fs::is_symlink(workspace / "absolute"));
  ASSERT_TRUE(remove_link(workspace, {"absolute", "/etc/hostname"}));
  EXPECT_FALSE(fs::is_symlink(workspace / "absolute"));
}

}  // namespace
}  // namespace sandbox
