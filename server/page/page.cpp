#include "server/page/page.h"

#include <string_view>

#include "base/file.h"
#include "base/json_line.h"
#include "base/utf8.h"
#include "model/transcribe.h"
#include "server/http/checks.h"
#include "server/http/query.h"
#include "server/relay.h"

namespace server {

// Made at build time of server/page/dist.
extern const std::string_view embedded_page_html, embedded_page_script, embedded_page_style,
    embedded_page_icon, embedded_page_chart_html, embedded_page_chart_script,
    embedded_page_chart_style, embedded_page_recorder;

namespace {

using nlohmann::json;

constexpr std::string_view kApi = "/tessera/";
constexpr std::string_view kRuns = "/tessera/runs";

constexpr size_t kMaxRecording = 1 << 20;  // bytes
constexpr int kMaxRecordingSeconds = 30;   // of a recording
constexpr size_t kMaxWords = 1600;         // bytes of words that may be said in it
constexpr uint64_t kMaxScript = 16 << 20;  // bytes

// Charts that can be explored are drawn by Vega in a frame that the browser gives an origin of its
// own, in which no request can be made: what a model wrote cannot reach the page or the server, and
// should it never end, then not in the page's thread. To the browser the frame's parts are asked
// for by a stranger.
enum class Where : uint8_t { page, frame, part_of_frame };

constexpr std::string_view kHtml = "text/html; charset=utf-8", kStyle = "text/css; charset=utf-8",
                           kScript = "text/javascript; charset=utf-8";

struct Asset {
  std::string_view path, type;
  const std::string_view* bytes;  ///< null: a script of Vega's
  Where where = Where::page;
};
constexpr Asset kAssets[] = {
    {"/", kHtml, &embedded_page_html},
    {"/page/page.js", kScript, &embedded_page_script},
    {"/page/page.css", kStyle, &embedded_page_style},
    {"/page/icon.svg", "image/svg+xml", &embedded_page_icon},
    {"/page/recorder.js", kScript, &embedded_page_recorder},
    {"/page/chart.html", kHtml, &embedded_page_chart_html, Where::frame},
    {"/page/chart.js", kScript, &embedded_page_chart_script, Where::part_of_frame},
    {"/page/chart.css", kStyle, &embedded_page_chart_style, Where::part_of_frame},
    {"/page/vega.min.js", kScript, nullptr, Where::part_of_frame},
    {"/page/vega-lite.min.js", kScript, nullptr, Where::part_of_frame},
    {"/page/vega-embed.min.js", kScript, nullptr, Where::part_of_frame}};
constexpr std::string_view kFolder = "/page/";

const Asset* asset(std::string_view path) {
  for (const Asset& one : kAssets)
    if (one.path == path) return &one;
  return nullptr;
}

/// Those of kAssets that have no bytes, by their paths; none where one is missing.
std::map<std::string_view, std::string> vega_scripts(const std::filesystem::path& folder) {
  std::map<std::string_view, std::string> scripts;
  if (folder.empty()) return scripts;
  for (const Asset& one : kAssets) {
    if (one.bytes != nullptr) continue;
    base::Result<std::string> script =
        base::read_file(folder / one.path.substr(kFolder.size()), kMaxScript);
    if (!script) return {};
    scripts[one.path] = std::move(*script);
  }
  return scripts;
}

}  // namespace

Page::Page(PageOptions options, std::unique_ptr<Runs> runs)
    : options_(std::move(options)), vega_(vega_scripts(options_.vega)), runs_(std::move(runs)) {
  if (runs_) workspace_.emplace(runs_->toolbox());
}

bool Page::owns(std::string_view path) { return asset(path) != nullptr || path.starts_with(kApi); }

bool Page::for_strangers(std::string_view path) {
  const Asset* one = asset(path);
  return one != nullptr && one->where == Where::part_of_frame;
}

std::vector<std::pair<std::string, std::string>> Page::headers(const HttpRequest& head) {
  const Asset* one = asset(head.path);
  const bool page = one != nullptr && one->where == Where::page;
  const bool frame = one != nullptr && one->where == Where::frame;
  return {
      {"Content-Security-Policy",
       page    ? "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                 "connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; "
                 "frame-ancestors 'none'"
       : frame ? "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; "
                 "form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts"
               : "default-src 'none'; frame-ancestors 'none'; sandbox"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cross-Origin-Resource-Policy", for_strangers(head.path) ? "cross-origin" : "same-origin"},
      {"Permissions-Policy", "microphone=(self), camera=(), display-capture=(), geolocation=()"},
      {"Referrer-Policy", "no-referrer"},
      {"X-Frame-Options", frame ? "SAMEORIGIN" : "DENY"},
      {"Cache-Control", one != nullptr ? "no-cache" : "no-store"}};
}

std::optional<HttpReply> Page::turned_away(const HttpRequest& head) {
  // A name of --allow-host may lead here from another machine.
  if (!host_allowed(head.header("host"), {})) return error_of(403, "The page is for this machine.");
  if (!std::string_view(head.path).starts_with(kApi)) return std::nullopt;
  const std::string_view origin = head.header("origin");
  const std::string_view site = head.header("sec-fetch-site");
  const std::string host(head.header("host"));
  const bool ours = origin.empty() || origin == "http://" + host || origin == "https://" + host;
  if (ours && (site.empty() || site == "same-origin" || site == "none")) return std::nullopt;
  return error_of(403, "Only the server's own page may ask for this.");
}

Parsed<TranscriptionRequest> Page::recording(const HttpRequest& http) {
  if (http.body.empty() || http.body.size() > kMaxRecording)
    return ApiError{.status = http.body.empty() ? 400 : 413,
                    .message = "A recording has at most " + std::to_string(kMaxRecordingSeconds) +
                               " seconds and " + std::to_string(kMaxRecording) + " bytes."};
  std::string words = value_in(http.query, "words");
  if (words.size() > kMaxWords || !base::is_utf8(words))
    return ApiError{.message = "The words that may be said are a text of at most " +
                               std::to_string(kMaxWords) + " bytes."};
  for (char& c : words)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  TranscriptionRequest request{.sound = http.body, .max_seconds = kMaxRecordingSeconds};
  if (words.find_first_not_of(' ') != words.npos) request.prompt = model::words_hint(words);
  return request;
}

net::awaitable<void> Page::answer(HttpRequest http, std::shared_ptr<Responder> to,
                                  ModelFacts served) {
  const std::string path = http.path;
  const bool looks = http.method == "GET" || (http.method == "HEAD" && asset(path) != nullptr);
  HttpReply reply;
  if (!looks && http.method != "POST") {
    reply = error_of(405, "The page's paths are asked for by GET or POST.");
    reply.headers.emplace_back("Allow", "GET, POST");
  } else if (const Asset* one = asset(path)) {
    reply.type = one->type;
    if (one->bytes != nullptr)
      reply.body = *one->bytes;
    else if (!vega_.empty())
      reply.body = vega_.at(one->path);
    else
      reply = error_of(404, "This program has no scripts of Vega; run setup/fetch-vega.");
  } else if (path == "/tessera/state") {
    const int context = options_.context > 0 ? options_.context : served.context;
    json state{{"model", options_.model}, {"workspace", nullptr},     {"file", options_.file},
               {"bytes", options_.bytes}, {"context", context},       {"sees", served.sees},
               {"hears", served.hears},   {"explore", !vega_.empty()}};
    if (runs_) {
      state["workspace"] = runs_->toolbox().workspace().string();
      state["policy"] = runs_->toolbox().guard().policy().name;
      state["free"] = runs_->free();
    }
    reply.body = base::line_of(state);
  } else if (!runs_) {
    reply = error_of(409, "No folder was named; start the server with --workspace DIR.");
  } else if (path == kRuns || path.starts_with(std::string(kRuns) + "/")) {
    co_await runs_->handle(path.substr(kRuns.size()), std::move(http), std::move(to));
    co_return;
  } else {
    reply = co_await workspace_->answer(path.substr(kApi.size()), std::move(http));
  }
  co_await to->send(std::move(reply));
}

void Page::join() {
  if (workspace_) workspace_->join();
  if (runs_) runs_->join();
}

}  // namespace server
