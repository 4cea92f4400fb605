#include "model/training/batch.h"

#include <algorithm>

namespace model::training {

PackedBatch pack(const std::vector<const Sequence*>& sequences) {
  PackedBatch batch;
  if (sequences.empty()) return batch;
  const Sequence& first = *sequences[0];
  size_t shared = sequences.size() < 2 ? 0 : first.tokens.size();
  for (const Sequence* s : sequences) {
    size_t i = 0;
    while (i < shared && i < s->tokens.size() && s->tokens[i] == first.tokens[i] &&
           s->labels[i] < 0)
      ++i;
    shared = i;
  }
  for (const Sequence* s : sequences)
    shared = std::min(shared, s->tokens.size() - 1);  // no empty segment
  batch.prefix = static_cast<int>(shared);
  auto append = [&](const Sequence& s, size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      batch.tokens.push_back(s.tokens[i]);
      batch.labels.push_back(s.labels[i]);
      batch.positions.push_back(static_cast<int32_t>(i));
    }
  };
  append(first, 0, shared);
  for (const Sequence* s : sequences) {
    batch.segments.push_back({batch.rows(), static_cast<int>(s->tokens.size() - shared)});
    append(*s, shared, s->tokens.size());
  }
  return batch;
}

}  // namespace model::training
