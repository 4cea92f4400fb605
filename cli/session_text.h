#pragma once

#include <string>
#include "base/json.h"

#include "agent/session/store.h"

namespace cli {

/// running, interrupted, ok, refused or error.
std::string state_of(const agent::session::Info& info, const agent::session::Store& store);

/// What `tessera sessions` says of one.
nlohmann::json summary_json(const agent::session::Info& info, const std::string& state);

/// All of a session but the bytes of its pictures. Errors: corrupt.
base::Result<nlohmann::json> session_json(const agent::session::Saved& saved,
                                          const std::string& state);

/// The same to be read, as Markdown.
std::string session_markdown(const agent::session::Saved& saved, const std::string& state,
                             const std::vector<model::Message>& conversation);

/// 2026-01-02 03:04 of milliseconds since 1970, local time.
std::string when(int64_t time_ms);

/// The first words of a request, on one line.
std::string first_words(const std::string& text, size_t bytes);

}  // namespace cli
