#include "model/attention/kernel.h"

#if defined(__aarch64__)
#include <arm_neon.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace model {
namespace {

#include "model/attention/tiles.h"

struct Neon {
  using Vector = float32x4_t;
  static constexpr int kWidth = 4, kTileRows = 8, kHeads = 4, kPerWord = 1;

  static Vector load(const float* p) { return vld1q_f32(p); }
  static Vector load(const uint16_t* p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
  static void store(float* p, Vector v) { vst1q_f32(p, v); }
  static Vector all(float x) { return vdupq_n_f32(x); }
  static float first(Vector v) { return vgetq_lane_f32(v, 0); }
  static Vector add(Vector a, Vector b) { return vaddq_f32(a, b); }
  static Vector multiply(Vector a, Vector b) { return vmulq_f32(a, b); }
  static Vector multiply_add(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }
  static Vector multiply_words(Vector sum, Vector x, Vector w) { return vfmaq_f32(sum, x, w); }
  static Vector largest(Vector a, Vector b) { return vmaxq_f32(a, b); }
  static float sum_of(Vector v) { return vaddvq_f32(v); }
  static float largest_of(Vector v) { return vmaxvq_f32(v); }

  static Vector seen_or(Vector v, int begin, int end, Vector other) {
    const int32x4_t lane = {0, 1, 2, 3};
    const uint32x4_t seen =
        vandq_u32(vcgeq_s32(lane, vdupq_n_s32(begin)), vcltq_s32(lane, vdupq_n_s32(end)));
    return vbslq_f32(seen, v, other);
  }

  /// Source of the polynomial: Cephes exp2f.
  static Vector exp2(Vector x) {
    const Vector n = vrndnq_f32(x), r = vsubq_f32(x, n);
    Vector p = all(1.535336188319500e-4f);
    p = vfmaq_f32(all(1.339887440266574e-3f), p, r);
    p = vfmaq_f32(all(9.618437357674640e-3f), p, r);
    p = vfmaq_f32(all(5.550332471162809e-2f), p, r);
    p = vfmaq_f32(all(2.402264791363012e-1f), p, r);
    p = vfmaq_f32(all(6.931472028550421e-1f), p, r);
    p = vfmaq_f32(all(1.0f), p, r);
    const int32x4_t exponent = vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)), 23);
    const uint32x4_t nothing = vcleq_f32(x, all(-100));
    const Vector power = vmulq_f32(p, vreinterpretq_f32_s32(exponent));
    return vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(power), nothing));
  }

  static void store_sums(const Vector (&v)[4], float* p) {
    store(p, vpaddq_f32(vpaddq_f32(v[0], v[1]), vpaddq_f32(v[2], v[3])));
  }

  static void transpose(Vector (&t)[4]) {
    const float32x4x2_t a = vzipq_f32(t[0], t[2]), b = vzipq_f32(t[1], t[3]);
    const float32x4x2_t c = vzipq_f32(a.val[0], b.val[0]), d = vzipq_f32(a.val[1], b.val[1]);
    t[0] = c.val[0];
    t[1] = c.val[1];
    t[2] = d.val[0];
    t[3] = d.val[1];
  }

  template <class Number>
  static Vector key_words(const std::byte* row, int lane, int head_dim) {
    return lanes_of<Neon, Number>(row, lane, head_dim);
  }
  template <class Number>
  static Vector value_words(const std::byte* const* rows, int lane, int head_dim) {
    return lanes_of<Neon, Number>(rows[0], lane, head_dim);
  }
  static void weights(Vector a, Vector b, float* to) {
    store(to, a);
    store(to + kWidth, b);
  }
};

}  // namespace

const AttentionKernel kAttentionNeon = {
    "neon",          [] { return true; }, false,      4,           pack_queries<Neon>,
    pack_keys<Neon>, pack_values<Neon>,   read<Neon>, decode<Neon>};

}  // namespace model
#endif
