#include "model/kv_cache.h"

#include <algorithm>

namespace model {

KvCache::KvCache(const Architecture& architecture, int context, int slack)
    : context_(context), window_(architecture.sliding_window), slack_(slack) {
  for (int i = 0; i < architecture.n_layers; ++i) {
    Layer layer;
    layer.sliding = architecture.layers[static_cast<size_t>(i)].sliding;
    layer.width = architecture.key_width(i);
    layer.slots = layer.sliding ? std::min(context, window_ + slack) : context;
    layers_.push_back(std::move(layer));
  }
}

void KvCache::extend(int size) {
  for (Layer& layer : layers_) {
    // Grown by doubling up to the slots, so that a short conversation stays small. A ring grows
    // only while it has not wrapped, when slot and position are the same.
    const size_t rows = static_cast<size_t>(std::min(size, layer.slots));
    const size_t width = static_cast<size_t>(layer.width);
    if (layer.keys.size() < rows * width) {
      const size_t target = std::min(static_cast<size_t>(layer.slots),
                                     std::max<size_t>({rows, layer.keys.size() / width * 2, 256}));
      layer.keys.resize(target * width);
      layer.values.resize(target * width);
    }
  }
  size_ = size;
  high_ = std::max(high_, size);
}

bool KvCache::truncate(int size) {
  if (size >= size_) return true;
  // Position p is overwritten once p + slots has been written; the next query at `size` needs p >=
  // size - window.
  for (const Layer& layer : layers_)
    if (layer.sliding && std::max(0, size - window_) + layer.slots < high_) return false;
  size_ = size;
  return true;
}

}  // namespace model
