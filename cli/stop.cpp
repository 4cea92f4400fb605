#include "cli/stop.h"

#include <csignal>

namespace cli {

namespace {
std::stop_source g_stop;
}

std::stop_token program_stop() { return g_stop.get_token(); }

void stop_on_signals() {
  std::signal(SIGINT, [](int) { g_stop.request_stop(); });
  std::signal(SIGTERM, [](int) { g_stop.request_stop(); });
}

}  // namespace cli
