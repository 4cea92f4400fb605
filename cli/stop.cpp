#include "cli/stop.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace cli {

namespace {
std::stop_source g_stop;
volatile std::sig_atomic_t g_signal = 0, g_terminal = 0;

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

void leave_on_signals() {
  const auto leave = [](int) {
    // In a handler nothing else is safe. The status line, if there is one, is written over.
    static constexpr char kLine[] = "tessera: stopped\n", kClear[] = "\r\x1b[K";
    if (g_terminal && ::write(STDERR_FILENO, kClear, sizeof kClear - 1) < 0) ::_exit(1);
    if (::write(STDERR_FILENO, kLine, sizeof kLine - 1) < 0) ::_exit(1);
    ::_exit(1);
  };
  g_terminal = ::isatty(STDERR_FILENO) != 0 ? 1 : 0;
  // What whoever started the program wants ignored stays so; the first call sees it.
  const auto ignored = [](int signal) {
    struct sigaction now = {};
    return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
  };
  static const bool ignored_at_first[] = {ignored(SIGINT), ignored(SIGTERM)};
  if (!ignored_at_first[0]) std::signal(SIGINT, leave);
  if (!ignored_at_first[1]) std::signal(SIGTERM, leave);
}

void leave_now(int code) {
  std::fflush(nullptr);
  ::_exit(code);
}

void end_on_signals() {
  leave_on_signals();
  g_signal = 0;
  if (g_stop.stop_requested()) g_stop = std::stop_source();
}

int stop_signal() { return g_signal; }

}  // namespace cli
