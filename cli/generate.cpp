// One reply, in four steps that know little of each other: options, prompt, grammar, and the loop
// with its output.
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include "base/json.h"

#include "base/file.h"
#include "cli/command.h"
#include "cli/model_store.h"
#include "cli/stop.h"
#include "model/attachment.h"
#include "model/chat_template.h"
#include "model/drafter.h"
#include "model/generate.h"
#include "model/grammar/json_schema.h"
#include "model/hub_config.h"
#include "model/model.h"

namespace cli {
namespace {

using nlohmann::json;

constexpr size_t kMaxGrammarBytes = 1 << 20;

struct GenerateOptions {
  std::string model, adapter, prompt, precision = "fast";
  std::string system, schema_file, grammar_file;
  std::string mmproj, drafter;
  std::vector<std::string> images, sounds, videos;
  int image_budget = model::kDefaultImageBudget;
  int draft_tokens = 4;
  bool raw = false, json = false, thinking = false;
  model::GenerateOptions generate;
};

// --- the prompt ---------------------------------------------------------------------------------

struct Prompt {
  model::Prompt whole;  // positions, with what they point into
  bool starts_in_reasoning = false;
  std::string builtin_because;  // why the checkpoint's template was not used
};

std::vector<model::Message> conversation(const GenerateOptions& o) {
  std::vector<model::Message> out;
  if (!o.system.empty()) out.push_back({.role = model::Role::system, .text = o.system});
  // Pictures and clips before the words, recordings after them, as Gemma was taught.
  model::Message user{.role = model::Role::user, .text = o.prompt};
  for (size_t i = 0; i < o.images.size(); ++i) user.media.push_back({model::MediaKind::image, 0});
  for (size_t i = 0; i < o.videos.size(); ++i) user.media.push_back({model::MediaKind::video, 0});
  for (size_t i = 0; i < o.sounds.size(); ++i)
    user.media.push_back({model::MediaKind::audio, o.prompt.size()});
  out.push_back(std::move(user));
  return out;
}

// Files are read here, so that what is wrong with one is said with its name.
base::Result<std::vector<model::Attachment>> attachments(const GenerateOptions& o,
                                                         const model::Engine& engine) {
  std::vector<model::Attachment> all;
  const auto add = [&](const std::vector<std::string>& files, const auto& attach) -> base::Status {
    for (const std::string& file : files) {
      base::Result<model::Attachment> a = attach(file);
      if (!a) return of_file(file, a.error());
      all.push_back(std::move(*a));
    }
    return base::Ok{};
  };
  const auto bytes_of = [](const std::string& file) {
    return base::read_file(file, size_t{1} << 30);
  };
  using Attached = base::Result<model::Attachment>;
  base::Status status = add(o.images, [&](const std::string& file) -> Attached {
    const base::Result<std::string> bytes = bytes_of(file);
    if (!bytes) return bytes.error();
    return model::attach_image(engine, *bytes, o.image_budget);
  });
  if (status)
    status =
        add(o.videos, [&](const std::string& file) { return model::attach_video(engine, file); });
  if (status)
    status = add(o.sounds, [&](const std::string& file) -> Attached {
      const base::Result<std::string> bytes = bytes_of(file);
      if (!bytes) return bytes.error();
      return model::attach_sound(engine, *bytes);
    });
  if (!status) return status.error();
  return all;
}

base::Result<Prompt> prompt_of(const GenerateOptions& o, const model::Engine& engine) {
  const std::string_view chat_template = engine.checkpoint().chat_template();
  const model::Tokenizer& tokenizer = engine.tokenizer();
  Prompt prompt;
  model::ChatTokens chat;
  if (o.raw) {
    chat.ids = tokenizer.encode(o.prompt);
    if (tokenizer.bos() >= 0) chat.ids.insert(chat.ids.begin(), tokenizer.bos());
  } else {
    model::TemplateRendered rendered =
        model::render_with(chat_template, tokenizer, conversation(o), {}, {.thinking = o.thinking});
    prompt.builtin_because = std::move(rendered.builtin_because);
    prompt.starts_in_reasoning = model::ends_in_thought(rendered.rendered);
    chat = model::tokens(rendered.rendered, tokenizer);
  }
  base::Result<std::vector<model::Attachment>> files = attachments(o, engine);
  if (!files) return files.error();
  base::Result<model::Prompt> whole = model::assemble(chat, std::move(*files), tokenizer);
  if (!whole) return whole.error();
  prompt.whole = std::move(*whole);
  return prompt;
}

// --- the grammar --------------------------------------------------------------------------------

base::Result<std::string> grammar_text(const GenerateOptions& o,
                                       const model::Tokenizer& tokenizer) {
  if (!o.grammar_file.empty()) return base::read_file(o.grammar_file, kMaxGrammarBytes);
  base::Result<std::string> schema = base::read_file(o.schema_file, kMaxGrammarBytes);
  if (!schema) return schema;
  std::vector<int32_t> ends;
  for (const model::Special which : {model::Special::turn_end, model::Special::eos})
    if (tokenizer.special(which) >= 0) ends.push_back(tokenizer.special(which));
  return model::grammar_of_schema(*schema, ends);
}

base::Result<model::Constraint> constraint_of(const std::string& grammar,
                                              const model::Tokenizer& tokenizer,
                                              model::GrammarReader reader) {
  const base::Result<model::GrammarVocabulary> vocabulary = model::grammar_vocabulary(tokenizer);
  if (!vocabulary) return vocabulary.error();
  return model::Constraint::compile(*vocabulary, grammar, reader);
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

json result_json(const GenerateOptions& o, const Prompt& prompt, const model::Generated& out,
                 const model::DraftedSource* drafted, const model::Tokenizer& tokenizer) {
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
  if (drafted != nullptr)
    result["draft"] = {{"guessed", drafted->guessed()}, {"accepted", drafted->accepted()}};
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
  else if (event.kind != model::ReplyEvent::Kind::call_arguments)
    std::fwrite(event.text.data(), 1, event.text.size(), to);
  std::fflush(to);
}

int run(const GenerateOptions& o) {
  // The options first: they cost nothing to look at.
  if (const base::Status status = model::check(o.generate); !status) return fail(status.error());
  const base::Result<std::filesystem::path> path = find_checkpoint(o.model);
  if (!path) return fail(path.error());
  base::Result<model::Engine> engine = model::Engine::load(
      *path,
      {.precision = model::precision_named(o.precision), .adapter = o.adapter, .mmproj = o.mmproj});
  if (!engine) return fail(engine.error());
  std::optional<model::Drafter> drafter;
  if (!o.drafter.empty()) {
    base::Result<model::Drafter> loaded = model::Drafter::load(o.drafter, *engine);
    if (!loaded) return fail(loaded.error());
    drafter.emplace(std::move(*loaded));
  }
  const model::Tokenizer& tokenizer = engine->tokenizer();

  model::GenerateOptions options = o.generate;
  std::optional<model::Constraint> constraint;
  if (!o.schema_file.empty() || !o.grammar_file.empty()) {
    const base::Result<std::string> grammar = grammar_text(o, tokenizer);
    if (!grammar) return fail(grammar.error());
    base::Result<model::Constraint> compiled = constraint_of(
        *grammar, tokenizer,
        o.grammar_file.empty() ? model::GrammarReader::quick : model::GrammarReader::engine);
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
  const base::Result<Prompt> prompt = prompt_of(o, *engine);
  if (!prompt) return fail(prompt.error());
  const std::vector<model::Position>& positions = prompt->whole.positions;
  if (const model::HubConfig* hub = engine->checkpoint().hub()) options.stop_tokens = hub->eos;
  options.thinking = o.thinking;
  options.starts_in_reasoning = prompt->starts_in_reasoning;

  stop_on_first_signal();
  const auto begin = std::chrono::steady_clock::now();
  bool progress_shown = false;
  std::function<void(int)> on_progress;
  if (isatty(STDERR_FILENO) == 1)
    on_progress = [&](int done) {
      if (std::chrono::steady_clock::now() - begin < std::chrono::seconds(1)) return;
      std::fprintf(stderr, "\rreading the prompt: %d of %zu tokens", done, positions.size());
      progress_shown = true;
    };
  model::Session session(*engine, static_cast<int>(positions.size()) + options.max_tokens + 1);
  const model::OnReplyEvent on_event = [&](const model::ReplyEvent& event) {
    if (progress_shown) std::fprintf(stderr, "\r\033[K");
    progress_shown = false;
    if (!o.json) show(event);
  };
  std::optional<model::DraftedSource> drafted;
  const base::Result<model::Generated> out = [&]() -> base::Result<model::Generated> {
    if (!drafter)
      return model::generate(session, tokenizer, positions, options, on_event, program_stop(),
                             on_progress);
    const base::Result<model::PrefillStats> read = session.prefill(positions, program_stop());
    if (!read) return read.error();
    std::vector<model::TokenId> ids;
    for (const model::Position& p : positions) ids.push_back(p.id);
    drafted.emplace(session, *drafter, o.draft_tokens, options.suppress);
    return model::generate_from(*drafted, tokenizer, ids, options, on_event, program_stop());
  }();
  if (!out) return fail(out.error());
  if (o.json)
    std::printf("%s\n", result_json(o, *prompt, *out, drafted ? &*drafted : nullptr, tokenizer)
                            .dump(-1, ' ', false, json::error_handler_t::replace)
                            .c_str());
  else
    std::printf("\n");
  return kDone;
}

}  // namespace

void add_generate(CLI::App& app, Action& action) {
  auto o = std::make_shared<GenerateOptions>();
  model::GenerateOptions& g = o->generate;
  CLI::App* c = app.add_subcommand("generate", "One reply of the model, no tools.");
  c->add_option("--model", o->model, "checkpoint: a name or a path")->required();
  c->add_option("--adapter", o->adapter, "LoRA adapter (GGUF)");
  c->add_option("--mmproj", o->mmproj, "GGUF with the embedders of pictures and sound");
  c->add_option("--image", o->images, "a picture to look at; may be given again")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  c->add_option("--image-budget", o->image_budget, "tokens of a picture: 70, 140, 280, 560 or 1120")
      ->check(CLI::IsMember({70, 140, 280, 560, 1120}));
  c->add_option("--audio", o->sounds, "a recording to listen to; may be given again")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  c->add_option("--video", o->videos, "a clip to watch, 32 frames of it; may be given again")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  c->add_option("--drafter", o->drafter,
                "MTP drafter of the model: the same reply with fewer passes");
  c->add_option("--draft-tokens", o->draft_tokens, "guesses of a round")->check(CLI::Range(1, 7));
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
  c->add_option("--precision", o->precision,
                "fast (bf16, int16 or int8, by the model and processor), int16, int8, bf16 or f32 "
                "(reference)")
      ->check(CLI::IsMember({"fast", "int16", "int8", "bf16", "f32"}));
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
