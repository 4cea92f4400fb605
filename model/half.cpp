#include "model/half.h"

#include "model/quants.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace model {
namespace {

void to_halves_plain(const float* from, uint16_t* to, int n) {
  for (int i = 0; i < n; ++i) to[i] = f32_to_f16(from[i]);
}

void from_halves_plain(const uint16_t* from, float* to, int n) {
  for (int i = 0; i < n; ++i) to[i] = f16_to_f32(from[i]);
}

#if defined(__x86_64__)
[[gnu::target("avx,f16c")]] void to_halves_f16c(const float* from, uint16_t* to, int n) {
  int i = 0;
  for (; i + 8 <= n; i += 8)
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + i),
                     _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT));
  to_halves_plain(from + i, to + i, n - i);
}

[[gnu::target("avx,f16c")]] void from_halves_f16c(const uint16_t* from, float* to, int n) {
  int i = 0;
  for (; i + 8 <= n; i += 8)
    _mm256_storeu_ps(to + i,
                     _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i))));
  from_halves_plain(from + i, to + i, n - i);
}

bool has_f16c() {
  static const bool has = __builtin_cpu_supports("avx") && __builtin_cpu_supports("f16c");
  return has;
}
#endif

}  // namespace

void to_halves(const float* from, uint16_t* to, int n) {
#if defined(__x86_64__)
  if (has_f16c()) return to_halves_f16c(from, to, n);
#endif
  to_halves_plain(from, to, n);
}

void from_halves(const uint16_t* from, float* to, int n) {
#if defined(__x86_64__)
  if (has_f16c()) return from_halves_f16c(from, to, n);
#endif
  from_halves_plain(from, to, n);
}

}  // namespace model
