#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace model {

/// Judges the beginnings of a reply where a grammar cannot: the grammar says what is well-formed,
/// the watch what makes sense of what stands before. Used by one reply at a time.
class ReplyWatch {
 public:
  virtual ~ReplyWatch() = default;

  /// What a special token is in the texts below; never part of another token's text.
  static constexpr char kSpecial = '\xff';

  /// Whether the reply can begin like this. A token after which it cannot is passed over for the
  /// next likely one; when nothing sensible is among the likeliest, the first is taken after all.
  virtual bool allows(std::string_view reply) const = 0;
  /// Texts one of which follows `reply`, where allows() holds; asked for after a token was passed
  /// over. Empty: not known.
  virtual std::vector<std::string> continuations(std::string_view reply) const = 0;
};

}  // namespace model
