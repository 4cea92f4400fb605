#include "model/row_dot.h"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "model/clones.h"

// Q8_0, the format of the 270M's vocabulary, has a loop of its own: sum over blocks of d * sum(q
// x). Everything else is decoded block by block into a buffer that stays in the first-level cache.

namespace model {
namespace {

constexpr int kRows = 512;  // rows a worker takes at a time

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

/// Rows [begin, end) of a Q8_0 matrix of `blocks` blocks a row; the reference for the two below.
void q8_0_rows(const std::byte* data, size_t stride, int begin, int end, int blocks, const float* x,
               float* y) {
  for (int row = begin; row < end; ++row) {
    const std::byte* at = data + static_cast<size_t>(row) * stride;
    float sum = 0;
    for (int block = 0; block < blocks; ++block, at += 34) {
      uint16_t half;
      std::memcpy(&half, at, 2);
      float part = 0;
      for (int j = 0; j < 32; ++j)
        part += static_cast<float>(static_cast<int8_t>(at[2 + j])) * x[block * 32 + j];
      sum += f16_to_f32(half) * part;
    }
    y[row] = sum;
  }
}

#if defined(__x86_64__)
#pragma GCC diagnostic push
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC bug 105593, in its own intrinsics
#endif
[[gnu::target("avx2,fma,f16c")]] void q8_0_rows_avx2(const std::byte* data, size_t stride,
                                                     int begin, int end, int blocks, const float* x,
                                                     float* y) {
  for (int row = begin; row < end; ++row) {
    const std::byte* at = data + static_cast<size_t>(row) * stride;
    __m256 sum = _mm256_setzero_ps();
    for (int block = 0; block < blocks; ++block, at += 34) {
      uint16_t half;
      std::memcpy(&half, at, 2);
      const float* in = x + block * 32;
      __m256 part = _mm256_setzero_ps();
      for (int j = 0; j < 32; j += 8) {
        const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at + 2 + j));
        part = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes)),
                               _mm256_loadu_ps(in + j), part);
      }
      sum = _mm256_fmadd_ps(_mm256_set1_ps(_cvtsh_ss(half)), part, sum);
    }
    float lanes[8];
    _mm256_storeu_ps(lanes, sum);
    y[row] = ((lanes[0] + lanes[4]) + (lanes[1] + lanes[5])) +
             ((lanes[2] + lanes[6]) + (lanes[3] + lanes[7]));
  }
}

[[gnu::target("avx512f,avx512bw,avx512vl,f16c")]] void q8_0_rows_avx512(const std::byte* data,
                                                                        size_t stride, int begin,
                                                                        int end, int blocks,
                                                                        const float* x, float* y) {
  for (int row = begin; row < end; ++row) {
    const std::byte* at = data + static_cast<size_t>(row) * stride;
    __m512 sum = _mm512_setzero_ps();
    for (int block = 0; block < blocks; ++block, at += 34) {
      uint16_t half;
      std::memcpy(&half, at, 2);
      const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 2));
      const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at + 18));
      __m512 part = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(low)),
                                  _mm512_loadu_ps(x + block * 32));
      part = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(high)),
                             _mm512_loadu_ps(x + block * 32 + 16), part);
      sum = _mm512_fmadd_ps(_mm512_set1_ps(_cvtsh_ss(half)), part, sum);
    }
    y[row] = _mm512_reduce_add_ps(sum);
  }
}
#pragma GCC diagnostic pop
#endif

using Q8Rows = void (*)(const std::byte*, size_t, int, int, int, const float*, float*);

Q8Rows best_q8_rows() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl"))
    return q8_0_rows_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return q8_0_rows_avx2;
#endif
  return q8_0_rows;
}

}  // namespace

void row_dots(const Matrix& matrix, std::span<const float> x, std::span<float> y,
              ThreadPool& pool) {
  pool.parallel_for(matrix.out, kRows, [&](int worker, int begin, int end) {
    if (matrix.type == TensorType::q8_0) {
      static const Q8Rows rows = best_q8_rows();
      rows(matrix.data, row_bytes(matrix.type, static_cast<uint64_t>(matrix.in)), begin, end,
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
