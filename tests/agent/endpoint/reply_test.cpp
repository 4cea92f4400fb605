// Each TEST(ReplyReader, …) is a reply as some server is known to send it.

#include <gtest/gtest.h>

#include "agent/endpoint/wire.h"
#include "base/json.h"

namespace agent {
namespace {

using base::Errc;
using nlohmann::json;

const std::vector<std::string> kTools = {"run_lua", "read_file"};

base::Result<ModelReply> read(const std::string& bytes, size_t piece = 7) {
  ReplyReader reader(kTools);
  for (size_t i = 0; i < bytes.size(); i += piece)
    if (!reader.push(std::string_view(bytes).substr(i, piece))) break;
  return reader.finish();
}

/// Chunks with these deltas, and the last of them with a finish_reason.
std::string stream(const std::vector<json>& deltas, const char* finish = "stop") {
  std::string out;
  for (const json& delta : deltas)
    out +=
        "data: " +
        json{{"choices", {{{"index", 0}, {"delta", delta}, {"finish_reason", nullptr}}}}}.dump() +
        "\n\n";
  if (finish != nullptr)
    out += "data: " +
           json{{"choices", {{{"index", 0}, {"delta", json::object()}, {"finish_reason", finish}}}}}
               .dump() +
           "\n\n";
  return out + "data: [DONE]\n\n";
}

json piece(json call) { return {{"tool_calls", json::array({std::move(call)})}}; }

json function(const char* name, json arguments) {
  return {{"name", name}, {"arguments", std::move(arguments)}};
}

std::string calls_of(const base::Result<ModelReply>& reply) {
  if (!reply) return "error: " + reply.error().message;
  std::string out;
  for (const model::FunctionCall& call : reply->message.calls)
    out += call.id + ":" + call.name + call.arguments.dump() + ";";
  return out;
}

TEST(ReplyReader, ReadsAStreamWithTextThoughtsCallsAndUsage) {
  const base::Result<ModelReply> reply = read(
      ": ping\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"Let me \"}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"see.\"}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"I lo\"}}]}\r\n\r\n"
      "data:{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ok.\"}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\","
      "\"type\":\"function\",\"function\":{\"name\":\"run_lua\",\"arguments\":\"\"}}]}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{"
      "\"arguments\":\"{\\\"code\\\":\"}}]}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{"
      "\"arguments\":\"\\\"print(1)\\\"}\"}}]}}]}\n\n"
      "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n"
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":71,\"completion_tokens\":6}}\n\n"
      "data: [DONE]\n\n");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->message.text, "I look.");
  EXPECT_EQ(reply->message.reasoning, "Let me see.");
  EXPECT_EQ(calls_of(reply), "c1:run_lua{\"code\":\"print(1)\"};");
  EXPECT_EQ(reply->prompt_tokens, 71);
  EXPECT_EQ(reply->completion_tokens, 6);
  EXPECT_FALSE(reply->cut);
}

TEST(ReplyReader, ReadsOneObjectAlsoWhereAStreamWasAskedFor) {
  const base::Result<ModelReply> reply = read(
      R"({"choices":[{"index":0,"message":{"role":"assistant","content":"Hi.","reasoning":"Hm."},)"
      R"("finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1}})");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->message.text, "Hi.");
  EXPECT_EQ(reply->message.reasoning, "Hm.");
  EXPECT_EQ(reply->prompt_tokens, 3);
}

TEST(ReplyReader, ReadsTheSameHoweverItIsCut) {
  const std::string bytes = stream(
      {{{"content", "Grüße "}},
       piece({{"index", 0}, {"id", "a"}, {"function", function("run_lua", "{\"code\":\"ü\"}")}})},
      "tool_calls");
  const base::Result<ModelReply> whole = read(bytes, bytes.size());
  for (size_t n = 1; n < 40; ++n) {
    const base::Result<ModelReply> reply = read(bytes, n);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->message.text, whole->message.text);
    EXPECT_EQ(calls_of(reply), calls_of(whole));
  }
}

TEST(ReplyReader, MissingIdsAreMadeUp) {
  const base::Result<ModelReply> reply =
      read(stream({piece({{"index", 0}, {"function", function("run_lua", "{}")}}),
                   piece({{"index", 1}, {"function", function("read_file", "{}")}})}));
  EXPECT_EQ(calls_of(reply), "call_1:run_lua{};call_2:read_file{};");
}

TEST(ReplyReader, TwoCallsWithOneIndexAndTwoIdsAreTwo) {
  const base::Result<ModelReply> reply = read(stream(
      {piece({{"index", 0}, {"id", "a"}, {"function", function("run_lua", "{\"code\":\"1\"}")}}),
       piece({{"index", 0}, {"id", "b"}, {"function", function("run_lua", "{\"code\":\"2\"}")}})}));
  EXPECT_EQ(calls_of(reply), "a:run_lua{\"code\":\"1\"};b:run_lua{\"code\":\"2\"};");
}

TEST(ReplyReader, TwoCallsWithOneIndexAndOneIdAreTwo) {
  const base::Result<ModelReply> reply = read(stream(
      {piece({{"index", 0}, {"id", "a"}, {"function", function("run_lua", "{\"code\":\"1\"}")}}),
       piece(
           {{"index", 0}, {"id", "a"}, {"function", function("read_file", "{\"path\":\"x\"}")}})}));
  EXPECT_EQ(calls_of(reply), "a:run_lua{\"code\":\"1\"};call_2:read_file{\"path\":\"x\"};");
}

TEST(ReplyReader, TwoCallsWithoutArgumentsIdsAndIndexesAreTwo) {
  const base::Result<ModelReply> reply =
      read(stream({piece({{"index", 0}, {"function", function("run_lua", "")}}),
                   piece({{"index", 0}, {"function", function("read_file", "")}})}));
  EXPECT_EQ(calls_of(reply), "call_1:run_lua{};call_2:read_file{};");
  EXPECT_EQ(calls_of(read(stream({piece({{"function", function("run_lua", "{}")}}),
                                  piece({{"function", function("read_file", "{}")}})}))),
            "call_1:run_lua{};call_2:read_file{};");
}

TEST(ReplyReader, ACallToldTwiceIsOne) {
  const json call = {
      {"index", 0}, {"id", "a"}, {"function", function("run_lua", "{\"code\":\"1\"}")}};
  EXPECT_EQ(calls_of(read(stream({piece(call), piece(call)}))), "a:run_lua{\"code\":\"1\"};");
}

TEST(ReplyReader, ArgumentsOfTwoCallsMayAlternate) {
  const base::Result<ModelReply> reply = read(
      stream({piece({{"index", 0}, {"id", "a"}, {"function", function("run_lua", "{\"code\":")}}),
              piece({{"index", 1}, {"id", "b"}, {"function", function("read_file", "{\"path\":")}}),
              piece({{"index", 0}, {"function", {{"arguments", "\"1\"}"}}}}),
              piece({{"index", 1}, {"function", {{"arguments", "\"x\"}"}}}})}));
  EXPECT_EQ(calls_of(reply), "a:run_lua{\"code\":\"1\"};b:read_file{\"path\":\"x\"};");
}

TEST(ReplyReader, AnIdAndANameThatAreRepeatedInEachPieceAreOneCall) {
  const base::Result<ModelReply> reply = read(stream(
      {piece({{"index", 0}, {"id", "a"}, {"function", function("run_lua", "{\"co")}}),
       piece({{"index", 0}, {"id", "a"}, {"function", function("run_lua", "de\":\"1\"}")}})}));
  EXPECT_EQ(calls_of(reply), "a:run_lua{\"code\":\"1\"};");
}

TEST(ReplyReader, ArgumentsMayBeAnObjectOrAStringInAString) {
  EXPECT_EQ(
      calls_of(read(stream({piece(
          {{"index", 0}, {"id", "a"}, {"function", function("run_lua", {{"code", "1"}})}})}))),
      "a:run_lua{\"code\":\"1\"};");
  EXPECT_EQ(calls_of(read(stream(
                {piece({{"index", 0},
                        {"id", "a"},
                        {"function", function("run_lua", "\"{\\\"code\\\":\\\"1\\\"}\"")}})}))),
            "a:run_lua{\"code\":\"1\"};");
  EXPECT_EQ(calls_of(read(stream(
                {piece({{"index", 0}, {"id", "a"}, {"function", function("run_lua", nullptr)}})}))),
            "a:run_lua{};");
}

TEST(ReplyReader, LineEndsInStringsOfArgumentsAreRead) {
  EXPECT_EQ(calls_of(read(stream(
                {piece({{"index", 0},
                        {"id", "a"},
                        {"function", function("run_lua", "{\"code\": \"a\n\tb \\\"q\\\"\"}")}})}))),
            "a:run_lua{\"code\":\"a\\n\\tb \\\"q\\\"\"};");
}

TEST(ReplyReader, TheOldFormOfACallIsRead) {
  EXPECT_EQ(calls_of(read(stream({{{"function_call", function("run_lua", "{\"code\":")}},
                                  {{"function_call", {{"arguments", "\"1\"}"}}}}}))),
            "call_1:run_lua{\"code\":\"1\"};");
}

TEST(ReplyReader, ArgumentsThatAreNoObjectAreSaidAndNotRun) {
  const base::Result<ModelReply> reply = read(
      stream({piece({{"index", 0}, {"id", "a"}, {"function", function("run_lua", "print(1)")}})},
             "tool_calls"));
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->unreadable.size(), 1u);
  EXPECT_EQ(reply->unreadable[0].id, "a");
  EXPECT_EQ(reply->unreadable[0].why, "the arguments of run_lua are no JSON object");
  EXPECT_TRUE(reply->message.calls.at(0).arguments.empty());
}

TEST(ReplyReader, ACutCallIsNoCall) {
  const json call = {
      {"index", 0}, {"id", "a"}, {"function", function("run_lua", "{\"code\":\"1\"}")}};
  for (const char* why : {"length", "max_tokens"}) {
    const base::Result<ModelReply> reply = read(stream({piece(call)}, why));
    ASSERT_TRUE(reply);
    EXPECT_TRUE(reply->cut);
    EXPECT_TRUE(reply->message.calls.empty());
  }
  const base::Result<ModelReply> text = read(stream(
      {{{"content", "<tool_call>{\"name\":\"run_lua\",\"arguments\":{}}</tool_call>"}}}, "length"));
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->message.calls.empty());
  // Nobody said that it was cut, and it was.
  std::string bytes = stream(
      {piece({{"index", 0}, {"id", "a"}, {"function", function("run_lua", "{\"code\":\"rm")}})},
      nullptr);
  bytes.resize(bytes.size() - 14);
  const base::Result<ModelReply> silent = read(bytes);
  ASSERT_TRUE(silent);
  EXPECT_TRUE(silent->cut);
  EXPECT_TRUE(silent->message.calls.empty());
}

TEST(ReplyReader, NoFinishReasonNoDoneAndNoUsageAreNoMatter) {
  std::string bytes = stream({{{"content", "Hi."}}}, nullptr);
  bytes.resize(bytes.size() - 14);
  const base::Result<ModelReply> reply = read(bytes);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->message.text, "Hi.");
  EXPECT_FALSE(reply->cut);
  EXPECT_EQ(reply->prompt_tokens, 0);
  // Nor is it that no empty line stands between events, or behind the last one.
  const base::Result<ModelReply> dense = read(
      "data: {\"choices\":[{\"delta\":{\"content\":\"H\"}}]}\n"
      "data: {\"choices\":[{\"delta\":{\"content\":\"i\"}}]}");
  ASSERT_TRUE(dense);
  EXPECT_EQ(dense->message.text, "Hi");
}

TEST(ReplyReader, CompleteIsWhatSaidSo) {
  ReplyReader reader(kTools);
  reader.push("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n");
  EXPECT_FALSE(reader.complete());
  reader.push("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
  EXPECT_TRUE(reader.complete());
  // With the usage all has come, also if the server neither says so nor closes.
  EXPECT_FALSE(reader.push("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5}}\n\n"));
  const base::Result<ModelReply> reply = reader.finish();
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->prompt_tokens, 5);
}

TEST(ReplyReader, ThoughtsInTheTextAreTakenOut) {
  const auto read_text = [](const char* text) {
    const base::Result<ModelReply> reply = read(stream({{{"content", text}}}));
    return reply ? reply->message.reasoning + "|" + reply->message.text : "error";
  };
  EXPECT_EQ(read_text("<think>\nHm.\n</think>\n\nHi."), "Hm.|Hi.");
  EXPECT_EQ(read_text("Hm.</think>Hi."), "Hm.|Hi.");
  EXPECT_EQ(read_text("<think>Hm. And on"), "Hm. And on|");
  EXPECT_EQ(read_text("<|channel>thought\nHm.<channel|>Hi."), "Hm.|Hi.");
  EXPECT_EQ(read_text("The tag <think> and </think> mark thoughts."),
            "|The tag <think> and </think> mark thoughts.");
}

TEST(ReplyReader, CallsInTheTextAreFoundWhereNoRealOneCame) {
  const auto calls_in = [](const std::string& text) {
    const base::Result<ModelReply> reply = read(stream({{{"content", text}}}));
    return reply ? calls_of(reply) + "|" + reply->message.text : "error";
  };
  EXPECT_EQ(calls_in("I look.\n<tool_call>\n{\"name\": \"run_lua\", \"arguments\": {\"code\": "
                     "\"1\"}}\n</tool_call>"),
            "call_1:run_lua{\"code\":\"1\"};|I look.");
  EXPECT_EQ(
      calls_in("<tool_call>{\"name\":\"run_lua\",\"arguments\":{}}</tool_call>\n"
               "<tool_call>{\"name\":\"read_file\",\"arguments\":{\"path\":\"x\"}}</tool_call>"),
      "call_1:run_lua{};call_2:read_file{\"path\":\"x\"};|");
  EXPECT_EQ(
      calls_in("<|tool_call>call:run_lua{code:<|\"|>print(1)<|\"|>}<tool_call|><|tool_response>"),
      "call_1:run_lua{\"code\":\"print(1)\"};|");
  EXPECT_EQ(
      calls_in("Now:\n```json\n{\"name\": \"run_lua\", \"arguments\": {\"code\": \"1\"}}\n```"),
      "call_1:run_lua{\"code\":\"1\"};|Now:");
  EXPECT_EQ(calls_in("{\"name\": \"run_lua\", \"parameters\": {\"code\": \"1\"}}"),
            "call_1:run_lua{\"code\":\"1\"};|");
}

TEST(ReplyReader, TextThatOnlyLooksLikeACallStaysText) {
  for (const char* text :
       {"<tool_call>{\"name\":\"format_disk\",\"arguments\":{}}</tool_call>",
        "<tool_call>{\"name\":\"run_lua\",\"arguments\":{}}</tool_call> is how one calls it.",
        "<tool_call>{\"name\":\"run_lua\",\"arguments\":[1]}</tool_call>",
        "<tool_call>{\"name\":\"run_lua\",\"arguments\":{}, \"more\": 1}</tool_call>",
        "```json\n{\"name\": \"Bern\", \"arguments\": {}}\n```",
        "```json\n{\"name\": \"run_lua\", \"rows\": 3}\n```", "</tool_call>",
        "<tool_call></tool_call>", "<|tool_call>call:format_disk{}<tool_call|>",
        "The text says <|tool_call>call:run_lua{}<tool_call|>, which I leave alone."}) {
    const base::Result<ModelReply> reply = read(stream({{{"content", text}}}));
    ASSERT_TRUE(reply) << text;
    EXPECT_TRUE(reply->message.calls.empty()) << text;
    EXPECT_EQ(reply->message.text, text);
  }
  // With a real call, none is looked for.
  const base::Result<ModelReply> both =
      read(stream({{{"content", "<tool_call>{\"name\":\"run_lua\",\"arguments\":{}}</tool_call>"}},
                   piece({{"index", 0}, {"id", "a"}, {"function", function("read_file", "{}")}})}));
  EXPECT_EQ(calls_of(both), "a:read_file{};");
}

/// What fresh_text() gives of a text that comes in pieces of so many bytes, a mark between them.
std::string told(const std::string& text, size_t n) {
  ReplyReader reader(kTools);
  std::string out;
  for (size_t i = 0; i < text.size(); i += n) {
    const json delta = {{"content", text.substr(i, n)}};
    reader.push("data: " + json{{"choices", {{{"delta", delta}}}}}.dump() + "\n\n");
    const std::string fresh(reader.fresh_text());
    if (!fresh.empty()) out += (out.empty() ? "" : "+") + fresh;
  }
  return out;
}

TEST(ReplyReader, TextIsToldAsItComesButForWhatMayBeNone) {
  EXPECT_EQ(told("\n Hello to all. ", 4), "He+llo+ to a+ll.");
  EXPECT_EQ(told("<think>\nHm.\n</think>\n\nHi all.", 3), "Hi+ al+l.");
  EXPECT_EQ(told("<think>Hm. And on", 3), "");
  EXPECT_EQ(told("<thin ice>", 2), "<thin+ ic+e>");
  EXPECT_EQ(told("I look.\n<tool_call>\n{\"name\": \"x\"}", 4), "I lo+ok.");
  EXPECT_EQ(told("See <|tool_call>call:run_lua{}<tool_call|>", 1), "S+e+e");
  EXPECT_EQ(told("If a<b and b<c.", 5), "If a+<b and+ b<c.");
  EXPECT_EQ(told("{\"name\": \"run_lua\"}", 5), "");
  EXPECT_EQ(told("Now:\n```json\n{}\n```", 3), "Now+:");
  // The first mark was left out: after the mistake nothing more is told.
  EXPECT_EQ(told("Hm.</think>Hi all.", 3), "Hm.");
}

TEST(ReplyReader, ErrorsInAStreamAreErrors) {
  const auto error_of = [](const std::string& bytes) {
    const base::Result<ModelReply> reply = read(bytes);
    return reply ? "none"
                 : std::string(base::errc_name(reply.error().code)) + " " + reply.error().message;
  };
  const std::string begun = "data: {\"choices\":[{\"delta\":{\"content\":\"H\"}}]}\n\n";
  EXPECT_EQ(error_of(begun + "data: {\"error\":{\"message\":\"out of memory\"}}\n\n"),
            "internal the server failed while it replied: out of memory");
  // What cannot be read may have been a part of the text, or of a call.
  for (const char* bad : {"data: {\"choices\":[{\"delta\"\n\n", "data: 7\n\n", "data: <html>\n\n",
                          "data: {\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}\n\n"})
    EXPECT_EQ(error_of(begun + bad + begun).substr(0, 65),
              "corrupt the server sent a piece of a reply that is no JSON object")
        << bad;
  EXPECT_EQ(
      error_of(
          "data: {\"choices\":[{\"delta\":{\"content\":\"H\"},\"finish_reason\":\"stop\"}]}\n\n"
          "data: {\"usage\": {\"pro"),
      "none")
      << "the reply was complete";
  EXPECT_EQ(error_of(begun + "event: response.error\ndata: {\"error\": \"broken\"}\n\n"),
            "internal the server failed while it replied: broken");
  EXPECT_EQ(
      error_of(
          "data: {\"error\":{\"code\":400,\"message\":\"the request exceeds the available context "
          "size\",\"type\":\"exceed_context_size_error\"}}\n\n")
          .substr(0, 6),
      "limit ");
  EXPECT_EQ(error_of("<html><head><title>Bad\nGateway</title></head><body>x</body></html>"),
            "corrupt the server sent no reply of a model, but: Bad Gateway");
  EXPECT_EQ(error_of("upstream is down\n"),
            "corrupt the server sent no reply of a model, but: upstream is down");
  EXPECT_EQ(error_of(""), "corrupt the server sent no reply of a model");
  EXPECT_EQ(error_of("{\"object\":\"list\"}").substr(0, 8), "corrupt ");
  EXPECT_EQ(error_of("{\"choices\":").substr(0, 8), "corrupt ");
}

TEST(ReplyReader, WhatIsTooMuchIsRefused) {
  std::string deep = "{\"choices\":[{\"delta\":{\"content\":";
  deep += std::string(100'000, '[');
  EXPECT_FALSE(read(deep, 4096));
  ReplyReader reader(kTools);
  const std::string junk(1 << 20, 'x');
  int pushed = 0;
  while (pushed < 100 && reader.push("data: " + junk)) ++pushed;
  EXPECT_LT(pushed, 40);
  EXPECT_EQ(reader.finish().error().code, Errc::limit);
  std::vector<json> many;
  for (int i = 0; i < 100; ++i)
    many.push_back(piece({{"index", i}, {"function", function("run_lua", "{}")}}));
  EXPECT_EQ(read(stream(many), 4096).error().code, Errc::limit);
}

TEST(ErrorText, IsOneShortPrintableSentence) {
  EXPECT_EQ(error_sentence("{\"error\":{\"message\":\"no\\u001b[2J such\\nmodel\"}}"),
            "no [2J such model");
  EXPECT_EQ(error_sentence("{\"error\":\"no\"}"), "no");
  EXPECT_EQ(error_sentence("{\"detail\":\"Not Found\"}"), "Not Found");
  EXPECT_EQ(error_sentence("{\"object\":\"error\",\"message\":\"busy\"}"), "busy");
  EXPECT_EQ(error_sentence("<!doctype html><body><h1>502</h1> <p>bad</p>"), "502 bad");
  EXPECT_EQ(error_sentence(""), "");
  EXPECT_LT(error_sentence(std::string(100'000, 'x')).size(), 310u);
  EXPECT_EQ(error_sentence("a\xc2\x9b"
                           "1mb\xff"),
            "a? 1mb\xef\xbf\xbd");
}

TEST(RequestBody, HasMessagesToolsPicturesAndThoughtsOfThisTurn) {
  const std::vector<model::Message> conversation = {
      {.role = model::Role::system, .text = "Be brief."},
      {.role = model::Role::user, .text = "old"},
      {.role = model::Role::model, .text = "said", .reasoning = "old thought"},
      {.role = model::Role::user, .text = "look", .media = {{.bytes = "\x89PNG123"}}},
      {.role = model::Role::model,
       .text = "",
       .calls = {{.name = "run_lua", .arguments = {{"code", "1"}}, .id = "a"},
                 {.name = "read_file", .arguments = json::object(), .id = "b"}},
       .reasoning = "new thought"},
      {.role = model::Role::tool,
       .text = "one",
       .media = {{.bytes = "\xff\xd8\xff"}},
       .name = "run_lua",
       .call_id = "a"},
      {.role = model::Role::tool,
       .text = "t\xff"
               "wo",
       .name = "read_file",
       .call_id = "b"}};
  const std::vector<model::ToolDeclaration> tools = {
      {.name = "run_lua", .description = "Runs.", .parameters = {{"type", "object"}}}};
  const json body = json::parse(request_body(conversation, tools, {.model = "m", .max_tokens = 9}));
  EXPECT_EQ(body["model"], "m");
  EXPECT_EQ(body["max_tokens"], 9);
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["stream_options"]["include_usage"], true);
  EXPECT_EQ(body["tools"][0]["function"]["name"], "run_lua");
  const json& m = body["messages"];
  ASSERT_EQ(m.size(), 8u);
  EXPECT_EQ(m[0], json({{"role", "system"}, {"content", "Be brief."}}));
  EXPECT_FALSE(m[2].contains("reasoning_content"));
  EXPECT_EQ(m[3]["content"][0]["text"], "look");
  EXPECT_EQ(m[3]["content"][1]["image_url"]["url"], "data:image/png;base64,iVBORzEyMw==");
  EXPECT_EQ(m[4]["reasoning_content"], "new thought");
  EXPECT_EQ(m[4]["tool_calls"][0]["id"], "a");
  EXPECT_EQ(m[4]["tool_calls"][0]["function"]["arguments"], "{\"code\":\"1\"}");
  EXPECT_EQ(m[5], json({{"role", "tool"}, {"tool_call_id", "a"}, {"content", "one"}}));
  EXPECT_EQ(m[6]["content"], "t\xef\xbf\xbdwo");
  // The picture of a result comes after all results.
  EXPECT_EQ(m[7]["role"], "user");
  EXPECT_EQ(m[7]["content"][1]["image_url"]["url"], "data:image/jpeg;base64,/9j/");
}

TEST(RequestBody, WithoutToolsEverythingIsText) {
  const std::vector<model::Message> conversation = {
      {.role = model::Role::system, .text = "Be brief."},
      {.role = model::Role::user, .text = "do", .media = {{.bytes = "\x89PNG"}}},
      {.role = model::Role::model,
       .text = "I do.",
       .calls = {{.name = "run_lua", .arguments = {{"code", "1"}}, .id = "a"}}},
      {.role = model::Role::tool, .text = "one", .name = "run_lua", .call_id = "a"},
      {.role = model::Role::user, .text = "again"}};
  const std::vector<model::ToolDeclaration> tools = {{.name = "run_lua", .description = "Runs."}};
  const json body = json::parse(request_body(
      conversation, tools,
      {.model = "m", .stream = false, .tools = false, .images = false, .completion_name = true}));
  EXPECT_FALSE(body.contains("tools"));
  EXPECT_FALSE(body.contains("stream"));
  EXPECT_EQ(body["max_completion_tokens"], 4096);
  const json& m = body["messages"];
  ASSERT_EQ(m.size(), 4u);
  EXPECT_NE(m[0]["content"].get<std::string>().find("\"name\":\"run_lua\""), std::string::npos);
  EXPECT_EQ(m[1]["content"], "do\n(a picture that you cannot be shown)");
  EXPECT_EQ(m[2]["content"],
            "I do.\n<tool_call>{\"arguments\":{\"code\":\"1\"},\"name\":\"run_lua\"}</tool_call>");
  EXPECT_EQ(m[3]["content"], "Result of run_lua:\none\n\nagain");
  // What is written so is read so.
  std::string said = m[2]["content"];
  EXPECT_EQ(take_calls_from_text(said, kTools).at(0).arguments, json({{"code", "1"}}));
}

}  // namespace
}  // namespace agent
