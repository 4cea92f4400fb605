// Window transforms. A frame slides over the sorted rows of each group; sums, counts and moments
// are updated as rows enter and leave it, ordered statistics keep a sorted list, and only what has
// no such update (values, argmin, ci) is computed anew, within a bound of work.
#include "tools/vega/window.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include "base/json.h"

#include "tools/vega/groups.h"
#include "tools/vega/not_a_number.h"
#include "tools/vega/statistics.h"

namespace tools::vega {
namespace {

using base::Errc;
using base::Error;

constexpr double kMaxWork = 2e8;

/// The sorted rows of one group and where the frame stands.
struct Frame {
  const Rows& rows;
  const std::vector<uint32_t>& members;
  const std::vector<SortField>& sort;
  size_t index = 0, begin = 0, end = 0;

  size_t size() const { return members.size(); }
  const Row& row(size_t i) const { return rows[members[i]]; }
  // Without a sort every row is a group of its own.
  bool differ(size_t i, size_t j) const {
    return sort.empty() || compare_rows(row(i), row(j), sort) != 0;
  }
};

/// One column's state over one group.
class WindowState {
 public:
  virtual ~WindowState() = default;
  virtual void enter(const Frame&, size_t) {}
  virtual void leave(const Frame&, size_t) {}
  virtual Row value(const Frame& frame) = 0;
};

/// Ranks and values of other rows.
class Position : public WindowState {
 public:
  Position(const WindowColumn& column, const Field& field) : column_(column), field_(field) {}

  Row value(const Frame& f) override {
    const std::string& op = column_.op;
    double n = static_cast<double>(f.size());
    double parameter = column_.parameter.value_or(0);
    if (op == "row_number") return f.index + 1;
    if (op == "rank") return rank(f);
    if (op == "dense_rank") {
      if (f.index > 0 && f.differ(f.index - 1, f.index)) ++dense_;
      return dense_;
    }
    if (op == "percent_rank") return number_row((static_cast<double>(rank(f)) - 1) / (n - 1));
    if (op == "cume_dist") return number_row(cumulative(f));
    if (op == "ntile") return number_row(std::ceil(parameter * cumulative(f)));
    if (op == "lag" || op == "lead") {
      double offset = parameter != 0 ? parameter : 1;
      double i = static_cast<double>(f.index) + (op == "lag" ? -offset : offset);
      return i >= 0 && i < n ? at(f, static_cast<size_t>(i)) : Row();
    }
    if (op == "first_value") return f.begin < f.end ? at(f, f.begin) : Row();
    if (op == "last_value") return f.begin < f.end ? at(f, f.end - 1) : Row();
    if (op == "nth_value") {
      double i = static_cast<double>(f.begin) + parameter - 1;
      return i < static_cast<double>(f.end) ? at(f, static_cast<size_t>(i)) : Row();
    }
    if (op == "prev_value") {
      const Row& here = field_.of(f.row(f.index));
      if (!here.is_null()) kept_ = here;
      return kept_;
    }
    // next_value: the next one that is not null, looked for once.
    if (!searched_ || f.index > found_) {
      searched_ = true;
      for (found_ = f.index; found_ < f.size(); ++found_) {
        if (!field_.of(f.row(found_)).is_null()) break;
      }
    }
    return found_ < f.size() ? at(f, found_) : Row();
  }

 private:
  Row at(const Frame& f, size_t i) const { return field_.of(f.row(i)); }
  size_t rank(const Frame& f) {
    if (f.index > 0 && f.differ(f.index - 1, f.index)) rank_ = f.index + 1;
    return rank_;
  }
  double cumulative(const Frame& f) {
    if (last_peer_ < f.index) {
      last_peer_ = f.index;
      while (last_peer_ + 1 < f.size() && !f.differ(last_peer_, last_peer_ + 1)) ++last_peer_;
    }
    return (1 + static_cast<double>(last_peer_)) / static_cast<double>(f.size());
  }

  const WindowColumn& column_;
  const Field& field_;
  size_t rank_ = 1, dense_ = 1, last_peer_ = 0, found_ = 0;
  bool searched_ = false;
  Row kept_;
};

/// Aggregates that follow the frame.
class Sliding : public WindowState {
 public:
  Sliding(const WindowColumn& column, const Field& field) : op_(column.op), field_(field) {
    ordered_ = op_ == "median" || op_ == "q1" || op_ == "q3" || op_ == "min" || op_ == "max";
  }

  void enter(const Frame& f, size_t i) override {
    ++count_;
    const Row* value = field_.find(f.row(i));
    if (op_ == "distinct") ++distinct_[value == nullptr ? "undefined" : to_text(*value)];
    if (is_missing(value)) {
      ++missing_;
      return;
    }
    if (!is_valid(*value)) return;
    ++valid_;
    double x = to_number(*value);
    sum_ += x;
    product_ *= x;
    double delta = x - mean_;
    mean_ += delta / valid_;
    deviation_ += delta * (x - mean_);
    if (ordered_ && !std::isnan(x)) {
      sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), x), x);
    }
  }

  void leave(const Frame& f, size_t i) override {
    --count_;
    const Row* value = field_.find(f.row(i));
    if (op_ == "distinct") {
      auto it = distinct_.find(value == nullptr ? "undefined" : to_text(*value));
      if (it != distinct_.end() && --it->second == 0) distinct_.erase(it);
    }
    if (is_missing(value)) {
      --missing_;
      return;
    }
    if (!is_valid(*value)) return;
    --valid_;
    double x = to_number(*value);
    sum_ -= x;
    product_ /= x;
    double delta = x - mean_;
    mean_ -= valid_ > 0 ? delta / valid_ : mean_;
    deviation_ -= delta * (x - mean_);
    if (ordered_ && !std::isnan(x)) {
      auto at = std::lower_bound(sorted_.begin(), sorted_.end(), x);
      if (at != sorted_.end() && *at == x) sorted_.erase(at);
    }
  }

  Row value(const Frame&) override {
    if (op_ == "count") return count_;
    if (op_ == "missing") return missing_;
    if (op_ == "valid") return valid_;
    if (op_ == "distinct") return distinct_.size();
    if (valid_ <= 0) return Row();
    if (op_ == "sum") return number_row(sum_);
    if (op_ == "product") return number_row(product_);
    if (op_ == "mean" || op_ == "average") return number_row(mean_);
    if (ordered_) {
      if (sorted_.empty()) return Row();
      if (op_ == "min") return number_row(sorted_.front());
      if (op_ == "max") return number_row(sorted_.back());
      return number_row(quantile_sorted(sorted_, op_ == "median" ? 0.5
                                                 : op_ == "q1"   ? 0.25
                                                                 : 0.75));
    }
    double squares = std::max(0.0, deviation_), n = valid_;
    if (op_ == "variancep") return squares / n;
    if (op_ == "stdevp") return std::sqrt(squares / n);
    if (n < 2) return Row();
    if (op_ == "variance") return squares / (n - 1);
    if (op_ == "stdev") return std::sqrt(squares / (n - 1));
    return std::sqrt(squares / (n * (n - 1)));
  }

 private:
  const std::string& op_;
  const Field& field_;
  bool ordered_ = false;
  int64_t count_ = 0, missing_ = 0, valid_ = 0;
  double sum_ = 0, product_ = 1, mean_ = 0, deviation_ = 0;
  std::vector<double> sorted_;
  std::unordered_map<std::string, int64_t> distinct_;
};

/// Aggregates of the whole frame, kept while the frame stays.
class Recomputed : public WindowState {
 public:
  Recomputed(const WindowColumn& column, double& work) : column_(column), work_(work) {}

  Row value(const Frame& f) override {
    if (known_ && f.begin == begin_ && f.end == end_) return last_;
    known_ = true;
    begin_ = f.begin;
    end_ = f.end;
    work_ += static_cast<double>(f.end - f.begin) * (column_.op.starts_with("ci") ? 1000 : 50);
    if (work_ > kMaxWork) return Row();
    Rows part;
    for (size_t i = f.begin; i < f.end; ++i) part.push_back(f.row(i));
    base::Result<Rows> out = aggregate(part, {}, {{column_.op, column_.field, "value"}});
    last_ = out && !out->empty() && (*out)[0].contains("value") ? (*out)[0]["value"] : Row();
    return last_;
  }

 private:
  const WindowColumn& column_;
  double& work_;
  bool known_ = false;
  size_t begin_ = 0, end_ = 0;
  Row last_;
};

constexpr std::string_view kWindowOps[] = {
    "row_number", "rank",        "dense_rank", "percent_rank", "cume_dist",  "ntile",     "lag",
    "lead",       "first_value", "last_value", "nth_value",    "prev_value", "next_value"};

bool is_window_op(std::string_view op) {
  return std::find(std::begin(kWindowOps), std::end(kWindowOps), op) != std::end(kWindowOps);
}

base::Status check(const WindowColumn& column) {
  const std::string& op = column.op;
  if (!is_window_op(op) && !is_aggregate_op(op)) {
    return Error{Errc::usage, "window has no operation \"" + op.substr(0, 60) + "\""};
  }
  static constexpr std::string_view kFieldless[] = {
      "row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "count"};
  bool fieldless =
      std::find(std::begin(kFieldless), std::end(kFieldless), op) != std::end(kFieldless);
  if (!fieldless && column.field.empty()) {
    return Error{Errc::usage, "window operation \"" + op + "\" needs a field"};
  }
  if ((op == "ntile" || op == "nth_value") && !(column.parameter.value_or(0) > 0)) {
    return Error{Errc::usage, "window operation \"" + op + "\" needs a param above 0"};
  }
  return base::Ok{};
}

}  // namespace

base::Result<Rows> window_rows(Rows rows, const WindowOptions& options) {
  std::vector<std::string> paths;
  for (const WindowColumn& column : options.columns) {
    if (base::Status status = check(column); !status) return status.error();
    paths.push_back(column.field);
  }
  base::Result<std::vector<Field>> fields = parse_fields(paths);
  if (!fields) return fields.error();
  base::Result<Groups> groups = group_rows(rows, options.groupby);
  if (!groups) return groups.error();
  double work = 0;
  // Results wait until all are there: a column may be computed from one that it replaces.
  std::vector<std::vector<Row>> results(options.columns.size(), std::vector<Row>(rows.size()));
  for (std::vector<uint32_t>& members : groups->members) {
    sort_members(rows, members, options.sort);
    Frame frame{rows, members, options.sort};
    std::vector<std::unique_ptr<WindowState>> states;
    for (size_t c = 0; c < options.columns.size(); ++c) {
      const WindowColumn& column = options.columns[c];
      static constexpr std::string_view kWhole[] = {"values", "argmin", "argmax", "ci0", "ci1"};
      bool whole = std::find(std::begin(kWhole), std::end(kWhole), column.op) != std::end(kWhole);
      if (is_window_op(column.op)) {
        states.push_back(std::make_unique<Position>(column, (*fields)[c]));
      } else if (whole) {
        states.push_back(std::make_unique<Recomputed>(column, work));
      } else {
        states.push_back(std::make_unique<Sliding>(column, (*fields)[c]));
      }
    }
    double n = static_cast<double>(members.size());
    size_t begin = 0, end = 0;  // what has entered the states
    auto less = [&](uint32_t a, uint32_t b) {
      return compare_rows(rows[a], rows[b], options.sort) < 0;
    };
    for (size_t i = 0; i < members.size(); ++i) {
      auto place = [&](std::optional<double> offset, double all, double add) {
        double at = offset ? static_cast<double>(i) + std::trunc(*offset) + add : all;
        return static_cast<size_t>(std::clamp(at, 0.0, n));
      };
      frame.index = i;
      frame.begin = place(options.frame[0], 0, 0);
      frame.end = place(options.frame[1], n, 1);
      if (!options.sort.empty() && !options.ignore_peers && frame.begin < members.size() &&
          frame.end > 0) {
        // The frame takes in all rows that sort like its first or last one.
        size_t first = frame.begin, last = frame.end - 1;
        // Frames only move on, so the peers of the frame before are mostly those of this one.
        if (first > 0 && !frame.differ(first, first - 1)) {
          if (begin < first && !frame.differ(begin, first)) {
            frame.begin = begin;
          } else {
            auto at = std::lower_bound(members.begin(), members.end(), members[first], less);
            frame.begin = static_cast<size_t>(at - members.begin());
          }
        }
        if (end > last + 1) {
          frame.end = end;
        } else if (last + 1 < members.size() && !frame.differ(last, last + 1)) {
          auto at = std::upper_bound(members.begin(), members.end(), members[last], less);
          frame.end = static_cast<size_t>(at - members.begin());
        }
      }
      for (const auto& state : states) {
        for (size_t k = begin; k < std::min(frame.begin, end); ++k) state->leave(frame, k);
        for (size_t k = std::max(end, frame.begin); k < frame.end; ++k) state->enter(frame, k);
      }
      begin = std::max(begin, frame.begin);
      end = std::max({end, frame.end, begin});
      for (size_t c = 0; c < states.size(); ++c) {
        results[c][members[i]] = states[c]->value(frame);
      }
      if (work > kMaxWork) {
        return Error{Errc::limit, "window over this many rows is too much work"};
      }
    }
  }
  for (size_t c = 0; c < options.columns.size(); ++c) {
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].is_object()) rows[i][options.columns[c].as] = std::move(results[c][i]);
    }
  }
  return rows;
}

}  // namespace tools::vega
