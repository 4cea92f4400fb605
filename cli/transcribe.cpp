// The command `transcribe`.
#include <cstdio>
#include <memory>

#include "base/file.h"
#include "base/json_line.h"
#include "cli/command.h"
#include "cli/model_store.h"
#include "cli/stop.h"
#include "model/transcribe.h"

namespace cli {
namespace {

struct TranscribeOptions {
  std::string model = kDefaultModel, adapter, mmproj, file;
  std::string instruction{model::kTranscribeInstruction};
  int max_tokens = 400;
  bool json = false;
};

int run(const TranscribeOptions& o) {
  const base::Result<std::string> bytes = base::read_file(o.file, size_t{1} << 30);
  if (!bytes) return fail(bytes.error());
  const base::Result<std::filesystem::path> path = find_checkpoint(o.model);
  if (!path) return fail(path.error());
  base::Result<model::Engine> engine = model::Engine::load(
      *path, {.adapter = hearing_adapter(o.model, o.adapter, o.mmproj), .mmproj = o.mmproj});
  if (!engine) return fail(engine.error());
  stop_on_first_signal();
  const auto show = [&](const model::HeardPiece& piece) {
    if (!o.json) std::printf("%s\n", piece.text.c_str());
    std::fflush(stdout);
    return true;
  };
  const base::Result<model::Transcript> heard =
      model::transcribe(*engine, *bytes, {.instruction = o.instruction, .max_tokens = o.max_tokens},
                        show, program_stop());
  if (!heard) return fail(of_file(o.file, heard.error()));
  if (!o.json) return kDone;
  nlohmann::json pieces = nlohmann::json::array();
  for (const model::HeardPiece& piece : heard->pieces)
    pieces.push_back({{"begin_s", piece.begin_s}, {"end_s", piece.end_s}, {"text", piece.text}});
  std::printf(
      "%s\n",
      base::line_of({{"text", heard->text()}, {"seconds", heard->seconds}, {"pieces", pieces}})
          .c_str());
  return kDone;
}

}  // namespace

void add_transcribe(CLI::App& app, Action& action) {
  auto o = std::make_shared<TranscribeOptions>();
  CLI::App* c = app.add_subcommand("transcribe", "Speech to text, by a model that hears.");
  c->add_option(
      "--model", o->model,
      "checkpoint: a name or a path (default: the usual model, where ears come with the program)");
  c->add_option("--adapter", o->adapter, "LoRA adapter");
  c->add_option("--mmproj", o->mmproj, "GGUF with the embedder of sound");
  c->add_option("--instruction", o->instruction, "what the model is told to do with the speech");
  c->add_option("--max-tokens", o->max_tokens, "longest text of 30 s")->check(CLI::Range(1, 4096));
  c->add_flag("--json", o->json, "one JSON object on standard output");
  c->add_option("file", o->file, "WAV, FLAC, MP3 or Ogg")->required();
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
