#include "tools/file/produce.h"

#include <fcntl.h>
#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "media/image.h"
#include "tools/file/beneath.h"

// After <cstdio>, which it needs.
#include <jpeglib.h>

namespace tools::file {

using base::Errc;
using base::Error;
using base::Status;

namespace {

constexpr size_t kBuffer = 256 << 10;
constexpr uint64_t kMaxPicture = 256u << 20;
constexpr size_t kMaxHeader = 1 << 20;

base::Result<base::UniqueFd> open_file(int top, const std::string& path, const std::string& who) {
  base::UniqueFd fd = open_beneath(top, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd) return path_error(who, path, errno);
  struct stat info = {};
  if (::fstat(fd.get(), &info) != 0) return path_error(who, path, errno);
  if (S_ISDIR(info.st_mode))
    return Error{Errc::usage, who + ": " + in_quotes(path) + " is a folder"};
  if (!S_ISREG(info.st_mode))
    return Error{Errc::refused, who + ": " + in_quotes(path) + " is no regular file"};
  return fd;
}

/// Reads one file in pieces; consume returns false to stop.
template <class Consume>
Status each_piece(int fd, const std::string& path, const std::string& who, Consume consume) {
  const std::unique_ptr<char[]> buffer(new char[kBuffer]);
  for (;;) {
    const ssize_t n = ::read(fd, buffer.get(), kBuffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return path_error(who, path, errno);
    if (n == 0) return base::Ok{};
    if (Status s = consume(std::string_view(buffer.get(), static_cast<size_t>(n))); !s) return s;
  }
}

/// Takes the first record, which may have line breaks in quotes, off the front of a CSV.
class HeaderSplitter {
 public:
  /// What of `piece` lies behind the header.
  std::string_view rest(std::string_view piece) {
    if (complete) return piece;
    for (size_t i = 0; i < piece.size(); ++i) {
      if (piece[i] == '"') quoted_ = !quoted_;
      if (piece[i] == '\n' && !quoted_) {
        complete = true;
        return piece.substr(i + 1);
      }
      header += piece[i];
    }
    return {};
  }
  std::string header;
  bool complete = false;

 private:
  bool quoted_ = false;
};

/// A header without a byte order mark and the CR of its line break.
std::string_view plain(std::string_view header) {
  if (header.starts_with("\xEF\xBB\xBF")) header.remove_prefix(3);
  if (header.ends_with('\r')) header.remove_suffix(1);
  return header;
}

base::Result<std::string> hash_file(int top, const std::string& path) {
  base::Result<base::UniqueFd> fd = open_file(top, path, "dedupe");
  if (!fd) return fd.error();
  const std::unique_ptr<GChecksum, void (*)(GChecksum*)> sum(g_checksum_new(G_CHECKSUM_SHA256),
                                                             g_checksum_free);
  Status s = each_piece(fd->get(), path, "dedupe", [&](std::string_view piece) -> Status {
    g_checksum_update(sum.get(), reinterpret_cast<const guchar*>(piece.data()),
                      static_cast<gssize>(piece.size()));
    return base::Ok{};
  });
  if (!s) return s.error();
  return std::string(g_checksum_get_string(sum.get()));
}

base::Result<std::string> csv_header(int top, const std::string& path) {
  base::Result<base::UniqueFd> fd = open_file(top, path, "merge");
  if (!fd) return fd.error();
  HeaderSplitter splitter;
  char buffer[4096];
  while (!splitter.complete && splitter.header.size() <= kMaxHeader) {
    const ssize_t n = ::read(fd->get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return path_error("merge", path, errno);
    if (n == 0) break;
    splitter.rest({buffer, static_cast<size_t>(n)});
  }
  if (splitter.header.empty())
    return Error{Errc::usage, in_quotes(path) + " is empty and has no header"};
  return std::string(plain(splitter.header));
}

}  // namespace

Status write_bytes(int to, std::string_view bytes, const std::string& name) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(to, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return path_error("writing", name, errno);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return base::Ok{};
}

Status copy_bytes(int from, int to, const std::string& name) {
  return each_piece(from, name, "copy",
                    [&](std::string_view piece) { return write_bytes(to, piece, name); });
}

base::Result<std::string> read_beneath(int top, const std::string& path, uint64_t max_bytes,
                                       const std::string& who) {
  base::Result<base::UniqueFd> fd = open_file(top, path, who);
  if (!fd) return fd.error();
  std::string out;
  Status s = each_piece(fd->get(), path, who, [&](std::string_view piece) -> Status {
    if (out.size() + piece.size() > max_bytes)
      return Error{Errc::limit, who + ": " + in_quotes(path) + " is larger than " +
                                    std::to_string(max_bytes) + " bytes"};
    out += piece;
    return base::Ok{};
  });
  if (!s) return s.error();
  return out;
}

Contents contents_beneath(int top) {
  return {.hash = [top](const std::string& path) { return hash_file(top, path); },
          .header = [top](const std::string& path) { return csv_header(top, path); }};
}

std::string different_headers(const std::string& path, const std::string& header,
                              const std::string& first, const std::string& first_header) {
  return "the first line of " + in_quotes(path) + " is " + in_quotes(header.substr(0, 200)) +
         ", that of " + in_quotes(first) + " is " + in_quotes(first_header.substr(0, 200));
}

Status merge_files(int top, const std::vector<std::string>& sources, const std::string& format,
                   int out, const std::string& to) {
  std::string header;
  for (const std::string& source : sources) {
    base::Result<base::UniqueFd> fd = open_file(top, source, "merge");
    if (!fd) return fd.error();
    HeaderSplitter splitter;
    splitter.complete = format != "csv";
    char last = '\n';
    const bool first = source == sources.front();
    auto check_header = [&]() -> Status {
      if (first) {
        header = plain(splitter.header);
        return write_bytes(out, splitter.header + "\n", to);
      }
      if (plain(splitter.header) == header) return base::Ok{};
      return Error{Errc::usage,
                   "merge: " + different_headers(source, std::string(plain(splitter.header)),
                                                 sources.front(), header)};
    };
    Status s = each_piece(fd->get(), source, "merge", [&](std::string_view piece) -> Status {
      const bool had_header = splitter.complete;
      const std::string_view rest = splitter.rest(piece);
      if (splitter.header.size() > kMaxHeader)
        return Error{Errc::limit,
                     "merge: the first record of " + in_quotes(source) + " is longer than 1 MB"};
      if (!had_header && splitter.complete)
        if (Status ok = check_header(); !ok) return ok;
      if (rest.empty()) return base::Ok{};
      last = rest.back();
      return write_bytes(out, rest, to);
    });
    if (!s) return s;
    if (!splitter.complete) {  // one line without an end
      if (splitter.header.empty())
        return Error{Errc::usage, "merge: " + in_quotes(source) + " is empty and has no header"};
      if (Status ok = check_header(); !ok) return ok;
    }
    if (last != '\n')
      if (Status ok = write_bytes(out, "\n", to); !ok) return ok;
  }
  return base::Ok{};
}

// Pictures
// ---------------------------------------------------------------------------------------------------

namespace {

struct JpegError {
  jpeg_error_mgr manager;
  std::jmp_buf back;
};

/// Nothing in here has a destructor: libjpeg leaves it by longjmp.
bool encode_jpeg_raw(const media::Pixels& pixels, unsigned char** bytes, unsigned long* size) {
  jpeg_compress_struct compress;
  JpegError error;
  compress.err = jpeg_std_error(&error.manager);
  error.manager.error_exit = [](j_common_ptr info) {
    std::longjmp(reinterpret_cast<JpegError*>(info->err)->back, 1);
  };
  error.manager.output_message = [](j_common_ptr) {};
  if (setjmp(error.back)) {
    jpeg_destroy_compress(&compress);
    return false;
  }
  jpeg_create_compress(&compress);
  jpeg_mem_dest(&compress, bytes, size);
  compress.image_width = static_cast<JDIMENSION>(pixels.width);
  compress.image_height = static_cast<JDIMENSION>(pixels.height);
  compress.input_components = 3;
  compress.in_color_space = JCS_RGB;
  jpeg_set_defaults(&compress);
  jpeg_set_quality(&compress, 90, TRUE);
  compress.comp_info[0].h_samp_factor = compress.comp_info[0].v_samp_factor = 1;
  jpeg_start_compress(&compress, TRUE);
  while (compress.next_scanline < compress.image_height) {
    // The library takes rows that it does not change as not const.
    auto* row = const_cast<JSAMPLE*>(pixels.at(0, static_cast<int>(compress.next_scanline)));
    jpeg_write_scanlines(&compress, &row, 1);
  }
  jpeg_finish_compress(&compress);
  jpeg_destroy_compress(&compress);
  return true;
}

base::Result<std::string> encode_jpeg(const media::Pixels& pixels) {
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const bool ok = encode_jpeg_raw(pixels, &bytes, &size);
  std::string out;
  if (ok) out.assign(reinterpret_cast<const char*>(bytes), size);
  std::free(bytes);
  if (!ok) return Error{Errc::internal, "the picture could not be written as JPEG"};
  return out;
}

}  // namespace

base::Result<std::string> convert_picture(int top, const std::string& path,
                                          const std::string& format) {
  base::Result<std::string> bytes = read_beneath(top, path, kMaxPicture, "convert");
  if (!bytes) return bytes.error();
  base::Result<media::Pixels> pixels = media::decode(*bytes);
  if (!pixels)
    return Error{pixels.error().code,
                 "convert: " + in_quotes(path) + ": " + pixels.error().message};
  base::Result<std::string> out =
      format == "png" ? media::encode_png(*pixels) : encode_jpeg(*pixels);
  if (!out)
    return Error{out.error().code, "convert: " + in_quotes(path) + ": " + out.error().message};
  return out;
}

}  // namespace tools::file
