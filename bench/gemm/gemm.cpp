// GFLOP/s of every supported gemm kernel and of OpenBLAS's sgemm with the same number of threads,
// per shape.
//
//   bench-gemm [kernel ...]      e.g. bench-gemm amx
//
// A figure is the median of at least five runs of one call. Contenders alternate within a round, so
// a busy machine hits all of them. Before a round of ours OpenBLAS's workers are given time to fall
// asleep.

#include <cblas.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

#include "model/gemm/gemm.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Shape {
  int m, n, k;
};

constexpr Shape kShapes[] = {
    {256, 1024, 640},   {256, 2048, 640},   {256, 640, 2048},   {1024, 1024, 640},
    {1024, 256, 640},   {1024, 640, 1024},  {1024, 640, 256},   {1024, 2048, 640},
    {1024, 640, 2048},  {4096, 1024, 640},  {4096, 2048, 640},  {4096, 640, 2048},
    {100, 262144, 640}, {300, 262144, 640}, {600, 262144, 640}, {100, 640, 262144},
    {300, 640, 262144},
};

template <class Call>
double seconds(Call&& call, int repeats) {
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < repeats; ++i) call();
  return std::chrono::duration<double>(Clock::now() - start).count() / repeats;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

void fill(std::vector<float>& values) {
  uint32_t state = 12345;
  for (float& v : values) {
    state = state * 1664525u + 1013904223u;
    v = static_cast<float>(static_cast<int32_t>(state)) * 0x1p-31f;
  }
}

}  // namespace

int main(int argc, char** argv) {
  model::ThreadPool pool;
  openblas_set_num_threads(pool.n_threads());
  std::vector<const model::GemmKernel*> kernels;
  for (const model::GemmKernel* kernel : model::all_gemm_kernels().subspan(1)) {
    const bool wanted = argc < 2 || std::any_of(argv + 1, argv + argc, [&](const char* name) {
                          return std::string_view(name) == kernel->name;
                        });
    if (wanted && kernel->supported()) kernels.push_back(kernel);
  }
  std::printf("%d threads, OpenBLAS %s\n%6s %7s %7s %9s", pool.n_threads(), openblas_get_corename(),
              "m", "n", "k", "sgemm");
  for (const model::GemmKernel* kernel : kernels) std::printf(" %11s  ratio", kernel->name);
  std::printf("   [GFLOP/s]\n");
  for (const Shape& shape : kShapes) {
    const int m = shape.m, n = shape.n, k = shape.k;
    const double flops = 2.0 * m * n * k;
    std::vector<float> x(static_cast<size_t>(m) * static_cast<size_t>(k));
    std::vector<float> w(static_cast<size_t>(n) * static_cast<size_t>(k));
    std::vector<float> y(static_cast<size_t>(m) * static_cast<size_t>(n));
    fill(x);
    fill(w);
    const model::PackedMatrix packed = model::PackedMatrix::pack(w.data(), n, k, k, &pool);
    const int repeats = std::max(1, static_cast<int>(5e9 / flops));
    std::vector<double> blas;
    std::vector<std::vector<double>> ours(kernels.size());
    const int rounds = flops > 5e10 ? 3 : 5;
    for (int round = 0; round <= rounds; ++round) {  // the first one warms up
      for (size_t i = 0; i < kernels.size(); ++i) {
        const double t = seconds(
            [&] { model::gemm(*kernels[i], x.data(), m, k, packed, y.data(), n, false, pool); },
            repeats);
        if (round > 0) ours[i].push_back(t);
      }
      const double t = seconds(
          [&] {
            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0f, x.data(), k,
                        w.data(), k, 0.0f, y.data(), n);
          },
          repeats);
      if (round > 0) blas.push_back(t);
      std::this_thread::sleep_for(std::chrono::milliseconds(60));
    }
    const double base = flops / median(blas) * 1e-9;
    std::printf("%6d %7d %7d %9.0f", m, n, k, base);
    for (const std::vector<double>& times : ours) {
      const double rate = flops / median(times) * 1e-9;
      std::printf(" %11.0f %6.1f", rate, rate / base);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
}
