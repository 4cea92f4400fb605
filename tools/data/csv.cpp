// A record is scanned twice at most: scan() notes where its fields are and asks for more bytes when
// the buffer ends inside it (then it starts again from the record's first byte); only after that
// are quoted fields rewritten in place. So a view into the buffer never moves while it is used.
//
// Types come from a first pass over the whole file (Guess); every later pass converts fields with
// the readings found there. Nothing is sampled.

#include "tools/data/csv.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/utf8.h"
#include "tools/data/notes.h"
#include "tools/data/workspace.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;

constexpr size_t kChunk = size_t{1} << 18;
constexpr size_t kMaxRecord = size_t{1} << 24;
constexpr size_t kMaxField = size_t{1} << 20;
constexpr size_t kMaxColumns = 4096;
constexpr char kDelimiters[] = {',', '\t', ';', '|', '^', '~'};
constexpr int kSniffRecords = 100;

std::string at_line(const std::string& name, uint64_t line) {
  return name + ": line " + std::to_string(line);
}

struct Score {
  double agreeing = 0;  // share of records with as many fields as the first
  size_t fields = 0;    // that number
};

base::Result<Score> try_delimiter(const base::UniqueFd& file, const std::string& path,
                                  char delimiter) {
  base::UniqueFd copy(::dup(file.get()));
  if (!copy || ::lseek(copy.get(), 0, SEEK_SET) < 0)
    return Error{Errc::system, path + ": " + std::strerror(errno)};
  CsvReader reader(std::move(copy), path, delimiter);
  std::vector<std::string_view> fields;
  Score score;
  int records = 0;
  int agreeing = 0;
  for (; records < kSniffRecords; ++records) {
    base::Result<bool> more = reader.next(fields);
    if (!more) return more.error();
    if (!*more) break;
    if (records == 0) score.fields = fields.size();
    agreeing += fields.size() == score.fields;
  }
  score.agreeing = records ? static_cast<double>(agreeing) / records : 0;
  return score;
}

// A first record that can only be data: nothing in it is a name.
bool looks_like_data(const std::vector<std::string_view>& fields) {
  bool any = false;
  for (const std::string_view field : fields) {
    if (is_missing(field)) continue;
    if (!parse_number(field) && !parse_date(DateFormat::iso, field)) return false;
    any = true;
  }
  return any;
}

}  // namespace

CsvReader::CsvReader(base::UniqueFd file, std::string name, char delimiter)
    : bytes_(std::move(file), name), name_(std::move(name)), delimiter_(delimiter) {}

base::Result<bool> CsvReader::fill() {
  if (ended_) return false;
  const bool first = buffer_.empty();
  if (at_ > 0) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  const size_t before = buffer_.size();
  if (before > kMaxRecord)
    return Error{Errc::corrupt,
                 at_line(name_, line_) + " is longer than 16 MB (a quote that is never closed?)"};
  // A record that does not fit is scanned from its start each time: grow fast.
  const size_t more = std::max(kChunk, before);
  buffer_.resize(before + more);
  base::Result<size_t> n = bytes_.read(buffer_.data() + before, more);
  if (!n) {
    buffer_.resize(before);
    return n.error();
  }
  const size_t got = *n;
  buffer_.resize(before + got);
  if (got < more) ended_ = true;
  const std::string_view fresh = std::string_view(buffer_).substr(before);
  if (first && (fresh.substr(0, 2) == "\xff\xfe" || fresh.substr(0, 2) == "\xfe\xff"))
    return Error{Errc::unsupported, name_ + ": UTF-16 text; save it as UTF-8"};
  if (const size_t zero = fresh.find('\0'); zero != fresh.npos) {
    const auto lines = static_cast<uint64_t>(std::count(
        buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(before + zero), '\n'));
    return Error{Errc::corrupt,
                 at_line(name_, line_ + lines) + " holds a zero byte; this is not a text table"};
  }
  if (first && fresh.substr(0, 3) == "\xef\xbb\xbf") at_ = 3;
  return got > 0;
}

bool CsvReader::scan() {
  spans_.clear();
  lines_in_record_ = 0;
  unclosed_ = false;
  const std::string& b = buffer_;
  const size_t size = b.size();
  size_t i = at_;
  while (true) {
    Span span;
    // Blanks before a quote do not count, unless the blank is the delimiter.
    size_t k = i;
    while (k < size && (b[k] == ' ' || b[k] == '\t') && b[k] != delimiter_) ++k;
    if (k < size && b[k] == '"') {
      span.quoted = true;
      span.begin = i = k + 1;
      while (true) {
        while (i < size && b[i] != '"') {
          // A line end is \n, or a \r without one.
          if (b[i] == '\n' || (b[i] == '\r' && (i + 1 >= size || b[i + 1] != '\n')))
            ++lines_in_record_;
          ++i;
        }
        if (i + 1 >= size && !ended_) return false;
        if (i >= size) {
          unclosed_ = true;
          span.end = size;
          break;
        }
        if (i + 1 < size && b[i + 1] == '"') {
          span.rewrite = true;
          i += 2;
          continue;
        }
        span.end = i++;
        break;
      }
      // What follows the closing quote up to the delimiter belongs to the field, blanks apart.
      size_t junk = i;
      while (i < size && b[i] != delimiter_ && b[i] != '\n' && b[i] != '\r') ++i;
      while (junk < i && (b[junk] == ' ' || b[junk] == '\t')) ++junk;
      if (junk < i) {
        span.rewrite = true;
        span.end = i;
      }
    } else {
      span.begin = i;
      while (i < size && b[i] != delimiter_ && b[i] != '\n' && b[i] != '\r') ++i;
      span.end = i;
    }
    if (i >= size && !ended_) return false;
    spans_.push_back(span);
    if (i >= size) {
      record_end_ = size;
      return true;
    }
    if (b[i] == delimiter_) {
      ++i;
      continue;
    }
    if (b[i] == '\r' && i + 1 >= size && !ended_) return false;
    i += b[i] == '\r' && i + 1 < size && b[i + 1] == '\n' ? 2 : 1;
    ++lines_in_record_;
    record_end_ = i;
    return true;
  }
}

std::string_view CsvReader::rewrite(const Span& span) {
  size_t to = span.begin;
  bool inside = true;
  for (size_t from = span.begin; from < span.end; ++from) {
    if (inside && buffer_[from] == '"') {
      if (from + 1 < span.end && buffer_[from + 1] == '"') {
        buffer_[to++] = '"';
        ++from;
      } else {
        inside = false;
      }
      continue;
    }
    buffer_[to++] = buffer_[from];
  }
  return std::string_view(buffer_).substr(span.begin, to - span.begin);
}

base::Result<bool> CsvReader::next(std::vector<std::string_view>& fields) {
  while (true) {
    while (!scan() || (at_ >= buffer_.size() && !ended_)) {
      base::Result<bool> more = fill();
      if (!more) return more.error();
    }
    if (at_ >= buffer_.size()) return false;
    if (unclosed_)
      return Error{Errc::corrupt, at_line(name_, line_) + " opens a quote that is never closed"};
    record_line_ = line_;
    line_ += lines_in_record_;
    const size_t begin = at_;
    at_ = record_end_;
    if (spans_.size() == 1 && !spans_[0].quoted &&
        trimmed(std::string_view(buffer_).substr(begin, spans_[0].end - begin)).empty())
      continue;
    break;
  }
  fields.clear();
  for (const Span& span : spans_) {
    if (span.end - span.begin > kMaxField)
      return Error{Errc::corrupt,
                   at_line(name_, record_line_) + " has a field longer than 1 MB (a stray quote?)"};
    if (span.rewrite) {
      fields.push_back(rewrite(span));
    } else {
      const std::string_view field =
          std::string_view(buffer_).substr(span.begin, span.end - span.begin);
      fields.push_back(span.quoted ? field : trimmed(field));
    }
  }
  return true;
}

base::Result<Dialect> sniff(const base::UniqueFd& file, const std::string& path) {
  Dialect dialect;
  Score best;
  Error first_error{Errc::internal, {}};
  const bool tabs = path.ends_with(".tsv") || path.ends_with(".tab") || path.ends_with(".tsv.gz");
  if (tabs) dialect.delimiter = '\t';
  for (const char delimiter : kDelimiters) {
    base::Result<Score> score = try_delimiter(file, path, delimiter);
    if (!score) {
      // With a wrong delimiter a quote can look unclosed; it is an error only if all of them fail.
      if (first_error.message.empty()) first_error = score.error();
      continue;
    }
    if (score->fields < 2) continue;
    const bool preferred = tabs && delimiter == '\t';
    if (best.fields == 0 || score->agreeing > best.agreeing + 1e-9 ||
        (score->agreeing > best.agreeing - 1e-9 && (score->fields > best.fields || preferred))) {
      best = *score;
      dialect.delimiter = delimiter;
    }
  }
  if (best.fields == 0 && !first_error.message.empty()) return first_error;
  base::UniqueFd copy(::dup(file.get()));
  if (!copy || ::lseek(copy.get(), 0, SEEK_SET) < 0)
    return Error{Errc::system, path + ": " + std::strerror(errno)};
  CsvReader reader(std::move(copy), path, dialect.delimiter);
  std::vector<std::string_view> fields;
  base::Result<bool> more = reader.next(fields);
  if (!more) return more.error();
  if (!*more) return Error{Errc::corrupt, path + ": the file is empty"};
  if (looks_like_data(fields)) {
    more = reader.next(fields);
    dialect.header = !(more && *more && looks_like_data(fields));
  }
  return dialect;
}

std::vector<std::string> clean_names(const std::vector<std::string>& names) {
  std::vector<std::string> out;
  std::set<std::string> used;
  for (size_t i = 0; i < names.size(); ++i) {
    std::string name = to_utf8(names[i]);
    for (char& c : name)
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    name = std::string(trimmed(name));
    name.resize(utf8_prefix(name, 100));
    if (name.empty()) name = "column" + std::to_string(i + 1);
    std::string distinct = name;
    for (int n = 2; !used.insert(distinct).second; ++n) distinct = name + "_" + std::to_string(n);
    out.push_back(std::move(distinct));
  }
  return out;
}

class CsvCursor : public Cursor {
 public:
  CsvCursor(const CsvSource& source, CsvReader reader, std::vector<int> wanted)
      : source_(source), reader_(std::move(reader)), wanted_(std::move(wanted)) {}

  base::Result<int> next(CellSink& sink, int max_rows) override {
    if (!started_ && source_.dialect_.header) {
      base::Result<bool> header = reader_.next(fields_);
      if (!header) return header.error();
    }
    started_ = true;
    int sent = 0;
    for (; sent < max_rows; ++sent) {
      base::Result<bool> more = reader_.next(fields_);
      if (!more) return more.error();
      if (!*more) break;
      if (fields_.size() < source_.columns().size())
        return Error{Errc::corrupt, source_.path_ + ": the file changed while it was read"};
      for (size_t i = 0; i < wanted_.size(); ++i)
        send(sink, static_cast<int>(i), static_cast<size_t>(wanted_[i]));
      sink.end_row();
    }
    return sent;
  }

 private:
  void send(CellSink& sink, int column, size_t from) {
    const std::string_view field = fields_[from];
    if (is_missing(field)) return sink.missing(column);
    const Reading& reading = source_.readings_[from];
    switch (reading.type) {
      case Type::number:
        if (const std::optional<double> number = read_number(reading.style, field))
          return sink.number(column, *number);
        return sink.missing(column);
      case Type::date:
        if (const std::optional<int64_t> date = parse_date(reading.format, field))
          return sink.date(column, *date);
        return sink.missing(column);
      case Type::boolean:
        if (const std::optional<bool> boolean = read_boolean(field))
          return sink.boolean(column, *boolean);
        return sink.missing(column);
      case Type::text:
        if (base::is_utf8(field)) return sink.text(column, field);
        return sink.text(column, to_utf8(field));
      case Type::empty:
        return sink.missing(column);
    }
  }

  const CsvSource& source_;
  CsvReader reader_;
  std::vector<int> wanted_;
  std::vector<std::string_view> fields_;
  bool started_ = false;
};

base::Result<std::unique_ptr<CsvSource>> CsvSource::open(const std::string& path,
                                                         const std::vector<std::string>& as_text) {
  base::Result<base::UniqueFd> file = open_to_read(path);
  if (!file) return file.error();
  std::unique_ptr<CsvSource> source(new CsvSource);
  source->path_ = path;
  base::Result<Dialect> dialect = sniff(*file, path);
  if (!dialect) return dialect.error();
  source->dialect_ = *dialect;
  if (::lseek(file->get(), 0, SEEK_SET) < 0)
    return Error{Errc::system, path + ": " + std::strerror(errno)};
  CsvReader reader(std::move(*file), path, dialect->delimiter);
  std::vector<std::string_view> fields;
  base::Result<bool> more = reader.next(fields);
  if (!more) return more.error();
  if (fields.size() > kMaxColumns)
    return Error{Errc::limit, path + ": " + std::to_string(fields.size()) +
                                  " columns, at most 4096 can be read"};
  std::vector<std::string> names;
  for (const std::string_view field : fields)
    names.emplace_back(dialect->header ? field : std::string_view());
  names = clean_names(names);
  const size_t expected = names.size();
  std::vector<Guess> guesses(expected, Guess(dialect->delimiter == ';'));
  std::vector<Mixture> mixtures(expected, Mixture("line", dialect->delimiter == ';'));
  if (dialect->header) more = reader.next(fields);
  for (; more && *more; more = reader.next(fields)) {
    size_t n = fields.size();
    while (n > expected && fields[n - 1].empty()) --n;
    if (n != expected)
      return Error{Errc::corrupt, at_line(path, reader.line()) + " has " + counted(n, "field") +
                                      ", expected " + std::to_string(expected)};
    for (size_t i = 0; i < expected; ++i) {
      guesses[i].add(fields[i]);
      mixtures[i].add(guesses[i], fields[i], reader.line());
    }
    ++source->rows_;
  }
  if (!more) return more.error();
  for (size_t i = 0; i < expected; ++i) {
    Reading reading = guesses[i].result();
    if (reading.type != Type::empty &&
        std::find(as_text.begin(), as_text.end(), names[i]) != as_text.end())
      reading.type = Type::text;
    if (std::string note = mixtures[i].note(names[i], reading); !note.empty())
      source->notes_.push_back(std::move(note));
    source->readings_.push_back(reading);
    source->columns_.push_back(
        {.name = names[i], .type = reading.type, .may_miss = reading.may_miss});
  }
  return source;
}

base::Result<std::unique_ptr<Cursor>> CsvSource::start(std::vector<int> wanted) const {
  base::Result<base::UniqueFd> file = open_to_read(path_);
  if (!file) return file.error();
  return std::unique_ptr<Cursor>(std::make_unique<CsvCursor>(
      *this, CsvReader(std::move(*file), path_, dialect_.delimiter), std::move(wanted)));
}

}  // namespace tools::data
