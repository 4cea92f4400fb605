#include "model/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>

#include "model/checkpoint.h"
#include "model/model.h"
#include "tests/golden.h"
#include "tests/model/folder.h"

namespace model {
namespace {

std::string file_of(const std::string& header, size_t data_bytes) {
  const uint64_t n = header.size();
  std::string bytes(reinterpret_cast<const char*>(&n), sizeof n);
  return bytes + header + std::string(data_bytes, '\1');
}

base::Result<Safetensors> parse(const std::string& bytes) {
  return Safetensors::parse(std::as_bytes(std::span(bytes)), "model.safetensors");
}

TEST(Safetensors, ShapesAreTurnedRoundAndUnalignedValuesAreRead) {
  // One odd byte of header puts every tensor at an odd address.
  std::string bytes =
      file_of(R"({"a":{"dtype":"F32","shape":[1,2],"data_offsets":[1,9]},)"
              R"("b":{"dtype":"BF16","shape":[3],"data_offsets":[9,15]},)"
              R"("c":{"dtype":"F16","shape":[],"data_offsets":[15,17]},"__metadata__":{"x":"y"}} )",
              17);
  const float a[] = {1.5f, -2.25f};
  const uint16_t b[] = {0x3F80, 0xBF80, 0x4000}, c = 0x3C00;
  const size_t data = bytes.size() - 17;
  std::memcpy(bytes.data() + data + 1, a, 8);
  std::memcpy(bytes.data() + data + 9, b, 6);
  std::memcpy(bytes.data() + data + 15, &c, 2);
  for (const size_t shift : {size_t{0}, size_t{1}, size_t{3}}) {
    const std::string shifted = std::string(shift, ' ') + bytes;
    const base::Result<Safetensors> file =
        Safetensors::parse(std::as_bytes(std::span(shifted)).subspan(shift), "x");
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->find("a")->shape, (std::vector<uint64_t>{2, 1}));
    std::vector<float> two(2), three(3), one(1);
    dequantize_row(TensorType::f32, file->find("a")->data.data(), two);
    dequantize_row(TensorType::bf16, file->find("b")->data.data(), three);
    dequantize_row(TensorType::f16, file->find("c")->data.data(), one);
    EXPECT_EQ(two, (std::vector<float>{1.5f, -2.25f}));
    EXPECT_EQ(three, (std::vector<float>{1, -1, 2}));
    EXPECT_EQ(one, (std::vector<float>{1}));
    EXPECT_EQ(file->find("__metadata__"), nullptr);
  }
}

TEST(Safetensors, DamageIsAnErrorThatNamesTheTensor) {
  struct Case {
    std::string header;
    std::string named;
    base::Errc code = base::Errc::corrupt;
  };
  for (
      const Case& c : std::vector<Case>{
          {"[]", "header"},
          {"{", "header"},
          {R"({"a":3})", "a"},
          {R"({"a":{"shape":[2],"data_offsets":[0,8]}})", "a: dtype"},
          {R"({"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}})", "I64",
           base::Errc::unsupported},
          {R"({"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})", "F8_E4M3",
           base::Errc::unsupported},
          {R"({"a":{"dtype":"F32","data_offsets":[0,8]}})", "a: shape"},
          {R"({"a":{"dtype":"F32","shape":[1,1,1,1,2],"data_offsets":[0,8]}})", "a: shape"},
          {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "a: shape"},
          {R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})", "a: shape"},
          {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})",
           "a: shape"},
          {R"({"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,8]}})",
           "a: shape"},
          {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,7]}})", "a: data_offsets"},
          {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", "a: data_offsets"},
          {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", "a: data_offsets"},
          {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}})", "a: data_offsets"},
          {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[100,108]}})", "cut off"},
          {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[18446744073709551608,18446744073709551615]}})",
           "a: data_offsets"},
          {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
           R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
           "header"},
          {"{\"a\":" + std::string(100000, '[') + "}", "header"},
      }) {
    const base::Result<Safetensors> file = parse(file_of(c.header, 16));
    ASSERT_FALSE(file) << c.header.substr(0, 100);
    EXPECT_EQ(file.error().code, c.code) << file.error().message;
    EXPECT_NE(file.error().message.find(c.named), std::string::npos) << file.error().message;
    EXPECT_NE(file.error().message.find("model.safetensors"), std::string::npos);
  }
  EXPECT_FALSE(parse(""));
  EXPECT_FALSE(parse("\x01\x02\x03"));
  EXPECT_FALSE(parse(std::string(8, '\xff')));
  EXPECT_FALSE(parse(std::string(8, '\xff') + "{}"));
}

TEST(Safetensors, AnyPrefixOfAFileIsRefused) {
  const std::string whole = read_all(golden("tiny/assistant/model.safetensors"));
  ASSERT_TRUE(parse(whole));
  for (size_t n = 0; n < whole.size(); n += n < 64 ? 1 : 997)
    EXPECT_FALSE(parse(whole.substr(0, n))) << n;
  EXPECT_FALSE(parse(whole.substr(0, whole.size() - 1)));
}

/// Cuts tiny/model into two shards with an index.
void write_shards(const TestFolder& folder, std::string& first, std::string& second) {
  const base::Result<Safetensors> whole = Safetensors::open(golden("tiny/model/model.safetensors"));
  SafetensorsWriter a, b;
  std::string index = "{\"metadata\":{},\"weight_map\":{";
  size_t i = 0;
  for (const StoredTensor& t : whole->tensors()) {
    (i % 2 == 0 ? a : b).add_tensor(t.name, t.shape, t.type);
    index += (i == 0 ? "\"" : ",\"") + t.name + "\":\"model-0000" + (i % 2 == 0 ? "1" : "2") +
             "-of-00002.safetensors\"";
    ++i;
  }
  first = "model-00001-of-00002.safetensors";
  second = "model-00002-of-00002.safetensors";
  ASSERT_TRUE(a.begin(folder / first, false));
  ASSERT_TRUE(b.begin(folder / second, false));
  i = 0;
  for (const StoredTensor& t : whole->tensors()) ASSERT_TRUE((i++ % 2 == 0 ? a : b).write(t.data));
  ASSERT_TRUE(a.finish());
  ASSERT_TRUE(b.finish());
  folder.write("model.safetensors.index.json", index + "}}");
  std::filesystem::copy(golden("tiny/model/config.json"), folder / "config.json");
}

TEST(Safetensors, ShardsOpenAsOne) {
  const TestFolder folder;
  std::string first, second;
  write_shards(folder, first, second);
  const base::Result<Safetensors> whole = Safetensors::open(golden("tiny/model/model.safetensors")),
                                  sharded =
                                      Safetensors::open(folder / "model.safetensors.index.json");
  ASSERT_TRUE(sharded) << sharded.error().message;
  ASSERT_EQ(sharded->tensors().size(), whole->tensors().size());
  for (const StoredTensor& t : whole->tensors()) {
    const StoredTensor* twin = sharded->find(t.name);
    ASSERT_NE(twin, nullptr);
    EXPECT_EQ(twin->shape, t.shape);
    EXPECT_TRUE(std::ranges::equal(twin->data, t.data)) << t.name;
  }
  EXPECT_TRUE(Checkpoint::open(folder.path()));
  // A missing shard, one that is cut off, and an index that promises more than there is.
  const std::string bytes = read_all(folder / second);
  folder.write(second, bytes.substr(0, bytes.size() / 2));
  base::Result<Checkpoint> damaged = Checkpoint::open(folder.path());
  ASSERT_FALSE(damaged);
  EXPECT_NE(damaged.error().message.find(second), std::string::npos) << damaged.error().message;
  std::filesystem::remove(folder / second);
  damaged = Checkpoint::open(folder.path());
  EXPECT_EQ(damaged.error().code, base::Errc::not_found);
  folder.write("model.safetensors.index.json", "{\"weight_map\":{\"model.norm.weight\":\"" + first +
                                                   "\",\"ghost\":\"" + first + "\"}}");
  damaged = Checkpoint::open(folder.path());
  ASSERT_FALSE(damaged);
  EXPECT_NE(damaged.error().message.find("ghost"), std::string::npos);
}

TEST(Safetensors, AnIndexCannotReachOutsideItsFolder) {
  for (const char* shard : {"\"../x.safetensors\"", "\"/etc/passwd\"", "\"\"", "\".\"", "3"})
    EXPECT_FALSE(
        parse_safetensors_index(std::string("{\"weight_map\":{\"a\":") + shard + "}}", "index"));
  EXPECT_FALSE(parse_safetensors_index("{}", "index"));
  EXPECT_FALSE(parse_safetensors_index("", "index"));
}

/// tiny/model with its header edited.
void write_edited(const TestFolder& folder, const std::string& from, const std::string& to) {
  std::string bytes = read_all(golden("tiny/model/model.safetensors"));
  const size_t at = bytes.find(from);
  ASSERT_NE(at, std::string::npos);
  ASSERT_EQ(from.size(), to.size());
  bytes.replace(at, from.size(), to);
  folder.write("model.safetensors", bytes);
  std::filesystem::copy(golden("tiny/model/config.json"), folder / "config.json");
}

TEST(Safetensors, AMissingOrMisshapenTensorIsNamedWhenTheWeightsAreBound) {
  {
    const TestFolder folder;
    write_edited(folder, "model.language_model.layers.3.mlp.up_proj.weight",
                 "model.language_model.layers.3.mlp.xx_proj.weight");
    const base::Result<Checkpoint> file = Checkpoint::open(folder.path());
    ASSERT_TRUE(file) << file.error().message;
    const base::Result<Weights> weights = Weights::bind(file->tensors(), *file->architecture());
    ASSERT_FALSE(weights);
    EXPECT_NE(weights.error().message.find("blk.3.ffn_up.weight"), std::string::npos);
  }
  {
    // A sliding layer without value projection is damaged, not a layer whose values are its keys.
    const TestFolder folder;
    write_edited(folder, "model.language_model.layers.0.self_attn.v_proj.weight",
                 "model.language_model.layers.0.self_attn.x_proj.weight");
    const base::Result<Checkpoint> file = Checkpoint::open(folder.path());
    ASSERT_TRUE(file);
    const base::Result<Weights> weights = Weights::bind(file->tensors(), *file->architecture());
    ASSERT_FALSE(weights);
    EXPECT_NE(weights.error().message.find("blk.0.attn_v.weight"), std::string::npos);
  }
  {
    const TestFolder folder;
    write_edited(folder, "\"shape\":[160,64]", "\"shape\":[64,160]");
    const base::Result<Checkpoint> file = Checkpoint::open(folder.path());
    ASSERT_TRUE(file);
    const base::Result<Weights> weights = Weights::bind(file->tensors(), *file->architecture());
    ASSERT_FALSE(weights);
    EXPECT_NE(weights.error().message.find("expected 64x160"), std::string::npos)
        << weights.error().message;
  }
}

TEST(SafetensorsWriter, NeverReplacesUnlessToldToAndLeavesNoTemporaryFile) {
  const TestFolder folder;
  folder.write("out.safetensors", "precious");
  const float value = 1;
  const std::vector<uint64_t> shape{1};
  {
    SafetensorsWriter writer;
    writer.add_tensor("a", shape, TensorType::f32);
    EXPECT_EQ(writer.begin(folder / "out.safetensors", false).error().code, base::Errc::refused);
  }
  {
    SafetensorsWriter writer;
    writer.add_tensor("a", shape, TensorType::f32);
    ASSERT_TRUE(writer.begin(folder / "out.safetensors", true));
    EXPECT_FALSE(writer.finish());  // its bytes are missing
  }
  EXPECT_EQ(read_all(folder / "out.safetensors"), "precious");
  {
    SafetensorsWriter writer;
    writer.add_tensor("a", shape, TensorType::f32);
    ASSERT_TRUE(writer.begin(folder / "out.safetensors", true));
    EXPECT_FALSE(writer.write(std::vector<std::byte>(5)));
    ASSERT_TRUE(writer.write(std::as_bytes(std::span(&value, 1))));
    ASSERT_TRUE(writer.finish());
  }
  EXPECT_TRUE(Safetensors::open(folder / "out.safetensors"));
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    (void)entry;
    ++files;
  }
  EXPECT_EQ(files, 1u);
}

}  // namespace
}  // namespace model
