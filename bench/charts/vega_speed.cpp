// Times of one process that draws chart after chart, for speed.py: a line "SPEC SCALE PICTURE" on
// standard input is answered by the milliseconds of reading and compiling, of painting and
// encoding, and the number of bytes written.
//   vega-speed DATA
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/json.h"
#include "tools/vega/vega.h"

static double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "vega-speed DATA\n"), 2;
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string spec_path, target;
    double scale = 1;
    words >> spec_path >> scale >> target;
    const std::clock_t work = std::clock();
    auto start = std::chrono::steady_clock::now();
    std::ifstream in(spec_path);
    std::stringstream bytes;
    bytes << in.rdbuf();
    tools::vega::Options options;
    options.load = tools::vega::folder_loader(argv[1]);
    base::Result<tools::vega::Scene> scene =
        tools::vega::compile(nlohmann::json::parse(bytes.str(), nullptr, false), options);
    const double compiling = ms_since(start);
    if (!scene) return std::fprintf(stderr, "%s\n", scene.error().message.c_str()), 1;
    start = std::chrono::steady_clock::now();
    base::Result<std::string> picture = std::string_view(target).ends_with(".svg")
                                            ? tools::vega::svg(*scene)
                                            : tools::vega::png(*scene, scale);
    const double painting = ms_since(start);
    const double processor = 1e3 * static_cast<double>(std::clock() - work) / CLOCKS_PER_SEC;
    if (!picture) return std::fprintf(stderr, "%s\n", picture.error().message.c_str()), 1;
    std::ofstream(target, std::ios::binary) << *picture;
    std::printf("%.3f %.3f %.3f %zu\n", compiling, painting, processor, picture->size());
    std::fflush(stdout);
  }
}
