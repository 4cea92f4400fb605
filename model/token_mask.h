#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace model {

/// One bit per token of the vocabulary.
class TokenMask {
 public:
  explicit TokenMask(int vocab_size = 0)
      : size_(vocab_size), words_(static_cast<size_t>(vocab_size + 31) / 32) {}

  static TokenMask all(int vocab_size) {
    TokenMask mask(vocab_size);
    mask.fill();
    return mask;
  }
  void fill() {
    for (uint32_t& word : words_) word = ~uint32_t{0};
    if (size_ % 32 != 0) words_.back() = (uint32_t{1} << (size_ % 32)) - 1;
  }

  int size() const { return size_; }
  bool contains(int32_t token) const {
    return token >= 0 && token < size_ && (words_[index(token)] >> (token % 32) & 1) != 0;
  }
  /// Tokens outside the vocabulary stay outside.
  void add(int32_t token) {
    if (token >= 0 && token < size_) words_[index(token)] |= uint32_t{1} << (token % 32);
  }
  void remove(int32_t token) {
    if (token >= 0 && token < size_) words_[index(token)] &= ~(uint32_t{1} << (token % 32));
  }
  /// What is not in `other` either is removed; what `other` has no bits for, too.
  void keep(const TokenMask& other) {
    for (size_t i = 0; i < words_.size(); ++i)
      words_[i] &= i < other.words_.size() ? other.words_[i] : 0;
  }
  int count() const {
    int n = 0;
    for (const uint32_t word : words_) n += std::popcount(word);
    return n;
  }
  /// Calls each(token) for those in [begin, end), by rising id; begin is a multiple of 32.
  template <class Each>
  void for_each(int begin, int end, Each&& each) const {
    for (int first = begin; first < end; first += 32) {
      uint32_t word = words_[index(first)];
      if (end - first < 32) word &= (uint32_t{1} << (end - first)) - 1;
      for (; word != 0; word &= word - 1) each(first + std::countr_zero(word));
    }
  }

  /// Bit i of word j is token 32 * j + i; whoever writes words leaves bits beyond the vocabulary 0.
  std::vector<uint32_t>& words() { return words_; }
  const std::vector<uint32_t>& words() const { return words_; }

 private:
  static size_t index(int32_t token) { return static_cast<size_t>(token) / 32; }

  int size_;
  std::vector<uint32_t> words_;
};

}  // namespace model
