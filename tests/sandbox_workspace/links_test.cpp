#include "sandbox/workspace/links.h"

#include <unistd.h>

#include <fstream>

#include "fixture.h"

namespace sandbox {
namespace {

namespace fs = std::filesystem;
using LinksTest = WorkspaceTest;

void link(const char* target, const char* path) { (void)!symlink(target, path); }

TEST_F(LinksTest, RefusesThoseThatLeaveByWhateverWay) {
  write(workspace / "a/b/file", "");
  const ChangeSet set = changes(run([] {
    link("../..", "a/b/top");          // stays inside
    link("b/top/..", "a/climb");       // and this one leaves through it
    link("../../a/b/file", "a/b/in");  // inside
    link("not-yet", "dangling");       // inside, if it ever is
    link("none/../../out", "maybe");   // out, if it ever is
    link("loop", "loop");              // nowhere
    link("/etc/hostname", "absolute");
    link("../nothing", "beside");
  }));
  EXPECT_EQ(list(set.refusals),
            "a/climb: a link that leads out of the workspace, to b/top/..\n"
            "absolute: a link that leads out of the workspace, to /etc/hostname\n"
            "beside: a link that leads out of the workspace, to ../nothing\n"
            "maybe: a link that leads out of the workspace, to none/../../out\n");
  EXPECT_EQ(list(set.changes), "added a/b/in\nadded a/b/top\nadded dangling\nadded loop\n");
}

TEST_F(LinksTest, JudgesThemInTheTreeAsItWillBe) {
  write(workspace / "deep/er/file", "");
  // Inside as long as `way` is a folder two levels down; the run makes it the top.
  fs::create_directories(workspace / "x/way");
  const ChangeSet set = changes(run([] {
    fs::remove_all("x/way");
    link("..", "x/way");               // the top: inside
    link("x/way/../file", "through");  // the folder above it: out
  }));
  EXPECT_EQ(list(set.refusals),
            "through: a link that leads out of the workspace, to x/way/../file\n");
  EXPECT_EQ(list(set.changes), "changed x/way\n");
}

TEST_F(LinksTest, RefusesWhatWouldMakeAnOldLinkLeave) {
  fs::create_directories(workspace / "x/way");
  write(workspace / "file", "text");
  fs::create_symlink("x/way/../../file", workspace / "mine");
  fs::create_symlink("/etc/hostname", workspace / "absolute");  // the person's own business
  const ChangeSet set = changes(run([] {
    fs::remove("x/way");
    link("..", "x/way");
    std::ofstream("new") << "text";
  }));
  EXPECT_EQ(list(set.refusals), "x/way: it would make the link mine lead out of the workspace\n");
  EXPECT_EQ(list(set.changes), "added new\n");
}

TEST_F(LinksTest, FollowsAChainHoweverItIsTangled) {
  // Each is inside by itself until the one after it is refused or not; the last one leaves.
  const ChangeSet set = changes(run([] {
    fs::create_directory("d");
    link("..", "d/up");
    link("d/up/d/up", "l0");
    for (int i = 0; i < 30; ++i) {
      link(("l" + std::to_string(i)).c_str(), ("l" + std::to_string(i + 1)).c_str());
    }
    link("l30/..", "out");
    link("out/file", "out2");
  }));
  EXPECT_EQ(list(set.refusals),
            "out: a link that leads out of the workspace, to l30/..\n"
            "out2: a link that leads out of the workspace, to out/file\n");
}

TEST_F(LinksTest, TheOriginalStaysWhereTheReplacementIsRefused) {
  write(workspace / "notes.txt", "mine");
  write(workspace / "folder/file", "mine");
  const Layer layer = run([] {
    fs::remove("notes.txt");
    link("/etc/passwd", "notes.txt");
    fs::remove_all("folder");
    link("..", "folder");
  });
  const ChangeSet set = changes(layer);
  EXPECT_EQ(set.refusals.size(), 2u) << list(set.refusals);
  EXPECT_TRUE(set.edits.empty());
  commit(set, layer);
  EXPECT_EQ(read(workspace / "notes.txt"), "mine");
  EXPECT_EQ(read(workspace / "folder/file"), "mine");
}

TEST_F(LinksTest, ALinkInsideANewTreeIsLeftOutAlone) {
  const ChangeSet set = changes(run([] {
    fs::create_directories("new/tree");
    std::ofstream("new/tree/file") << "text";
    link("../../..", "new/tree/out");
    link("file", "new/tree/in");
  }));
  EXPECT_EQ(set.refusals.size(), 1u);
  EXPECT_EQ(list(set.changes),
            "added new\nadded new/tree\nadded new/tree/file\nadded new/tree/in\n");
}

}  // namespace
}  // namespace sandbox
