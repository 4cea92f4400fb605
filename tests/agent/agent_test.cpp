#include "agent/agent.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "agent/mentions.h"
#include "agent/numbers.h"
#include "base/file.h"
#include "sandbox/workspace/journal.h"
#include "tests/fakes/scripted_model.h"
#include "tests/model/folder.h"

// The loop with a scripted model and everything else real: the sandbox, the worker, DuckDB and the
// charts.

namespace agent {
namespace {

using nlohmann::json;

class AgentTest : public testing::Test {
 protected:
  void SetUp() override { write("shops.csv", "shop,revenue\nNorth,12.5\nSouth,30\nEast,4.25\n"); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }

  base::Result<RunResult> run(ScriptedModel& model, const std::string& request,
                              RunOptions options = {}, const std::string& policy = "default") {
    base::Result<tools::Toolbox> toolbox =
        tools::Toolbox::open({.workspace = folder_, .policy = *policies::builtin(policy)});
    if (!toolbox) return toolbox.error();
    events_.clear();
    return agent::run(request, model, *toolbox, builtin_prompt(), options,
                      [this](const json& e) { events_.push_back(e); }, {});
  }

  std::vector<std::string> event_types() const {
    std::vector<std::string> types;
    for (const json& e : events_) types.push_back(e["type"]);
    return types;
  }

  const TestFolder made_;
  const std::filesystem::path& folder_ = made_.path();
  std::vector<json> events_;
};

TEST_F(AgentTest, WhatNobodyAllowedEndsTheRunAsRefused) {
  ScriptedModel model(
      {calls("a copy=rows", "run_lua", {{"code", "data.read(\"shops.csv\"):save(\"copy.csv\")"}}),
       says("It is saved.")});
  const base::Result<RunResult> result = run(model, "save a copy", {}, "review");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->status, Status::refused);
  EXPECT_NE(result->answer.find("wants you to be asked"), std::string::npos) << result->answer;
  EXPECT_EQ(model.asked.size(), 1u);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "copy.csv"));
}

TEST_F(AgentTest, AFolderIsTidiedInOneRunThatCanBeUndoneOrNotAtAll) {
  const std::string code = "print(files.apply({op=\"move\", files=\"*.csv\", to=\"tables/\"}))";
  for (const std::string policy : {"review", "strict", "default"}) {
    ScriptedModel model({calls("csv files=rows", "run_lua", {{"code", code}}),
                         says("Moved to tables: 1 new folder, 1 move.")});
    const base::Result<RunResult> result = run(model, "move the csv files to tables", {}, policy);
    ASSERT_TRUE(result) << result.error().message;
    const bool kept = policy == "default";
    EXPECT_EQ(std::filesystem::exists(folder_ / "tables/shops.csv"), kept) << policy;
    EXPECT_EQ(std::filesystem::exists(folder_ / "shops.csv"), !kept) << policy;
    if (policy == "review") {
      EXPECT_EQ(result->status, Status::refused);
    }
    if (!kept) {
      EXPECT_NE(result->status, Status::ok) << policy << ": " << result->answer;
      continue;
    }
    EXPECT_EQ(result->answer, "Moved to tables: 1 new folder, 1 move.");
    EXPECT_EQ(
        model.asked[1].conversation.back().text,
        "done:\nmkdir   tables\nmove    shops.csv -> tables/shops.csv\n1 new folder, 1 move\n");
  }
}

TEST_F(AgentTest, AModelThatSeesIsShownTheChartItDrew) {
  ScriptedModel model({calls("revenue=revenue; shop=shop", "run_lua",
                             {{"code",
                               "t = data.read(\"shops.csv\")\nchart.bar(t, {x=\"shop\", "
                               "y=\"revenue\", title=\"Revenue\"})"}}),
                       says("chart.png shows the revenue.")});
  model.looks = true;
  const base::Result<RunResult> result = run(model, "bar chart of the revenue per shop");
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(model.asked.size(), 2u);
  const model::Message& observed = model.asked[1].conversation.back();
  ASSERT_EQ(observed.media.size(), 1u);
  EXPECT_EQ(observed.media[0].kind, model::MediaKind::image);
  const base::Result<std::string> file = base::read_file(folder_ / "chart.png", 1 << 24);
  ASSERT_TRUE(file);
  EXPECT_EQ(observed.media[0].bytes, *file);
}

TEST_F(AgentTest, WhatTheModelReadsInAChartIsTold) {
  const auto drawn = [&](const std::string& read) {
    ScriptedModel model({calls("revenue=revenue; shop=shop", "run_lua",
                               {{"code",
                                 "t = data.read(\"shops.csv\")\nchart.bar(t, {x=\"shop\", "
                                 "y=\"revenue\", title=\"Revenue\"})"}}),
                         says("chart.png shows the revenue.")});
    model.read = read;
    const base::Result<RunResult> result = run(model, "bar chart of the revenue per shop");
    EXPECT_TRUE(result && result->status == Status::ok);
    EXPECT_EQ(model.pictures.size(), 1u);
    EXPECT_TRUE(model.pictures[0].starts_with("\x89PNG"));
    std::string told;
    for (const json& e : events_)
      if (e["type"] == "observation" && e["tool"] == "look") told += e["text"];
    return told;
  };
  EXPECT_EQ(drawn("bar chart; complete"), "chart.png: seen as a bar chart, nothing cut off");
  EXPECT_EQ(drawn("blank"), "chart-2.png: it looks blank; open it before you pass it on");
  EXPECT_EQ(drawn("something else"), "");
}

TEST_F(AgentTest, AChartIsDrawnObservedAndAnswered) {
  ScriptedModel model({calls("revenue=revenue; shop=shop", "run_lua",
                             {{"code",
                               "t = data.read(\"shops.csv\")\nchart.bar(t, {x=\"shop\", "
                               "y=\"revenue\", title=\"Revenue\"})"}}),
                       says("chart.png shows the revenue. South is highest (30).")});
  const base::Result<RunResult> result = run(model, "bar chart of the revenue per shop");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->status, Status::ok);
  EXPECT_EQ(result->answer, "chart.png shows the revenue. South is highest (30).");
  ASSERT_EQ(result->charts.size(), 1u);
  EXPECT_EQ(result->charts[0].rows, 3);
  EXPECT_EQ(result->charts[0].spec["mark"], "bar");
  EXPECT_EQ(result->charts[0].spec["data"]["values"].size(), 3u);
  EXPECT_TRUE(std::filesystem::file_size(folder_ / "chart.png") > 1000);
  EXPECT_EQ(event_types(), (std::vector<std::string>{"observation", "plan", "call", "observation",
                                                     "text", "numbers"}));
  // What the model saw: the profile before the request, then the observation.
  ASSERT_EQ(model.asked.size(), 2u);
  EXPECT_EQ(
      model.asked[0].conversation[1].text,
      "shops.csv: 3 rows\nshop: text, 3 values: North, South, East\nrevenue: number 4.25 to 30\n\n"
      "bar chart of the revenue per shop");
  EXPECT_EQ(model.asked[1].conversation.back().text,
            "chart.png: bar chart, 3 rows\nhighest revenue: South 30\nlowest revenue: East 4.25");
  // The second grammar lets an answer spell the numbers that were observed and no others.
  EXPECT_NE(model.asked[1].grammar.find("4.25"), std::string::npos);
  EXPECT_EQ(model.asked[1].grammar.find("12.5"), std::string::npos);
}

TEST_F(AgentTest, AnErrorIsAnObservationAndTheNextCallCanRepairIt) {
  ScriptedModel model(
      {calls("plan", "run_lua", {{"code", "print(data.read(\"shops.csv\"):sum(\"revenu\"))"}}),
       calls("", "run_lua", {{"code", "print(data.read(\"shops.csv\"):sum(\"revenue\"))"}}),
       says("The total revenue is 46.75.")});
  const base::Result<RunResult> result = run(model, "total revenue?");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, Status::ok);
  EXPECT_EQ(result->tool_calls, 2);
  const std::string observed = model.asked[1].conversation.back().text;
  EXPECT_TRUE(observed.starts_with("error: ")) << observed;
  EXPECT_NE(observed.find("revenue"), std::string::npos)
      << "names the nearest column: " << observed;
  EXPECT_EQ(model.asked[2].conversation.back().text, "46.75");
}

TEST_F(AgentTest, ADeclinedRequestIsRefusedWithItsReason) {
  ScriptedModel model(
      {calls("wingspan=none", "decline", {{"reason", "There is no column for wingspan."}})});
  const base::Result<RunResult> result = run(model, "wingspan?");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, Status::refused);
  EXPECT_EQ(result->answer, "There is no column for wingspan.");
  EXPECT_TRUE(result->artifacts.empty());
}

TEST_F(AgentTest, TheTurnsAreBounded) {
  std::vector<ModelReply> same;
  for (int i = 0; i < 9; ++i) same.push_back(calls("", "run_lua", {{"code", "error(\"again\")"}}));
  ScriptedModel model(same);
  const base::Result<RunResult> result = run(model, "loop", {.max_turns = 3});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, Status::error);
  EXPECT_TRUE(result->out_of_budget);
  EXPECT_EQ(model.asked.size(), 3u);
  EXPECT_EQ(events_.back()["type"], "budget");
}

TEST_F(AgentTest, ACutCallIsNeverRun) {
  ModelReply cut = says("plan");
  cut.cut = true;
  ScriptedModel model({cut});
  const base::Result<RunResult> result = run(model, "anything");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, Status::error);
  EXPECT_EQ(result->tool_calls, 0);
}

TEST_F(AgentTest, WhatWasCutIsDrawnAnew) {
  ModelReply cut = says("plan");
  cut.cut = true;
  ScriptedModel model(
      {cut, cut, calls("plan", "run_lua", {{"code", "print(data.read(\"shops.csv\"):count())"}}),
       says("There are 3 rows.")});
  const base::Result<RunResult> result = run(model, "how many rows");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->status, Status::ok) << result->answer;
  EXPECT_EQ(result->tool_calls, 1);
  // With a plan of its own.
  EXPECT_EQ(model.asked[2].grammar, model.asked[0].grammar);
  ScriptedModel endless({cut, cut, cut, cut, cut, cut});
  ASSERT_TRUE(run(endless, "how many rows"));
  EXPECT_EQ(endless.asked.size(), 4u);
}

TEST_F(AgentTest, ABrokenTableIsNamedBeforeTheModelIsAsked) {
  std::filesystem::remove(folder_ / "shops.csv");
  write("ragged.csv", "a,b\n1,2\n3,4,5,6\n7\n");
  ScriptedModel model({});
  const base::Result<RunResult> result = run(model, "sum of a");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->status, Status::bad_input);
  EXPECT_NE(result->answer.find("ragged.csv"), std::string::npos) << result->answer;
  EXPECT_TRUE(model.asked.empty());
}

TEST_F(AgentTest, AFolderWithoutFilesIsSaidBeforeTheModelIsAsked) {
  std::filesystem::remove(folder_ / "shops.csv");
  ScriptedModel model({});
  const base::Result<RunResult> result = run(model, "sum of a");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->status, Status::bad_input);
  EXPECT_TRUE(model.asked.empty());
}

TEST_F(AgentTest, OfScriptsThatLeaveOutWhatTheirPlanSaysAnotherIsDrawn) {
  const std::string plan = "revenue=revenue; north=shop:North";
  const auto script = [&](const char* code) { return calls(plan, "run_lua", {{"code", code}}); };
  const char* all = "print(data.read(\"shops.csv\"):sum(\"revenue\"))";
  const char* one =
      "print(data.read(\"shops.csv\"):where(\"shop\", \"==\", \"North\"):sum(\"revenue\"))";
  {
    ScriptedModel model({script(all), script(all), script(one), says("North has 12.5.")});
    const base::Result<RunResult> result = run(model, "revenue of North");
    ASSERT_TRUE(result);
    EXPECT_EQ(result->answer, "North has 12.5.");
    EXPECT_EQ(result->tool_calls, 1);
    ASSERT_EQ(model.asked.size(), 4u);
    EXPECT_TRUE(model.asked[1].grammar.starts_with("start: \"" + plan + "\" lua"));
    EXPECT_EQ(model.asked[1].conversation.size(), model.asked[0].conversation.size());
    EXPECT_EQ(model.asked[3].conversation.back().text, "12.5");
  }
  // None does more of it: the first is run, and the answer says so.
  ScriptedModel model({script(all), script(all), script(all), script(all), says("It is 46.75.")});
  const base::Result<RunResult> result = run(model, "revenue of North");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->answer,
            "It is 46.75.\n\nNote by Tessera: look at the script: the plan names shop:North, which "
            "it does not use.");
  EXPECT_EQ(result->tool_calls, 1);
}

TEST_F(AgentTest, AScriptThatIgnoresTheNamedFileIsNotRun) {
  ScriptedModel model(
      {calls("revenue=revenue", "run_lua",
             {{"code", "data.read(\"shops.csv\"):select(\"revenue\"):save(\"x.csv\")"}})});
  const base::Result<RunResult> result = run(model, "sum of the revenue in stores.csv");
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->status, Status::bad_input);
  EXPECT_EQ(result->answer,
            "stores.csv is not here and the script would not write it, so it was not run; the "
            "files here are shops.csv.");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "x.csv"));
}

TEST(Mentions, ANamedFileIsThereOrWrittenOrIgnored) {
  const std::vector<std::string> files = {"in/Sales.csv", "notes.md"};
  const auto ignored = [&](const char* request, const char* call = "") {
    return ignored_file(request, files, call);
  };
  EXPECT_EQ(ignored("sum of sales.csv."), std::nullopt);
  EXPECT_EQ(ignored("convert sales.csv to out.json", "save(\"out.json\")"), std::nullopt);
  EXPECT_EQ(ignored("convert sales.csv to out.json, please"), "out.json");
  EXPECT_EQ(ignored("put all lines with x into errors.txt", ":save(\"errors.txt\")"), std::nullopt);
  EXPECT_EQ(ignored("put all lines with x into errors.txt", ":save(\"lines.txt\")"), "errors.txt");
  EXPECT_EQ(ignored("chart of (old.csv)"), "old.csv");
  EXPECT_EQ(ignored("each *.csv and .txt file, 3.5 times"), std::nullopt);
  EXPECT_EQ(ignored("read ../notes/todo.txt"), "../notes/todo.txt");
  const char* rename = "{op=\"rename\", files=\"*.txt\", match=\"*.txt\", to=\"doc_{n:3}.txt\"}";
  EXPECT_EQ(ignored("rename all to doc_001.txt, doc_002.txt and so on", rename), std::nullopt);
  EXPECT_EQ(ignored("rename all to page_001.txt and so on", rename), "page_001.txt");
  EXPECT_EQ(ignored("rename report_2023.csv to r_001.csv",
                    "files=\"report_2024.csv\", match=\"*\", to=\"r_{n:3}.csv\""),
            "report_2023.csv");
  EXPECT_EQ(ignored("rename all to doc_001.txt", "to=\"doc_2.txt\""), "doc_001.txt");
  const char* prefix = "match=\\\"*.md\\\", to=\\\"old_{1}.txt\\\"";  // as JSON writes it
  EXPECT_EQ(ignored("so that notes.md becomes old_notes.txt", prefix), std::nullopt);
  EXPECT_EQ(ignored("so that notes.md becomes new_notes.txt", prefix), "new_notes.txt");
  EXPECT_EQ(ignored("so that notes.md becomes old_notes.txt", "to=\"{1}.txt\""), "old_notes.txt");
  EXPECT_EQ(ignored("call it a.txt", "to=\"{name}\""), "a.txt");
}

TEST_F(AgentTest, AFileOutsideIsNotReadAlsoThroughALink) {
  std::filesystem::create_symlink("/etc/passwd", folder_ / "link.txt");
  base::Result<tools::Toolbox> toolbox =
      tools::Toolbox::open({.workspace = folder_, .policy = *policies::builtin("default")});
  ASSERT_TRUE(toolbox);
  for (const char* path : {"/etc/passwd", "../../etc/passwd", "link.txt", "a\nb"}) {
    const base::Result<tools::Observation> read = toolbox->call("read_file", {{"path", path}}, {});
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_TRUE(read->error) << path;
    EXPECT_EQ(read->text.find("root:"), std::string::npos) << path;
  }
}

TEST(Toolbox, ProgramsAndScriptsBringTheirFilesInAsRunsThatCanBeUndone) {
  std::string name = (std::filesystem::temp_directory_path() / "tessera-toolbox-XXXXXX").string();
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  const std::filesystem::path folder = name;
  std::ofstream(folder / "notes.txt") << "mine\n";
  std::ofstream(folder / "in.csv") << "name,n\na,1\n";
  {
    base::Result<tools::Toolbox> toolbox =
        tools::Toolbox::open({.workspace = folder, .policy = *policies::builtin("default")});
    ASSERT_TRUE(toolbox) << toolbox.error().message;
    auto call = [&](const char* tool, const char* argument, const char* text) {
      base::Result<tools::Observation> seen = toolbox->call(tool, {{argument, text}}, {});
      return seen ? seen->text : seen.error().message;
    };
    if (const std::string first = call("run_command", "command", "cat notes.txt");
        first.rfind("error: sandbox: ", 0) == 0)
      GTEST_SKIP() << first;
    EXPECT_EQ(call("run_command", "command", "cat notes.txt; echo more >> notes.txt; mkdir .git"),
              "mine\nchanged: notes.txt (5 -> 10 bytes)\nnot kept: .git: its name is protected");
    EXPECT_EQ(call("run_command", "command", "seq 3; exit 4"), "error: 1\n2\n3\nexit code 4");
    const std::string flood = call("run_command", "command", "seq 100000");
    EXPECT_LT(flood.size(), 4000u);
    EXPECT_NE(flood.find("bytes left out"), std::string::npos);
    EXPECT_EQ(flood.substr(flood.size() - 6), "100000");
    if (access("/usr/bin/python3", X_OK) == 0) {
      EXPECT_EQ(call("run_python", "code", "print(open('notes.txt').read())"), "mine\nmore");
    }
    // A table that a script saves is there for the next script, and is no longer new for it.
    const char* save = "data.read('in.csv'):save('out.csv')";
    const std::string saved = call("run_lua", "code", save);
    EXPECT_TRUE(std::filesystem::exists(folder / "out.csv")) << saved;
    EXPECT_NE(call("run_lua", "code", "print(read_text('out.csv'))").find("name"),
              std::string::npos);
    EXPECT_NE(call("run_lua", "code", save).find("exists already"), std::string::npos);
    EXPECT_NE(call("run_lua", "code", "print(read_text('.tessera/undo/0001/run'))").find("hidden"),
              std::string::npos);
    base::Result<sandbox::Journal> journal = sandbox::Journal::open(folder);
    ASSERT_TRUE(journal) << journal.error().message;
    ASSERT_TRUE(journal->undo(""));  // the script
    EXPECT_FALSE(std::filesystem::exists(folder / "out.csv"));
    ASSERT_TRUE(journal->undo(""));  // the command
    std::ifstream notes(folder / "notes.txt");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(notes), {}), "mine\n");
  }
  std::filesystem::remove_all(folder);
}

TEST(Toolbox, AMissingFolderAndAnUnknownToolAreSaid) {
  EXPECT_EQ(tools::Toolbox::open(
                {.workspace = "/nowhere/at/all", .policy = *policies::builtin("default")})
                .error()
                .code,
            base::Errc::not_found);
  base::Result<tools::Toolbox> toolbox =
      tools::Toolbox::open({.workspace = std::filesystem::temp_directory_path(),
                            .policy = *policies::builtin("default")});
  ASSERT_TRUE(toolbox) << toolbox.error().message;
  const base::Result<tools::Observation> output = toolbox->call("rm", json::object(), {});
  ASSERT_TRUE(output);
  EXPECT_TRUE(output->error);
  EXPECT_NE(output->text.find("run_lua"), std::string::npos);
}

TEST(Numbers, AreFoundWithTheirRoundingsAndWordsStayWhole) {
  AnswerWords words;
  collect_numbers(
      "chart-2.png: bar chart, 3 rows\nhighest mass: Gentoo 5076.018 (2014-08-11), -2.5% Q1",
      words);
  EXPECT_EQ(words.numbers, (std::vector<std::string>{"3", "5076.018", "5076.02", "5076.0", "5076",
                                                     "-2.5", "-2.50", "-2"}));
  EXPECT_EQ(words.words, (std::vector<std::string>{"chart-2.png", "2014-08-11", "Q1"}));
}

TEST(Numbers, TwoWordsThatAreOneLabelAreOfferedTogether) {
  AnswerWords words;
  collect_numbers("highest count: 2014 Q1 12\n2014,Q2 3 5", words);
  EXPECT_EQ(words.numbers, (std::vector<std::string>{"2014", "12", "3", "5"}));
  EXPECT_EQ(words.words, (std::vector<std::string>{"2014 Q1", "Q1", "Q1 12", "Q2", "Q2 3"}));
}

}  // namespace
}  // namespace agent
