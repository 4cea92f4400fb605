#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "tools/chart/scene.h"

typedef struct _PangoContext PangoContext;
typedef struct _PangoLayout PangoLayout;

namespace tools::chart {

/// A Pango layout on `context` holding one line of `text`; the painter and the ruler must agree on
/// it. The caller frees it with g_object_unref.
PangoLayout* make_layout(PangoContext* context, std::string_view text, const Font& font);

/// A Pango context with our font options and no scaling. The caller frees it with g_object_unref.
PangoContext* make_context();

/// Whether any font is installed; Pango aborts the process when it must draw without one.
bool has_fonts();

/// Measures text in the chart's font. One thread.
class TextRuler {
 public:
  TextRuler();
  ~TextRuler();
  TextRuler(const TextRuler&) = delete;
  TextRuler& operator=(const TextRuler&) = delete;

  /// Width of one line, in scene units.
  double width(std::string_view line, const Font& font);
  /// Width and height of text whose lines are separated by '\n'.
  Size size(std::string_view text, const Font& font);

  /// `line`, or as much of it as fits in `max_width` followed by "…".
  std::string shorten(std::string_view line, const Font& font, double max_width);
  /// Breaks at spaces (and after '/' and '-') into at most `max_lines` lines; what does not fit is
  /// shortened.
  std::string wrap(std::string_view line, const Font& font, double max_width, int max_lines);
  /// Whether wrap() shortens nothing.
  bool wraps(std::string_view line, const Font& font, double max_width, int max_lines);

  /// Whether some measured character is in no installed font and shows as a box.
  bool lacks_glyphs() const { return lacks_glyphs_; }

 private:
  PangoContext* context_;
  bool lacks_glyphs_ = false;
  std::unordered_map<std::string, double> widths_;
};

}  // namespace tools::chart
