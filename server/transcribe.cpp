#include "server/transcribe.h"

#include "base/json.h"
#include "server/api/reply.h"
#include "server/api/writing.h"
#include "server/on_pool.h"
#include "server/relay.h"

namespace server {

namespace {

using nlohmann::json;

struct Heard {
  TranscriptionRequest request = {};
  std::vector<Backend::Piece> pieces = {};
};

// These stand outside the coroutine: GCC 12 destroys aggregates twice that are made in the
// arguments of what is awaited.
json segment_json(size_t id, const Backend::Piece& piece, const std::string& text) {
  return {{"id", id}, {"start", piece.begin_s}, {"end", piece.end_s}, {"text", text}};
}
json usage_json(int prompt_tokens, int completion_tokens) {
  return {{"type", "tokens"},
          {"input_tokens", prompt_tokens},
          {"output_tokens", completion_tokens},
          {"total_tokens", prompt_tokens + completion_tokens}};
}
std::string transcript_event(const char* type, const char* key, const std::string& text,
                             const json& usage = nullptr) {
  json event{{"type", type}, {key, text}};
  if (!usage.is_null()) event["usage"] = usage;
  return "data: " + dumped(event) + "\n\n";
}
HttpReply transcript(const TranscriptionRequest& request, const std::string& text, double seconds,
                     const json& segments, const json& usage) {
  using Format = TranscriptionRequest::Format;
  if (request.format == Format::text)
    return {.type = "text/plain; charset=utf-8", .body = text + "\n"};
  json out{{"text", text}, {"usage", usage}};
  if (request.format == Format::verbose_json) {
    out["task"] = "transcribe";
    out["language"] = request.language;
    out["duration"] = seconds;
    out["segments"] = segments;
  }
  return {.body = dumped(out)};
}

}  // namespace

Parsed<TranscriptionRequest> transcription_form(const HttpRequest& http) {
  return parse_transcription(http.header("content-type"), http.body);
}

net::awaitable<bool> transcribe(Transcribing with, HttpRequest http,
                                std::shared_ptr<Responder> to) {
  bool gone_now = false;
  auto relay = std::make_shared<Relay>(to->io());
  const LeaveAtEnd leave(relay);
  to->when_gone([relay] { relay->leave(); });
  Parsed<Heard> prepared = co_await on_pool(*with.pool, [&with, &http]() -> Parsed<Heard> {
    Parsed<TranscriptionRequest> parsed = with.read(http);
    if (auto* error = std::get_if<ApiError>(&parsed)) return std::move(*error);
    Heard heard{.request = std::move(std::get<TranscriptionRequest>(parsed))};
    if (std::optional<ApiError> wrong = wrong_model(with.backend->facts(), heard.request.model))
      return std::move(*wrong);
    Parsed<std::vector<Backend::Piece>> pieces = with.backend->prepare_transcription(heard.request);
    if (auto* error = std::get_if<ApiError>(&pieces)) return std::move(*error);
    heard.pieces = std::move(std::get<std::vector<Backend::Piece>>(pieces));
    return heard;
  });
  if (relay->gone) co_return true;
  if (const auto* error = std::get_if<ApiError>(&prepared)) {
    co_await to->send(error_of(*error));
    co_return false;
  }
  Heard& heard = std::get<Heard>(prepared);
  if (heard.request.stream)
    if (!co_await to->begin(stream_head({}))) co_return true;
  std::string all;
  json segments = json::array();
  int prompt_tokens = 0, completion_tokens = 0;
  for (Backend::Piece& piece : heard.pieces) {
    relay->ended = false;
    // Pieces are short; their text is taken whole, since it is trimmed.
    std::optional<ApiError> failed = piece.job->start(sink_to(relay), relay->stop.get_token());
    while (!failed && !relay->ended && !relay->gone) {
      co_await relay->wait(with.ping);
      if (heard.request.stream && !relay->ended && !relay->gone)
        gone_now = !co_await to->write(ping(relay->progress));
      if (gone_now) break;
    }
    if (relay->gone || gone_now) co_return true;
    if (!failed) failed = relay->error;
    if (failed) {
      if (heard.request.stream)
        co_await to->write("data: " + error_json(*failed) + "\n\n");
      else
        co_await to->send(error_of(*failed));
      co_return true;
    }
    const model::Generated& out = relay->all.front();
    prompt_tokens += out.prompt_tokens;
    completion_tokens += static_cast<int>(out.tokens.size());
    std::string text = out.message.text;
    const size_t first = text.find_first_not_of(" \n"), last = text.find_last_not_of(" \n");
    text = first == std::string::npos ? std::string() : text.substr(first, last - first + 1);
    const std::string delta = (all.empty() || text.empty() ? "" : " ") + text;
    all += delta;
    segments.push_back(segment_json(segments.size(), piece, text));
    if (heard.request.stream && !delta.empty() &&
        !co_await to->write(transcript_event("transcript.text.delta", "delta", delta)))
      co_return true;
  }
  const json usage = usage_json(prompt_tokens, completion_tokens);
  if (heard.request.stream) {
    std::string last = transcript_event("transcript.text.done", "text", all, usage);
    co_await to->write(last + "data: [DONE]\n\n");
    co_return true;
  }
  const double seconds = heard.pieces.empty() ? 0.0 : heard.pieces.back().end_s;
  co_await to->send(transcript(heard.request, all, seconds, segments, usage));
  co_return true;
}

}  // namespace server
