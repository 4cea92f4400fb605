#include "model/kv_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

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
    const size_t row = row_bytes(layer), held = row * static_cast<size_t>(layer.rows);
    layer.rows = std::min(layer.slots, std::max({rows, layer.rows + layer.rows / 2, 256}));
    for (Store* store : {&layer.keys, &layer.values}) {
      Store grown =
          std::make_unique_for_overwrite<std::byte[]>(row * static_cast<size_t>(layer.rows));
      std::copy_n(store->get(), held, grown.get());
      *store = std::move(grown);
    }
  }
  size_ = size;
  high_ = std::max(high_, size);
}

void KvCache::write(int layer, int p, const float* key, const float* value) {
  Layer& l = layers_[static_cast<size_t>(layer)];
  const size_t at = static_cast<size_t>(p % l.slots) * row_bytes(l);
  for (const auto& [from, store] : {std::pair{key, &l.keys}, {value, &l.values}}) {
    std::byte* to = store->get() + at;
    if (type_ == KvType::f32)
      std::memcpy(to, from, row_bytes(l));
    else
      to_halves(from, reinterpret_cast<uint16_t*>(to), l.width);
  }
}

void KvCache::rows(const Store& store, const Layer& layer, int begin, int end, int offset,
                   const std::byte** to) const {
  const size_t row = row_bytes(layer);
  const std::byte* first =
      store.get() + row / static_cast<size_t>(layer.width) * static_cast<size_t>(offset);
  for (int p = begin; p < end;) {
    const std::byte* at = first + row * static_cast<size_t>(p % layer.slots);
    for (const int until = p + run_length(layer, p, end - p); p < until; ++p, at += row) *to++ = at;
  }
}

void KvCache::key_rows(int layer, int begin, int end, int offset, const std::byte** to) const {
  const Layer& l = layers_[static_cast<size_t>(layer)];
  rows(l.keys, l, begin, end, offset, to);
}

void KvCache::value_rows(int layer, int begin, int end, int offset, const std::byte** to) const {
  const Layer& l = layers_[static_cast<size_t>(layer)];
  rows(l.values, l, begin, end, offset, to);
}

int KvCache::run_length(const Layer& layer, int p, int n) {
  return std::min(n, layer.slots - p % layer.slots);
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
  for (const Layer& layer : layers_) {
    const size_t row = row_bytes(layer);
    for (const Store* store : {&layer.keys, &layer.values}) {
      const std::byte* rows = store->get();
      for (int p = first_row(layer, begin, size_); p < size_;) {
        const int run = run_length(layer, p, size_ - p);
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
  for (Layer& layer : layers_) {
    const size_t row = row_bytes(layer);
    for (Store* store : {&layer.keys, &layer.values}) {
      std::byte* rows = store->get();
      for (int p = first_row(layer, begin, end); p < end;) {
        const int run = run_length(layer, p, end - p);
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
  for (const Layer& layer : layers_) n += 2 * row_bytes(layer) * static_cast<size_t>(layer.rows);
  return n;
}

}  // namespace model
