#include "cli/extensions.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/file.h"
#include "base/paths.h"

namespace cli {

using base::Errc;
using base::Error;
namespace fs = std::filesystem;

namespace {

constexpr size_t kMaxConfig = 1 << 20;

void notice(const std::string& sentence) {
  // A server's words may be in it, and they do not steer the terminal.
  std::string clean = sentence;
  for (char& c : clean)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  std::fprintf(stderr, "note: %s\n", clean.c_str());
}

bool is_below(const fs::path& path, const fs::path& folder) {
  std::error_code ec;
  return base::is_below(fs::weakly_canonical(path, ec), folder);
}

/// The config folder, if it may be used with this workspace; empty where there is none.
base::Result<fs::path> usable_folder(const tools::Toolbox& toolbox) {
  const fs::path folder = config_folder();
  std::error_code ec;
  if (folder.empty()) return fs::path();
  // Also where it is not there yet: a run could make it.
  const fs::path real = fs::weakly_canonical(folder, ec);
  if (ec || is_below(real, toolbox.workspace()) || is_below(toolbox.workspace(), real))
    return Error{Errc::refused, "no run may change your config folder (" + folder.string() +
                                    "), and " + toolbox.workspace().string() +
                                    " lies in it or holds it; choose another --workspace"};
  if (!fs::is_directory(folder, ec)) return fs::path();
  return folder;
}

base::Result<agent::Hooks> hooks_in(const fs::path& folder) {
  std::error_code ec;
  const fs::path file = folder / "hooks.json";
  if (folder.empty() || !fs::exists(file, ec)) return agent::Hooks();
  base::Result<std::string> text = base::read_file(file, kMaxConfig);
  if (!text) return text.error();
  return agent::Hooks::parse(*text, file.string(), folder);
}

base::Result<agent::mcp::Servers> servers_in(const std::string& given, const fs::path& folder,
                                             tools::Toolbox& toolbox, std::stop_token stop) {
  std::error_code ec;
  const fs::path file = given.empty() ? folder / "mcp.json" : fs::path(given);
  if (given.empty() && (folder.empty() || !fs::exists(file, ec))) return agent::mcp::Servers();
  base::Result<std::string> text = base::read_file(file, kMaxConfig);
  if (!text) return text.error();
  base::Result<std::vector<agent::mcp::ServerConfig>> servers =
      agent::mcp::parse_servers(*text, file.string(), !is_below(file, toolbox.workspace()));
  if (!servers) return servers.error();
  return agent::mcp::Servers::start({.servers = std::move(*servers), .notice = notice},
                                    toolbox.guard(), stop);
}

}  // namespace

fs::path config_folder() {
  if (const char* config = std::getenv("XDG_CONFIG_HOME"); config != nullptr && *config == '/')
    return fs::path(config) / "tessera";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return fs::path(home) / ".config" / "tessera";
  return {};
}

base::Result<agent::Hooks> load_hooks(const tools::Toolbox& toolbox) {
  const base::Result<fs::path> folder = usable_folder(toolbox);
  if (!folder) return folder.error();
  return hooks_in(*folder);
}

base::Result<agent::Extensions> load_extensions(const ExtensionOptions& options, bool free,
                                                tools::Toolbox& toolbox, std::stop_token stop) {
  agent::Extensions extensions;
  const base::Result<fs::path> folder = usable_folder(toolbox);
  if (!folder) return folder.error();
  base::Result<agent::Hooks> hooks = hooks_in(*folder);
  if (!hooks) return hooks.error();
  extensions.hooks = std::move(*hooks);
  if (!free) return extensions;
  std::vector<fs::path> skill_folders(options.skill_folders.begin(), options.skill_folders.end());
  std::error_code ec;
  if (!folder->empty() && fs::is_directory(*folder / "skills", ec))
    skill_folders.push_back(*folder / "skills");
  base::Result<agent::Skills> skills = agent::Skills::find(skill_folders, notice);
  if (!skills) return skills.error();
  extensions.skills = std::move(*skills);
  base::Result<agent::mcp::Servers> servers =
      servers_in(options.mcp_file, *folder, toolbox, std::move(stop));
  if (!servers) return servers.error();
  extensions.servers = std::move(*servers);
  return extensions;
}

}  // namespace cli
