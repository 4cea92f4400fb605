#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "model/integer/dispatch.h"
#include "model/integer/kernel.h"

// The formats one value at a time, as quants.cpp describes them; the kernels beside it are tested
// against it.

namespace model {
namespace {

/// One group of 32 values; scale and min of each half.
struct Group {
  uint8_t values[32];
  float scales[2], mins[2];
};

uint16_t u16(const uint8_t* p) { return static_cast<uint16_t>(p[0] | p[1] << 8); }

float half(const uint8_t* p) { return f16_to_f32(u16(p)); }

/// bits[i]: the fifth bit of value i.
void nibbles(const uint8_t* pairs, const uint8_t* fifth, Group& to) {
  for (int i = 0; i < 16; ++i) {
    to.values[i] = pairs[i] & 15;
    to.values[i + 16] = pairs[i] >> 4;
  }
  if (fifth == nullptr) return;
  for (int i = 0; i < 32; ++i)
    to.values[i] = static_cast<uint8_t>(to.values[i] | (fifth[i / 8] >> (i % 8) & 1) << 4);
}

void both(Group& g, float scale, float min) {
  g.scales[0] = g.scales[1] = scale;
  g.mins[0] = g.mins[1] = min;
}

/// Group `index` of a row.
Group decode_group(TensorType type, const std::byte* row, int index) {
  Group g = {};
  const BlockLayout layout = *block_layout(type);
  const int groups = layout.values / 32, i = index % groups;
  const uint8_t* b =
      reinterpret_cast<const uint8_t*>(row) + static_cast<ptrdiff_t>(index / groups) * layout.bytes;
  switch (type) {
    case TensorType::q4_0:
      nibbles(b + 2, nullptr, g);
      both(g, half(b), 8 * half(b));
      break;
    case TensorType::q4_1:
      nibbles(b + 4, nullptr, g);
      both(g, half(b), -half(b + 2));
      break;
    case TensorType::q5_0:
      nibbles(b + 6, b + 2, g);
      both(g, half(b), 16 * half(b));
      break;
    case TensorType::q5_1:
      nibbles(b + 8, b + 4, g);
      both(g, half(b), -half(b + 2));
      break;
    case TensorType::q8_0:
      std::memcpy(g.values, b + 2, 32);
      both(g, half(b), 0);
      break;
    case TensorType::q4_k:
    case TensorType::q5_k: {
      const uint8_t* packed = b + 4;
      int scale = packed[i] & 63, min = packed[i + 4] & 63;
      if (i >= 4) {
        scale = (packed[i + 4] & 15) | packed[i - 4] >> 6 << 4;
        min = packed[i + 4] >> 4 | packed[i] >> 6 << 4;
      }
      both(g, half(b) * static_cast<float>(scale), half(b + 2) * static_cast<float>(min));
      const uint8_t* low = b + (type == TensorType::q4_k ? 16 : 48) + i / 2 * 32;
      for (int j = 0; j < 32; ++j) {
        int value = i % 2 == 0 ? low[j] & 15 : low[j] >> 4;
        if (type == TensorType::q5_k) value |= (b[16 + j] >> i & 1) << 4;
        g.values[j] = static_cast<uint8_t>(value);
      }
      break;
    }
    case TensorType::q6_k: {
      const uint8_t* low = b + i / 4 * 64 + i % 2 * 32;
      const uint8_t* high = b + 128 + i / 4 * 32;
      for (int j = 0; j < 32; ++j) {
        const int nibble = i % 4 < 2 ? low[j] & 15 : low[j] >> 4;
        g.values[j] = static_cast<uint8_t>(nibble | (high[j] >> (2 * (i % 4)) & 3) << 4);
      }
      for (int h = 0; h < 2; ++h) {
        g.scales[h] = half(b + 208) * static_cast<float>(static_cast<int8_t>(b[192 + 2 * i + h]));
        g.mins[h] = 32 * g.scales[h];
      }
      break;
    }
    default:
      break;
  }
  return g;
}

int value_of(const IntegerRows& x, int i) { return x.bytes != nullptr ? x.bytes[i] : x.words[i]; }

/// Of the half of a group that begins at column `first` of x.
int32_t product(TensorType type, const Group& g, int half, const IntegerRows& x, int first) {
  int32_t sum = 0;
  for (int j = 16 * half; j < 16 * half + 16; ++j) {
    const int w = type == TensorType::q8_0 ? static_cast<int8_t>(g.values[j]) : g.values[j];
    sum += w * value_of(x, first + j);
  }
  return sum;
}

/// Groups of 32 values, each rounded to the nearest multiple of its largest / kMost.
template <class Value, int kMost>
inline void round_groups(const float* x, int groups, Value* values, float* scales, float* sums,
                         float* half_sums) {
  for (int g = 0; g < groups; ++g, x += 32, values += 32) {
    float largest = 0, not_finite = 0;
    for (int j = 0; j < 32; ++j) {
      largest = std::max(largest, std::abs(x[j]));
      not_finite += x[j] - x[j];  // 0, or NaN where x is not finite
    }
    // What is next to nothing becomes zero: its inverse would be infinite.
    const float scale = largest / kMost, inverse = largest > 1e-30f ? kMost / largest : 0;
    // Without a sign, since what is not finite makes them any number.
    uint32_t total[2] = {0, 0};
    for (int h = 0; h < 2; ++h)
      for (int j = 16 * h; j < 16 * h + 16; ++j) {
        // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low bits.
        const uint32_t bits = std::bit_cast<uint32_t>(x[j] * inverse + 12582912.0f) - 0x4b400000u;
        values[j] = static_cast<Value>(static_cast<int32_t>(bits));
        total[h] += bits;
      }
    scales[g] = scale + not_finite;
    half_sums[2 * g] = scales[g] * static_cast<float>(static_cast<int32_t>(total[0]));
    half_sums[2 * g + 1] = scales[g] * static_cast<float>(static_cast<int32_t>(total[1]));
    sums[g] = scales[g] * static_cast<float>(static_cast<int32_t>(total[0] + total[1]));
  }
}

void round(const float* x, int groups, int8_t* bytes, int16_t* words, float* scales, float* sums,
           float* half_sums) {
  if (words != nullptr)
    round_groups<int16_t, 32767>(x, groups, words, scales, sums, half_sums);
  else
    round_groups<int8_t, 127>(x, groups, bytes, scales, sums, half_sums);
}

void multiply_rows(TensorType type, const std::byte* data, size_t stride, int begin, int end,
                   const IntegerRows& x, float* y, size_t y_stride) {
  const int groups = x.width / 32;
  for (int row = begin; row < end; ++row)
    for (int t = 0; t < x.rows; ++t) {
      const IntegerRows one = x.from(t);
      float sum = 0;
      for (int g = 0; g < groups; ++g) {
        const Group w = decode_group(type, data + static_cast<size_t>(row) * stride, g);
        for (int h = 0; h < 2; ++h) {
          const int32_t part = product(type, w, h, one, 32 * g);
          sum += w.scales[h] * one.scales[g] * static_cast<float>(part);
          sum -= w.mins[h] * one.half_sums[2 * g + h];
        }
      }
      y[static_cast<size_t>(t) * y_stride + static_cast<size_t>(row)] = sum;
    }
}

void decode(TensorType type, const std::byte* data, size_t stride, int rows, int column,
            const IntegerPanel& panel) {
  const int per_group = 32 / panel.group;
  for (int r = 0; r < kIntegerPanelRows; ++r)
    for (int g = 0; g < panel.width / 32; ++g) {
      const Group w = decode_group(type, data + static_cast<size_t>(std::min(r, rows - 1)) * stride,
                                   column / 32 + g);
      for (int j = 0; j < 32; ++j) {
        const int c = 32 * g + j;
        if (panel.bytes != nullptr)
          panel.bytes[(c / 4 * kIntegerPanelRows + r) * 4 + c % 4] = w.values[j];
        else
          panel.words[(c / 2 * kIntegerPanelRows + r) * 2 + c % 2] =
              panel.bits == 8 ? static_cast<int8_t>(w.values[j]) : w.values[j];
      }
      for (int h = 0; h < per_group; ++h) {
        panel.scales[(per_group * g + h) * kIntegerPanelRows + r] = w.scales[h];
        panel.mins[(per_group * g + h) * kIntegerPanelRows + r] = w.mins[h];
      }
    }
}

void multiply_one(const IntegerPanel& panel, int rows, const IntegerRows& x, int column,
                  bool accumulate, float* y, size_t y_stride) {
  const int groups = panel.width / panel.group;
  for (int t = 0; t < x.rows; ++t) {
    const IntegerRows one = x.from(t);
    for (int r = 0; r < rows; ++r) {
      float& out = y[static_cast<size_t>(t) * y_stride + static_cast<size_t>(r)];
      float sum = accumulate ? out : 0;
      for (int g = 0; g < groups; ++g) {
        const int first = column + g * panel.group;
        int32_t part = 0;
        for (int j = 0; j < panel.group; ++j) {
          const int c = g * panel.group + j;
          int w;
          if (panel.bytes != nullptr) {
            const uint8_t byte = panel.bytes[(c / 4 * kIntegerPanelRows + r) * 4 + c % 4];
            w = panel.bits == 8 ? static_cast<int8_t>(byte) : byte;
          } else {
            w = panel.words[(c / 2 * kIntegerPanelRows + r) * 2 + c % 2];
          }
          part += w * value_of(one, first + j);
        }
        const float low = panel.group == 32 ? one.sums[first / 32] : one.half_sums[first / 16];
        sum += panel.scales[g * kIntegerPanelRows + r] * one.scales[first / 32] *
               static_cast<float>(part);
        sum -= panel.mins[g * kIntegerPanelRows + r] * low;
      }
      out = sum;
    }
  }
}

void multiply(std::span<const IntegerPanel> panels, int rows, const IntegerRows& x, int column,
              bool accumulate, float* y, size_t y_stride) {
  for_panels(panels, rows, y, [&](const IntegerPanel& panel, int n, float* to) {
    multiply_one(panel, n, x, column, accumulate, to, y_stride);
  });
}

void nibble_sums(const uint8_t* rows, int width, int begin, int end, const int8_t* high,
                 const int8_t* low, int32_t* sums) {
  for (int i = begin; i < end; ++i) {
    const uint8_t* row = rows + static_cast<size_t>(i) * static_cast<size_t>(width / 2);
    int32_t sum = 0;
    for (int j = 0; j < width; j += kNibbleColumns, row += 64)
      for (int k = j; k < j + 64; ++k)
        sum += (row[k - j] & 15) * (256 * high[k] + low[k]) +
               (row[k - j] >> 4) * (256 * high[k + 64] + low[k + 64]);
    sums[i - begin] = sum;
  }
}

}  // namespace

bool has_integer_form(TensorType type) {
  return type != TensorType::f32 && type != TensorType::f16 && type != TensorType::bf16;
}

int integer_bits(TensorType type) {
  switch (type) {
    case TensorType::q4_0:
    case TensorType::q4_1:
    case TensorType::q4_k:
      return 4;
    case TensorType::q5_0:
    case TensorType::q5_1:
    case TensorType::q5_k:
      return 5;
    case TensorType::q6_k:
      return 6;
    default:
      return 8;
  }
}

int integer_group(TensorType type) { return type == TensorType::q6_k ? 16 : 32; }

const IntegerKernel kIntegerReference = {
    "reference", [] { return true; }, round, multiply_rows, decode, multiply, nibble_sums};

}  // namespace model
