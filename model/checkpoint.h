#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "model/architecture.h"
#include "model/tensor.h"
#include "model/tokenizer.h"

namespace model {

/// A checkpoint as people have it: a GGUF file, or a Hugging Face folder (config.json,
/// model*.safetensors, tokenizer.json). Owns the mapping that tensors and tokenizer point into.
class Checkpoint {
 public:
  /// Errors: not_found, corrupt, unsupported; the message names the file and the field.
  static base::Result<Checkpoint> open(const std::filesystem::path& path);

  /// Errors: corrupt, unsupported.
  base::Result<Architecture> architecture() const;
  base::Result<Tokenizer> tokenizer() const;
  const TensorSource& tensors() const;
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
