#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/tokenizer.h"

namespace model {

/// The vocabulary of a Hugging Face tokenizer.json: byte-pair encoding with byte fallback, spaces
/// written U+2581, as Gemma 3 and 4 have it. Owns the characters that vocabulary() points to.
class TokenizerJson {
 public:
  /// Errors: not_found, corrupt, unsupported (another kind of tokenizer); names the file and field.
  static base::Result<TokenizerJson> open(const std::filesystem::path& path);
  static base::Result<TokenizerJson> parse(std::string_view json, const std::string& name);

  /// Ids below `n_pieces`, the rows of the embedding: a file may name tokens beyond them, and may
  /// have holes, which become unused pieces. Valid as long as this object stays where it is.
  Vocabulary vocabulary(size_t n_pieces) const;

 private:
  struct Text {
    size_t at = 0, bytes = 0;
  };
  TokenizerJson() = default;
  friend class TokenizerJsonReader;
  std::string_view view(Text t) const {
    return std::string_view(characters_).substr(t.at, t.bytes);
  }

  std::string characters_;
  std::vector<Text> pieces_;      // by id
  std::vector<PieceKind> kinds_;  // by id
  std::vector<Text> merges_;
};

/// tokenizer.json's text for a vocabulary. A vocabulary with scores instead of merges gets the
/// merges that reproduce it.
std::string write_tokenizer_json(const Vocabulary& vocabulary);

}  // namespace model
