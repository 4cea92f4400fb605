// Charts are judged by their scene: scales, marks and the boxes of their labels. Pixels are looked
// at only where the claim is about pixels (size, blankness, determinism).

#include "tools/chart/chart.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <limits>
#include "base/json.h"

#include "media/image.h"
#include "tools/chart/check.h"
#include "tools/chart/compose.h"
#include "tools/chart/dates.h"
#include "tools/chart/palette.h"
#include "tools/chart/spec.h"
#include "tools/chart/stats.h"
#include "tools/chart/text.h"
#include "tools/chart/words.h"

// Fontconfig keeps its patterns until the process ends.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libfontconfig"; }

namespace {

using namespace tools::chart;
using nlohmann::json;

json channel(const char* field, const char* type) { return {{"field", field}, {"type", type}}; }

json bar_spec(json rows, const char* x_type = "nominal") {
  return {{"mark", "bar"},
          {"title", "A chart"},
          {"encoding", {{"x", channel("x", x_type)}, {"y", channel("y", "quantitative")}}},
          {"data", {{"values", std::move(rows)}}}};
}

json xy_spec(const char* mark, const char* x_type, json rows) {
  json spec = bar_spec(std::move(rows), x_type);
  spec["mark"] = mark;
  return spec;
}

json birds() {
  return json::array(
      {{{"x", "robin"}, {"y", 3}}, {{"x", "wren"}, {"y", 5}}, {{"x", "owl"}, {"y", 2}}});
}

json months(int n) {
  json rows = json::array();
  for (int i = 0; i < n; ++i) {
    char date[16];
    std::snprintf(date, sizeof date, "%04d-%02d-01", 2010 + i / 12, i % 12 + 1);
    rows.push_back({{"x", date}, {"y", 100 + 10 * std::sin(i / 7.0)}});
  }
  return rows;
}

// The scene of a spec that must be drawable; the labels are checked on the way.
Scene scene_of(const json& spec) {
  base::Result<Table> table = read_spec(spec);
  EXPECT_TRUE(table) << table.error().message;
  if (!table) return {};
  TextRuler ruler;
  base::Result<Scene> scene = compose(*table, ruler);
  EXPECT_TRUE(scene) << scene.error().message;
  if (!scene) return {};
  for (const std::string& warning : label_warnings(*scene))
    EXPECT_NE(warning.find("shortened"), std::string::npos) << warning;
  return *scene;
}

std::string error_of(const json& spec) {
  base::Result<Drawn> drawn = draw_png(spec);
  return drawn ? "(drawn)" : drawn.error().message;
}

template <class Shape>
std::vector<Shape> marks_of(const Scene& scene) {
  std::vector<Shape> shapes;
  for (const MarkItem& mark : scene.marks)
    if (const Shape* shape = std::get_if<Shape>(&mark.shape)) shapes.push_back(*shape);
  return shapes;
}

std::vector<std::string> texts(const Scene& scene, Role role) {
  std::vector<std::string> found;
  for (const Label& label : scene.labels)
    if (label.role == role) found.push_back(label.text);
  return found;
}

using Strings = std::vector<std::string>;

// ---- bars

TEST(ChartBars, StandOnZeroAndAreAsHighAsTheirValues) {
  const Scene scene = scene_of(bar_spec(birds()));
  const std::vector<Bar> bars = marks_of<Bar>(scene);
  ASSERT_EQ(bars.size(), 3u);
  EXPECT_DOUBLE_EQ(scene.left.scale.lo, 0);
  for (const Bar& bar : bars) EXPECT_NEAR(bar.box.bottom(), scene.plot.bottom(), 1e-9);
  EXPECT_NEAR(bars[0].box.height / bars[1].box.height, 3.0 / 5, 1e-9);
  EXPECT_NEAR(bars[2].box.height / bars[1].box.height, 2.0 / 5, 1e-9);
  EXPECT_EQ(texts(scene, Role::x_tick), (Strings{"robin", "wren", "owl"}));
  EXPECT_EQ(texts(scene, Role::value), (Strings{"3", "5", "2"}));
}

TEST(ChartBars, NegativeValuesHangBelowZero) {
  const Scene scene = scene_of(bar_spec({{{"x", "a"}, {"y", 4}}, {{"x", "b"}, {"y", -2}}}));
  const std::vector<Bar> bars = marks_of<Bar>(scene);
  ASSERT_EQ(bars.size(), 2u);
  EXPECT_NEAR(bars[0].box.bottom(), bars[1].box.y, 1e-9);
  EXPECT_NEAR(bars[0].box.height, 2 * bars[1].box.height, 1e-9);
  EXPECT_LE(bars[1].box.bottom(), scene.plot.bottom() + 1e-9);
}

TEST(ChartBars, LieDownWhenNamesAreLong) {
  json rows = json::array();
  for (int i = 0; i < 9; ++i)
    rows.push_back(
        {{"x", "the department of long names, section " + std::to_string(i)}, {"y", i + 1}});
  const Scene scene = scene_of(bar_spec(rows));
  EXPECT_TRUE(scene.horizontal);
  const std::vector<Bar> bars = marks_of<Bar>(scene);
  ASSERT_EQ(bars.size(), 9u);
  EXPECT_LT(bars[0].box.y, bars[8].box.y) << "the first row is on top";
  for (const Bar& bar : bars) EXPECT_NEAR(bar.box.x, scene.plot.x, 1e-9);
  EXPECT_EQ(scene.left.title, "x");
  EXPECT_EQ(scene.bottom.title, "y");
}

TEST(ChartBars, MonthsStayUpright) {
  json rows = json::array();
  for (const char* name : {"Mar", "Jan", "Feb", "May", "Apr"})
    rows.push_back({{"x", name}, {"y", 5}});
  rows[0]["y"] = 9;
  rows[2]["y"] = 2;
  rows[3]["y"] = 7;
  const Scene scene = scene_of(bar_spec(rows, "ordinal"));
  EXPECT_FALSE(scene.horizontal);
  EXPECT_EQ(texts(scene, Role::x_tick), (Strings{"Jan", "Feb", "Mar", "Apr", "May"}));
}

TEST(ChartBars, RowsSortedByValueKeepTheirOrder) {
  json rows = json::array();
  int value = 90;
  for (int year : {2012, 1999, 2020, 2004, 2001}) rows.push_back({{"x", year}, {"y", value -= 10}});
  EXPECT_EQ(texts(scene_of(bar_spec(rows, "quantitative")), Role::x_tick),
            (Strings{"2012", "1999", "2020", "2004", "2001"}));
  rows[0]["y"] = 55;  // no longer sorted: by year
  EXPECT_EQ(texts(scene_of(bar_spec(rows, "quantitative")), Role::x_tick),
            (Strings{"1999", "2001", "2004", "2012", "2020"}));
}

json sales() {
  json rows = json::array();
  for (const char* region : {"north", "south", "east"})
    for (const char* kind : {"tea", "coffee"})
      rows.push_back({{"x", region}, {"y", region[0] == 'n' ? 3 : 4}, {"kind", kind}});
  return rows;
}

TEST(ChartBars, GroupedBarsStandSideBySide) {
  json spec = bar_spec(sales());
  spec["encoding"]["color"] = {{"field", "kind"}};
  spec["encoding"]["xOffset"] = {{"field", "kind"}};
  const Scene scene = scene_of(spec);
  const std::vector<Bar> bars = marks_of<Bar>(scene);
  ASSERT_EQ(bars.size(), 6u);
  for (const Bar& bar : bars) EXPECT_NEAR(bar.box.bottom(), scene.plot.bottom(), 1e-9);
  for (size_t i = 0; i < bars.size(); ++i)
    for (size_t j = i + 1; j < bars.size(); ++j)
      EXPECT_TRUE(bars[i].box.right() <= bars[j].box.x + 1e-9 ||
                  bars[j].box.right() <= bars[i].box.x + 1e-9);
  ASSERT_EQ(scene.legend.size(), 2u);
  EXPECT_EQ(scene.legend[0].text, "tea");
  EXPECT_EQ(scene.legend[0].color, scene.marks[0].color);
}

TEST(ChartBars, StackedBarsReachTheirSum) {
  json spec = bar_spec(sales());
  spec["encoding"]["color"] = {{"field", "kind"}};
  const Scene scene = scene_of(spec);
  ASSERT_EQ(scene.marks.size(), 6u);
  EXPECT_GE(scene.left.scale.hi, 8);
  const std::vector<Bar> bars = marks_of<Bar>(scene);
  EXPECT_NEAR(bars[0].box.y, bars[3].box.bottom(), 1e-9) << "coffee stands on tea";
  EXPECT_TRUE(scene.warnings.empty());
}

TEST(ChartBars, ColourOfTheNamesNeedsNoLegend) {
  json spec = bar_spec(birds());
  spec["encoding"]["color"] = {{"field", "x"}};
  const Scene scene = scene_of(spec);
  EXPECT_TRUE(scene.legend.empty());
  EXPECT_FALSE(scene.marks[0].color == scene.marks[1].color);
}

TEST(ChartBars, RawRowsAddUpAndSaySo) {
  json rows = birds();
  rows.push_back({{"x", "owl"}, {"y", 8}});
  const Scene scene = scene_of(bar_spec(rows));
  EXPECT_EQ(rows_drawn(scene), 4);
  EXPECT_EQ(scene.warnings, Strings{"several rows share a bar; it shows their sum"});
  EXPECT_GE(scene.left.scale.hi, 10);
}

TEST(ChartBars, CountsAndMeansAreMadeHere) {
  json rows = birds();
  rows.push_back({{"x", "owl"}, {"y", 8}});
  json spec = bar_spec(rows);
  spec["encoding"]["y"]["aggregate"] = "mean";
  EXPECT_EQ(texts(scene_of(spec), Role::value), (Strings{"3", "5", "5"}));
  spec["encoding"]["y"] = {{"aggregate", "count"}};
  const Scene scene = scene_of(spec);
  EXPECT_EQ(texts(scene, Role::value), (Strings{"1", "1", "2"}));
  EXPECT_EQ(scene.left.title, "count");
  EXPECT_EQ(rows_drawn(scene), 4);
}

TEST(ChartBars, DatesStandAtTheirTime) {
  json rows = json::array({{{"x", "2020-01"}, {"y", 1}},
                           {{"x", "2020-02"}, {"y", 2}},
                           {{"x", "2020-05"}, {"y", 3}},
                           {{"x", "2020-04"}, {"y", 1}}});
  const Scene scene = scene_of(bar_spec(rows, "temporal"));
  EXPECT_EQ(scene.bottom.scale.kind, ScaleKind::time);
  const std::vector<Bar> bars = marks_of<Bar>(scene);
  EXPECT_GT(bars[2].box.x - bars[1].box.x, 2.5 * (bars[1].box.x - bars[0].box.x))
      << "March has its place although it has no row";
}

TEST(ChartBars, SwappedAxesAreUnderstood) {
  json spec = bar_spec(birds());
  std::swap(spec["encoding"]["x"], spec["encoding"]["y"]);
  const Scene scene = scene_of(spec);
  EXPECT_TRUE(scene.horizontal);
  EXPECT_EQ(marks_of<Bar>(scene).size(), 3u);
}

// ---- histogram

TEST(ChartHistogram, CountsEveryRowInRoundBins) {
  json rows = json::array();
  for (int i = 0; i < 200; ++i) rows.push_back({{"x", 3.7 + i * 0.31}});
  json spec = bar_spec(rows);
  spec["encoding"] = {{"x", {{"field", "x"}, {"bin", true}}}, {"y", {{"aggregate", "count"}}}};
  const Scene scene = scene_of(spec);
  EXPECT_EQ(rows_drawn(scene), 200);
  EXPECT_EQ(scene.left.title, "count");
  const double width =
      (scene.bottom.scale.hi - scene.bottom.scale.lo) / static_cast<double>(scene.marks.size());
  EXPECT_NEAR(width, 5, 1e-9);
  EXPECT_NEAR(scene.bottom.scale.lo, 0, 1e-9);
}

TEST(ChartHistogram, BinsAreHalfOpenAndTheLastIsClosed) {
  const Bins bins = bin_values({0, 0.1, 0.2, 0.3, 0.7, 0.9, 1.0}, 10);
  EXPECT_NEAR(bins.width, 0.1, 1e-12);
  EXPECT_EQ(bins.counts, (std::vector<int>{1, 1, 1, 1, 0, 0, 0, 1, 0, 2}));
}

TEST(ChartHistogram, FewWholeNumbersGetABinEach) {
  const Bins bins = bin_values({1, 2, 2, 3, 6}, 0);
  EXPECT_TRUE(bins.per_value);
  EXPECT_EQ(bins.counts, (std::vector<int>{1, 2, 1, 0, 0, 1}));
}

TEST(ChartHistogram, MaxBinsIsKept) {
  std::vector<double> values;
  for (int i = 0; i < 500; ++i) values.push_back(i * 0.77);
  for (int most : {1, 2, 3, 5, 10, 40}) {
    const Bins bins = bin_values(values, most);
    EXPECT_LE(bins.counts.size(), static_cast<size_t>(most));
    int total = 0;
    for (int count : bins.counts) total += count;
    EXPECT_EQ(total, 500);
  }
}

// ---- lines and points

TEST(ChartLines, TenYearsOfMonthsAreLabelledByYear) {
  const Scene scene = scene_of(xy_spec("line", "temporal", months(120)));
  const std::vector<Path> paths = marks_of<Path>(scene);
  ASSERT_EQ(paths.size(), 1u);
  EXPECT_EQ(paths[0].points.size(), 120u);
  EXPECT_EQ(scene.marks[0].rows, 120);
  EXPECT_EQ(texts(scene, Role::x_tick).front(), "2010");
  EXPECT_EQ(texts(scene, Role::x_tick).size(), 11u);
  for (size_t i = 1; i < 120; ++i) EXPECT_GT(paths[0].points[i].x, paths[0].points[i - 1].x);
}

TEST(ChartLines, RowsAreDrawnInOrderOfX) {
  json rows = json::array({{{"x", 3}, {"y", 1}}, {{"x", 1}, {"y", 2}}, {{"x", 2}, {"y", 3}}});
  const std::vector<Path> paths = marks_of<Path>(scene_of(xy_spec("line", "quantitative", rows)));
  ASSERT_EQ(paths.size(), 1u);
  EXPECT_LT(paths[0].points[0].x, paths[0].points[1].x);
  EXPECT_LT(paths[0].points[1].x, paths[0].points[2].x);
}

TEST(ChartLines, EachSeriesHasItsColourAndLegend) {
  json rows = json::array();
  for (const char* name : {"a", "b", "c", "d", "e"})
    for (int year = 2000; year < 2010; ++year)
      rows.push_back({{"x", year}, {"y", name[0] + year % 7}, {"who", name}});
  json spec = xy_spec("line", "quantitative", rows);
  spec["encoding"]["color"] = channel("who", "nominal");
  const Scene scene = scene_of(spec);
  EXPECT_EQ(marks_of<Path>(scene).size(), 5u);
  EXPECT_EQ(scene.legend.size(), 5u);
  EXPECT_EQ(texts(scene, Role::x_tick).front(), "2000") << "years have no thousands separator";
}

TEST(ChartLines, OneRowIsADot) {
  const Scene scene = scene_of(xy_spec("line", "temporal", months(1)));
  ASSERT_EQ(marks_of<Path>(scene).size(), 1u);
  EXPECT_TRUE(marks_of<Path>(scene)[0].dots);
  EXPECT_DOUBLE_EQ(scene.left.scale.lo, 0);
}

TEST(ChartPoints, LieInsideThePlotWithAMargin) {
  json rows = json::array();
  for (int i = 0; i < 50; ++i)
    rows.push_back({{"x", 5 + i % 7}, {"y", 10 + i % 11}, {"k", i % 3 ? "p" : "q"}});
  json spec = xy_spec("point", "quantitative", rows);
  spec["encoding"]["color"] = channel("k", "nominal");
  const Scene scene = scene_of(spec);
  EXPECT_EQ(rows_drawn(scene), 50);
  for (const Dot& dot : marks_of<Dot>(scene)) {
    EXPECT_GT(dot.center.x, scene.plot.x + dot.radius);
    EXPECT_LT(dot.center.x, scene.plot.right() - dot.radius);
    EXPECT_GT(dot.center.y, scene.plot.y + dot.radius);
    EXPECT_LT(dot.center.y, scene.plot.bottom() - dot.radius);
  }
}

TEST(ChartPoints, ANumberAsColourIsARamp) {
  json rows = json::array();
  for (int i = 0; i < 20; ++i) rows.push_back({{"x", i}, {"y", i}, {"k", i * 0.5}});
  json spec = xy_spec("point", "quantitative", rows);
  spec["encoding"]["color"] = channel("k", "quantitative");
  const Scene scene = scene_of(spec);
  ASSERT_EQ(scene.ramps.size(), 1u);
  EXPECT_DOUBLE_EQ(scene.ramps[0].hi, 9.5);
  EXPECT_TRUE(scene.legend.empty());
}

// ---- pie, boxes, heat map

json pie_spec(json rows) {
  return {{"mark", "arc"},
          {"encoding", {{"theta", {{"field", "y"}}}, {"color", {{"field", "x"}}}}},
          {"data", {{"values", std::move(rows)}}}};
}

TEST(ChartPie, SlicesAreProportionalAndLabelled) {
  const Scene scene = scene_of(pie_spec(birds()));
  const std::vector<Slice> slices = marks_of<Slice>(scene);
  ASSERT_EQ(slices.size(), 3u);
  EXPECT_NEAR(slices[0].end - slices[0].start, 2 * M_PI * 0.5, 1e-9) << "the largest comes first";
  EXPECT_NEAR(slices[2].end, 2 * M_PI, 1e-9);
  const Strings labels = texts(scene, Role::slice);
  EXPECT_NE(std::find(labels.begin(), labels.end(), "wren  50%"), labels.end());
}

TEST(ChartPie, ManySmallSlicesKeepTheirLabelsApart) {
  json rows = json::array();
  for (int i = 0; i < 20; ++i)
    rows.push_back(
        {{"x", "a rather long name " + std::to_string(i)}, {"y", i == 0 ? 500 : 3 + i % 3}});
  const Scene scene = scene_of(pie_spec(rows));
  EXPECT_EQ(texts(scene, Role::slice).size(), 20u);
}

TEST(ChartPie, NegativeAndAllZeroAreErrors) {
  EXPECT_EQ(error_of(pie_spec({{{"x", "a"}, {"y", -1}}, {{"x", "b"}, {"y", 2}}})),
            "chart: a pie cannot show a negative value (a: −1.00)");
  EXPECT_EQ(error_of(pie_spec({{{"x", "a"}, {"y", 0}}})), "chart: all slices of the pie are zero");
}

TEST(ChartBoxes, QuartilesAreInterpolatedAndWhiskersEndAtReadings) {
  const BoxSummary box = summarize({1, 2, 3, 4, 5, 6, 7, 8, 9, 30});
  EXPECT_DOUBLE_EQ(box.first_quartile, 3.25);
  EXPECT_DOUBLE_EQ(box.median, 5.5);
  EXPECT_DOUBLE_EQ(box.third_quartile, 7.75);
  EXPECT_DOUBLE_EQ(box.low, 1);
  EXPECT_DOUBLE_EQ(box.high, 9);
  EXPECT_EQ(box.outliers, std::vector<double>{30});
}

TEST(ChartBoxes, OneBoxPerName) {
  json rows = json::array();
  for (int i = 0; i < 60; ++i)
    rows.push_back({{"x", i % 3 ? "b" : "a"}, {"y", i % 10 + (i == 7 ? 90 : 0)}});
  const Scene scene = scene_of(xy_spec("boxplot", "nominal", rows));
  ASSERT_EQ(marks_of<BoxMark>(scene).size(), 2u);
  EXPECT_EQ(rows_drawn(scene), 60);
  EXPECT_EQ(marks_of<BoxMark>(scene)[1].outliers.size(), 1u);
}

TEST(ChartHeatMap, OneCellPerRow) {
  json rows = json::array();
  for (int hour = 0; hour < 24; ++hour)
    for (const char* day : {"Sun", "Mon", "Tue"})
      rows.push_back({{"x", hour}, {"day", day}, {"y", hour}});
  json spec = {{"mark", "rect"},
               {"encoding",
                {{"x", channel("x", "ordinal")},
                 {"y", channel("day", "ordinal")},
                 {"color", channel("y", "quantitative")}}},
               {"data", {{"values", rows}}}};
  const Scene scene = scene_of(spec);
  EXPECT_EQ(marks_of<Cell>(scene).size(), 72u);
  EXPECT_EQ(texts(scene, Role::y_tick), (Strings{"Mon", "Tue", "Sun"}));
}

// ---- words, dates, colours

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
  EXPECT_EQ(tick_texts({0, 0.5, 1}, 0.5, true), (Strings{"0", "0.5", "1.0"}));
  EXPECT_EQ(tick_texts({0, 2.5e6, 5e6}, 2.5e6, true), (Strings{"0", "2.5M", "5.0M"}));
  EXPECT_EQ(tick_texts({2000, 2005}, 5, false), (Strings{"2000", "2005"}));
  EXPECT_EQ(tick_texts({2e-7, 4e-7}, 2e-7, true), (Strings{"2×10⁻⁷", "4×10⁻⁷"}));
}

TEST(ChartDates, AreReadInTheFormsADataFileHas) {
  EXPECT_EQ(parse_date("1970-01-02"), 86400.0);
  EXPECT_EQ(parse_date("1970-01-01 00:01:30"), 90.0);
  EXPECT_EQ(parse_date("1970-01-01T00:01Z"), 60.0);
  EXPECT_EQ(parse_date("1971"), 365 * 86400.0);
  EXPECT_EQ(parse_date("1970-02"), 31 * 86400.0);
  for (const char* bad :
       {"", "19", "1970-13", "1970-02-30", "1970-01-01x", "hello", "1970-1-1", "2014 Q1"})
    EXPECT_FALSE(parse_date(bad)) << bad;
}

TEST(ChartDates, TicksAreWholeUnits) {
  const double start = *parse_date("2020-01-01");
  const std::vector<DateTick> quarters = date_ticks(start, *parse_date("2021-06-30"), 8, 86400);
  ASSERT_EQ(quarters.size(), 6u);
  EXPECT_EQ(quarters[0].text, "Jan\n2020");
  EXPECT_EQ(quarters[1].text, "Apr");
  EXPECT_EQ(quarters[4].text, "Jan\n2021");
  const std::vector<DateTick> hours = date_ticks(start, start + 86400, 5, 1);
  ASSERT_EQ(hours.size(), 5u);
  EXPECT_EQ(hours[1].text, "06:00");
  EXPECT_EQ(date_ticks(start, start + 2 * 86400, 20, 86400).size(), 3u)
      << "no hours for whole days";
}

TEST(ChartPalette, SeriesDifferAndStandOutFromPaper) {
  for (size_t i = 0; i < kSeriesColors; ++i)
    for (size_t j = i + 1; j < kSeriesColors; ++j) {
      const Color a = series_color(i);
      const Color b = series_color(j);
      EXPECT_GT(std::abs(a.red - b.red) + std::abs(a.green - b.green) + std::abs(a.blue - b.blue),
                60);
    }
  EXPECT_NE(series_dash(0), series_dash(kSeriesColors));
}

TEST(ChartText, ShortensAndWrapsByMeasuredWidth) {
  TextRuler ruler;
  const Font font{.size = 12};
  const std::string text = "Bosnia and Herzegovina";
  EXPECT_EQ(ruler.shorten(text, font, 1000), text);
  const std::string cut = ruler.shorten(text, font, 80);
  EXPECT_TRUE(cut.ends_with("…"));
  EXPECT_LE(ruler.width(cut, font), 80);
  EXPECT_EQ(ruler.wrap(text, font, 90, 2), "Bosnia and\nHerzegovina");
  EXPECT_TRUE(ruler.wraps(text, font, 90, 2));
  EXPECT_FALSE(ruler.wraps(text, font, 50, 3));
}

// ---- the whole

TEST(Chart, SaysWhatItDrew) {
  base::Result<Drawn> drawn = draw_png(bar_spec(birds()));
  ASSERT_TRUE(drawn) << drawn.error().message;
  EXPECT_EQ(drawn->width, 1600);
  EXPECT_EQ(drawn->height, 1000);
  EXPECT_EQ(drawn->rows_drawn, 3);
  EXPECT_FALSE(drawn->blank);
  EXPECT_TRUE(drawn->warnings.empty());
  base::Result<media::Pixels> pixels = media::decode_png(drawn->png);
  ASSERT_TRUE(pixels) << pixels.error().message;
  EXPECT_EQ(pixels->width, 1600);
  EXPECT_EQ(pixels->height, 1000);
}

TEST(Chart, SameSpecGivesTheSameBytes) {
  const json spec = xy_spec("line", "temporal", months(60));
  const std::string first = draw_png(spec)->png;
  (void)draw_png(bar_spec(birds()));
  EXPECT_EQ(draw_png(spec)->png, first);
}

TEST(Chart, RowsWithoutAValueAreLeftOutAndCounted) {
  json rows = birds();
  rows.push_back({{"x", "kite"}, {"y", nullptr}});
  rows.push_back({{"y", 4}});
  base::Result<Drawn> drawn = draw_png(bar_spec(rows));
  ASSERT_TRUE(drawn);
  EXPECT_EQ(drawn->rows_drawn, 3);
  EXPECT_EQ(drawn->warnings, Strings{"2 rows without a value left out"});
}

TEST(Chart, ErrorsNameTheFieldOrFeature) {
  json spec = bar_spec(birds());
  spec["encoding"]["y"]["field"] = "z";
  EXPECT_EQ(error_of(spec), "chart: no field \"z\" in the rows");
  spec = bar_spec(birds());
  spec["mark"] = "foo";
  EXPECT_EQ(error_of(spec),
            "chart: mark \"foo\" is not known; known: bar, line, point, arc, boxplot, rect");
  spec = bar_spec(birds());
  spec["encoding"]["x"]["type"] = "odd";
  EXPECT_EQ(
      error_of(spec),
      "chart: type \"odd\" of x is not known; known: quantitative, nominal, ordinal, temporal");
  spec = bar_spec(birds());
  spec["encoding"]["y"] = channel("x", "quantitative");
  EXPECT_EQ(error_of(spec), "chart: \"x\" holds no numbers, and y needs them");
  EXPECT_EQ(error_of(bar_spec(json::array())), "chart: there are no rows to draw");
  EXPECT_EQ(error_of({{"mark", "bar"}}), "chart: the spec has no encoding");
  EXPECT_EQ(error_of(json::array()), "chart: the spec is not an object");
  EXPECT_EQ(error_of(bar_spec({{{"x", "a"}, {"y", 1e308}}})),
            "chart: a value of \"y\" is too large to draw: 1e+308");
  json many = json::array();
  for (int i = 0; i < 2001; ++i) many.push_back({{"x", std::to_string(i) + "x"}, {"y", 1}});
  EXPECT_EQ(error_of(bar_spec(many)), "chart: 2001 bars are too many to draw; at most 2000");
}

// Specs that have caused trouble elsewhere: each must be drawn or refused, with its labels inside
// the picture.
TEST(Chart, OddDataGivesASaneChart) {
  const std::string long_text(5000, 'W');
  const std::vector<json> specs = {
      bar_spec({{{"x", "only"}, {"y", 1}}}),
      bar_spec({{{"x", ""}, {"y", 0}}, {{"x", " "}, {"y", 0}}}),
      bar_spec({{{"x", long_text}, {"y", 1}}, {{"x", long_text + "!"}, {"y", 2}}}),
      bar_spec({{{"x", "a"}, {"y", 1e299}}, {{"x", "b"}, {"y", -1e299}}}),
      bar_spec({{{"x", "a"}, {"y", 1e-310}}, {{"x", "b"}, {"y", 2e-310}}}),
      bar_spec({{{"x", "日本"}, {"y", 7}},
                {{"x", "العربية"}, {"y", 8}},
                {{"x", "e\xCC\x81\xCC\x81\xCC\x81"}, {"y", 9}}}),
      bar_spec(
          {{{"x", true}, {"y", 7}}, {{"x", 3.25}, {"y", "8"}}, {{"x", json::array()}, {"y", 9}}}),
      xy_spec("line", "quantitative", {{{"x", 1e15}, {"y", 5}}, {{"x", 1e15 + 1}, {"y", 5}}}),
      xy_spec("line", "temporal",
              {{{"x", "0000-01-01"}, {"y", 5}}, {{"x", "9999-12-31"}, {"y", 6}}}),
      xy_spec("line", "temporal",
              {{{"x", "2024-01-01 10:00:00"}, {"y", 5}}, {{"x", "2024-01-01 10:00:01"}, {"y", 6}}}),
      xy_spec("line", "temporal", {{{"x", 1e12}, {"y", 5}}, {{"x", 2e12}, {"y", 6}}}),
      xy_spec("point", "quantitative", {{{"x", 0}, {"y", 0}}}),
      xy_spec("point", "nominal", {{{"x", "a"}, {"y", 3}}, {{"x", "b"}, {"y", 3}}}),
      xy_spec("boxplot", "nominal", {{{"x", "a"}, {"y", 3}}}),
      pie_spec({{{"x", "all"}, {"y", 3}}}),
      pie_spec({{{"x", long_text}, {"y", 3}}, {{"x", "b"}, {"y", 1e-12}}}),
  };
  for (const json& spec : specs) {
    base::Result<Drawn> drawn = draw_png(spec);
    const std::string what = spec.dump().substr(0, 160);
    ASSERT_TRUE(drawn) << what << drawn.error().message;
    EXPECT_FALSE(drawn->blank) << what;
    (void)scene_of(spec);
  }
}

TEST(Chart, NotANumberIsAMissingValue) {
  json rows = birds();
  rows[1]["y"] = std::numeric_limits<double>::quiet_NaN();
  base::Result<Drawn> drawn = draw_png(bar_spec(rows));
  ASSERT_TRUE(drawn);
  EXPECT_EQ(drawn->rows_drawn, 2);
}

TEST(Chart, ManyRowsOfEveryMarkAreDrawn) {
  json rows = json::array();
  for (int i = 0; i < 3000; ++i)
    rows.push_back({{"x", std::fmod(i * 0.618, 1)}, {"y", std::fmod(i * 0.414, 1)}, {"k", i % 40}});
  for (const char* mark : {"point", "line"}) {
    json spec = xy_spec(mark, "quantitative", rows);
    EXPECT_EQ(draw_png(spec)->rows_drawn, 3000);
    spec["encoding"]["color"] = channel("k", "nominal");
    EXPECT_EQ(draw_png(spec)->rows_drawn, 3000);
  }
  json names = json::array();
  for (int i = 0; i < 500; ++i)
    names.push_back({{"x", "name " + std::to_string(i)}, {"y", i % 17}});
  const Scene scene = scene_of(bar_spec(names));
  EXPECT_EQ(scene.marks.size(), 500u);
  EXPECT_LE(scene.height, 1200);
}

}  // namespace
