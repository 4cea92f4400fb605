// What serving several conversations costs on a real checkpoint.
//
//   serve_speed MODEL [decode|prefix|read|cancel|equal]      (all of them without a name)
//
// decode: 2, 4 and 8 conversations that take steps together against one after the other, tokens a
//         second, median of 5 rounds of 16 steps; at 64 and at 2,000 positions each, of noise.
// read:   tokens a second of a prompt of 1,024 positions, in pieces of 512, 128 and 32.
// prefix: a beginning of 7,058 positions: reading it, saving it, coming back to it from memory and,
//         in a new store, from disk.
// cancel: from a stop to the end of the request, while a prompt is read and while a reply is made,
//         with another conversation beside; median and worst of 20.
// equal:  whether logits after 640 positions, longer than the window of the 270M, are the same bit
//         for bit read at once, in pieces, and after coming back to position 600; f32 and bf16.

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "model/model.h"
#include "model/serve/prefix_store.h"
#include "model/serve/scheduler.h"

using namespace model;
using Clock = std::chrono::steady_clock;

static double seconds_since(Clock::time_point from) {
  return std::chrono::duration<double>(Clock::now() - from).count();
}

static double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

static std::vector<Position> text(int n, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Position> out;
  for (int i = 0; i < n; ++i) out.push_back({.id = static_cast<TokenId>(1000 + random() % 50000)});
  return out;
}

static void decode(const Engine& engine) {
  constexpr int kSteps = 16, kRounds = 5;
  for (const int length : {64, 2000}) {
    std::vector<std::unique_ptr<Session>> sessions;
    std::vector<Session*> all;
    for (uint32_t i = 0; i < 8; ++i) {
      sessions.push_back(std::make_unique<Session>(engine, 8192));
      sessions.back()->fill_with_noise(length, i);
      all.push_back(sessions.back().get());
    }
    for (const size_t n : {2, 4, 8}) {
      std::vector<double> together, apart;
      SharedPass pass;
      const std::span<Session* const> some(all.data(), n);
      std::vector<TokenId> tokens(n, 1234);
      for (int round = 0; round < kRounds; ++round) {
        Clock::time_point at = Clock::now();
        for (int step = 0; step < kSteps; ++step) {
          if (!Session::decode_each(some, tokens, pass)) return;
          for (size_t i = 0; i < n; ++i) tokens[i] = some[i]->next().likeliest();
        }
        together.push_back(seconds_since(at));
        at = Clock::now();
        for (size_t i = 0; i < n; ++i)
          for (int step = 0; step < kSteps; ++step) {
            if (!some[i]->decode(tokens[i])) return;
            tokens[i] = some[i]->next().likeliest();
          }
        apart.push_back(seconds_since(at));
      }
      const double total = static_cast<double>(n) * kSteps;
      std::printf("decode, %zu at %d positions: together %.1f tokens/s, apart %.1f, ratio %.2f\n",
                  n, length, total / median(together), total / median(apart),
                  median(apart) / median(together));
    }
  }
}

static void read(const Engine& engine) {
  const std::vector<Position> prompt = text(1024, 1);
  const std::vector<PositionKey> keys = keys_of(prompt);
  for (const int most : {512, 128, 32}) {
    std::vector<double> times;
    for (int round = 0; round < 3; ++round) {
      Session session(engine, 2048);
      const Clock::time_point at = Clock::now();
      while (session.size() < 1024)
        if (!session.read(prompt, keys, most, {})) return;
      times.push_back(seconds_since(at));
    }
    std::printf("read in pieces of %d: %.1f tokens/s\n", most, 1024 / median(times));
  }
}

static void prefix(const Engine& engine) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("serve_speed-" + std::to_string(::getpid()));
  const std::vector<Position> prompt = text(7058, 1);
  const std::vector<PositionKey> keys = keys_of(prompt);
  {
    PrefixStore store(engine, {.folder = folder});
    Session session(engine, 8192);
    Clock::time_point at = Clock::now();
    if (!session.prefill(prompt, {})) return;
    std::printf("prefix: read 7058 positions in %.2f s\n", seconds_since(at));
    at = Clock::now();
    store.store(keys, session);
    std::printf("prefix: saved in %.3f s, %.1f MB\n", seconds_since(at),
                static_cast<double>(store.counts().bytes_in_memory) / 1e6);
    at = Clock::now();
    store.flush();
    std::printf("prefix: written after %.3f s more\n", seconds_since(at));
    Session other(engine, 8192);
    at = Clock::now();
    const int length = store.restore(keys, other);
    std::printf("prefix: %d positions from memory in %.3f s\n", length, seconds_since(at));
  }
  const Clock::time_point at = Clock::now();
  PrefixStore store(engine, {.folder = folder});
  const double opened = seconds_since(at);
  Session other(engine, 8192);
  const int length = store.restore(keys, other);
  std::printf("prefix: %d positions from disk in %.3f s, of them %.3f s to look at the folder\n",
              length, seconds_since(at), opened);
  std::error_code error;
  std::filesystem::remove_all(folder, error);
}

static void cancel(const Engine& engine) {
  Scheduler scheduler(engine, {.slots = 2, .context = 8192});
  GenerateOptions endless;
  endless.max_tokens = 8000;
  for (const Special which : {Special::eos, Special::turn_end, Special::turn_begin})
    if (const TokenId id = engine.tokenizer().special(which); id >= 0)
      endless.suppress.push_back(id);
  std::stop_source stop_beside;
  std::promise<void> beside_done;
  ServeRequest beside;
  beside.prompt.positions = text(20, 1);
  beside.options = endless;
  if (!scheduler.submit(std::move(beside),
                        {.on_done = [&](base::Result<Generated>) { beside_done.set_value(); }},
                        stop_beside.get_token()))
    return;
  for (const bool reading : {true, false}) {
    std::vector<double> times;
    for (uint32_t i = 0; i < 20; ++i) {
      std::stop_source stop;
      std::promise<void> begun, over;
      std::atomic<bool> told = false;
      const auto begin = [&] {
        if (!told.exchange(true)) begun.set_value();
      };
      ServeRequest request;
      request.prompt.positions = text(reading ? 8000 : 20, 100 + i);
      request.options = endless;
      ServeSink sink;
      if (reading)
        sink.on_progress = [&](const ServeProgress& p) {
          if (p.read > 0) begin();
        };
      else
        sink.on_event = [&](const ReplyEvent&) { begin(); };
      sink.on_done = [&](base::Result<Generated>) { over.set_value(); };
      if (!scheduler.submit(std::move(request), std::move(sink), stop.get_token())) return;
      begun.get_future().wait();
      std::this_thread::sleep_for(std::chrono::milliseconds(7 * i));
      const Clock::time_point at = Clock::now();
      stop.request_stop();
      over.get_future().wait();
      times.push_back(1e3 * seconds_since(at));
    }
    std::printf("cancel, %s: median %.1f ms, worst %.1f ms\n", reading ? "reading" : "replying",
                median(times), *std::max_element(times.begin(), times.end()));
  }
  stop_beside.request_stop();
  beside_done.get_future().wait();
}

static void equal(const char* path) {
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    const base::Result<Engine> engine = Engine::load(path, {.precision = precision});
    if (!engine) return;
    const std::vector<Position> prompt = text(640, 1);
    const std::vector<PositionKey> keys = keys_of(prompt);
    Session once(*engine, 1024), pieces(*engine, 1024), back(*engine, 1024);
    if (!once.prefill(prompt, {})) return;
    while (pieces.size() < 600)
      if (!pieces.read(prompt, keys, std::min(90, 600 - pieces.size()), {})) return;
    const auto rows = pieces.save(0);
    while (pieces.size() < 640)
      if (!pieces.read(prompt, keys, 7, {})) return;
    const StoredRows stored[] = {{600, *rows}};
    if (!back.restore(std::span(keys).first(600), stored) || !back.prefill(prompt, {})) return;
    const auto same = [&](Session& other) {
      return std::equal(once.logits().begin(), once.logits().end(), other.logits().begin());
    };
    std::printf("equal, %s: in pieces %s, restored %s\n",
                precision == Precision::f32 ? "f32" : "bf16", same(pieces) ? "yes" : "NO",
                same(back) ? "yes" : "NO");
  }
}

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: serve_speed MODEL [decode|prefix|read|cancel|equal]\n");
    return 2;
  }
  const std::string what = argc > 2 ? argv[2] : "";
  base::Result<Engine> engine = Engine::load(argv[1], {});
  if (!engine) {
    std::fprintf(stderr, "serve_speed: %s\n", engine.error().message.c_str());
    return 5;
  }
  if (what.empty() || what == "decode") decode(*engine);
  if (what.empty() || what == "read") read(*engine);
  if (what.empty() || what == "prefix") prefix(*engine);
  if (what.empty() || what == "cancel") cancel(*engine);
  if (what.empty() || what == "equal") equal(argv[1]);
  return 0;
}
