#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/call_parser.h"
#include "model/generate.h"
#include "server/api/request.h"

namespace server {

/// What is said of a reply once: who answers, since when. `id` is unique without a prefix.
struct ReplyHead {
  std::string id = {};
  int64_t created = 0;  ///< seconds since 1970
  std::string model = {};
  int prompt_tokens = 0;  ///< what is read, or found in a cache
};

/// Text of a token, for log-probabilities. Bytes need not be UTF-8. A special token is spelled as
/// in model::kSpecialTokens: by that thoughts and calls are told from the answer.
using TokenText = std::function<std::string(model::TokenId)>;

/// Writes a reply in the request's protocol. A stream is begin(), on_event()… and end(), each of
/// which gives the bytes of server-sent events (may be empty); a whole reply is one JSON text from
/// whole(). Choices (Request::n) may interleave in a stream. Pure: no clock, no sockets.
class ReplyWriter {
 public:
  virtual ~ReplyWriter() = default;
  virtual std::string begin() = 0;
  virtual std::string on_event(int choice, const model::ReplyEvent& event) = 0;
  /// A choice has ended; `out` is all of it.
  virtual std::string on_done(int choice, const model::Generated& out) = 0;
  /// All choices have ended: what closes the stream ("data: [DONE]" where the protocol has it).
  virtual std::string end(const std::vector<model::Generated>& all) = 0;
  /// An error after the headers were sent.
  virtual std::string failed(const ApiError& error) = 0;
  virtual std::string whole(const std::vector<model::Generated>& all) = 0;
};

/// The writer for request.protocol.
std::unique_ptr<ReplyWriter> make_writer(const Request& request, ReplyHead head, TokenText text);

/// Requests from JSON. `body` is what the client sent. Errors name the field in `param`. A field at
/// the top or of an option that is not known is refused, but for a short list of such that change
/// nothing about the reply (metadata, store: false, service_tier, …). In messages and their parts
/// what is not known is passed over: clients keep notes there.
Parsed<Request> parse_request(Protocol protocol, std::string_view body);

/// {"error": {…}}; for Protocol::messages {"type": "error", "error": {…}}.
std::string error_json(const ApiError& error, Protocol protocol = Protocol::chat);

/// The plain endpoints.
struct EmbeddingsRequest {
  std::vector<std::string> inputs = {};                        ///< 1 to 256
  std::vector<std::vector<model::TokenId>> token_inputs = {};  ///< in place of `inputs`
  bool base64 = false;
  int dimensions = 0;  ///< 0: all
  std::string model = {};
};
Parsed<EmbeddingsRequest> parse_embeddings(std::string_view body);
/// vectors: [n][hidden], of length 1.
std::string embeddings_json(const EmbeddingsRequest& request, const std::string& model,
                            const std::vector<std::vector<float>>& vectors, int prompt_tokens);

struct TokenizeRequest {
  std::string text = {};
  bool special = false;      ///< control tokens in the text are read as such
  bool add_special = false;  ///< the beginning-of-sequence token stands first
  bool with_pieces = false;
};
Parsed<TokenizeRequest> parse_tokenize(std::string_view body);

/// One part of a multipart/form-data body.
struct FormPart {
  std::string name = {}, file_name = {}, type = {};
  std::string bytes = {};
};
/// At most 64 parts. content_type: of the request, with the boundary.
Parsed<std::vector<FormPart>> parse_form(std::string_view content_type, std::string_view body);

struct TranscriptionRequest {
  std::string sound = {};  ///< the encoded file
  std::string model = {}, language = {}, prompt = {};
  enum class Format : uint8_t { json, text, verbose_json } format = Format::json;
  float temperature = 0;
  bool stream = false;
  int max_seconds = 3600;  ///< of the sound
};
Parsed<TranscriptionRequest> parse_transcription(std::string_view content_type,
                                                 std::string_view body);

}  // namespace server
