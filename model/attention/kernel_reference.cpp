#include <algorithm>
#include <cmath>
#include <cstring>

#include "model/attention/kernel.h"
#include "model/quants.h"

// The specification, in f32. Packed queries, keys and values are row-major.

namespace model {
namespace {

bool always() { return true; }

size_t area(int rows, int width) { return static_cast<size_t>(rows) * static_cast<size_t>(width); }

float stored(const HeadRows& rows, int row, int lane) {
  const std::byte* from = rows.rows[row];
  if (from == nullptr) return 0;
  if (rows.type == KvType::f32) return reinterpret_cast<const float*>(from)[lane];
  return f16_to_f32(reinterpret_cast<const uint16_t*>(from)[lane]);
}

void pack_queries(const float* q, int rows, int head_dim, std::byte* to) {
  const int lanes = padded_lanes(head_dim);
  float* out = reinterpret_cast<float*>(to);
  for (int r = 0; r < rows; ++r)
    for (int i = 0; i < lanes; ++i) *out++ = i < head_dim ? q[area(r, head_dim) + area(1, i)] : 0;
}

void pack_rows(const HeadRows& rows, int head_dim, std::byte* to) {
  const int lanes = padded_lanes(head_dim);
  float* out = reinterpret_cast<float*>(to);
  for (int r = 0; r < kKeyBlock; ++r)
    for (int i = 0; i < lanes; ++i) *out++ = i < head_dim ? stored(rows, r, i) : 0;
}

float dot(const float* a, const float* b, int n) {
  float partial[8] = {}, sum = 0;
  int i = 0;
  for (; i + 8 <= n; i += 8)
    for (int j = 0; j < 8; ++j) partial[j] += a[i + j] * b[i + j];
  for (; i < n; ++i) sum += a[i] * b[i];
  for (const float p : partial) sum += p;
  return sum;
}

void read(const AttentionBlock& block) {
  const int lanes = padded_lanes(block.head_dim);
  const float* queries = reinterpret_cast<const float*>(block.queries);
  const float* keys = reinterpret_cast<const float*>(block.keys);
  const float* values = reinterpret_cast<const float*>(block.values);
  for (int r = 0; r < block.rows; ++r) {
    const auto [begin, end] = block.seen[r];
    if (begin >= end) continue;
    float scores[kKeyBlock], most = block.most[r];
    for (int k = begin; k < end; ++k) {
      scores[k] = block.scale * dot(queries + area(r, lanes), keys + area(k, lanes), lanes);
      most = std::max(most, scores[k]);
    }
    const float factor = std::exp2(block.most[r] - most);
    float* out = block.out + area(r, lanes);
    for (int i = 0; i < lanes; ++i) out[i] *= factor;
    block.sum[r] *= factor;
    for (int k = begin; k < end; ++k) {
      const float weight = std::exp2(scores[k] - most);
      block.sum[r] += weight;
      for (int i = 0; i < lanes; ++i) out[i] += weight * values[area(k, lanes) + area(1, i)];
    }
    block.most[r] = most;
  }
}

void decode(const AttentionPart& part) {
  for (int h = 0; h < part.heads; ++h) {
    float scores[kPartKeys], most = kNothingSeen;
    for (int k = 0; k < part.n; ++k) {
      float score = 0;
      for (int i = 0; i < part.head_dim; ++i)
        score += part.query[area(h, part.head_dim) + area(1, i)] * stored(part.keys, k, i);
      scores[k] = score * part.scale;
      most = std::max(most, scores[k]);
    }
    float* out = part.out + area(h, padded_lanes(part.head_dim));
    std::fill_n(out, padded_lanes(part.head_dim), 0.0f);
    float sum = 0;
    for (int k = 0; k < part.n; ++k) {
      const float weight = std::exp2(scores[k] - most);
      sum += weight;
      for (int i = 0; i < part.head_dim; ++i) out[i] += weight * stored(part.values, k, i);
    }
    part.most[h] = most;
    part.sum[h] = sum;
  }
}

}  // namespace

const AttentionKernel kAttentionReference = {
    "reference", always, false, sizeof(float), pack_queries, pack_rows, pack_rows, read, decode};

}  // namespace model
