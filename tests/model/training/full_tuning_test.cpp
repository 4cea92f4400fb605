#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>

#include "base/json.h"
#include "model/hub_names.h"
#include "model/training/adamw.h"
#include "model/training/starting_lora.h"
#include "tests/model/training/tiny_model.h"

// Every parameter of the decoder and of the embedders of pictures and sound, in one pass over a
// mixed sequence, against PyTorch's autograd (tests/golden/README.md).

namespace model::training {
namespace {

nlohmann::json reference() {
  std::ifstream file(golden("tiny/train/params.json"));
  return nlohmann::json::parse(file);
}

/// A tensor in the order of the hub's files, which the reference has.
std::vector<float> in_hub_order(const Parameter& p, const std::vector<float>& values) {
  std::vector<float> out(values.size());
  if (p.name == "v.position_embd.weight") {  // [axis, place, width] to [place, axis, width]
    const size_t width = p.shape[0], places = p.shape[1];
    for (size_t place = 0; place < places; ++place)
      for (size_t axis = 0; axis < 2; ++axis)
        std::copy_n(values.begin() + static_cast<ptrdiff_t>((axis * places + place) * width), width,
                    out.begin() + static_cast<ptrdiff_t>((place * 2 + axis) * width));
    return out;
  }
  if (p.name == "v.patch_embd.weight" || p.name.starts_with("v.patch_norm.1.")) {
    // Columns from [channel, row, column] to [row, column, channel].
    const size_t in = p.shape[0], plane = in / 3;
    for (size_t row = 0; row < values.size() / in; ++row)
      for (size_t at = 0; at < plane; ++at)
        for (size_t c = 0; c < 3; ++c)
          out[row * in + at * 3 + c] = values[row * in + c * plane + at];
    return out;
  }
  return values;
}

double l2(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum);
}

double relative_error(std::span<const float> actual, std::span<const float> expected) {
  std::vector<float> difference(actual.begin(), actual.end());
  for (size_t i = 0; i < difference.size(); ++i) difference[i] -= expected[i];
  return l2(difference) / l2(expected);
}

class FullTuning : public testing::Test {
 protected:
  TinyModel tiny;
  Sequence sequence = TinyModel::mixed_sequence();
  PackedBatch batch = pack({&sequence});
  std::vector<std::vector<float>> inputs = TinyModel::mixed_inputs();
  float weight = TinyModel::weight(batch);

  double loss(TrainableModel& model, bool with_gradient, uint64_t noise = 0) {
    return model.loss(batch, inputs, weight, with_gradient, noise, tiny.pool);
  }
  /// By the reference's names.
  static std::map<std::string, Parameter> by_hub_name(const Parameters& parameters) {
    const nlohmann::json grads = reference()["grads"];
    std::map<std::string, std::string> hub;
    for (const auto& [name, value] : grads.items())
      hub[gguf_name(name + (name.ends_with("weight") || name.ends_with("bias") ||
                                    name.ends_with("pos_embedding")
                                ? ""
                                : ".weight"))
              .value_or(name)] = name;
    std::map<std::string, Parameter> found;
    for (const Parameter& p : parameters)
      if (hub.contains(p.name)) found.emplace(hub[p.name], p);
    return found;
  }
  /// Each of the reference's summaries and arrays of "grad" or "post" against `values_of`.
  template <class ValuesOf>
  static void expect_equal(const Parameters& parameters, const std::string& what,
                           const std::string& summaries, ValuesOf&& values_of) {
    const nlohmann::json expected = reference()[summaries];
    const std::map<std::string, Parameter> found = by_hub_name(parameters);
    EXPECT_EQ(found.size(), parameters.size());
    EXPECT_EQ(found.size(), expected.size());
    int arrays = 0;
    for (const auto& [name, p] : found) {
      const std::vector<float> actual = in_hub_order(p, values_of(p));
      const nlohmann::json& e = expected.at(name);
      EXPECT_NEAR(l2(actual), e["l2"].get<double>(), 1e-3 * e["l2"].get<double>()) << name;
      for (size_t i = 0; i < e["idx"].size(); ++i)
        EXPECT_NEAR(actual.at(e["idx"][i].get<size_t>()), e["val"][i].get<double>(),
                    1e-3 * e["absmax"].get<double>())
            << name << " " << i;
      const std::filesystem::path file = golden("tiny/train/" + what + "." + name + ".npy");
      if (!std::filesystem::exists(file)) continue;
      EXPECT_LE(relative_error(actual, read_npy<float>(file)), 1e-3) << name;
      ++arrays;
    }
    EXPECT_GE(arrays, 14);
  }
};

TEST_F(FullTuning, EveryGradientOfAMixedSequenceEqualsTheReference) {
  TrainableModel model = tiny.model(tiny.no_lora(), {.full = true});
  const Parameters parameters = model.parameters();
  const nlohmann::json expected = reference();
  EXPECT_NEAR(loss(model, true), expected["loss"].get<double>(), 1e-3);
  expect_equal(parameters, "grad", "grads", [](const Parameter& p) { return *p.gradient; });
  EXPECT_NEAR(gradient_norm(parameters, tiny.pool), expected["grad_total_norm"].get<double>(),
              1e-3 * expected["grad_total_norm"].get<double>());
  for (const Parameter& p : parameters) {
    const std::vector<float> actual = in_hub_order(p, *p.gradient);
    if (p.name == "v.position_embd.weight") {
      const std::vector<float> used =
          read_npy<float>(golden("tiny/train/grad.pos_embedding_used_rows.npy"));
      EXPECT_LE(relative_error(std::span(actual).first(used.size()), used), 1e-3);
      EXPECT_EQ(l2(std::span(actual).subspan(used.size())), 0) << "rows that no patch stands in";
    }
    if (p.name == "token_embd.weight") {
      const std::vector<float> rows =
          read_npy<float>(golden("tiny/train/grad.embed_tokens_rows_0_64.npy"));
      EXPECT_LE(relative_error(std::span(actual).first(rows.size()), rows), 1e-3);
    }
  }
}

TEST_F(FullTuning, AnSgdStepOverEverythingEqualsTheReference) {
  TrainableModel model = tiny.model(tiny.no_lora(), {.full = true});
  const Parameters parameters = model.parameters();
  const nlohmann::json expected = reference();
  loss(model, true);
  const float rate = expected["lr"].get<float>();
  for (const Parameter& p : parameters)
    for (size_t i = 0; i < p.value->size(); ++i) (*p.value)[i] -= rate * (*p.gradient)[i];
  model.decoder.refresh();
  expect_equal(parameters, "post", "post", [](const Parameter& p) { return *p.value; });
  // The step is large for this model, so rounding of the gradients is felt in the loss after it.
  EXPECT_NEAR(loss(model, false), expected["loss_after"].get<double>(), 2e-2);
}

TEST_F(FullTuning, ComputingActivationsAgainGivesTheSameBits) {
  for (const bool full : {true, false}) {
    const Lora lora =
        full ? tiny.no_lora() : *Lora::open(golden("tiny/lora-f32.gguf"), tiny.architecture);
    TrainableModel held = tiny.model(lora, {.full = full, .lora_dropout = 0.1f});
    TrainableModel again =
        tiny.model(lora, {.full = full, .recompute = true, .lora_dropout = 0.1f});
    EXPECT_EQ(loss(held, true, 7), loss(again, true, 7));
    const Parameters x = held.parameters(), y = again.parameters();
    for (size_t i = 0; i < x.size(); ++i) EXPECT_EQ(*x[i].gradient, *y[i].gradient) << x[i].name;
  }
}

TEST_F(FullTuning, AdapterWithDropoutAndEmbeddersInOnePassEqualFiniteDifferences) {
  TrainableModel model = tiny.model(*Lora::open(golden("tiny/lora-f32.gguf"), tiny.architecture),
                                    {.lora_dropout = 0.25f});
  constexpr uint64_t kNoise = 11;
  const double plain = loss(model, false);
  EXPECT_EQ(loss(model, false, kNoise), loss(model, true, kNoise)) << "the same noise";
  EXPECT_NE(loss(model, false, kNoise), plain);
  EXPECT_NE(loss(model, false, kNoise), loss(model, false, kNoise + 2));
  for (const Parameter& p : model.parameters()) {
    if (p.name != "blk.0.attn_q.weight.lora_a" && p.name != "blk.5.attn_k.weight.lora_a" &&
        p.name != "blk.3.ffn_down.weight.lora_b" && p.name != "v.patch_embd.weight" &&
        p.name != "v.patch_norm.1.weight" && p.name != "mm.a.input_projection.weight")
      continue;
    const double gg = l2(*p.gradient) * l2(*p.gradient);
    // Along the gradient itself the loss changes by |g| per unit; it should change by little.
    const double h = std::min(1e-3, 0.05 / std::sqrt(gg)) / std::sqrt(gg);
    const std::vector<float> kept = *p.value;
    auto at = [&](double sign) {
      for (size_t i = 0; i < kept.size(); ++i)
        (*p.value)[i] =
            kept[i] + static_cast<float>(sign * h * static_cast<double>((*p.gradient)[i]));
      return loss(model, false, kNoise);
    };
    const double up = at(1), down = at(-1);
    *p.value = kept;
    EXPECT_NEAR((up - down) / (2 * h), gg, 0.03 * gg) << p.name;
  }
}

TEST_F(FullTuning, BatchesWithMediaEqualTheirSequences) {
  // Another sequence with the same beginning, longer than the window, and no media.
  Sequence text;
  text.tokens.assign(sequence.tokens.begin(), sequence.tokens.begin() + 4);
  for (int t = 0; t < 12; ++t) text.tokens.push_back(100 + t);
  text.labels.assign(text.tokens.size(), -1);
  for (size_t i = 6; i + 1 < text.tokens.size(); ++i) text.labels[i] = text.tokens[i + 1];
  TrainableModel together = tiny.model(tiny.no_lora(), {.full = true});
  TrainableModel apart = tiny.model(tiny.no_lora(), {.full = true});
  const PackedBatch packed = pack({&sequence, &text});
  EXPECT_EQ(packed.prefix, 4);
  const double loss_together = together.loss(packed, inputs, 0.1f, true, 0, tiny.pool);
  double loss_apart = apart.loss(batch, inputs, 0.1f, true, 0, tiny.pool);
  loss_apart += apart.loss(pack({&text}), {}, 0.1f, true, 0, tiny.pool);
  EXPECT_NEAR(loss_together, loss_apart, 1e-4 * loss_apart);
  const Parameters x = together.parameters(), y = apart.parameters();
  for (size_t i = 0; i < x.size(); ++i)
    EXPECT_LE(relative_error(*x[i].gradient, *y[i].gradient), 1e-3) << x[i].name;
}

TEST(StartingLora, ScalesAndChoosesProjections) {
  const TinyModel tiny;
  EXPECT_FALSE(projections_named("q,wrong"));
  EXPECT_FALSE(projections_named(""));
  LoraOptions options{.rank = 4, .alpha = 8, .projections = *projections_named("attention,down")};
  const Lora plain = starting_lora(tiny.architecture, options);
  options.rank_stabilized = true;
  const Lora stabilized = starting_lora(tiny.architecture, options);
  EXPECT_EQ(plain.at(0, Projection::q).scale, 2);
  EXPECT_EQ(stabilized.at(0, Projection::q).scale, 4);
  EXPECT_EQ(plain.at(0, Projection::v).rank, 4);
  EXPECT_EQ(plain.at(5, Projection::v).rank, 0) << "a full layer has no value projection";
  EXPECT_EQ(plain.at(0, Projection::gate).rank, 0);
  EXPECT_EQ(plain.at(0, Projection::down).rank, 4);
}

}  // namespace
}  // namespace model::training
