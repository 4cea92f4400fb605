#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/tensor.h"
#include "model/weights.h"

namespace model {

/// Takes tensors of stated shape out of a checkpoint, one after the other; the first that is
/// missing or has another shape is kept as failed() and what follows gives empty values.
class Binder {
 public:
  explicit Binder(const TensorSource& tensors) : tensors_(tensors) {}

  /// A matrix [out, in], left where it lies.
  Matrix matrix(const std::string& name, int out, int in);
  /// n values of any type and shape, as f32.
  std::vector<float> vector(const std::string& name, int n);

  /// corrupt, naming the tensor with its shape and the expected one.
  const std::optional<base::Error>& failed() const { return failed_; }

 private:
  const StoredTensor* find(const std::string& name);
  void fail(std::string message);

  const TensorSource& tensors_;
  std::optional<base::Error> failed_;
};

}  // namespace model
