// Completion scripts for three shells. Each finds the command that is being typed by walking over
// the words, then offers its commands, its options or the listed values of the option before;
// anything else is a file.
#include <algorithm>

#include "cli/describe.h"

namespace cli {
namespace {

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : between) + word;
  return out;
}

/// In single quotes, as bash and zsh read them.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string fish_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += (c == '\'' || c == '\\' ? "\\" : "") + std::string(1, c);
  return out + "'";
}

std::vector<std::string> names_of_options(const CommandText& c) {
  std::vector<std::string> names;
  for (const OptionText& o : c.options)
    if (!o.argument) names.insert(names.end(), o.names.begin(), o.names.end());
  return names;
}

/// The options whose next word is a value, as alternatives of a `case` over "$where $word".
std::string options_with_value(const CommandText& c) {
  std::vector<std::string> words;
  for (const OptionText& o : c.options)
    if (!o.argument && !o.value.empty())
      for (const std::string& name : o.names) words.push_back("'" + c.path + " " + name + "'");
  return joined(words, "|");
}

/// Every "COMMAND --option" with listed values, and "COMMAND" for those of its argument.
struct Choice {
  std::string where;
  std::vector<std::string> values;
};
std::vector<Choice> choices(const std::vector<CommandText>& commands) {
  std::vector<Choice> all;
  for (const CommandText& c : commands)
    for (const OptionText& o : c.options)
      if (!o.choices.empty())
        for (const std::string& name : o.names)
          all.push_back({o.argument ? c.path : c.path + " " + name, o.choices});
  return all;
}

/// The lines of a `case` over "$where $word" that go one command deeper.
std::string deeper(const std::vector<CommandText>& commands) {
  std::vector<std::string> paths;
  for (const CommandText& c : commands)
    if (c.path.find(' ') != c.path.npos) paths.push_back("'" + c.path + "'");
  return joined(paths, "|");
}

/// For each command the pattern of its options that take a value, between two texts.
std::string valued_lines(const std::vector<CommandText>& commands, const std::string& before,
                         const std::string& after) {
  std::string out;
  for (const CommandText& c : commands)
    if (const std::string valued = options_with_value(c); !valued.empty())
      out += before + valued + after;
  return out;
}

std::string bash(const std::vector<CommandText>& commands) {
  std::string out =
      "# bash completion for tessera; made by `tessera completion bash`\n"
      "_tessera() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} where=tessera i\n"
      "  [[ $cur == '=' ]] && cur=\n"
      "  [[ $prev == '=' ]] && prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
      "  COMPREPLY=()\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case \"$where ${COMP_WORDS[i]}\" in\n"
      "      " +
      deeper(commands) + ") where=\"$where ${COMP_WORDS[i]}\" ;;\n";
  out += valued_lines(commands, "      ", ") ((i++)) ;;\n");
  out +=
      "    esac\n"
      "  done\n"
      "  case \"$where $prev\" in\n";
  for (const Choice& c : choices(commands))
    if (c.where.find(" -") != c.where.npos)
      out += "    '" + c.where + "') COMPREPLY=($(compgen -W '" + joined(c.values, " ") +
             "' -- \"$cur\")); return ;;\n";
  out += valued_lines(commands, "    ", ") return ;;\n");
  out +=
      "  esac\n"
      "  case $where in\n";
  for (const CommandText& c : commands) {
    std::vector<std::string> words = c.commands;
    for (const Choice& choice : choices(commands))
      if (choice.where == c.path) words = choice.values;
    out += "    '" + c.path +
           "')\n"
           "      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W '" +
           joined(names_of_options(c), " ") + "' -- \"$cur\"))";
    if (!words.empty())
      out += "; else COMPREPLY=($(compgen -W '" + joined(words, " ") + "' -- \"$cur\"))";
    out += "; fi ;;\n";
  }
  return out +
         "  esac\n"
         "}\n"
         "complete -o bashdefault -o default -F _tessera tessera\n";
}

/// 'name:description' for _describe, which takes a colon of the name as the border.
std::string zsh_item(const std::string& name, const std::string& description) {
  std::string plain;
  for (const char c : name) plain += (c == ':' ? "\\" : "") + std::string(1, c);
  return quoted(plain + ":" + description);
}

std::string zsh(const std::vector<CommandText>& commands) {
  std::string out =
      "#compdef tessera\n"
      "# zsh completion for tessera; made by `tessera completion zsh`\n"
      "_tessera() {\n"
      "  local where=tessera prev=${words[CURRENT-1]} i\n"
      "  local -a items options\n"
      "  for ((i = 2; i < CURRENT; i++)); do\n"
      "    case \"$where ${words[i]}\" in\n"
      "      (" +
      deeper(commands) + ") where=\"$where ${words[i]}\" ;;\n";
  out += valued_lines(commands, "      (", ") ((i++)) ;;\n");
  out +=
      "    esac\n"
      "  done\n"
      "  case \"$where $prev\" in\n";
  for (const Choice& c : choices(commands))
    if (c.where.find(" -") != c.where.npos)
      out += "    ('" + c.where + "') compadd -- " + joined(c.values, " ") + "; return ;;\n";
  out += valued_lines(commands, "    (", ") _files; return ;;\n");
  out +=
      "  esac\n"
      "  case $where in\n";
  for (const CommandText& c : commands) {
    out += "    ('" + c.path + "')\n      options=(";
    for (const OptionText& o : c.options)
      if (!o.argument)
        for (const std::string& name : o.names) out += "\n        " + zsh_item(name, o.description);
    out += ")\n";
    if (!c.commands.empty()) {
      out += "      items=(";
      for (const std::string& name : c.commands)
        for (const CommandText& below : commands)
          if (below.path == c.path + " " + name)
            out += "\n        " + zsh_item(name, below.description);
      out += ")\n";
    }
    for (const Choice& choice : choices(commands))
      if (choice.where == c.path) out += "      items=(" + joined(choice.values, " ") + ")\n";
    out += "      ;;\n";
  }
  return out +
         "  esac\n"
         "  if [[ ${words[CURRENT]} == -* ]]; then\n"
         "    _describe -o option options\n"
         "  elif ((${#items})); then\n"
         "    _describe command items\n"
         "  else\n"
         "    _files\n"
         "  fi\n"
         "}\n"
         "if [[ $funcstack[1] == _tessera ]]; then _tessera \"$@\"; else compdef _tessera tessera; "
         "fi\n";
}

std::string fish(const std::vector<CommandText>& commands) {
  std::string out =
      "# fish completion for tessera; made by `tessera completion fish`\n"
      "function __tessera_at\n"
      "    set -l where tessera\n"
      "    set -l words (commandline -opc)\n"
      "    for word in $words[2..-1]\n"
      "        switch \"$where $word\"\n"
      "            case ";
  std::string paths = deeper(commands);
  std::replace(paths.begin(), paths.end(), '|', ' ');
  out += paths +
         "\n                set where \"$where $word\"\n"
         "        end\n"
         "    end\n"
         "    test \"$where\" = \"$argv[1]\"\n"
         "end\n";
  for (const CommandText& c : commands) {
    const std::string line = "complete -c tessera -n '__tessera_at \"" + c.path + "\"'";
    for (const std::string& name : c.commands)
      for (const CommandText& below : commands)
        if (below.path == c.path + " " + name)
          out += line + " -f -a " + name + " -d " + fish_quoted(below.description) + "\n";
    for (const OptionText& o : c.options) {
      out += line;
      if (!o.argument)
        for (const std::string& name : o.names)
          out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      if (!o.choices.empty())
        out += (o.argument ? " -f -a " : " -x -a ") + fish_quoted(joined(o.choices, " "));
      else if (o.argument)
        out += " -F";
      else if (!o.value.empty())
        out += " -r";
      out += " -d " + fish_quoted(o.description) + "\n";
    }
  }
  return out;
}

}  // namespace

std::string completion(const std::vector<CommandText>& commands, const std::string& shell) {
  return shell == "bash" ? bash(commands) : shell == "zsh" ? zsh(commands) : fish(commands);
}

}  // namespace cli
