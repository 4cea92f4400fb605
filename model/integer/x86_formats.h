#pragma once

#include <immintrin.h>

#include <cstring>

#include "model/quants.h"
#include "model/x86_lanes.h"

// Blocks of the formats for 256-bit registers: included inside a file's target region and its
// anonymous namespace, so that each kernel has its own copy. A Block prepares what its groups share
// (scales); values(i) are the 32 values of group i as bytes. kOffset: what the minimum is in scales
// where the format has none of its own, else -1.

inline float half_at(const std::byte* p) {
  uint16_t bits;
  std::memcpy(&bits, p, 2);
  return _cvtsh_ss(bits);
}

inline __m128i load16(const std::byte* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

inline __m256i load32(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

/// 16 bytes to 32 nibbles, the low ones first.
inline __m256i nibbles(const std::byte* p) {
  const __m128i bytes = load16(p);
  return _mm256_and_si256(_mm256_set_m128i(_mm_srli_epi16(bytes, 4), bytes), _mm256_set1_epi8(15));
}

/// Adds 16 to those of 32 bytes whose bit at p is set.
inline __m256i with_fifth_bits(__m256i low, const std::byte* p) {
  uint32_t bits;
  std::memcpy(&bits, p, 4);
#if defined(TESSERA_HAS_AVX512)
  return _mm256_mask_add_epi8(low, bits, low, _mm256_set1_epi8(16));
#else
  const __m256i spread = _mm256_shuffle_epi8(
      _mm256_set1_epi32(static_cast<int>(bits)),
      _mm256_set_epi64x(0x0303030303030303, 0x0202020202020202, 0x0101010101010101, 0));
  const __m256i mask = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ull));
  return _mm256_or_si256(low,
                         _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(spread, mask), mask),
                                          _mm256_set1_epi8(16)));
#endif
}

template <TensorType>
struct Block;

template <>
struct Block<TensorType::q4_0> {
  static constexpr int kBytes = 18, kGroups = 1, kBits = 4, kGroup = 32, kOffset = 8;
  const std::byte* at;
  float d;
  explicit Block(const std::byte* b) : at(b), d(half_at(b)) {}
  __m256i values(int) const { return nibbles(at + 2); }
  float scale(int, int) const { return d; }
  float min(int, int) const { return 8 * d; }
};

template <>
struct Block<TensorType::q4_1> {
  static constexpr int kBytes = 20, kGroups = 1, kBits = 4, kGroup = 32, kOffset = -1;
  const std::byte* at;
  explicit Block(const std::byte* b) : at(b) {}
  __m256i values(int) const { return nibbles(at + 4); }
  float scale(int, int) const { return half_at(at); }
  float min(int, int) const { return -half_at(at + 2); }
};

template <>
struct Block<TensorType::q5_0> {
  static constexpr int kBytes = 22, kGroups = 1, kBits = 5, kGroup = 32, kOffset = 16;
  const std::byte* at;
  float d;
  explicit Block(const std::byte* b) : at(b), d(half_at(b)) {}
  __m256i values(int) const { return with_fifth_bits(nibbles(at + 6), at + 2); }
  float scale(int, int) const { return d; }
  float min(int, int) const { return 16 * d; }
};

template <>
struct Block<TensorType::q5_1> {
  static constexpr int kBytes = 24, kGroups = 1, kBits = 5, kGroup = 32, kOffset = -1;
  const std::byte* at;
  explicit Block(const std::byte* b) : at(b) {}
  __m256i values(int) const { return with_fifth_bits(nibbles(at + 8), at + 4); }
  float scale(int, int) const { return half_at(at); }
  float min(int, int) const { return -half_at(at + 2); }
};

template <>
struct Block<TensorType::q8_0> {
  static constexpr int kBytes = 34, kGroups = 1, kBits = 8, kGroup = 32, kOffset = 0;
  const std::byte* at;
  float d;
  explicit Block(const std::byte* b) : at(b), d(half_at(b)) {}
  __m256i values(int) const { return load32(at + 2); }
  float scale(int, int) const { return d; }
  float min(int, int) const { return 0; }
};

/// Eight bytes to floats.
inline __m256 spread(uint64_t bytes) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128(static_cast<long long>(bytes))));
}

/// The eight 6-bit scales and minima that Q4_K and Q5_K share, times d and m.
struct SuperBlock {
  float scales[8], mins[8];
  explicit SuperBlock(const std::byte* b) {
    uint32_t w[3];
    std::memcpy(w, b + 4, 12);
    constexpr uint32_t k6 = 0x3f3f3f3f, k4 = 0x0f0f0f0f, k2 = 0x03030303;
    const uint64_t scale =
        (w[0] & k6) | static_cast<uint64_t>((w[2] & k4) | ((w[0] >> 6) & k2) << 4) << 32;
    const uint64_t min =
        (w[1] & k6) | static_cast<uint64_t>(((w[2] >> 4) & k4) | ((w[1] >> 6) & k2) << 4) << 32;
    _mm256_storeu_ps(scales, _mm256_mul_ps(spread(scale), _mm256_set1_ps(half_at(b))));
    _mm256_storeu_ps(mins, _mm256_mul_ps(spread(min), _mm256_set1_ps(half_at(b + 2))));
  }
};

template <>
struct Block<TensorType::q4_k> {
  static constexpr int kBytes = 144, kGroups = 8, kBits = 4, kGroup = 32, kOffset = -1;
  const std::byte* at;
  SuperBlock shared;
  explicit Block(const std::byte* b) : at(b), shared(b) {}
  __m256i values(int i) const {
    const __m256i pairs = load32(at + 16 + i / 2 * 32);
    return _mm256_and_si256(i % 2 == 0 ? pairs : _mm256_srli_epi16(pairs, 4), _mm256_set1_epi8(15));
  }
  float scale(int i, int) const { return shared.scales[i]; }
  float min(int i, int) const { return shared.mins[i]; }
};

template <>
struct Block<TensorType::q5_k> {
  static constexpr int kBytes = 176, kGroups = 8, kBits = 5, kGroup = 32, kOffset = -1;
  const std::byte* at;
  SuperBlock shared;
  explicit Block(const std::byte* b) : at(b), shared(b) {}
  __m256i values(int i) const {
    const __m256i pairs = load32(at + 48 + i / 2 * 32);
    const __m256i low =
        _mm256_and_si256(i % 2 == 0 ? pairs : _mm256_srli_epi16(pairs, 4), _mm256_set1_epi8(15));
    const __m256i bit = _mm256_set1_epi8(static_cast<char>(1 << i));
    const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(load32(at + 16), bit), bit);
    return _mm256_or_si256(low, _mm256_and_si256(set, _mm256_set1_epi8(16)));
  }
  float scale(int i, int) const { return shared.scales[i]; }
  float min(int i, int) const { return shared.mins[i]; }
};

template <>
struct Block<TensorType::q6_k> {
  static constexpr int kBytes = 210, kGroups = 8, kBits = 6, kGroup = 16, kOffset = 32;
  const std::byte* at;
  float scales[16];
  explicit Block(const std::byte* b) : at(b) {
    const __m256 d = _mm256_set1_ps(half_at(b + 208));
    const __m128i bytes = load16(b + 192);
    _mm256_storeu_ps(scales, _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes))));
    _mm256_storeu_ps(
        scales + 8,
        _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)))));
  }
  __m256i values(int i) const {
    const __m256i pairs = load32(at + i / 4 * 64 + i % 2 * 32);
    const __m256i low =
        _mm256_and_si256(i % 4 < 2 ? pairs : _mm256_srli_epi16(pairs, 4), _mm256_set1_epi8(15));
    const __m256i high = load32(at + 128 + i / 4 * 32);
    const __m256i shifted = _mm256_srl_epi16(high, _mm_cvtsi32_si128(2 * (i % 4)));
    return _mm256_or_si256(low,
                           _mm256_slli_epi16(_mm256_and_si256(shifted, _mm256_set1_epi8(3)), 4));
  }
  float scale(int i, int h) const { return scales[2 * i + h]; }
  float min(int i, int h) const { return 32 * scales[2 * i + h]; }
};

/// The scale of each of the eight 32-bit lanes of a product of group i.
template <class B>
inline __m256 scale_lanes(const B& block, int i) {
  if constexpr (B::kGroup == 32) return _mm256_set1_ps(block.scale(i, 0));
  return _mm256_set_m128(_mm_set1_ps(block.scale(i, 1)), _mm_set1_ps(block.scale(i, 0)));
}

/// Bytes to words, signed for Q8_0.
template <int kBits>
inline __m256i widen(__m128i bytes) {
  return kBits == 8 ? _mm256_cvtepi8_epi16(bytes) : _mm256_cvtepu8_epi16(bytes);
}

/// multiply_rows of kernel.h for M rows of x. Product: the arithmetic of the instruction set, with
/// kUnsigned when bytes of Q8_0 get 128 added.
template <class Product, class B, int M, bool kWords>
inline void dot_rows(const std::byte* data, size_t stride, int begin, int end, const IntegerRows& x,
                     float* y, size_t y_stride) {
  constexpr bool kShifted = B::kBits == 8 && Product::kUnsigned && !kWords;
  constexpr bool kHasMin = B::kBits != 8 || kShifted;
  const int groups = x.width / 32;
  for (int row = begin; row < end; ++row) {
    const std::byte* at = data + static_cast<size_t>(row) * stride;
    __m256 sum[M];
    float low[M];
    for (int t = 0; t < M; ++t) {
      sum[t] = _mm256_setzero_ps();
      low[t] = 0;
    }
    for (int g = 0; g < groups; at += B::kBytes) {
      const B block(at);
      for (int i = 0; i < B::kGroups; ++i, ++g) {
        __m256i q = block.values(i);
        if constexpr (kShifted) q = _mm256_xor_si256(q, _mm256_set1_epi8(static_cast<char>(0x80)));
        const __m256 scale = scale_lanes(block, i);
        for (int t = 0; t < M; ++t) {
          const size_t of =
              static_cast<size_t>(t) * static_cast<size_t>(groups) + static_cast<size_t>(g);
          const __m256 by = _mm256_set1_ps(x.scales[of]);
          if constexpr (kWords) {
            const __m256i p0 = _mm256_madd_epi16(widen<B::kBits>(_mm256_castsi256_si128(q)),
                                                 load32(x.words + of * 32));
            const __m256i p1 = _mm256_madd_epi16(widen<B::kBits>(_mm256_extracti128_si256(q, 1)),
                                                 load32(x.words + of * 32 + 16));
            if constexpr (B::kGroup == 32) {
              sum[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(p0, p1)),
                                       _mm256_mul_ps(scale, by), sum[t]);
            } else {
              const __m256 first = _mm256_set1_ps(block.scale(i, 0));
              const __m256 second = _mm256_set1_ps(block.scale(i, 1));
              sum[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(p0), _mm256_mul_ps(first, by), sum[t]);
              sum[t] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(p1), _mm256_mul_ps(second, by), sum[t]);
            }
          } else {
            const __m256i products = Product::template dot<B::kBits>(q, load32(x.bytes + of * 32));
            sum[t] =
                _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), _mm256_mul_ps(scale, by), sum[t]);
          }
          if constexpr (kHasMin && B::kGroup == 32)
            low[t] += (kShifted ? 128 * block.scale(i, 0) : block.min(i, 0)) * x.sums[of];
          if constexpr (kHasMin && B::kGroup == 16)
            low[t] +=
                block.min(i, 0) * x.half_sums[2 * of] + block.min(i, 1) * x.half_sums[2 * of + 1];
        }
      }
    }
    for (int t = 0; t < M; ++t)
      y[static_cast<size_t>(t) * y_stride + static_cast<size_t>(row)] = sum_lanes(sum[t]) - low[t];
  }
}

template <class Product, class B, bool kWords>
void multiply_rows_of(const std::byte* data, size_t stride, int begin, int end,
                      const IntegerRows& x, float* y, size_t y_stride) {
  constexpr int kCached = 8;  // rows of W that stay in the first cache for all rows of x
  for (int i = begin; i < end; i += kCached) {
    const int until = end < i + kCached ? end : i + kCached;
    for_tiles<4>(x, y, y_stride, [&](auto rows, const IntegerRows& some, float* to) {
      dot_rows<Product, B, decltype(rows)::value, kWords>(data, stride, i, until, some, to,
                                                          y_stride);
    });
  }
}

/// decode of kernel.h.
template <class B, bool kWords>
void decode_of(const std::byte* data, size_t stride, int rows, int column,
               const IntegerPanel& panel) {
  constexpr int kParts = 32 / B::kGroup;
  constexpr int kQuads = kWords ? 16 : 8;  // 32-bit pieces of a group
  const int groups = panel.width / 32;
  for (int r = 0; r < kIntegerPanelRows; ++r) {
    const std::byte* at = data + static_cast<size_t>(r < rows ? r : rows - 1) * stride +
                          static_cast<size_t>(column / (32 * B::kGroups) * B::kBytes);
    std::byte* to = (kWords ? reinterpret_cast<std::byte*>(panel.words)
                            : reinterpret_cast<std::byte*>(panel.bytes)) +
                    4 * r;
    float* scales = panel.scales + r;
    float* mins = panel.mins + r;
    for (int g = 0; g < groups; at += B::kBytes) {
      const B block(at);
      for (int i = 0; i < B::kGroups; ++i, ++g) {
        const __m256i q = block.values(i);
        alignas(32) uint32_t quads[kQuads];
        __m256i* out = reinterpret_cast<__m256i*>(quads);
        if constexpr (kWords) {
          _mm256_store_si256(out, widen<B::kBits>(_mm256_castsi256_si128(q)));
          _mm256_store_si256(out + 1, widen<B::kBits>(_mm256_extracti128_si256(q, 1)));
        } else {
          _mm256_store_si256(out, q);
        }
        for (int j = 0; j < kQuads; ++j, to += 4 * kIntegerPanelRows) std::memcpy(to, quads + j, 4);
        for (int h = 0; h < kParts; ++h, scales += kIntegerPanelRows, mins += kIntegerPanelRows) {
          *scales = block.scale(i, h);
          *mins = block.min(i, h);
        }
      }
    }
  }
}

template <class Product>
void multiply_rows(TensorType type, const std::byte* data, size_t stride, int begin, int end,
                   const IntegerRows& x, float* y, size_t y_stride) {
  with_type(type, [&](auto t) {
    with_bool(x.words != nullptr, [&](auto words) {
      multiply_rows_of<Product, Block<decltype(t)::value>, decltype(words)::value>(
          data, stride, begin, end, x, y, y_stride);
    });
  });
}

inline void decode(TensorType type, const std::byte* data, size_t stride, int rows, int column,
                   const IntegerPanel& panel) {
  with_type(type, [&](auto t) {
    with_bool(panel.words != nullptr, [&](auto words) {
      decode_of<Block<decltype(t)::value>, decltype(words)::value>(data, stride, rows, column,
                                                                   panel);
    });
  });
}

inline int32_t sum_lanes(__m256i v) {
  const __m128i half = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  const __m128i pair = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(pair, _mm_shuffle_epi32(pair, 0xb1)));
}

/// round of kernel.h.
inline void round_groups(const float* x, int groups, int8_t* bytes, int16_t* words, float* scales,
                         float* sums, float* half_sums) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  const float most = words != nullptr ? 32767 : 127;
  for (int g = 0; g < groups; ++g, x += 32) {
    __m256 v[4], largest = _mm256_setzero_ps(), strange = _mm256_setzero_ps();
    for (int j = 0; j < 4; ++j) {
      v[j] = _mm256_loadu_ps(x + 8 * j);
      largest = _mm256_max_ps(largest, _mm256_andnot_ps(sign, v[j]));
      strange = _mm256_add_ps(strange, _mm256_sub_ps(v[j], v[j]));  // NaN where not finite
    }
    const float top = max_lanes(largest), scale = top / most;
    // What is next to nothing becomes zero: its inverse would be infinite.
    const __m256 inverse = _mm256_set1_ps(top > 1e-30f ? most / top : 0);
    __m256i q[4];
    for (int j = 0; j < 4; ++j) q[j] = _mm256_cvtps_epi32(_mm256_mul_ps(v[j], inverse));
    const int32_t first = sum_lanes(_mm256_add_epi32(q[0], q[1]));
    const int32_t second = sum_lanes(_mm256_add_epi32(q[2], q[3]));
    scales[g] = scale + sum_lanes(strange);
    half_sums[2 * g] = scales[g] * static_cast<float>(first);
    half_sums[2 * g + 1] = scales[g] * static_cast<float>(second);
    // Without a sign, since what is not finite makes them any number.
    const uint32_t both = static_cast<uint32_t>(first) + static_cast<uint32_t>(second);
    sums[g] = scales[g] * static_cast<float>(static_cast<int32_t>(both));
    // Packing works within each half of a register: 0 1 4 5 | 2 3 6 7, set right afterwards.
    const __m256i low = _mm256_packs_epi32(q[0], q[1]), high = _mm256_packs_epi32(q[2], q[3]);
    if (words != nullptr) {
      auto* to = reinterpret_cast<__m256i*>(words + 32 * g);
      _mm256_storeu_si256(to, _mm256_permute4x64_epi64(low, 0xd8));
      _mm256_storeu_si256(to + 1, _mm256_permute4x64_epi64(high, 0xd8));
    } else {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes + 32 * g),
                          _mm256_permutevar8x32_epi32(_mm256_packs_epi16(low, high),
                                                      _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
    }
  }
}
