#include "tools/data/reading.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <numeric>

#include "tools/data/csv.h"
#include "tools/data/frame.h"
#include "tools/data/json_table.h"
#include "tools/data/workspace.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;

constexpr uint64_t kInMemoryBytes = 64'000'000;
constexpr uint64_t kMaxTextBytes = 64'000'000;

uint64_t size_of(const std::string& path) {
  base::Result<base::UniqueFd> file = open_to_read(path);
  struct stat status;
  return file && ::fstat(file->get(), &status) == 0 ? static_cast<uint64_t>(status.st_size) : 0;
}

Error explain(Error error, const std::string& path, const std::string& who, bool table = true) {
  if (error.code == Errc::not_found) return {Errc::not_found, who + ": " + no_file(path, table)};
  if (error.code == Errc::refused) return {Errc::refused, who + ": " + error.message};
  return error;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// Counts of a text that comes in pieces.
struct TextScan {
  TextCounts counts;
  bool binary = false, in_word = false, after_return = false, open_line = false;

  void add(std::string_view bytes) {
    for (const char c : bytes) {
      if (c == '\0') binary = true;
      if (c == '\n' && after_return) {
        after_return = false;
        continue;
      }
      after_return = c == '\r';
      const bool end = c == '\n' || c == '\r';
      if (end) ++counts.lines;
      open_line = !end;
      const bool space = is_space(c);
      if (!space && !in_word) ++counts.words;
      in_word = !space;
    }
  }
  TextCounts result() const { return {counts.lines + open_line, counts.words}; }
};

}  // namespace

TextCounts count_text(std::string_view text) {
  TextScan scan;
  scan.add(text);
  return scan.result();
}

bool looks_like_text(std::string_view bytes) { return bytes.find('\0') == bytes.npos; }

base::Result<std::shared_ptr<const Source>> load(const Source& source) {
  std::vector<int> all(source.columns().size());
  std::iota(all.begin(), all.end(), 0);
  base::Result<std::unique_ptr<Cursor>> cursor = source.start(std::move(all));
  if (!cursor) return cursor.error();
  auto frame = std::make_shared<Frame>(source.columns());
  frame->add_notes(source.notes());
  while (true) {
    base::Result<int> n = (*cursor)->next(*frame, 4096);
    if (!n) return n.error();
    if (*n == 0) break;
  }
  return std::shared_ptr<const Source>(std::move(frame));
}

base::Result<std::shared_ptr<const Source>> read_table(const std::string& path,
                                                       const std::string& who) {
  std::string ext = extension(path);
  for (char& ch : ext) ch = static_cast<char>(ch >= 'A' && ch <= 'Z' ? ch + 32 : ch);
  if (ext == "xls" || ext == "ods")
    return Error{Errc::unsupported,
                 path + ": " + ext + " files cannot be read; save it as CSV or JSON"};
  const TableKind kind = table_kind(path);
  if (kind == TableKind::json || kind == TableKind::json_lines) {
    base::Result<std::shared_ptr<Frame>> frame = read_json(path);
    if (!frame) return explain(frame.error(), path, who);
    return std::shared_ptr<const Source>(std::move(*frame));
  }
  base::Result<std::unique_ptr<CsvSource>> source = CsvSource::open(path);
  if (!source) return explain(source.error(), path, who);
  if (size_of(path) <= kInMemoryBytes) return load(**source);
  return std::shared_ptr<const Source>(std::move(*source));
}

base::Result<std::shared_ptr<const Source>> files_table(const std::string& glob) {
  auto frame = std::make_shared<Frame>(std::vector<Column>{
      {.name = "file", .type = Type::text, .may_miss = false},
      {.name = "name", .type = Type::text, .may_miss = false},
      {.name = "ext", .type = Type::text},
      {.name = "bytes", .type = Type::number, .may_miss = false},
      {.name = "lines", .type = Type::number},
      {.name = "words", .type = Type::number},
      {.name = "hash", .type = Type::text},
  });
  for (const FileEntry& entry : list_files()) {
    if (!matches_glob(entry.path, glob)) continue;
    base::Result<base::UniqueFd> file = open_to_read(entry.path);
    if (!file) continue;
    TextScan scan;
    Crc32 crc;
    uint64_t bytes = 0;
    char buffer[65536];
    ssize_t n = 0;
    while ((n = ::read(file->get(), buffer, sizeof buffer)) > 0) {
      const std::string_view piece(buffer, static_cast<size_t>(n));
      if (!scan.binary) scan.add(piece);
      crc.add(piece);
      bytes += piece.size();
    }
    frame->text(0, entry.path);
    frame->text(1, entry.path.substr(entry.path.rfind('/') + 1));
    const std::string ext = extension(entry.path);
    ext.empty() ? frame->missing(2) : frame->text(2, ext);
    frame->number(3, static_cast<double>(bytes));
    if (scan.binary) {
      frame->missing(4);
      frame->missing(5);
    } else {
      frame->number(4, static_cast<double>(scan.result().lines));
      frame->number(5, static_cast<double>(scan.result().words));
    }
    frame->text(6, crc.text());
    frame->end_row();
  }
  return std::shared_ptr<const Source>(std::move(frame));
}

base::Result<std::shared_ptr<const Source>> lines_table(const std::string& path) {
  const std::string who = "data.lines";
  base::Result<std::string> bytes = read_whole(path, kMaxTextBytes);
  if (!bytes) return explain(bytes.error(), path, who, false);
  if (!looks_like_text(*bytes))
    return Error{Errc::corrupt, who + ": " + path + " is not a text file"};
  auto frame = std::make_shared<Frame>(
      std::vector<Column>{{.name = "line", .type = Type::number, .may_miss = false},
                          {.name = "text", .type = Type::text}});
  std::string_view rest = *bytes;
  if (rest.substr(0, 3) == "\xef\xbb\xbf") rest.remove_prefix(3);
  while (!rest.empty()) {
    const size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
    frame->number(0, static_cast<double>(frame->rows() + 1));
    frame->text(1, to_utf8(rest.substr(0, end)));
    frame->end_row();
    const bool pair = rest.substr(end, 2) == "\r\n";
    rest.remove_prefix(std::min(end + (pair ? 2 : 1), rest.size()));
  }
  return std::shared_ptr<const Source>(std::move(frame));
}

}  // namespace tools::data
