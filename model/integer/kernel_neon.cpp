#include "model/integer/kernel.h"

#if defined(__aarch64__)
#include <arm_neon.h>
#include <sys/auxv.h>

#include <algorithm>
#include <cstring>

#include "model/integer/dispatch.h"

// Products of signed bytes in fours (sdot), exact in 32 bits. Values of up to six bits are the same
// signed and unsigned, and Q8_0 is signed already.

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif

namespace model {
namespace {

struct Bytes32 {
  int8x16_t low, high;
};

inline float half_at(const std::byte* p) {
  __fp16 h;
  std::memcpy(&h, p, 2);
  return h;
}

inline uint8x16_t load16(const std::byte* p) {
  return vld1q_u8(reinterpret_cast<const uint8_t*>(p));
}

inline Bytes32 signed_bytes(uint8x16_t low, uint8x16_t high) {
  return {vreinterpretq_s8_u8(low), vreinterpretq_s8_u8(high)};
}

inline uint8x16_t low_nibbles(uint8x16_t pairs) { return vandq_u8(pairs, vdupq_n_u8(15)); }
inline uint8x16_t high_nibbles(uint8x16_t pairs) { return vshrq_n_u8(pairs, 4); }

/// 16 bits to 16 bytes of 0 or 16.
inline uint8x16_t fifth_bits(const std::byte* p) {
  const uint8x8_t bit = vcreate_u8(0x8040201008040201u);
  const uint8x16_t spread =
      vcombine_u8(vdup_n_u8(static_cast<uint8_t>(p[0])), vdup_n_u8(static_cast<uint8_t>(p[1])));
  return vandq_u8(vtstq_u8(spread, vcombine_u8(bit, bit)), vdupq_n_u8(16));
}

/// 16 nibble pairs to 32 values.
inline Bytes32 nibbles(const std::byte* p) {
  const uint8x16_t pairs = load16(p);
  return signed_bytes(low_nibbles(pairs), high_nibbles(pairs));
}
inline Bytes32 nibbles_and_fifth_bits(const std::byte* p, const std::byte* bits) {
  const uint8x16_t pairs = load16(p);
  return signed_bytes(vorrq_u8(low_nibbles(pairs), fifth_bits(bits)),
                      vorrq_u8(high_nibbles(pairs), fifth_bits(bits + 2)));
}

/// As in x86_formats.h: a Block prepares what its groups share.
template <TensorType>
struct Block;

template <>
struct Block<TensorType::q4_0> {
  static constexpr int kBytes = 18, kGroups = 1, kGroup = 32;
  const std::byte* at;
  explicit Block(const std::byte* b) : at(b) {}
  Bytes32 values(int) const { return nibbles(at + 2); }
  float scale(int, int) const { return half_at(at); }
  float min(int, int) const { return 8 * half_at(at); }
};

template <>
struct Block<TensorType::q4_1> {
  static constexpr int kBytes = 20, kGroups = 1, kGroup = 32;
  const std::byte* at;
  explicit Block(const std::byte* b) : at(b) {}
  Bytes32 values(int) const { return nibbles(at + 4); }
  float scale(int, int) const { return half_at(at); }
  float min(int, int) const { return -half_at(at + 2); }
};

template <>
struct Block<TensorType::q5_0> {
  static constexpr int kBytes = 22, kGroups = 1, kGroup = 32;
  const std::byte* at;
  explicit Block(const std::byte* b) : at(b) {}
  Bytes32 values(int) const { return nibbles_and_fifth_bits(at + 6, at + 2); }
  float scale(int, int) const { return half_at(at); }
  float min(int, int) const { return 16 * half_at(at); }
};

template <>
struct Block<TensorType::q5_1> {
  static constexpr int kBytes = 24, kGroups = 1, kGroup = 32;
  const std::byte* at;
  explicit Block(const std::byte* b) : at(b) {}
  Bytes32 values(int) const { return nibbles_and_fifth_bits(at + 8, at + 4); }
  float scale(int, int) const { return half_at(at); }
  float min(int, int) const { return -half_at(at + 2); }
};

template <>
struct Block<TensorType::q8_0> {
  static constexpr int kBytes = 34, kGroups = 1, kGroup = 32;
  const std::byte* at;
  explicit Block(const std::byte* b) : at(b) {}
  Bytes32 values(int) const { return signed_bytes(load16(at + 2), load16(at + 18)); }
  float scale(int, int) const { return half_at(at); }
  float min(int, int) const { return 0; }
};

/// The eight 6-bit scales and minima that Q4_K and Q5_K share, times d and m.
struct SuperBlock {
  float scales[8], mins[8];
  explicit SuperBlock(const std::byte* b) {
    uint8_t packed[12];
    std::memcpy(packed, b + 4, 12);
    const float d = half_at(b), m = half_at(b + 2);
    for (int i = 0; i < 4; ++i) {
      scales[i] = d * static_cast<float>(packed[i] & 63);
      mins[i] = m * static_cast<float>(packed[i + 4] & 63);
      scales[i + 4] = d * static_cast<float>((packed[i + 8] & 15) | packed[i] >> 6 << 4);
      mins[i + 4] = m * static_cast<float>(packed[i + 8] >> 4 | packed[i + 4] >> 6 << 4);
    }
  }
};

template <>
struct Block<TensorType::q4_k> {
  static constexpr int kBytes = 144, kGroups = 8, kGroup = 32;
  const std::byte* at;
  SuperBlock shared;
  explicit Block(const std::byte* b) : at(b), shared(b) {}
  Bytes32 values(int i) const {
    const uint8x16_t a = load16(at + 16 + i / 2 * 32), b = load16(at + 32 + i / 2 * 32);
    return i % 2 == 0 ? signed_bytes(low_nibbles(a), low_nibbles(b))
                      : signed_bytes(high_nibbles(a), high_nibbles(b));
  }
  float scale(int i, int) const { return shared.scales[i]; }
  float min(int i, int) const { return shared.mins[i]; }
};

template <>
struct Block<TensorType::q5_k> {
  static constexpr int kBytes = 176, kGroups = 8, kGroup = 32;
  const std::byte* at;
  SuperBlock shared;
  explicit Block(const std::byte* b) : at(b), shared(b) {}
  Bytes32 values(int i) const {
    const uint8x16_t a = load16(at + 48 + i / 2 * 32), b = load16(at + 64 + i / 2 * 32);
    const uint8x16_t bit = vdupq_n_u8(static_cast<uint8_t>(1 << i)), one = vdupq_n_u8(16);
    const uint8x16_t low = i % 2 == 0 ? low_nibbles(a) : high_nibbles(a);
    const uint8x16_t high = i % 2 == 0 ? low_nibbles(b) : high_nibbles(b);
    return signed_bytes(vorrq_u8(low, vandq_u8(vtstq_u8(load16(at + 16), bit), one)),
                        vorrq_u8(high, vandq_u8(vtstq_u8(load16(at + 32), bit), one)));
  }
  float scale(int i, int) const { return shared.scales[i]; }
  float min(int i, int) const { return shared.mins[i]; }
};

template <>
struct Block<TensorType::q6_k> {
  static constexpr int kBytes = 210, kGroups = 8, kGroup = 16;
  const std::byte* at;
  float d;
  explicit Block(const std::byte* b) : at(b), d(half_at(b + 208)) {}
  uint8x16_t half(int i, int h) const {
    const uint8x16_t pairs = load16(at + i / 4 * 64 + i % 2 * 32 + 16 * h);
    const uint8x16_t top = load16(at + 128 + i / 4 * 32 + 16 * h);
    const uint8x16_t low = i % 4 < 2 ? low_nibbles(pairs) : high_nibbles(pairs);
    const uint8x16_t two =
        vandq_u8(vshlq_u8(top, vdupq_n_s8(static_cast<int8_t>(-2 * (i % 4)))), vdupq_n_u8(3));
    return vorrq_u8(low, vshlq_n_u8(two, 4));
  }
  Bytes32 values(int i) const { return signed_bytes(half(i, 0), half(i, 1)); }
  float scale(int i, int h) const {
    return d * static_cast<float>(static_cast<int8_t>(at[192 + 2 * i + h]));
  }
  float min(int i, int h) const { return 32 * scale(i, h); }
};

/// Sixteen bytes of W times sixteen words of x, in four sums.
inline int32x4_t word_products(int8x16_t w, const int16_t* x) {
  const int16x8_t w0 = vmovl_s8(vget_low_s8(w)), w1 = vmovl_high_s8(w);
  const int16x8_t x0 = vld1q_s16(x), x1 = vld1q_s16(x + 8);
  int32x4_t sum = vmull_s16(vget_low_s16(w0), vget_low_s16(x0));
  sum = vmlal_high_s16(sum, w0, x0);
  sum = vmlal_s16(sum, vget_low_s16(w1), vget_low_s16(x1));
  return vmlal_high_s16(sum, w1, x1);
}

/// multiply_rows of kernel.h for M rows of x.
template <class B, int M, bool kWords>
void dot_rows(const std::byte* data, size_t stride, int begin, int end, const IntegerRows& x,
              float* y, size_t y_stride) {
  const size_t groups = static_cast<size_t>(x.width / 32);
  for (int row = begin; row < end; ++row) {
    const std::byte* at = data + static_cast<size_t>(row) * stride;
    float32x4_t sum[M];
    float low[M];
    for (int t = 0; t < M; ++t) {
      sum[t] = vdupq_n_f32(0);
      low[t] = 0;
    }
    for (size_t g = 0; g < groups; at += B::kBytes) {
      const B block(at);
      for (int i = 0; i < B::kGroups; ++i, ++g) {
        const Bytes32 q = block.values(i);
        for (int t = 0; t < M; ++t) {
          const size_t of = static_cast<size_t>(t) * groups + g;
          int32x4_t p0, p1;
          if constexpr (kWords) {
            p0 = word_products(q.low, x.words + 32 * of);
            p1 = word_products(q.high, x.words + 32 * of + 16);
          } else {
            const int32x4_t zero = vdupq_n_s32(0);
            p0 = vdotq_s32(zero, q.low, vld1q_s8(x.bytes + 32 * of));
            p1 = vdotq_s32(zero, q.high, vld1q_s8(x.bytes + 32 * of + 16));
          }
          if constexpr (B::kGroup == 32) {
            sum[t] = vfmaq_n_f32(sum[t], vcvtq_f32_s32(vaddq_s32(p0, p1)),
                                 block.scale(i, 0) * x.scales[of]);
            low[t] += block.min(i, 0) * x.sums[of];
          } else {
            sum[t] = vfmaq_n_f32(sum[t], vcvtq_f32_s32(p0), block.scale(i, 0) * x.scales[of]);
            sum[t] = vfmaq_n_f32(sum[t], vcvtq_f32_s32(p1), block.scale(i, 1) * x.scales[of]);
            low[t] += block.min(i, 0) * x.half_sums[2 * of];
            low[t] += block.min(i, 1) * x.half_sums[2 * of + 1];
          }
        }
      }
    }
    for (int t = 0; t < M; ++t)
      y[static_cast<size_t>(t) * y_stride + static_cast<size_t>(row)] = vaddvq_f32(sum[t]) - low[t];
  }
}

template <class B, bool kWords>
void multiply_rows_of(const std::byte* data, size_t stride, int begin, int end,
                      const IntegerRows& x, float* y, size_t y_stride) {
  constexpr int kCached = 8;  // rows of W that stay in the first cache for all rows of x
  for (int i = begin; i < end; i += kCached) {
    const int until = std::min(end, i + kCached);
    for_tiles<4>(x, y, y_stride, [&](auto rows, const IntegerRows& some, float* to) {
      dot_rows<B, decltype(rows)::value, kWords>(data, stride, i, until, some, to, y_stride);
    });
  }
}

template <class B>
void decode_of(const std::byte* data, size_t stride, int rows, int column,
               const IntegerPanel& panel) {
  const int groups = panel.width / 32;
  for (int r = 0; r < kIntegerPanelRows; ++r) {
    const std::byte* at = data + static_cast<size_t>(std::min(r, rows - 1)) * stride +
                          static_cast<size_t>(column / (32 * B::kGroups) * B::kBytes);
    const bool words = panel.words != nullptr;
    uint8_t* bytes = words ? nullptr : panel.bytes + 4 * r;
    int16_t* pairs = words ? panel.words + 2 * r : nullptr;
    float* scales = panel.scales + r;
    float* mins = panel.mins + r;
    for (int g = 0; g < groups; at += B::kBytes) {
      const B block(at);
      for (int i = 0; i < B::kGroups; ++i, ++g) {
        const Bytes32 q = block.values(i);
        int8_t values[32];
        vst1q_s8(values, q.low);
        vst1q_s8(values + 16, q.high);
        for (int j = 0; j < 8 && !words; ++j, bytes += 4 * kIntegerPanelRows)
          std::memcpy(bytes, values + 4 * j, 4);
        for (int j = 0; j < 16 && words; ++j, pairs += 2 * kIntegerPanelRows) {
          pairs[0] = values[2 * j];
          pairs[1] = values[2 * j + 1];
        }
        for (int h = 0; h < 32 / B::kGroup;
             ++h, scales += kIntegerPanelRows, mins += kIntegerPanelRows) {
          *scales = block.scale(i, h);
          *mins = block.min(i, h);
        }
      }
    }
  }
}

template <int kGroup, int kTokens>
void byte_sums(const uint8_t* panel, const int8_t* x, size_t width, int32x4_t (&sum)[kTokens][4]) {
  for (int s = 0; s < kGroup; s += 16) {
    int8x16_t in[kTokens];
    for (int t = 0; t < kTokens; ++t) in[t] = vld1q_s8(x + static_cast<size_t>(t) * width + s);
    const int8_t* w =
        reinterpret_cast<const int8_t*>(panel) + static_cast<ptrdiff_t>(s * kIntegerPanelRows);
    for (int v = 0; v < 4; ++v) {
      const int8x16_t w0 = vld1q_s8(w + 16 * v), w1 = vld1q_s8(w + 64 + 16 * v);
      const int8x16_t w2 = vld1q_s8(w + 128 + 16 * v), w3 = vld1q_s8(w + 192 + 16 * v);
      for (int t = 0; t < kTokens; ++t) {
        sum[t][v] = vdotq_laneq_s32(sum[t][v], w0, in[t], 0);
        sum[t][v] = vdotq_laneq_s32(sum[t][v], w1, in[t], 1);
        sum[t][v] = vdotq_laneq_s32(sum[t][v], w2, in[t], 2);
        sum[t][v] = vdotq_laneq_s32(sum[t][v], w3, in[t], 3);
      }
    }
  }
}

/// A panel holds pairs of columns; two loads that take them apart serve eight rows.
template <int kGroup, int kTokens>
void word_sums(const int16_t* panel, const int16_t* x, size_t width, int32x4_t (&sum)[kTokens][4]) {
  for (int s = 0; s < kGroup; s += 2)
    for (int v = 0; v < 4; v += 2) {
      const int16x8x2_t w =
          vld2q_s16(panel + static_cast<ptrdiff_t>(s * kIntegerPanelRows + 8 * v));
      for (int t = 0; t < kTokens; ++t) {
        const int16_t* in = x + static_cast<size_t>(t) * width + s;
        sum[t][v] = vmlal_n_s16(sum[t][v], vget_low_s16(w.val[0]), in[0]);
        sum[t][v] = vmlal_n_s16(sum[t][v], vget_low_s16(w.val[1]), in[1]);
        sum[t][v + 1] = vmlal_high_n_s16(sum[t][v + 1], w.val[0], in[0]);
        sum[t][v + 1] = vmlal_high_n_s16(sum[t][v + 1], w.val[1], in[1]);
      }
    }
}

/// kTokens rows of x with the sixteen rows of a panel.
template <int kGroup, int kTokens, bool kWords>
void multiply_tile(const IntegerPanel& panel, int rows, const IntegerRows& x, int column,
                   bool accumulate, float* y, size_t y_stride) {
  const size_t width = static_cast<size_t>(x.width), scales = width / 32;
  const int groups = panel.width / kGroup;
  float32x4_t acc[kTokens][4];
  for (int t = 0; t < kTokens; ++t) {
    float start[kIntegerPanelRows] = {};
    if (accumulate) std::copy_n(y + static_cast<size_t>(t) * y_stride, rows, start);
    for (int v = 0; v < 4; ++v) acc[t][v] = vld1q_f32(start + 4 * v);
  }
  for (int g = 0; g < groups; ++g) {
    int32x4_t sum[kTokens][4];
    for (int t = 0; t < kTokens; ++t)
      for (int v = 0; v < 4; ++v) sum[t][v] = vdupq_n_s32(0);
    const ptrdiff_t first = g * kGroup;
    if constexpr (kWords)
      word_sums<kGroup, kTokens>(panel.words + first * kIntegerPanelRows, x.words + column + first,
                                 width, sum);
    else
      byte_sums<kGroup, kTokens>(panel.bytes + first * kIntegerPanelRows, x.bytes + column + first,
                                 width, sum);
    for (int t = 0; t < kTokens; ++t) {
      const size_t row = static_cast<size_t>(t);
      const int group = (column + g * kGroup) / 32;
      const float by = x.scales[row * scales + static_cast<size_t>(group)];
      const float less = kGroup == 32
                             ? x.sums[row * scales + static_cast<size_t>(group)]
                             : x.half_sums[2 * row * scales + static_cast<size_t>(column / 16 + g)];
      for (int v = 0; v < 4; ++v) {
        const ptrdiff_t at = g * kIntegerPanelRows + 4 * v;
        acc[t][v] = vfmaq_f32(acc[t][v], vcvtq_f32_s32(sum[t][v]),
                              vmulq_n_f32(vld1q_f32(panel.scales + at), by));
        acc[t][v] = vfmsq_n_f32(acc[t][v], vld1q_f32(panel.mins + at), less);
      }
    }
  }
  for (int t = 0; t < kTokens; ++t) {
    float end[kIntegerPanelRows];
    for (int v = 0; v < 4; ++v) vst1q_f32(end + 4 * v, acc[t][v]);
    std::copy_n(end, rows, y + static_cast<size_t>(t) * y_stride);
  }
}

void round(const float* x, int groups, int8_t* bytes, int16_t* words, float* scales, float* sums,
           float* half_sums) {
  kIntegerReference.round(x, groups, bytes, words, scales, sums, half_sums);
}

void multiply_one(const IntegerPanel& panel, int rows, const IntegerRows& x, int column,
                  bool accumulate, float* y, size_t y_stride) {
  with_bool(panel.words != nullptr, [&](auto words) {
    with_bool(panel.group == 16, [&](auto halves) {
      for_tiles<4>(x, y, y_stride, [&](auto tokens, const IntegerRows& some, float* to) {
        multiply_tile<decltype(halves)::value ? 16 : 32, decltype(tokens)::value,
                      decltype(words)::value>(panel, rows, some, column, accumulate, to, y_stride);
      });
    });
  });
}

void multiply(std::span<const IntegerPanel> panels, int rows, const IntegerRows& x, int column,
              bool accumulate, float* y, size_t y_stride) {
  for_panels(panels, rows, y, [&](const IntegerPanel& panel, int n, float* to) {
    multiply_one(panel, n, x, column, accumulate, to, y_stride);
  });
}

void multiply_rows(TensorType type, const std::byte* data, size_t stride, int begin, int end,
                   const IntegerRows& x, float* y, size_t y_stride) {
  with_type(type, [&](auto t) {
    with_bool(x.words != nullptr, [&](auto words) {
      multiply_rows_of<Block<decltype(t)::value>, decltype(words)::value>(data, stride, begin, end,
                                                                          x, y, y_stride);
    });
  });
}

void decode(TensorType type, const std::byte* data, size_t stride, int rows, int column,
            const IntegerPanel& panel) {
  with_type(type, [&](auto t) {
    decode_of<Block<decltype(t)::value>>(data, stride, rows, column, panel);
  });
}

void nibble_sums(const uint8_t* rows, int width, int begin, int end, const int8_t* high,
                 const int8_t* low, int32_t* sums) {
  const uint8x16_t nibble = vdupq_n_u8(15);
  for (int i = begin; i < end; ++i) {
    const uint8_t* row = rows + static_cast<size_t>(i) * static_cast<size_t>(width / 2);
    int32x4_t of_high = vdupq_n_s32(0), of_low = of_high;
    for (int j = 0; j < width; j += kNibbleColumns, row += 64)
      for (int k = j; k < j + 64; k += 16) {
        const uint8x16_t bytes = vld1q_u8(row + k - j);
        const int8x16_t first = vreinterpretq_s8_u8(vandq_u8(bytes, nibble));
        const int8x16_t second = vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4));
        of_high = vdotq_s32(of_high, first, vld1q_s8(high + k));
        of_high = vdotq_s32(of_high, second, vld1q_s8(high + k + 64));
        of_low = vdotq_s32(of_low, first, vld1q_s8(low + k));
        of_low = vdotq_s32(of_low, second, vld1q_s8(low + k + 64));
      }
    sums[i - begin] = vaddvq_s32(vaddq_s32(vshlq_n_s32(of_high, 8), of_low));
  }
}

}  // namespace
}  // namespace model

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace model {

const IntegerKernel kIntegerNeon = {"neon",
                                    [] {
                                      constexpr unsigned long kDotProduct = 1ul
                                                                            << 20;  // HWCAP_ASIMDDP
                                      return (getauxval(AT_HWCAP) & kDotProduct) != 0;
                                    },
                                    round,
                                    multiply_rows,
                                    decode,
                                    multiply,
                                    nibble_sums};

}  // namespace model
#endif
