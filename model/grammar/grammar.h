#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/token_mask.h"

struct TesseraConstraint;  // of the engine, whose headers stay out of ours

/// model/grammar: decides which tokens may come next.
///
/// A GrammarVocabulary is a byte trie over all tokens; it never changes and any number of threads
/// may share it (build it once, on a thread of its own, while the weights are mapped). A Constraint
/// is one reply's place in one grammar and belongs to one thread at a time. Grammars are written in
/// the Lark dialect of llguidance; special tokens stand in rules as `<[49]>` or `<[50,106]>`, and
/// no string or regular expression ever matches one.
namespace model {

/// What a GrammarVocabulary is built from. The functions are called during build(), `encode` also
/// later and from any thread: whatever they refer to outlives the vocabulary and its constraints.
struct GrammarSource {
  int vocab_size = 0;
  std::function<std::string(int32_t)> bytes_of = {};  ///< raw bytes of a token that spells text
  std::function<bool(int32_t)> is_special = {};  ///< tokens that steer instead of spelling text
  int32_t eos =
      1;  ///< allowed where a grammar is complete; stop tokens written in the grammar do not count
  /// Plain text to tokens. With it, text that the grammar forces is spelled as the tokenizer would;
  /// without it, any spelling of it is allowed and forced() finds nothing.
  std::function<std::vector<int32_t>(std::string_view)> encode = {};
};

class GrammarVocabulary {
 public:
  /// For 262,144 tokens: about one second, 81 MB held, some 28 MB more while it is built.
  /// Errors: usage (no tokens, eos out of range), internal (the engine's own words).
  static base::Result<GrammarVocabulary> build(GrammarSource source);

  int vocab_size() const;

 private:
  friend class Constraint;
  struct State;
  explicit GrammarVocabulary(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  // Shared: the engine calls `encode` for as long as any constraint lives.
  std::shared_ptr<const State> state_;
};

/// Who reads a grammar's text. Both give the same constraint of the grammars this program writes;
/// where a token belongs to two sets that are possible at one place, they may differ.
enum class GrammarReader : uint8_t {
  quick,   ///< what schemas are written in by setup/rust/grammar.rs, all else by the engine
  engine,  ///< always by the engine: for grammars that somebody else wrote, and to compare with
};

/// A position in a grammar. After an error it stays in error; make a new one.
class Constraint {
 public:
  /// 1 to 4 ms for grammars of replies, up to 25 ms for those of scripts; a clone() of a constraint
  /// that has not moved costs 0.1 ms. Errors: usage (not a grammar, or too large; the message says
  /// where).
  static base::Result<Constraint> compile(const GrammarVocabulary& vocabulary,
                                          const std::string& lark,
                                          GrammarReader reader = GrammarReader::quick);

  Constraint(Constraint&& other) noexcept;
  Constraint& operator=(Constraint&& other) noexcept;
  ~Constraint();

  /// The tokens that may come next; at the end of the grammar, only the vocabulary's eos.
  /// Errors: limit (the state became too large), internal.
  base::Status mask(TokenMask& into);

  /// Goes past `token`. Errors: usage (it is not allowed here; the constraint is then in error).
  base::Status accept(int32_t token);

  /// How many of `tokens`, one after the other, would be accepted; the position does not move.
  int count_accepted(const std::vector<int32_t>& tokens);

  /// Whether the reply may end here.
  bool is_accepting();
  /// Whether nothing may follow.
  bool is_finished() const;

  /// Tokens that must come next because the continuation is unique, possibly none; the position
  /// does not move. Only with GrammarSource::encode.
  std::vector<int32_t> forced();

  /// A deep copy: both go on independently.
  Constraint clone() const;

 private:
  Constraint(std::shared_ptr<const GrammarVocabulary::State> vocabulary,
             TesseraConstraint* constraint);
  std::shared_ptr<const GrammarVocabulary::State> vocabulary_;
  TesseraConstraint* constraint_ = nullptr;
};

}  // namespace model
