// Replays what the real Vega, Vega-Lite and d3 did (golden/*.json, made by make_golden.mjs). Text
// is compared exactly; numbers to 1e-9 of their size, as sums may be taken in another order.
#include <gtest/gtest.h>
#include <time.h>

#include <cmath>
#include <fstream>
#include "base/json.h"

#include "tools/vega/color.h"
#include "tools/vega/expression.h"
#include "tools/vega/format.h"
#include "tools/vega/load.h"
#include "tools/vega/scale.h"
#include "tools/vega/ticks.h"
#include "tools/vega/time_unit.h"
#include "tools/vega/transform.h"

namespace tools::vega {
namespace {

Row golden(const std::string& name) {
  std::ifstream file(std::string(VEGA_GOLDEN) + "/" + name + ".json");
  return Row::parse(file);
}

// NaN and the infinities travel as text.
double number(const Row& value) {
  if (value.is_string()) return text_number(value.get<std::string>());
  return value.is_null() ? NAN : value.get<double>();
}
std::vector<double> numbers(const Row& list) {
  std::vector<double> out;
  for (const Row& value : list) out.push_back(number(value));
  return out;
}

bool close(double a, double b, double tolerance = 1e-9) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  if (a == b) return true;
  return std::fabs(a - b) <= tolerance * std::max({std::fabs(a), std::fabs(b), 1e-6});
}

// A member that is missing counts as null, and so does NaN as undefined.
bool same(const Row& ours, const Row& theirs) {
  if (ours.is_number() && (theirs.is_number() || theirs.is_null() || theirs.is_string())) {
    return close(ours.get<double>(), number(theirs));
  }
  if (ours.is_array() && theirs.is_array()) {
    if (ours.size() != theirs.size()) return false;
    for (size_t i = 0; i < ours.size(); ++i) {
      if (!same(ours[i], theirs[i])) return false;
    }
    return true;
  }
  if (ours.is_object() && theirs.is_object()) {
    for (const auto& [key, value] : theirs.items()) {
      if (!same(ours.contains(key) ? ours[key] : Row(), value)) return false;
    }
    for (const auto& [key, value] : ours.items()) {
      if (!theirs.contains(key) && !value.is_null()) return false;
    }
    return true;
  }
  if (ours.is_null() && theirs.is_string()) return theirs == "NaN";
  return ours == theirs;
}

// Sets the zone for the time of a test.
struct InZone {
  explicit InZone(const std::string& zone) {
    setenv("TZ", zone.c_str(), 1);
    tzset();
  }
  ~InZone() {
    setenv("TZ", "UTC", 1);
    tzset();
  }
};

TEST(Golden, NumbersBecomeTheTextOfJavaScript) {
  Row cases = golden("text");
  ASSERT_GT(cases[0][0].size(), 40u);
  for (size_t i = 0; i < cases[0][0].size(); ++i) {
    // -0 was written as 0 by JSON.
    EXPECT_EQ(number_text(number(cases[0][0][i])), cases[0][1][i]);
  }
}

TEST(Golden, NumberFormatsAgree) {
  Row cases = golden("format");
  std::vector<double> values = numbers(cases.back()[1]);
  ASSERT_GT(values.size(), 40u);
  values[1] = -0.0;
  for (size_t c = 0; c + 1 < cases.size(); ++c) {
    base::Result<NumberFormat> format = NumberFormat::parse(cases[c][0].get<std::string>());
    ASSERT_TRUE(format) << cases[c][0];
    for (size_t i = 0; i < values.size(); ++i) {
      if (!cases[c][1][i].is_string()) continue;  // the reference threw
      EXPECT_EQ((*format)(values[i]), cases[c][1][i]) << cases[c][0] << " of " << values[i];
    }
  }
}

TEST(Golden, TicksNiceDomainsAndTheirLabelsAgree) {
  for (const Row& c : golden("ticks")) {
    double start = c[0], stop = c[1], count = c[2];
    EXPECT_TRUE(same(ticks(start, stop, count), c[4])) << c;
    double low = start, high = stop;
    nice(low, high, count);
    EXPECT_TRUE(same({low, high}, c[5])) << c << " nice " << low << " " << high;
    std::string specifier = c[3];
    base::Result<NumberFormat> format = tick_number_format(start, stop, count, specifier);
    ASSERT_TRUE(format) << c;
    if (specifier.empty()) continue;  // an empty specifier is ours for the default
    for (size_t i = 0; i < c[4].size(); ++i) EXPECT_EQ((*format)(c[4][i]), c[6][i]) << c;
  }
}

TEST(Golden, DatesAreFormattedAlikeInThreeZones) {
  Row cases = golden("time_format");
  std::vector<double> dates = numbers(cases[0][1]);
  ASSERT_GT(dates.size(), 40u);
  for (size_t c = 1; c < cases.size(); ++c) {
    InZone zone(cases[c][0]);
    for (size_t i = 0; i < dates.size(); ++i) {
      std::string ours = cases[c][1].is_null()
                             ? format_time_multi(dates[i], Zone::local)
                             : format_time(dates[i], std::string(cases[c][1]), Zone::local);
      EXPECT_EQ(ours, cases[c][2][i])
          << cases[c][0] << " " << cases[c][1] << " of " << number_text(dates[i]);
    }
  }
}

TEST(Golden, DatesAreParsedByPatternAlike) {
  for (const Row& c : golden("time_parse")) {
    InZone zone(c[0]);
    double ours = parse_time(std::string(c[2]), std::string(c[1]), Zone::local);
    EXPECT_TRUE(close(ours, number(c[3]), 0)) << c << " is " << number_text(ours);
  }
}

TEST(Golden, DatesAreReadAsJavaScriptReadsThem) {
  for (const Row& c : golden("date_parse")) {
    InZone zone(c[0]);
    double ours = parse_date(std::string(c[1]));
    EXPECT_TRUE(close(ours, number(c[2]), 0)) << c << " is " << number_text(ours);
  }
}

TEST(Golden, TimeUnitsCutDatesAlike) {
  Row cases = golden("time_unit");
  std::vector<double> dates = numbers(cases[0][1]);
  ASSERT_GT(dates.size(), 15u);
  for (size_t c = 1; c < cases.size(); ++c) {
    const Row& now = cases[c];
    InZone zone(now[0]);
    base::Result<TimeUnit> unit = parse_time_unit({{"unit", now[1]}, {"step", now[2]}});
    ASSERT_TRUE(unit) << now[1];
    EXPECT_EQ(time_unit_format(*unit), now[5]);
    for (size_t i = 0; i < dates.size(); ++i) {
      double start = time_unit_floor(dates[i], *unit);
      EXPECT_TRUE(close(start, number(now[3][i]), 0))
          << now[0] << now[1] << now[2] << " of " << number_text(dates[i]) << ": "
          << number_text(start) << " not " << now[3][i];
      if (std::isnan(start)) continue;
      EXPECT_TRUE(close(time_unit_next(start, *unit), number(now[4][i]), 0))
          << now[0] << now[1] << now[2] << " after " << number_text(start);
    }
  }
}

TEST(Golden, TimeUnitsForAnExtentAreChosenAlike) {
  for (const Row& c : golden("time_bin")) {
    base::Result<TimeUnit> unit = parse_time_unit({{"maxbins", c[2]}});
    ASSERT_TRUE(unit);
    TimeUnit chosen = time_unit_bins(c[0], c[1], *unit);
    TimeUnit named = chosen;
    named.step = 1;
    EXPECT_EQ(time_unit_name(named), c[3]) << c;
    EXPECT_EQ(chosen.step, c[4]) << c;
  }
}

ScaleOptions options_of(const Row& spec) {
  ScaleOptions o;
  o.type = *parse_scale_type(spec["type"].get<std::string>());
  for (const Row& value : spec["domain"]) o.domain.push_back(value);
  for (const Row& value : spec["range"]) o.range.push_back(value);
  o.round = spec.value("round", false);
  o.clamp = spec.value("clamp", false);
  o.nice = spec.value("nice", false);
  o.align = spec.value("align", 0.5);
  o.exponent = spec.value("exponent", 1.0);
  o.base = spec.value("base", 10.0);
  o.constant = spec.value("constant", 1.0);
  auto optional = [&](const char* key, std::optional<double>& out) {
    if (spec.contains(key)) out = spec[key].get<double>();
  };
  optional("padding", o.padding);
  optional("paddingInner", o.padding_inner);
  optional("paddingOuter", o.padding_outer);
  return o;
}

TEST(Golden, ScalesAgree) {
  for (const Row& c : golden("scale")) {
    base::Result<Scale> scale = Scale::make(options_of(c[0]));
    ASSERT_TRUE(scale) << c[0] << scale.error().message;
    EXPECT_TRUE(same(scale->domain(), c[1])) << c[0] << " domain " << Row(scale->domain());
    for (size_t i = 0; i < c[2].size(); ++i) {
      Row at = scale->at(c[2][i]);
      EXPECT_TRUE(same(at, c[3][i])) << c[0] << " of " << c[2][i] << ": " << at << " " << c[3][i];
    }
    const double inverted[] = {0, 10, 33.3, 100};
    for (size_t i = 0; c[4].is_array() && i < 4; ++i) {
      Row value = scale->invert(inverted[i]);
      EXPECT_TRUE(same(value, c[4][i]))
          << c[0] << " at " << inverted[i] << ": " << value << " " << c[4][i];
    }
    std::vector<Row> marks = scale->ticks(10);
    if (marks.size() > 40) marks.resize(40);
    EXPECT_TRUE(same(marks, c[5])) << c[0] << " ticks " << Row(marks) << " " << c[5];
    EXPECT_TRUE(close(scale->bandwidth(), number(c[6]))) << c[0];
    EXPECT_TRUE(close(scale->step(), number(c[7]))) << c[0];
  }
}

TEST(Golden, LabelsOfLogScalesAgree) {
  for (const Row& c : golden("log_labels")) {
    ScaleOptions options{.type = ScaleType::log, .domain = {c[0][0], c[0][1]}, .range = {0, 1}};
    base::Result<Scale> scale = Scale::make(options);
    ASSERT_TRUE(scale);
    std::vector<Row> marks = scale->ticks(c[1].get<double>());
    EXPECT_TRUE(same(marks, c[3])) << c << Row(marks);
    auto labels = scale->labels(marks, c[1].get<double>(), std::string(c[2]));
    ASSERT_TRUE(labels);
    EXPECT_EQ(Row(*labels), c[4]) << c;
  }
}

// d3 prints rounded channels, so one that falls on a half may go either way.
bool same_color(const std::optional<Color>& ours, const std::string& theirs) {
  std::optional<Color> reference = parse_color(theirs);
  if (!ours || !reference) return !ours && !reference;
  return std::fabs(ours->r - reference->r) < 0.51 && std::fabs(ours->g - reference->g) < 0.51 &&
         std::fabs(ours->b - reference->b) < 0.51 &&
         std::fabs(ours->opacity - reference->opacity) < 1e-6;
}
Color clamped(Color c) {
  auto fix = [](double x) { return std::clamp(x, 0.0, 255.0); };
  return {fix(c.r), fix(c.g), fix(c.b), c.opacity};
}

TEST(Golden, ColoursAreReadAndMixedAlike) {
  Row cases = golden("color");
  for (const Row& c : cases[0][1]) {
    std::optional<Color> color = parse_color(std::string(c[0]));
    if (c[1].is_null()) {
      EXPECT_FALSE(color) << c;
    } else {
      ASSERT_TRUE(color) << c;
      EXPECT_EQ(rgb_text(*color), c[1]) << c;
    }
  }
  const double steps[] = {0, 0.25, 0.5, 0.9, 1};
  for (size_t i = 1; i < cases.size(); ++i) {
    const Row& c = cases[i];
    for (size_t k = 0; k < 5; ++k) {
      Color ours =
          interpolate_color(*parse_color(std::string(c[2])), *parse_color(std::string(c[3])),
                            steps[k], *parse_color_space(std::string(c[0])), c[1]);
      EXPECT_TRUE(same_color(clamped(ours), c[4][k])) << c << " " << k << " " << rgb_text(ours);
    }
  }
}

TEST(Golden, SchemesAgree) {
  const double steps[] = {0, 0.1, 0.333, 0.5, 0.8, 1};
  for (const Row& c : golden("scheme")) {
    std::optional<Scheme> scheme = find_scheme(std::string(c[0]));
    ASSERT_TRUE(scheme) << c;
    ASSERT_EQ(scheme->continuous, c[1].get<bool>());
    for (size_t k = 0; k < c[2].size(); ++k) {
      Color ours = c[1] ? scheme_color(*scheme, steps[k]) : scheme->colors[k];
      EXPECT_TRUE(same_color(ours, c[2][k])) << c << " " << k << " " << rgb_text(ours);
    }
  }
}

TEST(Golden, ExpressionsAgree) {
  Row cases = golden("expression");
  const Row& rows = cases[0][1];
  for (size_t c = 1; c < cases.size(); ++c) {
    std::string text = cases[c][0];
    base::Result<Expression> expression = Expression::parse(text);
    if (cases[c][1].is_object()) {
      // Vega has no name for undefined; ours is an extension.
      bool extension = text.find("undefined") != std::string::npos;
      EXPECT_EQ(bool(expression), extension) << text;
      continue;
    }
    ASSERT_TRUE(expression) << text << ": " << expression.error().message;
    for (size_t i = 0; i < rows.size(); ++i) {
      base::Result<Row> value = expression->evaluate({.datum = &rows[i]});
      ASSERT_TRUE(value) << text << ": " << value.error().message;
      EXPECT_TRUE(same(*value, cases[c][1][i]))
          << text << " is " << *value << ", not " << cases[c][1][i];
    }
  }
}

TEST(Golden, TransformsAgree) {
  Row cases = golden("transform");
  Rows table = cases[0][1];
  TransformContext context;
  context.load = [](const Row& data) { return load_data(data, {}); };
  for (size_t c = 1; c < cases.size(); ++c) {
    ASSERT_TRUE(cases[c][1].is_array()) << cases[c][0];
    base::Result<Rows> rows = apply_transforms(table, cases[c][0], context);
    ASSERT_TRUE(rows) << cases[c][0] << ": " << rows.error().message;
    EXPECT_EQ(rows->size(), cases[c][1].size()) << cases[c][0];
    for (size_t i = 0; i < std::min(rows->size(), cases[c][1].size()); ++i) {
      if (same((*rows)[i], cases[c][1][i])) continue;
      ADD_FAILURE() << cases[c][0] << " row " << i << ": " << (*rows)[i] << "\nnot "
                    << cases[c][1][i];
      break;
    }
  }
}

TEST(Golden, TextIsReadAsRowsAlike) {
  for (const Row& c : golden("load")) {
    Row format = {{"type", c[0]}, {"delimiter", "|"}};
    if (!c[2].is_null()) format["parse"] = c[2];
    base::Result<Rows> rows = load_data({{"values", c[1]}, {"format", format}}, {});
    ASSERT_TRUE(rows) << c << rows.error().message;
    EXPECT_TRUE(same(*rows, c[3])) << c << " is " << Row(*rows);
  }
}

}  // namespace
}  // namespace tools::vega
