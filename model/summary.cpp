#include "model/summary.h"

#include <algorithm>
#include <set>

#include "model/checkpoint.h"
#include "model/gguf.h"
#include "model/hub_config.h"
#include "model/hub_names.h"
#include "model/lora_peft.h"
#include "model/safetensors.h"

namespace model {

namespace fs = std::filesystem;

namespace {

Summary::Tensor summary_of(const StoredTensor& t, std::string gguf) {
  return {.name = t.name,
          .gguf_name = std::move(gguf),
          .shape = t.shape,
          .type = std::string(block_layout(t.type)->name),
          .values = t.n_elements(),
          .bytes = t.data.size()};
}

const char* kind_name(CheckpointKind kind) {
  switch (kind) {
    case CheckpointKind::decoder:
      return "decoder";
    case CheckpointKind::projector:
      return "projector";
    case CheckpointKind::drafter:
      return "drafter";
    case CheckpointKind::adapter:
      return "adapter";
    case CheckpointKind::other:
      break;
  }
  return "other";
}

std::string decimal(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", v);
  return text;
}

std::string ranks_of(const std::set<uint64_t>& ranks) {
  std::string text;
  for (const uint64_t r : ranks) text += (text.empty() ? "" : ", ") + std::to_string(r);
  return text;
}

base::Result<Summary> read_peft(const fs::path& path) {
  const base::Result<PeftAdapter> adapter = PeftAdapter::open(path);
  if (!adapter) return adapter.error();
  Summary s{.format = "folder", .kind = "adapter", .architecture_name = "PEFT LoRA"};
  std::set<uint64_t> ranks;
  for (const PeftAdapter::Pair& pair : adapter->pairs) {
    s.tensors.push_back(summary_of(*pair.a, pair.gguf_name + ".lora_a"));
    s.tensors.push_back(summary_of(*pair.b, pair.gguf_name + ".lora_b"));
    ranks.insert(pair.a->shape[1]);
  }
  s.extra = {{"rank", ranks_of(ranks)},
             {"alpha", decimal(adapter->config.alpha)},
             {"modules", std::to_string(adapter->pairs.size())},
             {"base", adapter->config.base_model}};
  return s;
}

void read_gguf(const Gguf& gguf, Summary& s) {
  s.name = gguf.string("general.name").value_or("");
  s.architecture_name = gguf.string("general.architecture").value_or("");
  s.tokenizer = gguf.string("tokenizer.ggml.model").value_or("");
  if (const auto* pieces = gguf.strings("tokenizer.ggml.tokens")) s.n_pieces = pieces->size();
  if (s.kind == "adapter") {
    std::set<uint64_t> ranks;
    for (const StoredTensor& t : gguf.tensors())
      if (t.name.ends_with(".lora_a") && t.shape.size() == 2) ranks.insert(t.shape[1]);
    s.extra = {{"rank", ranks_of(ranks)},
               {"alpha", decimal(gguf.number("adapter.lora.alpha").value_or(0))},
               {"modules", std::to_string(gguf.tensors().size() / 2)}};
  }
  if (s.kind == "projector")
    for (const char* key : {"clip.vision.projector_type", "clip.audio.projector_type"})
      if (const auto v = gguf.string(key)) s.extra[key] = std::string(*v);
  for (const char* key :
       {"clip.vision.patch_size", "clip.vision.embedding_length", "clip.vision.projection_dim",
        "clip.audio.embedding_length", "clip.audio.projection_dim"})
    if (const auto v = gguf.integer(key)) s.extra[key] = std::to_string(*v);
}

void read_hub(const Checkpoint& file, const HubConfig& hub, Summary& s) {
  s.architecture_name = hub.architecture.name + " (" + hub.model_type + ")";
  if (hub.vision) {
    s.extra["pictures"] = "patches of " + std::to_string(hub.vision->model_patch_size()) +
                          " pixels, width " + std::to_string(hub.vision->embed_dim) + ", " +
                          std::to_string(hub.vision->positions) + " positions";
  }
  if (hub.audio)
    s.extra["sound"] = std::to_string(hub.audio->samples_per_token) + " samples a token";
  if (const base::Result<Vocabulary> lists = file.vocabulary()) {
    s.tokenizer = "tokenizer.json";
    s.n_pieces = lists->pieces.size();
  } else {
    s.problems.push_back(lists.error().message);
  }
}

}  // namespace

Summary::Total Summary::total() const {
  Total all;
  for (const auto& [type, t] : by_type()) {
    all.tensors += t.tensors;
    all.values += t.values;
    all.bytes += t.bytes;
  }
  return all;
}

std::map<std::string, Summary::Total> Summary::by_type() const {
  std::map<std::string, Total> totals;
  for (const Tensor& t : tensors) {
    Total& sum = totals[t.type];
    ++sum.tensors;
    sum.values += t.values;
    sum.bytes += t.bytes;
  }
  return totals;
}

base::Result<Summary> Summary::read(const fs::path& path) {
  if (is_peft(path)) return read_peft(path);
  std::error_code ignored;
  if (path.extension() == ".safetensors" &&
      !fs::exists(path.parent_path() / "config.json", ignored)) {
    const base::Result<Safetensors> file = Safetensors::open(path);
    if (!file) return file.error();
    Summary s{.format = "safetensors", .kind = "tensors"};
    for (const StoredTensor& t : file->tensors())
      s.tensors.push_back(summary_of(t, gguf_name(t.name).value_or("")));
    return s;
  }
  const base::Result<Checkpoint> file = Checkpoint::open(path);
  if (!file) return file.error();
  Summary s{.format = file->gguf() != nullptr ? "gguf" : "folder", .kind = kind_name(file->kind())};
  for (const Checkpoint::Named& t : file->named_tensors())
    s.tensors.push_back(summary_of(*t.tensor, t.gguf_name));
  if (file->gguf() != nullptr)
    read_gguf(*file->gguf(), s);
  else
    read_hub(*file, *file->hub(), s);
  s.chat_template = !file->chat_template().empty();
  if (file->kind() == CheckpointKind::decoder || file->kind() == CheckpointKind::drafter) {
    base::Result<Architecture> a = file->kind() == CheckpointKind::decoder
                                       ? file->architecture()
                                       : file->drafter_architecture();
    if (a)
      s.architecture = std::move(*a);
    else
      s.problems.push_back(a.error().message);
  }
  return s;
}

uint64_t kv_cache_bytes(const Architecture& a, uint64_t context) {
  if (a.backbone_hidden > 0) return 0;  // a drafter reads the keys and values of its model
  uint64_t values = 0;
  for (size_t i = 0; i < a.layers.size(); ++i) {
    const uint64_t kept =
        a.layers[i].sliding ? std::min(context, static_cast<uint64_t>(a.sliding_window)) : context;
    values += 2 * kept * static_cast<uint64_t>(a.key_width(static_cast<int>(i)));
  }
  return 2 * values;
}

std::string layer_pattern(const Architecture& a) {
  std::vector<std::pair<bool, int>> runs;
  for (const LayerShape& layer : a.layers) {
    if (!runs.empty() && runs.back().first == layer.sliding)
      ++runs.back().second;
    else
      runs.emplace_back(layer.sliding, 1);
  }
  auto text = [](const std::pair<bool, int>& run) {
    return std::to_string(run.second) + (run.first ? " sliding" : " full");
  };
  if (runs.size() >= 4 && runs.size() % 2 == 0) {
    bool periodic = true;
    for (size_t i = 2; i < runs.size(); ++i) periodic = periodic && runs[i] == runs[i - 2];
    if (periodic)
      return "(" + text(runs[0]) + ", " + text(runs[1]) + ") x " + std::to_string(runs.size() / 2);
  }
  std::string all;
  for (const auto& run : runs) all += (all.empty() ? "" : ", ") + text(run);
  return all;
}

}  // namespace model
