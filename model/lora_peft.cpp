#include "model/lora_peft.h"

#include <cmath>
#include <map>
#include "base/json.h"

#include "base/file.h"
#include "model/hub_names.h"
#include "model/json_object.h"
#include "model/weights.h"

// Tensors are called base_model.model.MODULE.lora_A.weight [r, in] and ….lora_B.weight [out, r];
// some writers put the adapter's name, "default", before "weight". The rank of a module is that of
// its A; the configuration must agree. Keys of the patterns are regular expressions to PEFT, in
// practice the ends of names; anything else is refused rather than guessed.

namespace model {

namespace fs = std::filesystem;
using base::Errc;
using base::Error;
using nlohmann::json;

static constexpr double kMaxRank = 4096;

base::Result<PeftConfig> PeftConfig::parse(std::string_view text, const std::string& name) {
  const base::Result<json> parsed = parse_json_object(text, name);
  if (!parsed) return parsed.error();
  const json& config = *parsed;
  auto find = [&](const char* key) -> const json* {
    const auto it = config.find(key);
    return it == config.end() || it->is_null() ? nullptr : &*it;
  };
  auto bad = [&](const std::string& key, const std::string& what, Errc code) {
    return Error{code, name + ": " + key + ": " + what};
  };
  const json* type = find("peft_type");
  if (type == nullptr || *type != "LORA")
    return bad("peft_type", "expected \"LORA\"", Errc::unsupported);
  for (const char* key : {"use_dora", "fan_in_fan_out", "use_qalora"})
    if (const json* v = find(key); v != nullptr && *v != false)
      return bad(key, "not supported", Errc::unsupported);
  if (const json* v = find("bias"); v != nullptr && *v != "none")
    return bad("bias", "only \"none\" is supported", Errc::unsupported);
  for (const char* key : {"modules_to_save", "trainable_token_indices", "target_parameters"})
    if (const json* v = find(key); v != nullptr && !(v->is_structured() && v->empty()))
      return bad(key, "not supported", Errc::unsupported);

  auto in_range = [](const json& v, double low, double high) {
    return v.is_number() && v.get<double>() >= low && v.get<double>() <= high;
  };
  PeftConfig c;
  const json* r = find("r");
  if (r == nullptr || !r->is_number_integer() || !in_range(*r, 1, kMaxRank))
    return bad("r", "missing or out of range", Errc::corrupt);
  c.rank = r->get<int>();
  const json* alpha = find("lora_alpha");
  if (alpha == nullptr || !in_range(*alpha, -1e6, 1e6))
    return bad("lora_alpha", "missing or out of range", Errc::corrupt);
  c.alpha = alpha->get<double>();
  if (const json* v = find("use_rslora")) {
    if (!v->is_boolean()) return bad("use_rslora", "not true or false", Errc::corrupt);
    c.rank_stabilized = v->get<bool>();
  }
  for (const bool ranks : {true, false}) {
    const std::string key = ranks ? "rank_pattern" : "alpha_pattern";
    const json* v = find(key.c_str());
    if (v == nullptr) continue;
    if (!v->is_object() || v->size() > 100000) return bad(key, "not an object", Errc::corrupt);
    for (const auto& [module, value] : v->items()) {
      if (module.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789_.") != std::string::npos)
        return bad(key, "\"" + module.substr(0, 60) + "\" is not the end of a module's name",
                   Errc::unsupported);
      if (!in_range(value, ranks ? 1 : -1e6, ranks ? kMaxRank : 1e6))
        return bad(key + "." + module, "out of range", Errc::corrupt);
      (ranks ? c.rank_pattern : c.alpha_pattern).emplace_back(module, value.get<double>());
    }
  }
  if (const json* v = find("base_model_name_or_path"); v != nullptr && v->is_string())
    c.base_model = v->get<std::string>();
  return c;
}

/// The entry whose key is the module's name or its end after a dot; the first one, as in PEFT.
static const double* lookup(const std::vector<std::pair<std::string, double>>& pattern,
                            std::string_view module) {
  for (const auto& [key, value] : pattern)
    if (module == key || (module.size() > key.size() && module.ends_with(key) &&
                          module[module.size() - key.size() - 1] == '.'))
      return &value;
  return nullptr;
}

base::Result<float> PeftConfig::scale(std::string_view module, uint64_t n) const {
  const double* own_rank = lookup(rank_pattern, module);
  const double expected = own_rank != nullptr ? *own_rank : rank;
  if (static_cast<double>(n) != expected)
    return Error{Errc::corrupt, std::string(module) + ": rank " + std::to_string(n) +
                                    ", but the configuration says " +
                                    std::to_string(static_cast<int>(expected))};
  const double* own_alpha = lookup(alpha_pattern, module);
  const double a = own_alpha != nullptr ? *own_alpha : alpha;
  return static_cast<float>(rank_stabilized ? a / std::sqrt(static_cast<double>(n))
                                            : a / static_cast<double>(n));
}

bool is_peft(const fs::path& path) {
  std::error_code ignored;
  const std::string file = path.filename().string();
  return fs::exists(path / "adapter_config.json", ignored) || file == "adapter_config.json" ||
         file == "adapter_model.safetensors";
}

static bool is_decoder_projection(std::string_view gguf_name) {
  const size_t dot = gguf_name.find('.', 4);
  if (!gguf_name.starts_with("blk.") || dot == std::string_view::npos) return false;
  for (int p = 0; p < kProjections; ++p)
    if (gguf_name.substr(dot + 1) ==
        std::string(projection_name(static_cast<Projection>(p))) + ".weight")
      return true;
  return false;
}

base::Result<PeftAdapter> PeftAdapter::open(const fs::path& path) {
  std::error_code ignored;
  const fs::path folder = fs::is_directory(path, ignored) ? path : path.parent_path();
  const base::Result<std::string> text = base::read_file(folder / "adapter_config.json", 16 << 20);
  if (!text) return text.error();
  const std::string config_name = (folder / "adapter_config.json").string();
  base::Result<PeftConfig> config = PeftConfig::parse(*text, config_name);
  if (!config) return config.error();
  base::Result<Safetensors> tensors = Safetensors::open(folder / "adapter_model.safetensors");
  if (!tensors) return tensors.error();
  PeftAdapter adapter{std::move(*config), std::move(*tensors), {}};

  const std::string file = (folder / "adapter_model.safetensors").string();
  std::map<std::string, Pair> by_module;
  for (const StoredTensor& t : adapter.tensors.tensors()) {
    std::string_view rest = t.name;
    constexpr std::string_view kPrefix = "base_model.model.";
    if (rest.starts_with(kPrefix)) rest.remove_prefix(kPrefix.size());
    bool first = false, known = false;
    for (const auto& [suffix, is_a] : {std::pair{".lora_A.weight", true},
                                       {".lora_B.weight", false},
                                       {".lora_A.default.weight", true},
                                       {".lora_B.default.weight", false}}) {
      if (!rest.ends_with(suffix)) continue;
      rest.remove_suffix(std::string_view(suffix).size());
      first = is_a;
      known = true;
      break;
    }
    if (!known)
      return Error{Errc::unsupported, file + ": " + t.name + ": not a matrix of a LoRA adapter"};
    const std::string module(rest);
    const std::optional<std::string> target = gguf_name(module + ".weight");
    if (!target || !is_decoder_projection(*target))
      return Error{Errc::unsupported,
                   file + ": " + module + ": only the decoder's linear layers can be adapted"};
    Pair& pair =
        by_module.try_emplace(module, Pair{module, *target, nullptr, nullptr, 0}).first->second;
    (first ? pair.a : pair.b) = &t;
  }
  for (auto& [module, pair] : by_module) {
    if (pair.a == nullptr || pair.b == nullptr)
      return Error{Errc::corrupt, file + ": " + module + ": " +
                                      (pair.a == nullptr ? "lora_A" : "lora_B") + " is missing"};
    if (pair.a->shape.size() != 2 || pair.b->shape.size() != 2 ||
        pair.a->shape[1] != pair.b->shape[0])
      return Error{Errc::corrupt, file + ": " + module + ": lora_A " + pair.a->describe() +
                                      " and lora_B " + pair.b->describe() +
                                      " do not fit each other"};
    const base::Result<float> scale = adapter.config.scale(module, pair.a->shape[1]);
    if (!scale) return Error{scale.error().code, config_name + ": " + scale.error().message};
    pair.scale = *scale;
    adapter.pairs.push_back(pair);
  }
  return adapter;
}

}  // namespace model
