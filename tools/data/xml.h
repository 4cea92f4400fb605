#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tools::data {

/// Walks the tags of an XML text one after the other; no tree, no recursion, no external entities.
/// What is not well-formed ends the walk.
class XmlReader {
 public:
  explicit XmlReader(std::string_view text) : rest_(text) {}

  enum class Event { open, close, text, end };
  /// open: name() and attribute() are those of the tag; an empty tag gives open, then close.
  Event next();
  /// Without its namespace's prefix.
  std::string_view name() const { return name_; }
  /// Value of an attribute of the opened tag; a prefix of the name does not count.
  std::optional<std::string> attribute(std::string_view name) const;
  /// Of a text event, entities resolved.
  std::string text() const;

 private:
  std::string_view rest_, name_, attributes_, text_;
  bool close_next_ = false, raw_ = false;
};

}  // namespace tools::data
