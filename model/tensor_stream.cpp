#include "model/tensor_stream.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstring>

#include "model/quantize.h"

namespace model {

using base::Errc;
using base::Error;

namespace {

constexpr uint64_t kPortion = uint64_t{4} << 20;  // values in memory at a time
constexpr size_t kCopy = size_t{8} << 20;         // bytes written at a time where nothing changes

uint64_t n_values(const TensorTask& t) {
  uint64_t n = 1;
  for (const uint64_t dim : t.shape) n *= dim;
  return n;
}

/// One row, decoded, put in order and moved by the offset.
void read_row(const TensorTask& t, uint64_t row, std::vector<float>& scratch,
              std::span<float> out) {
  const uint64_t source = t.row ? t.row(row) : row;
  const std::byte* from = t.from->data.data() + source * row_bytes(t.from->type, out.size());
  if (t.columns.empty()) {
    dequantize_row(t.from->type, from, out);
  } else {
    scratch.resize(out.size());
    dequantize_row(t.from->type, from, scratch);
    for (size_t i = 0; i < out.size(); ++i) out[i] = scratch[t.columns[i]];
  }
  if (t.offset != 0)
    for (float& v : out) v += t.offset;
}

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

}  // namespace

base::Result<StreamResult> stream_tensors(
    std::span<const TensorTask> tasks, ThreadPool& pool,
    const std::function<base::Status(std::span<const std::byte>)>& write,
    const std::function<void(uint64_t, uint64_t)>& progress) {
  StreamResult result;
  uint64_t total = 0, done = 0;
  for (const TensorTask& t : tasks) total += n_values(t);
  std::vector<std::byte> bytes;
  std::vector<std::vector<float>> rows(static_cast<size_t>(pool.n_threads())), back = rows,
                                                                               scratch = rows;
  for (const TensorTask& t : tasks) {
    const uint64_t n = n_values(t);
    if (t.from == nullptr) {
      bytes.resize(row_bytes(t.type, n));
      quantize_row(t.type, t.values, bytes.data());
      const base::Status written = write(bytes);
      if (!written) return written.error();
    } else if (t.type == t.from->type && t.offset == 0 && t.columns.empty() && !t.row) {
      for (size_t at = 0; at < t.from->data.size(); at += kCopy) {
        const base::Status written =
            write(t.from->data.subspan(at, std::min(kCopy, t.from->data.size() - at)));
        if (!written) return written.error();
      }
    } else {
      const uint64_t width = t.shape.empty() ? 1 : t.shape[0], n_rows = n / width;
      const size_t row_size = row_bytes(t.type, width);
      const bool blocks = block_layout(t.type)->values > 1;
      std::atomic<bool> finite{true}, exact{true};
      const uint64_t portion = std::max<uint64_t>(1, kPortion / width);
      for (uint64_t first = 0; first < n_rows; first += portion) {
        const uint64_t count = std::min(portion, n_rows - first);
        bytes.resize(count * row_size);
        const int grain = static_cast<int>(std::max<uint64_t>(1, 16384 / width));
        pool.parallel_for(static_cast<int>(count), grain, [&](int worker, int begin, int end) {
          std::vector<float>& row = rows[static_cast<size_t>(worker)];
          std::vector<float>& again = back[static_cast<size_t>(worker)];
          row.resize(width);
          for (int i = begin; i < end; ++i) {
            std::byte* to = bytes.data() + static_cast<size_t>(i) * row_size;
            read_row(t, first + static_cast<uint64_t>(i), scratch[static_cast<size_t>(worker)],
                     row);
            if (blocks && !all_finite(row)) {
              finite = false;
              std::memset(to, 0, row_size);
              continue;
            }
            quantize_row(t.type, row, to);
            if (blocks || t.type == TensorType::f32 || !exact) continue;
            again.resize(width);
            dequantize_row(t.type, to, again);
            if (again != row) exact = false;
          }
        });
        if (!finite)
          return Error{Errc::corrupt, t.name + ": holds a value that is not a finite number"};
        const base::Status written = write(bytes);
        if (!written) return written.error();
        if (progress) progress(done + std::min(n, (first + count) * width), total);
      }
      if (!exact) ++result.rounded;
    }
    done += n;
    if (progress) progress(done, total);
  }
  return result;
}

}  // namespace model
