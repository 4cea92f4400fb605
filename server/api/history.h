#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "model/chat.h"
#include "server/api/fields.h"

namespace server {

/// What a request may bring at most.
inline constexpr size_t kMaxMessages = 10'000;
inline constexpr size_t kMaxCallsOfMessage = 128;
inline constexpr size_t kMaxMedia = 64;
inline constexpr size_t kMaxMediaBytes = size_t{32} << 20;  ///< of one file, decoded
inline constexpr size_t kMaxAllMediaBytes = size_t{128} << 20;

/// The messages of a conversation while they are read.
class History {
 public:
  explicit History(Problem& problem) : problem_(problem) {}

  /// path: the field that the message stands in, for errors.
  void add(model::Message message, std::string path);

  /// Adds text to a message, on a line of its own behind text that is there.
  static void add_text(model::Message& message, std::string_view text);
  /// A picture in a data: URL. Nothing is fetched, no file is opened.
  void add_image_url(model::Message& message, std::string_view url, const std::string& path);
  void add_image(model::Message& message, std::string_view base64, const std::string& path);
  /// A recording, WAV or MP3.
  void add_audio(model::Message& message, std::string_view base64, const std::string& path);
  /// `image_url.detail`: low asks for 70 tokens of each picture, high and original for 1120, auto
  /// for nothing. The largest wish of a request holds for all of its pictures.
  void detail(Fields& fields, std::string_view name = "detail");

  /// A call of the model. arguments: as parse_past_arguments() takes them.
  void add_call(model::Message& message, std::string id, std::string name,
                std::string_view arguments, const std::string& path);

  /// Gives the request its messages, each result behind the message with its call, system messages
  /// at the beginning joined, and the tokens of its pictures. A result without a call, and calls at
  /// the end that nobody answered, are problems.
  void finish(Request& request);

 private:
  struct Entry {
    model::Message message;
    std::string path;
    std::vector<model::Message> results;  // of its calls
  };
  void add_media(model::Message& message, model::MediaKind kind, std::string_view base64,
                 const std::string& path);
  void add_result(model::Message message, const std::string& path);

  Problem& problem_;
  std::vector<Entry> entries_;
  std::map<std::string, std::vector<size_t>> unanswered_;  // by id of a call: its entries
  size_t n_media_ = 0, media_bytes_ = 0;
  int image_budget_ = 0;
};

}  // namespace server
