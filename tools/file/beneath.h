#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

/// tools::file: looking at, planning and changing the files of one folder ("top", an open
/// descriptor). Paths are relative to it, with single slashes; "" is the folder itself. Nothing
/// here follows a link or leaves the folder: a walk opens one name after the other with O_NOFOLLOW.
namespace tools::file {

/// Opens `path` beneath `top`. flags as open(); mode for a new file. Empty with errno on failure.
base::UniqueFd open_beneath(int top, const std::string& path, int flags, unsigned mode = 0);

/// errno as an error that names the path. Errors: not_found, refused (no permission, a link in the
/// way), limit (disk full), system.
base::Error path_error(const std::string& who, const std::string& path, int error);

/// `path` made of plain names: no "..", no empty one, none that is too long. A "/" at the end and
/// "./" at the beginning go. Errors: refused or usage, one sentence.
base::Result<std::string> clean_path(const std::string& who, const std::string& path);

/// Whether files and folders of this name are none of ours: `.tessera`, and what the policy hides
/// ($TESSERA_HIDDEN, names with a slash behind each).
bool is_hidden(const std::string& name);

/// Whether a new file may be called so: UTF-8 without control characters, 1 to 255 bytes.
/// Errors: usage.
base::Status check_new_path(const std::string& who, const std::string& path);

/// In double quotes, with what is not printable as \xNN.
std::string in_quotes(std::string_view path);

/// "a/b" of "a/b/c"; "" of "c".
std::string parent_of(const std::string& path);
/// "c" of "a/b/c".
std::string name_of(const std::string& path);
/// `folder` "/" `name`, or just the name at the top.
std::string joined(const std::string& folder, const std::string& name);
/// "c" and ".tar.gz" of "c.tar.gz"; of a name without a dot, or with only one in front, the second
/// is empty.
std::pair<std::string, std::string> split_extension(const std::string& name);

}  // namespace tools::file
