#include "cli/models.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cstdio>

#include "agent/endpoint/endpoint_model.h"
#include "base/file.h"
#include "cli/stop.h"
#include "cli/terminal/text.h"
#include "server/backend_model.h"

namespace cli {

using base::Errc;
using base::Error;

void add_model_options(CLI::App& app, ModelOptions& o) {
  CLI::Option* model = app.add_option("--model", o.model, "name or GGUF file");
  CLI::Option* mmproj =
      app.add_option("--mmproj", o.mmproj,
                     "GGUF with the embedder of pictures: the model then looks at its charts");
  CLI::Option* adapter =
      app.add_option("--adapter", o.adapter, "LoRA adapter; the shipped one for the usual model");
  CLI::Option* endpoint =
      app.add_option("--endpoint", o.endpoint,
                     "URL of an OpenAI-compatible server whose model is asked, with all tools")
          ->excludes(model)
          ->excludes(mmproj)
          ->excludes(adapter);
  app.add_option("--endpoint-model", o.endpoint_model, "its ID there (default: the first listed)")
      ->needs(endpoint);
  app.add_option("--endpoint-key-file", o.endpoint_key_file, "file with the server's key")
      ->needs(endpoint);
  app.add_option("--context", o.context,
                 "tokens that a prompt and its reply may have together; else what the server says, "
                 "or the checkpoint, at most 32768")
      ->check(CLI::Range(2048, 1 << 24));
  app.add_option("--loop", o.loop,
                 "plan: one plan and one script, held by grammars, as the shipped planner learned; "
                 "free: all tools and as many steps as it takes (default for any other model)")
      ->check(CLI::IsMember({"plan", "free"}))
      ->excludes(endpoint);
  app.add_flag("--think", o.think, "let the model think before it replies (free loop)");
}

Models::Taken Models::take() {
  if (options_.served()) return endpoint();
  const std::lock_guard lock(mutex_);
  return options_.free() ? own() : planner();
}

std::variant<std::pair<std::filesystem::path, std::filesystem::path>, Models::None> Models::files()
    const {
  base::Result<std::filesystem::path> checkpoint = find_checkpoint(options_.model);
  if (!checkpoint)
    return None{checkpoint.error(), options_.model == kDefaultModel ? kModel : kUsage};
  std::filesystem::path adapter = options_.adapter;
  if (options_.adapter.empty() && options_.model == kDefaultModel && !options_.free())
    adapter = shipped_adapter();
  if (!options_.adapter.empty() && !std::filesystem::exists(adapter))
    return None{{Errc::not_found, options_.adapter + ": there is no such adapter"}, kUsage};
  if (!quiet_) std::fprintf(stderr, "reading the model ...\n");
  return std::pair{*checkpoint, adapter};
}

Models::Taken Models::planner() {
  if (!engine_) {
    auto found = files();
    if (const None* none = std::get_if<None>(&found)) return *none;
    const auto& [checkpoint, adapter] = std::get<0>(found);
    agent::NativeOptions native{
        .checkpoint = checkpoint, .adapter = adapter, .mmproj = options_.mmproj};
    if (options_.model == kDefaultModel) {
      native.eyes = shipped_eyes();
      native.ears = shipped_ears();
    }
    base::Result<std::shared_ptr<agent::NativeEngine>> engine = agent::NativeEngine::load(native);
    if (!engine) return None{engine.error(), exit_code(engine.error())};
    engine_ = std::move(*engine);
  }
  return One{std::make_unique<agent::NativeModel>(engine_), options_.model};
}

/// The engine of `tessera serve` without the server: one queue for all runs, and states of prompts
/// that outlive the program, so that the tools are read once and not with every run.
Models::Taken Models::own() {
  if (!backend_) {
    auto found = files();
    if (const None* none = std::get_if<None>(&found)) return *none;
    const auto& [checkpoint, adapter] = std::get<0>(found);
    server::NativeBackendOptions options{.checkpoint = checkpoint,
                                         .adapter = adapter,
                                         .mmproj = options_.mmproj,
                                         .id = options_.model};
    options.scheduler.slots = slots_;
    options.scheduler.context = options_.context;
    options.scheduler.prefix_folder = usual_prefix_folder();
    base::Result<std::unique_ptr<server::NativeBackend>> loaded =
        server::NativeBackend::load(options);
    if (!loaded) return None{loaded.error(), exit_code(loaded.error())};
    backend_ = std::move(*loaded);
  }
  return One{std::make_unique<server::BackendModel>(*backend_, options_.think,
                                                    "run-" + std::to_string(++n_taken_)),
             options_.model};
}

const Models::Taken* ModelSeat::get(const std::stop_token& stop) {
  if (taken_) return &*taken_;
  if (options().served()) {
    taken_ = models_.take();  // ends by itself when it is to stop
    return &*taken_;
  }
  if (!reading_.valid())
    reading_ = std::async(std::launch::async, [this] { return models_.take(); });
  while (reading_.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready)
    if (stop.stop_requested()) return nullptr;
  taken_ = reading_.get();
  return &*taken_;
}

Models::Taken Models::endpoint() const {
  agent::EndpointOptions endpoint{
      .url = options_.endpoint, .id = options_.endpoint_model, .context = options_.context};
  endpoint.notice = [notice = notice_](const std::string& sentence) {
    if (notice) return notice(sentence);
    std::fprintf(stderr, "note: %s\n", shown(sentence).c_str());
  };
  if (!options_.endpoint_key_file.empty()) {
    base::Result<std::string> key = base::read_file(options_.endpoint_key_file, 8192);
    if (!key) return None{key.error(), kUsage};
    while (!key->empty() && std::isspace(static_cast<unsigned char>(key->back())) != 0)
      key->pop_back();
    if (key->empty() ||
        std::any_of(key->begin(), key->end(), [](char c) { return c <= 0x20 || c >= 0x7f; }))
      return None{{Errc::usage, options_.endpoint_key_file + ": a key is one line of printable "
                                                             "characters without spaces"},
                  kUsage};
    endpoint.http.key = std::move(*key);
  }
  base::Result<std::unique_ptr<agent::EndpointModel>> model =
      agent::EndpointModel::connect(std::move(endpoint), program_stop());
  if (!model)
    return None{model.error(), model.error().code == Errc::usage       ? kUsage
                               : model.error().code == Errc::cancelled ? kInternal
                                                                       : kModel};
  if (!quiet_) std::fprintf(stderr, "asking %s ...\n", shown_line((*model)->id()).c_str());
  const std::string name = (*model)->id();
  return One{std::move(*model), name};
}

}  // namespace cli
