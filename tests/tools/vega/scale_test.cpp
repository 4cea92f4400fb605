#include "tools/vega/scale.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tools::vega {
namespace {

Scale make(ScaleOptions options) {
  base::Result<Scale> scale = Scale::make(std::move(options));
  EXPECT_TRUE(scale) << scale.error().message;
  return scale ? *scale : Scale();
}

TEST(Scale, ZeroAndExplicitEndsComeBeforeNice) {
  Scale scale = make({.domain = {3, 97}, .range = {0, 100}, .zero = true, .nice = true});
  EXPECT_EQ(Row(scale.domain()), Row({0, 100}));
  scale = make({.domain = {3, 97}, .range = {0, 100}, .zero = true, .domain_max = 50});
  EXPECT_EQ(Row(scale.domain()), Row({0, 50}));
}

TEST(Scale, PaddingLeavesPixelsAtBothEnds) {
  Scale scale = make({.domain = {0, 10}, .range = {0, 100}, .padding = 10});
  EXPECT_NEAR(scale.position(0.0), 10, 1e-9);
  EXPECT_NEAR(scale.position(10.0), 90, 1e-9);
}

TEST(Scale, ARampOfColoursSpansTheDomain) {
  Scale scale = make({.domain = {0, 10}, .range = {}, .scheme = find_scheme("blues")});
  EXPECT_EQ(scale.at(0), "rgb(207, 225, 242)");
  EXPECT_EQ(scale.at(10), "rgb(10, 74, 144)");
  scale = make({.domain = {0, 10}, .range = {}, .scheme = find_scheme("blues"), .reverse = true});
  EXPECT_EQ(scale.at(10), "rgb(207, 225, 242)");
}

TEST(Scale, ADivergingRampHasItsMiddleWhereTheDomainHas) {
  Scale scale = make({.domain = {-1, 9}, .range = {"red", "white", "blue"}, .domain_mid = 0});
  EXPECT_EQ(scale.at(0), "rgb(255, 255, 255)");
  EXPECT_EQ(scale.at(-1), "rgb(255, 0, 0)");
  EXPECT_EQ(scale.at(9), "rgb(0, 0, 255)");
}

TEST(Scale, AnOrdinalScaleRepeatsItsPalette) {
  Scale scale = make({.type = ScaleType::ordinal,
                      .domain = {"a", "b", 1, "1", "b"},
                      .range = {},
                      .scheme = find_scheme("set1")});
  EXPECT_EQ(scale.domain().size(), 4u);
  EXPECT_EQ(scale.at("a"), "#e41a1c");
  EXPECT_NE(scale.at(1), scale.at("1"));
  EXPECT_TRUE(scale.at("z").is_null());
}

TEST(Scale, WhatIsOutsideOfABandHasNoPlace) {
  Scale scale = make({.type = ScaleType::band,
                      .domain = {"a", "b"},
                      .range = {0, 100},
                      .scheme = {},
                      .padding = 0.5});
  EXPECT_TRUE(std::isnan(scale.position(Row("c"))));
  EXPECT_EQ(scale.invert(scale.position(Row("b")) + 1), "b");
  EXPECT_TRUE(scale.invert(99).is_null());
}

TEST(Scale, TicksKeepTheirLeastDistance) {
  Scale scale = make({.domain = {0, 3}, .range = {0, 100}});
  double count = limit_tick_count(scale, 10, 1);
  EXPECT_EQ(Row(scale.ticks(count)), Row({0, 1, 2, 3}));
}

TEST(Scale, BinBoundariesAreThinnedToTheCount) {
  Scale scale = make({.domain = {0, 10}, .range = {0, 100}});
  EXPECT_EQ(Row(valid_ticks(scale, {-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 6)),
            Row({0, 2, 4, 6, 8, 10}));
}

TEST(Scale, UnusableDomainsAndRangesAreRefused) {
  EXPECT_FALSE(Scale::make({.domain = {"x", "y"}, .range = {0, 1}}));
  EXPECT_FALSE(Scale::make({.domain = {0, 1}, .range = {"no colour", "red"}}));
  EXPECT_FALSE(Scale::make({.type = ScaleType::threshold, .domain = {5, 2}, .range = {1, 2, 3}}));
  EXPECT_FALSE(Scale::make({.type = ScaleType::log, .domain = {1, 2}, .range = {0, 1}, .base = 1}));
}

TEST(Scale, HugeAndDegenerateDomainsGiveFewTicks) {
  for (auto [low, high] :
       {std::pair{0.0, 1e308}, {-1e308, 1e308}, {5.0, 5.0}, {1e300, 1e300}, {0.0, 5e-324}}) {
    for (ScaleType type : {ScaleType::linear, ScaleType::log, ScaleType::time, ScaleType::symlog}) {
      Scale scale = make({.type = type, .domain = {low, high}, .range = {0, 100}, .nice = true});
      EXPECT_LE(scale.ticks(10).size(), 400u);
      EXPECT_LE(scale.ticks(1e9).size(), 110000u);
    }
  }
}

TEST(Scale, LabelsOfTimesFollowTheirSize) {
  Scale scale = make({.type = ScaleType::utc,
                      .domain = {1325376000000, 1328054400000},
                      .range = {0, 1},
                      .scheme = {}});
  auto labels = scale.labels({1325376000000, 1325462400000, 1325466000000}, 10);
  ASSERT_TRUE(labels);
  EXPECT_EQ(*labels, (std::vector<std::string>{"2012", "Mon 02", "01 AM"}));
  labels = scale.labels({1325376000000}, 10, "%Y-%m");
  EXPECT_EQ((*labels)[0], "2012-01");
}

}  // namespace
}  // namespace tools::vega
