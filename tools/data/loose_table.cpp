#include "tools/data/loose_table.h"

#include <algorithm>
#include <cmath>

#include "tools/data/csv.h"
#include "tools/data/notes.h"

namespace tools::data {

std::string_view LooseTable::pooled(const Lane& lane, uint64_t row) const {
  const uint64_t begin = row == 0 ? 0 : lane.ends[row - 1];
  return std::string_view(lane.pool).substr(begin, lane.ends[row] - begin);
}

void LooseTable::pad(Lane& lane, uint64_t rows) {
  while (lane.kinds.size() < rows) {
    lane.kinds.push_back(Kind::missing);
    lane.numbers.push_back(0);
    lane.ends.push_back(lane.pool.size());
  }
}

void LooseTable::put(size_t column, const Cell& cell) {
  while (columns_.size() <= column) columns_.emplace_back();
  Lane& lane = columns_[column];
  pad(lane, rows_);
  if (lane.kinds.size() > rows_) return;  // a cell given twice: the first counts
  Kind kind = Kind::missing;
  double number = 0;
  if (const double* x = std::get_if<double>(&cell)) {
    // A number that a double does not keep exactly is a code.
    if (std::isfinite(*x)) kind = Kind::number;
    number = *x;
  } else if (const bool* b = std::get_if<bool>(&cell)) {
    kind = Kind::boolean;
    number = *b;
  } else if (const Date* d = std::get_if<Date>(&cell)) {
    kind = Kind::date;
    lane.dates.resize(rows_);
    lane.dates.push_back(d->micros);
  } else if (const std::string* t = std::get_if<std::string>(&cell)) {
    if (!is_missing(trimmed(*t))) {
      kind = Kind::text;
      lane.pool += to_utf8(*t);
      bytes_ += t->size();
    }
  }
  lane.kinds.push_back(kind);
  lane.numbers.push_back(number);
  lane.ends.push_back(lane.pool.size());
  bytes_ += 17;
}

std::string LooseTable::text(size_t column, uint64_t row) const {
  if (column >= columns_.size() || row >= columns_[column].kinds.size()) return {};
  const Lane& lane = columns_[column];
  switch (lane.kinds[row]) {
    case Kind::missing:
      return {};
    case Kind::boolean:
      return lane.numbers[row] != 0 ? "true" : "false";
    case Kind::number:
      return exact_number(lane.numbers[row]);
    case Kind::date:
      return format_date({lane.dates[row]});
    case Kind::text:
      return std::string(pooled(lane, row));
  }
  return {};
}

std::shared_ptr<Frame> LooseTable::finish(const std::vector<std::string>& names, uint64_t first_row,
                                          uint64_t place_of_first) const {
  std::vector<std::string> all = names;
  all.resize(std::max(names.size(), columns_.size()));
  all = clean_names(all);
  std::vector<Column> columns;
  std::vector<Reading> readings(all.size());
  std::vector<bool> uniform(all.size());
  std::vector<std::string> notes;
  for (size_t c = 0; c < all.size(); ++c) {
    uint64_t counts[5] = {};
    const uint64_t filled = c < columns_.size() ? columns_[c].kinds.size() : 0;
    for (uint64_t row = first_row; row < filled; ++row)
      ++counts[static_cast<size_t>(columns_[c].kinds[row])];
    const uint64_t known = counts[1] + counts[2] + counts[3] + counts[4];
    Reading& reading = readings[c];
    uniform[c] = known > 0 && (counts[1] == known || counts[2] == known || counts[3] == known);
    if (uniform[c]) {
      reading.type = counts[1] ? Type::boolean : counts[2] ? Type::number : Type::date;
    } else if (known > 0) {
      Guess guess;
      Mixture mixture("row");
      for (uint64_t row = first_row; row < filled; ++row) {
        if (columns_[c].kinds[row] == Kind::missing) continue;
        const std::string value = text(c, row);
        guess.add(trimmed(value));
        mixture.add(guess, trimmed(value), row - first_row + place_of_first);
      }
      reading = guess.result();
      if (std::string note = mixture.note(all[c], reading); !note.empty()) notes.push_back(note);
    }
    columns.push_back({.name = all[c],
                       .type = reading.type,
                       .may_miss = known < rows_ - first_row || known == 0});
  }
  auto frame = std::make_shared<Frame>(columns);
  for (size_t c = 0; c < all.size(); ++c) {
    const int column = static_cast<int>(c);
    for (uint64_t row = first_row; row < rows_; ++row) {
      const bool there = c < columns_.size() && row < columns_[c].kinds.size() &&
                         columns_[c].kinds[row] != Kind::missing;
      if (!there || columns[c].type == Type::empty) {
        frame->missing(column);
        continue;
      }
      const Lane& lane = columns_[c];
      const std::string value = uniform[c] ? std::string() : text(c, row);
      switch (columns[c].type) {
        case Type::boolean:
          frame->boolean(column, uniform[c] ? lane.numbers[row] != 0
                                            : read_boolean(trimmed(value)).value_or(false));
          break;
        case Type::number:
          frame->number(column, uniform[c]
                                    ? lane.numbers[row]
                                    : read_number(readings[c].style, trimmed(value)).value_or(0));
          break;
        case Type::date:
          frame->date(column, uniform[c]
                                  ? lane.dates[row]
                                  : parse_date(readings[c].format, trimmed(value)).value_or(0));
          break;
        case Type::text:
          frame->text(column, value);
          break;
        case Type::empty:
          break;
      }
    }
  }
  for (uint64_t row = first_row; row < rows_; ++row) frame->end_row();
  frame->add_notes(std::move(notes));
  return frame;
}

}  // namespace tools::data
