#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "model/attention/kernel.h"

// The kernels in terms of vectors: included inside a file's target region and its anonymous
// namespace, so that each instruction set has its own copy. A set gives
//
//   Vector, kWidth      f32 lanes and their number
//   kTileRows           rows of queries whose sums stay in registers for 2 kWidth columns
//   kHeads              heads whose sums do so for 4 keys or 4 kWidth lanes when decoding
//   load, store, all, add, multiply, multiply_add, first,
//   largest, sum_of, largest_of
//   seen_or             the lanes of a range, another value elsewhere
//   exp2                2^x for x <= 0, 0 from -100 on down
//   store_sums          the sums of the lanes of four vectors
//   transpose           of kWidth vectors of 32-bit words
//
// and packs numbers in words of 32 bits, kPerWord of them along the sum of a product:
//
//   key_words           words of a row, from a lane on
//   value_words         the lanes of kPerWord stored rows, from a lane on
//   weights             2 kWidth weights, neighbours in a word
//   multiply_words      sum + x * w, word by word
//
// Packed keys are [keys / 2 kWidth][words of a row][2 kWidth keys], packed values [lanes /
// 2 kWidth][words of keys][2 kWidth lanes], so that a product reads both from one end to the other.
//
// Columns are taken in steps of 2 kWidth where any row of a tile sees one. For the other rows the
// weights there are zeros: sums do not change.

#define TESSERA_INLINE [[gnu::always_inline]] inline
#if defined(__clang__)
#define TESSERA_UNROLL _Pragma("unroll")
#else
#define TESSERA_UNROLL _Pragma("GCC unroll 16")
#endif

inline size_t area(int rows, int width) {
  return static_cast<size_t>(rows) * static_cast<size_t>(width);
}

/// kWidth numbers of a row from `lane` on, zeros from head_dim on and where there is no row.
template <class Set, class Number>
TESSERA_INLINE typename Set::Vector lanes_of(const std::byte* row, int lane, int head_dim) {
  if (row == nullptr || lane >= head_dim) return Set::all(0);
  const Number* from = reinterpret_cast<const Number*>(row) + lane;
  if (lane + Set::kWidth <= head_dim) return Set::load(from);
  Number some[Set::kWidth] = {};
  std::memcpy(some, from, area(head_dim - lane, sizeof(Number)));
  return Set::load(some);
}

/// sums[r] += row r of x times two vectors of columns.
template <class Set, int kRows>
TESSERA_INLINE void add_products(const float* x, size_t x_stride, const float* columns, int words,
                                 typename Set::Vector (&sums)[kRows][2]) {
  for (int i = 0; i < words; ++i, columns += 2 * Set::kWidth) {
    const typename Set::Vector c0 = Set::load(columns), c1 = Set::load(columns + Set::kWidth);
    TESSERA_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const typename Set::Vector word = Set::all(x[static_cast<size_t>(r) * x_stride + area(1, i)]);
      sums[r][0] = Set::multiply_words(sums[r][0], word, c0);
      sums[r][1] = Set::multiply_words(sums[r][1], word, c1);
    }
  }
}

/// Scores in columns [low, high) to weights, packed as words, 0 where they are not seen. Returns
/// what the sums so far are to be multiplied by.
template <class Set>
TESSERA_INLINE float soften(float* scores, float* weights, int low, int high, KeyRange seen,
                            float scale, float* most, float* sum) {
  constexpr int kWidth = Set::kWidth;
  using Vector = typename Set::Vector;
  if (seen.begin >= seen.end) {
    std::fill(weights + low / Set::kPerWord, weights + high / Set::kPerWord, 0.0f);
    return 1;
  }
  const Vector none = Set::all(-__builtin_inff());
  Vector largest = none;
  for (int k = low; k < high; k += kWidth) {
    const Vector score = Set::seen_or(Set::load(scores + k), seen.begin - k, seen.end - k, none);
    Set::store(scores + k, score);
    largest = Set::largest(score, largest);
  }
  const float before = *most;
  *most = std::max(before, Set::largest_of(largest) * scale);
  const Vector by = Set::all(scale), minus = Set::all(-*most);
  Vector total = Set::all(0);
  for (int k = low; k < high; k += 2 * kWidth) {
    const Vector w0 = Set::exp2(Set::multiply_add(Set::load(scores + k), by, minus));
    const Vector w1 = Set::exp2(Set::multiply_add(Set::load(scores + k + kWidth), by, minus));
    total = Set::add(Set::add(total, w0), w1);
    Set::weights(w0, w1, weights + k / Set::kPerWord);
  }
  const float factor = before == *most ? 1.0f : Set::first(Set::exp2(Set::all(before - *most)));
  *sum = *sum * factor + Set::sum_of(total);
  return factor;
}

template <class Set>
void pack_queries(const float* q, int rows, int head_dim, std::byte* to) {
  constexpr int kLanes = Set::kWidth * Set::kPerWord;
  const int lanes = padded_lanes(head_dim);
  float* out = reinterpret_cast<float*>(to);
  for (int r = 0; r < rows; ++r, q += head_dim)
    for (int i = 0; i < lanes; i += kLanes, out += Set::kWidth)
      Set::store(
          out, Set::template key_words<float>(reinterpret_cast<const std::byte*>(q), i, head_dim));
}

template <class Set, class Number>
void pack_keys_of(const std::byte* const* rows, int head_dim, float* to) {
  constexpr int kWidth = Set::kWidth;
  const int words = padded_lanes(head_dim) / Set::kPerWord;
  for (int k = 0; k < kKeyBlock; k += kWidth) {
    float* panel = to + area(k / (2 * kWidth) * (2 * kWidth), words) + k % (2 * kWidth);
    for (int i = 0; i < words; i += kWidth) {
      typename Set::Vector tile[kWidth];
      TESSERA_UNROLL
      for (int r = 0; r < kWidth; ++r)
        tile[r] = Set::template key_words<Number>(rows[k + r], i * Set::kPerWord, head_dim);
      Set::transpose(tile);
      TESSERA_UNROLL
      for (int r = 0; r < kWidth; ++r) Set::store(panel + area(i + r, 2 * kWidth), tile[r]);
    }
  }
}

template <class Set, class Number>
void pack_values_of(const std::byte* const* rows, int head_dim, float* to) {
  constexpr int kWidth = Set::kWidth, kPanel = 2 * kWidth, kWords = kKeyBlock / Set::kPerWord;
  const int lanes = padded_lanes(head_dim);
  for (int w = 0; w < kWords; ++w)
    for (int i = 0; i < lanes; i += kWidth)
      Set::store(to + area(i / kPanel, kWords * kPanel) + area(w, kPanel) + i % kPanel,
                 Set::template value_words<Number>(rows + w * Set::kPerWord, i, head_dim));
}

template <class Set>
void pack_keys(const HeadRows& keys, int head_dim, std::byte* to) {
  float* words = reinterpret_cast<float*>(to);
  keys.type == KvType::f32 ? pack_keys_of<Set, float>(keys.rows, head_dim, words)
                           : pack_keys_of<Set, uint16_t>(keys.rows, head_dim, words);
}

template <class Set>
void pack_values(const HeadRows& values, int head_dim, std::byte* to) {
  float* words = reinterpret_cast<float*>(to);
  values.type == KvType::f32 ? pack_values_of<Set, float>(values.rows, head_dim, words)
                             : pack_values_of<Set, uint16_t>(values.rows, head_dim, words);
}

/// Rows of out = out * factor + weights times values, 2 kWidth lanes. Not inlined: GCC would keep
/// the factors in registers and one of the columns in memory.
template <class Set>
[[gnu::noinline]] void weigh_tile(const float* factors, const float* weights, const float* values,
                                  int words, float* out, size_t out_stride) {
  constexpr int kWidth = Set::kWidth, kRows = Set::kTileRows;
  typename Set::Vector sums[kRows][2];
  TESSERA_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const float* row = out + static_cast<size_t>(r) * out_stride;
    sums[r][0] = Set::multiply(Set::load(row), Set::all(factors[r]));
    sums[r][1] = Set::multiply(Set::load(row + kWidth), Set::all(factors[r]));
  }
  add_products<Set, kRows>(weights, kKeyBlock / Set::kPerWord, values, words, sums);
  TESSERA_UNROLL
  for (int r = 0; r < kRows; ++r) {
    Set::store(out + static_cast<size_t>(r) * out_stride, sums[r][0]);
    Set::store(out + static_cast<size_t>(r) * out_stride + kWidth, sums[r][1]);
  }
}

/// Scores: the set of queries and keys, which has the same vectors and tiles.
template <class Set, class Scores = Set>
void read(const AttentionBlock& block) {
  constexpr int kWidth = Set::kWidth, kPanel = 2 * kWidth, kRows = Set::kTileRows;
  using Vector = typename Set::Vector;
  const int lanes = padded_lanes(block.head_dim), words = lanes / Scores::kPerWord;
  const float* keys = reinterpret_cast<const float*>(block.keys);
  const float* values = reinterpret_cast<const float*>(block.values);
  alignas(64) float scores[kRows][kKeyBlock], weights[kRows][kKeyBlock / Set::kPerWord];
  for (int row = 0; row < block.rows; row += kRows) {
    const KeyRange* seen = block.seen + row;
    int low = kKeyBlock, high = 0;
    for (int r = 0; r < kRows; ++r) {
      if (seen[r].begin >= seen[r].end) continue;
      low = std::min(low, seen[r].begin / kPanel * kPanel);
      high = std::max(high, (seen[r].end + kPanel - 1) / kPanel * kPanel);
    }
    if (low >= high) continue;
    const float* queries = reinterpret_cast<const float*>(block.queries) + area(row, words);
    for (int k = low; k < high; k += kPanel) {
      Vector sums[kRows][2];
      TESSERA_UNROLL
      for (int r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = Set::all(0);
      add_products<Scores, kRows>(queries, area(1, words), keys + area(k, words), words, sums);
      TESSERA_UNROLL
      for (int r = 0; r < kRows; ++r) {
        Set::store(&scores[r][k], sums[r][0]);
        Set::store(&scores[r][k + kWidth], sums[r][1]);
      }
    }
    float factors[kRows];
    for (int r = 0; r < kRows; ++r)
      factors[r] = soften<Set>(scores[r], weights[r], low, high, seen[r], block.scale,
                               block.most + row + r, block.sum + row + r);
    float* out = block.out + area(row, lanes);
    const int first = low / Set::kPerWord, n = (high - low) / Set::kPerWord;
    for (int i = 0; i < lanes; i += kPanel)
      weigh_tile<Set>(factors, &weights[0][first],
                      values + area(i, kKeyBlock / Set::kPerWord) + area(first, kPanel), n, out + i,
                      area(1, lanes));
  }
}

/// kWidth numbers of a row; kWhole: head_dim is a multiple of kWidth.
template <class Set, class Number, bool kWhole>
TESSERA_INLINE typename Set::Vector some_lanes(const void* row, int lane, int head_dim) {
  if constexpr (kWhole) return Set::load(static_cast<const Number*>(row) + lane);
  return lanes_of<Set, Number>(static_cast<const std::byte*>(row), lane, head_dim);
}

/// Asks for a row of the cache early: rows are read once a token and come from far, and what the
/// hardware asks for by itself ends with each page.
template <class Number>
TESSERA_INLINE void fetch(const std::byte* row, int head_dim) {
  constexpr int kLine = 64;
  for (int i = 0; i < head_dim * static_cast<int>(sizeof(Number)); i += kLine)
    __builtin_prefetch(row + i);
}

/// scores: [kHeads, kPartKeys], of all keys of a part and, up to a multiple of 4, its last again.
/// Asks for its values, too.
template <class Set, class Number, bool kWhole, int kHeads>
TESSERA_INLINE void score_part(const AttentionPart& part, const float* query, float* scores) {
  using Vector = typename Set::Vector;
  constexpr int kAhead = 16;  // keys
  const int head_dim = part.head_dim;
  for (int k = 0; k < std::min(kAhead, part.n); ++k) fetch<Number>(part.keys.rows[k], head_dim);
  for (int k = 0; k < part.n; k += 4) {
    for (int j = k; j < std::min(k + 4, part.n); ++j) {
      if (j + kAhead < part.n) fetch<Number>(part.keys.rows[j + kAhead], head_dim);
      fetch<Number>(part.values.rows[j], head_dim);
    }
    const std::byte* row[4];
    for (int j = 0; j < 4; ++j) row[j] = part.keys.rows[std::min(k + j, part.n - 1)];
    Vector sums[kHeads][4];
    TESSERA_UNROLL
    for (int h = 0; h < kHeads; ++h)
      sums[h][0] = sums[h][1] = sums[h][2] = sums[h][3] = Set::all(0);
    for (int i = 0; i < head_dim; i += Set::kWidth) {
      Vector key[4];
      TESSERA_UNROLL
      for (int j = 0; j < 4; ++j) key[j] = some_lanes<Set, Number, kWhole>(row[j], i, head_dim);
      TESSERA_UNROLL
      for (int h = 0; h < kHeads; ++h) {
        const Vector q = some_lanes<Set, float, kWhole>(query + area(h, head_dim), i, head_dim);
        TESSERA_UNROLL
        for (int j = 0; j < 4; ++j) sums[h][j] = Set::multiply_add(q, key[j], sums[h][j]);
      }
    }
    TESSERA_UNROLL
    for (int h = 0; h < kHeads; ++h) Set::store_sums(sums[h], scores + area(h, kPartKeys) + k);
  }
}

/// out (+)= weights [kHeads, kPartKeys] of keys [begin, end) times kVectors vectors of their
/// values.
template <class Set, class Number, bool kWhole, int kHeads, int kVectors>
TESSERA_INLINE void weigh_values(const AttentionPart& part, const float* weights, int begin,
                                 int end, int lane, float* out, size_t out_stride) {
  using Vector = typename Set::Vector;
  Vector sums[kHeads][kVectors];
  TESSERA_UNROLL
  for (int h = 0; h < kHeads; ++h) TESSERA_UNROLL
  for (int v = 0; v < kVectors; ++v)
    sums[h][v] = begin == 0
                     ? Set::all(0)
                     : Set::load(out + static_cast<size_t>(h) * out_stride + v * Set::kWidth);
  for (int k = begin; k < end; ++k) {
    Vector value[kVectors];
    TESSERA_UNROLL
    for (int v = 0; v < kVectors; ++v)
      value[v] = some_lanes<Set, Number, kWhole>(part.values.rows[k], lane + v * Set::kWidth,
                                                 part.head_dim);
    TESSERA_UNROLL
    for (int h = 0; h < kHeads; ++h) {
      const Vector weight = Set::all(weights[area(h, kPartKeys) + area(1, k)]);
      TESSERA_UNROLL
      for (int v = 0; v < kVectors; ++v)
        sums[h][v] = Set::multiply_add(weight, value[v], sums[h][v]);
    }
  }
  TESSERA_UNROLL
  for (int h = 0; h < kHeads; ++h) TESSERA_UNROLL
  for (int v = 0; v < kVectors; ++v)
    Set::store(out + static_cast<size_t>(h) * out_stride + v * Set::kWidth, sums[h][v]);
}

template <class Set, class Number, bool kWhole, int kHeads>
void decode_heads(const AttentionPart& part, int head) {
  constexpr int kStep = 32;  // keys whose values stay in the first cache for all lanes
  const int lanes = padded_lanes(part.head_dim);
  const size_t stride = area(1, lanes);
  alignas(64) float scores[kHeads * kPartKeys];
  score_part<Set, Number, kWhole, kHeads>(part, part.query + area(head, part.head_dim), scores);
  const int columns = (part.n + 2 * Set::kWidth - 1) / (2 * Set::kWidth) * (2 * Set::kWidth);
  for (int h = 0; h < kHeads; ++h) {
    float* most = part.most + head + h;
    float* sum = part.sum + head + h;
    *most = kNothingSeen;
    *sum = 0;
    float* of_head = scores + area(h, kPartKeys);
    soften<Set>(of_head, of_head, 0, columns, {0, part.n}, part.scale, most, sum);
  }
  float* out = part.out + area(head, lanes);
  for (int k = 0; k < part.n; k += kStep) {
    const int end = std::min(k + kStep, part.n);
    int lane = 0;
    for (; lane + 4 * Set::kWidth <= lanes; lane += 4 * Set::kWidth)
      weigh_values<Set, Number, kWhole, kHeads, 4>(part, scores, k, end, lane, out + lane, stride);
    if (lane < lanes)
      weigh_values<Set, Number, kWhole, kHeads, 2>(part, scores, k, end, lane, out + lane, stride);
  }
}

template <class Set, class Number, bool kWhole>
void decode_part(const AttentionPart& part) {
  int head = 0;
  for (; head + Set::kHeads <= part.heads; head += Set::kHeads)
    decode_heads<Set, Number, kWhole, Set::kHeads>(part, head);
  if constexpr (Set::kHeads > 2)
    for (; head + 2 <= part.heads; head += 2) decode_heads<Set, Number, kWhole, 2>(part, head);
  for (; head < part.heads; ++head) decode_heads<Set, Number, kWhole, 1>(part, head);
}

template <class Set>
void decode(const AttentionPart& part) {
  const bool whole = part.head_dim % Set::kWidth == 0 && part.head_dim % 32 == 0;
  if (part.keys.type == KvType::f32)
    whole ? decode_part<Set, float, true>(part) : decode_part<Set, float, false>(part);
  else
    whole ? decode_part<Set, uint16_t, true>(part) : decode_part<Set, uint16_t, false>(part);
}
