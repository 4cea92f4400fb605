// How long after a request is given up its slot is free: while its prompt is read, and while it is
// answered beside another one whose prompt is read.
//
//   serve_leave MODEL [TIMES=20] [TOKENS=7000]
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <random>
#include <thread>

#include "model/serve/scheduler.h"

using namespace model;
using Clock = std::chrono::steady_clock;

namespace {

struct Request {
  std::stop_source stop;
  std::mutex mutex;
  std::condition_variable changed;
  int read = 0, events = 0;
  bool done = false;
  Clock::time_point end = {};

  void start(Scheduler& scheduler, int n, uint32_t seed, int max_tokens) {
    ServeRequest request;
    std::mt19937 random(seed);
    for (int i = 0; i < n; ++i)
      request.prompt.positions.push_back({.id = static_cast<TokenId>(1000 + random() % 50'000)});
    request.options.max_tokens = max_tokens;
    request.options.suppress = {1, 106};
    const auto told = [this](auto set) {
      const std::lock_guard lock(mutex);
      set();
      changed.notify_all();
    };
    const base::Status status = scheduler.submit(
        std::move(request),
        {.on_progress = [=, this](const ServeProgress& p) { told([&] { read = p.read; }); },
         .on_event = [=, this](const ReplyEvent&) { told([&] { ++events; }); },
         .on_done =
             [=, this](base::Result<Generated>) {
               told([&] {
                 end = Clock::now();
                 done = true;
               });
             }},
        stop.get_token());
    if (!status) {
      std::fprintf(stderr, "%s\n", status.error().message.c_str());
      std::exit(1);
    }
  }
  template <class Ready>
  void wait_for(Ready ready) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done || ready(); });
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: serve_leave MODEL [TIMES] [TOKENS]\n");
    return 2;
  }
  const int times = argc > 2 ? std::atoi(argv[2]) : 20;
  const int tokens = argc > 3 ? std::atoi(argv[3]) : 7000;
  const base::Result<Engine> engine = Engine::load(argv[1], {});
  if (!engine) {
    std::fprintf(stderr, "%s\n", engine.error().message.c_str());
    return 1;
  }
  Scheduler scheduler(*engine, {.context = 16384});
  std::mt19937 random(1);
  for (const bool beside : {false, true}) {
    std::vector<double> took;
    for (int i = 0; i < times; ++i) {
      Request one, other;
      if (beside) {
        one.start(scheduler, 10, random(), 4000);
        one.wait_for([&] { return one.events > 0; });
        other.start(scheduler, tokens, random(), 1);
        other.wait_for([&] { return other.read > 0; });
      } else {
        one.start(scheduler, tokens, random(), 1);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(100 + random() % 900));
      const Clock::time_point begin = Clock::now();
      one.stop.request_stop();
      one.wait_for([] { return false; });
      took.push_back(std::chrono::duration<double, std::milli>(one.end - begin).count());
      other.stop.request_stop();
      if (beside) other.wait_for([] { return false; });
    }
    std::sort(took.begin(), took.end());
    std::printf("%s: %zu times, median %.1f ms, p90 %.1f ms, most %.1f ms\n",
                beside ? "answered beside another one's prompt" : "its prompt is read", took.size(),
                took[took.size() / 2], took[took.size() * 9 / 10], took.back());
  }
  return 0;
}
