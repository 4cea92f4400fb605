// Text and vocabularies that nobody vouches for. The input is a text, or, if it holds three lines
// "llama" or "gemma4", pieces, merges, and then a text, a vocabulary made of them. Whatever comes,
// no id is special, all lie in the vocabulary, and with all byte tokens at hand no byte is lost.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "model/gguf.h"
#include "model/tokenizer.h"
#include "tests/golden.h"

namespace {

using model::PieceKind;
using model::TokenId;
using model::Tokenizer;

void check(bool fine) {
  if (!fine) std::abort();
}

void check_encode(const Tokenizer& tokenizer, std::string_view text) {
  std::string bytes;
  bool unknown = false;  // a vocabulary without all byte tokens has only <unk> for some text
  for (TokenId id : tokenizer.encode(text)) {
    check(id >= 0 && id < tokenizer.vocab_size());
    unknown = unknown || id == tokenizer.special(model::Special::unk);
    check(!tokenizer.is_special(id) || id == tokenizer.special(model::Special::unk));
    bytes += tokenizer.bytes_of(id);
  }
  // Without a piece for U+2581 a space is spelled by the bytes of that character.
  const std::vector<TokenId> space = tokenizer.encode(" ");
  const bool spaces = space.size() == 1 && tokenizer.bytes_of(space[0]) == " ";
  if (!unknown && spaces && text.find("\xE2\x96\x81") == std::string_view::npos)
    check(bytes == text);
  std::string special;
  for (TokenId id : tokenizer.encode_special(text)) special += tokenizer.bytes_of(id);
  (void)tokenizer.decode(tokenizer.encode_special(text));
}

const Tokenizer& tiny() {
  static const model::Gguf gguf = std::move(*model::Gguf::open(golden("tiny/tiny-q4_0.gguf")));
  static const Tokenizer tokenizer = std::move(*Tokenizer::from_gguf(gguf));
  return tokenizer;
}

std::string_view take_line(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

std::vector<std::string_view> fields(std::string_view line) {
  std::vector<std::string_view> out;
  while (!line.empty()) {
    const size_t end = line.find('|');
    out.push_back(line.substr(0, end));
    line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  check_encode(tiny(), text);

  model::Vocabulary vocabulary;
  vocabulary.model = take_line(text);
  static const auto byte_names = [] {
    std::array<std::string, 256> names;
    for (size_t i = 0; i < names.size(); ++i) {
      char name[8];
      std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(i));
      names[i] = name;
    }
    return names;
  }();
  for (const std::string& name : byte_names) {
    vocabulary.pieces.push_back(name);
    vocabulary.kinds.push_back(PieceKind::byte);
  }
  // The first letter of a field is the kind of its piece.
  for (std::string_view field : fields(take_line(text))) {
    if (field.empty()) continue;
    const auto kind = static_cast<PieceKind>(1 + static_cast<unsigned char>(field[0]) % 5);
    // A normal piece holds no space: text has U+2581 there.
    if (kind == PieceKind::normal && field.find(' ') != std::string_view::npos) continue;
    vocabulary.kinds.push_back(kind);
    vocabulary.pieces.push_back(field.substr(1));
  }
  for (size_t i = 0; i < vocabulary.pieces.size(); ++i) {
    vocabulary.scores.push_back(static_cast<float>(i * 7 % 11));
  }
  vocabulary.merges = fields(take_line(text));
  const base::Result<Tokenizer> tokenizer = Tokenizer::from_vocabulary(std::move(vocabulary));
  if (!tokenizer) return 0;
  check_encode(*tokenizer, text);
  return 0;
}
