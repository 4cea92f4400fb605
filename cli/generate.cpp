// One reply, in four steps that know little of each other: options, prompt, grammar, and the loop
// with its output.
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/file.h"
#include "cli/command.h"
#include "cli/model_store.h"
#include "model/chat_template.h"
#include "model/checkpoint.h"
#include "model/generate.h"
#include "model/grammar/json_schema.h"
#include "model/model.h"

namespace cli {
namespace {

using nlohmann::json;

constexpr size_t kMaxGrammarBytes = 1 << 20;

std::stop_source g_stop;

struct Options {
  std::string model, adapter, prompt, precision = "bf16";
  std::string system, schema_file, grammar_file;
  bool raw = false, json = false, thinking = false;
  model::GenerateOptions generate;
};

// --- the prompt ---------------------------------------------------------------------------------

struct Prompt {
  std::vector<model::Position> positions;
  bool starts_in_reasoning = false;
  std::string builtin_because;  // why the checkpoint's template was not used
};

// Whether a rendered prompt ends in an open thought.
bool ends_in_thought(const model::Rendered& rendered) {
  const size_t n = rendered.size();
  return n >= 2 && rendered[n - 1].kind == model::Segment::Kind::text &&
         rendered[n - 1].text == "thought\n" &&
         rendered[n - 2].kind == model::Segment::Kind::special && rendered[n - 2].text.empty() &&
         rendered[n - 2].special == model::Special::channel_begin;
}

std::vector<model::Message> conversation(const Options& o) {
  std::vector<model::Message> out;
  if (!o.system.empty()) out.push_back({.role = model::Role::system, .text = o.system});
  out.push_back({.role = model::Role::user, .text = o.prompt});
  return out;
}

Prompt prompt_of(const Options& o, std::string_view chat_template,
                 const model::Tokenizer& tokenizer) {
  Prompt prompt;
  std::vector<model::TokenId> ids;
  if (o.raw) {
    ids = tokenizer.encode(o.prompt);
    if (tokenizer.bos() >= 0) ids.insert(ids.begin(), tokenizer.bos());
  } else {
    model::TemplateRendered rendered =
        model::render_with(chat_template, tokenizer, conversation(o), {}, {.thinking = o.thinking});
    prompt.builtin_because = std::move(rendered.builtin_because);
    prompt.starts_in_reasoning = ends_in_thought(rendered.rendered);
    ids = model::tokens(rendered.rendered, tokenizer).ids;
  }
  for (const model::TokenId id : ids) prompt.positions.push_back({.id = id});
  return prompt;
}

// --- the grammar --------------------------------------------------------------------------------

base::Result<std::string> grammar_text(const Options& o, const model::Tokenizer& tokenizer) {
  if (!o.grammar_file.empty()) return base::read_file(o.grammar_file, kMaxGrammarBytes);
  base::Result<std::string> schema = base::read_file(o.schema_file, kMaxGrammarBytes);
  if (!schema) return schema;
  std::vector<int32_t> ends;
  for (const model::Special which : {model::Special::turn_end, model::Special::eos})
    if (tokenizer.special(which) >= 0) ends.push_back(tokenizer.special(which));
  return model::grammar_of_schema(*schema, ends);
}

base::Result<model::Constraint> constraint_of(const std::string& grammar,
                                              const model::Tokenizer& tokenizer) {
  base::Result<model::GrammarVocabulary> vocabulary = model::GrammarVocabulary::build(
      {.vocab_size = tokenizer.vocab_size(),
       .bytes_of = [&](int32_t id) { return tokenizer.bytes_of(id); },
       .is_special = [&](int32_t id) { return tokenizer.is_special(id); },
       .eos = tokenizer.eos(),
       .encode = [&](std::string_view text) { return tokenizer.encode(text); }});
  if (!vocabulary) return vocabulary.error();
  return model::Constraint::compile(*vocabulary, grammar);
}

// --- output -------------------------------------------------------------------------------------

double per_second(double n, std::chrono::duration<double> time) {
  return time.count() > 0 ? n / time.count() : 0;
}

json logprobs_json(const model::Generated& out, const model::Tokenizer& tokenizer, size_t n) {
  const auto entry = [&](const model::TokenLogprob& p) {
    return json{{"id", p.id},
                {"token", tokenizer.decode({&p.id, 1})},
                {"logprob", std::isfinite(p.logprob) ? json(p.logprob) : json()}};
  };
  json list = json::array();
  for (size_t i = 0; i < std::min(n, out.logprobs.size()); ++i) {
    json item = entry(out.logprobs[i].chosen);
    item["top"] = json::array();
    for (const model::TokenLogprob& p : out.logprobs[i].top) item["top"].push_back(entry(p));
    list.push_back(std::move(item));
  }
  return list;
}

json result_json(const Options& o, const Prompt& prompt, const model::Generated& out,
                 const model::Tokenizer& tokenizer) {
  // A stop token is not a part of what was said.
  std::vector<model::TokenId> tokens = out.tokens;
  if (out.ended_by_token) tokens.pop_back();
  json calls = json::array();
  for (const model::FunctionCall& call : out.message.calls)
    calls.push_back({{"id", call.id}, {"name", call.name}, {"arguments", call.arguments}});
  const auto n_prompt = static_cast<double>(out.prompt_tokens - out.reused_tokens);
  json result = {
      {"text", out.message.text},
      {"reasoning", out.message.reasoning},
      {"calls", calls},
      {"tokens", tokens},
      {"finish_reason", model::name_of(out.finish)},
      {"usage", {{"prompt_tokens", out.prompt_tokens}, {"completion_tokens", tokens.size()}}},
      {"timings",
       {{"prefill_seconds", out.timings.prefill.count()},
        {"decode_seconds", out.timings.decode.count()},
        {"prefill_tokens_per_second", per_second(n_prompt, out.timings.prefill)},
        {"decode_tokens_per_second",
         per_second(static_cast<double>(out.tokens.size()), out.timings.decode)}}}};
  if (!out.errors.empty()) result["call_errors"] = out.errors;
  if (o.generate.logprobs >= 0) result["logprobs"] = logprobs_json(out, tokenizer, tokens.size());
  if (!o.raw) result["chat_template"] = prompt.builtin_because.empty() ? "checkpoint" : "built-in";
  return result;
}

void show(const model::ReplyEvent& event) {
  FILE* to = event.kind == model::ReplyEvent::Kind::reasoning ? stderr : stdout;
  if (event.kind == model::ReplyEvent::Kind::call)
    std::fprintf(to, "\n%s %s", event.call.name.c_str(),
                 event.call.arguments.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
  else if (event.kind == model::ReplyEvent::Kind::bad_call)
    std::fprintf(stderr, "\ntessera: %s\n", event.error.c_str());
  else
    std::fwrite(event.text.data(), 1, event.text.size(), to);
  std::fflush(to);
}

int run(const Options& o) {
  // The options first: they cost nothing to look at.
  if (const base::Status status = model::check(o.generate); !status) return fail(status.error());
  const base::Result<std::filesystem::path> path = find_checkpoint(o.model);
  if (!path) return fail(path.error());
  const base::Result<model::Checkpoint> checkpoint = model::Checkpoint::open(*path);
  if (!checkpoint) return fail(checkpoint.error());
  base::Result<model::Engine> engine = model::Engine::load(
      *path, {.precision = o.precision == "f32" ? model::Precision::f32 : model::Precision::bf16,
              .adapter = o.adapter});
  if (!engine) return fail(engine.error());
  const model::Tokenizer& tokenizer = engine->tokenizer();

  model::GenerateOptions options = o.generate;
  std::optional<model::Constraint> constraint;
  if (!o.schema_file.empty() || !o.grammar_file.empty()) {
    const base::Result<std::string> grammar = grammar_text(o, tokenizer);
    if (!grammar) return fail(grammar.error());
    base::Result<model::Constraint> compiled = constraint_of(*grammar, tokenizer);
    if (!compiled) {
      // The engine quotes the whole grammar below its first line; of a schema that is not what was
      // written.
      base::Error error = compiled.error();
      if (!o.schema_file.empty()) {
        error.message.resize(std::min(error.message.size(), error.message.find('\n')));
        error.message = o.schema_file + ": " + error.message;
      }
      return fail(error);
    }
    constraint.emplace(std::move(*compiled));
    options.constraint = &*constraint;
  }
  const Prompt prompt = prompt_of(o, checkpoint->chat_template(), tokenizer);
  options.thinking = o.thinking;
  options.starts_in_reasoning = prompt.starts_in_reasoning;

  std::signal(SIGINT, [](int) {
    std::signal(SIGINT, SIG_DFL);  // the second one does not wait
    g_stop.request_stop();
  });
  const auto begin = std::chrono::steady_clock::now();
  bool progress_shown = false;
  std::function<void(int)> on_progress;
  if (isatty(STDERR_FILENO) == 1)
    on_progress = [&](int done) {
      if (std::chrono::steady_clock::now() - begin < std::chrono::seconds(1)) return;
      std::fprintf(stderr, "\rreading the prompt: %d of %zu tokens", done, prompt.positions.size());
      progress_shown = true;
    };
  model::Session session(*engine,
                         static_cast<int>(prompt.positions.size()) + options.max_tokens + 1);
  const base::Result<model::Generated> out = model::generate(
      session, tokenizer, prompt.positions, options,
      [&](const model::ReplyEvent& event) {
        if (progress_shown) std::fprintf(stderr, "\r\033[K");
        progress_shown = false;
        if (!o.json) show(event);
      },
      g_stop.get_token(), on_progress);
  if (!out) return fail(out.error());
  if (o.json)
    std::printf("%s\n", result_json(o, prompt, *out, tokenizer)
                            .dump(-1, ' ', false, json::error_handler_t::replace)
                            .c_str());
  else
    std::printf("\n");
  return kDone;
}

}  // namespace

void add_generate(CLI::App& app, Action& action) {
  auto o = std::make_shared<Options>();
  model::GenerateOptions& g = o->generate;
  CLI::App* c = app.add_subcommand("generate", "One reply of the model, no tools.");
  c->add_option("--model", o->model, "checkpoint: a name or a path")->required();
  c->add_option("--adapter", o->adapter, "LoRA adapter (GGUF)");
  c->add_option("--max-tokens", g.max_tokens, "longest reply")->check(CLI::Range(1, 1 << 20));
  c->add_option("--stop", g.stop, "end before this text; may be given again")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  c->add_option("--temperature", g.sampler.temperature, "0: the likeliest token");
  c->add_option("--top-k", g.sampler.top_k, "draw from so many likeliest tokens; 0: all");
  c->add_option("--top-p", g.sampler.top_p,
                "draw from the likeliest that have this probability; 1: all");
  c->add_option("--min-p", g.sampler.min_p,
                "leave out what is less probable, relative to the likeliest");
  c->add_option("--repetition-penalty", g.sampler.repetition_penalty,
                "of tokens in prompt and reply; 1: none");
  c->add_option("--presence-penalty", g.sampler.presence_penalty,
                "of tokens in the reply; 0: none");
  c->add_option("--frequency-penalty", g.sampler.frequency_penalty,
                "per occurrence in the reply; 0: none");
  c->add_option("--seed", g.sampler.seed, "of the sampler");
  CLI::Option* thinking = c->add_flag("--thinking", o->thinking,
                                      "think before answering; thoughts go to standard error");
  c->add_option("--thinking-budget", g.thinking_budget, "most tokens of thought")
      ->check(CLI::Range(0, 1 << 20))
      ->needs(thinking);
  CLI::Option* schema =
      c->add_option("--schema", o->schema_file, "JSON Schema that the answer fits (a file)");
  c->add_option("--grammar", o->grammar_file,
                "grammar that the answer fits (a file, Lark as llguidance reads it)")
      ->excludes(schema);
  c->add_option("--precision", o->precision, "bf16 (fast) or f32")
      ->check(CLI::IsMember({"bf16", "f32"}));
  CLI::Option* system = c->add_option("--system", o->system, "what the model is told beforehand");
  c->add_flag("--raw", o->raw, "continue the text instead of answering it as a chat")
      ->excludes(system)
      ->excludes(thinking);
  CLI::Option* as_json = c->add_flag("--json", o->json, "one JSON object on standard output");
  c->add_option("--logprobs", g.logprobs,
                "log-probabilities of each token and of so many likeliest")
      ->check(CLI::Range(0, 20))
      ->needs(as_json);
  c->add_option("prompt", o->prompt, "what to say")->required();
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
