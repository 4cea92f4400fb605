#include "agent/chart_look.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace agent {
namespace {

using nlohmann::json;

TEST(ChartLook, IsReadAndSaidInWords) {
  const struct {
    const char* said;
    const char* words;
  } cases[] = {
      {"bar chart; complete", "a bar chart, nothing cut off"},
      {" area chart; no legend. ", "an area chart, no legend"},
      {"line chart; cut off at the left", "a line chart, cut off at the left"},
      {"blank", "blank"},
  };
  for (const auto& c : cases) {
    const std::optional<ChartLook> look = read_look(c.said);
    ASSERT_TRUE(look) << c.said;
    EXPECT_EQ(describe(*look), c.words);
  }
}

TEST(ChartLook, WhatIsNoLookIsNone) {
  for (const char* said :
       {"", ";", ";;", "bar chart;", "bar chart;; complete", "bar chart; 3 bars; complete",
        "A bar chart.", "radar chart; complete", "bar chart; fine", "Blank?"})
    EXPECT_FALSE(read_look(said)) << said;
}

TEST(ChartLook, DoubtsWhatAPersonWouldDoubt) {
  const auto doubt = [](const char* said, const json& spec) {
    return doubt_about(*read_look(said), spec);
  };
  const json bars = {{"mark", "bar"}}, line = {{"mark", {{"type", "line"}}}};
  EXPECT_EQ(doubt("histogram; complete", bars), "");
  EXPECT_EQ(doubt("stacked bar chart; no legend", bars), "");
  EXPECT_EQ(doubt("line chart; complete", bars), "it looks like a line chart");
  EXPECT_EQ(doubt("area chart; complete", line), "it looks like an area chart");
  EXPECT_EQ(doubt("line chart; cut off at the top", line), "it looks cut off at the top");
  EXPECT_EQ(doubt("blank", line), "it looks blank");
  EXPECT_EQ(doubt("scatter plot; complete", {{"mark", "circle"}}), "");
  // What the specification does not say nobody can doubt.
  for (const json& spec :
       {json(), json::object(), json{{"mark", 3}}, json{{"layer", json::array()}}})
    EXPECT_EQ(doubt("pie chart; complete", spec), "");
}

}  // namespace
}  // namespace agent
