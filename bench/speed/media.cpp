// From a picture file or sound to soft tokens, and what of it is what.
//
//   speed-media MODEL.gguf MMPROJ.gguf [--benchmark_… ]
//
// A picture of 1200x800 (a gradient with noise, so that neither PNG nor JPEG has it easy) is
// decoded from PNG, scaled to the grid of 280 soft tokens and projected; a second of sound is
// projected whole and, as a microphone gives it, frame by frame of 40 ms. The matrices of
// bench/large_model/make.py have the shape of the 12B's.

#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdio>
#include <random>

#include "media/image.h"
#include "media/resize.h"
#include "model/audio.h"
#include "model/model.h"

namespace {

constexpr int kBudget = 280, kWidth = 1200, kHeight = 800;

media::Pixels picture() {
  std::mt19937 random(1);
  media::Pixels pixels = media::Pixels::filled(kWidth, kHeight, 0, 0, 0);
  for (size_t i = 0; i < pixels.rgb.size(); ++i)
    pixels.rgb[i] = static_cast<uint8_t>(i / 3 % kWidth * 200 / kWidth + random() % 32);
  return pixels;
}

std::vector<float> sound() {
  std::vector<float> samples(model::kSampleRate);
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = 0.3F * std::sin(0.17F * static_cast<float>(i));
  return samples;
}

/// Stops the benchmark with the error's sentence, if there is one.
template <class T>
void keep(benchmark::State& state, const base::Result<T>& result) {
  if (!result) state.SkipWithError(result.error().message.c_str());
  benchmark::DoNotOptimize(result);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (argc != 3) {
    std::fprintf(stderr, "usage: speed-media MODEL.gguf MMPROJ.gguf [--benchmark_…]\n");
    return 2;
  }
  model::LoadOptions options;
  options.mmproj = argv[2];
  const base::Result<model::Engine> engine = model::Engine::load(argv[1], options);
  if (!engine || !engine->sees()) {
    std::fprintf(stderr, "speed-media: %s\n",
                 engine ? "the second file has no eyes" : engine.error().message.c_str());
    return 5;
  }
  const media::Pixels pixels = picture();
  const std::string png = *media::encode_png(pixels);
  const model::PatchGrid grid = *model::patch_grid(kWidth, kHeight, kBudget);
  const std::vector<float> samples = sound();

  auto add = [](const char* name, auto run) {
    benchmark::RegisterBenchmark(name, run)->Unit(benchmark::kMillisecond)->UseRealTime();
  };
  add("picture, PNG to pixels", [&](benchmark::State& state) {
    for (auto _ : state) keep(state, media::decode(png));
  });
  add("picture, scaled to its grid", [&](benchmark::State& state) {
    for (auto _ : state)
      benchmark::DoNotOptimize(media::resize_bicubic(pixels, 48 * grid.columns, 48 * grid.rows));
  });
  add("picture, scaled and projected", [&](benchmark::State& state) {
    for (auto _ : state) keep(state, engine->embed_image(pixels, kBudget));
  });
  add("picture, all of it", [&](benchmark::State& state) {
    for (auto _ : state) keep(state, engine->embed_image(*media::decode(png), kBudget));
  });
  add("a second of sound at once", [&](benchmark::State& state) {
    for (auto _ : state) keep(state, engine->embed_audio(samples));
  });
  add("a second of sound frame by frame", [&](benchmark::State& state) {
    constexpr size_t kFrame = 640;
    for (auto _ : state)
      for (size_t at = 0; at + kFrame <= samples.size(); at += kFrame)
        keep(state, engine->embed_audio(std::span(samples).subspan(at, kFrame)));
  });
  benchmark::RunSpecifiedBenchmarks();
}
