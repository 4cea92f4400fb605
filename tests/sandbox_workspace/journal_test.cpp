#include "sandbox/workspace/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <fstream>
#include <set>

#include "fixture.h"
#include "sandbox/workspace/preview.h"

namespace sandbox {
namespace {

namespace fs = std::filesystem;

constexpr View kSame{.inodes = true, .top_time = true};

class JournalTest : public WorkspaceTest {
 protected:
  JournalTest() {
    write(workspace / "notes.txt", "one\ntwo\nthree\n");
    write(workspace / "data/a.csv", "1,2\n");
    write(workspace / "data/b.csv", "3,4\n");
  }
  std::string undo(const std::string& id = "", bool keep_mine = false) {
    base::Result<Journal::Undone> done = journal().undo(id, keep_mine);
    return done ? "undone " + done->id : done.error().message;
  }
  std::string states() {
    std::string text;
    base::Result<std::vector<Journal::Info>> runs = journal().list();
    if (!runs) return runs.error().message;
    for (const Journal::Info& run : *runs)
      text += run.id + " " + std::string(state_name(run.state)) + "\n";
    return text;
  }
  /// Everything at once.
  static void work() {
    write("notes.txt", "one\n2\nthree\n");
    fs::remove("data/b.csv");
    fs::rename("data/a.csv", "data/c.csv");
    write("out/chart.png", "a chart");
    chmod("data", 0700);
  }
};

TEST_F(JournalTest, UndoGivesBackTheVeryFilesWithTheirTimes) {
  const std::string name = "user.note";
  const bool attributes =
      setxattr((workspace / "notes.txt").c_str(), name.c_str(), "mine", 4, 0) == 0;
  const std::string before = look_through(workspace, kSame);
  std::string after;
  const Layer layer = run(work, &after);
  ASSERT_EQ(commit(changes(layer), layer), "0001");
  EXPECT_EQ(look_through(workspace), after);
  EXPECT_EQ(fs::status(workspace / ".tessera").permissions(), fs::perms(0700));
  EXPECT_EQ(read(workspace / ".tessera/.gitignore"), "*\n");
  EXPECT_EQ(undo(), "undone 0001");
  EXPECT_EQ(look_through(workspace, kSame), before);
  if (attributes) {
    char value[8] = {};
    EXPECT_EQ(getxattr((workspace / "notes.txt").c_str(), name.c_str(), value, sizeof value), 4);
  }
  ASSERT_TRUE(journal().redo("0001"));
  EXPECT_EQ(look_through(workspace), after);
  EXPECT_EQ(undo("0001"), "undone 0001");
  EXPECT_EQ(look_through(workspace, kSame), before);
}

TEST_F(JournalTest, AnEditAfterTheRunThatKeepsSizeAndTimeIsNoLongerOverlooked) {
  ASSERT_EQ(commit([] {
              write("notes.txt", "of the run");
              write("out/new.txt", "of the run");
            }),
            "0001");
  auto edit = [&](const fs::path& path) {
    struct stat was {};
    ASSERT_EQ(stat(path.c_str(), &was), 0);
    write(path, "of a man!!");
    const timespec times[2] = {was.st_atim, was.st_mtim};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  };
  edit(workspace / "notes.txt");
  EXPECT_EQ(undo(), "nothing was undone: notes.txt was changed meanwhile");
  edit(workspace / "out/new.txt");
  EXPECT_EQ(undo("", true), "undone 0001");
  EXPECT_EQ(read(workspace / "notes.txt"), "of a man!!");
  EXPECT_EQ(read(workspace / "out/new.txt"), "of a man!!");
}

TEST_F(JournalTest, ManyFilesWithOneContentAreMovedEachFromItsOwnPlace) {
  for (int i = 0; i < 40; ++i) write(workspace / ("many/" + std::to_string(i)), "the same");
  ASSERT_EQ(commit([] {
              for (int i = 0; i < 40; ++i) {
                const std::string name = std::to_string(i);
                fs::create_directories("even");
                fs::rename("many/" + name, i % 2 == 0 ? "even/" + name : "many/x" + name);
              }
            }),
            "0001");
  base::Result<Journal::Run> run = journal().run("0001");
  ASSERT_TRUE(run);
  std::set<std::string> from;
  for (const Change& c : run->changes) {
    if (c.kind == ChangeKind::moved) from.insert(c.from);
    if (c.path.starts_with("even/")) {
      EXPECT_EQ(c.from, "many/" + c.path.substr(5));
    }
  }
  EXPECT_EQ(from.size(), 40u) << list(run->changes);
}

TEST_F(JournalTest, APreviewIsTheDiffThatTheCommitWillHave) {
  const Layer layer = run(work);
  ASSERT_TRUE(layer.upper);
  const ChangeSet set = changes(layer);
  std::vector<std::string> before;
  for (const Change& change : set.changes) {
    base::Result<std::string> text = preview(layer, workspace, change);
    ASSERT_TRUE(text) << text.error().message;
    before.push_back(*text);
  }
  const std::string id = commit(set, layer);
  std::string all;
  for (size_t i = 0; i < set.changes.size(); ++i) {
    base::Result<std::string> text = journal().diff(id, set.changes[i]);
    ASSERT_TRUE(text) << text.error().message;
    EXPECT_EQ(before[i], *text) << set.changes[i].path;
    all += *text;
  }
  EXPECT_NE(all.find("-two\n+2\n"), std::string::npos) << all;
  EXPECT_NE(all.find("-3,4\n"), std::string::npos) << all;
  EXPECT_NE(all.find("+a chart\n"), std::string::npos) << all;
}

TEST_F(JournalTest, ARunWithoutChangesLeavesNoTrace) {
  EXPECT_EQ(commit([] {}), "");
  EXPECT_FALSE(fs::exists(workspace / ".tessera"));
  EXPECT_EQ(states(), "");
  EXPECT_EQ(undo(), "no run has changed " + workspace.string());
}

TEST_F(JournalTest, ListsRunsAndShowsWhatTheyDid) {
  EXPECT_EQ(commit(work), "0001");
  EXPECT_EQ(commit([] { write("second", "2"); }), "0002");
  EXPECT_EQ(states(), "0001 committed\n0002 committed\n");
  base::Result<Journal::Run> run = journal().run("0001");
  ASSERT_TRUE(run) << run.error().message;
  EXPECT_EQ(run->info.label, "a run");
  EXPECT_EQ(run->info.time_ms, 1'700'000'000'000);
  EXPECT_EQ(run->info.n_changes, run->changes.size());
  EXPECT_EQ(list(run->changes),
            "mode data\nremoved data/b.csv\nmoved data/a.csv -> data/c.csv\nchanged notes.txt\n"
            "added out\nadded out/chart.png\n");
  const std::string expected =
      "--- a/notes.txt\n+++ b/notes.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n";
  EXPECT_EQ(*journal().diff("0001", run->changes[3]), expected);
  EXPECT_EQ(*journal().diff("0001", run->changes[1]),
            "--- a/data/b.csv\n+++ /dev/null\n@@ -1 +0,0 @@\n-3,4\n");
  EXPECT_EQ(*journal().diff("0001", run->changes[2]), "") << "moved as it was";
  ASSERT_EQ(undo("0001"), "undone 0001");
  EXPECT_EQ(*journal().diff("0001", run->changes[3]), expected) << "also when it is undone";
  EXPECT_EQ(states(), "0001 undone\n0002 committed\n");
  EXPECT_EQ(undo("0001"), "run 0001 is undone, not committed");
  EXPECT_EQ(undo("0007").substr(0, 11), "no run 0007");
  EXPECT_EQ(undo("../0001").substr(0, 6), "no run");
}

TEST_F(JournalTest, AConflictChangesNothingAndKeepsTheNewVersions) {
  const Layer layer = run(work);
  write(workspace / "notes.txt", "my own edit");
  const std::string before = look_through(workspace, kSame);
  const std::string message = commit(changes(layer), layer);
  EXPECT_EQ(message,
            "nothing was changed: notes.txt was changed meanwhile; the run's own versions are in " +
                (workspace / ".tessera/undo/0001/new").string());
  EXPECT_EQ(look_through(workspace, kSame), before);
  EXPECT_EQ(read(workspace / ".tessera/undo/0001/new/notes.txt"), "one\n2\nthree\n");
  EXPECT_EQ(read(workspace / ".tessera/undo/0001/new/out/chart.png"), "a chart");
  EXPECT_EQ(states(), "0001 kept\n");
}

TEST_F(JournalTest, AnEditAfterTheLookIsAConflictToo) {
  const Layer layer = run(work);
  const ChangeSet set = changes(layer);
  ASSERT_TRUE(set.conflicts.empty());
  write(workspace / "data/b.csv", "my own edit");
  EXPECT_NE(commit(set, layer).find("nothing was changed: data/b.csv was changed meanwhile"),
            std::string::npos);
  EXPECT_EQ(read(workspace / "data/b.csv"), "my own edit");
  EXPECT_EQ(read(workspace / "notes.txt"), "one\ntwo\nthree\n");
}

TEST_F(JournalTest, AnEditBetweenTwoStepsIsPutBackAndAllWithIt) {
  // At each step in turn somebody saves, in place or by rename, a file that the run changes.
  const std::string mine = "my own edit";
  for (const bool by_rename : {false, true}) {
    int conflicts = 0;
    for (int k = 0;; ++k) {
      const Layer layer = run(work);
      const ChangeSet set = changes(layer);
      int step = 0;
      bool edited = false;
      Journal::Options hooked = options;
      hooked.at_step = [&](std::string_view) {
        if (step++ != k) return;
        edited = true;
        if (by_rename) {
          write(workspace / "notes.new", mine);
          fs::rename(workspace / "notes.new", workspace / "notes.txt");
        } else {
          write(workspace / "notes.txt", mine);
        }
      };
      base::Result<Journal> hooked_journal = Journal::open(workspace, hooked);
      ASSERT_TRUE(hooked_journal);
      base::Result<Journal::Committed> done = hooked_journal->commit(set, layer, "", 0);
      if (!edited) break;
      ASSERT_EQ(read(workspace / "notes.txt"), mine) << "step " << k;
      if (done) {
        // The edit came after the run's own version: an undo finds it.
        EXPECT_TRUE(fs::exists(workspace / "out/chart.png"));
        EXPECT_NE(undo().find("notes.txt was changed meanwhile"), std::string::npos)
            << "step " << k;
        ASSERT_EQ(undo("", true).substr(0, 6), "undone");
        ASSERT_EQ(read(workspace / "notes.txt"), mine);
      } else {
        ++conflicts;
        EXPECT_EQ(done.error().code, base::Errc::refused) << done.error().message;
      }
      EXPECT_FALSE(fs::exists(workspace / "out")) << "step " << k;
      EXPECT_EQ(read(workspace / "data/a.csv"), "1,2\n") << "step " << k;
      EXPECT_EQ(read(workspace / "data/b.csv"), "3,4\n") << "step " << k;
      write(workspace / "notes.txt", "one\ntwo\nthree\n");
    }
    EXPECT_GT(conflicts, 5);
    ASSERT_EQ(undo().substr(0, 6), "undone");
  }
}

TEST_F(JournalTest, UndoRefusesWhatSomebodyChangedAfterTheRun) {
  ASSERT_EQ(commit(work), "0001");
  write(workspace / "notes.txt", "my own edit");
  const std::string before = look_through(workspace, kSame);
  EXPECT_EQ(undo(), "nothing was undone: notes.txt was changed meanwhile");
  EXPECT_EQ(look_through(workspace, kSame), before);
  base::Result<Journal::Undone> undone = journal().undo("", true);
  ASSERT_TRUE(undone) << undone.error().message;
  EXPECT_EQ(list(undone->kept), "notes.txt: was changed meanwhile\n");
  EXPECT_EQ(read(workspace / "notes.txt"), "my own edit");
  EXPECT_EQ(read(workspace / "data/b.csv"), "3,4\n");
  EXPECT_FALSE(fs::exists(workspace / "out"));
  EXPECT_EQ(read(workspace / ".tessera/undo/0001/old/notes.txt"), "one\ntwo\nthree\n");
}

TEST_F(JournalTest, WhatSomebodyMadeWhereTheRunRemovedIsAConflict) {
  ASSERT_EQ(commit([] { fs::remove_all("data"); }), "0001");
  write(workspace / "data", "a file of mine");
  EXPECT_EQ(undo(), "nothing was undone: data was made meanwhile");
  fs::remove(workspace / "data");
  EXPECT_EQ(undo(), "undone 0001");
  EXPECT_EQ(read(workspace / "data/b.csv"), "3,4\n");
}

TEST_F(JournalTest, MyFilesInAFolderOfTheRunStay) {
  ASSERT_EQ(commit([] {
              write("out/a/1", "1");
              write("out/a/2", "2");
              write("out/b/1", "1");
            }),
            "0001");
  write(workspace / "out/a/mine", "mine");
  write(workspace / "out/c/mine", "mine");
  fs::remove(workspace / "out/a/2");
  EXPECT_EQ(undo(), "undone 0001");
  EXPECT_EQ(read(workspace / "out/a/mine"), "mine");
  EXPECT_EQ(read(workspace / "out/c/mine"), "mine");
  EXPECT_FALSE(fs::exists(workspace / "out/a/1"));
  EXPECT_FALSE(fs::exists(workspace / "out/b"));
  EXPECT_EQ(read(workspace / ".tessera/undo/0001/undone/out/b/1"), "1");
  base::Result<Journal::Undone> redone = journal().redo("");
  ASSERT_TRUE(redone) << redone.error().message;
  EXPECT_EQ(read(workspace / "out/a/1"), "1");
  EXPECT_EQ(read(workspace / "out/b/1"), "1");
  EXPECT_EQ(read(workspace / "out/a/mine"), "mine");
  EXPECT_EQ(undo(), "undone 0001") << "and again";
  EXPECT_FALSE(fs::exists(workspace / "out/a/1"));
}

TEST_F(JournalTest, ALaterEditInAnAddedTreeIsAConflict) {
  ASSERT_EQ(commit([] {
              write("out/1", "1");
              write("out/2", "2");
            }),
            "0001");
  write(workspace / "out/2", "mine now");
  EXPECT_EQ(undo(), "nothing was undone: out/2 was changed meanwhile");
  EXPECT_EQ(undo("", true), "undone 0001");
  EXPECT_FALSE(fs::exists(workspace / "out/1"));
  EXPECT_EQ(read(workspace / "out/2"), "mine now");
}

TEST_F(JournalTest, UndoesInAnyOrderWhereRunsDoNotTouch) {
  const std::string before = look_through(workspace, kSame);
  ASSERT_EQ(commit([] { write("notes.txt", "first"); }), "0001");
  ASSERT_EQ(commit([] { write("data/a.csv", "second"); }), "0002");
  ASSERT_EQ(commit([] { write("notes.txt", "third"); }), "0003");
  EXPECT_EQ(undo("0001"), "nothing was undone: notes.txt was changed meanwhile");
  EXPECT_EQ(undo("0002"), "undone 0002");
  EXPECT_EQ(undo("0003"), "undone 0003");
  EXPECT_EQ(undo("0001"), "undone 0001");
  EXPECT_EQ(look_through(workspace, kSame), before);
}

TEST_F(JournalTest, ForgetsTheOldestAndSaysWhich) {
  options.keep_runs = 3;
  for (int i = 1; i <= 3; ++i)
    commit([&] { write("notes.txt", std::string(1000, 'a') + std::to_string(i)); });
  const Layer layer = run([] { write("notes.txt", "4"); });
  base::Result<Journal::Committed> done = journal().commit(changes(layer), layer, "", 0);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->id, "0004");
  EXPECT_EQ(done->pruned, std::vector<std::string>{"0001"});
  EXPECT_FALSE(fs::exists(workspace / ".tessera/undo/0001"));
  base::Result<std::vector<std::string>> pruned = journal().prune(50, 1500);
  ASSERT_TRUE(pruned);
  EXPECT_EQ(*pruned, (std::vector<std::string>{"0002", "0003"})) << "1001 bytes are kept for each";
  pruned = journal().prune(0, 0);
  ASSERT_TRUE(pruned);
  EXPECT_TRUE(pruned->empty()) << "the newest stays";
  EXPECT_EQ(commit([] { write("notes.txt", "5"); }), "0005") << "an id is not used twice";
}

TEST_F(JournalTest, ADamagedRecordIsNamedAndNothingIsTouched) {
  ASSERT_EQ(commit(work), "0001");
  const fs::path record = workspace / ".tessera/undo/0001/run";
  const std::string good = read(record);
  const std::string before = look_through(workspace, kSame);
  std::vector<std::string> bad = {"", "{}", "{}\n{}\n", good.substr(0, good.size() / 2),
                                  good + good};
  auto replaced = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const size_t at = text.find(from);
    EXPECT_NE(at, text.npos) << from;
    bad.push_back(text.replace(at, from.size(), to));
  };
  replaced("[\"notes.txt\",[[", "[\"../../outside\",[[");
  replaced("[\"notes.txt\",[[", "[\"/etc/passwd\",[[");
  replaced("[\"notes.txt\",[[", "[\".tessera/undo\",[[");
  replaced("[\"notes.txt\",[[", "[\"\",[[");
  replaced("\"committed\"", "\"almost\"");
  replaced("\"format\":2", "\"format\":0");
  replaced("\"format\":2", "\"format\":3");
  replaced("\"id\":\"0001\"", "\"id\":\"0002\"");
  for (const std::string& text : bad) {
    write(record, text);
    base::Result<Journal::Undone> done = journal().undo("");
    ASSERT_FALSE(done) << text;
    EXPECT_EQ(done.error().code, base::Errc::corrupt) << done.error().message;
    EXPECT_NE(done.error().message.find(record.string()), std::string::npos)
        << done.error().message;
    EXPECT_EQ(look_through(workspace, kSame), before);
  }
  for (size_t cut = 0; cut < good.size(); cut += 7) {
    write(record, good.substr(0, cut));
    ASSERT_FALSE(journal().undo("")) << cut;
  }
  write(record, good);
  EXPECT_EQ(undo(), "undone 0001");
}

TEST_F(JournalTest, ARecordOfTheFormatBeforeIsReadAndOneOfALaterFormatIsNamed) {
  const std::string before = look_through(workspace, kSame);
  ASSERT_EQ(commit([] {
              write("notes.txt", "one\n2\nthree\n");
              fs::remove("data/b.csv");
              write("out/chart.png", "a chart");
              chmod("data", 0700);
            }),
            "0001");
  // Without moves the rows are the same.
  const fs::path record = workspace / ".tessera/undo/0001/run";
  std::string text = read(record);
  const size_t at = text.find("\"format\":2");
  ASSERT_NE(at, text.npos);
  write(record, text.replace(at, 10, "\"format\":3"));
  EXPECT_EQ(undo(), record.string() +
                        " was written by a newer version of Tessera (format 3); "
                        "nothing was touched");
  write(record, text.replace(at, 10, "\"format\":1"));
  EXPECT_EQ(undo(), "undone 0001");
  EXPECT_EQ(look_through(workspace, kSame), before);
}

TEST_F(JournalTest, AFileThatAProgramMovedIsTheVeryFile) {
  const std::string before = look_through(workspace, kSame);
  struct stat old {
  }, now{};
  ASSERT_EQ(stat((workspace / "data/a.csv").c_str(), &old), 0);
  std::string after;
  const Layer layer = run(
      [] {
        fs::create_directories("new/deep");
        fs::rename("data/a.csv", "new/deep/c.csv");
        fs::rename("data/b.csv", "b.csv");
        fs::remove("data");
      },
      &after);
  const ChangeSet set = changes(layer);
  EXPECT_EQ(set.moves.size(), 2u);
  ASSERT_EQ(commit(set, layer), "0001");
  EXPECT_EQ(look_through(workspace), after);
  ASSERT_EQ(stat((workspace / "new/deep/c.csv").c_str(), &now), 0);
  EXPECT_EQ(old.st_ino, now.st_ino);
  base::Result<std::vector<Journal::Info>> runs = journal().list();
  ASSERT_TRUE(runs);
  EXPECT_EQ(runs->back().bytes, 0u) << "nothing is kept of what only moved";
  write(workspace / "b.csv", "edited since");
  EXPECT_EQ(undo(), "nothing was undone: b.csv was changed meanwhile");
  write(workspace / "b.csv", "3,4\n");
  EXPECT_NE(undo(), "undone 0001") << "it has another time";
  EXPECT_EQ(undo("", true), "undone 0001");
  EXPECT_EQ(read(workspace / "data/a.csv"), "1,2\n");
  EXPECT_FALSE(fs::exists(workspace / "new"));
  EXPECT_EQ(read(workspace / "b.csv"), "3,4\n");
  EXPECT_FALSE(fs::exists(workspace / "data/b.csv"));
  EXPECT_NE(look_through(workspace, kSame), before);
}

TEST_F(JournalTest, ACopyWithOtherAttributesIsNoMove) {
  if (setxattr((workspace / "notes.txt").c_str(), "user.note", "mine", 4, 0) != 0)
    GTEST_SKIP() << "no attributes here";
  const ChangeSet set = changes(run([] {
    fs::rename("notes.txt", "noted.txt");
    fs::rename("data/a.csv", "a.csv");
    chmod("a.csv", 0600);
    write("c.csv", "3,4\n");  // another time
    fs::remove("data/b.csv");
  }));
  EXPECT_EQ(set.moves.size(), 0u);
  EXPECT_EQ(list(set.changes),
            "moved data/a.csv -> a.csv\nmoved data/b.csv -> c.csv\nmoved notes.txt -> noted.txt\n");
}

TEST_F(JournalTest, ACopiedJournalIsNotBelieved) {
  ASSERT_EQ(commit(work), "0001");
  const fs::path copy = base / "copy";
  fs::copy(workspace, copy, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  const std::string before = look_through(copy, kSame);
  base::Result<Journal> other = Journal::open(copy, options);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, base::Errc::corrupt);
  EXPECT_NE(other.error().message.find("is the journal of another folder"), std::string::npos);
  EXPECT_EQ(look_through(copy, kSame), before);
  fs::remove(copy / ".tessera/undo/journal");
  EXPECT_FALSE(Journal::open(copy, options)) << "nor one without the mark";
}

TEST_F(JournalTest, ALinkInPlaceOfTheJournalLeadsNowhere) {
  fs::create_directory(base / "elsewhere");
  fs::create_symlink(base / "elsewhere", workspace / ".tessera");
  base::Result<Journal> linked = Journal::open(workspace, options);
  ASSERT_FALSE(linked);
  EXPECT_EQ(linked.error().code, base::Errc::system);
  EXPECT_TRUE(fs::is_empty(base / "elsewhere"));
}

TEST_F(JournalTest, AFolderThatBecomesALinkMeanwhileLeadsNowhere) {
  write(base / "elsewhere/a.csv", "outside");
  const Layer layer = run([] { write("data/a.csv", "by the run"); });
  const ChangeSet set = changes(layer);
  fs::rename(workspace / "data", workspace / "moved");
  fs::create_symlink(base / "elsewhere", workspace / "data");
  EXPECT_NE(commit(set, layer).find("nothing was changed: data"), std::string::npos);
  EXPECT_EQ(read(base / "elsewhere/a.csv"), "outside");
}

TEST_F(JournalTest, WaitsForAnotherProcessAndDoesNotTakeItForDead) {
  const Layer layer = run([] { write("new", "1"); });
  const ChangeSet set = changes(layer);
  ASSERT_EQ(commit([] { write("first", "1"); }), "0001");
  // A child commits; in the middle of it, it says so and waits until it is told to go on.
  int here[2], there[2];
  ASSERT_EQ(pipe(here), 0);
  ASSERT_EQ(pipe(there), 0);
  const pid_t child = fork();
  if (child == 0) {
    Journal::Options hooked = options;
    hooked.at_step = [&](std::string_view what) {
      if (what != "put") return;
      char c = 'x';
      (void)!::write(here[1], &c, 1);
      (void)!::read(there[0], &c, 1);
    };
    base::Result<Journal> mine = Journal::open(workspace, hooked);
    _exit(mine && mine->commit(set, layer, "", 0) ? 0 : 1);
  }
  char c = 0;
  ASSERT_EQ(::read(here[0], &c, 1), 1);
  const int lock = open((workspace / ".tessera/undo/lock").c_str(), O_RDWR | O_CLOEXEC);
  EXPECT_NE(flock(lock, LOCK_EX | LOCK_NB), 0) << "it holds the lock";
  close(lock);
  ASSERT_EQ(::write(there[1], &c, 1), 1);
  EXPECT_EQ(states(), "0001 committed\n0002 committed\n") << "we waited for it";
  int status = 1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  for (int fd : {here[0], here[1], there[0], there[1]}) close(fd);
}

TEST_F(JournalTest, SurvivesARealFlushToo) {
  options.durable = true;
  const std::string before = look_through(workspace, kSame);
  ASSERT_EQ(commit(work), "0001");
  ASSERT_EQ(undo(), "undone 0001");
  EXPECT_EQ(look_through(workspace, kSame), before);
}

}  // namespace
}  // namespace sandbox
