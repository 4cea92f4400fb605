#include "model/lora.h"

#include <cstring>

#include "base/file.h"

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

base::Result<Lora> Lora::open(const std::filesystem::path& path, const Architecture& a) {
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
      const std::string name =
          "blk." + std::to_string(i) + "." + std::string(projection_name(projection)) + ".weight";
      const StoredTensor* ta = gguf->find(name + ".lora_a");
      const StoredTensor* tb = gguf->find(name + ".lora_b");
      if (ta == nullptr && tb == nullptr) continue;
      const uint64_t in = static_cast<uint64_t>(projection_in(a, i, projection));
      const uint64_t out = static_cast<uint64_t>(projection_out(a, i, projection));
      if (ta == nullptr || tb == nullptr || ta->shape.size() != 2 || tb->shape.size() != 2 ||
          ta->shape[0] != in || tb->shape[1] != out || ta->shape[1] != tb->shape[0] ||
          ta->shape[1] > 4096 ||
          (projection == Projection::v && a.layers[static_cast<size_t>(i)].value_from_key))
        return Error{Errc::usage, file + ": " + name + " does not fit this checkpoint (" +
                                      (ta != nullptr ? ta->describe() : "no lora_a") + ", " +
                                      (tb != nullptr ? tb->describe() : "no lora_b") +
                                      "; expected " + std::to_string(in) + " to " +
                                      std::to_string(out) + ")"};
      LowRank& low = lora.layers[static_cast<size_t>(i)][static_cast<size_t>(p)];
      low.rank = static_cast<int>(ta->shape[1]);
      low.in = static_cast<int>(in);
      low.out = static_cast<int>(out);
      low.scale = static_cast<float>(*alpha) / static_cast<float>(low.rank);
      low.a.resize(static_cast<size_t>(ta->n_elements()));
      low.b.resize(static_cast<size_t>(tb->n_elements()));
      dequantize_row(ta->type, ta->data.data(), low.a);
      dequantize_row(tb->type, tb->data.data(), low.b);
      used += 2;
    }
  }
  if (used != gguf->tensors().size())
    return Error{Errc::unsupported, file + ": " + std::to_string(gguf->tensors().size() - used) +
                                        " of its tensors are not for the decoder's linear layers"};
  if (used == 0) return Error{Errc::corrupt, file + ": holds no adapter tensors"};
  return lora;
}

namespace {

/// Appends little-endian GGUF pieces; the layout is described in gguf.cpp.
struct Writer {
  std::string bytes;
  template <class T>
  void scalar(T v) {
    bytes.append(reinterpret_cast<const char*>(&v), sizeof v);
  }
  void string(std::string_view s) {
    scalar<uint64_t>(s.size());
    bytes.append(s);
  }
  void key_string(std::string_view key, std::string_view value) {
    string(key);
    scalar<uint32_t>(8);
    string(value);
  }
};

}  // namespace

base::Status write_lora(const std::filesystem::path& path, const Lora& lora, const Architecture& a,
                        float alpha) {
  struct Tensor {
    std::string name;
    uint64_t ne[2];
    const std::vector<float>* values;
  };
  std::vector<Tensor> tensors;
  for (int i = 0; i < a.n_layers; ++i) {
    for (int p = 0; p < kProjections; ++p) {
      const LowRank& low = lora.layers[static_cast<size_t>(i)][static_cast<size_t>(p)];
      if (low.rank == 0) continue;
      const std::string name = "blk." + std::to_string(i) + "." +
                               std::string(projection_name(static_cast<Projection>(p))) + ".weight";
      const uint64_t rank = static_cast<uint64_t>(low.rank);
      tensors.push_back({name + ".lora_a", {static_cast<uint64_t>(low.in), rank}, &low.a});
      tensors.push_back({name + ".lora_b", {rank, static_cast<uint64_t>(low.out)}, &low.b});
    }
  }
  Writer w;
  w.bytes = "GGUF";
  w.scalar<uint32_t>(3);
  w.scalar<uint64_t>(tensors.size());
  w.scalar<uint64_t>(4);
  w.key_string("general.architecture", a.name);
  w.key_string("general.type", "adapter");
  w.key_string("adapter.type", "lora");
  w.string("adapter.lora.alpha");
  w.scalar<uint32_t>(6);
  w.scalar<float>(alpha);
  constexpr size_t kAlign = 32;
  auto padded = [](size_t n) { return (n + kAlign - 1) / kAlign * kAlign; };
  size_t offset = 0;
  for (const Tensor& t : tensors) {
    w.string(t.name);
    w.scalar<uint32_t>(2);
    w.scalar<uint64_t>(t.ne[0]);
    w.scalar<uint64_t>(t.ne[1]);
    w.scalar<uint32_t>(static_cast<uint32_t>(TensorType::f16));
    w.scalar<uint64_t>(offset);
    offset += padded(t.values->size() * 2);
  }
  w.bytes.resize(padded(w.bytes.size()));
  for (const Tensor& t : tensors) {
    for (const float v : *t.values) w.scalar<uint16_t>(f32_to_f16(v));
    w.bytes.resize(padded(w.bytes.size()));
  }
  return base::write_file(path, w.bytes);
}

}  // namespace model
