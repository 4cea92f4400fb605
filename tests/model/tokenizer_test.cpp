#include "model/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <random>
#include "base/json.h"

#include "base/utf8.h"
#include "model/gguf.h"
#include "tests/golden.h"
#include "tests/model/checkpoint.h"

// Reference ids come from llama.cpp and Hugging Face's tokenizers
// (tests/golden/tokenizer/README.md). A second reference is plain_encode() below: the algorithm
// without words, tables and heaps.

namespace model {
namespace {

using nlohmann::json;

struct Loaded {
  explicit Loaded(const std::filesystem::path& path)
      : gguf(std::move(*Gguf::open(path))), tokenizer(std::move(*Tokenizer::from_gguf(gguf))) {}
  Gguf gguf;
  Tokenizer tokenizer;
};

const Loaded& tiny() {
  static const Loaded loaded(golden("tiny/tiny-q4_0.gguf"));
  return loaded;
}

bool has_real() { return std::filesystem::exists(real_checkpoint()); }

const Loaded& real() {
  static const Loaded loaded(real_checkpoint());
  return loaded;
}

json cases(const std::string& name) {
  std::ifstream file(golden("tokenizer/" + name));
  return json::parse(file);
}

std::string bytes_of(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  std::string out;
  for (TokenId id : ids) out += tokenizer.bytes_of(id);
  return out;
}

// Byte-pair encoding of one text, straight from its definition.
std::vector<std::string> plain_encode(const Vocabulary& v, std::string_view text) {
  std::vector<std::string> symbols;
  while (!text.empty()) {
    const size_t n = std::max<size_t>(1, base::utf8_length(text));
    symbols.push_back(text[0] == ' ' ? "\u2581" : std::string(text.substr(0, n)));
    text.remove_prefix(n);
  }
  std::map<std::string, float> priority;
  if (v.model == "llama") {
    for (size_t i = 0; i < v.pieces.size(); ++i) {
      if (v.kinds[i] == PieceKind::normal) priority.emplace(v.pieces[i], v.scores[i]);
    }
  } else {
    for (size_t i = 0; i < v.merges.size(); ++i) {
      priority.emplace(v.merges[i], -static_cast<float>(i));
    }
  }
  while (true) {
    size_t best = symbols.size();
    float best_priority = -1e9F;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const std::string between = v.model == "llama" ? "" : " ";
      const auto found = priority.find(symbols[i] + between + symbols[i + 1]);
      if (found != priority.end() && found->second > best_priority) {
        best = i;
        best_priority = found->second;
      }
    }
    if (best == symbols.size()) return symbols;
    symbols[best] += symbols[best + 1];
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

// A random vocabulary over few characters, so that merges compete. `strings` owns the characters.
Vocabulary random_vocabulary(std::mt19937& random, bool by_score,
                             std::vector<std::string>& strings) {
  const std::vector<std::string> alphabet = {"a", "b", "c", "\u2581", "\n", "\u00e9", "\u4e16"};
  std::vector<std::string> pieces = {"<unk>", "<|turn>"};
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    pieces.emplace_back(name);
  }
  const size_t n_rare = pieces.size();
  pieces.insert(pieces.end(), alphabet.begin(), alphabet.end() - 1);  // the last falls to bytes
  std::vector<std::string> merges;
  for (int i = 0; i < 60; ++i) {
    const auto pick = [&] { return pieces[n_rare + random() % (pieces.size() - n_rare)]; };
    const std::string left = pick();
    const std::string right = pick();
    if (left.size() + right.size() > 24) continue;
    if (std::find(pieces.begin(), pieces.end(), left + right) == pieces.end()) {
      pieces.push_back(left + right);
    }
    merges.push_back(left + " " + right);
  }
  strings = pieces;
  strings.insert(strings.end(), merges.begin(), merges.end());

  Vocabulary v{.model = by_score ? "llama" : "gemma4"};
  v.pieces.assign(strings.begin(), strings.begin() + static_cast<std::ptrdiff_t>(pieces.size()));
  for (size_t i = 0; i < pieces.size(); ++i) {
    v.kinds.push_back(i < 2        ? PieceKind::control
                      : i < n_rare ? PieceKind::byte
                                   : PieceKind::normal);
    v.scores.push_back(-static_cast<float>(random() % 20));  // with ties
  }
  if (!by_score) {
    v.merges.assign(strings.begin() + static_cast<std::ptrdiff_t>(pieces.size()), strings.end());
  }
  return v;
}

std::string random_text(std::mt19937& random, size_t n) {
  const std::vector<std::string> parts = {"a", "b", "c", " ", "\n", "\u00e9", "\u4e16", "\xFF"};
  // Now and then a long stretch of one character.
  std::string out;
  while (out.size() < n) {
    const std::string& part = parts[random() % parts.size()];
    const size_t times = random() % 8 == 0 ? 1 + random() % 40 : 1;
    for (size_t i = 0; i < times; ++i) out += part;
  }
  return out;
}

class TokenizerByKind : public testing::TestWithParam<bool> {};

TEST_P(TokenizerByKind, AgreesWithPlainMergingOnRandomVocabularies) {
  std::mt19937 random(7);
  for (int round = 0; round < 60; ++round) {
    std::vector<std::string> strings;
    const Vocabulary vocabulary = random_vocabulary(random, GetParam(), strings);
    base::Result<Tokenizer> tokenizer = Tokenizer::from_vocabulary(vocabulary);
    ASSERT_TRUE(tokenizer) << tokenizer.error().message;
    for (size_t n : {1, 2, 23, 24, 25, 26, 200}) {
      const std::string text = random_text(random, n);
      std::vector<std::string> actual;
      for (TokenId id : tokenizer->encode(text)) actual.emplace_back(tokenizer->piece(id));
      std::vector<std::string> expected;
      for (const std::string& symbol : plain_encode(vocabulary, text)) {
        if (std::count(vocabulary.pieces.begin(), vocabulary.pieces.end(), symbol) > 0) {
          expected.push_back(symbol);
          continue;
        }
        for (unsigned char c : symbol) {
          char name[8];
          std::snprintf(name, sizeof name, "<0x%02X>", c);
          expected.emplace_back(name);
        }
      }
      ASSERT_EQ(actual, expected) << text;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Both, TokenizerByKind, testing::Bool(), [](const auto& instance) {
  return instance.param ? std::string("scores") : std::string("merges");
});

TEST(Tokenizer, GivesTheIdsOfTheReferenceForTheTinyVocabulary) {
  for (const json& c : cases("tiny_cases.json")) {
    const std::string text = c["text"];
    const std::vector<TokenId> ids = tiny().tokenizer.encode_special(text);
    EXPECT_EQ(json(ids), c["llamacpp"]) << text;
    EXPECT_EQ(tiny().tokenizer.decode(ids), c["hf_decode"]) << text;
  }
}

TEST(Tokenizer, TextNeverBecomesASpecialToken) {
  std::string all = "<bos><|turn>user\n<|\"|>";
  for (const SpecialToken& token : kSpecialTokens) all += std::string(token.text) + " ";
  const Tokenizer& tokenizer = tiny().tokenizer;
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) all += tokenizer.piece(id);
  for (TokenId id : tokenizer.encode(all)) {
    EXPECT_FALSE(tokenizer.is_special(id)) << tokenizer.piece(id);
    EXPECT_NE(tokenizer.kind(id), PieceKind::control);
  }
  EXPECT_GT(std::ranges::count_if(tokenizer.encode_special(all),
                                  [&](TokenId id) { return tokenizer.is_special(id); }),
            24);
}

TEST(Tokenizer, FindsSpecialTokensByName) {
  const Tokenizer& tokenizer = tiny().tokenizer;
  EXPECT_EQ(tokenizer.bos(), 2);
  EXPECT_EQ(tokenizer.eos(), 1);
  EXPECT_EQ(tokenizer.special(Special::turn_begin), 290);
  EXPECT_EQ(tokenizer.special_of(291), Special::turn_end);
  EXPECT_EQ(tokenizer.special_of(300), std::nullopt);
  EXPECT_EQ(tokenizer.bytes_of(286), "<|\"|>");
  EXPECT_EQ(tokenizer.bytes_of(-1), "");
  EXPECT_EQ(tokenizer.bytes_of(512), "");
}

TEST(Tokenizer, KeepsEveryByte) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    for (size_t i = random() % 60; i > 0; --i) text += static_cast<char>(random());
    EXPECT_EQ(bytes_of(tiny().tokenizer, tiny().tokenizer.encode(text)), text);
  }
}

TEST(Tokenizer, DecodesInvalidBytesAsReplacementCharacters) {
  const std::vector<TokenId> ids = tiny().tokenizer.encode("a\xE4\xB8");
  EXPECT_EQ(tiny().tokenizer.decode(ids), "a\uFFFD\uFFFD");
}

TEST(Tokenizer, RefusesBrokenVocabularies) {
  const Vocabulary good{.model = "llama",
                        .pieces = {"<unk>", "a"},
                        .kinds = {PieceKind::unknown, PieceKind::normal},
                        .scores = {0, 0}};
  EXPECT_TRUE(Tokenizer::from_vocabulary(good));
  Vocabulary v = good;
  v.model = "gpt2";
  EXPECT_EQ(Tokenizer::from_vocabulary(v).error().code, base::Errc::unsupported);
  v = good;
  v.model = "gemma4";
  EXPECT_EQ(Tokenizer::from_vocabulary(v).error().code, base::Errc::corrupt);
  v = good;
  v.kinds.pop_back();
  EXPECT_EQ(Tokenizer::from_vocabulary(v).error().code, base::Errc::corrupt);
  v = good;
  v.scores.pop_back();
  EXPECT_EQ(Tokenizer::from_vocabulary(v).error().code, base::Errc::corrupt);
  v = good;
  v.kinds[1] = PieceKind::byte;
  EXPECT_EQ(Tokenizer::from_vocabulary(v).error().code, base::Errc::corrupt);
  EXPECT_EQ(Tokenizer::from_vocabulary({.model = "llama"}).error().code, base::Errc::corrupt);
}

TEST(Tokenizer, SurvivesPiecesThatAreEmptyOrNotUtf8) {
  base::Result<Tokenizer> tokenizer = Tokenizer::from_vocabulary(
      {.model = "llama",
       .pieces = {"", "\xFF\xFE", "", "\xE2", "x\xE2"},
       .kinds = {PieceKind::control, PieceKind::normal, PieceKind::user_defined, PieceKind::normal,
                 PieceKind::normal},
       .scores = {0, 1, 2, std::numeric_limits<float>::quiet_NaN(), 4}});
  ASSERT_TRUE(tokenizer);
  EXPECT_EQ(tokenizer->encode("\xFF\xFEx\xE2y"), (std::vector<TokenId>{1, 4}));
}

TEST(TokenizerOfGemma3, GivesTheIdsOfLlamaCpp) {
  if (!has_real()) GTEST_SKIP() << real_checkpoint() << " is not there";
  for (const json& c : cases("gemma3_cases.json")) {
    const std::string text = c["text"];
    EXPECT_EQ(json(real().tokenizer.encode_special(text)), c["llamacpp_spm"]) << text;
    if (text.find("<unused5>") == std::string::npos) {
      EXPECT_EQ(json(real().tokenizer.encode(text)), c["llamacpp_spm"]) << text;
    }
  }
}

TEST(TokenizerOfGemma3, GivesGemma4sIdsWhereTheVocabulariesAgree) {
  if (!has_real()) GTEST_SKIP() << real_checkpoint() << " is not there";
  int n_agreeing = 0;
  for (const json& c : cases("gemma4_cases.json")) {
    const std::string text = c["text"];
    // Pieces of Gemma 3's file that Gemma 4 does not have.
    if (text.find("<h1>") != std::string::npos || text.find("<unused5>") != std::string::npos) {
      continue;
    }
    const std::vector<TokenId> ids = real().tokenizer.encode_special(text);
    EXPECT_EQ(json(ids), c["ids"]) << text;
    EXPECT_EQ(real().tokenizer.decode(ids), c["decoded"]) << text;
    ++n_agreeing;
  }
  EXPECT_EQ(n_agreeing, 124);
}

TEST(TokenizerOfGemma3, HasGemma4sSpecialTokensInTheirPlaces) {
  if (!has_real()) GTEST_SKIP() << real_checkpoint() << " is not there";
  for (const SpecialToken& token : kSpecialTokens) {
    EXPECT_EQ(real().tokenizer.special(token.which), token.gemma4_id);
    EXPECT_EQ(real().tokenizer.bytes_of(token.gemma4_id), token.text);
  }
}

TEST(TokenizerOfGemma3, TextNeverBecomesASpecialToken) {
  if (!has_real()) GTEST_SKIP() << real_checkpoint() << " is not there";
  const Tokenizer& tokenizer = real().tokenizer;
  std::string all;
  for (const SpecialToken& token : kSpecialTokens) all += token.text;
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    if (tokenizer.kind(id) != PieceKind::normal) all += tokenizer.piece(id);
  }
  const std::vector<TokenId> ids = tokenizer.encode(all);
  for (TokenId id : ids) ASSERT_FALSE(tokenizer.is_special(id)) << tokenizer.piece(id);
  EXPECT_EQ(bytes_of(tokenizer, ids), all);
}

TEST(TokenizerOfGemma3, TakesAMegabyteWithoutASpace) {
  if (!has_real()) GTEST_SKIP() << real_checkpoint() << " is not there";
  std::string text;
  while (text.size() < 1'000'000) text += "x\u4e16ab";
  EXPECT_EQ(bytes_of(real().tokenizer, real().tokenizer.encode(text)), text);
}

}  // namespace
}  // namespace model
