#include "model/hub_config.h"

#include <cmath>
#include "base/json.h"

#include "model/json_object.h"

// The text part stands in "text_config" or, in text-only checkpoints, at the top. Full layers of
// Gemma 4 have heads of their own: the published file says so with global_head_dim and
// num_global_key_value_heads, newer writers with per_layer_config, an object by layer number; the
// latter wins. Values without a safe default must be there.

namespace model {
namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

/// Reads fields of one object and remembers the first complaint.
class Fields {
 public:
  Fields(const json& object, std::string where, std::optional<Error>& failed)
      : object_(object), where_(std::move(where)), failed_(failed) {}

  const json* find(const char* key) const {
    const auto it = object_.find(key);
    return it == object_.end() || it->is_null() ? nullptr : &*it;
  }

  void complain(const std::string& key, const std::string& what, Errc code = Errc::corrupt) const {
    if (!failed_) failed_ = Error{code, where_ + key + ": " + what};
  }

  /// A whole number in [low, high].
  int integer(const char* key, int64_t low, int64_t high, std::optional<int> otherwise = {}) const {
    const json* v = find(key);
    if (v == nullptr) {
      if (!otherwise) complain(key, "is missing");
      return otherwise.value_or(static_cast<int>(low));
    }
    return checked_integer(*v, key, low, high);
  }

  int checked_integer(const json& v, const std::string& key, int64_t low, int64_t high) const {
    const bool fits = v.is_number_unsigned() ? v.get<uint64_t>() <= static_cast<uint64_t>(high)
                                             : v.is_number_integer() && v.get<int64_t>() <= high;
    if (!fits || v.get<int64_t>() < low) {
      complain(key, short_dump(v) + " is out of range");
      return static_cast<int>(low);
    }
    return static_cast<int>(v.get<int64_t>());
  }

  double number(const char* key, double low, double high, std::optional<double> otherwise) const {
    const json* v = find(key);
    if (v == nullptr) {
      if (!otherwise) complain(key, "is missing");
      return otherwise.value_or(low);
    }
    const double d = v->is_number() ? v->get<double>() : NAN;
    if (!(d >= low && d <= high)) {
      complain(key, short_dump(*v) + " is out of range");
      return low;
    }
    return d;
  }

  bool boolean(const char* key, bool otherwise) const {
    const json* v = find(key);
    if (v == nullptr) return otherwise;
    if (!v->is_boolean()) complain(key, short_dump(*v) + " is not true or false");
    return v->is_boolean() ? v->get<bool>() : otherwise;
  }

  static std::string short_dump(const json& v) {
    return v.is_structured() ? std::string(v.type_name())
                             : v.dump(-1, ' ', true, json::error_handler_t::replace).substr(0, 40);
  }

 private:
  const json& object_;
  std::string where_;
  std::optional<Error>& failed_;
};

struct Rope {
  double theta;
  double factor = 1;   ///< divides the frequencies (Gemma 3, "linear")
  double partial = 1;  ///< share of the pairs that rotate (Gemma 4, "proportional")
};

std::vector<float> frequencies(int head_dim, const Rope& rope) {
  std::vector<float> f = rope_frequencies(head_dim, rope.theta);
  const auto turning = static_cast<size_t>(rope.partial * head_dim / 2);
  for (size_t i = 0; i < f.size(); ++i)
    f[i] = i < turning ? f[i] / static_cast<float>(rope.factor) : 0.0f;
  return f;
}

void read_rope(const json& object, const std::string& where, Rope& rope,
               std::optional<Error>& failed) {
  const Fields f(object, where, failed);
  rope.theta = f.number("rope_theta", 1, 1e12, rope.theta);
  const json* type = f.find("rope_type");
  if (type == nullptr) type = f.find("type");
  const std::string kind =
      type == nullptr || !type->is_string() ? "default" : type->get<std::string>();
  if (kind == "linear")
    rope.factor = f.number("factor", 1, 1e6, std::nullopt);
  else if (kind == "proportional")
    rope.partial = f.number("partial_rotary_factor", 0, 1, 1.0);
  else if (kind != "default")
    f.complain("rope_type", "\"" + kind.substr(0, 40) + "\" is not supported", Errc::unsupported);
  else
    rope.partial = 1;
}

/// true: sliding.
std::vector<bool> read_pattern(const Fields& f, int n_layers, bool gemma4) {
  std::vector<bool> sliding;
  const auto n = static_cast<size_t>(n_layers);
  if (const json* types = f.find("layer_types")) {
    if (!types->is_array() || types->size() != n) {
      f.complain("layer_types", "expected one entry a layer");
      return std::vector<bool>(n, true);
    }
    for (const json& t : *types) {
      if (t != "sliding_attention" && t != "full_attention") {
        f.complain("layer_types", Fields::short_dump(t) + " is not supported", Errc::unsupported);
        return std::vector<bool>(n, true);
      }
      sliding.push_back(t == "sliding_attention");
    }
  } else {
    const char* key = f.find("_sliding_window_pattern") != nullptr ? "_sliding_window_pattern"
                                                                   : "sliding_window_pattern";
    const int period = f.integer(key, 1, 1024, 6);
    for (int i = 0; i < n_layers; ++i) sliding.push_back((i + 1) % period != 0);
  }
  if (gemma4 && !sliding.empty()) sliding.back() = false;  // the reference forces this
  return sliding;
}

Architecture read_text(const json& object, const std::string& where, bool gemma4, bool drafter,
                       RopeConfig& rope_config, std::optional<Error>& failed) {
  const Fields f(object, where, failed);
  auto optional = [gemma4](int value) { return gemma4 ? std::nullopt : std::optional(value); };
  Architecture a;
  a.name = drafter ? "gemma4-assistant" : gemma4 ? "gemma4" : "gemma3";
  a.n_layers = f.integer("num_hidden_layers", 1, 1024);
  a.hidden = f.integer("hidden_size", 1, 1 << 16);
  a.feed_forward = f.integer("intermediate_size", 1, 1 << 18);
  // Published Gemma 3 files leave out what equals the defaults of their class.
  a.n_heads = f.integer("num_attention_heads", 1, 1024, optional(8));
  a.vocab_size = f.integer("vocab_size", 1, 1 << 24, optional(262208));
  a.context_length = f.integer("max_position_embeddings", 1, 1 << 24, optional(131072));
  a.sliding_window = f.integer("sliding_window", 1, 1 << 24);
  const int head_dim = f.integer("head_dim", 2, 4096, optional(256));
  const int kv_heads = f.integer("num_key_value_heads", 1, 1024, optional(4));
  a.norm_eps = static_cast<float>(f.number("rms_norm_eps", 1e-12, 1, 1e-6));
  a.logit_softcap = static_cast<float>(f.number("final_logit_softcapping", 0, 1e6, 0.0));
  a.embedding_scale = std::sqrt(static_cast<float>(a.hidden));
  a.value_norm = gemma4;
  a.attention_scale =
      gemma4
          ? 1.0f
          : static_cast<float>(1 / std::sqrt(f.number("query_pre_attn_scalar", 1e-6, 1e9, 256.0)));

  // What would change the arithmetic and is not here.
  if (f.number("attn_logit_softcapping", 0, 1e9, 0.0) != 0)
    f.complain("attn_logit_softcapping", "not supported", Errc::unsupported);
  if (f.integer("hidden_size_per_layer_input", 0, 1 << 20, 0) != 0)
    f.complain("hidden_size_per_layer_input", "per-layer embeddings are not supported",
               Errc::unsupported);
  if (f.boolean("enable_moe_block", false) || f.boolean("use_double_wide_mlp", false) ||
      f.boolean("attention_bias", false))
    f.complain("enable_moe_block, use_double_wide_mlp, attention_bias", "not supported",
               Errc::unsupported);
  if (!f.boolean("tie_word_embeddings", true))
    f.complain("tie_word_embeddings", "a separate output matrix is not supported",
               Errc::unsupported);
  if (const json* act = f.find("hidden_activation"); act != nullptr && *act != "gelu_pytorch_tanh")
    f.complain("hidden_activation", Fields::short_dump(*act) + " is not supported",
               Errc::unsupported);
  const int shared = f.integer("num_kv_shared_layers", 0, 1024, 0);
  if (shared != (drafter ? a.n_layers : 0))
    f.complain("num_kv_shared_layers", std::to_string(shared) + " is not supported",
               Errc::unsupported);

  Rope full{.theta = 1e6, .partial = gemma4 ? 0.25 : 1.0}, sliding{.theta = 1e4};
  if (const json* rope = f.find("rope_parameters"); rope != nullptr && rope->is_object()) {
    if (const auto r = rope->find("full_attention"); r != rope->end() && r->is_object())
      read_rope(*r, where + "rope_parameters.full_attention.", full, failed);
    if (const auto r = rope->find("sliding_attention"); r != rope->end() && r->is_object())
      read_rope(*r, where + "rope_parameters.sliding_attention.", sliding, failed);
  } else {
    full.theta = f.number("rope_theta", 1, 1e12, 1e6);
    sliding.theta = f.number("rope_local_base_freq", 1, 1e12, 1e4);
    if (const json* scaling = f.find("rope_scaling"); scaling != nullptr && scaling->is_object())
      read_rope(*scaling, where + "rope_scaling.", full, failed);
  }

  rope_config = {full.theta, sliding.theta, full.factor, full.partial};

  const bool k_is_v = f.boolean("attention_k_eq_v", false);
  const int full_head_dim = gemma4 ? f.integer("global_head_dim", 2, 4096, 512) : head_dim;
  const int full_kv_heads =
      gemma4 && k_is_v ? f.integer("num_global_key_value_heads", 1, 1024, kv_heads) : kv_heads;
  const json* per_layer = f.find("per_layer_config");
  if (per_layer != nullptr && !per_layer->is_object()) {
    f.complain("per_layer_config", "not an object");
    per_layer = nullptr;
  }
  const std::vector<bool> pattern = read_pattern(f, a.n_layers, gemma4);
  for (int i = 0; i < a.n_layers && !failed; ++i) {
    LayerShape layer;
    layer.sliding = pattern[static_cast<size_t>(i)];
    // With per_layer_config, what a layer does not override is the plain value; without, a full
    // layer has the global one.
    const bool global = !layer.sliding && (per_layer == nullptr || f.find("global_head_dim"));
    layer.head_dim = global ? full_head_dim : head_dim;
    layer.n_kv_heads = layer.sliding ? kv_heads : full_kv_heads;
    layer.value_from_key = gemma4 && k_is_v && !layer.sliding;
    if (per_layer != nullptr) {
      const auto it = per_layer->find(std::to_string(i));
      if (it != per_layer->end() && it->is_object()) {
        const Fields own(*it, where + "per_layer_config." + std::to_string(i) + ".", failed);
        layer.head_dim = own.integer("head_dim", 2, 4096, layer.head_dim);
        layer.n_kv_heads = own.integer("num_key_value_heads", 1, 1024, layer.n_kv_heads);
      }
    }
    if (a.n_heads % layer.n_kv_heads != 0)
      f.complain("num_key_value_heads", std::to_string(layer.n_kv_heads) + " do not divide " +
                                            std::to_string(a.n_heads) + " query heads of layer " +
                                            std::to_string(i));
    if (layer.head_dim % 2 != 0) f.complain("head_dim", std::to_string(layer.head_dim) + " is odd");
    if (failed) break;
    layer.rope_frequencies = frequencies(layer.head_dim, layer.sliding ? sliding : full);
    a.layers.push_back(std::move(layer));
  }
  return a;
}

}  // namespace

base::Result<HubConfig> HubConfig::parse(std::string_view text, const std::string& name) {
  const base::Result<json> parsed = parse_json_object(text, name);
  if (!parsed) return parsed.error();
  const json& config = *parsed;

  HubConfig hub;
  std::optional<Error> failed;
  const std::string where = name + ": ";
  const Fields top(config, where, failed);
  const json* type = top.find("model_type");
  if (type == nullptr || !type->is_string())
    return Error{Errc::corrupt, name + ": model_type is missing"};
  hub.model_type = type->get<std::string>();
  hub.drafter = hub.model_type == "gemma4_unified_assistant";
  const bool gemma4 = hub.drafter || hub.model_type == "gemma4_unified" ||
                      hub.model_type == "gemma4_unified_text" || hub.model_type == "gemma4_text";
  if (!gemma4 && hub.model_type != "gemma3" && hub.model_type != "gemma3_text")
    return Error{Errc::unsupported,
                 name + ": model_type \"" + hub.model_type.substr(0, 64) +
                     "\" is not supported; known: gemma3, gemma3_text, gemma4_unified, "
                     "gemma4_unified_text, gemma4_text, gemma4_unified_assistant"};
  const json* nested = top.find("text_config");
  if (nested != nullptr && !nested->is_object())
    return Error{Errc::corrupt, name + ": text_config: not an object"};
  if (nested == nullptr && (hub.model_type == "gemma3" || hub.model_type == "gemma4_unified") &&
      !config.contains("hidden_size"))
    return Error{Errc::corrupt, name + ": text_config is missing"};
  const std::string text_where = where + (nested != nullptr ? "text_config." : "");
  hub.architecture = read_text(nested != nullptr ? *nested : config, text_where, gemma4,
                               hub.drafter, hub.rope, failed);
  if (hub.drafter) {
    hub.architecture.backbone_hidden = top.integer("backbone_hidden_size", 1, 1 << 16);
    if (top.boolean("use_ordered_embeddings", false))
      top.complain("use_ordered_embeddings", "not supported", Errc::unsupported);
  }
  if (!top.boolean("tie_word_embeddings", true))
    top.complain("tie_word_embeddings", "a separate output matrix is not supported",
                 Errc::unsupported);

  // Gemma 3's pictures go through a tower that this program does not have: text only.
  if (const json* v = top.find("vision_config");
      v != nullptr && v->is_object() && hub.model_type == "gemma4_unified") {
    const Fields f(*v, where + "vision_config.", failed);
    VisionConfig c;
    c.patch_size = f.integer("patch_size", 1, 256, 16);
    c.pooling = f.integer("pooling_kernel_size", 1, 16, 3);
    c.embed_dim = f.integer("mm_embed_dim", 1, 1 << 16);
    c.positions = f.integer("mm_posemb_size", 1, 1 << 20);
    c.default_soft_tokens = f.integer("num_soft_tokens", 1, 1 << 16, 280);
    c.norm_eps = static_cast<float>(f.number("rms_norm_eps", 1e-12, 1, 1e-6));
    hub.vision = c;
  }
  if (const json* v = top.find("audio_config");
      v != nullptr && v->is_object() && hub.model_type == "gemma4_unified") {
    const Fields f(*v, where + "audio_config.", failed);
    AudioConfig c;
    c.samples_per_token = f.integer("audio_samples_per_token", 1, 1 << 16,
                                    f.integer("audio_embed_dim", 1, 1 << 16, 640));
    c.norm_eps = static_cast<float>(f.number("rms_norm_eps", 1e-12, 1, 1e-6));
    hub.audio = c;
  }
  auto id = [&](const char* key) { return top.integer(key, 0, (1 << 24) - 1, -1); };
  hub.media = {.image_begin = id("boi_token_id"),
               .image = id("image_token_id"),
               .image_end = id("eoi_token_id"),
               .audio_begin = id("boa_token_id"),
               .audio = id("audio_token_id"),
               .audio_end = id("eoa_token_index"),  // published under this name
               .video = id("video_token_id")};
  if (hub.media.audio_end < 0) hub.media.audio_end = id("eoa_token_id");
  const json* eos = top.find("eos_token_id");
  std::optional<Fields> eos_in(top);
  if (eos == nullptr && nested != nullptr) {
    eos_in.emplace(*nested, text_where, failed);
    eos = eos_in->find("eos_token_id");
  }
  if (eos != nullptr && eos->is_array() && eos->size() <= 64) {
    for (const json& e : *eos)
      hub.eos.push_back(eos_in->checked_integer(e, "eos_token_id", 0, (1 << 24) - 1));
  } else if (eos != nullptr) {
    hub.eos.push_back(eos_in->checked_integer(*eos, "eos_token_id", 0, (1 << 24) - 1));
  }
  if (failed) return *failed;
  return hub;
}

}  // namespace model
