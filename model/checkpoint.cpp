#include "model/checkpoint.h"

#include <map>
#include <mutex>
#include "base/json.h"

#include "base/file.h"
#include "model/gguf.h"
#include "model/hub_config.h"
#include "model/hub_names.h"
#include "model/safetensors.h"
#include "model/tokenizer_json.h"

// A GGUF file names its tensors as the rest of the program does; for a folder a table from GGUF's
// names to the folder's tensors is made once. tokenizer.json is read when somebody asks, for a
// folder may lack it and reading Gemma's takes half a second.

namespace model {

namespace fs = std::filesystem;
using base::Errc;
using base::Error;

struct Checkpoint::Source {
  std::optional<Gguf> gguf;
  // Of a folder:
  fs::path folder;
  std::optional<HubConfig> hub;
  std::optional<Safetensors> weights;
  std::string chat_template;
  std::map<std::string, const StoredTensor*, std::less<>> by_name;
  std::once_flag tokenizer_read;
  std::optional<base::Result<TokenizerJson>> tokenizer;

  CheckpointKind kind = CheckpointKind::decoder;
  TensorSource tensors;
  std::vector<Named> named;

  base::Result<const TokenizerJson*> tokenizer_json() {
    std::call_once(tokenizer_read,
                   [this] { tokenizer.emplace(TokenizerJson::open(folder / "tokenizer.json")); });
    if (!*tokenizer) return tokenizer->error();
    return static_cast<const TokenizerJson*>(&**tokenizer);
  }
};

Checkpoint::Checkpoint(std::unique_ptr<Source> source) : source_(std::move(source)) {}
Checkpoint::~Checkpoint() = default;
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;

static CheckpointKind kind_of(const Gguf& gguf) {
  const std::string_view architecture = gguf.string("general.architecture").value_or("");
  if (gguf.string("general.type").value_or("") == "adapter") return CheckpointKind::adapter;
  if (architecture == "clip") return CheckpointKind::projector;
  if (architecture == "gemma4-assistant") return CheckpointKind::drafter;
  if (architecture == "gemma3" || architecture == "gemma4") return CheckpointKind::decoder;
  return CheckpointKind::other;
}

static base::Result<Safetensors> open_weights(const fs::path& folder) {
  std::error_code ignored;
  const fs::path index = folder / "model.safetensors.index.json";
  if (fs::exists(index, ignored)) return Safetensors::open(index);
  return Safetensors::open(folder / "model.safetensors");
}

/// chat_template.jinja, or the entry of tokenizer_config.json; empty where there is neither.
static std::string read_chat_template(const fs::path& folder) {
  if (base::Result<std::string> text = base::read_file(folder / "chat_template.jinja", 1 << 20))
    return std::move(*text);
  const base::Result<std::string> text =
      base::read_file(folder / "tokenizer_config.json", size_t{32} << 20);
  if (!text) return "";
  const nlohmann::json config = nlohmann::json::parse(*text, nullptr, false);
  if (!config.is_object() || !config.contains("chat_template")) return "";
  const nlohmann::json& entry = config["chat_template"];
  if (entry.is_string()) return entry.get<std::string>();
  if (!entry.is_array()) return "";
  for (const nlohmann::json& one : entry)  // several templates by name
    if (one.is_object() && one.value("name", nlohmann::json()) == "default" &&
        one.contains("template") && one["template"].is_string())
      return one["template"].get<std::string>();
  return "";
}

static base::Result<std::unique_ptr<Checkpoint::Source>> open_gguf(const fs::path& path) {
  base::Result<Gguf> gguf = Gguf::open(path);
  if (!gguf) return gguf.error();
  auto source = std::make_unique<Checkpoint::Source>();
  source->gguf = std::move(*gguf);
  source->kind = kind_of(*source->gguf);
  source->tensors = {
      .find = [file = &*source->gguf](std::string_view name) { return file->find(name); },
      .convention = Convention::gguf};
  for (const StoredTensor& t : source->gguf->tensors()) source->named.push_back({t.name, &t});
  return source;
}

static base::Result<std::unique_ptr<Checkpoint::Source>> open_folder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::exists(folder / "config.json", ignored) &&
      fs::exists(folder / "adapter_config.json", ignored))
    return Error{Errc::usage, folder.string() + ": holds an adapter, not a checkpoint"};
  const base::Result<std::string> text = base::read_file(folder / "config.json", 16 << 20);
  if (!text) return text.error();
  base::Result<HubConfig> hub = HubConfig::parse(*text, (folder / "config.json").string());
  if (!hub) return hub.error();
  base::Result<Safetensors> weights = open_weights(folder);
  if (!weights) return weights.error();
  auto source = std::make_unique<Checkpoint::Source>();
  source->folder = folder;
  source->hub = std::move(*hub);
  source->weights = std::move(*weights);
  source->kind = source->hub->drafter ? CheckpointKind::drafter : CheckpointKind::decoder;
  source->chat_template = read_chat_template(folder);
  for (const StoredTensor& t : source->weights->tensors()) {
    const std::optional<std::string> name = gguf_name(t.name);
    source->named.push_back({name.value_or(""), &t});
    if (!name) continue;
    const auto [at, added] = source->by_name.emplace(*name, &t);
    if (!added)
      return Error{Errc::corrupt, folder.string() + ": " + t.name + " and " + at->second->name +
                                      " are the same tensor"};
  }
  source->tensors = {.find =
                         [names = &source->by_name](std::string_view name) {
                           const auto at = names->find(name);
                           return at == names->end() ? nullptr : at->second;
                         },
                     .convention = Convention::hub};
  return source;
}

base::Result<Checkpoint> Checkpoint::open(const fs::path& path) {
  std::error_code ignored;
  base::Result<std::unique_ptr<Source>> source = [&] {
    if (fs::is_directory(path, ignored)) return open_folder(path);
    if (path.extension() == ".json" || path.extension() == ".safetensors") {
      const fs::path folder = path.parent_path();
      return open_folder(folder.empty() ? fs::path(".") : folder);
    }
    return open_gguf(path);
  }();
  if (!source) return source.error();
  return Checkpoint(std::move(*source));
}

CheckpointKind Checkpoint::kind() const { return source_->kind; }
const Gguf* Checkpoint::gguf() const { return source_->gguf ? &*source_->gguf : nullptr; }
const HubConfig* Checkpoint::hub() const { return source_->hub ? &*source_->hub : nullptr; }

/// A folder's shapes come from config.json alone; that the embedding has as many rows is part of
/// them, for ids are checked against it.
base::Result<Architecture> Checkpoint::architecture() const {
  if (source_->gguf) return Architecture::from_gguf(*source_->gguf);
  if (source_->kind == CheckpointKind::drafter)
    return Error{Errc::unsupported,
                 source_->folder.string() + ": a drafter, which cannot run without its model"};
  return source_->hub->architecture;
}

base::Result<Architecture> Checkpoint::drafter_architecture() const {
  if (source_->gguf) return Architecture::drafter_from_gguf(*source_->gguf);
  if (source_->kind != CheckpointKind::drafter)
    return Error{Errc::unsupported, source_->folder.string() + ": not a drafter"};
  return source_->hub->architecture;
}

base::Result<Vocabulary> Checkpoint::vocabulary() const {
  if (source_->gguf) return Tokenizer::vocabulary_of(*source_->gguf);
  base::Result<const TokenizerJson*> json = source_->tokenizer_json();
  if (!json) return json.error();
  return (*json)->vocabulary(static_cast<size_t>(source_->hub->architecture.vocab_size));
}

base::Result<Tokenizer> Checkpoint::tokenizer() const {
  base::Result<Vocabulary> lists = vocabulary();
  if (!lists) return lists.error();
  return Tokenizer::from_vocabulary(std::move(*lists));
}

const TensorSource& Checkpoint::tensors() const { return source_->tensors; }
const std::vector<Checkpoint::Named>& Checkpoint::named_tensors() const { return source_->named; }

std::string_view Checkpoint::chat_template() const {
  if (source_->gguf) return source_->gguf->string("tokenizer.chat_template").value_or("");
  return source_->chat_template;
}

}  // namespace model
