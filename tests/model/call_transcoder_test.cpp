#include "model/call_transcoder.h"

#include <gtest/gtest.h>

#include <random>
#include "base/json.h"

#include "model/call_parser.h"
#include "model/gguf.h"
#include "tests/golden.h"

namespace model {
namespace {

using nlohmann::json;

const Tokenizer& tiny() {
  static const Gguf gguf = std::move(*Gguf::open(golden("tiny/tiny-q4_0.gguf")));
  static const Tokenizer tokenizer = std::move(*Tokenizer::from_gguf(gguf));
  return tokenizer;
}

// What was heard of the calls of a reply.
struct Heard {
  std::vector<std::string> begun;   // names
  std::vector<std::string> pieces;  // in order, of all calls
  std::vector<FunctionCall> calls;
  std::vector<std::string> errors;

  void hear(const std::vector<ReplyEvent>& events) {
    for (const ReplyEvent& event : events) {
      if (event.kind == ReplyEvent::Kind::call_begin) begun.push_back(event.call.name);
      if (event.kind == ReplyEvent::Kind::call_arguments) pieces.push_back(event.text);
      if (event.kind == ReplyEvent::Kind::call) calls.push_back(event.call);
      if (event.kind == ReplyEvent::Kind::bad_call) errors.push_back(event.error);
    }
  }
  std::string together() const {
    std::string all;
    for (const std::string& piece : pieces) all += piece;
    return all;
  }
};

// A call's body with Q for <|"|>, byte by byte. With `end` the call is closed.
Heard heard(const std::string& body, bool end = true) {
  StreamParser parser(ParserOptions{.functions = {"f"}});
  Heard heard;
  heard.hear(parser.push_special(Special::call_begin));
  for (const char c : body)
    heard.hear(c == 'Q' ? parser.push_special(Special::quote)
                        : parser.push_text(std::string(1, c)));
  if (end) heard.hear(parser.push_special(Special::call_end));
  return heard;
}

TEST(CallTranscoder, GivesAScriptOutLineByLine) {
  std::string body = "call:f{code:Q";
  for (int line = 0; line < 300; ++line)
    body += "local x" + std::to_string(line) + " = t[\"a\"] -- {\\}\n";
  const Heard before = heard(body, false);
  EXPECT_EQ(before.begun, std::vector<std::string>{"f"});
  // All but what may close the call is out, and came in many pieces.
  EXPECT_TRUE(before.together().ends_with("-- {\\\\"));
  EXPECT_GT(before.pieces.size(), 1000U);
  const Heard after = heard(body + "Q,seed:1}");
  ASSERT_EQ(after.calls.size(), 1U);
  EXPECT_EQ(after.together(), after.calls[0].arguments_text);
  EXPECT_EQ(json::parse(after.together()), after.calls[0].arguments);
}

TEST(CallTranscoder, KeepsTheOrderInWhichTheModelWrote) {
  const Heard calls = heard("call:f{zeta:1,alpha:{b:true,a:null},mid:[QxQ,-2.5e3,{}]}");
  EXPECT_EQ(calls.together(), R"j({"zeta":1,"alpha":{"b":true,"a":null},"mid":["x",-2500.0,{}]})j");
  ASSERT_EQ(calls.calls.size(), 1U);
  EXPECT_EQ(calls.calls[0].arguments_text, calls.together());
}

TEST(CallTranscoder, TellsANameOnlyWhenItIsWhole) {
  EXPECT_TRUE(heard("call:read_fi", false).begun.empty());
  EXPECT_EQ(heard("call:read_file{", false).begun, std::vector<std::string>{"read_file"});
  EXPECT_EQ(heard("call:ns:f{", false).begun, std::vector<std::string>{"f"});
}

TEST(CallTranscoder, WaitsWhereAQuoteMayBePartOfTheString) {
  // print(<|"|>a, b<|"|>) inside a script: neither of them ends it.
  const std::string open = "call:f{code:Qprint(";
  EXPECT_EQ(heard(open + "Qa, b", false).together(), R"j({"code":"print()j");
  const Heard whole = heard(open + "Qa, bQ)Q,seed:1}");
  ASSERT_EQ(whole.calls.size(), 1U);
  EXPECT_EQ(whole.together(), R"j({"code":"print(\"a, b\")","seed":1})j");
  // Brackets at its end may close the call.
  EXPECT_EQ(heard("call:f{code:Qf() } ", false).together(), R"j({"code":"f()j");
}

TEST(CallTranscoder, GivesACallInAnotherSyntaxAtItsEnd) {
  for (const std::string body : {"call:f{\"a\":1}", "call:f(a=1)", "call:f {a:1}", "f{a:1}"}) {
    EXPECT_LE(heard(body, false).together(), "{") << body;
    const Heard whole = heard(body);
    ASSERT_EQ(whole.calls.size(), 1U) << body;
    EXPECT_EQ(whole.begun, std::vector<std::string>{"f"});
    EXPECT_EQ(whole.together(), R"j({"a":1})j") << body;
  }
  EXPECT_EQ(heard("call:f").together(), "{}");
  // From the first unquoted word on it waits.
  EXPECT_EQ(heard("call:f{a:1,b:some words,c:Q2Q", false).together(), R"j({"a":1,"b":)j");
  EXPECT_EQ(heard("call:f{a:1,b:some words,c:Q2Q}").together(),
            R"j({"a":1,"b":"some words","c":"2"})j");
}

TEST(CallTranscoder, WhatItGivesBeforeTheEndIsNeverJson) {
  for (const std::string body : {"call:f{a:1}", "call:f{}", "call:f{a:{b:[]}}", "call:f{a:QxQ}"})
    EXPECT_FALSE(json::accept(heard(body, false).together())) << body;
}

TEST(CallTranscoder, ACallThatIsCutOffIsNeverTold) {
  StreamParser parser(ParserOptions{});
  Heard calls;
  calls.hear(parser.push_special(Special::call_begin));
  calls.hear(parser.push_text("call:f{a:1,b"));
  calls.hear(parser.finish());
  EXPECT_EQ(calls.begun.size(), 1U);
  EXPECT_TRUE(calls.calls.empty());
  EXPECT_EQ(calls.errors, std::vector<std::string>{"call: cut off before its end"});
}

// Random values, with strings that imitate the syntax.
json random_value(std::mt19937& random, int depth) {
  static const std::vector<std::string> kParts = {
      "a",  "\"", "\\", "\n", "{",    "}",  "[", "]",    ",",    ":",      " ",
      "-1", "é",  "😀",  "\t", "null", "a:", "'", "\x7F", "\x01", "<|\"|>", ",b:1}"};
  const auto text = [&] {
    std::string out;
    for (size_t n = random() % 9; n > 0; --n) out += kParts[random() % kParts.size()];
    return out;
  };
  switch (random() % (depth > 0 ? 7 : 5)) {
    case 0:
      return text();
    case 1:
      return static_cast<int64_t>(random()) - (int64_t{1} << 31);
    case 2:
      return static_cast<double>(static_cast<int32_t>(random())) / 1024;
    case 3:
      return random() % 2 == 0;
    case 4:
      return random() % 2 == 0 ? json(nullptr) : json(text());
    case 5: {
      json list = json::array();
      for (size_t n = random() % 4; n > 0; --n) list.push_back(random_value(random, depth - 1));
      return list;
    }
    default: {
      json object = json::object();
      for (size_t n = random() % 4; n > 0; --n) {
        std::string key = text();
        std::erase(key, '"');
        object[key] = random_value(random, depth - 1);
      }
      return object;
    }
  }
}

TEST(CallTranscoder, PiecesOfRenderedCallsAreTheArguments) {
  std::mt19937 random(7);
  for (int round = 0; round < 1000; ++round) {
    json arguments = json::object();
    for (size_t n = random() % 5; n > 0; --n)
      arguments["k" + std::to_string(n)] = random_value(random, 3);
    const std::vector<Message> messages = {
        {.role = Role::user, .text = "q"},
        {.role = Role::model, .calls = {{.name = "f", .arguments = arguments}}}};
    const ChatTokens all = tokens(render(messages, {}, {}), tiny());
    StreamParser parser(tiny(), {});
    Heard calls;
    for (size_t i = 0; i < all.ids.size(); ++i)
      if (all.from_model[i] != 0) calls.hear(parser.push(all.ids[i]));
    calls.hear(parser.finish());
    ASSERT_EQ(calls.calls.size(), 1U) << arguments.dump();
    ASSERT_EQ(calls.begun.size(), 1U);
    ASSERT_EQ(calls.together(), calls.calls[0].arguments_text);
    ASSERT_EQ(json::parse(calls.together()), calls.calls[0].arguments);
    ASSERT_EQ(calls.calls[0].arguments, arguments);
  }
}

TEST(CallTranscoder, WhatWasToldEarlyHoldsWhateverFollows) {
  std::mt19937 random(11);
  const std::vector<std::string> parts = {"a:", "b:",   "{",  "}",   "[",    "]", ",",
                                          "1",  "true", "x",  "k:Q", "Q",    "Q", "Q,",
                                          " ",  "Q}",   "\"", "=",   "Qa Q", ")"};
  int n_calls = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string body = "call:f{";
    for (size_t n = random() % 16; n > 0; --n) body += parts[random() % parts.size()];
    const Heard calls = heard(body);
    for (const std::string& error : calls.errors)
      ASSERT_EQ(error.find("reads otherwise"), std::string::npos) << body;
    if (calls.calls.empty()) continue;
    ++n_calls;
    ASSERT_EQ(calls.together(), calls.calls[0].arguments_text) << body;
    ASSERT_EQ(json::parse(calls.together()), calls.calls[0].arguments) << body;
  }
  EXPECT_GT(n_calls, 2000);
}

TEST(CallTranscoder, HostileCallsTakeNoLongerThanTheirLength) {
  for (const std::string unit : {"Q", "Q,", "Q,aaaaaaaa", "Q ", "}", "Q,\"a"}) {
    std::string body = "call:f{k:Q";
    while (body.size() < 60'000) body += unit;
    (void)heard(body);
  }
  (void)heard("call:" + std::string(60'000, 'n'));
  (void)heard("call:f{" + std::string(60'000, 'k'));
  (void)heard("call:f{k:" + std::string(60'000, '1'));
}

}  // namespace
}  // namespace model
