#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include "base/json.h"

#include "agent/agent.h"
#include "agent/session/store.h"
#include "cli/extensions.h"
#include "cli/models.h"
#include "sandbox/guard.h"

namespace cli {

/// What a request is carried out with; kept with its session, for whoever resumes it.
struct Setup {
  std::string workspace = ".", policy = "default";
  ModelOptions model = {};
  std::optional<int> max_turns = {}, max_seconds = {};  ///< not given: what suits the model
  int64_t max_tokens = 0, max_bytes = 0;                ///< 0: any
  std::vector<double> prices = {};  ///< of a million tokens of prompts, of replies; or none
  double max_cost = 0;              ///< 0: any
  std::string schema = {};          ///< file with a JSON Schema of the answer, if any
  ExtensionOptions extensions = {};
};
nlohmann::json setup_json(const Setup& setup);
Setup setup_of(const nlohmann::json& json);

/// --max-turns and the like, --schema, --mcp and --skills.
void add_budget_options(CLI::App& app, Setup& setup);

/// All that a person says of how requests are carried out: --workspace, the model, --policy, and
/// those of add_budget_options().
void add_setup_options(CLI::App& app, Setup& setup);

/// One request, and the session it belongs to.
struct Work {
  std::string request = {};
  Setup setup = {};
  std::string resume = {};                ///< id of the session that goes on; empty: a new one
  std::string parent = {};                ///< of a new one: whose conversation it goes on with
  std::vector<model::Message> past = {};  ///< and what was said there
  std::string task = {};                  ///< Info::task
};

/// What goes on around requests.
struct Around {
  std::shared_ptr<agent::session::Store> store = {};  ///< null: nothing is kept
  std::function<bool(const sandbox::Question&)> ask = {};
  /// Hears each event but the result, and the line that it is.
  std::function<void(const nlohmann::json&, const std::string&)> tell = {};
  /// Hears how far the model is with each reply.
  std::function<void(const agent::ReplyProgress&)> progress = {};
  /// Hears what a person should know; else it is printed.
  std::function<void(const std::string&)> note = {};
  std::function<void()> taking = {};       ///< the model is about to be read or asked
  std::function<void(bool)> answers = {};  ///< it is there; whether it sees
};

struct Done {
  nlohmann::json result;  ///< the last event
  int code = kDone;
  std::string status = {};  ///< as the session's: ok, refused, error, or stopped by a signal
  std::string session = {};
};

/// Plans, runs, looks, answers: all of `tessera run` but what is printed.
Done carry_out(const Work& work, ModelSeat& seat, const Around& around);

/// The store of sessions. Errors: as Store::open().
base::Result<std::shared_ptr<agent::session::Store>> open_sessions();
/// The same for a run, which needs none: says on stderr that nothing is kept, and gives null.
std::shared_ptr<agent::session::Store> sessions_for_run();

/// What a session said, for another request to go on with: empty for our own model, which has
/// learned conversations of one request (docs/sessions.md). n_steps: as conversation_of().
base::Result<std::vector<model::Message>> past_of(agent::session::Store& store,
                                                  const std::string& id, const ModelOptions& model,
                                                  int n_steps);

/// What `run` and `chat` begin with: sessions_for_run(); with go_on (--continue) the newest session
/// of the workspace that came to an end becomes what was said before.
/// Errors: only with go_on: not_found, as open_sessions() and Store::list().
base::Result<std::shared_ptr<agent::session::Store>> begin_sessions(Work& work, bool go_on);

/// A request that could not even be begun.
Done failed(const base::Error& error);

}  // namespace cli
