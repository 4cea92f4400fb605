// Why the guess can be checked value by value: Guess strikes out readings and never brings one
// back, and takes the first that is left. A column that is plain numbers so far stays that as long
// as each value is a plain number; the same holds for booleans, for the first date format that is
// left, and for text. The other readings depend on what comes later (a currency sign, a decimal
// comma, a day over 12) and are left to the two passes.

#include "tools/data/csv_pass.h"

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/utf8.h"
#include "tools/data/csv.h"
#include "tools/data/notes.h"
#include "tools/data/workspace.h"

namespace tools::data {
namespace {

using base::Errc;
using base::Error;

constexpr uint64_t kGuessRows = 20'000;
constexpr size_t kBatchRows = 2048;
constexpr size_t kBatches = 3;

// Records, their fields one after the other in `bytes`.
struct Batch {
  std::string bytes{};
  std::vector<size_t> ends{};
  std::vector<uint32_t> counts{};  // fields of each record
  std::vector<uint64_t> lines{};
  std::unique_ptr<Error> error{};
  bool last = false;
};

// A CsvReader on a thread of its own, a few batches ahead.
class ReaderThread {
 public:
  explicit ReaderThread(CsvReader reader)
      : reader_(std::move(reader)), thread_([this] { run(); }) {}
  ~ReaderThread() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  ReaderThread(const ReaderThread&) = delete;
  ReaderThread& operator=(const ReaderThread&) = delete;

  // The next batch, valid until the next call.
  const Batch& next() {
    std::unique_lock lock(mutex_);
    if (taken_) {
      --filled_;
      read_at_ = (read_at_ + 1) % kBatches;
      changed_.notify_all();
    }
    changed_.wait(lock, [this] { return filled_ > 0; });
    taken_ = true;
    return batches_[read_at_];
  }

 private:
  void run() {
    size_t write_at = 0;
    std::vector<std::string_view> fields;
    for (bool more = true; more; write_at = (write_at + 1) % kBatches) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return filled_ < kBatches || stop_; });
        if (stop_) return;
      }
      Batch& batch = batches_[write_at];
      batch.bytes.clear();
      batch.ends.clear();
      batch.counts.clear();
      batch.lines.clear();
      while (batch.counts.size() < kBatchRows) {
        base::Result<bool> record = reader_.next(fields);
        if (!record) batch.error = std::make_unique<Error>(record.error());
        more = record && *record;
        if (!more) break;
        for (const std::string_view field : fields) {
          batch.bytes.append(field);
          batch.ends.push_back(batch.bytes.size());
        }
        batch.counts.push_back(static_cast<uint32_t>(fields.size()));
        batch.lines.push_back(reader_.line());
      }
      batch.last = !more;
      const std::lock_guard lock(mutex_);
      ++filled_;
      changed_.notify_all();
    }
  }

  CsvReader reader_;
  std::array<Batch, kBatches> batches_;
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t filled_ = 0, read_at_ = 0;
  bool taken_ = false, stop_ = false;
  std::thread thread_;  // last: it uses the others
};

bool checkable(const Reading& reading) {
  switch (reading.type) {
    case Type::number:
      return reading.style == NumberStyle::plain;
    case Type::date:
      return reading.format != DateFormat::month_day;
    case Type::boolean:
    case Type::text:
      return true;
    case Type::empty:
      return false;
  }
  return false;
}

// Sends one field as `reading` has it; false: it contradicts.
bool send(CellSink& sink, int column, const Reading& reading, std::string_view field) {
  if (is_missing(field)) {
    sink.missing(column);
    return true;
  }
  switch (reading.type) {
    case Type::number: {
      if (is_code(field)) return false;
      const std::optional<double> number = parse_number(field);
      if (number) sink.number(column, *number);
      return number.has_value();
    }
    case Type::date: {
      const std::optional<int64_t> date = parse_date(reading.format, field);
      if (date) sink.date(column, *date);
      return date.has_value();
    }
    case Type::boolean: {
      const std::optional<bool> boolean = read_boolean(field);
      if (boolean) sink.boolean(column, *boolean);
      return boolean.has_value();
    }
    case Type::text:
    case Type::empty:
      if (base::is_utf8(field))
        sink.text(column, field);
      else
        sink.text(column, to_utf8(field));
      return true;
  }
  return false;
}

}  // namespace

base::Result<bool> csv_single_pass(
    const std::string& path,
    const std::function<CellSink&(const std::vector<Column>& columns)>& start,
    std::vector<std::string>& notes) {
  base::Result<base::UniqueFd> file = open_to_read(path);
  if (!file) return file.error();
  base::Result<Dialect> dialect = sniff(*file, path);
  if (!dialect) return dialect.error();
  file = open_to_read(path);
  if (!file) return file.error();
  ReaderThread reader(CsvReader(std::move(*file), path, dialect->delimiter));

  std::vector<std::string> names;
  std::vector<Guess> guesses;
  std::vector<Mixture> mixtures;
  std::vector<Reading> readings;
  std::vector<std::string> early;  // fields of the first rows, row by row
  CellSink* sink = nullptr;
  uint64_t rows = 0;
  const auto send_row = [&](const auto& field_at) {
    for (size_t i = 0; i < readings.size(); ++i)
      if (!send(*sink, static_cast<int>(i), readings[i], field_at(i))) return false;
    sink->end_row();
    return true;
  };
  while (true) {
    const Batch& batch = reader.next();
    size_t field = 0;
    for (size_t record = 0; record < batch.counts.size(); ++record) {
      const size_t first = field;
      field += batch.counts[record];
      const auto at = [&](size_t i) {
        const size_t begin = first + i == 0 ? 0 : batch.ends[first + i - 1];
        return std::string_view(batch.bytes).substr(begin, batch.ends[first + i] - begin);
      };
      size_t n = batch.counts[record];
      if (guesses.empty()) {
        // A file without names, with too many columns or with decimal commas: the usual way knows.
        if (!dialect->header || n > 4096 || dialect->delimiter == ';') return false;
        for (size_t i = 0; i < n; ++i) names.emplace_back(at(i));
        names = clean_names(names);
        guesses.resize(n);
        mixtures.resize(n);
        continue;
      }
      while (n > names.size() && at(n - 1).empty()) --n;
      if (n != names.size()) return false;  // the usual way has the sentence
      if (!sink) {
        for (size_t i = 0; i < n; ++i) {
          guesses[i].add(at(i));
          mixtures[i].add(guesses[i], at(i), batch.lines[record]);
          early.emplace_back(at(i));
        }
        if (++rows < kGuessRows) continue;
        std::vector<Column> columns;
        for (size_t i = 0; i < n; ++i) {
          readings.push_back(guesses[i].result());
          if (!checkable(readings[i])) return false;
          columns.push_back({.name = names[i], .type = readings[i].type});
        }
        sink = &start(columns);
        for (uint64_t row = 0; row < rows; ++row)
          if (!send_row([&](size_t i) { return std::string_view(early[row * n + i]); }))
            return false;
        early = {};
        continue;
      }
      if (!send_row(at)) return false;
      for (size_t i = 0; i < n; ++i)
        if (readings[i].type == Type::text) mixtures[i].add(guesses[i], at(i), batch.lines[record]);
    }
    if (batch.error) return *batch.error;
    if (batch.last) break;
  }
  if (!sink) return false;
  for (size_t i = 0; i < names.size(); ++i)
    if (std::string note = mixtures[i].note(names[i], readings[i]); !note.empty())
      notes.push_back(std::move(note));
  return true;
}

}  // namespace tools::data
