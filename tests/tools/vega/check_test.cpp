// One specification that has each fault and a like one that has not.
#include "tools/vega/check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include "base/json.h"

#include "tools/vega/natural_order.h"
#include "tools/vega/vega.h"

#if defined(__SANITIZE_ADDRESS__)
#endif

namespace {

using nlohmann::json;
using tools::vega::Finding;

std::vector<Finding> findings_of(const json& spec) {
  const base::Result<tools::vega::Scene> scene = tools::vega::compile(spec, {});
  EXPECT_TRUE(scene) << scene.error().message;
  return scene ? tools::vega::check(spec, *scene, {}) : std::vector<Finding>{};
}

// "code path: text" per line; findings without a path have a box in its place.
std::string found(const json& spec) {
  std::string out;
  for (const Finding& f : findings_of(spec)) {
    EXPECT_TRUE(!f.path.empty() || f.box) << f.code << " says where";
    out += (out.empty() ? "" : "\n") + f.code + " " + (f.path.empty() ? "[box]" : f.path) + ": " +
           f.text;
  }
  return out;
}

json bars() {
  return json::parse(R"({"mark": "bar", "encoding": {
    "x": {"field": "a", "type": "nominal"}, "y": {"field": "b", "type": "quantitative"}},
    "data": {"values": [{"a": "owl", "b": 12}, {"a": "robin", "b": 15}, {"a": "wren", "b": 11}]}})");
}

TEST(ChartCheck, APlainChartHasNoFindings) {
  EXPECT_EQ(found(bars()), "");
  EXPECT_EQ(tools::vega::findings_text(findings_of(bars())), "no findings\n");
  EXPECT_EQ(tools::vega::findings_json(findings_of(bars())), json::parse(R"({"findings": []})"));
}

TEST(ChartCheck, ABlankChartSaysWhy) {
  json spec = bars();
  spec["data"]["values"] = json::array();
  EXPECT_EQ(found(spec), "blank [box]: the chart is blank: there is nothing to draw in its data");
  spec = bars();
  spec["mark"] = {{"type", "bar"}, {"opacity", 0}};
  EXPECT_EQ(found(spec), "blank [box]: the chart is blank: what it draws has no size or no colour");
  spec = bars();
  spec["mark"] = "line";
  spec["data"]["values"].erase(2), spec["data"]["values"].erase(1);
  EXPECT_EQ(found(spec), "blank [box]: the chart is blank: what it draws has no size or no colour")
      << "a line through one point";
  spec["mark"] = "point";
  EXPECT_EQ(found(spec), "");
}

TEST(ChartCheck, LabelsBeyondThePictureAreClipped) {
  json spec = bars();
  spec["autosize"] = "none";  // no room is made for what stands around the plot
  spec["width"] = 200, spec["height"] = 200;
  const std::string findings = found(spec);
  EXPECT_NE(findings.find("clipped_label [box]: "), findings.npos) << findings;
  EXPECT_NE(findings.find("outside the picture, such as \""), findings.npos) << findings;
  spec["autosize"] = {{"type", "fit"}, {"contains", "padding"}};
  EXPECT_EQ(found(spec), "");
}

TEST(ChartCheck, OverlappingLabelsAreSeenAlsoWhenTheyAreTurned) {
  json spec = bars();
  spec["width"] = 60;
  spec["data"]["values"][0]["a"] = "an owl of the forest";
  spec["data"]["values"][1]["a"] = "a robin of the gardens";
  spec["encoding"]["x"]["axis"] = {{"labelAngle", 0}, {"labelOverlap", false}};
  EXPECT_EQ(
      found(spec),
      "overlapping_labels [box]: 3 labels overlapping another, such as \"an owl of the forest\"");
  // Boxes of slanted labels meet, the letters do not.
  spec["encoding"]["x"]["axis"]["labelAngle"] = -45;
  spec["width"] = 120;
  EXPECT_EQ(found(spec), "");
}

TEST(ChartCheck, ShortenedLabelsAreNamed) {
  json spec = bars();
  spec["encoding"]["x"]["axis"] = {{"labelLimit", 20}};
  EXPECT_EQ(found(spec), "shortened_label [box]: 2 labels shortened, such as \"robin\"");
}

TEST(ChartCheck, BarsThatDoNotBeginAtZero) {
  json spec = bars();
  spec["encoding"]["y"]["scale"] = {{"zero", false}};
  spec["mark"] = {{"type", "bar"}, {"clip", true}};
  EXPECT_EQ(found(spec), "") << "sums are stacked from zero";
  spec["encoding"]["y"]["aggregate"] = "mean";
  EXPECT_EQ(found(spec),
            "non_zero_base /encoding/y/scale: the bars begin at 11, not at zero, so their lengths "
            "do not compare");
  spec["mark"] = "point";
  EXPECT_EQ(found(spec), "") << "points have no length";
  spec["mark"] = "bar";
  spec["encoding"]["y"]["scale"] = {{"domain", {0, 20}}};
  EXPECT_EQ(found(spec), "");
}

TEST(ChartCheck, BarsBetweenTwoEndsHaveNoBase) {
  const json spec = json::parse(R"({"mark": "bar", "encoding": {
    "y": {"field": "a", "type": "nominal"}, "x": {"field": "b", "type": "quantitative", "scale": {"zero": false}},
    "x2": {"field": "c"}}, "data": {"values": [{"a": "u", "b": 12, "c": 15}, {"a": "v", "b": 13, "c": 19}]}})");
  EXPECT_EQ(found(spec), "");
}

json monthly(const char* mark, std::initializer_list<const char*> names) {
  json spec = bars();
  spec["mark"] = mark;
  spec["data"]["values"] = json::array();
  for (const char* name : names)
    spec["data"]["values"].push_back({{"a", name}, {"b", std::string(name).size() + 5}});
  return spec;
}

TEST(ChartCheck, MonthsInTheOrderOfTheirLetters) {
  json spec = monthly("bar", {"January", "February", "March", "April"});
  EXPECT_EQ(found(spec),
            "wrong_order /encoding/x: the months on x stand in the order of their letters or rows "
            "(\"April\", \"February\", \"January\", …), not in their own");
  spec["encoding"]["x"]["sort"] = nullptr;
  EXPECT_EQ(found(spec), "");
  spec["encoding"]["x"]["sort"] = "-y";
  EXPECT_EQ(found(spec), "") << "somebody chose that order";
}

TEST(ChartCheck, NumbersAndDatesAsTextInTheOrderOfTheirLetters) {
  EXPECT_EQ(found(monthly("bar", {"1", "2", "10"})),
            "wrong_order /encoding/x: the numbers on x stand in the order of their letters or rows "
            "(\"1\", \"10\", \"2\", …), not in their own");
  EXPECT_EQ(found(monthly("line", {"Apr 2024", "Mar 2024", "May 2024"})).substr(0, 36),
            "wrong_order /encoding/x: the dates o");
  EXPECT_EQ(found(monthly("line", {"2024-03", "2024-04", "2024-10"})), "");
  EXPECT_EQ(found(monthly("bar", {"Mon", "Tue", "Wed"})), "");
}

json series() {
  return json::parse(R"({"mark": "line", "encoding": {
    "x": {"field": "t", "type": "temporal"}, "y": {"field": "b", "type": "quantitative"}},
    "data": {"values": [{"t": "2024-01-05", "b": 1, "k": 2}, {"t": "2024-02-05", "b": 2, "k": 1},
                        {"t": "2024-03-05", "b": 5, "k": 3}]}})");
}

TEST(ChartCheck, ALineThatGoesBackInTime) {
  json spec = series();
  EXPECT_EQ(found(spec), "");
  spec["encoding"]["order"] = {{"field", "k"}, {"type", "quantitative"}};
  EXPECT_EQ(found(spec),
            "wrong_order /encoding/order: the points of the line are not joined in the order of "
            "time");
  spec = series();
  spec["encoding"]["x"]["scale"] = {{"reverse", true}};
  EXPECT_EQ(found(spec), "wrong_order /encoding/x: time runs backwards along the line");
}

TEST(ChartCheck, CategoriesThatTheDomainLeavesOut) {
  json spec = bars();
  spec["encoding"]["x"]["scale"] = {{"domain", {"owl", "wren"}}};
  EXPECT_EQ(found(spec),
            "missing_category /encoding/x/scale/domain: 1 category of \"a\" in the data is not in "
            "the domain of x: \"robin\"");
  spec["encoding"]["x"]["scale"] = {{"domain", {"owl", "wren", "robin"}}};
  EXPECT_EQ(found(spec), "");
}

TEST(ChartCheck, ValuesThatTheDomainLeavesOut) {
  json spec = bars();
  spec["mark"] = {{"type", "point"}, {"clip", true}};
  spec["encoding"]["y"]["scale"] = {{"domain", {0, 14}}};
  EXPECT_EQ(found(spec),
            "outside_domain /encoding/y/scale/domain: 1 value of \"b\" lies outside the domain of "
            "y, such as 15");
  spec["encoding"]["y"]["scale"] = {{"domain", {0, 20}}};
  EXPECT_EQ(found(spec), "");
}

TEST(ChartCheck, TextThatHardlyDiffersFromWhatIsBehindIt) {
  json spec = bars();
  spec["encoding"]["x"]["axis"] = {{"labelColor", "#ccc"}};
  EXPECT_EQ(found(spec),
            "low_contrast [box]: 3 labels hardly readable against the background (contrast 1.6:1, "
            "wanted 3:1), such as \"owl\"");
  spec["background"] = "#222";
  spec["config"] = {{"axis", {{"labelColor", "#ccc"}, {"titleColor", "#ccc"}}}};
  EXPECT_EQ(found(spec), "") << "the same gray on a dark page";
}

TEST(ChartCheck, TextInABarIsJudgedAgainstTheBar) {
  json spec = json::parse(
      R"({"layer": [{"mark": "bar"}, {"mark": {"type": "text", "baseline": "top", "dy": 4},
    "encoding": {"text": {"field": "b"}, "color": {"value": "white"}}}]})");
  spec["data"] = bars()["data"];
  spec["encoding"] = bars()["encoding"];
  EXPECT_EQ(found(spec), "");
  spec["layer"][0]["mark"] = {{"type", "bar"}, {"color", "#dde"}};
  EXPECT_NE(found(spec).find("low_contrast [box]: 3 labels hardly readable"), std::string::npos);
}

TEST(ChartCheck, MarksAsPaleAsTheirBackground) {
  json spec = bars();
  spec["mark"] = {{"type", "bar"}, {"color", "#fafafa"}};
  EXPECT_EQ(found(spec),
            "low_contrast [box]: 3 marks hardly stand out from the background (contrast 1.04:1)");
  spec["mark"]["stroke"] = "#333";
  EXPECT_EQ(found(spec), "") << "a rim shows where they are";
}

TEST(ChartCheck, ThePaleEndOfARampIsAValue) {
  json spec = bars();
  spec["mark"] = "rect";
  spec["encoding"]["color"] = {
      {"field", "b"}, {"type", "quantitative"}, {"scale", {{"range", {"#fdfdfd", "#08306b"}}}}};
  EXPECT_EQ(found(spec), "");
}

TEST(ChartCheck, MoreThanTwentySlices) {
  json spec =
      json::parse(R"({"mark": "arc", "encoding": {"theta": {"field": "b", "type": "quantitative"},
    "color": {"field": "a", "type": "nominal"}}, "data": {"values": []}})");
  for (int i = 0; i < 20; ++i)
    spec["data"]["values"].push_back({{"a", "n" + std::to_string(i)}, {"b", 1 + i % 3}});
  EXPECT_EQ(found(spec), "");
  spec["data"]["values"].push_back({{"a", "n20"}, {"b", 1}});
  EXPECT_EQ(
      found(spec),
      "too_many_slices [box]: 21 slices are hard to tell apart; a bar chart shows them better");
}

TEST(ChartCheck, FindsThePlaceInsideLayersAndConcatenations) {
  json spec = {{"hconcat", json::array({bars(), {{"layer", json::array({bars()})}}})}};
  spec["hconcat"][1]["layer"][0]["encoding"]["x"]["scale"] = {{"domain", {"owl", "wren"}}};
  // The first plot shares no scale with the second and is whole.
  const std::string findings = found(spec);
  EXPECT_NE(findings.find("missing_category /hconcat/1/layer/0/encoding/x/scale/domain"),
            findings.npos)
      << findings;
}

TEST(ChartCheck, AHundredThousandPointsAreJudgedInSamples) {
  json spec = bars();
  spec["mark"] = "point";
  spec["encoding"]["x"]["type"] = "quantitative";
  spec["data"]["values"] = json::array();
  for (int i = 0; i < 30000; ++i)
    spec["data"]["values"].push_back(
        {{"a", std::fmod(i * 0.618, 1)}, {"b", std::fmod(i * 0.414, 1)}});
  EXPECT_EQ(found(spec), "");
}

TEST(NaturalOrder, ReadsMonthsWeekdaysNumbersAndDates) {
  const auto kind = [](std::vector<std::string> names) -> std::string {
    const auto order = tools::vega::natural_order(names);
    return order ? std::string(order->kind) + (is_in_order(*order) ? " in order" : "") : "none";
  };
  EXPECT_EQ(kind({"Oct", "Nov", "Dec", "Jan"}), "months in order") << "a year may begin anywhere";
  EXPECT_EQ(kind({"Dec", "Nov", "Oct"}), "months in order");
  EXPECT_EQ(kind({"Apr", "Aug", "Dec", "Feb"}), "months");
  EXPECT_EQ(kind({"sunday", "monday", "tuesday"}), "weekdays in order");
  EXPECT_EQ(kind({"9", "10", "1e2"}), "numbers in order");
  EXPECT_EQ(kind({"2014 Q4", "2015 Q1", "2015 Q2"}), "dates in order");
  EXPECT_EQ(kind({"1/2/2024", "10/2/2024", "2/2/2024"}), "dates");
  EXPECT_EQ(kind({"Region 2001", "Region 2002"}), "none") << "a name with a number is no date";
  EXPECT_EQ(kind({"owl", "may"}), "none");
  EXPECT_EQ(kind({"may"}), "none");
}

}  // namespace
