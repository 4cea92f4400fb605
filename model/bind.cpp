#include "model/bind.h"

namespace model {

using base::Errc;
using base::Error;

void Binder::fail(std::string message) {
  if (!failed_) failed_ = Error{Errc::corrupt, std::move(message)};
}

const StoredTensor* Binder::find(const std::string& name) {
  if (failed_) return nullptr;
  const StoredTensor* t = tensors_.find(name);
  if (t == nullptr) fail(name + ": this tensor is missing");
  return t;
}

Matrix Binder::matrix(const std::string& name, int out, int in) {
  const StoredTensor* t = find(name);
  if (t == nullptr) return {};
  if (t->shape.size() != 2 || t->shape[0] != static_cast<uint64_t>(in) ||
      t->shape[1] != static_cast<uint64_t>(out)) {
    fail(name + ": " + t->describe() + ", expected " + std::to_string(in) + "x" +
         std::to_string(out));
    return {};
  }
  return {t->type, t->data.data(), out, in};
}

std::vector<float> Binder::vector(const std::string& name, int n) {
  const StoredTensor* t = find(name);
  if (t == nullptr) return {};
  if (t->n_elements() != static_cast<uint64_t>(n)) {
    fail(name + ": " + t->describe() + ", expected " + std::to_string(n));
    return {};
  }
  std::vector<float> values(static_cast<size_t>(n));
  dequantize_row(t->type, t->data.data(), values);
  return values;
}

}  // namespace model
