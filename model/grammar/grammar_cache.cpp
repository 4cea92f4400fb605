#include "model/grammar/grammar_cache.h"

namespace model {

base::Result<Constraint> GrammarCache::compile(const std::string& lark) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto at = by_text_.find(lark); at != by_text_.end()) {
      entries_.splice(entries_.begin(), entries_, at->second);
      return at->second->second.clone();
    }
  }
  // Others need not wait for it; two threads may compile the same, and one of them is kept.
  base::Result<Constraint> made = Constraint::compile(vocabulary_, lark);
  if (!made || capacity_ == 0) return made;
  Constraint copy = made->clone();
  const std::lock_guard lock(mutex_);
  if (by_text_.count(lark) > 0) return copy;
  entries_.emplace_front(lark, std::move(*made));
  by_text_[lark] = entries_.begin();
  if (entries_.size() > capacity_) {
    by_text_.erase(entries_.back().first);
    entries_.pop_back();
  }
  return copy;
}

size_t GrammarCache::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

}  // namespace model
