// The loop for models that no grammar holds, with a scripted model and everything else real.

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "agent/agent.h"
#include "base/file.h"
#include "base/json.h"
#include "tests/fakes/scripted_model.h"
#include "tests/model/folder.h"
#include "tools/file/service.h"

namespace agent {
namespace {

using nlohmann::json;

class FreeLoopTest : public testing::Test {
 protected:
  void SetUp() override { write("shops.csv", "shop,revenue\nNorth,12.5\nSouth,30\nEast,4.25\n"); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }
  std::string text(const std::string& name) const {
    const base::Result<std::string> read = base::read_file(folder_ / name, 1 << 20);
    return read ? *read : read.error().message;
  }

  RunResult run(ScriptedModel& model, const std::string& request,
                RunOptions options = kFreeRunOptions, const std::string& policy = "default") {
    model.free = true;
    base::Result<tools::Toolbox> toolbox = tools::Toolbox::open(
        {.workspace = folder_, .policy = *policies::builtin(policy), .file_tools = true});
    if (!toolbox) return {.answer = toolbox.error().message};
    events_.clear();
    base::Result<RunResult> result =
        agent::run(request, model, *toolbox, endpoint_prompt(), options,
                   [this](const json& e) { events_.push_back(e); }, {});
    return result ? *result : RunResult{.answer = "error: " + result.error().message};
  }

  static ModelReply lua(const std::string& code, const std::string& id = "a") {
    ModelReply reply = calls("", "run_lua", {{"code", code}});
    reply.message.calls[0].id = id;
    return reply;
  }
  static std::string last_text(const ScriptedModel& model, size_t turn) {
    return turn < model.asked.size() ? model.asked[turn].conversation.back().text : "not asked";
  }

  const TestFolder made_;
  const std::filesystem::path& folder_ = made_.path();
  std::vector<json> events_;
};

TEST_F(FreeLoopTest, CallsFollowCallsUntilAReplyHasNone) {
  ScriptedModel model(
      {lua("print(data.read(\"shops.csv\"):sum(\"revenue\"))"),
       calls("Now the file.", "write_file", {{"path", "sum.txt"}, {"text", "46.75\n"}}),
       calls("", "edit_file", {{"path", "sum.txt"}, {"old", "46.75"}, {"new", "total 46.75"}}),
       says("The sum is 46.75; sum.txt has it.")});
  std::string watched;
  RunOptions options = kFreeRunOptions;
  options.progress = [&](const ReplyProgress& p) {
    watched += p.kind == ReplyProgress::Kind::asked  ? "("
               : p.kind == ReplyProgress::Kind::said ? std::string(p.text)
                                                     : std::to_string(p.read > 0) + ")";
  };
  const RunResult result = run(model, "write the sum to a file", options);
  EXPECT_EQ(watched, "(1)(Now the file.1)(1)(The sum is 46.75; sum.txt has it.1)");
  EXPECT_EQ(result.status, Status::ok) << result.answer;
  EXPECT_EQ(result.answer, "The sum is 46.75; sum.txt has it.");
  EXPECT_EQ(result.tool_calls, 3);
  EXPECT_EQ(text("sum.txt"), "total 46.75\n");
  EXPECT_EQ(last_text(model, 1), "46.75");
  EXPECT_EQ(model.asked[0].grammar, "");
  EXPECT_EQ(events_.back()["type"], "text");
}

TEST_F(FreeLoopTest, NumbersThatNoStepShowedAreNamedOnce) {
  ScriptedModel model({says("The sum is 99.5."), lua("print(46.75)"), says("The sum is 46.75.")});
  const RunResult result = run(model, "sum of the revenue");
  EXPECT_EQ(result.status, Status::ok);
  EXPECT_EQ(result.answer, "The sum is 46.75.");
  EXPECT_NE(last_text(model, 1).find("stand in no result, file or request: 99.5."),
            std::string::npos)
      << last_text(model, 1);
}

TEST_F(FreeLoopTest, NumbersThatStayAreSaidInTheAnswer) {
  ScriptedModel model(
      {says("The sum is 99.5."), says("It is 99.5 of 30, in 2 shops, as you asked for 7.")});
  const RunResult result = run(model, "sum of the 7 best");
  EXPECT_EQ(result.status, Status::ok);
  EXPECT_EQ(result.answer,
            "It is 99.5 of 30, in 2 shops, as you asked for 7.\nnot found in any step: 99.5, 2");
}

TEST_F(FreeLoopTest, ACutReplyIsNotRunAndSaid) {
  ModelReply cut = lua("print(1)");
  cut.message.calls.clear();
  cut.cut = true;
  ScriptedModel model({cut, says("Done.")});
  EXPECT_EQ(run(model, "anything").answer, "Done.");
  EXPECT_NE(last_text(model, 1).find("cut off"), std::string::npos);
  ScriptedModel stubborn({cut, cut, says("never asked")});
  const RunResult result = run(stubborn, "anything");
  EXPECT_EQ(result.status, Status::error);
  EXPECT_EQ(result.tool_calls, 0);
  EXPECT_EQ(stubborn.asked.size(), 2u);
}

TEST_F(FreeLoopTest, AnEmptyReplyIsAskedAgainOnce) {
  ScriptedModel model({says(""), says("Done.")});
  EXPECT_EQ(run(model, "anything").answer, "Done.");
  ScriptedModel silent({says(""), says("")});
  EXPECT_EQ(run(silent, "anything").answer, "The model replied with nothing.");
}

TEST_F(FreeLoopTest, ArgumentsThatCannotBeReadAreAnObservation) {
  ModelReply bad = lua("", "x");
  bad.message.calls[0].arguments = json::object();
  bad.unreadable = {{"x", "the arguments of run_lua are no JSON object"}};
  ScriptedModel model({bad, says("Done.")});
  const RunResult result = run(model, "anything");
  EXPECT_EQ(result.answer, "Done.");
  EXPECT_EQ(result.tool_calls, 0);
  EXPECT_EQ(
      last_text(model, 1),
      "error: the arguments of run_lua are no JSON object; nothing was run. Write the call again");
  EXPECT_EQ(model.asked[1].conversation.back().call_id, "x");
}

TEST_F(FreeLoopTest, TheSameFailingCallIsNamedAndThenEndsTheRun) {
  const ModelReply fails = lua("error(\"again\")");
  ScriptedModel model({fails, lua("print(1)"), fails, fails, says("never asked")});
  const RunResult result = run(model, "loop");
  EXPECT_EQ(result.status, Status::error);
  EXPECT_NE(result.answer.find("same failing call 3 times (run_lua)"), std::string::npos)
      << result.answer;
  EXPECT_EQ(model.asked.size(), 4u);
  EXPECT_NE(last_text(model, 3).find("failed in the same way before"), std::string::npos)
      << last_text(model, 3);
}

TEST_F(FreeLoopTest, TurnsAndTimeAreBounded) {
  std::vector<ModelReply> many;
  for (int i = 0; i < 9; ++i) many.push_back(lua("print(" + std::to_string(i) + ")"));
  ScriptedModel model(many);
  const RunResult turns =
      run(model, "loop", {.max_turns = 3, .max_time = std::chrono::seconds(60)});
  EXPECT_TRUE(turns.out_of_budget);
  EXPECT_EQ(model.asked.size(), 3u);
  ScriptedModel late(many);
  const RunResult time = run(late, "loop", {.max_turns = 3, .max_time = std::chrono::seconds(0)});
  EXPECT_TRUE(time.out_of_budget);
  EXPECT_TRUE(late.asked.empty());
}

TEST_F(FreeLoopTest, APictureThatIsReadIsShownToAModelThatSees) {
  ModelReply chart =
      lua("chart.bar(data.read(\"shops.csv\"), {x = \"shop\", y = \"revenue\", save = \"a.png\"})");
  ScriptedModel model({chart, calls("", "read_file", {{"path", "a.png"}}),
                       calls("", "read_file", {{"path", "shops.csv"}}), says("Seen.")});
  model.looks = true;
  const RunResult result = run(model, "draw and look");
  EXPECT_EQ(result.answer, "Seen.");
  ASSERT_EQ(result.charts.size(), 1u);
  ASSERT_EQ(model.asked.size(), 4u);
  ASSERT_EQ(model.asked[1].conversation.back().media.size(), 1u) << "the chart that was drawn";
  ASSERT_EQ(model.asked[2].conversation.back().media.size(), 1u)
      << model.asked[2].conversation.back().text;
  EXPECT_EQ(model.asked[2].conversation.back().media[0].bytes, text("a.png"));
  EXPECT_TRUE(model.asked[3].conversation.back().media.empty());
}

TEST_F(FreeLoopTest, ARecordingThatIsReadIsWrittenDownByAModelThatHears) {
  // A tenth of a second of 16-bit sound at 8000 samples a second.
  std::string wav(
      "RIFF\x64\x06\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x40\6\0\0",
      44);
  for (int i = 0; i < 1600; ++i) wav += static_cast<char>(i % 50);
  std::ofstream(folder_ / "memo.wav") << wav;
  for (const bool hears : {true, false}) {
    ScriptedModel model({calls("", "read_file", {{"path", "memo.wav"}}),
                         calls("", "read_file", {{"path", "shops.csv"}}), says("Heard.")});
    if (hears) model.heard = "Buy more tea.";
    EXPECT_EQ(run(model, "what does the memo say?").answer, "Heard.");
    const std::string said = last_text(model, 1);
    EXPECT_TRUE(said.starts_with("memo.wav: WAV sound, 0.1 seconds")) << said;
    EXPECT_EQ(said.find("what was heard: Buy more tea.") != said.npos, hears) << said;
    EXPECT_EQ(model.n_recording_bytes, hears ? wav.size() : 0);
    EXPECT_EQ(last_text(model, 2).find("heard"), std::string::npos);
  }
}

TEST_F(FreeLoopTest, NoPictureIsShownThroughALink) {
  std::string outside = (std::filesystem::temp_directory_path() / "free_loop_out.XXXXXX").string();
  ::close(::mkstemp(outside.data()));
  std::ofstream(outside) << "\x89PNG\r\n\x1a\nsecret";
  std::filesystem::create_symlink(outside, folder_ / "link.png");
  ScriptedModel model({calls("", "read_file", {{"path", "link.png"}}),
                       calls("", "read_file", {{"path", outside}}), says("Done.")});
  model.looks = true;
  EXPECT_EQ(run(model, "look").answer, "Done.");
  for (size_t turn : {1u, 2u}) {
    EXPECT_TRUE(model.asked[turn].conversation.back().media.empty());
    EXPECT_TRUE(last_text(model, turn).starts_with("error: ")) << last_text(model, turn);
  }
  std::filesystem::remove(outside);
}

TEST_F(FreeLoopTest, DeclinedAndRefusedCallsEndTheRun) {
  ScriptedModel model({calls("", "decline", {{"reason", "There is no weather here."}})});
  const RunResult declined = run(model, "weather?");
  EXPECT_EQ(declined.status, Status::refused);
  EXPECT_EQ(declined.answer, "There is no weather here.");
  ScriptedModel writes({calls("", "write_file", {{"path", "a.txt"}, {"text", "x"}})});
  const RunResult refused = run(writes, "write", kFreeRunOptions, "review");
  EXPECT_EQ(refused.status, Status::refused) << refused.answer;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "a.txt"));
}

TEST_F(FreeLoopTest, AnUnknownToolIsAnObservation) {
  ScriptedModel model({calls("", "rm", json::object()), says("Done.")});
  EXPECT_EQ(run(model, "x").answer, "Done.");
  EXPECT_NE(last_text(model, 1).find("there is no tool rm"), std::string::npos);
}

TEST_F(FreeLoopTest, AnEmptyFolderIsNoObstacle) {
  std::filesystem::remove(folder_ / "shops.csv");
  ScriptedModel model(
      {calls("", "write_file", {{"path", "a.txt"}, {"text", "x"}}), says("Made a.txt.")});
  EXPECT_EQ(run(model, "make a.txt").answer, "Made a.txt.");
  EXPECT_EQ(text("a.txt"), "x");
}

TEST_F(FreeLoopTest, OldTurnsBecomeNotesWhenTheConversationIsTooLong) {
  const auto long_line = [](const char* word) {
    return lua("print(string.rep(\"" + std::string(word) + " \", 700))");
  };
  ScriptedModel model({long_line("one."), long_line("two."), long_line("ten."), says("Done.")});
  model.too_long_above = endpoint_prompt().system.size() + 9000;
  EXPECT_EQ(run(model, "x").answer, "Done.");
  const auto& last = model.asked.back().conversation;
  EXPECT_TRUE(last[2].text.starts_with("Notes on the work so far")) << last[2].text;
  EXPECT_NE(last[2].text.find("1. run_lua (print"), std::string::npos) << last[2].text;
  EXPECT_GT(last.back().text.size(), 1500u) << "the newest result is kept, if shorter";
  ScriptedModel never({says("Done.")});
  never.too_long_above = 10;
  EXPECT_EQ(run(never, "x").answer, "error: the conversation is too long");
}

TEST_F(FreeLoopTest, EveryExampleOfThePromptRuns) {
  write("sales.csv",
        "shop,amount,day\nBern,120.5,2024-01-05\nChur,80,2024-01-20\nBern,200,2024-02-03\nChur,,"
        "2024-02-11\n");
  write("shops.csv", "shop,city\nBern,Bern\nChur,Chur\n");
  base::Result<tools::Toolbox> toolbox = tools::Toolbox::open(
      {.workspace = folder_, .policy = *policies::builtin("default"), .file_tools = true});
  ASSERT_TRUE(toolbox) << toolbox.error().message;
  const std::string system = endpoint_prompt().system;
  // With the tools at most 1,500 tokens of Gemma's tokenizer (docs/agent.md), which are these
  // bytes.
  size_t bytes = system.size();
  for (const model::ToolDeclaration& tool : endpoint_prompt().tools)
    bytes += tool.name.size() + tool.description.size() + tool.parameters.dump().size();
  EXPECT_LE(bytes, 5050u);
  const auto blocks = [&](const std::string& kind) {
    std::vector<std::string> found;
    for (size_t at = 0; (at = system.find("```" + kind + "\n", at)) != system.npos;) {
      at += kind.size() + 4;
      found.push_back(system.substr(at, system.find("\n```", at) - at));
    }
    return found;
  };
  const std::vector<std::string> scripts = blocks("lua"), plans = blocks("plan");
  ASSERT_GE(scripts.size(), 3u);
  ASSERT_EQ(plans.size(), 1u);
  for (const std::string& script : scripts) {
    const base::Result<tools::Observation> made = toolbox->run_lua(script, {});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_FALSE(made->error) << script << "\n" << made->text;
  }
  // What it says in words.
  const char* said = R"lua(
t = data.read("sales.csv")
for _, op in ipairs({"==", "~=", "<", "<=", ">", ">="}) do assert(t:where("amount", op, 100):count() >= 0) end
print(t:where("shop", "contains", "er"):count())
for _, how in ipairs({"mean", "median", "min", "max"}) do print(t:group("shop")[how](t:group("shop"), "amount")) end
print(t:group("shop"):count(), t:year("day"):quarter("day"):week("day"):weekday("day"):head(1))
for _, how in ipairs({"left", "anti"}) do print(t:join(data.read("shops.csv"), "shop", how):count()) end
print(t:missing("amount"), t:known("amount"):count(), #t:notes(), data.profile("sales.csv"):count())
print(t:window("r", "rank", {order = "amount", desc = true, by = "shop"}))
print(t:window("l", "lag", {column = "amount", n = 1}):window("c", "cumulative_sum", {column = "amount"}))
print(t:window("m", "moving_average", {column = "amount", order = "day", n = 2}))
wide = t:month("day"):pivot("shop", "month", "amount", "sum")
print(wide:unpivot({"2024-01", "2024-02"}, "month", "amount"):count())
k = t:known("amount")
chart.area(k, {x = "day", y = "amount"})
chart.scatter(k, {x = "day", y = "amount"})
chart.pie(k:group("shop"):sum("amount"), {x = "shop", y = "amount"})
chart.box(k, {x = "shop", y = "amount"})
chart.heatmap(k:month("day"):group({"shop", "month"}, {n = "count"}), {x = "shop", y = "month", color = "n"})
t:save("said.json")
t:to_parquet("said.parquet")
t:to_xlsx("said.xlsx")
assert(not pcall(function() t:save("sales.csv") end))
print(#read_text("sales.csv"))
)lua";
  const base::Result<tools::Observation> in_words = toolbox->run_lua(said, {});
  ASSERT_TRUE(in_words) << in_words.error().message;
  EXPECT_FALSE(in_words->error) << in_words->text;
  for (const char* name : {"said.json", "said.parquet", "said.xlsx", "shops.png", "hist.png",
                           "spec.png", "sums.csv", "sales.html"})
    EXPECT_TRUE(std::filesystem::exists(folder_ / name)) << name;
  for (const bool apply : {false, true}) {
    const base::Result<tools::Observation> made =
        toolbox->call("file_plan", {{"plan", json::parse(plans[0])}, {"apply", apply}}, {});
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_FALSE(made->error) << made->text;
  }
  EXPECT_TRUE(std::filesystem::exists(folder_ / "orders.csv"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "old.zip"));
}

TEST(EndpointPrompt, DeclaresTheToolsAsTheyAre) {
  const Prompt prompt = endpoint_prompt();
  std::vector<std::string> names;
  for (const model::ToolDeclaration& tool : prompt.tools) {
    names.push_back(tool.name);
    EXPECT_FALSE(tool.description.empty());
    for (const tools::file::ToolInfo& info : tools::file::tool_infos()) {
      if (info.name != tool.name) continue;
      json own = json::parse(info.schema), declared = tool.parameters;
      EXPECT_EQ(own.value("required", json::array()), declared.value("required", json::array()))
          << tool.name;
      for (json& property : declared["properties"]) property.erase("description");
      EXPECT_EQ(own["properties"], declared["properties"]) << tool.name;
    }
  }
  EXPECT_EQ(names, (std::vector<std::string>{"run_lua", "run_python", "run_command", "profile",
                                             "find_files", "read_file", "write_file", "edit_file",
                                             "file_plan", "update_plan", "task", "decline"}));
}

}  // namespace
}  // namespace agent
