#include "model/call_parser.h"

#include <gtest/gtest.h>

#include <random>
#include "base/json.h"

#include "model/gguf.h"
#include "tests/golden.h"

namespace model {
namespace {

using nlohmann::json;

// Reads a reply with special tokens spelled out: here <|"|> is always the token.
Reply read(const std::string& text) { return parse_reply_text(text, {}); }

// Arguments of the only call in `<|tool_call>call:f` + `arguments`; Q stands for <|"|>.
json arguments(std::string arguments) {
  for (size_t at = 0; (at = arguments.find('Q', at)) != std::string::npos;) {
    arguments.replace(at, 1, "<|\"|>");
  }
  const Reply reply = read("<|tool_call>call:f" + arguments + "<tool_call|><|tool_response>");
  if (reply.message.calls.size() != 1) {
    return "no call: " + (reply.errors.empty() ? "" : reply.errors[0]);
  }
  EXPECT_EQ(reply.message.calls[0].name, "f");
  return reply.message.calls[0].arguments;
}

const Tokenizer& tiny() {
  static const Gguf gguf = std::move(*Gguf::open(golden("tiny/tiny-q4_0.gguf")));
  static const Tokenizer tokenizer = std::move(*Tokenizer::from_gguf(gguf));
  return tokenizer;
}

TEST(CallParser, ReadsTextReasoningAndCalls) {
  const Reply reply = read(
      "<|channel>thought\nhmm\n<channel|>a=rows<|tool_call>call:f{x:1}<tool_call|>"
      "<|tool_call>call:g{}<tool_call|><|tool_response>");
  EXPECT_EQ(reply.message.reasoning, "hmm");
  EXPECT_EQ(reply.message.text, "a=rows");
  ASSERT_EQ(reply.message.calls.size(), 2U);
  EXPECT_EQ(reply.message.calls[0].arguments, (json{{"x", 1}}));
  EXPECT_EQ(reply.message.calls[0].id, "call_1");
  EXPECT_EQ(reply.message.calls[1].name, "g");
  EXPECT_EQ(reply.end, ReplyEnd::response);
  EXPECT_EQ(read("hello<turn|>").end, ReplyEnd::turn);
  EXPECT_EQ(read("hello<eos>ignored").message.text, "hello");
  EXPECT_EQ(read("hello").end, ReplyEnd::cut);
}

TEST(CallParser, ToleratesOddChannels) {
  EXPECT_EQ(read("<|channel>thought\n<channel|>hi<turn|>").message.text, "hi");
  EXPECT_EQ(read("<|channel>thought\n<channel|>hi<turn|>").message.reasoning, "");
  EXPECT_EQ(read("<|channel>thought<channel|>hi").message.reasoning, "");
  EXPECT_EQ(read("<|channel><channel|><|channel>thought\na<channel|>b").message.reasoning, "a");
  EXPECT_EQ(read("<channel|>hi<channel|>").message.text, "hi");
  EXPECT_EQ(read("<|channel>thoughtful<channel|>b").message.reasoning, "thoughtful");
  const Reply open = parse_reply_text("why\n<channel|>b<turn|>", {.start_in_reasoning = true});
  EXPECT_EQ(open.message.reasoning, "why");
  EXPECT_EQ(open.message.text, "b");
}

TEST(CallParser, ReadsValuesOfEveryKind) {
  EXPECT_EQ(arguments("{a:QtextQ,b:-2.5e3,c:true,d:null,e:[1,QxQ,[]],f:{g:{},h:false},i:QQ}"),
            (json{{"a", "text"},
                  {"b", -2500.0},
                  {"c", true},
                  {"d", nullptr},
                  {"e", {1, "x", json::array()}},
                  {"f", {{"g", json::object()}, {"h", false}}},
                  {"i", ""}}));
  EXPECT_EQ(arguments(" { a : QxQ , b : [ 1 , 2 ] } "), (json{{"a", "x"}, {"b", {1, 2}}}));
}

TEST(CallParser, BracketsAndCommasInStringsAreData) {
  EXPECT_EQ(arguments("{code:Qt = {1, [2]} -- }, x:5Q,n:2}"),
            (json{{"code", "t = {1, [2]} -- }, x:5"}, {"n", 2}}));
  EXPECT_EQ(arguments("{code:Qx <|tool_call> y <|channel>Q}"),
            (json{{"code", "x <|tool_call> y <|channel>"}}));
}

TEST(CallParser, QuoteTokensInsideAStringAreQuotes) {
  EXPECT_EQ(arguments("{code:Qprint(QaQ .. Qb, cQ)Q}"),
            (json{{"code", R"(print("a" .. "b, c"))"}}));
  EXPECT_EQ(arguments("{code:Qchart.bar(t, {x=QspeciesQ, y=QmassQ})Q}"),
            (json{{"code", R"(chart.bar(t, {x="species", y="mass"}))"}}));
  EXPECT_EQ(arguments("{code:Qt = {QaQ, QbQ}Q,n:1}"),
            (json{{"code", R"(t = {"a", "b"})"}, {"n", 1}}));
  EXPECT_EQ(arguments("{code:Qprint(QxQ, t:count())Q}"),
            (json{{"code", R"(print("x", t:count()))"}}));
  EXPECT_EQ(arguments("{code:Qdata.read(Qa.csvQ):group(QsexQ):count()\nprint(QokQ)Q,more:[QyQ]}"),
            (json{{"code", "data.read(\"a.csv\"):group(\"sex\"):count()\nprint(\"ok\")"},
                  {"more", {"y"}}}));
  EXPECT_EQ(arguments("{names:[QaQ,QbQ],note:QsaidQ}"),
            (json{{"names", {"a", "b"}}, {"note", "said"}}));
}

TEST(CallParser, ReadsWhatModelsWriteInstead) {
  EXPECT_EQ(arguments(R"({"a":"x \"y\" \u00e9\n","b":'z'})"),
            (json{{"a", "x \"y\" \u00e9\n"}, {"b", "z"}}));
  EXPECT_EQ(arguments("{a=1,b=QxQ}"), (json{{"a", 1}, {"b", "x"}}));
  EXPECT_EQ(arguments("(a=1, b=QxQ)"), (json{{"a", 1}, {"b", "x"}}));
  EXPECT_EQ(arguments("({a:1})"), (json{{"a", 1}}));
  EXPECT_EQ(arguments("{QaQ:1,bQ:2}"), (json{{"a", 1}, {"b", 2}}));
  EXPECT_EQ(arguments("{a:1 b:2}"), (json{{"a", "1 b:2"}}));
  EXPECT_EQ(arguments("{a:QxQ b:2}"), (json{{"a", "x"}, {"b", 2}}));
  EXPECT_EQ(arguments("{path:notes/a b.txt,n:3}"), (json{{"path", "notes/a b.txt"}, {"n", 3}}));
  EXPECT_EQ(arguments("{reason:No, there is none}"), (json{{"reason", "No, there is none"}}));
  EXPECT_EQ(arguments("{code:print(1, 2)Q}"), (json{{"code", "print(1, 2)"}}));
  EXPECT_EQ(arguments("{code:Qprint({1})}"), (json{{"code", "print({1})"}}));
  EXPECT_EQ(arguments("{code:Qprint(1)Q"), (json{{"code", "print(1)"}}));
  EXPECT_EQ(arguments("{a:True,b:None,c:nil,d:[none]}"),
            (json{{"a", true}, {"b", nullptr}, {"c", nullptr}, {"d", {nullptr}}}));
  EXPECT_EQ(arguments("{o{a:1}}"), (json{{"o", {{"a", 1}}}}));
  EXPECT_EQ(arguments("{a:1,,}"), (json{{"a", 1}}));
  EXPECT_EQ(arguments(""), json::object());
  EXPECT_EQ(arguments("{v:1.2.3}"), (json{{"v", "1.2.3"}}));
  EXPECT_EQ(arguments("{v:1e999}"), (json{{"v", "1e999"}}));
}

TEST(CallParser, StopsWithoutTheEndOfACall) {
  const Reply reply = read("<|tool_call>call:f{a:1}<turn|>");
  ASSERT_EQ(reply.message.calls.size(), 1U);
  EXPECT_EQ(reply.message.calls[0].arguments, (json{{"a", 1}}));
  const Reply cut = read("<|tool_call>call:f{a:1}");
  EXPECT_TRUE(cut.message.calls.empty());
  EXPECT_EQ(cut.errors, std::vector<std::string>{"call: cut off before its end"});
}

TEST(CallParser, TakesThePrefixOffKnownNames) {
  const ParserOptions options{.functions = {"run_lua", "a:b"}};
  const auto name = [&](const std::string& body) {
    return parse_reply_text("<|tool_call>" + body + "<tool_call|>", options)
        .message.calls.at(0)
        .name;
  };
  EXPECT_EQ(name("call:run_lua{}"), "run_lua");
  EXPECT_EQ(name("call:tools:run_lua{}"), "run_lua");
  EXPECT_EQ(name("call:a:b{}"), "a:b");
  EXPECT_EQ(name("call:other{}"), "other");
  EXPECT_EQ(name("run_lua{}"), "run_lua");
}

TEST(CallParser, SaysWhatItCannotRead) {
  EXPECT_EQ(read("<|tool_call><tool_call|>").errors.at(0),
            "call, byte 0: a function's name expected");
  EXPECT_EQ(read("<|tool_call>call:f 5<tool_call|>").errors.at(0),
            "call, byte 7: { expected after the function's name");
  EXPECT_EQ(read("<|tool_call>call:f{a}<tool_call|>").errors.at(0),
            "call, byte 8: no value for \"a\"");
  const std::string deep(200, '[');
  EXPECT_EQ(read("<|tool_call>call:f{a:" + deep + "<tool_call|>").errors.at(0),
            "call: nested too deeply");
}

TEST(CallParser, BoundsTheLengthOfACall) {
  StreamParser parser({.max_call_bytes = 100});
  EXPECT_TRUE(parser.push_special(Special::call_begin).empty());
  for (int i = 0; i < 1000; ++i)
    for (const ReplyEvent& event : parser.push_text("call:f{a:1"))
      EXPECT_TRUE(event.kind == ReplyEvent::Kind::call_begin ||
                  event.kind == ReplyEvent::Kind::call_arguments);
  const std::vector<ReplyEvent> events = parser.push_special(Special::call_end);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, ReplyEvent::Kind::bad_call);
  EXPECT_EQ(events[0].error, "call: longer than 100 bytes");
  EXPECT_LE(events[0].text.size(), 100U);
}

// What a tool that writes files is given.
TEST(CallParser, TakesAFileOfHundredsOfKilobytesAsAnArgument) {
  std::string file;
  while (file.size() < 300'000)
    file += "  print(\"row " + std::to_string(file.size()) + "\", {a = [[x]], b = 1})\n";
  StreamParser parser(ParserOptions{});
  std::string streamed;
  std::vector<FunctionCall> calls;
  const auto hear = [&](const std::vector<ReplyEvent>& events) {
    for (const ReplyEvent& event : events) {
      EXPECT_NE(event.kind, ReplyEvent::Kind::bad_call) << event.error;
      if (event.kind == ReplyEvent::Kind::call_arguments) streamed += event.text;
      if (event.kind == ReplyEvent::Kind::call) calls.push_back(event.call);
    }
  };
  hear(parser.push_special(Special::call_begin));
  hear(parser.push_text("call:write{content:"));
  hear(parser.push_special(Special::quote));
  for (size_t at = 0; at < file.size(); at += 4) hear(parser.push_text(file.substr(at, 4)));
  hear(parser.push_special(Special::quote));
  hear(parser.push_text("}"));
  hear(parser.push_special(Special::call_end));
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].arguments, (json{{"content", file}}));
  EXPECT_EQ(streamed, calls[0].arguments_text);
}

// Each string here ends nowhere for sure, so that the rest of the call is searched for each.
TEST(CallParser, GivesUpACallThatIsTooTangled) {
  std::string body = "call:f{";
  while (body.size() < (1 << 20) - 100) body += std::string("k:{a:") + kQuote + "b" + kQuote + "}z";
  const base::Result<FunctionCall> call = parse_call(body + "}", {});
  ASSERT_FALSE(call);
  EXPECT_EQ(call.error().code, base::Errc::limit);
  EXPECT_EQ(call.error().message, "call: too tangled to be read");
}

TEST(CallParser, GivesTextAsItArrives) {
  StreamParser parser(ParserOptions{});
  EXPECT_EQ(parser.push_text("caf\xC3").at(0).text, "caf");
  EXPECT_EQ(parser.push_text("\xA9!").at(0).text, "\u00e9!");
  EXPECT_TRUE(parser.push_text("\xE4\xB8").empty());
  const std::vector<ReplyEvent> events = parser.push_special(Special::turn_end);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].text, "\uFFFD\uFFFD");
  EXPECT_EQ(events[1].kind, ReplyEvent::Kind::end);
  EXPECT_TRUE(parser.ended());
  EXPECT_TRUE(parser.push_text("more").empty());
  EXPECT_TRUE(parser.finish().empty());
}

// A value with everything that could confuse a reader.
json random_json(std::mt19937& random, int depth) {
  const std::vector<std::string> parts = {"a",
                                          "\"",
                                          "'",
                                          "{",
                                          "}",
                                          "[",
                                          "]",
                                          ",",
                                          ":",
                                          "\n",
                                          "\\",
                                          "<|\"|>",
                                          "<|tool_call>",
                                          "<tool_call|>",
                                          "<turn|>",
                                          " ",
                                          "x:1",
                                          "\u00e9",
                                          "\u4e16",
                                          "\t",
                                          "=",
                                          "(",
                                          ")",
                                          "print(\"a, b\")",
                                          "\U0001F600",
                                          "null",
                                          "0",
                                          "-"};
  const auto text = [&] {
    std::string out;
    for (size_t i = random() % 12; i > 0; --i) out += parts[random() % parts.size()];
    return out;
  };
  switch (random() % (depth > 3 ? 6 : 8)) {
    case 0:
      return static_cast<int64_t>(random()) - 2'000'000'000;
    case 1:
      return static_cast<double>(random()) / 7.0;
    case 2:
      return random() % 2 == 0;
    case 3:
      return nullptr;
    case 4:
    case 5:
      return text();
    case 6: {
      json list = json::array();
      for (size_t i = random() % 4; i > 0; --i) list.push_back(random_json(random, depth + 1));
      return list;
    }
    default: {
      json object = json::object();
      for (size_t i = random() % 4; i > 0; --i) {
        const std::string key = random() % 4 == 0 ? text() : "key" + std::to_string(random() % 9);
        object[key] = random_json(random, depth + 1);
      }
      return object;
    }
  }
}

TEST(CallParser, ReadsBackWhatTheRendererWrote) {
  std::mt19937 random(11);
  for (int round = 0; round < 3000; ++round) {
    json arguments = json::object();
    for (size_t i = random() % 5; i > 0; --i) {
      arguments["k" + std::to_string(i)] = random_json(random, 0);
    }
    const std::vector<Message> messages = {
        {.role = Role::user, .text = "q"},
        {.role = Role::model,
         .text = "a=rows",
         .calls = {{.name = "f", .arguments = arguments}, {.name = "g", .arguments = {{"x", 1}}}}}};
    const ChatTokens all = tokens(render(messages, {}, {}), tiny());
    std::vector<TokenId> own;
    for (size_t i = 0; i < all.ids.size(); ++i) {
      if (all.from_model[i] != 0) own.push_back(all.ids[i]);
    }
    const Reply reply = parse_reply(own, tiny(), {});
    ASSERT_TRUE(reply.errors.empty()) << reply.errors[0] << "\n" << arguments.dump();
    ASSERT_EQ(reply.message.calls.size(), 2U) << arguments.dump();
    ASSERT_EQ(reply.message.calls[0].arguments, arguments) << tiny().decode(own);
    ASSERT_EQ(reply.message.calls[1].arguments, (json{{"x", 1}}));
    ASSERT_EQ(reply.message.text, "a=rows");
    ASSERT_EQ(reply.end, ReplyEnd::response);
  }
}

TEST(CallParser, SurvivesAnyTokens) {
  std::mt19937 random(5);
  const std::vector<Special> frequent = {Special::quote, Special::call_begin, Special::call_end,
                                         Special::channel_begin, Special::channel_end};
  const std::string letters = "call:f{}[](),:=\"'\\ \n0-t";
  for (int round = 0; round < 2000; ++round) {
    StreamParser parser(tiny(), {});
    size_t n_ends = 0;
    const auto count = [&](const std::vector<ReplyEvent>& events) {
      for (const ReplyEvent& event : events) n_ends += event.kind == ReplyEvent::Kind::end ? 1 : 0;
    };
    for (size_t i = random() % 200; i > 0; --i) {
      switch (random() % 8) {
        case 0:
          count(parser.push(static_cast<TokenId>(random() % 600) - 40));
          break;
        case 1:
          count(parser.push_text(std::string(1, static_cast<char>(random()))));
          break;
        case 2:
        case 3:
          count(parser.push_special(frequent[random() % frequent.size()]));
          break;
        default:
          count(parser.push_text(letters.substr(random() % letters.size(), 2)));
      }
    }
    count(parser.finish());
    EXPECT_EQ(n_ends, 1U);
  }
}

TEST(CallParser, ReadsALongHostileCallInTime) {
  for (const std::string& unit : {std::string("\xFF"), std::string("\xFF,"), std::string("\xFF}"),
                                  std::string("\xFF,a:"), std::string("a:{b:\xFFx\xFF}z,"),
                                  std::string("[{("), std::string(",a:x "), std::string("\"\\\""),
                                  std::string(",\xFF"
                                              "a")}) {
    std::string body = "call:f{k:";
    while (body.size() < 64 * 1024) body += unit;
    (void)parse_call(body, {});
  }
}

}  // namespace
}  // namespace model
