#include "cli/stop.h"

#include <csignal>

namespace cli {

namespace {
std::stop_source g_stop;
volatile std::sig_atomic_t g_signal = 0;

void on_signal(int signal) {
  g_signal = signal;
  g_stop.request_stop();
}
}  // namespace

std::stop_token program_stop() { return g_stop.get_token(); }

void stop_on_signals() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

void stop_on_first_signal() {
  const auto once = [](int signal) {
    std::signal(signal, SIG_DFL);
    on_signal(signal);
  };
  std::signal(SIGINT, once);
  std::signal(SIGTERM, once);
}

void end_on_signals() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  g_signal = 0;
  if (g_stop.stop_requested()) g_stop = std::stop_source();
}

int stop_signal() { return g_signal; }

}  // namespace cli
