#pragma once

#include "model/gemm/kernel.h"
#include "model/gemm/packed_matrix.h"
#include "model/thread_pool.h"

/// Matrix multiplication for prefill and training: activations in f32, constant weights in bf16.
namespace model {

/// y = (accumulate ? y : 0) + x W^T, products of bf16 values summed in f32.
/// x: [m, k] f32, rounded to bf16 on the way; x_stride floats from row to row
/// w: [n, k], a PackedMatrix or a view into one
/// y: [m, n] f32; y_stride floats from row to row; must not overlap x
/// The result does not depend on the number of threads; it does on the kernel, in the order of
/// summation.
void gemm(const float* x, int m, int x_stride, const PackedView& w, float* y, int y_stride,
          bool accumulate, ThreadPool& pool);

/// The same with a kernel of the caller's choice, which must be supported(); for tests and
/// benchmarks.
void gemm(const GemmKernel& kernel, const float* x, int m, int x_stride, const PackedView& w,
          float* y, int y_stride, bool accumulate, ThreadPool& pool);

/// dw += dy^T x in f32, the gradient of a small matrix W of y = x W^T (LoRA): the sum over m
/// positions. dy: [m, n] f32, x: [m, k] f32, dw: [n, k] f32, each with its stride. Runs
/// single-threaded OpenBLAS on the pool's threads: call openblas_set_num_threads(1) once at start,
/// or OpenBLAS's own workers spin against ours.
void add_weight_gradient(const float* dy, int n, int dy_stride, const float* x, int k, int x_stride,
                         int m, float* dw, int dw_stride, ThreadPool& pool);

/// y = (accumulate ? y : 0) + x w^T in f32, for a small W that changes (LoRA); shapes as in gemm().
/// OpenBLAS as above.
void gemm_f32(const float* x, int m, int x_stride, const float* w, int n, int k, int w_stride,
              float* y, int y_stride, bool accumulate, ThreadPool& pool);

/// y = (accumulate ? y : 0) + x w in f32 with w [k, n]: the gradient with respect to the input of
/// gemm_f32.
void gemm_f32_transposed(const float* x, int m, int x_stride, const float* w, int n, int k,
                         int w_stride, float* y, int y_stride, bool accumulate, ThreadPool& pool);

/// The three of above with their operands rounded to bf16, by gemm(): for training in bf16.
/// Matrices are packed for the one product.
void gemm_bf16(const float* x, int m, int x_stride, const float* w, int n, int k, int w_stride,
               float* y, int y_stride, bool accumulate, ThreadPool& pool);
void gemm_bf16_transposed(const float* x, int m, int x_stride, const float* w, int n, int k,
                          int w_stride, float* y, int y_stride, bool accumulate, ThreadPool& pool);
void add_weight_gradient_bf16(const float* dy, int n, int dy_stride, const float* x, int k,
                              int x_stride, int m, float* dw, int dw_stride, ThreadPool& pool);

/// out [n, m] = in [m, n] transposed; the pool is optional.
void transpose(const float* in, int m, int n, int in_stride, float* out,
               ThreadPool* pool = nullptr);

}  // namespace model
