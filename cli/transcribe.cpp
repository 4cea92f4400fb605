// Speech to text: the recording and a short instruction go to the model, which writes down what it
// hears. Recordings over 30 s are read piece by piece, each on its own, and the texts are joined.
#include <csignal>
#include <cstdio>
#include <memory>
#include "base/json.h"

#include "base/file.h"
#include "cli/command.h"
#include "cli/model_store.h"
#include "media/sound.h"
#include "model/attachment.h"
#include "model/chat_template.h"
#include "model/generate.h"

namespace cli {
namespace {

std::stop_source g_stop;

struct Options {
  std::string model, adapter, mmproj, file;
  std::string instruction{model::kTranscribeInstruction};
  int max_tokens = 400;
  bool json = false;
};

/// What the model hears in one piece.
base::Result<std::string> hear(const Options& o, const model::Engine& engine,
                               model::Session& session, model::SoftTokens soft) {
  model::Attachment attachment{.kind = model::MediaKind::audio, .parts = {}, .stamps = {}};
  attachment.parts.push_back(std::move(soft));
  model::Message user{.role = model::Role::user, .text = o.instruction};
  user.media.push_back({model::MediaKind::audio, o.instruction.size()});
  const model::TemplateRendered rendered = model::render_with(
      engine.checkpoint().chat_template(), engine.tokenizer(), {&user, 1}, {}, {});
  std::vector<model::Attachment> attachments;
  attachments.push_back(std::move(attachment));
  const base::Result<model::Prompt> prompt =
      model::assemble(model::tokens(rendered.rendered, engine.tokenizer()), std::move(attachments),
                      engine.tokenizer());
  if (!prompt) return prompt.error();
  model::GenerateOptions options;
  options.max_tokens = o.max_tokens;
  options.sampler.temperature = 0;
  const base::Result<model::Generated> out = model::generate(
      session, engine.tokenizer(), prompt->positions, options, {}, g_stop.get_token());
  if (!out) return out.error();
  if (out->finish == model::Finish::cancelled)
    return base::Error{base::Errc::cancelled, "stopped while listening"};
  std::string text = out->message.text;
  const size_t first = text.find_first_not_of(" \n"), last = text.find_last_not_of(" \n");
  return first == std::string::npos ? std::string() : text.substr(first, last - first + 1);
}

int run(const Options& o) {
  const base::Result<std::string> bytes = base::read_file(o.file, size_t{1} << 30);
  if (!bytes) return fail(bytes.error());
  const base::Result<media::Sound> sound = media::decode_sound(*bytes);
  if (!sound) return fail(of_file(o.file, sound.error()));
  const base::Result<std::filesystem::path> path = find_checkpoint(o.model);
  if (!path) return fail(path.error());
  base::Result<model::Engine> engine =
      model::Engine::load(*path, {.adapter = o.adapter, .mmproj = o.mmproj});
  if (!engine) return fail(engine.error());
  std::signal(SIGINT, [](int) {
    std::signal(SIGINT, SIG_DFL);
    g_stop.request_stop();
  });
  // A piece of 30 s is 750 tokens; the instruction and the reply need room too.
  model::Session session(*engine, 1024 + o.max_tokens);
  nlohmann::json pieces = nlohmann::json::array();
  std::string all;
  for (const media::SoundRange& piece : media::split_at_silences(sound->samples)) {
    base::Result<model::SoftTokens> soft = engine->embed_audio(
        std::span(sound->samples).subspan(piece.begin, piece.end - piece.begin));
    if (!soft) return fail(soft.error());
    const base::Result<std::string> text = hear(o, *engine, session, std::move(*soft));
    if (!text) return fail(text.error());
    all += (all.empty() || text->empty() ? "" : " ") + *text;
    pieces.push_back({{"begin_s", static_cast<double>(piece.begin) / media::kSoundRate},
                      {"end_s", static_cast<double>(piece.end) / media::kSoundRate},
                      {"text", *text}});
    if (!o.json) {
      std::printf("%s\n", text->c_str());
      std::fflush(stdout);
    }
  }
  if (o.json)
    std::printf("%s\n",
                nlohmann::json{{"text", all}, {"seconds", sound->seconds()}, {"pieces", pieces}}
                    .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                    .c_str());
  return kDone;
}

}  // namespace

void add_transcribe(CLI::App& app, Action& action) {
  auto o = std::make_shared<Options>();
  CLI::App* c = app.add_subcommand("transcribe", "Speech to text, by a model that hears.");
  c->add_option("--model", o->model, "checkpoint: a name or a path")->required();
  c->add_option("--adapter", o->adapter, "LoRA adapter");
  c->add_option("--mmproj", o->mmproj, "GGUF with the embedder of sound");
  c->add_option("--instruction", o->instruction, "what the model is told to do with the speech");
  c->add_option("--max-tokens", o->max_tokens, "longest text of 30 s")->check(CLI::Range(1, 4096));
  c->add_flag("--json", o->json, "one JSON object on standard output");
  c->add_option("file", o->file, "WAV, FLAC, MP3 or Ogg")->required();
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
