#include "agent/mcp/config.h"

#include <algorithm>
#include <cstdlib>

#include "agent/endpoint/wire.h"
#include "base/json.h"
#include "policies/never.h"

namespace agent::mcp {

using base::Errc;
using base::Error;
using base::Result;
using nlohmann::json;

namespace {

constexpr size_t kMaxServers = 16, kMaxSettings = 64, kMaxSettingText = 8192;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_server_name(std::string_view name) {
  return !name.empty() && name.size() <= 32 && name.find("__") == name.npos &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || c == '-'; });
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

/// Reads the fields of one server.
class Reader {
 public:
  Reader(std::string where, const json& entry, bool variables)
      : where_(std::move(where)), entry_(entry), variables_(variables) {}

  Error wrong(const std::string& field, const std::string& why) const {
    return {Errc::corrupt, where_ + "." + field + ": " + why};
  }

  bool has(const char* key) const { return entry_.contains(key) && !entry_[key].is_null(); }

  Result<std::string> text(const char* key) const { return text_of(key, entry_[key]); }

  Result<std::vector<std::string>> texts(const char* key) const {
    std::vector<std::string> list;
    if (!has(key)) return list;
    if (!entry_[key].is_array() || entry_[key].size() > kMaxSettings)
      return wrong(key, "expected a list of at most 64 texts");
    for (const json& one : entry_[key]) {
      Result<std::string> text = text_of(key, one);
      if (!text) return text.error();
      list.push_back(std::move(*text));
    }
    return list;
  }

  Result<HttpFields> pairs(const char* key) const {
    HttpFields list;
    if (!has(key)) return list;
    if (!entry_[key].is_object() || entry_[key].size() > kMaxSettings)
      return wrong(key, "expected an object of at most 64 texts");
    for (const auto& [name, value] : entry_[key].items()) {
      const std::string field = std::string(key) + "." + name;
      Result<std::string> text = text_of(field, value);
      if (!text) return text.error();
      Result<std::string> expanded = expand(field, *text);
      if (!expanded) return expanded.error();
      list.emplace_back(name, std::move(*expanded));
    }
    return list;
  }

  Result<std::chrono::seconds> seconds(const char* key, std::chrono::seconds otherwise) const {
    if (!has(key)) return otherwise;
    const json& n = entry_[key];
    if (!n.is_number() || n.get<double>() < 1 || n.get<double>() > 3600)
      return wrong(key, "expected 1 to 3600");
    return std::chrono::seconds(static_cast<int>(n.get<double>()));
  }

 private:
  Result<std::string> text_of(const std::string& field, const json& value) const {
    if (!value.is_string() || value.get_ref<const std::string&>().size() > kMaxSettingText ||
        value.get_ref<const std::string&>().find('\0') != std::string::npos)
      return wrong(field, "expected a text of at most 8 KiB");
    return value.get<std::string>();
  }

  /// ${NAME} becomes the variable of the environment, ${NAME:-TEXT} the text where there is none.
  Result<std::string> expand(const std::string& field, const std::string& text) const {
    std::string out;
    for (size_t at = 0; at < text.size();) {
      const size_t begin = std::min(text.find("${", at), text.size());
      out += text.substr(at, begin - at);
      at = begin;
      if (at == text.size()) break;
      const size_t end = text.find('}', at);
      if (end == text.npos) return wrong(field, "a ${ without }");
      std::string name = text.substr(at + 2, end - at - 2), otherwise;
      const size_t dash = name.find(":-");
      if (dash != name.npos) {
        otherwise = name.substr(dash + 2);
        name.resize(dash);
      }
      if (name.empty() || !std::all_of(name.begin(), name.end(), is_letter))
        return wrong(field, "${" + name + "} names no variable");
      if (!variables_)
        return wrong(field,
                     "a file of the workspace gets no variables of the environment; copy it "
                     "to a folder of yours");
      const char* value = std::getenv(name.c_str());
      if (value == nullptr && dash == std::string::npos)
        return wrong(field, "the variable " + name + " is not set");
      out += value != nullptr ? value : otherwise;
      at = end + 1;
    }
    return out;
  }

  std::string where_;
  const json& entry_;
  bool variables_;
};

base::Status read_program(const Reader& reader, ServerConfig& server) {
  Result<std::string> command = reader.text("command");
  if (!command) return command.error();
  if (command->empty()) return reader.wrong("command", "names no program");
  Result<std::vector<std::string>> args = reader.texts("args");
  if (!args) return args.error();
  server.command = {std::move(*command)};
  server.command.insert(server.command.end(), args->begin(), args->end());
  Result<HttpFields> env = reader.pairs("env");
  if (!env) return env.error();
  server.env = std::move(*env);
  Result<std::vector<std::string>> hosts = reader.texts("network");
  if (!hosts) return hosts.error();
  for (const std::string& host : *hosts) {
    // A host alone is its HTTPS port.
    Result<policies::HostPattern> pattern = policies::HostPattern::parse(host, false);
    if (!pattern && host.find(':') == host.npos)
      pattern = policies::HostPattern::parse(host + ":443", false);
    if (!pattern) return reader.wrong("network", pattern.error().message);
    server.network.push_back(std::move(*pattern));
  }
  Result<std::vector<std::string>> folders = reader.texts("read");
  if (!folders) return folders.error();
  const char* home = std::getenv("HOME");
  for (const std::string& folder : *folders) {
    const std::filesystem::path path = policies::expand_home(folder);
    if (path.empty()) return reader.wrong("read", folder + " is no absolute path without ..");
    const std::string never = policies::never_reason(path, home != nullptr ? home : "", false);
    if (!never.empty()) return reader.wrong("read", folder + " " + never);
    server.read.push_back(path);
  }
  return base::Ok{};
}

base::Status read_address(const Reader& reader, ServerConfig& server) {
  Result<std::string> address = reader.text("url");
  if (!address) return address.error();
  Result<EndpointUrl> url = parse_http_url(*address);
  if (!url) return reader.wrong("url", url.error().message);
  server.url = std::move(*url);
  Result<HttpFields> headers = reader.pairs("headers");
  if (!headers) return headers.error();
  for (const auto& [name, value] : *headers) {
    const bool token = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return is_letter(c) || c == '-';
    });
    if (!token || !is_printable(value))
      return reader.wrong("headers", name + ": not a field of a request's head");
  }
  server.headers = std::move(*headers);
  return base::Ok{};
}

Result<ServerConfig> read_server(const std::string& origin, const std::string& name,
                                 const json& entry, bool variables) {
  ServerConfig server{.name = name};
  const Reader reader(origin + ": " + name, entry, variables);
  if (!is_server_name(name))
    return Error{Errc::corrupt, origin +
                                    ": a server's name is 1 to 32 letters, digits, _ and -, "
                                    "without two _ in a row"};
  if (!entry.is_object()) return Error{Errc::corrupt, origin + ": " + name + ": not an object"};
  if (reader.has("command") == reader.has("url"))
    return reader.wrong("command", "expected either \"command\" or \"url\"");
  if (entry.value("type", json("")) == "sse" || entry.value("transport", json("")) == "sse")
    return reader.wrong("type",
                        "the old transport \"sse\" is not spoken; use the server's "
                        "streamable HTTP address");
  if (base::Status s =
          reader.has("command") ? read_program(reader, server) : read_address(reader, server);
      !s)
    return s.error();
  Result<std::chrono::seconds> startup = reader.seconds("startup_timeout_sec", server.startup_time);
  if (!startup) return startup.error();
  server.startup_time = *startup;
  Result<std::chrono::seconds> call = reader.seconds("tool_timeout_sec", server.call_time);
  if (!call) return call.error();
  server.call_time = *call;
  return server;
}

}  // namespace

Result<std::vector<ServerConfig>> parse_servers(std::string_view text, const std::string& origin,
                                                bool variables) {
  const json file = parse_bounded(text);
  if (!file.is_object()) return Error{Errc::corrupt, origin + ": not a JSON object"};
  const char* key = file.contains("mcpServers") ? "mcpServers" : "servers";
  if (!file.contains(key) || !file[key].is_object())
    return Error{Errc::corrupt, origin + ": has no object \"mcpServers\""};
  if (file[key].size() > kMaxServers)
    return Error{Errc::corrupt, origin + ": more than 16 servers"};
  std::vector<ServerConfig> servers;
  for (const auto& [name, entry] : file[key].items()) {
    if (entry.is_object() && entry.value("disabled", json(false)) == true) continue;
    Result<ServerConfig> server = read_server(origin, name, entry, variables);
    if (!server) return server.error();
    servers.push_back(std::move(*server));
  }
  return servers;
}

policies::Policy server_policy(const ServerConfig& server) {
  policies::Policy policy = *policies::builtin("strict");
  policy.name = "mcp server " + server.name;
  policy.network.hosts = server.network;
  policy.paths.read = server.read;
  policy.limits.cpu = std::chrono::minutes(10);
  policy.limits.memory_bytes = 1ull << 30;
  policy.limits.output_bytes = 16ull << 20;  // of one message
  policy.limits.processes = 128;
  policy.limits.open_files = 256;
  return policy;
}

}  // namespace agent::mcp
