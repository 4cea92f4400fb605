// What a script's joins noted comes first. Then a table's facts (tools/data/facts.h) are looked at
// again once there is an answer, in the sandbox: only for files that a script named, and only what
// concerns what that script did.

#include "agent/traps.h"

#include <algorithm>
#include <filesystem>

#include "agent/spelled_numbers.h"
#include "base/json.h"

namespace agent {

using nlohmann::json;

namespace {

constexpr size_t kMaxFiles = 4, kMaxTraps = 3;
constexpr uintmax_t kMaxFileBytes = 64 << 20;

/// The scripts that worked and name the file, in lower case.
std::string scripts_over(const std::vector<MadeCall>& calls, const std::string& path) {
  std::string all;
  for (const MadeCall& call : calls)
    if (!call.error && call.tool.starts_with("run_") &&
        call.arguments.find(path) != std::string::npos)
      all += lower_case(call.arguments) + "\n";
  return all;
}

/// Whether a note of the profile concerns what the scripts did.
bool concerns(const std::string& note, const std::string& scripts) {
  const bool sums = has_any(
      scripts, {"sum", "mean", "avg", "count", "median", "share", "group", "total", "stddev"});
  if (note.find("like a total") != note.npos || note.find("like totals") != note.npos)
    // A script that names totals has dealt with them.
    return sums && !has_any(scripts, {"\"total", "'total", "\"summe", "'summe", "\"gesamt",
                                      "'gesamt", "subtotal", "grand"});
  if (note.find("the same as an earlier one") != note.npos)
    return sums && !has_any(scripts, {"distinct", "dedup", "unique", "drop_duplicates"});
  const size_t name_end = std::min(note.find(" is text:"), note.find(": nearly all values"));
  if (name_end == note.npos) return false;
  const std::string column = lower_case(note.substr(0, name_end));
  if (scripts.find(column) == scripts.npos) return false;
  if (note.find(": nearly all values") != note.npos)
    return !has_any(scripts, {"distinct", "dedup", "unique"});
  return note.find("no number") != note.npos || note.find("in more than one way") != note.npos;
}

}  // namespace

std::vector<std::string> traps_of(const Run& run, const std::vector<MadeCall>& calls) {
  std::vector<std::string> traps;
  for (const MadeCall& call : calls) {
    if (call.error || call.tool != "run_lua") continue;
    // What puts tables together anew takes the place of what did so before.
    if (has_any(lower_case(call.arguments), {"join", "union", "*."})) traps.clear();
    for (const std::string& note : call.notes)
      if ((note.starts_with("join: ") || note.starts_with(kScriptNote)) &&
          traps.size() < kMaxTraps && std::find(traps.begin(), traps.end(), note) == traps.end())
        traps.push_back(note);
  }
  size_t n_files = 0;
  for (const tools::FileProfile& profile : run.profiles) {
    if (!profile.is_table || n_files >= kMaxFiles || traps.size() >= kMaxTraps) continue;
    const std::string scripts = scripts_over(calls, profile.path);
    std::error_code error;
    if (scripts.empty() ||
        std::filesystem::file_size(run.toolbox.workspace() / profile.path, error) > kMaxFileBytes ||
        error)
      continue;
    ++n_files;
    const base::Result<tools::DataAnswer> answer =
        run.toolbox.data_profile(profile.path, "json", run.stop);
    if (!answer || !answer->error.empty()) continue;
    const json facts = json::parse(answer->text, nullptr, false);
    if (!facts.is_object() || !facts.contains("notes") || !facts["notes"].is_array()) continue;
    for (const json& note : facts["notes"])
      if (note.is_string() && traps.size() < kMaxTraps &&
          concerns(note.get<std::string>(), scripts))
        traps.push_back(profile.path + ": " + note.get<std::string>());
  }
  return traps;
}

base::Result<RunResult> with_notes(const Run& run, base::Result<RunResult> result) {
  if (!result || result->status != Status::ok) return result;
  std::string line;
  for (const std::string& trap : traps_of(run, result->calls))
    if (result->answer.find(trap) == result->answer.npos) line += (line.empty() ? "" : "; ") + trap;
  if (line.empty()) return result;
  run.event({{"type", "note"}, {"text", line}});
  // An answer under a schema stays what it is.
  if (run.options.schema.empty()) result->answer += "\n\nNote by Tessera: " + line + ".";
  return result;
}

}  // namespace agent
