#pragma once

#include <stop_token>
#include <string>
#include "base/json.h"

#include "agent/extensions.h"
#include "tools/toolbox/toolbox.h"

namespace agent::mcp {

/// The tools that Tessera offers to other programs: those for data, charts and files, with the
/// descriptions that our own models of servers get, and undo. Belongs to one thread.
class Offer {
 public:
  /// toolbox: with file_tools; outlives this. extensions: its hooks hold here too; may be null.
  Offer(const tools::Toolbox& toolbox, const Extensions* extensions);

  /// The list of tools/list.
  const nlohmann::json& list() const { return list_; }
  /// What a model should know of all of them.
  static std::string instructions();
  bool has(const std::string& name) const;
  /// A result of tools/call; one that failed says so ("isError"). Errors: cancelled.
  base::Result<nlohmann::json> call(const std::string& name, const nlohmann::json& arguments,
                                    std::stop_token stop) const;

 private:
  base::Result<tools::Observation> carry_out(const std::string& name,
                                             const nlohmann::json& arguments,
                                             std::stop_token stop) const;
  const tools::Toolbox& toolbox_;
  const Extensions* extensions_;
  nlohmann::json list_ = nlohmann::json::array();
};

}  // namespace agent::mcp
