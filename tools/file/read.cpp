#include "tools/file/read.h"

#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>

#include "base/utf8.h"
#include "media/image.h"
#include "media/sound.h"
#include "tools/data/workspace.h"
#include "tools/file/beneath.h"
#include "tools/file/listing.h"
#include "tools/file/produce.h"

namespace tools::file {

using base::Errc;
using base::Error;
using base::Result;

namespace {

constexpr uint64_t kMaxFile = 64u << 20;
constexpr size_t kMaxPdfText = 32u << 20;

Error with_nearest(int top, const std::string& path, Error error) {
  if (error.code != Errc::not_found) return error;
  Result<Listing> listing = list(top);
  std::vector<std::string> paths;
  if (listing)
    for (const Entry& entry : listing->entries) paths.push_back(entry.path);
  const std::string near = nearest(paths, path);
  return {error.code, "read: there is no file " + in_quotes(path) +
                          (near.empty() ? "" : "; the nearest are " + near)};
}

struct Text {
  std::string utf8, encoding;
};

Result<Text> decode_text(const std::string& bytes, const std::string& path) {
  const auto convert = [&](const char* encoding, size_t skip) -> Result<Text> {
    gsize size = 0;
    const std::unique_ptr<char, void (*)(void*)> out(
        g_convert_with_fallback(bytes.data() + skip, static_cast<gssize>(bytes.size() - skip),
                                "UTF-8", encoding, "?", nullptr, &size, nullptr),
        g_free);
    if (!out)
      return Error{Errc::corrupt, "read: " + in_quotes(path) + " is not " + encoding + " text"};
    return Text{std::string(out.get(), size), encoding};
  };
  if (bytes.starts_with("\xFF\xFE")) return convert("UTF-16LE", 2);
  if (bytes.starts_with("\xFE\xFF")) return convert("UTF-16BE", 2);
  if (bytes.find('\0') != bytes.npos)
    return Error{Errc::usage, "read: " + in_quotes(path) + " is no text and of no kind known here"};
  if (base::is_utf8(bytes))
    return Text{bytes.substr(bytes.starts_with("\xEF\xBB\xBF") ? 3 : 0), "UTF-8"};
  return convert("ISO-8859-1", 0);
}

/// Lines first … last, as far as they fit, under a line that says which.
Result<std::string> lines_of(const std::string& text, const std::string& what,
                             const ReadOptions& o) {
  std::vector<std::string_view> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(std::string_view(text).substr(at, end - at));
    at = end + 1;
  }
  const auto n = static_cast<int64_t>(lines.size());
  if (o.first < 1 || (o.last != 0 && o.last < o.first))
    return Error{Errc::usage, "read: lines go from 1 on, the first before the last"};
  if (o.first > std::max<int64_t>(n, 1))
    return Error{Errc::usage, "read: " + in_quotes(o.path) + " has " + std::to_string(n) +
                                  " lines, so there is no line " + std::to_string(o.first)};
  std::string out;
  int64_t last = o.first - 1;
  const int64_t end = o.last == 0 ? n : std::min(o.last, n);
  bool cut = false;
  for (; last < end && !cut; ++last) {
    const std::string_view line = lines[static_cast<size_t>(last)];
    if (out.size() + line.size() + 1 > o.max_bytes) {
      if (!out.empty()) break;
      out.append(base::utf8_cut(line, o.max_bytes));
      out += "…";
      cut = true;
    } else {
      out.append(line);
    }
    out += '\n';
  }
  std::string head =
      o.path + ": " + what + ", " + std::to_string(n) + (n == 1 ? " line" : " lines");
  if (o.first > 1 || last < n)
    head += "; these are " + std::to_string(o.first) + " to " + std::to_string(last);
  return head + "\n" + out;
}

/// Runs pdftotext on an open file and takes what it writes.
Result<std::string> pdf_text(int file, const std::string& path) {
  int out[2];
  if (::pipe2(out, O_CLOEXEC) != 0) return path_error("read", path, errno);
  base::UniqueFd read_end(out[0]), write_end(out[1]);
  ::lseek(file, 0, SEEK_SET);
  const pid_t child = ::fork();
  if (child < 0) return path_error("read", path, errno);
  if (child == 0) {
    const int null = ::open("/dev/null", O_WRONLY);
    if (::dup2(file, 0) < 0 || ::dup2(write_end.get(), 1) < 0 || ::dup2(null, 2) < 0) ::_exit(126);
    ::execlp("pdftotext", "pdftotext", "-q", "-enc", "UTF-8", "-", "-",
             static_cast<char*>(nullptr));
    ::_exit(127);
  }
  write_end.reset();
  std::string text;
  char buffer[65536];
  bool too_long = false;
  for (;;) {
    const ssize_t n = ::read(read_end.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    text.append(buffer, static_cast<size_t>(n));
    if ((too_long = text.size() > kMaxPdfText)) break;
  }
  read_end.reset();  // ends a program that still writes
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (too_long) return Error{Errc::limit, "read: " + in_quotes(path) + " has more than 32 MB text"};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    return Error{Errc::unsupported,
                 "read: PDF needs the program pdftotext (package poppler-utils)"};
  if (status != 0) return Error{Errc::corrupt, "read: pdftotext cannot read " + in_quotes(path)};
  std::replace(text.begin(), text.end(), '\f', '\n');
  return text;
}

const char* picture_name(media::Format format) {
  switch (format) {
    case media::Format::png:
      return "PNG";
    case media::Format::jpeg:
      return "JPEG";
    case media::Format::webp:
      return "WebP";
    case media::Format::gif:
      return "GIF";
    default:
      return "";
  }
}

}  // namespace

Result<std::string> read(int top, const ReadOptions& given, const ReadServices& services) {
  ReadOptions o = given;
  Result<std::string> path = clean_path("read", o.path);
  if (!path) return path.error();
  o.path = *path;
  base::UniqueFd fd = open_beneath(top, o.path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd) return with_nearest(top, o.path, path_error("read", o.path, errno));
  struct stat info = {};
  if (::fstat(fd.get(), &info) != 0) return path_error("read", o.path, errno);
  const data::TableKind kind = data::table_kind(o.path);
  const bool binary_table = kind == data::TableKind::xlsx || kind == data::TableKind::sqlite ||
                            kind == data::TableKind::parquet;
  if (S_ISREG(info.st_mode) && (binary_table || !o.part.empty())) {
    if (!services.table_text)
      return Error{Errc::unsupported,
                   "read: tables such as " + in_quotes(o.path) + " cannot be read here"};
    Result<std::string> rows = services.table_text(o.path, o.part);
    if (!rows) return rows.error();
    return lines_of(*rows, "table", o);
  }
  Result<std::string> bytes = read_beneath(top, o.path, kMaxFile, "read");
  if (!bytes) return bytes.error();
  if (bytes->starts_with("%PDF-")) {
    if (!services.may_run_programs)
      return Error{Errc::unsupported, "read: PDF is read inside the sandbox only"};
    Result<std::string> text = pdf_text(fd.get(), o.path);
    if (!text) return text.error();
    return lines_of(*text, "text of a PDF", o);
  }
  if (const media::Format format = media::format_of(*bytes); format != media::Format::unknown) {
    Result<media::Pixels> pixels = media::decode(*bytes);
    if (!pixels)
      return Error{pixels.error().code,
                   "read: " + in_quotes(o.path) + ": " + pixels.error().message};
    return o.path + ": " + picture_name(format) + " picture, " + std::to_string(pixels->width) +
           " x " + std::to_string(pixels->height) + " pixels, " + std::to_string(bytes->size()) +
           " bytes\n";
  }
  if (const std::string_view name = media::sound_format(*bytes); !name.empty()) {
    Result<media::Sound> sound = media::decode_sound(*bytes);
    if (!sound)
      return Error{sound.error().code, "read: " + in_quotes(o.path) + ": " + sound.error().message};
    char length[32];
    std::snprintf(length, sizeof length, "%.1f", sound->seconds());
    return o.path + ": " + std::string(name) + " sound, " + length + " seconds, " +
           std::to_string(bytes->size()) + " bytes\n";
  }
  Result<Text> text = decode_text(*bytes, o.path);
  if (!text) return text.error();
  return lines_of(text->utf8, text->encoding + " text", o);
}

}  // namespace tools::file
