// What a script may name at its end. That scripts which work are let through, and those that fail
// by a column stopped, is tested with the recipe's scripts and the real tools
// (tests/recipes/test_recipe.py).
#include "agent/script_columns.h"

#include <gtest/gtest.h>

#include <random>

#include "agent/plan_agreement.h"
#include "agent/planned_watch.h"

namespace agent {
namespace {

using std::string;
using Names_ = std::vector<string>;

const Names& names() {
  static const Names names{
      .files = {
          {.path = "sales.csv",
           .is_table = true,
           .columns =
               {{.name = "city", .values = {"Ulm", "Bonn"}},
                {.name = "day", .type = ColumnType::date, .first_year = 2022, .last_year = 2023},
                {.name = "revenue", .type = ColumnType::number},
                {.name = "a \"b\"", .type = ColumnType::number}}},
          {.path = "cities.csv",
           .is_table = true,
           .columns = {{.name = "city", .values = {"Ulm", "Bonn", "Kiel"}},
                       {.name = "people", .type = ColumnType::number}}},
          {.path = "note.txt"}}};
  return names;
}

// What can follow, "!" where the script has gone wrong.
Names_ rest(const string& script) {
  const ScriptEnd end = ScriptColumns(names()).end_of(script);
  return end.wrong || end.astray ? Names_{"!"} : end.rest;
}

const string kRead = R"(t = data.read("sales.csv"))";

TEST(ScriptColumns, KnowsWhatATableHasAfterEachMethod) {
  const std::vector<std::pair<string, Names_>> cases = {
      {R"(t = data.read()", {R"("cities.csv")", R"("sales.csv")"}},
      {kRead + R"(:known()", {R"("city")", R"("day")", R"("revenue")", R"("a \"b\"")"}},
      {kRead + R"(:known("c)", {R"(ity")"}},
      {kRead + R"(:known("x)", {"!"}},
      {kRead + R"(:known("x"))", {"!"}},
      {kRead + R"(:group("city"):sum()", {R"("revenue")", R"("a \"b\"")"}},
      {kRead + R"(:group("city"):sum("revenue", )", {R"("a \"b\"")"}},
      {kRead + R"(:group("city"):sum("revenue"):top(1, )", {R"("city")", R"("revenue")"}},
      {kRead + R"(:group("city"):count():sort()", {R"("city")", R"("count")"}},
      {kRead + R"(:group("city", {total={"sum", "revenue"}, count="count"}):sort()",
       {R"("city")", R"("total")", R"("count")"}},
      {kRead + R"(:group("city", {total={"sum", "city"})", {"!"}},
      {kRead + R"(:group("city", {total={"sum", "revenue"}, a)", {"verage="}},
      {kRead + R"(:group("city", {total={"sum", "revenue"}, t)", {"!"}},
      {kRead + R"(:group("city", {list={"list", )", {R"("day")", R"("revenue")", R"("a \"b\"")"}},
      {kRead + R"(:group("city", {list={"list", "city"})", {"!"}},
      {kRead + R"(:group("city", {count="count", l)", {"ist=", "owest="}},
      {kRead + R"(:group("city", {list={"list", "day"}}):sort()", {R"("city")", R"("list")"}},
      {kRead + R"(:group("city", {count="count", list={"list", "day"}}):sum()", {R"("count")"}},
      {kRead + R"(:unpivot({"revenue", )", {R"("a \"b\"")"}},
      {kRead + R"(:unpivot({"revenue", "a \"b\",)", {"!"}},
      {kRead + R"(:year("day"):group("year"):mean("revenue"):sort()",
       {R"("year")", R"("revenue")"}},
      {kRead + R"(:year()", {R"("day")", R"("revenue")", R"("a \"b\"")"}},
      {kRead + R"(:year("day"):month_name()",
       {R"("city")", R"("day")", R"("revenue")", R"("a \"b\"")"}},
      {kRead + R"(:month()", {R"("day")", R"("revenue")", R"("a \"b\"")"}},
      {kRead + R"(:select("city", )", {R"("day")", R"("revenue")", R"("a \"b\"")"}},
      {kRead + R"(:select("city"):rename("city", "file"):sort()", {R"("file")"}},
      {kRead + R"(:share("revenue"):select("day", "city", "revenue", )",
       {R"("a \"b\"")", R"("share")"}},
      {kRead + R"(:derive("rate", "[)", {"revenue]", R"(a \"b\"])"}},
      {kRead + R"(:derive("rate", "[revenue] / 2"):group("city"):mean("r)",
       {R"(evenue")", R"(ate")"}},
      {kRead + R"~(:derive("percent", "if([city] == '[x]', 100, 0)"):group("city"):mean("p)~",
       {R"(ercent")"}},
      {kRead + R"(:year("day"):pivot("city", "year", "revenue", "sum"):derive("change", "[2)",
       {"022]", "023]"}},
      {kRead + R"(:pivot("day", "city", "revenue", "sum"):sort()",
       {R"("day")", R"("Ulm")", R"("Bonn")"}},
      {kRead + R"(:pivot("city", "revenue", "revenue", "sum"):sort()", {}},
      {kRead + R"(:unpivot({"revenue"}, "series", "value"):group()",
       {R"("city")", R"("day")", R"("a \"b\"")", R"("series")", R"("value")"}},
      {kRead + R"(:window("rank", "rank", {by="city", order="revenue", desc=true}):top(1, "r)",
       {R"(evenue")", R"(ank")"}},
      {kRead + R"(:join(data.read("cities.csv"), )", {R"("city")"}},
      {kRead + R"(:join(data.read("cities.csv"), "city"):group("p)", {R"(eople")"}},
      {kRead + R"(:join(data.read("cities.csv"), "city", "anti"):group("p)", {"!"}},
      {kRead + R"(:join(data.read("cities.csv"), {["city"]=)", {R"("city")", R"("people")"}},
      {R"(t = data.union("sales.csv", )", {"!"}},
      {kRead + "\na = t:group(\"city\"):sum(\"revenue\")\nprint(t:count(), a:sum(",
       {R"("revenue")"}},
      {kRead + "\nprint(t:sum(\"revenue\") / t:sum(\"p", {"!"}},
      {kRead + "\nchart.bar(t, {x=\"city\", y=", {R"("revenue")", R"("a \"b\"")"}},
      {kRead + "\nchart.bar(t, {x=\"revenue\", y={", {R"("a \"b\"")"}},
      {kRead + "\nchart.hist(t, {x=\"c", {"!"}},
      {kRead + "\nprint(files.apply({op=\"move\", files=\"*.csv\"", {}},
      {R"(t = data.lines("note.txt"):where("text", "contains", "x"):group("y)", {"!"}},
      {R"(t = data.lines("note.txt"):month()", {R"("line")", R"("text")"}},
      {R"(t = data.files("*.txt"):group("y)", {"!"}},
      {R"(t = data.files("*.txt"):group("h)", {R"(ash")"}},
      {R"(t = data.files("*"):sum("w)", {R"(ords")"}},
      {R"(t = data.files("*"):group("f)", {"!"}},
      {R"(t = data.files("*"):group("hash", {list={"list", "f)", {R"(ile")"}},
      {"b = x", {}},
  };
  for (const auto& [script, wanted] : cases) EXPECT_EQ(rest(script), wanted) << script;
}

TEST(ScriptColumns, ReadsWhateverItIsGiven) {
  std::mt19937 random(5);
  const string pieces[] = {kRead, ":group(", ":join(", ":derive(", "\"city\"", "\"[revenue]", ")",
                           ", ",  "{",       "}",      "'",        "\\",       "\n",          "t",
                           "=",   "chart.",  "bar(",   "print(",   "data.",    "union(",      ":"};
  const ScriptColumns columns(names());
  for (int i = 0; i < 20000; ++i) {
    string script;
    for (int n = static_cast<int>(random() % 12); n >= 0; --n)
      script += pieces[random() % std::size(pieces)];
    const ScriptEnd end = columns.end_of(script);
    EXPECT_FALSE(end.astray && !end.rest.empty()) << script;
  }
}

TEST(PlannedWatch, APlanLinksWhatIsThereByNameToThat) {
  const PlannedWatch watch(names());
  EXPECT_TRUE(watch.allows("kiel=city:Kiel; revenue=revenue"));
  EXPECT_TRUE(watch.allows("kiel=city:Kiel;"));
  EXPECT_FALSE(watch.allows("kiel=city:B"));
  EXPECT_FALSE(watch.allows("people=rev"));
  EXPECT_TRUE(watch.allows("revenue=revenue:20"));
  EXPECT_TRUE(watch.allows("day=revenue")) << "said of any date";
  EXPECT_EQ(watch.continuations("kiel=ci"), Names_{"ty:Kiel"});
  EXPECT_EQ(watch.continuations("something=ci"), Names_{});
  EXPECT_FALSE(watch.allows("revenue=none"));
  EXPECT_FALSE(watch.allows("x=revenue; bonn=none"));
  EXPECT_FALSE(watch.allows("in 2023=none"));
  EXPECT_TRUE(watch.allows("in 2024=none"));
  EXPECT_TRUE(watch.allows("contact_2023_old.csv=none"));
  EXPECT_TRUE(watch.allows("profit=none"));
  EXPECT_TRUE(watch.allows("revenue=revenue"));
}

TEST(PlannedWatch, AScriptNamesColumnsThatAreThere) {
  const PlannedWatch watch(names());
  const string begin = string("cities=city\xff") + "call:run_lua{code:\xff" + kRead;
  EXPECT_TRUE(watch.allows(begin + R"(:known("revenue")"));
  EXPECT_FALSE(watch.allows(begin + R"(:known("people")"));
  EXPECT_TRUE(watch.allows(begin + "\xff}"));
  EXPECT_EQ(watch.continuations(begin + R"(:known("r)"), Names_{R"(evenue")"});
}

TEST(PlannedWatch, ANewNameTakesOnlyWhatThePatternKeeps) {
  const PlannedWatch watch(names());
  const auto allows = [&](const string& match, const string& to) {
    return watch.allows(
        "all=rows\xff"
        "call:run_lua{code:\xffprint(files.apply({op=\"rename\", files=\"*\", " +
        match + ", to=\"" + to);
  };
  EXPECT_TRUE(allows(R"(match="a_*.csv")", "{1}"));
  EXPECT_FALSE(allows(R"(match="a_*.csv")", "{2"));
  EXPECT_FALSE(allows(R"(match="a_*.csv")", "b_{1}_{12}"));
  EXPECT_TRUE(allows(R"(match="*_*.csv")", "{2}_{1:lower}{ext}"));
  EXPECT_TRUE(allows(R"(match="a_*.csv")", "{{2}}{n:3}{date:%Y}{stem} 2"));
  EXPECT_TRUE(allows(R"(match="??[0-9]{a,b}**")", "{5}"));
  EXPECT_FALSE(allows(R"(match="??[0-9*?]{a,b}**")", "{6}"));
  EXPECT_FALSE(allows(R"(match="a.csv")", "{1}"));
  EXPECT_TRUE(allows(R"~(regex="([a-z]+)_([0-9]+)")~", "{2}"));
  EXPECT_FALSE(allows(R"~(regex="([a-z]+)_[0-9]+")~", "{2}"));
  EXPECT_FALSE(allows(R"(match="*_*", to="{2}"}, {op="rename", files="*", match="*")", "{2}"));
  EXPECT_TRUE(allows(R"(match="*")", "{1}\"}, {op=\"rename\", files=\"{2}\", match=\"*_*\""));
}

TEST(PlannedWatch, ASavedFileIsCalledAsTheRequestCallsIt) {
  const PlannedWatch watch(names(), {"upgrades.txt", "out/top.csv"});
  const string begin =
      "lines=rows\xff"
      "call:run_lua{code:\xff"
      "data.lines(\"a.log\")";
  EXPECT_TRUE(watch.allows(begin + ":save(\"up"));
  EXPECT_TRUE(watch.allows(begin + ":save(\"out/top.csv\")"));
  EXPECT_FALSE(watch.allows(begin + ":save(\"updates"));
  EXPECT_FALSE(watch.allows(begin + ":save(\"top.csv\")"));
  EXPECT_FALSE(watch.allows(begin + ":save(\"upgrades\")"));
  EXPECT_EQ(watch.continuations(begin + ":save(\"up"), std::vector<string>{"grades.txt\""});
  // The request names no page and no workbook.
  EXPECT_TRUE(watch.allows(begin + ":to_xlsx(\"any.xlsx\")"));
  EXPECT_TRUE(PlannedWatch(names()).allows(begin + ":save(\"any"));
}

TEST(PlanAgreement, CountsWhatAScriptLeavesOutAndWhatItTakesUnsaid) {
  const auto off = [](const string& plan, const string& script) {
    return disagreements(plan, script, names()).size();
  };
  const string total = R"(print(data.read("sales.csv"):where("city", "==", "Ulm"):sum("revenue")))";
  EXPECT_EQ(off("revenue=revenue; ulm=city:Ulm; sales.csv=sales.csv; sales=rows", total), 0);
  EXPECT_EQ(off("revenue=revenue; bonn=city:Bonn", total), 1);
  EXPECT_EQ(off("revenue=revenue; day=day; bonn=city:Bonn", total), 2);
  EXPECT_EQ(off("ulm=city:Ulm", total), 1) << "takes the revenue";
  EXPECT_EQ(off("ulm=city:Ulm", R"(t:where("city", "==", "Ulm"):count())"), 0);
  EXPECT_EQ(off("city=city", R"(t:group("city"):count():top(1, "revenue"))"), 0);
  EXPECT_EQ(off("city=city", R"(t:pivot("city", "day", "revenue", "count"))"), 0);
  EXPECT_EQ(off("city=city", R"(t:pivot("city", "day", "revenue", "sum"))"), 1);
  EXPECT_EQ(off("city=city", R"(t:derive("rate", "[revenue] / 2"):group("city"):mean("rate"))"), 1);
  EXPECT_EQ(off("city=city", R"(chart.bar(t, {x="city", y="count", title="\"revenue\""}))"), 0);
  EXPECT_EQ(off("some words", total), 0);
  const string removes = R"(print(files.apply({op="delete", files="note.txt"})))";
  EXPECT_EQ(off("the note=note.txt; all=rows", removes), 0);
  EXPECT_EQ(off("sales=sales.csv", removes), 1);
  EXPECT_EQ(off("sales=sales.csv", R"(print(files.apply({op="delete", files="s*"})))"), 0);
  const auto renames = [](const string& match, const string& to) {
    return R"(print(files.apply({op="rename", files="*", match=")" + match + R"(", to=")" + to +
           "\"}))";
  };
  for (const auto& [match, to] :
       std::vector<std::pair<string, string>>{{"*.csv", "{1}.csv"},
                                              {"*.csv", "{1}{ext}"},
                                              {"a_*.b.csv", "a_{1}.b{ext}"},
                                              {"*", "{name}"}})
    EXPECT_EQ(off("files=rows", renames(match, to)), 1) << to;
  for (const auto& [match, to] : std::vector<std::pair<string, string>>{{"*.csv", "{1}.txt"},
                                                                        {"*.csv", "x{1}{ext}"},
                                                                        {"*_*.csv", "{1}{ext}"},
                                                                        {"*", "{name:lower}"}})
    EXPECT_EQ(off("files=rows", renames(match, to)), 0) << to;
  for (const char* broken : {"{\"", ":join(", ":pivot(", "title=\"", "{\"\\", ":top(\""})
    EXPECT_EQ(off("city=city", broken), 1) << broken;
  EXPECT_EQ(disagreements("ulm=city:Ulm; day=day", total, names()),
            (std::vector<string>{"the plan names day, which it does not use",
                                 "it uses revenue, which the plan does not name"}));
}

TEST(PlanAgreement, APlanSaysEachThingOnce) {
  EXPECT_EQ(without_repeats("a=b; per month=year; per month=mon; a=b; a=b"),
            "a=b; per month=year; per month=mon");
  for (const char* same : {"", "a=b", "some words", "a=b; b=a", "a="})
    EXPECT_EQ(without_repeats(same), same);
}

TEST(PlanAgreement, AColumnThatTheRequestCallsByItsNameIsUsed) {
  const Names names{
      {{.path = "a.csv",
        .is_table = true,
        .columns = {{.name = "unit_price"}, {.name = "Travel Cost"}, {.name = "order"}}}}};
  const auto ignored = [&](const string& request, const string& script) {
    return ignored_columns(request, script, names);
  };
  const string script = R"(print(t:derive("x", "[unit_price] * 2"):sum("x")))";
  EXPECT_TRUE(ignored("the sum of unit_price, twice", script).empty());
  EXPECT_EQ(ignored("unit_price and Travel Cost per order", script),
            std::vector<string>{"the request names Travel Cost, which it does not use"});
  EXPECT_TRUE(ignored("what is the travel cost in order of my_unit_price_2", "").empty());
  EXPECT_TRUE(ignored("move unit_price", "print(files.apply({}))").empty());
}

}  // namespace
}  // namespace agent
