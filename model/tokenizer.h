#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/special_tokens.h"

namespace model {

class Gguf;

/// What a piece of the vocabulary is, with the numbers of `tokenizer.ggml.token_type`.
enum class PieceKind : uint8_t { normal = 1, unknown, control, user_defined, unused, byte };

/// The lists a tokenizer is made of. The characters behind the views outlive the tokenizer.
struct Vocabulary {
  std::string model = {};  ///< "llama" merges by score, "gemma4" by rank of merge
  std::vector<std::string_view> pieces = {};  ///< by id; a space is written U+2581
  std::vector<PieceKind> kinds = {};          ///< by id
  std::vector<float> scores = {};             ///< by id; "llama" only
  std::vector<std::string_view> merges = {};  ///< "left right", best first; "gemma4" only
};

/// A special token spelled at the start of a text.
struct SpecialSpelling {
  size_t length = 0;  ///< bytes; 0 if there is none
  TokenId id = -1;
};

/// Text to token ids and back, for Gemma's two kinds of GGUF vocabulary. Never changes after it is
/// made; any number of threads may share it. Pieces are views into the mapped checkpoint, which
/// outlives the tokenizer.
class Tokenizer {
 public:
  /// Errors: corrupt (lists missing or of different length), unsupported (another kind of model).
  static base::Result<Tokenizer> from_gguf(const Gguf& file);
  static base::Result<Tokenizer> from_vocabulary(Vocabulary vocabulary);
  /// The lists of a GGUF file, unchecked but for their types. Errors: as from_gguf.
  static base::Result<Vocabulary> vocabulary_of(const Gguf& file);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// Ids of `text`, taken as plain text: whatever it spells, no id of it satisfies is_special().
  /// Adds no <bos>. Bytes that are not UTF-8 become byte tokens.
  std::vector<TokenId> encode(std::string_view text) const;

  /// The same, but spellings of special tokens (the file's and Gemma 4's) become those tokens. Only
  /// for text that the caller wrote itself, such as a rendered prompt under study.
  std::vector<TokenId> encode_special(std::string_view text) const;

  /// Raw bytes of one token: U+2581 as a space, <0x41> as its byte, a special token as its spelling
  /// in Gemma 4's template. Empty for an id outside the vocabulary.
  std::string bytes_of(TokenId id) const;

  /// Bytes of all tokens together, invalid UTF-8 replaced by U+FFFD.
  std::string decode(std::span<const TokenId> ids) const;

  int vocab_size() const;
  /// The piece as the file spells it; `id` in [0, vocab_size()).
  std::string_view piece(TokenId id) const;
  PieceKind kind(TokenId id) const;

  /// Id of a special token, -1 where the vocabulary has no such token.
  TokenId special(Special which) const;
  /// Which special token an id is, if it is one of ours.
  std::optional<Special> special_of(TokenId id) const;
  /// True for everything that steers instead of spelling text: our special tokens, control and
  /// unknown pieces.
  bool is_special(TokenId id) const;

  /// The longest spelling, the file's or Gemma 4's, with which `text` starts. Text that holds none
  /// at any place is the same to encode() and encode_special().
  SpecialSpelling special_at(std::string_view text) const;

  TokenId bos() const { return special(Special::bos); }
  TokenId eos() const { return special(Special::eos); }

 private:
  struct Tables;
  explicit Tokenizer(std::unique_ptr<const Tables> tables);
  std::unique_ptr<const Tables> tables_;
};

}  // namespace model
