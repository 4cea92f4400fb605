#pragma once

#include <stop_token>
#include <string>

#include "server/http/http_server.h"
#include "tools/toolbox/toolbox.h"

namespace server {

inline constexpr int kTableRows = 100;  // shown of a table at once

/// A file's name as SQL has it: 'it''s.csv'.
std::string sql_text(const std::string& text);

/// {"rows": [{column: value}], "matches": how many rows there are with the filter}: at most
/// kTableRows rows of a file of the workspace. query: offset=N; sort=COLUMN, down=1; filter=TEXT
/// that some value of a row holds, in any case of its letters. Rows that are equal in the sorted
/// column stand in the order of the others, so that no row is on two pages.
/// Errors: 400 with the data engine's words.
HttpReply table_rows(const tools::Toolbox& toolbox, const std::string& path,
                     const std::string& query, std::stop_token stop);

}  // namespace server
