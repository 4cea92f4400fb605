#include <algorithm>
#include <atomic>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <memory>
#include <optional>
#include <variant>
#include "base/json.h"

#include "agent/agent.h"
#include "agent/as_json.h"
#include "agent/endpoint/endpoint_model.h"
#include "agent/native_model.h"
#include "base/file.h"
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
  std::string endpoint, endpoint_model, endpoint_key_file;
  bool json = false, yes = false;
  // Not given: what suits the model.
  std::optional<int> max_turns, max_seconds;
};

std::stop_source g_stop;

void stop_on_signals() {
  std::signal(SIGINT, [](int) { g_stop.request_stop(); });
  std::signal(SIGTERM, [](int) { g_stop.request_stop(); });
}

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

/// Text of a model or a tool without what a terminal would obey.
std::string shown(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool c1 = c == 0xc2 && i + 1 < text.size() &&
                    static_cast<unsigned char>(text[i + 1]) < 0xa0;  // U+0080 to U+009F
    const bool control = (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
    out += control || c1 ? '?' : text[i];
    i += c1 ? 1 : 0;
  }
  return out;
}

/// One line on stderr for a person who waits.
void show(const json& event) {
  const std::string type = event.value("type", "");
  if (type == "plan") std::fprintf(stderr, "plan: %s\n", shown(event.value("text", "")).c_str());
  if (type == "call") {
    const json& arguments = event["arguments"];
    const std::string text = shown(arguments.contains("code") && arguments["code"].is_string()
                                       ? arguments["code"].get<std::string>()
                                       : line_of(arguments));
    std::fprintf(stderr, "%s:\n", shown(event.value("tool", "")).c_str());
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find('\n', begin), text.size());
      std::fprintf(stderr, "  %s\n", text.substr(begin, end - begin).c_str());
      begin = end + 1;
    }
  }
  if (type == "observation" && event.value("tool", "") != "profile")
    std::fprintf(stderr, "-> %s\n", shown(event.value("text", "")).c_str());
}

int finish(const Options& o, Transcript* transcript, const agent::RunResult& r, int code) {
  const json event = agent::result_json(r);
  if (transcript != nullptr && transcript->ok()) transcript->write(event);
  if (o.json) {
    std::printf("%s\n", line_of(event).c_str());
  } else {
    std::fprintf(code == kDone ? stdout : stderr, "%s%s\n",
                 code == kDone ? "" : "tessera: ", shown(r.answer).c_str());
    for (const std::string& path : r.artifacts)
      std::printf("%s\n", (std::filesystem::path(o.workspace) / path).c_str());
  }
  return code;
}

int fail_run(const Options& o, Transcript* transcript, const Error& error, int code) {
  agent::RunResult r;
  r.answer = error.message;
  if (error.code == Errc::refused) r.status = agent::Status::refused;
  return finish(o, transcript, r, code);
}

/// What the program's exit code says of a model that cannot be had.
struct NoModel {
  Error error;
  int code;
};
using Model = std::variant<std::unique_ptr<agent::ChatModel>, NoModel>;

Model native_model(const Options& o) {
  base::Result<std::filesystem::path> checkpoint = find_checkpoint(o.model);
  if (!checkpoint) return NoModel{checkpoint.error(), o.model == kDefaultModel ? kModel : kUsage};
  std::filesystem::path adapter = o.adapter;
  if (o.adapter.empty() && o.model == kDefaultModel) adapter = shipped_adapter();
  if (!o.adapter.empty() && !std::filesystem::exists(adapter))
    return NoModel{{Errc::not_found, o.adapter + ": there is no such adapter"}, kUsage};
  if (!o.json) std::fprintf(stderr, "reading the model ...\n");
  base::Result<std::unique_ptr<agent::NativeModel>> model =
      agent::NativeModel::load({.checkpoint = *checkpoint, .adapter = adapter, .mmproj = o.mmproj});
  if (!model) return NoModel{model.error(), exit_code(model.error())};
  return std::move(*model);
}

Model endpoint_model(const Options& o) {
  agent::EndpointOptions endpoint{.url = o.endpoint, .id = o.endpoint_model};
  endpoint.notice = [](const std::string& sentence) {
    std::fprintf(stderr, "note: %s\n", sentence.c_str());
  };
  if (!o.endpoint_key_file.empty()) {
    base::Result<std::string> key = base::read_file(o.endpoint_key_file, 8192);
    if (!key) return NoModel{key.error(), kUsage};
    while (!key->empty() && std::isspace(static_cast<unsigned char>(key->back())) != 0)
      key->pop_back();
    if (key->empty() ||
        std::any_of(key->begin(), key->end(), [](char c) { return c <= 0x20 || c >= 0x7f; }))
      return NoModel{{Errc::usage, o.endpoint_key_file + ": a key is one line of printable "
                                                         "characters without spaces"},
                     kUsage};
    endpoint.http.key = std::move(*key);
  }
  base::Result<std::unique_ptr<agent::EndpointModel>> model =
      agent::EndpointModel::connect(std::move(endpoint), g_stop.get_token());
  if (!model)
    return NoModel{model.error(), model.error().code == Errc::usage       ? kUsage
                                  : model.error().code == Errc::cancelled ? kInternal
                                                                          : kModel};
  if (!o.json) std::fprintf(stderr, "asking %s ...\n", (*model)->id().c_str());
  return std::move(*model);
}

int run(Options o) {
  if (o.request.find_first_not_of(" \t\n") == std::string::npos)
    return fail_run(o, nullptr,
                    {Errc::usage, "the request is empty; say what you want to know or see"},
                    kUsage);
  // A model behind a server is held by no grammar of ours.
  const bool free = !o.endpoint.empty();
  base::Result<policies::Policy> policy = policies::find(o.policy);
  if (!policy) return fail_run(o, nullptr, policy.error(), kUsage);
  base::Result<tools::Toolbox> toolbox =
      tools::Toolbox::open({.workspace = o.workspace,
                            .policy = *policy,
                            .audit = sandbox::AuditLog::default_path(),
                            .ask = o.json && !o.yes ? nullptr : ask_person(o.yes),
                            .file_tools = free});
  if (!toolbox) return fail_run(o, nullptr, toolbox.error(), exit_code(toolbox.error()));
  // Reading a checkpoint cannot be stopped but by the end of the program; asking a server can.
  if (free) stop_on_signals();
  Model found = free ? endpoint_model(o) : native_model(o);
  if (const NoModel* none = std::get_if<NoModel>(&found))
    return fail_run(o, nullptr, none->error, none->code);
  stop_on_signals();
  agent::ChatModel& model = **std::get_if<std::unique_ptr<agent::ChatModel>>(&found);

  Transcript transcript(toolbox->workspace());
  agent::RunOptions options = free ? agent::kFreeRunOptions : agent::RunOptions{};
  options.max_turns = o.max_turns.value_or(options.max_turns);
  if (o.max_seconds) options.max_time = std::chrono::seconds(*o.max_seconds);
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
      o.request, model, *toolbox, free ? agent::endpoint_prompt() : agent::builtin_prompt(),
      options, event, g_stop.get_token());
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
      return finish(o, &transcript, *result, kDone);
    case agent::Status::refused:
      return finish(o, &transcript, *result, kRefused);
    case agent::Status::bad_input:
      return finish(o, &transcript, *result, kUsage);
    default:
      return finish(o, &transcript, *result, result->out_of_budget ? kBudget : kTool);
  }
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* c = app.add_subcommand(
      "run", "Answer a request about the files of a folder: plan, run scripts, check, answer.");
  c->add_option("--workspace", o->workspace, "folder with the files (default: here)");
  CLI::Option* model = c->add_option("--model", o->model, "name or GGUF file");
  CLI::Option* mmproj =
      c->add_option("--mmproj", o->mmproj,
                    "GGUF with the embedder of pictures: the model then looks at its charts");
  CLI::Option* adapter =
      c->add_option("--adapter", o->adapter, "LoRA adapter; the shipped one if not given");
  CLI::Option* endpoint =
      c->add_option("--endpoint", o->endpoint,
                    "URL of an OpenAI-compatible server whose model is asked, with all tools")
          ->excludes(model)
          ->excludes(mmproj)
          ->excludes(adapter);
  c->add_option("--endpoint-model", o->endpoint_model, "its ID there (default: the first listed)")
      ->needs(endpoint);
  c->add_option("--endpoint-key-file", o->endpoint_key_file, "file with the server's key")
      ->needs(endpoint);
  c->add_option("--policy", o->policy, "name or file of the sandbox's policy");
  c->add_option("--max-turns", o->max_turns, "replies of the model (4; of an endpoint 20)")
      ->check(CLI::Range(1, 100));
  c->add_option("--max-seconds", o->max_seconds, "time for the whole run (120; of an endpoint 600)")
      ->check(CLI::Range(1, 86400));
  c->add_flag("--json", o->json, "events as JSON Lines on standard output");
  c->add_flag("--yes", o->yes, "allow what the policy would ask about");
  c->add_option("request", o->request, "what you want to know or see")->required();
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
