#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "policies/decide.h"
#include "sandbox/audit.h"
#include "sandbox/runner.h"
#include "sandbox/sandbox.h"
#include "sandbox/workspace/changes.h"
#include "sandbox/workspace/journal.h"
#include "sandbox/workspace/rearrange.h"

namespace sandbox {

/// What a person is asked before something is done.
struct Question {
  std::string what;                                  ///< `run: rm -rf build`, `keep: 3 changes`
  std::string why;                                   ///< what the policy says about it
  const ChangeSet* changes = nullptr;                ///< when it is about keeping them
  std::function<std::string(const Change&)> diff{};  ///< and then: what one does to a file's lines
};

/// The folder that --workspace names, without links in its path.
/// Errors: not_found, usage (not a folder); both say what to mend.
base::Result<std::filesystem::path> workspace_folder(const std::filesystem::path& named);

struct GuardOptions {
  std::filesystem::path workspace;
  policies::Policy policy;
  /// Where verdicts and outcomes are logged; empty: nowhere.
  std::filesystem::path audit;
  /// Asks the person. Empty: nobody can be asked, and what needs it is refused.
  std::function<bool(const Question&)> ask;
};

/// What became of what a run wrote.
struct Kept {
  std::string run;    ///< id in the journal; empty when nothing was kept
  ChangeSet changes;  ///< with what was refused
  /// Why changes were not kept: a conflict, a quota, a person's no. Empty otherwise.
  std::string dropped;
  bool refused = false;  ///< and that because a person was to be asked and did not say yes
};

/// One workspace under one policy, as everything that works on it goes: ask the policy, and the
/// person where the policy says so; run behind the walls, into a layer; look at what was written;
/// keep it as one commit that can be undone; write all of it to the audit log, and do nothing if
/// that cannot be written. Any number of threads may call.
class Guard {
 public:
  /// Errors: not_found, usage (not a folder), refused (the audit log is not safe to use).
  static base::Result<Guard> open(GuardOptions options);

  const std::filesystem::path& workspace() const { return state_->options.workspace; }
  const policies::Policy& policy() const { return state_->options.policy; }

  /// Ok if the policy, or the person, allows the tool or the command. Errors: refused, with the
  /// policy's reason; system (the audit log).
  /// arguments: of the call, as the person is shown them.
  base::Status allow_tool(const std::string& name, const std::string& arguments = "");
  base::Status allow_command(const std::vector<std::string>& argv);

  struct Run {
    Outcome outcome;  ///< its layer is gone
    Kept kept;
  };
  /// allow_command(), and then the program, in a workspace that it may write as far as the policy
  /// says. program.workspace is set here. Of a program that was ended (a limit, a signal) nothing
  /// is kept. dry: what it wrote is looked at and dropped. Errors: as allow_command() and
  /// sandbox::run().
  base::Result<Run> run(Program program, const std::string& label, bool dry, std::stop_token stop);

  /// Brings what a run wrote into the workspace. Errors: system (the audit log).
  base::Result<Kept> keep(const Layer& layer, const std::string& label, bool dry = false);

  /// The same for steps that only move, remove and make folders, whoever thought of them. before:
  /// the workspace when they were thought of.
  base::Result<Kept> keep(const std::vector<Rearrangement>& steps, Snapshot before,
                          const std::string& label, bool dry = false);

  /// One record of the audit log. Errors: system and the others of AuditLog::append().
  base::Status log(const std::string& kind, std::vector<std::pair<std::string, AuditValue>> fields);
  /// The same for what a proxy did. Nothing can be stopped for it any more; that it cannot be
  /// logged is noticed by the next record.
  void log_proxy(const ProxyEvent& event);

 private:
  struct State {
    GuardOptions options;
    std::optional<AuditLog> audit;
    std::string session;  ///< names this Guard in the log
    Runner runner;
    explicit State(GuardOptions given) : options(std::move(given)) {}
  };
  explicit Guard(std::unique_ptr<State> state) : state_(std::move(state)) {}
  base::Status settle(const policies::Decision& decision, const std::string& what);
  base::Result<Kept> keep(base::Result<ChangeSet> changes, const Layer& layer,
                          const std::string& label, bool dry);
  std::unique_ptr<State> state_;
};

/// `added: a.csv (12 bytes)`, a line each; at most `limit` and then how many more.
std::string list_changes(const ChangeSet& set, size_t limit);

}  // namespace sandbox
