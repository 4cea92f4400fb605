#include "model/kv_cache.h"

#include <algorithm>
#include <cstring>

#include "model/half.h"

namespace model {

KvCache::KvCache(const Architecture& architecture, int context, int slack, KvType type)
    : context_(context), window_(architecture.sliding_window), slack_(slack), type_(type) {
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
    // Grown by half up to the slots, so that a short conversation stays small. A ring grows only
    // while it has not wrapped, when slot and position are the same.
    const int rows = std::min(size, layer.slots);
    if (layer.rows >= rows) continue;
    layer.rows = std::min(layer.slots, std::max({rows, layer.rows + layer.rows / 2, 256}));
    const size_t values = static_cast<size_t>(layer.rows) * static_cast<size_t>(layer.width);
    for (Store* store : {&layer.keys, &layer.values}) {
      if (type_ == KvType::f32)
        store->floats.resize(values);
      else
        store->halves.resize(values);
    }
  }
  size_ = size;
  high_ = std::max(high_, size);
}

void KvCache::write(int layer, int p, const float* key, const float* value) {
  Layer& l = layers_[static_cast<size_t>(layer)];
  const size_t at = static_cast<size_t>(p % l.slots) * static_cast<size_t>(l.width);
  if (type_ == KvType::f32) {
    std::copy_n(key, l.width, l.keys.floats.data() + at);
    std::copy_n(value, l.width, l.values.floats.data() + at);
  } else {
    to_halves(key, l.keys.halves.data() + at, l.width);
    to_halves(value, l.values.halves.data() + at, l.width);
  }
}

KvCache::Rows KvCache::read(const Store& store, int layer, int p, int run, int offset, int width,
                            float* to) const {
  const Layer& l = layers_[static_cast<size_t>(layer)];
  const size_t at =
      static_cast<size_t>(p % l.slots) * static_cast<size_t>(l.width) + static_cast<size_t>(offset);
  if (type_ == KvType::f32) return {store.floats.data() + at, l.width};
  const uint16_t* from = store.halves.data() + at;
  for (int i = 0; i < run; ++i)
    from_halves(from + static_cast<size_t>(i) * static_cast<size_t>(l.width),
                to + static_cast<size_t>(i) * static_cast<size_t>(width), width);
  return {to, width};
}

KvCache::Rows KvCache::keys(int layer, int p, int run, int offset, int width, float* to) const {
  return read(layers_[static_cast<size_t>(layer)].keys, layer, p, run, offset, width, to);
}

KvCache::Rows KvCache::values(int layer, int p, int run, int offset, int width, float* to) const {
  return read(layers_[static_cast<size_t>(layer)].values, layer, p, run, offset, width, to);
}

int KvCache::run_length(int layer, int p, int n) const {
  const int slots = layers_[static_cast<size_t>(layer)].slots;
  return std::min(n, slots - p % slots);
}

bool KvCache::can_truncate(int size) const {
  if (size >= size_ || size == 0) return true;
  if (low_ > 0 && size + 1 - window_ < low_) return false;
  // Position p is overwritten once p + slots has been written; the next query at `size` needs p >=
  // size - window.
  for (const Layer& layer : layers_)
    if (layer.sliding && std::max(0, size - window_) + layer.slots < high_) return false;
  return true;
}

bool KvCache::truncate(int size) {
  if (!can_truncate(size)) return false;
  size_ = std::min(size, size_);
  if (size_ == 0) low_ = high_ = 0;
  return true;
}

int KvCache::first_row(const Layer& layer, int begin, int end) const {
  return layer.sliding ? std::max(begin, end - window_) : begin;
}

size_t KvCache::row_bytes(const Layer& layer) const {
  return static_cast<size_t>(layer.width) *
         (type_ == KvType::f32 ? sizeof(float) : sizeof(uint16_t));
}

size_t KvCache::state_bytes(int begin, int end) const {
  size_t bytes = 0;
  for (const Layer& layer : layers_)
    bytes += 2 * row_bytes(layer) * static_cast<size_t>(end - first_row(layer, begin, end));
  return bytes;
}

bool KvCache::can_save(int begin) const {
  return begin < size_ && (low_ == 0 || std::max(begin, size_ - window_) >= low_);
}

void KvCache::save(int begin, std::byte* to) const {
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const size_t row = row_bytes(layer);
    for (const Store* store : {&layer.keys, &layer.values}) {
      const auto* rows = type_ == KvType::f32
                             ? reinterpret_cast<const std::byte*>(store->floats.data())
                             : reinterpret_cast<const std::byte*>(store->halves.data());
      for (int p = first_row(layer, begin, size_); p < size_;) {
        const int run = run_length(static_cast<int>(i), p, size_ - p);
        const size_t bytes = row * static_cast<size_t>(run);
        std::memcpy(to, rows + row * static_cast<size_t>(p % layer.slots), bytes);
        to += bytes;
        p += run;
      }
    }
  }
}

void KvCache::restore(int end, const std::byte* from) {
  const int begin = size_;
  extend(end);
  for (size_t i = 0; i < layers_.size(); ++i) {
    Layer& layer = layers_[i];
    const size_t row = row_bytes(layer);
    for (Store* store : {&layer.keys, &layer.values}) {
      auto* rows = type_ == KvType::f32 ? reinterpret_cast<std::byte*>(store->floats.data())
                                        : reinterpret_cast<std::byte*>(store->halves.data());
      for (int p = first_row(layer, begin, end); p < end;) {
        const int run = run_length(static_cast<int>(i), p, end - p);
        const size_t bytes = row * static_cast<size_t>(run);
        std::memcpy(rows + row * static_cast<size_t>(p % layer.slots), from, bytes);
        from += bytes;
        p += run;
      }
    }
  }
  low_ = std::max(low_, end - window_);
}

size_t KvCache::bytes() const {
  size_t n = 0;
  for (const Layer& layer : layers_)
    for (const Store* store : {&layer.keys, &layer.values})
      n += store->floats.size() * sizeof(float) + store->halves.size() * sizeof(uint16_t);
  return n;
}

}  // namespace model
