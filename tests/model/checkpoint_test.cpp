#include "model/checkpoint.h"

#include <gtest/gtest.h>

#include "base/json.h"

#include "model/gguf.h"
#include "model/hub_config.h"
#include "model/hub_names.h"
#include "model/model.h"
#include "model/tokenizer_json.h"
#include "tests/golden.h"
#include "tests/model/folder.h"
#include "tests/npy.h"

// The folder tests/golden/tiny/model and the file tiny-f32.gguf hold the same checkpoint: what is
// read from one must equal what is read from the other, and both the reference.

namespace model {
namespace {

using nlohmann::json;

Checkpoint open(const std::filesystem::path& path) {
  base::Result<Checkpoint> file = Checkpoint::open(path);
  if (!file) throw std::runtime_error(file.error().message);
  return std::move(*file);
}

std::vector<float> values(const StoredTensor& t) {
  std::vector<float> v(t.n_elements());
  dequantize_row(t.type, t.data.data(), v);
  return v;
}

void expect_equal(const Architecture& a, const Architecture& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.n_layers, b.n_layers);
  EXPECT_EQ(a.hidden, b.hidden);
  EXPECT_EQ(a.feed_forward, b.feed_forward);
  EXPECT_EQ(a.n_heads, b.n_heads);
  EXPECT_EQ(a.vocab_size, b.vocab_size);
  EXPECT_EQ(a.context_length, b.context_length);
  EXPECT_EQ(a.sliding_window, b.sliding_window);
  EXPECT_EQ(a.backbone_hidden, b.backbone_hidden);
  EXPECT_EQ(a.norm_eps, b.norm_eps);
  EXPECT_EQ(a.embedding_scale, b.embedding_scale);
  EXPECT_EQ(a.attention_scale, b.attention_scale);
  EXPECT_EQ(a.logit_softcap, b.logit_softcap);
  EXPECT_EQ(a.value_norm, b.value_norm);
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (size_t i = 0; i < a.layers.size(); ++i) {
    SCOPED_TRACE("layer " + std::to_string(i));
    EXPECT_EQ(a.layers[i].head_dim, b.layers[i].head_dim);
    EXPECT_EQ(a.layers[i].n_kv_heads, b.layers[i].n_kv_heads);
    EXPECT_EQ(a.layers[i].sliding, b.layers[i].sliding);
    EXPECT_EQ(a.layers[i].value_from_key, b.layers[i].value_from_key);
    EXPECT_EQ(a.layers[i].rope_frequencies, b.layers[i].rope_frequencies);
  }
}

TEST(Checkpoint, AFolderHasTheArchitectureOfItsGgufTwinInEitherSpelling) {
  const Architecture expected = *open(golden("tiny/tiny-f32.gguf")).architecture();
  for (const char* name : {"config.json", "config_hub_style.json"}) {
    SCOPED_TRACE(name);
    const base::Result<HubConfig> hub =
        HubConfig::parse(read_all(golden("tiny/model") / name), name);
    ASSERT_TRUE(hub) << hub.error().message;
    expect_equal(hub->architecture, expected);
    ASSERT_TRUE(hub->vision && hub->audio);
    EXPECT_EQ(hub->vision->model_patch_size(), 48);
    EXPECT_EQ(hub->vision->embed_dim, 48);
    EXPECT_EQ(hub->vision->positions, 80);
    EXPECT_EQ(hub->vision->default_soft_tokens, 280);
    EXPECT_EQ(hub->audio->samples_per_token, 640);
    EXPECT_EQ(hub->media.image_begin, 500);
    EXPECT_EQ(hub->media.image, 501);
    EXPECT_EQ(hub->media.image_end, 502);
    EXPECT_EQ(hub->media.audio_begin, 503);
    EXPECT_EQ(hub->media.audio, 504);
    EXPECT_EQ(hub->media.audio_end, 505);
    EXPECT_EQ(hub->media.video, 506);
  }
  const Checkpoint folder = open(golden("tiny/model"));
  EXPECT_EQ(folder.kind(), CheckpointKind::decoder);
  expect_equal(*folder.architecture(), expected);
  expect_equal(*open(golden("tiny/model/config.json")).architecture(), expected);
}

TEST(Checkpoint, AFolderHasTheWeightsOfItsGgufTwinBitForBit) {
  const Checkpoint folder = open(golden("tiny/model")), file = open(golden("tiny/tiny-f32.gguf"));
  size_t compared = 0;
  for (const Checkpoint::Named& t : file.named_tensors()) {
    if (t.gguf_name == "rope_freqs.weight") continue;
    const StoredTensor* twin = folder.tensors().find(t.gguf_name);
    ASSERT_NE(twin, nullptr) << t.gguf_name;
    EXPECT_EQ(twin->shape, t.tensor->shape) << t.gguf_name;
    EXPECT_EQ(values(*twin), values(*t.tensor)) << t.gguf_name;
    ++compared;
  }
  EXPECT_EQ(compared, 112u);
  const base::Result<Weights> weights = Weights::bind(folder.tensors(), *folder.architecture());
  ASSERT_TRUE(weights) << weights.error().message;
}

TEST(Checkpoint, MediaTensorsOfAFolderAreFoundByTheNamesOfTheMmproj) {
  const Checkpoint folder = open(golden("tiny/model")),
                   mmproj = open(golden("tiny/mmproj-f32.gguf"));
  EXPECT_EQ(mmproj.kind(), CheckpointKind::projector);
  EXPECT_EQ(mmproj.architecture().error().code, base::Errc::unsupported);
  EXPECT_EQ(mmproj.tensors().convention, Convention::gguf);
  EXPECT_EQ(folder.tensors().convention, Convention::hub);
  EXPECT_EQ(mmproj.named_tensors().size(), 11u);
  for (const Checkpoint::Named& t : mmproj.named_tensors()) {
    const StoredTensor* twin = folder.tensors().find(t.gguf_name);
    ASSERT_NE(twin, nullptr) << t.gguf_name;
    EXPECT_EQ(twin->n_elements(), t.tensor->n_elements()) << t.gguf_name;
  }
}

TEST(Checkpoint, ADrafterOpensFromAFolderAndFromGguf) {
  const Checkpoint folder = open(golden("tiny/assistant")),
                   file = open(golden("tiny/assistant-f32.gguf"));
  for (const Checkpoint* c : {&folder, &file}) {
    EXPECT_EQ(c->kind(), CheckpointKind::drafter);
    EXPECT_EQ(c->architecture().error().code, base::Errc::unsupported);
  }
  expect_equal(*folder.drafter_architecture(), *file.drafter_architecture());
  EXPECT_EQ(folder.drafter_architecture()->backbone_hidden, 64);
  for (const Checkpoint::Named& t : file.named_tensors()) {
    if (t.gguf_name == "rope_freqs.weight") continue;
    const StoredTensor* twin = folder.tensors().find(t.gguf_name);
    ASSERT_NE(twin, nullptr) << t.gguf_name;
    EXPECT_EQ(twin->shape, t.tensor->shape) << t.gguf_name;
    EXPECT_EQ(values(*twin), values(*t.tensor)) << t.gguf_name;
  }
}

TEST(Checkpoint, AFolderWithoutTokenizerOpensAndSaysSoOnlyWhenAsked) {
  const TestFolder folder;
  for (const char* name : {"config.json", "model.safetensors"})
    std::filesystem::copy(golden("tiny/model") / name, folder / name);
  const Checkpoint file = open(folder.path());
  EXPECT_TRUE(file.architecture());
  EXPECT_TRUE(Weights::bind(file.tensors(), *file.architecture()));
  EXPECT_EQ(file.chat_template(), "");
  const base::Result<Tokenizer> tokenizer = file.tokenizer();
  ASSERT_FALSE(tokenizer);
  EXPECT_EQ(tokenizer.error().code, base::Errc::not_found);
  EXPECT_NE(tokenizer.error().message.find("tokenizer.json"), std::string::npos);
}

TEST(Checkpoint, TheChatTemplateComesFromEitherFile) {
  const TestFolder folder;
  for (const char* name : {"config.json", "model.safetensors"})
    std::filesystem::copy(golden("tiny/model") / name, folder / name);
  folder.write("tokenizer_config.json", R"({"chat_template": "{{ a }}"})");
  EXPECT_EQ(open(folder.path()).chat_template(), "{{ a }}");
  folder.write("tokenizer_config.json",
               R"({"chat_template": [{"name": "default", "template": "{{ b }}"}]})");
  EXPECT_EQ(open(folder.path()).chat_template(), "{{ b }}");
  folder.write("chat_template.jinja", "{{ c }}");
  EXPECT_EQ(open(folder.path()).chat_template(), "{{ c }}");
}

TEST(Checkpoint, LogitsOverAFolderEqualTheReference) {
  const base::Result<Engine> engine =
      Engine::load(golden("tiny/model"), {.precision = Precision::f32, .threads = 2});
  ASSERT_TRUE(engine) << engine.error().message;
  for (const std::string name : {"t5", "t24", "t40"}) {
    Session session(*engine, 64);
    std::vector<Position> prompt;
    for (const int32_t id : read_npy<int32_t>(golden("tiny/text_" + name + "_ids.npy")))
      prompt.push_back({.id = id});
    base::Result<std::vector<float>> logits = session.all_logits(prompt);
    ASSERT_TRUE(logits) << logits.error().message;
    const std::vector<float> expected =
        read_npy<float>(golden("tiny/text_" + name + "_logits.npy"));
    ASSERT_EQ(logits->size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
      ASSERT_NEAR((*logits)[i], expected[i], 2e-3f) << name << " " << i;
  }
}

TEST(HubNames, EverySpellingOfATensorIsKnownAndPublishedOnesComeBack) {
  EXPECT_EQ(gguf_name("model.language_model.layers.47.mlp.up_proj.weight"), "blk.47.ffn_up.weight");
  EXPECT_EQ(gguf_name("model.layers.3.self_attn.q_norm.weight"), "blk.3.attn_q_norm.weight");
  EXPECT_EQ(gguf_name("language_model.model.layers.0.input_layernorm.weight"),
            "blk.0.attn_norm.weight");
  EXPECT_EQ(gguf_name("model.embed_vision.patch_ln1.bias"), "v.patch_norm.1.bias");
  EXPECT_EQ(gguf_name("model.embed_vision.pos_embedding"), "v.position_embd.weight");
  EXPECT_EQ(gguf_name("model.embed_vision.multimodal_embedder.embedding_projection.weight"),
            "mm.input_projection.weight");
  EXPECT_EQ(gguf_name("model.embed_audio.embedding_projection.weight"),
            "mm.a.input_projection.weight");
  EXPECT_EQ(gguf_name("post_projection.weight"), "nextn.post_projection.weight");
  for (const char* strange :
       {"", "model.", "model.layers.weight", "model.layers.-1.layer_scalar",
        "model.layers.007.layer_scalar", "model.layers.99999999999.layer_scalar",
        "model.layers.2.mlp.up_proj.bias", "vision_tower.patch_dense.weight", "lm_head.weight"})
    EXPECT_EQ(gguf_name(strange), std::nullopt) << strange;
  const Checkpoint folder = open(golden("tiny/model"));
  for (const Checkpoint::Named& t : folder.named_tensors())
    EXPECT_EQ(hub_name(t.gguf_name, HubStyle::unified), t.tensor->name);
  const Checkpoint drafter = open(golden("tiny/assistant"));
  for (const Checkpoint::Named& t : drafter.named_tensors())
    EXPECT_EQ(hub_name(t.gguf_name, HubStyle::text_only), t.tensor->name);
}

TEST(HubConfig, AnAbsurdOrMissingValueIsNamed) {
  const json good = json::parse(read_all(golden("tiny/model/config.json")));
  struct Case {
    const char* pointer;
    json value;  // null: removed
    const char* named;
    base::Errc code = base::Errc::corrupt;
  };
  const json huge = uint64_t{1} << 62;
  for (const Case& c : std::vector<Case>{
           {"/text_config/hidden_size", nullptr, "hidden_size"},
           {"/text_config/hidden_size", -1, "hidden_size"},
           {"/text_config/hidden_size", huge, "hidden_size"},
           {"/text_config/hidden_size", 64.5, "hidden_size"},
           {"/text_config/num_hidden_layers", 1 << 20, "num_hidden_layers"},
           {"/text_config/num_hidden_layers", 9, "layer_types"},
           {"/text_config/num_attention_heads", 3, "num_key_value_heads"},
           {"/text_config/vocab_size", 0, "vocab_size"},
           {"/text_config/head_dim", 17, "head_dim"},
           {"/text_config/rms_norm_eps", "tiny", "rms_norm_eps"},
           {"/text_config/layer_types/2", "linear_attention", "layer_types",
            base::Errc::unsupported},
           {"/text_config/rope_parameters/full_attention/rope_type", "yarn", "rope_type",
            base::Errc::unsupported},
           {"/text_config/rope_parameters/full_attention/rope_theta", -3, "rope_theta"},
           {"/text_config/per_layer_config/5/head_dim", huge, "per_layer_config.5.head_dim"},
           {"/text_config/num_kv_shared_layers", 4, "num_kv_shared_layers",
            base::Errc::unsupported},
           {"/text_config/enable_moe_block", true, "enable_moe_block", base::Errc::unsupported},
           {"/vision_config/mm_embed_dim", nullptr, "mm_embed_dim"},
           {"/vision_config/patch_size", 100000, "patch_size"},
           {"/image_token_id", -7, "image_token_id"},
           {"/model_type", "llama", "llama", base::Errc::unsupported},
           {"/model_type", nullptr, "model_type"},
           {"/text_config", nullptr, "text_config"},
           {"/text_config", 3, "text_config"},
       }) {
    SCOPED_TRACE(c.pointer);
    json config = good;
    const json::json_pointer at(c.pointer);
    if (c.value.is_null())
      config.at(at.parent_pointer()).erase(at.back());
    else
      config[at] = c.value;
    const base::Result<HubConfig> hub = HubConfig::parse(config.dump(), "config.json");
    ASSERT_FALSE(hub);
    EXPECT_EQ(hub.error().code, c.code) << hub.error().message;
    EXPECT_NE(hub.error().message.find(c.named), std::string::npos) << hub.error().message;
  }
  EXPECT_FALSE(HubConfig::parse("[1", "config.json"));
  EXPECT_FALSE(HubConfig::parse(std::string(100000, '['), "config.json"));
}

TEST(HubConfig, Gemma3TextIsReadFlatAndNested) {
  const json flat = {{"model_type", "gemma3_text"},
                     {"hidden_size", 640},
                     {"intermediate_size", 2048},
                     {"num_hidden_layers", 18},
                     {"num_attention_heads", 4},
                     {"num_key_value_heads", 1},
                     {"head_dim", 256},
                     {"query_pre_attn_scalar", 256},
                     {"sliding_window", 512},
                     {"_sliding_window_pattern", 6},
                     {"vocab_size", 262144},
                     {"max_position_embeddings", 32768},
                     {"rope_theta", 1e6},
                     {"rope_local_base_freq", 1e4}};
  base::Result<HubConfig> hub = HubConfig::parse(flat.dump(), "config.json");
  ASSERT_TRUE(hub) << hub.error().message;
  const Architecture& a = hub->architecture;
  EXPECT_EQ(a.name, "gemma3");
  EXPECT_EQ(a.attention_scale, 1.0f / 16);
  EXPECT_FALSE(a.value_norm);
  for (size_t i = 0; i < a.layers.size(); ++i) {
    EXPECT_EQ(a.layers[i].sliding, (i + 1) % 6 != 0);
    EXPECT_EQ(a.layers[i].rope_frequencies, rope_frequencies(256, a.layers[i].sliding ? 1e4 : 1e6));
    EXPECT_FALSE(a.layers[i].value_from_key);
  }
  // The larger ones: a few fields inside text_config, the rest left to defaults, linear scaling.
  const json nested = {{"model_type", "gemma3"},
                       {"vision_config", {{"patch_size", 14}}},
                       {"text_config",
                        {{"hidden_size", 2560},
                         {"intermediate_size", 10240},
                         {"num_hidden_layers", 34},
                         {"sliding_window", 1024},
                         {"rope_scaling", {{"factor", 8.0}, {"rope_type", "linear"}}}}}};
  hub = HubConfig::parse(nested.dump(), "config.json");
  ASSERT_TRUE(hub) << hub.error().message;
  EXPECT_FALSE(hub->vision);
  EXPECT_EQ(hub->architecture.n_heads, 8);
  EXPECT_EQ(hub->architecture.layers[0].n_kv_heads, 4);
  EXPECT_EQ(hub->architecture.layers[5].rope_frequencies[3], rope_frequencies(256, 1e6)[3] / 8);
  EXPECT_EQ(hub->architecture.layers[4].rope_frequencies[3], rope_frequencies(256, 1e4)[3]);
}

TEST(TokenizerJson, TheTinyTokenizerEqualsTheOneOfItsGgufTwin) {
  const Checkpoint folder = open(golden("tiny/model")), file = open(golden("tiny/tiny-f32.gguf"));
  const base::Result<Vocabulary> a = folder.vocabulary(), b = file.vocabulary();
  ASSERT_TRUE(a) << a.error().message;
  EXPECT_EQ(a->model, b->model);
  EXPECT_EQ(a->pieces, b->pieces);
  EXPECT_EQ(a->merges, b->merges);
  EXPECT_EQ(a->kinds, b->kinds);
  const base::Result<Tokenizer> tokenizer = folder.tokenizer();
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  for (const json& c : json::parse(read_all(golden("tokenizer/tiny_cases.json"))))
    EXPECT_EQ(tokenizer->encode_special(c["text"].get<std::string>()),
              c["hf"].get<std::vector<TokenId>>())
        << c["text"];
}

TEST(TokenizerJson, BothSpellingsOfMergesAndWhatIsWrittenReadTheSame) {
  const std::string pairs = read_all(golden("tiny/model/tokenizer.json"));
  json strings = json::parse(pairs);
  for (json& merge : strings["model"]["merges"])
    merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  const base::Result<TokenizerJson> a = TokenizerJson::parse(pairs, "a"),
                                    b = TokenizerJson::parse(strings.dump(), "b");
  ASSERT_TRUE(a && b);
  const Vocabulary va = a->vocabulary(512), vb = b->vocabulary(512);
  EXPECT_EQ(va.merges, vb.merges);
  const base::Result<TokenizerJson> c = TokenizerJson::parse(write_tokenizer_json(va), "written");
  ASSERT_TRUE(c) << c.error().message;
  const Vocabulary vc = c->vocabulary(512);
  EXPECT_EQ(va.pieces, vc.pieces);
  EXPECT_EQ(va.kinds, vc.kinds);
  EXPECT_EQ(va.merges, vc.merges);
}

TEST(TokenizerJson, FewerRowsCutThePiecesAndMoreLeaveUnusedOnes) {
  const base::Result<TokenizerJson> t = TokenizerJson::parse(
      R"({"added_tokens":[{"id":3,"content":"<soft>","special":true}],
          "model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})",
      "t");
  ASSERT_TRUE(t) << t.error().message;
  EXPECT_EQ(t->vocabulary(3).pieces.size(), 3u);
  const Vocabulary five = t->vocabulary(5);
  EXPECT_EQ(five.kinds[3], PieceKind::control);
  EXPECT_EQ(five.kinds[4], PieceKind::unused);
}

TEST(TokenizerJson, DamageIsAnErrorWithTheFieldInIt) {
  for (const auto& [text, named] : std::vector<std::pair<std::string, std::string>>{
           {"", "JSON"},
           {"{", "JSON"},
           {"{}", "model.type"},
           {R"({"model":{"type":"Unigram","vocab":{"a":0}}})", "model.type"},
           {R"({"model":{"type":"BPE"}})", "model.vocab"},
           {R"({"model":{"type":"BPE","vocab":{"a":-1}}})", "model.vocab"},
           {R"({"model":{"type":"BPE","vocab":{"a":4000000000}}})", "model.vocab"},
           {R"({"model":{"type":"BPE","vocab":{"a":9000000}}})", "model.vocab"},
           {R"({"model":{"type":"BPE","vocab":{"a":1,"b":1}}})", "model.vocab"},
           {R"({"model":{"type":"BPE","vocab":{"a":"x"}}})", "model.vocab"},
           {R"({"model":{"type":"BPE","vocab":{"a":{}}}})", "model.vocab"},
           {R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[["a"]]}})", "model.merges"},
           {R"({"model":{"type":"BPE","vocab":{"a":0},"merges":["ab"]}})", "model.merges"},
           {R"({"model":{"type":"BPE","vocab":{"a":0},"merges":[3]}})", "model.merges"},
           {R"({"added_tokens":[{"id":1}],"model":{"type":"BPE","vocab":{"a":0}}})",
            "added_tokens"},
           {R"({"normalizer":{"type":"Lowercase"},"model":{"type":"BPE","vocab":{"a":0}}})",
            "normalizer"},
           {std::string(1000, '['), "nested"}}) {
    const base::Result<TokenizerJson> t = TokenizerJson::parse(text, "tokenizer.json");
    ASSERT_FALSE(t) << text;
    EXPECT_NE(t.error().message.find(named), std::string::npos) << t.error().message;
  }
}

// Gemma's own tokenizer.json is 33 MB: $TESSERA_GEMMA_TOKENIZER_JSON names it, with Gemma 4's or
// Gemma 3's special tokens.
TEST(TokenizerJson, GemmasOwnFileGivesTheReferenceIds) {
  const char* path = std::getenv("TESSERA_GEMMA_TOKENIZER_JSON");
  if (path == nullptr) GTEST_SKIP() << "TESSERA_GEMMA_TOKENIZER_JSON is not set";
  const base::Result<TokenizerJson> file = TokenizerJson::open(path);
  ASSERT_TRUE(file) << file.error().message;
  const base::Result<Tokenizer> tokenizer =
      Tokenizer::from_vocabulary(file->vocabulary(kGemmaVocabSize));
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  const bool gemma4 = tokenizer->piece(105) == "<|turn>";
  size_t n = 0, equal = 0;
  for (const json& c : json::parse(read_all(
           golden(gemma4 ? "tokenizer/gemma4_cases.json" : "tokenizer/gemma3_cases.json")))) {
    const std::string text = c["text"];
    const auto expected = c[gemma4 ? "ids" : "hf_bpe"].get<std::vector<TokenId>>();
    const bool same = tokenizer->encode_special(text) == expected;
    EXPECT_TRUE(same) << c["text"].dump().substr(0, 60);
    ++n;
    equal += same;
  }
  std::printf("%zu of %zu texts\n", equal, n);
}

}  // namespace
}  // namespace model
