#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include "base/json.h"

#include "cli/request.h"
#include "cli/terminal/markdown.h"
#include "cli/terminal/picture.h"
#include "cli/terminal/status_line.h"

namespace cli {

struct ViewOptions {
  bool json = false;        ///< events as JSON Lines, and nothing else
  bool yes = false;         ///< what the policy would ask about is allowed
  std::string charts = {};  ///< --charts; empty: as the terminal can
  std::filesystem::path workspace = {};
};

/// --charts.
void add_view_options(CLI::App& app, ViewOptions& options);

/// One run on the screen while it goes on, and its result: on a terminal a line of what is under
/// way, the answer as Markdown and charts as pictures; else plain lines. Used by the run's thread.
class RunView {
 public:
  explicit RunView(ViewOptions options);

  /// What a run needs of it. The view outlives the run.
  Around around(std::shared_ptr<agent::session::Store> store);
  /// The result, and the exit code.
  int done(const Done& done);

  /// Whether models say nothing of being read themselves.
  bool quiet() const { return options_.json || err_.rich; }
  /// A sentence that a person should know.
  void note(const std::string& sentence);

 private:
  void tell(const nlohmann::json& event);
  void progress(const agent::ReplyProgress& progress);
  void tell_rich(const nlohmann::json& event);
  void tell_call(const nlohmann::json& event);
  void write(const std::string& text);
  void answer(const std::string& text);
  void artifacts(const nlohmann::json& result);
  std::string picture(const std::string& path, const nlohmann::json& charts);
  void err(const std::string& text);
  void status(const std::string& what, const std::string& detail = {});

  const ViewOptions options_;
  const Look out_, err_;
  StatusLine status_;
  MarkdownStream stream_;
  std::string said_;       // of the reply that is coming
  std::string under_way_;  // what the status line says
  std::string reads_;      // what it says while the model reads; empty: the request itself
  bool sees_ = false, gap_ = false;
};

/// carry_out() with everything shown.
int carry_out_here(const Work& work, const ViewOptions& options,
                   std::shared_ptr<agent::session::Store> store);

}  // namespace cli
