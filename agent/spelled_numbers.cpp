#include "agent/spelled_numbers.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>

namespace agent {
namespace {

constexpr std::string_view kThinSpaces[] = {"'", "\xe2\x80\x99", "\xc2\xa0", "\xe2\x80\xaf",
                                            "\xe2\x80\x89"};

size_t digits_from(std::string_view text, size_t i) {
  size_t n = 0;
  while (i + n < text.size() && is_digit(text[i + n])) ++n;
  return n;
}

/// Bytes of what sets thousands apart at i, if exactly three digits follow; else 0.
size_t group_mark(std::string_view text, size_t i, char mark) {
  size_t bytes = i < text.size() && text[i] == mark ? 1 : 0;
  for (const std::string_view one : kThinSpaces)
    if (text.substr(i).starts_with(one)) bytes = one.size();
  return bytes > 0 && digits_from(text, i + bytes) == 3 ? bytes : 0;
}

/// The sign before `begin`, also with a currency between them: -$30.
void read_sign(std::string_view text, Spelled& out) {
  std::string_view before = text.substr(0, out.begin);
  for (const std::string_view currency : {"$", "\xe2\x82\xac", "\xc2\xa3"})
    if (before.ends_with(currency)) before.remove_suffix(currency.size());
  size_t bytes = 0;
  for (const std::string_view minus : {"-", "\xe2\x88\x92", "\xe2\x80\x93"})
    if (before.ends_with(minus)) bytes = minus.size();
  if (bytes == 0) return;
  out.dash = before.ends_with("\xe2\x80\x93");
  before.remove_suffix(bytes);
  // 10-20, 2014-08 and a-5 have no sign.
  if (!before.empty() && (is_digit(before.back()) || is_letter(before.back()) ||
                          before.back() == '-' || before.back() == '.'))
    return;
  out.minus = true;
}

}  // namespace

bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }
bool is_letter(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

bool has_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

bool next_spelled(std::string_view text, size_t from, Decimals decimals, Spelled& out) {
  const char mark = decimals == Decimals::point ? ',' : '.';
  const char point = decimals == Decimals::point ? '.' : ',';
  size_t i = from;
  while (i < text.size() && !is_digit(text[i])) ++i;
  if (i == text.size()) return false;
  out = {.begin = i};
  std::string spelled(text.substr(i, digits_from(text, i)));
  i += spelled.size();
  if (spelled.size() <= 3 && spelled != "0")
    while (const size_t bytes = group_mark(text, i, mark)) {
      spelled += text.substr(i + bytes, 3);
      i += bytes + 3;
      out.grouped = true;
    }
  // A text with decimal commas may still quote 12.5.
  const bool other = !out.grouped && decimals == Decimals::comma && i + 1 < text.size() &&
                     text[i] == '.' && is_digit(text[i + 1]);
  if (i + 1 < text.size() && (text[i] == point || other) && is_digit(text[i + 1])) {
    const size_t n = digits_from(text, i + 1);
    spelled += "." + std::string(text.substr(i + 1, n));
    out.decimals = static_cast<int>(std::min<size_t>(n, 15));
    i += n + 1;
  }
  size_t e = i;  // 1.5e+06
  if (e < text.size() && (text[e] == 'e' || text[e] == 'E')) {
    ++e;
    if (e < text.size() && (text[e] == '+' || text[e] == '-')) ++e;
    const size_t n = digits_from(text, e);
    if (n > 0 && n <= 3) {
      spelled += text.substr(i, e + n - i);
      out.decimals -= std::atoi(std::string(text.substr(i + 1, e + n - i - 1)).c_str());
      i = e + n;
    }
  }
  out.end = i;
  out.value = std::strtod(spelled.substr(0, 400).c_str(), nullptr);
  read_sign(text, out);
  return true;
}

bool with_decimal_comma(std::string_view text, const Spelled& number, Spelled& out) {
  if (number.decimals != 0 || number.grouped || number.end + 1 >= text.size() ||
      text[number.end] != ',')
    return false;
  const size_t digits = digits_from(text, number.end + 1);
  if (digits == 0) return false;
  out = number;
  out.end = number.end + 1 + digits;
  out.decimals = static_cast<int>(std::min<size_t>(digits, 15));
  std::string spelled(text.substr(number.begin, std::min<size_t>(out.end - number.begin, 400)));
  if (const size_t comma = spelled.find(','); comma != spelled.npos) spelled[comma] = '.';
  out.value = std::strtod(spelled.c_str(), nullptr);
  return true;
}

Decimals decimals_of(std::string_view text) {
  int points = 0, commas = 0;
  for (size_t i = 1; i + 1 < text.size(); ++i) {
    if ((text[i] != '.' && text[i] != ',') || !is_digit(text[i - 1])) continue;
    const size_t digits = digits_from(text, i + 1);
    if (digits == 0) continue;
    size_t before = i;
    while (before > 0 && is_digit(text[before - 1])) --before;
    const bool decimal = digits != 3 || (text[before] == '0' && i - before == 1) || i - before > 3;
    // 1.234,5 says it by the mark that comes last; 3,12,7 says nothing.
    const bool after = i + 1 + digits < text.size() &&
                       (text[i + 1 + digits] == ',' || text[i + 1 + digits] == '.') &&
                       is_digit(i + 2 + digits < text.size() ? text[i + 2 + digits] : ' ');
    if (decimal && !after) ++(text[i] == '.' ? points : commas);
  }
  if (points != commas) return points > commas ? Decimals::point : Decimals::comma;
  // Words that only languages with decimal commas have.
  int words = 0;
  for (size_t begin = 0; begin < text.size() && words < 2;) {
    while (begin < text.size() && is_space(text[begin])) ++begin;
    size_t end = begin;
    while (end < text.size() && !is_space(text[end])) ++end;
    const std::string word = lower_case(stripped(text.substr(begin, end - begin)));
    for (const char* one : {"der", "das", "und", "ist", "mit", "von", "sind", "f\xc3\xbcr", "liegt",
                            "insgesamt", "beim", "dem", "auf", "les", "est", "avec", "sont"})
      if (word == one) ++words;
    begin = end;
  }
  return words >= 2 ? Decimals::comma : Decimals::point;
}

int number_word(std::string_view word) {
  constexpr std::array<std::array<std::string_view, 2>, 11> kWords = {{{"two", "zwei"},
                                                                       {"three", "drei"},
                                                                       {"four", "vier"},
                                                                       {"five", "f\xc3\xbcnf"},
                                                                       {"six", "sechs"},
                                                                       {"seven", "sieben"},
                                                                       {"eight", "acht"},
                                                                       {"nine", "neun"},
                                                                       {"ten", "zehn"},
                                                                       {"eleven", "elf"},
                                                                       {"twelve", "zw\xc3\xb6lf"}}};
  if (word.size() > 8) return 0;
  const std::string lower = lower_case(word);
  for (size_t i = 0; i < kWords.size(); ++i)
    if (lower == kWords[i][0] || lower == kWords[i][1]) return static_cast<int>(i) + 2;
  return 0;
}

std::string_view stripped(std::string_view word) {
  constexpr std::string_view kAround = "\"'`()[]{}<>*_:;,.!?=|";
  while (!word.empty() && kAround.find(word.front()) != kAround.npos) word.remove_prefix(1);
  while (!word.empty() && kAround.find(word.back()) != kAround.npos) word.remove_suffix(1);
  return word;
}

bool is_name(std::string_view word) {
  const auto not_digit = [&](size_t i) { return !is_digit(word[i]); };
  size_t first = 0;
  while (first < word.size() && not_digit(first)) ++first;
  if (first == word.size()) return false;
  // CHF120, -5 and "~5" are numbers; Q1, a-5 and v2 are names.
  const std::string_view before = word.substr(0, first);
  const bool currency = before.size() == 3 && std::all_of(before.begin(), before.end(), [](char c) {
                          return c >= 'A' && c <= 'Z';
                        });
  const bool letters = std::any_of(before.begin(), before.end(), [](char c) {
    return std::isalpha(static_cast<unsigned char>(c));
  });
  if (letters && !currency) return true;
  // Behind the number a unit may follow, and no further digits.
  Spelled number;
  size_t end = first;
  bool named = false;
  for (const Decimals style : {Decimals::point, Decimals::comma}) {
    if (!next_spelled(word, first, style, number)) continue;
    end = std::max(end, number.end);
  }
  for (size_t i = end; i < word.size(); ++i) named = named || is_digit(word[i]);
  if (named) return true;
  // "5-year" is a number with a word; "img5.png" was caught above, "2.csv" has a point.
  return word.size() > end + 1 && (word[end] == '.' || word[end] == '_') &&
         std::isalpha(static_cast<unsigned char>(word[end + 1])) != 0;
}

}  // namespace agent
