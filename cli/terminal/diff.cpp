#include "cli/terminal/diff.h"

#include "cli/terminal/text.h"

namespace cli {

std::string diff_text(std::string_view diff, const Look& look) {
  std::string out;
  for (const std::string& line : lines_of(shown(diff))) {
    const bool name = line.starts_with("--- ") || line.starts_with("+++ ");
    out += styled(line,
                  name                     ? kBold
                  : line.starts_with('+')  ? kGreen
                  : line.starts_with('-')  ? kRed
                  : line.starts_with("@@") ? kCyan
                                           : kPlain,
                  look) +
           "\n";
  }
  return out;
}

}  // namespace cli
