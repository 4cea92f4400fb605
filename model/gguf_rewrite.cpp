#include "model/gguf_rewrite.h"

#include <map>
#include <vector>

#include "base/file.h"
#include "model/checkpoint.h"
#include "model/embedder_tensors.h"
#include "model/gguf_writer.h"
#include "model/lora.h"
#include "model/lora_peft.h"
#include "model/quantize.h"

// Rows are made and encoded a few megabytes at a time, so memory does not grow with the checkpoint.

namespace model {

namespace fs = std::filesystem;
using base::Errc;
using base::Error;

namespace {

constexpr uint64_t kPortion = uint64_t{4} << 20;  // values in memory at a time

base::Status write_rows(GgufWriter& w, const Rewrite& rewrite, uint64_t width, uint64_t n_rows,
                        ThreadPool& pool) {
  const size_t row_size = row_bytes(rewrite.type, width);
  const uint64_t portion = std::max<uint64_t>(1, kPortion / width);
  std::vector<std::byte> bytes;
  for (uint64_t first = 0; first < n_rows; first += portion) {
    const uint64_t count = std::min(portion, n_rows - first);
    bytes.resize(count * row_size);
    pool.parallel_for(static_cast<int>(count), 16, [&](int, int begin, int end) {
      std::vector<float> row(width);
      for (int i = begin; i < end; ++i) {
        rewrite.row(first + static_cast<uint64_t>(i), row);
        quantize_row(rewrite.type, row, bytes.data() + static_cast<size_t>(i) * row_size);
      }
    });
    const base::Status written = w.write(bytes);
    if (!written) return written.error();
  }
  return base::Ok{};
}

/// Errors: usage (a file to write is one to read or the other to write).
base::Status check_apart(const fs::path& base, const fs::path& adapter, const fs::path& out,
                         const fs::path& mmproj) {
  std::error_code ignored;
  const fs::path folder = fs::is_directory(adapter, ignored) ? adapter : adapter.parent_path();
  std::vector<fs::path> inputs = {base, adapter};
  if (is_peft(adapter))
    for (const char* name : {"adapter_config.json", "adapter_model.safetensors"})
      inputs.push_back(folder / name);
  for (const fs::path& to : {out, mmproj})
    for (const fs::path& from : inputs)
      if (!to.empty() && base::same_file(from, to))
        return Error{Errc::usage, to.string() + ": a file to read and one to write are one"};
  if (!mmproj.empty() && base::same_file(out, mmproj))
    return Error{Errc::usage, out.string() + ": both files to write are one"};
  return base::Ok{};
}

}  // namespace

base::Status rewrite_gguf(const Gguf& base, const fs::path& out, bool replace,
                          std::optional<TensorType> most,
                          const std::function<std::optional<Rewrite>(const StoredTensor&)>& change,
                          ThreadPool& pool) {
  GgufWriter w;
  bool versioned = false;
  for (const std::string& key : base.keys()) {
    if (key == "general.alignment") continue;  // ours is the default
    versioned = versioned || key == "general.quantization_version";
    if (key == "general.file_type" && most)
      w.add(key, file_type(*most));
    else
      w.add_raw(key, base.raw_value(key));
  }
  if (!versioned && most && block_layout(*most)->values > 1)
    w.add("general.quantization_version", uint32_t{2});
  std::vector<std::optional<Rewrite>> rewrites;
  for (const StoredTensor& t : base.tensors()) {
    rewrites.push_back(change(t));
    w.add_tensor(t.name, t.shape, rewrites.back() ? rewrites.back()->type : t.type);
  }
  base::Status done = w.begin(out, replace);
  for (size_t i = 0; i < rewrites.size() && done; ++i) {
    const StoredTensor& t = base.tensors()[i];
    if (!rewrites[i])
      done = w.write(t.data);
    else
      done = write_rows(w, *rewrites[i], t.shape[0], t.n_elements() / t.shape[0], pool);
  }
  if (!done) return done;
  return w.finish();
}

base::Status merge_adapter(const fs::path& base_path, const fs::path& adapter, const fs::path& out,
                           const fs::path& mmproj, std::optional<TensorType> type, bool replace,
                           ThreadPool& pool) {
  const base::Result<Checkpoint> checkpoint = Checkpoint::open(base_path);
  if (!checkpoint) return checkpoint.error();
  if (checkpoint->gguf() == nullptr)
    return Error{Errc::unsupported, base_path.string() +
                                        ": a folder; convert it to GGUF first (tessera model "
                                        "convert)"};
  const base::Status apart = check_apart(base_path, adapter, out, mmproj);
  if (!apart) return apart.error();
  const base::Result<Architecture> architecture = checkpoint->architecture();
  if (!architecture) return architecture.error();
  const base::Result<Lora> lora = Lora::open(adapter, *architecture);
  if (!lora) return lora.error();
  std::optional<Checkpoint> with_embedders;
  if (!is_peft(adapter)) {
    base::Result<Checkpoint> file = Checkpoint::open(adapter);
    if (!file) return file.error();
    const TensorSource& tensors = file->tensors();
    const bool holds = VisionEmbedder::present(tensors) || AudioEmbedder::present(tensors);
    if (holds && mmproj.empty())
      return Error{Errc::usage, adapter.string() +
                                    ": holds embedders too; name the file for them "
                                    "with --mmproj"};
    std::error_code ignored;
    if (holds && !replace && fs::exists(fs::symlink_status(mmproj, ignored)))
      return Error{Errc::refused, mmproj.string() + ": exists already; --force replaces it"};
    if (holds) with_embedders = std::move(*file);
  }
  std::map<std::string, const LowRank*, std::less<>> changed;
  for (int i = 0; i < architecture->n_layers; ++i)
    for (int p = 0; p < kProjections; ++p)
      if (lora->at(i, static_cast<Projection>(p)).rank > 0)
        changed["blk." + std::to_string(i) + "." +
                std::string(projection_name(static_cast<Projection>(p))) + ".weight"] =
            &lora->at(i, static_cast<Projection>(p));
  const base::Status merged = rewrite_gguf(
      *checkpoint->gguf(), out, replace, type,
      [&](const StoredTensor& t) -> std::optional<Rewrite> {
        const auto at = changed.find(t.name);
        if (at == changed.end()) return std::nullopt;
        const LowRank& low = *at->second;
        auto row = [&low, &t](uint64_t r, std::span<float> values) {
          dequantize_row(t.type, t.data.data() + r * row_bytes(t.type, values.size()), values);
          const size_t rank = static_cast<size_t>(low.rank);
          for (size_t k = 0; k < rank; ++k) {
            const float factor = low.scale * low.b[r * rank + k];
            const float* a = low.a.data() + k * values.size();
            for (size_t i = 0; i < values.size(); ++i) values[i] += factor * a[i];
          }
        };
        return Rewrite{.type = type ? fitting(*type, t.shape[0]) : t.type, .row = row};
      },
      pool);
  if (!merged || !with_embedders) return merged;
  const base::Result<bool> written =
      write_embedders_of(with_embedders->tensors(), architecture->hidden, mmproj, replace);
  if (!written) return written.error();
  return base::Ok{};
}

}  // namespace model
