#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/http/http_server.h"
#include "server/runs.h"
#include "server/service.h"
#include "server/workspace.h"

namespace server {

/// What the page says of the model that runs are done with.
struct PageOptions {
  std::string model = {};  ///< its name
  std::string file = {};   ///< where it lies
  uint64_t bytes = 0;
  int context = 0;                  ///< tokens of a run's conversation; 0: as the server says
  std::filesystem::path vega = {};  ///< folder of Vega's scripts; empty: charts are pictures alone
};

/// The web page at / and what it asks for under /tessera/: what lies in server/page/dist, runs, and
/// the workspace. For a server on loopback that asks for no key. docs/page.md describes the paths.
class Page {
 public:
  /// runs: null where no workspace was named; the page then says how to name one.
  Page(PageOptions options, std::unique_ptr<Runs> runs);
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;

  static bool owns(std::string_view path);
  /// Parts of a chart's frame, which has no origin of its own: the same bytes for whoever asks.
  static bool for_strangers(std::string_view path);
  /// Headers of every answer: the browser loads from us and from nobody else, and shows the page in
  /// nobody's frame.
  static std::vector<std::pair<std::string, std::string>> headers(const HttpRequest& head);
  /// Before the body is read: a request by another name than this machine's, or one that another
  /// page has its reader's browser send, also a page of another port here.
  static std::optional<HttpReply> turned_away(const HttpRequest& head);

  /// Where a recording is sent to be written down; the body is the recording, ?words= what may be
  /// said in it. At most 30 s and 1 MiB.
  static constexpr std::string_view kTranscript = "/tessera/transcript";
  static Parsed<TranscriptionRequest> recording(const HttpRequest& http);

  /// served: what the server says of its model.
  net::awaitable<void> answer(HttpRequest http, std::shared_ptr<Responder> to, ModelFacts served);
  /// Stops the run that goes on. Before the server ends.
  void join();

 private:
  PageOptions options_;
  std::map<std::string_view, std::string> vega_;  // Vega's scripts by their paths, or none
  std::unique_ptr<Runs> runs_;
  std::optional<Workspace> workspace_;
};

}  // namespace server
