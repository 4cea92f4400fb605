#include "model/elementwise.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "model/clones.h"

// Loops over floats that the compiler vectorises for each instruction set (target_clones picks one
// when the program starts). exp is a polynomial because libm's is not vectorised without
// -ffast-math: relative error below 2e-7 over the range used here, far under the tolerance of a
// gradient.

namespace model {
namespace {

constexpr int kRows = 32;           // rows a worker takes at a time
constexpr int64_t kValues = 65536;  // values a worker takes at a time

/// exp(x) for x in [-87, 88], clamped outside. Source: Cephes expf, Cody-Waite reduction.
[[gnu::always_inline]] inline float exp_fast(float x) {
  // Spelled so that each line is one vector instruction: min, max, and rounding by a large
  // constant.
  x = x < 88.0f ? x : 88.0f;
  x = x > -87.0f ? x : -87.0f;
  const float n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  return p * std::bit_cast<float>((static_cast<int32_t>(n) + 127) << 23);
}

[[gnu::always_inline]] inline float tanh_fast(float x) {
  return 1.0f - 2.0f / (exp_fast(2.0f * x) + 1.0f);
}

constexpr float kGelu = 0.7978845608f;  // sqrt(2 / pi)

TESSERA_CLONES void rms_norm_rows(const float* x, int begin, int end, int width,
                                  const float* weight, float eps, float* y, float* inv_rms) {
  for (int r = begin; r < end; ++r) {
    const float* in = x + static_cast<int64_t>(r) * width;
    float* out = y + static_cast<int64_t>(r) * width;
    float partial[16] = {};
    int i = 0;
    for (; i + 16 <= width; i += 16)
      for (int j = 0; j < 16; ++j) partial[j] += in[i + j] * in[i + j];
    float sum = 0;
    for (; i < width; ++i) sum += in[i] * in[i];
    for (const float p : partial) sum += p;
    const float inv = 1.0f / std::sqrt(sum / static_cast<float>(width) + eps);
    if (inv_rms != nullptr) inv_rms[r] = inv;
    if (weight != nullptr)
#pragma GCC ivdep
      for (int k = 0; k < width; ++k) out[k] = in[k] * inv * weight[k];
    else
#pragma GCC ivdep
      for (int k = 0; k < width; ++k) out[k] = in[k] * inv;
  }
}

TESSERA_CLONES void layer_norm_rows(float* x, int begin, int end, int width, const float* weight,
                                    const float* bias, float eps) {
  for (int r = begin; r < end; ++r) {
    float* row = x + static_cast<int64_t>(r) * width;
    double sum = 0;
    for (int i = 0; i < width; ++i) sum += static_cast<double>(row[i]);
    const float mean = static_cast<float>(sum / width);
    double squares = 0;
    for (int i = 0; i < width; ++i) {
      const float d = row[i] - mean;
      squares += static_cast<double>(d * d);
    }
    const float inv = 1.0f / std::sqrt(static_cast<float>(squares / width) + eps);
#pragma GCC ivdep
    for (int i = 0; i < width; ++i) row[i] = (row[i] - mean) * inv * weight[i] + bias[i];
  }
}

TESSERA_CLONES void rms_norm_backward_rows(const float* x, const float* inv_rms, const float* dy,
                                           int begin, int end, int width, const float* weight,
                                           float* dx, bool accumulate) {
  for (int r = begin; r < end; ++r) {
    const float* in = x + static_cast<int64_t>(r) * width;
    const float* d = dy + static_cast<int64_t>(r) * width;
    float* out = dx + static_cast<int64_t>(r) * width;
    float partial[16] = {};
    int i = 0;
    for (; i + 16 <= width; i += 16)
      for (int j = 0; j < 16; ++j)
        partial[j] += d[i + j] * (weight != nullptr ? weight[i + j] : 1.0f) * in[i + j];
    float dot = 0;
    for (; i < width; ++i) dot += d[i] * (weight != nullptr ? weight[i] : 1.0f) * in[i];
    for (const float p : partial) dot += p;
    const float inv = inv_rms[r];
    const float pull = dot * inv * inv * inv / static_cast<float>(width);
    if (accumulate) {
#pragma GCC ivdep
      for (int k = 0; k < width; ++k)
        out[k] += d[k] * (weight != nullptr ? weight[k] : 1.0f) * inv - in[k] * pull;
    } else {
#pragma GCC ivdep
      for (int k = 0; k < width; ++k)
        out[k] = d[k] * (weight != nullptr ? weight[k] : 1.0f) * inv - in[k] * pull;
    }
  }
}

TESSERA_CLONES void rms_norm_weight_gradient_columns(const float* x, const float* inv_rms,
                                                     const float* dy, int rows, int width,
                                                     int begin, int end, float* dw) {
  for (int r = 0; r < rows; ++r) {
    const float* in = x + static_cast<int64_t>(r) * width;
    const float* d = dy + static_cast<int64_t>(r) * width;
    const float inv = inv_rms[r];
#pragma GCC ivdep
    for (int k = begin; k < end; ++k) dw[k] += d[k] * in[k] * inv;
  }
}

TESSERA_CLONES void gelu_gate_range(const float* gate, const float* up, float* act, int64_t begin,
                                    int64_t end) {
#pragma GCC ivdep
  for (int64_t i = begin; i < end; ++i) {
    const float g = gate[i];
    const float t = tanh_fast(kGelu * (g + 0.044715f * g * g * g));
    act[i] = 0.5f * g * (1.0f + t) * up[i];
  }
}

TESSERA_CLONES void gelu_gate_backward_range(const float* gate, const float* up, const float* d_act,
                                             float* d_gate, float* d_up, int64_t begin,
                                             int64_t end) {
#pragma GCC ivdep
  for (int64_t i = begin; i < end; ++i) {
    const float g = gate[i], d = d_act[i], u = up[i];
    const float t = tanh_fast(kGelu * (g + 0.044715f * g * g * g));
    const float slope =
        0.5f * (1.0f + t) + 0.5f * g * (1.0f - t * t) * kGelu * (1.0f + 3.0f * 0.044715f * g * g);
    d_up[i] = d * 0.5f * g * (1.0f + t);
    d_gate[i] = d * u * slope;
  }
}

TESSERA_CLONES float exp_sum(float* x, int n, float scale, float max) {
  float partial[16] = {};
  int i = 0;
  for (; i + 16 <= n; i += 16)
    for (int j = 0; j < 16; ++j) {
      const float e = exp_fast(x[i + j] * scale - max);
      x[i + j] = e;
      partial[j] += e;
    }
  float sum = 0;
  for (; i < n; ++i) {
    x[i] = exp_fast(x[i] * scale - max);
    sum += x[i];
  }
  for (const float p : partial) sum += p;
  return sum;
}

TESSERA_CLONES float max_of(const float* x, int n) {
  float partial[16];
  for (float& p : partial) p = -INFINITY;
  int i = 0;
  for (; i + 16 <= n; i += 16)
    for (int j = 0; j < 16; ++j) partial[j] = x[i + j] > partial[j] ? x[i + j] : partial[j];
  float best = -INFINITY;
  for (; i < n; ++i) best = x[i] > best ? x[i] : best;
  for (const float p : partial) best = p > best ? p : best;
  return best;
}

TESSERA_CLONES void multiply(float* x, int n, float s) {
  for (int i = 0; i < n; ++i) x[i] *= s;
}

TESSERA_CLONES void softmax_backward(const float* p, float* dp, int n, float scale, float total) {
  for (int i = 0; i < n; ++i) dp[i] = p[i] * (dp[i] - total) * scale;
}

TESSERA_CLONES void cap(float* x, int n, float softcap) {
  for (int i = 0; i < n; ++i) x[i] = softcap * tanh_fast(x[i] / softcap);
}

TESSERA_CLONES void add_range(float* y, const float* x, int64_t begin, int64_t end) {
#pragma GCC ivdep
  for (int64_t i = begin; i < end; ++i) y[i] += x[i];
}

void angles_of(int32_t position, const float* frequencies, int half, float sign, float* cosines,
               float* sines) {
  for (int i = 0; i < half; ++i) {
    // The angle is formed in f32, as the reference does.
    const float angle = static_cast<float>(position) * frequencies[i];
    cosines[i] = std::cos(angle);
    sines[i] = sign * std::sin(angle);
  }
}

/// [n_heads, 2 half] in place.
TESSERA_CLONES void rotate(float* x, int n_heads, int half, const float* cosines,
                           const float* sines) {
  for (int h = 0; h < n_heads; ++h) {
    float *first = x + static_cast<int64_t>(h) * 2 * half, *second = first + half;
#pragma GCC ivdep
    for (int i = 0; i < half; ++i) {
      const float a = first[i], b = second[i];
      first[i] = a * cosines[i] - b * sines[i];
      second[i] = b * cosines[i] + a * sines[i];
    }
  }
}

/// Splits [0, n) into blocks of kValues; parallel_for counts in int.
template <class Task>
void for_values(int64_t n, ThreadPool& pool, Task&& task) {
  const int blocks = static_cast<int>((n + kValues - 1) / kValues);
  pool.parallel_for(blocks, 1, [&](int, int begin, int end) {
    task(static_cast<int64_t>(begin) * kValues, std::min(n, static_cast<int64_t>(end) * kValues));
  });
}

}  // namespace

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

void rms_norm(const float* x, int rows, int width, const float* weight, float eps, float* y,
              float* inv_rms, ThreadPool& pool) {
  pool.parallel_for(rows, kRows, [&](int, int b, int e) {
    rms_norm_rows(x, b, e, width, weight, eps, y, inv_rms);
  });
}

void rms_norm(const float* x, int rows, int width, const float* weight, float eps, float* y) {
  rms_norm_rows(x, 0, rows, width, weight, eps, y, nullptr);
}

void layer_norm(float* x, int rows, int width, const float* weight, const float* bias, float eps,
                ThreadPool& pool) {
  pool.parallel_for(rows, 8,
                    [&](int, int b, int e) { layer_norm_rows(x, b, e, width, weight, bias, eps); });
}

void rms_norm_weight_gradient(const float* x, const float* inv_rms, const float* dy, int rows,
                              int width, float* dw, ThreadPool& pool) {
  pool.parallel_for(width, 128, [&](int, int begin, int end) {
    rms_norm_weight_gradient_columns(x, inv_rms, dy, rows, width, begin, end, dw);
  });
}

void rms_norm_backward(const float* x, const float* inv_rms, const float* dy, int rows, int width,
                       const float* weight, float* dx, bool accumulate, ThreadPool& pool) {
  pool.parallel_for(rows, kRows, [&](int, int b, int e) {
    rms_norm_backward_rows(x, inv_rms, dy, b, e, width, weight, dx, accumulate);
  });
}

void rope_angles(const int32_t* positions, int rows, std::span<const float> frequencies,
                 float* cosines, float* sines, ThreadPool& pool) {
  const int half = static_cast<int>(frequencies.size());
  pool.parallel_for(rows, kRows, [&](int, int begin, int end) {
    for (int r = begin; r < end; ++r)
      angles_of(positions[r], frequencies.data(), half, 1, cosines + static_cast<int64_t>(r) * half,
                sines + static_cast<int64_t>(r) * half);
  });
}

void rope(float* x, int rows, int n_heads, int head_dim, const float* cosines, const float* sines,
          ThreadPool& pool) {
  pool.parallel_for(rows, kRows, [&](int, int begin, int end) {
    const int64_t at = static_cast<int64_t>(begin) * (head_dim / 2);
    rope(x + static_cast<int64_t>(begin) * n_heads * head_dim, end - begin, n_heads, head_dim,
         cosines + at, sines + at);
  });
}

void rope(float* x, int rows, int n_heads, int head_dim, const float* cosines, const float* sines) {
  const int half = head_dim / 2;
  for (int r = 0; r < rows; ++r)
    rotate(x + static_cast<int64_t>(r) * n_heads * head_dim, n_heads, half,
           cosines + static_cast<int64_t>(r) * half, sines + static_cast<int64_t>(r) * half);
}

void rope(float* x, int rows, int n_heads, int head_dim, const int32_t* positions,
          const float* frequencies, float sign, ThreadPool& pool) {
  pool.parallel_for(rows, kRows, [&](int, int begin, int end) {
    const int half = head_dim / 2;
    float cosines[2048], sines[2048];
    for (int r = begin; r < end; ++r) {
      angles_of(positions[r], frequencies, half, sign, cosines, sines);
      rotate(x + static_cast<int64_t>(r) * n_heads * head_dim, n_heads, half, cosines, sines);
    }
  });
}

void gelu_gate(const float* gate, const float* up, float* act, int64_t n, ThreadPool& pool) {
  for_values(n, pool, [&](int64_t b, int64_t e) { gelu_gate_range(gate, up, act, b, e); });
}

void gelu_gate(const float* gate, const float* up, float* act, int64_t n) {
  gelu_gate_range(gate, up, act, 0, n);
}

void gelu_gate_backward(const float* gate, const float* up, const float* d_act, float* d_gate,
                        float* d_up, int64_t n, ThreadPool& pool) {
  for_values(n, pool, [&](int64_t b, int64_t e) {
    gelu_gate_backward_range(gate, up, d_act, d_gate, d_up, b, e);
  });
}

void masked_softmax_row(float* scores, int n, int first, int last, float scale) {
  std::fill(scores, scores + first, 0.0f);
  std::fill(scores + last, scores + n, 0.0f);
  // scale > 0, so the largest score stays the largest.
  const float max = max_of(scores + first, last - first) * scale;
  const float sum = exp_sum(scores + first, last - first, scale, max);
  multiply(scores + first, last - first, 1.0f / sum);
}

void softmax_backward_row(const float* p, float* dp, int n, float scale) {
  softmax_backward(p, dp, n, scale, dot(p, dp, n));
}

float cross_entropy_row(float* logits, int n, int label, float softcap, float weight) {
  if (softcap > 0) cap(logits, n, softcap);
  const float capped = logits[label];
  const float max = max_of(logits, n);
  // The gradient of the cap needs the capped logits, so the probabilities go elsewhere only when it
  // is on.
  if (softcap > 0) {
    double sum = 0;
    for (int i = 0; i < n; ++i) sum += static_cast<double>(exp_fast(logits[i] - max));
    const float inv = static_cast<float>(1.0 / sum);
    for (int i = 0; i < n; ++i) {
      const float slope = 1.0f - (logits[i] / softcap) * (logits[i] / softcap);
      const float p = exp_fast(logits[i] - max) * inv;
      logits[i] = (p - (i == label ? 1.0f : 0.0f)) * weight * slope;
    }
    return static_cast<float>(std::log(sum)) + max - capped;
  }
  const float sum = exp_sum(logits, n, 1.0f, max);
  multiply(logits, n, weight / sum);
  logits[label] -= weight;
  return std::log(sum) + max - capped;
}

void add(float* y, const float* x, int64_t n, ThreadPool& pool) {
  for_values(n, pool, [&](int64_t b, int64_t e) { add_range(y, x, b, e); });
}

void add(float* y, const float* x, int64_t n) { add_range(y, x, 0, n); }

void scale(float* y, float s, int64_t n, ThreadPool& pool) {
  for_values(n, pool, [&](int64_t b, int64_t e) { scale(y + b, s, e - b); });
}

void scale(float* y, float s, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] *= s;
}

}  // namespace model
