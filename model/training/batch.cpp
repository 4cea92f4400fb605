#include "model/training/batch.h"

#include <algorithm>

namespace model::training {

int PackedBatch::labelled() const {
  return static_cast<int>(
      std::count_if(labels.begin(), labels.end(), [](int32_t label) { return label >= 0; }));
}

size_t common_prefix(const std::vector<const Sequence*>& sequences) {
  if (sequences.size() < 2) return 0;
  const Sequence& first = *sequences[0];
  size_t shared = first.text_rows();
  for (const Sequence* s : sequences) {
    shared = std::min(shared, s->text_rows());
    size_t i = 0;
    while (i < shared && s->tokens[i] == first.tokens[i] && s->labels[i] < 0) ++i;
    shared = i;
  }
  for (const Sequence* s : sequences)
    shared = std::min(shared, s->tokens.size() - 1);  // no empty segment
  return shared;
}

PackedBatch pack(const std::vector<const Sequence*>& sequences) {
  PackedBatch batch;
  if (sequences.empty()) return batch;
  const size_t shared = common_prefix(sequences);
  batch.prefix = static_cast<int>(shared);
  auto append = [&](const Sequence& s, size_t begin, size_t end) {
    const int at = batch.rows() - static_cast<int>(begin);  // from rows of `s` to rows here
    for (size_t i = begin; i < end; ++i) {
      batch.tokens.push_back(s.tokens[i]);
      batch.labels.push_back(s.labels[i]);
      batch.positions.push_back(static_cast<int32_t>(i));
      batch.image_ends.push_back(0);
    }
    for (const Medium& medium : s.media) {
      if (medium.row >= static_cast<int>(end)) continue;  // the prefix has none
      if (medium.kind == MediaKind::image)
        std::fill_n(batch.image_ends.begin() + at + medium.row, medium.n, medium.row + medium.n);
      batch.media.push_back(medium);
      batch.media.back().row += at;
    }
  };
  append(*sequences[0], 0, shared);
  for (const Sequence* s : sequences) {
    batch.segments.push_back({batch.rows(), static_cast<int>(s->tokens.size() - shared)});
    append(*s, shared, s->tokens.size());
  }
  return batch;
}

}  // namespace model::training
