#include "sandbox/workspace/changes.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fstream>

#include "fixture.h"

namespace sandbox {
namespace {

namespace fs = std::filesystem;

class ChangesTest : public WorkspaceTest {
 protected:
  static void put(const fs::path& path, const std::string& text) { write(path, text); }
  base::Error error(const Layer& layer, const Quota& quota) {
    base::Result<ChangeSet> set = find_changes(layer, workspace, protect, quota);
    EXPECT_FALSE(set);
    return set ? base::Error{} : set.error();
  }
};

TEST_F(ChangesTest, TellsEveryKind) {
  for (const char* path :
       {"same", "changed", "gone", "old/name", "mode", "time", "tree/x", "tree/y/z"}) {
    put(workspace / path, std::string("text of ") + path);
  }
  const ChangeSet set = changes(run([] {
    std::string text = read("same");
    const fs::file_time_type time = fs::last_write_time("same");
    put("same", text);
    fs::last_write_time("same", time);
    put("changed", "other");
    fs::remove("gone");
    fs::rename("old/name", "new name");
    chmod("mode", 0600);
    fs::last_write_time("time", time - std::chrono::hours(1));
    fs::remove_all("tree");
    put("fresh/folder/file", "new");
  }));
  EXPECT_EQ(
      list(set.changes),
      "changed changed\nadded fresh\nadded fresh/folder\nadded fresh/folder/file\nremoved gone\n"
      "mode mode\nmoved old/name -> new name\nmode time\nremoved tree\nremoved tree/x\n"
      "removed tree/y\nremoved tree/y/z\n");
  EXPECT_EQ(list(set.refusals) + list(set.conflicts), "");
  for (const Change& c : set.changes) {
    if (c.path == "changed") {
      EXPECT_EQ(c.old_size, 15u);
      EXPECT_EQ(c.new_size, 5u);
    }
    if (c.path == "mode") {
      EXPECT_EQ(c.old_mode & 07777, 0644u);
      EXPECT_EQ(c.new_mode & 07777, 0600u);
    }
  }
  EXPECT_EQ(set.edits.size(), 6u) << "whole trees are one";
  EXPECT_EQ(set.moves.size(), 1u) << "and what moved is none";
}

TEST_F(ChangesTest, NothingIsNothing) {
  put(workspace / "a/b", "text");
  EXPECT_TRUE(changes(run([] {})).empty());
  EXPECT_TRUE(changes(run([] {
                put("new", "1");
                fs::remove("new");
              })).empty());
}

TEST_F(ChangesTest, AFolderThatIsMadeAnewIsTheSameFolderWithOtherContent) {
  put(workspace / "d/kept", "text");
  put(workspace / "d/gone", "gone");
  const ChangeSet set = changes(run([] {
    const fs::file_time_type time = fs::last_write_time("d/kept");
    const std::string text = read("d/kept");
    fs::remove_all("d");
    put("d/kept", text);
    fs::last_write_time("d/kept", time);
    put("d/new", "new");
  }));
  EXPECT_EQ(list(set.changes), "removed d/gone\nadded d/new\n");
}

TEST_F(ChangesTest, TypesChangeEitherWay) {
  put(workspace / "file", "text");
  put(workspace / "folder/file", "text");
  const ChangeSet set = changes(run([] {
    fs::remove("file");
    put("file/inside", "1");
    fs::remove_all("folder");
    put("folder", "2");
  }));
  EXPECT_EQ(list(set.changes),
            "changed file\nadded file/inside\nchanged folder\nremoved folder/file\n");
}

TEST_F(ChangesTest, RefusesWhatIsProtectedAtAnyDepth) {
  put(workspace / "vendor/.git/config", "theirs");
  put(workspace / "vendor/code", "1");
  put(workspace / ".envrc", "mine");
  const ChangeSet set = changes(run([] {
    put("vendor/.git/hooks/pre-commit", "evil");
    put(".envrc", "evil");
    put("sub/.git/config", "evil");
    put(".tessera/undo/0001/run", "evil");
    put("a/.idea", "evil");
    put("sub/good", "1");
  }));
  EXPECT_EQ(list(set.changes), "added a\nadded sub\nadded sub/good\n");
  EXPECT_EQ(list(set.refusals),
            ".envrc: its name is protected\n.tessera: its name is protected\n"
            "a/.idea: its name is protected\nsub/.git: its name is protected\n"
            "vendor/.git: its name is protected\n");
}

TEST_F(ChangesTest, KeepsAFolderThatHoldsSomethingProtected) {
  put(workspace / "vendor/.git/config", "theirs");
  put(workspace / "vendor/code", "1");
  const ChangeSet set = changes(run([] { fs::remove_all("vendor"); }));
  EXPECT_EQ(list(set.changes), "");
  EXPECT_EQ(list(set.refusals), "vendor: it is kept: it holds vendor/.git, which is protected\n");
}

TEST_F(ChangesTest, RefusesOddTypesAndKeepsFilesWithoutTheirBits) {
  const fs::path upper = base / "upper";
  ASSERT_EQ(mkfifo((upper / "fifo").c_str(), 0600), 0);
  const int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path, sizeof address.sun_path, "%s", (upper / "socket").c_str());
  ASSERT_EQ(bind(s, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  close(s);
  std::string expected =
      "fifo: a FIFO is not kept\nsetuid: set-uid, set-gid and sticky bits are dropped\n"
      "socket: a socket is not kept\n";
  if (geteuid() == 0 && mknod((upper / "disk").c_str(), S_IFBLK | 0600, makedev(8, 0)) == 0) {
    expected.insert(0, "disk: a device is not kept\n");
  }
  put(upper / "setuid", "program");
  chmod((upper / "setuid").c_str(), 04755);
  put(upper / "bad\xff name", "1");
  put(upper / "two\nlines", "1");
  const Layer layer = handmade();
  const ChangeSet set = changes(layer);
  EXPECT_EQ(list(set.changes), "added setuid\n");
  EXPECT_EQ(list(set.refusals).find(expected.substr(0, 20)) != std::string::npos, true);
  EXPECT_EQ(list(set.refusals),
            "bad\\xff name: its name is not UTF-8 without control characters, or too long\n" +
                expected +
                "two\\x0alines: its name is not UTF-8 without control characters, or too long\n");
  ASSERT_EQ(commit(set, layer), "0001");
  EXPECT_EQ(fs::status(workspace / "setuid").permissions(), fs::perms(0755));
}

TEST_F(ChangesTest, AFolderKeepsTheSpecialBitsThatItHad) {
  fs::create_directory(workspace / "shared");
  chmod((workspace / "shared").c_str(), 02775);
  const ChangeSet set = changes(run([] { put("shared/file", "1"); }));
  EXPECT_EQ(list(set.changes), "added shared/file\n");
  EXPECT_EQ(list(set.refusals), "");
}

TEST_F(ChangesTest, ReadsWhatAProgramClosed) {
  const fs::path upper = base / "upper";
  put(upper / "closed/deeper/file", "text");
  put(upper / "shut", "text");
  chmod((upper / "shut").c_str(), 0);
  chmod((upper / "closed/deeper").c_str(), 0);
  chmod((upper / "closed").c_str(), 0111);
  const Layer layer = handmade();
  const ChangeSet set = changes(layer);
  EXPECT_EQ(list(set.changes),
            "added closed\nadded closed/deeper\nadded closed/deeper/file\nadded shut\n");
  EXPECT_EQ(list(changes(layer).changes), list(set.changes)) << "twice is the same";
  ASSERT_EQ(commit(set, layer), "0001");
  struct stat info {};
  ASSERT_EQ(stat((workspace / "shut").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0u);
  ASSERT_EQ(stat((workspace / "closed").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0111u);
  base::Result<Journal::Undone> undone = journal().undo("");
  ASSERT_TRUE(undone) << undone.error().message;
  EXPECT_FALSE(fs::exists(workspace / "closed"));
  EXPECT_FALSE(fs::exists(workspace / "shut"));
}

TEST_F(ChangesTest, TheQuotaHoldsForTheWholeSet) {
  const Layer layer = run([] {
    put("a", std::string(600, 'a'));
    put("b", std::string(600, 'b'));
    put("c/d", "");
  });
  EXPECT_EQ(error(layer, {.bytes = 1199}).message,
            "the run wrote more than 1199 bytes, the limit of disk_bytes; nothing was changed");
  EXPECT_EQ(error(layer, {.files = 3}).message,
            "the run made more than 3 files, the limit of files; nothing was changed");
  EXPECT_EQ(changes(layer, {.bytes = 1200, .files = 4}).changes.size(), 4u);
}

TEST_F(ChangesTest, AHoleCountsLikeData) {
  const Layer layer = run([] {
    put("sparse", "");
    fs::resize_file("sparse", 1ull << 32);
  });
  EXPECT_EQ(error(layer, {}).code, base::Errc::limit);
}

TEST_F(ChangesTest, RefusesAWholeLayerThatIsTooDeep) {
  EXPECT_EQ(error(run([] {
                    for (int i = 0; i < 1500; ++i) {
                      if (mkdir("d", 0755) != 0 || chdir("d") != 0) break;
                    }
                  }),
                  {})
                .code,
            base::Errc::refused);
}

TEST_F(ChangesTest, WhatSomebodyChangedMeanwhileIsAConflict) {
  for (const char* path : {"changed", "gone", "tree/a", "tree/b"}) put(workspace / path, "text");
  const Layer layer = run([] {
    put("changed", "by the run");
    put("gone", "by the run");
    put("made", "by the run");
    fs::remove_all("tree");
  });
  put(workspace / "changed", "by me");
  fs::remove(workspace / "gone");
  put(workspace / "made", "by me");
  put(workspace / "tree/new", "by me");
  put(workspace / "other", "no business of the run");
  EXPECT_EQ(
      list(changes(layer).conflicts),
      "changed: was changed meanwhile\ngone: was removed meanwhile\nmade: was made meanwhile\n"
      "tree/new: was made meanwhile\n");
}

TEST_F(ChangesTest, OnlyAddsKnowsNoRemovalsAndOverwritesNothing) {
  put(workspace / "charts/old.png", "old");
  put(workspace / "taken", "mine");
  put(base / "upper/charts/new.png", "new");
  put(base / "upper/taken", "theirs");
  put(base / "upper/fresh/file", "new");
  EXPECT_EQ(mknod((base / "upper/charts/old.png").c_str(), S_IFCHR, makedev(0, 0)), 0);
  const Layer layer = handmade(true);
  const ChangeSet set = changes(layer);
  EXPECT_EQ(list(set.conflicts), "taken: exists already\n");
  EXPECT_EQ(list(set.refusals), "charts/old.png: a device is not kept\n");
  fs::remove(base / "upper/taken");
  const ChangeSet good = changes(layer);
  EXPECT_EQ(list(good.changes), "added charts/new.png\nadded fresh\nadded fresh/file\n");
  const std::string before = look_through(workspace, {.inodes = true, .top_time = true});
  ASSERT_EQ(commit(good, layer), "0001");
  EXPECT_EQ(read(workspace / "charts/new.png"), "new");
  ASSERT_TRUE(journal().undo(""));
  EXPECT_EQ(look_through(workspace, {.inodes = true, .top_time = true}), before);
}

TEST_F(ChangesTest, AHardLinkBecomesAFileOfItsOwn) {
  put(workspace / "one", "text");
  fs::create_hard_link(workspace / "one", workspace / "two");
  const Layer layer = run([] { std::ofstream("one", std::ios::app) << " more"; });
  ASSERT_EQ(commit(changes(layer), layer), "0001");
  EXPECT_EQ(read(workspace / "one"), "text more");
  EXPECT_EQ(read(workspace / "two"), "text");
  ASSERT_TRUE(journal().undo(""));
  EXPECT_TRUE(fs::equivalent(workspace / "one", workspace / "two"));
}

}  // namespace
}  // namespace sandbox
