#pragma once

#include "agent/agent.h"
#include "base/json.h"
#include "server/runs.h"

namespace server {

/// What a page may choose.
inline constexpr int kMinSeconds = 1, kMaxSeconds = 3600;
inline constexpr int kMinReply = 64, kMaxReply = 32768;  // tokens

/// Puts what was chosen for a run into its session's setup, in the words of `tessera run`, so that
/// it goes on with that wherever it is resumed.
void keep_settings(const RunSettings& settings, nlohmann::json& setup);
/// And back. What a session says is not believed to be within the bounds.
RunSettings settings_of(const agent::session::Info& session);
/// The other limits of a session, as `tessera run` has them.
void take_limits(const nlohmann::json& setup, agent::RunOptions& limits);

}  // namespace server
