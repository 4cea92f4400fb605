// GGUF from untrusted bytes: what is accepted lies inside the file, and its first rows can be
// turned into numbers; what is refused has a sentence. Architecture and tokenizer are read from it
// too.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "model/architecture.h"
#include "model/gguf.h"
#include "model/quants.h"
#include "model/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  const base::Result<model::Gguf> gguf = model::Gguf::parse(bytes, "fuzz.gguf");
  if (!gguf) {
    if (gguf.error().message.empty()) std::abort();
    return 0;
  }
  for (const model::StoredTensor& tensor : gguf->tensors()) {
    if (!tensor.data.empty() && (tensor.data.data() < bytes.data() ||
                                 tensor.data.data() + tensor.data.size() > bytes.data() + size))
      std::abort();
    if (tensor.shape.empty() || tensor.n_elements() == 0 || tensor.shape[0] > 1u << 20) continue;
    std::vector<float> row(tensor.shape[0]);
    model::dequantize_row(tensor.type, tensor.data.data(), row);
  }
  (void)model::Architecture::from_gguf(*gguf);
  (void)model::Tokenizer::from_gguf(*gguf);
  return 0;
}
