#pragma once

/// What this processor has, in the sets that kernels are written for.
#if defined(__x86_64__)
namespace model {

inline bool has_avx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("f16c");
}

/// With words and bytes, and registers of all widths.
inline bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl");
}

inline bool has_avx512vnni() { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }

inline bool has_avx512bf16() { return has_avx512() && __builtin_cpu_supports("avx512bf16"); }

}  // namespace model
#endif
