#include "model/safetensors.h"

#include <cstring>
#include <set>
#include "base/json.h"

#include "base/file.h"

// The file, little-endian:
//   u64 n | n bytes of JSON | the tensors' bytes, to the end of the file
// The JSON is one object: tensor name -> {"dtype": "BF16", "shape": [out, in], "data_offsets":
// [begin, end]}, offsets counted from the end of the JSON, and "__metadata__" -> strings. Nothing
// is aligned. The header is bounded, its nesting too; every number is compared with the bytes that
// are there before it is used.

namespace model {
namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

constexpr uint64_t kMaxHeaderBytes = uint64_t{64} << 20;
constexpr size_t kMaxIndexBytes = size_t{64} << 20;
constexpr size_t kMaxShards = 1024;
constexpr size_t kMaxNameBytes = 1024;
constexpr size_t kMaxDims = 4;
constexpr int kMaxDepth = 8;

/// Parses an object; a key that occurs twice and deep nesting are errors too, since the first would
/// hide a tensor and the second has no place here.
std::optional<json> parse_object(std::string_view text) {
  std::set<std::string> keys;
  bool bad = false;
  const json::parser_callback_t check = [&](int depth, json::parse_event_t event, json& value) {
    if (depth > kMaxDepth) bad = true;
    if (event == json::parse_event_t::key && depth == 1 &&
        !keys.insert(value.get_ref<const std::string&>()).second)
      bad = true;
    return !bad;
  };
  json parsed = json::parse(text.begin(), text.end(), check, false);
  if (bad || !parsed.is_object()) return std::nullopt;
  return parsed;
}

std::optional<TensorType> type_of(const std::string& dtype) {
  if (dtype == "F32") return TensorType::f32;
  if (dtype == "F16") return TensorType::f16;
  if (dtype == "BF16") return TensorType::bf16;
  return std::nullopt;
}

std::string short_name(const std::string& name) {
  return name.size() <= kMaxNameBytes ? name
                                      : "(a name of " + std::to_string(name.size()) + " bytes)";
}

base::Result<StoredTensor> read_entry(const std::string& tensor_name, const json& entry,
                                      std::span<const std::byte> data, const std::string& file) {
  const std::string where = file + ": " + short_name(tensor_name);
  if (tensor_name.empty() || tensor_name.size() > kMaxNameBytes || !entry.is_object())
    return Error{Errc::corrupt, where + ": not a tensor"};
  const auto dtype = entry.find("dtype"), shape = entry.find("shape"),
             offsets = entry.find("data_offsets");
  if (dtype == entry.end() || !dtype->is_string())
    return Error{Errc::corrupt, where + ": dtype is missing"};
  if (shape == entry.end() || !shape->is_array() || shape->size() > kMaxDims)
    return Error{Errc::corrupt,
                 where + ": shape is missing or has over " + std::to_string(kMaxDims) + " axes"};
  if (offsets == entry.end() || !offsets->is_array() || offsets->size() != 2 ||
      !(*offsets)[0].is_number_unsigned() || !(*offsets)[1].is_number_unsigned())
    return Error{Errc::corrupt, where + ": data_offsets is not a pair of numbers"};
  const std::optional<TensorType> type = type_of(dtype->get_ref<const std::string&>());
  if (!type)
    return Error{Errc::unsupported, where + ": dtype " +
                                        dtype->get_ref<const std::string&>().substr(0, 32) +
                                        ", expected BF16, F16 or F32"};
  StoredTensor tensor{.name = tensor_name, .type = *type};
  uint64_t elements = 1;
  for (const json& axis : *shape) {
    const uint64_t dim = axis.is_number_unsigned() ? axis.get<uint64_t>() : 0;
    if (dim == 0 || dim > (uint64_t{1} << 40) || elements > (uint64_t{1} << 48) / dim)
      return Error{Errc::corrupt, where + ": shape holds " + axis.dump().substr(0, 32)};
    elements *= dim;
    tensor.shape.insert(tensor.shape.begin(), dim);
  }
  const uint64_t begin = (*offsets)[0].get<uint64_t>(), end = (*offsets)[1].get<uint64_t>();
  const uint64_t needed = elements * static_cast<uint64_t>(block_layout(*type)->bytes);
  if (begin > end || end - begin != needed)
    return Error{Errc::corrupt, where + ": data_offsets " + std::to_string(begin) + " to " +
                                    std::to_string(end) + ", but " + tensor.describe() + " takes " +
                                    std::to_string(needed) + " bytes"};
  if (end > data.size())
    return Error{Errc::corrupt, where + ": its bytes end at " + std::to_string(end) +
                                    ", the file has " + std::to_string(data.size()) +
                                    " bytes of data; it is cut off"};
  tensor.data = data.subspan(begin, needed);
  return tensor;
}

}  // namespace

base::Status Safetensors::add(std::span<const std::byte> bytes, const std::string& name) {
  uint64_t n = 0;
  if (bytes.size() < sizeof n)
    return Error{Errc::corrupt, name + ": shorter than a safetensors header"};
  std::memcpy(&n, bytes.data(), sizeof n);
  bytes = bytes.subspan(sizeof n);
  if (n > bytes.size() || n > kMaxHeaderBytes)
    return Error{Errc::corrupt, name + ": a header of " + std::to_string(n) +
                                    " bytes does not fit; not a safetensors file, or cut off"};
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), n);
  const std::optional<json> header = parse_object(text);
  if (!header) return Error{Errc::corrupt, name + ": its header is not a JSON object of tensors"};
  const std::span<const std::byte> data = bytes.subspan(n);
  for (const auto& [tensor_name, entry] : header->items()) {
    if (tensor_name == "__metadata__") continue;
    base::Result<StoredTensor> tensor = read_entry(tensor_name, entry, data, name);
    if (!tensor) return tensor.error();
    if (!by_name_.emplace(tensor_name, tensors_.size()).second)
      return Error{Errc::corrupt, name + ": " + tensor_name + " is also in another shard"};
    tensors_.push_back(std::move(*tensor));
  }
  return base::Ok{};
}

base::Result<Safetensors> Safetensors::parse(std::span<const std::byte> bytes,
                                             const std::string& name) {
  Safetensors file;
  const base::Status added = file.add(bytes, name);
  if (!added) return added.error();
  return file;
}

base::Result<std::map<std::string, std::string>> parse_safetensors_index(std::string_view text,
                                                                         const std::string& name) {
  const std::optional<json> index = parse_object(text);
  if (!index || !index->contains("weight_map") || !(*index)["weight_map"].is_object())
    return Error{Errc::corrupt, name + ": weight_map is missing"};
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, file] : (*index)["weight_map"].items()) {
    const std::string shard = file.is_string() ? file.get<std::string>() : "";
    // A shard is a plain file name: an index must not reach outside its folder.
    if (shard.empty() || shard.size() > 255 || shard[0] == '.' ||
        shard.find('/') != std::string::npos || shard.find('\0') != std::string::npos)
      return Error{Errc::corrupt, name + ": weight_map: " + short_name(tensor) + ": \"" +
                                      shard.substr(0, 64) + "\" is not the name of a file"};
    shards.emplace(tensor, shard);
  }
  return shards;
}

base::Result<Safetensors> Safetensors::open(const std::filesystem::path& path) {
  std::set<std::string> names;
  std::map<std::string, std::string> shards;
  if (path.extension() == ".json") {
    base::Result<std::string> text = base::read_file(path, kMaxIndexBytes);
    if (!text) return text.error();
    base::Result<std::map<std::string, std::string>> index =
        parse_safetensors_index(*text, path.filename().string());
    if (!index) return index.error();
    shards = std::move(*index);
    for (const auto& [tensor, file] : shards) names.insert(file);
    if (names.size() > kMaxShards)
      return Error{Errc::corrupt, path.filename().string() +
                                      ": weight_map: " + std::to_string(names.size()) + " shards"};
  } else {
    names.insert(path.filename().string());
  }
  Safetensors all;
  for (const std::string& name : names) {
    base::Result<base::MappedFile> file = base::MappedFile::open(path.parent_path() / name);
    if (!file) return file.error();
    const base::Status added = all.add(file->bytes(), name);
    if (!added) return added.error();
    all.files_.push_back(std::move(*file));
  }
  for (const auto& [tensor, file] : shards)
    if (all.find(tensor) == nullptr)
      return Error{Errc::corrupt, file + ": " + short_name(tensor) +
                                      " is missing, but the index says it is there"};
  return all;
}

const StoredTensor* Safetensors::find(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &tensors_[it->second];
}

void SafetensorsWriter::add_tensor(const std::string& name, std::span<const uint64_t> shape,
                                   TensorType type) {
  StoredTensor t{.name = name, .type = type, .shape = {shape.begin(), shape.end()}};
  entries_.push_back({name, t.shape, type, row_bytes(type, t.n_elements())});
}

base::Status SafetensorsWriter::begin(const std::filesystem::path& path, bool replace) {
  // An ordered object keeps the order of the data, as readers of the format like it.
  nlohmann::ordered_json header;
  header["__metadata__"]["format"] = "pt";
  uint64_t at = 0;
  for (const Entry& e : entries_) {
    nlohmann::ordered_json& entry = header[e.name];
    entry["dtype"] = block_layout(e.type)->name;
    entry["shape"] = std::vector<uint64_t>(e.shape.rbegin(), e.shape.rend());
    entry["data_offsets"] = {at, at + e.bytes};
    at += e.bytes;
  }
  std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  text.append((8 - text.size() % 8) % 8, ' ');
  const uint64_t n = text.size();
  left_ = at;
  const base::Status opened = file_.open(path, replace);
  if (!opened) return opened;
  const base::Status length = file_.write(std::as_bytes(std::span(&n, 1)));
  if (!length) return length;
  return file_.write(std::as_bytes(std::span(text)));
}

base::Status SafetensorsWriter::write(std::span<const std::byte> bytes) {
  if (bytes.size() > left_)
    return Error{Errc::internal, "more bytes than the declared tensors hold"};
  left_ -= bytes.size();
  return file_.write(bytes);
}

base::Status SafetensorsWriter::finish() {
  if (left_ != 0)
    return Error{Errc::internal, std::to_string(left_) + " bytes of tensors were not written"};
  return file_.commit();
}

}  // namespace model
