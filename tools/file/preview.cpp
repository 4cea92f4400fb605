#include "tools/file/preview.h"

#include <array>
#include <map>

#include "base/json.h"
#include "sandbox/workspace/text.h"

namespace tools::file {

using nlohmann::json;

namespace {

const char* word(StepKind kind) {
  switch (kind) {
    case StepKind::mkdir:
      return "mkdir";
    case StepKind::move:
      return "move";
    case StepKind::copy:
      return "copy";
    case StepKind::remove:
      return "delete";
    case StepKind::merge:
      return "merge";
    case StepKind::archive:
      return "archive";
    case StepKind::convert:
      return "convert";
  }
  return "?";
}

const std::string& shown_from(const Step& step) {
  return step.really_from.empty() ? step.from : step.really_from;
}

std::string line_of(const Step& step) {
  std::string line = word(step.kind);
  line.resize(8, ' ');
  if (!step.sources.empty())
    line +=
        std::to_string(step.sources.size()) + (step.sources.size() == 1 ? " entry" : " entries");
  else
    line += sandbox::printable(shown_from(step));
  if (!step.to.empty())
    line += (step.kind == StepKind::mkdir ? "" : " -> ") + sandbox::printable(step.to);
  if (!step.why.empty()) line += "  (" + sandbox::printable(step.why) + ")";
  return line;
}

std::map<std::string, size_t> counts(const Expansion& expansion) {
  std::map<std::string, size_t> n;
  for (const Step& step : expansion.steps)
    if (!step.to_spare) ++n[word(step.kind)];
  return n;
}

}  // namespace

std::string counts_text(const Expansion& expansion) {
  constexpr std::array<std::array<const char*, 3>, 7> kNames = {
      {{"mkdir", "new folder", "new folders"},
       {"move", "move", "moves"},
       {"copy", "copy", "copies"},
       {"delete", "deletion", "deletions"},
       {"merge", "merged file", "merged files"},
       {"archive", "archive", "archives"},
       {"convert", "conversion", "conversions"}}};
  std::string out;
  const std::map<std::string, size_t> n = counts(expansion);
  for (const auto& [key, one, many] : kNames) {
    const auto it = n.find(key);
    if (it == n.end()) continue;
    out += (out.empty() ? "" : ", ") + std::to_string(it->second) + " " +
           (it->second == 1 ? one : many);
  }
  return out.empty() ? "nothing to do" : out;
}

std::string preview_text(const Expansion& expansion, size_t lines) {
  std::string out;
  size_t shown = 0, left = 0;
  for (const Step& step : expansion.steps) {
    if (step.to_spare) continue;
    if (shown < lines) {
      out += line_of(step) + "\n";
      ++shown;
    } else {
      ++left;
    }
  }
  if (left > 0) out += "… and " + std::to_string(left) + " more\n";
  for (size_t i = 0; i < expansion.skipped.size(); ++i) {
    if (i == lines) {
      out += "… and " + std::to_string(expansion.skipped.size() - i) + " more skipped\n";
      break;
    }
    out += "skipped " + sandbox::printable(expansion.skipped[i]) + "\n";
  }
  return out + counts_text(expansion) + "\n";
}

json preview_json(const Expansion& expansion, size_t steps) {
  json list = json::array();
  size_t left = 0;
  for (const Step& step : expansion.steps) {
    if (step.to_spare) continue;
    if (list.size() == steps) {
      ++left;
      continue;
    }
    json item{{"do", word(step.kind)}};
    if (!shown_from(step).empty()) item["from"] = shown_from(step);
    if (!step.to.empty()) item["to"] = step.to;
    if (!step.sources.empty()) item["sources"] = step.sources;
    if (!step.format.empty()) item["format"] = step.format;
    if (!step.why.empty()) item["why"] = step.why;
    list.push_back(std::move(item));
  }
  json out{{"steps", list}, {"counts", counts(expansion)}, {"summary", counts_text(expansion)}};
  if (!expansion.skipped.empty()) out["skipped"] = expansion.skipped;
  if (left > 0) out["more"] = left;
  return out;
}

}  // namespace tools::file
