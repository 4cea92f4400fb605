#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace cli {

/// An option or argument of a command, as its help names it.
struct OptionText {
  std::vector<std::string> names = {};  ///< "-h", "--help"; of an argument its one name
  std::string value = {};               ///< what it takes ("TEXT"); empty for a flag
  std::string description;
  std::vector<std::string> choices = {};  ///< the only values there are, if they are listed
  bool argument = false, required = false;
};

/// A command as the program itself describes it.
struct CommandText {
  std::string path;  ///< "tessera data query"
  std::string description;
  std::vector<OptionText> options = {};
  std::vector<std::string> commands = {};  ///< names of the commands below it
};

/// The program and all commands, each before those below it; hidden ones are left out.
std::vector<CommandText> describe(const CLI::App& app);

/// The manual page tessera(1), in man(7).
std::string man_page(const std::vector<CommandText>& commands);

/// A completion script. shell: bash, zsh or fish.
std::string completion(const std::vector<CommandText>& commands, const std::string& shell);

}  // namespace cli
