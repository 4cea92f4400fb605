#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/huge_pages.h"
#include "model/thread_pool.h"
#include "model/weights.h"

namespace model {

/// A copy of a Q8_0 vocabulary in four bits a weight, and how far each row may be from the real
/// one: half the bytes tell which few of the logits can be the largest. In a small model the
/// vocabulary is most of what a token reads.
class VocabularyScreen {
 public:
  /// Whether it pays: the format fits, and the vocabulary is at least a quarter of all weights.
  static bool worthwhile(const Weights& weights);

  /// Reads the vocabulary once; its rows stay in the file. worthwhile() is true.
  VocabularyScreen(const Matrix& vocabulary, ThreadPool& pool);

  /// Upper bounds of the products of the vocabulary's rows and m rows of x [m, hidden], m up to
  /// kMostRows, as integer kernels compute them: upper [m, vocab]. Below the product of a row with
  /// a chance of some 1e-15 (the .cpp says why); +infinity where nothing can be said. most [m,
  /// blocks()]: the largest of each kBlock bounds, so that most of them need not be looked at.
  void bound(const float* x, int m, float* upper, float* most, ThreadPool& pool) const;
  static constexpr int kMostRows = 8;
  static constexpr int kBlock = 64;
  static int blocks(int vocab) { return (vocab + kBlock - 1) / kBlock; }

  /// Of a row divided by the factors of its columns: scale * (u - 7.5) + what rounding left, and
  /// what is allowed for in the product with an x (times the factors) of length 1: `rest` for what
  /// was left, `length` for an error in x of length 1.
  /// Side by side for so many rows, since all of them are read for each token.
  struct Rows {
    float scale[kBlock], rest[kBlock], length[kBlock];
  };
  std::span<const Rows> rows() const { return rows_; }
  std::span<const float> columns() const { return columns_; }
  static constexpr double kDeviations = 8;

 private:
  int hidden_ = 0, width_ = 0;  // columns, and those with the zeros after them
  int vocab_ = 0;
  std::unique_ptr<uint8_t, FreeAligned>
      coarse_;                  // [vocab, width / 2], see IntegerKernel::nibble_sums
  std::vector<Rows> rows_;      // [blocks()]
  std::vector<float> columns_;  // [hidden]: factors
};

}  // namespace model
