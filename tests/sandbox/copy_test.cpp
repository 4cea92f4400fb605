// A run on a copy of the workspace, as where no overlay can be mounted: must come to the same as
// one over an overlay.

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "fixture.h"
#include "sandbox/workspace/journal.h"

namespace sandbox {
namespace {

namespace fs = std::filesystem;

class Copy : public SandboxTest {
 protected:
  Copy() {
    for (const char* path : {"a", "c.txt", "d/a", "d/d/b", "d/d/d/c.txt", "src/one", "src/two"}) {
      fs::create_directories((workspace / path).parent_path());
      write(workspace / path, std::string("the text of ") + path + "\n");
    }
    fs::create_directory(workspace / "empty");
    fs::create_symlink("a", workspace / "link");
    fs::permissions(workspace / "src/two", fs::perms(0640));
    int64_t second = 1'000'000'000;
    for (const auto& entry : fs::recursive_directory_iterator(workspace)) {
      const timespec times[2] = {{second, 5}, {second, 7}};
      utimensat(AT_FDCWD, entry.path().c_str(), times, AT_SYMLINK_NOFOLLOW);
      ++second;
    }
  }

  /// path, mode, content or target of everything but .tessera.
  std::string look(const std::string& at = "") const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(workspace / at))
      names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    std::string text;
    for (const std::string& name : names) {
      if (name == ".tessera") continue;
      const fs::path path = workspace / at / name;
      struct stat info {};
      lstat(path.c_str(), &info);
      char mode[32];
      snprintf(mode, sizeof mode, " %o ", info.st_mode);
      text += (fs::path(at) / name).string() + mode;
      if (S_ISREG(info.st_mode)) text += read(path);
      if (S_ISLNK(info.st_mode)) text += fs::read_symlink(path).string();
      text += "\n";
      if (S_ISDIR(info.st_mode)) text += look((fs::path(at) / name).string());
    }
    return text;
  }

  /// Runs and commits in a process that lacks a system call; true if all went well.
  bool run_without(const char* call, const std::string& script) {
    const pid_t child = fork();
    if (child == 0) {
      if (!forbid(call)) _exit(3);
      base::Result<Outcome> outcome = shell(script);
      _exit(outcome && describe(*outcome) == "exit code 0" && !HasFailure() ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  std::string listed() const {
    std::vector<std::string> lines;
    for (const Change& c : changes.changes)
      lines.push_back(std::string(kind_name(c.kind)) + " " + c.from + " " + c.path);
    for (const Refusal& r : changes.refusals) lines.push_back("refused " + r.path);
    std::sort(lines.begin(), lines.end());
    std::string text;
    for (const std::string& line : lines) text += line + "\n";
    return text;
  }
};

std::string random_script(unsigned seed) {
  std::mt19937 random(seed);
  auto below = [&](size_t n) { return random() % n; };
  const std::vector<std::string> paths{"a",           "c.txt", "d",       "d/a",     "d/d",
                                       "d/d/d/c.txt", "src",   "empty",   "new",     "src/one",
                                       "link",        "d/new", "empty/x", "src/two", "new/inner"};
  std::string script;
  for (int i = 0; i < 14; ++i) {
    const std::string& one = paths[below(paths.size())];
    const std::string& other = paths[below(paths.size())];
    switch (below(9)) {
      case 0:
        script += "rm -rf " + one;
        break;
      case 1:
        script += "mv -T " + one + " " + other;
        break;
      case 2:
        script += "mkdir -p " + one;
        break;
      case 3:
        script += "rm -rf " + one + "; mkdir " + one;
        break;
      case 4:
        script += "echo " + std::to_string(i) + " > " + one;
        break;
      case 5:
        // What a copy into itself comes to is up to the order of names in a folder.
        script += other.rfind(one, 0) == 0 ? "true" : "cp -r " + one + " " + other;
        break;
      case 6:
        script += "chmod 7" + std::to_string(below(8)) + "0 " + one;
        break;
      case 7:
        script += "ln -sfn " + paths[below(3)] + " " + one;
        break;
      default:
        script += "cp -p " + one + " kept; rm -f " + one + "; mv kept " + one;
        break;
    }
    script += "\n";
  }
  return script + "true\n";
}

TEST_F(Copy, AndOverlayComeToTheSameInRandomSessions) {
  const char* more = getenv("TESSERA_SESSIONS");
  const int sessions = more != nullptr ? atoi(more) : 40;
  int changed = 0;
  for (int seed = 0; seed < sessions; ++seed) {
    const std::string before = look();
    const std::string script = random_script(static_cast<unsigned>(seed));
    std::string seen[2], found[2];
    for (const bool copy : {false, true}) {
      program.on_a_copy = copy;
      base::Result<Outcome> outcome = shell(script);
      ASSERT_TRUE(outcome) << outcome.error().message;
      ASSERT_EQ(describe(*outcome), "exit code 0");
      if (!copy && outcome->on_a_copy) GTEST_SKIP() << "no overlay can be mounted here";
      ASSERT_EQ(outcome->on_a_copy, copy);
      seen[copy] = look();
      found[copy] = listed();
      if (changes.edits.empty() && changes.folders.empty()) continue;
      base::Result<Journal> journal = Journal::open(workspace);
      ASSERT_TRUE(journal) << journal.error().message;
      if (changes.empty()) continue;
      ASSERT_TRUE(journal->undo("")) << script;
      ASSERT_EQ(look(), before) << script;
    }
    EXPECT_EQ(seen[0], seen[1]) << script;
    EXPECT_EQ(found[0], found[1]) << script;
    changed += seen[0] != before;
  }
  EXPECT_GT(changed, sessions * 3 / 4);
}

TEST_F(Copy, IsMadeWhereTheLayerCannotHaveAttributes) {
  ASSERT_TRUE(run_without("setxattr", "rm -r d && mkdir d && echo new > d/file"));
  EXPECT_EQ(read(workspace / "d/file"), "new\n");
  EXPECT_FALSE(fs::exists(workspace / "d/a"));
  EXPECT_EQ(read(workspace / "src/one"), "the text of src/one\n");
}

TEST_F(Copy, LeavesWhatNobodyTouchedAlone) {
  program.on_a_copy = true;
  base::Result<Outcome> outcome = shell("cat src/one d/d/b > /dev/null");
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(listed(), "");
  EXPECT_TRUE(changes.empty());
  EXPECT_TRUE(changes.folders.empty());
}

TEST_F(Copy, SeesAChangeThatKeepsSizeAndTime) {
  program.on_a_copy = true;
  base::Result<Outcome> outcome = shell("cp -p a b; echo 'the TEXT of a' > a; touch -r b a; rm b");
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(read(workspace / "a"), "the TEXT of a\n");
}

TEST_F(Copy, KeepsWhatIsHiddenOutOfReach) {
  program.on_a_copy = true;
  fs::create_directories(workspace / ".git/hooks");
  write(workspace / ".git/hooks/post-commit", "mine\n");
  write(workspace / ".env", "KEY=secret\n");
  policy.protect.hidden.push_back(".env");
  const std::string before = look();
  base::Result<Outcome> outcome =
      shell("cat .env; echo bad > .env; rm -rf .git .env; echo bad > .git/hooks/post-commit; true");
  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->out.find("secret"), std::string::npos) << outcome->out;
  EXPECT_EQ(look(), before);
}

TEST_F(Copy, ThatDoesNotFitIsRefusedInASentence) {
  program.on_a_copy = true;
  policy.limits.disk_bytes = 1 << 20;
  write(workspace / "large", std::string(3 << 20, 'x'));
  base::Result<Outcome> outcome = shell("true");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, base::Errc::refused);
  EXPECT_NE(outcome.error().message.find("copy the workspace"), std::string::npos)
      << outcome.error().message;
  EXPECT_NE(outcome.error().message.find("large: No space left"), std::string::npos)
      << outcome.error().message;
}

TEST_F(Copy, MeetsAnEditMadeMeanwhileAsAConflict) {
  program.on_a_copy = true;
  program.argv = {"/bin/sh", "-c", "echo theirs > a; rm c.txt"};
  base::Result<Outcome> outcome = run(program, policy, {});
  ASSERT_TRUE(outcome) << outcome.error().message;
  ASSERT_TRUE(outcome->layer);
  write(workspace / "a", "mine, meanwhile\n");
  base::Result<ChangeSet> found = find_changes(*outcome->layer, workspace, policy.protect, {});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->conflicts.size(), 1u);
  EXPECT_EQ(found->conflicts[0].path, "a");
}

}  // namespace
}  // namespace sandbox
