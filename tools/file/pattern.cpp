// Both kinds are compiled by PCRE2, a glob after being rewritten as a regular expression with one
// group per wildcard. PCRE2 keeps its backtracking on the heap and counts it, so a hostile pattern
// ends at the limits below. Its compiler to machine code is not used: the sandbox forbids writable
// code.

#include "tools/file/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "tools/file/beneath.h"

namespace tools::file {

using base::Errc;
using base::Error;

namespace {

constexpr size_t kMaxPattern = 1000;
constexpr uint32_t kMatchLimit = 200'000;
constexpr uint32_t kHeapKib = 8192;

base::Error wrong(const std::string& who, const std::string& shown, const std::string& why) {
  return Error{Errc::usage, who + ": " + in_quotes(shown) + " is no pattern: " + why};
}

void append_literal(std::string& out, char c) {
  if (std::string_view("\\^$.[]|()?*+{}-#").find(c) != std::string_view::npos) out += '\\';
  out += c;
}

/// The set that begins at text[at] == '[', or "" if it does not end.
std::string set_expression(const std::string& text, size_t& at) {
  size_t i = at + 1;
  std::string out = "[";
  if (i < text.size() && (text[i] == '!' || text[i] == '^')) {
    out += "^/";
    ++i;
  }
  for (bool first = true; i < text.size(); ++i, first = false) {
    if (text[i] == ']' && !first) {
      at = i;
      return "(" + out + "])";
    }
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    if (text[i] == '\\' || text[i] == ']' || text[i] == '[' || text[i] == '^') out += '\\';
    out += text[i];
  }
  return {};
}

base::Result<std::string> expression_of(const std::string& who, const std::string& glob) {
  std::string out = "\\A";
  int braces = 0;
  bool name_begins = true;
  for (size_t i = 0; i < glob.size(); ++i) {
    const char c = glob[i];
    const bool wildcard = c == '*' || c == '?' || c == '[';
    if (wildcard && name_begins) out += "(?!\\.)";
    if (c == '*' && i + 1 < glob.size() && glob[i + 1] == '*') {
      ++i;
      // A hidden folder on the way is not entered either.
      if (name_begins && i + 1 < glob.size() && glob[i + 1] == '/') {
        out += "((?:[^/.][^/]*/)*)";
        ++i;
        continue;
      }
      out += "((?:[^/]|/(?!\\.))*)";
    } else if (c == '*') {
      out += "([^/]*)";
    } else if (c == '?') {
      out += "([^/])";
    } else if (c == '[') {
      const std::string set = set_expression(glob, i);
      if (set.empty()) return wrong(who, glob, "its [ has no ]");
      out += set;
    } else if (c == '{') {
      if (++braces > 8) return wrong(who, glob, "its braces are nested too deeply");
      out += '(';
      continue;  // a name may begin behind it
    } else if (c == '}' && braces > 0) {
      --braces;
      out += ')';
    } else if (c == ',' && braces > 0) {
      out += '|';
    } else if (c == '\\') {
      if (++i == glob.size()) return wrong(who, glob, "it ends with a backslash");
      append_literal(out, glob[i]);
    } else {
      append_literal(out, c);
    }
    name_begins = c == '/';
  }
  if (braces > 0) return wrong(who, glob, "its { has no }");
  return out + "\\z";
}

}  // namespace

struct Pattern::Code {
  pcre2_code* code = nullptr;
  pcre2_match_context* context = nullptr;
  ~Code() {
    pcre2_code_free(code);
    pcre2_match_context_free(context);
  }
};

base::Result<Pattern> Pattern::compile(const std::string& who, const std::string& shown,
                                       const std::string& expression, bool ignore_case) {
  if (shown.size() > kMaxPattern) return wrong(who, shown.substr(0, 60) + "…", "it is too long");
  int error = 0;
  PCRE2_SIZE place = 0;
  auto code = std::make_shared<Code>();
  const uint32_t options = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_DOTALL |
                           PCRE2_NEVER_BACKSLASH_C | (ignore_case ? PCRE2_CASELESS : 0);
  code->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
                             options, &error, &place, nullptr);
  if (!code->code) {
    PCRE2_UCHAR text[128] = {};
    pcre2_get_error_message(error, text, sizeof text);
    return wrong(who, shown,
                 std::string(reinterpret_cast<const char*>(text)) + " (at byte " +
                     std::to_string(place) + ")");
  }
  code->context = pcre2_match_context_create(nullptr);
  if (!code->context) return Error{Errc::internal, "no memory for a pattern"};
  pcre2_set_match_limit(code->context, kMatchLimit);
  pcre2_set_depth_limit(code->context, kMatchLimit);
  pcre2_set_heap_limit(code->context, kHeapKib);
  return Pattern(std::move(code));
}

base::Result<Pattern> Pattern::glob(const std::string& who, const std::string& text,
                                    bool ignore_case) {
  base::Result<std::string> expression = expression_of(who, text);
  if (!expression) return expression.error();
  return compile(who, text, *expression, ignore_case);
}

base::Result<Pattern> Pattern::regex(const std::string& who, const std::string& text,
                                     bool ignore_case) {
  return compile(who, text, text, ignore_case);
}

base::Result<Pattern::Match> Pattern::match(std::string_view text) const {
  const std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> data(
      pcre2_match_data_create_from_pattern(code_->code, nullptr), pcre2_match_data_free);
  if (!data) return Error{Errc::internal, "no memory for a match"};
  const int n = pcre2_match(code_->code, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0,
                            0, data.get(), code_->context);
  if (n == PCRE2_ERROR_NOMATCH) return Error{Errc::not_found, in_quotes(text) + " does not match"};
  if (n < 0) return Error{Errc::limit, "the pattern needs too much work for " + in_quotes(text)};
  const PCRE2_SIZE* place = pcre2_get_ovector_pointer(data.get());
  const uint32_t groups = pcre2_get_ovector_count(data.get());
  Match match{.begin = place[0], .end = place[1], .captures = {}};
  // \K can put the beginning behind the end.
  if (match.begin > match.end) match.begin = match.end;
  for (uint32_t i = 1; i < groups; ++i) {
    const bool set = static_cast<int>(i) < n && place[2 * i] != PCRE2_UNSET;
    match.captures.emplace_back(set ? text.substr(place[2 * i], place[2 * i + 1] - place[2 * i])
                                    : std::string_view());
  }
  return match;
}

bool Pattern::matches(std::string_view text) const { return match(text).has_value(); }

bool has_wildcards(std::string_view text) { return text.find_first_of("*?[{\\") != text.npos; }

}  // namespace tools::file
