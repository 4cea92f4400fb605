#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// Text of a model, a file or a tool without what a terminal would obey or be misled by: sequences
/// that colour or move are left out, other control characters become `?`, marks that turn the
/// direction of writing and bytes that are no UTF-8 become U+FFFD. Line breaks and tabs stay.
std::string shown(std::string_view text);

/// The same on one line: breaks and tabs become spaces.
std::string shown_line(std::string_view text);

/// One character with the marks that are drawn over it.
struct Glyph {
  std::string text;
  int width = 0;  ///< columns: 0, 1 or 2
};
/// text: UTF-8 as shown() gives it; a tab counts as one column.
std::vector<Glyph> glyphs(std::string_view text);

/// Columns that a line takes on a terminal.
int width(std::string_view text);

/// The line if it has at most so many columns, else its beginning with "…" for the rest.
std::string cut(std::string_view line, int columns);

/// The same with its end kept; "" where there is no room for some of it.
std::string cut_front(std::string_view line, int columns);

/// The lines of a text; a break at its end begins none.
std::vector<std::string> lines_of(std::string_view text);

}  // namespace cli
