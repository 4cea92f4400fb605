#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>
#include "base/json.h"

#include "agent/mcp/transport.h"

namespace agent::mcp {

/// A tool as its server describes it.
struct ToolInfo {
  std::string name, description;
  nlohmann::json schema;  ///< of its arguments; an object
};

/// What a call gave: text for the model, and pictures as encoded files.
struct ToolAnswer {
  std::string text;
  bool error = false;  ///< the text begins with "error: "
  std::vector<std::string> pictures = {};
};

/// One session with one server, from the client's side. What the server asks meanwhile (ping,
/// roots) is answered; what it cannot ask here gets an error. Belongs to one thread at a time.
class Client {
 public:
  using Deadline = Transport::Deadline;

  /// Introduces itself. root: told to a server that asks for the folders; empty: none is told.
  /// Errors: those of Transport::exchange(), unsupported (no version in common).
  static base::Result<std::unique_ptr<Client>> connect(std::unique_ptr<Transport> transport,
                                                       const std::filesystem::path& root,
                                                       Deadline deadline, std::stop_token stop);

  const std::string& version() const { return version_; }
  bool offers_resources() const { return offers_resources_; }

  /// All pages, at most 256 tools. One without a usable name or schema is left out.
  /// Errors: those of Transport::exchange(), corrupt.
  base::Result<std::vector<ToolInfo>> tools(Deadline deadline, std::stop_token stop);

  /// What the server said of it, also when that is that it failed; bounded in size.
  /// Errors: those of Transport::exchange().
  base::Result<ToolAnswer> call(const std::string& tool, const nlohmann::json& arguments,
                                Deadline deadline, std::stop_token stop);

  /// What can be read, and templates of it, a line each: at most 256. Errors: as call().
  base::Result<ToolAnswer> resources(Deadline deadline, std::stop_token stop);
  /// Errors: as call().
  base::Result<ToolAnswer> read(const std::string& uri, Deadline deadline, std::stop_token stop);

 private:
  Client(std::unique_ptr<Transport> transport, std::filesystem::path root)
      : transport_(std::move(transport)), root_(std::move(root)) {}
  base::Status introduce(Deadline deadline, std::stop_token stop);
  /// A request and the reply to it. One that is not answered in time is called off.
  base::Result<Message> ask(std::string_view method, const nlohmann::json& params,
                            Deadline deadline, std::stop_token stop);
  base::Result<Message> ask_once(std::string_view method, const nlohmann::json& params,
                                 Deadline deadline, std::stop_token stop);
  /// All pages of a list, at most 256 entries; `each` is given one after the other.
  /// Errors: as ask(), corrupt.
  base::Status list(const std::string& what, const std::string& key,
                    const std::function<void(const nlohmann::json&)>& each, Deadline deadline,
                    std::stop_token stop);
  void answer(const Message& request, Deadline deadline, std::stop_token stop);

  std::unique_ptr<Transport> transport_;
  std::filesystem::path root_;
  std::string version_;
  int64_t last_id_ = 0;
  bool introduced_ = false, offers_tools_ = false, offers_resources_ = false;
};

/// A result of tools/call as a model gets to see it.
ToolAnswer read_tool_result(const nlohmann::json& result);

}  // namespace agent::mcp
