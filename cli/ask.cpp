#include "cli/ask.h"

#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>

namespace cli {

namespace {

/// The lines that change, as many as a person looks at before a yes.
void show_diffs(const sandbox::Question& question) {
  constexpr int kLines = 120;
  int lines = 0;
  for (const sandbox::Change& change : question.changes->changes) {
    if (change.kind == sandbox::ChangeKind::mode) continue;
    std::istringstream text(question.diff(change));
    for (std::string line; std::getline(text, line);) {
      if (++lines > kLines) {
        std::fputs("… and more lines\n", stderr);
        return;
      }
      std::fprintf(stderr, "%s\n", line.c_str());
    }
  }
}

}  // namespace

std::function<bool(const sandbox::Question&)> ask_person(bool yes) {
  if (yes) return [](const sandbox::Question&) { return true; };
  if (isatty(STDIN_FILENO) == 0 || isatty(STDERR_FILENO) == 0) return {};
  return [](const sandbox::Question& question) {
    std::fprintf(stderr, "%s\n", question.what.c_str());
    if (!question.why.empty()) std::fprintf(stderr, "%s\n", question.why.c_str());
    if (question.changes) {
      std::fputs(sandbox::list_changes(*question.changes, 40).c_str(), stderr);
      show_diffs(question);
    }
    std::fputs("Do it? [y/N] ", stderr);
    std::string answer;
    std::getline(std::cin, answer);
    return answer == "y" || answer == "Y" || answer == "yes";
  };
}

}  // namespace cli
