#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/model_store.h"
#include "model/chat.h"
#include "model/model.h"

namespace cli {
namespace {

struct Options {
  std::string model, adapter, prompt, precision = "bf16";
  int max_tokens = 256;
  bool raw = false, json = false;
  model::SamplerOptions sampler;
};

int run(const Options& o) {
  const base::Result<std::filesystem::path> checkpoint = find_checkpoint(o.model);
  if (!checkpoint) return fail(checkpoint.error());
  base::Result<model::Engine> engine = model::Engine::load(
      *checkpoint,
      {.precision = o.precision == "f32" ? model::Precision::f32 : model::Precision::bf16,
       .adapter = o.adapter});
  if (!engine) return fail(engine.error());
  const model::Tokenizer& tokenizer = engine->tokenizer();
  std::vector<model::TokenId> ids;
  if (o.raw) {
    ids = {tokenizer.bos()};
    const std::vector<model::TokenId> text = tokenizer.encode(o.prompt);
    ids.insert(ids.end(), text.begin(), text.end());
  } else {
    const model::Message message{.role = model::Role::user, .text = o.prompt};
    ids = model::tokens(model::render({&message, 1}, {}, {}), tokenizer).ids;
  }
  std::vector<model::Position> prompt;
  for (const model::TokenId id : ids) prompt.push_back({.id = id});
  model::Session session(*engine, static_cast<int>(ids.size()) + o.max_tokens);
  const base::Result<model::PrefillStats> stats = session.prefill(prompt, {});
  if (!stats) return fail(stats.error());
  model::Sampler sampler(o.sampler);
  std::vector<model::TokenId> reply;
  bool ended = false;
  size_t printed = 0;
  while (static_cast<int>(reply.size()) < o.max_tokens) {
    const model::TokenId token = sampler.sample(session.logits());
    if (token == tokenizer.eos() || token == tokenizer.special(model::Special::turn_end) ||
        token == tokenizer.special(model::Special::response_begin)) {
      ended = true;
      break;
    }
    reply.push_back(token);
    if (!o.json) {
      // A character may span tokens, so the text is printed as far as it is whole.
      const std::string text = tokenizer.decode(reply);
      const bool open = text.size() >= 3 && text.compare(text.size() - 3, 3, "\xef\xbf\xbd") == 0;
      if (!open && text.size() > printed) {
        std::fwrite(text.data() + printed, 1, text.size() - printed, stdout);
        std::fflush(stdout);
        printed = text.size();
      }
    }
    const base::Status decoded = session.decode(token);
    if (!decoded) return fail(decoded.error());
  }
  if (o.json)
    std::printf("%s\n",
                nlohmann::json{
                    {"text", tokenizer.decode(reply)},
                    {"tokens", reply},
                    {"finish_reason", ended ? "stop" : "length"},
                    {"usage", {{"prompt_tokens", ids.size()}, {"completion_tokens", reply.size()}}}}
                    .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                    .c_str());
  else
    std::printf("\n");
  return kDone;
}

}  // namespace

void add_generate(CLI::App& app, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* c = app.add_subcommand("generate", "One reply of the model, no tools.");
  c->add_option("--model", o->model, "GGUF checkpoint")->required();
  c->add_option("--adapter", o->adapter, "LoRA adapter (GGUF)");
  c->add_option("--max-tokens", o->max_tokens, "longest reply")->check(CLI::Range(1, 1 << 20));
  c->add_option("--temperature", o->sampler.temperature, "0: the likeliest token")
      ->check(CLI::Range(0.0, 10.0));
  c->add_option("--seed", o->sampler.seed, "of the sampler");
  c->add_option("--precision", o->precision, "bf16 (fast) or f32")
      ->check(CLI::IsMember({"bf16", "f32"}));
  c->add_flag("--raw", o->raw, "continue the text instead of answering it as a chat");
  c->add_flag("--json", o->json, "one JSON object on standard output");
  c->add_option("prompt", o->prompt, "what to say")->required();
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
