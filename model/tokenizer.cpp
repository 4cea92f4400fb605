// Byte-pair encoding over code points, as SentencePiece ("llama") and Gemma 4 ("gemma4") do it.
//
// encode() works in four steps.
//   1. User-defined pieces (Gemma 3: runs of newlines, spaces and tabs, HTML tags) are cut out,
//      leftmost and longest first, by walking a trie. In encode_special() so are special tokens.
//   2. In what lies between, every space becomes U+2581.
//   3. The text is cut into words where no merge can reach across. A merge makes a piece, so a
//      boundary between two characters is safe if no piece holds them side by side; a table of the
//      byte pairs that occur at character boundaries inside pieces, with U+2581 counted as a space,
//      answers that. For Gemma nearly every space and newline is such a boundary. This changes no
//      result: it only keeps the merging of one word from looking at another.
//   4. In a word of n characters, the best adjacent pair is merged until none is left; leftmost
//      first on ties. "llama": a pair is as good as the score of the piece it makes. "gemma4": the
//      earlier its "left right" stands in the list of merges. Short words look for the best pair by
//      scanning, long ones with a heap, O(n log n). A symbol that is no piece becomes byte tokens.
//
// Only pieces of the kind `normal` can be made by merging, so text never yields a control token.
//
// The 262,144 pieces are found through an open-addressed table of (32 hash bits, id): 4 MB, filled
// in one pass over the mapped strings, which are never copied.
#include "model/tokenizer.h"

#include <algorithm>
#include <bitset>
#include <cassert>
#include <cstring>
#include <queue>
#include <utility>

#include "base/utf8.h"
#include "model/gguf.h"

namespace model {
namespace {

using base::Errc;
using base::Error;

constexpr std::string_view kSpace = "\xE2\x96\x81";  // U+2581
constexpr size_t kMaxPieces = size_t{1} << 24;
constexpr size_t kShortWord = 24;  // symbols up to which scanning beats the heap (measured)

uint64_t mix(uint64_t h) {
  h ^= h >> 32;
  h *= 0xD6E8FEB86659FD93U;
  h ^= h >> 32;
  return h;
}

uint64_t hash_of(std::string_view text) {
  uint64_t h = text.size() * 0x9E3779B97F4A7C15U;
  while (text.size() >= 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    h = mix(h ^ word);
    text.remove_prefix(8);
  }
  uint64_t word = 0;
  std::memcpy(&word, text.data(), text.size());
  return mix(mix(h ^ word));
}

// Index of a string in a list of strings.
class StringTable {
 public:
  StringTable(std::span<const std::string_view> keys, size_t n_expected) : keys_(keys) {
    size_t capacity = 16;
    while (capacity < 2 * n_expected) capacity *= 2;
    slots_.assign(capacity, Slot{0, -1});
  }

  // The first of equal strings stays.
  void insert(int32_t index) {
    const std::string_view key = keys_[static_cast<size_t>(index)];
    longest_ = std::max(longest_, key.size());
    const uint64_t h = hash_of(key);
    const auto tag = static_cast<uint32_t>(h >> 32);
    for (size_t i = h & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      Slot& slot = slots_[i];
      if (slot.index < 0) {
        slot = {tag, index};
        return;
      }
      if (slot.tag == tag && keys_[static_cast<size_t>(slot.index)] == key) return;
    }
  }

  int32_t find(std::string_view key) const {
    if (key.size() > longest_) return -1;
    const uint64_t h = hash_of(key);
    const auto tag = static_cast<uint32_t>(h >> 32);
    for (size_t i = h & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[i];
      if (slot.index < 0) return -1;
      if (slot.tag == tag && keys_[static_cast<size_t>(slot.index)] == key) return slot.index;
    }
  }

  size_t longest() const { return longest_; }

 private:
  struct Slot {
    uint32_t tag;
    int32_t index;
  };
  std::span<const std::string_view> keys_;
  std::vector<Slot> slots_;
  size_t longest_ = 0;
};

// A set of strings with an id each, asked for the longest one at the start of a text.
class Trie {
 public:
  struct Match {
    size_t length = 0;
    TokenId id = -1;
  };

  Trie() : nodes_(1) {}

  void insert(std::string_view key, TokenId id) {
    if (key.empty()) return;
    first_.set(static_cast<uint8_t>(key[0]));
    int32_t at = 0;
    for (char c : key) {
      int32_t next = child(at, c);
      if (next < 0) {
        next = static_cast<int32_t>(nodes_.size());
        nodes_.push_back({.byte = c, .sibling = nodes_[static_cast<size_t>(at)].first_child});
        nodes_[static_cast<size_t>(at)].first_child = next;
      }
      at = next;
    }
    nodes_[static_cast<size_t>(at)].id = id;
  }

  Match longest(std::string_view text) const {
    Match best;
    if (text.empty() || !first_.test(static_cast<uint8_t>(text[0]))) return best;
    int32_t at = 0;
    for (size_t n = 0; n < text.size();) {
      at = child(at, text[n]);
      if (at < 0) break;
      ++n;
      const TokenId id = nodes_[static_cast<size_t>(at)].id;
      if (id >= 0) best = {n, id};
    }
    return best;
  }

 private:
  struct Node {
    char byte = 0;
    int32_t first_child = -1;
    int32_t sibling = -1;
    TokenId id = -1;
  };

  int32_t child(int32_t at, char c) const {
    int32_t next = nodes_[static_cast<size_t>(at)].first_child;
    while (next >= 0 && nodes_[static_cast<size_t>(next)].byte != c) {
      next = nodes_[static_cast<size_t>(next)].sibling;
    }
    return next;
  }

  std::vector<Node> nodes_;
  std::bitset<256> first_;
};

// Character at the start of `text`: its bytes, and the byte by which a neighbour knows it.
struct Character {
  size_t length;
  uint8_t first, last;
};

Character character_at(std::string_view text) {
  const size_t length = std::max<size_t>(1, base::utf8_length(text));
  if (text.substr(0, length) == kSpace) return {length, ' ', ' '};
  return {length, static_cast<uint8_t>(text[0]), static_cast<uint8_t>(text[length - 1])};
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// The byte of "<0x41>", or -1.
int byte_value(std::string_view piece) {
  if (piece.size() != 6 || !piece.starts_with("<0x") || piece[5] != '>') return -1;
  const int high = hex_digit(piece[3]);
  const int low = hex_digit(piece[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// A run of bytes of the word being merged; `previous` and `next` are indices, -1 at the ends.
struct Symbol {
  std::string_view text;  // empty once it was merged into its left neighbour
  int previous;
  int next;
};

struct Candidate {
  float priority;
  int left;
  size_t length;  // of both symbols together: tells a stale entry
};

// For the heap: true where `a` is to be merged after `b`.
struct Later {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.priority != b.priority ? a.priority < b.priority : a.left > b.left;
  }
};

constexpr float kNoMerge = -1e30F;

}  // namespace

struct Tokenizer::Tables {
  explicit Tables(Vocabulary v)
      : vocabulary(std::move(v)),
        pieces(vocabulary.pieces, vocabulary.pieces.size()),
        merges(vocabulary.merges, vocabulary.merges.size()) {}

  // `vocabulary` never moves once the tables point at its lists.
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;

  Vocabulary vocabulary;
  StringTable pieces;  // normal ones only
  StringTable merges;
  bool by_score = true;
  std::array<TokenId, 256> bytes{};
  std::array<TokenId, kSpecialTokens.size()> specials{};
  std::vector<std::pair<TokenId, Special>> special_ids;  // sorted
  Trie user_defined;
  Trie with_special;
  Trie specials_only;
  std::bitset<65536> joined;  // byte pairs at character boundaries inside pieces

  std::optional<Special> special_of(TokenId id) const {
    const auto at =
        std::lower_bound(special_ids.begin(), special_ids.end(), id,
                         [](const auto& entry, TokenId wanted) { return entry.first < wanted; });
    if (at == special_ids.end() || at->first != id) return std::nullopt;
    return at->second;
  }

  // How early the pair is to be merged, kNoMerge if never. `buffer` is scratch.
  float priority(std::string_view left, std::string_view right, std::string& buffer) const {
    if (by_score) {
      // The two lie side by side in the text.
      const std::string_view both(left.data(), left.size() + right.size());
      const int32_t id = pieces.find(both);
      return id < 0 ? kNoMerge : vocabulary.scores[static_cast<size_t>(id)];
    }
    if (left.size() + right.size() + 1 > merges.longest()) return kNoMerge;
    buffer.assign(left);
    buffer += ' ';
    buffer += right;
    const int32_t rank = merges.find(buffer);
    return rank < 0 ? kNoMerge : -static_cast<float>(rank);
  }

  void append_symbol(std::string_view text, std::vector<TokenId>& out) const {
    const int32_t id = pieces.find(text);
    if (id >= 0) {
      out.push_back(id);
      return;
    }
    for (char c : text) {
      TokenId byte = bytes[static_cast<uint8_t>(c)];
      if (byte < 0) byte = specials[static_cast<size_t>(Special::unk)];
      if (byte >= 0) out.push_back(byte);
    }
  }

  void merge_short(std::vector<Symbol>& symbols, std::vector<float>& priorities,
                   std::string& buffer) const {
    priorities.assign(symbols.size(), kNoMerge);
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      priorities[i] = priority(symbols[i].text, symbols[i + 1].text, buffer);
    }
    while (symbols.size() > 1) {
      const auto best = std::max_element(priorities.begin(), priorities.end());
      if (*best <= kNoMerge) return;
      const auto i = best - priorities.begin();
      Symbol& left = symbols[static_cast<size_t>(i)];
      left.text = {left.text.data(),
                   left.text.size() + symbols[static_cast<size_t>(i) + 1].text.size()};
      symbols.erase(symbols.begin() + i + 1);
      priorities.erase(priorities.begin() + i + 1);
      const auto at = static_cast<size_t>(i);
      priorities[at] =
          at + 1 < symbols.size() ? priority(left.text, symbols[at + 1].text, buffer) : kNoMerge;
      if (at > 0) priorities[at - 1] = priority(symbols[at - 1].text, left.text, buffer);
    }
  }

  void merge_long(std::vector<Symbol>& symbols, std::string& buffer) const {
    std::priority_queue<Candidate, std::vector<Candidate>, Later> queue;
    const auto consider = [&](int left) {
      if (left < 0) return;
      const Symbol& a = symbols[static_cast<size_t>(left)];
      if (a.next < 0) return;
      const Symbol& b = symbols[static_cast<size_t>(a.next)];
      const float p = priority(a.text, b.text, buffer);
      if (p > kNoMerge) queue.push({p, left, a.text.size() + b.text.size()});
    };
    for (size_t i = 0; i + 1 < symbols.size(); ++i) consider(static_cast<int>(i));
    while (!queue.empty()) {
      const Candidate best = queue.top();
      queue.pop();
      Symbol& left = symbols[static_cast<size_t>(best.left)];
      if (left.text.empty() || left.next < 0) continue;
      Symbol& right = symbols[static_cast<size_t>(left.next)];
      if (left.text.size() + right.text.size() != best.length) continue;
      left.text = {left.text.data(), best.length};
      right.text = {};
      left.next = right.next;
      if (left.next >= 0) symbols[static_cast<size_t>(left.next)].previous = best.left;
      consider(left.previous);
      consider(best.left);
    }
  }
};

namespace {

// Memory that the words of one text share.
struct Scratch {
  std::string normalized;
  std::vector<Symbol> symbols;
  std::vector<float> priorities;
  std::string buffer;
};

template <class T>
void append_word(const T& tables, std::string_view word, Scratch& scratch,
                 std::vector<TokenId>& out) {
  scratch.symbols.clear();
  for (std::string_view rest = word; !rest.empty();) {
    const size_t length = std::max<size_t>(1, base::utf8_length(rest));
    const int i = static_cast<int>(scratch.symbols.size());
    scratch.symbols.push_back({rest.substr(0, length), i - 1, i + 1});
    rest.remove_prefix(length);
  }
  if (!scratch.symbols.empty()) scratch.symbols.back().next = -1;
  if (scratch.symbols.size() <= kShortWord) {
    tables.merge_short(scratch.symbols, scratch.priorities, scratch.buffer);
  } else {
    tables.merge_long(scratch.symbols, scratch.buffer);
  }
  for (const Symbol& symbol : scratch.symbols) {
    if (!symbol.text.empty()) tables.append_symbol(symbol.text, out);
  }
}

// Steps 2 to 4 for text without user-defined pieces.
template <class T>
void append_text(const T& tables, std::string_view text, Scratch& scratch,
                 std::vector<TokenId>& out) {
  scratch.normalized.clear();
  for (char c : text) {
    if (c == ' ') {
      scratch.normalized += kSpace;
    } else {
      scratch.normalized += c;
    }
  }
  const std::string_view all = scratch.normalized;
  size_t word_begin = 0;
  int previous = -1;
  for (size_t at = 0; at < all.size();) {
    const Character c = character_at(all.substr(at));
    if (previous >= 0 && !tables.joined.test(static_cast<size_t>(previous) * 256 + c.first)) {
      append_word(tables, all.substr(word_begin, at - word_begin), scratch, out);
      word_begin = at;
    }
    previous = c.last;
    at += c.length;
  }
  append_word(tables, all.substr(word_begin), scratch, out);
}

template <class T>
std::vector<TokenId> encode_with(const T& tables, const Trie& cut_out, std::string_view text) {
  std::vector<TokenId> out;
  out.reserve(text.size() / 3 + 8);
  Scratch scratch;
  size_t begin = 0;
  for (size_t at = 0; at < text.size();) {
    const Trie::Match match = cut_out.longest(text.substr(at));
    if (match.id < 0) {
      ++at;
      continue;
    }
    append_text(tables, text.substr(begin, at - begin), scratch, out);
    out.push_back(match.id);
    at += match.length;
    begin = at;
  }
  append_text(tables, text.substr(begin), scratch, out);
  return out;
}

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<const Tables> tables) : tables_(std::move(tables)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

base::Result<Vocabulary> Tokenizer::vocabulary_of(const Gguf& file) {
  const auto model = file.string("tokenizer.ggml.model");
  if (!model) return Error{Errc::corrupt, "tokenizer.ggml.model: missing"};
  const auto* pieces = file.strings("tokenizer.ggml.tokens");
  if (pieces == nullptr) return Error{Errc::corrupt, "tokenizer.ggml.tokens: missing"};

  Vocabulary vocabulary{.model = std::string(*model), .pieces = *pieces};
  if (const auto* kinds = file.numbers("tokenizer.ggml.token_type")) {
    vocabulary.kinds.reserve(kinds->size());
    for (double kind : *kinds) {
      if (!(kind >= 1 && kind <= 6)) {
        return Error{Errc::corrupt, "tokenizer.ggml.token_type: " + std::to_string(kind)};
      }
      vocabulary.kinds.push_back(static_cast<PieceKind>(static_cast<int>(kind)));
    }
  }
  if (const auto* scores = file.numbers("tokenizer.ggml.scores")) {
    vocabulary.scores.assign(scores->begin(), scores->end());
  }
  if (const auto* merges = file.strings("tokenizer.ggml.merges")) vocabulary.merges = *merges;
  return vocabulary;
}

base::Result<Tokenizer> Tokenizer::from_gguf(const Gguf& file) {
  base::Result<Vocabulary> vocabulary = vocabulary_of(file);
  if (!vocabulary) return vocabulary.error();
  return from_vocabulary(std::move(*vocabulary));
}

base::Result<Tokenizer> Tokenizer::from_vocabulary(Vocabulary vocabulary) {
  const size_t n = vocabulary.pieces.size();
  if (vocabulary.model != "llama" && vocabulary.model != "gemma4") {
    return Error{Errc::unsupported, "tokenizer.ggml.model: \"" + vocabulary.model +
                                        "\", expected \"llama\" or \"gemma4\""};
  }
  const bool by_score = vocabulary.model == "llama";
  if (n == 0 || n > kMaxPieces || vocabulary.merges.size() > kMaxPieces) {
    return Error{Errc::corrupt, "tokenizer.ggml.tokens: " + std::to_string(n) + " pieces"};
  }
  if (vocabulary.kinds.size() != n) {
    return Error{Errc::corrupt,
                 "tokenizer.ggml.token_type: " + std::to_string(vocabulary.kinds.size()) +
                     " kinds for " + std::to_string(n) + " pieces"};
  }
  if (by_score && vocabulary.scores.size() != n) {
    return Error{Errc::corrupt,
                 "tokenizer.ggml.scores: " + std::to_string(vocabulary.scores.size()) +
                     " scores for " + std::to_string(n) + " pieces"};
  }
  if (!by_score && vocabulary.merges.empty()) {
    return Error{Errc::corrupt, "tokenizer.ggml.merges: missing"};
  }
  // A score that is no ordinary number would break the order of merges.
  for (float& score : vocabulary.scores) score = score > kNoMerge ? std::min(score, 1e30F) : -1e29F;

  auto owned = std::make_unique<Tables>(std::move(vocabulary));
  Tables& tables = *owned;
  const Vocabulary& v = tables.vocabulary;
  tables.by_score = by_score;
  tables.bytes.fill(-1);
  tables.specials.fill(-1);

  // Special tokens by name; in Gemma's vocabulary also by place, if a placeholder stands there.
  StringTable rare(v.pieces, 8192);
  size_t n_rare = 0;
  for (size_t i = 0; i < n; ++i) {
    const PieceKind kind = v.kinds[i];
    if ((kind == PieceKind::control || kind == PieceKind::user_defined ||
         kind == PieceKind::unknown) &&
        n_rare < 8000) {
      rare.insert(static_cast<int32_t>(i));
      ++n_rare;
    }
  }
  for (const SpecialToken& token : kSpecialTokens) {
    TokenId id = rare.find(token.text);
    if (id < 0 && n == static_cast<size_t>(kGemmaVocabSize) &&
        v.kinds[static_cast<size_t>(token.gemma4_id)] != PieceKind::normal) {
      id = token.gemma4_id;
    }
    tables.specials[static_cast<size_t>(token.which)] = id;
    if (id >= 0) tables.special_ids.emplace_back(id, token.which);
  }
  std::sort(tables.special_ids.begin(), tables.special_ids.end());

  for (size_t i = 0; i < n; ++i) {
    const auto id = static_cast<TokenId>(i);
    const std::string_view piece = v.pieces[i];
    switch (v.kinds[i]) {
      case PieceKind::normal: {
        if (piece.empty() || tables.special_of(id)) break;
        tables.pieces.insert(id);
        int previous = -1;
        for (size_t at = 0; at < piece.size();) {
          const Character c = character_at(piece.substr(at));
          if (previous >= 0) tables.joined.set(static_cast<size_t>(previous) * 256 + c.first);
          previous = c.last;
          at += c.length;
        }
        break;
      }
      case PieceKind::byte: {
        const int byte = byte_value(piece);
        if (byte < 0) return Error{Errc::corrupt, "byte token \"" + std::string(piece) + "\""};
        tables.bytes[static_cast<size_t>(byte)] = id;
        break;
      }
      case PieceKind::user_defined:
        // "[multimodal]" is a marker of Gemma 3 that no text should be able to write.
        if (!tables.special_of(id) && piece != "[multimodal]")
          tables.user_defined.insert(piece, id);
        tables.with_special.insert(piece, id);
        if (tables.special_of(id)) tables.specials_only.insert(piece, id);
        break;
      case PieceKind::control:
        tables.with_special.insert(piece, id);
        tables.specials_only.insert(piece, id);
        break;
      case PieceKind::unknown:
      case PieceKind::unused:
        break;
    }
  }
  for (const auto& [id, which] : tables.special_ids) {
    tables.with_special.insert(special_text(which), id);
    tables.specials_only.insert(special_text(which), id);
  }
  if (!by_score) {
    for (size_t i = 0; i < v.merges.size(); ++i) tables.merges.insert(static_cast<int32_t>(i));
  }
  return Tokenizer(std::move(owned));
}

std::vector<TokenId> Tokenizer::encode(std::string_view text) const {
  return encode_with(*tables_, tables_->user_defined, text);
}

std::vector<TokenId> Tokenizer::encode_special(std::string_view text) const {
  return encode_with(*tables_, tables_->with_special, text);
}

std::string Tokenizer::bytes_of(TokenId id) const {
  if (id < 0 || id >= vocab_size()) return {};
  if (const auto which = special_of(id)) return std::string(special_text(*which));
  const std::string_view piece = this->piece(id);
  switch (kind(id)) {
    case PieceKind::byte:
      return std::string(1, static_cast<char>(byte_value(piece)));
    case PieceKind::normal:
      break;
    default:
      return std::string(piece);
  }
  std::string out;
  for (size_t at = 0; at < piece.size();) {
    if (piece.substr(at).starts_with(kSpace)) {
      out += ' ';
      at += kSpace.size();
    } else {
      out += piece[at++];
    }
  }
  return out;
}

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  std::string out;
  for (TokenId id : ids) out += bytes_of(id);
  return base::utf8_repaired(out);
}

int Tokenizer::vocab_size() const { return static_cast<int>(tables_->vocabulary.pieces.size()); }

std::string_view Tokenizer::piece(TokenId id) const {
  assert(id >= 0 && id < vocab_size());
  return tables_->vocabulary.pieces[static_cast<size_t>(id)];
}

PieceKind Tokenizer::kind(TokenId id) const {
  assert(id >= 0 && id < vocab_size());
  return tables_->vocabulary.kinds[static_cast<size_t>(id)];
}

TokenId Tokenizer::special(Special which) const {
  return tables_->specials[static_cast<size_t>(which)];
}

std::optional<Special> Tokenizer::special_of(TokenId id) const { return tables_->special_of(id); }

SpecialSpelling Tokenizer::special_at(std::string_view text) const {
  const Trie::Match match = tables_->specials_only.longest(text);
  return {match.length, match.id};
}

bool Tokenizer::is_special(TokenId id) const {
  if (id < 0 || id >= vocab_size()) return false;
  const PieceKind k = kind(id);
  return k == PieceKind::control || k == PieceKind::unknown || special_of(id).has_value();
}

}  // namespace model
