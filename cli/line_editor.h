#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "cli/terminal/complete.h"

namespace cli {

/// Where lines come from: on a terminal edited, with those of former times at hand (arrow keys,
/// Ctrl-R); else standard input as it is. There is one at a time.
class LineEditor {
 public:
  /// What Tab does with a line up to the cursor.
  using Completer = std::function<Completion(std::string_view)>;
  /// history: file of former lines, which grows; empty: none is kept.
  LineEditor(std::filesystem::path history, Completer completer);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  enum class Got { line, interrupted, end };
  /// The next line, without its break. draft: stands there already, to be edited; for lines that
  /// are not edited it is left out.
  Got read(std::string& line, const std::string& draft = {});
  /// Whether a person sits there.
  bool edits() const { return editing_ != nullptr || prompts_; }

 private:
  struct Editing;
  std::unique_ptr<Editing> editing_;  // null where lines are not edited
  bool prompts_ = false;              // a terminal that knows no control sequences
};

}  // namespace cli
