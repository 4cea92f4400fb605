#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/json.h"
#include "server/api/reply.h"
#include "tests/server/api/replies.h"

namespace server {
namespace {

using nlohmann::json;

// The JSON of each event of a stream; "[DONE]" is a string.
std::vector<json> events(const std::string& bytes) {
  std::vector<json> out;
  for (size_t at = 0; at < bytes.size();) {
    const size_t end = bytes.find("\n\n", at);
    EXPECT_NE(end, std::string::npos) << "an event is not closed";
    if (end == std::string::npos) break;
    std::string event = bytes.substr(at, end - at);
    std::string name;
    if (event.starts_with("event: ")) {
      name = event.substr(7, event.find('\n') - 7);
      event.erase(0, event.find('\n') + 1);
    }
    EXPECT_TRUE(event.starts_with("data: ")) << event;
    EXPECT_EQ(event.find('\n'), std::string::npos) << event;
    event.erase(0, 6);
    out.push_back(event == "[DONE]" ? json(event) : json::parse(event));
    if (!name.empty()) {
      EXPECT_EQ(out.back()["type"], name);
    }
    at = end + 2;
  }
  return out;
}

// A chat stream put together again, as clients do.
json put_together(const std::vector<json>& chunks) {
  json message = {{"content", ""}, {"reasoning_content", ""}, {"tool_calls", json::object()}};
  for (const json& chunk : chunks) {
    if (chunk.is_string() || chunk["choices"].empty()) continue;
    const json& choice = chunk["choices"][0];
    const json& delta = choice["delta"];
    for (const char* name : {"content", "reasoning_content"})
      if (delta.contains(name))
        message[name] = message[name].get<std::string>() + delta[name].get<std::string>();
    for (const json& call : delta.value("tool_calls", json::array())) {
      json& to = message["tool_calls"][std::to_string(call["index"].get<int>())];
      if (call.contains("id")) to["id"] = call["id"];
      const json& function = call["function"];
      if (function.contains("name")) to["name"] = function["name"];
      to["arguments"] = to.value("arguments", "") + function["arguments"].get<std::string>();
    }
    if (!choice["finish_reason"].is_null()) message["finish_reason"] = choice["finish_reason"];
  }
  return message;
}

TEST(ChatStream, IsWhatTheWholeReplySays) {
  for (const NamedReply& sample : sample_replies()) {
    SCOPED_TRACE(sample.name);
    const Said reply = said(sample.text);
    const std::vector<json> chunks = events(streamed({.include_usage = true}, reply));
    EXPECT_EQ(chunks[0]["choices"][0]["delta"], (json{{"role", "assistant"}, {"content", ""}}));
    EXPECT_EQ(chunks.back(), "[DONE]");
    EXPECT_EQ(chunks[chunks.size() - 2]["usage"]["prompt_tokens_details"]["cached_tokens"], 60);
    const json message = put_together(chunks);
    const json all = json::parse(whole({}, reply));
    const json& choice = all["choices"][0];
    EXPECT_EQ(message["finish_reason"], choice["finish_reason"]);
    EXPECT_EQ(message["reasoning_content"], choice["message"].value("reasoning_content", ""));
    if (reply.out.errors.empty()) {
      EXPECT_EQ(message["content"],
                choice["message"]["content"].is_null() ? json("") : choice["message"]["content"]);
      const json calls = choice["message"].value("tool_calls", json::array());
      ASSERT_EQ(message["tool_calls"].size(), calls.size());
      for (size_t i = 0; i < calls.size(); ++i) {
        const json& call = message["tool_calls"][std::to_string(i)];
        EXPECT_EQ(call["id"], calls[i]["id"]);
        EXPECT_EQ(call["name"], calls[i]["function"]["name"]);
        EXPECT_EQ(call["arguments"], calls[i]["function"]["arguments"]);
        EXPECT_EQ(json::parse(call["arguments"].get<std::string>()),
                  reply.out.message.calls[i].arguments);
      }
    }
  }
}

TEST(ChatStream, AScriptComesWhileItIsWritten) {
  std::string script = "<|tool_call>call:run{code:<|\"|>";
  for (int i = 0; i < 300; ++i) script += "print(" + std::to_string(i) + ")\n";
  const Said reply = said(script + "<|\"|>}<tool_call|><|tool_response>");
  size_t n_pieces = 0;
  for (const json& chunk : events(streamed({}, reply)))
    if (!chunk.is_string() && chunk["choices"][0]["delta"].contains("tool_calls")) ++n_pieces;
  EXPECT_GT(n_pieces, 300U);
}

TEST(ChatStream, EachCallHasItsOwnIndexAndIdInTheWholeConversation) {
  const Said reply = said(sample_replies()[3].text);
  std::set<std::string> ids;
  for (const std::string turn : {"r1", "r2"}) {
    const json message = put_together(events(streamed({}, reply, turn)));
    ASSERT_EQ(message["tool_calls"].size(), 2U);
    for (const auto& [index, call] : message["tool_calls"].items()) ids.insert(call["id"]);
  }
  EXPECT_EQ(ids, (std::set<std::string>{"call_r1_1", "call_r1_2", "call_r2_1", "call_r2_2"}));
  const Request two{.n = 2};
  const auto writer = make_writer(two, {.id = "r3"}, {});
  std::string bytes = writer->begin();
  for (const int choice : {0, 1})
    for (const model::ReplyEvent& event : reply.events) bytes += writer->on_event(choice, event);
  std::set<std::string> of_choices;
  for (const json& chunk : events(bytes))
    for (const json& call : chunk["choices"][0]["delta"].value("tool_calls", json::array()))
      if (call.contains("id")) of_choices.insert(call["id"]);
  EXPECT_EQ(of_choices.size(), 4U);
}

TEST(ChatReply, TellsWhyItEndedTruthfully) {
  const auto finish = [](const std::string& name) {
    for (const NamedReply& sample : sample_replies())
      if (sample.name == name)
        return json::parse(whole({}, said(sample.text)))["choices"][0]["finish_reason"];
    return json();
  };
  EXPECT_EQ(finish("text"), "stop");
  EXPECT_EQ(finish("calls"), "tool_calls");
  EXPECT_EQ(finish("cut text"), "length");
  EXPECT_EQ(finish("cut call"), "length");
}

TEST(Replies, ACallThatCannotBeReadIsNeverNothing) {
  for (const NamedReply& sample : sample_replies()) {
    const Said reply = said(sample.text);
    if (reply.out.errors.empty()) continue;
    SCOPED_TRACE(sample.name);
    const json answer = json::parse(whole({}, reply))["choices"][0]["message"];
    EXPECT_NE(answer["content"].get<std::string>().find(reply.out.bad_calls[0]), std::string::npos);
    EXPECT_FALSE(answer.contains("tool_calls"));
    const json message = put_together(events(streamed({}, reply)));
    EXPECT_FALSE(message["content"].get<std::string>().empty());
    // What was told of it cannot be taken for a whole call.
    for (const auto& [index, call] : message["tool_calls"].items())
      EXPECT_FALSE(json::accept(call["arguments"].get<std::string>()));
  }
}

TEST(ChatReply, CountsTokens) {
  const Said reply = said(sample_replies()[2].text);
  const json usage = json::parse(whole({}, reply))["usage"];
  EXPECT_EQ(usage["prompt_tokens"], 100);
  EXPECT_EQ(usage["prompt_tokens_details"]["cached_tokens"], 60);
  EXPECT_EQ(usage["completion_tokens"], reply.out.tokens.size());
  EXPECT_EQ(usage["completion_tokens_details"]["reasoning_tokens"], reply.out.reasoning_tokens);
  EXPECT_EQ(usage["total_tokens"], 100 + reply.out.tokens.size());
}

TEST(ChatReply, LogprobsAreOfTheAnswersTokens) {
  const Request request{.generate = {.logprobs = 2}};
  const Said reply = said("<|channel>thought\nhm\n<channel|>4 \xC3\xA9.<turn|>");
  const json list = json::parse(whole(request, reply))["choices"][0]["logprobs"]["content"];
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0]["token"], "4 \u00e9");
  EXPECT_EQ(list[0]["bytes"], json::array({'4', ' ', 0xC3, 0xA9}));
  EXPECT_EQ(list[0]["logprob"], -0.5);
  EXPECT_EQ(list[0]["top_logprobs"].size(), 2U);
  size_t n = 0;
  for (const json& chunk : events(streamed(request, reply)))
    if (!chunk.is_string() && !chunk["choices"][0]["logprobs"].is_null())
      n += chunk["choices"][0]["logprobs"]["content"].size();
  EXPECT_EQ(n, 2U);
}

TEST(ChatReply, LogprobsLeaveOutAThoughtThatThePromptOpened) {
  Said reply = said("hm h<channel|>four<turn|>");
  reply.out.message.reasoning = "hm h";
  const json whole_reply = json::parse(whole({.generate = {.logprobs = 0}}, reply));
  const json list = whole_reply["choices"][0]["logprobs"]["content"];
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0]["token"], "four");
}

// Text, thoughts and calls in any order, with log-probabilities: what a stream says of a piece of
// text stands with it, and all of it together is what the whole reply says.
std::vector<Said> with_logprobs() {
  std::vector<Said> all;
  for (const NamedReply& sample : sample_replies()) all.push_back(said(sample.text));
  all.push_back(said("I look.<|tool_call>call:f{}<tool_call|>And more.<turn|>"));
  Said opened = said("hm h<channel|>four<turn|>");  // the prompt opened the thought
  opened.out.message.reasoning = "hm h";
  for (model::ReplyEvent& event : opened.events)
    if (event.text == "hm h") event.kind = model::ReplyEvent::Kind::reasoning;
  all.push_back(opened);
  // Half a character at the end of a token: its text comes with the next one.
  all.push_back(said("ab\xC3\xA9\xC3\xA9 \xF0\x9F\x98\x80!<turn|>"));
  return all;
}

TEST(ChatStream, LogprobsComeWithTheirText) {
  const Request request{.generate = {.logprobs = 1}};
  for (const Said& reply : with_logprobs()) {
    json together = json::array();
    std::string text;
    for (const json& chunk : events(streamed(request, reply))) {
      if (chunk.is_string()) continue;
      const json& choice = chunk["choices"][0];
      if (!choice["logprobs"].is_null())
        for (const json& token : choice["logprobs"]["content"]) together.push_back(token);
      // A token may end inside a character: then its text comes with the next one's.
      if (choice["delta"].contains("content") && reply.out.errors.empty()) {
        text += choice["delta"]["content"].get<std::string>();
        size_t bytes = 0;
        for (const json& token : together) bytes += token["bytes"].size();
        EXPECT_GE(bytes, text.size()) << text;
        EXPECT_LE(bytes, text.size() + 3) << text;
      }
    }
    EXPECT_EQ(together, json::parse(whole(request, reply))["choices"][0]["logprobs"]["content"]);
  }
}

TEST(ResponsesStream, LogprobsComeWithTheirText) {
  const Request request{.protocol = Protocol::responses, .generate = {.logprobs = 1}};
  for (const Said& reply : with_logprobs()) {
    json deltas = json::array(), of_items = json::array(), of_whole = json::array();
    size_t n_with = 0;
    for (const json& event : events(streamed(request, reply))) {
      if (event["type"] == "response.output_text.delta") {
        n_with += event["logprobs"].empty() ? 0 : 1;
        for (const json& token : event["logprobs"]) deltas.push_back(token);
      }
      if (event["type"] == "response.output_item.done" && event["item"]["type"] == "message") {
        const json& listed = event["item"]["content"][0]["logprobs"];
        for (const json& token : listed) of_items.push_back(token);
      }
    }
    const json whole_reply = json::parse(whole(request, reply));
    for (const json& item : whole_reply["output"])
      if (item["type"] == "message") of_whole = item["content"][0]["logprobs"];
    EXPECT_EQ(of_items, of_whole);
    EXPECT_EQ(deltas, of_whole);
    if (of_whole.size() > 1) {
      EXPECT_GT(n_with, 1U);
    }
  }
}

TEST(CompletionsStream, LogprobsComeWithTheirText) {
  const Request request{.protocol = Protocol::completions, .generate = {.logprobs = 1}};
  for (const Said& reply : with_logprobs()) {
    json together = {{"tokens", json::array()},
                     {"token_logprobs", json::array()},
                     {"top_logprobs", json::array()},
                     {"text_offset", json::array()}};
    for (const json& chunk : events(streamed(request, reply))) {
      if (chunk.is_string()) continue;
      const json& logprobs = chunk["choices"][0]["logprobs"];
      for (auto& [name, list] : together.items())
        if (!logprobs.is_null())
          list.insert(list.end(), logprobs[name].begin(), logprobs[name].end());
    }
    EXPECT_EQ(together, json::parse(whole(request, reply))["choices"][0]["logprobs"]);
  }
}

TEST(ResponsesStream, OpensAndClosesEachItemInOrder) {
  const Request request{.protocol = Protocol::responses};
  for (const NamedReply& sample : sample_replies()) {
    SCOPED_TRACE(sample.name);
    const Said reply = said(sample.text);
    const std::vector<json> all = events(streamed(request, reply));
    EXPECT_EQ(all[0]["type"], "response.created");
    EXPECT_EQ(all[1]["type"], "response.in_progress");
    std::string open;
    std::map<std::string, std::string> deltas;
    int n_done = 0;
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_EQ(all[i]["sequence_number"], i);
      const std::string type = all[i]["type"];
      if (type == "response.output_item.added") {
        EXPECT_TRUE(open.empty());
        open = all[i]["item"]["id"];
      }
      if (all[i].contains("item_id")) {
        EXPECT_EQ(all[i]["item_id"], open);
      }
      if (all[i].contains("output_index")) {
        EXPECT_EQ(all[i]["output_index"], n_done);
      }
      if (type.ends_with(".delta")) deltas[open] += all[i]["delta"];
      if (type == "response.function_call_arguments.done") {
        EXPECT_EQ(all[i]["arguments"], deltas[open]);
      }
      if (type == "response.output_text.done") {
        EXPECT_EQ(all[i]["text"], deltas[open]);
      }
      if (type == "response.output_item.done") {
        EXPECT_EQ(all[i]["item"]["id"], open);
        open.clear();
        ++n_done;
      }
    }
    EXPECT_TRUE(open.empty());
    const json& response = all.back()["response"];
    const bool cut = reply.out.finish == model::Finish::length;
    EXPECT_EQ(all.back()["type"], cut ? "response.incomplete" : "response.completed");
    EXPECT_EQ(response["output"].size(), n_done);
    EXPECT_GE(n_done, 1);
    EXPECT_EQ(response["usage"]["input_tokens_details"]["cached_tokens"], 60);
    if (cut) {
      EXPECT_EQ(response["incomplete_details"]["reason"], "max_output_tokens");
    }
    if (reply.out.errors.empty()) {
      EXPECT_EQ(json::parse(whole(request, reply))["output"], response["output"]);
    }
  }
}

TEST(ResponsesStream, ACallOfAGroupHasTheClientsNames) {
  Request request{.protocol = Protocol::responses};
  request.grouped_tools["agents__spawn"] = {"agents", "spawn"};
  const Said reply = said(
      "<|tool_call>call:agents__spawn{message:<|\"|>hi<|\"|>}<tool_call|>"
      "<|tool_call>call:other{}<tool_call|><|tool_response>");
  json items = json::array();
  for (const json& event : events(streamed(request, reply))) {
    if (event["type"] == "response.output_item.added") {
      const bool grouped = items.empty();
      EXPECT_EQ(event["item"]["name"], grouped ? "spawn" : "other");
      EXPECT_EQ(event["item"].value("namespace", ""), grouped ? "agents" : "");
    }
    if (event["type"] == "response.function_call_arguments.done") {
      EXPECT_EQ(event["name"], items.empty() ? "spawn" : "other");
    }
    if (event["type"] == "response.output_item.done") items.push_back(event["item"]);
  }
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(items[0]["name"], "spawn");
  EXPECT_EQ(items[0]["namespace"], "agents");
  EXPECT_EQ(items[0]["arguments"], R"({"message":"hi"})");
  EXPECT_FALSE(items[1].contains("namespace"));
  EXPECT_EQ(json::parse(whole(request, reply))["output"], items);
}

TEST(MessagesStream, OpensAndClosesEachBlockInOrder) {
  const Request request{.protocol = Protocol::messages};
  for (const NamedReply& sample : sample_replies()) {
    SCOPED_TRACE(sample.name);
    const Said reply = said(sample.text);
    const std::vector<json> all = events(streamed(request, reply));
    EXPECT_EQ(all.front()["type"], "message_start");
    EXPECT_EQ(all.front()["message"]["usage"]["input_tokens"], 100);
    EXPECT_EQ(all.back()["type"], "message_stop");
    bool open = false;
    int n_blocks = 0;
    std::string arguments;
    std::vector<json> inputs;
    for (const json& event : all) {
      const std::string type = event["type"];
      if (type.starts_with("content_block")) {
        EXPECT_EQ(event["index"], n_blocks);
      }
      if (type == "content_block_start") {
        EXPECT_FALSE(open);
        open = true;
        arguments.clear();
      }
      if (type == "content_block_delta") {
        EXPECT_TRUE(open);
        if (event["delta"]["type"] == "input_json_delta")
          arguments += event["delta"]["partial_json"].get<std::string>();
      }
      if (type == "content_block_stop") {
        EXPECT_TRUE(open);
        open = false;
        ++n_blocks;
        if (!arguments.empty() && json::accept(arguments)) inputs.push_back(json::parse(arguments));
      }
    }
    EXPECT_FALSE(open);
    const json message = json::parse(whole(request, reply));
    const json& delta = all[all.size() - 2];
    EXPECT_EQ(delta["delta"]["stop_reason"], message["stop_reason"]);
    EXPECT_EQ(delta["usage"], message["usage"]);
    EXPECT_EQ(message["usage"]["input_tokens"], 40);
    EXPECT_EQ(message["usage"]["cache_read_input_tokens"], 60);
    std::vector<json> expected;
    for (const json& block : message["content"])
      if (block["type"] == "tool_use") expected.push_back(block["input"]);
    EXPECT_EQ(inputs, expected);
  }
}

TEST(MessagesReply, NamesTheStopSequence) {
  Said reply = said("Hello<turn|>");
  reply.out.stopped_by = "END";
  const json message = json::parse(whole({.protocol = Protocol::messages}, reply));
  EXPECT_EQ(message["stop_reason"], "stop_sequence");
  EXPECT_EQ(message["stop_sequence"], "END");
}

TEST(CompletionsReply, RepeatsThePromptWhereAsked) {
  const Request request{
      .protocol = Protocol::completions, .raw_prompt = "Once", .echo = true, .n = 1};
  const Said reply = said(" upon a time<turn|>");
  EXPECT_EQ(json::parse(whole(request, reply))["choices"][0]["text"], "Once upon a time");
  std::string text;
  for (const json& chunk : events(streamed(request, reply)))
    if (!chunk.is_string()) text += chunk["choices"][0]["text"].get<std::string>();
  EXPECT_EQ(text, "Once upon a time");
  const Request counted{
      .protocol = Protocol::completions, .raw_prompt = "x", .generate = {.logprobs = 1}};
  const json logprobs = json::parse(whole(counted, reply))["choices"][0]["logprobs"];
  EXPECT_EQ(logprobs["tokens"], json::array({" upo", "n a ", "time"}));
  EXPECT_EQ(logprobs["text_offset"], json::array({0, 4, 8}));
}

TEST(Replies, ThoughtsAreLeftOutWhereAsked) {
  const Said reply = said(sample_replies()[2].text);
  for (const Protocol protocol : {Protocol::chat, Protocol::responses, Protocol::messages}) {
    const Request request{.protocol = protocol, .include_reasoning = false};
    EXPECT_EQ(streamed(request, reply).find("Let"), std::string::npos);
    EXPECT_EQ(whole(request, reply).find("Let me"), std::string::npos);
  }
}

TEST(Replies, AnErrorInAStreamIsOneThatClientsRead) {
  const ApiError error{.status = 500, .message = "broken", .type = "server_error"};
  for (const Protocol protocol :
       {Protocol::chat, Protocol::completions, Protocol::responses, Protocol::messages}) {
    const auto writer = make_writer({.protocol = protocol}, {.id = "r"}, {});
    (void)writer->begin();
    const std::vector<json> all = events(writer->failed(error));
    ASSERT_EQ(all.size(), 1U);
    const json& told =
        protocol == Protocol::responses ? all[0]["response"]["error"] : all[0]["error"];
    EXPECT_EQ(told["message"], "broken");
  }
}

}  // namespace
}  // namespace server
