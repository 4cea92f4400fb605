#include "model/grammar/reply_grammar.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/json.h"
#include "model/generate.h"
#include "model/gguf.h"
#include "model/grammar/grammar_cache.h"
#include "tests/golden.h"

namespace model {
namespace {

using nlohmann::json;

const Tokenizer& tokenizer() {
  static const Gguf file = std::move(*Gguf::open(golden("tiny/tiny-f32.gguf")));
  static const Tokenizer tokenizer = std::move(*Tokenizer::from_gguf(file));
  return tokenizer;
}
const GrammarVocabulary& vocabulary() {
  static const GrammarVocabulary vocabulary = std::move(*grammar_vocabulary(tokenizer()));
  return vocabulary;
}

const std::vector<ToolDeclaration>& tools() {
  static const std::vector<ToolDeclaration> tools = {
      {.name = "read",
       .parameters = json::parse(
           R"({"type":"object","properties":{"path":{"type":"string"},"limit":{"type":"integer","minimum":1}},"required":["path"]})")},
      {.name = "now"}};
  return tools;
}

struct Asked {
  ReplyGrammar reply;
  std::string error = {};
  std::vector<std::string> fits = {}, others = {};
};

void check(Asked asked) {
  asked.reply.tokens = reply_tokens(tokenizer());
  const base::Result<std::string> lark = reply_grammar(asked.reply);
  ASSERT_TRUE(lark) << lark.error().message;
  base::Result<Constraint> constraint = Constraint::compile(vocabulary(), *lark);
  ASSERT_TRUE(constraint) << constraint.error().message << "\n" << *lark;
  for (const bool wanted : {true, false}) {
    for (const std::string& text : wanted ? asked.fits : asked.others) {
      const std::vector<TokenId> ids = tokenizer().encode_special(text);
      EXPECT_EQ(constraint->count_accepted(ids) == static_cast<int>(ids.size()), wanted)
          << text << "\n"
          << *lark;
    }
  }
}

const std::string kRead = "<|tool_call>call:read{path:<|\"|>a<|\"|>}<tool_call|>";
const std::string kNow = "<|tool_call>call:now{}<tool_call|>";
const std::string kAnswer = "{\"n\": 3}";
const std::string kSchema =
    R"({"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false})";

TEST(ReplyGrammar, AutomaticIsTextThenCalls) {
  check({.reply = {.tools = tools()},
         .fits = {"Hello.<turn|>", "<turn|>", kRead + "<|tool_response>", kRead + "<turn|>",
                  "Text" + kRead + kNow + "<|tool_response>",
                  "<|tool_call>call:read{limit:3,path:<|\"|>}<|\"|>}<tool_call|><turn|>"},
         .others = {"Hello.<|tool_response>", kRead + "text<turn|>",
                    "<|tool_call>call:other{}<tool_call|><turn|>",
                    "<|tool_call>call:read{}<tool_call|><turn|>",
                    "<|tool_call>call:read{path:<|\"|>a<|\"|>,limit:3}<tool_call|><turn|>",
                    "<|tool_call>call:read{limit:0,path:<|\"|>a<|\"|>}<tool_call|><turn|>",
                    "<|tool_call>call:read{path:a}<tool_call|><turn|>",
                    "<|tool_call>call:now{x:1}<tool_call|><turn|>",
                    "<|tool_call>call:read{path:<|\"|>a<|\"|>,zoo:1}<tool_call|><turn|>"}});
}

TEST(ReplyGrammar, ObjectsAreOpenAsTheSchemaSaysWhereThatIsAskedFor) {
  check({.reply = {.tools = tools(), .closed = false},
         .fits = {"<|tool_call>call:read{path:<|\"|>a<|\"|>,zoo:{a:[null]}}<tool_call|><turn|>",
                  "<|tool_call>call:read{a:1,path:<|\"|>a<|\"|>}<tool_call|><turn|>"},
         .others = {
             "<|tool_call>call:read{limit:<|\"|>x<|\"|>,path:<|\"|>a<|\"|>}<tool_call|><turn|>",
             "<|tool_call>call:now{x:1}<tool_call|><turn|>"}});
}

// Such as the environment of a command: nobody lists its names, and {} alone would be of no use.
TEST(ReplyGrammar, AnEmptyListOfPropertiesClosesAFunctionsParametersAlone) {
  const auto with = [](const char* parameters) {
    return std::vector<ToolDeclaration>{{.name = "f", .parameters = json::parse(parameters)}};
  };
  const auto f = [](const std::string& arguments) {
    return "<|tool_call>call:f{" + arguments + "}<tool_call|><turn|>";
  };
  check({.reply =
             {.tools = with(
                  R"({"type":"object","properties":{"env":{"type":"object","properties":{}}}})")},
         .fits = {f(""), f("env:{}"), f("env:{a:1,b:{c:[<|\"|>x<|\"|>]}}")},
         .others = {f("zoo:1"), f("env:1")}});
  check({.reply = {.tools = with(R"({"type":"object","properties":{}})")},
         .fits = {f("")},
         .others = {f("a:1")}});
  check({.reply = {.tools = with(
                       R"({"type":"object","properties":{"env":{"type":"object","properties":{},
                          "additionalProperties":false},"list":{"type":"array","items":{"type":
                          "object","properties":{"n":{"type":"integer"}}}}}})")},
         .fits = {f("env:{},list:[{n:1}]")},
         .others = {f("env:{a:1}"), f("list:[{zoo:1}]")}});
}

TEST(ReplyGrammar, ChoicesAndASingleCallAreKept) {
  check({.reply = {.tools = tools(), .choice = CallChoice::none},
         .fits = {"Hello.<turn|>"},
         .others = {kRead + "<turn|>", "Hello." + kRead + "<turn|>"}});
  check({.reply = {.tools = tools(), .choice = CallChoice::required},
         .fits = {kRead + "<turn|>", kNow + kRead + "<|tool_response>"},
         .others = {"Hello.<turn|>", "<turn|>", "x" + kRead + "<turn|>"}});
  check({.reply = {.tools = tools(), .choice = CallChoice::named, .name = "now"},
         .fits = {kNow + "<turn|>"},
         .others = {kRead + "<turn|>", "Hello.<turn|>", kNow + kRead + "<turn|>"}});
  check({.reply = {.tools = tools(), .choice = CallChoice::required, .parallel = false},
         .fits = {kRead + "<turn|>"},
         .others = {kRead + kNow + "<turn|>"}});
  check({.reply = {}, .fits = {"Hello.<turn|>", "<turn|>"}, .others = {kNow + "<turn|>"}});
}

TEST(ReplyGrammar, AnswersFollowTheFormatBesideCalls) {
  const ReplyFormat format = ReplyFormat::json_schema;
  check({.reply = {.tools = tools(), .format = format, .schema = kSchema},
         .fits = {kAnswer + "<turn|>", kRead + kNow + "<|tool_response>"},
         .others = {"Hello.<turn|>", kAnswer + kRead + "<turn|>", "{\"n\": \"3\"}<turn|>",
                    "x" + kRead + "<turn|>", "<turn|>"}});
  check(
      {.reply = {.tools = tools(), .choice = CallChoice::none, .format = format, .schema = kSchema},
       .fits = {kAnswer + "<turn|>"},
       .others = {kRead + "<turn|>"}});
  check({.reply = {.tools = tools(),
                   .choice = CallChoice::required,
                   .format = format,
                   .schema = kSchema},
         .fits = {kRead + "<turn|>"},
         .others = {kAnswer + "<turn|>"}});
  check({.reply = {.format = ReplyFormat::json_object},
         .fits = {"{}<turn|>", "{\"a\": [1, {\"b\": null}]}<turn|>"},
         .others = {"[]<turn|>", "3<turn|>", "{\"a\":1}<turn|>", "{<turn|>"}});
}

TEST(ReplyGrammar, RefusalsNameTheToolThePlaceAndTheKeyword) {
  const auto error = [](ReplyGrammar reply) {
    reply.tokens = reply_tokens(tokenizer());
    const base::Result<std::string> lark = reply_grammar(reply);
    if (lark) return std::string();
    EXPECT_EQ(lark.error().code, base::Errc::usage);
    return lark.error().message;
  };
  const std::vector<ToolDeclaration> unsupported = {
      {.name = "f",
       .parameters = json::parse(R"({"properties":{"a":{"items":{"contains":{}}}}})")}};
  EXPECT_EQ(error({.tools = unsupported}),
            "tool f: schema: /properties/a/items: contains: this keyword can't be enforced");
  const std::vector<ToolDeclaration> unnamed = {{.name = "a b"}},
                                     twice = {{.name = "f"}, {.name = "f"}},
                                     list = {{.name = "f", .parameters = {{"type", "array"}}}};
  EXPECT_NE(error({.tools = unnamed}).find("a b"), std::string::npos);
  EXPECT_EQ(error({.tools = twice}), "tool f: declared twice");
  EXPECT_EQ(error({.tools = list}), "tool f: schema: no object fits it");
  json deep = json::object();
  for (int i = 0; i < 5000; ++i) deep = json{{"items", std::move(deep)}};
  const std::vector<ToolDeclaration> nested = {{.name = "f", .parameters = std::move(deep)}};
  EXPECT_EQ(error({.tools = nested}), "tool f: schema: nested more than 64 levels deep");
  EXPECT_NE(error({.choice = CallChoice::required}).find("tool_choice"), std::string::npos);
  EXPECT_NE(error({.tools = tools(), .choice = CallChoice::named, .name = "g"}).find("\"g\""),
            std::string::npos);
  EXPECT_NE(error({.format = ReplyFormat::json_schema, .schema = "{"}).find("response_format"),
            std::string::npos);
  EXPECT_EQ(
      error({.format = ReplyFormat::json_schema, .schema = R"({"items":{"uniqueItems":true}})"}),
      "response_format: schema: /items/uniqueItems: this keyword can't be enforced");
  EXPECT_EQ(error({.format = ReplyFormat::json_schema, .schema = "false"}),
            "response_format: schema: nothing fits it");
}

TEST(ReplyGrammar, AVocabularyWithoutTheTokensOfCallsIsSaid) {
  const base::Result<std::string> lark =
      reply_grammar({.tools = tools(), .tokens = {.after_text = {1}}});
  ASSERT_FALSE(lark);
  EXPECT_EQ(lark.error().code, base::Errc::unsupported);
}

TEST(GrammarCache, GivesCopiesThatGoOnIndependentlyAndForgetsTheOldest) {
  GrammarCache cache(vocabulary(), 2);
  const auto grammar = [](const char* word) {
    return "start: \"" + std::string(word) + "\" <[1]>\n";
  };
  std::vector<std::thread> threads;
  std::vector<int> good(4);
  for (size_t i = 0; i < good.size(); ++i)
    threads.emplace_back([&, i] {
      for (int k = 0; k < 8; ++k) {
        base::Result<Constraint> one = cache.compile(grammar(k % 2 ? "abc" : "abd"));
        const std::vector<TokenId> ids = tokenizer().encode(k % 2 ? "abc" : "abd");
        bool fine = static_cast<bool>(one);
        for (const TokenId id : ids) fine = fine && one->accept(id);
        good[i] += fine;
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, std::vector<int>(4, 8));
  EXPECT_EQ(cache.size(), 2u);
  ASSERT_TRUE(cache.compile(grammar("third")));
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_FALSE(cache.compile("start: nothing\n"));
  EXPECT_EQ(cache.size(), 2u);
}

}  // namespace
}  // namespace model
