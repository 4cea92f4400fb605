#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "tools/file/expand.h"

namespace tools::file {

/// For a person: a line per step, at most `lines` of them and then how many more, what is skipped,
/// and a last line that counts.
std::string preview_text(const Expansion& expansion, size_t lines = 200);

/// {"steps": [{"do", "from", "to", …}], "skipped": […], "counts": {"move": 3}, "more": n}.
nlohmann::json preview_json(const Expansion& expansion, size_t steps = 1000);

/// "3 moves, 1 new folder"; "nothing to do".
std::string counts_text(const Expansion& expansion);

}  // namespace tools::file
