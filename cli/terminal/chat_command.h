#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cli {

/// What a line of `tessera chat` that begins with a slash may ask for.
struct ChatCommand {
  std::string_view name, argument, help;
};
std::span<const ChatCommand> chat_commands();

struct CommandLine {
  std::string name;  ///< without the slash
  std::string argument;
};
/// Nothing if the line is a request; one that begins with a path is one.
std::optional<CommandLine> command_of(std::string_view line);

/// The command whose name is most like this one, or "" if none is.
std::string_view nearest_command(std::string_view name);

/// What /help says.
std::string help_text();

}  // namespace cli
