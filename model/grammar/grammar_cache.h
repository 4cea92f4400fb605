#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/result.h"
#include "model/grammar/grammar.h"

namespace model {

/// Compiled grammars by their text: the same tools come with every request of a conversation, and a
/// copy costs a fraction of compiling. Any number of threads may share it.
class GrammarCache {
 public:
  /// Keeps the `capacity` grammars that were used last. The vocabulary is shared, not copied.
  explicit GrammarCache(GrammarVocabulary vocabulary, size_t capacity = 16)
      : vocabulary_(std::move(vocabulary)), capacity_(capacity) {}

  /// A constraint at the beginning of its grammar. Errors: as Constraint::compile().
  base::Result<Constraint> compile(const std::string& lark);

  const GrammarVocabulary& vocabulary() const { return vocabulary_; }
  size_t size() const;

 private:
  using Entries = std::list<std::pair<std::string, Constraint>>;  // the one used last in front

  GrammarVocabulary vocabulary_;
  size_t capacity_;
  mutable std::mutex mutex_;
  Entries entries_;
  std::unordered_map<std::string, Entries::iterator> by_text_;
};

}  // namespace model
