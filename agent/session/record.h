#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>
#include "base/json_line.h"

#include "agent/chat_model.h"
#include "base/result.h"
#include "tools/toolbox/toolbox.h"

/// What happens in a run as JSON, and back: what a session keeps of it. Pictures are named by the
/// SHA-256 of their bytes and kept apart.
namespace agent::session {

/// Bytes of pictures by their digest.
using Pictures = std::map<std::string, std::string>;
/// Where they are looked up again. Errors: not_found and what reading gives.
using PictureSource = std::function<base::Result<std::string>(const std::string& digest)>;

/// Errors: corrupt.
base::Result<nlohmann::json> parse_line(std::string_view line);

nlohmann::json message_json(const model::Message& message, Pictures& pictures);
/// Errors: corrupt, and those of `pictures`.
base::Result<model::Message> message_of(const nlohmann::json& json, const PictureSource& pictures);

/// said: the pieces in which its text came.
nlohmann::json reply_json(const ModelReply& reply, const std::vector<std::string>& said,
                          Pictures& pictures);
struct SaidReply {
  ModelReply reply;
  std::vector<std::string> said;
};
/// Errors: as message_of().
base::Result<SaidReply> reply_of(const nlohmann::json& json, const PictureSource& pictures);

nlohmann::json observation_json(const tools::Observation& observation);
/// Errors: corrupt.
base::Result<tools::Observation> observation_of(const nlohmann::json& json);

/// What a run found in the workspace when it began.
struct Listing {
  std::vector<std::string> files;
  std::vector<tools::FileProfile> profiles;
};
nlohmann::json listing_json(const Listing& listing);
/// Errors: corrupt.
base::Result<Listing> listing_of(const nlohmann::json& json);

}  // namespace agent::session
