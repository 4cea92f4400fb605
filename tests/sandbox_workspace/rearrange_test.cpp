#include "sandbox/workspace/rearrange.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>

#include "fixture.h"

namespace sandbox {
namespace {

namespace fs = std::filesystem;

constexpr View kSame{.inodes = true, .top_time = true};

class RearrangeTest : public WorkspaceTest {
 protected:
  RearrangeTest() {
    for (const char* path : {"a", "b", "in/one", "in/two", "in/deep/three", "c.txt"})
      write(workspace / path, std::string("text of ") + path);
  }
  base::Result<ChangeSet> arranged(const std::vector<Rearrangement>& steps, Quota quota = {}) {
    base::Result<Snapshot> before = take_snapshot(workspace, protect);
    EXPECT_TRUE(before) << before.error().message;
    layer.before = std::move(*before);
    return rearrange(steps, layer.before, workspace, protect, quota, 1'700'000'000'000'000'000);
  }
  /// What is changed, or why not.
  std::string told(const std::vector<Rearrangement>& steps) {
    base::Result<ChangeSet> set = arranged(steps);
    return set ? list(set->changes) : set.error().message + "\n";
  }
  std::string commit(const std::vector<Rearrangement>& steps) {
    base::Result<ChangeSet> set = arranged(steps);
    return set ? WorkspaceTest::commit(*set, layer) : set.error().message;
  }
  std::string undo(bool keep_mine = false) {
    base::Result<Journal::Undone> done = journal().undo("", keep_mine);
    return done ? "undone " + done->id : done.error().message;
  }
  Layer layer;
};

TEST_F(RearrangeTest, OnlyWhatItComesToCounts) {
  EXPECT_EQ(told({{"a", "x"}, {"x", "y"}, {"y", "z"}}), "moved a -> z\n");
  EXPECT_EQ(told({{"a", "x"}, {"x", "a"}}), "");
  EXPECT_EQ(told({{"", "new"}, {"a", "new/a"}, {"new/a", "a"}, {"new", ""}}), "");
  EXPECT_EQ(told({{"a", "spare"}, {"b", "a"}, {"spare", "b"}}), "moved b -> a\nmoved a -> b\n");
  EXPECT_EQ(told({{"", "new"}, {"", "new/in"}, {"a", "new/in/a"}}),
            "added new\nadded new/in\nmoved a -> new/in/a\n");
  EXPECT_EQ(
      told({{"in/one", "one"}, {"in", ""}}),
      "removed in\nremoved in/deep\nremoved in/deep/three\nremoved in/two\nmoved in/one -> one\n");
  EXPECT_EQ(told({{"in", "out"}, {"out/one", "one"}, {"out/two", ""}}),
            "removed in/two\nmoved in/one -> one\nmoved in -> out\n");
}

TEST_F(RearrangeTest, NothingThatIsNotThereAndNothingOutsideIsTouched) {
  EXPECT_EQ(told({{"nobody", "x"}}), "nobody: it is not there\n");
  EXPECT_EQ(told({{"", ""}}), ": it is no path\n");
  EXPECT_EQ(told({{"a", "../a"}}), "../a: there is no folder for it\n");
  EXPECT_EQ(told({{"../a", "a2"}}), "../a: it is not there\n");
  EXPECT_EQ(told({{"a", "/z"}}), "moved a -> z\n");
  EXPECT_EQ(told({{"a", "in/.."}}), "in/..: it is no path\n");
  EXPECT_EQ(told({{"a", "b/a"}}), "b/a: there is no folder for it\n");
  EXPECT_EQ(told({{"a", "b"}}), "b: it is taken\n");
  EXPECT_EQ(told({{"in", "in/deep/in"}}), "in: a folder cannot go into itself\n");
  EXPECT_EQ(told({{"a", std::string(256, 'x')}}).substr(0, 3), "xxx");
  EXPECT_EQ(told({{"a", "line\nbreak"}}).find("moved"), std::string::npos);
}

TEST_F(RearrangeTest, WhatIsProtectedStaysAndAllWithIt) {
  write(workspace / "in/.git/config", "x");
  EXPECT_EQ(told({{"a", "x"}, {"in", "out"}}), "in: it holds in/.git, which is protected\n");
  EXPECT_EQ(told({{"in/deep", ""}, {"in", ""}}), "in: it holds in/.git, which is protected\n");
  EXPECT_EQ(told({{"a", "in/.git/hook"}}), "in/.git: its name is protected\n");
  EXPECT_EQ(told({{"a", ".envrc"}}), ".envrc: its name is protected\n");
  EXPECT_EQ(told({{"", ".tessera"}}), ".tessera: its name is protected\n");
  EXPECT_EQ(told({{"in/one", "in/uno"}}), "moved in/one -> in/uno\n");
}

TEST_F(RearrangeTest, AReadOnlyFolderKeepsItsNames) {
  ASSERT_EQ(chmod((workspace / "in").c_str(), 0555), 0);
  EXPECT_EQ(told({{"in/one", "one"}}), "in: the folder is read-only\n");
  EXPECT_EQ(told({{"a", "in/a"}}), "in: the folder is read-only\n");
  EXPECT_EQ(told({{"in", "out"}}), "moved in -> out\n") << "it gets another name, no other folder";
  EXPECT_EQ(told({{"", "new"}, {"in", "new/in"}}), "in: the folder is read-only\n");
}

TEST_F(RearrangeTest, ALinkIsMovedAsALinkAndMayNotLeadOut) {
  write(base / "secret", "outside");
  write(workspace / "in/deep/x/file", "");
  ASSERT_EQ(symlink("../one", (workspace / "in/deep/link").c_str()), 0);
  EXPECT_EQ(told({{"in/deep/link", "link"}}),
            "link: a link that leads out of the workspace, to ../one\n");
  EXPECT_EQ(commit({{"in/deep/link", "in/deep/x/link"}}), "0001");
  EXPECT_EQ(fs::read_symlink(workspace / "in/deep/x/link"), "../one");
  EXPECT_EQ(undo(), "undone 0001");
  // A folder under a link that stays, moved up.
  ASSERT_EQ(symlink("deep/x/up", (workspace / "in/stays").c_str()), 0);
  ASSERT_EQ(symlink("../../..", (workspace / "in/deep/x/up").c_str()), 0);
  EXPECT_NE(told({{"in/deep/x", "x"}}).find("leads out of the workspace"), std::string::npos);
}

TEST_F(RearrangeTest, ThePolicysLimitOfFilesHoldsAndBytesDoNotCount) {
  EXPECT_EQ(arranged({{"a", "x"}, {"b", "y"}, {"c.txt", "z"}}, {.files = 2}).error().message,
            "the plan changes more than 2 files, the limit of files; nothing was changed");
  EXPECT_TRUE(arranged({{"a", "x"}, {"b", "y"}}, {.bytes = 0, .files = 2}));
}

TEST_F(RearrangeTest, WhatSomebodyChangedMeanwhileStopsAll) {
  base::Result<ChangeSet> set = arranged({{"a", "x"}, {"in", "out"}, {"b", "in"}});
  ASSERT_TRUE(set);
  write(workspace / "in/new", "mine");
  write(workspace / "a", "mine, too");
  write(workspace / "x", "and this");
  const std::string before = look_through(workspace, {.inodes = true});
  EXPECT_EQ(WorkspaceTest::commit(*set, layer),
            "nothing was changed: a was changed meanwhile, in/new was made meanwhile, x was made "
            "meanwhile");
  EXPECT_EQ(look_through(workspace, {.inodes = true}), before);
  EXPECT_FALSE(fs::exists(workspace / ".tessera/undo/0001"));
}

TEST_F(RearrangeTest, AFolderThatSomebodyClosesMeanwhileStaysClosed) {
  base::Result<ChangeSet> set = arranged({{"in/one", "one"}});
  ASSERT_TRUE(set);
  fs::permissions(workspace / "in", fs::perms::owner_all);
  const std::string result = WorkspaceTest::commit(*set, layer);
  EXPECT_TRUE(fs::exists(workspace / "one")) << result;
  EXPECT_EQ(fs::status(workspace / "in").permissions(), fs::perms::owner_all);
  EXPECT_EQ(undo(), "undone 0001");
  EXPECT_TRUE(fs::exists(workspace / "in/one"));
  EXPECT_EQ(fs::status(workspace / "in").permissions(), fs::perms::owner_all);
}

TEST_F(RearrangeTest, APathInsideThatWouldBeTooLongIsRefused) {
  const std::string name(200, 'n');
  fs::path deep = "in";
  for (int i = 0; i < 19; ++i) deep /= name;
  write(workspace / deep / "file", "deep");
  EXPECT_EQ(told({{"in", "into"}}), "moved in -> into\n");
  EXPECT_NE(told({{"", name}, {"in", name + "/in"}}).find("its path would be too long"),
            std::string::npos);
}

TEST_F(RearrangeTest, AnEditBetweenTwoStepsIsNotLostAndAllIsPutBack) {
  const std::vector<Rearrangement> steps = {{"", "new"},    {"a", "new/a"},   {"b", "a"},
                                            {"new/a", "b"}, {"in", "new/in"}, {"c.txt", ""}};
  for (const char* mine : {"a", "in/one", "c.txt"}) {
    int conflicts = 0;
    for (int k = 0;; ++k) {
      for (const char* top : {".tessera", "a", "b", "c.txt", "in", "new"})
        fs::remove_all(workspace / top);
      for (const char* path : {"a", "b", "in/one", "in/two", "in/deep/three", "c.txt"})
        write(workspace / path, std::string("text of ") + path);
      base::Result<ChangeSet> set = arranged(steps);
      ASSERT_TRUE(set) << set.error().message;
      int step = 0;
      bool edited = false;
      Journal::Options hooked = options;
      hooked.at_step = [&](std::string_view) {
        if (step++ != k || !fs::exists(workspace / mine)) return;
        edited = true;
        write(workspace / mine, "my own edit");
      };
      base::Result<Journal> there = Journal::open(workspace, hooked);
      ASSERT_TRUE(there);
      const bool done = there->commit(*set, layer, "", 0).has_value();
      if (step <= k) break;
      if (edited) {
        bool found = false;
        for (const auto& entry : fs::recursive_directory_iterator(workspace))
          found = found || (entry.is_regular_file() && read(entry.path()) == "my own edit");
        ASSERT_TRUE(found) << mine << " step " << k;
      }
      if (!done) {
        ++conflicts;
        for (const char* path : {"a", "b", "in/one", "in/two", "in/deep/three", "c.txt"}) {
          ASSERT_EQ(read(workspace / path),
                    std::string(path) == mine ? "my own edit" : std::string("text of ") + path)
              << mine << " step " << k;
        }
        ASSERT_FALSE(fs::exists(workspace / "new"));
      }
    }
    EXPECT_GT(conflicts, 2) << mine;
  }
}

TEST_F(RearrangeTest, AMovedFolderTakesMyFilesBackWithIt) {
  const std::string before = look_through(workspace, kSame);
  ASSERT_EQ(commit({{"", "new"}, {"in", "new/out"}, {"a", "new/out/a"}}), "0001");
  write(workspace / "new/out/mine", "mine");
  EXPECT_EQ(undo(), "undone 0001");
  EXPECT_EQ(read(workspace / "in/mine"), "mine");
  EXPECT_FALSE(fs::exists(workspace / "new"));
  base::Result<Journal::Undone> redone = journal().redo("");
  ASSERT_TRUE(redone) << redone.error().message;
  EXPECT_EQ(read(workspace / "new/out/mine"), "mine");
  EXPECT_EQ(read(workspace / "new/out/a"), "text of a");
  fs::remove(workspace / "new/out/mine");
  EXPECT_EQ(undo(), "undone 0001");
  EXPECT_EQ(read(workspace / "in/deep/three"), "text of in/deep/three");
}

TEST_F(RearrangeTest, AnUndoThatKeepsMineLeavesAllThatHangsOnIt) {
  // b takes the name of a: while the edited a stays in the new folder, its folder stays; while b's
  // place is taken, b stays under its new name.
  ASSERT_EQ(commit({{"", "new"}, {"a", "new/a"}, {"b", "a"}, {"c.txt", "new/c"}}), "0001");
  write(workspace / "b", "a new b of mine");
  write(workspace / "new/c", "my own edit");
  EXPECT_EQ(undo(),
            "nothing was undone: a was made meanwhile, b was made meanwhile, new/c was changed "
            "meanwhile");
  EXPECT_EQ(undo(true), "undone 0001");
  EXPECT_EQ(read(workspace / "b"), "a new b of mine");
  EXPECT_EQ(read(workspace / "a"), "text of b");
  EXPECT_EQ(read(workspace / "new/a"), "text of a");
  EXPECT_EQ(read(workspace / "new/c"), "my own edit");
  EXPECT_FALSE(fs::exists(workspace / "c.txt"));
}

TEST_F(RearrangeTest, TreesThatLieInEachOtherAreKeptApart) {
  // A removed folder, out of which one is moved that had something removed; and new ones likewise.
  write(workspace / "x/m/z", "z");
  write(workspace / "x/other", "other");
  const std::string before = look_through(workspace, kSame);
  ASSERT_EQ(commit({{"x/m/z", ""},
                    {"", "n"},
                    {"x/m", "n/m"},
                    {"", "n/m/k"},
                    {"", "n/m/k/l"},
                    {"x", ""},
                    {"a", "n/m/k/l/a"}}),
            "0001");
  EXPECT_EQ(read(workspace / "n/m/k/l/a"), "text of a");
  EXPECT_FALSE(fs::exists(workspace / "x"));
  for (const auto& [path, line] : {std::pair("x/m/z", "-z"), {"x/other", "-other"}}) {
    const base::Result<std::string> diff =
        journal().diff("0001", {.kind = ChangeKind::removed, .path = path});
    ASSERT_TRUE(diff) << diff.error().message;
    EXPECT_NE(diff->find(line), std::string::npos) << *diff;
  }
  EXPECT_EQ(undo(), "undone 0001");
  EXPECT_EQ(look_through(workspace, kSame), before);
  ASSERT_TRUE(journal().redo(""));
  EXPECT_EQ(read(workspace / "n/m/k/l/a"), "text of a");
  EXPECT_EQ(undo(), "undone 0001");
  EXPECT_EQ(look_through(workspace, kSame), before);
}

TEST_F(RearrangeTest, HardLinksStayTogether) {
  fs::create_hard_link(workspace / "a", workspace / "also a");
  const std::string before = look_through(workspace, kSame);
  ASSERT_EQ(commit({{"a", "x"}, {"also a", "a"}, {"x", "y"}}), "0001");
  struct stat one {
  }, other{};
  ASSERT_EQ(stat((workspace / "a").c_str(), &one), 0);
  ASSERT_EQ(stat((workspace / "y").c_str(), &other), 0);
  EXPECT_EQ(one.st_ino, other.st_ino);
  EXPECT_FALSE(fs::exists(workspace / "also a"));
  EXPECT_EQ(undo(), "undone 0001");
  EXPECT_EQ(look_through(workspace, kSame), before);
}

TEST_F(RearrangeTest, HardLinksMayTradeNames) {
  // p, q, d/s and z are one file, r and b others. What a plan comes to is told by plain renames.
  const std::vector<Rearrangement> plans[] = {{{"p", "t"}, {"q", "p"}, {"r", "q"}, {"t", "r"}},
                                              {{"p", "t"}, {"r", "p"}, {"q", "r"}, {"t", "q"}},
                                              {{"r", "t"}, {"q", "r"}, {"p", "q"}, {"t", "p"}},
                                              {{"p", "t"}, {"q", "p"}, {"d/s", "q"}, {"t", "d/s"}},
                                              {{"p", ""}, {"q", "p"}, {"b", "q"}},
                                              {{"p", ""}, {"z", "p"}, {"b", "z"}},
                                              {{"p", "t"}, {"d", "p"}, {"p/s", "d"}, {"t", "p/s"}}};
  for (const std::vector<Rearrangement>& plan : plans) {
    for (const auto& entry : fs::directory_iterator(workspace)) fs::remove_all(entry.path());
    for (const char* path : {"p", "r", "b", "d/other"}) write(workspace / path, path);
    for (const char* path : {"q", "d/s", "z"})
      fs::create_hard_link(workspace / "p", workspace / path);
    const std::string before = look_through(workspace, kSame);
    const fs::path copy = base / "copy";
    fs::remove_all(copy);
    fs::copy(workspace, copy, fs::copy_options::recursive);
    for (const Rearrangement& step : plan)
      step.to.empty() ? (void)fs::remove(copy / step.from)
                      : fs::rename(copy / step.from, copy / step.to);
    auto contents = [&](const fs::path& top) {
      std::map<std::string, std::string> found;
      for (const auto& e : fs::recursive_directory_iterator(top)) {
        const std::string path = e.path().lexically_relative(top);
        if (e.is_regular_file() && !path.starts_with(".tessera")) found[path] = read(e.path());
      }
      return found;
    };
    const std::string done = commit(plan);
    ASSERT_TRUE(done == "0001" || (done.empty() && contents(copy) == contents(workspace))) << done;
    EXPECT_EQ(contents(workspace), contents(copy)) << plan[0].from;
    if (done.empty()) continue;
    ASSERT_EQ(undo(), "undone 0001");
    ASSERT_EQ(look_through(workspace, kSame), before);
    ASSERT_TRUE(journal().redo(""));
    EXPECT_EQ(contents(workspace), contents(copy));
  }
}

TEST_F(RearrangeTest, AHardLinkInAFolderThatIsMadeAnewIsRefused) {
  write(workspace / "in/same", "");
  fs::create_hard_link(workspace / "in/same", workspace / "same");
  EXPECT_EQ(told({{"in", ""}, {"", "in"}, {"same", "in/same"}}),
            "in/same: another name of the same file (a hard link) takes its place; do it in two "
            "plans\n");
}

// Where names ignore case, as on vfat or in a casefold folder of ext4: TMPDIR=… workspace_test
TEST_F(RearrangeTest, ANameMayGetAnotherCase) {
  if (!fs::exists(workspace / "C.TXT")) GTEST_SKIP() << "names do not ignore case here";
  fs::create_hard_link(workspace / "b", workspace / "link");
  constexpr View kNames{.inodes = true, .folder_times = false};
  const std::string before = look_through(workspace, kNames);
  EXPECT_EQ(commit({{"a", "A"}, {"b", "B"}, {"in/one", "in/ONE"}, {"in", "In"}}), "0001");
  const std::string after = look_through(workspace, kNames);
  for (const char* name : {"./", "A ", "B ", "link ", "In ", "In/ONE "})
    EXPECT_NE(("./" + after).find(name), std::string::npos) << name << after;
  EXPECT_EQ(undo(), "undone 0001");
  EXPECT_EQ(look_through(workspace, kNames), before);
  ASSERT_TRUE(journal().redo(""));
  EXPECT_EQ(look_through(workspace, kNames), after);
  write(workspace / "new", "");
  EXPECT_EQ(commit({{"new", "C.TXT"}}), "nothing was changed: C.TXT was made meanwhile");
}

TEST_F(RearrangeTest, HostileStepsAreBounded) {
  std::vector<Rearrangement> deeper = {{"", "m"}};
  for (int i = 0; i < 300; ++i) {
    for (const auto& [from, to] : {std::pair("", "n"), {"m", "n/m"}, {"n", "m"}})
      deeper.push_back({from, to});
  }
  EXPECT_EQ(told(deeper), "n/m: it would lie too many folders deep\n");
  EXPECT_EQ(told(std::vector<Rearrangement>(kMaxRearrangements + 1, {"a", "a"})),
            "the plan has more than 400000 steps; do it in several plans\n");
}

}  // namespace
}  // namespace sandbox
