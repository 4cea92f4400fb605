#pragma once

#include <cstdint>
#include <span>

#include "model/thread_pool.h"

/// The arithmetic between the matrix products of a decoder, forward and backward side by side, over
/// rows. What takes no pool is done by the calling thread, for loops that do several things to a
/// few rows at a time.
namespace model {

/// y = x * inv_rms(x) * weight per row of `width`; weight may be null (all ones). inv_rms: [rows],
/// kept for backward. Source: Zhang and Sennrich, arXiv:1910.07467.
void rms_norm(const float* x, int rows, int width, const float* weight, float eps, float* y,
              float* inv_rms, ThreadPool& pool);
void rms_norm(const float* x, int rows, int width, const float* weight, float eps, float* y);

/// x = (x - mean) / sqrt(variance + eps) * weight + bias per row of `width`, in place.
void layer_norm(float* x, int rows, int width, const float* weight, const float* bias, float eps,
                ThreadPool& pool);

/// dw += gradient of rms_norm with respect to its weight: the sum over rows of dy * x * inv_rms, in
/// the order of the rows.
void rms_norm_weight_gradient(const float* x, const float* inv_rms, const float* dy, int rows,
                              int width, float* dw, ThreadPool& pool);

/// dx (+)= gradient of rms_norm with respect to x.
void rms_norm_backward(const float* x, const float* inv_rms, const float* dy, int rows, int width,
                       const float* weight, float* dx, bool accumulate, ThreadPool& pool);

/// Rotates [rows, n_heads, head_dim] in place by positions[row] (lane i with lane i + head_dim /
/// 2); sign -1 undoes it (the backward pass).
void rope(float* x, int rows, int n_heads, int head_dim, const int32_t* positions,
          const float* frequencies, float sign, ThreadPool& pool);

/// The same in two steps, for many layers: cosines and sines are [rows, frequencies.size()].
void rope_angles(const int32_t* positions, int rows, std::span<const float> frequencies,
                 float* cosines, float* sines, ThreadPool& pool);
void rope(float* x, int rows, int n_heads, int head_dim, const float* cosines, const float* sines,
          ThreadPool& pool);
void rope(float* x, int rows, int n_heads, int head_dim, const float* cosines, const float* sines);

/// act = gelu_tanh(gate) * up, elementwise over n values.
void gelu_gate(const float* gate, const float* up, float* act, int64_t n, ThreadPool& pool);
void gelu_gate(const float* gate, const float* up, float* act, int64_t n);

/// From d_act: d_gate and d_up (overwritten).
void gelu_gate_backward(const float* gate, const float* up, const float* d_act, float* d_gate,
                        float* d_up, int64_t n, ThreadPool& pool);

/// For each row of `n` scores: exp(score * scale - max) / sum over [first, last), 0 elsewhere; in
/// place.
void masked_softmax_row(float* scores, int n, int first, int last, float scale);

/// ds = p * (dp - sum(p * dp)) * scale for one row of n; in place over dp.
void softmax_backward_row(const float* p, float* dp, int n, float scale);

/// Cross-entropy of one row of raw logits against `label`; overwrites `logits` with its gradient
/// times `weight`. softcap: logits are softcap * tanh(raw / softcap) where > 0. Returns the loss of
/// the row.
float cross_entropy_row(float* logits, int n, int label, float softcap, float weight);

/// Sum of a[i] * b[i] over n values, in one order whatever the instruction set.
float dot(const float* a, const float* b, int n);

/// y += x; y *= s.
void add(float* y, const float* x, int64_t n, ThreadPool& pool);
void add(float* y, const float* x, int64_t n);
void scale(float* y, float s, int64_t n, ThreadPool& pool);
void scale(float* y, float s, int64_t n);

}  // namespace model
