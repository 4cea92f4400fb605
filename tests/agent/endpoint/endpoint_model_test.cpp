#include "agent/endpoint/endpoint_model.h"

#include <future>
#include <numeric>

#include "base/json.h"
#include "tests/agent/endpoint/fake_server.h"

namespace agent {
namespace {

using base::Errc;
using nlohmann::json;
using Action = FakeServer::Action;

const Action kModels = FakeServer::json(
    R"({"data":[{"id":"nomic-embed"},{"id":"m1","max_model_len":4096},{"id":"m2:latest"}]})");
const Action kNoProps =
    FakeServer::answers(404, "application/json", R"({"error":{"message":"no"}})");
const Action kHi = FakeServer::events(
    {R"({"choices":[{"index":0,"delta":{"content":"Hi."},"finish_reason":"stop"}]})", "[DONE]"});

Action refuses(int status, const std::string& message) {
  return FakeServer::answers(status, "application/json",
                             json{{"error", {{"message", message}}}}.dump());
}

/// A server that says `actions` after what is asked at the beginning, and a model over it.
struct Endpoint {
  explicit Endpoint(std::vector<Action> actions, std::string id = "m1", Action models = kModels,
                    Action props = kNoProps)
      : server([&] {
          actions.insert(actions.begin(), {models, props});
          return actions;
        }()),
        model(EndpointModel::connect(
            {.url = server.url(),
             .id = id,
             .notice = [this](const std::string& s) { notices += s + "\n"; }},
            {})) {}

  base::Result<ModelReply> ask(const std::function<void(std::string_view)>& on_text = {}) {
    const std::vector<model::Message> conversation = {
        {.role = model::Role::system, .text = "S"},
        {.role = model::Role::user, .text = "Hello", .media = {{.bytes = "\x89PNG"}}}};
    const std::vector<model::ToolDeclaration> tools = {{.name = "run_lua", .description = "Runs."}};
    return (*model)->reply(conversation, tools, {}, on_text, {});
  }
  json body(size_t i) const {
    const std::string request = server.requests().at(i);
    return json::parse(request.substr(request.find("\r\n\r\n") + 4));
  }
  std::string error() const {
    return model ? "none"
                 : std::string(base::errc_name(model.error().code)) + " " + model.error().message;
  }

  std::string notices;
  FakeServer server;
  base::Result<std::unique_ptr<EndpointModel>> model;
};

TEST(EndpointModel, TakesTheFirstModelThatChatsAndSaysSo) {
  Endpoint endpoint({kHi}, "");
  ASSERT_TRUE(endpoint.model) << endpoint.error();
  EXPECT_EQ((*endpoint.model)->id(), "m1");
  EXPECT_EQ((*endpoint.model)->context(), 4096);
  EXPECT_NE(endpoint.notices.find("m1"), std::string::npos);
  const base::Result<ModelReply> reply = endpoint.ask();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->message.text, "Hi.");
  EXPECT_EQ(endpoint.body(2)["model"], "m1");
  EXPECT_TRUE(endpoint.server.requests().at(2).starts_with("POST /v1/chat/completions "));
  EXPECT_TRUE(endpoint.server.requests().at(1).starts_with("GET /props "));
}

TEST(EndpointModel, AnUnknownModelIsSaidWithThoseThatAreThere) {
  EXPECT_EQ((*Endpoint({}, "m2").model)->id(), "m2:latest");
  Endpoint endpoint({}, "gpt");
  ASSERT_FALSE(endpoint.model);
  EXPECT_EQ(endpoint.model.error().code, Errc::usage);
  EXPECT_NE(
      endpoint.model.error().message.find("has no model gpt; it has nomic-embed, m1, m2:latest"),
      std::string::npos)
      << endpoint.model.error().message;
}

TEST(EndpointModel, WhatTheServerSaysOfItselfIsBelieved) {
  Endpoint endpoint(
      {}, "m1", kModels,
      FakeServer::json(
          R"({"default_generation_settings":{"n_ctx":2048},"modalities":{"vision":false}})"));
  ASSERT_TRUE(endpoint.model);
  EXPECT_EQ((*endpoint.model)->context(), 2048);
  EXPECT_FALSE((*endpoint.model)->sees());
}

TEST(EndpointModel, AServerThatIsNoneIsSaidInOneSentence) {
  const auto error = [](const Action& models, const char* id = "m1") {
    return Endpoint({}, id, models).error();
  };
  EXPECT_NE(error(FakeServer::answers(200, "text/html", "<html><title>My router</title>"))
                .find("is no list of models, but: My router"),
            std::string::npos);
  EXPECT_NE(
      error(FakeServer::answers(401, "text/plain", "who are you?")).find("--endpoint-key-file"),
      std::string::npos);
  EXPECT_NE(
      error(FakeServer::answers(301, "text/plain", "", "Location: http://elsewhere.example/v1\r\n"))
          .find("http://elsewhere.example/v1"),
      std::string::npos);
  EXPECT_NE(error(FakeServer::answers(404, "text/plain", "no"), "")
                .find("name one with --endpoint-model"),
            std::string::npos);
  EXPECT_EQ(error(FakeServer::answers(404, "text/plain", "no"), "m1"), "none")
      << "not every server lists its models";
  EXPECT_EQ(error(FakeServer::json("{\"data\":[]}"), "").substr(0, 5), "usage");
  EXPECT_EQ(error(FakeServer::json("{\"data\":[[[3]],{\"id\":5},null]}"), "").substr(0, 5),
            "usage");
}

TEST(EndpointModel, OnlyALocalAddressIsNotToldOf) {
  Endpoint local({});
  EXPECT_EQ(local.notices, "");
  std::string notices;
  // Nobody is asked: the run is stopped before.
  std::stop_source stop;
  stop.request_stop();
  const auto remote = EndpointModel::connect(
      {.url = "http://192.0.2.1:9/v1", .notice = [&](const std::string& s) { notices += s; }},
      stop.get_token());
  ASSERT_FALSE(remote);
  EXPECT_EQ(remote.error().code, Errc::cancelled);
  EXPECT_EQ(
      notices,
      "the conversation, the profiles of files and what tools show go to 192.0.2.1:9, unencrypted");
}

TEST(EndpointModel, LeavesAwayWhatTheServerNamesAndRemembersIt) {
  Endpoint endpoint(
      {refuses(400, "Unrecognized request argument: stream_options"),
       refuses(500, "image input is not supported - hint: you may need to provide the mmproj"),
       refuses(400,
               "\"auto\" tool choice requires --enable-auto-tool-choice and --tool-call-parser to "
               "be set"),
       refuses(400, "stream is not supported"),
       refuses(400, "Unsupported parameter: 'max_tokens'; use 'max_completion_tokens' instead."),
       FakeServer::json(
           R"({"choices":[{"message":{"content":"<tool_call>{\"name\":\"run_lua\",\"arguments\":{}}</tool_call>"},"finish_reason":"stop"}]})"),
       FakeServer::json(R"({"choices":[{"message":{"content":"Hi."},"finish_reason":"stop"}]})")});
  ASSERT_TRUE(endpoint.model) << endpoint.error();
  const base::Result<ModelReply> first = endpoint.ask();
  ASSERT_TRUE(first) << first.error().message;
  ASSERT_EQ(first->message.calls.size(), 1u);
  const base::Result<ModelReply> second = endpoint.ask();
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(endpoint.server.requests().size(), 9u);
  const json body = endpoint.body(8);
  EXPECT_FALSE(body.contains("tools"));
  EXPECT_FALSE(body.contains("stream"));
  EXPECT_EQ(body["max_completion_tokens"], 1024);
  EXPECT_TRUE(body["messages"][1]["content"].is_string());
  EXPECT_NE(endpoint.notices.find("takes no tools"), std::string::npos) << endpoint.notices;
  EXPECT_NE(endpoint.notices.find("takes no pictures"), std::string::npos);
}

TEST(EndpointModel, ARefusalThatNamesNothingEndsTheReply) {
  Endpoint endpoint(
      {refuses(400, "the model is on holiday"),
       FakeServer::answers(404, "application/json", "{\"detail\":\"Not Found\"}"),
       FakeServer::answers(502, "text/html", "<html><body><h1>Bad Gateway</h1></body></html>")});
  const std::string who = "127.0.0.1:" + std::to_string(endpoint.server.port());
  EXPECT_EQ(endpoint.ask().error().message, who + " answered 400: the model is on holiday");
  EXPECT_EQ(
      endpoint.ask().error().message,
      who + " answered 404: Not Found (/v1/chat/completions is not there; is the URL complete?)");
  EXPECT_EQ(endpoint.ask().error().message, who + " answered 502: Bad Gateway");
}

TEST(EndpointModel, AFullServerIsWaitedForAFewTimes) {
  const Action full = FakeServer::answers(
      429, "application/json", "{\"error\":{\"message\":\"full\"}}", "Retry-After: 0\r\n");
  Endpoint endpoint({full, FakeServer::answers(503, "text/plain", "busy", "Retry-After: 0.01\r\n"),
                     kHi, full, full, full, full, full,
                     FakeServer::answers(429, "text/plain", "later", "Retry-After: 3600\r\n")});
  const base::Result<ModelReply> reply = endpoint.ask();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_NE(endpoint.notices.find("is busy (429)"), std::string::npos);
  EXPECT_FALSE(endpoint.ask());
  EXPECT_EQ(endpoint.server.requests().size(), 10u);
  const base::Result<ModelReply> later = endpoint.ask();
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, Errc::limit);
  EXPECT_NE(later.error().message.find("3600 s"), std::string::npos) << later.error().message;
}

TEST(EndpointModel, ATooLongConversationIsALimit) {
  Endpoint endpoint(
      {FakeServer::answers(
           400, "application/json",
           R"({"error":{"message":"This model's maximum context length is 8192 tokens.","code":"context_length_exceeded"}})"),
       FakeServer::answers(
           400, "application/json",
           R"({"error":{"code":400,"message":"the request exceeds the available context size, try increasing it","type":"exceed_context_size_error","n_ctx":512}})")});
  EXPECT_EQ(endpoint.ask().error().code, Errc::limit);
  EXPECT_EQ(endpoint.ask().error().code, Errc::limit);
  EXPECT_EQ((*endpoint.model)->context(), 512) << "it is learned, and never grows";
}

TEST(EndpointModel, HowLargeTheContextIsStandsInTheError) {
  for (const auto& [said, tokens] :
       {std::pair{
            "This model's maximum context length is 8,192 tokens. However, you requested 9000",
            8192},
        {"the request (9000 tokens) exceeds the available context size (16384 tokens)", 16384},
        {R"({"error":{"n_prompt_tokens":9000,"n_ctx":4096}})", 4096},
        {"context_length_exceeded", 0},
        {"context length of 99999999999999999999 tokens", 0}})
    EXPECT_EQ(context_in(said), tokens) << said;
}

TEST(EndpointModel, ASchemaIsAskedForWhereItIsTaken) {
  Endpoint endpoint(
      {FakeServer::answers(400, "application/json",
                           R"({"error":{"message":"response_format is not supported"}})"),
       kHi, kHi});
  ReplyRequest request;
  request.schema = R"({"type":"object"})";
  const std::vector<model::Message> conversation = {{.role = model::Role::user, .text = "hi"}};
  for (int i = 0; i < 2; ++i)
    ASSERT_TRUE((*endpoint.model)->reply(conversation, {}, request, {}, {}));
  EXPECT_EQ(endpoint.body(2)["response_format"]["json_schema"]["schema"]["type"], "object");
  EXPECT_EQ(endpoint.body(2)["max_tokens"], 1024) << "a quarter of the context of 4,096";
  EXPECT_FALSE(endpoint.body(3).contains("response_format"));
  EXPECT_FALSE(endpoint.body(4).contains("response_format"));
}

TEST(EndpointModel, ACutStreamIsAnErrorUnlessItWasComplete) {
  const auto cut_after = [](const std::string& event) -> Action {
    return [event](int fd, const std::string&) {
      FakeServer::send(fd,
                       "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: "
                       "100000\r\n\r\ndata: " +
                           event + "\n\n");
    };
  };
  Endpoint endpoint(
      {cut_after(R"({"choices":[{"delta":{"content":"Hi."},"finish_reason":"stop"}]})"),
       cut_after(R"({"choices":[{"delta":{"content":"Hi."}}]})")});
  const base::Result<ModelReply> complete = endpoint.ask();
  ASSERT_TRUE(complete) << complete.error().message;
  EXPECT_EQ(complete->message.text, "Hi.");
  const base::Result<ModelReply> cut = endpoint.ask();
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Errc::corrupt);
}

TEST(EndpointModel, TextIsToldWhileTheServerStillReplies) {
  std::promise<void> heard;
  const auto event = [](const std::string& text) {
    return "data: " + json{{"choices", {{{"delta", {{"content", text}}}}}}}.dump() + "\n\n";
  };
  const Action waits = [&](int fd, const std::string&) {
    FakeServer::send(fd,
                     "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: "
                     "close\r\n\r\n" +
                         event("One"));
    if (heard.get_future().wait_for(std::chrono::seconds(20)) != std::future_status::ready) return;
    FakeServer::send(fd, event(" two <") + event("3. ") + "data: [DONE]\n\n");
  };
  Endpoint endpoint(
      {waits, FakeServer::json(R"({"choices":[{"message":{"content":"All at once."}}]})")});
  std::vector<std::string> pieces;
  const auto on_text = [&](std::string_view text) {
    if (pieces.empty()) heard.set_value();
    pieces.emplace_back(text);
  };
  const base::Result<ModelReply> reply = endpoint.ask(on_text);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(pieces.front(), "One");
  EXPECT_EQ(std::accumulate(pieces.begin(), pieces.end(), std::string()), "One two <3.");
  EXPECT_EQ(reply->message.text, "One two <3.");
  pieces = {""};
  ASSERT_TRUE(endpoint.ask(on_text));
  EXPECT_EQ(pieces, (std::vector<std::string>{"", "All at once."}));
}

TEST(EndpointModel, TheKeyIsSentAndNeverSaid) {
  FakeServer server({FakeServer::answers(403, "text/plain", "wrong key")});
  const auto model =
      EndpointModel::connect({.url = server.url(), .http = {.key = "sk-secret"}}, {});
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, Errc::refused);
  EXPECT_EQ(model.error().message.find("sk-secret"), std::string::npos);
  EXPECT_NE(server.requests().at(0).find("Bearer sk-secret"), std::string::npos);
}

}  // namespace
}  // namespace agent
