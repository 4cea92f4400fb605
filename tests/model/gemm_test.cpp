#include "model/gemm/gemm.h"

#include <cblas.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "model/gemm/bf16.h"

namespace {

using model::GemmKernel;
using model::PackedMatrix;
using model::ThreadPool;

std::vector<float> random_values(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(n);
  for (float& v : values) v = normal(random);
  return values;
}

// x [m, k], w [n, k] and y [m, n], each with a few floats between rows that must not be touched.
struct GemmCase {
  int m, n, k, x_stride, w_stride, y_stride;
  std::vector<float> x, w, y;

  GemmCase(int m_, int n_, int k_)
      : m(m_),
        n(n_),
        k(k_),
        x_stride(k + 3),
        w_stride(k + 1),
        y_stride(n + 5),
        x(random_values(static_cast<size_t>(m * x_stride), 1)),
        w(random_values(static_cast<size_t>(n * w_stride), 2)),
        y(random_values(static_cast<size_t>(m * y_stride), 3)) {}

  double product(int i, int j) const {
    double sum = 0;
    for (int c = 0; c < k; ++c) sum += term(i, j, c);
    return sum;
  }
  double l1(int i, int j) const {
    double sum = 0;
    for (int c = 0; c < k; ++c) sum += std::abs(term(i, j, c));
    return sum;
  }
  double term(int i, int j, int c) const {
    using model::from_bf16, model::to_bf16;
    return double{from_bf16(to_bf16(x[static_cast<size_t>(i * x_stride + c)]))} *
           from_bf16(to_bf16(w[static_cast<size_t>(j * w_stride + c)]));
  }

  void expect_result(const std::vector<float>& actual, bool accumulate) const {
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < y_stride; ++j) {
        const size_t at = static_cast<size_t>(i * y_stride + j);
        if (j >= n) {
          ASSERT_EQ(actual[at], y[at]) << "wrote between rows at " << i << ", " << j;
          continue;
        }
        const double before = accumulate ? y[at] : 0.0;
        // Products of bf16 are exact in f32, so only the rounding of the sums differs.
        ASSERT_NEAR(actual[at], before + product(i, j), (l1(i, j) + std::abs(before)) * 2e-6)
            << "at " << i << ", " << j << " of " << m << " x " << n << " x " << k;
      }
    }
  }
};

class Gemm : public testing::TestWithParam<const GemmKernel*> {
 protected:
  void SetUp() override {
    if (!GetParam()->supported()) GTEST_SKIP() << "this CPU lacks " << GetParam()->name;
  }
  ThreadPool pool_{2};
};

TEST_P(Gemm, AgreesWithSumsInDoubleAtAwkwardSizes) {
  constexpr int kSizes[][3] = {{1, 1, 1},     {1, 17, 5},     {2, 16, 31},    {6, 15, 32},
                               {7, 33, 33},   {8, 32, 64},    {15, 31, 63},   {16, 48, 96},
                               {17, 65, 97},  {31, 1, 640},   {32, 32, 1024}, {33, 47, 1025},
                               {48, 40, 65},  {65, 64, 33},   {97, 3, 130},   {5, 130, 2049},
                               {300, 33, 40}, {70, 17, 2080}, {49, 200, 70}};
  for (const auto& [m, n, k] : kSizes) {
    const GemmCase c(m, n, k);
    const PackedMatrix w = PackedMatrix::pack(c.w.data(), n, k, c.w_stride);
    for (const bool accumulate : {false, true}) {
      std::vector<float> y = c.y;
      model::gemm(*GetParam(), c.x.data(), m, c.x_stride, w, y.data(), c.y_stride, accumulate,
                  pool_);
      ASSERT_NO_FATAL_FAILURE(c.expect_result(y, accumulate));
    }
  }
}

TEST_P(Gemm, ATransposedMatrixPacksToTheSameProduct) {
  const GemmCase c(37, 70, 90);
  std::vector<float> transposed(static_cast<size_t>(c.k * (c.n + 2)));
  for (int j = 0; j < c.n; ++j) {
    for (int p = 0; p < c.k; ++p) {
      transposed[static_cast<size_t>(p * (c.n + 2) + j)] =
          c.w[static_cast<size_t>(j * c.w_stride + p)];
    }
  }
  const PackedMatrix w =
      PackedMatrix::pack_transposed(transposed.data(), c.n, c.k, c.n + 2, &pool_);
  EXPECT_EQ(w.n(), c.n);
  EXPECT_EQ(w.k(), c.k);
  std::vector<float> y = c.y;
  model::gemm(*GetParam(), c.x.data(), c.m, c.x_stride, w, y.data(), c.y_stride, false, pool_);
  c.expect_result(y, false);
}

TEST_P(Gemm, SlicesOfTheMatrixAddUpToTheWhole) {
  const GemmCase c(19, 150, 170);
  const PackedMatrix w = PackedMatrix::pack(c.w.data(), c.n, c.k, c.w_stride, &pool_);
  std::vector<float> y = c.y;
  constexpr int kRowCuts[] = {0, 32, 96, 150};
  constexpr int kColumnCuts[] = {0, 64, 160, 170};
  for (int r = 0; r + 1 < 4; ++r) {
    for (int p = 0; p + 1 < 4; ++p) {
      const model::PackedView part =
          w.view()
              .rows(kRowCuts[r], kRowCuts[r + 1] - kRowCuts[r])
              .columns(kColumnCuts[p], kColumnCuts[p + 1] - kColumnCuts[p]);
      model::gemm(*GetParam(), c.x.data() + kColumnCuts[p], c.m, c.x_stride, part,
                  y.data() + kRowCuts[r], c.y_stride, p > 0, pool_);
    }
  }
  c.expect_result(y, false);
}

TEST_P(Gemm, DoesNotDependOnTheNumberOfThreads) {
  ThreadPool alone(1);
  for (const auto& [m, n, k] : {std::array{300, 100, 1100}, std::array{70, 500, 300}}) {
    const GemmCase c(m, n, k);
    const PackedMatrix w = PackedMatrix::pack(c.w.data(), n, k, c.w_stride);
    std::vector<float> one = c.y, two = c.y;
    model::gemm(*GetParam(), c.x.data(), m, c.x_stride, w, one.data(), c.y_stride, true, alone);
    model::gemm(*GetParam(), c.x.data(), m, c.x_stride, w, two.data(), c.y_stride, true, pool_);
    EXPECT_EQ(one, two);
  }
}

TEST_P(Gemm, RoundsActivationsToNearestEven) {
  // 1 + 2^-8 and 1 + 3 * 2^-8 lie halfway between two bf16 values.
  const std::vector<float> x = {1.0f + 0x1p-8f, 1.0f + 3 * 0x1p-8f, -1.0f - 0x1p-8f - 0x1p-20f};
  const float one = 1.0f;
  const PackedMatrix w = PackedMatrix::pack(&one, 1, 1, 1);
  std::vector<float> y(3);
  model::gemm(*GetParam(), x.data(), 3, 1, w, y.data(), 1, false, pool_);
  EXPECT_EQ(y, (std::vector<float>{1.0f, 1.0f + 0x1p-6f, -1.0f - 0x1p-7f}));
}

TEST_P(Gemm, KeepsNanAndInfinityInTheirRow) {
  constexpr int m = 20, n = 40, k = 50;
  GemmCase c(m, n, k);
  c.x[static_cast<size_t>(3 * c.x_stride + 7)] = std::numeric_limits<float>::quiet_NaN();
  c.x[static_cast<size_t>(5 * c.x_stride + 8)] = std::numeric_limits<float>::infinity();
  const PackedMatrix w = PackedMatrix::pack(c.w.data(), n, k, c.w_stride);
  std::vector<float> y = c.y;
  model::gemm(*GetParam(), c.x.data(), m, c.x_stride, w, y.data(), c.y_stride, false, pool_);
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      const float value = y[static_cast<size_t>(i * c.y_stride + j)];
      EXPECT_EQ(std::isnan(value), i == 3);
      EXPECT_EQ(std::isinf(value), i == 5);
    }
  }
}

TEST_P(Gemm, WithoutColumnsGivesZeroOrWhatWasThere) {
  const PackedMatrix w = PackedMatrix::pack(nullptr, 2, 0, 0);
  std::vector<float> y = {1, 2, 3, 4};
  model::gemm(*GetParam(), nullptr, 2, 0, w, y.data(), 2, true, pool_);
  EXPECT_EQ(y, (std::vector<float>{1, 2, 3, 4}));
  model::gemm(*GetParam(), nullptr, 2, 0, w, y.data(), 2, false, pool_);
  EXPECT_EQ(y, (std::vector<float>{0, 0, 0, 0}));
}

std::string kernel_name(const testing::TestParamInfo<const GemmKernel*>& info) {
  return info.param->name;
}

INSTANTIATE_TEST_SUITE_P(EveryKernel, Gemm, testing::ValuesIn(model::all_gemm_kernels()),
                         kernel_name);

// C [m, n] = c + A B^T in plain loops; a(i, p), b(j, p).
template <class A, class B>
void expect_product(const std::vector<float>& actual, const std::vector<float>& before, int m,
                    int n, int k, A a, B b) {
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      const size_t at = static_cast<size_t>(i * n + j);
      double sum = before[at], l1 = std::abs(before[at]);
      for (int p = 0; p < k; ++p)
        sum += double{a(i, p)} * b(j, p), l1 += std::abs(double{a(i, p)} * b(j, p));
      ASSERT_NEAR(actual[at], sum, l1 * 1e-6);
    }
  }
}

// A row p of it, and a column p.
auto at(const std::vector<float>& v, int stride) {
  return [&v, stride](int i, int p) { return v[static_cast<size_t>(i * stride + p)]; };
}
auto transposed(const std::vector<float>& v, int stride) {
  return [&v, stride](int i, int p) { return v[static_cast<size_t>(p * stride + i)]; };
}

/// y += x w^T, y = x w^T, dx = dy w and dw += dy^T x, for values that `rounded` leaves as they are.
template <class Forward, class Transposed, class Gradient>
void expect_three_forms(int m, int n, int k, float (*rounded)(float), Forward forward,
                        Transposed backward, Gradient gradient) {
  ThreadPool pool(2);
  const auto values = [&](int rows, int columns, uint32_t seed) {
    std::vector<float> v = random_values(static_cast<size_t>(rows * columns), seed);
    for (float& x : v) x = rounded(x);
    return v;
  };
  const std::vector<float> x = values(m, k, 1), w = values(n, k, 2), dy = values(m, n, 3);
  const std::vector<float> y0 = values(m, n, 4);
  std::vector<float> y = y0;
  forward(x.data(), m, k, w.data(), n, k, k, y.data(), n, true, pool);
  expect_product(y, y0, m, n, k, at(x, k), at(w, k));
  std::vector<float> fresh(y0.size(), std::numeric_limits<float>::quiet_NaN());
  forward(x.data(), m, k, w.data(), n, k, k, fresh.data(), n, false, pool);
  expect_product(fresh, std::vector<float>(y0.size()), m, n, k, at(x, k), at(w, k));

  std::vector<float> dx(static_cast<size_t>(m * k), 7.0f);
  backward(dy.data(), m, n, w.data(), k, n, k, dx.data(), k, false, pool);
  expect_product(dx, std::vector<float>(dx.size()), m, k, n, at(dy, n), transposed(w, k));

  std::vector<float> dw = w;
  gradient(dy.data(), n, n, x.data(), k, k, m, dw.data(), k, pool);
  expect_product(dw, w, n, k, m, transposed(dy, n), transposed(x, k));
}

TEST(GemmF32, AgreesWithPlainLoopsInAllThreeForms) {
  openblas_set_num_threads(1);
  for (const auto& [m, n, k] :
       {std::array{37, 8, 65}, std::array{9, 70, 16}, std::array{1, 1, 1}, std::array{1, 301, 70}})
    expect_three_forms(
        m, n, k, [](float x) { return x; }, model::gemm_f32, model::gemm_f32_transposed,
        model::add_weight_gradient);
}

TEST(GemmBf16, AgreesWithPlainLoopsInAllThreeForms) {
  for (const auto& [m, n, k] : {std::array{37, 8, 65}, std::array{9, 70, 16}, std::array{1, 1, 1},
                                std::array{130, 33, 48}, std::array{300, 40, 7}})
    // Values that bf16 has: what is left is the order of summation.
    expect_three_forms(
        m, n, k, [](float x) { return model::from_bf16(model::to_bf16(x)); }, model::gemm_bf16,
        model::gemm_bf16_transposed, model::add_weight_gradient_bf16);
}

TEST(GemmBf16, AMatrixIsTurned) {
  ThreadPool pool(2);
  for (const auto& [m, k] : {std::array{37, 65}, std::array{9, 16}, std::array{1, 1},
                             std::array{130, 48}, std::array{300, 7}}) {
    const std::vector<float> x = random_values(static_cast<size_t>(m * k), 1);
    std::vector<float> turned(x.size());
    model::transpose(x.data(), m, k, k, turned.data(), &pool);
    for (int i = 0; i < m; ++i)
      for (int c = 0; c < k; ++c) ASSERT_EQ(at(turned, m)(c, i), at(x, k)(i, c));
  }
}

TEST(PackedMatrix, RowsOfMemoryArePackedAsRowsOfASource) {
  for (const auto& [n, k] : {std::array{1, 1}, std::array{16, 32}, std::array{33, 7},
                             std::array{70, 65}, std::array{48, 64}, std::array{64, 96}}) {
    std::vector<float> w = random_values(static_cast<size_t>(n * k), 5);
    w[0] = std::numeric_limits<float>::quiet_NaN();
    w.back() = std::numeric_limits<float>::infinity();
    const auto rows_of = [&w](int width) {
      return [&w, width](int row, std::span<float> out) {
        std::copy_n(w.data() + static_cast<ptrdiff_t>(row) * width, width, out.data());
      };
    };
    const auto same = [](const PackedMatrix& a, const PackedMatrix& b) {
      ASSERT_EQ(a.bytes(), b.bytes());
      EXPECT_EQ(std::memcmp(a.view().panels, b.view().panels, a.bytes()), 0);
    };
    same(PackedMatrix::pack(w.data(), n, k, k), PackedMatrix::pack(rows_of(k), n, k));
    same(PackedMatrix::pack_transposed(w.data(), k, n, k),
         PackedMatrix::pack_transposed(rows_of(k), k, n));
  }
}

TEST(ThreadPool, RunsEveryRangeExactlyOnce) {
  for (const int n_threads : {1, 2, 5}) {
    ThreadPool pool(n_threads);
    for (const int n : {0, 1, 7, 64, 1000}) {
      for (const int grain : {1, 3, 64}) {
        std::vector<std::atomic<int>> seen(static_cast<size_t>(n));
        pool.parallel_for(n, grain, [&](int worker, int begin, int end) {
          EXPECT_GE(worker, 0);
          EXPECT_LT(worker, n_threads);
          EXPECT_EQ(begin % grain, 0);
          for (int i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
        });
        for (const auto& count : seen) ASSERT_EQ(count, 1);
      }
    }
  }
}

TEST(ThreadPool, ManyShortLoopsLoseNothing) {
  ThreadPool pool(3);
  std::vector<int> sums(8);
  for (int round = 0; round < 5000; ++round) {
    pool.parallel_for(8, 1, [&](int, int begin, int) { ++sums[static_cast<size_t>(begin)]; });
  }
  EXPECT_EQ(sums, std::vector<int>(8, 5000));
}

TEST(ThreadPool, WakesWorkersThatWentToSleep) {
  ThreadPool pool(2);
  for (int round = 0; round < 3; ++round) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    std::atomic<int> inside{0};
    // Both ranges wait for each other, so one thread alone could not finish.
    pool.parallel_for(2, 1, [&](int, int, int) {
      ++inside;
      inside.notify_all();
      for (int seen = inside; seen < 2; seen = inside) inside.wait(seen);
    });
    EXPECT_EQ(inside, 2);
  }
}

TEST(ThreadPool, ScratchIsAlignedAndGrows) {
  ThreadPool pool(2);
  for (const size_t bytes : {size_t{1}, size_t{5} << 20}) {
    std::byte* p = pool.scratch(1, bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(p) % 64, 0u);
    p[bytes - 1] = std::byte{1};
  }
}

}  // namespace
