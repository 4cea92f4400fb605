// std::regex within bounds. libstdc++'s default matcher goes as deep as the text is long and takes
// exponential time on some patterns; its breadth-first one (__polynomial) does neither, and refuses
// back references, which are what needs the other.
#include "tools/vega/regexp.h"

#include <memory>
#include <regex>
#include <unordered_map>

namespace tools::vega {

using base::Errc;
using base::Error;

static constexpr size_t kMaxPattern = 200, kMaxText = 10000, kMaxCached = 64;

// Counted repetitions multiply the states of the matcher.
static bool counts_too_much(const std::string& pattern) {
  double product = 1;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '{') continue;
    double number = 0, largest = 0;
    for (++i; i < pattern.size() && pattern[i] != '}'; ++i) {
      if (pattern[i] >= '0' && pattern[i] <= '9') {
        number = number * 10 + (pattern[i] - '0');
        largest = std::max(largest, number);
      } else {
        number = 0;
      }
    }
    product *= std::max(1.0, largest);
  }
  return product > 1000;
}

static base::Result<std::shared_ptr<const std::regex>> compiled(const std::string& pattern,
                                                                const std::string& flags) {
  // One expression is used for every row, so it is kept.
  thread_local std::unordered_map<std::string, std::shared_ptr<const std::regex>> cache;
  std::string key = flags + "/" + pattern;
  if (auto it = cache.find(key); it != cache.end()) return it->second;
  std::string shown = "regular expression /" + pattern.substr(0, 60) + "/";
  if (pattern.size() > kMaxPattern) return Error{Errc::limit, shown + " is longer than 200 bytes"};
  if (counts_too_much(pattern)) return Error{Errc::limit, shown + " repeats too often"};
  if (flags.find_first_not_of("gimsuy") != std::string::npos) {
    return Error{Errc::usage, shown + " has unknown flags \"" + flags.substr(0, 20) + "\""};
  }
  auto options = std::regex::ECMAScript | std::regex_constants::__polynomial;
  if (flags.find('i') != std::string::npos) options |= std::regex::icase;
  if (flags.find('m') != std::string::npos) options |= std::regex::multiline;
  try {
    auto regex = std::make_shared<const std::regex>(pattern, options);
    if (cache.size() >= kMaxCached) cache.clear();
    cache[key] = regex;
    return std::shared_ptr<const std::regex>(regex);
  } catch (const std::regex_error& e) {
    return Error{Errc::usage, shown + " cannot be used: " + e.what()};
  }
}

static bool too_long(const std::string& text) { return text.size() > kMaxText; }
static Error too_long_error() {
  return {Errc::limit, "regular expressions look at no more than 10000 bytes of text"};
}

base::Result<bool> regexp_test(const std::string& pattern, const std::string& flags,
                               const std::string& text) {
  auto regex = compiled(pattern, flags);
  if (!regex) return regex.error();
  if (too_long(text)) return too_long_error();
  try {
    return std::regex_search(text, **regex);
  } catch (const std::regex_error& e) {
    return Error{Errc::limit, "regular expression /" + pattern + "/: " + e.what()};
  }
}

base::Result<std::string> regexp_replace(const std::string& pattern, const std::string& flags,
                                         const std::string& text, const std::string& replacement) {
  auto regex = compiled(pattern, flags);
  if (!regex) return regex.error();
  if (too_long(text)) return too_long_error();
  if (replacement.size() > kMaxText) return too_long_error();
  auto options = std::regex_constants::format_default;
  if (flags.find('g') == std::string::npos) options |= std::regex_constants::format_first_only;
  try {
    return std::regex_replace(text, **regex, replacement, options);
  } catch (const std::regex_error& e) {
    return Error{Errc::limit, "regular expression /" + pattern + "/: " + e.what()};
  }
}

}  // namespace tools::vega
