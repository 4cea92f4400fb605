// A request passes the door (Host, Origin, key), is taken apart and prepared on a thread of a small
// pool, and is then started: from there on the backend's thread posts what happens to the server's
// thread, where a writer turns it into the protocol's bytes. The handler's coroutine sends those,
// and a comment when there have been none for a while.
//
// Headers of a stream are sent as soon as the request is known to be acceptable, before anything is
// computed.
#include "server/endpoints.h"

#include <algorithm>
#include <random>

#include "base/json.h"
#include "server/api/reply.h"
#include "server/api/writing.h"
#include "server/failures.h"
#include "server/http/checks.h"
#include "server/http/cors.h"
#include "server/on_pool.h"
#include "server/page/page.h"
#include "server/relay.h"
#include "server/transcribe.h"

namespace server {

namespace {

using nlohmann::json;

constexpr int kPreparing = 4;  // threads; each may wait for the model to look at a picture

// Not in the coroutine that uses them: GCC 12 cannot have constant arrays there.
struct Generating {
  std::string_view path;
  Protocol protocol;
};
constexpr Generating kGenerating[] = {{"/v1/chat/completions", Protocol::chat},
                                      {"/v1/completions", Protocol::completions},
                                      {"/v1/responses", Protocol::responses},
                                      {"/v1/messages", Protocol::messages}};
constexpr std::string_view kPost[] = {
    "/v1/chat/completions",     "/v1/completions", "/v1/responses", "/v1/messages",
    "/v1/audio/transcriptions", "/v1/embeddings",  "/tokenize"};
constexpr std::string_view kGet[] = {"/health", "/metrics", "/v1/models", "/props"};

/// As the value of a header: printable ASCII, not long.
std::string header_text(const std::vector<std::string>& lines) {
  constexpr size_t kMost = 1000;
  std::string text;
  for (const std::string& line : lines) {
    if (!text.empty()) text += "; ";
    for (const char c : line) text += c >= ' ' && c < 0x7f ? c : '?';
  }
  if (text.size() > kMost) text.resize(kMost);
  return text;
}
using Headers = std::vector<std::pair<std::string, std::string>>;
/// What of the request's tools does not hold, for the client.
Headers notes(const Request& request, const Backend::Job& job) {
  Headers headers;
  if (const std::string text = header_text(job.not_enforced()); !text.empty())
    headers.emplace_back("X-Tessera-Not-Enforced", text);
  if (const std::string text = header_text(request.skipped_tools); !text.empty())
    headers.emplace_back("X-Tessera-Skipped-Tools", text);
  return headers;
}

struct Ready {
  Request request = {};  // for_reply(): the job has the rest
  std::unique_ptr<Backend::Job> job = {};
  Headers notes = {};
};

}  // namespace

struct Endpoints::State {
  State(Backend& b, EndpointOptions o)
      : backend(b), options(std::move(o)), random(std::random_device{}()) {}

  Backend& backend;
  EndpointOptions options;
  net::thread_pool pool{kPreparing};
  net::thread_pool embedding{1};  // takes long; the others are not to wait for it
  std::mt19937_64 random;
  uint64_t requests = 0, refused = 0, streams = 0, gone = 0;

  std::string fresh_id() {
    static constexpr char kDigits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    std::string id;
    for (int i = 0; i < 24; ++i) id += kDigits[random() % 36];
    return id;
  }

  std::optional<HttpReply> turned_away(const HttpRequest& request) const {
    const auto no = [](int status, std::string why, std::string type, std::string code) {
      return error_of({.status = status,
                       .message = std::move(why),
                       .type = std::move(type),
                       .code = std::move(code)});
    };
    const bool any_host = options.any_host && !options.api_key.empty();
    if (!any_host && !host_allowed(request.header("host"), options.allowed_hosts))
      return no(403,
                "This server is not called '" + std::string(request.header("host")) +
                    "'; allow the name with --allow-host.",
                "invalid_request_error", "host_not_allowed");
    const bool strangers = options.page != nullptr && Page::for_strangers(request.path);
    if (!strangers && !origin_allowed(request.header("origin"), options.allowed_origins))
      return no(403,
                "Pages of " + std::string(request.header("origin")) +
                    " may not use this server; allow them with --allow-origin.",
                "invalid_request_error", "origin_not_allowed");
    if (options.page != nullptr && Page::owns(request.path)) {
      if (std::optional<HttpReply> not_ours = Page::turned_away(request)) return not_ours;
    }
    // A browser asks without the key whether it may send it.
    if (is_preflight(request) && origin_named(request.header("origin"), options.allowed_origins))
      return std::nullopt;
    if (request.path != "/health" && !key_accepted(request.header("authorization"),
                                                   request.header("x-api-key"), options.api_key)) {
      HttpReply reply =
          no(401, "The API key is missing or wrong.", "authentication_error", "invalid_api_key");
      reply.headers.emplace_back("WWW-Authenticate", "Bearer");
      return reply;
    }
    return std::nullopt;
  }

  net::awaitable<void> generate(std::shared_ptr<net::io_context> io, Protocol protocol,
                                HttpRequest http, std::shared_ptr<Responder> to);
  net::awaitable<void> embed(HttpRequest http, std::shared_ptr<Responder> to);
  HttpReply tokenize(const HttpRequest& http);
  HttpReply metrics();
  HttpReply plain(const HttpRequest& http);
  json model_json(const ModelFacts& facts) const;
  net::awaitable<void> answer(HttpRequest http, std::shared_ptr<Responder> to);
  net::awaitable<void> handle(HttpRequest http, std::shared_ptr<Responder> to);
};

net::awaitable<void> Endpoints::State::generate(std::shared_ptr<net::io_context> io,
                                                Protocol protocol, HttpRequest http,
                                                std::shared_ptr<Responder> to) {
  auto relay = std::make_shared<Relay>(io);
  const LeaveAtEnd leave(relay);
  to->when_gone([relay, this] {
    ++gone;
    relay->leave();
  });
  Parsed<Ready> prepared = co_await on_pool(pool, [this, protocol, &http]() -> Parsed<Ready> {
    Parsed<Request> parsed = parse_request(protocol, http.body);
    if (auto* error = std::get_if<ApiError>(&parsed)) return std::move(*error);
    Request& request = std::get<Request>(parsed);
    if (std::optional<ApiError> wrong = wrong_model(backend.facts(), request.model))
      return std::move(*wrong);
    if (const std::string_view session = http.header("x-session-id"); !session.empty())
      request.conversation = session.substr(0, 128);
    Ready ready;
    ready.request = for_reply(request);
    Parsed<std::unique_ptr<Backend::Job>> job = backend.prepare(std::move(request));
    if (auto* error = std::get_if<ApiError>(&job)) return std::move(*error);
    ready.job = std::move(std::get<std::unique_ptr<Backend::Job>>(job));
    ready.notes = notes(ready.request, *ready.job);
    return ready;
  });
  if (relay->gone) co_return;
  if (const auto* error = std::get_if<ApiError>(&prepared)) {
    ++refused;
    co_await to->send(error_of(*error, protocol));
    co_return;
  }
  Ready& ready = std::get<Ready>(prepared);
  ReplyHead head{.id = fresh_id(),
                 .created = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()),
                 .model = backend.facts().id,
                 .prompt_tokens = ready.job->prompt_tokens()};
  relay->streams = ready.request.stream;
  relay->writer = make_writer(ready.request, std::move(head),
                              [this](model::TokenId id) { return backend.token_text(id); });
  if (relay->streams) {
    ++streams;
    relay->out = relay->writer->begin();
  }
  if (const std::optional<ApiError> full =
          ready.job->start(sink_to(relay), relay->stop.get_token())) {
    ++refused;
    co_await to->send(error_of(*full, protocol));
    co_return;
  }
  ready.job.reset();
  if (!relay->streams) {
    while (!relay->ended && !relay->gone) co_await relay->wait(std::chrono::hours(1));
    if (relay->gone) co_return;
    HttpReply reply;
    if (relay->error)
      reply = error_of(*relay->error, protocol);
    else
      reply.body = relay->writer->whole(relay->all);
    reply.headers.insert(reply.headers.end(), ready.notes.begin(), ready.notes.end());
    co_await to->send(std::move(reply));
    co_return;
  }
  HttpReply head_of_stream = stream_head(std::exchange(relay->out, {}));
  head_of_stream.headers = ready.notes;
  bool alive = co_await to->begin(std::move(head_of_stream));
  while (alive && !relay->gone && !relay->ended) {
    co_await relay->wait(options.ping);
    std::string bytes = std::exchange(relay->out, {});
    if (bytes.empty() && !relay->ended) bytes = ping(relay->progress);
    alive = co_await to->write(std::move(bytes));
  }
  if (!alive || relay->gone) co_return;
  relay->out +=
      relay->error ? relay->writer->failed(*relay->error) : relay->writer->end(relay->all);
  co_await to->write(std::exchange(relay->out, {}));
}

net::awaitable<void> Endpoints::State::embed(HttpRequest http, std::shared_ptr<Responder> to) {
  std::stop_source stop;
  to->when_gone([stop]() mutable { stop.request_stop(); });
  const std::stop_token token = stop.get_token();
  HttpReply reply = co_await on_pool(embedding, [this, &http, &token]() -> HttpReply {
    Parsed<EmbeddingsRequest> parsed = parse_embeddings(http.body);
    if (const auto* error = std::get_if<ApiError>(&parsed)) return error_of(*error);
    EmbeddingsRequest& request = std::get<EmbeddingsRequest>(parsed);
    if (const std::optional<ApiError> wrong = wrong_model(backend.facts(), request.model))
      return error_of(*wrong);
    std::vector<std::vector<model::TokenId>> inputs = request.token_inputs;
    for (const std::string& text : request.inputs)
      inputs.push_back(backend.tokenize(text, false, true));
    int tokens = 0;
    for (const auto& input : inputs) tokens += static_cast<int>(input.size());
    Parsed<std::vector<std::vector<float>>> vectors = backend.embed(inputs, token);
    if (const auto* error = std::get_if<ApiError>(&vectors)) return error_of(*error);
    return {.body = embeddings_json(request, backend.facts().id,
                                    std::get<std::vector<std::vector<float>>>(vectors), tokens)};
  });
  if (reply.status != 200) ++refused;
  co_await to->send(std::move(reply));
}

HttpReply Endpoints::State::tokenize(const HttpRequest& http) {
  Parsed<TokenizeRequest> parsed = parse_tokenize(http.body);
  if (const auto* error = std::get_if<ApiError>(&parsed)) return error_of(*error);
  const TokenizeRequest& request = std::get<TokenizeRequest>(parsed);
  json tokens = json::array();
  for (const model::TokenId id :
       backend.tokenize(request.text, request.special, request.add_special)) {
    if (request.with_pieces)
      tokens.push_back({{"id", id}, {"piece", backend.token_text(id)}});
    else
      tokens.push_back(id);
  }
  return {.body = dumped({{"tokens", tokens}})};
}

HttpReply Endpoints::State::metrics() {
  std::vector<std::pair<std::string, double>> all = backend.metrics();
  all.emplace_back("http_requests_total", static_cast<double>(requests));
  all.emplace_back("http_refused_total", static_cast<double>(refused));
  all.emplace_back("http_streams_total", static_cast<double>(streams));
  all.emplace_back("http_disconnects_total", static_cast<double>(gone));
  std::string text;
  for (const auto& [name, value] : all) {
    char number[32];
    std::snprintf(number, sizeof number, "%.17g", value);
    text += "# TYPE tessera_" + name + (name.ends_with("_total") ? " counter\n" : " gauge\n") +
            "tessera_" + name + " " + number + "\n";
  }
  return {.type = "text/plain; version=0.0.4", .body = text};
}

json Endpoints::State::model_json(const ModelFacts& facts) const {
  json modalities = json::array({"text"});
  if (facts.sees) modalities.push_back("image");
  if (facts.hears) modalities.push_back("audio");
  return {{"id", facts.id},
          {"object", "model"},
          {"created", facts.created},
          {"owned_by", "tessera"},
          {"context_length", facts.context},
          {"max_model_len", facts.context},
          {"input_modalities", modalities}};
}

/// What is answered at once.
HttpReply Endpoints::State::plain(const HttpRequest& http) {
  const bool get = http.method == "GET" || http.method == "HEAD";
  const ModelFacts facts = backend.facts();
  std::string_view path = http.path;
  HttpReply reply;
  if (is_preflight(http) && origin_named(http.header("origin"), options.allowed_origins)) {
    reply.type.clear();  // the headers are the answer (cors_headers)
  } else if (path == "/health" && get) {
    reply.body = dumped({{"status", "ok"}});
  } else if (path == "/metrics" && get) {
    reply = metrics();
  } else if (path == "/v1/models" && get) {
    reply.body = dumped({{"object", "list"}, {"data", json::array({model_json(facts)})}});
  } else if (path.starts_with("/v1/models/") && get) {
    path.remove_prefix(std::string_view("/v1/models/").size());
    if (const std::optional<ApiError> wrong = wrong_model(facts, std::string(path)))
      reply = error_of(*wrong);
    else
      reply.body = dumped(model_json(facts));
  } else if (path == "/props" && get) {
    reply.body = dumped({{"default_generation_settings", {{"n_ctx", facts.context}}},
                         {"total_slots", facts.slots},
                         {"model_alias", facts.id},
                         {"modalities", {{"vision", facts.sees}, {"audio", facts.hears}}}});
  } else {
    const bool wants_post = std::find(std::begin(kPost), std::end(kPost), path) != std::end(kPost);
    const bool wants_get = std::find(std::begin(kGet), std::end(kGet), path) != std::end(kGet);
    if (wants_post || wants_get) {
      const std::string method = wants_post ? "POST" : "GET";
      reply = error_of(
          {.status = 405, .message = std::string(path) + " is asked for by " + method + "."});
      reply.headers.emplace_back("Allow", method);
    } else {
      reply = error_of({.status = 404,
                        .message = "There is no " + std::string(path.substr(0, 200)) +
                                   " here; see GET /v1/models, POST /v1/chat/completions, "
                                   "/v1/responses, /v1/messages.",
                        .code = "not_found"});
    }
  }
  return reply;
}

net::awaitable<void> Endpoints::State::answer(HttpRequest http, std::shared_ptr<Responder> to) {
  const bool post = http.method == "POST";
  const std::shared_ptr<net::io_context> io = to->io();
  const std::string path = http.path;
  if (options.page != nullptr && Page::owns(path)) {
    if (path == Page::kTranscript && post) {
      Transcribing with{
          .backend = &backend, .pool = &pool, .ping = options.ping, .read = Page::recording};
      if (!co_await transcribe(std::move(with), std::move(http), std::move(to))) ++refused;
      co_return;
    }
    co_await options.page->answer(std::move(http), std::move(to), backend.facts());
    co_return;
  }
  for (const Generating& one : kGenerating)
    if (path == one.path && post) {
      co_await generate(io, one.protocol, std::move(http), std::move(to));
      co_return;
    }
  if (path == "/v1/audio/transcriptions" && post) {
    Transcribing with{
        .backend = &backend, .pool = &pool, .ping = options.ping, .read = transcription_form};
    if (!co_await transcribe(std::move(with), std::move(http), std::move(to))) ++refused;
    co_return;
  }
  if (path == "/v1/embeddings" && post) {
    co_await embed(std::move(http), std::move(to));
    co_return;
  }
  HttpReply reply;
  if (path == "/tokenize" && post)
    reply = co_await on_pool(pool, [this, &http] { return tokenize(http); });
  else
    reply = plain(http);
  if (reply.status != 200) ++refused;
  co_await to->send(std::move(reply));
}

net::awaitable<void> Endpoints::State::handle(HttpRequest http, std::shared_ptr<Responder> to) {
  ++requests;
  const Protocol protocol =
      http.path == "/v1/messages" ? Protocol::messages : Protocol::chat;  // of an error's shape
  std::exception_ptr thrown;
  HttpReply failed;
  try {
    co_await answer(std::move(http), to);
  } catch (...) {
    failed = error_of(failure(caught()), protocol);
    thrown = std::current_exception();
  }
  if (!thrown) co_return;
  ++refused;
  // Where a part of a stream was sent, its connection ends: the client sees that it is cut off.
  if (!co_await to->send(std::move(failed))) std::rethrow_exception(thrown);
}

Endpoints::Endpoints(Backend& backend, EndpointOptions options)
    : state_(std::make_shared<State>(backend, std::move(options))) {}

Endpoints::~Endpoints() { join(); }

void Endpoints::join() {
  for (net::thread_pool* threads : {&state_->pool, &state_->embedding}) {
    threads->stop();
    threads->join();
  }
}

base::Result<std::unique_ptr<HttpServer>> Endpoints::listen(HttpOptions options) {
  options.at_the_door = [state = state_](const HttpRequest& head) {
    return state->turned_away(head);
  };
  options.answer_headers = [state = state_](const HttpRequest& head) {
    if (state->options.page != nullptr && Page::owns(head.path)) return Page::headers(head);
    return cors_headers(head, state->options.allowed_origins);
  };
  options.error_reply = [](int status, std::string_view why) -> HttpReply {
    const bool ours = status >= 500;
    return {.status = status,
            .body = error_json({.status = status,
                                .message = std::string(why),
                                .type = ours ? "server_error" : "invalid_request_error"})};
  };
  return HttpServer::listen(std::move(options),
                            [state = state_](HttpRequest http, std::shared_ptr<Responder> to) {
                              return state->handle(std::move(http), std::move(to));
                            });
}

}  // namespace server
