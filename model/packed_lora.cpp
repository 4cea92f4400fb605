#include "model/packed_lora.h"

#include <algorithm>

namespace model {

size_t PackedLora::input_of(Projection p) {
  switch (p) {
    case Projection::q:
    case Projection::k:
    case Projection::v:
      return 0;
    case Projection::o:
      return 1;
    case Projection::gate:
    case Projection::up:
      return 2;
    case Projection::down:
      return 3;
  }
  return 0;
}

PackedLora::PackedLora(const Lora& lora, ThreadPool& pool) : layers_(lora.layers.size()) {
  for (size_t i = 0; i < lora.layers.size(); ++i) {
    const std::array<LowRank, kProjections>& layer = lora.layers[i];
    for (size_t input = 0; input < kInputs; ++input) {
      std::vector<float> rows;  // A of all, one below the other
      int ranks = 0, in = 0;
      for (int p = 0; p < kProjections; ++p) {
        const LowRank& low = layer[static_cast<size_t>(p)];
        if (input_of(static_cast<Projection>(p)) != input || low.rank == 0) continue;
        rows.insert(rows.end(), low.a.begin(), low.a.end());
        ranks += low.rank;
        in = low.in;
      }
      if (ranks == 0) continue;
      layers_[i].a[input] = PackedMatrix::pack(rows.data(), ranks, in, in, &pool);
      int first = 0;
      for (int p = 0; p < kProjections; ++p) {
        const LowRank& low = layer[static_cast<size_t>(p)];
        if (input_of(static_cast<Projection>(p)) != input || low.rank == 0) continue;
        const auto row = [&](int r, std::span<float> out) {
          std::fill(out.begin(), out.end(), 0.0f);
          for (int j = 0; j < low.rank; ++j)
            out[static_cast<size_t>(first + j)] =
                low.scale * low.b[static_cast<size_t>(r) * static_cast<size_t>(low.rank) +
                                  static_cast<size_t>(j)];
        };
        layers_[i].b[static_cast<size_t>(p)] = PackedMatrix::pack(row, low.out, ranks, &pool);
        first += low.rank;
      }
    }
  }
}

const PackedMatrix& PackedLora::a(int layer, Projection p) const {
  return layers_[static_cast<size_t>(layer)].a[input_of(p)];
}

const PackedMatrix& PackedLora::b(int layer, Projection p) const {
  return layers_[static_cast<size_t>(layer)].b[static_cast<size_t>(p)];
}

}  // namespace model
