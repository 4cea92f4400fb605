// The command `listen`: what is said into the microphone, as text.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/json_line.h"
#include "cli/command.h"
#include "cli/model_store.h"
#include "cli/stop.h"
#include "cli/terminal/status_line.h"
#include "cli/terminal/text.h"
#include "media/microphone.h"
#include "model/transcribe.h"

namespace cli {
namespace {

using base::Errc;
using base::Error;

struct ListenOptions {
  std::string model, adapter, mmproj, words, device = "default";
  int seconds = 60;
  bool json = false;
};

/// Whether a line was entered. A terminal hands lines over whole.
bool entered() {
  pollfd waiting{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, 0) <= 0) return false;
  char line[256];
  return ::read(STDIN_FILENO, line, sizeof line) >= 0;
}

/// How loud samples are, as a bar of eight.
std::string level(std::span<const float> samples) {
  float most = 0;
  for (const float s : samples) most = std::max(most, std::fabs(s));
  // 6 dB a step; eight steps are what 16 bits of a room can tell apart.
  const int steps = most > 0 ? std::clamp(9 + static_cast<int>(std::log2(most)), 0, 8) : 0;
  std::string bar;
  for (int i = 0; i < 8; ++i) bar += i < steps ? "▮" : "▯";
  return bar;
}

/// Until Enter, the time is over, or the program is to stop.
base::Result<media::Sound> record(const ListenOptions& o, bool by_hand) {
  StatusLine status(look_of(STDERR_FILENO));
  base::Result<media::Microphone> microphone = media::Microphone::open(o.device);
  if (!microphone) return microphone.error();
  media::Sound sound;
  const size_t most = static_cast<size_t>(o.seconds) * media::kSoundRate;
  while (sound.samples.size() < most) {
    if (program_stop().stop_requested()) return Error{Errc::cancelled, "stopped while listening"};
    if (by_hand && entered()) break;
    const base::Result<std::span<const float>> heard = microphone->read();
    if (!heard) return heard.error();
    const size_t n = std::min(heard->size(), most - sound.samples.size());
    sound.samples.insert(sound.samples.end(), heard->begin(),
                         heard->begin() + static_cast<std::ptrdiff_t>(n));
    if (n > 0) status.say(level(*heard) + (by_hand ? " listening; Enter ends" : " listening"));
  }
  if (std::all_of(sound.samples.begin(), sound.samples.end(), [](float s) { return s == 0; }))
    return Error{Errc::usage,
                 "the microphone " + o.device +
                     " gave no sound; see whether it is muted, or name another with --device"};
  return sound;
}

int run(const ListenOptions& o) {
  const base::Result<std::filesystem::path> path = find_checkpoint(o.model);
  if (!path) return fail(path.error());
  base::Result<model::Engine> engine =
      model::Engine::load(*path, {.adapter = o.adapter, .mmproj = o.mmproj});
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
  const base::Result<media::Sound> sound = record(o, by_hand);
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
  c->add_option("--model", o->model, "checkpoint: a name or a path")->required();
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
