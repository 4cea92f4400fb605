// A thin layer over the C interface of llguidance (a Rust library linked statically). The engine
// keeps a trie of the bytes of all tokens and, per constraint, a lexer automaton made on demand
// under an Earley parser; a mask is a walk of the trie along both. A token that is special is given
// to the engine as byte 0xFF plus a name: 0xFF never occurs in UTF-8, so neither a string nor a
// regular expression can reach it.
#include "model/grammar/grammar.h"

#include <llguidance.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace model {

namespace {

constexpr char kSpecialMarker = '\xff';

// What free text mostly consists of: where the grammar allows all of a slice here, its tokens are
// taken as a set and only the rest of the trie is walked. Words in lower case, or of a script
// without case, with and without a space before them, without numerals; then everything that may
// stand in a quoted string. A slice costs about 14 MB. Every compile reads their expressions: the
// common scripts as ranges, in place of "no \p{N}", halve the compile of a small grammar.
#define TESSERA_WORD                                                                            \
  R"([!#-'*+,./:<>?@\[\]^_`a-z{|}~()\x{2D}\x{A1}-\x{A9}\x{AB}-\x{B1}\x{B4}-\x{B8}\x{BA}\x{BB})" \
  R"(\x{BF}-\x{65F}\x{671}-\x{6EF}\x{904}-\x{939}\x{1E00}-\x{1FFF}\x{2010}-\x{205E})"           \
  R"(\x{20A0}-\x{20BF}\x{3041}-\x{30FF}\x{4E00}-\x{9FFF}\x{AC00}-\x{D7A3}]{1,12})"
constexpr const char* kSlices[] = {
    TESSERA_WORD,
    " " TESSERA_WORD,
    R"([^"\\\x00-\x1F\x7F]{1,30})",
    nullptr,
};
#undef TESSERA_WORD

LlgMatcher* matcher(void* pointer) { return static_cast<LlgMatcher*>(pointer); }

std::string error_of(void* pointer) {
  const char* text = llg_matcher_get_error(matcher(pointer));
  std::string message = text ? text : "unknown error of the grammar engine";
  if (message.size() > 400) message.resize(400);
  return message;
}

}  // namespace

int TokenMask::count() const {
  int n = 0;
  for (uint32_t word : words_) n += std::popcount(word);
  return n;
}

struct GrammarVocabulary::State {
  GrammarSource source;
  LlgTokenizer* tokenizer = nullptr;

  explicit State(GrammarSource from) : source(std::move(from)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { llg_free_tokenizer(tokenizer); }

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
  return GrammarVocabulary(std::move(state));
}

int GrammarVocabulary::vocab_size() const { return state_->source.vocab_size; }

Constraint::Constraint(std::shared_ptr<const GrammarVocabulary::State> vocabulary, void* matcher)
    : vocabulary_(std::move(vocabulary)), matcher_(matcher) {}

Constraint::Constraint(Constraint&& other) noexcept
    : vocabulary_(std::move(other.vocabulary_)), matcher_(std::exchange(other.matcher_, nullptr)) {}

Constraint& Constraint::operator=(Constraint&& other) noexcept {
  std::swap(vocabulary_, other.vocabulary_);
  std::swap(matcher_, other.matcher_);
  return *this;
}

Constraint::~Constraint() { llg_free_matcher(matcher(matcher_)); }

base::Result<Constraint> Constraint::compile(const GrammarVocabulary& vocabulary,
                                             const std::string& lark) {
  LlgConstraintInit init = {};
  llg_constraint_init_set_defaults(&init, vocabulary.state_->tokenizer);
  init.log_buffer_level = 0;
  init.log_stderr_level = 0;
  init.limits.verbose_errors = false;
  // Walking the vocabulary ahead for long lexemes (our slices among them) costs each compile 4 ms
  // and saves no mask more than it costs.
  init.limits.precompute_large_lexemes = false;
  Constraint constraint(vocabulary.state_, llg_new_matcher(&init, "lark", lark.c_str()));
  if (llg_matcher_is_error(matcher(constraint.matcher_)))
    return base::Error{base::Errc::usage, "grammar: " + error_of(constraint.matcher_)};
  return constraint;
}

base::Status Constraint::mask(TokenMask& into) {
  if (into.size() != vocabulary_->source.vocab_size)
    into = TokenMask(vocabulary_->source.vocab_size);
  std::vector<uint32_t>& words = into.words();
  if (llg_matcher_compute_mask_into(matcher(matcher_), words.data(),
                                    words.size() * sizeof(uint32_t)) != 0)
    return base::Error{base::Errc::limit, "grammar: " + error_of(matcher_)};
  return base::Ok{};
}

base::Status Constraint::accept(int32_t token) {
  if (token < 0 || token >= vocabulary_->source.vocab_size)
    return base::Error{base::Errc::usage,
                       "token " + std::to_string(token) + " is not in the vocabulary"};
  if (llg_matcher_consume_token(matcher(matcher_), static_cast<uint32_t>(token)) != 0)
    return base::Error{base::Errc::usage,
                       "token " + std::to_string(token) + ": " + error_of(matcher_)};
  return base::Ok{};
}

int Constraint::count_accepted(const std::vector<int32_t>& tokens) {
  static_assert(sizeof(int32_t) == sizeof(uint32_t));
  int n = llg_matcher_validate_tokens(
      matcher(matcher_), reinterpret_cast<const uint32_t*>(tokens.data()), tokens.size());
  return std::max(n, 0);
}

bool Constraint::is_accepting() { return llg_matcher_is_accepting(matcher(matcher_)); }

bool Constraint::is_finished() const { return llg_matcher_is_stopped(matcher(matcher_)); }

std::vector<int32_t> Constraint::forced() {
  uint32_t buffer[256];
  int n = llg_matcher_compute_ff_tokens(matcher(matcher_), buffer, std::size(buffer));
  return n <= 0 ? std::vector<int32_t>{} : std::vector<int32_t>(buffer, buffer + n);
}

Constraint Constraint::clone() const {
  return Constraint(vocabulary_, llg_clone_matcher(matcher(matcher_)));
}

}  // namespace model
