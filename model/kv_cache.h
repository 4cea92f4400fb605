#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/architecture.h"

namespace model {

/// How keys and values are stored. f16 halves the memory; scores are unscaled over wide heads in
/// Gemma 4, so nothing narrower is offered.
enum class KvType : uint8_t { f32, f16 };

/// Keys and values of one conversation. Full layers keep every position; sliding layers keep the
/// last ones in a ring of `sliding_window + slack` slots, where position p lies in slot p mod
/// slots.
class KvCache {
 public:
  /// slack: positions a chunk may hold, and how far truncate() may go back in sliding layers.
  KvCache(const Architecture& architecture, int context, int slack, KvType type);

  int size() const { return size_; }
  int context() const { return context_; }
  int slack() const { return slack_; }

  /// Makes room for positions up to `size` (exclusive); the caller writes the rows.
  void extend(int size);
  /// Stores the rows of position `p` of a layer: [n_kv_heads * head_dim] each.
  void write(int layer, int p, const float* key, const float* value);

  KvType type() const { return type_; }
  /// Where the stored keys (values) of positions [begin, end) of a layer lie, from lane `offset`
  /// on, as numbers of type(). to: [end - begin]. Good until the next extend().
  void key_rows(int layer, int begin, int end, int offset, const std::byte** to) const;
  void value_rows(int layer, int begin, int end, int offset, const std::byte** to) const;

  /// Forgets positions from `size` on. False, and nothing done, when a sliding layer no longer
  /// holds the window before `size`.
  bool truncate(int size);
  bool can_truncate(int size) const;

  /// The state at position `end`, given the state at `begin` (0: none): rows [begin, end) of full
  /// layers, and of sliding layers those of them in the window before `end`. Layer by layer, keys
  /// then values, as stored.
  size_t state_bytes(int begin, int end) const;
  /// Whether the state at size() can be told, given the one at `begin`.
  bool can_save(int begin) const;
  /// to: [state_bytes(begin, size())]. Only if can_save(begin).
  void save(int begin, std::byte* to) const;
  /// Goes on from the state at size() to that at `end`. from: [state_bytes(size(), end)]; `end` is
  /// at most the context.
  void restore(int end, const std::byte* from);

  /// Bytes held now.
  size_t bytes() const;

 private:
  /// Rows of numbers of type(); what was never written is never read, so nothing fills it before.
  using Store = std::unique_ptr<std::byte[]>;
  struct Layer {
    Store keys, values;
    int slots = 0, width = 0, rows = 0;
    bool sliding = false;
  };
  /// First row of the state at `end` of a layer.
  int first_row(const Layer& layer, int begin, int end) const;
  size_t row_bytes(const Layer& layer) const;
  /// How many of the `n` positions from `p` on lie in consecutive slots.
  static int run_length(const Layer& layer, int p, int n);
  void rows(const Store& store, const Layer& layer, int begin, int end, int offset,
            const std::byte** to) const;

  std::vector<Layer> layers_;
  int context_, window_, slack_;
  KvType type_;
  int size_ = 0;
  int low_ = 0;   // sliding layers hold nothing before it
  int high_ = 0;  // one past the furthest position ever written since the ring was last whole
};

}  // namespace model
