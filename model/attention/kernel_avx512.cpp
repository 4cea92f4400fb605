#include "model/attention/kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c,avx512f"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c,avx512f")
// GCC bug 105593, in its own intrinsics.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

namespace model {
namespace {

#include "model/attention/tiles.h"
#include "model/attention/x86_avx512.h"

}  // namespace
}  // namespace model

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace model {

const AttentionKernel kAttentionAvx512 = {"avx512",
                                          [] {
                                            return __builtin_cpu_supports("avx512f") &&
                                                   __builtin_cpu_supports("fma") &&
                                                   __builtin_cpu_supports("f16c");
                                          },
                                          false,
                                          4,
                                          pack_queries<Avx512>,
                                          pack_keys<Avx512>,
                                          pack_values<Avx512>,
                                          read<Avx512>,
                                          decode<Avx512>};

}  // namespace model
#endif
