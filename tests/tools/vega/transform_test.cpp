#include "tools/vega/transform.h"

#include <gtest/gtest.h>

#include "base/json.h"

#include "tools/vega/scale.h"

namespace tools::vega {
namespace {

base::Result<Rows> run_steps(const Row& rows, const Row& transforms,
                             TransformContext context = {}) {
  return apply_transforms(rows.get<Rows>(), transforms, context);
}
std::string refusal_of(const Row& transform) {
  base::Result<Rows> rows = run_steps(Row::array({{{"a", 1}}}), Row::array({transform}));
  return rows ? "" : rows.error().message;
}

TEST(Transform, WhatIsNotSupportedIsNamed) {
  EXPECT_NE(refusal_of({{"frobnicate", 1}}).find("frobnicate"), std::string::npos);
  EXPECT_NE(
      refusal_of({{"aggregate", {{{"op", "modes"}, {"field", "a"}, {"as", "b"}}}}}).find("modes"),
      std::string::npos);
  EXPECT_NE(refusal_of({{"window", {{{"op", "lagg"}, {"field", "a"}, {"as", "b"}}}}}).find("lagg"),
            std::string::npos);
  EXPECT_NE(refusal_of({{"regression", "a"}, {"on", "a"}, {"method", "cubic"}, {"extent", {0, 1}}})
                .find("cubic"),
            std::string::npos);
  EXPECT_NE(refusal_of({{"timeUnit", "fortnight"}, {"field", "a"}, {"as", "b"}}).find("fortnight"),
            std::string::npos);
  EXPECT_NE(refusal_of({{"filter", {{"field", "a"}}}}), "");
  EXPECT_NE(refusal_of({{"lookup", "a"}, {"from", {{"param", "brush"}, {"key", "a"}}}}), "");
}

TEST(Transform, AnExtentBecomesAParameter) {
  Row names = Row::object();
  TransformContext context;
  context.names = &names;
  Row rows = {{{"a", 3}}, {{"a", 1}}, {{"a", nullptr}}};
  base::Result<Rows> out = run_steps(
      rows, {{{"extent", "a"}, {"param", "e"}}, {{"calculate", "datum.a - e[0]"}, {"as", "b"}}},
      context);
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_EQ(names["e"], Row({1, 3}));
  EXPECT_EQ((*out)[0]["b"], 2);
}

TEST(Transform, ConfidenceIntervalsHoldTheMeanAndRepeat) {
  Row rows = Row::array();
  for (int i = 0; i < 200; ++i) rows.push_back({{"a", (i * 37) % 101}});
  std::vector<AggregateColumn> columns = {
      {"ci0", "a", "lo"}, {"ci1", "a", "hi"}, {"mean", "a", "m"}, {"stderr", "a", "e"}};
  base::Result<Rows> first = aggregate(rows.get<Rows>(), {}, columns);
  ASSERT_TRUE(first);
  Row row = (*first)[0];
  base::Result<Rows> second = aggregate(rows.get<Rows>(), {}, columns);
  EXPECT_EQ(row, second->front());
  double mean = row["m"], error = row["e"];
  // The normal interval is 1.96 standard errors to each side; 1000 resamplings come within a fifth.
  EXPECT_NEAR(row["lo"].get<double>(), mean - 1.96 * error, 0.4 * error);
  EXPECT_NEAR(row["hi"].get<double>(), mean + 1.96 * error, 0.4 * error);
}

TEST(Transform, ACrossedAggregateHasEmptyGroups) {
  Row rows = {{{"g", "a"}, {"h", 1}}, {{"g", "b"}, {"h", 2}}};
  base::Result<Rows> out = aggregate(rows.get<Rows>(), {"g", "h"}, {{"count", "", "n"}}, true);
  ASSERT_TRUE(out);
  ASSERT_EQ(out->size(), 4u);
  EXPECT_EQ((*out)[2]["n"], 0);
}

TEST(Transform, AStackGoesBothWaysFromZero) {
  Rows rows = Row({{{"v", 2}}, {{"v", -1}}, {{"v", 3}}, {{"v", nullptr}}}).get<Rows>();
  ASSERT_TRUE(
      stack_rows(rows, {.field = "v", .groupby = {}, .sort = {}, .start_as = "s", .end_as = "e"}));
  EXPECT_EQ(rows[1]["e"], -1);
  EXPECT_EQ(rows[2]["s"], 2);
  EXPECT_EQ(rows[2]["e"], 5);
  EXPECT_EQ(rows[3]["e"], 5);
}

TEST(Transform, ASampleHasItsSizeAndRepeats) {
  Row rows = Row::array();
  for (int i = 0; i < 1000; ++i) rows.push_back({{"a", i}});
  Row sampling = Row::array({{{"sample", 10}}});
  base::Result<Rows> first = run_steps(rows, sampling), second = run_steps(rows, sampling);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->size(), 10u);
  EXPECT_EQ(*first, *second);
}

TEST(Transform, NestedPredicatesAreBounded) {
  Row deep = "datum.a";
  for (int i = 0; i < 100; ++i) deep = {{"not", deep}};
  EXPECT_NE(refusal_of({{"filter", deep}}).find("nested"), std::string::npos);
}

TEST(Transform, RowsThatAreBoundToExplodeAreRefused) {
  Row keys = {{"start", 0}, {"stop", 1e9}};
  EXPECT_NE(refusal_of({{"impute", "a"}, {"key", "a"}, {"value", 0}, {"keyvals", keys}}), "");
  EXPECT_NE(refusal_of({{"quantile", "a"}, {"step", 1e-9}}), "");
}

TEST(Field, PathsAreReadAsVegaReadsThem) {
  Row row = {{"a", {{"b", {10, 20}}}}, {"a.b", 5}, {"x y", 6}};
  EXPECT_EQ(Field::parse("a.b[1]")->of(row), 20);
  EXPECT_EQ(Field::parse("a['b'][0]")->of(row), 10);
  EXPECT_EQ(Field::parse("a\\.b")->of(row), 5);
  EXPECT_EQ(Field::parse("datum['x y']")->of(row), 6);
  EXPECT_EQ(Field::parse("[x y]")->of(row), 6);
  EXPECT_EQ(Field::parse("a.c")->find(row), nullptr);
  EXPECT_EQ(Field::parse("a\\.b")->name(), "a.b");
  EXPECT_FALSE(Field::parse("a[b"));
  EXPECT_FALSE(Field::parse(std::string(200, '.') + "a"));
}

}  // namespace
}  // namespace tools::vega
