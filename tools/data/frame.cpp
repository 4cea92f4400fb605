#include "tools/data/frame.h"

namespace tools::data {

class FrameCursor : public Cursor {
 public:
  FrameCursor(const Frame& frame, std::vector<int> wanted)
      : frame_(frame), wanted_(std::move(wanted)) {}

  base::Result<int> next(CellSink& sink, int max_rows) override {
    int sent = 0;
    for (; sent < max_rows && row_ < frame_.rows(); ++sent, ++row_) {
      for (size_t i = 0; i < wanted_.size(); ++i)
        send(sink, static_cast<int>(i), static_cast<size_t>(wanted_[i]));
      sink.end_row();
    }
    return sent;
  }

 private:
  void send(CellSink& sink, int column, size_t from) {
    const Frame::Lane& lane = frame_.lanes_[from];
    if (!lane.known[row_]) return sink.missing(column);
    switch (frame_.columns()[from].type) {
      case Type::number:
        return sink.number(column, lane.numbers[row_]);
      case Type::date:
        return sink.date(column, lane.ints[row_]);
      case Type::boolean:
        return sink.boolean(column, lane.ints[row_] != 0);
      case Type::text: {
        const uint64_t begin = row_ == 0 ? 0 : lane.ends[row_ - 1];
        return sink.text(column,
                         std::string_view(lane.pool).substr(begin, lane.ends[row_] - begin));
      }
      case Type::empty:
        return sink.missing(column);
    }
  }

  const Frame& frame_;
  std::vector<int> wanted_;
  uint64_t row_ = 0;
};

Frame::Frame(std::vector<Column> columns) : lanes_(columns.size()) {
  columns_ = std::move(columns);
}

void Frame::add(int column, bool known, double number, int64_t integer, std::string_view text) {
  const auto i = static_cast<size_t>(column);
  Lane& lane = lanes_[i];
  lane.known.push_back(known);
  switch (columns_[i].type) {
    case Type::number:
      lane.numbers.push_back(number);
      break;
    case Type::date:
    case Type::boolean:
      lane.ints.push_back(integer);
      break;
    case Type::text:
      lane.pool.append(text);
      lane.ends.push_back(lane.pool.size());
      break;
    case Type::empty:
      break;
  }
}

void Frame::missing(int column) { add(column, false, 0, 0, {}); }
void Frame::number(int column, double value) { add(column, true, value, 0, {}); }
void Frame::text(int column, std::string_view value) { add(column, true, 0, 0, value); }
void Frame::date(int column, int64_t micros) { add(column, true, 0, micros, {}); }
void Frame::boolean(int column, bool value) { add(column, true, 0, value, {}); }

Cell Frame::at(int column, uint64_t row) const {
  const auto i = static_cast<size_t>(column);
  const Lane& lane = lanes_[i];
  if (!lane.known[row]) return {};
  switch (columns_[i].type) {
    case Type::number:
      return lane.numbers[row];
    case Type::date:
      return Date{lane.ints[row]};
    case Type::boolean:
      return lane.ints[row] != 0;
    case Type::text: {
      const uint64_t begin = row == 0 ? 0 : lane.ends[row - 1];
      return lane.pool.substr(begin, lane.ends[row] - begin);
    }
    case Type::empty:
      break;
  }
  return {};
}

base::Result<std::unique_ptr<Cursor>> Frame::start(std::vector<int> wanted) const {
  return std::unique_ptr<Cursor>(std::make_unique<FrameCursor>(*this, std::move(wanted)));
}

}  // namespace tools::data
