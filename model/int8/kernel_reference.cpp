#include <algorithm>
#include <cstring>

#include "model/int8/kernel.h"

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

int32_t product(TensorType type, const Group& g, int half, const int8_t* x) {
  int32_t sum = 0;
  for (int j = 16 * half; j < 16 * half + 16; ++j) {
    const int w = type == TensorType::q8_0 ? static_cast<int8_t>(g.values[j]) : g.values[j];
    sum += w * x[j];
  }
  return sum;
}

void multiply_rows(TensorType type, const std::byte* data, size_t stride, int begin, int end,
                   const Int8Rows& x, float* y, size_t y_stride) {
  const int groups = x.width / 32;
  for (int row = begin; row < end; ++row)
    for (int t = 0; t < x.rows; ++t) {
      const Int8Rows one = x.from(t);
      float sum = 0;
      for (int g = 0; g < groups; ++g) {
        const Group w = decode_group(type, data + static_cast<size_t>(row) * stride, g);
        for (int h = 0; h < 2; ++h) {
          const int32_t part = product(type, w, h, one.values + 32 * g);
          sum += w.scales[h] * one.scales[g] * static_cast<float>(part);
          sum -= w.mins[h] * one.half_sums[2 * g + h];
        }
      }
      y[static_cast<size_t>(t) * y_stride + static_cast<size_t>(row)] = sum;
    }
}

void decode(TensorType type, const std::byte* data, size_t stride, int rows, int column,
            const Int8Panel& panel) {
  const int per_group = 32 / panel.group;
  for (int r = 0; r < kInt8PanelRows; ++r)
    for (int g = 0; g < panel.width / 32; ++g) {
      const Group w = decode_group(type, data + static_cast<size_t>(std::min(r, rows - 1)) * stride,
                                   column / 32 + g);
      for (int j = 0; j < 8; ++j)
        std::memcpy(panel.values + ((8 * g + j) * kInt8PanelRows + r) * 4, w.values + 4 * j, 4);
      for (int h = 0; h < per_group; ++h) {
        panel.scales[(per_group * g + h) * kInt8PanelRows + r] = w.scales[h];
        panel.mins[(per_group * g + h) * kInt8PanelRows + r] = w.mins[h];
      }
    }
}

void multiply(const Int8Panel& panel, int rows, const Int8Rows& x, int column, bool accumulate,
              float* y, size_t y_stride) {
  const int groups = panel.width / panel.group;
  for (int t = 0; t < x.rows; ++t) {
    const Int8Rows one = x.from(t);
    for (int r = 0; r < rows; ++r) {
      float& out = y[static_cast<size_t>(t) * y_stride + static_cast<size_t>(r)];
      float sum = accumulate ? out : 0;
      for (int g = 0; g < groups; ++g) {
        const int first = column + g * panel.group;
        int32_t part = 0;
        for (int j = 0; j < panel.group; ++j) {
          const int c = g * panel.group + j;
          const uint8_t byte = panel.values[(c / 4 * kInt8PanelRows + r) * 4 + c % 4];
          part += (panel.bits == 8 ? static_cast<int8_t>(byte) : byte) * one.values[first + j];
        }
        const float low = panel.group == 32 ? one.sums[first / 32] : one.half_sums[first / 16];
        sum += panel.scales[g * kInt8PanelRows + r] * one.scales[first / 32] *
               static_cast<float>(part);
        sum -= panel.mins[g * kInt8PanelRows + r] * low;
      }
      out = sum;
    }
  }
}

}  // namespace

bool has_int8_form(TensorType type) {
  return type != TensorType::f32 && type != TensorType::f16 && type != TensorType::bf16;
}

int int8_bits(TensorType type) {
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

int int8_group(TensorType type) { return type == TensorType::q6_k ? 16 : 32; }

const Int8Kernel kInt8Reference = {"reference", [] { return true; }, multiply_rows, decode,
                                   multiply};

}  // namespace model
