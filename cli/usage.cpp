#include "cli/usage.h"

#include <algorithm>
#include <vector>

namespace cli {
namespace {

/// Letters to add, leave out, replace or swap with the next, to make `a` of `b`.
size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<size_t>> d(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) {
    for (size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] =
          std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

/// "; did you mean `x`?", or nothing if no name is like it.
std::string meant(const std::string& word, const std::vector<std::string>& names) {
  std::string best;
  size_t least = std::max<size_t>(word.size() / 3, 1) + 1;
  for (const std::string& name : names)
    if (const size_t d = word.size() > 40 ? least : distance(word, name); d < least) {
      least = d;
      best = name;
    }
  return best.empty() ? "" : ", did you mean `" + best + "`?";
}

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* c : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!c->get_group().empty()) names.push_back(c->get_name());
  return names;
}

std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* o : app.get_options())
    for (const std::string& name : o->get_lnames()) names.push_back("--" + name);
  return names;
}

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// "FILE is required" says no more than a name; the help has what it stands for.
std::string what_is_required(const CLI::App& app, const std::string& message) {
  for (const CLI::Option* o : app.get_options()) {
    const std::string name = o->get_name(!o->nonpositional());
    if (message == name + " is required")
      return name + " is missing" +
             (o->get_description().empty() ? "" : " (" + o->get_description() + ")");
  }
  return message;
}

}  // namespace

std::string usage_sentence(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = &app;
  std::string path = app.get_name();
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    path += " " + command->get_name();
  }
  std::vector<std::string> left =
      app.remaining(true);  // of all levels: a command hands up what it does not know
  std::erase(left, "--");
  const std::string help = "; see `" + path + " --help`";
  const bool top = command == &app;
  const std::string name = top ? "" : path.substr(path.find(' ') + 1);
  const std::string has_no = top ? "there is no " : "`" + name + "` has no ";
  const std::vector<std::string> commands = commands_of(*command);
  if (!left.empty() && left[0].starts_with("-") && left[0].size() > 1) {
    const std::string option = left[0].substr(0, left[0].find('='));
    return has_no + "option `" + option + "`" + meant(option, options_of(*command)) + help;
  }
  if (!commands.empty() && !left.empty())
    return has_no + "command `" + left[0] + "`" + meant(left[0], commands) + help;
  if (!commands.empty() && top)
    return "a command is missing; try: tessera doctor, tessera examples, or tessera run \"what you "
           "want to know\"" +
           help;
  if (!commands.empty())
    return "`" + name + "` needs one of its commands: " + list(commands) + help;
  if (!left.empty())
    return name + ": `" + left[0] + "` is one word too many; a text with spaces stands in quotes" +
           help;
  return name + ": " + what_is_required(*command, error.what()) + help;
}

}  // namespace cli
