#include "model/training/resume.h"

#include <cstring>
#include <span>
#include <string>

#include "base/mapped_file.h"
#include "model/output_file.h"

// Little-endian: "TSRACKP2" | u64 run | u64 steps done | u64 values of all parameters | values |
// first moments | second moments, each parameter after parameter in f32.

namespace model::training {

using base::Errc;
using base::Error;

namespace {

constexpr char kMagic[] = "TSRACKP2";
constexpr size_t kHeader = 32;

uint64_t count(const Parameters& parameters) {
  uint64_t n = 0;
  for (const Parameter& p : parameters) n += p.value->size();
  return n;
}

}  // namespace

base::Status save_state(const std::filesystem::path& path, const Parameters& parameters,
                        const AdamW& optimizer, uint64_t run) {
  OutputFile file;
  base::Status done = file.open(path, true);
  const uint64_t numbers[] = {run, static_cast<uint64_t>(optimizer.steps), count(parameters)};
  auto write = [&](const void* from, size_t n) {
    if (done) done = file.write({static_cast<const std::byte*>(from), n});
  };
  write(kMagic, 8);
  write(numbers, sizeof numbers);
  for (const Parameter& p : parameters) write(p.value->data(), p.value->size() * sizeof(float));
  for (const auto* moments : {&optimizer.first, &optimizer.second})
    for (const std::vector<float>& m : *moments) write(m.data(), m.size() * sizeof(float));
  if (!done) return done;
  return file.commit();
}

base::Status load_state(const std::filesystem::path& path, const Parameters& parameters,
                        AdamW& optimizer, uint64_t run) {
  const base::Result<base::MappedFile> file = base::MappedFile::open(path);
  if (!file) return file.error();
  const std::span<const std::byte> bytes = file->bytes();
  uint64_t numbers[3] = {};
  if (bytes.size() < kHeader || std::memcmp(bytes.data(), kMagic, 8) != 0)
    return Error{Errc::corrupt, path.string() + ": not a state of a training"};
  std::memcpy(numbers, bytes.data() + 8, sizeof numbers);
  if (numbers[0] != run || numbers[2] != count(parameters))
    return Error{Errc::usage, path.string() +
                                  ": the state of a training with other data or options; resume it "
                                  "with the same, or remove the file to start anew"};
  if (bytes.size() != kHeader + 3 * numbers[2] * sizeof(float))
    return Error{Errc::corrupt, path.string() + ": cut off"};
  const std::byte* at = bytes.data() + kHeader;
  auto read = [&](std::vector<float>& to) {
    std::memcpy(to.data(), at, to.size() * sizeof(float));
    at += to.size() * sizeof(float);
  };
  for (const Parameter& p : parameters) read(*p.value);
  for (auto* moments : {&optimizer.first, &optimizer.second})
    for (std::vector<float>& m : *moments) read(m);
  optimizer.steps = static_cast<int64_t>(numbers[1]);
  return base::Ok{};
}

}  // namespace model::training
