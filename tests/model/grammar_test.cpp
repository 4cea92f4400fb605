#include "model/grammar/grammar.h"

#include <gtest/gtest.h>

#include <thread>

#include "model/grammar/json_schema.h"

namespace model {
namespace {

// A toy vocabulary: 0..9 are special, then all 256 bytes, then a few longer pieces.
constexpr int kFirstByte = 10;
const std::vector<std::string>& long_pieces() {
  static const std::vector<std::string> pieces = {"he",    "hello", " world",  "call",
                                                  "call:", "<|x|>", "\xc3\xa9"};
  return pieces;
}
constexpr int kToySize = kFirstByte + 256 + 7;

std::string toy_bytes(int32_t id) {
  if (id < kFirstByte) return "<special" + std::to_string(id) + ">";
  if (id < kFirstByte + 256) return std::string(1, static_cast<char>(id - kFirstByte));
  return long_pieces()[id - kFirstByte - 256];
}

std::vector<int32_t> toy_encode(std::string_view text) {
  std::vector<int32_t> ids;
  while (!text.empty()) {
    int32_t best = kFirstByte + static_cast<uint8_t>(text[0]);
    size_t length = 1;
    for (size_t i = 0; i < long_pieces().size(); ++i) {
      if (text.starts_with(long_pieces()[i]) && long_pieces()[i].size() > length) {
        best = kFirstByte + 256 + static_cast<int>(i);
        length = long_pieces()[i].size();
      }
    }
    ids.push_back(best);
    text.remove_prefix(length);
  }
  return ids;
}

GrammarVocabulary toy_vocabulary(bool with_encode = false) {
  GrammarSource source;
  source.vocab_size = kToySize;
  source.bytes_of = toy_bytes;
  source.is_special = [](int32_t id) { return id < kFirstByte; };
  if (with_encode) source.encode = toy_encode;
  base::Result<GrammarVocabulary> vocabulary = GrammarVocabulary::build(std::move(source));
  EXPECT_TRUE(vocabulary) << vocabulary.error().message;
  return std::move(*vocabulary);
}

Constraint compiled(const GrammarVocabulary& vocabulary, const std::string& lark) {
  base::Result<Constraint> constraint = Constraint::compile(vocabulary, lark);
  EXPECT_TRUE(constraint) << constraint.error().message;
  return std::move(*constraint);
}

// Steps with the mask itself: true when every token was allowed.
bool walk(Constraint& constraint, const std::vector<int32_t>& tokens) {
  TokenMask mask;
  for (int32_t token : tokens) {
    if (!constraint.mask(mask) || !mask.contains(token)) return false;
    if (!constraint.accept(token)) return false;
  }
  return true;
}

TEST(Grammar, AllowsExactlyTheTokensThatKeepTheTextInTheGrammar) {
  GrammarVocabulary vocabulary = toy_vocabulary();
  Constraint constraint = compiled(vocabulary, "start: \"hello\" /( world){0,2}/ <[3]>\n");
  TokenMask mask;
  ASSERT_TRUE(constraint.mask(mask));
  EXPECT_EQ(mask.count(), 3);  // "h", "he", "hello"
  EXPECT_TRUE(mask.contains(kFirstByte + 'h'));
  ASSERT_TRUE(walk(constraint, toy_encode("hello")));
  ASSERT_TRUE(constraint.mask(mask));
  EXPECT_TRUE(mask.contains(3));
  EXPECT_FALSE(mask.contains(1));  // not complete without <[3]>
  EXPECT_FALSE(mask.contains(kFirstByte + 'w'));
  ASSERT_TRUE(walk(constraint, {3}));
  EXPECT_TRUE(constraint.is_accepting());
}

TEST(Grammar, TextNeverMatchesASpecialTokenNorItsSpellingTheOtherWayRound) {
  GrammarVocabulary vocabulary = toy_vocabulary();
  Constraint constraint = compiled(vocabulary, "start: /(?s:.)*/ <[4]>\n");
  TokenMask mask;
  ASSERT_TRUE(constraint.mask(mask));
  for (int32_t id = 0; id < kFirstByte; ++id) EXPECT_EQ(mask.contains(id), id == 4) << id;
  EXPECT_FALSE(mask.contains(kFirstByte + 0xff));
  EXPECT_TRUE(mask.contains(kToySize - 2));  // "<|x|>" as text
  Constraint spelled = compiled(vocabulary, "start: \"<special4>\" <[5]>\n");
  EXPECT_FALSE(walk(spelled, {4}));
  Constraint both = compiled(vocabulary, "start: \"<special4>\" <[5]>\n");
  EXPECT_TRUE(walk(both, toy_encode("<special4>")));
}

TEST(Grammar, RefusesATokenOutsideTheMaskAndStaysInError) {
  GrammarVocabulary vocabulary = toy_vocabulary();
  Constraint constraint = compiled(vocabulary, "start: \"a\" <[3]>\n");
  EXPECT_FALSE(constraint.accept(kFirstByte + 'b'));
  EXPECT_FALSE(constraint.accept(kFirstByte + 'a'));
  EXPECT_FALSE(compiled(vocabulary, "start: \"a\"\n").accept(kToySize));
}

TEST(Grammar, ReportsWhereALarkTextIsWrong) {
  GrammarVocabulary vocabulary = toy_vocabulary();
  base::Result<Constraint> constraint = Constraint::compile(vocabulary, "start: nothing\n");
  ASSERT_FALSE(constraint);
  EXPECT_EQ(constraint.error().code, base::Errc::usage);
  EXPECT_NE(constraint.error().message.find("nothing"), std::string::npos)
      << constraint.error().message;
}

// Both readers' masks, token by token.
void expect_same(const GrammarVocabulary& vocabulary, const std::string& lark,
                 const std::string& text) {
  Constraint quick = compiled(vocabulary, lark);
  base::Result<Constraint> plain = Constraint::compile(vocabulary, lark, GrammarReader::engine);
  ASSERT_TRUE(plain) << lark << plain.error().message;
  TokenMask one, other;
  for (const int32_t token : toy_encode(text)) {
    ASSERT_TRUE(quick.mask(one) && plain->mask(other));
    EXPECT_EQ(one.words(), other.words()) << lark << text;
    if (!other.contains(token)) return;
    ASSERT_TRUE(quick.accept(token) && plain->accept(token));
    EXPECT_EQ(quick.is_accepting(), plain->is_accepting()) << lark << text;
  }
  ASSERT_TRUE(quick.mask(one) && plain->mask(other));
  EXPECT_EQ(one.words(), other.words()) << lark << text;
}

TEST(Grammar, TheQuickReaderMeansWhatTheEnginesOwnDoes) {
  GrammarVocabulary vocabulary = toy_vocabulary();
  const struct {
    const char *lark, *text;
  } cases[] = {
      {"start: \"hello\" /( world){0,2}/ <[3]>\n", "hello world"},
      {"start: a{0,3} b? c* d+\na: \"a\"\nb: \"b\" | \"bb\"\nc: \"c\"\nd: \"d\"\n", "aabbccdd"},
      {"start: (x){2,} \"!\"\nx: \"x\"\n", "xxxx!"},
      {"start: x{13,30} \"!\"\nx: \"x\" | \"y\"\n", "xyxyxyxyxyxyxyxyx!"},
      {"start: x{0,57}\nx: \"x\"\n", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"},
      {"start: x{9}\nx: \"x\"\n", "xxxxxxxxx"},
      {"start: W \" \" W\nW: /[a-z]+/ & ~(\"he\" | \"hello\" B?) & /.{2,6}/\nB: \"b\"\n",
       "hellob call"},
      {"start: v\nv: \"[\" (v (\",\" v)*)? \"]\" | \"n\"\n", "[n,[n,[]],n]"},
      {"start: (\"\" | a)\na: (\"x\" | ) \"y\"\n", "xy"},
      {"start: T? (c | <[1,3-5]>)\nc: <[6]> \"c\" ~/[0-9]/\nT: /(?s:.)+/\n", "call: \xc3\xa9"},
      {"start: a\n  | b\na: \"q\\\"\\\\\\u00e9\"\nb: /\\x{71}\\x{2F}/\n", "q\"\\\xc3\xa9"},
      {"start: N\nN: /-?(0|[1-9][0-9]*)/ | \"NaN\"{1,2}\n", "-120"},
      {"start: E \"x\"\nE: /a*/\n", "aax"},
      // Not for the quick one.
      {"start: %json {\"type\": \"integer\", \"multipleOf\": 3}\n", "12"},
      {"start: p::1\np::_: \"a\" p::incr(_) | \"b\" %if ge(_, 3)\n", "aab"},
      {"// a comment\nstart: \"a\"i\n", "A"},
  };
  for (const auto& [lark, text] : cases) expect_same(vocabulary, lark, text);
}

TEST(Grammar, WhatIsWrongIsWrongForBothReaders) {
  GrammarVocabulary vocabulary = toy_vocabulary();
  std::string deep = "start: ";
  for (int i = 0; i < 5000; ++i) deep += "(";
  for (const std::string& lark :
       {std::string(), std::string("start"), std::string("start: \"a\n"),
        std::string("start: /(/\n"), std::string("start: A\nA: A \"b\"\n"),
        std::string("start: x{3,1}\nx: \"x\"\n"), std::string("start: \"a\"\nstart: \"b\"\n"),
        std::string("start: <[99999]>\n"), std::string("start: (\"a\"\n"),
        std::string("start: \"a\" & \"b\"\n"), std::string("start: a?b\na: \"a\"\nb: \"b\"\n"),
        std::string("start: \"a\"\n  \n | \"b\"\n"), deep, std::string("start: \"a\0b\"\n", 14)}) {
    const base::Result<Constraint> quick = Constraint::compile(vocabulary, lark);
    const base::Result<Constraint> plain =
        Constraint::compile(vocabulary, lark, GrammarReader::engine);
    ASSERT_FALSE(quick) << lark.substr(0, 100);
    ASSERT_FALSE(plain);
    EXPECT_EQ(quick.error().message, plain.error().message);
  }
}

TEST(Grammar, ClonesGoOnIndependently) {
  GrammarVocabulary vocabulary = toy_vocabulary();
  Constraint one = compiled(vocabulary, "start: \"call\" (\":a\" | \":b\") <[3]>\n");
  ASSERT_TRUE(walk(one, toy_encode("call")));
  Constraint two = one.clone();
  std::vector<int32_t> a = {kFirstByte + ':', kFirstByte + 'a', 3};
  std::vector<int32_t> b = {kFirstByte + ':', kFirstByte + 'b', 3};
  EXPECT_EQ(one.count_accepted(b), 3);
  EXPECT_TRUE(walk(one, a));
  EXPECT_TRUE(walk(two, b));
}

TEST(Grammar, ForcedTokensAreSpelledAsTheTokenizerWould) {
  GrammarVocabulary vocabulary = toy_vocabulary(true);
  Constraint constraint = compiled(vocabulary, "start: <[2]> \"call:hello world\" <[3]>\n");
  std::vector<int32_t> forced = constraint.forced();
  ASSERT_FALSE(forced.empty());
  std::vector<int32_t> expected = toy_encode("call:hello world");
  expected.insert(expected.begin(), 2);
  ASSERT_LE(forced.size(), expected.size() + 1);
  for (size_t i = 0; i < std::min(forced.size(), expected.size()); ++i)
    EXPECT_EQ(forced[i], expected[i]) << i;
  EXPECT_TRUE(walk(constraint, forced));
}

TEST(Grammar, VocabularyIsBuiltOnAnyThreadAndSharedByMany) {
  base::Result<GrammarVocabulary> built = base::Error{};
  std::thread([&] { built = toy_vocabulary(); }).join();
  ASSERT_TRUE(built);
  std::vector<std::thread> threads;
  std::vector<int> good(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      Constraint constraint = compiled(*built, "start: /[a-z ]+/ <[3]>\n");
      std::vector<int32_t> text = toy_encode("hello world");
      text.push_back(3);
      good[i] = walk(constraint, text);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, std::vector<int>(4, 1));
}

TEST(Grammar, AVocabularyNeedsTokensAndAnEosAmongThem) {
  EXPECT_FALSE(GrammarVocabulary::build({}));
  GrammarSource source;
  source.vocab_size = 2;
  source.bytes_of = [](int32_t) { return std::string("a"); };
  source.is_special = [](int32_t) { return false; };
  source.eos = 2;
  EXPECT_FALSE(GrammarVocabulary::build(std::move(source)));
}

std::string schema_error(const GrammarVocabulary& vocabulary, std::string_view schema) {
  const base::Result<std::string> grammar = grammar_of_schema(schema, {3});
  if (!grammar) return grammar.error().message;
  const base::Result<Constraint> constraint = Constraint::compile(vocabulary, *grammar);
  return constraint ? "" : constraint.error().message;
}

bool fits(const GrammarVocabulary& vocabulary, std::string_view schema, std::string_view text) {
  Constraint constraint = compiled(vocabulary, *grammar_of_schema(schema, {3}));
  std::vector<int32_t> tokens = toy_encode(text);
  tokens.push_back(3);
  return walk(constraint, tokens);
}

TEST(JsonSchema, TheGrammarHoldsTheValuesThatFitAndThenEnds) {
  const GrammarVocabulary vocabulary = toy_vocabulary();
  const char* schema =
      R"({"type": "object", "properties": {"name": {"type": "string"}, "n": {"type": "integer", "minimum": 3}},
          "required": ["name", "n"], "additionalProperties": false})";
  EXPECT_TRUE(fits(vocabulary, schema, R"({"name": "hello \"x\"", "n": 12})"));
  EXPECT_FALSE(fits(vocabulary, schema, R"({"name": "hello", "n": 2})"));
  EXPECT_FALSE(fits(vocabulary, schema, R"({"name": "hello"})"));
  EXPECT_FALSE(fits(vocabulary, schema, R"({"name":"hello","n":12})"));
  EXPECT_FALSE(fits(vocabulary, schema, R"({"name": "hello", "n": 12} )"));
  EXPECT_FALSE(fits(vocabulary, schema, R"({"name": "hello", "n": 12, "x": 1})"));
  EXPECT_TRUE(fits(vocabulary, R"({"enum": ["caf\u00e9", 3]})", "\"caf\u00e9\""));
  EXPECT_TRUE(fits(vocabulary, "true", R"([1, null, {"a": "b"}])"));
}

TEST(JsonSchema, RefusesWhatItCannotEnforceByName) {
  const GrammarVocabulary vocabulary = toy_vocabulary(true);
  const auto names = [&](std::string_view schema, std::string_view keyword) {
    const std::string error = schema_error(vocabulary, schema);
    EXPECT_NE(error.find(keyword), std::string::npos) << schema << ": " << error;
  };
  EXPECT_EQ(schema_error(vocabulary,
                         R"({"title": "t", "description": "d", "type": "string", "default": ""})"),
            "");
  names(R"({"type": "array", "uniqueItems": true})", "uniqueItems");
  names(R"({"type": "object", "unevaluatedProperties": false})", "unevaluatedProperties");
  names(R"({"properties": {"a": {"oneOf": [{"minimum": 1}, {"maximum": 2}]}}})",
        "/properties/a: oneOf");
  names(R"~({"type": "string", "pattern": "a(?=b)"})~", "look-around");
  names(R"({"$ref": "https://example.org/other.json"})", "$ref");
  names(R"({"type": "object", "no-such-keyword": 1})", "no-such-keyword");
  names(R"({"type": "array", "contains": {"type": "string"}})", "contains");
  names(R"({"not": {"minLength": 3}})", "not");
  names(R"({"if": {"type": "string"}, "then": {"minLength": 1}})", "if");
  names(R"({"type": "string", "format": "no-such-format"})", "no-such-format");
  names(R"({"properties": {"d": {"format": "no-such-format"}}})", "/properties/d: format");
  names(R"~({"items": {"pattern": "a(?=b)"}})~", "/items: pattern");
  names(R"~({"patternProperties": {"a(?=b)": {}}})~", "look-around");
  names(R"({"prefixItems": [{"type": "number", "minimum": 1e50}]})", "/prefixItems/0: minimum");
  names(R"({"properties": {"a": {"multipleOf": 0.123456789123}}})", "/properties/a: multipleOf");
  names(R"({"x-guidance": {}})", "x-guidance");
  names("{", "not JSON");
  names("3", "neither");
}

}  // namespace
}  // namespace model
