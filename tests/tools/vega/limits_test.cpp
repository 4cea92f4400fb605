// Specifications that ask for too much. A small budget keeps the test quick; what is counted is the
// same with the real one.
#include <gtest/gtest.h>

#include <string>

#include "base/json.h"
#include "tools/vega/bounds.h"
#include "tools/vega/vega.h"

namespace {

using nlohmann::json;
using tools::vega::Budget;
using tools::vega::compile;
using tools::vega::Options;
using tools::vega::Scene;

constexpr uint64_t kSmall = 200'000;

json numbers(int n) { return {{"sequence", {{"start", 0}, {"stop", n}}}}; }
json field(const char* name, const char* type = "quantitative") {
  return {{"field", name}, {"type", type}};
}
json points(int n) {
  return {{"data", numbers(n)},
          {"mark", "point"},
          {"encoding", {{"x", field("data")}, {"y", field("data")}}}};
}
json with_transform(json spec, json transform) {
  spec["transform"] = json::array({std::move(transform)});
  return spec;
}

// The error of a specification, "" for none.
std::string refusal(const json& spec, uint64_t max_work = kSmall) {
  Options options;
  options.metrics = tools::vega::Metrics::estimated;
  options.max_work = max_work;
  const base::Result<Scene> scene = compile(spec, options);
  if (scene) return "";
  EXPECT_EQ(scene.error().code, base::Errc::limit) << scene.error().message;
  return scene.error().message;
}
bool too_much_work(const json& spec) { return refusal(spec) == Budget::error().message; }

TEST(VegaLimits, OrdinaryChartsFitIntoASmallBudget) {
  EXPECT_EQ(refusal(points(500)), "");
  EXPECT_EQ(refusal(with_transform(points(500), {{"calculate", "datum.data * 2"}, {"as", "b"}})),
            "");
}

TEST(VegaLimits, RowsOfAllLayersCountTogether) {
  EXPECT_TRUE(too_much_work(points(10000)));
  json layers = json::array();
  for (int i = 0; i < 30; ++i) layers.push_back(points(1));
  json spec = {{"data", numbers(500)}, {"layer", layers}};
  for (json& layer : spec["layer"]) layer.erase("data");
  EXPECT_TRUE(too_much_work(spec));
}

TEST(VegaLimits, TextsCostMoreThanPoints) {
  json spec = points(1000);
  EXPECT_EQ(refusal(spec), "");
  spec["mark"] = "text";
  spec["encoding"]["text"] = field("data");
  EXPECT_TRUE(too_much_work(spec));
}

TEST(VegaLimits, ExpressionsPayForWhatTheyMake) {
  EXPECT_TRUE(
      too_much_work(with_transform(points(10), {{"calculate", "sequence(100000)"}, {"as", "b"}})));
  EXPECT_TRUE(too_much_work(with_transform(points(1000), {{"filter", "length(sequence(1000))"}})));
  json params = json::array();
  for (int i = 0; i < 10; ++i)
    params.push_back({{"name", "p" + std::to_string(i)}, {"expr", "sequence(100000)"}});
  json spec = points(5);
  spec["params"] = params;
  EXPECT_TRUE(too_much_work(spec));
  spec = points(5);
  spec["encoding"]["x"]["axis"] = {{"labelExpr", "length(sequence(100000))"}};
  EXPECT_TRUE(too_much_work(spec));
}

TEST(VegaLimits, TransformsPayForTheRowsThatTheyMake) {
  json names = json::array();
  for (int i = 0; i < 50; ++i) names.push_back("data");
  EXPECT_TRUE(too_much_work(with_transform(points(500), {{"fold", names}})));
  EXPECT_TRUE(too_much_work(with_transform(
      points(500),
      {{"lookup", "data"}, {"from", {{"data", numbers(5)}, {"key", "data"}, {"fields", names}}}})));
  json list = json::array();
  for (int i = 0; i < 1000; ++i) list.push_back(i);
  json spec = with_transform(points(1), {{"flatten", {"a"}}});
  spec["data"] = {{"values", json::array()}};
  for (int i = 0; i < 30; ++i) spec["data"]["values"].push_back({{"a", list}});
  EXPECT_TRUE(too_much_work(spec));
}

TEST(VegaLimits, SortListsOfFacetsCount) {
  json list = json::array();
  for (int i = 0; i < 1000; ++i) list.push_back(i);
  json facet = field("data", "nominal");
  facet["sort"] = list;
  json inner = points(1);
  inner.erase("data");
  EXPECT_TRUE(too_much_work({{"data", numbers(900)}, {"facet", facet}, {"spec", inner}}));
}

TEST(VegaLimits, GuidesListAtMostTenThousandValues) {
  json many = json::array();
  for (int i = 0; i < 10001; ++i) many.push_back(i);
  json spec = points(5);
  spec["encoding"]["x"]["axis"] = {{"values", many}};
  EXPECT_EQ(refusal(spec), "axis.values has more than 10000 values");
  spec = points(5);
  spec["encoding"]["color"] = field("data", "nominal");
  spec["encoding"]["color"]["legend"] = {{"values", many}};
  EXPECT_EQ(refusal(spec), "legend.values has more than 10000 values");
}

TEST(VegaLimits, RepeatedViewsAreCounted) {
  json inner = points(1);
  inner.erase("data");
  json names = json::array();
  for (int i = 0; i < 101; ++i) names.push_back("data");
  EXPECT_NE(
      refusal(
          {{"data", numbers(3)}, {"repeat", {{"row", names}, {"column", names}}}, {"spec", inner}})
          .find("more than 10000 views"),
      std::string::npos);
}

TEST(VegaLimits, SizesBeyondAllMeasureEndInASentence) {
  json spec = points(3);
  spec["width"] = spec["height"] = 1e300;
  const base::Result<Scene> scene = compile(spec, {});
  ASSERT_TRUE(scene) << scene.error().message;
  const base::Result<std::string> picture = tools::vega::png(*scene);
  ASSERT_FALSE(picture);
  EXPECT_EQ(picture.error().code, base::Errc::limit);
}

TEST(VegaLimits, ALongTextIsMeasuredAndDrawnInPart) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += "é";
  const std::string_view part = tools::vega::drawable(text);
  EXPECT_EQ(part.size(), 10000U);
  EXPECT_EQ(tools::vega::drawable("x" + text).size(), 9999U);  // no half character
  json spec = points(3);
  spec["title"] = text;
  const base::Result<Scene> scene = compile(spec, {});
  ASSERT_TRUE(scene) << scene.error().message;
  EXPECT_LT(scene->width, 400000);
}

}  // namespace
