#include "cli/describe.h"

#include <memory>

namespace cli {
namespace {

/// CLI11 writes the values of IsMember as "TEXT:{csv,json}".
std::vector<std::string> choices_in(const std::string& type) {
  const size_t begin = type.find(":{"), end = type.rfind('}');
  std::vector<std::string> choices;
  if (begin == type.npos || end == type.npos || end < begin) return choices;
  for (size_t at = begin + 2; at < end;) {
    const size_t comma = std::min(type.find(',', at), end);
    choices.push_back(type.substr(at, comma - at));
    at = comma + 1;
  }
  return choices;
}

OptionText describe(const CLI::Option& option) {
  OptionText text{.description = option.get_description(), .required = option.get_required()};
  for (const std::string& name : option.get_snames()) text.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) text.names.push_back("--" + name);
  text.argument = text.names.empty();
  if (text.argument) text.names.push_back(option.get_name(true));
  if (option.get_items_expected_max() == 0) return text;
  const std::string type = option.get_type_name();
  text.choices = choices_in(type);
  text.value = type.substr(0, type.find(':'));
  return text;
}

void add(const CLI::App& app, const std::string& path, std::vector<CommandText>& all) {
  CommandText text{.path = path, .description = app.get_description()};
  for (const CLI::Option* option : app.get_options())
    if (!option->get_group().empty()) text.options.push_back(describe(*option));
  const std::vector<const CLI::App*> below =
      app.get_subcommands([](const CLI::App* c) { return !c->get_group().empty(); });
  for (const CLI::App* c : below) text.commands.push_back(c->get_name());
  all.push_back(std::move(text));
  for (const CLI::App* c : below) add(*c, path + " " + c->get_name(), all);
}

}  // namespace

std::vector<CommandText> describe(const CLI::App& app) {
  std::vector<CommandText> all;
  add(app, app.get_name(), all);
  return all;
}

void add_describe(CLI::App& app, Action& action) {
  const auto shell = std::make_shared<std::string>();
  CLI::App* c = app.add_subcommand("completion", "A completion script for bash, zsh or fish.");
  c->add_option("shell", *shell, "of which shell")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  c->callback([&app, &action, shell] {
    action = [&app, shell] {
      std::fputs(completion(describe(app), *shell).c_str(), stdout);
      return kDone;
    };
  });
  CLI::App* m = app.add_subcommand("man", "The manual page, as troff.");
  m->group("");  // for the build; a person types `man tessera`
  m->callback([&app, &action] {
    action = [&app] {
      std::fputs(man_page(describe(app)).c_str(), stdout);
      return kDone;
    };
  });
}

}  // namespace cli
