#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace agent {

/// The file names of a request ("out/top.csv") that are none of `files` (relative paths; the last
/// name is enough, upper and lower case are one), as they are spelled there.
std::vector<std::string> new_files(std::string_view request, const std::vector<std::string>& files);

/// The first file name in `request` (a word with the extension of a table or text, such as
/// "sales.csv") that is neither one of `files` (relative paths; the last name is enough, upper and
/// lower case are one) nor in `call`, not even filled in ("doc_{n:3}.txt", "old_{1}.txt"): a script
/// that ignores it does not do what was asked.
std::optional<std::string> ignored_file(std::string_view request,
                                        const std::vector<std::string>& files,
                                        std::string_view call);

}  // namespace agent
