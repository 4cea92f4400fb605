#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "server/api/request.h"

namespace server {

/// The first thing that is wrong with a request. What is found after it is not told.
class Problem {
 public:
  /// field: as a client writes it, such as messages[3].content[0].image_url.url.
  void say(std::string field, std::string message, std::string code = "invalid_value");
  explicit operator bool() const { return error_.has_value(); }
  const ApiError& error() const { return *error_; }

 private:
  std::optional<ApiError> error_;
};

/// Bounds of a body, whatever it is about.
inline constexpr int kMaxJsonDepth = 100;
inline constexpr size_t kMaxJsonValues = 1'000'000;

/// A text that must be one JSON object: valid UTF-8, no key twice in an object, at most
/// kMaxJsonDepth deep and kMaxJsonValues values. Otherwise null and a problem.
nlohmann::json parse_body(std::string_view body, Problem& problem);

/// Arguments of a call that stands in a conversation's past. Nobody can mend those any more, so
/// they are taken as they are: of a key that stands twice the last holds, blank text is {}, and
/// what is no JSON object within the bounds above is {"unreadable": text}.
nlohmann::json parse_past_arguments(std::string_view text);

/// The text of the value that stands at `path` in `body`, keys in the order in which the client
/// wrote them, which nlohmann::json does not keep. body: passed parse_body(); empty: no such value.
std::string_view text_at(std::string_view body, std::initializer_list<std::string_view> path);

/// Reads the fields of one JSON object, each by its name, and knows at the end which nobody asked
/// for. A field that is null counts as absent. What is wrong is said to the Problem, with the
/// field's full name; the reader then gets nothing, as for an absent field.
class Fields {
 public:
  /// path: what stands before the names of these fields, empty at the top. The object and the
  /// problem outlive this. Anything but an object is a problem.
  Fields(const nlohmann::json& object, std::string path, Problem& problem);

  std::optional<std::string> text(std::string_view name);
  std::optional<double> number(std::string_view name, double low, double high);
  std::optional<int64_t> integer(std::string_view name, int64_t low, int64_t high);
  std::optional<bool> flag(std::string_view name);
  /// One of `values`.
  std::optional<std::string> choice(std::string_view name,
                                    std::initializer_list<std::string_view> values);
  const nlohmann::json* object(std::string_view name);
  const nlohmann::json* list(std::string_view name, size_t most);
  const nlohmann::json* any(std::string_view name);

  /// These may be there and change nothing.
  void ignore(std::initializer_list<std::string_view> names);
  /// These are known and not to be had; `why` is the end of a sentence that begins with the name.
  void refuse(std::initializer_list<std::string_view> names, std::string_view why);
  /// A field that must be there is not.
  void require(std::string_view name);
  /// Says that a field's value is wrong; `what` is the end of a sentence that begins with the name.
  void wrong(std::string_view name, std::string_view what, std::string code = "invalid_value");
  /// Refuses what was not asked for, naming what it may have been meant to be.
  void finish();

  std::string path(std::string_view name) const;
  Problem& problem() { return problem_; }

 private:
  const nlohmann::json* object_;
  std::string path_;
  Problem& problem_;
  std::set<std::string, std::less<>> known_;
};

/// "path[3]".
std::string at_index(std::string_view path, size_t index);

/// Text of a peer, as it may be repeated in an error: short, without control characters.
std::string in_quotes(std::string_view text);

}  // namespace server
