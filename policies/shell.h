#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace policies {

/// One word of a simple command. What a variable, a pattern or a substitution stands for is only
/// known when the command is run.
struct ShellWord {
  std::string text;    ///< what is known of it, without quotes
  bool known = true;   ///< `text` is all of it
  bool single = true;  ///< it becomes exactly one word

  bool operator==(const ShellWord&) const = default;
};

/// A program and its arguments. A redirection that writes is a command of its own: `>` or `>>` and
/// the file.
using ShellCommand = std::vector<ShellWord>;

/// What was found in the text of a shell script.
struct ShellText {
  std::vector<ShellCommand> commands;
  std::string unread;  ///< the construct that could not be read; empty when all was
};

/// Splits what `sh -c` is given into its simple commands, also those in substitutions and
/// subshells, in no particular order. It reads less than a shell does and says so: whatever it is
/// not sure of is `unread`, and then `commands` may lack some. At most 64 KiB, 1000 commands and 16
/// levels are read.
ShellText split_shell(std::string_view text);

/// The words as a person would write them, for messages; an unknown one as its `text`.
std::string shell_line(const ShellCommand& command);

}  // namespace policies
