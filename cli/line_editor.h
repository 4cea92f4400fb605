#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace cli {

/// Where lines come from: on a terminal edited, with those of former times at hand (arrow keys,
/// Ctrl-R); else standard input as it is. There is one at a time.
class LineEditor {
 public:
  /// history: file of former lines, which grows; empty: none is kept.
  explicit LineEditor(std::filesystem::path history);
  ~LineEditor();
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  enum class Got { line, interrupted, end };
  /// The next line, without its break.
  Got read(std::string& line);
  /// Whether a person sits there.
  bool edits() const { return editing_ != nullptr || prompts_; }

 private:
  struct Editing;
  std::unique_ptr<Editing> editing_;  // null where lines are not edited
  bool prompts_ = false;              // a terminal that knows no control sequences
};

}  // namespace cli
