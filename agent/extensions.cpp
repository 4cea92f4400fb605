#include "agent/extensions.h"

namespace agent {

using base::Errc;
using nlohmann::json;

namespace {

tools::Observation failed(const std::string& why) {
  return {.text = "error: " + why, .error = true};
}

/// A tool that the toolbox does not know. Errors: as Toolbox::call().
base::Result<tools::Observation> call_extension(const tools::Toolbox& toolbox,
                                                Extensions& extensions, const std::string& name,
                                                const json& arguments,
                                                std::chrono::steady_clock::time_point deadline,
                                                std::stop_token stop) {
  if (base::Status allowed = toolbox.guard().allow_tool(
          name, arguments.dump(-1, ' ', true, json::error_handler_t::replace));
      !allowed) {
    if (allowed.error().code != Errc::refused) return allowed.error();
    return failed(allowed.error().message);
  }
  if (!extensions.servers.offers(name)) {
    base::Result<std::string> text = extensions.skills.read(arguments);
    if (!text) return failed(text.error().message);
    return tools::Observation{.text = std::move(*text)};
  }
  base::Result<mcp::ToolAnswer> answer = extensions.servers.call(name, arguments, deadline, stop);
  if (!answer) return answer.error();
  return tools::Observation{.text = std::move(answer->text),
                            .error = answer->error,
                            .pictures = std::move(answer->pictures)};
}

}  // namespace

std::vector<model::ToolDeclaration> Extensions::tools() const {
  std::vector<model::ToolDeclaration> all = servers.tools();
  if (!skills.empty()) all.push_back(Skills::tool());
  return all;
}

bool Extensions::offers(const std::string& name) const {
  return servers.offers(name) || (name == "skill" && !skills.empty());
}

Prompt with_extensions(Prompt prompt, const Extensions& extensions) {
  for (model::ToolDeclaration& tool : extensions.tools()) prompt.tools.push_back(std::move(tool));
  const std::string skills = extensions.skills.listing();
  if (!skills.empty()) prompt.system += "\n\n" + skills;
  return prompt;
}

base::Result<tools::Observation> between_hooks(
    const tools::Toolbox& toolbox, const Extensions* extensions, const std::string& name,
    const json& arguments, const std::function<base::Result<tools::Observation>()>& call) {
  if (extensions == nullptr) return call();
  json event{{"tool", name}, {"arguments", arguments}, {"workspace", toolbox.workspace().string()}};
  if (const std::optional<std::string> why = extensions->hooks.before_call(name, event)) {
    if (base::Status logged = toolbox.guard().log("hook", {{"tool", name}, {"refused", *why}});
        !logged)
      return logged.error();
    return failed(*why);
  }
  base::Result<tools::Observation> result = call();
  if (!result) return result;
  event["result"] = result->text;
  event["error"] = result->error;
  for (const std::string& failure : extensions->hooks.after_call(name, event))
    if (base::Status logged = toolbox.guard().log("hook", {{"tool", name}, {"failed", failure}});
        !logged)
      return logged.error();
  return result;
}

base::Result<tools::Observation> call_tool(const tools::Toolbox& toolbox, Extensions* extensions,
                                           const std::string& name, const json& arguments,
                                           std::chrono::steady_clock::time_point deadline,
                                           std::stop_token stop) {
  return between_hooks(toolbox, extensions, name, arguments, [&] {
    return extensions != nullptr && extensions->offers(name)
               ? call_extension(toolbox, *extensions, name, arguments, deadline, stop)
               : toolbox.call(name, arguments, stop);
  });
}

}  // namespace agent
