// What a Hugging Face folder is made of, from untrusted bytes. The first byte says which file: the
// weights, config.json, the index of shards, tokenizer.json, adapter_config.json. What is accepted
// lies inside the file and can be used; what is refused has a sentence.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "model/hub_config.h"
#include "model/hub_names.h"
#include "model/lora_peft.h"
#include "model/safetensors.h"
#include "model/tokenizer_json.h"

namespace {

template <class T>
bool refused(const base::Result<T>& result) {
  if (!result && result.error().message.empty()) std::abort();
  return !result;
}

void weights(std::span<const std::byte> bytes) {
  const base::Result<model::Safetensors> file = model::Safetensors::parse(bytes, "fuzz");
  if (refused(file)) return;
  for (const model::StoredTensor& t : file->tensors()) {
    if (t.data.data() < bytes.data() || t.data.data() + t.data.size() > bytes.data() + bytes.size())
      std::abort();
    (void)model::gguf_name(t.name);
    const uint64_t width = t.shape.empty() ? 1 : t.shape[0];
    if (width > 1u << 20) continue;
    std::vector<float> row(width);
    model::dequantize_row(t.type, t.data.data(), row);
  }
}

void config(std::string_view text) {
  const base::Result<model::HubConfig> hub = model::HubConfig::parse(text, "fuzz");
  if (refused(hub)) return;
  const model::Architecture& a = hub->architecture;
  if (a.n_layers < 1 || a.layers.size() != static_cast<size_t>(a.n_layers)) std::abort();
  for (const model::LayerShape& layer : a.layers)
    if (layer.head_dim < 2 || a.n_heads % layer.n_kv_heads != 0) std::abort();
}

void tokenizer(std::string_view text) {
  const base::Result<model::TokenizerJson> json = model::TokenizerJson::parse(text, "fuzz");
  if (refused(json)) return;
  const base::Result<model::Tokenizer> tokenizer =
      model::Tokenizer::from_vocabulary(json->vocabulary(300));
  if (refused(tokenizer)) return;
  (void)tokenizer->encode_special("Hello <bos> world");
  (void)model::write_tokenizer_json(json->vocabulary(300));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::span bytes(reinterpret_cast<const std::byte*>(data + 1), size - 1);
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size - 1);
  switch (data[0]) {
    case 'w':
      weights(bytes);
      break;
    case 'c':
      config(text);
      break;
    case 'i':
      (void)refused(model::parse_safetensors_index(text, "fuzz"));
      break;
    case 't':
      tokenizer(text);
      break;
    case 'a':
      if (const base::Result<model::PeftConfig> c = model::PeftConfig::parse(text, "fuzz");
          !refused(c))
        (void)refused(c->scale("model.layers.0.self_attn.q_proj", 8));
      break;
    default:
      break;
  }
  return 0;
}
