// The painter that copies symbols against the one that draws each, on every specification in
// specs/ with its symbols repeated until the quick way is taken.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/json.h"
#include "media/image.h"
#include "tools/vega/paint.h"
#include "tools/vega/sprites.h"
#include "tools/vega/vega.h"

#if defined(__SANITIZE_ADDRESS__)
#endif

namespace {

using nlohmann::json;
using namespace tools::vega;

const std::filesystem::path kFolder = VEGA_SPECS;

Scene compiled(const json& spec) {
  base::Result<Scene> scene = compile(spec, {});
  EXPECT_TRUE(scene) << scene.error().message;
  return scene ? std::move(*scene) : Scene();
}

// Repeats the items of all marks of symbols, each time a little further on.
int repeat_symbols(Group& group) {
  int marks = 0;
  for (Mark& mark : group.marks) {
    for (Group& child : mark.groups) marks += repeat_symbols(child);
    if (mark.type != MarkType::symbol || mark.items.empty()) continue;
    ++marks;
    const std::vector<Item> once = mark.items;
    for (int round = 1; mark.items.size() < kManySymbols; ++round)
      for (Item item : once) {
        item.x += 0.37 * round, item.y += 0.61 * (round % 40);
        mark.items.push_back(std::move(item));
      }
  }
  return marks;
}

struct Difference {
  int largest = 0;      // of any channel of any pixel, in levels
  size_t n_pixels = 0;  // that differ at all
};

Difference difference(const Scene& scene, double scale) {
  base::Result<Raster> plain = rasterize(scene, scale, Painting::plain);
  base::Result<Raster> quick = rasterize(scene, scale, Painting::quick);
  EXPECT_TRUE(plain && quick);
  Difference result;
  if (!plain || !quick) return result;
  const size_t n = static_cast<size_t>(plain->width) * static_cast<size_t>(plain->height);
  for (size_t i = 0; i < n; ++i) {
    const uint32_t a = plain->pixels.get()[i], b = quick->pixels.get()[i];
    int largest = 0;
    for (int shift : {0, 8, 16})
      largest = std::max(largest, std::abs(static_cast<int>(a >> shift & 255) -
                                           static_cast<int>(b >> shift & 255)));
    result.largest = std::max(result.largest, largest);
    result.n_pixels += largest > 0;
  }
  return result;
}

TEST(VegaPainters, CopiedSymbolsLookLikeDrawnOnesInEverySpecification) {
  int marks = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder / "specs")) {
    std::ifstream in(entry.path());
    std::stringstream bytes;
    bytes << in.rdbuf();
    Scene scene = compiled(json::parse(bytes.str()));
    const int repeated = repeat_symbols(scene.root);
    marks += repeated;
    if (repeated == 0) continue;
    EXPECT_LE(difference(scene, 1).largest, 1) << entry.path();
  }
  EXPECT_GE(marks, 10);  // or the test looks at nothing
}

TEST(VegaPainters, CopiedSymbolsLookLikeDrawnOnesInEveryShapeAtEveryScale) {
  for (const char* shape : {"circle", "square", "cross", "diamond", "triangle-up", "triangle-left",
                            "stroke", "arrow", "wedge", "M-1,-1H1V1H-1Z"})
    for (const double scale : {1.0, 1.5, 2.0}) {
      json values = json::array();
      for (int i = 0; i < 1100; ++i)
        values.push_back({{"x", (i * 37) % 101}, {"y", (i * 53) % 97}, {"k", i % 5}});
      json spec = {{"data", {{"values", values}}},
                   {"width", 120},
                   {"height", 90},
                   {"mark",
                    {{"type", "point"},
                     {"shape", shape},
                     {"filled", true},
                     {"stroke", "#333"},
                     {"strokeWidth", 1.3},
                     {"angle", 20}}},
                   {"encoding",
                    {{"x", {{"field", "x"}, {"type", "quantitative"}}},
                     {"y", {{"field", "y"}, {"type", "quantitative"}}},
                     {"size", {{"field", "k"}, {"type", "quantitative"}}},
                     {"color", {{"field", "k"}, {"type", "nominal"}}}}}};
      const Difference found = difference(compiled(spec), scale);
      EXPECT_LE(found.largest, 1) << shape << " at " << scale;
    }
}

TEST(VegaPainters, LargeClippedAndTooManyDifferentSymbolsAreDrawnThePlainWay) {
  json values = json::array();
  for (int i = 0; i < 1200; ++i)
    values.push_back({{"x", i % 60 - 5}, {"y", (i * 7) % 50}, {"s", i * 11 % 1200}});
  const json spec = {
      {"data", {{"values", values}}},
      {"width", 100},
      {"height", 80},
      {"mark", {{"type", "circle"}, {"clip", true}}},
      {"encoding",
       {{"x", {{"field", "x"}, {"type", "quantitative"}, {"scale", {{"domain", {0, 40}}}}}},
        {"y", {{"field", "y"}, {"type", "quantitative"}}},
        {"size", {{"field", "s"}, {"type", "quantitative"}, {"scale", {{"range", {1, 20000}}}}}}}}};
  const Scene scene = compiled(spec);
  EXPECT_LE(difference(scene, 1).largest, 1);
  EXPECT_LE(difference(scene, 1.25).largest, 1);
}

TEST(VegaPictures, DecodeToThePixelsThatWerePainted) {
  std::ifstream in(kFolder / "specs" / "bar_stacked.json");
  std::stringstream bytes;
  bytes << in.rdbuf();
  const Scene scene = compiled(json::parse(bytes.str()));
  const base::Result<Raster> raster = rasterize(scene, 2);
  const base::Result<std::string> file = png(scene, 2);
  ASSERT_TRUE(raster && file);
  const base::Result<media::Pixels> read = media::decode_png(*file);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->width, raster->width);
  ASSERT_EQ(read->height, raster->height);
  size_t wrong = 0;
  for (int y = 0; y < read->height; ++y)
    for (int x = 0; x < read->width; ++x) {
      const uint32_t pixel =
          raster->pixels.get()[static_cast<size_t>(y) * static_cast<size_t>(read->width) +
                               static_cast<size_t>(x)];
      const uint8_t* rgb = read->at(x, y);
      wrong += (pixel & 0xFFFFFF) != (uint32_t{rgb[0]} << 16 | uint32_t{rgb[1]} << 8 | rgb[2]);
    }
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
