// Scenes and pictures of Vega-Lite specifications, for measuring: many in one run, each with its
// own result.
//   vega-scene DATA OUT SPEC...              scenes as JSON, by the reference's text estimate
//   vega-scene --png DATA OUT SPEC...        pictures, by the installed fonts (also --svg, --pdf)
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include "base/json.h"

#include "tools/vega/vega.h"

int main(int argc, char** argv) {
  using nlohmann::json;
  int at = 1;
  std::string format = "json";
  if (argc > 1 && std::string_view(argv[1]).starts_with("--")) format = argv[at++] + 2;
  if (argc < at + 3)
    return std::fprintf(stderr, "vega-scene [--png|--svg|--pdf] DATA OUT SPEC...\n"), 2;
  const std::string data = argv[at++], out = argv[at++];
  std::filesystem::create_directories(out);
  int failed = 0;
  for (; at < argc; ++at) {
    std::ifstream in(argv[at]);
    std::stringstream bytes;
    bytes << in.rdbuf();
    const std::string name = std::filesystem::path(argv[at]).filename();
    const auto start = std::chrono::steady_clock::now();
    tools::vega::Options options;
    options.load = tools::vega::folder_loader(data);
    options.metrics =
        format == "json" ? tools::vega::Metrics::estimated : tools::vega::Metrics::real;
    const json spec = json::parse(bytes.str(), nullptr, false);
    base::Result<tools::vega::Scene> scene = tools::vega::compile(spec, options);
    std::string result;
    std::string target = out + "/" + name;
    if (format != "json") target += "." + format;
    if (!scene) {
      ++failed;
      std::printf("%s: %s\n", name.c_str(), scene.error().message.c_str());
      if (format == "json")
        result =
            json{{"error", scene.error().message}, {"code", base::errc_name(scene.error().code)}}
                .dump();
    } else if (format == "json") {
      result = tools::vega::scene_json(*scene).dump(-1, ' ', false, json::error_handler_t::replace);
    } else {
      base::Result<std::string> picture = format == "png"   ? tools::vega::png(*scene)
                                          : format == "svg" ? tools::vega::svg(*scene)
                                                            : tools::vega::pdf(*scene);
      if (picture)
        result = *picture;
      else
        std::printf("%s: %s\n", name.c_str(), picture.error().message.c_str());
    }
    const double ms =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
    if (format != "json") std::printf("%s: %.1f ms\n", name.c_str(), ms);
    std::ofstream(target, std::ios::binary) << result;
  }
  return failed != 0;
}
