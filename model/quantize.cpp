#include "model/quantize.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cctype>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

// The simple formats divide a block of 32 by a scale taken from its extreme value and round; what
// is stored is fixed by ggml's reference, so operations, their order and their rounding follow it.
// This file is compiled without contraction into fused multiply-adds for that reason.
//
// The K formats store a scale per sub-block, itself rounded to 6 (Q4_K, Q5_K) or 8 bits (Q6_K) of a
// scale per 256 values. The search:
//   1. For each sub-block alone: try several roundings (a stretched grid), and for each the scale
//   and
//      minimum that fit it best by least squares; keep the best.
//   2. Round scales and minima to their few bits against the largest of the 256.
//   3. With those fixed, round the values again; then refit the two f16 factors of the whole block
//   by
//      least squares, and keep the refit only while the error falls.
// The squared error is taken of what a reader will decode, f16 rounding included.

namespace model {
namespace {

void store_half(uint8_t* to, float value) {
  const uint16_t half = f32_to_f16(value);
  to[0] = static_cast<uint8_t>(half);
  to[1] = static_cast<uint8_t>(half >> 8);
}

uint16_t f32_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 64u);
  return static_cast<uint16_t>((bits + (0x7fffu + ((bits >> 16) & 1u))) >> 16);
}

/// 1 / d, or 0 where d is zero or so small that the quotient overflows; such a block becomes zeros,
/// which its f16 scale makes of it anyway.
float inverse(float d) {
  const float id = d != 0 ? 1.0f / d : 0.0f;
  return std::isfinite(id) ? id : 0.0f;
}

/// The value of largest magnitude with its sign, the first of equals.
float extreme(const float* x) {
  float largest = 0, value = 0;
  for (int i = 0; i < 32; ++i) {
    if (std::fabs(x[i]) > largest) {
      largest = std::fabs(x[i]);
      value = x[i];
    }
  }
  return value;
}

/// Truncates into [0, top]; the sum may be anything finite or infinite.
uint8_t truncated(float value, int top) {
  return static_cast<uint8_t>(std::clamp(value, 0.0f, static_cast<float>(top)));
}

void to_q8_0(const float* x, uint8_t* b) {
  float largest = 0;
  for (int i = 0; i < 32; ++i) largest = std::max(largest, std::fabs(x[i]));
  const float d = largest / 127.0f;
  const float id = inverse(d);
  store_half(b, d);
  for (int i = 0; i < 32; ++i)
    b[2 + i] = static_cast<uint8_t>(
        static_cast<int8_t>(std::clamp(std::round(x[i] * id), -127.0f, 127.0f)));
}

void to_q4_0(const float* x, uint8_t* b) {
  const float d = extreme(x) / -8.0f;
  const float id = inverse(d);
  store_half(b, d);
  for (int i = 0; i < 16; ++i)
    b[2 + i] = static_cast<uint8_t>(truncated(x[i] * id + 8.5f, 15) |
                                    (truncated(x[i + 16] * id + 8.5f, 15) << 4));
}

void to_q4_1(const float* x, uint8_t* b) {
  const auto [low, high] = std::minmax_element(x, x + 32);
  const float min = *low, d = (*high - min) / 15.0f;
  const float id = inverse(d);
  store_half(b, d);
  store_half(b + 2, min);
  for (int i = 0; i < 16; ++i)
    b[4 + i] = static_cast<uint8_t>(truncated((x[i] - min) * id + 0.5f, 15) |
                                    (truncated((x[i + 16] - min) * id + 0.5f, 15) << 4));
}

/// Splits 32 five-bit numbers into nibbles (at `low`) and top bits (at `high`).
void store_five_bits(const std::array<uint8_t, 32>& q, uint8_t* high, uint8_t* low) {
  uint32_t top = 0;
  for (size_t i = 0; i < 16; ++i) {
    low[i] = static_cast<uint8_t>((q[i] & 15) | ((q[i + 16] & 15) << 4));
    top |= static_cast<uint32_t>(q[i] >> 4) << i;
    top |= static_cast<uint32_t>(q[i + 16] >> 4) << (i + 16);
  }
  std::memcpy(high, &top, 4);
}

void to_q5_0(const float* x, uint8_t* b) {
  const float d = extreme(x) / -16.0f;
  const float id = inverse(d);
  store_half(b, d);
  std::array<uint8_t, 32> q;
  for (size_t i = 0; i < 32; ++i) q[i] = truncated(x[i] * id + 16.5f, 31);
  store_five_bits(q, b + 2, b + 6);
}

void to_q5_1(const float* x, uint8_t* b) {
  const auto [low, high] = std::minmax_element(x, x + 32);
  const float min = *low, d = (*high - min) / 31.0f;
  const float id = inverse(d);
  store_half(b, d);
  store_half(b + 2, min);
  std::array<uint8_t, 32> q;
  for (size_t i = 0; i < 32; ++i) q[i] = truncated((x[i] - min) * id + 0.5f, 31);
  store_five_bits(q, b + 4, b + 8);
}

/// The nearest f16, but not zero for what is not zero: with the smallest step as factor the scales
/// of a block of tiny weights still say something, with zero nothing would.
uint16_t factor_half(float value) {
  const uint16_t half = f32_to_f16(value);
  if ((half & 0x7fffu) != 0 || value == 0) return half;
  return static_cast<uint16_t>(half | 1u);
}

int nearest(float value, int low, int high) {
  return static_cast<int>(
      std::lrint(std::clamp(value, static_cast<float>(low), static_cast<float>(high))));
}

struct Fit {
  float scale = 0;
  float min = 0;  ///< subtracted: x = scale q - min, min >= 0
};

/// Step 1 for x = scale q - min with q in [0, top].
Fit fit_with_min(const float* x, int n, int top) {
  const auto [lowest, highest] = std::minmax_element(x, x + n);
  const float low = std::min(*lowest, 0.0f), high = *highest;
  if (!(high > low)) return {0, -low};
  double best = std::numeric_limits<double>::infinity();
  Fit kept;
  for (int step = -10; step <= 20; ++step) {
    const float stretch =
        (static_cast<float>(top) + 0.1f * static_cast<float>(step)) / (high - low);
    double sq = 0, sqq = 0, sx = 0, sqx = 0;
    for (int i = 0; i < n; ++i) {
      const double q = nearest(stretch * (x[i] - low), 0, top);
      sq += q;
      sqq += q * q;
      sx += x[i];
      sqx += q * static_cast<double>(x[i]);
    }
    const double determinant = n * sqq - sq * sq;
    if (determinant <= 0) continue;
    double scale = (n * sqx - sq * sx) / determinant, min = (sq * sqx - sqq * sx) / determinant;
    if (min < 0) {
      min = 0;
      scale = sqx / sqq;
    }
    if (!(scale > 0)) continue;
    double error = 0;
    for (int i = 0; i < n; ++i) {
      const double value = x[i];
      const int q = nearest(static_cast<float>((value + min) / scale), 0, top);
      const double e = scale * q - min - value;
      error += e * e;
    }
    if (error < best) {
      best = error;
      kept = {static_cast<float>(scale), static_cast<float>(min)};
    }
  }
  if (std::isinf(best)) return {(high - low) / static_cast<float>(top), -low};
  return kept;
}

/// Step 1 for x = scale q with q in [-top, top - 1]; the scale may be negative.
float fit_symmetric(const float* x, int n, int top) {
  float extreme = 0;
  for (int i = 0; i < n; ++i)
    if (std::fabs(x[i]) > std::fabs(extreme)) extreme = x[i];
  if (extreme == 0) return 0;
  double best = -1;
  float kept = extreme / static_cast<float>(-top);
  for (int step = -12; step <= 12; ++step) {
    const float id = (static_cast<float>(-top) + 0.1f * static_cast<float>(step)) / extreme;
    if (!std::isfinite(id)) continue;
    double qx = 0, qq = 0;
    for (int i = 0; i < n; ++i) {
      const double q = nearest(x[i] * id, -top, top - 1);
      qx += q * static_cast<double>(x[i]);
      qq += q * q;
    }
    // The best scale for this rounding is qx / qq and takes qx^2 / qq off the squared error.
    if (qq > 0 && qx * qx / qq > best) {
      best = qx * qx / qq;
      kept = static_cast<float>(qx / qq);
    }
  }
  return kept;
}

/// A block of Q4_K or Q5_K before it is packed.
struct WithMin {
  uint16_t d = 0, m = 0;  ///< f16
  std::array<int, 8> scales{}, mins{};
  std::array<uint8_t, 256> q{};

  /// Rounds the values under the present scales; the squared error of what will be decoded.
  double round(const float* x, int top) {
    double error = 0;
    for (size_t j = 0; j < 8; ++j) {
      const float scale = f16_to_f32(d) * static_cast<float>(scales[j]);
      const float min = f16_to_f32(m) * static_cast<float>(mins[j]);
      const float id = inverse(scale);
      for (size_t i = 32 * j; i < 32 * j + 32; ++i) {
        q[i] = static_cast<uint8_t>(nearest((x[i] + min) * id, 0, top));
        const double e = static_cast<double>(scale * static_cast<float>(q[i]) - min - x[i]);
        error += e * e;
      }
    }
    return error;
  }

  /// Step 3: the d and m that fit the present numbers best.
  void refit(const float* x) {
    double aa = 0, ab = 0, bb = 0, ax = 0, bx = 0;
    for (size_t j = 0; j < 8; ++j) {
      for (size_t i = 32 * j; i < 32 * j + 32; ++i) {
        const double a = static_cast<double>(scales[j]) * q[i], b = -mins[j];
        aa += a * a;
        ab += a * b;
        bb += b * b;
        ax += a * static_cast<double>(x[i]);
        bx += b * static_cast<double>(x[i]);
      }
    }
    const double determinant = aa * bb - ab * ab;
    if (determinant > 1e-9 * aa * bb) {
      d = f32_to_f16(static_cast<float>((ax * bb - bx * ab) / determinant));
      m = f32_to_f16(static_cast<float>((bx * aa - ax * ab) / determinant));
    } else if (aa > 0) {
      d = f32_to_f16(static_cast<float>(ax / aa));
    }
  }
};

WithMin quantize_with_min(const float* x, int top) {
  std::array<Fit, 8> fits;
  float largest_scale = 0, largest_min = 0;
  for (size_t j = 0; j < 8; ++j) {
    fits[j] = fit_with_min(x + 32 * j, 32, top);
    largest_scale = std::max(largest_scale, fits[j].scale);
    largest_min = std::max(largest_min, fits[j].min);
  }
  WithMin best;
  best.d = factor_half(largest_scale / 63.0f);
  best.m = factor_half(largest_min / 63.0f);
  for (size_t j = 0; j < 8; ++j) {
    best.scales[j] = nearest(fits[j].scale * inverse(f16_to_f32(best.d)), 0, 63);
    best.mins[j] = nearest(fits[j].min * inverse(f16_to_f32(best.m)), 0, 63);
  }
  double error = best.round(x, top);
  for (int pass = 0; pass < 4; ++pass) {
    WithMin next = best;
    next.refit(x);
    // A negative factor or one that overflowed would be worse; the comparison drops it.
    const double now = next.round(x, top);
    if (!(now < error)) break;
    best = next;
    error = now;
  }
  // Weights too small even for that: zeros come closer.
  double power = 0;
  for (int i = 0; i < 256; ++i) power += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return error <= power ? best : WithMin{};
}

/// The 12 bytes that hold 8 scales and 8 minima of 6 bits; quants.cpp reads them.
void store_scales(const WithMin& w, uint8_t* to) {
  for (size_t j = 0; j < 4; ++j) {
    to[j] = static_cast<uint8_t>(w.scales[j] | ((w.scales[j + 4] >> 4) << 6));
    to[j + 4] = static_cast<uint8_t>(w.mins[j] | ((w.mins[j + 4] >> 4) << 6));
    to[j + 8] = static_cast<uint8_t>((w.scales[j + 4] & 15) | ((w.mins[j + 4] & 15) << 4));
  }
}

void store_factors(const WithMin& w, uint8_t* to) {
  std::memcpy(to, &w.d, 2);
  std::memcpy(to + 2, &w.m, 2);
}

void to_q4_k(const float* x, uint8_t* b) {
  const WithMin w = quantize_with_min(x, 15);
  store_factors(w, b);
  store_scales(w, b + 4);
  uint8_t* to = b + 16;
  for (size_t j = 0; j < 256; j += 64)
    for (size_t i = j; i < j + 32; ++i) *to++ = static_cast<uint8_t>(w.q[i] | (w.q[i + 32] << 4));
}

void to_q5_k(const float* x, uint8_t* b) {
  const WithMin w = quantize_with_min(x, 31);
  store_factors(w, b);
  store_scales(w, b + 4);
  uint8_t* high = b + 16;
  uint8_t* low = b + 48;
  std::memset(high, 0, 32);
  for (size_t j = 0; j < 8; j += 2) {
    for (size_t i = 0; i < 32; ++i) {
      const uint8_t first = w.q[32 * j + i], second = w.q[32 * j + 32 + i];
      *low++ = static_cast<uint8_t>((first & 15) | ((second & 15) << 4));
      high[i] = static_cast<uint8_t>(high[i] | ((first >> 4) << j) | ((second >> 4) << (j + 1)));
    }
  }
}

/// A block of Q6_K before it is packed; q without its offset, in [-32, 31].
struct Symmetric {
  uint16_t d = 0;
  std::array<int8_t, 16> scales{};
  std::array<int8_t, 256> q{};

  double round(const float* x) {
    double error = 0;
    for (size_t j = 0; j < 16; ++j) {
      const float scale = f16_to_f32(d) * static_cast<float>(scales[j]);
      const float id = inverse(scale);
      for (size_t i = 16 * j; i < 16 * j + 16; ++i) {
        q[i] = static_cast<int8_t>(nearest(x[i] * id, -32, 31));
        const double e = static_cast<double>(scale * static_cast<float>(q[i]) - x[i]);
        error += e * e;
      }
    }
    return error;
  }

  void refit(const float* x) {
    double aa = 0, ax = 0;
    for (size_t i = 0; i < 256; ++i) {
      const double a = static_cast<double>(scales[i / 16]) * q[i];
      aa += a * a;
      ax += a * static_cast<double>(x[i]);
    }
    if (aa > 0) d = f32_to_f16(static_cast<float>(ax / aa));
  }
};

void to_q6_k(const float* x, uint8_t* b) {
  std::array<float, 16> fits;
  float largest = 0;
  for (size_t j = 0; j < 16; ++j) {
    fits[j] = fit_symmetric(x + 16 * j, 16, 32);
    if (std::fabs(fits[j]) > std::fabs(largest)) largest = fits[j];
  }
  Symmetric best;
  best.d = factor_half(largest / -128.0f);
  const float id = inverse(f16_to_f32(best.d));
  for (size_t j = 0; j < 16; ++j)
    best.scales[j] = static_cast<int8_t>(nearest(fits[j] * id, -128, 127));
  double error = best.round(x);
  for (int pass = 0; pass < 4; ++pass) {
    Symmetric next = best;
    next.refit(x);
    const double now = next.round(x);
    if (!(now < error)) break;
    best = next;
    error = now;
  }
  for (size_t half = 0; half < 2; ++half) {
    for (size_t i = 0; i < 32; ++i) {
      auto q = [&](size_t part) {
        return static_cast<unsigned>(best.q[128 * half + 32 * part + i] + 32);
      };
      b[64 * half + i] = static_cast<uint8_t>((q(0) & 15) | ((q(2) & 15) << 4));
      b[64 * half + 32 + i] = static_cast<uint8_t>((q(1) & 15) | ((q(3) & 15) << 4));
      b[128 + 32 * half + i] = static_cast<uint8_t>((q(0) >> 4) | ((q(1) >> 4) << 2) |
                                                    ((q(2) >> 4) << 4) | ((q(3) >> 4) << 6));
    }
  }
  std::memcpy(b + 192, best.scales.data(), 16);
  std::memcpy(b + 208, &best.d, 2);
}

}  // namespace

void quantize_row(TensorType type, std::span<const float> values, std::byte* to) {
  uint8_t* out = reinterpret_cast<uint8_t*>(to);
  using Encode = void (*)(const float*, uint8_t*);
  Encode encode = nullptr;
  switch (type) {
    case TensorType::f32:
      std::memcpy(out, values.data(), values.size_bytes());
      return;
    case TensorType::f16:
      for (size_t i = 0; i < values.size(); ++i) store_half(out + 2 * i, values[i]);
      return;
    case TensorType::bf16:
      for (size_t i = 0; i < values.size(); ++i) {
        const uint16_t v = f32_to_bf16(values[i]);
        std::memcpy(out + 2 * i, &v, 2);
      }
      return;
    case TensorType::q8_0:
      encode = to_q8_0;
      break;
    case TensorType::q4_0:
      encode = to_q4_0;
      break;
    case TensorType::q4_1:
      encode = to_q4_1;
      break;
    case TensorType::q5_0:
      encode = to_q5_0;
      break;
    case TensorType::q5_1:
      encode = to_q5_1;
      break;
    case TensorType::q4_k:
      encode = to_q4_k;
      break;
    case TensorType::q5_k:
      encode = to_q5_k;
      break;
    case TensorType::q6_k:
      encode = to_q6_k;
      break;
  }
  const BlockLayout layout = *block_layout(type);
  const size_t n = static_cast<size_t>(layout.values);
  assert(values.size() % n == 0);
  for (size_t i = 0; i < values.size(); i += n, out += layout.bytes) encode(values.data() + i, out);
}

TensorType fitting(TensorType wanted, uint64_t width) {
  auto fits = [width](TensorType t) {
    return width % static_cast<uint64_t>(block_layout(t)->values) == 0;
  };
  if (fits(wanted)) return wanted;
  for (const auto& [from, to] : {std::pair{TensorType::q4_k, TensorType::q5_0},
                                 {TensorType::q5_k, TensorType::q5_1},
                                 {TensorType::q6_k, TensorType::q8_0}})
    if (wanted == from && fits(to)) return to;
  return TensorType::f16;
}

std::optional<TensorType> tensor_type(std::string_view name) {
  for (const TensorType type :
       {TensorType::f32, TensorType::f16, TensorType::bf16, TensorType::q4_0, TensorType::q4_1,
        TensorType::q5_0, TensorType::q5_1, TensorType::q8_0, TensorType::q4_k, TensorType::q5_k,
        TensorType::q6_k}) {
    const std::string_view own = block_layout(type)->name;
    if (std::ranges::equal(own, name, [](char a, char b) {
          return a == std::toupper(static_cast<unsigned char>(b));
        }))
      return type;
  }
  return std::nullopt;
}

}  // namespace model
