// Sessions with everything real but the model: killed before each of its writes, a run that is
// resumed ends as one that was left alone.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "agent/agent.h"
#include "base/file.h"
#include "base/sha256.h"
#include "sandbox/workspace/journal.h"
#include "tests/fakes/scripted_model.h"
#include "tests/model/folder.h"

namespace agent {
namespace {

using nlohmann::json;
using session::Recorder;
using session::Saved;
using session::Store;

/// Answers by how far the conversation has come, so that it needs no memory of its own.
class SteadyModel final : public ChatModel {
 public:
  base::Result<ModelReply> reply(std::span<const model::Message> conversation,
                                 std::span<const model::ToolDeclaration>, const ReplyRequest&,
                                 const std::function<void(std::string_view)>& on_text,
                                 std::stop_token) override {
    asked.assign(conversation.begin(), conversation.end());
    int turn = 0;
    for (const model::Message& m : conversation)
      turn = m.role == model::Role::user ? 0 : turn + (m.role == model::Role::model ? 1 : 0);
    if (++n_asked == fails_at) return base::Error{base::Errc::system, "the server went away"};
    if (held && turn > 0) {
      on_text("North");
      on_text(" has 12.5.");
      return says("North has 12.5.");
    }
    if (wide) return wide_reply(conversation, turn);
    ModelReply next =
        turn == 0   ? calls("I draw.", "run_lua",
                            {{"code",
                              "chart.bar(data.read(\"shops.csv\"), {x = \"shop\", y = "
                                "\"revenue\", save = \"a.png\"})"}})
        : turn == 1 ? calls("", "write_file", {{"path", "notes.txt"}, {"text", "one\n"}})
        : turn == 2 ? calls("", "edit_file",
                            {{"path", "notes.txt"}, {"old", "one"}, {"new", "one and one"}})
                    : says("North has 12.5.");
    for (model::FunctionCall& call : next.message.calls) call.id = "c" + std::to_string(turn);
    next.prompt_tokens = 7;
    return next;
  }
  bool sees() const override { return true; }
  bool constrained() const override { return held; }

  std::vector<model::Message> asked;
  int n_asked = 0, fails_at = 0;  ///< replies; at which it fails
  bool held = false;              ///< as by a grammar: one call and the answer, in two pieces
  bool wide = false;  ///< a chart, calls side by side, a sub-task that writes and reads, an edit

 private:
  static ModelReply wide_reply(std::span<const model::Message> conversation, int turn) {
    const bool part = conversation[1].text.ends_with("the part");
    const auto read = [](const char* path) {
      return model::FunctionCall{.name = "read_file", .arguments = {{"path", path}}};
    };
    ModelReply next = says(part ? "South has 30." : "North has 12.5, South 30.");
    std::vector<model::FunctionCall>& made = next.message.calls;
    if (part && turn == 0) {
      made = {{.name = "write_file", .arguments = {{"path", "part.txt"}, {"text", "South\n"}}}};
    } else if (part && turn == 1) {
      made = {read("part.txt"), read("shops.csv")};
    } else if (!part && turn == 0) {
      made = {{.name = "run_lua",
               .arguments = {{"code",
                              "chart.bar(data.read(\"shops.csv\"), {x = \"shop\", y = "
                              "\"revenue\", save = \"a.png\"})"}}},
              read("shops.csv"),
              {.name = "profile", .arguments = {{"path", "shops.csv"}}}};
    } else if (!part && turn == 1) {
      made = {{.name = "task", .arguments = {{"request", "the part"}}}};
    } else if (!part && turn == 2) {
      made = {{.name = "edit_file",
               .arguments = {{"path", "part.txt"}, {"old", "South"}, {"new", "South: 30"}}}};
    }
    for (size_t i = 0; i < made.size(); ++i)
      made[i].id = (part ? "p" : "c") + std::to_string(turn) + "-" + std::to_string(i);
    next.prompt_tokens = 7;
    return next;
  }
};

class SessionTest : public testing::Test {
 protected:
  void SetUp() override { begin_again(); }

  /// An empty store and the workspace as it was.
  void begin_again() {
    std::filesystem::remove_all(top_ / "work");
    std::filesystem::remove_all(top_ / "state");
    std::filesystem::create_directories(top_ / "work");
    std::filesystem::create_directories(top_ / "state");
    std::ofstream(top_ / "work" / "shops.csv") << "shop,revenue\nNorth,12.5\nSouth,30\n";
    notices_.clear();
  }

  std::filesystem::path path() const { return top_ / "state" / "sessions.db"; }
  std::shared_ptr<Store> store(session::StoreOptions options = {}) {
    options.path = path();
    options.notice = [this](const std::string& text) { notices_.push_back(text); };
    base::Result<std::shared_ptr<Store>> opened = Store::open(std::move(options));
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return opened ? *opened : nullptr;
  }

  /// Begins the session `aaaaaaaa`, or goes on with it. "": all went well.
  std::string run(std::shared_ptr<Store> store, SteadyModel& model, bool resume,
                  const std::vector<model::Message>& past = {}, const char* id = "aaaaaaaa") {
    const auto notice = [this](const std::string& text) { notices_.push_back(text); };
    base::Result<std::unique_ptr<Recorder>> recorder =
        resume ? Recorder::resume(store, id, notice)
               : Recorder::begin(store, {.id = id, .request = "draw"}, past, notice);
    if (!recorder) return recorder.error().message;
    base::Result<tools::Toolbox> toolbox =
        tools::Toolbox::open({.workspace = top_ / "work",
                              .policy = *policies::builtin("default"),
                              .file_tools = true,
                              .session = id});
    if (!toolbox) return toolbox.error().message;
    if (resume)
      if (auto undone = toolbox->take_back((*recorder)->runs()); !undone)
        return undone.error().message;
    const auto event = [&](const json& e) { (*recorder)->event(base::line_of(e)); };
    event({{"type", "request"}});
    base::Result<RunResult> result = agent::run("draw", model, *toolbox, endpoint_prompt(),
                                                kFreeRunOptions, event, {}, recorder->get());
    if (!result) {
      (*recorder)->finish("error", "{\"failed\":true}");
      return result.error().message;
    }
    (*recorder)->finish("ok", base::line_of({{"answer", result->answer},
                                             {"charts", result->charts.size()},
                                             {"tool_calls", result->tool_calls},
                                             {"prompt_tokens", result->prompt_tokens}}));
    return "";
  }

  /// run() in a process that is killed before its write number `kill_at`. True: it was.
  bool run_killed(int kill_at, bool held = false, bool wide = false) {
    const pid_t child = ::fork();
    if (child == 0) {
      int n = 0;
      SteadyModel model;
      model.held = held;
      model.wide = wide;
      run(store({.before_write =
                     [&] {
                       if (++n == kill_at) ::raise(SIGKILL);
                     }}),
          model, false);
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status);
  }

  /// What is in the session and in the workspace, without times.
  json outcome() {
    json all;
    base::Result<Saved> saved = store()->load("aaaaaaaa");
    if (!saved) return saved.error().message;
    all["status"] = saved->info.status;
    all["result"] = saved->info.result;
    all["events"] = saved->happened.events;
    all["messages"] = saved->happened.messages;
    for (const auto& entry : std::filesystem::directory_iterator(top_ / "work"))
      if (entry.is_regular_file())
        all["files"][entry.path().filename()] =
            base::sha256(*base::read_file(entry.path(), 1 << 22));
    return all;
  }

  const TestFolder made_;
  const std::filesystem::path& top_ = made_.path();
  std::vector<std::string> notices_;
};

TEST_F(SessionTest, KilledAnywhereAndResumedItEndsAsIfLeftAlone) {
  for (const bool held : {false, true}) {
    begin_again();
    SteadyModel model;
    model.held = held;
    model.wide = !held;
    ASSERT_EQ(run(store(), model, false), "");
    const json expected = outcome();
    ASSERT_EQ(expected["files"].size(), held ? 2u : 3u) << expected;
    ASSERT_EQ(expected["status"], "ok");
    // The system text, the request, the replies and the results, without those of the sub-task.
    ASSERT_EQ(expected["messages"].size(), held ? 5u : 11u);

    int killed = 0;
    for (int at = 1;; ++at, ++killed) {
      begin_again();
      if (!run_killed(at, held, !held)) break;
      SteadyModel again;
      again.held = held;
      again.wide = !held;
      // Before the first write there is no session.
      ASSERT_EQ(run(store(), again, at > 1), "") << "killed before write " << at;
      ASSERT_EQ(outcome(), expected) << "killed before write " << at;
    }
    EXPECT_EQ(killed, held ? 10 : 32) << "before and after each step, and once at each end";
  }
  SteadyModel model;
  EXPECT_EQ(run(store(), model, true),
            "the session aaaaaaaa is done; `tessera sessions fork aaaaaaaa \"REQUEST\"` goes on "
            "from it");
}

TEST_F(SessionTest, AModelThatFailsIsAskedAgainWithoutRunningWhatWasRun) {
  SteadyModel model;
  model.wide = true;
  ASSERT_EQ(run(store(), model, false), "");
  const json expected = outcome();
  const int n_replies = model.n_asked;
  ASSERT_EQ(n_replies, 7);
  for (int at = 1; at <= n_replies; ++at) {
    begin_again();
    SteadyModel failing;
    failing.wide = true;
    failing.fails_at = at;
    EXPECT_EQ(run(store(), failing, false), "the server went away");
    EXPECT_EQ(outcome()["status"], "error");
    // What was done is not done again: at the end the table is not even there any more.
    if (at == n_replies) std::filesystem::rename(top_ / "work" / "shops.csv", top_ / "shops.csv");
    SteadyModel again;
    again.wide = true;
    ASSERT_EQ(run(store(), again, true), "") << "failed in reply " << at;
    EXPECT_EQ(again.n_asked, n_replies + 1 - at);
    if (at == n_replies) std::filesystem::rename(top_ / "shops.csv", top_ / "work" / "shops.csv");
    EXPECT_EQ(outcome(), expected) << "failed in reply " << at;
  }
}

TEST_F(SessionTest, WhatAnInterruptedStepChangedAndAPersonAfterItIsNotTakenBack) {
  ASSERT_TRUE(run_killed(11)) << "after write_file was carried out, before that was written";
  std::ofstream(top_ / "work" / "notes.txt") << "mine\n";
  SteadyModel model;
  const std::string said = run(store(), model, true);
  EXPECT_NE(said.find("notes.txt was changed meanwhile"), said.npos) << said;
  EXPECT_EQ(*base::read_file(top_ / "work" / "notes.txt", 99), "mine\n");
}

TEST_F(SessionTest, AFullDiskEndsTheRecordAndNotTheRun) {
  SteadyModel model;
  ASSERT_EQ(run(store(), model, false), "");
  const json expected = outcome();
  begin_again();
  // Enough for the tables and the first steps, and not for the chart.
  ASSERT_EQ(run(store({.max_bytes = 17 * 4096}), model, false), "");
  ASSERT_EQ(notices_.size(), 1u);
  EXPECT_NE(notices_[0].find("there is no room for more"), std::string::npos) << notices_[0];
  const json cut = outcome();
  EXPECT_EQ(cut["status"], "running");
  EXPECT_EQ(cut["files"], expected["files"]) << "the run itself went on";
  ASSERT_EQ(run(store(), model, true), "");
  EXPECT_EQ(outcome(), expected);
}

TEST_F(SessionTest, ADamagedFileIsSetAsideAndWhatCanBeReadOfItIsKept) {
  SteadyModel model;
  ASSERT_EQ(run(store(), model, false), "");
  const json expected = outcome();
  begin_again();
  const auto garble = [&](std::streamoff at) {
    // One that nobody has open: what its log held is in it by now.
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at) << std::string(4096, '\x5a');
  };
  // While a run goes on: it is written again as a whole.
  int n = 0;
  const auto garble_once = [&] {
    if (++n != 9) return;
    std::filesystem::remove(path().string() + "-wal");
    garble(0);
  };
  ASSERT_EQ(run(store({.before_write = garble_once}), model, false), "");
  EXPECT_EQ(outcome(), expected);

  // The tables are lost: nothing can be read, and the next session finds a new file.
  garble(0);
  EXPECT_TRUE(store()->list()->empty());
  ASSERT_FALSE(notices_.empty());
  EXPECT_NE(notices_.back().find("0 sessions"), std::string::npos) << notices_.back();

  // Of a page in the middle: the sessions that do not lie on it are there as before.
  begin_again();
  for (int i = 0; i < 40; ++i) {
    auto recorder = Recorder::begin(store(), {.id = Store::new_id(), .request = "r"}, {}, {});
    ASSERT_TRUE(recorder);
    (*recorder)->event("{\"text\":\"" + std::string(3000, 'x') + "\"}");
    (*recorder)->finish("ok", "{}");
  }
  garble(static_cast<std::streamoff>(std::filesystem::file_size(path()) / 4096 / 2) * 4096);
  std::shared_ptr<Store> after = store();
  int readable = 0;
  base::Result<std::vector<session::Info>> before = after->list();
  ASSERT_TRUE(before);
  for (const session::Info& info : *before) {
    base::Result<Saved> saved = after->load(info.id);
    readable += saved && !saved->happened.events.empty() ? 1 : 0;
  }
  EXPECT_GE(readable, 30);
  EXPECT_EQ(std::filesystem::status(path()).permissions(), std::filesystem::perms(0600));
}

TEST_F(SessionTest, AnotherRequestGoesOnWithTheWholeConversation) {
  SteadyModel model;
  ASSERT_EQ(run(store(), model, false), "");
  std::shared_ptr<Store> all = store();
  base::Result<Saved> saved = all->load("aaaaaaaa");
  ASSERT_TRUE(saved);
  const auto pictures = [&](const std::string& digest) { return all->picture(digest); };
  base::Result<std::vector<model::Message>> past = session::conversation_of(*saved, pictures, -1);
  ASSERT_TRUE(past) << past.error().message;
  ASSERT_EQ(past->size(), 8u);
  SteadyModel next;
  ASSERT_EQ(run(all, next, false, *past, "bbbbbbbb"), "");
  // The earlier request, its steps with the chart as it was, and the new one.
  ASSERT_EQ(next.asked.size(), 1 + 8 + 1 + 6u);
  EXPECT_EQ(next.asked[8].text, "North has 12.5.");
  ASSERT_EQ(next.asked[3].media.size(), 1u);
  EXPECT_EQ(next.asked[3].media[0].bytes, model.asked[3].media[0].bytes);
  EXPECT_EQ(next.asked[9].role, model::Role::user);

  past = session::conversation_of(*saved, pictures, 2);
  ASSERT_TRUE(past);
  EXPECT_EQ(past->size(), 5u) << "the request, and two replies with their results";
  EXPECT_FALSE(session::conversation_of(*saved, pictures, 5));

  // Both show the chart; it goes with the last of them.
  const std::string digest = base::sha256(model.asked[3].media[0].bytes);
  EXPECT_TRUE(all->remove("aaaaaaaa"));
  EXPECT_TRUE(all->picture(digest));
  EXPECT_EQ(*all->find("bb"), "bbbbbbbb");
  EXPECT_TRUE(all->remove("bbbbbbbb"));
  EXPECT_FALSE(all->picture(digest));
  EXPECT_FALSE(all->find("b"));
}

TEST_F(SessionTest, IsWorkedOnByOneAtATimeAndRefusesWhatANewerVersionWrote) {
  std::shared_ptr<Store> all = store();
  auto recorder = Recorder::begin(all, {.id = "aaaaaaaa", .request = "r"}, {}, {});
  ASSERT_TRUE(recorder);
  EXPECT_TRUE(all->locked("aaaaaaaa"));
  EXPECT_FALSE(all->locked("aaaaaaab"));
  EXPECT_FALSE(Recorder::resume(all, "aaaaaaaa", {}));
  EXPECT_FALSE(all->remove("aaaaaaaa"));
  recorder->reset();
  EXPECT_FALSE(all->locked("aaaaaaaa"));
  all.reset();
  base::Result<session::Database> db = session::Database::open(path(), 1 << 20);
  ASSERT_TRUE(db);
  ASSERT_TRUE(db->run("PRAGMA user_version=2"));
  base::Result<std::shared_ptr<Store>> newer = Store::open({.path = path()});
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, base::Errc::unsupported);
  EXPECT_NE(newer.error().message.find("newer version of Tessera"), std::string::npos);
}

}  // namespace
}  // namespace agent
