#pragma once

#include <span>
#include <vector>

#include "model/candidates.h"
#include "model/decoder.h"
#include "model/thread_pool.h"
#include "model/token_mask.h"

namespace model {

/// What may follow some positions: logits, computed when they are asked for and no more of them
/// than is asked for.
class Outlook {
 public:
  /// The decoder and the pool outlive it.
  Outlook(const Decoder& decoder, ThreadPool& pool) : decoder_(decoder), pool_(pool) {}

  void clear();
  /// Adds n final-normed rows, [n, hidden]; those that are added together are computed together.
  void add(const float* normed, int n);
  int rows() const { return static_cast<int>(pieces_.size()); }
  int vocab() const;

  /// All logits after row `row`: [vocab], valid until clear() or add().
  std::span<const float> all(int row);

  /// Of the allowed tokens at least those with the `most` largest logits, each what all() says it
  /// is. most 0: every allowed one.
  void settle(int row, int most, const TokenMask& allowed, Candidates& out);

 private:
  struct Piece {
    int first, n;  // rows that are computed together
  };
  enum class State : uint8_t { nothing, bounds, exact };
  const float* normed(int row) const;
  float* values(int row);
  void compute(int row, State wanted);
  void compute_each(int row, std::span<const int32_t> ids, std::vector<float>& logits);
  void find_by_bounds(int row, size_t most, const TokenMask& allowed, Candidates& out);

  const Decoder& decoder_;
  ThreadPool& pool_;
  std::vector<float> normed_;      // [rows, hidden]
  std::vector<Piece> pieces_;      // of each row
  std::vector<State> states_;      // of each row
  std::vector<float> values_;      // [rows, vocab]: bounds or logits
  std::vector<float> block_most_;  // [rows, blocks]: the largest bounds
  Candidates first_;               // that looked best
};

/// One row of an Outlook, or logits that are there already.
class NextLogits {
 public:
  NextLogits(std::span<const float> all) : all_(all) {}
  NextLogits(const std::vector<float>& all) : all_(all) {}
  NextLogits(Outlook& outlook, int row) : outlook_(&outlook), row_(row) {}

  size_t size() const;
  std::span<const float> all() const { return outlook_ ? outlook_->all(row_) : all_; }
  void settle(int most, const TokenMask& allowed, Candidates& out) const;
  /// The id of the largest, the lowest of equal ones.
  int32_t likeliest() const;

 private:
  Outlook* outlook_ = nullptr;
  int row_ = 0;
  std::span<const float> all_;
};

}  // namespace model
