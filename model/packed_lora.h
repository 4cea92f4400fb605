#pragma once

#include <array>

#include "model/gemm/packed_matrix.h"
#include "model/lora.h"

namespace model {

/// An adapter in bf16 for reading prompts. Projections that read the same input share one matrix A,
/// so that x A^T is one product, and one more block of columns in each product with W:
/// y = x W^T + (x A^T) B^T.
class PackedLora {
 public:
  PackedLora() = default;
  explicit PackedLora(const Lora& lora, ThreadPool& pool);

  /// Those of the projections that read what `p` reads: n is the sum of their ranks, 0 where no
  /// adapter is.
  const PackedMatrix& a(int layer, Projection p) const;
  /// [out, sum of the ranks], with the adapter's scale, zeros for the other projections' ranks.
  const PackedMatrix& b(int layer, Projection p) const;
  bool empty() const { return layers_.empty(); }

 private:
  static constexpr size_t kInputs = 4;  // of attention, o, feed-forward, down
  static size_t input_of(Projection p);
  struct Layer {
    std::array<PackedMatrix, kInputs> a;
    std::array<PackedMatrix, kProjections> b;
  };
  std::vector<Layer> layers_;
};

}  // namespace model
