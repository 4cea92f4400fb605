#include "model/lora.h"

#include <cmath>
#include <map>
#include <utility>

#include "model/embedder_tensors.h"
#include "model/gguf_writer.h"
#include "model/lora_peft.h"
#include "model/quantize.h"

namespace model {

using base::Errc;
using base::Error;

int projection_in(const Architecture& a, int layer, Projection p) {
  if (p == Projection::o) return a.query_width(layer);
  if (p == Projection::down) return a.feed_forward;
  return a.hidden;
}

int projection_out(const Architecture& a, int layer, Projection p) {
  switch (p) {
    case Projection::q:
      return a.query_width(layer);
    case Projection::k:
    case Projection::v:
      return a.key_width(layer);
    case Projection::gate:
    case Projection::up:
      return a.feed_forward;
    default:
      return a.hidden;
  }
}

/// Puts one pair of matrices where it belongs, if it fits the checkpoint. b may be null: missing.
static base::Status place(Lora& lora, const Architecture& a, int layer, Projection projection,
                          const StoredTensor* ta, const StoredTensor* tb, float scale,
                          const std::string& where) {
  const uint64_t in = static_cast<uint64_t>(projection_in(a, layer, projection));
  const uint64_t out = static_cast<uint64_t>(projection_out(a, layer, projection));
  if (ta == nullptr || tb == nullptr || ta->shape.size() != 2 || tb->shape.size() != 2 ||
      ta->shape[0] != in || tb->shape[1] != out || ta->shape[1] != tb->shape[0] ||
      ta->shape[1] > 4096 ||
      (projection == Projection::v && a.layers[static_cast<size_t>(layer)].value_from_key))
    return Error{Errc::usage, where + " does not fit this checkpoint (" +
                                  (ta != nullptr ? ta->describe() : "no lora_a") + ", " +
                                  (tb != nullptr ? tb->describe() : "no lora_b") + "; expected " +
                                  std::to_string(in) + " to " + std::to_string(out) + ")"};
  LowRank& low = lora.layers[static_cast<size_t>(layer)][static_cast<size_t>(projection)];
  low.rank = static_cast<int>(ta->shape[1]);
  low.in = static_cast<int>(in);
  low.out = static_cast<int>(out);
  low.scale = scale;
  low.a.resize(ta->n_elements());
  low.b.resize(tb->n_elements());
  dequantize_row(ta->type, ta->data.data(), low.a);
  dequantize_row(tb->type, tb->data.data(), low.b);
  return base::Ok{};
}

static std::string projection_tensor(int layer, Projection projection) {
  return "blk." + std::to_string(layer) + "." + std::string(projection_name(projection)) +
         ".weight";
}

static base::Result<Lora> open_peft(const std::filesystem::path& path, const Architecture& a) {
  const base::Result<PeftAdapter> adapter = PeftAdapter::open(path);
  if (!adapter) return adapter.error();
  std::map<std::string, const PeftAdapter::Pair*> left;
  for (const PeftAdapter::Pair& pair : adapter->pairs)
    if (!left.emplace(pair.gguf_name, &pair).second)
      return Error{Errc::corrupt, path.string() + ": " + pair.module + " occurs twice"};
  Lora lora;
  lora.layers.resize(static_cast<size_t>(a.n_layers));
  for (int i = 0; i < a.n_layers; ++i) {
    for (int p = 0; p < kProjections; ++p) {
      const auto at = left.find(projection_tensor(i, static_cast<Projection>(p)));
      if (at == left.end()) continue;
      const PeftAdapter::Pair& pair = *at->second;
      const base::Status placed = place(lora, a, i, static_cast<Projection>(p), pair.a, pair.b,
                                        pair.scale, path.string() + ": " + pair.module);
      if (!placed) return placed.error();
      left.erase(at);
    }
  }
  if (!left.empty())
    return Error{Errc::usage, path.string() + ": " + left.begin()->second->module +
                                  " does not fit this checkpoint of " + std::to_string(a.n_layers) +
                                  " layers"};
  if (adapter->pairs.empty())
    return Error{Errc::corrupt, path.string() + ": the adapter changes nothing"};
  return lora;
}

base::Result<Lora> Lora::open(const std::filesystem::path& path, const Architecture& a) {
  if (is_peft(path)) return open_peft(path, a);
  base::Result<Gguf> gguf = Gguf::open(path);
  if (!gguf) return gguf.error();
  const std::string file = path.filename().string();
  if (gguf->string("general.type").value_or("") != "adapter" ||
      gguf->string("adapter.type").value_or("") != "lora")
    return Error{Errc::usage, file + ": this GGUF is not a LoRA adapter"};
  if (gguf->string("general.architecture").value_or("") != a.name)
    return Error{Errc::usage, file + ": made for " +
                                  std::string(gguf->string("general.architecture").value_or("?")) +
                                  ", but the checkpoint is " + a.name};
  const std::optional<double> alpha = gguf->number("adapter.lora.alpha");
  if (!alpha) return Error{Errc::corrupt, file + ": adapter.lora.alpha is missing"};

  Lora lora;
  lora.layers.resize(static_cast<size_t>(a.n_layers));
  size_t used = 0;
  for (int i = 0; i < a.n_layers; ++i) {
    for (int p = 0; p < kProjections; ++p) {
      const Projection projection = static_cast<Projection>(p);
      const std::string name = projection_tensor(i, projection);
      const StoredTensor* ta = gguf->find(name + ".lora_a");
      const StoredTensor* tb = gguf->find(name + ".lora_b");
      if (ta == nullptr && tb == nullptr) continue;
      const base::Status placed = place(lora, a, i, projection, ta, tb, 1, file + ": " + name);
      if (!placed) return placed.error();
      LowRank& low = lora.layers[static_cast<size_t>(i)][static_cast<size_t>(p)];
      low.scale = static_cast<float>(*alpha) / static_cast<float>(low.rank);
      used += 2;
    }
  }
  // Embedders of pictures and sound that were trained with the adapter.
  for (const StoredTensor& t : gguf->tensors())
    if (t.name.starts_with("v.") || t.name.starts_with("mm.")) ++used;
  if (used != gguf->tensors().size())
    return Error{Errc::unsupported, file + ": " + std::to_string(gguf->tensors().size() - used) +
                                        " of its tensors are not for the decoder's linear layers"};
  if (used == 0) return Error{Errc::corrupt, file + ": holds no adapter tensors"};
  return lora;
}

base::Status write_lora(const std::filesystem::path& path, const Lora& lora, const Architecture& a,
                        float alpha, std::span<const NamedTensor> embedders) {
  GgufWriter w;
  w.add("general.architecture", a.name);
  w.add("general.type", "adapter");
  w.add("adapter.type", "lora");
  w.add("adapter.lora.alpha", alpha);
  std::vector<std::pair<const std::vector<float>*, float>> matrices;  // and a factor
  for (int i = 0; i < a.n_layers; ++i) {
    for (int p = 0; p < kProjections; ++p) {
      const LowRank& low = lora.layers[static_cast<size_t>(i)][static_cast<size_t>(p)];
      if (low.rank == 0) continue;
      const std::string name = projection_tensor(i, static_cast<Projection>(p));
      const uint64_t rank = static_cast<uint64_t>(low.rank);
      w.add_tensor(name + ".lora_a", std::array{static_cast<uint64_t>(low.in), rank},
                   TensorType::f16);
      w.add_tensor(name + ".lora_b", std::array{rank, static_cast<uint64_t>(low.out)},
                   TensorType::f16);
      const float plain = alpha / static_cast<float>(low.rank);
      const bool own = std::fabs(low.scale - plain) > 1e-6f * std::fabs(plain);
      matrices.emplace_back(&low.a, 1.0f);
      matrices.emplace_back(&low.b, own ? low.scale / plain : 1.0f);
    }
  }
  // Matrices in f16 like the factors; norms are small and stay as they are.
  auto type_of = [](const NamedTensor& t) {
    return t.shape.size() > 1 ? TensorType::f16 : TensorType::f32;
  };
  for (const NamedTensor& t : embedders) w.add_tensor(t.name, t.shape, type_of(t));
  // Training writes over its own earlier result.
  base::Status done = w.begin(path, true);
  std::vector<std::byte> bytes;
  std::vector<float> scaled;
  for (const auto& [values, factor] : matrices) {
    if (!done) return done;
    bytes.resize(row_bytes(TensorType::f16, values->size()));
    scaled = *values;
    for (float& v : scaled) v *= factor;
    quantize_row(TensorType::f16, scaled, bytes.data());
    done = w.write(bytes);
  }
  for (const NamedTensor& t : embedders) {
    if (!done) return done;
    bytes.resize(row_bytes(type_of(t), t.values.size()));
    quantize_row(type_of(t), t.values, bytes.data());
    done = w.write(bytes);
  }
  if (!done) return done;
  return w.finish();
}

}  // namespace model
