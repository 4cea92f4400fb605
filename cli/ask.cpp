#include "cli/ask.h"

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "cli/stop.h"
#include "cli/terminal/diff.h"
#include "cli/terminal/text.h"

namespace cli {

namespace {

/// The lines that change, as many as a person looks at before a yes.
void show_diffs(const sandbox::Question& question, const Look& look) {
  constexpr size_t kLines = 120;
  size_t n = 0;
  for (const sandbox::Change& change : question.changes->changes) {
    if (change.kind == sandbox::ChangeKind::mode) continue;
    for (const std::string& line : lines_of(question.diff(change))) {
      if (++n > kLines) {
        std::fputs("… and more lines\n", stderr);
        return;
      }
      std::fputs(diff_text(line, look).c_str(), stderr);
    }
  }
}

/// A line of standard input, or what there is of it when the program is asked to stop.
std::string read_answer() {
  std::string line;
  while (!program_stop().stop_requested()) {
    pollfd ready{STDIN_FILENO, POLLIN, 0};
    const int n = ::poll(&ready, 1, 100);
    if (n <= 0) continue;
    char byte = 0;
    if (::read(STDIN_FILENO, &byte, 1) != 1 || byte == '\n') break;
    if (line.size() < 100) line += byte;
  }
  return line;
}

}  // namespace

std::function<bool(const sandbox::Question&)> ask_person(bool yes) {
  if (yes) return [](const sandbox::Question&) { return true; };
  if (isatty(STDIN_FILENO) == 0 || isatty(STDERR_FILENO) == 0) return {};
  return [](const sandbox::Question& question) {
    const Look look = look_of(STDERR_FILENO);
    std::fprintf(stderr, "%s\n", styled(shown(question.what), kBold | kYellow, look).c_str());
    if (!question.why.empty()) std::fprintf(stderr, "%s\n", shown(question.why).c_str());
    if (question.changes) {
      std::fputs(shown(sandbox::list_changes(*question.changes, 40)).c_str(), stderr);
      show_diffs(question, look);
    }
    std::fprintf(stderr, "%s ", styled("Do it? [y/N]", kBold, look).c_str());
    const std::string answer = read_answer();
    return answer == "y" || answer == "Y" || answer == "yes";
  };
}

}  // namespace cli
