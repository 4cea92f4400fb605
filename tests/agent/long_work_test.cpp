// Long work by a model that no grammar holds: windows, budgets, plans, sub-tasks, structured
// answers. The model is a function of what it is shown and remembers nothing else; everything else
// is real.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>
#include <regex>

#include "agent/agent.h"
#include "agent/context_window.h"
#include "base/json.h"
#include "tests/fakes/scripted_model.h"
#include "tests/model/folder.h"

namespace agent {
namespace {

using nlohmann::json;
using Conversation = std::span<const model::Message>;

/// Answers by a function, and holds its window as servers do.
class FunctionModel final : public ChatModel {
 public:
  using Function = std::function<ModelReply(Conversation)>;
  explicit FunctionModel(Function function) : function_(std::move(function)) {}

  bool constrained() const override { return false; }
  int context() const override { return known; }
  int prompt_tokens(Conversation conversation,
                    std::span<const model::ToolDeclaration> tools) override {
    return exact ? tokens_of(conversation, tools) : 0;
  }
  base::Result<ModelReply> reply(Conversation conversation,
                                 std::span<const model::ToolDeclaration> tools,
                                 const ReplyRequest& request,
                                 const std::function<void(std::string_view)>&,
                                 std::stop_token stop) override {
    ++turns;
    if (stop.stop_requested()) return base::Error{base::Errc::cancelled, "stopped"};
    const int tokens = tokens_of(conversation, tools);
    if (window > 0 && tokens > window - std::min(4096, window / 4)) {
      ++overflows;
      known = window;
      return base::Error{base::Errc::limit,
                         "the maximum context length is " + std::to_string(window)};
    }
    most = std::max(most, tokens);
    n_tools = tools.size();
    schemas.push_back(request.schema);
    ModelReply reply = function_(conversation);
    reply.prompt_tokens = tokens;
    reply.completion_tokens = 50;
    return reply;
  }

  int window = 0, known = 0;
  bool exact = false;  ///< counts prompts, and digits as tokens of their own
  int turns = 0, overflows = 0, most = 0;
  size_t n_tools = 0;
  std::vector<std::string> schemas;

 private:
  int tokens_of(Conversation conversation, std::span<const model::ToolDeclaration> tools) const {
    size_t bytes = 0, digits = 0;
    const auto add = [&](const std::string& text) {
      bytes += text.size();
      if (exact) digits += static_cast<size_t>(std::count_if(text.begin(), text.end(), ::isdigit));
    };
    for (const model::ToolDeclaration& tool : tools)
      add(tool.name + tool.description + tool.parameters.dump());
    for (const model::Message& m : conversation) {
      add(m.text);
      bytes += 20;
      for (const model::FunctionCall& call : m.calls) add(call.arguments.dump() + call.name);
    }
    return static_cast<int>(digits + (bytes - digits) / 4);
  }

  Function function_;
};

class LongWork : public testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
  }

  RunResult run(ChatModel& model, const std::string& request, RunOptions options = kFreeRunOptions,
                std::stop_token stop = {}, session::Recorder* recorder = nullptr) {
    base::Result<tools::Toolbox> toolbox = tools::Toolbox::open(
        {.workspace = folder_, .policy = *policies::builtin("default"), .file_tools = true});
    if (!toolbox) return {.answer = toolbox.error().message};
    events_.clear();
    base::Result<RunResult> result = agent::run(
        request, model, *toolbox, endpoint_prompt(), options,
        [this](const json& e) { events_.push_back(e); }, stop, recorder);
    return result ? *result : RunResult{.answer = "error: " + result.error().message};
  }
  json last_event(const std::string& type, const std::string& tool = {}) const {
    for (auto it = events_.rbegin(); it != events_.rend(); ++it)
      if ((*it)["type"] == type && (tool.empty() || it->value("tool", "") == tool)) return *it;
    return nullptr;
  }
  static ModelReply calling(std::vector<model::FunctionCall> list) {
    ModelReply reply = says("");
    for (size_t i = 0; i < list.size(); ++i) list[i].id = "c" + std::to_string(i);
    reply.message.calls = std::move(list);
    return reply;
  }

  const TestFolder made_;
  const std::filesystem::path& folder_ = made_.path();
  std::vector<json> events_;
};

struct Session {
  int window;
  bool told;  ///< the server says how large it is
  int files;
  int file_bytes;
};

TEST_F(LongWork, ALongSessionInASmallWindowEndsWithTheRightAnswer) {
  for (const Session& session :
       {Session{8192, true, 50, 2500}, Session{8192, false, 12, 9000},
        Session{16384, false, 16, 9000}, Session{32768, true, 16, 15000}}) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
    int64_t sum = 0;
    for (int i = 1; i <= session.files; ++i) {
      const int value = 1000 + 7919 * i % 9000;
      sum += value;
      std::string text;
      while (text.size() < static_cast<size_t>(session.file_bytes))
        text += "Nothing of interest stands in this line of the file.\n";
      write("box" + std::to_string(i) + ".txt",
            text + "box " + std::to_string(i) + " holds " + std::to_string(value) + "\n");
    }
    FunctionModel model([&](Conversation conversation) {
      std::map<int, int> known;
      std::string noted;
      bool summed = false;
      std::string all;
      for (const model::Message& m : conversation) {
        if (m.role != model::Role::model) all += m.text + "\n";
        if (m.role == model::Role::tool && m.name == "run_lua") summed = true;
        for (const model::FunctionCall& call : m.calls)
          if (call.name == "update_plan") all += call.arguments["notes"].get<std::string>() + "\n";
      }
      static const std::regex fact("box ([0-9]+) holds ([0-9]+)");
      for (std::sregex_iterator it(all.begin(), all.end(), fact), end; it != end; ++it)
        known[std::stoi((*it)[1])] = std::stoi((*it)[2]);
      if (summed) return says("The boxes hold " + conversation.back().text + ".");
      std::string notes, list;
      for (const auto& [box, value] : known) {
        notes += "box " + std::to_string(box) + " holds " + std::to_string(value) + "\n";
        list += (list.empty() ? "" : "+") + std::to_string(value);
      }
      int next = 1;
      while (known.contains(next)) ++next;
      const bool plan_last = conversation.back().role == model::Role::tool &&
                             conversation.back().name == "update_plan";
      if (next > session.files) return calls("", "run_lua", {{"code", "print(" + list + ")"}});
      if (!plan_last && known.size() % 5 == 4)
        return calls("", "update_plan",
                     {{"steps", {{{"step", "read all boxes"}, {"status", "in_progress"}}}},
                      {"notes", notes}});
      return calls("", "read_file", {{"path", "box" + std::to_string(next) + ".txt"}});
    });
    model.window = session.window;
    model.known = session.told ? session.window : 0;
    const RunResult result = run(model, "what do all boxes hold together?",
                                 {.max_turns = 90, .max_time = std::chrono::seconds(300)});
    EXPECT_EQ(result.status, Status::ok) << result.answer;
    EXPECT_EQ(result.answer, "The boxes hold " + std::to_string(sum) + ".") << session.window;
    EXPECT_LE(model.overflows, session.told ? 0 : 1) << session.window;
    EXPECT_GE(model.turns, session.files + 2);
    std::printf("window %d: %d turns, longest prompt %d tokens\n", session.window, model.turns,
                model.most);
  }
}

TEST_F(LongWork, AContinuedSessionInASmallWindowKeepsWhatWasDoneBefore) {
  constexpr int kBoxes = 16, kBefore = 8;
  for (const int window : {8192, 16384, 32768}) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    int64_t sum = 0;
    for (int i = 1; i <= kBoxes; ++i) {
      const int value = 1000 + 7919 * i % 9000;
      sum += value;
      std::string text;
      while (text.size() < static_cast<size_t>(window) / 3)
        text += "Shelf " + std::to_string(70000 + 977 * i + text.size()) + " is empty.\n";
      write("box" + std::to_string(i) + ".txt",
            text + "box " + std::to_string(i) + " holds " + std::to_string(value) + "\n");
    }
    // Knows what it is shown; where the sum has to go stands in the plan of the first request
    // alone.
    FunctionModel model([&](Conversation conversation) {
      std::string all;
      for (const model::Message& m : conversation) {
        if (m.role != model::Role::model) all += m.text + "\n";
        for (const model::FunctionCall& call : m.calls)
          if (call.name == "update_plan") all += call.arguments.dump() + "\n";
      }
      std::map<int, int> known;
      static const std::regex fact("box ([0-9]+) holds ([0-9]+)"), place("sum to ([a-z/]+[.]txt)");
      for (std::sregex_iterator it(all.begin(), all.end(), fact), end; it != end; ++it)
        known[std::stoi((*it)[1])] = std::stoi((*it)[2]);
      const bool second = all.find("and the rest") != all.npos;
      const std::string last =
          conversation.back().role == model::Role::tool ? conversation.back().name : "";
      int next = 1;
      while (known.contains(next)) ++next;
      if (!second && last == "update_plan") return says("Half of the boxes are read.");
      if (!second && next > kBefore)
        return calls("", "update_plan",
                     {{"steps",
                       {{{"step", "read the first half"}, {"status", "done"}},
                        {{"step", "write the sum to out/sum.txt"}, {"status", "pending"}}}}});
      if (last == "write_file") return says("The sum is written.");
      if (next <= kBoxes) {
        model::FunctionCall call{.name = "read_file",
                                 .arguments = {{"path", "box" + std::to_string(next) + ".txt"}},
                                 .id = "c" + std::to_string(next)};
        ModelReply reply = says("");
        reply.message.calls = {std::move(call)};
        return reply;
      }
      std::smatch to;
      if (!std::regex_search(all, to, place)) return says("Where to is not known any more.");
      int64_t total = 0;
      for (const auto& [box, value] : known) total += value;
      return calls("", "write_file", {{"path", to[1]}, {"text", std::to_string(total)}});
    });
    model.window = model.known = window;
    model.exact = true;
    const std::filesystem::path state = folder_ / ".state";
    std::filesystem::create_directories(state);
    auto store = session::Store::open({.path = state / "sessions.db"});
    ASSERT_TRUE(store) << store.error().message;
    std::vector<model::Message> past;
    for (const auto& [id, request] : {std::pair("aaaaaaaa", "read the first half of the boxes"),
                                      std::pair("bbbbbbbb", "and the rest")}) {
      auto recorder = session::Recorder::begin(*store, {.id = id, .request = request}, past, {});
      ASSERT_TRUE(recorder) << recorder.error().message;
      const RunResult result =
          run(model, request, {.max_turns = 90, .max_time = std::chrono::seconds(300)}, {},
              recorder->get());
      EXPECT_EQ(result.status, Status::ok) << window << ": " << result.answer;
      (*recorder)->finish("ok", "{}");
      const auto saved = (*store)->load(id);
      ASSERT_TRUE(saved);
      const auto said = session::conversation_of(
          *saved, [&](const std::string& digest) { return (*store)->picture(digest); }, -1);
      ASSERT_TRUE(said) << said.error().message;
      past = *said;
      // Whole, though most of it was left out of the prompts: each call with its result.
      const auto results = std::count_if(past.begin(), past.end(), [](const model::Message& m) {
        return m.role == model::Role::tool && m.text.find(" holds ") != m.text.npos;
      });
      EXPECT_EQ(results, *id == 'a' ? kBefore : kBoxes) << window;
      EXPECT_EQ(past.back().text, result.answer) << window;
    }
    std::ifstream file(folder_ / "out" / "sum.txt");
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), std::to_string(sum)) << window;
    EXPECT_EQ(model.overflows, 0) << window;
    EXPECT_EQ(last_event("observation", "context")["tool"], "context") << "nothing was left out";
    std::printf("window %d, continued: %d turns, longest prompt %d tokens\n", window, model.turns,
                model.most);
  }
}

TEST_F(LongWork, NotesKeepPlanFilesAndResults) {
  std::vector<MadeCall> calls;
  for (int i = 1; i <= 60; ++i)
    calls.push_back({.step = i,
                     .tool = "run_lua",
                     .arguments = json{{"code", "print(" + std::to_string(i) + ")"}}.dump(),
                     .result = "value " + std::to_string(1000 + i)});
  std::vector<model::Message> conversation = {{.role = model::Role::system, .text = "system"},
                                              {.role = model::Role::user, .text = "request"}};
  for (int i = 1; i <= 60; ++i) {
    conversation.push_back(says("").message);
    conversation.back().calls.push_back(
        {.name = "run_lua", .arguments = {{"code", "print"}}, .id = std::to_string(i)});
    conversation.push_back({.role = model::Role::tool,
                            .text = "value " + std::to_string(1000 + i) + std::string(500, 'x')});
  }
  ContextWindow window;
  ASSERT_TRUE(compact(conversation, 2, {},
                      {.plan = "[>] second step", .files = {"a.png"}, .calls = calls}, 6000,
                      window));
  EXPECT_LE(window.estimate(conversation, {}), 6000);
  EXPECT_EQ(conversation[1].text, "request");
  const std::string notes = conversation[2].text;
  for (const char* kept :
       {"[>] second step", "a.png", "1. run_lua (print(1)): value 1001", "value 1030"})
    EXPECT_NE(notes.find(kept), notes.npos) << kept << "\n" << notes;
  EXPECT_EQ(conversation[3].role, model::Role::model) << "turns stay whole";
  EXPECT_TRUE(conversation.back().text.starts_with("value 1060"));
  const size_t n = conversation.size();
  EXPECT_TRUE(
      compact(conversation, 2, {}, {.plan = "", .files = {}, .calls = calls}, 3000, window));
  EXPECT_LT(conversation.size(), n);
  EXPECT_FALSE(conversation[3].text.starts_with("Notes")) << "one message of notes";
}

TEST_F(LongWork, EachBudgetEndsTheRunWithinOneStep) {
  write("shops.csv", "shop,revenue\nNorth,12.5\nSouth,30\n");
  struct Case {
    const char* what;
    RunOptions options;
    int turns;
    const char* option;
  };
  const RunOptions free = kFreeRunOptions;
  std::vector<Case> cases = {{"turns", free, 3, "--max-turns"},
                             {"tokens", free, 1, "--max-tokens"},
                             {"bytes", free, 2, "--max-bytes"},
                             {"money", free, 2, "--max-cost"},
                             {"seconds", free, 0, "--max-seconds"}};
  cases[0].options.max_turns = 3;
  cases[1].options.max_tokens = 100;
  cases[2].options.max_bytes = 1500;
  cases[3].options.prices = {.prompt = 1, .completion = 10};
  cases[3].options.max_cost = 0.003;
  cases[4].options.max_time = std::chrono::seconds(0);
  for (const Case& c : cases) {
    int n = 0;
    FunctionModel model([&](Conversation) {
      ++n;
      return calls("", "write_file",
                   {{"path", "f" + std::to_string(n) + ".txt"}, {"text", std::string(1000, 'x')}});
    });
    const RunResult result = run(model, "write", c.options);
    EXPECT_TRUE(result.out_of_budget) << c.what << ": " << result.answer;
    EXPECT_EQ(model.turns, c.turns) << c.what;
    EXPECT_EQ(last_event("budget")["what"], c.what);
    EXPECT_NE(result.answer.find(c.option), std::string::npos) << result.answer;
    EXPECT_EQ(result.artifacts.size(), static_cast<size_t>(c.turns)) << c.what;
    if (c.turns > 0) {
      EXPECT_NE(result.answer.find("Done so far: write_file"), std::string::npos) << result.answer;
    }
    for (const std::string& file : result.artifacts) std::filesystem::remove(folder_ / file);
  }
}

TEST_F(LongWork, AStoppedRunKeepsWhatWasDone) {
  write("shops.csv", "shop,revenue\nNorth,12.5\n");
  std::stop_source stop;
  int n = 0;
  FunctionModel model([&](Conversation) {
    if (++n == 2) stop.request_stop();
    return calls("", "write_file", {{"path", "a" + std::to_string(n) + ".txt"}, {"text", "x"}});
  });
  const RunResult result = run(model, "write", kFreeRunOptions, stop.get_token());
  EXPECT_TRUE(result.cancelled) << result.answer;
  EXPECT_EQ(result.artifacts, std::vector<std::string>{"a1.txt"});
  EXPECT_NE(result.answer.find("Files: a1.txt"), std::string::npos) << result.answer;
}

TEST_F(LongWork, APlanIsToldAndWrongOnesAreNot) {
  ScriptedModel model(
      {calls("", "update_plan",
             {{"steps", {{{"step", "read"}, {"status", "done"}}, {{"step", "draw"}}}}}),
       calls("", "update_plan", {{"steps", {{{"step", "read"}, {"status", "finished"}}}}}),
       says("Done.")});
  model.free = true;
  const RunResult result = run(model, "x");
  EXPECT_EQ(result.plan, "[x] read\n[ ] draw");
  EXPECT_EQ(last_event("plan")["steps"][1]["status"], "pending");
  EXPECT_TRUE(model.asked[2].conversation.back().text.starts_with("error: update_plan: a step is"))
      << model.asked[2].conversation.back().text;
}

TEST_F(LongWork, CallsThatOnlyReadGiveTheirResultsInOrder) {
  for (int i = 1; i <= 6; ++i)
    write("f" + std::to_string(i) + ".txt", "text " + std::to_string(i) + "\n");
  std::vector<model::FunctionCall> list;
  for (int i = 1; i <= 6; ++i)
    list.push_back(
        {.name = "read_file", .arguments = {{"path", "f" + std::to_string(i) + ".txt"}}});
  list.insert(list.begin() + 3,
              {.name = "write_file", .arguments = {{"path", "f4.txt"}, {"text", "changed\n"}}});
  ScriptedModel model({calling(list), says("Read.")});
  model.free = true;
  EXPECT_EQ(run(model, "read").answer, "Read.");
  const auto& conversation = model.asked[1].conversation;
  ASSERT_EQ(conversation.size(), 10u);
  for (size_t i = 0; i < 7; ++i) {
    const model::Message& m = conversation[3 + i];
    EXPECT_EQ(m.call_id, "c" + std::to_string(i));
    if (i == 3) continue;
    const std::string expected = i == 4 ? "changed" : "text " + std::to_string(i < 3 ? i + 1 : i);
    EXPECT_NE(m.text.find(expected), std::string::npos) << i << ": " << m.text;
  }
}

TEST_F(LongWork, ASubTaskHasAConversationOfItsOwn) {
  write("shops.csv", "shop,revenue\nNorth,12.5\nSouth,31\n");
  std::vector<size_t> n_tools;
  FunctionModel* asked = nullptr;
  FunctionModel model([&](Conversation conversation) {
    n_tools.push_back(asked->n_tools);
    const std::string& request = conversation[1].text;
    const bool first = conversation.back().role == model::Role::user;
    if (request.ends_with("the sum of the part")) {
      EXPECT_EQ(request.find("whole work"), std::string::npos);
      return first ? calls("", "run_lua",
                           {{"code", "print(data.read(\"shops.csv\"):sum(\"revenue\"))"}})
                   : says("The sum is 43.5, not 99.");
    }
    return first ? calls("", "task", {{"request", "the sum of the part"}})
                 : says(conversation.size() < 6 ? "It is 43.5 and 99." : "It is 43.5.");
  });
  asked = &model;
  const RunResult result = run(model, "the whole work");
  EXPECT_EQ(result.status, Status::ok) << result.answer;
  EXPECT_TRUE(result.answer.starts_with("It is 43.5")) << result.answer;
  std::string checks;
  for (const json& e : events_)
    if (e.value("tool", "") == "number check" && !e.contains("task"))
      checks += e["text"].get<std::string>();
  EXPECT_EQ(checks, "not found in any step: 99") << "what a sub-task made up vouches for nothing";
  EXPECT_EQ(n_tools[1] + 1, n_tools[0]);
  bool told = false;
  for (const json& e : events_)
    told = told || (e["type"] == "call" && e["tool"] == "run_lua" && e["task"] == 1);
  EXPECT_TRUE(told);
}

TEST_F(LongWork, AnAnswerFitsItsSchema) {
  write("shops.csv", "shop,revenue\nNorth,12.5\nSouth,31\n");
  RunOptions options = kFreeRunOptions;
  options.schema =
      R"({"type":"object","properties":{"sum":{"type":"number"}},"required":["sum"],"additionalProperties":false})";
  const auto model_of = [](std::vector<std::string> answers) {
    return [answers, n = size_t{0}](Conversation conversation) mutable {
      if (conversation.size() == 2)
        return calls("", "run_lua", {{"code", "print(data.read(\"shops.csv\"):sum(\"revenue\"))"}});
      return says(answers[std::min(n++, answers.size() - 1)]);
    };
  };
  FunctionModel good(model_of({"```json\n{\"sum\": 43.5}\n```"}));
  EXPECT_EQ(run(good, "sum", options).answer, "{\"sum\":43.5}");
  FunctionModel repaired(model_of({"The sum is 43.5.", "{\"sum\": 43.5}"}));
  EXPECT_EQ(run(repaired, "sum", options).answer, "{\"sum\":43.5}");
  EXPECT_EQ(repaired.schemas.back(), options.schema) << "the server is asked to hold it";
  EXPECT_EQ(repaired.n_tools, 0u);
  FunctionModel wrong(model_of({"{\"sum\": \"43.5\"}"}));
  const RunResult result = run(wrong, "sum", options);
  EXPECT_EQ(result.status, Status::error);
  EXPECT_NE(result.answer.find("does not fit the schema"), std::string::npos) << result.answer;
  options.schema = "{\"type\": \"nothing\"}";
  EXPECT_TRUE(run(good, "sum", options).answer.starts_with("error: schema"))
      << run(good, "sum", options).answer;
}

TEST_F(LongWork, TrapsOfTheUsedTableAreNamed) {
  write("sales.csv", "shop,amount\nBern,10\nChur,20\nThun,30\nTotal,60\n");
  write("other.csv", "shop,amount\nBern,10\nTotal,10\n");
  const auto asking = [](const char* code, const char* answer) {
    return FunctionModel([=](Conversation conversation) {
      return conversation.size() == 2 ? calls("", "run_lua", {{"code", code}}) : says(answer);
    });
  };
  FunctionModel sums = asking("print(data.read('sales.csv'):sum('amount'))", "The sum is 120.");
  const RunResult result = run(sums, "sum of the amounts");
  EXPECT_EQ(result.answer,
            "The sum is 120.\n\nNote by Tessera: sales.csv: row 4 looks like a total of the rows "
            "above it.");
  EXPECT_EQ(last_event("numbers")["numbers"][0]["step"], 1);
  FunctionModel knows = asking(
      "print(data.read('sales.csv'):where('shop', '~=', 'Total'):sum('amount'))", "The sum is 60.");
  EXPECT_EQ(run(knows, "sum of the amounts").answer, "The sum is 60.");
}

TEST_F(LongWork, JoinsThatMultiplyRowsAreNamed) {
  write("jan.csv", "day,person,hours\n1,Ada,1\n2,Ada,2\n1,Bo,3\n");
  write("feb.csv", "day,person,hours\n3,Ada,4\n4,Ada,5\n");
  const std::string join =
      "print(data.read('jan.csv'):join(data.read('feb.csv'), 'person'):sum('hours'))";
  const std::string note =
      "join: \"person\" repeats in both tables: 3 and 2 rows became 4; tables of the same columns "
      "are put together by data.union";
  const auto answer_of = [&](std::vector<std::string> scripts, const std::string& answer) {
    FunctionModel model([=, n = size_t{0}](Conversation) mutable {
      return n < scripts.size() ? calls("", "run_lua", {{"code", scripts[n++]}}) : says(answer);
    });
    return run(model, "sum of the hours").answer;
  };
  EXPECT_EQ(answer_of({join}, "The sum is 6."), "The sum is 6.\n\nNote by Tessera: " + note + ".");
  EXPECT_EQ(last_event("note")["text"], note);
  EXPECT_EQ(answer_of({join}, "The sum is 6; " + note + "."), "The sum is 6; " + note + ".");
  const std::string both = "print(data.union('jan.csv', 'feb.csv'):sum('hours'))";
  EXPECT_EQ(answer_of({join, both}, "The sum is 15."), "The sum is 15.");
  EXPECT_EQ(answer_of({join, "print(1 + 5)"}, "The sum is 6."),
            "The sum is 6.\n\nNote by Tessera: " + note + ".");
}

TEST_F(LongWork, AChartThatCannotBeReadIsAskedForOnceMore) {
  std::string table = "name,n\n";
  for (int i = 0; i < 30; ++i)
    table += "name" + std::to_string(i) + "," + std::to_string(1 + i) + "\n";
  write("many.csv", table);
  const char* code = "chart.pie(data.read('many.csv'), {x = 'name', y = 'n'})";
  ScriptedModel model({calls("", "run_lua", {{"code", code}}),
                       calls("", "run_lua", {{"code", std::string(code) + " -- again"}}),
                       says("Drawn.")});
  model.free = true;
  EXPECT_EQ(run(model, "draw").answer, "Drawn.");
  EXPECT_NE(model.asked[1].conversation.back().text.find("Draw it once more"), std::string::npos)
      << model.asked[1].conversation.back().text;
  EXPECT_EQ(model.asked[2].conversation.back().text.find("Draw it once more"), std::string::npos);
}

}  // namespace
}  // namespace agent
