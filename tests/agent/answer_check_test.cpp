#include "agent/answer_check.h"

#include <gtest/gtest.h>

namespace agent {
namespace {

struct Case {
  const char* seen;
  const char* answer;
  const char* missing;  ///< with spaces between
};

void check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    SeenNumbers numbers;
    numbers.add(1, c.seen);
    std::string out;
    for (const std::string& one : numbers.trace(c.answer).missing)
      out += (out.empty() ? "" : " ") + one;
    EXPECT_EQ(out, c.missing) << c.seen << " | " << c.answer;
  }
}

TEST(AnswerCheck, NumbersThatWereSeenMayBeSaidAsTheyStandOrRounded) {
  const char* seen = "North 1234.567\nSouth -30\nshare 0.683";
  check({{seen, "North has 1234.567, about 1234.57 or 1235, South lost 30.", ""},
         {seen, "North has 1,234.57 or 1'235 or 1.2 thousand, which is 68.3% or 68 %.", ""},
         {seen, "North has 1.235k.", ""},
         {seen, "North has about 1,200, over 1,230, nearly 1,240, roughly 1.2k", ""},
         {seen, "North has 1234.6 and South -29.9 and 1236 and 1,200.", "29.9 1236 1,200"},
         {"", "The sum is 46.75, really 46.75.", "46.75"},
         {"", "No numbers at all.", ""}});
}

TEST(AnswerCheck, SignsUnitsAndMagnitudesCount) {
  check({{"profit -30", "The profit is 30.", "30"},
         {"profit -30",
          "The profit is \xe2\x88\x92"
          "30, a loss of 30.",
          ""},
         {"profit 30", "The profit is -30 or -$30.", "30"},
         {"profit 30", "The range is 10-30.", "10"},
         {"total 1234", "The total is 1,234 thousand, 1.234 million.", "1,234 1.234"},
         {"revenue_thousand\n1234", "The revenue is 1.2 million.", ""},
         {"1234000", "| shop | sales (in thousands) |\n|---|---|\n| A | 1,234 |", ""},
         {"depot,weight_kg\nA,1234.5", "A moved 1.2 t or 1,234.5 kg.", ""},
         {"depot,weight_kg\nA,1234.5", "A moved 1,234.5 t.", "1,234.5"},
         {"0.125", "That is 12.5 percent, 12.5\xc2\xa0%, not 1.25 %.", "1.25"}});
}

TEST(AnswerCheck, ThousandsAndListsAreToldApart) {
  check({{"3,120,450", "3, 120 and 450; 3,120,450", ""},
         {"shop,n\nBern,1200", "Bern sold 1,200.", ""},
         {"5 120", "The rows are 5,120.", ""},
         {"2500000", "2.5 million, 2,500,000, 2.5M", ""},
         {"2500000", "2.6 million", "2.6"},
         {"12.5", "12,5 kg", ""},
         {"1.5e+06", "1,500,000", ""},
         {"1234567.5", "Die Summe ist 1.234.567,50 und das sind 1,2 Mio. EUR.", ""},
         {"1234", "Der Umsatz ist 1.234 und der Rest liegt bei 1,234.", "1,234"},
         {"1234", "Sales are 1.234 in 2 shops.", "1.234 2"}});
}

TEST(AnswerCheck, NamesDatesOrdinalsAndListsAreNoClaims) {
  check({{"chart-2.png: bar chart\n2014-08-11, Q1", "See chart-2.png: on 2014-08-11 (Q1).", ""},
         {"day 2014-08-11", "On August 11, 2014, and all of 2014.", ""},
         {"day 2014-08-21", "It sold 21 and 2,014.", "21 2,014"},
         {"shop12 sold 5.5", "Shop 12 sold 5.5, not 12.", "12"},
         {"", "1. North\n2. South\n  3) East\n**4.** West", ""},
         {"a 5", "| # | shop | n |\n|---|---|---|\n| 1 | a | 5 |\n| 2 | b | 6 |", "6"},
         {"", "It came 2nd, then 3rd.", ""},
         {"", "It came 2 times.", "2"}});
}

TEST(AnswerCheck, WhatFollowsFromSeenNumbersIsTraced) {
  const char* seen = "shop,sales\nBern,320.5\nChur,80\nThun,40\nZug,10\nGenf,7";
  check({{seen, "Bern sold 320.5 and Chur 80, a difference of 240.5.", ""},
         {seen, "Bern sold 320.5, 240.5 more than Chur with 80; that is 4.0 times as much.", ""},
         {seen, "Bern sold 320.5 and Chur 80, a difference of 241.5.", "241.5"},
         {seen, "Bern sold 320.5 and Chur 80, together 400.5.", ""},
         {seen, "From 80 in Chur it rose by 300.6% to 320.5 in Bern.", ""},
         {seen, "From 80 in Chur it rose by 310.6% to 320.5 in Bern.", "310.6"},
         {seen, "| shop | sales |\n|---|---|\n| Bern | 320.5 |\n| Chur | 80 |\n| Total | 400.5 |",
          ""},
         {seen, "There are 5 shops, five shops, and eight towns.", "eight"},
         {seen, "The best 3 shops are Bern, Chur and Thun.", ""},
         {"a\n10\n8", "It fell by 20%.", ""}});
}

TEST(AnswerCheck, ANumberOfAnotherRowIsNotOfThisOne) {
  const char* seen = "shop,sales,units\nBern,320.5,7\nChur,80,9\nZug,80,3";
  check({{seen, "Bern: 320.5, Chur: 80, Zug 80", ""},
         {seen, "Bern: 80, Chur (320.5)", "80 320.5"},
         {seen, "| Shop | sales |\n|---|---|\n| Chur | 320.5 |", "320.5"},
         {seen, "Bern leads Chur by far with 320.5, and Bern has 9.", "9"},
         {"day,shop,sales\n2024-01-05,Bern,320.5", "Bern is 320.5", ""},
         {"shop,n\nIT,5\nHR,6", "For HR it is 6.", ""},
         {seen, "The best has sales: 320.5, units 7.", ""}});
}

TEST(AnswerCheck, ATraceNamesStepValueAndHow) {
  SeenNumbers numbers;
  numbers.add(0, "the top 3 of sales.csv");
  numbers.add(4, "sum 46.754");
  const AnswerTrace trace = numbers.trace("The 3 best sum up to 46.75.");
  ASSERT_EQ(trace.traced.size(), 2u);
  EXPECT_EQ(trace.traced[0].step, 0);
  EXPECT_EQ(trace.traced[1].number, "46.75");
  EXPECT_EQ(trace.traced[1].step, 4);
  EXPECT_EQ(trace.traced[1].value, 46.754);
  EXPECT_EQ(trace.traced[1].how, "rounded");
}

TEST(AnswerCheck, HostileTextsAreBounded) {
  SeenNumbers numbers;
  numbers.add(1, std::string(1 << 20, '9'));
  std::string many;
  for (int i = 0; i < 5000; ++i) many += std::to_string(i * 7 + 100000) + " ";
  EXPECT_EQ(numbers.trace(many).missing.size(), 20u);
  EXPECT_EQ(numbers
                .trace("1e999 1e-999 1,,2 1..2 .5 1e+ \xff"
                       "7")
                .missing.size(),
            6u);
}

}  // namespace
}  // namespace agent
