#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// How a text is set off; values are combined.
enum Style : unsigned {
  kPlain = 0,
  kBold = 1,
  kItalic = 2,
  kUnderline = 4,
  kStrike = 8,
  kDim = 16,
  kRed = 32,
  kGreen = 64,
  kCyan = 128,
  kYellow = 256
};

struct Span {
  std::string text;
  unsigned style = kPlain;
  bool operator==(const Span&) const = default;
};
using Line = std::vector<Span>;

/// What the place that is written to can show.
struct Look {
  bool rich = false;         ///< a terminal that knows control sequences
  bool colour = false;       ///< and is not asked to do without (NO_COLOR)
  bool true_colour = false;  ///< 16 million of them, else 256
  int columns = 80;
  int rows = 24;
};
/// Of standard output (1) or standard error (2), by what the environment says.
Look look_of(int descriptor);

/// One text in one style.
std::string styled(std::string_view text, unsigned style, const Look& look);
/// A line, without a break at its end.
std::string styled(const Line& line, const Look& look);

int width(const Line& line);

/// Breaks a text into lines of at most `columns`: at spaces, else within words. A line break in it
/// stays one. columns: at least 2.
std::vector<Line> wrap(const Line& text, int columns);

/// A text that begins in column `indent`, broken at spaces for a terminal, its other lines set in
/// as far; as it is where nobody sits. It ends with a line break.
std::string fitted(const Line& text, const Look& look, int indent = 0);

}  // namespace cli
