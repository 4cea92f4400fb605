#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace policies {

/// Why no policy may show `path` to a program, as half a sentence (`holds keys (.ssh)`), or empty
/// when it may. Refused are keys, tokens, keyrings, browser profiles, start-up files of shells,
/// system state, whole home folders, and sockets; and folders that hold one of these.
/// path: absolute. Links are followed as far as they exist, so ask again for what is mounted.
/// home: the user's, or empty.
/// writable: whether the program could change it, which is refused for system folders as well.
std::string never_reason(const std::filesystem::path& path, const std::filesystem::path& home,
                         bool writable);

/// The path that a policy names: `~/…` is below the user's home, $HOME. Empty when it is neither
/// absolute nor that, or holds `..`.
std::filesystem::path expand_home(std::string_view text);

}  // namespace policies
