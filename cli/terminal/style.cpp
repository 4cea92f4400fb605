#include "cli/terminal/style.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "cli/terminal/text.h"

namespace cli {

namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

void add(Line& line, const std::string& text, unsigned style) {
  if (!line.empty() && line.back().style == style)
    line.back().text += text;
  else
    line.push_back({text, style});
}

struct Piece {
  Glyph glyph;
  unsigned style;
};

/// The pieces from `begin` to `end` as a line, without spaces at its end.
Line line_of_pieces(const std::vector<Piece>& pieces, size_t begin, size_t end) {
  while (end > begin && pieces[end - 1].glyph.text == " ") --end;
  Line line;
  for (size_t i = begin; i < end; ++i) add(line, pieces[i].glyph.text, pieces[i].style);
  return line;
}

}  // namespace

Look look_of(int descriptor) {
  Look look;
  const std::string_view term = environment("TERM");
  look.rich = isatty(descriptor) != 0 && !term.empty() && term != "dumb";
  look.colour = look.rich && environment("NO_COLOR").empty();
  const std::string_view colours = environment("COLORTERM");
  look.true_colour = look.colour && (colours == "truecolor" || colours == "24bit");
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0) {
    if (size.ws_col > 0) look.columns = std::clamp<int>(size.ws_col, 20, 500);
    if (size.ws_row > 0) look.rows = std::clamp<int>(size.ws_row, 5, 500);
  }
  return look;
}

std::string styled(std::string_view text, unsigned style, const Look& look) {
  if (!look.colour || style == kPlain || text.empty()) return std::string(text);
  static constexpr struct {
    Style style;
    const char* code;
  } kCodes[] = {{kBold, "1"}, {kDim, "2"},    {kItalic, "3"},  {kUnderline, "4"}, {kStrike, "9"},
                {kRed, "31"}, {kGreen, "32"}, {kYellow, "33"}, {kCyan, "36"}};
  std::string codes;
  for (const auto& [one, code] : kCodes)
    if ((style & one) != 0) codes += (codes.empty() ? "" : ";") + std::string(code);
  return "\x1b[" + codes + "m" + std::string(text) + "\x1b[0m";
}

std::string styled(const Line& line, const Look& look) {
  std::string out;
  for (const Span& span : line) out += styled(span.text, span.style, look);
  return out;
}

int width(const Line& line) {
  int columns = 0;
  for (const Span& span : line) columns += width(span.text);
  return columns;
}

std::vector<Line> wrap(const Line& text, int columns) {
  std::vector<Piece> pieces;
  for (const Span& span : text)
    for (Glyph& glyph : glyphs(span.text)) pieces.push_back({std::move(glyph), span.style});
  std::vector<Line> lines;
  size_t begin = 0;
  size_t space = 0;  // after the last place to break at
  int used = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Glyph& glyph = pieces[i].glyph;
    if (glyph.text == "\n") {
      lines.push_back(line_of_pieces(pieces, begin, i));
      begin = space = i + 1;
      used = 0;
      continue;
    }
    // Spaces may stand over the edge; they are not shown.
    if (used + glyph.width > columns && glyph.text != " ") {
      const size_t end = space > begin ? space : i;
      lines.push_back(line_of_pieces(pieces, begin, end));
      begin = space = end;
      used = 0;
      for (size_t k = begin; k < i; ++k) used += pieces[k].glyph.width;
    }
    used += glyph.width;
    if (glyph.text == " " || glyph.width == 2) space = i + 1;
  }
  if (begin < pieces.size() || lines.empty())
    lines.push_back(line_of_pieces(pieces, begin, pieces.size()));
  return lines;
}

std::string fitted(const Line& text, const Look& look, int indent) {
  if (!look.rich) return styled(text, look) + "\n";
  std::string out;
  for (const Line& line : wrap(text, std::max(2, look.columns - indent)))
    out += (out.empty() ? "" : std::string(static_cast<size_t>(indent), ' ')) + styled(line, look) +
           "\n";
  return out;
}

}  // namespace cli
