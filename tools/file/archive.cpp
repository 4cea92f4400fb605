// Archives by libarchive. Owners are left out and the time of packing is not written, so that the
// same files give the same bytes.

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <locale.h>
#include <sys/stat.h>

#include <unistd.h>
#include <cerrno>
#include <memory>

#include "base/utf8.h"
#include "tools/file/beneath.h"
#include "tools/file/produce.h"

namespace tools::file {

using base::Errc;
using base::Error;
using base::Status;

namespace {

using Archive = std::unique_ptr<archive, int (*)(archive*)>;
using ArchiveEntry = std::unique_ptr<archive_entry, void (*)(archive_entry*)>;

/// libarchive converts names by the locale of the thread, and crashes on what that cannot spell.
class Utf8Locale {
 public:
  Utf8Locale() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
    if (locale_) before_ = ::uselocale(locale_);
  }
  ~Utf8Locale() {
    if (!locale_) return;
    ::uselocale(before_);
    ::freelocale(locale_);
  }
  Utf8Locale(const Utf8Locale&) = delete;
  Utf8Locale& operator=(const Utf8Locale&) = delete;
  bool ok() const { return locale_ != nullptr; }

 private:
  locale_t locale_, before_ = nullptr;
};

Error archive_error(archive* a, const std::string& path) {
  const char* text = archive_error_string(a);
  return Error{archive_errno(a) == ENOSPC ? Errc::limit : Errc::system,
               "archive: " + in_quotes(path) + ": " + (text ? text : "cannot be packed")};
}

Status add_entry(archive* a, int top, const std::string& path) {
  if (!base::is_utf8(path))
    return Error{Errc::refused, "archive: the name " + in_quotes(path) + " is not UTF-8"};
  base::UniqueFd fd = open_beneath(top, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd) return path_error("archive", path, errno);
  struct stat info = {};
  if (::fstat(fd.get(), &info) != 0) return path_error("archive", path, errno);
  const bool folder = S_ISDIR(info.st_mode);
  if (!folder && !S_ISREG(info.st_mode))
    return Error{Errc::refused, "archive: " + in_quotes(path) + " is no regular file"};
  const ArchiveEntry entry(archive_entry_new(), archive_entry_free);
  if (!entry) return Error{Errc::internal, "archive: no memory"};
  archive_entry_set_pathname_utf8(entry.get(), (path + (folder ? "/" : "")).c_str());
  archive_entry_set_filetype(entry.get(), folder ? AE_IFDIR : AE_IFREG);
  archive_entry_set_perm(entry.get(), info.st_mode & 0777);
  archive_entry_set_mtime(entry.get(), info.st_mtim.tv_sec, 0);
  archive_entry_set_size(entry.get(), folder ? 0 : info.st_size);
  if (archive_write_header(a, entry.get()) != ARCHIVE_OK) return archive_error(a, path);
  if (folder) return base::Ok{};
  const std::unique_ptr<char[]> buffer(new char[256 << 10]);
  for (off_t left = info.st_size; left > 0;) {
    const ssize_t n =
        ::read(fd.get(), buffer.get(), static_cast<size_t>(std::min<off_t>(left, 256 << 10)));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return path_error("archive", path, errno);
    if (n == 0) return Error{Errc::system, "archive: " + in_quotes(path) + " became shorter"};
    if (archive_write_data(a, buffer.get(), static_cast<size_t>(n)) != n)
      return archive_error(a, path);
    left -= n;
  }
  return base::Ok{};
}

}  // namespace

Status write_archive(int top, const std::vector<std::string>& sources, const std::string& format,
                     int out, const std::string& to) {
  const Utf8Locale locale;
  if (!locale.ok()) return Error{Errc::unsupported, "archive: the locale C.UTF-8 is missing"};
  const Archive a(archive_write_new(), archive_write_free);
  if (!a) return Error{Errc::internal, "archive: no memory"};
  const bool zip = format == "zip";
  int status = zip ? archive_write_set_format_zip(a.get())
                   : archive_write_set_format_pax_restricted(a.get());
  if (status == ARCHIVE_OK && zip) status = archive_write_set_options(a.get(), "hdrcharset=UTF-8");
  if (status == ARCHIVE_OK && !zip) {
    status = archive_write_add_filter_gzip(a.get());
    if (status == ARCHIVE_OK)
      status = archive_write_set_filter_option(a.get(), "gzip", "timestamp", nullptr);
  }
  if (status == ARCHIVE_OK) status = archive_write_open_fd(a.get(), out);
  if (status != ARCHIVE_OK) return archive_error(a.get(), to);
  for (const std::string& path : sources)
    if (Status s = add_entry(a.get(), top, path); !s) return s;
  if (archive_write_close(a.get()) != ARCHIVE_OK) return archive_error(a.get(), to);
  return base::Ok{};
}

}  // namespace tools::file
