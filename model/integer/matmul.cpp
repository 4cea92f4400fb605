#include "model/integer/matmul.h"

#include <algorithm>
#include <cassert>

namespace model {
namespace {

size_t area(int rows, int width) { return static_cast<size_t>(rows) * static_cast<size_t>(width); }

/// Room for n values, at a border of lines: a load of 64 bytes that crosses one takes twice as
/// long.
template <class T>
T* sized(Buffer& buffer, size_t n) {
  return reinterpret_cast<T*>(buffer.sized(n * sizeof(T)));
}

/// Rows of W a worker takes at a time: several ranges for each, whole panels.
int grain_of(int out, const ThreadPool& pool, int most) {
  const int share = out / (4 * pool.n_threads());
  return std::clamp(share / kIntegerPanelRows * kIntegerPanelRows, kIntegerPanelRows, most);
}

constexpr const IntegerKernel* kKernels[] = {
    &kIntegerReference,
#if defined(__x86_64__)
    &kIntegerAvx2,
    &kIntegerAvx512Vnni,
#endif
#if defined(__aarch64__)
    &kIntegerNeon,
#endif
};

}  // namespace

std::span<const IntegerKernel* const> all_integer_kernels() { return kKernels; }

const IntegerKernel& best_integer_kernel() {
  static const IntegerKernel& best = []() -> const IntegerKernel& {
    const IntegerKernel* found = &kIntegerReference;
    for (const IntegerKernel* kernel : kKernels)
      if (kernel->supported()) found = kernel;
    return *found;
  }();
  return best;
}

const IntegerRows& IntegerActivations::assign(const float* x, int rows, int width, bool words,
                                              ThreadPool& pool) {
  return assign(best_integer_kernel(), x, rows, width, words, pool);
}

const IntegerRows& IntegerActivations::assign(const IntegerKernel& kernel, const float* x, int rows,
                                              int width, bool words, ThreadPool& pool) {
  assert(width % kIntegerGroup == 0);
  const int groups = width / kIntegerGroup;
  int8_t* bytes = words ? nullptr : sized<int8_t>(bytes_, area(rows, width));
  int16_t* of_words = words ? sized<int16_t>(words_, area(rows, width)) : nullptr;
  float* scales = sized<float>(scales_, area(rows, groups));
  float* sums = sized<float>(sums_, area(rows, groups));
  float* half_sums = sized<float>(half_sums_, area(rows, 2 * groups));
  pool.parallel_for(rows, 8, [&](int, int begin, int end) {
    const size_t first = area(begin, width), group = area(begin, groups);
    kernel.round(x + first, (end - begin) * groups, words ? nullptr : bytes + first,
                 words ? of_words + first : nullptr, scales + group, sums + group,
                 half_sums + 2 * group);
  });
  rows_ = {.rows = rows,
           .width = width,
           .bytes = bytes,
           .words = of_words,
           .scales = scales,
           .sums = sums,
           .half_sums = half_sums};
  return rows_;
}

void multiply_integer_rows(const IntegerKernel& kernel, std::span<const IntegerProduct> products,
                           const IntegerRows& x, ThreadPool& pool) {
  int rows = 0;
  for (const IntegerProduct& product : products) {
    assert(has_integer_form(product.w->type) && x.width == product.w->in);
    rows += product.w->out;
  }
  pool.parallel_for(rows, grain_of(rows, pool, 512), [&](int, int begin, int end) {
    int first = 0;  // row of this matrix among all
    for (const IntegerProduct& product : products) {
      const Matrix& w = *product.w;
      const int from = std::max(begin - first, 0), until = std::min(end - first, w.out);
      if (from < until)
        kernel.multiply_rows(w.type, w.data, row_bytes(w.type, static_cast<uint64_t>(w.in)), from,
                             until, x, product.y, static_cast<size_t>(w.out));
      first += w.out;
    }
  });
}

void multiply_integer_panels(const IntegerKernel& kernel, const Matrix& w, const IntegerRows& x,
                             float* y, ThreadPool& pool) {
  assert(has_integer_form(w.type) && x.width == w.in);
  constexpr int kColumns = 1024;  // of a panel at most: it stays in the first cache or just beyond
  constexpr int kPanels = 4;      // that are decoded together, in the second cache
  constexpr int kRows = 48;       // of x that stay there, too, for all of them
  const bool words = x.words != nullptr;
  const int columns = std::min(kColumns, w.in), group = integer_group(w.type);
  const size_t values = area(columns, kIntegerPanelRows) * (words ? 2 : 1);
  const size_t scales = area(columns / group, kIntegerPanelRows) * sizeof(float);
  const size_t panel_bytes = (values + 2 * scales + 63) / 64 * 64;
  const size_t stride = row_bytes(w.type, static_cast<uint64_t>(w.in)), y_stride = area(w.out, 1);
  const int grain = grain_of(w.out, pool, kPanels * kIntegerPanelRows);
  pool.parallel_for(w.out, grain, [&](int worker, int begin, int end) {
    std::byte* scratch = pool.scratch(worker, kPanels * panel_bytes);
    IntegerPanel panels[kPanels];
    const int n = (end - begin + kIntegerPanelRows - 1) / kIntegerPanelRows;
    for (int i = 0; i < n; ++i) {
      std::byte* at = scratch + static_cast<size_t>(i) * panel_bytes;
      panels[i] = {.bits = integer_bits(w.type), .group = group};
      panels[i].bytes = words ? nullptr : reinterpret_cast<uint8_t*>(at);
      panels[i].words = words ? reinterpret_cast<int16_t*>(at) : nullptr;
      panels[i].scales = reinterpret_cast<float*>(at + values);
      panels[i].mins = reinterpret_cast<float*>(at + values + scales);
    }
    // What is decoded next is asked for while this is multiplied: it lies in short pieces of many
    // rows, for which the hardware does not look ahead.
    auto fetch = [&](int column, int part, int parts) {
      const bool same = column < w.in;
      const int from = same ? begin : end, of = same ? end - begin : std::min(grain, w.out - end);
      const uint64_t at = same ? static_cast<uint64_t>(column) : 0;
      const std::byte* data = w.row(from) + row_bytes(w.type, at);
      const int lines =
          static_cast<int>(row_bytes(w.type, static_cast<uint64_t>(columns)) / 64) + 1;
      for (int i = of * lines * part / parts; i < of * lines * (part + 1) / parts; ++i)
        __builtin_prefetch(data + area(i / lines, 1) * stride + i % lines * 64, 0, 2);
    };
    auto first = [&](int i) { return begin + i * kIntegerPanelRows; };
    auto rows = [&](int i) { return std::min(kIntegerPanelRows, end - first(i)); };
    for (int column = 0; column < w.in; column += columns) {
      for (int i = 0; i < n; ++i) {
        panels[i].width = std::min(columns, w.in - column);
        kernel.decode(w.type, w.row(first(i)), stride, rows(i), column, panels[i]);
      }
      for (int t = 0; t < x.rows; t += kRows) {
        fetch(column + columns, t / kRows, (x.rows + kRows - 1) / kRows);
        IntegerRows some = x.from(t);
        some.rows = std::min(kRows, some.rows);
        kernel.multiply(std::span(panels, static_cast<size_t>(n)), end - begin, some, column,
                        column > 0, y + area(t, w.out) + begin, y_stride);
      }
    }
  });
}

void multiply_integer_rows(std::span<const IntegerProduct> products, const IntegerRows& x,
                           ThreadPool& pool) {
  multiply_integer_rows(best_integer_kernel(), products, x, pool);
}

void multiply_integer_rows(const Matrix& w, const IntegerRows& x, float* y, ThreadPool& pool) {
  const IntegerProduct product = {&w, y};
  multiply_integer_rows({&product, 1}, x, pool);
}

void multiply_integer_panels(const Matrix& w, const IntegerRows& x, float* y, ThreadPool& pool) {
  multiply_integer_panels(best_integer_kernel(), w, x, y, pool);
}

}  // namespace model
