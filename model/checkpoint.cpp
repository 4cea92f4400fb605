#include "model/checkpoint.h"

#include "model/gguf.h"

namespace model {

using base::Errc;
using base::Error;

struct Checkpoint::Source {
  Gguf gguf;
  TensorSource tensors;
};

Checkpoint::Checkpoint(std::unique_ptr<Source> source) : source_(std::move(source)) {}
Checkpoint::~Checkpoint() = default;
Checkpoint::Checkpoint(Checkpoint&&) noexcept = default;
Checkpoint& Checkpoint::operator=(Checkpoint&&) noexcept = default;

base::Result<Checkpoint> Checkpoint::open(const std::filesystem::path& path) {
  base::Result<Gguf> gguf = Gguf::open(path);
  if (!gguf) return gguf.error();
  auto source = std::make_unique<Source>(Source{.gguf = std::move(*gguf), .tensors = {}});
  source->tensors = {
      .find = [file = &source->gguf](std::string_view name) { return file->find(name); },
      .convention = Convention::gguf};
  return Checkpoint(std::move(source));
}

base::Result<Architecture> Checkpoint::architecture() const {
  return Architecture::from_gguf(source_->gguf);
}

base::Result<Tokenizer> Checkpoint::tokenizer() const {
  return Tokenizer::from_gguf(source_->gguf);
}

const TensorSource& Checkpoint::tensors() const { return source_->tensors; }

std::string_view Checkpoint::chat_template() const {
  return source_->gguf.string("tokenizer.chat_template").value_or("");
}

}  // namespace model
