// Loads a checkpoint and answers at the end of a long context: seconds to load, tokens a second,
// memory.
//
//   large_model MODEL.gguf [CONTEXT=32768] [PROMPT=128] [DECODED=8] [MMPROJ.gguf]
//
// Reading 32k tokens into a 12B takes hours on two cores, so before the tokens are decoded the
// cache is filled with random keys and values: time and memory are those of a full context, what is
// said means nothing. Memory is the peak of the process, the mapped file included.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>

#include "model/model.h"

using Clock = std::chrono::steady_clock;

static double seconds_since(Clock::time_point from) {
  return std::chrono::duration<double>(Clock::now() - from).count();
}

static double resident_gib(const char* field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind(field, 0) == 0)
      return std::strtod(line.c_str() + line.find(':') + 1, nullptr) / 1048576.0;
  return 0;
}

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: large_model MODEL.gguf [CONTEXT] [PROMPT] [DECODED] [MMPROJ.gguf]\n");
    return 2;
  }
  const int context = argc > 2 ? std::atoi(argv[2]) : 32768;
  const int prompt = argc > 3 ? std::atoi(argv[3]) : 128;
  const int decoded = argc > 4 ? std::atoi(argv[4]) : 8;
  model::LoadOptions options;
  if (argc > 5) options.mmproj = argv[5];
  const Clock::time_point start = Clock::now();
  base::Result<model::Engine> engine = model::Engine::load(argv[1], options);
  if (!engine) {
    std::fprintf(stderr, "large_model: %s\n", engine.error().message.c_str());
    return 5;
  }
  const double load = seconds_since(start);
  std::mt19937 random(1);
  if (engine->sees()) {
    media::Pixels picture = media::Pixels::filled(1200, 800, 255, 255, 255);
    for (uint8_t& byte : picture.rgb) byte = static_cast<uint8_t>(random());
    const Clock::time_point at = Clock::now();
    const base::Result<model::SoftTokens> soft = engine->embed_image(picture, 280);
    if (!soft) return 5;
    std::printf("picture of 1200x800 to %d soft tokens: %.2f s\n", soft->n, seconds_since(at));
  }
  std::vector<model::Position> ids;
  for (int i = 0; i < prompt; ++i)
    ids.push_back({.id = static_cast<model::TokenId>(1000 + random() % 100000)});
  double prefill = 0;
  {
    model::Session session(*engine, prompt);
    const Clock::time_point read = Clock::now();
    if (!session.prefill(ids, {})) return 5;
    prefill = seconds_since(read);
  }
  model::Session session(*engine, context);
  session.fill_with_noise(context - decoded, random());
  const Clock::time_point reply = Clock::now();
  for (int i = 0; i < decoded; ++i) {
    if (!session.decode(static_cast<model::TokenId>(2000 + i))) return 5;
    session.next().likeliest();
  }
  const double decode = seconds_since(reply);
  std::printf("load %.2f s\nprompt of %d tokens: %.1f tokens/s\n", load, prompt, prompt / prefill);
  std::printf("decode at position %d: %.2f tokens/s (%.2f s a token)\n", context - decoded,
              decoded / decode, decode / decoded);
  std::printf("keys and values %.2f GiB, peak of the process %.2f GiB (anonymous %.2f GiB)\n",
              static_cast<double>(session.cache_bytes()) / 1073741824.0, resident_gib("VmHWM"),
              resident_gib("RssAnon"));
  return 0;
}
