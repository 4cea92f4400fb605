#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>
#include "base/json.h"

#include "base/result.h"
#include "policies/policies.h"
#include "sandbox/guard.h"

/// tools/toolbox: what the model may call, and the only path to it. Nothing here knows the model.
///
/// A Toolbox belongs to one workspace and one policy. Scripts and profiles run in the sandbox;
/// every call ends in an Observation, also when it failed, and only a broken machine is an Error.
namespace tools {

class ScriptWorkers;

struct ChartMade {
  std::string path;     ///< relative to the workspace
  nlohmann::json spec;  ///< Vega-Lite-like, with the rows as drawn
  int rows = 0;
  std::vector<std::string> warnings = {};
};

/// Whether the sandbox ended a script before it was done.
enum class Stopped { no, by_time, by_limit };

/// What a call gave back: text for the model, and what it left in the workspace.
struct Observation {
  std::string text;
  bool error = false;  ///< the text starts with "error: "
  Stopped stopped = Stopped::no;
  bool refused = false;   ///< a person was to be asked and did not say yes; it is an error too
  bool declined = false;  ///< the call was `decline`; the text is the reason
  std::vector<ChartMade> charts = {};
  std::vector<std::string> files = {};  ///< saved, relative
  std::string run = {};       ///< id in the journal, for `tessera undo`; empty if nothing was kept
  bool same_content = false;  ///< what it wrote stood there already
  /// Encoded pictures that came with the text and lie in no file: those of tools of others.
  std::vector<std::string> pictures = {};
  std::vector<std::string> notes = {};  ///< what the data tools noted; lines of the text, too
};

/// The beginning and the end of a text that is longer than `most` bytes, cut at lines where there
/// are some.
std::string head_and_tail(const std::string& text, size_t most);

/// A file of the workspace as a profile shows it.
struct FileProfile {
  std::string path;  ///< relative
  std::string text;  ///< lines for the model
  bool is_table = false;
  nlohmann::json columns =
      nlohmann::json::array();  ///< [{name, type, distinct, missing, min, max, values}]
  std::string error = {};       ///< why it cannot be read as the table it claims to be
};

/// What one command of the data engine printed.
struct DataAnswer {
  std::string text;
  std::vector<std::string> notes = {};  ///< about how files were read
  std::string error = {};               ///< one sentence; empty if it worked
  Stopped stopped = Stopped::no;
};

struct ToolboxOptions {
  std::filesystem::path workspace;
  policies::Policy policy;
  std::filesystem::path audit = {};  ///< as GuardOptions::audit
  std::function<bool(const sandbox::Question&)> ask = {};
  std::filesystem::path worker =
      {};  ///< tessera-worker; empty: beside the program or in the build folder
  std::filesystem::path duckdb =
      {};  ///< libduckdb.so; empty: $TESSERA_DUCKDB or .deps/lib of the build
  /// Also offers the tools of tools/file/service.h by call(). No model has learned them yet.
  bool file_tools = false;
  /// Whose work this is: stands in the label of each run of the journal, for people and
  /// take_back().
  std::string session = {};
};

/// What a file tool gave back.
struct FileAnswer {
  nlohmann::json answer = nlohmann::json::object();  ///< as tools::file::call_tool()
  std::string error = {};                            ///< one sentence; empty if it worked
  std::string run = {};  ///< id in the journal, for `tessera undo`; empty if nothing was kept
  bool refused = false;  ///< a person was to be asked and did not say yes; it is an error too
  Stopped stopped = Stopped::no;
};

class Toolbox {
 public:
  /// Errors: not_found (workspace, worker or DuckDB, with what to do), usage (not a folder).
  static base::Result<Toolbox> open(ToolboxOptions options);

  const std::filesystem::path& workspace() const { return options_.workspace; }

  /// Relative paths of the workspace's files, sorted, hidden ones left out, at most `limit`.
  base::Result<std::vector<std::string>> files(size_t limit) const;

  /// Errors: refused (the sandbox cannot be put up), cancelled, internal.
  base::Result<std::vector<FileProfile>> profile(const std::vector<std::string>& paths,
                                                 std::stop_token stop) const;

  /// Runs a call. An unknown name or wrong arguments are an Observation too. Errors: as profile().
  base::Result<Observation> call(const std::string& name, const nlohmann::json& arguments,
                                 std::stop_token stop) const;

  /// One SELECT over the workspace's files. format: csv, json or table. Errors: as profile().
  base::Result<DataAnswer> data_query(const std::string& sql, const std::string& format,
                                      std::stop_token stop) const;
  /// What is worth knowing of a file before using it. format: json or table. Errors: as profile().
  base::Result<DataAnswer> data_profile(const std::string& path, const std::string& format,
                                        std::stop_token stop) const;

  /// A Vega-Lite specification of the workspace as a picture, whose bytes are the answer's text.
  /// format: png, svg, pdf, or scene (JSON). scale: pixels of a PNG per unit. Errors: as profile().
  base::Result<DataAnswer> draw(const std::string& spec, const std::string& format, double scale,
                                std::stop_token stop) const;

  /// The same of a specification that lies in no file; its data lies in the workspace. format: also
  /// embedded, the specification as it is drawn with its data inside.
  base::Result<DataAnswer> draw_spec(const nlohmann::json& spec, const std::string& format,
                                     std::stop_token stop) const;

  /// A Vega-Lite specification as a new file of the workspace, whose ending (png, svg, pdf) says
  /// what it becomes. Its data lies in the workspace. The text is what is wrong with the chart.
  /// Errors: as profile().
  base::Result<Observation> draw_chart(const nlohmann::json& spec, const std::string& save,
                                       std::stop_token stop) const;

  /// A Markdown file of the workspace as one HTML page, which is the answer's text. title: "" is
  /// its first heading. Errors: as profile().
  base::Result<DataAnswer> markdown_page(const std::string& path, const std::string& title,
                                         std::stop_token stop) const;

  /// A tool of tools/file/service.h. What it writes is kept as one run of the journal, or not at
  /// all. dry: it is dropped. Errors: as profile().
  base::Result<FileAnswer> file_tool(const std::string& name, const nlohmann::json& arguments,
                                     bool dry, std::stop_token stop) const;

  base::Result<Observation> run_lua(const std::string& code, std::stop_token stop) const;

  /// A program in the workspace; what it changed is kept as one run of the journal, or not at all.
  base::Result<Observation> run_program(const std::vector<std::string>& argv,
                                        const std::string& label, std::stop_token stop) const;

  /// Undoes the runs of ToolboxOptions::session that are not among `known`, the newest first: what
  /// somebody who was interrupted did and does not know of. Gives their ids.
  /// Errors: refused (what they changed was changed since), corrupt, system.
  base::Result<std::vector<std::string>> take_back(const std::vector<std::string>& known) const;

  /// The workspace as it is guarded.
  sandbox::Guard& guard() const { return *guard_; }

 private:
  Toolbox(ToolboxOptions options, sandbox::Guard guard);
  struct Work {
    std::vector<nlohmann::json> events;  ///< of the worker; the last may be ours, an "error"
    Stopped stopped = Stopped::no;
    std::optional<sandbox::Layer> layer = {};  ///< what it wrote, unless it was stopped
  };
  base::Result<DataAnswer> data_answer(const nlohmann::json& request, std::stop_token stop) const;
  base::Result<Work> work(const nlohmann::json& request, std::stop_token stop) const;
  /// The same by a worker of its own that may change and remove files of the workspace: in its
  /// layer. mode: "lua" or "files".
  base::Result<Work> work_writing(const std::string& mode, const nlohmann::json& request,
                                  std::stop_token stop) const;
  static FileAnswer answer_of(const Work& work);
  /// Of a run in the journal.
  std::string label(const std::string& tool) const;
  /// file_plan with "apply". None: the plan makes contents, so it has to run in a layer.
  base::Result<std::optional<FileAnswer>> rearrange(const nlohmann::json& arguments, bool dry,
                                                    std::stop_token stop) const;
  /// A file that the worker left.
  base::Result<std::string> made_bytes(const sandbox::Layer& layer, const std::string& name) const;
  base::Result<DataAnswer> made_file(const nlohmann::json& request, const std::string& name,
                                     std::stop_token stop) const;
  ToolboxOptions options_;
  // Shared, because their threads outlive a move of the Toolbox.
  std::shared_ptr<sandbox::Guard> guard_;
  std::shared_ptr<ScriptWorkers> workers_;
};

}  // namespace tools
