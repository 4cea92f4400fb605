// The specifications in specs/ against the scenes that the reference implementation made of them
// (scenes/, written by bench/charts/reference.mjs), and specifications that are broken in every way
// we could think of.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include "base/json.h"

#include "tools/vega/path.h"
#include "tools/vega/vega.h"

#if defined(__SANITIZE_ADDRESS__)
#endif

namespace {

using nlohmann::json;
using tools::vega::compile;
using tools::vega::Metrics;
using tools::vega::Options;
using tools::vega::Scene;

const std::filesystem::path kSceneFolder = VEGA_SPECS;

json read(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream bytes;
  bytes << in.rdbuf();
  return json::parse(bytes.str());
}

Options estimated() {
  Options options;
  options.metrics = Metrics::estimated;
  return options;
}

std::string error_of(const json& spec) {
  const base::Result<Scene> scene = compile(spec, estimated());
  return scene ? "no error" : scene.error().message;
}

// The numbers that place an item of this type.
std::vector<double> places(const json& item, const std::string& type) {
  std::vector<const char*> keys = {"x", "y"};
  if (type == "rect") keys = {"x", "y", "width", "height"};
  if (type == "rule" || type == "area") keys = {"x", "y", "x2", "y2"};
  if (type == "arc") keys = {"x", "y", "innerRadius", "outerRadius"};
  std::vector<double> result;
  for (const char* key : keys) result.push_back(item.value(key, 0.0));
  if (type == "rule" && std::pair(result[2], result[3]) < std::pair(result[0], result[1]))
    result = {result[2], result[3], result[0], result[1]};
  return result;
}

// All items with this role and type, in an order that does not depend on that of drawing.
std::vector<std::vector<double>> collect(const json& scene, const std::string& role,
                                         const std::string& type) {
  std::vector<std::vector<double>> all;
  for (const json& mark : scene["marks"])
    if (mark["role"] == role && mark["type"] == type)
      for (const json& item : mark["items"])
        if (item.value("defined", true) &&
            (type != "text" || role == "mark" || item.value("opacity", 1.0) != 0))
          all.push_back(places(item, type));
  std::sort(all.begin(), all.end());
  return all;
}

// The first item without a counterpart within two units, or "".
std::string unmatched(const std::vector<std::vector<double>>& expected,
                      std::vector<std::vector<double>> actual) {
  for (const auto& item : expected) {
    const auto hit = std::find_if(actual.begin(), actual.end(), [&](const auto& other) {
      for (size_t i = 0; i < item.size(); ++i)
        if (std::abs(item[i] - other[i]) > 2) return false;
      return true;
    });
    if (hit == actual.end()) return json(item).dump();
    actual.erase(hit);
  }
  return "";
}

std::vector<std::string> texts(const json& scene) {
  std::vector<std::string> all;
  for (const json& mark : scene["marks"])
    if (mark["type"] == "text")
      for (const json& item : mark["items"])
        if (item.value("opacity", 1.0) != 0 && item["text"] != "")
          all.push_back(mark["role"].get<std::string>() + ": " + item["text"].get<std::string>());
  std::sort(all.begin(), all.end());
  return all;
}

std::vector<std::string> domains(const json& scene) {
  std::vector<std::string> all;
  for (const json& scale : scene["scales"]) {
    std::string name = scale["name"];
    for (const char* channel :
         {"xOffset", "yOffset", "x", "y", "color", "size", "shape", "theta", "strokeDash"})
      if (name.ends_with(channel)) {
        name = channel;
        break;
      }
    json domain = scale["domain"];
    for (json& value : domain)
      // Dates are whole milliseconds in the reference.
      if (value.is_number())
        value = std::abs(value.get<double>()) > 1e9 ? std::round(value.get<double>())
                                                    : std::round(value.get<double>() * 1e6) / 1e6;
    all.push_back(name + " " + domain.dump());
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

class VegaScene : public testing::TestWithParam<std::string> {};

TEST_P(VegaScene, AgreesWithTheReference) {
  const json reference = read(kSceneFolder / "scenes" / (GetParam() + ".json"));
  const base::Result<Scene> scene =
      compile(read(kSceneFolder / "specs" / (GetParam() + ".json")), estimated());
  ASSERT_TRUE(scene) << scene.error().message;
  const json ours = tools::vega::scene_json(*scene);
  EXPECT_EQ(domains(ours), domains(reference));
  EXPECT_EQ(texts(ours), texts(reference));
  EXPECT_NEAR(ours["width"].get<double>(), reference["width"].get<double>(), 2);
  EXPECT_NEAR(ours["height"].get<double>(), reference["height"].get<double>(), 2);
  for (const char* type : {"rect", "rule", "symbol", "text", "line", "area", "arc", "trail"}) {
    const auto expected = collect(reference, "mark", type), actual = collect(ours, "mark", type);
    ASSERT_EQ(actual.size(), expected.size()) << type;
    EXPECT_EQ(unmatched(expected, actual), "") << type;
  }
  for (const char* role :
       {"axis-label", "axis-title", "legend-label", "legend-title", "title-text"})
    EXPECT_EQ(unmatched(collect(reference, role, "text"), collect(ours, role, "text")), "") << role;
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator(kSceneFolder / "specs"))
    all.push_back(entry.path().stem());
  std::sort(all.begin(), all.end());
  return all;
}
INSTANTIATE_TEST_SUITE_P(OwnSpecifications, VegaScene, testing::ValuesIn(names()),
                         [](const auto& info) { return info.param; });

TEST(VegaErrors, AnUnsupportedFeatureIsNamed) {
  EXPECT_EQ(error_of({{"mark", "geoshape"}}), "geographic projections are not supported");
  EXPECT_EQ(error_of({{"mark", "image"}}), "the mark \"image\" is not supported");
  EXPECT_EQ(error_of({{"mark", "blob"}}), "there is no mark \"blob\"");
  EXPECT_EQ(error_of(json::array()), "the specification must be a JSON object");
  EXPECT_NE(error_of({{"title", "nothing"}}).find("a view needs one of mark"), std::string::npos);
}

TEST(VegaErrors, ViewsNestedTooDeepAreALimit) {
  json spec = {{"mark", "point"}};
  for (int i = 0; i < 40; ++i) spec = {{"hconcat", json::array({spec})}};
  const base::Result<Scene> scene = compile(spec, estimated());
  ASSERT_FALSE(scene);
  EXPECT_EQ(scene.error().code, base::Errc::limit);
}

TEST(VegaErrors, TooManyFacetsAreALimit) {
  json values = json::array();
  for (int i = 0; i < 10001; ++i) values.push_back({{"k", i}});
  const base::Result<Scene> scene =
      compile({{"data", {{"values", values}}},
               {"mark", "point"},
               {"encoding", {{"facet", {{"field", "k"}, {"type", "nominal"}}}}}},
              estimated());
  ASSERT_FALSE(scene);
  EXPECT_EQ(scene.error().code, base::Errc::limit);
}

// Replaces the n-th value of a document (in walking order) by another; false where there is none.
bool replace_nth(json& value, int& n, const json& by) {
  if (n-- == 0) {
    value = by;
    return true;
  }
  if (value.is_structured())
    for (json& member : value)
      if (replace_nth(member, n, by)) return true;
  return false;
}

TEST(VegaErrors, WrongTypesAnywhereAreErrorsOrIgnoredButNeverACrash) {
  int compiled = 0, refused = 0;
  for (const std::string& name :
       {"bar_stacked", "boxplot", "facet_wrapped", "donut_labelled", "concat_columns", "transforms",
        "points_conditional", "histogram", "config_theme"}) {
    json spec = read(kSceneFolder / "specs" / (name + ".json"));
    spec["data"]["values"] = json::array({{{"shop", "a"},
                                           {"part", "b"},
                                           {"kind", "c"},
                                           {"sum", 3},
                                           {"height", 4},
                                           {"girth", 1},
                                           {"k", "a"},
                                           {"v", 2}}});
    for (const json& wrong : {json(), json(-1e308), json("\xc3\xa9"), json::array({1, "x"}),
                              json::object({{"expr", "1 +"}}), json(true)})
      for (int n = 1;; n += 2) {
        json broken = spec;
        int at = n;
        if (!replace_nth(broken, at, wrong)) break;
        const base::Result<Scene> scene = compile(broken, estimated());
        if (scene) {
          ++compiled;
        } else {
          ++refused;
          EXPECT_FALSE(scene.error().message.empty());
        }
      }
  }
  // Both happen, or the test looks at nothing.
  EXPECT_GT(compiled, 100);
  EXPECT_GT(refused, 100);
}

TEST(VegaPictures, AreTheSameBytesEveryTime) {
  const json spec = read(kSceneFolder / "specs" / "points_titled.json");
  const base::Result<Scene> first = compile(spec, {}), second = compile(spec, {});
  ASSERT_TRUE(first && second);
  EXPECT_EQ(*tools::vega::png(*first), *tools::vega::png(*second));
  EXPECT_EQ(*tools::vega::svg(*first), *tools::vega::svg(*second));
  EXPECT_EQ(*tools::vega::pdf(*first), *tools::vega::pdf(*second));
  EXPECT_TRUE(tools::vega::png(*first)->starts_with("\x89PNG"));
  EXPECT_TRUE(tools::vega::pdf(*first)->starts_with("%PDF"));
  EXPECT_NE(tools::vega::svg(*first)->find(">Girth (m)</text>"), std::string::npos);
}

TEST(VegaPictures, TextInSvgIsEscaped) {
  const json spec = {{"title", "<a href=\"x\">&"},
                     {"data", {{"values", json::array({{{"a", 1}}})}}},
                     {"mark", "point"},
                     {"encoding", {{"x", {{"field", "a"}, {"type", "quantitative"}}}}}};
  const base::Result<Scene> scene = compile(spec, {});
  ASSERT_TRUE(scene);
  EXPECT_NE(tools::vega::svg(*scene)->find("&lt;a href=&quot;x&quot;&gt;&amp;"), std::string::npos);
}

TEST(VegaPictures, AnAbsurdSizeIsALimit) {
  const json spec = {{"width", 90000},
                     {"height", 90000},
                     {"data", {{"values", json::array({{{"a", 1}}})}}},
                     {"mark", "point"},
                     {"encoding", {{"x", {{"field", "a"}, {"type", "quantitative"}}}}}};
  const base::Result<Scene> scene = compile(spec, estimated());
  ASSERT_TRUE(scene);
  const base::Result<std::string> picture = tools::vega::png(*scene);
  ASSERT_FALSE(picture);
  EXPECT_EQ(picture.error().code, base::Errc::limit);
}

TEST(VegaPaths, ReadSvgOutlinesAndRefuseBrokenOnes) {
  EXPECT_EQ(tools::vega::parse_svg_path("M0,0L1,0L1,1Z", 10).commands.size(), 4U);
  EXPECT_TRUE(tools::vega::parse_svg_path("M0,0L1", 1).commands.empty());
  EXPECT_TRUE(tools::vega::parse_svg_path("hello", 1).commands.empty());
}

}  // namespace
