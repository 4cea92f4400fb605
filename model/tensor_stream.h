#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/tensor.h"
#include "model/thread_pool.h"

namespace model {

/// One tensor on its way from one file to another.
struct TensorTask {
  std::string name;                    ///< in the new file
  const StoredTensor* from = nullptr;  ///< nullptr: `values`
  std::vector<float> values = {};      ///< computed, one row
  std::vector<uint64_t> shape = {};    ///< in the new file
  TensorType type = TensorType::f32;   ///< in the new file
  float offset = 0;                    ///< added to every value
  std::vector<uint32_t> columns = {};  ///< column i comes from columns[i]; empty: as they are
  std::function<uint64_t(uint64_t)> row = {};  ///< row i comes from row(i); empty: as they are
};

struct StreamResult {
  uint64_t rounded = 0;  ///< tensors some of whose values the new format cannot hold
};

/// Converts the tasks in order and hands their bytes to `write`, a few megabytes at a time, the
/// work shared by `pool`. Errors: corrupt (a value that is not finite has no place in a block;
/// names the tensor), and what `write` returns.
base::Result<StreamResult> stream_tensors(
    std::span<const TensorTask> tasks, ThreadPool& pool,
    const std::function<base::Status(std::span<const std::byte>)>& write,
    const std::function<void(uint64_t, uint64_t)>& progress);

}  // namespace model
