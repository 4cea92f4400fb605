#include "model/fingerprint.h"

#include <cblas.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "model/attention/kernel.h"
#include "model/gemm/kernel.h"
#include "model/integer/kernel.h"

// hash_bytes: four lanes of 64-bit words, so that four products are under way at once (about 10
// GB/s; a state of a long prompt is some hundred megabytes). Each step of a lane is a bijection of
// the word and of the lane, so a change of one word always changes the result.

namespace model {
namespace {

constexpr uint64_t kPrime = 0x9e3779b97f4a7c15u;  // odd
constexpr uint64_t kVersion = 2;  // raise when the arithmetic of a forward pass changes

uint64_t stirred(uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93u;
  return x ^ x >> 32;
}

uint64_t step(uint64_t lane, uint64_t word) { return std::rotl((lane ^ word) * kPrime, 29); }

uint64_t hash_text(std::string_view text, uint64_t seed) {
  return hash_bytes(std::as_bytes(std::span(text)), seed);
}

uint64_t hash_word(uint64_t word, uint64_t seed) {
  return hash_bytes(std::as_bytes(std::span(&word, 1)), seed);
}

uint64_t hash_file(const std::filesystem::path& path, uint64_t seed) {
  std::error_code error;
  uint64_t h = hash_text(path.filename().string(), seed);
  h = hash_word(std::filesystem::file_size(path, error), h);
  const auto time = std::filesystem::last_write_time(path, error).time_since_epoch().count();
  h = hash_word(static_cast<uint64_t>(time), h);
  std::vector<char> beginning(size_t{1} << 20);
  std::ifstream file(path, std::ios::binary);
  file.read(beginning.data(), static_cast<std::streamsize>(beginning.size()));
  return hash_text({beginning.data(), static_cast<size_t>(file.gcount())}, h);
}

}  // namespace

uint64_t hash_bytes(std::span<const std::byte> bytes, uint64_t seed) {
  std::array<uint64_t, 4> lanes = {seed ^ 1, seed ^ 2, seed ^ 3, seed ^ 4};
  size_t at = 0;
  for (; at + 32 <= bytes.size(); at += 32)
    for (size_t lane = 0; lane < 4; ++lane) {
      uint64_t word;
      std::memcpy(&word, bytes.data() + at + 8 * lane, 8);
      lanes[lane] = step(lanes[lane], word);
    }
  for (; at < bytes.size(); at += 8) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min<size_t>(8, bytes.size() - at));
    lanes[at / 8 % 4] = step(lanes[at / 8 % 4], word);
  }
  uint64_t h = stirred(bytes.size());
  for (const uint64_t lane : lanes) h = stirred(h * kPrime + lane);
  return h;
}

uint64_t fingerprint(std::initializer_list<std::filesystem::path> paths,
                     std::initializer_list<uint64_t> more) {
  uint64_t h = hash_text(best_gemm_kernel().name, kVersion);
  h = hash_text(best_integer_kernel().name, h);
  for (const bool may_round : {false, true})
    h = hash_text(best_attention_kernel(may_round).name, h);
  h = hash_text(openblas_get_corename(), h);
  for (const std::filesystem::path& path : paths) {
    if (path.empty()) continue;
    std::error_code error;
    std::vector<std::filesystem::path> files = {path};
    if (std::filesystem::is_directory(path, error)) {
      files.clear();
      for (const auto& entry : std::filesystem::directory_iterator(path, error))
        if (entry.is_regular_file(error)) files.push_back(entry.path());
      std::sort(files.begin(), files.end());
    }
    h = hash_word(files.size(), h);
    for (const std::filesystem::path& file : files) h = hash_file(file, h);
  }
  for (const uint64_t word : more) h = hash_word(word, h);
  return h;
}

}  // namespace model
