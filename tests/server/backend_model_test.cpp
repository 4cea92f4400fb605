// The backend as the agent's model: what is asked of it, and what comes back.
#include "server/backend_model.h"

#include <gtest/gtest.h>

#include "tests/server/scripted_backend.h"

namespace server {
namespace {

const std::vector<model::ToolDeclaration> kTools = {
    {.name = "look", .description = "Looks.", .parameters = {{"type", "object"}}}};

std::vector<model::Message> asks(std::string text) {
  return {{.role = model::Role::user, .text = std::move(text)}};
}

TEST(BackendModel, RepliesComeInPiecesAndCallsHaveIdsOfTheirOwn) {
  ScriptedBackend backend(
      {{.when = "count", .reply = "It is forty-two.<turn|>", .times = 2},
       {.when = "look",
        .reply =
            "<|tool_call>call:look{at:<|\"|>a<|\"|>}<tool_call|><|tool_call>call:look{at:<|\"|>b"
            "<|\"|>}<tool_call|><|tool_response>",
        .times = 2}},
      4096, "");
  BackendModel model(backend, false, "c1");
  EXPECT_EQ(model.context(), 4096);
  EXPECT_FALSE(model.constrained());
  EXPECT_GT(model.prompt_tokens(asks("count"), kTools), 0);
  std::string heard;
  base::Result<agent::ModelReply> reply =
      model.reply(asks("count"), kTools, {}, [&](std::string_view piece) { heard += piece; }, {});
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->message.text, "It is forty-two.");
  EXPECT_EQ(heard, "It is forty-two.");
  EXPECT_GT(reply->prompt_tokens, 0);
  std::set<std::string> ids;
  for (int turn = 0; turn < 2; ++turn) {
    reply = model.reply(asks("look"), kTools, {}, {}, {});
    ASSERT_TRUE(reply) << reply.error().message;
    ASSERT_EQ(reply->message.calls.size(), 2u);
    EXPECT_EQ(reply->message.calls[1].arguments, (nlohmann::json{{"at", "b"}}));
    for (const model::FunctionCall& call : reply->message.calls) ids.insert(call.id);
  }
  EXPECT_EQ(ids.size(), 4u);
}

TEST(BackendModel, WritesDownTheWholeRecordingPieceByPiece) {
  ScriptedBackend backend({}, 4096, "");
  BackendModel model(backend, false, "c1");
  const base::Result<std::string> text =
      model.transcript("a recording", std::chrono::steady_clock::time_point::max(), {});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(*text, "hello world");
}

TEST(BackendModel, EndsInTimeOrWhenItIsStopped) {
  ScriptedBackend backend(
      {{.when = "slow", .reply = "a b c d e f g h i j k l<turn|>", .times = 9, .delay_ms = 100}},
      4096, "");
  BackendModel model(backend, false, "c1");
  const auto soon = std::chrono::steady_clock::now() + std::chrono::milliseconds(50);
  base::Result<agent::ModelReply> late = model.reply(asks("slow"), {}, {.deadline = soon}, {}, {});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, base::Errc::limit);
  std::stop_source stop;
  std::thread person([&] { stop.request_stop(); });
  const base::Result<agent::ModelReply> stopped =
      model.reply(asks("slow"), {}, {}, {}, stop.get_token());
  person.join();
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, base::Errc::cancelled);
}

TEST(BackendModel, WhatTheBackendRefusesIsAnError) {
  ScriptedBackend backend({}, 64, "");
  BackendModel model(backend, false, "c1");
  const base::Result<agent::ModelReply> nothing = model.reply(asks("hello"), {}, {}, {}, {});
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, base::Errc::internal);
  const base::Result<agent::ModelReply> full =
      model.reply(asks(std::string(100'000, 'x')), {}, {}, {}, {});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, base::Errc::limit) << full.error().message;
}

}  // namespace
}  // namespace server
