#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "sandbox/sandbox.h"
#include "sandbox/workspace/changes.h"

namespace sandbox {

/// What this machine does not allow and every wall needs, or "": namespaces in some containers,
/// Landlock on old kernels. Found out without our own code, so that a bug there cannot look like a
/// machine that lacks something.
const std::string& machine_lacks();

/// A workspace in a folder of its own, with things beside it that must not be reached.
class SandboxTest : public testing::Test {
 protected:
  SandboxTest();
  ~SandboxTest() override;
  /// Skips on a machine that cannot put up the walls; AnyMachine.WithoutWallsRunsNothing is for
  /// those.
  void SetUp() override;

  using Argv = std::vector<std::string>;

  /// Runs with the workspace writable and commits what was written. argv[0] without a '/' names one
  /// of tests/programs.
  base::Result<Outcome> run_program(const Argv& argv);
  /// The same with /bin/sh -c.
  base::Result<Outcome> shell(const std::string& script);

  /// How `argv` ends inside, as describe() has it, followed by `: ` and what it printed.
  std::string inside(const Argv& argv);
  /// How it ends without the sandbox, in the same words: the control.
  std::string outside(const Argv& argv);

  static std::string read(const std::filesystem::path& path);
  static void write(const std::filesystem::path& path, const std::string& text);
  /// Whether nobody holds the lock that linger.c's daemon takes.
  bool lock_is_free();

  /// Brings what a run wrote into the workspace, as a person's run does.
  void commit(Outcome& outcome);

  std::filesystem::path base, workspace, secret;
  ChangeSet changes;  ///< of the last commit()
  policies::Policy policy;
  Program program;
};

/// Makes a system call answer ENOSYS in this process and those that it starts.
bool forbid(const char* name);

/// `tests/programs` in the build folder, for names; anything with a '/' stays.
std::string program_path(const std::string& name);

}  // namespace sandbox
