// main() for a fuzz target where libFuzzer is not at hand: runs every file of the folders and files
// named as arguments, then a fixed number of random changes of each. The same run every time.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

void run(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
}

// A few bytes changed, removed, repeated, or taken from another input.
std::string changed(std::string bytes, const std::vector<std::string>& inputs,
                    std::mt19937& random) {
  for (size_t n = 1 + random() % 4; n > 0; --n) {
    const size_t at = bytes.empty() ? 0 : random() % bytes.size();
    const size_t length = random() % 16;
    switch (random() % 5) {
      case 0:
        if (!bytes.empty()) bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes.erase(at, length);
        break;
      case 2:
        bytes.insert(at, std::string(bytes, at, length));
        break;
      case 3: {
        const std::string& other = inputs[random() % inputs.size()];
        if (!other.empty()) bytes.insert(at, other.substr(random() % other.size(), length));
        break;
      }
      default:
        bytes.insert(at, 1, static_cast<char>(random()));
    }
  }
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::filesystem::path> paths;
  for (int i = 1; i < argc; ++i) {
    if (std::filesystem::is_directory(argv[i])) {
      for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
        paths.push_back(entry.path());
      }
    } else {
      paths.emplace_back(argv[i]);
    }
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> inputs = {""};
  for (const std::filesystem::path& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  for (const std::string& input : inputs) run(input);
  constexpr int kChanges = 300;
  std::mt19937 random(1);
  for (const std::string& input : inputs) {
    for (int i = 0; i < kChanges; ++i) run(changed(input, inputs, random));
  }
  std::printf("%zu inputs and %zu changes of them\n", inputs.size(), inputs.size() * kChanges);
}
