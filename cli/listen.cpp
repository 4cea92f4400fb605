// The command `listen`: what is said into the microphone, as text.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "base/json_line.h"
#include "cli/command.h"
#include "cli/dictate.h"
#include "cli/model_store.h"
#include "cli/stop.h"
#include "cli/terminal/status_line.h"
#include "cli/terminal/text.h"
#include "model/transcribe.h"

namespace cli {
namespace {

using base::Errc;
using base::Error;

struct ListenOptions {
  std::string model = kDefaultModel, adapter, mmproj, words, device = "default";
  int seconds = 60;
  bool json = false;
};

int run(const ListenOptions& o) {
  const base::Result<std::filesystem::path> path = find_checkpoint(o.model);
  if (!path) return fail(path.error());
  base::Result<model::Engine> engine = model::Engine::load(
      *path, {.adapter = hearing_adapter(o.model, o.adapter, o.mmproj), .mmproj = o.mmproj});
  if (!engine) return fail(engine.error());
  if (!engine->hears())
    return fail(
        {Errc::unsupported,
         o.model + " does not hear; take a model with an embedder of sound (--mmproj FILE)"});
  const bool by_hand = ::isatty(STDIN_FILENO) == 1;
  if (by_hand) {
    std::fprintf(stderr, "Enter begins, and Enter ends.\n");
    char line[256];
    if (::read(STDIN_FILENO, line, sizeof line) <= 0) return kDone;
  }
  stop_on_first_signal();
  const base::Result<media::Sound> sound = record(o.device, o.seconds, by_hand);
  if (!sound) return fail(sound.error());
  StatusLine status(look_of(STDERR_FILENO));
  status.say("writing down");
  std::string instruction(model::kTranscribeInstruction);
  if (!o.words.empty()) instruction += " " + model::words_hint(o.words);
  const base::Result<model::Transcript> heard =
      model::transcribe(*engine, *sound, {.instruction = instruction}, {}, program_stop());
  status.hide();
  if (!heard) return fail(heard.error());
  if (o.json)
    std::printf("%s\n",
                base::line_of({{"text", heard->text()}, {"seconds", heard->seconds}}).c_str());
  else
    std::printf("%s\n",
                look_of(STDOUT_FILENO).rich ? shown(heard->text()).c_str() : heard->text().c_str());
  return kDone;
}

}  // namespace

void add_listen(CLI::App& app, Action& action) {
  auto o = std::make_shared<ListenOptions>();
  CLI::App* c = app.add_subcommand(
      "listen", "What is said into the microphone, as text, by a model that hears.");
  c->add_option(
      "--model", o->model,
      "checkpoint: a name or a path (default: the usual model, where ears come with the program)");
  c->add_option("--adapter", o->adapter, "LoRA adapter");
  c->add_option("--mmproj", o->mmproj, "GGUF with the embedder of sound");
  c->add_option("--device", o->device, "ALSA's name of the microphone (default)");
  c->add_option("--seconds", o->seconds, "end by itself after so long (60)")
      ->check(CLI::Range(1, 600));
  c->add_option("--words", o->words, "names and words that are said, as they are spelled");
  c->add_flag("--json", o->json, "one JSON object on standard output");
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
