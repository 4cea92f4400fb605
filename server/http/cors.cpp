// Cross-origin resource sharing, after the Fetch standard: a browser gives a page of another origin
// an answer only if that names the page's origin, and sends what a form could not send only after
// a preflight (OPTIONS, without the key) was answered so. No cookies are taken, so none are
// allowed.
#include "server/http/cors.h"

#include <algorithm>

#include "server/http/checks.h"

namespace server {

namespace {

constexpr size_t kMaxListBytes = 4096;

/// Names of headers and commas, nothing else: what may be repeated in an answer.
bool is_list_of_names(std::string_view text) {
  constexpr std::string_view kMore = "-_!#$%&'*+.^`|~, ";
  return !text.empty() && text.size() <= kMaxListBytes &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  kMore.find(c) != std::string_view::npos;
         });
}

}  // namespace

bool is_preflight(const HttpRequest& head) {
  return head.method == "OPTIONS" && !head.header("origin").empty() &&
         !head.header("access-control-request-method").empty();
}

std::vector<std::pair<std::string, std::string>> cors_headers(
    const HttpRequest& head, const std::vector<std::string>& allowed) {
  const std::string origin(head.header("origin"));
  if (!origin_named(origin, allowed)) {
    // What is kept of this answer must not be given to a page that may read it.
    if (allowed.empty()) return {};
    return {{"Vary", "Origin"}};
  }
  std::vector<std::pair<std::string, std::string>> headers{{"Access-Control-Allow-Origin", origin},
                                                           {"Vary", "Origin"}};
  if (!is_preflight(head)) {
    headers.emplace_back("Access-Control-Expose-Headers",
                         "Retry-After, X-Tessera-Not-Enforced, X-Tessera-Skipped-Tools");
    return headers;
  }
  headers.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, POST");
  // Clients send notes of their own (x-stainless-…, anthropic-version): any header may come.
  const std::string_view names = head.header("access-control-request-headers");
  if (is_list_of_names(names)) headers.emplace_back("Access-Control-Allow-Headers", names);
  // Chrome asks for this where a page of the internet calls a machine that is not on it.
  if (head.header("access-control-request-private-network") == "true")
    headers.emplace_back("Access-Control-Allow-Private-Network", "true");
  headers.emplace_back("Access-Control-Max-Age", "600");
  return headers;
}

}  // namespace server
