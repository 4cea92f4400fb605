// The charts of scripts are judged by their scenes: scales, marks and labels. Pixels are looked at
// only where the claim is about them.
#include "tools/script/chart_style.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include "base/json.h"

#include "tools/script/chart_words.h"
#include "tools/vega/check.h"
#include "tools/vega/vega.h"

#if defined(__SANITIZE_ADDRESS__)
#endif

namespace {

using namespace tools::script;
using nlohmann::json;
using tools::vega::Scene;
using Strings = std::vector<std::string>;

json channel(const char* field, const char* type) { return {{"field", field}, {"type", type}}; }

json plain(json rows, const char* x_type = "nominal") {
  return {{"mark", "bar"},
          {"title", "A chart"},
          {"encoding", {{"x", channel("x", x_type)}, {"y", channel("y", "quantitative")}}},
          {"data", {{"values", std::move(rows)}}}};
}

json pie_of(json rows) {
  return {
      {"mark", "arc"},
      {"encoding", {{"theta", channel("y", "quantitative")}, {"color", channel("x", "nominal")}}},
      {"data", {{"values", std::move(rows)}}}};
}

json birds() {
  return json::array(
      {{{"x", "robin"}, {"y", 3}}, {{"x", "wren"}, {"y", 5}}, {{"x", "owl"}, {"y", 2}}});
}

// The scene of a chart that must be drawable, as JSON; labels that are clipped or overlap fail.
json scene_of(ChartKind kind, const json& spec) {
  const base::Result<json> drawn = styled(kind, spec);
  EXPECT_TRUE(drawn) << drawn.error().message;
  if (!drawn) return {};
  const base::Result<Scene> scene = tools::vega::compile(*drawn, {});
  EXPECT_TRUE(scene) << scene.error().message << "\n" << drawn->dump();
  if (!scene) return {};
  for (const tools::vega::Finding& finding : tools::vega::check(*drawn, *scene, {}))
    EXPECT_EQ(finding.code, "shortened_label") << finding.text << "\n"
                                               << spec.dump().substr(0, 200);
  return tools::vega::scene_json(*scene);
}

std::string error_of(ChartKind kind, const json& spec) {
  const base::Result<json> drawn = styled(kind, spec);
  return drawn ? "(drawn)" : drawn.error().message;
}

json items(const json& scene, const char* type, const char* role = "mark") {
  json found = json::array();
  for (const json& mark : scene["marks"])
    if (mark["type"] == type && mark["role"] == role)
      for (const json& item : mark["items"]) found.push_back(item);
  return found;
}

Strings texts(const json& scene, const char* role) {
  Strings found;
  for (const json& item : items(scene, "text", role))
    if (item["opacity"] != 0) found.push_back(item["text"]);
  return found;
}

json domain(const json& scene, const char* name) {
  for (const json& scale : scene["scales"])
    if (scale["name"] == name) return scale["domain"];
  return {};
}

TEST(ChartStyle, BarsStandOnZeroAndAreAsHighAsTheirValues) {
  const json scene = scene_of(ChartKind::bar, plain(birds()));
  const json bars = items(scene, "rect");
  ASSERT_EQ(bars.size(), 3u);
  EXPECT_EQ(domain(scene, "y")[0], 0);
  EXPECT_EQ(domain(scene, "x"), json({"robin", "wren", "owl"})) << "the order of the rows";
  EXPECT_NEAR(bars[0]["height"].get<double>() / bars[1]["height"].get<double>(), 3.0 / 5, 1e-3);
  EXPECT_EQ(texts(scene, "mark"), (Strings{"3", "5", "2"}));
  EXPECT_EQ(texts(scene, "title-text"), Strings{"A chart"});
  EXPECT_EQ(scene["width"], 800);
  EXPECT_EQ(scene["height"], 500);
}

TEST(ChartStyle, NegativeBarsHangBelowZeroWithTheirValuesUnderThem) {
  const json scene =
      scene_of(ChartKind::bar, plain({{{"x", "a"}, {"y", 4}}, {{"x", "b"}, {"y", -2}}}));
  const json bars = items(scene, "rect");
  ASSERT_EQ(bars.size(), 2u);
  EXPECT_NEAR(bars[0]["y"].get<double>() + bars[0]["height"].get<double>(),
              bars[1]["y"].get<double>(), 0.01);
  Strings values = texts(scene, "mark");
  EXPECT_EQ(values, (Strings{"4", "−2"}));
}

TEST(ChartStyle, BarsLieDownWhenNamesAreLong) {
  json rows = json::array();
  for (int i = 0; i < 9; ++i)
    rows.push_back(
        {{"x", "the department of long names, section " + std::to_string(i)}, {"y", i % 4 + 1}});
  const json scene = scene_of(ChartKind::bar, plain(rows));
  EXPECT_EQ(domain(scene, "y").size(), 9u) << "names on y";
  const json bars = items(scene, "rect");
  EXPECT_LT(bars[0]["y"].get<double>(), bars[8]["y"].get<double>()) << "the first row is on top";
}

TEST(ChartStyle, MonthsStandByTheCalendar) {
  json rows = json::array();
  int value = 7;
  for (const char* name : {"Mar", "Jan", "Feb", "May", "Apr"})
    rows.push_back({{"x", name}, {"y", value = (value * 5) % 11}});
  for (const ChartKind kind : {ChartKind::bar, ChartKind::line, ChartKind::box})
    EXPECT_EQ(domain(scene_of(kind, plain(rows, "ordinal")), "x"),
              json({"Jan", "Feb", "Mar", "Apr", "May"}));
}

TEST(ChartStyle, RowsSortedByValueKeepTheirOrder) {
  json rows = json::array();
  int value = 90;
  for (int year : {2012, 1999, 2020, 2004, 2001}) rows.push_back({{"x", year}, {"y", value -= 10}});
  EXPECT_EQ(domain(scene_of(ChartKind::bar, plain(rows, "ordinal")), "x"),
            json({2012, 1999, 2020, 2004, 2001}));
  rows[0]["y"] = 55;  // no longer sorted: by year
  const json scene = scene_of(ChartKind::bar, plain(rows, "ordinal"));
  EXPECT_EQ(domain(scene, "x"), json({1999, 2001, 2004, 2012, 2020}));
  EXPECT_EQ(texts(scene, "axis-label").at(0), "1999") << "years have no thousands separator";
}

TEST(ChartStyle, GroupedBarsStandSideBySide) {
  json rows = json::array();
  for (const char* region : {"north", "south", "east"})
    for (const char* kind : {"tea", "coffee"})
      rows.push_back({{"x", region}, {"y", region[0] == 'n' ? 3 : 4}, {"kind", kind}});
  json spec = plain(rows);
  spec["encoding"]["color"] = channel("kind", "nominal");
  spec["encoding"]["xOffset"] = {{"field", "kind"}};
  const json scene = scene_of(ChartKind::bar, spec);
  const json bars = items(scene, "rect");
  ASSERT_EQ(bars.size(), 6u);
  for (size_t i = 0; i < bars.size(); ++i)
    for (size_t j = i + 1; j < bars.size(); ++j) {
      const double a = bars[i]["x"], b = bars[j]["x"];
      EXPECT_GE(std::abs(a - b) + 0.01, bars[i]["width"].get<double>()) << i << " " << j;
    }
  EXPECT_EQ(texts(scene, "legend-label"), (Strings{"tea", "coffee"}));
}

TEST(ChartStyle, TheColourOfTheNamesNeedsNoLegend) {
  json spec = plain(birds());
  spec["encoding"]["color"] = channel("x", "nominal");
  const json scene = scene_of(ChartKind::bar, spec);
  EXPECT_TRUE(texts(scene, "legend-label").empty());
  EXPECT_NE(items(scene, "rect")[0]["fill"], items(scene, "rect")[1]["fill"]);
}

TEST(ChartStyle, DatesStandAtTheirTime) {
  const json rows = {{{"x", "2020-01-01"}, {"y", 1}},
                     {{"x", "2020-02-01"}, {"y", 2}},
                     {{"x", "2020-05-01"}, {"y", 3}},
                     {{"x", "2020-04-01"}, {"y", 1}}};
  const json bars = items(scene_of(ChartKind::bar, plain(rows, "temporal")), "rect");
  const double a = bars[0]["x"], b = bars[1]["x"], c = bars[2]["x"];
  EXPECT_GT(c - b, 2.5 * (b - a)) << "March has its place although it has no row";
}

TEST(ChartStyle, QuartersAreNamesInOrder) {
  const json rows = {
      {{"x", "2015 Q1"}, {"y", 1}}, {{"x", "2014 Q4"}, {"y", 5}}, {{"x", "2015 Q2"}, {"y", 3}}};
  EXPECT_EQ(domain(scene_of(ChartKind::line, plain(rows, "temporal")), "x"),
            json({"2014 Q4", "2015 Q1", "2015 Q2"}));
}

TEST(ChartStyle, LinesRunInTheOrderOfTimeAndEachHasItsColour) {
  json rows = json::array();
  for (const char* name : {"a", "b", "c"})
    for (int year = 2009; year >= 2000; --year)
      rows.push_back({{"x", year}, {"y", 500 + name[0] + year % 7}, {"who", name}});
  json spec = plain(rows, "quantitative");
  spec["encoding"]["color"] = channel("who", "nominal");
  const json scene = scene_of(ChartKind::line, spec);
  const json points = items(scene, "line");
  ASSERT_EQ(points.size(), 30u);
  for (size_t i = 1; i < 10; ++i) EXPECT_GT(points[i]["x"], points[i - 1]["x"]);
  EXPECT_EQ(texts(scene, "legend-label"), (Strings{"a", "b", "c"}));
  EXPECT_EQ(texts(scene, "axis-label").at(0), "2000");
  EXPECT_GT(domain(scene, "y")[0], 100) << "far from zero, the differences count";
}

TEST(ChartStyle, OnePointOfALineIsADot) {
  const json scene =
      scene_of(ChartKind::line, plain({{{"x", "2020-01-01"}, {"y", 5}}}, "temporal"));
  EXPECT_EQ(items(scene, "symbol").size(), 1u);
}

TEST(ChartStyle, ANumberAsColourOfPointsIsARamp) {
  json rows = json::array();
  for (int i = 0; i < 20; ++i) rows.push_back({{"x", i}, {"y", i}, {"k", i * 0.5}});
  json spec = plain(rows, "quantitative");
  spec["encoding"]["color"] = channel("k", "quantitative");
  EXPECT_EQ(domain(scene_of(ChartKind::scatter, spec), "color"), json({0, 9.5}));
  for (json& row : spec["data"]["values"]) row["k"] = row["x"].get<int>() % 3;
  EXPECT_EQ(domain(scene_of(ChartKind::scatter, spec), "color"), json({0, 1, 2}))
      << "few whole numbers are names";
}

TEST(ChartStyle, AHistogramCountsEveryRow) {
  json rows = json::array();
  for (int i = 0; i < 200; ++i) rows.push_back({{"x", 3.7 + i * 0.31}});
  json spec = plain(rows);
  spec["encoding"] = {{"x", {{"field", "x"}, {"bin", true}, {"type", "quantitative"}}},
                      {"y", {{"aggregate", "count"}}}};
  const json scene = scene_of(ChartKind::hist, spec);
  const double top = domain(scene, "y")[1];
  double counted = 0;
  for (const json& bar : items(scene, "rect")) counted += bar["height"].get<double>();
  const json labels = items(scene, "text", "axis-label");
  EXPECT_GT(counted, 0);
  EXPECT_GE(top, 13);
  spec["encoding"]["x"]["bin"] = {{"maxbins", 5}};
  EXPECT_LE(items(scene_of(ChartKind::hist, spec), "rect").size(), 5u);
}

TEST(ChartStyle, SlicesAreLargestFirstWithTheirShares) {
  const json scene = scene_of(ChartKind::pie, pie_of(birds()));
  const json arcs = items(scene, "arc");
  ASSERT_EQ(arcs.size(), 3u);
  double largest = 0;
  for (const json& arc : arcs) {
    const double from = arc["startAngle"], to = arc["endAngle"];
    if (std::min(from, to) == 0) largest = std::max(from, to);
  }
  EXPECT_NEAR(largest, M_PI, 1e-3) << "the largest begins at twelve o'clock";
  Strings shares = texts(scene, "mark");
  std::sort(shares.begin(), shares.end());
  EXPECT_EQ(shares, (Strings{"20%", "30%", "50%"}));
  EXPECT_EQ(texts(scene, "legend-label"), (Strings{"wren", "robin", "owl"}));
}

TEST(ChartStyle, PiesOfNegativeOrNoValuesAreErrors) {
  EXPECT_EQ(error_of(ChartKind::pie, pie_of({{{"x", "a"}, {"y", -1}}, {{"x", "b"}, {"y", 2}}})),
            "chart: a pie cannot show a negative value (a: −1.00)");
  EXPECT_EQ(error_of(ChartKind::pie, pie_of({{{"x", "a"}, {"y", 0}}})),
            "chart: all slices of the pie are zero");
}

TEST(ChartStyle, OneCellPerRowWithItsValueInAColourThatCanBeRead) {
  json rows = json::array();
  for (int hour = 0; hour < 6; ++hour)
    for (const char* day : {"Sun", "Mon", "Tue"})
      rows.push_back({{"x", hour}, {"day", day}, {"y", hour}});
  const json spec = {{"encoding",
                      {{"x", channel("x", "ordinal")},
                       {"y", channel("day", "ordinal")},
                       {"color", channel("y", "quantitative")}}},
                     {"data", {{"values", rows}}}};
  const json scene = scene_of(ChartKind::heatmap, spec);
  EXPECT_EQ(items(scene, "rect").size(), 18u);
  EXPECT_EQ(texts(scene, "mark").size(), 18u);
  EXPECT_EQ(domain(scene, "y"), json({"Mon", "Tue", "Sun"}));
}

TEST(ChartStyle, TooManyOrTooLargeIsAnError) {
  json many = json::array();
  for (int i = 0; i < 2001; ++i) many.push_back({{"x", std::to_string(i) + "x"}, {"y", 1}});
  EXPECT_EQ(error_of(ChartKind::bar, plain(many)),
            "chart: 2001 bars are too many to draw; at most 2000");
  EXPECT_EQ(error_of(ChartKind::bar, plain({{{"x", "a"}, {"y", 1e308}}})),
            "chart: a value of \"y\" is too large to draw: 1e+308");
}

TEST(ChartStyle, ColumnsMayHaveAnyName) {
  json spec = plain(json::array());
  for (const char* name : {"a", "b"})
    spec["data"]["values"].push_back({{"price [usd", name}, {"it's \"so\".x", 4}});
  spec["encoding"] = {{"x", channel("price [usd", "nominal")},
                      {"y", channel("it's \"so\".x", "quantitative")}};
  EXPECT_EQ(items(scene_of(ChartKind::bar, spec), "rect").size(), 2u);
}

// Data that has caused trouble elsewhere: drawn, with its labels inside the picture.
TEST(ChartStyle, StackedBarsStandOnOneAnotherAndNormalisedOnesReachOneHundredPercent) {
  json spec = plain(json::array({{{"x", "a"}, {"y", 1}, {"c", "u"}},
                                 {{"x", "a"}, {"y", 3}, {"c", "v"}},
                                 {{"x", "b"}, {"y", 2}, {"c", "u"}},
                                 {{"x", "b"}, {"y", 8}, {"c", "v"}}}));
  spec["encoding"]["color"] = channel("c", "nominal");
  for (const char* stack : {"zero", "normalize"}) {
    spec["encoding"]["y"]["stack"] = stack;
    const json scene = scene_of(ChartKind::bar, spec);
    const json bars = items(scene, "rect");
    ASSERT_EQ(bars.size(), 4u) << stack;
    // Two bars of one name lie at the same place below, one ends where the other begins.
    std::map<double, std::vector<std::pair<double, double>>> columns;
    for (const json& bar : bars)
      columns[std::round(bar["x"].get<double>())].push_back(
          {bar["y"].get<double>(), bar["height"].get<double>()});
    ASSERT_EQ(columns.size(), 2u) << stack;
    std::vector<double> heights;
    for (auto& [x, parts] : columns) {
      ASSERT_EQ(parts.size(), 2u);
      std::sort(parts.begin(), parts.end());
      EXPECT_NEAR(parts[0].first + parts[0].second, parts[1].first, 0.5);
      heights.push_back(parts[0].second + parts[1].second);
    }
    if (std::string(stack) == "normalize")
      EXPECT_NEAR(heights[0], heights[1], 0.5);
    else
      EXPECT_NEAR(heights[0] / heights[1], 0.4, 0.02);
    const Strings labels = texts(scene, "axis-label");
    EXPECT_EQ(std::find(labels.begin(), labels.end(), "100%") != labels.end(),
              std::string(stack) == "normalize");
  }
}

TEST(ChartStyle, OddDataGivesASaneChart) {
  const std::string long_text(5000, 'W');
  const std::pair<ChartKind, json> cases[] = {
      {ChartKind::bar, plain({{{"x", "only"}, {"y", 1}}})},
      {ChartKind::bar,
       plain({{{"x", long_text}, {"y", 1}}, {{"x", long_text.substr(1) + "!"}, {"y", 2}}})},
      {ChartKind::bar, plain({{{"x", "a"}, {"y", 1e299}}, {{"x", "b"}, {"y", -1e299}}})},
      {ChartKind::bar, plain({{{"x", "日本"}, {"y", 7}},
                              {{"x", "العربية"}, {"y", 8}},
                              {{"x", "e\xCC\x81\xCC\x81"}, {"y", 9}}})},
      {ChartKind::bar,
       plain({{{"x", true}, {"y", 7}}, {{"x", 3.25}, {"y", 8}}, {{"x", nullptr}, {"y", 9}}})},
      {ChartKind::line,
       plain({{{"x", 1e15}, {"y", 5}}, {{"x", 1e15 + 1}, {"y", 5}}}, "quantitative")},
      {ChartKind::line,
       plain({{{"x", "0001-01-01"}, {"y", 5}}, {{"x", "9999-12-31"}, {"y", 6}}}, "temporal")},
      {ChartKind::line,
       plain({{{"x", "2024-01-01 10:00:00"}, {"y", 5}}, {{"x", "2024-01-01 10:00:01"}, {"y", 6}}},
             "temporal")},
      {ChartKind::scatter, plain({{{"x", 0}, {"y", 0}}}, "quantitative")},
      {ChartKind::scatter, plain({{{"x", "a"}, {"y", 3}}, {{"x", "b"}, {"y", 3}}})},
      {ChartKind::box,
       plain({{{"x", "a"}, {"y", 3}}, {{"x", "a"}, {"y", 4}}, {{"x", "a"}, {"y", 5}}})},
      {ChartKind::pie, pie_of({{{"x", "all"}, {"y", 3}}})},
      {ChartKind::pie, pie_of({{{"x", long_text}, {"y", 3}}, {{"x", "b"}, {"y", 1e-12}}})},
  };
  for (const auto& [kind, spec] : cases) (void)scene_of(kind, spec);
}

TEST(ChartStyle, TheSameChartGivesTheSameBytes) {
  const auto draw = [] {
    return *tools::vega::png(*tools::vega::compile(*styled(ChartKind::bar, plain(birds())), {}));
  };
  EXPECT_EQ(draw(), draw());
}

// ---- words

TEST(ChartWords, FieldNamesBecomeTitles) {
  EXPECT_EQ(human_title("body_mass_g"), "body mass (g)");
  EXPECT_EQ(human_title("totalBill"), "total bill");
  EXPECT_EQ(human_title("GDP"), "GDP");
  EXPECT_EQ(human_title("share"), "share (%)");
  EXPECT_EQ(human_title("price_usd"), "price ($)");
  EXPECT_EQ(human_title("Time 4 m"), "Time 4 m");
  EXPECT_EQ(human_title("_"), "_");
}

TEST(ChartWords, TextIsCleanedAndBounded) {
  EXPECT_EQ(clean_text("a\n b\tc\x01"), "a b c");
  EXPECT_EQ(clean_text("\xff ok \xc3"), "\xEF\xBF\xBD ok \xEF\xBF\xBD");
  EXPECT_EQ(clean_text("äöüß", 3), "äö…");
  EXPECT_EQ(clean_text("abc\xE2\x80\xAEgnp"), "abc gnp") << "no right-to-left override";
}

TEST(ChartWords, NumbersReadWell) {
  EXPECT_EQ(value_texts({5076.016, 3700.66}), (Strings{"5,076", "3,701"}));
  EXPECT_EQ(value_texts({1, 2, 3}), (Strings{"1", "2", "3"}));
  EXPECT_EQ(value_texts({0.25, 0.5}), (Strings{"0.25", "0.50"}));
  EXPECT_EQ(value_texts({13e6, 430000, 0}), (Strings{"13M", "430,000", "0"}));
  EXPECT_EQ(value_texts({-12.5, 0.001}), (Strings{"−12.5", "0.0010"}));
  EXPECT_EQ(value_texts({3.2e18}), Strings{"3.20×10¹⁸"});
}

}  // namespace
