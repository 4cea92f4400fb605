// Two passes of one kernel. The vertical pass adds weighted rows: its inner loop runs along a row
// and vectorises. The horizontal pass would step by three bytes; instead, sixteen rows at a time
// are transposed so that a column of them is 48 bytes in a row, and the same kernel runs.
//
// Sums fit 32 bits: |weight| < 2^15 by choice of the precision P, and the absolute weights of an
// output add up to less than 1.5 * 2^P (the filter's negative lobes are a twelfth of its positive
// part), so |sum| < 255 * 1.5 * 2^22 + 2^21 < 2^31. The test counts this for real sizes.

#include "media/resize.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstring>

namespace media {
namespace {

constexpr size_t kLanes = 48;  // bytes that the kernel takes at once: 16 pixels
constexpr size_t kRows = kLanes / 3;

double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

// out[lane] = sum over j of weights[j] * in[j * stride + lane], rounded and clamped, for kLanes.
void weigh(const uint8_t* in, size_t stride, const int16_t* weights, int n, int precision,
           uint8_t* out) {
  int32_t sums[kLanes];
  for (int32_t& sum : sums) sum = int32_t{1} << (precision - 1);
  for (int j = 0; j < n; ++j, in += stride) {
    const int16_t weight = weights[j];
    for (size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += static_cast<int32_t>(weight) * static_cast<int16_t>(in[lane]);
    }
  }
  for (size_t lane = 0; lane < kLanes; ++lane) {
    out[lane] = static_cast<uint8_t>(std::clamp(sums[lane] >> precision, 0, 255));
  }
}

Pixels resize_rows(const Pixels& in, int width) {
  const ResizePass pass = resize_pass(in.width, width);
  Pixels out{.width = width, .height = in.height, .rgb = {}};
  out.rgb.resize(3 * static_cast<size_t>(width) * static_cast<size_t>(in.height));
  const auto in_width = static_cast<size_t>(in.width);
  const auto out_width = static_cast<size_t>(width);
  const auto height = static_cast<size_t>(in.height);
  std::vector<uint8_t> columns(kLanes * in_width);  // [in_width, kRows, 3]
  uint8_t column[kLanes];
  for (size_t top = 0; top < height; top += kRows) {
    const size_t n_rows = std::min(kRows, height - top);
    for (size_t r = 0; r < n_rows; ++r) {
      const uint8_t* row = in.rgb.data() + 3 * in_width * (top + r);
      for (size_t x = 0; x < in_width; ++x) {
        std::memcpy(columns.data() + kLanes * x + 3 * r, row + 3 * x, 3);
      }
    }
    for (size_t x = 0; x < out_width; ++x) {
      const ResizePass::Output& output = pass.outputs[x];
      weigh(columns.data() + kLanes * static_cast<size_t>(output.first), kLanes,
            pass.weights.data() + output.weights, output.n_weights, pass.precision, column);
      for (size_t r = 0; r < n_rows; ++r) {
        std::memcpy(out.rgb.data() + 3 * (out_width * (top + r) + x), column + 3 * r, 3);
      }
    }
  }
  return out;
}

Pixels resize_columns(const Pixels& in, int height) {
  const ResizePass pass = resize_pass(in.height, height);
  Pixels out{.width = in.width, .height = height, .rgb = {}};
  const size_t row_bytes = 3 * static_cast<size_t>(in.width);
  out.rgb.resize(row_bytes * static_cast<size_t>(height));
  std::vector<uint8_t> narrow;  // the bytes at the right edge, widened to kLanes
  uint8_t last[kLanes];
  for (size_t y = 0; y < static_cast<size_t>(height); ++y) {
    const ResizePass::Output& output = pass.outputs[y];
    const int16_t* weights = pass.weights.data() + output.weights;
    const uint8_t* from = in.rgb.data() + row_bytes * static_cast<size_t>(output.first);
    uint8_t* to = out.rgb.data() + row_bytes * y;
    size_t lane = 0;
    for (; lane + kLanes <= row_bytes; lane += kLanes) {
      weigh(from + lane, row_bytes, weights, output.n_weights, pass.precision, to + lane);
    }
    if (const size_t n_left = row_bytes - lane) {
      narrow.resize(kLanes * static_cast<size_t>(output.n_weights));
      for (size_t j = 0; j < static_cast<size_t>(output.n_weights); ++j) {
        std::memcpy(narrow.data() + kLanes * j, from + row_bytes * j + lane, n_left);
      }
      weigh(narrow.data(), kLanes, weights, output.n_weights, pass.precision, last);
      std::memcpy(to + lane, last, n_left);
    }
  }
  return out;
}

}  // namespace

ResizePass resize_pass(int n, int m) {
  assert(n >= 1 && m >= 1);
  const double scale = static_cast<double>(n) / m;
  const double support = scale >= 1 ? 2 * scale : 2;
  const double inverse = scale >= 1 ? 1 / scale : 1;
  ResizePass pass;
  pass.outputs.reserve(static_cast<size_t>(m));
  std::vector<double> exact;
  double largest = 0;
  for (int i = 0; i < m; ++i) {
    const double centre = scale * (i + 0.5);
    const int first = std::max(static_cast<int>(centre - support + 0.5), 0);
    const int n_weights = std::min(static_cast<int>(centre + support + 0.5), n) - first;
    const size_t start = exact.size();
    double total = 0;
    for (int j = 0; j < n_weights; ++j) {
      exact.push_back(cubic((j + first - centre + 0.5) * inverse));
      total += exact.back();
    }
    for (size_t j = start; j < exact.size(); ++j) {
      exact[j] /= total;
      largest = std::max(largest, exact[j]);
    }
    pass.outputs.push_back({.first = first, .n_weights = n_weights, .weights = start});
  }
  // The finest weights whose largest still fits 16 bits.
  while (pass.precision < 22 &&
         static_cast<int>(0.5 + largest * (1 << (pass.precision + 1))) < (1 << 15)) {
    ++pass.precision;
  }
  pass.weights.reserve(exact.size());
  for (const double weight : exact) {
    const double scaled = weight * (1 << pass.precision);
    pass.weights.push_back(static_cast<int16_t>(weight < 0 ? scaled - 0.5 : scaled + 0.5));
  }
  return pass;
}

Pixels resize_bicubic(const Pixels& pixels, int width, int height) {
  assert(pixels.width >= 1 && pixels.height >= 1 && width >= 1 && height >= 1);
  if (width == pixels.width && height == pixels.height) return pixels;
  if (width == pixels.width) return resize_columns(pixels, height);
  const Pixels rows = resize_rows(pixels, width);
  return height == pixels.height ? rows : resize_columns(rows, height);
}

}  // namespace media
