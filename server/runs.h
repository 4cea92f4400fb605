#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "agent/chat_model.h"
#include "agent/session/store.h"
#include "base/result.h"
#include "server/http/http_server.h"
#include "tools/toolbox/toolbox.h"

namespace server {

/// What a person chooses for a run.
struct RunSettings {
  std::string id = {};    ///< of the run
  bool thinking = false;  ///< the model may think before it answers
  int reply_tokens = 0;   ///< the longest reply; 0: the usual
  int seconds = 0;        ///< that the run may take; 0: the usual
};

struct RunsOptions {
  std::filesystem::path workspace = {};
  policies::Policy policy = {};
  std::filesystem::path audit = {};  ///< as GuardOptions::audit
  /// Keeps runs as sessions; null: they are kept in memory alone.
  std::shared_ptr<agent::session::Store> store = {};
  /// What the sessions say of the model, and what whoever resumes one runs it with.
  std::string model = {};
  nlohmann::json setup = nlohmann::json::object();
  /// The model of a run, called on its thread before it begins. Reading one may take a while.
  std::function<base::Result<std::shared_ptr<agent::ChatModel>>(const RunSettings&)> open_model =
      {};
  /// The model goes on from earlier requests and may think: it is not constrained().
  bool free = false;
  /// A question that has no answer by then is answered with no.
  std::chrono::milliseconds ask_time{120'000};
  /// For how long nobody may look at a run with a question before that is a no: a reload takes a
  /// moment.
  std::chrono::milliseconds away_time{4'000};
  std::chrono::milliseconds ping{5'000};  ///< as EndpointOptions::ping
};

/// Requests of a person to the agent in one workspace, one at a time, and what became of them and
/// of those of earlier processes. Everything but join() on the server's thread; runs have a thread
/// of their own.
class Runs {
 public:
  /// Errors: as Toolbox::open().
  static base::Result<std::unique_ptr<Runs>> open(RunsOptions options);
  ~Runs();
  /// Stops the run that goes on and waits for its end. Before the server ends.
  void join();

  /// The workspace, for whoever looks into it beside the runs; nobody is asked for those.
  const tools::Toolbox& toolbox() const;
  bool free() const;

  /// POST "": starts a run and streams its events; GET "": all runs, the oldest first;
  /// GET "/ID": the events of one, from ?from=N on; POST "/ID/stop"; POST "/ID/answer";
  /// POST "/ID/resume": goes on with one that was stopped or interrupted, and streams its events;
  /// GET "/ID/chart?n=N&format=F": the Nth chart of its result, drawn anew: svg, or vega, the
  /// specification as it is drawn.
  /// path: what follows /tessera/runs.
  net::awaitable<void> handle(std::string path, HttpRequest http, std::shared_ptr<Responder> to);

  struct State;

 private:
  explicit Runs(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace server
