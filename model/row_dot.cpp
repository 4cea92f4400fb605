#include "model/row_dot.h"

#include <cstring>

#include "model/clones.h"

// Q8_0, the format of the 270M's vocabulary, has a loop of its own: sum over blocks of d * sum(q
// x). Everything else is decoded block by block into a buffer that stays in the first-level cache.

namespace model {
namespace {

constexpr int kRows = 1024;  // rows a worker takes at a time

TESSERA_CLONES float dot(const float* a, const float* b, int n) {
  float partial[16] = {};
  int i = 0;
  for (; i + 16 <= n; i += 16)
    for (int j = 0; j < 16; ++j) partial[j] += a[i + j] * b[i + j];
  float sum = 0;
  for (; i < n; ++i) sum += a[i] * b[i];
  for (const float p : partial) sum += p;
  return sum;
}

TESSERA_CLONES void q8_0_rows(const std::byte* data, size_t stride, int begin, int end, int blocks,
                              const float* x, float* y) {
  for (int row = begin; row < end; ++row) {
    const std::byte* at = data + static_cast<size_t>(row) * stride;
    float partial[16] = {};
    for (int block = 0; block < blocks; ++block, at += 34) {
      uint16_t half;
      std::memcpy(&half, at, 2);
      const float d = f16_to_f32(half);
      int8_t q[32];
      std::memcpy(q, at + 2, 32);
      const float* in = x + block * 32;
      for (int j = 0; j < 16; ++j)
        partial[j] +=
            d * (static_cast<float>(q[j]) * in[j] + static_cast<float>(q[j + 16]) * in[j + 16]);
    }
    float sum = 0;
    for (const float p : partial) sum += p;
    y[row] = sum;
  }
}

}  // namespace

void row_dots(const Matrix& matrix, std::span<const float> x, std::span<float> y,
              ThreadPool& pool) {
  pool.parallel_for(matrix.out, kRows, [&](int worker, int begin, int end) {
    if (matrix.type == TensorType::q8_0) {
      q8_0_rows(matrix.data, row_bytes(matrix.type, static_cast<uint64_t>(matrix.in)), begin, end,
                matrix.in / 32, x.data(), y.data());
      return;
    }
    float* row = reinterpret_cast<float*>(
        pool.scratch(worker, static_cast<size_t>(matrix.in) * sizeof(float)));
    for (int i = begin; i < end; ++i) {
      matrix.dequantize(i, 1, row);
      y[static_cast<size_t>(i)] = dot(row, x.data(), matrix.in);
    }
  });
}

}  // namespace model
