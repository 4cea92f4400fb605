#include "model/convert.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include "base/json.h"

#include "model/checkpoint.h"
#include "model/gguf.h"
#include "model/hub_config.h"
#include "model/lora_peft.h"
#include "model/model.h"
#include "model/quantize.h"
#include "model/safetensors.h"
#include "tests/golden.h"
#include "tests/model/folder.h"
#include "tests/npy.h"

namespace model {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<float> values(const StoredTensor& t) {
  std::vector<float> v(t.n_elements());
  dequantize_row(t.type, t.data.data(), v);
  return v;
}

ConvertReport converted(const fs::path& in, const fs::path& out, ConvertOptions options = {}) {
  options.threads = 2;
  base::Result<ConvertReport> report = convert(in, out, options);
  if (!report) throw std::runtime_error(report.error().message);
  return std::move(*report);
}

void expect_golden_logits(const fs::path& checkpoint, const char* ids, const char* expected_file,
                          const fs::path& adapter = {}) {
  const base::Result<Engine> engine =
      Engine::load(checkpoint, {.precision = Precision::f32, .adapter = adapter, .threads = 2});
  ASSERT_TRUE(engine) << engine.error().message;
  Session session(*engine, 64);
  std::vector<Position> prompt;
  for (const int32_t id : read_npy<int32_t>(golden(ids))) prompt.push_back({.id = id});
  const base::Result<std::vector<float>> logits = session.all_logits(prompt);
  ASSERT_TRUE(logits);
  const std::vector<float> expected = read_npy<float>(golden(expected_file));
  ASSERT_EQ(logits->size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) ASSERT_NEAR((*logits)[i], expected[i], 2e-3f) << i;
}

/// Same tensors by name, shape and value, whatever their types.
void expect_same_tensors(const Gguf& actual, const Gguf& expected) {
  EXPECT_EQ(actual.tensors().size(), expected.tensors().size());
  for (const StoredTensor& e : expected.tensors()) {
    const StoredTensor* a = actual.find(e.name);
    ASSERT_NE(a, nullptr) << e.name;
    EXPECT_EQ(a->shape, e.shape) << e.name;
    EXPECT_EQ(values(*a), values(e)) << e.name;
  }
}

void expect_same_metadata(const Gguf& actual, const Gguf& expected,
                          const std::vector<std::string>& except) {
  for (const std::string& key : expected.keys()) {
    if (std::ranges::find(except, key) != except.end()) continue;
    EXPECT_TRUE(std::ranges::equal(actual.raw_value(key), expected.raw_value(key))) << key;
  }
}

TEST(Convert, AFolderBecomesTheGoldenGgufAndMmproj) {
  const TestFolder out;
  const ConvertReport report = converted(golden("tiny/model"), out / "text.gguf",
                                         {.mmproj = out / "mmproj.gguf", .type = TensorType::f32});
  EXPECT_EQ(report.written.size(), 2u);
  EXPECT_TRUE(report.notes.empty()) << report.notes[0];
  const base::Result<Gguf> text = Gguf::open(out / "text.gguf"),
                           mmproj = Gguf::open(out / "mmproj.gguf"),
                           golden_text = Gguf::open(golden("tiny/tiny-f32.gguf")),
                           golden_mmproj = Gguf::open(golden("tiny/mmproj-f32.gguf"));
  ASSERT_TRUE(text) << text.error().message;
  ASSERT_TRUE(mmproj) << mmproj.error().message;
  expect_same_tensors(*text, *golden_text);
  expect_same_tensors(*mmproj, *golden_mmproj);
  expect_same_metadata(*text, *golden_text, {"general.name", "tokenizer.ggml.scores"});
  expect_same_metadata(*mmproj, *golden_mmproj, {"general.name"});
  EXPECT_EQ(mmproj->keys().size(), golden_mmproj->keys().size());
  for (const StoredTensor& t : golden_mmproj->tensors())
    EXPECT_EQ(mmproj->find(t.name)->type, t.type) << t.name;
}

TEST(Convert, TypesAreKeptWhereNoneIsAskedFor) {
  const TestFolder out;
  converted(golden("tiny/model"), out / "text.gguf", {.mmproj = out / "mmproj.gguf"});
  const base::Result<Gguf> text = Gguf::open(out / "text.gguf"),
                           mmproj = Gguf::open(out / "mmproj.gguf");
  EXPECT_EQ(text->find("token_embd.weight")->type, TensorType::bf16);
  EXPECT_EQ(text->find("blk.5.attn_norm.weight")->type, TensorType::f32);
  // As in the published file: the two projections BF16, all else F32.
  for (const StoredTensor& t : mmproj->tensors())
    EXPECT_EQ(t.type, t.name.starts_with("mm.") ? TensorType::bf16 : TensorType::f32) << t.name;
  const base::Result<Gguf> golden_text = Gguf::open(golden("tiny/tiny-f32.gguf"));
  expect_same_tensors(*text, *golden_text);
  expect_golden_logits(out / "text.gguf", "tiny/text_t40_ids.npy", "tiny/text_t40_logits.npy");
}

TEST(Convert, FolderToGgufToFolderIsBitEqual) {
  const TestFolder out;
  converted(golden("tiny/model"), out / "text.gguf", {.mmproj = out / "mmproj.gguf"});
  const ConvertReport report =
      converted(out / "text.gguf", out / "folder", {.mmproj = out / "mmproj.gguf"});
  EXPECT_TRUE(report.notes.empty()) << report.notes[0];
  const base::Result<Safetensors> before =
                                      Safetensors::open(golden("tiny/model/model.safetensors")),
                                  after = Safetensors::open(out / "folder/model.safetensors");
  ASSERT_TRUE(after) << after.error().message;
  ASSERT_EQ(after->tensors().size(), before->tensors().size());
  for (const StoredTensor& b : before->tensors()) {
    const StoredTensor* a = after->find(b.name);
    ASSERT_NE(a, nullptr) << b.name;
    EXPECT_EQ(a->type, b.type) << b.name;
    EXPECT_EQ(a->shape, b.shape) << b.name;
    EXPECT_TRUE(std::ranges::equal(a->data, b.data)) << b.name;
  }
  // The configuration says the same in the other spelling, the tokenizer too.
  const base::Result<Checkpoint> x = Checkpoint::open(golden("tiny/model")),
                                 y = Checkpoint::open(out / "folder");
  ASSERT_TRUE(y) << y.error().message;
  const Architecture a = *x->architecture(), b = *y->architecture();
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (size_t i = 0; i < a.layers.size(); ++i) {
    EXPECT_EQ(a.layers[i].head_dim, b.layers[i].head_dim);
    EXPECT_EQ(a.layers[i].n_kv_heads, b.layers[i].n_kv_heads);
    EXPECT_EQ(a.layers[i].sliding, b.layers[i].sliding);
    EXPECT_EQ(a.layers[i].value_from_key, b.layers[i].value_from_key);
    EXPECT_EQ(a.layers[i].rope_frequencies, b.layers[i].rope_frequencies);
  }
  EXPECT_EQ(y->hub()->media.audio_end, x->hub()->media.audio_end);
  EXPECT_EQ(y->hub()->media.video, x->hub()->media.video);
  EXPECT_EQ(y->hub()->vision->positions, x->hub()->vision->positions);
  EXPECT_EQ(y->hub()->audio->samples_per_token, x->hub()->audio->samples_per_token);
  EXPECT_EQ(x->vocabulary()->pieces, y->vocabulary()->pieces);
  EXPECT_EQ(x->vocabulary()->merges, y->vocabulary()->merges);
  EXPECT_EQ(x->vocabulary()->kinds, y->vocabulary()->kinds);
  expect_golden_logits(out / "folder", "tiny/text_t24_ids.npy", "tiny/text_t24_logits.npy");
}

TEST(Convert, ATextOnlyGgufBecomesATextOnlyFolder) {
  const TestFolder out;
  converted(golden("tiny/tiny-f32.gguf"), out / "folder");
  const base::Result<Safetensors> tensors = Safetensors::open(out / "folder/model.safetensors");
  ASSERT_TRUE(tensors);
  EXPECT_NE(tensors->find("model.layers.0.mlp.up_proj.weight"), nullptr);
  expect_golden_logits(out / "folder", "tiny/text_t24_ids.npy", "tiny/text_t24_logits.npy");
  const ConvertReport quantized =
      converted(golden("tiny/tiny-q8_0.gguf"), out / "from-q8", {.type = TensorType::f32});
  ASSERT_EQ(quantized.notes.size(), 1u);
  EXPECT_NE(quantized.notes[0].find("quantized"), std::string::npos);
  expect_golden_logits(out / "from-q8", "tiny/gguf_ids.npy",
                       "tiny/gguf_q8_0_logits_dequant_f32.npy");
}

TEST(Convert, ADrafterBecomesTheGoldenGgufAndComesBack) {
  const TestFolder out;
  converted(golden("tiny/assistant"), out / "drafter.gguf", {.type = TensorType::f32});
  const base::Result<Gguf> drafter = Gguf::open(out / "drafter.gguf"),
                           expected = Gguf::open(golden("tiny/assistant-f32.gguf"));
  ASSERT_TRUE(drafter) << drafter.error().message;
  expect_same_tensors(*drafter, *expected);
  for (const std::string& key : expected->keys()) {
    if (key.starts_with("tokenizer.") || key == "general.name" || key == "general.file_type")
      continue;
    EXPECT_TRUE(std::ranges::equal(drafter->raw_value(key), expected->raw_value(key))) << key;
  }
  converted(out / "drafter.gguf", out / "folder");
  const base::Result<Safetensors> before =
                                      Safetensors::open(golden("tiny/assistant/model.safetensors")),
                                  after = Safetensors::open(out / "folder/model.safetensors");
  ASSERT_TRUE(after);
  for (const StoredTensor& b : before->tensors()) {
    const StoredTensor* a = after->find(b.name);
    ASSERT_NE(a, nullptr) << b.name;
    EXPECT_TRUE(std::ranges::equal(a->data, b.data)) << b.name;
  }
  EXPECT_EQ(Checkpoint::open(out / "folder")->kind(), CheckpointKind::drafter);
}

TEST(Convert, Gemma3NormsMoveByOneOnTheWay) {
  // The tiny checkpoint dressed as a Gemma 3: one head geometry, no scalars.
  const TestFolder in, out;
  const json config = {{"model_type", "gemma3_text"},
                       {"hidden_size", 32},
                       {"intermediate_size", 64},
                       {"num_hidden_layers", 6},
                       {"num_attention_heads", 2},
                       {"num_key_value_heads", 1},
                       {"head_dim", 16},
                       {"query_pre_attn_scalar", 16},
                       {"sliding_window", 8},
                       {"vocab_size", 40},
                       {"max_position_embeddings", 128}};
  in.write("config.json", config.dump());
  std::mt19937 random(7);
  auto bf16 = [&] {
    const float v = std::uniform_real_distribution<float>(-1, 1)(random);
    uint32_t bits;
    std::memcpy(&bits, &v, 4);
    return static_cast<uint16_t>(bits >> 16);
  };
  SafetensorsWriter w;
  std::vector<std::vector<uint16_t>> data;
  auto add = [&](const std::string& name, std::vector<uint64_t> shape) {
    uint64_t n = 1;
    for (const uint64_t d : shape) n *= d;
    w.add_tensor(name, shape, TensorType::bf16);
    std::vector<uint16_t> v(n);
    for (uint16_t& x : v) x = bf16();
    data.push_back(std::move(v));
  };
  add("model.embed_tokens.weight", {32, 40});
  add("model.norm.weight", {32});
  for (int i = 0; i < 6; ++i) {
    const std::string l = "model.layers." + std::to_string(i) + ".";
    for (const char* norm : {"input_layernorm", "post_attention_layernorm",
                             "pre_feedforward_layernorm", "post_feedforward_layernorm"})
      add(l + norm + ".weight", {32});
    add(l + "self_attn.q_norm.weight", {16});
    add(l + "self_attn.k_norm.weight", {16});
    add(l + "self_attn.q_proj.weight", {32, 32});
    add(l + "self_attn.k_proj.weight", {32, 16});
    add(l + "self_attn.v_proj.weight", {32, 16});
    add(l + "self_attn.o_proj.weight", {32, 32});
    add(l + "mlp.gate_proj.weight", {32, 64});
    add(l + "mlp.up_proj.weight", {32, 64});
    add(l + "mlp.down_proj.weight", {64, 32});
  }
  ASSERT_TRUE(w.begin(in / "model.safetensors", false));
  for (const std::vector<uint16_t>& v : data) ASSERT_TRUE(w.write(std::as_bytes(std::span(v))));
  ASSERT_TRUE(w.finish());

  converted(in.path(), out / "gemma3.gguf");
  const base::Result<Checkpoint> folder = Checkpoint::open(in.path()),
                                 file = Checkpoint::open(out / "gemma3.gguf");
  ASSERT_TRUE(file) << file.error().message;
  const base::Result<Weights> a = Weights::bind(folder->tensors(), *folder->architecture()),
                              b = Weights::bind(file->tensors(), *file->architecture());
  ASSERT_TRUE(a) << a.error().message;
  ASSERT_TRUE(b) << b.error().message;
  EXPECT_EQ(a->output_norm, b->output_norm);
  EXPECT_EQ(a->layers[3].query_norm, b->layers[3].query_norm);
  EXPECT_EQ(a->layers[5].feed_forward_norm, b->layers[5].feed_forward_norm);
  EXPECT_EQ(a->output_norm[0], values(*folder->tensors().find("output_norm.weight"))[0] + 1);
  EXPECT_EQ(folder->architecture()->attention_scale, file->architecture()->attention_scale);

  converted(out / "gemma3.gguf", out / "back");
  const base::Result<Safetensors> before = Safetensors::open(in / "model.safetensors"),
                                  after = Safetensors::open(out / "back/model.safetensors");
  ASSERT_TRUE(after);
  for (const StoredTensor& t : before->tensors())
    EXPECT_EQ(values(*after->find(t.name)), values(t)) << t.name;
}

TEST(Convert, NothingIsReplacedUnasked) {
  const TestFolder out;
  out.write("text.gguf", "precious");
  const base::Result<ConvertReport> refused =
      convert(golden("tiny/model"), out / "text.gguf", {.threads = 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Errc::refused);
  EXPECT_EQ(read_all(out / "text.gguf"), "precious");
  converted(golden("tiny/model"), out / "text.gguf", {.replace = true});
  EXPECT_TRUE(Gguf::open(out / "text.gguf"));
  std::filesystem::create_directory(out / "folder");
  out.write("folder/config.json", "{}");
  EXPECT_EQ(convert(golden("tiny/tiny-f32.gguf"), out / "folder", {.threads = 1}).error().code,
            base::Errc::refused);
  EXPECT_EQ(quantize_gguf(golden("tiny/tiny-f32.gguf"), out / "text.gguf", TensorType::q8_0,
                          {.threads = 1})
                .error()
                .code,
            base::Errc::refused);
}

TEST(Convert, AWrongMmprojIsNamed) {
  const TestFolder out;
  base::Result<ConvertReport> report =
      convert(golden("tiny/tiny-f32.gguf"), out / "a",
              {.mmproj = golden("tiny/tiny-q4_0.gguf"), .threads = 1});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, base::Errc::usage);
  // One whose projection leads to another width.
  std::string bytes = read_all(golden("tiny/mmproj-f32.gguf"));
  const size_t at = bytes.find("mm.input_projection.weight");
  ASSERT_NE(at, std::string::npos);
  uint64_t dims[2];
  const size_t where = at + 26 + 4;
  std::memcpy(dims, bytes.data() + where, 16);
  ASSERT_EQ(dims[0], 48u);
  dims[1] = 32;
  std::memcpy(bytes.data() + where, dims, 16);
  out.write("wrong.gguf", bytes);
  report = convert(golden("tiny/tiny-f32.gguf"), out / "b",
                   {.mmproj = out / "wrong.gguf", .threads = 1});
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().message.find("mm.input_projection.weight"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(out / "b"));
}

// ---- quantizing -------------------------------------------------------------------------------

TEST(Quantize, QuantizingTheTinyCheckpointGivesItsGoldenTwinsBitForBit) {
  for (const auto& [type, twin] : {std::pair{TensorType::q8_0, "tiny/tiny-q8_0.gguf"},
                                   {TensorType::q4_0, "tiny/tiny-q4_0.gguf"}}) {
    const TestFolder out;
    const base::Result<ConvertReport> report =
        quantize_gguf(golden("tiny/tiny-f32.gguf"), out / "q.gguf", type, {.threads = 2});
    ASSERT_TRUE(report) << report.error().message;
    const base::Result<Gguf> actual = Gguf::open(out / "q.gguf"),
                             expected = Gguf::open(golden(twin));
    ASSERT_TRUE(actual) << actual.error().message;
    ASSERT_EQ(actual->tensors().size(), expected->tensors().size());
    for (const StoredTensor& e : expected->tensors()) {
      const StoredTensor* a = actual->find(e.name);
      ASSERT_NE(a, nullptr);
      EXPECT_EQ(a->type, e.type) << e.name;
      EXPECT_TRUE(std::ranges::equal(a->data, e.data)) << e.name;
    }
    expect_same_metadata(*actual, *expected, {});
  }
}

TEST(Quantize, RowsThatAreNoWholeBlocksGetAWiderTypeAndTheReportSaysSo) {
  const TestFolder out;
  const base::Result<ConvertReport> report =
      quantize_gguf(golden("tiny/tiny-f32.gguf"), out / "q.gguf", TensorType::q4_k, {.threads = 2});
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->notes.size(), 1u);
  EXPECT_NE(report->notes[0].find("Q5_0"), std::string::npos) << report->notes[0];
  const base::Result<Gguf> file = Gguf::open(out / "q.gguf");
  EXPECT_EQ(file->find("blk.0.ffn_up.weight")->type, TensorType::q5_0);
  EXPECT_EQ(file->find("blk.0.ffn_norm.weight")->type, TensorType::f32);
}

std::vector<float> normal_values(size_t n, float sigma, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> d(0, sigma);
  std::vector<float> v(n);
  for (float& x : v) x = d(random);
  return v;
}

double relative_error(TensorType type, const std::vector<float>& x) {
  std::vector<std::byte> bytes(row_bytes(type, x.size()));
  quantize_row(type, x, bytes.data());
  std::vector<float> y(x.size());
  dequantize_row(type, bytes.data(), y);
  double error = 0, power = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    error += std::pow(static_cast<double>(y[i] - x[i]), 2);
    power += std::pow(static_cast<double>(x[i]), 2);
  }
  return std::sqrt(error / power);
}

// Relative L2 error of normal weights.
TEST(Quantize, TheErrorOfEveryFormatStaysBelowItsBound) {
  const std::vector<float> x = normal_values(size_t{256} * 256, 0.02f, 1);
  EXPECT_EQ(relative_error(TensorType::f32, x), 0);
  EXPECT_LT(relative_error(TensorType::f16, x), 3e-4);
  EXPECT_LT(relative_error(TensorType::bf16, x), 2e-3);
  EXPECT_LT(relative_error(TensorType::q8_0, x), 7e-3);
  EXPECT_LT(relative_error(TensorType::q4_0, x), 0.1);
  EXPECT_LT(relative_error(TensorType::q4_1, x), 0.09);
  EXPECT_LT(relative_error(TensorType::q5_0, x), 0.05);
  EXPECT_LT(relative_error(TensorType::q5_1, x), 0.045);
  EXPECT_LT(relative_error(TensorType::q4_k, x), 7.4e-2);
  EXPECT_LT(relative_error(TensorType::q5_k, x), 3.7e-2);
  EXPECT_LT(relative_error(TensorType::q6_k, x), 1.85e-2);
}

TEST(Quantize, AwkwardRowsStayFiniteAndNear) {
  std::vector<std::vector<float>> rows;
  rows.emplace_back(256, 0.0f);
  rows.emplace_back(256, 1e-42f);  // denormal
  rows.emplace_back(256, -3.5f);
  rows.emplace_back(256, 1.0f / 3);
  std::vector<float> ramp(256), spike(256, 0.0f), tiny(256), far(256, 5.0f);
  for (size_t i = 0; i < 256; ++i) ramp[i] = static_cast<float>(i) - 128;
  for (size_t i = 0; i < 256; ++i) tiny[i] = (static_cast<float>(i) - 100) * 1e-39f;
  spike[77] = -60000;
  far[3] = 5.001f;
  for (const auto& r : {ramp, spike, tiny, far}) rows.push_back(r);
  for (const TensorType type :
       {TensorType::q8_0, TensorType::q4_0, TensorType::q4_1, TensorType::q5_0, TensorType::q5_1,
        TensorType::q4_k, TensorType::q5_k, TensorType::q6_k}) {
    for (size_t r = 0; r < rows.size(); ++r) {
      SCOPED_TRACE(std::string(block_layout(type)->name) + " row " + std::to_string(r));
      const std::vector<float>& x = rows[r];
      std::vector<std::byte> bytes(row_bytes(type, 256));
      quantize_row(type, x, bytes.data());
      std::vector<float> y(256);
      dequantize_row(type, bytes.data(), y);
      float largest = 0;
      for (const float v : x) largest = std::max(largest, std::fabs(v));
      for (size_t i = 0; i < 256; ++i) {
        ASSERT_TRUE(std::isfinite(y[i]));
        ASSERT_NEAR(y[i], x[i], largest * 0.13f + 1e-7f) << i;
      }
    }
  }
}

TEST(Quantize, TinyWeightsKeepTheirShapeInTheKFormats) {
  // A sub-block's scale (about 4e-7 for Q4_K) is then a multiple of f16's smallest step, 6e-8, so
  // up to a tenth off however fine the numbers under it are.
  const std::vector<float> x = normal_values(size_t{256} * 16, 1e-6f, 2);
  EXPECT_LT(relative_error(TensorType::q4_k, x), 0.12);
  EXPECT_LT(relative_error(TensorType::q5_k, x), 0.12);
  EXPECT_LT(relative_error(TensorType::q6_k, x), 0.12);
  const std::vector<float> vanishing = normal_values(256, 1e-9f, 2);
  for (const TensorType type : {TensorType::q4_k, TensorType::q5_k, TensorType::q6_k})
    EXPECT_LE(relative_error(type, vanishing), 1) << block_layout(type)->name;
}

TEST(Quantize, WhatAQuantizedRowDecodesToQuantizesToItself) {
  // With the scale fixed by the extreme value, a second rounding has nothing left to do.
  for (const TensorType type : {TensorType::q4_0, TensorType::f16, TensorType::bf16}) {
    const std::vector<float> x = normal_values(512, 1, 3);
    std::vector<std::byte> once(row_bytes(type, 512)), twice(once.size());
    quantize_row(type, x, once.data());
    std::vector<float> y(512);
    dequantize_row(type, once.data(), y);
    quantize_row(type, y, twice.data());
    EXPECT_EQ(once, twice) << block_layout(type)->name;
  }
}

TEST(Quantize, ANumberThatIsNoneIsRefusedByName) {
  const TestFolder out;
  std::string bytes = read_all(golden("tiny/tiny-f32.gguf"));
  const base::Result<Gguf> original = Gguf::open(golden("tiny/tiny-f32.gguf"));
  const StoredTensor* t = original->find("blk.2.ffn_up.weight");
  const size_t at = bytes.find(std::string(reinterpret_cast<const char*>(t->data.data()), 64));
  ASSERT_NE(at, std::string::npos);
  const float nan = NAN;
  std::memcpy(bytes.data() + at + 8, &nan, 4);
  out.write("nan.gguf", bytes);
  const base::Result<ConvertReport> report =
      quantize_gguf(out / "nan.gguf", out / "q.gguf", TensorType::q8_0, {.threads = 1});
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().message.find("blk.2.ffn_up.weight"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(out / "q.gguf"));
}

// ---- adapters ---------------------------------------------------------------------------------

void expect_equal(const Lora& a, const Lora& b) {
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (size_t i = 0; i < a.layers.size(); ++i)
    for (size_t p = 0; p < kProjections; ++p) {
      EXPECT_EQ(a.layers[i][p].rank, b.layers[i][p].rank);
      EXPECT_EQ(a.layers[i][p].scale, b.layers[i][p].scale);
      EXPECT_EQ(a.layers[i][p].a, b.layers[i][p].a);
      EXPECT_EQ(a.layers[i][p].b, b.layers[i][p].b);
    }
}

TEST(Peft, AFolderEqualsItsGgufTwinAndGivesTheReferenceLogits) {
  const Architecture a = *Checkpoint::open(golden("tiny/model"))->architecture();
  const base::Result<Lora> folder = Lora::open(golden("tiny/lora"), a),
                           file = Lora::open(golden("tiny/lora-f32.gguf"), a);
  ASSERT_TRUE(folder) << folder.error().message;
  ASSERT_TRUE(file) << file.error().message;
  expect_equal(*folder, *file);
  expect_golden_logits(golden("tiny/model"), "tiny/lora_ids.npy", "tiny/lora_logits.npy",
                       golden("tiny/lora"));
}

TEST(Peft, FolderToGgufToFolderKeepsEveryBit) {
  const TestFolder out;
  converted(golden("tiny/lora"), out / "lora.gguf");  // its base is ../model
  const base::Result<Gguf> file = Gguf::open(out / "lora.gguf"),
                           expected = Gguf::open(golden("tiny/lora-f32.gguf"));
  ASSERT_TRUE(file) << file.error().message;
  expect_same_tensors(*file, *expected);
  expect_same_metadata(*file, *expected, {});
  converted(out / "lora.gguf", out / "back", {.base = golden("tiny/model")});
  const base::Result<Safetensors> before = Safetensors::open(
                                      golden("tiny/lora/adapter_model.safetensors")),
                                  after = Safetensors::open(out / "back/adapter_model.safetensors");
  ASSERT_TRUE(after) << after.error().message;
  ASSERT_EQ(after->tensors().size(), before->tensors().size());
  for (const StoredTensor& b : before->tensors())
    EXPECT_TRUE(std::ranges::equal(after->find(b.name)->data, b.data)) << b.name;
  const Architecture a = *Checkpoint::open(golden("tiny/model"))->architecture();
  expect_equal(*Lora::open(out / "back", a), *Lora::open(golden("tiny/lora"), a));
}

TEST(Peft, ScalesFollowRankAlphaAndTheirPatterns) {
  const json config = {{"peft_type", "LORA"},
                       {"r", 4},
                       {"lora_alpha", 8},
                       {"rank_pattern", {{"q_proj", 2}}},
                       {"alpha_pattern", {{"layers.3.mlp.up_proj", 20}}}};
  base::Result<PeftConfig> c = PeftConfig::parse(config.dump(), "c");
  ASSERT_TRUE(c) << c.error().message;
  EXPECT_EQ(*c->scale("model.layers.0.mlp.up_proj", 4), 2.0f);
  EXPECT_EQ(*c->scale("model.layers.3.mlp.up_proj", 4), 5.0f);
  EXPECT_EQ(*c->scale("model.layers.13.mlp.up_proj", 4), 2.0f);
  EXPECT_EQ(*c->scale("model.layers.0.self_attn.q_proj", 2), 4.0f);
  EXPECT_FALSE(c->scale("model.layers.0.self_attn.q_proj", 4));
  json stabilized = config;
  stabilized["use_rslora"] = true;
  c = PeftConfig::parse(stabilized.dump(), "c");
  EXPECT_EQ(*c->scale("model.layers.0.mlp.up_proj", 4), 4.0f);
}

TEST(Peft, AScaleOfItsOwnGoesIntoBOnTheWayToGguf) {
  const TestFolder out;
  std::filesystem::create_directory(out / "lora");
  std::filesystem::copy(golden("tiny/lora/adapter_model.safetensors"),
                        out / "lora/adapter_model.safetensors");
  json config = json::parse(read_all(golden("tiny/lora/adapter_config.json")));
  config["alpha_pattern"] = {{"layers.2.mlp.down_proj", 3}};
  config["use_rslora"] = true;
  out.write("lora/adapter_config.json", config.dump());
  const ConvertReport report =
      converted(out / "lora", out / "lora.gguf", {.base = golden("tiny/model")});
  ASSERT_FALSE(report.notes.empty());
  const Architecture a = *Checkpoint::open(golden("tiny/model"))->architecture();
  const Lora x = *Lora::open(out / "lora", a), y = *Lora::open(out / "lora.gguf", a);
  for (size_t i = 0; i < x.layers.size(); ++i)
    for (size_t p = 0; p < kProjections; ++p)
      for (size_t n = 0; n < x.layers[i][p].b.size(); ++n)
        ASSERT_NEAR(x.layers[i][p].scale * x.layers[i][p].b[n],
                    y.layers[i][p].scale * y.layers[i][p].b[n], 1e-6f);
  EXPECT_NE(x.layers[2][6].scale, x.layers[3][6].scale);
}

TEST(Peft, WhatIsNotSupportedIsRefusedByName) {
  const json good = json::parse(read_all(golden("tiny/lora/adapter_config.json")));
  struct Case {
    const char* key;
    json value;
    base::Errc code = base::Errc::unsupported;
  };
  for (const Case& c : std::vector<Case>{{"use_dora", true},
                                         {"bias", "all"},
                                         {"fan_in_fan_out", true},
                                         {"modules_to_save", {"lm_head"}},
                                         {"peft_type", "IA3"},
                                         {"rank_pattern", {{".*q_proj", 3}}},
                                         {"r", 0, base::Errc::corrupt},
                                         {"r", 1e12, base::Errc::corrupt},
                                         {"r", "8", base::Errc::corrupt},
                                         {"lora_alpha", nullptr, base::Errc::corrupt},
                                         {"alpha_pattern", 3, base::Errc::corrupt}}) {
    json config = good;
    config[c.key] = c.value;
    const base::Result<PeftConfig> parsed = PeftConfig::parse(config.dump(), "adapter_config.json");
    ASSERT_FALSE(parsed) << c.key;
    EXPECT_EQ(parsed.error().code, c.code) << parsed.error().message;
    EXPECT_NE(parsed.error().message.find(c.key), std::string::npos) << parsed.error().message;
  }
  // A module that is no linear layer of the decoder, one without its B, one of another width.
  const Architecture a = *Checkpoint::open(golden("tiny/model"))->architecture();
  const std::string bytes = read_all(golden("tiny/lora/adapter_model.safetensors"));
  struct Edit {
    std::string from, to, named;
  };
  for (const Edit& e :
       std::vector<Edit>{{"layers.0.mlp.up_proj.lora_A", "layers.0.mlp.zz_proj.lora_A", "zz_proj"},
                         {"language_model.layers.7.", "language_model.layers.9.", "layers.9"},
                         {"layers.0.mlp.up_proj.lora_A", "layers.0.mlp.up_proj.lora_C", "lora_C"},
                         {"\"shape\":[4,160]", "\"shape\":[160,4]", "down_proj"}}) {
    const TestFolder folder;
    std::string edited = bytes;
    ASSERT_NE(edited.find(e.from), std::string::npos) << e.from;
    for (size_t at = 0; (at = edited.find(e.from, at)) != std::string::npos; at += e.to.size())
      edited.replace(at, e.from.size(), e.to);
    folder.write("adapter_model.safetensors", edited);
    folder.write("adapter_config.json", good.dump());
    const base::Result<Lora> lora = Lora::open(folder.path(), a);
    ASSERT_FALSE(lora) << e.to;
    EXPECT_NE(lora.error().message.find(e.named), std::string::npos) << lora.error().message;
  }
}

}  // namespace
}  // namespace model
