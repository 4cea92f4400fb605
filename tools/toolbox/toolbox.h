#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "policies/policies.h"

/// tools/toolbox: what the model may call, and the only path to it. Nothing here knows the model.
///
/// A Toolbox belongs to one workspace and one policy. Scripts and profiles run in the sandbox;
/// every call ends in an Observation, also when it failed, and only a broken machine is an Error.
namespace tools {

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
  bool declined = false;  ///< the call was `decline`; the text is the reason
  std::vector<ChartMade> charts = {};
  std::vector<std::string> files = {};  ///< saved, relative
};

/// A file of the workspace as a profile shows it.
struct FileProfile {
  std::string path;  ///< relative
  std::string text;  ///< lines for the model
  bool is_table = false;
  nlohmann::json columns =
      nlohmann::json::array();  ///< [{name, type, distinct, missing, min, max, values}]
  std::string error = {};       ///< why it cannot be read as the table it claims to be
};

struct ToolboxOptions {
  std::filesystem::path workspace;
  policies::Policy policy;
  std::filesystem::path worker =
      {};  ///< tessera-worker; empty: beside the program or in the build folder
  std::filesystem::path duckdb =
      {};  ///< libduckdb.so; empty: $TESSERA_DUCKDB or .deps/lib of the build
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

  base::Result<Observation> run_lua(const std::string& code, std::stop_token stop) const;

 private:
  explicit Toolbox(ToolboxOptions options) : options_(std::move(options)) {}
  struct Work {
    std::vector<nlohmann::json> events;  ///< of the worker; the last may be ours, an "error"
    Stopped stopped = Stopped::no;
  };
  base::Result<Work> work(const std::string& mode, const nlohmann::json& request,
                          std::stop_token stop) const;
  ToolboxOptions options_;
};

}  // namespace tools
