#pragma once

#include <stop_token>

namespace cli {

/// Of the whole program: stopped by SIGINT and SIGTERM once stop_on_signals() was called.
std::stop_token program_stop();
/// From here on those signals ask the program to stop, where else they end it.
void stop_on_signals();
/// The same for the first one; a second one ends the program at once.
void stop_on_first_signal();
/// From here on those signals end the program with a sentence and the exit code of what was
/// stopped, 1.
void leave_on_signals();
/// Ends the program now, without waiting for its threads: for what cannot be stopped otherwise.
[[noreturn]] void leave_now(int code);
/// They do that again, and program_stop() is one that nobody has asked to stop: between two
/// requests of one program.
void end_on_signals();
/// The last signal that asked the program to stop, or 0.
int stop_signal();

}  // namespace cli
