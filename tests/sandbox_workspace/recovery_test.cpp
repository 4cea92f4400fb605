// Sessions of random work through a real overlay, committed and undone by processes that are killed
// anywhere. What must hold: after recovery the tree is exactly as before or exactly as after.

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>
#include <random>

#include "fixture.h"
#include "sandbox/workspace/rearrange.h"

namespace sandbox {
namespace {

namespace fs = std::filesystem;

using Random = std::mt19937;

constexpr int kMostCalls = 800;  ///< of the system: what half of the sessions below need is less

constexpr View kSame{.inodes = true, .top_time = true};

int below(Random& random, int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); }

struct Tree {
  std::vector<fs::path> files, folders{"."};
};

Tree tree() {
  Tree found;
  std::error_code ignored;
  for (fs::recursive_directory_iterator at(".", fs::directory_options::skip_permission_denied,
                                           ignored);
       at != fs::recursive_directory_iterator(); at.increment(ignored)) {
    if (at->path() == "./.tessera") {
      at.disable_recursion_pending();
      continue;
    }
    (fs::is_directory(at->symlink_status()) ? found.folders : found.files).push_back(at->path());
  }
  std::sort(found.files.begin(), found.files.end());
  std::sort(found.folders.begin() + 1, found.folders.end());
  return found;
}

void put(const fs::path& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (fd < 0) return;
  (void)!write(fd, text.data(), text.size());
  close(fd);
}

/// As mv does it.
void move(const fs::path& from, const fs::path& to) {
  if (rename(from.c_str(), to.c_str()) == 0 || errno != EXDEV) return;
  std::error_code failed;
  fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::copy_symlinks, failed);
  fs::remove_all(from, failed);
}

/// One thing that a script might do. Links never say "..", so none leaves.
void do_something(Random& random) {
  const Tree now = tree();
  auto any = [&](const std::vector<fs::path>& of) {
    return of.empty() ? fs::path("none")
                      : of[static_cast<size_t>(below(random, static_cast<int>(of.size())))];
  };
  auto fresh = [&] {
    const char* names[] = {"a", "b", "c.txt", "d-e", "d", "Ü ber", "f%20", "g"};
    return any(now.folders) / names[below(random, 8)];
  };
  std::error_code failed;
  const fs::path file = any(now.files), folder = any(now.folders);
  const std::string text(static_cast<size_t>(below(random, 3000)),
                         static_cast<char>('a' + below(random, 26)));
  switch (below(random, 14)) {
    case 0:
    case 1:
      return put(fresh(), text);
    case 2:
      return put(file, text);
    case 3:
      fs::remove(file, failed);
      return;
    case 4:
      if (folder != ".") fs::remove_all(folder, failed);
      return;
    case 5:
    case 6:
      fs::create_directory(fresh(), failed);
      return;
    case 7:
      return move(file, fresh());
    case 8:
      if (folder != ".") move(folder, fresh());
      return;
    case 9: {
      const mode_t modes[] = {0644, 0600, 0755, 0444, 0400};
      if (!fs::is_symlink(file)) (void)!chmod(file.c_str(), modes[below(random, 5)]);
      return;
    }
    case 10: {
      const mode_t modes[] = {0755, 0700, 0555, 0500, 0000};
      if (folder != ".") (void)!chmod(folder.c_str(), modes[below(random, 5)]);
      return;
    }
    case 11:
      (void)!symlink(any(now.files).filename().c_str(), fresh().c_str());
      return;
    case 12: {  // removed and made anew: an opaque folder, or another type
      const bool was_folder = below(random, 2) == 0 && folder != ".";
      const fs::path& at = was_folder ? folder : file;
      fs::remove_all(at, failed);
      if (below(random, 2) == 0) return put(at, text);
      fs::create_directory(at, failed);
      return put(at / "inside", text);
    }
    case 13: {
      const timespec times[2] = {{1'600'000'000 + below(random, 1000), 5},
                                 {1'500'000'000 + below(random, 1000), 7}};
      (void)!utimensat(AT_FDCWD, file.c_str(), times, AT_SYMLINK_NOFOLLOW);
      return;
    }
  }
}

class RecoveryTest : public WorkspaceTest {
 protected:
  RecoveryTest() { begin(); }

  /// Something of everything to begin with.
  void begin() {
    for (const char* path : {"a", "c.txt", "d/a", "d/d/b", "d/d/d/c.txt", "src/one", "src/two"}) {
      write(workspace / path, std::string("the text of ") + path + "\n");
    }
    fs::create_hard_link(workspace / "src/one", workspace / "src/same");
    fs::create_symlink("a", workspace / "link");
  }

  /// Runs `work` in a process that ends itself at the `kill_at`-th step; true if it came to its
  /// end.
  bool in_child(int kill_at, const std::function<bool(Journal&)>& work) {
    const pid_t child = fork();
    if (child == 0) {
      int step = 0;
      Journal::Options mine = options;
      mine.at_step = [&](std::string_view) {
        if (step++ == kill_at) raise(SIGKILL);
      };
      base::Result<Journal> journal = Journal::open(workspace, mine);
      _exit(journal && work(*journal) ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) return false;
    EXPECT_EQ(WEXITSTATUS(status), 0) << "step " << kill_at;
    return true;
  }

  /// The same, killed as it enters its `kill_at`-th system call: what lies between two of them
  /// makes no difference to anybody else.
  bool in_child_to_call(int kill_at, const std::function<bool(Journal&)>& work) {
    const pid_t child = fork();
    if (child == 0) {
      if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(2);
      raise(SIGSTOP);
      base::Result<Journal> journal = Journal::open(workspace, options);
      _exit(journal && work(*journal) ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSTOPPED(status)) << "no child can be traced here";
    ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    for (int calls = 0; WIFSTOPPED(status); waitpid(child, &status, 0)) {
      const bool of_a_call = WSTOPSIG(status) == (SIGTRAP | 0x80);  // entered, then left
      if (of_a_call && calls++ == 2 * kill_at) {
        kill(child, SIGKILL);
        waitpid(child, &status, 0);
        break;
      }
      ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    }
    if (WIFSIGNALED(status)) return false;
    EXPECT_EQ(WEXITSTATUS(status), 0) << "call " << kill_at;
    return true;
  }

  /// Nothing of a run that did not happen may stay, nor half a record.
  void expect_tidy() {
    if (!fs::exists(workspace / ".tessera/undo")) return;
    for (const auto& entry : fs::directory_iterator(workspace / ".tessera/undo")) {
      if (!fs::is_directory(entry)) continue;
      EXPECT_TRUE(fs::exists(entry.path() / "run")) << entry.path();
      EXPECT_FALSE(fs::exists(entry.path() / "pending")) << entry.path();
    }
  }

  std::string newest_state() {
    base::Result<std::vector<Journal::Info>> runs = journal().list();
    if (!runs) return runs.error().message;
    return runs->empty() ? "" : std::string(state_name(runs->back().state));
  }

  /// Undoes and redoes the run that is committed, killed at each step: each is whole or nothing.
  /// before: as kSame shows it, after: as `view` does. kills: counted up.
  void kill_undo_and_redo(const std::string& before, const std::string& after, const View& view,
                          int& kills) {
    for (const bool undo : {true, false}) {
      const std::string start = look_through(workspace, kSame);
      for (int k = 0;; ++k) {
        const bool ended = in_child(k, [&](Journal& j) {
          base::Result<Journal::Undone> done = undo ? j.undo("") : j.redo("");
          if (!done) std::cerr << done.error().message << "\n";
          return done.has_value();
        });
        (void)journal();
        expect_tidy();
        const std::string state = newest_state();
        ASSERT_TRUE(state == "committed" || state == "undone") << state;
        if ((state == "committed") == undo) {
          ASSERT_EQ(look_through(workspace, kSame), start) << "step " << k;
        } else if (undo) {
          ASSERT_EQ(look_through(workspace, kSame), before) << "step " << k;
          if (!ended) {
            ASSERT_TRUE(journal().redo(""));
          }
        } else {
          ASSERT_EQ(look_through(workspace, view), after) << "step " << k;
          if (!ended) {
            ASSERT_TRUE(journal().undo(""));
          }
        }
        if (ended) break;
        ++kills;
      }
    }
  }
};

TEST_F(RecoveryTest, ACommitOrUndoThatIsKilledAtAnyStepIsWholeOrNothing) {
  int kills = 0;
  for (unsigned seed = 1; seed <= 6; ++seed) {
    options.exchange = seed % 2 == 0;
    Random random(seed);
    std::string after;
    Layer layer = run(
        [&] {
          for (int i = 0; i < 12; ++i) do_something(random);
        },
        &after);
    ASSERT_TRUE(layer.upper);
    const ChangeSet set = changes(layer);
    ASSERT_EQ(list(set.conflicts), "");
    ASSERT_EQ(list(set.refusals), "");
    ASSERT_FALSE(set.empty());
    const std::string before = look_through(workspace, kSame);
    for (int k = 0;; ++k) {
      // An undo gives back all but the ctime.
      layer.before = *take_snapshot(workspace, protect);
      const bool ended = in_child(k, [&](Journal& j) {
        base::Result<Journal::Committed> done = j.commit(set, layer, "random", 0);
        if (!done) std::cerr << done.error().message << "\n";
        return done.has_value();
      });
      (void)journal();
      expect_tidy();
      const std::string now = look_through(workspace);
      if (now != after) {
        ASSERT_EQ(look_through(workspace, kSame), before) << "seed " << seed << " step " << k;
      } else {
        base::Result<Journal::Undone> undone = journal().undo("");
        ASSERT_TRUE(undone) << undone.error().message << " seed " << seed << " step " << k;
        ASSERT_EQ(look_through(workspace, kSame), before) << "seed " << seed << " step " << k;
      }
      if (ended) {
        ASSERT_EQ(now, after) << "seed " << seed;
        break;
      }
      ++kills;
    }
    ASSERT_TRUE(journal().redo(""));
    ASSERT_EQ(look_through(workspace), after) << "seed " << seed;
    kill_undo_and_redo(before, after, {}, kills);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
    (void)journal().prune(1, 0);
  }
  std::cout << kills << " kills\n";
}

/// A plan of moves, removals and new folders, and what it leads to: the same done by rename in a
/// copy.
struct Plan {
  std::vector<Rearrangement> steps;
  std::string after;
};

/// Does random things in `copy`, which is a copy of the workspace.
Plan random_plan(Random& random, const fs::path& copy, int n) {
  Plan plan;
  const fs::path back = fs::current_path();
  fs::current_path(copy);
  auto path = [](const fs::path& p) { return p.lexically_normal().string(); };
  auto rename_it = [&](const fs::path& from, const fs::path& to) {
    if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0)
      return false;
    plan.steps.push_back({path(from), path(to)});
    return true;
  };
  for (int i = 0; i < n; ++i) {
    const Tree now = tree();
    std::vector<fs::path> all = now.files;
    all.insert(all.end(), now.folders.begin() + 1, now.folders.end());
    auto any = [&](const std::vector<fs::path>& of) {
      return of.empty() ? fs::path("none")
                        : of[static_cast<size_t>(below(random, static_cast<int>(of.size())))];
    };
    const char* names[] = {"a", "b", "c.txt", "d-e", "d", "Ü ber", "f%20", "A"};
    const fs::path fresh = any(now.folders) / names[below(random, 8)], one = any(all);
    std::error_code failed;
    switch (below(random, 10)) {
      case 8: {  // another case
        std::string name = one.filename();
        name[0] = static_cast<char>(name[0] ^ 0x20);
        if (isalpha(name[0])) (void)rename_it(one, one.parent_path() / name);
        break;
      }
      case 9: {  // three files go round, hard links among them
        const fs::path second = any(now.files), third = any(now.files);
        if (one == second || !rename_it(second, ".round")) break;
        if (rename_it(third, second)) (void)rename_it(one, third);
        if (!rename_it(".round", one)) (void)rename_it(".round", "z" + std::to_string(i));
        break;
      }
      case 0:
        if (fs::create_directory(fresh, failed)) plan.steps.push_back({"", path(fresh)});
        break;
      case 1:
        if (fs::remove_all(one, failed) > 0) plan.steps.push_back({path(one), ""});
        break;
      case 2: {  // two trade places
        const fs::path other = any(all), spare = ".spare";
        if (!rename_it(one, spare)) break;
        if (rename_it(other, one)) (void)rename_it(spare, other);
        if (fs::exists(fs::symlink_status(spare))) (void)rename_it(spare, one.parent_path() / "x");
        if (fs::exists(fs::symlink_status(spare))) (void)rename_it(spare, "y" + std::to_string(i));
        break;
      }
      case 3: {  // gathered in a folder that is new
        const fs::path folder = "new" + std::to_string(i);
        if (fs::create_directory(folder, failed)) plan.steps.push_back({"", path(folder)});
        for (int k = 0; k < 3; ++k) (void)rename_it(any(now.files), folder / std::to_string(k));
        break;
      }
      default:
        (void)rename_it(one, fresh);
    }
  }
  fs::current_path(back);
  plan.after = look_through(copy, {.folder_times = false});
  return plan;
}

class RearrangeRecoveryTest : public RecoveryTest {
 protected:
  RearrangeRecoveryTest() { link(); }
  void link() {
    for (const char* path : {"d/same", "same"})
      fs::create_hard_link(workspace / "src/one", workspace / path);
  }
  Plan plan(Random& random, int n) {
    const fs::path copy = base / "copy";
    fs::remove_all(copy);
    fs::create_directory(copy);
    // In one call, so that hard links stay together.
    const std::string command =
        "cd '" + workspace.string() +
        "' && find . -mindepth 1 -maxdepth 1 ! -name .tessera -exec cp -a -t '" + copy.string() +
        "' {} +";
    EXPECT_EQ(system(command.c_str()), 0);
    return random_plan(random, copy, n);
  }
  ChangeSet arranged(const Plan& plan) {
    base::Result<Snapshot> before = take_snapshot(workspace, protect);
    EXPECT_TRUE(before);
    layer.before = std::move(*before);
    base::Result<ChangeSet> set =
        rearrange(plan.steps, layer.before, workspace, protect, {}, 1'700'000'000'000'000'000);
    EXPECT_TRUE(set) << set.error().message;
    return set ? std::move(*set) : ChangeSet();
  }
  std::string now() { return look_through(workspace, {.folder_times = false}); }

  Layer layer;
};

TEST_F(RearrangeRecoveryTest, APlanThatIsKilledAtAnyStepIsWholeOrNothing) {
  int kills = 0;
  bool by_way = false;
  for (unsigned seed = 1; seed <= 10; ++seed) {
    Random random(seed);
    fs::remove_all(workspace);
    fs::create_directory(workspace);
    begin();
    link();
    const Plan plan = this->plan(random, 14);
    const std::string before = look_through(workspace, kSame);
    ASSERT_NE(now(), plan.after);
    for (int k = 0;; ++k) {
      // An undo gives back all but the ctime.
      const ChangeSet set = arranged(plan);
      const bool ended = in_child(k, [&](Journal& j) {
        base::Result<Journal::Committed> done = j.commit(set, layer, "random", 0);
        if (!done) std::cerr << done.error().message << "\n";
        return done.has_value();
      });
      by_way = by_way || fs::exists(workspace / ".tessera/undo/0001/way");
      (void)journal();
      expect_tidy();
      if (now() != plan.after) {
        ASSERT_EQ(look_through(workspace, kSame), before) << "seed " << seed << " step " << k;
      } else {
        base::Result<Journal::Undone> undone = journal().undo("");
        ASSERT_TRUE(undone) << undone.error().message << " seed " << seed << " step " << k;
        ASSERT_EQ(look_through(workspace, kSame), before) << "seed " << seed << " step " << k;
      }
      if (ended) break;
      ++kills;
    }
    ASSERT_TRUE(journal().redo(""));
    ASSERT_EQ(now(), plan.after) << "seed " << seed;
    kill_undo_and_redo(before, plan.after, {.folder_times = false}, kills);
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
  EXPECT_TRUE(by_way) << "no plan needed the way through the journal";
  std::cout << kills << " kills\n";
}

TEST_F(RearrangeRecoveryTest, AHundredRandomPlansKilledInRandomCallsAreGivenBackExactly) {
  int whole = 0, nothing = 0, killed = 0;
  for (unsigned seed = 100; seed < 200; ++seed) {
    Random random(seed);
    const fs::path more = workspace / ("more" + std::to_string(seed % 5));
    fs::remove_all(more);
    for (const char* name : {"1", "2", "3"}) write(more / name, std::to_string(seed) + name);
    const std::string before = look_through(workspace, kSame);
    const Plan plan = this->plan(random, 1 + below(random, 25));
    if (now() == plan.after) continue;
    const ChangeSet set = arranged(plan);
    auto commit = [&](Journal& j) { return j.commit(set, layer, "random", 0).has_value(); };
    killed += !in_child_to_call(below(random, kMostCalls), commit);
    const std::string state = newest_state();
    if (look_through(workspace, kSame) == before) {
      ++nothing;
      Journal mine = journal();
      ASSERT_TRUE(commit(mine)) << "seed " << seed;
    } else {
      ++whole;
      ASSERT_EQ(state, "committed");
    }
    ASSERT_EQ(now(), plan.after) << "seed " << seed;
    killed += !in_child_to_call(below(random, kMostCalls),
                                [](Journal& j) { return j.undo("").has_value(); });
    (void)journal();
    if (newest_state() == "committed") {
      ASSERT_EQ(now(), plan.after) << "seed " << seed;
      base::Result<Journal::Undone> undone = journal().undo("");
      ASSERT_TRUE(undone) << undone.error().message << " seed " << seed;
    }
    ASSERT_EQ(look_through(workspace, kSame), before) << "seed " << seed;
    expect_tidy();
    if (seed % 2 == 0) {
      base::Result<Journal::Undone> redone = journal().redo("");
      ASSERT_TRUE(redone) << redone.error().message << " seed " << seed;
      ASSERT_EQ(now(), plan.after) << "seed " << seed;
    }
  }
  std::cout << killed << " kills, " << whole << " commits were whole after the kill, " << nothing
            << " had not happened\n";
}

TEST_F(RearrangeRecoveryTest, AnOriginalWhoseNameIsTakenIsSetAsideForGood) {
  const Plan trade{{{"a", "spare"}, {"c.txt", "a"}, {"spare", "c.txt"}}, ""};
  const Plan later{{{"", "later"}}, ""};
  auto commit = [&](Journal& j, const Plan& plan) {
    const ChangeSet set = arranged(plan);
    return j.commit(set, layer, "trade", 0).has_value();
  };
  int aside = 0;
  for (const bool undo : {false, true}) {
    for (const std::string name : {"a", "c.txt"}) {
      for (int k = 0;; ++k) {
        fs::remove_all(workspace);
        fs::create_directory(workspace);
        begin();
        Journal mine = journal();
        if (undo) {
          ASSERT_TRUE(commit(mine, trade));
        }
        const std::string original = read(workspace / name);
        const bool ended = in_child(
            k, [&](Journal& j) { return undo ? j.undo("").has_value() : commit(j, trade); });
        const bool taken = !fs::exists(workspace / name);
        if (taken) write(workspace / name, "mine");
        base::Result<std::vector<Journal::Info>> runs = journal().list();
        ASSERT_TRUE(runs) << runs.error().message;
        if (taken) {
          ASSERT_EQ(read(workspace / name), "mine");
          ASSERT_TRUE(commit(mine, later));
          ASSERT_TRUE(journal().prune(1, 0));
          const fs::path place = workspace / ".tessera/undo/aside" / name;
          ASSERT_EQ(read(place), original) << "step " << k;
          ASSERT_NE(runs->back().label.find(place.string()), std::string::npos)
              << runs->back().label;
          ++aside;
        }
        if (ended) break;
      }
    }
  }
  EXPECT_GT(aside, 3);
}

TEST_F(RecoveryTest, AFirstCommitThatIsKilledLeavesTheTimeOfTheWorkspace) {
  struct stat top {};
  ASSERT_EQ(stat(workspace.c_str(), &top), 0);
  const std::string before = look_through(workspace, kSame);
  const Layer layer = run([] { put("new", "text"); });
  ASSERT_TRUE(layer.upper);
  const ChangeSet set = changes(layer);
  int k = 0;
  for (;; ++k) {
    if (in_child(k, [&](Journal& j) { return j.commit(set, layer, "first", 0).has_value(); }))
      break;
    if (newest_state() == "committed") {
      ASSERT_TRUE(journal().undo(""));
    }
    ASSERT_EQ(look_through(workspace, kSame), before) << "step " << k;
    ASSERT_EQ(listxattr(workspace.c_str(), nullptr, 0), 0);
    fs::remove_all(workspace / ".tessera");
    const timespec times[2] = {top.st_atim, top.st_mtim};
    ASSERT_EQ(utimensat(AT_FDCWD, workspace.c_str(), times, 0), 0);
  }
  EXPECT_GT(k, 8);
}

TEST_F(RecoveryTest, AClosedFolderLeftOpenByAKillIsNoConflict) {
  fs::permissions(workspace / "d/d", fs::perms(0555));
  const std::string before = look_through(workspace, kSame);
  std::string after;
  Layer layer = run(
      [&] {
        fs::permissions("d/d", fs::perms(0755));
        move("d/d", "src/d");
        fs::permissions("src/d", fs::perms(0555));
      },
      &after);
  ASSERT_TRUE(layer.upper);
  const ChangeSet set = changes(layer);
  int kills = 0;
  for (int k = 0;; ++k) {
    layer.before = *take_snapshot(workspace, protect);
    const bool ended = in_child_to_call(
        k, [&](Journal& j) { return j.commit(set, layer, "closed", 0).has_value(); });
    const std::string state = newest_state();
    if (state == "committed") {
      ASSERT_EQ(look_through(workspace), after) << "call " << k;
      ASSERT_TRUE(journal().undo("")) << "call " << k;
      (void)journal().prune(1, 0);
    } else {
      ASSERT_TRUE(state == "" || state == "undone") << state << ", call " << k;
    }
    ASSERT_EQ(look_through(workspace, kSame), before) << "call " << k;
    if (ended) break;
    ++kills;
  }
  std::cout << kills << " kills\n";
}

TEST_F(RecoveryTest, AHundredRandomSessionsKilledInRandomCallsAreGivenBackExactly) {
  int whole = 0, nothing = 0, refused = 0, killed = 0;
  for (unsigned seed = 100; seed < 200; ++seed) {
    Random random(seed);
    const std::string before = look_through(workspace, kSame);
    std::string after;
    const Layer layer = run(
        [&] {
          for (int i = 0, n = 1 + below(random, 25); i < n; ++i) do_something(random);
        },
        &after);
    ASSERT_TRUE(layer.upper);
    const ChangeSet set = changes(layer);
    ASSERT_EQ(list(set.conflicts), "") << "seed " << seed;
    if (!set.refusals.empty()) {
      // What an ordinary user cannot look through is not changed. Root sees everything.
      ASSERT_NE(geteuid(), 0u) << list(set.refusals);
      ++refused;
    }
    auto commit = [&](Journal& j) { return j.commit(set, layer, "random", 0).has_value(); };
    killed += !in_child_to_call(below(random, kMostCalls), commit);
    const std::string state = newest_state();
    std::string now = look_through(workspace);
    if (look_through(workspace, kSame) == before) {
      ++nothing;
      Journal mine = journal();
      ASSERT_TRUE(commit(mine)) << "seed " << seed;
      now = look_through(workspace);
    } else {
      ++whole;
      ASSERT_EQ(state, "committed");
    }
    if (set.refusals.empty()) {
      ASSERT_EQ(now, after) << "seed " << seed;
    }
    if (set.empty()) continue;
    killed += !in_child_to_call(below(random, kMostCalls),
                                [](Journal& j) { return j.undo("").has_value(); });
    (void)journal();
    if (newest_state() == "committed") {
      ASSERT_EQ(look_through(workspace), now) << "seed " << seed;
      base::Result<Journal::Undone> undone = journal().undo("");
      ASSERT_TRUE(undone) << undone.error().message << " seed " << seed;
    }
    ASSERT_EQ(look_through(workspace, kSame), before) << "seed " << seed;
    expect_tidy();
    // Every other one stays, so that the next starts from another tree.
    if (seed % 2 == 0) {
      base::Result<Journal::Undone> redone = journal().redo("");
      ASSERT_TRUE(redone) << redone.error().message << " seed " << seed;
      ASSERT_EQ(look_through(workspace), now) << "seed " << seed;
    }
  }
  std::cout << killed << " kills, " << whole << " commits were whole after the kill, " << nothing
            << " had not happened, " << refused << " sessions met a closed folder\n";
}

}  // namespace
}  // namespace sandbox
