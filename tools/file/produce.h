#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tools/file/expand.h"

/// Files that a plan makes out of others. Paths are beneath `top`, results go to an open, empty
/// file; `to` is its name for messages.
namespace tools::file {

/// Appends all of one descriptor to another. Errors: system, limit (disk full).
base::Status copy_bytes(int from, int to, const std::string& name);
base::Status write_bytes(int to, std::string_view bytes, const std::string& name);

/// A whole file beneath `top`. Errors: not_found, refused, usage (no regular file), limit.
base::Result<std::string> read_beneath(int top, const std::string& path, uint64_t max_bytes,
                                       const std::string& who);

/// One file after the other. format: text (a line break is added where one lacks it), or csv (the
/// first record of each must be the same and is kept once). Errors: usage (headers differ, an empty
/// CSV), limit, system.
base::Status merge_files(int top, const std::vector<std::string>& sources,
                         const std::string& format, int out, const std::string& to);

/// format: zip or tar.gz. Sources are files and folders, a folder before what is in it; they keep
/// their paths. The same files give the same bytes. Errors: system, internal.
base::Status write_archive(int top, const std::vector<std::string>& sources,
                           const std::string& format, int out, const std::string& to);

/// A PNG, JPEG, WebP or GIF as png or jpeg (quality 90, no subsampling of colours), turned as its
/// EXIF says. Errors: corrupt, limit, unsupported.
base::Result<std::string> convert_picture(int top, const std::string& path,
                                          const std::string& format);

/// What expand() asks about the files beneath `top`: SHA-256 as hexadecimal digits; the first
/// record without byte order mark and line end. Errors: as read_beneath(), usage (an empty CSV).
Contents contents_beneath(int top);

/// The sentence, after its "merge: ", about two tables that cannot be one.
std::string different_headers(const std::string& path, const std::string& header,
                              const std::string& first, const std::string& first_header);

}  // namespace tools::file
