// What clients send as JSON, read as each protocol would: it is refused with a sentence, or becomes
// a request that can be rendered and of which a reply can be written.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/base64.h"
#include "base/json.h"
#include "base/utf8.h"
#include "model/chat.h"
#include "model/generate.h"
#include "server/api/reply.h"

namespace {

using namespace server;

void check(bool fine) {
  if (!fine) std::abort();
}

void look(const ApiError& error) {
  check(error.status == 400 && !error.message.empty());
  check(base::is_utf8(error.message));
  check(nlohmann::json::accept(error_json(error)));
  check(nlohmann::json::accept(error_json(error, Protocol::messages)));
}

void look(const Request& request) {
  check(request.n >= 1 && request.n <= 8);
  model::GenerateOptions options = request.generate;
  if (options.max_tokens == 0) options.max_tokens = 1;
  check(bool(model::check(options)));
  check(request.raw_prompt.has_value() || !request.messages.empty());
  size_t n_results = 0, n_rendered = 0;
  for (const model::Message& message : request.messages)
    n_results += message.role == model::Role::tool ? 1 : 0;
  for (const model::Segment& segment : model::render(request.messages, request.tools, {}))
    n_rendered += segment.kind == model::Segment::Kind::special &&
                          segment.special == model::Special::response_end
                      ? 1
                      : 0;
  check(n_results == n_rendered);  // no result is lost on the way to the model
  const auto writer = make_writer(request, {.id = "r", .model = request.model}, {});
  std::string bytes = writer->begin();
  bytes += writer->on_event(0, {.kind = model::ReplyEvent::Kind::text, .text = "x"});
  bytes += writer->on_done(0, {});
  bytes += writer->end({{}});
  check(bytes.ends_with("\n\n"));
  check(nlohmann::json::accept(writer->whole({{}})));
}

template <class T>
void look(const Parsed<T>& parsed) {
  if (const ApiError* error = std::get_if<ApiError>(&parsed)) {
    look(*error);
  } else if constexpr (std::is_same_v<T, Request>) {
    look(std::get<Request>(parsed));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  for (const Protocol protocol :
       {Protocol::chat, Protocol::completions, Protocol::responses, Protocol::messages})
    look(parse_request(protocol, body));
  look(parse_embeddings(body));
  look(parse_tokenize(body));
  if (const auto bytes = base::base64_decoded(body)) check(base::base64_encoded(*bytes) == body);
  return 0;
}
