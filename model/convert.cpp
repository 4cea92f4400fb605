#include "model/convert.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include "base/json.h"

#include "base/file.h"
#include "model/checkpoint.h"
#include "model/embedder_tensors.h"
#include "model/gguf.h"
#include "model/gguf_writer.h"
#include "model/hub_config.h"
#include "model/hub_names.h"
#include "model/lora_peft.h"
#include "model/quantize.h"
#include "model/safetensors.h"
#include "model/tensor_stream.h"
#include "model/tokenizer_json.h"
#include "model/weights.h"

// A conversion is a list of tensors, each with its place in the old file and its shape in the new
// one, plus metadata. What differs beyond names:
//   Gemma 3   GGUF holds 1 + w for every norm, the folder w
//   pictures  GGUF orders the values of a patch channel by channel (CHW), the folder pixel by pixel
//             (HWC): columns of v.patch_embd.weight and v.patch_norm.1.*; the position table is
//             [axis][place] in GGUF, [place][axis] in the folder
//   rope      GGUF has rope_freqs.weight: divisors of the frequencies of full layers, 1e30 for a
//             pair that does not turn; the folder says partial_rotary_factor
// Norms, biases and scalars are F32 in GGUF. In the folder everything has one type.

namespace model {
namespace {

namespace fs = std::filesystem;
using base::Errc;
using base::Error;
using ordered = nlohmann::ordered_json;

/// Remembers how many tensors did not get the type asked for.
struct Fallbacks {
  std::map<TensorType, int> count;

  TensorType choose(TensorType wanted, uint64_t width) {
    const TensorType type = fitting(wanted, width);
    if (type != wanted) ++count[type];
    return type;
  }
  void note(TensorType wanted, ConvertReport& report) const {
    for (const auto& [type, n] : count)
      report.notes.push_back(std::to_string(n) + " matrices are " +
                             std::string(block_layout(type)->name) + ": their rows are not whole " +
                             std::string(block_layout(wanted)->name) + " blocks");
  }
};

bool is_norm(std::string_view gguf_name) { return gguf_name.ends_with("norm.weight"); }

/// Names and shapes (contiguous axis first) of a decoder's or drafter's tensors, in file order.
struct Expected {
  std::string name;
  std::vector<uint64_t> shape;
};
std::vector<Expected> expected_tensors(const Architecture& a) {
  auto u = [](int v) { return static_cast<uint64_t>(v); };
  const uint64_t hidden = u(a.hidden), ffn = u(a.feed_forward);
  const bool drafter = a.backbone_hidden > 0;
  std::vector<Expected> all{{"token_embd.weight", {hidden, u(a.vocab_size)}}};
  for (int i = 0; i < a.n_layers; ++i) {
    const LayerShape& layer = a.layers[static_cast<size_t>(i)];
    const std::string blk = "blk." + std::to_string(i) + ".";
    const uint64_t q = u(a.query_width(i)), kv = u(a.key_width(i)), head = u(layer.head_dim);
    auto add = [&](const char* name, std::vector<uint64_t> shape) {
      all.push_back({blk + name, std::move(shape)});
    };
    add("attn_norm.weight", {hidden});
    if (a.name != "gemma3") add("layer_output_scale.weight", {1});
    add("ffn_down.weight", {ffn, hidden});
    add("ffn_gate.weight", {hidden, ffn});
    add("ffn_up.weight", {hidden, ffn});
    add("post_attention_norm.weight", {hidden});
    add("post_ffw_norm.weight", {hidden});
    add("ffn_norm.weight", {hidden});
    if (!drafter) {
      add("attn_k_norm.weight", {head});
      add("attn_k.weight", {hidden, kv});
    }
    add("attn_output.weight", {q, hidden});
    add("attn_q_norm.weight", {head});
    add("attn_q.weight", {hidden, q});
    if (!drafter && !layer.value_from_key) add("attn_v.weight", {hidden, kv});
  }
  all.push_back({"output_norm.weight", {hidden}});
  if (drafter) {
    const uint64_t backbone = u(a.backbone_hidden);
    all.push_back({"nextn.post_projection.weight", {hidden, backbone}});
    all.push_back({"nextn.pre_projection.weight", {2 * backbone, hidden}});
  }
  return all;
}

/// The tensor, checked. Errors: corrupt, naming it.
base::Result<const StoredTensor*> take(const Checkpoint& file, const Expected& e) {
  const StoredTensor* t = file.tensors().find(e.name);
  const std::string as = hub_name(e.name, HubStyle::unified).value_or("");
  const std::string known =
      file.gguf() != nullptr || as.empty() ? e.name : e.name + " (" + as + ")";
  if (t == nullptr) return Error{Errc::corrupt, known + ": this tensor is missing"};
  std::string wanted;
  for (const uint64_t dim : e.shape) wanted += (wanted.empty() ? "" : "x") + std::to_string(dim);
  if (t->shape != e.shape)
    return Error{Errc::corrupt, known + ": " + t->describe() + ", expected " + wanted};
  return t;
}

/// Where CHW value i of a patch stands in HWC order.
uint32_t hwc_of_chw(uint32_t i, uint32_t side) {
  const uint32_t plane = side * side;
  return (i % plane) / side * side * 3 + i % side * 3 + i / plane;
}

/// columns[i]: where value i of the new order stands in the old.
std::vector<uint32_t> patch_columns(uint32_t side, bool to_gguf) {
  std::vector<uint32_t> columns(3 * side * side);
  for (uint32_t i = 0; i < columns.size(); ++i) {
    const uint32_t hwc = hwc_of_chw(i, side);
    if (to_gguf)
      columns[i] = hwc;
    else
      columns[hwc] = i;
  }
  return columns;
}

std::string name_of(const fs::path& path) {
  fs::path p = path.lexically_normal();
  if (p.filename().empty()) p = p.parent_path();
  return p.filename().string();
}

base::Status write_text_file(const fs::path& path, std::string_view content, bool replace) {
  OutputFile file;
  base::Status done = file.open(path, replace);
  if (done) done = file.write(std::as_bytes(std::span(content)));
  return done ? file.commit() : done;
}

/// begin, stream, finish: the same for every kind of output.
template <class Writer>
base::Status stream_into(Writer& writer, const fs::path& path, std::span<const TensorTask> tasks,
                         const ConvertOptions& options, ConvertReport& report) {
  ThreadPool pool(options.threads);
  base::Status done = writer.begin(path, options.replace);
  if (!done) return done;
  const base::Result<StreamResult> streamed = stream_tensors(
      tasks, pool, [&writer](std::span<const std::byte> b) { return writer.write(b); },
      options.progress);
  if (!streamed) return streamed.error();
  done = writer.finish();
  if (!done) return done;
  if (streamed->rounded > 0)
    report.notes.push_back(std::to_string(streamed->rounded) + " tensors of " +
                           path.filename().string() + " hold values that their new type rounds");
  std::error_code ignored;
  report.bytes += fs::file_size(path, ignored);
  report.tensors += tasks.size();
  report.written.push_back(path);
  return base::Ok{};
}

// ---- folder to GGUF ---------------------------------------------------------------------------

/// tokenizer.ggml.*: lists, ids of special tokens, the chat template.
void add_tokenizer(GgufWriter& w, const Checkpoint& file, const HubConfig& hub,
                   const Vocabulary& lists, const Tokenizer& tokenizer) {
  // The vocabulary of Gemma 3 is SentencePiece's there: scores fall with the id and say the same as
  // the merges (specification, section 5.2).
  const bool scores_only = hub.architecture.name == "gemma3" &&
                           lists.pieces.size() == static_cast<size_t>(kGemmaVocabSize);
  w.add("tokenizer.ggml.model", scores_only ? "llama" : "gemma4");
  w.add("tokenizer.ggml.tokens", std::span<const std::string_view>(lists.pieces));
  std::vector<float> scores;
  std::vector<int32_t> kinds;
  for (size_t i = 0; i < lists.pieces.size(); ++i) {
    const bool plain = lists.kinds[i] == PieceKind::normal ||
                       (!scores_only && lists.kinds[i] != PieceKind::control);
    scores.push_back(!plain        ? -1000.0f
                     : scores_only ? 494.0f - static_cast<float>(i)
                                   : -static_cast<float>(i));
    kinds.push_back(static_cast<int32_t>(lists.kinds[i]));
  }
  w.add("tokenizer.ggml.scores", std::span<const float>(scores));
  w.add("tokenizer.ggml.token_type", std::span<const int32_t>(kinds));
  if (!scores_only) w.add("tokenizer.ggml.merges", std::span<const std::string_view>(lists.merges));
  auto id = [&](const char* key, TokenId token) {
    if (token >= 0) w.add(key, static_cast<uint32_t>(token));
  };
  id("tokenizer.ggml.bos_token_id", tokenizer.bos());
  id("tokenizer.ggml.eos_token_id", tokenizer.eos());
  id("tokenizer.ggml.unknown_token_id", tokenizer.special(Special::unk));
  id("tokenizer.ggml.padding_token_id", tokenizer.special(Special::pad));
  id("tokenizer.ggml.mask_token_id", tokenizer.special(Special::mask));
  w.add("tokenizer.ggml.add_bos_token", true);
  w.add("tokenizer.ggml.add_space_prefix", false);
  if (hub.media.audio_end >= 0 && hub.media.image_end >= 0)
    w.add("tokenizer.ggml.suppress_tokens",
          std::span<const int32_t>(std::array{hub.media.audio_end, hub.media.image_end}));
  if (!file.chat_template().empty()) w.add("tokenizer.chat_template", file.chat_template());
}

void add_architecture(GgufWriter& w, const HubConfig& hub) {
  const Architecture& a = hub.architecture;
  const std::string p = a.name + ".";
  const bool gemma4 = a.name != "gemma3";
  auto number = [&](const std::string& key, int v) { w.add(p + key, static_cast<uint32_t>(v)); };
  number("context_length", a.context_length);
  number("embedding_length", a.hidden);
  if (hub.drafter) number("embedding_length_out", a.backbone_hidden);
  number("block_count", a.n_layers);
  if (hub.drafter) number("nextn_predict_layers", a.n_layers);
  number("feed_forward_length", a.feed_forward);
  number("attention.head_count", a.n_heads);
  std::vector<int32_t> kv_heads;
  std::vector<bool> sliding;
  int full_head = a.layers[0].head_dim, sliding_head = full_head;
  for (const LayerShape& layer : a.layers) {
    kv_heads.push_back(layer.n_kv_heads);
    sliding.push_back(layer.sliding);
    (layer.sliding ? sliding_head : full_head) = layer.head_dim;
  }
  if (gemma4)
    w.add(p + "attention.head_count_kv", std::span<const int32_t>(kv_heads));
  else
    number("attention.head_count_kv", kv_heads[0]);
  w.add(p + "attention.layer_norm_rms_epsilon", a.norm_eps);
  number("attention.key_length", full_head);
  number("attention.value_length", full_head);
  if (gemma4) {
    number("attention.key_length_swa", sliding_head);
    number("attention.value_length_swa", sliding_head);
    number("rope.dimension_count", full_head);
    number("rope.dimension_count_swa", sliding_head);
  }
  w.add(p + "rope.freq_base", static_cast<float>(hub.rope.theta_full));
  w.add(p + "rope.freq_base_swa", static_cast<float>(hub.rope.theta_sliding));
  if (hub.rope.linear_factor != 1) {
    w.add(p + "rope.scaling.type", "linear");
    w.add(p + "rope.scaling.factor", static_cast<float>(hub.rope.linear_factor));
  }
  number("attention.sliding_window", a.sliding_window);
  if (gemma4) {
    w.add(p + "attention.sliding_window_pattern", sliding);
    number("attention.shared_kv_layers", hub.drafter ? a.n_layers : 0);
    number("embedding_length_per_layer_input", 0);
  }
  if (a.logit_softcap != 0) w.add(p + "final_logit_softcapping", a.logit_softcap);
}

/// What GGUF cannot say about the layers of a folder.
base::Status check_expressible(const HubConfig& hub) {
  const Architecture& a = hub.architecture;
  if (a.name == "gemma3") {
    for (size_t i = 0; i < a.layers.size(); ++i)
      if (a.layers[i].sliding == ((i + 1) % 6 == 0))
        return Error{Errc::unsupported,
                     "layer " + std::to_string(i) + ": GGUF's gemma3 has every sixth layer full"};
    return base::Ok{};
  }
  for (const LayerShape& x : a.layers)
    for (const LayerShape& y : a.layers)
      if (x.sliding == y.sliding && x.head_dim != y.head_dim)
        return Error{Errc::unsupported, "head sizes that differ among layers of one kind"};
  return base::Ok{};
}

base::Status text_to_gguf(const Checkpoint& file, const fs::path& in, const fs::path& out,
                          const ConvertOptions& options, ConvertReport& report) {
  const HubConfig& hub = *file.hub();
  const Architecture& a = hub.architecture;
  const base::Status fits = check_expressible(hub);
  if (!fits) return fits;
  std::vector<TensorTask> tasks;
  if (a.name != "gemma3") {
    for (const LayerShape& layer : a.layers) {
      if (layer.sliding) continue;
      std::vector<float> divisors;
      for (const float f : layer.rope_frequencies) divisors.push_back(f == 0 ? 1e30f : 1.0f);
      const uint64_t n = divisors.size();
      tasks.push_back({.name = "rope_freqs.weight", .values = std::move(divisors), .shape = {n}});
      break;
    }
  }
  Fallbacks fallbacks;
  for (const Expected& e : expected_tensors(a)) {
    const base::Result<const StoredTensor*> t = take(file, e);
    if (!t) return t.error();
    TensorTask task{.name = e.name, .from = *t, .shape = e.shape};
    if (e.shape.size() > 1)
      task.type = fallbacks.choose(options.type.value_or((*t)->type), e.shape[0]);
    if (a.name == "gemma3" && is_norm(e.name)) task.offset = 1;
    tasks.push_back(std::move(task));
  }
  if (options.type) fallbacks.note(*options.type, report);
  TensorType most = TensorType::f32;
  for (const TensorTask& t : tasks)
    if (t.name == "blk.0.attn_q.weight") most = t.type;

  GgufWriter w;
  w.add("general.architecture", a.name);
  w.add("general.type", "model");
  w.add("general.name", name_of(in));
  add_architecture(w, hub);
  w.add("general.file_type", file_type(most));
  if (most != TensorType::f32 && block_layout(most)->values > 1)
    w.add("general.quantization_version", uint32_t{2});
  const base::Result<Vocabulary> lists = file.vocabulary();
  if (lists) {
    base::Result<Tokenizer> tokenizer = Tokenizer::from_vocabulary(*lists);
    if (!tokenizer) return tokenizer.error();
    add_tokenizer(w, file, hub, *lists, *tokenizer);
  } else if (lists.error().code == Errc::not_found) {
    report.notes.push_back("the folder has no tokenizer.json, so the file has no tokenizer");
  } else {
    return lists.error();
  }
  for (const TensorTask& t : tasks) w.add_tensor(t.name, t.shape, t.type);
  return stream_into(w, out, tasks, options, report);
}

base::Status media_to_gguf(const Checkpoint& file, const fs::path& in, const fs::path& out,
                           const ConvertOptions& options, ConvertReport& report) {
  const HubConfig& hub = *file.hub();
  if (!hub.vision && !hub.audio)
    return Error{Errc::usage, in.string() + ": has no picture or sound embedder"};
  const auto hidden = static_cast<uint64_t>(hub.architecture.hidden);
  std::vector<TensorTask> tasks;
  Fallbacks fallbacks;
  auto add = [&](const Expected& e, std::vector<uint64_t> shape) -> base::Result<TensorTask*> {
    const base::Result<const StoredTensor*> t = take(file, e);
    if (!t) return t.error();
    // As in published files: only the two projections may be narrower than F32.
    const bool projection = e.name.starts_with("mm.");
    tasks.push_back({.name = e.name,
                     .from = *t,
                     .shape = shape,
                     .type = projection
                                 ? fallbacks.choose(options.type.value_or((*t)->type), shape[0])
                                 : TensorType::f32});
    return &tasks.back();
  };
  GgufWriter w;
  w.add("general.architecture", "clip");
  w.add("general.type", "mmproj");
  w.add("general.name", name_of(in) + " mmproj");
  w.add("clip.has_vision_encoder", hub.vision.has_value());
  w.add("clip.has_audio_encoder", hub.audio.has_value());
  if (hub.vision) {
    const VisionConfig& v = *hub.vision;
    if (v.pooling != 3)
      return Error{Errc::unsupported,
                   "pooling_kernel_size " + std::to_string(v.pooling) + ", GGUF's gemma4uv has 3"};
    const auto patch = static_cast<uint64_t>(v.patch_values());
    const auto width = static_cast<uint64_t>(v.embed_dim),
               places = static_cast<uint64_t>(v.positions);
    const std::vector<uint32_t> columns =
        patch_columns(static_cast<uint32_t>(v.model_patch_size()), true);
    add_vision_keys(w, v.embed_dim, hub.architecture.hidden, v.patch_size, v.norm_eps);
    for (const auto& [name, shape, permuted] :
         {std::tuple{"v.patch_norm.1.weight", std::vector<uint64_t>{patch}, true},
          {"v.patch_norm.1.bias", {patch}, true},
          {"v.patch_embd.weight", {patch, width}, true},
          {"v.patch_embd.bias", {width}, false},
          {"v.patch_norm.2.weight", {width}, false},
          {"v.patch_norm.2.bias", {width}, false},
          {"v.patch_norm.3.weight", {width}, false},
          {"v.patch_norm.3.bias", {width}, false}}) {
      const base::Result<TensorTask*> task = add({name, shape}, shape);
      if (!task) return task.error();
      if (permuted) (*task)->columns = columns;
    }
    const base::Result<TensorTask*> table =
        add({"v.position_embd.weight", {width, 2, places}}, {width, places, 2});
    if (!table) return table.error();
    (*table)->row = [places](uint64_t i) { return i % places * 2 + i / places; };
    const base::Result<TensorTask*> projection =
        add({"mm.input_projection.weight", {width, hidden}}, {width, hidden});
    if (!projection) return projection.error();
  }
  if (hub.audio) {
    const auto samples = static_cast<uint64_t>(hub.audio->samples_per_token);
    add_audio_keys(w, hub.audio->samples_per_token, hub.architecture.hidden, hub.audio->norm_eps);
    const base::Result<TensorTask*> projection =
        add({"mm.a.input_projection.weight", {samples, hidden}}, {samples, hidden});
    if (!projection) return projection.error();
  }
  w.add("general.file_type", file_type(tasks.back().type));
  for (const TensorTask& t : tasks) w.add_tensor(t.name, t.shape, t.type);
  return stream_into(w, out, tasks, options, report);
}

base::Result<ConvertReport> folder_to_gguf(const Checkpoint& file, const fs::path& in,
                                           const fs::path& out, const ConvertOptions& options) {
  ConvertReport report;
  std::error_code ignored;
  // Refused before the long part, not after it.
  for (const fs::path& path : {out, options.mmproj})
    if (!path.empty() && !options.replace && fs::exists(fs::symlink_status(path, ignored)))
      return Error{Errc::refused, path.string() + ": exists already; --force replaces it"};
  base::Status done = text_to_gguf(file, in, out, options, report);
  if (!done) return done.error();
  if (!options.mmproj.empty()) {
    done = media_to_gguf(file, in, options.mmproj, options, report);
    if (!done) return done.error();
  }
  uint64_t media = 0, unknown = 0;
  for (const Checkpoint::Named& t : file.named_tensors()) {
    if (t.gguf_name.empty()) ++unknown;
    if (t.gguf_name.starts_with("v.") || t.gguf_name.starts_with("mm.")) ++media;
  }
  if (media > 0 && options.mmproj.empty())
    report.notes.push_back(std::to_string(media) +
                           " tensors for pictures and sound are left out; --mmproj writes them");
  if (unknown > 0)
    report.notes.push_back(std::to_string(unknown) +
                           " tensors this program does not know are left "
                           "out");
  return report;
}

// ---- GGUF to folder ---------------------------------------------------------------------------

/// The text part of config.json, in the published spelling.
ordered text_config(const Gguf& gguf, const Architecture& a) {
  const bool gemma4 = a.name != "gemma3", drafter = a.backbone_hidden > 0;
  ordered c;
  int full_head = a.layers[0].head_dim, full_kv = a.layers[0].n_kv_heads;
  int sliding_head = full_head, sliding_kv = full_kv;
  ordered types = ordered::array();
  bool k_is_v = false;
  size_t turning = 0, pairs = 1;
  for (const LayerShape& layer : a.layers) {
    types.push_back(layer.sliding ? "sliding_attention" : "full_attention");
    (layer.sliding ? sliding_head : full_head) = layer.head_dim;
    (layer.sliding ? sliding_kv : full_kv) = layer.n_kv_heads;
    k_is_v = k_is_v || layer.value_from_key;
    if (!layer.sliding) {
      pairs = layer.rope_frequencies.size();
      turning = static_cast<size_t>(std::count_if(layer.rope_frequencies.begin(),
                                                  layer.rope_frequencies.end(),
                                                  [](float f) { return f != 0; }));
    }
  }
  c["model_type"] = gemma4 ? "gemma4_unified_text" : "gemma3_text";
  c["attention_bias"] = false;
  c["attention_dropout"] = 0.0;
  if (gemma4) c["attention_k_eq_v"] = k_is_v;
  c["final_logit_softcapping"] = a.logit_softcap != 0 ? ordered(a.logit_softcap) : ordered(nullptr);
  c["head_dim"] = sliding_head;
  if (gemma4) {
    c["global_head_dim"] = full_head;
    c["num_global_key_value_heads"] = full_kv;
    c["hidden_size_per_layer_input"] = 0;
  }
  c["hidden_activation"] = "gelu_pytorch_tanh";
  c["hidden_size"] = a.hidden;
  c["intermediate_size"] = a.feed_forward;
  c["layer_types"] = types;
  c["max_position_embeddings"] = a.context_length;
  c["num_attention_heads"] = a.n_heads;
  c["num_hidden_layers"] = a.n_layers;
  c["num_key_value_heads"] = sliding_kv;
  if (gemma4) c["num_kv_shared_layers"] = drafter ? a.n_layers : 0;
  // Float metadata is f32; 1e-6 in it is not the double 1e-6, but rounds to it with seven digits.
  auto decimal = [](double v) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.7g", v);
    return std::strtod(text.data(), nullptr);
  };
  c["rms_norm_eps"] = decimal(static_cast<double>(a.norm_eps));
  const double full = decimal(gguf.number(a.name + ".rope.freq_base").value_or(1e6));
  const double sliding = decimal(gguf.number(a.name + ".rope.freq_base_swa").value_or(1e4));
  if (gemma4) {
    c["rope_parameters"]["full_attention"] = {
        {"partial_rotary_factor", static_cast<double>(turning) / static_cast<double>(pairs)},
        {"rope_theta", full},
        {"rope_type", "proportional"}};
    c["rope_parameters"]["sliding_attention"] = {{"rope_theta", sliding}, {"rope_type", "default"}};
  } else {
    const double scale = static_cast<double>(a.attention_scale);
    c["query_pre_attn_scalar"] = std::round(1 / (scale * scale));
    c["rope_theta"] = full;
    c["rope_local_base_freq"] = sliding;
    const double factor = gguf.number(a.name + ".rope.scaling.factor").value_or(1);
    if (gguf.string(a.name + ".rope.scaling.type").value_or("") == "linear" && factor != 1)
      c["rope_scaling"] = {{"factor", decimal(factor)}, {"rope_type", "linear"}};
  }
  c["sliding_window"] = a.sliding_window;
  c["tie_word_embeddings"] = true;
  if (gemma4) c["use_bidirectional_attention"] = "vision";
  c["vocab_size"] = a.vocab_size;
  for (const auto& [key, name] : {std::pair{"bos_token_id", "tokenizer.ggml.bos_token_id"},
                                  {"eos_token_id", "tokenizer.ggml.eos_token_id"},
                                  {"pad_token_id", "tokenizer.ggml.padding_token_id"}})
    if (const std::optional<uint64_t> id = gguf.integer(name)) c[key] = *id;
  return c;
}

void add_media_tokens(ordered& c, const Tokenizer& tokenizer) {
  for (const auto& [key, which] : {std::pair{"boi_token_id", Special::image_begin},
                                   {"image_token_id", Special::image},
                                   {"eoi_token_id", Special::image_end},
                                   {"boa_token_id", Special::audio_begin},
                                   {"audio_token_id", Special::audio},
                                   {"eoa_token_index", Special::audio_end},
                                   {"video_token_id", Special::video}})
    if (tokenizer.special(which) >= 0) c[key] = tokenizer.special(which);
}

/// The tasks for the picture and sound embedders of `mmproj`, and their part of the configuration.
base::Status add_media(const Checkpoint& mmproj, const fs::path& path, TensorType type,
                       uint64_t hidden, std::vector<TensorTask>& tasks, ordered& config) {
  const Gguf& gguf = *mmproj.gguf();
  auto task = [&](const Expected& e, std::vector<uint64_t> shape) -> base::Result<TensorTask*> {
    const base::Result<const StoredTensor*> t = take(mmproj, e);
    if (!t) return Error{t.error().code, path.string() + ": " + t.error().message};
    tasks.push_back({.name = *hub_name(e.name, HubStyle::unified),
                     .from = *t,
                     .shape = std::move(shape),
                     .type = type});
    return &tasks.back();
  };
  if (const StoredTensor* patches = gguf.find("v.patch_embd.weight")) {
    const uint64_t side16 = gguf.integer("clip.vision.patch_size").value_or(0);
    const StoredTensor* table = gguf.find("v.position_embd.weight");
    if (side16 == 0 || side16 > 256 || patches->shape.size() != 2 ||
        patches->shape[0] != 27 * side16 * side16 || table == nullptr || table->shape.size() != 3)
      return Error{Errc::corrupt, path.string() + ": v.patch_embd.weight: " + patches->describe() +
                                      " does not fit patches of " + std::to_string(side16)};
    const uint64_t patch = patches->shape[0], width = patches->shape[1], places = table->shape[1];
    const std::vector<uint32_t> columns = patch_columns(static_cast<uint32_t>(3 * side16), false);
    for (const auto& [name, shape, permuted] :
         {std::tuple{"v.patch_norm.1.weight", std::vector<uint64_t>{patch}, true},
          {"v.patch_norm.1.bias", {patch}, true},
          {"v.patch_embd.weight", {patch, width}, true},
          {"v.patch_embd.bias", {width}, false},
          {"v.patch_norm.2.weight", {width}, false},
          {"v.patch_norm.2.bias", {width}, false},
          {"v.patch_norm.3.weight", {width}, false},
          {"v.patch_norm.3.bias", {width}, false},
          {"mm.input_projection.weight", {width, hidden}, false}}) {
      const base::Result<TensorTask*> t = task({name, shape}, shape);
      if (!t) return t.error();
      if (permuted) (*t)->columns = columns;
    }
    const base::Result<TensorTask*> positions =
        task({"v.position_embd.weight", {width, places, 2}}, {width, 2, places});
    if (!positions) return positions.error();
    (*positions)->row = [places](uint64_t i) { return i % 2 * places + i / 2; };
    config["vision_config"] = {{"model_type", "gemma4_unified_vision"},
                               {"mm_embed_dim", width},
                               {"mm_posemb_size", places},
                               {"model_patch_size", 3 * side16},
                               {"num_soft_tokens", 280},
                               {"output_proj_dims", width},
                               {"patch_size", side16},
                               {"pooling_kernel_size", 3},
                               {"rms_norm_eps", 1e-6}};
  }
  if (const StoredTensor* audio = gguf.find("mm.a.input_projection.weight")) {
    const uint64_t samples = audio->shape.empty() ? 0 : audio->shape[0];
    const base::Result<TensorTask*> t =
        task({"mm.a.input_projection.weight", {samples, hidden}}, {samples, hidden});
    if (!t) return t.error();
    config["audio_config"] = {{"model_type", "gemma4_unified_audio"}, {"audio_embed_dim", samples},
                              {"audio_samples_per_token", samples},   {"hidden_size", samples},
                              {"output_proj_dims", samples},          {"rms_norm_eps", 1e-6}};
  }
  return base::Ok{};
}

base::Result<ConvertReport> gguf_to_folder(const Checkpoint& file, const fs::path& out,
                                           const ConvertOptions& options) {
  ConvertReport report;
  const Gguf& gguf = *file.gguf();
  const bool drafter = file.kind() == CheckpointKind::drafter;
  const base::Result<Architecture> architecture =
      drafter ? file.drafter_architecture() : file.architecture();
  if (!architecture) return architecture.error();
  const Architecture& a = *architecture;
  const TensorType type = options.type.value_or(TensorType::bf16);
  if (block_layout(type)->values != 1)
    return Error{Errc::usage,
                 "a folder holds F32, F16 or BF16, not " + std::string(block_layout(type)->name)};

  std::optional<Checkpoint> mmproj;
  if (!options.mmproj.empty()) {
    base::Result<Checkpoint> opened = Checkpoint::open(options.mmproj);
    if (!opened) return opened.error();
    if (opened->kind() != CheckpointKind::projector || a.name != "gemma4")
      return Error{Errc::usage,
                   options.mmproj.string() + ": not the picture and sound embedder of a Gemma 4"};
    mmproj = std::move(*opened);
  }
  // A checkpoint with media is published with the longer names, one without with the shorter.
  const HubStyle style = mmproj ? HubStyle::unified : HubStyle::text_only;
  std::vector<TensorTask> tasks;
  bool quantized = false;
  for (const Expected& e : expected_tensors(a)) {
    const base::Result<const StoredTensor*> t = take(file, e);
    if (!t) return t.error();
    quantized = quantized || block_layout((*t)->type)->values > 1;
    tasks.push_back({.name = *hub_name(e.name, style),
                     .from = *t,
                     .shape = e.shape,
                     .type = type,
                     .offset = a.name == "gemma3" && is_norm(e.name) ? -1.0f : 0.0f});
  }
  if (quantized)
    report.notes.push_back(
        "the weights were quantized; the folder holds their rounded values, not the originals");

  ordered text = text_config(gguf, a), config;
  const std::string dtype = type == TensorType::f32   ? "float32"
                            : type == TensorType::f16 ? "float16"
                                                      : "bfloat16";
  if (mmproj) {
    config["architectures"] = {"Gemma4UnifiedForConditionalGeneration"};
    config["model_type"] = "gemma4_unified";
    const base::Status added =
        add_media(*mmproj, options.mmproj, type, static_cast<uint64_t>(a.hidden), tasks, config);
    if (!added) return added.error();
  } else if (drafter) {
    config["architectures"] = {"Gemma4UnifiedAssistantForCausalLM"};
    config["model_type"] = "gemma4_unified_assistant";
    config["backbone_hidden_size"] = a.backbone_hidden;
    config["use_ordered_embeddings"] = false;
  } else {
    config = text;
    if (a.name == "gemma3") config["architectures"] = {"Gemma3ForCausalLM"};
  }
  if (mmproj || drafter) config["text_config"] = text;
  config["dtype"] = dtype;
  config["tie_word_embeddings"] = true;

  std::error_code failed;
  fs::create_directories(out, failed);
  if (failed) return Error{Errc::system, out.string() + ": " + failed.message()};
  struct Written {
    const char* name;
    std::string content;
  };
  std::vector<Written> files;
  if (base::Result<Vocabulary> lists = file.vocabulary(); lists) {
    const base::Result<Tokenizer> tokenizer = Tokenizer::from_vocabulary(*lists);
    if (!tokenizer) return tokenizer.error();
    if (mmproj) add_media_tokens(config, *tokenizer);
    files.push_back({"tokenizer.json", write_tokenizer_json(*lists)});
    ordered t{{"tokenizer_class", "GemmaTokenizerFast"},
              {"add_bos_token", true},
              {"clean_up_tokenization_spaces", false}};
    for (const auto& [key, which] : {std::pair{"bos_token", Special::bos},
                                     {"eos_token", Special::eos},
                                     {"pad_token", Special::pad},
                                     {"unk_token", Special::unk}})
      if (const TokenId id = tokenizer->special(which); id >= 0)
        t[key] = std::string(tokenizer->piece(id));
    files.push_back({"tokenizer_config.json", t.dump(1) + "\n"});
  } else {
    report.notes.push_back("no tokenizer: " + lists.error().message);
  }
  if (!file.chat_template().empty())
    files.push_back({"chat_template.jinja", std::string(file.chat_template())});
  // The configuration comes last: a folder that has one is whole.
  files.push_back({"config.json", config.dump(1) + "\n"});
  for (const Written& f : files)
    if (!options.replace && fs::exists(fs::symlink_status(out / f.name, failed)))
      return Error{Errc::refused,
                   (out / f.name).string() + ": exists already; --force replaces it"};

  // Sorted by name, as the published files are.
  std::sort(tasks.begin(), tasks.end(),
            [](const TensorTask& x, const TensorTask& y) { return x.name < y.name; });
  SafetensorsWriter w;
  for (const TensorTask& t : tasks) w.add_tensor(t.name, t.shape, t.type);
  base::Status done = stream_into(w, out / "model.safetensors", tasks, options, report);
  if (!done) return done.error();
  for (const Written& f : files) {
    done = write_text_file(out / f.name, f.content, options.replace);
    if (!done) return done.error();
    report.written.push_back(out / f.name);
    report.bytes += f.content.size();
  }
  return report;
}

// ---- adapters ---------------------------------------------------------------------------------

/// The architecture a PEFT adapter was made for, from the checkpoint it names or the caller gave.
base::Result<std::string> base_architecture(const PeftAdapter& adapter, const fs::path& folder,
                                            const ConvertOptions& options) {
  fs::path base = options.base;
  std::error_code ignored;
  if (base.empty() && !adapter.config.base_model.empty())
    for (const fs::path& p :
         {folder / adapter.config.base_model, fs::path(adapter.config.base_model)})
      if (fs::exists(p, ignored)) {
        base = p;
        break;
      }
  if (base.empty())
    return Error{Errc::usage,
                 folder.string() + ": its base checkpoint is not here; name it with --base"};
  const base::Result<Checkpoint> file = Checkpoint::open(base);
  if (!file) return file.error();
  const base::Result<Architecture> a = file->architecture();
  if (!a) return a.error();
  return a->name;
}

base::Result<ConvertReport> peft_to_gguf(const fs::path& in, const fs::path& out,
                                         const ConvertOptions& options) {
  const base::Result<PeftAdapter> adapter = PeftAdapter::open(in);
  if (!adapter) return adapter.error();
  std::error_code ignored;
  const fs::path folder = fs::is_directory(in, ignored) ? in : in.parent_path();
  const base::Result<std::string> architecture = base_architecture(*adapter, folder, options);
  if (!architecture) return architecture.error();
  ConvertReport report;
  // GGUF has one alpha for all and divides by each rank; where a pair's scale is another, its B is
  // multiplied instead.
  const auto alpha = static_cast<float>(adapter->config.alpha);
  std::vector<TensorTask> tasks;
  std::vector<std::vector<float>> scaled;
  for (const PeftAdapter::Pair& pair : adapter->pairs) {
    const float plain = alpha / static_cast<float>(pair.a->shape[1]);
    auto type = [&](const StoredTensor& t) { return options.type.value_or(t.type); };
    if (options.type && block_layout(*options.type)->values != 1)
      return Error{Errc::usage, "an adapter holds F32, F16 or BF16"};
    tasks.push_back({.name = pair.gguf_name + ".lora_a",
                     .from = pair.a,
                     .shape = pair.a->shape,
                     .type = type(*pair.a)});
    TensorTask b{.name = pair.gguf_name + ".lora_b",
                 .from = pair.b,
                 .shape = pair.b->shape,
                 .type = type(*pair.b)};
    if (std::fabs(pair.scale - plain) > 1e-6f * std::fabs(plain) || plain == 0) {
      if (plain == 0) return Error{Errc::unsupported, pair.module + ": lora_alpha is 0"};
      b.values.resize(pair.b->n_elements());
      dequantize_row(pair.b->type, pair.b->data.data(), b.values);
      for (float& v : b.values) v *= pair.scale / plain;
      b.from = nullptr;
    }
    tasks.push_back(std::move(b));
  }
  const auto moved = std::count_if(tasks.begin(), tasks.end(),
                                   [](const TensorTask& t) { return t.from == nullptr; });
  if (moved > 0)
    report.notes.push_back(std::to_string(moved) +
                           " modules have a scale of their own; it is multiplied into lora_b");
  GgufWriter w;
  w.add("general.architecture", *architecture);
  w.add("general.type", "adapter");
  w.add("adapter.type", "lora");
  w.add("adapter.lora.alpha", alpha);
  for (const TensorTask& t : tasks) w.add_tensor(t.name, t.shape, t.type);
  const base::Status done = stream_into(w, out, tasks, options, report);
  if (!done) return done.error();
  return report;
}

base::Result<ConvertReport> gguf_to_peft(const Checkpoint& file, const fs::path& out,
                                         const ConvertOptions& options) {
  const Gguf& gguf = *file.gguf();
  const std::string_view architecture = gguf.string("general.architecture").value_or("");
  const std::optional<double> alpha = gguf.number("adapter.lora.alpha");
  if (gguf.string("adapter.type").value_or("") != "lora" || !alpha ||
      (architecture != "gemma3" && architecture != "gemma4"))
    return Error{Errc::unsupported, "not a LoRA adapter of Gemma 3 or 4 with adapter.lora.alpha"};
  const HubStyle style = architecture == "gemma4" ? HubStyle::unified : HubStyle::text_only;
  const TensorType type = options.type.value_or(TensorType::f32);
  if (block_layout(type)->values != 1)
    return Error{Errc::usage, "an adapter holds F32, F16 or BF16"};
  std::vector<TensorTask> tasks;
  std::map<uint64_t, int> ranks;
  std::vector<std::pair<std::string, uint64_t>> modules;
  std::map<std::string, bool> targets;
  int hidden = 0;  // of the decoder, as the embedders that came with the adapter say it
  for (const StoredTensor& t : gguf.tensors()) {
    if (t.name.starts_with("v.") || t.name.starts_with("mm.")) {
      if (t.name.ends_with("input_projection.weight") && t.shape.size() == 2)
        hidden = static_cast<int>(std::min<uint64_t>(t.shape[1], 1 << 20));
      continue;
    }
    const bool is_a = t.name.ends_with(".lora_a");
    if (!is_a && !t.name.ends_with(".lora_b"))
      return Error{Errc::unsupported, t.name + ": not a matrix of a LoRA adapter"};
    const std::optional<std::string> name = hub_name(t.name.substr(0, t.name.size() - 7), style);
    if (!name || !name->ends_with("_proj.weight") || t.shape.size() != 2)
      return Error{Errc::unsupported, t.name + ": not for a linear layer of the decoder"};
    const std::string module = name->substr(0, name->size() - 7);
    tasks.push_back(
        {.name = "base_model.model." + module + (is_a ? ".lora_A.weight" : ".lora_B.weight"),
         .from = &t,
         .shape = t.shape,
         .type = type});
    if (!is_a) continue;
    ++ranks[t.shape[1]];
    modules.emplace_back(module, t.shape[1]);
    targets[module.substr(module.rfind('.') + 1)] = true;
  }
  if (tasks.empty()) return Error{Errc::corrupt, "the adapter holds no tensors"};
  const uint64_t rank =
      std::max_element(ranks.begin(), ranks.end(), [](const auto& x, const auto& y) {
        return x.second < y.second;
      })->first;
  ordered config{{"peft_type", "LORA"},
                 {"task_type", "CAUSAL_LM"},
                 {"base_model_name_or_path", options.base.string()},
                 {"r", rank},
                 {"lora_alpha", *alpha},
                 {"lora_dropout", 0.0},
                 {"bias", "none"},
                 {"fan_in_fan_out", false},
                 {"use_rslora", false},
                 {"use_dora", false},
                 {"inference_mode", true},
                 {"init_lora_weights", true},
                 {"modules_to_save", nullptr},
                 {"rank_pattern", ordered::object()},
                 {"alpha_pattern", ordered::object()}};
  for (const auto& [module, r] : modules)
    if (r != rank) config["rank_pattern"][module] = r;
  ordered names = ordered::array();
  for (const auto& [name, used] : targets) names.push_back(name);
  config["target_modules"] = names;

  std::error_code failed;
  fs::create_directories(out, failed);
  if (failed) return Error{Errc::system, out.string() + ": " + failed.message()};
  if (!options.replace && fs::exists(fs::symlink_status(out / "adapter_config.json", failed)))
    return Error{Errc::refused,
                 (out / "adapter_config.json").string() + ": exists already; --force replaces it"};
  ConvertReport report;
  std::sort(tasks.begin(), tasks.end(),
            [](const TensorTask& x, const TensorTask& y) { return x.name < y.name; });
  SafetensorsWriter w;
  for (const TensorTask& t : tasks) w.add_tensor(t.name, t.shape, t.type);
  base::Status done = stream_into(w, out / "adapter_model.safetensors", tasks, options, report);
  if (done) {
    done = write_text_file(out / "adapter_config.json", config.dump(1) + "\n", options.replace);
    report.written.push_back(out / "adapter_config.json");
  }
  if (!done) return done.error();
  if (hidden == 0) return report;
  const base::Result<bool> embedders =
      write_embedders_of(file.tensors(), hidden, out / "mmproj.gguf", options.replace);
  if (!embedders) return embedders.error();
  if (*embedders) {
    report.written.push_back(out / "mmproj.gguf");
    report.notes.push_back("PEFT has no place for embedders; they are in mmproj.gguf");
  }
  return report;
}

}  // namespace

base::Result<ConvertReport> convert(const fs::path& in, const fs::path& out,
                                    const ConvertOptions& options) {
  if (is_peft(in)) return peft_to_gguf(in, out, options);
  const base::Result<Checkpoint> file = Checkpoint::open(in);
  if (!file) return file.error();
  if (file->gguf() == nullptr) return folder_to_gguf(*file, in, out, options);
  switch (file->kind()) {
    case CheckpointKind::decoder:
    case CheckpointKind::drafter:
      return gguf_to_folder(*file, out, options);
    case CheckpointKind::adapter:
      return gguf_to_peft(*file, out, options);
    case CheckpointKind::projector:
      return Error{Errc::usage, in.string() +
                                    ": embedders alone; convert their decoder and name "
                                    "this file with --mmproj"};
    case CheckpointKind::other:
      break;
  }
  return Error{Errc::unsupported,
               in.string() + ": architecture \"" +
                   std::string(file->gguf()->string("general.architecture").value_or("")) +
                   "\" is not supported"};
}

base::Result<ConvertReport> quantize_gguf(const fs::path& in, const fs::path& out, TensorType type,
                                          const ConvertOptions& options) {
  const base::Result<Gguf> gguf = Gguf::open(in);
  if (!gguf) return gguf.error();
  if (base::same_file(in, out))
    return Error{Errc::usage, out.string() + ": the file to read and the file to write are one"};
  ConvertReport report;
  Fallbacks fallbacks;
  std::vector<TensorTask> tasks;
  uint64_t from_blocks = 0;
  for (const StoredTensor& t : gguf->tensors()) {
    TensorTask task{.name = t.name, .from = &t, .shape = t.shape, .type = t.type};
    // Vectors, norms, scalars and the position table are small and matter: they stay.
    if (t.shape.size() == 2 && t.name.ends_with(".weight") && !t.name.starts_with("v.")) {
      task.type = fallbacks.choose(type, t.shape[0]);
      if (block_layout(t.type)->values > 1 && task.type != t.type) ++from_blocks;
    }
    tasks.push_back(std::move(task));
  }
  fallbacks.note(type, report);
  if (from_blocks > 0)
    report.notes.push_back(std::to_string(from_blocks) +
                           " matrices were quantized already; a second rounding adds to the first");
  GgufWriter w;
  bool versioned = false, typed = false;
  for (const std::string& key : gguf->keys()) {
    if (key == "general.alignment") continue;  // ours is the default
    if (key == "general.file_type") {
      typed = true;
      w.add(key, file_type(type));
      continue;
    }
    versioned = versioned || key == "general.quantization_version";
    w.add_raw(key, gguf->raw_value(key));
  }
  if (!typed) w.add("general.file_type", file_type(type));
  if (!versioned && block_layout(type)->values > 1)
    w.add("general.quantization_version", uint32_t{2});
  for (const TensorTask& t : tasks) w.add_tensor(t.name, t.shape, t.type);
  const base::Status done = stream_into(w, out, tasks, options, report);
  if (!done) return done.error();
  return report;
}

}  // namespace model
