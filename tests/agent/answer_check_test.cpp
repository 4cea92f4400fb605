#include "agent/answer_check.h"

#include <gtest/gtest.h>

namespace agent {
namespace {

std::string missing(const char* seen, const char* answer) {
  SeenNumbers numbers;
  numbers.add(seen);
  std::string out;
  for (const std::string& one : numbers.missing(answer)) out += (out.empty() ? "" : " ") + one;
  return out;
}

TEST(AnswerCheck, NumbersThatWereSeenMayBeSaidAsTheyStandOrRounded) {
  const char* seen = "North 1234.567\nSouth -30\nshare 0.683";
  EXPECT_EQ(missing(seen, "North has 1234.567, about 1234.57 or 1235, South lost 30."), "");
  EXPECT_EQ(missing(seen, "North has 1,234.57 or 1'235 or 1.2 thousand, which is 68.3% or 68 %."),
            "");
  EXPECT_EQ(missing(seen, "North has 1.235k."), "");
  EXPECT_EQ(missing(seen, "North has 1234.6 and South 29.9 and 1236."), "29.9 1236");
  EXPECT_EQ(missing("", "The sum is 46.75, really 46.75."), "46.75");
  EXPECT_EQ(missing("", "No numbers at all."), "");
}

TEST(AnswerCheck, ThousandsAndListsAreToldApart) {
  EXPECT_EQ(missing("3,120,450", "3, 120 and 450; 3,120,450"), "");
  EXPECT_EQ(missing("shop,n\nBern,1200", "Bern sold 1,200."), "");
  EXPECT_EQ(missing("5 120", "The rows are 5,120."), "");
  EXPECT_EQ(missing("2500000", "2.5 million, 2,500,000, 2.5M"), "");
  EXPECT_EQ(missing("2500000", "2.6 million"), "2.6");
  EXPECT_EQ(missing("12.5", "12,5 kg"), "");
  EXPECT_EQ(missing("1.5e+06", "1,500,000"), "");
}

TEST(AnswerCheck, NamesDatesOrdinalsAndListsAreNoClaims) {
  EXPECT_EQ(
      missing("chart-2.png: bar chart\n2014-08-11, Q1", "See chart-2.png: on 2014-08-11 (Q1)."),
      "");
  EXPECT_EQ(missing("day 2014-08-11", "On August 11, 2014."), "");
  EXPECT_EQ(missing("", "1. North\n2. South\n  3) East\n**4.** West"), "");
  EXPECT_EQ(missing("", "It came 2nd, then 3rd."), "");
  EXPECT_EQ(missing("", "It came 2 times."), "2");
}

TEST(AnswerCheck, HostileTextsAreBounded) {
  SeenNumbers numbers;
  numbers.add(std::string(1 << 20, '9'));
  std::string many;
  for (int i = 0; i < 5000; ++i) many += std::to_string(i * 7 + 100000) + " ";
  EXPECT_EQ(numbers.missing(many).size(), 20u);
  EXPECT_EQ(numbers
                .missing("1e999 1e-999 1,,2 1..2 .5 1e+ \xff"
                         "7")
                .size(),
            5u);
}

}  // namespace
}  // namespace agent
