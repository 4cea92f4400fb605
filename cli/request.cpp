#include "cli/request.h"

#include <cstdio>
#include <ctime>
#include <fstream>

#include "agent/agent.h"
#include "agent/as_json.h"
#include "base/file.h"
#include "base/sha256.h"
#include "cli/stop.h"
#include "cli/terminal/text.h"

namespace cli {

using agent::session::Recorder;
using agent::session::Store;
using base::Errc;
using base::Error;
using base::line_of;
using nlohmann::json;

namespace {

/// Writes every event of a run to .tessera/runs/TIME.jsonl in the workspace.
class Transcript {
 public:
  explicit Transcript(const std::filesystem::path& workspace) {
    const std::filesystem::path folder = workspace / ".tessera" / "runs";
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    char name[64];
    const std::time_t now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::strftime(name, sizeof name, "%Y%m%dT%H%M%SZ", &utc);
    for (int i = 0; i < 1000 && !error; ++i) {
      const std::filesystem::path path =
          folder / (name + (i == 0 ? "" : "-" + std::to_string(i)) + ".jsonl");
      if (std::filesystem::exists(path)) continue;
      file_.open(path);
      break;
    }
  }
  void write(const std::string& line) {
    if (file_.is_open()) file_ << line << '\n' << std::flush;
  }

 private:
  std::ofstream file_;
};

void print_note(const std::string& sentence) {
  std::fprintf(stderr, "note: %s\n", shown(sentence).c_str());
}

std::function<void(const std::string&)> notice_of(const Around& around) {
  return around.note ? around.note : print_note;
}

/// A session to record in; null if there is none to be had. Errors: only of one to be resumed.
base::Result<std::unique_ptr<Recorder>> open_recorder(const Work& work, const Around& around,
                                                      const std::string& id,
                                                      const std::string& workspace) {
  const auto note = notice_of(around);
  if (!work.resume.empty()) return Recorder::resume(around.store, work.resume, note);
  if (!around.store) return std::unique_ptr<Recorder>();
  Setup setup = work.setup;
  setup.workspace = workspace;
  base::Result<std::unique_ptr<Recorder>> recorder = Recorder::begin(
      around.store,
      {.id = id,
       .parent = work.parent,
       .task = work.task,
       .request = work.request,
       .workspace = workspace,
       .model = work.setup.model.served() ? work.setup.model.endpoint : work.setup.model.model,
       .setup = setup_json(setup)},
      work.past, note);
  if (recorder) return recorder;
  note("this run is not kept as a session: " + recorder.error().message);
  return std::unique_ptr<Recorder>();
}

/// Where a run stands, and its ways to end.
struct Ending {
  Recorder* recorder = nullptr;
  Transcript* transcript = nullptr;

  Done end(const agent::RunResult& r, int code, bool stopped = false) const {
    Done done{.result = agent::result_json(r),
              .code = code,
              .session = recorder ? recorder->info().id : std::string()};
    done.status = stopped ? "stopped" : done.result.value("status", "");
    if (!done.session.empty()) done.result["session"] = done.session;
    const std::string line = line_of(done.result);
    if (transcript != nullptr) transcript->write(line);
    if (recorder != nullptr) recorder->finish(done.status, line);
    return done;
  }
  Done fail(const Error& error, int code) const {
    agent::RunResult r;
    r.answer = error.message;
    if (error.code == Errc::refused) r.status = agent::Status::refused;
    return end(r, code, error.code == Errc::cancelled);
  }
};

}  // namespace

json setup_json(const Setup& s) {
  json j{{"workspace", s.workspace}, {"policy", s.policy}};
  const auto keep = [&](const char* name, const std::string& value) {
    if (!value.empty()) j[name] = value;
  };
  if (s.model.served()) {
    keep("endpoint", s.model.endpoint);
    keep("endpoint_model", s.model.endpoint_model);
    keep("endpoint_key_file", s.model.endpoint_key_file);
  } else {
    keep("model", s.model.model);
    keep("adapter", s.model.adapter);
    keep("mmproj", s.model.mmproj);
  }
  keep("loop", s.model.loop);
  if (s.model.think) j["think"] = true;
  if (s.model.context > 0) j["context"] = s.model.context;
  if (s.max_tokens > 0) j["max_tokens"] = s.max_tokens;
  if (s.max_bytes > 0) j["max_bytes"] = s.max_bytes;
  if (!s.prices.empty()) j["prices"] = s.prices;
  if (s.max_cost > 0) j["max_cost"] = s.max_cost;
  keep("schema", s.schema);
  keep("mcp", s.extensions.mcp_file);
  if (!s.extensions.skill_folders.empty()) j["skills"] = s.extensions.skill_folders;
  if (s.max_turns) j["max_turns"] = *s.max_turns;
  if (s.max_seconds) j["max_seconds"] = *s.max_seconds;
  return j;
}

Setup setup_of(const json& j) {
  const auto text = [&](const char* name, const std::string& otherwise) {
    return j.contains(name) && j[name].is_string() ? j[name].get<std::string>() : otherwise;
  };
  const auto number = [&](const char* name) {
    return j.contains(name) && j[name].is_number_integer() ? std::optional<int>(j[name].get<int>())
                                                           : std::nullopt;
  };
  const auto amount = [&](const char* name) {
    return j.contains(name) && j[name].is_number() ? j[name].get<double>() : 0;
  };
  std::vector<double> prices;
  if (j.contains("prices") && j["prices"].is_array() && j["prices"].size() == 2 &&
      j["prices"][0].is_number() && j["prices"][1].is_number())
    prices = {j["prices"][0].get<double>(), j["prices"][1].get<double>()};
  std::vector<std::string> skills;
  if (j.contains("skills") && j["skills"].is_array())
    for (const json& folder : j["skills"])
      if (folder.is_string()) skills.push_back(folder.get<std::string>());
  return {.workspace = text("workspace", "."),
          .policy = text("policy", "default"),
          .model = {.model = text("model", kDefaultModel),
                    .adapter = text("adapter", ""),
                    .mmproj = text("mmproj", ""),
                    .endpoint = text("endpoint", ""),
                    .endpoint_model = text("endpoint_model", ""),
                    .endpoint_key_file = text("endpoint_key_file", ""),
                    .context = number("context").value_or(0),
                    .loop = text("loop", ""),
                    .think = j.contains("think") && j["think"] == true},
          .max_turns = number("max_turns"),
          .max_seconds = number("max_seconds"),
          .max_tokens = static_cast<int64_t>(amount("max_tokens")),
          .max_bytes = static_cast<int64_t>(amount("max_bytes")),
          .prices = std::move(prices),
          .max_cost = amount("max_cost"),
          .schema = text("schema", ""),
          .extensions = {.mcp_file = text("mcp", ""), .skill_folders = std::move(skills)}};
}

void add_setup_options(CLI::App& app, Setup& setup) {
  app.add_option("--workspace", setup.workspace, "folder with the files (default: here)");
  add_model_options(app, setup.model);
  app.add_option("--policy", setup.policy, "name or file of the sandbox's policy");
  add_budget_options(app, setup);
}

void add_budget_options(CLI::App& app, Setup& setup) {
  app.add_option("--max-turns", setup.max_turns, "replies of the model (4; in the free loop 20)")
      ->check(CLI::Range(1, 100));
  app.add_option("--max-seconds", setup.max_seconds,
                 "time for the whole run (120; in the free loop 600)")
      ->check(CLI::Range(1, 86400));
  CLI::Option* prices =
      app.add_option("--price", setup.prices,
                     "of a million tokens of prompts, and of replies: two numbers")
          ->expected(2)
          ->check(CLI::NonNegativeNumber);
  app.add_option("--max-tokens", setup.max_tokens, "of all prompts and replies together")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 40));
  app.add_option("--max-bytes", setup.max_bytes, "of results and of files that are made")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 50));
  app.add_option("--max-cost", setup.max_cost, "in the currency of --price")
      ->check(CLI::PositiveNumber)
      ->needs(prices);
  app.add_option("--schema", setup.schema, "JSON Schema file: the answer is JSON that fits it")
      ->check(CLI::ExistingFile)
      ->needs("--endpoint");
  app.add_option("--mcp", setup.extensions.mcp_file,
                 "MCP servers whose tools the model gets (default: mcp.json in the config folder)")
      ->needs("--endpoint");
  app.add_option("--skills", setup.extensions.skill_folders,
                 "folder of skills beside those of the config folder; may be given again")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->needs("--endpoint");
}

Done carry_out(const Work& work, ModelSeat& seat, const Around& around) {
  Ending ending;
  if (work.request.find_first_not_of(" \t\n") == std::string::npos)
    return ending.fail({Errc::usage, "the request is empty; say what you want to know or see"},
                       kUsage);
  const bool free = seat.options().free();
  base::Result<policies::Policy> policy = policies::find(work.setup.policy);
  if (!policy) return ending.fail(policy.error(), kUsage);
  const std::string id = work.resume.empty() ? Store::new_id() : work.resume;
  base::Result<tools::Toolbox> toolbox =
      tools::Toolbox::open({.workspace = work.setup.workspace,
                            .policy = *policy,
                            .audit = sandbox::AuditLog::default_path(),
                            .ask = around.ask,
                            .file_tools = free,
                            .session = around.store ? id : std::string()});
  if (!toolbox) return ending.fail(toolbox.error(), exit_code(toolbox.error()));
  base::Result<std::unique_ptr<Recorder>> recorder =
      open_recorder(work, around, id, toolbox->workspace().string());
  if (!recorder) return ending.fail(recorder.error(), exit_code(recorder.error()));
  if (!work.resume.empty()) {
    base::Result<std::vector<std::string>> undone = toolbox->take_back((*recorder)->runs());
    if (!undone)
      return ending.fail(
          {undone.error().code,
           "what the interrupted step changed cannot be taken back: " + undone.error().message},
          exit_code(undone.error()));
    for (const std::string& run : *undone)
      notice_of(around)("what the interrupted step had changed (run " + run + ") was taken back");
  }
  ending.recorder = recorder->get();
  stop_on_signals();
  if (around.taking) around.taking();
  const Models::Taken* taken = seat.get(program_stop());
  if (taken == nullptr)
    return ending.fail({Errc::cancelled, "stopped while the model was being read"}, kInternal);
  if (const Models::None* none = std::get_if<Models::None>(taken))
    return ending.fail(none->error, none->code);
  const Models::One& one = *std::get_if<Models::One>(taken);
  if (around.answers) around.answers(one.model->sees());

  base::Result<agent::Extensions> extensions =
      load_extensions(work.setup.extensions, free, *toolbox, program_stop());
  if (!extensions) return ending.fail(extensions.error(), exit_code(extensions.error()));
  const agent::Prompt prompt = free ? agent::with_extensions(agent::endpoint_prompt(), *extensions)
                                    : agent::builtin_prompt();
  if (ending.recorder != nullptr) ending.recorder->with(one.name, agent::digest_of(prompt));
  Transcript transcript(toolbox->workspace());
  ending.transcript = &transcript;
  agent::RunOptions options = free ? agent::kFreeRunOptions : agent::RunOptions{};
  options.max_turns = work.setup.max_turns.value_or(options.max_turns);
  if (work.setup.max_seconds) options.max_time = std::chrono::seconds(*work.setup.max_seconds);
  options.extensions = &*extensions;
  options.progress = around.progress;
  options.max_tokens = work.setup.max_tokens;
  options.max_bytes = work.setup.max_bytes;
  if (work.setup.prices.size() == 2)
    options.prices = {.prompt = work.setup.prices[0], .completion = work.setup.prices[1]};
  options.max_cost = work.setup.max_cost;
  if (!work.setup.schema.empty()) {
    base::Result<std::string> schema = base::read_file(work.setup.schema, 1 << 20);
    if (!schema) return ending.fail(schema.error(), kUsage);
    options.schema = std::move(*schema);
  }
  const auto event = [&](const json& e) {
    const std::string line = line_of(e);
    transcript.write(line);
    if (ending.recorder != nullptr) ending.recorder->event(line);
    if (around.tell) around.tell(e, line);
  };
  event({{"type", "request"}, {"text", work.request}});
  base::Result<agent::RunResult> result = agent::run(
      work.request, *one.model, *toolbox, prompt, options, event, program_stop(), ending.recorder);
  if (!result) {
    const Errc code = result.error().code;
    return ending.fail(result.error(), code == Errc::usage       ? kUsage
                                       : code == Errc::refused   ? kTool
                                       : code == Errc::limit     ? kBudget
                                       : code == Errc::cancelled ? kInternal
                                                                 : kModel);
  }
  switch (result->status) {
    case agent::Status::ok:
      return ending.end(*result, kDone);
    case agent::Status::refused:
      return ending.end(*result, kRefused);
    case agent::Status::bad_input:
      return ending.end(*result, kUsage);
    default:
      return ending.end(*result,
                        result->cancelled       ? kInternal
                        : result->out_of_budget ? kBudget
                                                : kTool,
                        result->cancelled);
  }
}

base::Result<std::shared_ptr<Store>> open_sessions() {
  // Beside the audit log.
  std::filesystem::path path = sandbox::AuditLog::default_path();
  if (!path.empty()) path.replace_filename("sessions.db");
  return Store::open({.path = path, .notice = print_note});
}

std::shared_ptr<Store> sessions_for_run() {
  base::Result<std::shared_ptr<Store>> store = open_sessions();
  if (store) return *store;
  print_note("this run is not kept as a session: " + store.error().message);
  return nullptr;
}

base::Result<std::vector<model::Message>> past_of(Store& store, const std::string& id,
                                                  const ModelOptions& model, int n_steps) {
  base::Result<agent::session::Saved> saved = store.load(id);
  if (!saved) return saved.error();
  base::Result<std::vector<model::Message>> past = agent::session::conversation_of(
      *saved, [&](const std::string& digest) { return store.picture(digest); }, n_steps);
  if (past && !model.free()) past->clear();
  return past;
}

namespace {

base::Status follow_last(Work& work, Store& store) {
  const base::Result<std::filesystem::path> workspace =
      sandbox::workspace_folder(work.setup.workspace);
  if (!workspace) return workspace.error();
  base::Result<std::vector<agent::session::Info>> sessions = store.list(workspace->string());
  if (!sessions) return sessions.error();
  for (const agent::session::Info& info : *sessions) {
    if (info.status == "running" || info.status == "stopped") {
      if (!store.locked(info.id))
        std::fprintf(stderr,
                     "note: the session %s was interrupted and is left out; `tessera sessions "
                     "resume %s` finishes it\n",
                     info.id.c_str(), info.id.c_str());
      continue;
    }
    base::Result<std::vector<model::Message>> past = past_of(store, info.id, work.setup.model, -1);
    if (!past) return past.error();
    work.parent = info.id;
    work.past = std::move(*past);
    return base::Ok{};
  }
  return Error{Errc::not_found, "no session of " + workspace->string() +
                                    " to continue; run it without "
                                    "--continue"};
}

}  // namespace

base::Result<std::shared_ptr<Store>> begin_sessions(Work& work, bool go_on) {
  if (!go_on) return sessions_for_run();
  base::Result<std::shared_ptr<Store>> store = open_sessions();
  if (!store) return store;
  if (base::Status found = follow_last(work, **store); !found) return found.error();
  return store;
}

Done failed(const Error& error) { return Ending{}.fail(error, exit_code(error)); }

}  // namespace cli
