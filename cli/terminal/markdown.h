#pragma once

#include <string>

#include "cli/terminal/style.h"

namespace cli {

/// Markdown laid out for a terminal: wrapped to the look's columns, tables in aligned columns.
/// text: of a model, so anything; what a terminal would obey is taken out (shown()). Raw HTML is
/// text. The result ends with a line break unless it is empty.
std::string markdown(const std::string& text, const Look& look);

/// The same for a text that comes in pieces: gives blocks as soon as they are whole.
class MarkdownStream {
 public:
  explicit MarkdownStream(const Look& look) : look_(look) {}
  /// What can be shown now.
  std::string add(std::string_view piece);
  /// The rest. What is added from here on is another text.
  std::string end();
  /// What has come and is not shown yet.
  const std::string& waiting() const { return waiting_; }

 private:
  std::string block(const std::string& text);
  const Look look_;
  std::string waiting_;
  bool said_ = false;
};

}  // namespace cli
