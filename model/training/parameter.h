#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace model::training {

/// A tensor that training changes, with the gradient of the loss: two vectors of equal length that
/// belong to the part of the model it is in and outlive this.
struct Parameter {
  std::string name;              ///< GGUF's: "blk.0.attn_q.weight", "blk.0.attn_q.weight.lora_a"
  std::vector<uint64_t> shape;   ///< contiguous axis first
  std::vector<float>* value;     ///< f32, the master copy
  std::vector<float>* gradient;  ///< added to by each pass
  bool embedder = false;         ///< of pictures or sound: may have a learning rate of its own
};

using Parameters = std::vector<Parameter>;

/// Sets every gradient to zero.
void clear_gradients(const Parameters& parameters);

}  // namespace model::training
