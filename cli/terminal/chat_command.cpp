#include "cli/terminal/chat_command.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "base/text.h"

namespace cli {

namespace {

constexpr ChatCommand kCommands[] = {
    {"help", "", "what there is"},
    {"data", "FILE", "types, ranges and what looks wrong in a table"},
    {"changes", "[RUN]", "what runs did to the folder, or the lines that one changed"},
    {"undo", "[RUN]", "gives back what a run, the newest, changed"},
    {"model", "[NAME]", "which model answers; another one from here on"},
    {"speak", "", "listens until Enter; what was said stands in the next line, to be looked at"},
    {"sessions", "", "what was asked in this folder"},
    {"new", "", "forgets what was said; files stay as they are"},
    {"quit", "", "leaves, as Ctrl-D does"},
};

/// Letters to change, add or take away.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t corner = row[0]++;
    for (size_t k = 0; k < b.size(); ++k) {
      const size_t best = std::min({row[k] + 1, row[k + 1] + 1, corner + (a[i] == b[k] ? 0 : 1)});
      corner = row[k + 1];
      row[k + 1] = best;
    }
  }
  return row.back();
}

}  // namespace

std::span<const ChatCommand> chat_commands() { return kCommands; }

std::optional<CommandLine> command_of(std::string_view line) {
  line = base::trimmed(line, base::kSpaces);
  if (!line.starts_with('/')) return std::nullopt;
  line.remove_prefix(1);
  const std::string_view name = line.substr(0, line.find_first_of(" \t"));
  if (name.find_first_of("/.") != name.npos) return std::nullopt;
  return CommandLine{std::string(name),
                     std::string(base::trimmed(line.substr(name.size()), base::kSpaces))};
}

std::string_view nearest_command(std::string_view name) {
  if (name.empty() || name.size() > 20) return {};
  std::string_view best;
  size_t least = 3;
  for (const ChatCommand& one : kCommands) {
    if (one.name.starts_with(name)) return one.name;
    // Half of the letters have to be right.
    const size_t distance = edit_distance(name, one.name);
    if (distance < least && 2 * distance <= one.name.size()) {
      least = distance;
      best = one.name;
    }
  }
  return best;
}

std::string help_text() {
  std::string text;
  for (const ChatCommand& one : kCommands) {
    std::string line =
        "/" + std::string(one.name) + (one.argument.empty() ? "" : " " + std::string(one.argument));
    line.resize(std::max<size_t>(line.size() + 2, 18), ' ');
    text += line + std::string(one.help) + "\n";
  }
  return text + "Anything else is a request. Ctrl-C stops what is under way, Ctrl-D leaves.\n";
}

}  // namespace cli
