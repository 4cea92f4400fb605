// Widths are Unicode's, as GLib has them: East Asian wide characters and pictographs take two
// columns, marks that combine and joiners none. A sequence that starts with ESC is left out as a
// whole if it is a CSI sequence (colours, moves of the cursor); of all others the ESC becomes `?`,
// and the rest is text that does nothing.

#include "cli/terminal/text.h"

#include <glib.h>

#include <algorithm>

namespace cli {

namespace {

constexpr const char* kReplacement = "\xef\xbf\xbd";

bool turns_direction(gunichar c) {
  return c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

/// The length of a CSI sequence at the beginning of `text`, 0 if there is none.
size_t csi_length(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  size_t i = 2;
  while (i < text.size() && text[i] >= 0x20 && text[i] <= 0x3f) ++i;
  return i < text.size() && text[i] >= 0x40 && text[i] <= 0x7e ? i + 1 : 0;
}

/// The character at the beginning of `text` and its length; -1 and 1 of bytes that are none.
std::pair<gunichar, size_t> first_of(std::string_view text) {
  const gunichar c = g_utf8_get_char_validated(text.data(), static_cast<gssize>(text.size()));
  if (c == static_cast<gunichar>(-1) || c == static_cast<gunichar>(-2)) return {c, 1};
  return {c, static_cast<size_t>(g_unichar_to_utf8(c, nullptr))};
}

}  // namespace

std::string shown(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text[0]);
    size_t length = 1;
    if (byte < 0x80) {
      if (const size_t sequence = csi_length(text); sequence > 0)
        length = sequence;
      else
        out += (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f ? '?' : text[0];
    } else {
      const auto [c, n] = first_of(text);
      length = n;
      if (c >= 0x80 && c < 0xa0)
        out += '?';
      else if (c > 0x10ffff || turns_direction(c))
        out += kReplacement;
      else
        out += text.substr(0, n);
    }
    text.remove_prefix(length);
  }
  return out;
}

std::string shown_line(std::string_view text) {
  std::string out = shown(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
  return out;
}

std::vector<Glyph> glyphs(std::string_view text) {
  std::vector<Glyph> out;
  while (!text.empty()) {
    const auto [c, n] = first_of(text);
    const bool none = c > 0x10ffff;
    const bool zero = !none && (g_unichar_iszerowidth(c) || c == 0xfe0f || c == 0x200d);
    if (zero && !out.empty())
      out.back().text += text.substr(0, n);
    else
      out.push_back({none ? kReplacement : std::string(text.substr(0, n)),
                     zero                           ? 0
                     : !none && g_unichar_iswide(c) ? 2
                                                    : 1});
    text.remove_prefix(n);
  }
  return out;
}

int width(std::string_view text) {
  int columns = 0;
  for (const Glyph& glyph : glyphs(text)) columns += glyph.width;
  return columns;
}

std::string cut(std::string_view line, int columns) {
  std::string out;
  int used = 0;
  size_t fits = 0;  // bytes of `out` that leave room for the mark
  for (const Glyph& glyph : glyphs(line)) {
    if (used + glyph.width > columns) {
      out.resize(fits);
      return columns > 0 ? out + "…" : out;
    }
    out += glyph.text;
    used += glyph.width;
    if (used < columns) fits = out.size();
  }
  return out;
}

std::string cut_front(std::string_view line, int columns) {
  if (width(line) <= columns) return std::string(line);
  if (columns < 8) return {};
  const std::vector<Glyph> all = glyphs(line);
  size_t begin = all.size();
  for (int used = 4; begin > 0 && used + all[begin - 1].width <= columns; --begin)
    used += all[begin - 1].width;
  std::string out = " · …";
  for (; begin < all.size(); ++begin) out += all[begin].text;
  return out;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace cli
