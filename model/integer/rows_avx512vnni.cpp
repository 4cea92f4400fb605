#include "model/integer/rows_avx512vnni.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <cstring>

#include "model/huge_pages.h"
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

constexpr int kAhead = 3072;  // bytes asked for early, across the borders of pages

inline __m128i load2(const std::byte* p) { return _mm_loadu_si16(p); }
/// Four bytes at each of two places, each in its half of the lanes.
inline __m256i spread4(const std::byte* a, const std::byte* b) {
  return _mm256_mask_broadcastd_epi32(_mm256_broadcastd_epi32(_mm_loadu_si32(a)), 0xf0,
                                      _mm_loadu_si32(b));
}

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
  /// Two factors in half precision, each in its half of the lanes.
  static Floats spread(const std::byte* a, const std::byte* b) {
    return _mm256_cvtph_ps(
        _mm_mask_broadcastw_epi16(_mm_broadcastw_epi16(load2(a)), 0xf0, load2(b)));
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
  static Floats spread(const std::byte* a, const std::byte* b) {
    return _mm512_cvtph_ps(
        _mm256_mask_broadcastw_epi16(_mm256_broadcastw_epi16(load2(a)), 0xff00, load2(b)));
  }
  static Floats add(Floats sum, Sums products, Floats d, const float* by) {
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(products), _mm512_mul_ps(d, _mm512_loadu_ps(by)),
                           sum);
  }
  static float total(Floats v) { return _mm512_reduce_add_ps(v); }
};

/// Two groups of a row of x, at a border of lines.
template <class T>
struct alignas(4 * sizeof(int32_t) * T::kLanes) PairOfGroups {
  int32_t start[T::kLanes];  // where a sum begins
  float scales[T::kLanes];
  typename T::Value values[64];
};

/// Rows of x in pairs of groups: [rows, pairs]. A group that is left over has zeros beside it.
template <class T>
struct PairedRows {
  PairOfGroups<T>* pair = nullptr;
  int pairs = 0;
  Buffer memory;

  void assign(const IntegerRows& x, int offset) {
    const int groups = x.width / 32;
    pairs = (groups + 1) / 2;
    const size_t n = static_cast<size_t>(x.rows) * static_cast<size_t>(pairs);
    pair = reinterpret_cast<PairOfGroups<T>*>(memory.sized(n * sizeof *pair));
    alignas(64) static constexpr typename T::Value kZeros[32] = {};
    const auto by = T::weights(_mm256_set1_epi8(static_cast<char>(offset)));
    PairOfGroups<T>* to = pair;
    for (int t = 0; t < x.rows; ++t) {
      const typename T::Value* a = T::values(x) + static_cast<size_t>(t) * x.width;
      for (int g = 0; g < groups; g += 2, a += 64, ++to) {
        const bool whole = g + 1 < groups;
        const typename T::Value* b = whole ? a + 32 : kZeros;
        const auto first = T::join(a, b), second = T::join(a + 16, b + 16);
        T::store(to->values, first);
        T::store(to->values + 32, second);
        T::store(to->start, T::negated(T::dot(T::dot(typename T::Sums{}, by, first), by, second)));
        const float* scale = x.scales + static_cast<size_t>(t) * groups + g;
        std::fill_n(to->scales, T::kLanes / 2, scale[0]);
        std::fill_n(to->scales + T::kLanes / 2, T::kLanes / 2, whole ? scale[1] : 0);
      }
    }
  }
};

/// Adds the products of blocks a and b to the sums of M rows of x, whose pairs are `stride` apart.
template <class T, class B, int M>
inline void add_pair(const std::byte* a, const std::byte* b, const PairOfGroups<T>* x,
                     size_t stride, typename T::Floats (&sum)[M]) {
  constexpr int kNibbles = B::kBytes - 16;
  const __m256i low_half = _mm256_set1_epi8(15), sixteen = _mm256_set1_epi8(16);
  // Of the 32 fifth bits of a block, each value's own: its byte, then its bit.
  const __m256i bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201ull));
  const __m256i of_low = _mm256_setr_epi64x(0, 0x0101010101010101, 0, 0x0101010101010101);
  const __m256i of_high = _mm256_setr_epi64x(0x0202020202020202, 0x0303030303030303,
                                             0x0202020202020202, 0x0303030303030303);
  const __m256i bytes = _mm256_set_m128i(load16(b + kNibbles), load16(a + kNibbles));
  __m256i low = _mm256_and_si256(bytes, low_half);
  __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), low_half);
  if constexpr (B::kBits == 5) {
    const __m256i fifth = spread4(a + 2, b + 2);
    low = _mm256_mask_add_epi8(low, _mm256_test_epi8_mask(_mm256_shuffle_epi8(fifth, of_low), bit),
                               low, sixteen);
    high = _mm256_mask_add_epi8(
        high, _mm256_test_epi8_mask(_mm256_shuffle_epi8(fifth, of_high), bit), high, sixteen);
  }
  const auto d = T::spread(a, b);
  const auto first = T::weights(low), second = T::weights(high);
#pragma GCC unroll 4
  for (int i = 0; i < M; ++i, x += stride) {
    const auto products = T::dot(T::dot(T::load(x->start), first, T::load(x->values)), second,
                                 T::load(x->values + 32));
    sum[i] = T::add(sum[i], products, d, x->scales);
  }
}

/// Rows [begin, end) of W times rows [t, t + M) of x.
template <class T, class B, int M>
void dot_pairs(const std::byte* data, size_t stride, int begin, int end, const PairedRows<T>& x,
               int t, int groups, float* y, size_t y_stride) {
  const size_t pairs = static_cast<size_t>(x.pairs);
  for (int row = begin; row < end; ++row) {
    const std::byte* at = data + static_cast<size_t>(row) * stride;
    const PairOfGroups<T>* pair = x.pair + static_cast<size_t>(t) * pairs;
    typename T::Floats sum[M];
    for (int i = 0; i < M; ++i) sum[i] = T::zero();
    for (int n = groups / 2; n > 0; --n, at += 2 * B::kBytes, ++pair) {
      _mm_prefetch(at + kAhead, _MM_HINT_T0);
      add_pair<T, B, M>(at, at + B::kBytes, pair, pairs, sum);
    }
    if (groups % 2 != 0) add_pair<T, B, M>(at, at, pair, pairs, sum);
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
