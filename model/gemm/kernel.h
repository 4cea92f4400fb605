#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace model {

constexpr int kPanelRows = 16;   ///< rows of W in a panel of PackedMatrix
constexpr int kColumnStep = 32;  ///< columns are padded to a multiple of this, in W and in packed x
constexpr int kRowBlock = 32;    ///< rows of x are padded to a multiple of this

constexpr int round_up(int n, int step) { return (n + step - 1) / step * step; }

/// The arithmetic of gemm() for one instruction set. Blocking and threads are the driver's
/// (gemm.cpp).
struct GemmKernel {
  const char* name;

  /// Whether this CPU (and the kernel, which hands out AMX state on request) can run it.
  bool (*supported)();

  /// Whether the processor multiplies bf16 itself, faster than f32.
  bool native;

  /// Bytes of one value of packed x.
  int x_value_bytes;

  /// Rounds x [m, k] to bf16 and packs it, zero-padded to [round_up(m, 32), round_up(k, 32)]. Each
  /// 32 rows are contiguous, in an order of the kernel's own. to: 64-byte aligned.
  void (*pack_x)(const float* x, int m, int k, int x_stride, std::byte* to);

  /// y [m, n] = (accumulate ? y : 0) + packed x [m, k] times n rows of W. k: a multiple of 32.
  /// w: first panel, 64-byte aligned; panel_stride: values from panel to panel. Writes nothing
  /// outside y [m, n].
  void (*multiply)(const std::byte* x, int m, int k, const uint16_t* w, size_t panel_stride, int n,
                   float* y, int y_stride, bool accumulate);
};

extern const GemmKernel kReferenceKernel;
#if defined(__x86_64__)
extern const GemmKernel kAvx2Kernel;
extern const GemmKernel kAvx512Bf16Kernel;
extern const GemmKernel kAmxKernel;
#endif

/// Every kernel of this build, the reference first and then from slow to fast.
std::span<const GemmKernel* const> all_gemm_kernels();

/// The fastest one that is supported here.
const GemmKernel& best_gemm_kernel();

}  // namespace model
