#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "model/grammar/grammar.h"

namespace model {

/// A vocabulary of 0..9, which are special, and all 256 bytes: what a grammar accepts can be looked
/// at byte by byte.
inline constexpr int kFirstByte = 10;

inline std::vector<int32_t> bytes_of(std::string_view text) {
  std::vector<int32_t> ids;
  for (const char c : text) ids.push_back(kFirstByte + static_cast<unsigned char>(c));
  return ids;
}

inline const GrammarVocabulary& byte_vocabulary() {
  static const GrammarVocabulary vocabulary = [] {
    base::Result<GrammarVocabulary> built = GrammarVocabulary::build(
        {.vocab_size = kFirstByte + 256,
         .bytes_of =
             [](int32_t id) {
               return id < kFirstByte ? "" : std::string(1, static_cast<char>(id - kFirstByte));
             },
         .is_special = [](int32_t id) { return id < kFirstByte; }});
    EXPECT_TRUE(built) << built.error().message;
    return std::move(*built);
  }();
  return vocabulary;
}

}  // namespace model
