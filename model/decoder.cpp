#include "model/decoder.h"

#include <cblas.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>

#include "model/attention/attention.h"
#include "model/elementwise.h"
#include "model/stored_matmul.h"

// The layer equations stand in model/training/trainable_decoder.cpp, whose tests check both. Here
// keys and values go into the cache first and queries read them from there, so a pass over many
// positions and many passes over one give the same sums.

namespace model {
namespace {

size_t area(int rows, int width) { return static_cast<size_t>(rows) * static_cast<size_t>(width); }

/// Width of the stream from which on the rounding of activations to bytes averages out; below it
/// the most likely token changes too often (docs/benchmarks.md).
constexpr int kWideEnoughForBytes = 2048;
constexpr int kAdapterRows = 64;  // of a product with an adapter's matrices when reading
constexpr int kRows = 32;         // that a worker takes between products

/// n floats.
float* sized(Buffer& buffer, size_t n) {
  return reinterpret_cast<float*>(buffer.sized(n * sizeof(float)));
}

/// The keys that the query at `position` sees.
KeyRange reach_of(int position, bool sliding, int window, const ImageBlock& image, ImageMask mask) {
  KeyRange r{sliding ? std::max(0, position + 1 - window) : 0, position + 1};
  if (image.begin < 0) return r;
  if (mask == ImageMask::canonical) {
    if (sliding) r.end = image.end;
  } else {
    r.begin = std::min(r.begin, image.begin);
    r.end = image.end;
  }
  return r;
}

}  // namespace

Precision precision_named(std::string_view name) {
  if (name == "f32") return Precision::f32;
  if (name == "bf16") return Precision::bf16;
  if (name == "int16") return Precision::int16;
  return name == "int8" ? Precision::int8 : Precision::fast;
}

Decoder::Decoder(const Architecture& architecture, const Weights& weights, const Lora* adapter,
                 Precision precision, size_t max_packed_bytes, ThreadPool& pool)
    : architecture_(architecture), weights_(weights), precision_(precision) {
  if (precision == Precision::fast)
    precision_ = architecture.hidden >= kWideEnoughForBytes ? Precision::int8
                 : best_gemm_kernel().native                ? Precision::bf16
                                                            : Precision::int16;
  // A softcap rounds what it caps, which no bound of the screen speaks of.
  screening_.possible = precision_ != Precision::f32 && architecture.logit_softcap <= 0 &&
                        VocabularyScreen::worthwhile(weights);
  openblas_set_num_threads(1);  // the pool is the only source of threads
  unpack(adapter, max_packed_bytes, pool);
  if (adapter == nullptr) return;
  adapter_ = *adapter;
  if (reads_panels()) packed_adapter_ = PackedLora(*adapter, pool);
}

bool Decoder::reads_panels() const {
  for (int i = 0; i < architecture_.n_layers; ++i)
    for (int p = 0; p < kProjections; ++p) {
      const Matrix& matrix =
          weights_.layers[static_cast<size_t>(i)].projections[static_cast<size_t>(p)];
      if (matrix.out > 0 && packed(i, static_cast<Projection>(p)) == nullptr &&
          way(matrix, {.reading = true}, 1) == Way::panels)
        return true;
    }
  return false;
}

void Decoder::unpack(const Lora* adapter, size_t max_packed_bytes, ThreadPool& pool) {
  auto unpacked = [&](const Matrix& matrix) {
    return matrix.out > 0 && !has_integer_form(matrix.type);
  };
  size_t bytes = 0;
  for (const LayerWeights& layer : weights_.layers)
    for (const Matrix& matrix : layer.projections)
      if (unpacked(matrix)) bytes += 2 * area(matrix.out, matrix.in);
  if (precision_ == Precision::f32 || bytes == 0 || bytes > max_packed_bytes) return;
  packed_.resize(weights_.layers.size());
  for (int i = 0; i < architecture_.n_layers; ++i)
    for (int p = 0; p < kProjections; ++p) {
      const Matrix& matrix =
          weights_.layers[static_cast<size_t>(i)].projections[static_cast<size_t>(p)];
      if (!unpacked(matrix)) continue;
      const LowRank* low =
          adapter != nullptr ? &adapter->at(i, static_cast<Projection>(p)) : nullptr;
      auto row = [&](int r, std::span<float> out) {
        matrix.dequantize(r, 1, out.data());
        if (low == nullptr || low->rank == 0) return;
        // W' = W + scale B A, a row at a time.
        cblas_sgemv(CblasRowMajor, CblasTrans, low->rank, low->in, low->scale, low->a.data(),
                    low->in, low->b.data() + area(r, low->rank), 1, 1.0f, out.data(), 1);
      };
      packed_[static_cast<size_t>(i)][static_cast<size_t>(p)] =
          PackedMatrix::pack(row, matrix.out, matrix.in, &pool);
    }
}

const PackedMatrix* Decoder::packed(int layer, Projection p) const {
  if (packed_.empty()) return nullptr;
  const PackedMatrix& matrix = packed_[static_cast<size_t>(layer)][static_cast<size_t>(p)];
  return matrix.n() > 0 ? &matrix : nullptr;
}

void Decoder::embed(int32_t token, float* row) const {
  weights_.embedding.dequantize(token, 1, row);
  for (int i = 0; i < architecture_.hidden; ++i) row[i] *= architecture_.embedding_scale;
}

void Decoder::logits(const float* normed, int m, float* out, ThreadPool& pool) const {
  const Matrix& vocabulary = weights_.embedding;
  if (precision_ != Precision::f32 && has_integer_form(vocabulary.type)) {
    // Words, whatever the layers have: it is memory that this product waits for.
    IntegerActivations rounded;
    const IntegerRows& rows = rounded.assign(normed, m, vocabulary.in, true, pool);
    m <= kFewRows ? multiply_integer_rows(vocabulary, rows, out, pool)
                  : multiply_integer_panels(vocabulary, rows, out, pool);
  } else {
    multiply_rows(vocabulary, normed, m, out, pool);
  }
  soften(out, area(m, architecture_.vocab_size));
}

void Decoder::soften(float* logits, size_t n) const {
  const float cap = architecture_.logit_softcap;
  for (size_t i = 0; cap > 0 && i < n; ++i) logits[i] = cap * std::tanh(logits[i] / cap);
}

void Decoder::logits_of(const float* normed, std::span<const int32_t> ids, float* out,
                        ThreadPool& pool) const {
  const Matrix& vocabulary = weights_.embedding;
  const auto n = static_cast<int>(ids.size());
  if (precision_ != Precision::f32 && has_integer_form(vocabulary.type)) {
    IntegerActivations rounded;
    const IntegerRows& row = rounded.assign(normed, 1, vocabulary.in, true, pool);
    const size_t stride = row_bytes(vocabulary.type, static_cast<uint64_t>(vocabulary.in));
    const IntegerKernel& kernel = best_integer_kernel();
    pool.parallel_for(n, 64, [&](int, int begin, int end) {
      constexpr int kAhead = 4;  // rows asked for early: they lie anywhere
      for (int i = begin; i < end; ++i) {
        if (i + kAhead < end) {
          const std::byte* next = vocabulary.row(ids[static_cast<size_t>(i + kAhead)]);
          for (size_t line = 0; line < stride; line += 64) __builtin_prefetch(next + line);
        }
        kernel.multiply_rows(vocabulary.type, vocabulary.row(ids[static_cast<size_t>(i)]), stride,
                             0, 1, row, out + i, 1);
      }
    });
  } else {
    for (int i = 0; i < n; ++i) {
      Matrix one = vocabulary;
      one.data = vocabulary.row(ids[static_cast<size_t>(i)]);
      one.out = 1;
      multiply_rows(one, normed, 1, out + i, pool);
    }
  }
  soften(out, ids.size());
}

bool Decoder::bounds(const float* normed, int m, float* out, float* most, ThreadPool& pool) const {
  constexpr int kAskedBefore = 4;  // making the screen costs some of these
  if (!screening_.possible || m > VocabularyScreen::kMostRows) return false;
  if (screening_.screen == nullptr) {
    if (++screening_.asked <= kAskedBefore) return false;
    screening_.screen = std::make_unique<VocabularyScreen>(weights_.embedding, pool);
  }
  screening_.screen->bound(normed, m, out, most, pool);
  return true;
}

Decoder::Way Decoder::way(const Matrix& matrix, const Pass& pass, int m) const {
  const bool few = pass.few(m);
  if (precision_ == Precision::f32) return few ? Way::stored_rows : Way::f32;
  if (has_integer_form(matrix.type) && (few || precision_ != Precision::bf16)) return Way::integers;
  return few ? Way::stored_rows : Way::panels;
}

Decoder::Input Decoder::input(int layer, Projection first, Projection last, const float* x, int row,
                              int m, const Pass& pass, Workspace& work, ThreadPool& pool) const {
  Input in = {.x = x, .m = m, .position = work.positions[static_cast<size_t>(row)]};
  const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
  for (int p = static_cast<int>(first); p <= static_cast<int>(last); ++p) {
    const Matrix& matrix = weights.projections[static_cast<size_t>(p)];
    if (matrix.out == 0 || packed(layer, static_cast<Projection>(p)) != nullptr) continue;
    const Way way = this->way(matrix, pass, m);
    if (way == Way::integers && in.rounded == nullptr)
      in.rounded = &work.rounded.assign(x, m, matrix.in, precision_ != Precision::int8, pool);
    if (way == Way::panels && in.packed == nullptr) {
      work.packed.assign(x, m, matrix.in, pool);
      read_panels(layer, static_cast<Projection>(p), in, work, pool);
    }
  }
  return in;
}

void Decoder::read_panels(int layer, Projection p, Input& in, Workspace& work,
                          ThreadPool& pool) const {
  in.packed = &work.packed;
  if (packed_adapter_.empty()) return;
  const PackedMatrix& a = packed_adapter_.a(layer, p);
  if (a.n() == 0) return;
  float* low = sized(work.low, area(in.m, a.n()));
  multiply_packed(a, work.packed, low, pool);
  work.packed_low.assign(low, in.m, a.n(), pool);
  in.low = &work.packed_low;
}

template <class Make>
Decoder::Input Decoder::made_input(int layer, Projection first, Projection last, float* x,
                                   const Make& make, int row, int m, const Pass& pass,
                                   Workspace& work, ThreadPool& pool) const {
  const LayerWeights& weights = weights_.layers[static_cast<size_t>(layer)];
  const int width = weights.at(first).in;
  bool panels_alone = pass.adapter == nullptr;
  for (int p = static_cast<int>(first); p <= static_cast<int>(last); ++p) {
    const Matrix& matrix = weights.projections[static_cast<size_t>(p)];
    if (matrix.out == 0) continue;
    panels_alone = panels_alone && packed(layer, static_cast<Projection>(p)) == nullptr &&
                   way(matrix, pass, m) == Way::panels;
  }
  if (panels_alone) {
    Input in = {.x = nullptr, .m = m, .position = work.positions[static_cast<size_t>(row)]};
    work.packed.assign(m, width, pool, make);
    read_panels(layer, first, in, work, pool);
    return in;
  }
  pool.parallel_for(m, kRows,
                    [&](int, int begin, int end) { make(begin, end, x + area(begin, width)); });
  return input(layer, first, last, x, row, m, pass, work, pool);
}

PackedTerm Decoder::beside_panels(int layer, Projection p, const Input& input) const {
  if (input.low == nullptr) return {};
  const PackedMatrix& b = packed_adapter_.b(layer, p);
  return b.n() > 0 ? PackedTerm{input.low, &b} : PackedTerm{};
}

void Decoder::linear(int layer, std::initializer_list<Output> outputs, const Input& input,
                     const Pass& pass, Workspace& work, ThreadPool& pool) const {
  const float* x = input.x;
  const int m = input.m;
  const bool few = pass.few(m);
  std::array<IntegerProduct, kProjections> together;
  size_t n = 0;
  for (const auto& [p, y] : outputs) {
    if (pass.stop.stop_requested()) return;  // the caller looks, too
    const Matrix& matrix = weights_.layers[static_cast<size_t>(layer)].at(p);
    if (matrix.out == 0) continue;
    if (const PackedMatrix* packed = this->packed(layer, p)) {
      gemm(x, m, matrix.in, *packed, y, matrix.out, false, pool);
      continue;
    }
    switch (way(matrix, pass, m)) {
      case Way::integers:
        if (few)
          together[n++] = {&matrix, y};
        else
          multiply_integer_panels(matrix, *input.rounded, y, pool);
        break;
      case Way::stored_rows:
        multiply_rows(matrix, x, m, y, pool);
        break;
      case Way::panels:
        multiply_panels(matrix, *input.packed, beside_panels(layer, p, input), y, pool);
        break;
      case Way::f32:
        multiply_f32(matrix, x, input.position, m, y, pool);
        break;
    }
  }
  if (n > 0) multiply_integer_rows(std::span(together).first(n), *input.rounded, pool);
  for (const Output& output : outputs) adapt(layer, output, input, pass, work, pool);
}

void Decoder::adapt(int layer, const Output& output, const Input& input, const Pass& pass,
                    Workspace& work, ThreadPool& pool) const {
  const auto [p, y] = output;
  const Matrix& matrix = weights_.layers[static_cast<size_t>(layer)].at(p);
  if (matrix.out == 0) return;
  const float* x = input.x;
  const int m = input.m, first = input.position;
  const bool few = pass.few(m);
  // Merged into the weights, or one more block of their columns.
  const bool already = packed(layer, p) != nullptr ||
                       (way(matrix, pass, m) == Way::panels && beside_panels(layer, p, input).w);
  for (const Lora* lora : {&adapter_, pass.adapter}) {
    if (lora == nullptr || lora->layers.empty()) continue;
    if (lora == &adapter_ && already) continue;
    const LowRank& low = lora->at(layer, p);
    if (low.rank == 0) continue;
    // Products of one shape, rows at the place of their position; see multiply_f32().
    const int block = few ? 1 : kAdapterRows, shift = few ? 0 : first % block;
    float* xa = sized(work.low, area(block, low.rank));
    float* padded = sized(work.padded, area(block, low.in + low.out));
    for (int i = -shift; i < m; i += block) {
      const int from = std::max(i, 0), rows = std::min(i + block, m) - from;
      const float* in = x + area(from, low.in);
      float* out = y + area(from, low.out);
      if (rows < block) {
        std::fill_n(padded, area(block, low.in + low.out), 0.0f);
        std::copy_n(in, area(rows, low.in), padded + area(from - i, low.in));
        in = padded;
      }
      gemm_f32(in, block, low.in, low.a.data(), low.rank, low.in, low.in, xa, low.rank, false,
               pool);
      scale(xa, low.scale, static_cast<int64_t>(area(block, low.rank)), pool);
      if (rows == block) {
        gemm_f32(xa, block, low.rank, low.b.data(), low.out, low.rank, low.rank, out, low.out, true,
                 pool);
        continue;
      }
      float* change = padded + area(block, low.in);
      std::copy_n(out, area(rows, low.out), change + area(from - i, low.out));
      gemm_f32(xa, block, low.rank, low.b.data(), low.out, low.rank, low.rank, change, low.out,
               true, pool);
      std::copy_n(change + area(from - i, low.out), area(rows, low.out), out);
    }
  }
}

bool Decoder::forward(std::vector<float>& stream, int n, const Pass& pass, KvCache& cache,
                      Workspace& work, ThreadPool& pool) const {
  KvCache* const caches[] = {&cache};
  return run(stream, n, pass, caches, work, pool);
}

void Decoder::forward_each(std::vector<float>& stream, std::span<KvCache* const> caches,
                           const Pass& pass, Workspace& work, ThreadPool& pool) const {
  assert(!caches.empty() && caches.size() <= kFewRows && !pass.reading && pass.images.empty());
  run(stream, static_cast<int>(caches.size()), pass, caches, work, pool);
}

bool Decoder::run(std::vector<float>& stream, int n, const Pass& pass,
                  std::span<KvCache* const> caches, Workspace& work, ThreadPool& pool) const {
  const Architecture& a = architecture_;
  const bool few = pass.few(n), alone = caches.size() == 1;
  const int past = caches[0]->size();
  std::vector<KvCache*> cache_of;  // of each row
  std::vector<KeyRange> sliding_reach, full_reach;
  work.positions.resize(static_cast<size_t>(n));
  for (int i = 0; i < n; ++i) {
    KvCache* cache = caches[alone ? 0 : static_cast<size_t>(i)];
    const int position = alone ? past + i : cache->size();
    const ImageBlock image =
        pass.images.empty() ? ImageBlock{} : pass.images[static_cast<size_t>(i)];
    cache_of.push_back(cache);
    work.positions[static_cast<size_t>(i)] = position;
    sliding_reach.push_back(reach_of(position, true, a.sliding_window, image, pass.mask));
    full_reach.push_back(reach_of(position, false, a.sliding_window, image, pass.mask));
  }
  for (const bool sliding : {true, false}) {
    const auto layer = std::find_if(a.layers.begin(), a.layers.end(), [&](const LayerShape& shape) {
      return shape.sliding == sliding;
    });
    if (layer == a.layers.end()) continue;
    Workspace::Rotation& rotation = sliding ? work.sliding : work.full;
    const int half = static_cast<int>(layer->rope_frequencies.size());
    rope_angles(work.positions.data(), n, layer->rope_frequencies,
                sized(rotation.cosines, area(n, half)), sized(rotation.sines, area(n, half)), pool);
  }
  for (KvCache* cache : caches) cache->extend(cache->size() + (alone ? n : 1));
  float* h = stream.data();
  int row = 0;  // the first that h holds
  float* normed = sized(work.normed, area(n, a.hidden));
  float* branch = sized(work.branch, area(n, a.hidden));
  float* gate = sized(work.gate, area(n, a.feed_forward));
  float* up = sized(work.up, area(n, a.feed_forward));
  const auto stopped = [&] {
    // Cannot fail: the pass is shorter than the slack of the ring.
    return alone && pass.stop.stop_requested() && caches[0]->truncate(past);
  };
  // y = norm(x) of some rows, and h += norm(branch).
  const auto norm = [&](const float* x, int rows, const std::vector<float>& weight, float* y) {
    rms_norm(x, rows, a.hidden, weight.data(), a.norm_eps, y);
  };
  const auto add_branch = [&](int begin, int end, const std::vector<float>& weight) {
    float* rows = branch + area(begin, a.hidden);
    norm(rows, end - begin, weight, rows);
    add(h + area(begin, a.hidden), rows, static_cast<int64_t>(area(end - begin, a.hidden)));
  };
  const AttentionKernel& kernel = best_attention_kernel(precision_ == Precision::bf16);
  for (int i = 0; i < a.n_layers; ++i) {
    if (stopped()) return false;
    const LayerShape& shape = a.layers[static_cast<size_t>(i)];
    const LayerWeights& w = weights_.layers[static_cast<size_t>(i)];
    const int qw = a.query_width(i), kw = a.key_width(i), hd = shape.head_dim;
    float* q = sized(work.query, area(n, qw));
    float* k = sized(work.key, area(n, kw));
    float* v = sized(work.value, area(n, kw));
    float* attended = sized(work.attended, area(n, qw));
    const Input attention = made_input(
        i, Projection::q, Projection::v, normed,
        [&](int begin, int end, float* to) {
          norm(h + area(begin, a.hidden), end - begin, w.attention_norm, to);
        },
        0, n, pass, work, pool);
    linear(i, {{Projection::q, q}, {Projection::k, k}, {Projection::v, v}}, attention, pass, work,
           pool);
    if (stopped()) return false;
    Workspace::Rotation& rotation = shape.sliding ? work.sliding : work.full;
    const float* cosines = sized(rotation.cosines, area(n, hd / 2));
    const float* sines = sized(rotation.sines, area(n, hd / 2));
    pool.parallel_for(n, kRows, [&](int, int begin, int end) {
      for (int t = begin; t < end; ++t) {
        float *query = q + area(t, qw), *key = k + area(t, kw), *value = v + area(t, kw);
        if (shape.value_from_key) std::copy(key, key + kw, value);
        rms_norm(query, a.n_heads, hd, w.query_norm.data(), a.norm_eps, query);
        rms_norm(key, shape.n_kv_heads, hd, w.key_norm.data(), a.norm_eps, key);
        if (a.value_norm) rms_norm(value, shape.n_kv_heads, hd, nullptr, a.norm_eps, value);
        rope(query, 1, a.n_heads, hd, cosines + area(t, hd / 2), sines + area(t, hd / 2));
        rope(key, 1, shape.n_kv_heads, hd, cosines + area(t, hd / 2), sines + area(t, hd / 2));
        cache_of[static_cast<size_t>(t)]->write(i, work.positions[static_cast<size_t>(t)], key,
                                                value);
      }
    });
    const AttentionShape heads = {a.n_heads, shape.n_kv_heads, hd, a.attention_scale};
    const std::vector<KeyRange>& reach = shape.sliding ? sliding_reach : full_reach;
    // Of the rows that are wanted from here on.
    if (pass.last_only && i + 1 == a.n_layers) {
      row = n - 1;
      h += area(row, a.hidden);
    }
    const int m = n - row;
    if (few)
      attend_each(kernel, heads, q + area(row, qw),
                  std::span(cache_of).subspan(static_cast<size_t>(row)),
                  std::span(reach).subspan(static_cast<size_t>(row)), i, attended, pool);
    else
      attend(kernel, heads, q + area(row, qw), std::span(reach).subspan(static_cast<size_t>(row)),
             *caches[0], i, attended, pool);
    if (stopped()) return false;
    linear(i, {{Projection::o, branch}},
           input(i, Projection::o, Projection::o, attended, row, m, pass, work, pool), pass, work,
           pool);
    if (stopped()) return false;
    const Input forward = made_input(
        i, Projection::gate, Projection::up, normed,
        [&](int begin, int end, float* to) {
          add_branch(begin, end, w.post_attention_norm);
          norm(h + area(begin, a.hidden), end - begin, w.feed_forward_norm, to);
        },
        row, m, pass, work, pool);
    linear(i, {{Projection::gate, gate}, {Projection::up, up}}, forward, pass, work, pool);
    if (stopped()) return false;
    const Input gated = made_input(
        i, Projection::down, Projection::down, gate,
        [&](int begin, int end, float* to) {
          const size_t at = area(begin, a.feed_forward);
          gelu_gate(gate + at, up + at, to,
                    static_cast<int64_t>(area(end - begin, a.feed_forward)));
        },
        row, m, pass, work, pool);
    linear(i, {{Projection::down, branch}}, gated, pass, work, pool);
    pool.parallel_for(m, kRows, [&](int, int begin, int end) {
      add_branch(begin, end, w.post_feed_forward_norm);
      if (w.output_scale != 1)
        scale(h + area(begin, a.hidden), w.output_scale,
              static_cast<int64_t>(area(end - begin, a.hidden)));
    });
  }
  if (stopped()) return false;
  pool.parallel_for(n - row, kRows, [&](int, int begin, int end) {
    norm(h + area(begin, a.hidden), end - begin, weights_.output_norm, h + area(begin, a.hidden));
  });
  return true;
}

}  // namespace model
