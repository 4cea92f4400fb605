// A thin layer over llguidance (a Rust library linked statically) and what setup/rust/grammar.rs
// adds to it: a quick way from a grammar's text to the engine's tables. The engine keeps a trie of
// the bytes of all tokens and, per constraint, a lexer automaton made on demand under an Earley
// parser; a mask is a walk of the trie along both. A token that is special is given to the engine
// as byte 0xFF plus a name: 0xFF never occurs in UTF-8, so neither a string nor a regular
// expression can reach it.
#include "model/grammar/grammar.h"

#include <llguidance.h>
#include <tessera_grammar.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace model {

namespace {

constexpr char kSpecialMarker = '\xff';

// What free text mostly consists of: where the grammar allows all of a slice here, its tokens are
// taken as a set and only the rest of the trie is walked. Words in lower case, or of a script
// without case, with and without a space before them, without numerals; names of members; then
// everything that may stand in a quoted string. A slice costs about 14 MB. Every compile derives
// them by every byte, so they are few ranges, and of whole blocks: the bounds are those of UTF-8.
#define TESSERA_WORD                                                                         \
  R"([!#-'*+,./:<>?@\[\]^_`a-z{|}~()\x{2D}\x{C0}-\x{65F}\x{1E00}-\x{1FFF}\x{3040}-\x{30FF})" \
  R"(\x{4E00}-\x{9FFF}\x{AC00}-\x{D77F}]{1,12})"
constexpr const char* kSlices[] = {
    TESSERA_WORD,
    " " TESSERA_WORD,
    R"([A-Za-z0-9_.$\x{2D}\x{80}-\x{10FFFF}]{1,12})",
    R"([^"\\\x00-\x1F\x7F]{1,30})",
    nullptr,
};
#undef TESSERA_WORD

std::string error_of(TesseraConstraint* constraint) {
  const char* text = tessera_constraint_error(constraint);
  std::string message = text ? text : "unknown error of the grammar engine";
  if (message.size() > 400) message.resize(400);
  return message;
}

}  // namespace

struct GrammarVocabulary::State {
  GrammarSource source;
  LlgTokenizer* tokenizer = nullptr;
  TesseraGrammars* grammars = nullptr;

  explicit State(GrammarSource from) : source(std::move(from)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    tessera_grammars_free(grammars);
    llg_free_tokenizer(tokenizer);
  }

  static size_t encode(const void* self, const uint8_t* bytes, size_t n_bytes, uint32_t* out,
                       size_t n_out) {
    const auto* state = static_cast<const State*>(self);
    std::vector<int32_t> ids;
    try {  // nothing may be thrown through the engine
      ids = state->source.encode({reinterpret_cast<const char*>(bytes), n_bytes});
    } catch (...) {
      return 0;
    }
    for (size_t i = 0; i < std::min(ids.size(), n_out); ++i) out[i] = static_cast<uint32_t>(ids[i]);
    return ids.size();
  }
};

base::Result<GrammarVocabulary> GrammarVocabulary::build(GrammarSource source) {
  using base::Errc;
  using base::Error;
  if (source.vocab_size <= 0 || !source.bytes_of || !source.is_special)
    return Error{Errc::usage, "a grammar vocabulary needs tokens"};
  if (source.eos < 0 || source.eos >= source.vocab_size)
    return Error{Errc::usage, "eos " + std::to_string(source.eos) + " is not in the vocabulary"};

  auto state = std::make_shared<State>(std::move(source));
  const GrammarSource& from = state->source;
  std::string bytes;
  std::vector<uint32_t> lengths(from.vocab_size);
  for (int32_t id = 0; id < from.vocab_size; ++id) {
    std::string piece;
    if (from.is_special(id)) {
      piece = kSpecialMarker + std::string("<[") + std::to_string(id) + "]>";
    } else {
      piece = from.bytes_of(id);
      if (!piece.empty() && piece[0] == kSpecialMarker)
        piece.clear();  // the byte token 0xFF spells no text
    }
    lengths[id] = static_cast<uint32_t>(piece.size());
    bytes += piece;
  }

  LlgTokenizerInitV2 init = {};
  init.struct_size = sizeof(init);
  init.vocab_size = static_cast<uint32_t>(from.vocab_size);
  init.tok_eos = static_cast<uint32_t>(from.eos);
  init.token_lens = lengths.data();
  init.token_bytes = reinterpret_cast<const uint8_t*>(bytes.data());
  init.slices = kSlices;
  if (from.encode) {
    init.tokenize_fn = &State::encode;
    init.tokenize_user_data = state.get();
  } else {
    init.use_approximate_greedy_tokenize_fn = true;
  }
  char error[256] = {};
  state->tokenizer = llg_new_tokenizer_v2(&init, error, sizeof(error));
  if (!state->tokenizer) return Error{Errc::internal, std::string("grammar vocabulary: ") + error};
  state->grammars = tessera_grammars_new(state->tokenizer);
  if (!state->grammars) return Error{Errc::internal, "grammar vocabulary: a slice is wrong"};
  return GrammarVocabulary(std::move(state));
}

int GrammarVocabulary::vocab_size() const { return state_->source.vocab_size; }

Constraint::Constraint(std::shared_ptr<const GrammarVocabulary::State> vocabulary,
                       TesseraConstraint* constraint)
    : vocabulary_(std::move(vocabulary)), constraint_(constraint) {}

Constraint::Constraint(Constraint&& other) noexcept
    : vocabulary_(std::move(other.vocabulary_)),
      constraint_(std::exchange(other.constraint_, nullptr)) {}

Constraint& Constraint::operator=(Constraint&& other) noexcept {
  std::swap(vocabulary_, other.vocabulary_);
  std::swap(constraint_, other.constraint_);
  return *this;
}

Constraint::~Constraint() { tessera_constraint_free(constraint_); }

base::Result<Constraint> Constraint::compile(const GrammarVocabulary& vocabulary,
                                             const std::string& lark, GrammarReader reader) {
  Constraint out(vocabulary.state_,
                 tessera_constraint_new(vocabulary.state_->grammars, lark.data(), lark.size(),
                                        reader == GrammarReader::engine));
  if (tessera_constraint_error(out.constraint_) != nullptr)
    return base::Error{base::Errc::usage, "grammar: " + error_of(out.constraint_)};
  return out;
}

base::Status Constraint::mask(TokenMask& into) {
  if (into.size() != vocabulary_->source.vocab_size)
    into = TokenMask(vocabulary_->source.vocab_size);
  std::vector<uint32_t>& words = into.words();
  if (!tessera_constraint_mask(constraint_, words.data(), words.size()))
    return base::Error{base::Errc::limit, "grammar: " + error_of(constraint_)};
  return base::Ok{};
}

base::Status Constraint::accept(int32_t token) {
  if (token < 0 || token >= vocabulary_->source.vocab_size)
    return base::Error{base::Errc::usage,
                       "token " + std::to_string(token) + " is not in the vocabulary"};
  if (!tessera_constraint_accept(constraint_, static_cast<uint32_t>(token)))
    return base::Error{base::Errc::usage,
                       "token " + std::to_string(token) + ": " + error_of(constraint_)};
  return base::Ok{};
}

int Constraint::count_accepted(const std::vector<int32_t>& tokens) {
  static_assert(sizeof(int32_t) == sizeof(uint32_t));
  return static_cast<int>(tessera_constraint_count_accepted(
      constraint_, reinterpret_cast<const uint32_t*>(tokens.data()), tokens.size()));
}

bool Constraint::is_accepting() { return tessera_constraint_is_accepting(constraint_); }

bool Constraint::is_finished() const { return tessera_constraint_is_finished(constraint_); }

std::vector<int32_t> Constraint::forced() {
  uint32_t buffer[256];
  const size_t n = tessera_constraint_forced(constraint_, buffer, std::size(buffer));
  return {buffer, buffer + n};
}

Constraint Constraint::clone() const {
  return Constraint(vocabulary_, tessera_constraint_clone(constraint_));
}

}  // namespace model
