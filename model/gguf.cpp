#include "model/gguf.h"

#include <algorithm>
#include <cstring>

// The file, all little-endian:
//   "GGUF" | u32 version (2 or 3) | u64 n_tensors | u64 n_metadata
//   n_metadata x { string key | u32 type | value }     string = u64 length, bytes (no terminator)
//   n_tensors  x { string name | u32 n_dims | u64 dims[n_dims] | u32 type | u64 offset }
//   padding to `general.alignment` (32), then the tensor data; offsets count from there.
// Array value = u32 element type, u64 count, elements. Every count is compared with the bytes that
// are left before anything is reserved for it, so a hostile header costs no more memory than the
// file has bytes.

namespace model {
namespace {

using base::Errc;
using base::Error;

enum class ValueType : uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  string,
  array,
  u64,
  i64,
  f64
};

constexpr uint32_t kMaxDims = 4;
constexpr uint64_t kMaxKeyBytes = 1024;

/// Reads forward through the header; after the first failure `ok` stays false and reads give zeros.
struct Reader {
  std::span<const std::byte> bytes;
  size_t at = 0;
  bool ok = true;

  size_t left() const { return bytes.size() - at; }

  template <class T>
  T scalar() {
    T v{};
    if (!ok || left() < sizeof(T)) {
      ok = false;
      return v;
    }
    std::memcpy(&v, bytes.data() + at, sizeof(T));
    at += sizeof(T);
    return v;
  }

  std::string_view string() {
    const uint64_t n = scalar<uint64_t>();
    if (!ok || n > left()) {
      ok = false;
      return {};
    }
    const std::string_view s(reinterpret_cast<const char*>(bytes.data() + at), n);
    at += n;
    return s;
  }
};

size_t min_bytes(ValueType type) {
  switch (type) {
    case ValueType::u8:
    case ValueType::i8:
    case ValueType::boolean:
      return 1;
    case ValueType::u16:
    case ValueType::i16:
      return 2;
    case ValueType::u32:
    case ValueType::i32:
    case ValueType::f32:
      return 4;
    default:
      return 8;
  }
}

double read_number(Reader& r, ValueType type) {
  switch (type) {
    case ValueType::u8:
      return r.scalar<uint8_t>();
    case ValueType::i8:
      return r.scalar<int8_t>();
    case ValueType::u16:
      return r.scalar<uint16_t>();
    case ValueType::i16:
      return r.scalar<int16_t>();
    case ValueType::u32:
      return r.scalar<uint32_t>();
    case ValueType::i32:
      return r.scalar<int32_t>();
    case ValueType::f32:
      return static_cast<double>(r.scalar<float>());
    case ValueType::boolean:
      return r.scalar<uint8_t>() != 0 ? 1 : 0;
    case ValueType::u64:
      return static_cast<double>(r.scalar<uint64_t>());
    case ValueType::i64:
      return static_cast<double>(r.scalar<int64_t>());
    case ValueType::f64:
      return r.scalar<double>();
    default:
      r.ok = false;
      return 0;
  }
}

base::Result<GgufValue> read_value(Reader& r, const std::string& where) {
  const uint32_t raw = r.scalar<uint32_t>();
  if (!r.ok || raw > static_cast<uint32_t>(ValueType::f64))
    return Error{Errc::corrupt, where + ": unknown value type " + std::to_string(raw)};
  const ValueType type = static_cast<ValueType>(raw);
  GgufValue value;
  switch (type) {
    case ValueType::u8:
    case ValueType::u16:
    case ValueType::u32:
      value = static_cast<uint64_t>(read_number(r, type));
      break;
    case ValueType::u64:
      value = r.scalar<uint64_t>();
      break;
    case ValueType::i8:
    case ValueType::i16:
    case ValueType::i32:
      value = static_cast<int64_t>(read_number(r, type));
      break;
    case ValueType::i64:
      value = r.scalar<int64_t>();
      break;
    case ValueType::f32:
    case ValueType::f64:
      value = read_number(r, type);
      break;
    case ValueType::boolean:
      value = r.scalar<uint8_t>() != 0;
      break;
    case ValueType::string:
      value = r.string();
      break;
    case ValueType::array: {
      const uint32_t raw_element = r.scalar<uint32_t>();
      const uint64_t count = r.scalar<uint64_t>();
      if (!r.ok || raw_element > static_cast<uint32_t>(ValueType::f64) ||
          raw_element == static_cast<uint32_t>(ValueType::array))
        return Error{Errc::corrupt, where + ": unknown array type " + std::to_string(raw_element)};
      const ValueType element = static_cast<ValueType>(raw_element);
      if (count > r.left() / min_bytes(element))
        return Error{Errc::corrupt, where + ": an array of " + std::to_string(count) +
                                        " elements does not fit into the file"};
      if (element == ValueType::string) {
        std::vector<std::string_view> strings;
        strings.reserve(count);
        for (uint64_t i = 0; i < count && r.ok; ++i) strings.push_back(r.string());
        value = std::move(strings);
      } else {
        std::vector<double> numbers;
        numbers.reserve(count);
        for (uint64_t i = 0; i < count && r.ok; ++i) numbers.push_back(read_number(r, element));
        value = std::move(numbers);
      }
      break;
    }
  }
  if (!r.ok) return Error{Errc::corrupt, where + ": the file ends inside this value"};
  return value;
}

}  // namespace

uint64_t StoredTensor::n_elements() const {
  uint64_t n = 1;
  for (const uint64_t dim : shape) n *= dim;  // parse() has checked that this does not overflow
  return n;
}

std::string StoredTensor::describe() const {
  std::string text;
  for (const uint64_t dim : shape) text += (text.empty() ? "" : "x") + std::to_string(dim);
  return text + " " + std::string(block_layout(type)->name);
}

base::Result<Gguf> Gguf::parse(std::span<const std::byte> bytes, const std::string& name) {
  Reader r{bytes};
  if (bytes.size() < 24) return Error{Errc::corrupt, name + ": shorter than a GGUF header"};
  if (std::memcmp(bytes.data(), "GGUF", 4) != 0)
    return Error{Errc::corrupt, name + ": not a GGUF file (wrong first four bytes)"};
  r.at = 4;
  const uint32_t version = r.scalar<uint32_t>();
  if (version != 2 && version != 3)
    return Error{Errc::unsupported,
                 name + ": GGUF version " + std::to_string(version) + ", expected 2 or 3"};
  const uint64_t n_tensors = r.scalar<uint64_t>();
  const uint64_t n_metadata = r.scalar<uint64_t>();
  if (n_metadata > r.left() / 13)  // 8 key length + 4 type + 1 value
    return Error{Errc::corrupt, name + ": " + std::to_string(n_metadata) +
                                    " metadata entries do not fit into the file"};
  if (n_tensors > r.left() / 24)  // 8 name length + 4 dims + 4 type + 8 offset
    return Error{Errc::corrupt,
                 name + ": " + std::to_string(n_tensors) + " tensors do not fit into the file"};

  Gguf gguf;
  for (uint64_t i = 0; i < n_metadata; ++i) {
    const std::string_view key = r.string();
    if (!r.ok || key.empty() || key.size() > kMaxKeyBytes)
      return Error{Errc::corrupt, name + ": bad key of metadata entry " + std::to_string(i)};
    const size_t value_at = r.at;
    base::Result<GgufValue> value = read_value(r, name + ": " + std::string(key));
    if (!value) return value.error();
    if (!gguf.metadata_.emplace(std::string(key), std::move(*value)).second)
      return Error{Errc::corrupt, name + ": metadata key " + std::string(key) + " occurs twice"};
    gguf.keys_.emplace_back(key);
    gguf.raw_.emplace(std::string(key), bytes.subspan(value_at, r.at - value_at));
  }

  const uint64_t alignment = gguf.integer("general.alignment").value_or(32);
  if (alignment == 0 || alignment > 65536 || (alignment & (alignment - 1)) != 0)
    return Error{Errc::corrupt, name + ": alignment " + std::to_string(alignment)};

  std::vector<uint64_t> offsets;
  for (uint64_t i = 0; i < n_tensors; ++i) {
    StoredTensor tensor;
    tensor.name = std::string(r.string());
    const std::string where =
        name + ": tensor " + (tensor.name.size() < kMaxKeyBytes ? tensor.name : "name too long");
    const uint32_t n_dims = r.scalar<uint32_t>();
    if (!r.ok || tensor.name.empty() || tensor.name.size() > kMaxKeyBytes || n_dims > kMaxDims)
      return Error{Errc::corrupt,
                   where + ": bad header (" + std::to_string(n_dims) + " dimensions)"};
    uint64_t elements = 1;
    for (uint32_t d = 0; d < n_dims; ++d) {
      const uint64_t dim = r.scalar<uint64_t>();
      if (dim == 0 || dim > (uint64_t{1} << 40) || elements > (uint64_t{1} << 48) / dim)
        return Error{Errc::corrupt, where + ": dimension " + std::to_string(dim)};
      elements *= dim;
      tensor.shape.push_back(dim);
    }
    const uint32_t raw_type = r.scalar<uint32_t>();
    const uint64_t offset = r.scalar<uint64_t>();
    if (!r.ok) return Error{Errc::corrupt, where + ": the file ends inside its header"};
    tensor.type = static_cast<TensorType>(raw_type);
    const std::optional<BlockLayout> layout = block_layout(tensor.type);
    if (!layout)
      return Error{Errc::unsupported,
                   where + ": quantization type " + std::to_string(raw_type) + " is not supported"};
    const uint64_t row = tensor.shape.empty() ? 1 : tensor.shape[0];
    if (row % static_cast<uint64_t>(layout->values) != 0)
      return Error{Errc::corrupt, where + ": rows of " + std::to_string(row) +
                                      " values are not whole " + std::string(layout->name) +
                                      " blocks"};
    if (offset % alignment != 0)
      return Error{Errc::corrupt, where + ": offset " + std::to_string(offset) + " is not aligned"};
    if (!gguf.by_name_.emplace(tensor.name, gguf.tensors_.size()).second)
      return Error{Errc::corrupt, where + ": occurs twice"};
    offsets.push_back(offset);
    gguf.tensors_.push_back(std::move(tensor));
  }

  const size_t data_start = (r.at + alignment - 1) / alignment * alignment;
  for (size_t i = 0; i < offsets.size(); ++i) {
    StoredTensor& tensor = gguf.tensors_[i];
    const size_t size = row_bytes(tensor.type, tensor.n_elements());
    if (data_start > bytes.size() || offsets[i] > bytes.size() - data_start ||
        size > bytes.size() - data_start - offsets[i])
      return Error{Errc::corrupt, name + ": tensor " + tensor.name + ": its " +
                                      std::to_string(size) +
                                      " bytes reach past the end of the file; the file is cut off"};
    tensor.data = bytes.subspan(data_start + offsets[i], size);
  }
  return gguf;
}

base::Result<Gguf> Gguf::open(const std::filesystem::path& path) {
  base::Result<base::MappedFile> file = base::MappedFile::open(path);
  if (!file) return file.error();
  base::Result<Gguf> gguf = parse(file->bytes(), path.filename().string());
  if (!gguf) return gguf.error();
  gguf->file_ = std::move(*file);
  return gguf;
}

const StoredTensor* Gguf::find(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &tensors_[it->second];
}

std::span<const std::byte> Gguf::raw_value(std::string_view key) const {
  const auto it = raw_.find(key);
  return it == raw_.end() ? std::span<const std::byte>() : it->second;
}

std::optional<uint64_t> Gguf::integer(std::string_view key) const {
  const auto it = metadata_.find(key);
  if (it == metadata_.end()) return std::nullopt;
  if (const auto* u = std::get_if<uint64_t>(&it->second)) return *u;
  if (const auto* i = std::get_if<int64_t>(&it->second); i != nullptr && *i >= 0)
    return static_cast<uint64_t>(*i);
  return std::nullopt;
}

std::optional<double> Gguf::number(std::string_view key) const {
  const auto it = metadata_.find(key);
  if (it == metadata_.end()) return std::nullopt;
  if (const auto* d = std::get_if<double>(&it->second)) return *d;
  if (const std::optional<uint64_t> u = integer(key)) return static_cast<double>(*u);
  return std::nullopt;
}

std::optional<bool> Gguf::boolean(std::string_view key) const {
  const auto it = metadata_.find(key);
  if (it == metadata_.end()) return std::nullopt;
  if (const auto* b = std::get_if<bool>(&it->second)) return *b;
  return std::nullopt;
}

std::optional<std::string_view> Gguf::string(std::string_view key) const {
  const auto it = metadata_.find(key);
  if (it == metadata_.end()) return std::nullopt;
  if (const auto* s = std::get_if<std::string_view>(&it->second)) return *s;
  return std::nullopt;
}

const std::vector<std::string_view>* Gguf::strings(std::string_view key) const {
  const auto it = metadata_.find(key);
  return it == metadata_.end() ? nullptr : std::get_if<std::vector<std::string_view>>(&it->second);
}

const std::vector<double>* Gguf::numbers(std::string_view key) const {
  const auto it = metadata_.find(key);
  return it == metadata_.end() ? nullptr : std::get_if<std::vector<double>>(&it->second);
}

}  // namespace model
