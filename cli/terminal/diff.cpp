#include "cli/terminal/diff.h"

#include "cli/terminal/text.h"

namespace cli {

unsigned diff_style(std::string_view line) {
  if (line.starts_with("--- ") || line.starts_with("+++ ")) return kBold;
  return line.starts_with('+')    ? kGreen
         : line.starts_with('-')  ? kRed
         : line.starts_with("@@") ? kCyan
                                  : kPlain;
}

std::string diff_text(std::string_view diff, const Look& look) {
  std::string out;
  for (const std::string& line : lines_of(shown(diff)))
    out += styled(line, diff_style(line), look) + "\n";
  return out;
}

}  // namespace cli
