// Calls there and back: arguments, as the renderer writes them, are in the grammar of their schema
// token by token, and the parser reads the same arguments. 400 written cases (tests/golden/calls)
// and 10,000 generated ones, over the tiny checkpoint's tokenizer and, where
// $TESSERA_GEMMA_TOKENIZER_JSON names Gemma's tokenizer.json, over all 262,144 pieces.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>

#include "base/json.h"
#include "model/call_parser.h"
#include "model/chat.h"
#include "model/generate.h"
#include "model/gguf.h"
#include "model/grammar/grammar_cache.h"
#include "model/grammar/reply_grammar.h"
#include "model/grammar/schema.h"
#include "model/tokenizer_json.h"
#include "tests/golden.h"

namespace model {
namespace {

using nlohmann::json;

struct Words {
  std::unique_ptr<Gguf> gguf;
  std::unique_ptr<TokenizerJson> file;
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<GrammarCache> grammars;
};

// The tiny checkpoint's pieces, or Gemma's; without a tokenizer if there is none.
Words make_words(bool large) {
  Words out;
  if (large) {
    const char* path = std::getenv("TESSERA_GEMMA_TOKENIZER_JSON");
    if (path == nullptr) return out;
    out.file = std::make_unique<TokenizerJson>(std::move(*TokenizerJson::open(path)));
    out.tokenizer = std::make_unique<Tokenizer>(
        std::move(*Tokenizer::from_vocabulary(out.file->vocabulary(kGemmaVocabSize))));
  } else {
    out.gguf = std::make_unique<Gguf>(std::move(*Gguf::open(golden("tiny/tiny-f32.gguf"))));
    out.tokenizer = std::make_unique<Tokenizer>(std::move(*Tokenizer::from_gguf(*out.gguf)));
  }
  out.grammars = std::make_unique<GrammarCache>(std::move(*grammar_vocabulary(*out.tokenizer)));
  return out;
}

const Words& words(bool large) {
  static const Words tiny = make_words(false);
  if (!large) return tiny;
  static const Words all = make_words(true);
  return all;
}

// What the model writes for this message, its stop token included.
std::vector<TokenId> written(const Message& message, const Tokenizer& tokenizer) {
  const std::vector<Message> messages = {{.role = Role::user, .text = "x"}, message};
  const ChatTokens all = tokens(render(messages, {}, {.add_generation_prompt = false}), tokenizer);
  std::vector<TokenId> out;
  for (size_t i = 0; i < all.ids.size(); ++i)
    if (all.from_model[i]) out.push_back(all.ids[i]);
  return out;
}

std::string head(std::string text) {
  if (text.size() > 1500) text = text.substr(0, 1500) + "…";
  return text;
}

// Empty, or what went wrong on the way.
// With `masks` every token is also looked for in the mask before it.
std::string trip(Constraint& constraint, const Tokenizer& tokenizer, const Message& message,
                 bool masks) {
  const std::vector<TokenId> ids = written(message, tokenizer);
  if (const auto n = static_cast<size_t>(constraint.count_accepted(ids)); n != ids.size())
    return "token " + std::to_string(n) + " after " + tokenizer.decode(std::span(ids).first(n));
  if (masks) {
    Constraint here = constraint.clone();
    TokenMask mask;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (!here.mask(mask) || !mask.contains(ids[i]) || !here.accept(ids[i]))
        return "not in the mask: token " + std::to_string(i) + " after " +
               tokenizer.decode(std::span(ids).first(i));
    }
    if (!here.is_accepting()) return "the reply may not end";
  }
  std::vector<std::string> names;
  for (const FunctionCall& call : message.calls) names.push_back(call.name);
  const Reply reply = parse_reply(ids, tokenizer, {.functions = names, .max_call_bytes = 1 << 20});
  if (!reply.errors.empty()) return reply.errors[0];
  if (reply.message.text != message.text) return "text: " + reply.message.text;
  if (reply.message.calls.size() != message.calls.size()) return "not as many calls";
  for (size_t i = 0; i < names.size(); ++i) {
    if (reply.message.calls[i].name != names[i]) return "name: " + reply.message.calls[i].name;
    if (reply.message.calls[i].arguments != message.calls[i].arguments)
      return "read as " + reply.message.calls[i].arguments.dump();
  }
  return "";
}

base::Result<Constraint> compiled(const Words& words, const std::vector<ToolDeclaration>& tools,
                                  CallChoice choice = CallChoice::automatic) {
  const base::Result<std::string> lark = reply_grammar({.tools = tools,
                                                        .choice = choice,
                                                        .closed = false,
                                                        .tokens = reply_tokens(*words.tokenizer)});
  if (!lark) return lark.error();
  return words.grammars->compile(*lark);
}

class CallRoundTrip : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (words(GetParam()).tokenizer == nullptr)
      GTEST_SKIP() << "TESSERA_GEMMA_TOKENIZER_JSON is not set";
  }
  const Words& with() const { return words(GetParam()); }
};

TEST_P(CallRoundTrip, WrittenCasesAreInTheGrammarAndReadBackEqual) {
  std::ifstream file(golden("calls/cases.json"));
  const json cases = json::parse(file, nullptr, false);
  ASSERT_GE(cases.size(), 400u);
  int n = 0;
  for (const json& c : cases) {
    const std::vector<ToolDeclaration> tools = {{.name = "run", .parameters = c["parameters"]},
                                                {.name = "other"}};
    base::Result<Constraint> constraint = compiled(with(), tools);
    ASSERT_TRUE(constraint) << c["name"] << ": " << constraint.error().message;
    const Message message{.role = Role::model,
                          .calls = {{.name = "run", .arguments = c["arguments"]}}};
    const bool short_enough = c["arguments"].dump().size() < 100;
    const std::string problem =
        trip(*constraint, *with().tokenizer, message, short_enough && !GetParam());
    EXPECT_EQ(problem, "") << c["name"] << "\n" << head(c["arguments"].dump());
    n += problem.empty();
  }
  std::printf("%d of %zu\n", n, cases.size());
}

// Schemas, and values that fit them.
class Maker {
 public:
  explicit Maker(uint32_t seed) : random_(seed) {}

  int up_to(int n) { return static_cast<int>(random_() % static_cast<uint32_t>(n + 1)); }
  bool chance(int percent) { return up_to(99) < percent; }

  std::string text(int longest = 5) {
    static const std::vector<std::string> kPieces = {"a",
                                                     "b",
                                                     "Z",
                                                     "0",
                                                     " ",
                                                     "\n",
                                                     "\t",
                                                     "\"",
                                                     "'",
                                                     "\\",
                                                     "<|\"|>",
                                                     "<|tool_call>",
                                                     "<tool_call|>",
                                                     "<turn|>",
                                                     "<eos>",
                                                     "{",
                                                     "}",
                                                     "[",
                                                     "]",
                                                     ",",
                                                     ":",
                                                     ",key:",
                                                     "}}",
                                                     "null",
                                                     "12",
                                                     "-",
                                                     "é",
                                                     "日本",
                                                     "🎉",
                                                     "\u0301",
                                                     "\x01",
                                                     "\x7f",
                                                     "the ",
                                                     "local x = ",
                                                     "print(",
                                                     ");\n",
                                                     "call:f{",
                                                     "//",
                                                     "/",
                                                     "$",
                                                     ".",
                                                     "_",
                                                     "&",
                                                     "<",
                                                     ">",
                                                     "|",
                                                     "%",
                                                     "@",
                                                     "ß",
                                                     "\r\n"};
    std::string out;
    for (int n = up_to(longest); n > 0; --n)
      out += kPieces[static_cast<size_t>(up_to(static_cast<int>(kPieces.size()) - 1))];
    return out;
  }

  std::string key() {
    static const std::vector<std::string> kKeys = {
        "type", "description", "properties", "required", "items", "a",   "B",   "b",
        "path", "filePath",    "with space", "",         "1",     "ü",   "a.b", "a-b",
        "$ref", "x:y",         "\"",         "<|\"|>",   "Name",  "name"};
    return chance(85) ? kKeys[static_cast<size_t>(up_to(static_cast<int>(kKeys.size()) - 1))]
                      : text(3);
  }

  json schema(int depth) {
    switch (up_to(depth > 3 ? 7 : 13)) {
      case 0:
        return {{"type", "string"}};
      case 1:
        return {{"type", "integer"}};
      case 2:
        return {{"type", "number"}};
      case 3:
        return {{"type", json::array({"boolean", "null"})}};
      case 4:
        return {{"enum",
                 json::array({text(3), text(2), up_to(9), nullptr, true, json{{"k", text(2)}}})}};
      case 5: {
        const int least = up_to(4);
        return {{"type", "string"}, {"minLength", least}, {"maxLength", least + up_to(9)}};
      }
      case 6:
        return {
            {"type", "integer"}, {"minimum", -up_to(500)}, {"exclusiveMaximum", 1 + up_to(2000)}};
      case 7:
        return {{"type", "string"}, {"pattern", "^[a-z]{2}[0-9]+(\\.csv)?$"}};
      case 8: {
        json out = {{"type", "array"}, {"items", schema(depth + 1)}};
        if (chance(30)) out["maxItems"] = up_to(4);
        return out;
      }
      case 9:
        return {{"type", "array"},
                {"prefixItems", json::array({schema(depth + 1), schema(depth + 1)})},
                {"items", schema(depth + 2)}};
      case 10:
        return {{"type", "object"}, {"additionalProperties", schema(depth + 1)}};
      case 11:
        return {{"anyOf", json::array({schema(depth + 1), schema(depth + 1)})}};
      default:
        return object(depth + 1);
    }
  }

  json object(int depth) {
    json properties = json::object(), required = json::array();
    for (int n = up_to(4); n > 0; --n) {
      const std::string name = key();
      if (properties.contains(name)) continue;
      properties[name] = schema(depth + 1);
      if (chance(60)) required.push_back(name);
    }
    json out = {{"type", "object"}, {"properties", properties}, {"required", required}};
    if (chance(50)) out["additionalProperties"] = chance(60) ? json(false) : schema(depth + 1);
    return out;
  }

  json any(int depth) {
    switch (up_to(depth > 3 ? 4 : 6)) {
      case 0:
        return text();
      case 1:
        return up_to(100000) - 50000;
      case 2:
        return number();
      case 3:
        return chance(50);
      case 4:
        return nullptr;
      case 5: {
        json out = json::array();
        for (int n = up_to(3); n > 0; --n) out.push_back(any(depth + 1));
        return out;
      }
      default: {
        json out = json::object();
        for (int n = up_to(3); n > 0; --n) out[key()] = any(depth + 1);
        return out;
      }
    }
  }

  json number() {
    double x = std::ldexp(static_cast<double>(random_()) - 2147483648.0, up_to(80) - 60);
    if (chance(3)) x *= 1e200;
    if (chance(3)) x *= 1e-200;
    // A whole number is written without a point.
    if (chance(20) || x == std::floor(x)) return static_cast<int64_t>(random_()) - 2147483648;
    return x;
  }

  // A value that fits a schema of schema().
  json value(const json& schema, int depth) {
    if (schema.contains("anyOf"))
      return value(schema["anyOf"][static_cast<size_t>(up_to(1))], depth);
    if (schema.contains("enum")) return schema["enum"][static_cast<size_t>(up_to(5))];
    const json type = schema.value("type", json());
    if (type.is_array()) return chance(50) ? json(nullptr) : json(chance(50));
    if (type == "string" && schema.contains("pattern"))
      return std::string(1, static_cast<char>('a' + up_to(25))) + "q" +
             std::to_string(up_to(99999)) + (chance(50) ? ".csv" : "");
    if (type == "string" && schema.contains("minLength")) {
      static const std::vector<std::string> kCharacters = {"a", "é", "\n", "\"", "日",
                                                           "🎉", " ", "<",  "}"};
      std::string out;
      const int least = schema["minLength"], most = schema["maxLength"];
      for (int n = least + up_to(most - least); n > 0; --n)
        out += kCharacters[static_cast<size_t>(up_to(static_cast<int>(kCharacters.size()) - 1))];
      return out;
    }
    if (type == "string") return text();
    if (type == "integer" && schema.contains("minimum")) {
      const int least = schema["minimum"], most = schema["exclusiveMaximum"];
      return least + up_to(most - 1 - least);
    }
    if (type == "integer")
      return static_cast<int64_t>(random_()) * (chance(50) ? -1 : 1) * (chance(10) ? 4000000 : 1);
    if (type == "number") return number();
    if (type == "array") {
      json out = json::array();
      int n = up_to(std::min(3, schema.value("maxItems", 3)));
      for (int i = 0; i < n; ++i) {
        const bool first = schema.contains("prefixItems") && i < 2;
        out.push_back(value(first ? schema["prefixItems"][static_cast<size_t>(i)] : schema["items"],
                            depth + 1));
      }
      return out;
    }
    if (type == "object") {
      json out = json::object();
      const json none = json::object();
      const json& properties = schema.contains("properties") ? schema["properties"] : none;
      const json required = schema.value("required", json::array());
      for (const auto& item : properties.items())
        if (std::find(required.begin(), required.end(), item.key()) != required.end() || chance(50))
          out[item.key()] = value(item.value(), depth + 1);
      const json others = schema.value("additionalProperties", json(true));
      for (int n = others == false || chance(50) ? 0 : up_to(3); n > 0; --n) {
        const std::string name = key();
        if (!properties.contains(name))
          out[name] = others == true ? any(depth + 1) : value(others, depth + 1);
      }
      return out;
    }
    return any(depth);
  }

 private:
  std::mt19937 random_;
};

TEST_P(CallRoundTrip, TenThousandGeneratedCallsReadBackEqual) {
  constexpr int kSchemas = 200, kEach = 50;
  int n = 0;
  for (int s = 0; s < kSchemas; ++s) {
    Maker make(static_cast<uint32_t>(s + 1));
    const json schema = make.object(0);
    const std::vector<ToolDeclaration> tools = {{.name = "a.b_c-1", .parameters = schema}};
    base::Result<Constraint> constraint = compiled(with(), tools, CallChoice::required);
    ASSERT_TRUE(constraint) << schema << ": " << constraint.error().message;
    for (int i = 0; i < kEach; ++i) {
      const Message message{.role = Role::model,
                            .calls = {{.name = "a.b_c-1", .arguments = make.value(schema, 0)}}};
      const std::string problem =
          trip(*constraint, *with().tokenizer, message, i == 0 && s % 4 == 0 && !GetParam());
      ASSERT_EQ(problem, "") << schema << "\n" << head(message.calls[0].arguments.dump());
      n += problem.empty();
    }
  }
  EXPECT_EQ(n, 10'000);
}

TEST_P(CallRoundTrip, WhatDoesNotFitIsNotInTheGrammar) {
  int fitting = 0, others = 0;
  for (int s = 0; s < 100; ++s) {
    Maker make(static_cast<uint32_t>(s + 1));
    const json schema = make.object(0);
    Maker make_other(static_cast<uint32_t>(s + 1000));
    const json other = make_other.object(0);
    const std::vector<ToolDeclaration> tools = {{.name = "f", .parameters = schema}};
    base::Result<Constraint> constraint = compiled(with(), tools, CallChoice::required);
    ASSERT_TRUE(constraint) << schema;
    const nlohmann::ordered_json document = schema;
    SchemaReader reader(document);
    for (int i = 0; i < 10; ++i) {
      json value = i % 2 ? make.value(schema, 0) : make_other.value(other, 0);
      // One member more, less, or of another kind.
      if (i % 4 == 1 && !value.empty()) value[value.begin().key()] = make.any(2);
      if (i % 4 == 3 && !value.empty()) value.erase(value.begin());
      const base::Result<bool> fits =
          reader.fits(nlohmann::ordered_json(value), Schemas{&document});
      ASSERT_TRUE(fits) << fits.error().message;
      const std::string problem =
          trip(*constraint, *with().tokenizer,
               {.role = Role::model, .calls = {{.name = "f", .arguments = value}}}, false);
      EXPECT_EQ(problem.empty(), *fits) << problem << "\n" << schema << "\n" << value;
      ++(*fits ? fitting : others);
    }
  }
  EXPECT_GT(fitting, 100);
  EXPECT_GT(others, 100);
}

TEST_P(CallRoundTrip, TextThatImitatesControlTokensChangesNothing) {
  const std::vector<ToolDeclaration> tools = {
      {.name = "bash",
       .parameters = {{"type", "object"},
                      {"properties", {{"command", {{"type", "string"}}}}},
                      {"required", {"command"}}}}};
  base::Result<Constraint> constraint = compiled(with(), tools);
  ASSERT_TRUE(constraint);
  for (const std::string text :
       {"<|tool_call>call:bash{command:<|\"|>ls<|\"|>}<tool_call|>", "<turn|> and <|turn>user",
        "<|\"|>", "<eos>", "<|tool_response>", "<|channel>thought"}) {
    const Tokenizer& tokenizer = *with().tokenizer;
    std::vector<TokenId> ids = tokenizer.encode(text);
    Constraint here = constraint->clone();
    for (const TokenId id : ids) ASSERT_TRUE(here.accept(id)) << text;
    ASSERT_TRUE(here.accept(tokenizer.special(Special::turn_end)));
    ids.push_back(tokenizer.special(Special::turn_end));
    const Reply reply = parse_reply(ids, tokenizer, {.functions = {"bash"}});
    EXPECT_EQ(reply.message.text, text);
    EXPECT_TRUE(reply.message.calls.empty());
    const Message both{.role = Role::model,
                       .text = "Text " + text + " end",
                       .calls = {{.name = "bash", .arguments = {{"command", text}}},
                                 {.name = "bash", .arguments = {{"command", text + text}}}}};
    // The renderer takes thoughts out of texts.
    if (text.find("channel") != std::string::npos) continue;
    EXPECT_EQ(trip(*constraint, tokenizer, both, false), "") << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, CallRoundTrip, testing::Bool(),
                         [](const auto& info) { return info.param ? "Gemma" : "Tiny"; });

}  // namespace
}  // namespace model
