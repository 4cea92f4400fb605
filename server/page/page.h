#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/http/http_server.h"
#include "server/runs.h"
#include "server/workspace.h"

namespace server {

/// The web page at / and what it asks for under /tessera/: what lies in server/page/dist, runs, and
/// the workspace. For a server on loopback that asks for no key. docs/page.md describes the paths.
class Page {
 public:
  /// runs: null where no workspace was named; the page then says how to name one.
  Page(std::string model, std::unique_ptr<Runs> runs);

  static bool owns(std::string_view path);
  /// Headers of every answer: the browser loads from us and from nobody else, and shows the page in
  /// nobody's frame.
  static std::vector<std::pair<std::string, std::string>> headers(const HttpRequest& head);
  /// Before the body is read: a request by another name than this machine's, or one that another
  /// page has its reader's browser send, also a page of another port here.
  static std::optional<HttpReply> turned_away(const HttpRequest& head);

  net::awaitable<void> answer(HttpRequest http, std::shared_ptr<Responder> to);
  /// Stops the run that goes on. Before the server ends.
  void join();

 private:
  std::string model_;
  std::unique_ptr<Runs> runs_;
  std::optional<Workspace> workspace_;
};

}  // namespace server
