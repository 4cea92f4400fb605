#include <atomic>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>
#include "base/json.h"

#include "agent/agent.h"
#include "agent/native_model.h"
#include "cli/ask.h"
#include "cli/command.h"
#include "cli/model_store.h"

namespace cli {
namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

struct Options {
  std::string workspace = ".", model = kDefaultModel, adapter, mmproj, policy = "default", request;
  bool json = false, yes = false;
  agent::RunOptions run;
  int max_seconds = 120;
};

std::stop_source g_stop;

std::string line_of(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

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
  bool ok() const { return file_.is_open(); }
  void write(const json& event) { file_ << line_of(event) << '\n' << std::flush; }

 private:
  std::ofstream file_;
};

json result_event(const agent::RunResult& r, const char* status) {
  json artifacts = json::array(), charts = json::array();
  for (const std::string& path : r.artifacts) {
    const std::string extension = std::filesystem::path(path).extension().string();
    artifacts.push_back({{"path", path},
                         {"mime", extension == ".png"    ? "image/png"
                                  : extension == ".csv"  ? "text/csv"
                                  : extension == ".json" ? "application/json"
                                                         : "text/plain"}});
  }
  for (const tools::ChartMade& chart : r.charts)
    charts.push_back({{"path", chart.path}, {"spec", chart.spec}});
  return {{"type", "result"},
          {"status", status},
          {"answer", r.answer},
          {"artifacts", artifacts},
          {"charts", charts},
          {"usage",
           {{"tool_calls", r.tool_calls},
            {"prompt_tokens", r.prompt_tokens},
            {"completion_tokens", r.completion_tokens}}}};
}

/// One line on stderr for a person who waits.
void show(const json& event) {
  const std::string type = event.value("type", "");
  if (type == "plan") std::fprintf(stderr, "plan: %s\n", event.value("text", "").c_str());
  if (type == "call") {
    const json& arguments = event["arguments"];
    const std::string text = arguments.contains("code") && arguments["code"].is_string()
                                 ? arguments["code"].get<std::string>()
                                 : line_of(arguments);
    std::fprintf(stderr, "%s:\n", event.value("tool", "").c_str());
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      std::fprintf(stderr, "  %s\n", text.substr(begin, end - begin).c_str());
      begin = end + 1;
    }
  }
  if (type == "observation" && event.value("tool", "") != "profile")
    std::fprintf(stderr, "-> %s\n", event.value("text", "").c_str());
}

int finish(const Options& o, Transcript* transcript, const agent::RunResult& r, const char* status,
           int code) {
  const json event = result_event(r, status);
  if (transcript != nullptr && transcript->ok()) transcript->write(event);
  if (o.json) {
    std::printf("%s\n", line_of(event).c_str());
  } else {
    std::fprintf(code == kDone ? stdout : stderr, "%s%s\n",
                 code == kDone ? "" : "tessera: ", r.answer.c_str());
    for (const std::string& path : r.artifacts)
      std::printf("%s\n", (std::filesystem::path(o.workspace) / path).c_str());
  }
  return code;
}

int fail_run(const Options& o, Transcript* transcript, const Error& error, int code) {
  agent::RunResult r;
  r.answer = error.message;
  return finish(o, transcript, r, error.code == Errc::refused ? "refused" : "error", code);
}

int run(Options o) {
  if (o.request.find_first_not_of(" \t\n") == std::string::npos)
    return fail_run(o, nullptr,
                    {Errc::usage, "the request is empty; say what you want to know or see"},
                    kUsage);
  base::Result<policies::Policy> policy = policies::find(o.policy);
  if (!policy) return fail_run(o, nullptr, policy.error(), kUsage);
  base::Result<tools::Toolbox> toolbox =
      tools::Toolbox::open({.workspace = o.workspace,
                            .policy = *policy,
                            .audit = sandbox::AuditLog::default_path(),
                            .ask = o.json && !o.yes ? nullptr : ask_person(o.yes)});
  if (!toolbox) return fail_run(o, nullptr, toolbox.error(), exit_code(toolbox.error()));
  base::Result<std::filesystem::path> checkpoint = find_checkpoint(o.model);
  if (!checkpoint)
    return fail_run(o, nullptr, checkpoint.error(), o.model == kDefaultModel ? kModel : kUsage);
  std::filesystem::path adapter = o.adapter;
  if (o.adapter.empty() && o.model == kDefaultModel) adapter = shipped_adapter();
  if (!o.adapter.empty() && !std::filesystem::exists(adapter))
    return fail_run(o, nullptr, {Errc::not_found, o.adapter + ": there is no such adapter"},
                    kUsage);

  if (!o.json) std::fprintf(stderr, "reading the model ...\n");
  base::Result<std::unique_ptr<agent::NativeModel>> model =
      agent::NativeModel::load({.checkpoint = *checkpoint, .adapter = adapter, .mmproj = o.mmproj});
  if (!model) return fail_run(o, nullptr, model.error(), exit_code(model.error()));

  Transcript transcript(toolbox->workspace());
  std::signal(SIGINT, [](int) { g_stop.request_stop(); });
  std::signal(SIGTERM, [](int) { g_stop.request_stop(); });
  o.run.max_time = std::chrono::seconds(o.max_seconds);
  auto event = [&](const json& e) {
    if (transcript.ok()) transcript.write(e);
    if (o.json)
      std::printf("%s\n", line_of(e).c_str());
    else
      show(e);
    std::fflush(stdout);
  };
  event({{"type", "request"}, {"text", o.request}});
  base::Result<agent::RunResult> result = agent::run(
      o.request, **model, *toolbox, agent::builtin_prompt(), o.run, event, g_stop.get_token());
  if (!result) {
    const Errc code = result.error().code;
    return fail_run(o, &transcript, result.error(),
                    code == Errc::refused     ? kTool
                    : code == Errc::limit     ? kBudget
                    : code == Errc::cancelled ? kInternal
                                              : kModel);
  }
  switch (result->status) {
    case agent::Status::ok:
      return finish(o, &transcript, *result, "ok", kDone);
    case agent::Status::refused:
      return finish(o, &transcript, *result, "refused", kRefused);
    case agent::Status::bad_input:
      return finish(o, &transcript, *result, "error", kUsage);
    default:
      return finish(o, &transcript, *result, "error", result->out_of_budget ? kBudget : kTool);
  }
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* c = app.add_subcommand(
      "run", "Answer a request about the files of a folder: plan, run scripts, check, answer.");
  c->add_option("--workspace", o->workspace, "folder with the files (default: here)");
  c->add_option("--model", o->model, "name or GGUF file");
  c->add_option("--mmproj", o->mmproj,
                "GGUF with the embedder of pictures: the model then looks at its charts");
  c->add_option("--adapter", o->adapter, "LoRA adapter; the shipped one if not given");
  c->add_option("--policy", o->policy, "name or file of the sandbox's policy");
  c->add_option("--max-turns", o->run.max_turns, "replies of the model")->check(CLI::Range(1, 100));
  c->add_option("--max-seconds", o->max_seconds, "time for the whole run")
      ->check(CLI::Range(1, 86400));
  c->add_flag("--json", o->json, "events as JSON Lines on standard output");
  c->add_flag("--yes", o->yes, "allow what the policy would ask about");
  c->add_option("request", o->request, "what you want to know or see")->required();
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
