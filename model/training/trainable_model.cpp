#include "model/training/trainable_model.h"

#include <algorithm>

#include "model/training/buffers.h"

namespace model::training {

base::Result<double> TrainableModel::loss(const PackedBatch& batch, float weight,
                                          bool with_gradient, uint64_t noise, ThreadPool& pool) {
  std::vector<std::vector<float>> inputs;
  for (const Medium& medium : batch.media) {
    base::Result<std::vector<float>> input = read_medium(medium, vision ? vision->side() : 0);
    if (!input) return input.error();
    inputs.push_back(std::move(*input));
  }
  return loss(batch, inputs, weight, with_gradient, noise, pool);
}

double TrainableModel::loss(const PackedBatch& batch, const std::vector<std::vector<float>>& inputs,
                            float weight, bool with_gradient, uint64_t noise, ThreadPool& pool) {
  if (batch.media.empty()) return decoder.loss(batch, weight, with_gradient, nullptr, noise);
  if (vision) vision->clear();
  if (audio) audio->clear();
  SoftRows soft;
  int pictures = 0, sounds = 0;  // soft tokens of each kind
  for (size_t i = 0; i < batch.media.size(); ++i) {
    const Medium& medium = batch.media[i];
    for (int t = 0; t < medium.n; ++t) soft.rows.push_back(medium.row + t);
    if (medium.kind == MediaKind::image) {
      vision->add(inputs[i], medium.grid);
      pictures += medium.n;
    } else {
      audio->add(inputs[i]);
      sounds += medium.n;
    }
  }
  std::vector<float> seen, heard;
  if (pictures > 0) seen = vision->forward(pool);
  if (sounds > 0) heard = audio->forward(pool);
  const size_t hidden =
      (seen.size() + heard.size()) / static_cast<size_t>(std::max(pictures + sounds, 1));
  // Soft tokens of either kind are in order there; in the batch they are mixed.
  soft.values.resize(soft.rows.size() * hidden);
  auto each = [&](auto&& visit) {  // visit(kind, values of the kind, values of the batch)
    size_t at = 0, from[2] = {0, 0};
    for (const Medium& medium : batch.media) {
      const size_t n = static_cast<size_t>(medium.n) * hidden;
      size_t& own = from[medium.kind == MediaKind::image ? 0 : 1];
      visit(medium.kind, own, at, n);
      own += n;
      at += n;
    }
  };
  each([&](MediaKind kind, size_t own, size_t at, size_t n) {
    const std::vector<float>& source = kind == MediaKind::image ? seen : heard;
    std::copy_n(source.data() + own, n, soft.values.data() + at);
  });
  const double value = decoder.loss(batch, weight, with_gradient, &soft, noise);
  if (!with_gradient || !train_embedders) return value;
  each([&](MediaKind kind, size_t own, size_t at, size_t n) {
    std::vector<float>& to = kind == MediaKind::image ? seen : heard;
    std::copy_n(soft.gradient.data() + at, n, to.data() + own);
  });
  if (pictures > 0) vision->backward(seen.data(), pool);
  if (sounds > 0) audio->backward(heard.data(), pool);
  return value;
}

Parameters TrainableModel::parameters() {
  Parameters list = decoder.parameters();
  if (!train_embedders) return list;
  if (vision)
    for (Parameter& p : vision->parameters()) list.push_back(std::move(p));
  if (audio)
    for (Parameter& p : audio->parameters()) list.push_back(std::move(p));
  return list;
}

}  // namespace model::training
