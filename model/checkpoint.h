#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/architecture.h"
#include "model/tensor.h"
#include "model/tokenizer.h"

namespace model {

class Gguf;
struct HubConfig;

/// What the tensors of a file are for.
enum class CheckpointKind : uint8_t {
  decoder,    ///< a language model; a folder may hold its picture and sound embedders too
  projector,  ///< picture and sound embedders alone ("mmproj", GGUF architecture "clip")
  drafter,    ///< proposes tokens for a decoder ("gemma4-assistant")
  adapter,    ///< a LoRA adapter; Lora::open reads it
  other,      ///< a GGUF file of an architecture this program does not run
};

/// A checkpoint as people have it: a GGUF file, or a Hugging Face folder (config.json,
/// model*.safetensors, tokenizer.json). Owns the mapping that tensors and tokenizer point into.
class Checkpoint {
 public:
  /// path: a GGUF file, a folder, or a folder's config.json, index or only safetensors file.
  /// Errors: not_found, corrupt, unsupported, usage (a folder with an adapter); the message names
  /// the file and the field.
  static base::Result<Checkpoint> open(const std::filesystem::path& path);

  CheckpointKind kind() const;
  /// The GGUF file, nullptr for a folder.
  const Gguf* gguf() const;
  /// The folder's configuration, nullptr for a GGUF file.
  const HubConfig* hub() const;

  /// Of a decoder. Errors: corrupt, unsupported (another kind of file).
  base::Result<Architecture> architecture() const;
  /// Of a drafter (name "gemma4-assistant", backbone_hidden set). Errors: as architecture().
  base::Result<Architecture> drafter_architecture() const;
  /// Errors: not_found (a folder without tokenizer.json), corrupt, unsupported. The tokenizer
  /// points into this checkpoint.
  base::Result<Tokenizer> tokenizer() const;
  /// The lists the tokenizer is made of, as many pieces as the embedding has rows. Errors: as
  /// tokenizer().
  base::Result<Vocabulary> vocabulary() const;

  const TensorSource& tensors() const;
  /// Every tensor under the name its file gives it, with GGUF's beside it; a folder's tensors that
  /// this program has no use for have an empty GGUF name.
  struct Named {
    std::string gguf_name;
    const StoredTensor* tensor;
  };
  const std::vector<Named>& named_tensors() const;
  /// Jinja source of the chat template that came with the weights; empty where there is none.
  std::string_view chat_template() const;

  struct Source;  // one kind of file
  ~Checkpoint();
  Checkpoint(Checkpoint&&) noexcept;
  Checkpoint& operator=(Checkpoint&&) noexcept;

 private:
  explicit Checkpoint(std::unique_ptr<Source> source);
  std::unique_ptr<Source> source_;
};

}  // namespace model
