#pragma once

#include <vector>

#include "model/architecture.h"

namespace model {

/// Keys and values of one conversation, f32. Full layers keep every position; sliding layers keep
/// the last ones in a ring of `sliding_window + slack` slots, where position p lies in slot p mod
/// slots.
class KvCache {
 public:
  /// slack: positions a chunk may hold, and how far truncate() may go back in sliding layers.
  KvCache(const Architecture& architecture, int context, int slack);

  int size() const { return size_; }
  int context() const { return context_; }

  /// Row of position `p` in layer `layer`: [n_kv_heads * head_dim].
  float* key(int layer, int p) { return row(layers_[static_cast<size_t>(layer)].keys, layer, p); }
  float* value(int layer, int p) {
    return row(layers_[static_cast<size_t>(layer)].values, layer, p);
  }
  /// Slots of a layer; rows of consecutive positions are consecutive up to the last slot.
  int slots(int layer) const { return layers_[static_cast<size_t>(layer)].slots; }

  /// Makes room for positions up to `size` (exclusive); the caller writes the rows.
  void extend(int size);
  /// Forgets positions from `size` on. False, and nothing done, when a sliding layer no longer
  /// holds the window before `size`.
  bool truncate(int size);

 private:
  struct Layer {
    std::vector<float> keys, values;
    int slots = 0, width = 0;
    bool sliding = false;
  };
  float* row(std::vector<float>& rows, int layer, int p) {
    const Layer& l = layers_[static_cast<size_t>(layer)];
    return rows.data() + static_cast<size_t>(p % l.slots) * static_cast<size_t>(l.width);
  }
  std::vector<Layer> layers_;
  int context_, window_, slack_;
  int size_ = 0;
  int high_ = 0;  // one past the furthest position ever written since the ring was last whole
};

}  // namespace model
