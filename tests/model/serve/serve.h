#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "model/model.h"
#include "tests/golden.h"

namespace model {

/// Ways to compute: every path of the linear layers.
struct Way {
  const char* name;
  const char* file;
  LoadOptions options;
};
inline std::vector<Way> all_ways() {
  return {
      {"f32", "tiny/tiny-f32.gguf", {.precision = Precision::f32, .threads = 2}},
      {"f32 with an adapter",
       "tiny/tiny-f32.gguf",
       {.precision = Precision::f32, .adapter = golden("tiny/lora-f32.gguf"), .threads = 2}},
      {"bf16", "tiny/tiny-f32.gguf", {.precision = Precision::bf16, .threads = 2}},
      {"bf16 of q8_0 as stored with an adapter",
       "tiny/tiny-q8_0.gguf",
       {.precision = Precision::bf16, .adapter = golden("tiny/lora-f32.gguf"), .threads = 2}},
      {"words times q4_0 with an adapter",
       "tiny/tiny-q4_0.gguf",
       {.precision = Precision::int16, .adapter = golden("tiny/lora-f32.gguf"), .threads = 2}},
      {"bytes times q8_0", "tiny/tiny-q8_0.gguf", {.precision = Precision::int8, .threads = 2}},
  };
}
inline Engine load(const Way& way) {
  base::Result<Engine> engine = Engine::load(golden(way.file), way.options);
  if (!engine) throw std::runtime_error(engine.error().message);
  return std::move(*engine);
}
/// The tiny model, as fast as it is: a window of 8, a context of 4,096.
inline const Engine& tiny() {
  static const Engine engine = load(all_ways()[2]);
  return engine;
}

/// n tokens of text, the same for the same seed.
inline std::vector<Position> text(int n, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<Position> out;
  for (int i = 0; i < n; ++i) out.push_back({.id = static_cast<TokenId>(10 + random() % 200)});
  return out;
}
inline std::vector<Position> operator+(std::vector<Position> a, const std::vector<Position>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

inline std::vector<float> copy_of(std::span<const float> values) {
  return {values.begin(), values.end()};
}
/// Logits after `prompt` in a session that has seen nothing else.
inline std::vector<float> cold(const Engine& engine, std::span<const Position> prompt) {
  Session session(engine, 4096);
  EXPECT_TRUE(session.prefill(prompt, {}));
  return copy_of(session.logits());
}

/// A folder of a test's own, gone with it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "tessera-serve-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  const std::filesystem::path& path() const { return path_; }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      out.push_back(entry.path());
    return out;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace model
