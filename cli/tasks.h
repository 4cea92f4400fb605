#pragma once

#include <chrono>
#include <set>
#include <string>
#include "base/json.h"

#include "base/result.h"
#include "base/unique_fd.h"
#include "cli/request.h"

namespace cli {

/// A request of a file, and what it is to be done with where that is not what the command says.
struct Task {
  std::string id;
  std::string request, workspace, policy;
};
/// {"request": …, "id"?, "workspace"?, "policy"?}. base: of a relative workspace.
/// Errors: usage (no JSON; what is missing, unknown or cannot be used).
base::Result<Task> task_of(std::string_view text, const std::filesystem::path& base);

/// One line a finished task, in a file that a killed process can leave at any moment: a line that
/// was cut off is taken away when it is opened again. One process at a time; one thread at a time.
class ResultLines {
 public:
  /// path: "-" is standard output, which is never read again.
  /// Errors: usage (a line that is no result), refused (another process writes it), limit, system.
  static base::Result<ResultLines> open(const std::string& path);

  /// Ids that have a line.
  const std::set<std::string>& done() const { return done_; }
  /// How many of those lines do not say ok.
  int failed() const { return failed_; }
  /// Errors: system.
  base::Status add(const std::string& id, const nlohmann::json& line);

 private:
  base::UniqueFd file_;  // empty: standard output
  std::string path_;
  std::set<std::string> done_;
  int failed_ = 0;
};

/// {"id", "status", "answer", "charts", "artifacts", "session", "seconds"} of a task that is done.
nlohmann::json result_line(const std::string& id, const nlohmann::json& result,
                           std::chrono::duration<double> took);
/// What became of a task, in a few words: its status, and why where that is not "ok".
std::string outcome_words(const nlohmann::json& result);

}  // namespace cli
