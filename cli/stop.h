#pragma once

#include <stop_token>

namespace cli {

/// Of the whole program: stopped by SIGINT and SIGTERM once stop_on_signals() was called.
std::stop_token program_stop();
/// From here on those signals ask the program to stop, where else they end it.
void stop_on_signals();

}  // namespace cli
