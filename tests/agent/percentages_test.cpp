#include "agent/percentages.h"

#include <gtest/gtest.h>

namespace agent {
namespace {

TEST(Percentages, AreAskedForWhereNoColumnIsOne) {
  EXPECT_TRUE(asks_for_percentage("which hall sells most, and what percentage of all is that",
                                  "hall=Hall; sells=Takings"));
  EXPECT_TRUE(asks_for_percentage("members per town in %", "members=rows; town=Town"));
  EXPECT_TRUE(asks_for_percentage("Percent of members in Lund", "members=rows; lund=Town:Lund"));
  EXPECT_FALSE(asks_for_percentage("lowest cocoa percentage", "lowest cocoa percentage=cocoa_pct"));
  EXPECT_FALSE(asks_for_percentage("takings per hall", "takings=Takings; hall=Hall"));
}

TEST(Percentages, AScriptHasOneWhereItComputesOrNamesOne) {
  for (const char* script :
       {R"(print(data.read("a.csv"):group("Hall"):sum("Takings"):share("Takings")))",
        R"(print(a:sum("Takings") / t:sum("Takings") * 100))",
        R"x(t = t:derive("percent", "if([Town] == 'Lund', 100, 0)"))x",
        R"(chart.bar(t, {x="Hall", y="Takings", color="Day", stack="normalize"}))",
        R"(print(t:mean("cocoa_pct")))", R"(print(t:mean("Air %")))"})
    EXPECT_TRUE(has_percentage(script)) << script;
  EXPECT_FALSE(has_percentage(
      R"(print(data.read("a.csv"):group("Hall"):sum("Takings"):top(1, "Takings")))"));
}

TEST(Percentages, AnAmountIsNotGivenInPercent) {
  const AmountsOnly watch;
  EXPECT_TRUE(watch.allows("North has the highest total takings: 682.95"));
  EXPECT_FALSE(watch.allows("North has the highest total takings: 682.95 %"));
}

}  // namespace
}  // namespace agent
