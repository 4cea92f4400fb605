#include "agent/numbers.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace agent {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }

void add(std::vector<std::string>& list, std::string item) {
  if (item.size() <= 64 && std::find(list.begin(), list.end(), item) == list.end())
    list.push_back(std::move(item));
}

/// -?digits[.digits] and nothing else.
bool is_number(std::string_view s) {
  size_t i = s.starts_with('-') ? 1 : 0;
  const size_t first = i;
  while (i < s.size() && digit(s[i])) ++i;
  if (i == first) return false;
  if (i == s.size()) return true;
  if (s[i] != '.') return false;
  const size_t fraction = ++i;
  while (i < s.size() && digit(s[i])) ++i;
  return i == s.size() && i > fraction;
}

void add_number(const std::string& number, AnswerWords& into) {
  add(into.numbers, number);
  if (number.find('.') == std::string::npos) return;
  const double value = std::strtod(number.c_str(), nullptr);
  for (const int decimals : {2, 1, 0}) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", decimals, value);
    // A rounding that says nothing any more (0.004 -> 0.0) is not offered.
    if (std::strtod(text, nullptr) != 0 || value == 0) add(into.numbers, text);
  }
}

}  // namespace

void collect_numbers(std::string_view text, AnswerWords& into) {
  constexpr size_t kMost = 400;  // keeps the grammar small; a longer text is not for quoting
  std::string_view before;       // the word before, if it holds a digit
  for (size_t begin = 0; begin < text.size() && into.numbers.size() + into.words.size() < kMost;) {
    while (begin < text.size() &&
           (std::isspace(static_cast<unsigned char>(text[begin])) != 0 || text[begin] == ','))
      ++begin;
    size_t end = begin;
    while (end < text.size() && std::isspace(static_cast<unsigned char>(text[end])) == 0 &&
           text[end] != ',')
      ++end;
    std::string_view word = text.substr(begin, end - begin);
    begin = end;
    while (!word.empty() &&
           std::string_view("\"'([{<:;").find(word.front()) != std::string_view::npos)
      word.remove_prefix(1);
    while (!word.empty() &&
           std::string_view("\"')]}>:;.!?%").find(word.back()) != std::string_view::npos)
      word.remove_suffix(1);
    const std::string_view previous = std::exchange(before, std::string_view());
    if (std::none_of(word.begin(), word.end(), digit)) continue;
    before = word;
    // "2014 Q1", "2014-03-05 10:20:00": an answer cannot put two words so close to each other.
    if (!previous.empty() && previous.data() + previous.size() + 1 == word.data() &&
        previous.data()[previous.size()] == ' ' && !(is_number(previous) && is_number(word)))
      add(into.words, std::string(previous) + " " + std::string(word));
    if (is_number(word))
      add_number(std::string(word), into);
    else
      add(into.words, std::string(word));
  }
}

}  // namespace agent
