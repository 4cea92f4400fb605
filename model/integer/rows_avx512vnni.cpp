#include "model/integer/rows_avx512vnni.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "model/integer/dispatch.h"

// Two blocks at a time: their 16 bytes are unpacked together, to the low bits of both and the high
// bits of both, so x is put in that order first. One sum has the first block in its lower lanes and
// the second in its upper ones. What the values are less by is taken away where the sum begins.

#if defined(__clang__)
#pragma clang attribute push(                                                      \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512vnni")
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC bug 105593, in its own intrinsics
#endif

namespace model {
namespace {

#define TESSERA_HAS_AVX512
#include "model/integer/x86_formats.h"

constexpr int kAhead = 1024;  // bytes asked for early, across the borders of pages

/// Products of bytes, sums in eight lanes.
struct OfBytes {
  using Value = int8_t;
  using Sums = __m256i;
  static constexpr int kLanes = 8;
  static const Value* values(const IntegerRows& x) { return x.bytes; }
  /// 16 values of each of two groups.
  static __m256i join(const Value* a, const Value* b) { return _mm256_set_m128i(half(b), half(a)); }
  static __m128i half(const Value* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  static void store(Value* to, __m256i v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v);
  }
  static __m256i load(const Value* p) { return load32(p); }
  static Sums load(const int32_t* p) { return load32(p); }
  static void store(int32_t* to, Sums v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), v); }
  static __m256i weights(__m256i bytes) { return bytes; }
  static Sums dot(Sums sum, __m256i w, __m256i x) { return _mm256_dpbusd_epi32(sum, w, x); }
  static Sums negated(Sums v) { return _mm256_sub_epi32(_mm256_setzero_si256(), v); }
  using Floats = __m256;
  static Floats zero() { return _mm256_setzero_ps(); }
  /// Two factors, each in its half of the lanes.
  static Floats spread(__m128 two) {
    return _mm256_permutevar8x32_ps(_mm256_castps128_ps256(two),
                                    _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
  }
  static Floats add(Floats sum, Sums products, Floats d, const float* by) {
    return _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), _mm256_mul_ps(d, _mm256_loadu_ps(by)),
                           sum);
  }
  static float total(Floats v) { return sum_lanes(v); }
};

/// Products of words, sums in sixteen lanes.
struct OfWords {
  using Value = int16_t;
  using Sums = __m512i;
  static constexpr int kLanes = 16;
  static const Value* values(const IntegerRows& x) { return x.words; }
  static __m512i join(const Value* a, const Value* b) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(load32(a)), load32(b), 1);
  }
  static void store(Value* to, __m512i v) { _mm512_storeu_si512(to, v); }
  static __m512i load(const Value* p) { return _mm512_loadu_si512(p); }
  static Sums load(const int32_t* p) { return _mm512_loadu_si512(p); }
  static void store(int32_t* to, Sums v) { _mm512_storeu_si512(to, v); }
  static __m512i weights(__m256i bytes) { return _mm512_cvtepu8_epi16(bytes); }
  static Sums dot(Sums sum, __m512i w, __m512i x) { return _mm512_dpwssd_epi32(sum, w, x); }
  static Sums negated(Sums v) { return _mm512_sub_epi32(_mm512_setzero_si512(), v); }
  using Floats = __m512;
  static Floats zero() { return _mm512_setzero_ps(); }
  static Floats spread(__m128 two) {
    return _mm512_permutexvar_ps(_mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1),
                                 _mm512_castps128_ps512(two));
  }
  static Floats add(Floats sum, Sums products, Floats d, const float* by) {
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(products), _mm512_mul_ps(d, _mm512_loadu_ps(by)),
                           sum);
  }
  static float total(Floats v) { return _mm512_reduce_add_ps(v); }
};

/// Rows of x in pairs of groups. A group that is left over has zeros beside it.
template <class T>
struct PairedRows {
  std::vector<typename T::Value> values;  // [rows, pairs, 64]
  std::vector<int32_t> start;             // [rows, pairs, lanes]: where a sum begins
  std::vector<float> scales;              // [rows, pairs, lanes]
  int pairs = 0;

  void assign(const IntegerRows& x, int offset) {
    const int groups = x.width / 32;
    pairs = (groups + 1) / 2;
    const size_t n = static_cast<size_t>(x.rows) * static_cast<size_t>(pairs);
    if (values.size() < n * 64) values.resize(n * 64);
    if (start.size() < n * T::kLanes) start.resize(n * T::kLanes);
    if (scales.size() < n * T::kLanes) scales.resize(n * T::kLanes);
    alignas(64) static constexpr typename T::Value kZeros[32] = {};
    const auto by = T::weights(_mm256_set1_epi8(static_cast<char>(offset)));
    size_t at = 0;
    for (int t = 0; t < x.rows; ++t) {
      const typename T::Value* a = T::values(x) + static_cast<size_t>(t) * x.width;
      for (int g = 0; g < groups; g += 2, a += 64, ++at) {
        const bool whole = g + 1 < groups;
        const typename T::Value* b = whole ? a + 32 : kZeros;
        const auto first = T::join(a, b), second = T::join(a + 16, b + 16);
        T::store(values.data() + 64 * at, first);
        T::store(values.data() + 64 * at + 32, second);
        T::store(start.data() + T::kLanes * at,
                 T::negated(T::dot(T::dot(typename T::Sums{}, by, first), by, second)));
        const float* scale = x.scales + static_cast<size_t>(t) * groups + g;
        float* to = scales.data() + T::kLanes * at;
        std::fill_n(to, T::kLanes / 2, scale[0]);
        std::fill_n(to + T::kLanes / 2, T::kLanes / 2, whole ? scale[1] : 0);
      }
    }
  }
};

/// Rows [begin, end) of W times rows [t, t + M) of x.
template <class T, class B, int M>
void dot_pairs(const std::byte* data, size_t stride, int begin, int end, const PairedRows<T>& x,
               int t, int groups, float* y, size_t y_stride) {
  constexpr int kNibbles = B::kBytes - 16;
  const __m256i low_half = _mm256_set1_epi8(15), sixteen = _mm256_set1_epi8(16);
  const size_t rows = static_cast<size_t>(x.pairs), from = static_cast<size_t>(t) * rows;
  for (int row = begin; row < end; ++row) {
    const std::byte* at = data + static_cast<size_t>(row) * stride;
    typename T::Floats sum[M];
    for (int i = 0; i < M; ++i) sum[i] = T::zero();
    for (int g = 0; g < groups; g += 2, at += 2 * B::kBytes) {
      _mm_prefetch(at + kAhead, _MM_HINT_T0);
      const std::byte* next = g + 1 < groups ? at + B::kBytes : at;
      const __m256i bytes = _mm256_set_m128i(load16(next + kNibbles), load16(at + kNibbles));
      __m256i low = _mm256_and_si256(bytes, low_half);
      __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low_half);
      if constexpr (B::kBits == 5) {
        uint32_t a, b;
        std::memcpy(&a, at + 2, 4);
        std::memcpy(&b, next + 2, 4);
        low = _mm256_mask_add_epi8(low, (a & 0xffff) | b << 16, low, sixteen);
        high = _mm256_mask_add_epi8(high, a >> 16 | (b & 0xffff0000), high, sixteen);
      }
      uint16_t a, b;
      std::memcpy(&a, at, 2);
      std::memcpy(&b, next, 2);
      const auto d =
          T::spread(_mm_cvtph_ps(_mm_cvtsi32_si128(static_cast<int>(a | uint32_t{b} << 16))));
      const auto first = T::weights(low), second = T::weights(high);
      for (int i = 0; i < M; ++i) {
        const size_t pair = from + static_cast<size_t>(i) * rows + static_cast<size_t>(g / 2);
        const auto* values = x.values.data() + 64 * pair;
        const auto products =
            T::dot(T::dot(T::load(x.start.data() + T::kLanes * pair), first, T::load(values)),
                   second, T::load(values + 32));
        sum[i] = T::add(sum[i], products, d, x.scales.data() + T::kLanes * pair);
      }
    }
    for (int i = 0; i < M; ++i)
      y[static_cast<size_t>(i) * y_stride + static_cast<size_t>(row)] = T::total(sum[i]);
  }
}

template <class T, class B>
void multiply_pairs(const std::byte* data, size_t stride, int begin, int end, const IntegerRows& x,
                    float* y, size_t y_stride) {
  constexpr int kCached = 8;  // rows of W that stay in the first cache for all rows of x
  constexpr int kMost = 4;    // rows of x together
  thread_local PairedRows<T> rows;
  rows.assign(x, B::kOffset);
  for (int i = begin; i < end; i += kCached)
    for (int t = 0; t < x.rows; t += kMost)
      with_count<kMost>(std::min(kMost, x.rows - t), [&](auto m) {
        dot_pairs<T, B, decltype(m)::value>(data, stride, i, std::min(end, i + kCached), rows, t,
                                            x.width / 32, y + static_cast<size_t>(t) * y_stride,
                                            y_stride);
      });
}

template <class B>
void multiply_either(const std::byte* data, size_t stride, int begin, int end, const IntegerRows& x,
                     float* y, size_t y_stride) {
  if (x.words != nullptr)
    multiply_pairs<OfWords, B>(data, stride, begin, end, x, y, y_stride);
  else
    multiply_pairs<OfBytes, B>(data, stride, begin, end, x, y, y_stride);
}

}  // namespace

bool multiply_rows_in_pairs(TensorType type, const std::byte* data, size_t stride, int begin,
                            int end, const IntegerRows& x, float* y, size_t y_stride) {
  if (type == TensorType::q4_0)
    multiply_either<Block<TensorType::q4_0>>(data, stride, begin, end, x, y, y_stride);
  else if (type == TensorType::q5_0)
    multiply_either<Block<TensorType::q5_0>>(data, stride, begin, end, x, y, y_stride);
  else
    return false;
  return true;
}

}  // namespace model

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
