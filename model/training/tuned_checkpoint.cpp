#include "model/training/tuned_checkpoint.h"

#include <algorithm>
#include <map>

#include "model/gguf_rewrite.h"

namespace model::training {

base::Status write_tuned(const Gguf& base, const std::filesystem::path& out,
                         const Parameters& parameters, TensorType type, ThreadPool& pool) {
  std::map<std::string, const Parameter*, std::less<>> by_name;
  for (const Parameter& p : parameters) by_name[p.name] = &p;
  return rewrite_gguf(
      base, out, true, type,
      [&](const StoredTensor& t) -> std::optional<Rewrite> {
        const auto at = by_name.find(t.name);
        if (at == by_name.end()) return std::nullopt;
        const std::vector<float>& values = *at->second->value;
        return Rewrite{.type = t.shape.size() >= 2 ? type : TensorType::f32,
                       .row = [&values](uint64_t row, std::span<float> to) {
                         std::copy_n(values.begin() + static_cast<ptrdiff_t>(row * to.size()),
                                     to.size(), to.begin());
                       }};
      },
      pool);
}

}  // namespace model::training
