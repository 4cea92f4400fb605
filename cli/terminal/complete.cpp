#include "cli/terminal/complete.h"

#include <algorithm>

#include "base/paths.h"
#include "base/utf8.h"
#include "cli/terminal/chat_command.h"
#include "cli/terminal/text.h"

namespace cli {

namespace {

namespace fs = std::filesystem;

constexpr int kMaxEntries = 5000;  // of a folder that are looked at
constexpr size_t kMaxShown = 60;

/// Files and folders whose path begins with `typed`, relative to the workspace.
std::vector<std::string> files_like(const std::string& typed, const fs::path& workspace) {
  const fs::path path(typed);
  if (path.is_absolute() || std::find(path.begin(), path.end(), "..") != path.end()) return {};
  const size_t slash = typed.rfind('/');
  const std::string folder = slash == typed.npos ? "" : typed.substr(0, slash + 1);
  const std::string_view name = std::string_view(typed).substr(folder.size());
  std::vector<std::string> found;
  std::error_code error;
  const fs::path root = fs::canonical(workspace, error);
  const fs::path real = error ? fs::path() : fs::canonical(workspace / folder, error);
  if (error || !base::is_below(real, root)) return {};  // by way of a link
  fs::directory_iterator entry(workspace / folder, error);
  for (int n = 0; !error && entry != fs::directory_iterator() && n < kMaxEntries; ++n) {
    const std::string one = entry->path().filename().string();
    std::error_code gone;
    const bool hidden = one.starts_with('.') && !name.starts_with('.');
    if (one.starts_with(name) && !hidden && shown_line(one) == one)
      found.push_back(folder + one + (entry->is_directory(gone) ? "/" : ""));
    entry.increment(error);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

std::string Completion::common() const {
  if (candidates.empty()) return {};
  // Sorted, so the first and the last differ the most.
  const std::string &first = candidates.front(), &last = candidates.back();
  if (candidates.size() == 1) return first.ends_with('/') ? first : first + " ";
  const auto n = static_cast<size_t>(
      std::mismatch(first.begin(), first.end(), last.begin(), last.end()).first - first.begin());
  return std::string(base::utf8_cut(first, n));
}

Completion complete(std::string_view line, const fs::path& workspace) {
  const size_t space = line.find_first_of(" \t");
  if (line.starts_with('/')) {
    if (space == line.npos) {
      Completion commands{.begin = 1};
      for (const ChatCommand& one : chat_commands())
        if (one.name.starts_with(line.substr(1))) commands.candidates.emplace_back(one.name);
      std::sort(commands.candidates.begin(), commands.candidates.end());
      return commands;
    }
    if (command_of(line).value_or(CommandLine{}).name != "data") return {};
    // All that follows is the name, spaces with it.
    const size_t begin = std::min(line.find_first_not_of(" \t", space), line.size());
    return {begin, files_like(std::string(line.substr(begin)), workspace)};
  }
  const size_t last = line.find_last_of(" \t\"'`(");
  const size_t begin = last == line.npos ? 0 : last + 1;
  return {begin, files_like(std::string(line.substr(begin)), workspace)};
}

std::string in_columns(const std::vector<std::string>& words, const Look& look) {
  const size_t n = std::min(words.size(), kMaxShown);
  int widest = 1;
  for (size_t i = 0; i < n; ++i) widest = std::max(widest, width(words[i]));
  const auto n_columns = static_cast<size_t>(std::max(1, (look.columns - 1) / (widest + 2)));
  const size_t n_rows = (n + n_columns - 1) / n_columns;
  std::string text;
  for (size_t row = 0; row < n_rows; ++row) {
    std::string line;
    for (size_t i = row; i < n; i += n_rows) {
      line += cut(words[i], look.columns - 1);
      if (i + n_rows < n) line.append(static_cast<size_t>(widest + 2 - width(words[i])), ' ');
    }
    text += line + "\n";
  }
  if (words.size() > n) text += "… and " + std::to_string(words.size() - n) + " more\n";
  return text;
}

}  // namespace cli
