#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/result.h"

namespace tools::file {

enum class Verb { mkdir, move, copy, rename, sort, remove, dedupe, merge, archive, convert };

/// What to do where a name is taken already.
enum class Collision { refuse, number, skip, replace };

/// One operation of a plan as it was asked for (docs/files.md describes the fields).
struct Operation {
  Verb verb = Verb::move;
  std::vector<std::string> files{};  ///< paths or globs
  std::string to{};                  ///< path, folder, name template or format
  std::string match{};               ///< rename: glob over names
  std::string regex{};               ///< rename: or this
  std::string by{};                  ///< sort: extension, date, size, letter
  std::string into{};                ///< sort, convert: the folder
  std::string format{};              ///< sort by date: strftime; merge: csv, text
  std::string order = "name";        ///< rename, merge: name, date, size
  std::string keep = "oldest";       ///< dedupe: oldest, newest, shortest
  int64_t start = 1;                 ///< rename: first value of {n}
  bool ignore_case = false;
  bool recursive = false;  ///< delete: folders with all that is in them
  bool remove = false;     ///< archive, merge: the files go away after it
  Collision on_collision = Collision::refuse;
};

/// "move", "delete", …
std::string verb_name(Verb verb);

/// Reads a plan: a JSON array of operations, or {"plan": [...]}.
/// Errors: usage, one sentence that names the operation (from 1 on) and the field, with the nearest
/// valid one; limit (more than 1,000 operations).
base::Result<std::vector<Operation>> parse_plan(const nlohmann::json& plan);
/// The same from text.
base::Result<std::vector<Operation>> parse_plan_text(const std::string& text);

}  // namespace tools::file
