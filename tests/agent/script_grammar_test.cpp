#include "agent/script_grammar.h"

#include <gtest/gtest.h>
#include <lua.hpp>

#include <cctype>
#include <random>
#include "base/json.h"

#include "model/grammar/grammar.h"

namespace agent {
namespace {

using model::Constraint;
using model::GrammarVocabulary;
using model::TokenMask;

// Ids 0..255 are special tokens with Gemma's numbers, 256 + b is byte b, then the pieces that
// scripts are made of.
constexpr int kSpecials = 256;
const std::vector<std::string>& pieces() {
  static const std::vector<std::string> all = {
      "data",   "read",  ".read",   "(\"",     "\")",    "\", \"", "group",
      ":group", "print", "call:",   "run_lua", "{code:", "chart",  ".bar",
      "title",  "=\"",   "species", "island",  " = ",    "},"};
  return all;
}

const GrammarVocabulary& vocabulary() {
  static const GrammarVocabulary made = [] {
    model::GrammarSource source;
    source.vocab_size = kSpecials + 256 + static_cast<int>(pieces().size());
    source.is_special = [](int32_t id) { return id < kSpecials; };
    source.bytes_of = [](int32_t id) {
      return id < kSpecials + 256 ? std::string(1, static_cast<char>(id - kSpecials))
                                  : pieces()[id - kSpecials - 256];
    };
    return std::move(*GrammarVocabulary::build(std::move(source)));
  }();
  return made;
}

// `<48>` in a test's text is the special token 48.
std::vector<int32_t> tokens(std::string_view text) {
  std::vector<int32_t> out;
  while (!text.empty()) {
    size_t end = text.find('>');
    if (text[0] == '<' && text.size() > 1 && std::isdigit(static_cast<unsigned char>(text[1])) &&
        end < 5) {
      out.push_back(std::stoi(std::string(text.substr(1, end - 1))));
      text.remove_prefix(end + 1);
      continue;
    }
    size_t length = 1;
    int32_t id = kSpecials + static_cast<uint8_t>(text[0]);
    for (size_t i = 0; i < pieces().size(); ++i)
      if (text.starts_with(pieces()[i]) && pieces()[i].size() > length) {
        length = pieces()[i].size();
        id = kSpecials + 256 + static_cast<int>(i);
      }
    out.push_back(id);
    text.remove_prefix(length);
  }
  return out;
}

Constraint compiled(const std::string& lark) {
  base::Result<Constraint> constraint = Constraint::compile(vocabulary(), lark);
  EXPECT_TRUE(constraint) << constraint.error().message << "\n" << lark;
  return std::move(*constraint);
}

// "" when `text` is a whole reply, else how far it gets.
std::string problem(const Constraint& start, const std::string& text) {
  Constraint constraint = start.clone();
  TokenMask mask;
  std::vector<int32_t> ids = tokens(text);
  for (size_t i = 0; i < ids.size(); ++i) {
    if (base::Status status = constraint.mask(mask); !status) return status.error().message;
    if (!mask.contains(ids[i])) return "stops at token " + std::to_string(i) + " of " + text;
    if (base::Status status = constraint.accept(ids[i]); !status) return status.error().message;
  }
  return constraint.is_accepting() ? "" : "is not complete: " + text;
}

void expect_all(const Constraint& constraint, const std::vector<std::string>& good,
                const std::vector<std::string>& bad, const std::string& after) {
  for (const std::string& text : good) EXPECT_EQ(problem(constraint, text + after), "");
  for (const std::string& text : bad)
    EXPECT_NE(problem(constraint, text + after), "") << text << after;
}

Names zoo() {
  return {.files = {{.path = "penguins.csv",
                     .is_table = true,
                     .columns = {{"species", ColumnType::text, {"Adelie", "Chinstrap", "Gentoo"}},
                                 {"island", ColumnType::text, {"Biscoe", "Dream"}},
                                 {"name", ColumnType::text, {}},
                                 {"body_mass_g", ColumnType::number, {}},
                                 {"seen", ColumnType::date, {}},
                                 {"active", ColumnType::boolean, {}}}},
                    {.path = "odd \"names\".csv",
                     .is_table = true,
                     .columns = {{"größe (cm)", ColumnType::number, {}},
                                 {"a\\b", ColumnType::text, {"x\"y", "ü"}},
                                 {"species", ColumnType::text, {"Emu"}}}},
                    {.path = "notes/readme.md"}}};
}

TEST(ScriptGrammar, AcceptsTheCanonicalSpellingOnly) {
  Constraint constraint = compiled(script_grammar(zoo()));
  expect_all(
      constraint,
      {
          "t = data.read(\"penguins.csv\"):group(\"species\"):mean(\"body_mass_g\")\nchart.bar(t, "
          "{x=\"species\", "
          "y=\"body_mass_g\", title=\"Average body mass by species\"})",
          "t = data.read(\"penguins.csv\"):top(1, \"body_mass_g\")\nprint(t:select(\"species\", "
          "\"body_mass_g\"))",
          "print(data.read(\"penguins.csv\"):where(\"species\", \"==\", \"Adelie\"):count())",
          "t = data.read(\"penguins.csv\"):where(\"seen\", \">=\", "
          "\"2014-03\"):month(\"seen\"):group(\"month\", \"species\"):count()\n"
          "chart.line(t, {x=\"month\", y=\"count\", color=\"species\", title=\"Seen \\\"per\\\" "
          "month\", save=\"seen.png\"})",
          "t = data.read(\"penguins.csv\"):derive(\"ratio\", \"[body_mass_g] / 1000 * ([count] + "
          "1)\"):sort(\"ratio\", \"desc\")\n"
          "chart.scatter(t, {x=\"body_mass_g\", y={\"ratio\", \"share\"}})",
          "t = data.read(\"penguins.csv\")\na = t:where(\"active\", \"==\", true):count()\nprint(a "
          "/ t:count() * 100)",
          "t = data.union(\"penguins.csv\", \"odd "
          "\\\"names\\\".csv\"):group(\"file\"):count()\nchart.pie(t, {x=\"file\", y=\"count\"})",
          "print(data.read(\"odd \\\"names\\\".csv\"):where(\"a\\\\b\", \"==\", "
          "\"x\\\"y\"):max(\"größe (cm)\"))",
          "chart.hist(data.read(\"penguins.csv\"):known(\"body_mass_g\"), {x=\"body_mass_g\", "
          "bins=20, title=\"Mass\"})",
          "t = data.files(\"**/*.md\"):top(3, \"words\")\nprint(t:select(\"file\", \"words\"))",
          "print(data.lines(\"notes/readme.md\"):where(\"text\", \"contains\", \"TODO\"):count())",
          "print(read_text(\"notes/readme.md\"))",
          "t = data.read(\"penguins.csv\")\nt:save(\"out/copy.json\")",
          "data.read(\"penguins.csv\"):unique(\"species\"):sort(\"species\"):save(\"kinds.txt\")",
          "data.lines(\"notes/readme.md\"):where(\"text\", \"contains\", \"TODO\"):save("
          "\"out/todo.txt\")",
          "t = data.lines(\"notes/readme.md\")\nt:save(\"all.txt\")\nprint(t:count())",
          "t = data.read(\"penguins.csv\"):group(\"species\", {list={\"list\", "
          "\"name\"}})\nprint(t)",
          "data.files(\"**\"):group(\"hash\", {count=\"count\", list={\"list\", \"file\"}}):where("
          "\"count\", \">\", 1):select(\"list\"):save(\"same.txt\")",
          "t = data.files(\"**\"):group(\"hash\", {count=\"count\", list={\"list\", "
          "\"file\"}}):where(\"count\", \">\", 1)\nprint(t:select(\"list\"))",
          "a = data.read(\"penguins.csv\")\nb = data.read(\"odd \\\"names\\\".csv\")\nt = "
          "a:join(b, \"species\")\nprint(\"rows\", #t)",
          "print(data.read(\"penguins.csv\"):where(\"name\", \"contains\", \"O'Neil \\\"x\\\"\"))",
          "print(data.read(\"penguins.csv\"):where(\"species\", \"==\", \"Emu\"))",
      },
      {
          "print(t)",
          "t = data.read(\"penguins.csv\")",  // used before it is set; shows nothing
          "t = data.read(\"other.csv\")\nprint(t)",
          "t = data.read('penguins.csv')\nprint(t)",
          "data.read(\"penguins.csv\"):save(\"run.sh\")",
          "t = data.read(\"penguins.csv\"):group(\"species\", {count=\"count\"})\nprint(t)",
          "t = data.read(\"penguins.csv\"):group(\"species\", {list=\"list\"})\nprint(t)",
          "print(data.read(\"penguins.csv\"):mean(\"wingspan\"))",
          "print(data.read(\"penguins.csv\"):mean(\"species\"))",
          "print(data.read(\"penguins.csv\"):where(\"species\", \"==\", \"Dodo\"))",
          "print(data.read(\"penguins.csv\"):where(\"body_mass_g\", \"==\", \"big\"))",
          "print(data.read(\"penguins.csv\"):where(\"body_mass_g\",\"==\", 3))",
          "print(data.read(\"penguins.csv\"):group(\"species\"))",
          "os.execute(\"ls\")",
          "print(data.read(\"notes/readme.md\"))",
          "t = data.read(\"penguins.csv\")\nchart.bar(t, {y=\"count\", x=\"species\"})",
          "print(data.read(\"penguins.csv\"):top(0, \"count\"))",
          "print(data.read(\"penguins.csv\"):sum(\"words\"))",
          "a = data.read(\"penguins.csv\"):count()\nprint(a:count())",
          "print(\"a\nb\")",
          "print(\"a<52>b\")",
          "print(\"1\")\nprint(\"2\")\nprint(\"3\")\nprint(\"4\")\nprint(\"5\")\nprint(\"6\")"
          "\nprint(\"7\")\nprint(\"8\")\nprint(\"9\")",
      },
      "<106>");
}

Names orders() {
  return {.files = {{.path = "orders.csv",
                     .is_table = true,
                     .columns = {{"region", ColumnType::text, {"North", "South"}},
                                 {"ordered", ColumnType::date, {}},
                                 {"shipped", ColumnType::date, {}},
                                 {"year", ColumnType::number, {}},
                                 {"month", ColumnType::number, {}},
                                 {"sales", ColumnType::number, {}},
                                 {"cost", ColumnType::number, {}}}},
                    {.path = "regions.csv",
                     .is_table = true,
                     .columns = {{"id", ColumnType::text, {}}, {"head", ColumnType::text, {}}}}}};
}

TEST(ScriptGrammar, SpellsWhatOneTableIsTurnedInto) {
  Constraint constraint = compiled(script_grammar(orders()));
  const std::string t = "t = data.read(\"orders.csv\")";
  expect_all(
      constraint,
      {
          t + ":pivot(\"region\", \"year\", \"sales\", \"sum\"):derive(\"growth\", "
              "\"([2023] - [2022]) / [2022] * 100\"):top(1, \"growth\")\nprint(t:select("
              "\"region\", \"growth\"))",
          t + ":unpivot({\"sales\", \"cost\"}, \"series\", \"value\"):group(\"series\"):mean("
              "\"value\")\nprint(t)",
          t + ":window(\"running_total\", \"cumulative_sum\", {column=\"sales\", by=\"region\", "
              "order=\"ordered\"})\nprint(t)",
          t + ":window(\"moving_average\", \"moving_average\", {column=\"sales\", "
              "order=\"ordered\", n=7})\nprint(t)",
          t + ":window(\"previous\", \"lag\", {column=\"sales\", order=\"year\"}):derive("
              "\"change\", \"[sales] - [previous]\")\nprint(t)",
          t + ":derive(\"month\", \"concat([year], '-', right(concat('0', [month]), 2))\")\n"
              "print(t)",
          t + ":derive(\"days\", \"days([ordered], [shipped])\")\nprint(t:mean(\"days\"))",
          t + ":derive(\"percent\", \"if([region] == 'North', 100, 0)\"):group(\"year\"):mean("
              "\"percent\")\nprint(t)",
          t + ":derive(\"percent\", \"if([sales] >= 20.5, 100, 0)\")\nprint(t:mean(\"percent\"))",
          "print(files.write(\"a.txt\", table.concat({\"Sales\\n\", "
          "tostring(data.read(\"orders.csv\"):group(\"region\"):sum(\"sales\"))})))",
          t + ":group(\"region\", {count=\"count\", total={\"sum\", \"sales\"}, "
              "highest={\"max\", \"ordered\"}})\nprint(t)",
          t + ":join(data.read(\"regions.csv\"), {[\"region\"]=\"id\"}, \"left\")\nprint(t)",
          t + ":week(\"ordered\"):group(\"week\", \"region\"):sum(\"sales\")\nchart.heatmap(t, "
              "{x=\"week\", y=\"region\", color=\"sales\", title=\"Sales\"})",
          t + "\nchart.bar(t, {x=\"region\", y=\"sales\", color=\"year\", "
              "stack=\"normalize\", title=\"Sales\"})",
          t + "\nchart.area(t, {x=\"year\", y={\"sales\", \"cost\"}, stack=\"zero\"})",
          t + "\nt:to_xlsx(\"out/orders.xlsx\")",
          t + "\na = t:sum(\"sales\")\nprint(a)\nprint(files.write(\"summary.md\", "
              "table.concat({\"# Sales\\n\\n- Total: \", a, \"\\n\", t:count()})))",
          t + "\nprint(report.markdown(\"# Sales\\n\\n![Sales](chart.png)\\n\", "
              "\"report.html\"))",
      },
      {
          t + ":window(\"sales\", \"cumulative_sum\", {column=\"sales\"})\nprint(t)",
          t + ":window(\"moving_average\", \"moving_average\", {column=\"sales\"})\nprint(t)",
          t + ":pivot(\"region\", \"year\", \"sales\")\nprint(t)",
          t + ":pivot(\"region\", \"year\", \"sales\", \"product\")\nprint(t)",
          t + ":derive(\"change\", \"[1066] - [2022]\")\nprint(t)",
          t + ":derive(\"days\", \"days([ordered], [sales])\")\nprint(t)",
          t + ":derive(\"month\", \"upper([region])\")\nprint(t)",
          t + ":derive(\"percent\", \"if([region] == 'West', 100, 0)\")\nprint(t)",
          t + ":derive(\"percent\", \"if([region], 100, 0)\")\nprint(t)",
          t + ":derive(\"percent\", \"if([sales] >= 'a', 100, 0)\")\nprint(t)",
          t + "\nchart.line(t, {x=\"region\", y=\"sales\", stack=\"zero\"})",
          t + "\nchart.bar(t, {x=\"region\", y=\"sales\", stack=\"center\"})",
          t + "\nt:to_xlsx(\"orders.csv\")",
          t + "\nprint(files.write(\"run.sh\", \"x\"))",
          t + "\nprint(files.write(\"../summary.md\", \"x\"))",
      },
      "<106>");
}

TEST(ScriptGrammar, APlanOfOperationsIsAScriptOfItsOwn) {
  Names names = orders();
  names.files.push_back({.path = "odd \"one\".txt"});
  Constraint constraint = compiled(script_grammar(names));
  const auto apply = [](const std::string& plan) { return "print(files.apply(" + plan + "))"; };
  expect_all(
      constraint,
      {
          apply("{op=\"sort\", files=\"*\", by=\"date\", format=\"%Y-%m\", into=\"by month\"}"),
          apply("{op=\"rename\", files=\"*.jpg\", match=\"IMG_*.jpg\", to=\"trip_{n:3}.jpg\", "
                "order=\"date\"}"),
          apply("{op=\"rename\", files=\"*\", regex=\" \", to=\"_\"}"),
          apply("{op=\"dedupe\", files=\"**\", keep=\"newest\"}"),
          apply("{op=\"archive\", files=\"*.csv\", to=\"tables.tar.gz\", remove=true}"),
          apply("{op=\"convert\", files=\"*.csv\", to=\"json\", into=\"json\"}"),
          apply("{op=\"merge\", files={\"a.csv\", \"b.csv\"}, to=\"all.csv\", order=\"date\"}"),
          apply("{op=\"delete\", files=\"old/\", recursive=true}"),
          apply("{{op=\"mkdir\", path=\"x\"}, {op=\"move\", files=\"odd \\\"one\\\".txt\", "
                "to=\"x/\", on_collision=\"number\"}}"),
      },
      {
          apply("{op=\"delete\", files=\"/etc\"}"),
          apply("{op=\"delete\", files=\"../x\"}"),
          apply("{op=\"move\", files=\"*\", to=\"/tmp/\"}"),
          apply("{op=\"move\", files=\"*\", to=\"../\"}"),
          apply("{op=\"copy\", files=\"~/x\", to=\"x\"}"),
          apply("{op=\"run\", files=\"*\"}"),
          apply("{op=\"sort\", files=\"*\", by=\"colour\"}"),
          apply("{op=\"move\", to=\"x/\", files=\"*\"}"),
          apply("{op=\"archive\", files=\"*\", to=\"all.rar\"}"),
          apply("{op=\"delete\", files=\"*\"}") + "\nprint(\"x\")",
          "print(\"x\")\n" + apply("{op=\"delete\", files=\"*\"}"),
      },
      "<106>");
}

TEST(ScriptGrammar, FirstReplyIsAPlanAndWhatFollowsFromIt) {
  Constraint constraint = compiled(first_reply_grammar(zoo()));
  const std::string lua =
      "<48>call:run_lua{code:<52>print(data.read(\"penguins.csv\"):count())<52>}<49>";
  const std::string no = "<48>call:decline{reason:<52>No column holds a wingspan.<52>}<49>";
  expect_all(
      constraint,
      {"how many penguins=rows" + lua + "<50>", "how many penguins=rows" + lua + "<106>",
       "average mass=body_mass_g; species=species" + lua + "<50>",
       "gentoo=species:Gentoo; count=rows" + lua + "<50>",
       "olivia=name:Olivia; mass=body_mass_g" + lua + "<50>", "2014=seen:2014" + lua + "<50>",
       "heavy=body_mass_g:5000" + lua + "<50>", "wingspan=none; species=species" + no + "<50>",
       "species=species; /etc/passwd=outside" + no + "<106>",
       "the notes=notes/readme.md<48>call:read_file{path:<52>notes/readme.md<52>}<49><50>",
       "files=rows<48>call:list_files{}<49><50>",
       "penguins=penguins.csv<48>call:profile{path:<52>penguins.csv<52>}<49><50>",
       "größe=größe (cm)" + lua + "<50>"},
      {"wingspan=none" + lua + "<50>", "species=species" + no + "<50>",
       "wingspan=wingspan" + lua + "<50>", "dodo=species:Dodo" + lua + "<50>", lua + "<50>",
       "Species=species" + lua + "<50>", "a b c d e f g=species" + lua + "<50>",
       "species=species;island=island" + lua + "<50>", "species=species" + lua,
       "species=species" + lua + "<49>",
       "species=species<48>call:read_file{path:<52>/etc/passwd<52>}<49><50>",
       "species=species<48>call:shell{}<49><50>"},
      "");
}

TEST(ScriptGrammar, AfterAnErrorComesAnotherScriptOrADecline) {
  Constraint constraint = compiled(next_reply_grammar(zoo()));
  expect_all(constraint,
             {"<48>call:run_lua{code:<52>print(\"x\")<52>}<49>",
              "<48>call:decline{reason:<52>No.<52>}<49>"},
             {"species=species<48>call:run_lua{code:<52>print(\"x\")<52>}<49>", "Sorry.",
              "<48>call:run_lua{code:<52><52>}<49>"},
             "<50>");
}

TEST(ScriptGrammar, WorksForAnEmptyWorkspaceAndForHostileNames) {
  Constraint none = compiled(first_reply_grammar({}));
  EXPECT_EQ(problem(none, "sales=none<48>call:decline{reason:<52>There are no files.<52>}<49><50>"),
            "");
  Names odd = {
      .files = {{.path = "a\xff.csv",
                 .is_table = true,
                 .columns = {{"x\ny", ColumnType::number, {}},
                             {"", ColumnType::text, {""}},
                             {"]", ColumnType::number, {}},
                             {"none", ColumnType::text, {"a; b=none", "none"}},
                             {"/regex/ | \"x\" # no", ColumnType::text, {"<[48]>", "%json {}"}}}}}};
  Constraint constraint = compiled(first_reply_grammar(odd));
  const std::string read = "data.read(\"a\\xff.csv\")";
  expect_all(constraint,
             {"x=rows<48>call:run_lua{code:<52>print(" + read + ":sum(\"x\\ny\"))<52>}<49><50>",
              "x=rows<48>call:run_lua{code:<52>print(" + read +
                  ":where(\"/regex/ | \\\"x\\\" # no\", \"==\", \"<[48]>\"))<52>}<49><50>"},
             {"x=none<48>call:run_lua{code:<52>print(" + read + ":count())<52>}<49><50>"}, "");
}

TEST(ScriptGrammar, HoldsForWideTables) {
  FileNames wide{.path = "wide.csv", .is_table = true};
  for (int c = 0; c < 60; ++c) {
    ColumnNames column{.name = "column " + std::to_string(c)};
    for (int i = 0; i < 64; ++i) column.values.push_back("value " + std::to_string(c * 64 + i));
    wide.columns.push_back(column);
  }
  Constraint constraint = compiled(first_reply_grammar({.files = {wide}}));
  const std::string start =
      "ones=column 7:value "
      "450<48>call:run_lua{code:<52>print(data.read(\"wide.csv\"):where(\"column 7\", \"==\", \"";
  const std::string end = "\"):count())<52>}<49><50>";
  EXPECT_EQ(problem(constraint, start + "value 450" + end), "");
  EXPECT_NE(problem(constraint, start + "value 512" + end), "");
}

TEST(ScriptGrammar, ColumnsOfTwoTablesAreKnownAfterAJoin) {
  Constraint constraint = compiled(script_grammar(zoo()));
  const std::string joined =
      "t = data.read(\"penguins.csv\"):join(data.read(\"odd \\\"names\\\".csv\"), \"species\")\n";
  EXPECT_EQ(
      problem(constraint, joined + "print(t:where(\"species_2\", \"==\", \"Emu\"):count())<106>"),
      "");
  EXPECT_NE(
      problem(constraint, joined + "print(t:where(\"island_2\", \"==\", \"Emu\"):count())<106>"),
      "");
}

TEST(ScriptGrammar, AFileIsJoinedByAKeyThatItHas) {
  const Names names = {
      .files = {
          {.path = "receipts.csv",
           .is_table = true,
           .columns = {{"receipt", ColumnType::text},
                       {"kiosk_id", ColumnType::text, {"K1", "K2"}},
                       {"paid", ColumnType::text, {"cash", "card"}},
                       {"day", ColumnType::date}}},
          {.path = "kiosks.csv",
           .is_table = true,
           .columns = {{"id", ColumnType::text, {"K1", "K2", "K3"}}, {"rent", ColumnType::number}}},
          {.path = "weather.csv",
           .is_table = true,
           .columns = {{"day", ColumnType::date}, {"rain", ColumnType::boolean}}}}};
  Constraint constraint = compiled(script_grammar(names));
  const auto joined = [&](const std::string& file, const std::string& on) {
    return problem(constraint, "t = data.read(\"receipts.csv\"):join(data.read(\"" + file +
                                   "\"), " + on + ")\nprint(t)<106>");
  };
  EXPECT_EQ(joined("kiosks.csv", "{[\"kiosk_id\"]=\"id\"}"), "");
  EXPECT_EQ(joined("kiosks.csv", "{[\"kiosk_id\"]=\"id\"}, \"left\""), "");
  // Their values are not all known, so they may be the same.
  EXPECT_EQ(joined("kiosks.csv", "{[\"receipt\"]=\"id\"}"), "");
  EXPECT_EQ(joined("weather.csv", "\"day\""), "");
  EXPECT_NE(joined("kiosks.csv", "\"kiosk_id\""), "");
  EXPECT_NE(joined("kiosks.csv", "{[\"paid\"]=\"id\"}"), "");
  EXPECT_NE(joined("weather.csv", "{[\"day\"]=\"rain\"}"), "");
}

TEST(ScriptGrammar, OneTableIsNotJoinedOrUnitedWithItself) {
  Names names = zoo();
  std::erase_if(names.files,
                [](const FileNames& f) { return f.is_table && f.path != "penguins.csv"; });
  Constraint constraint = compiled(script_grammar(names));
  const std::string read = "data.read(\"penguins.csv\")";
  EXPECT_EQ(problem(constraint, "print(" + read + ":count())<106>"), "");
  EXPECT_NE(problem(constraint, "t = " + read + ":join(" + read + ", \"species\")\nprint(t)<106>"),
            "");
  EXPECT_NE(
      problem(constraint, "t = data.union(\"penguins.csv\", \"penguins.csv\")\nprint(t)<106>"), "");
}

TEST(AnswerGrammar, NumbersAndNamesOnlyFromTheLists) {
  Constraint constraint =
      compiled(answer_grammar({.numbers = {"5076.02", "5076", "3", "7", "-2.5", "12"},
                               .words = {"chart-2.png", "girls_2024", "2014-08-11", "Q1"}}));
  expect_all(constraint,
             {"Gentoo penguins are heaviest, at 5076.02 g.", "There are 3 of them.",
              "I drew chart-2.png with 7 bars.", "No digits at all.", "3", "12%",
              "The highest count is girls_2024 (3), in Q1; it fell by -2.5 on 2014-08-11.",
              "Ünïcode — fine: 7.\nSecond line."},
             {"There are 4.", "5076.2 g", "37", "3.7", "3,7", "3 7", "-3", "x3", "3k", "Q12", "Q2",
              "0.12", "chart-3.png", "girls_3", "", "a\x01", "½", "٣"},
             "<106>");
  Constraint wordless = compiled(answer_grammar({}));
  expect_all(wordless, {"Nothing found."}, {"1 found."}, "<106>");
}

TEST(CallGrammar, ArgumentsFollowTheSchema) {
  nlohmann::json tools = nlohmann::json::parse(R"([
    {"name":"draw","parameters":{"type":"object","properties":{"width":{"type":"integer"},"Kind":{"enum":["bar","pie"]},"note":{"type":"string"},
      "ys":{"type":"array","items":{"type":"string"},"minItems":1,"maxItems":2},"deep":{"type":"object","properties":{"on":{"type":"boolean"}},"required":["on"]},
      "size":{"type":"number"},"free":{}},"required":["Kind","ys"]}},
    {"name":"list"}])");
  base::Result<std::string> lark = call_grammar(tools);
  ASSERT_TRUE(lark);
  Constraint constraint = compiled(*lark);
  expect_all(
      constraint,
      {"<48>call:draw{Kind:<52>bar<52>,ys:[<52>a<52>]}<49>",
       "<48>call:draw{deep:{on:true},Kind:<52>pie<52>,note:<52>any {text}: "
       "\"x\",\n<52>,size:-1.5e3,width:3,ys:[<52>a<52>,<52><52>]}<49>",
       "<48>call:list{}<49>",
       "<48>call:draw{free:{a:[1,null,<52>x<52>],b:{}},Kind:<52>bar<52>,ys:[<52>a<52>]}<49>"},
      {"<48>call:draw{ys:[<52>a<52>]}<49>", "<48>call:draw{Kind:<52>box<52>,ys:[<52>a<52>]}<49>",
       "<48>call:draw{Kind:<52>bar<52>,ys:[]}<49>",
       "<48>call:draw{Kind:<52>bar<52>,width:1.5,ys:[<52>a<52>]}<49>",
       "<48>call:draw{ys:[<52>a<52>],Kind:<52>bar<52>}<49>",
       "<48>call:draw{Kind:bar,ys:[<52>a<52>]}<49>",
       "<48>call:draw{Kind:<52>bar<52>,ys:[<52>a<52>,<52>b<52>,<52>c<52>]}<49>",
       "<48>call:draw{Kind:<52>bar<52>,,ys:[<52>a<52>]}<49>", "text",
       "<48>call:list{}<49><48>call:list{}<49>"},
      "<50>");
  base::Result<std::string> loose = call_grammar(tools, {.text_allowed = true, .max_calls = 2});
  ASSERT_TRUE(loose);
  Constraint both = compiled(*loose);
  EXPECT_EQ(problem(both, "Hello.<106>"), "");
  EXPECT_EQ(problem(both, "<48>call:list{}<49><48>call:list{}<49><50>"), "");
  EXPECT_NE(problem(both, "Hello.<50>"), "");
  EXPECT_FALSE(call_grammar(nlohmann::json::array()));
  EXPECT_FALSE(call_grammar(nlohmann::json::parse(R"([{"name":"a b"}])")));
}

// Random walks: among the allowed tokens, a quote or the end of something is taken a little more
// often.
std::string sample(const Constraint& start, std::mt19937& random) {
  Constraint constraint = start.clone();
  TokenMask mask;
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    base::Status status = constraint.mask(mask);
    if (!status) {
      ADD_FAILURE() << status.error().message << "\nafter " << text;
      return "";
    }
    if (mask.contains(106) && random() % 2 == 0) return text;
    std::vector<int32_t> allowed;
    for (int32_t id = kSpecials; id < mask.size(); ++id)
      if (mask.contains(id)) allowed.push_back(id);
    if (allowed.empty()) return text;
    bool close = mask.contains(kSpecials + '"') && random() % 6 == 0;
    bool end = mask.contains(kSpecials + ')') && random() % 2 == 0;
    int32_t id = close ? kSpecials + '"'
                 : end ? kSpecials + ')'
                       : allowed[random() % allowed.size()];
    EXPECT_TRUE(constraint.accept(id));
    text += id < kSpecials + 256 ? std::string(1, static_cast<char>(id - kSpecials))
                                 : pieces()[id - kSpecials - 256];
  }
  return "";
}

TEST(ScriptGrammar, EveryScriptOfTheGrammarIsLua) {
  Constraint constraint = compiled(script_grammar(zoo()));
  std::mt19937 random(7);
  lua_State* lua = luaL_newstate();
  int whole = 0;
  for (int i = 0; i < 60; ++i) {
    std::string script = sample(constraint, random);
    if (script.empty()) continue;
    ++whole;
    EXPECT_EQ(luaL_loadbufferx(lua, script.data(), script.size(), "script", "t"), LUA_OK)
        << script << "\n"
        << lua_tostring(lua, -1);
    lua_settop(lua, 0);
  }
  lua_close(lua);
  EXPECT_GT(whole, 30);
}

}  // namespace
}  // namespace agent
