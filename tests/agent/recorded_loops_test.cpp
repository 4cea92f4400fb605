// Loops as people have recorded them and honest repetitions, as whole conversations of calls
// (tests/golden/loops/): by a model that says its list of calls whatever comes of them, with
// everything else real.

#include <gtest/gtest.h>

#include <fstream>

#include "agent/agent.h"
#include "base/file.h"
#include "base/json.h"
#include "tests/fakes/scripted_model.h"
#include "tests/golden.h"
#include "tests/model/folder.h"

namespace agent {
namespace {

using nlohmann::json;

constexpr const char* kTable = "shop,revenue\nNorth,12.5\nSouth,30\nEast,4.25\n";
constexpr size_t kMostRounds = 12;

void write_files(const std::filesystem::path& folder, const json& files) {
  for (const auto& [name, text] : files.items()) {
    std::filesystem::create_directories((folder / name).parent_path());
    std::ofstream(folder / name) << text.get<std::string>();
  }
}

/// Says replies one after the other, and writes what something else writes meanwhile. A sub-task is
/// answered with `sub`.
class Teller final : public ChatModel {
 public:
  Teller(std::vector<json> replies, std::string sub, std::filesystem::path folder)
      : replies_(std::move(replies)), sub_(std::move(sub)), folder_(std::move(folder)) {}

  bool constrained() const override { return false; }
  base::Result<ModelReply> reply(std::span<const model::Message> conversation,
                                 std::span<const model::ToolDeclaration>, const ReplyRequest&,
                                 const std::function<void(std::string_view)>&,
                                 std::stop_token) override {
    if (!conversation[1].text.ends_with("go on")) return says(sub_);
    while (said < replies_.size() && replies_[said].is_object())
      write_files(folder_, replies_[said++].at("outside"));
    if (said >= replies_.size()) return says("Done.");
    const json& line = replies_[said++];
    const bool several = line[0].is_array();
    ModelReply next = says("");
    for (size_t i = 0; i < (several ? line.size() : 1); ++i) {
      const json& call = several ? line[i] : line;
      next.message.calls.push_back({.name = call.at(0),
                                    .arguments = call.at(1),
                                    .id = "c" + std::to_string(said) + "-" + std::to_string(i)});
    }
    return next;
  }

  size_t said = 0;

 private:
  const std::vector<json> replies_;
  const std::string sub_;
  const std::filesystem::path folder_;
};

struct Ended {
  RunResult result;
  size_t said;
  std::string told;  ///< the calls and what came of them, for a person
};

Ended tell(const json& conversation, const std::vector<json>& replies) {
  const TestFolder folder;
  write_files(folder.path(), conversation.value("files", json{{"shops.csv", kTable}}));
  Teller model(replies, conversation.value("sub", ""), folder.path());
  Ended ended;
  base::Result<tools::Toolbox> toolbox = tools::Toolbox::open(
      {.workspace = folder.path(), .policy = *policies::builtin("default"), .file_tools = true});
  if (!toolbox) return {.result = {.answer = toolbox.error().message}, .said = 0, .told = {}};
  const auto event = [&](const json& e) {
    if (e["type"] == "call" || e["type"] == "observation")
      ended.told += e.value("tool", "") + ": " + e.value("text", "") +
                    (e.contains("arguments") ? e["arguments"].dump() : "") + "\n";
  };
  base::Result<RunResult> result =
      run("go on", model, *toolbox, endpoint_prompt(),
          {.max_turns = 90, .max_time = std::chrono::seconds(120)}, event, {});
  ended.result = result ? *result : RunResult{.answer = "error: " + result.error().message};
  ended.said = model.said;
  return ended;
}

std::vector<json> conversations(const char* kind) {
  std::vector<json> list;
  std::ifstream lines(golden("loops/conversations.jsonl"));
  for (std::string line; std::getline(lines, line);)
    if (json one = json::parse(line); one.contains(kind)) list.push_back(std::move(one));
  return list;
}

TEST(RecordedLoops, AreStoppedWithinThreeRepeats) {
  const std::vector<json> loops = conversations("loop");
  EXPECT_GE(loops.size(), 20u);
  for (const json& loop : loops) {
    const std::vector<json> before = loop.value("before", std::vector<json>());
    const std::vector<json> rounds = loop.at("rounds");
    // Rounds are told apart only by what is said of the loop: what differs in spelling alone is one
    // round, and what is one of several in turn is not.
    const size_t of_a_round = loop.value("of_a_round", size_t{1});
    std::vector<json> replies = before;
    for (size_t i = 0; i < kMostRounds * of_a_round; ++i)
      replies.push_back(rounds[i % rounds.size()]);
    const Ended ended = tell(loop, replies);
    const auto name = loop["loop"].get<std::string>();
    EXPECT_EQ(ended.result.status, Status::error) << name << "\n" << ended.told;
    EXPECT_FALSE(ended.result.out_of_budget) << name;
    EXPECT_LE(ended.said, before.size() + 4 * of_a_round) << name << "\n" << ended.told;
    EXPECT_GT(ended.said, before.size() + of_a_round) << name << ": " << ended.result.answer;
  }
}

TEST(RecordedLoops, HonestRepetitionsAreNot) {
  const std::vector<json> honest = conversations("honest");
  EXPECT_GE(honest.size(), 40u);
  for (const json& one : honest) {
    const std::vector<json> replies = one.at("replies");
    const Ended ended = tell(one, replies);
    const auto name = one["honest"].get<std::string>();
    EXPECT_EQ(ended.result.answer, "Done.") << name << "\n" << ended.told;
    EXPECT_EQ(ended.said, replies.size()) << name;
  }
}

}  // namespace
}  // namespace agent
