#include "model/quants.h"

#include <bit>
#include <cassert>
#include <cstring>

// Blocks as ggml lays them out (little-endian, d and m are f16):
//   Q8_0  34 B / 32   d, 32 int8                          x = d q
//   Q4_0  18 B / 32   d, 16 nibble pairs                  x_j = d (lo_j - 8), x_{j+16} = d (hi_j -
//   8) Q4_1  20 B / 32   d, m, 16 nibble pairs               x = d q + m Q5_0  22 B / 32   d, 32
//   fifth bits, 16 nibble pairs   x = d (q - 16) Q5_1  24 B / 32   d, m, 32 fifth bits, nibbles x =
//   d q + m Q4_K 144 B / 256  d, m, 12 B of 6-bit scales and minima for 8 sub-blocks, 128 B of
//   nibbles Q5_K 176 B / 256  d, m, 12 B scales, 32 B of fifth bits, 128 B of nibbles Q6_K 210 B /
//   256  128 B low nibbles, 64 B high bit pairs, 16 int8 scales, d

namespace model {

std::optional<BlockLayout> block_layout(TensorType type) {
  switch (type) {
    case TensorType::f32:
      return BlockLayout{"F32", 1, 4};
    case TensorType::f16:
      return BlockLayout{"F16", 1, 2};
    case TensorType::bf16:
      return BlockLayout{"BF16", 1, 2};
    case TensorType::q4_0:
      return BlockLayout{"Q4_0", 32, 18};
    case TensorType::q4_1:
      return BlockLayout{"Q4_1", 32, 20};
    case TensorType::q5_0:
      return BlockLayout{"Q5_0", 32, 22};
    case TensorType::q5_1:
      return BlockLayout{"Q5_1", 32, 24};
    case TensorType::q8_0:
      return BlockLayout{"Q8_0", 32, 34};
    case TensorType::q4_k:
      return BlockLayout{"Q4_K", 256, 144};
    case TensorType::q5_k:
      return BlockLayout{"Q5_K", 256, 176};
    case TensorType::q6_k:
      return BlockLayout{"Q6_K", 256, 210};
  }
  return std::nullopt;
}

size_t row_bytes(TensorType type, uint64_t n) {
  const BlockLayout layout = *block_layout(type);
  assert(n % static_cast<uint64_t>(layout.values) == 0);
  return n / static_cast<uint64_t>(layout.values) * static_cast<uint64_t>(layout.bytes);
}

float f16_to_f32(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu;
  const uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent == 0) {  // zero and subnormals: mantissa * 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112u) << 23) | (mantissa << 13));
}

uint16_t f32_to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7e00u;
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;
  if (magnitude < 0x38800000u) {  // subnormal half: round value * 2^24 to nearest even
    const float scaled = std::bit_cast<float>(magnitude) * 0x1p24f;
    uint32_t integer = static_cast<uint32_t>(scaled);
    const float rest = scaled - static_cast<float>(integer);
    if (rest > 0.5f || (rest == 0.5f && (integer & 1u) != 0)) ++integer;
    return sign | static_cast<uint16_t>(integer);
  }
  const uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return sign | static_cast<uint16_t>((rounded - 0x38000000u) >> 13);
}

namespace {

uint16_t load_u16(const uint8_t* p) { return static_cast<uint16_t>(p[0] | (p[1] << 8)); }
uint32_t load_u32(const uint8_t* p) {
  uint32_t v;
  std::memcpy(&v, p, 4);
  return v;
}
float load_half(const uint8_t* p) { return f16_to_f32(load_u16(p)); }

void q8_0(const uint8_t* b, float* y) {
  const float d = load_half(b);
  for (int i = 0; i < 32; ++i) y[i] = d * static_cast<float>(static_cast<int8_t>(b[2 + i]));
}

void q4_0(const uint8_t* b, float* y) {
  const float d = load_half(b);
  for (int i = 0; i < 16; ++i) {
    y[i] = d * static_cast<float>((b[2 + i] & 15) - 8);
    y[i + 16] = d * static_cast<float>((b[2 + i] >> 4) - 8);
  }
}

void q4_1(const uint8_t* b, float* y) {
  const float d = load_half(b), m = load_half(b + 2);
  for (int i = 0; i < 16; ++i) {
    y[i] = d * static_cast<float>(b[4 + i] & 15) + m;
    y[i + 16] = d * static_cast<float>(b[4 + i] >> 4) + m;
  }
}

void q5_0(const uint8_t* b, float* y) {
  const float d = load_half(b);
  const uint32_t high = load_u32(b + 2);
  for (int i = 0; i < 16; ++i) {
    const int lo = (b[6 + i] & 15) | static_cast<int>(((high >> i) & 1u) << 4);
    const int hi = (b[6 + i] >> 4) | static_cast<int>(((high >> (i + 16)) & 1u) << 4);
    y[i] = d * static_cast<float>(lo - 16);
    y[i + 16] = d * static_cast<float>(hi - 16);
  }
}

void q5_1(const uint8_t* b, float* y) {
  const float d = load_half(b), m = load_half(b + 2);
  const uint32_t high = load_u32(b + 4);
  for (int i = 0; i < 16; ++i) {
    const int lo = (b[8 + i] & 15) | static_cast<int>(((high >> i) & 1u) << 4);
    const int hi = (b[8 + i] >> 4) | static_cast<int>(((high >> (i + 16)) & 1u) << 4);
    y[i] = d * static_cast<float>(lo) + m;
    y[i + 16] = d * static_cast<float>(hi) + m;
  }
}

/// The j-th (0..7) 6-bit scale and minimum of the 12-byte table that Q4_K and Q5_K share.
void scale_and_min(int j, const uint8_t* q, int& scale, int& min) {
  if (j < 4) {
    scale = q[j] & 63;
    min = q[j + 4] & 63;
  } else {
    scale = (q[j + 4] & 15) | ((q[j - 4] >> 6) << 4);
    min = (q[j + 4] >> 4) | ((q[j] >> 6) << 4);
  }
}

void q4_k(const uint8_t* b, float* y) {
  const float d = load_half(b), m = load_half(b + 2);
  const uint8_t* q = b + 16;
  for (int j = 0; j < 8; j += 2, q += 32, y += 64) {
    int s0, m0, s1, m1;
    scale_and_min(j, b + 4, s0, m0);
    scale_and_min(j + 1, b + 4, s1, m1);
    const float d0 = d * static_cast<float>(s0), n0 = m * static_cast<float>(m0);
    const float d1 = d * static_cast<float>(s1), n1 = m * static_cast<float>(m1);
    for (int i = 0; i < 32; ++i) {
      y[i] = d0 * static_cast<float>(q[i] & 15) - n0;
      y[i + 32] = d1 * static_cast<float>(q[i] >> 4) - n1;
    }
  }
}

void q5_k(const uint8_t* b, float* y) {
  const float d = load_half(b), m = load_half(b + 2);
  const uint8_t* high = b + 16;
  const uint8_t* q = b + 48;
  for (int j = 0; j < 8; j += 2, q += 32, y += 64) {
    int s0, m0, s1, m1;
    scale_and_min(j, b + 4, s0, m0);
    scale_and_min(j + 1, b + 4, s1, m1);
    const float d0 = d * static_cast<float>(s0), n0 = m * static_cast<float>(m0);
    const float d1 = d * static_cast<float>(s1), n1 = m * static_cast<float>(m1);
    for (int i = 0; i < 32; ++i) {
      const int lo = (q[i] & 15) + (((high[i] >> j) & 1) << 4);
      const int hi = (q[i] >> 4) + (((high[i] >> (j + 1)) & 1) << 4);
      y[i] = d0 * static_cast<float>(lo) - n0;
      y[i + 32] = d1 * static_cast<float>(hi) - n1;
    }
  }
}

void q6_k(const uint8_t* b, float* y) {
  const uint8_t* low = b;
  const uint8_t* high = b + 128;
  const int8_t* scales = reinterpret_cast<const int8_t*>(b + 192);
  const float d = load_half(b + 208);
  for (int half = 0; half < 2; ++half, low += 64, high += 32, scales += 8, y += 128) {
    for (int i = 0; i < 32; ++i) {
      const int s = i / 16;
      const int q0 = ((low[i] & 15) | ((high[i] & 3) << 4)) - 32;
      const int q1 = ((low[i + 32] & 15) | (((high[i] >> 2) & 3) << 4)) - 32;
      const int q2 = ((low[i] >> 4) | (((high[i] >> 4) & 3) << 4)) - 32;
      const int q3 = ((low[i + 32] >> 4) | ((high[i] >> 6) << 4)) - 32;
      y[i] = d * static_cast<float>(scales[s]) * static_cast<float>(q0);
      y[i + 32] = d * static_cast<float>(scales[s + 2]) * static_cast<float>(q1);
      y[i + 64] = d * static_cast<float>(scales[s + 4]) * static_cast<float>(q2);
      y[i + 96] = d * static_cast<float>(scales[s + 6]) * static_cast<float>(q3);
    }
  }
}

}  // namespace

void dequantize_row(TensorType type, const std::byte* row, std::span<float> out) {
  const BlockLayout layout = *block_layout(type);
  const uint8_t* in = reinterpret_cast<const uint8_t*>(row);
  if (type == TensorType::f32) {
    std::memcpy(out.data(), in, out.size_bytes());
    return;
  }
  if (type == TensorType::f16) {
    for (size_t i = 0; i < out.size(); ++i) out[i] = load_half(in + 2 * i);
    return;
  }
  if (type == TensorType::bf16) {
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = std::bit_cast<float>(static_cast<uint32_t>(load_u16(in + 2 * i)) << 16);
    return;
  }
  using Decode = void (*)(const uint8_t*, float*);
  Decode decode = nullptr;
  switch (type) {
    case TensorType::q4_0:
      decode = q4_0;
      break;
    case TensorType::q4_1:
      decode = q4_1;
      break;
    case TensorType::q5_0:
      decode = q5_0;
      break;
    case TensorType::q5_1:
      decode = q5_1;
      break;
    case TensorType::q8_0:
      decode = q8_0;
      break;
    case TensorType::q4_k:
      decode = q4_k;
      break;
    case TensorType::q5_k:
      decode = q5_k;
      break;
    case TensorType::q6_k:
      decode = q6_k;
      break;
    default:
      assert(false);
      return;
  }
  const size_t values = static_cast<size_t>(layout.values);
  assert(out.size() % values == 0);
  for (size_t i = 0; i < out.size(); i += values, in += layout.bytes) decode(in, out.data() + i);
}

}  // namespace model
