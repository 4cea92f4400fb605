#include "server/page/page.h"

#include <string_view>

#include "base/json_line.h"
#include "server/http/checks.h"
#include "server/relay.h"

namespace server {

// Made at build time of server/page/dist.
extern const std::string_view embedded_page_html, embedded_page_script, embedded_page_style,
    embedded_page_icon;

namespace {

using nlohmann::json;

constexpr std::string_view kApi = "/tessera/";
constexpr std::string_view kRuns = "/tessera/runs";

struct Asset {
  std::string_view path, type;
  const std::string_view* bytes;
};
constexpr Asset kAssets[] = {
    {"/", "text/html; charset=utf-8", &embedded_page_html},
    {"/page/page.js", "text/javascript; charset=utf-8", &embedded_page_script},
    {"/page/page.css", "text/css; charset=utf-8", &embedded_page_style},
    {"/page/icon.svg", "image/svg+xml", &embedded_page_icon}};

const Asset* asset(std::string_view path) {
  for (const Asset& one : kAssets)
    if (one.path == path) return &one;
  return nullptr;
}

}  // namespace

Page::Page(std::string model, std::unique_ptr<Runs> runs)
    : model_(std::move(model)), runs_(std::move(runs)) {
  if (runs_) workspace_.emplace(runs_->toolbox());
}

bool Page::owns(std::string_view path) { return asset(path) != nullptr || path.starts_with(kApi); }

std::vector<std::pair<std::string, std::string>> Page::headers(const HttpRequest& head) {
  const bool page = asset(head.path) != nullptr;
  return {{"Content-Security-Policy",
           page ? "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                  "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
                : "default-src 'none'; frame-ancestors 'none'; sandbox"},
          {"Cross-Origin-Opener-Policy", "same-origin"},
          {"Cross-Origin-Resource-Policy", "same-origin"},
          {"Referrer-Policy", "no-referrer"},
          {"X-Frame-Options", "DENY"},
          {"Cache-Control", page ? "no-cache" : "no-store"}};
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

net::awaitable<void> Page::answer(HttpRequest http, std::shared_ptr<Responder> to) {
  const std::string path = http.path;
  const bool looks = http.method == "GET" || (http.method == "HEAD" && asset(path) != nullptr);
  HttpReply reply;
  if (!looks && http.method != "POST") {
    reply = error_of(405, "The page's paths are asked for by GET or POST.");
    reply.headers.emplace_back("Allow", "GET, POST");
  } else if (const Asset* one = asset(path)) {
    reply = {.type = std::string(one->type), .body = std::string(*one->bytes)};
  } else if (path == "/tessera/state") {
    json state{{"model", model_}, {"workspace", nullptr}};
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
