#include "sandbox/workspace/snapshot.h"

#include <sys/stat.h>
#include <unistd.h>

#include <random>
#include <sstream>

#include "fixture.h"

namespace sandbox {
namespace {

namespace fs = std::filesystem;
using SnapshotTest = WorkspaceTest;

std::string paths(const std::vector<Stamped>& entries) {
  std::string text;
  for (const auto& [path, stamp] : entries) text += path + "\n";
  return text;
}

TEST_F(SnapshotTest, KeepsAFolderTogetherWithWhatLiesInIt) {
  for (const char* path : {"a/b", "a-b", "a.b", "a/c-d/e", "a/c/e", "ab"})
    write(workspace / path, "");
  base::Result<Snapshot> all = take_snapshot(workspace, protect);
  ASSERT_TRUE(all);
  EXPECT_EQ(paths(all->entries), "\na\na/b\na/c\na/c/e\na/c-d\na/c-d/e\na-b\na.b\nab\n");
  const std::span<const Stamped> tree = all->tree("a/c");
  EXPECT_EQ(paths({tree.begin(), tree.end()}), "a/c\na/c/e\n");
  EXPECT_EQ(all->tree("").size(), all->entries.size());
  EXPECT_TRUE(all->tree("none").empty());
}

TEST_F(SnapshotTest, OrdersPathsAsListsOfNames) {
  // The reference: a path is a list of names, and a list that goes on comes after the one it begins
  // with.
  auto names = [](const std::string& path) {
    std::vector<std::string> list;
    std::stringstream in(path);
    for (std::string name; std::getline(in, name, '/');) list.push_back(name);
    return list;
  };
  std::mt19937 random(7);
  auto path = [&] {
    std::string text;
    for (unsigned n = 1 + random() % 4; n > 0; --n) {
      if (!text.empty()) text += '/';
      for (unsigned k = 1 + random() % 9; k > 0; --k) text += "aab-.\xc3 ~"[random() % 8];
    }
    return text;
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::string a = path();
    const std::string b = i % 2 == 0 ? path() : a.substr(0, 1 + random() % a.size()) + path();
    ASSERT_EQ(path_less(a, b), names(a) < names(b)) << a << "   " << b;
    ASSERT_FALSE(path_less(a, a));
  }
}

TEST_F(SnapshotTest, FindsProtectedNamesAtAnyDepthAndFollowsNothing) {
  write(workspace / ".git/config", "");
  write(workspace / ".git/modules/x/.git/config", "");
  write(workspace / "a/b/.tessera", "");
  write(workspace / "a/.gitignore", "");
  fs::create_symlink(base, workspace / "a/up");
  fs::create_symlink("nowhere", workspace / "a/.vscode");
  base::Result<Snapshot> found = take_snapshot(workspace, protect);
  ASSERT_TRUE(found) << found.error().message;
  const std::vector<ProtectedPath> expected{
      {".git", false, false}, {"a/.vscode", false, true}, {"a/b/.tessera", true, false}};
  EXPECT_EQ(found->protected_paths, expected);
  EXPECT_EQ(paths(found->entries), "\n.git\na\na/.gitignore\na/.vscode\na/b\na/b/.tessera\na/up\n");
}

TEST_F(SnapshotTest, LeavesOutTheJournalWhateverThePolicySays) {
  write(workspace / ".tessera/undo/0001/run", "");
  base::Result<Snapshot> found = take_snapshot(workspace, {});
  ASSERT_TRUE(found);
  EXPECT_EQ(paths(found->entries), "\n.tessera\n");
}

TEST_F(SnapshotTest, RefusesWhatItCannotLookThrough) {
  fs::path deep = workspace;
  for (int i = 0; i < 64; ++i) deep /= "d";
  fs::create_directories(deep);
  ASSERT_TRUE(take_snapshot(workspace, protect));
  fs::create_directory(deep / "d");
  base::Result<Snapshot> found = take_snapshot(workspace, protect);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, base::Errc::refused);
  base::Result<Snapshot> nowhere = take_snapshot(workspace / "none", protect);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, base::Errc::not_found);
}

TEST_F(SnapshotTest, NamesTheFoldersThatItMayNotList) {
  write(workspace / "a/closed/file", "");
  write(workspace / "a/unsearched/file", "");
  chmod((workspace / "a/closed").c_str(), 0);
  chmod((workspace / "a/unsearched").c_str(), 0400);
  base::Result<Snapshot> found = take_snapshot(workspace, protect);
  ASSERT_TRUE(found) << found.error().message;
  const std::vector<std::string> expected{"a/closed", "a/unsearched"};
  EXPECT_EQ(found->unread, geteuid() == 0 ? std::vector<std::string>() : expected);
}

TEST_F(SnapshotTest, AStampTellsThatAFileWasChanged) {
  write(workspace / "a", "1");
  const Stamp before = *take_snapshot(workspace, protect)->find("a");
  EXPECT_EQ(*take_snapshot(workspace, protect)->find("a"), before);
  write(workspace / "a", "22");
  EXPECT_NE(*take_snapshot(workspace, protect)->find("a"), before);
  EXPECT_EQ(take_snapshot(workspace, protect)->find("b"), nullptr);
}

}  // namespace
}  // namespace sandbox
