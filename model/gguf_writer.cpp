#include "model/gguf_writer.h"

#include <array>

namespace model {

uint32_t file_type(TensorType type) {
  switch (type) {
    case TensorType::f32:
      return 0;
    case TensorType::f16:
      return 1;
    case TensorType::q4_0:
      return 2;
    case TensorType::q4_1:
      return 3;
    case TensorType::q8_0:
      return 7;
    case TensorType::q5_0:
      return 8;
    case TensorType::q5_1:
      return 9;
    case TensorType::q4_k:
      return 14;
    case TensorType::q5_k:
      return 16;
    case TensorType::q6_k:
      return 18;
    case TensorType::bf16:
      return 32;
  }
  return 0;
}

using base::Errc;
using base::Error;

namespace {

constexpr uint64_t kAlign = 32;  // readers assume it where general.alignment is absent
enum : uint32_t { kUint32 = 4, kInt32 = 5, kFloat32 = 6, kBool = 7, kString = 8, kArray = 9 };

uint64_t padding(uint64_t n) { return (kAlign - n % kAlign) % kAlign; }

}  // namespace

template <class T>
void GgufWriter::scalar(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

void GgufWriter::string(std::string& to, std::string_view value) {
  scalar<uint64_t>(to, value.size());
  to.append(value);
}

std::string& GgufWriter::entry(std::string_view key, uint32_t type) {
  ++n_metadata_;
  string(metadata_, key);
  scalar(metadata_, type);
  return metadata_;
}

std::string& GgufWriter::list(std::string_view key, uint32_t type, uint64_t n) {
  std::string& to = entry(key, kArray);
  scalar(to, type);
  scalar(to, n);
  return to;
}

void GgufWriter::add(std::string_view key, std::string_view value) {
  string(entry(key, kString), value);
}
void GgufWriter::add(std::string_view key, bool value) {
  scalar<uint8_t>(entry(key, kBool), value ? 1 : 0);
}
void GgufWriter::add(std::string_view key, uint32_t value) { scalar(entry(key, kUint32), value); }
void GgufWriter::add(std::string_view key, float value) { scalar(entry(key, kFloat32), value); }
void GgufWriter::add(std::string_view key, std::span<const int32_t> values) {
  std::string& to = list(key, kInt32, values.size());
  for (const int32_t v : values) scalar(to, v);
}
void GgufWriter::add(std::string_view key, std::span<const float> values) {
  std::string& to = list(key, kFloat32, values.size());
  for (const float v : values) scalar(to, v);
}
void GgufWriter::add(std::string_view key, std::span<const std::string_view> values) {
  std::string& to = list(key, kString, values.size());
  for (const std::string_view v : values) string(to, v);
}
void GgufWriter::add(std::string_view key, const std::vector<bool>& values) {
  std::string& to = list(key, kBool, values.size());
  for (const bool v : values) scalar<uint8_t>(to, v ? 1 : 0);
}
void GgufWriter::add_raw(std::string_view key, std::span<const std::byte> value) {
  ++n_metadata_;
  string(metadata_, key);
  metadata_.append(reinterpret_cast<const char*>(value.data()), value.size());
}

void GgufWriter::add_tensor(std::string_view name, std::span<const uint64_t> shape,
                            TensorType type) {
  string(declarations_, name);
  scalar<uint32_t>(declarations_, static_cast<uint32_t>(shape.size()));
  uint64_t elements = 1;
  for (const uint64_t dim : shape) {
    scalar(declarations_, dim);
    elements *= dim;
  }
  scalar<uint32_t>(declarations_, static_cast<uint32_t>(type));
  scalar(declarations_, offset_);
  sizes_.push_back(row_bytes(type, elements));
  offset_ += sizes_.back() + padding(sizes_.back());
}

base::Status GgufWriter::begin(const std::filesystem::path& path, bool replace) {
  const base::Status opened = file_.open(path, replace);
  if (!opened) return opened;
  std::string header = "GGUF";
  scalar<uint32_t>(header, 3);
  scalar<uint64_t>(header, sizes_.size());
  scalar<uint64_t>(header, n_metadata_);
  header += metadata_;
  header += declarations_;
  header.resize(header.size() + padding(header.size()));
  return file_.write(std::as_bytes(std::span(header)));
}

base::Status GgufWriter::write(std::span<const std::byte> bytes) {
  if (current_ >= sizes_.size() || bytes.size() > sizes_[current_] - written_)
    return Error{Errc::internal, "more bytes than the declared tensor holds"};
  const base::Status done = file_.write(bytes);
  if (!done) return done;
  written_ += bytes.size();
  if (written_ < sizes_[current_]) return base::Ok{};
  const std::array<std::byte, kAlign> zeros{};
  const uint64_t pad = padding(written_);
  ++current_;
  written_ = 0;
  return file_.write(std::span(zeros).first(pad));
}

base::Status GgufWriter::finish() {
  if (current_ != sizes_.size()) return Error{Errc::internal, "bytes of tensors were not written"};
  return file_.commit();
}

}  // namespace model
