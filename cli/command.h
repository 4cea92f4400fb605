#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/result.h"

/// cli: the program `tessera`; one file per subcommand, and the only place that wires the layers
/// together.
namespace cli {

/// Exit codes, a contract with scripts (docs/cli.md).
enum Exit : int {
  kDone = 0,
  kInternal = 1,
  kUsage = 2,
  kRefused = 3,
  kBudget = 4,
  kModel = 5,
  kTool = 6
};

/// The code for an error of the program itself; a failed model or tool is told apart by the caller.
Exit exit_code(const base::Error& error);

/// The error of a file that was given, with its name; one that is too large is bad input, not a
/// used up budget.
base::Error of_file(const std::string& file, const base::Error& error);

/// Prints "tessera: SENTENCE" on standard error, for a terminal broken at spaces.
void complain(const std::string& sentence);

/// Prints the message so and gives the exit code.
int fail(const base::Error& error);

/// What a parsed command line runs; a subcommand sets it.
using Action = std::function<int()>;

void add_audit(CLI::App& app, Action& action);
void add_batch(CLI::App& app, Action& action);
void add_bench(CLI::App& app, Action& action);
void add_chart(CLI::App& app, Action& action);
void add_chat(CLI::App& app, Action& action);
void add_changes(CLI::App& app, Action& action);
void add_data(CLI::App& app, Action& action);
void add_describe(CLI::App& app, Action& action);
void add_doctor(CLI::App& app, Action& action);
void add_examples(CLI::App& app, Action& action);
void add_files(CLI::App& app, Action& action);
void add_generate(CLI::App& app, Action& action);
void add_listen(CLI::App& app, Action& action);
void add_logits(CLI::App& app, Action& action);
void add_mcp(CLI::App& app, Action& action);
void add_model(CLI::App& app, Action& action);
void add_policy(CLI::App& app, Action& action);
void add_report(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_sandbox(CLI::App& app, Action& action);
void add_serve(CLI::App& app, Action& action);
void add_sessions(CLI::App& app, Action& action);
void add_tokenize(CLI::App& app, Action& action);
void add_train(CLI::App& app, Action& action);
void add_transcribe(CLI::App& app, Action& action);
void add_undo(CLI::App& app, Action& action);
void add_watch(CLI::App& app, Action& action);

}  // namespace cli
