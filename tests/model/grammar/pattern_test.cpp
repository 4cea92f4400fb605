#include "model/grammar/pattern.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "tests/model/grammar/byte_vocabulary.h"

namespace model {
namespace {

std::string error_of(std::string_view pattern) {
  const base::Result<Pattern> parsed = Pattern::parse(pattern);
  if (!parsed) return parsed.error().message;
  const base::Result<std::string> regex = parsed->regex(Spelling::json);
  return regex ? "" : regex.error().message;
}

struct Case {
  const char* pattern;
  std::vector<std::string> found, not_found;
};

TEST(Pattern, IsFoundInTheSameTextsByTheEngineInBothSpellingsAndByItsOwnSearch) {
  const std::vector<Case> cases = {
      {"a", {"a", "bab", "a\n"}, {"", "b"}},
      {"^a", {"a", "ab"}, {"ba", ""}},
      {"a$", {"a", "ba"}, {"ab", ""}},
      {"^$", {""}, {"a"}},
      {"^a|b$", {"ax", "xb", "a"}, {"xa", "bx"}},
      {"(^|,)x(,|$)", {"x", "a,x", "x,b", "a,x,b"}, {"ax", "xb", "a,xb"}},
      {"^[^\"\\\\]*$", {"abc", "", "é"}, {"a\"", "\\"}},
      {"^\"\\\\\\n\\t/$", {"\"\\\n\t/"}, {"\"\\n"}},
      {"^\\d{2,3}\\.\\w+$", {"12.a_", "123.Z9"}, {"1.a", "1234.a", "12.é", "12."}},
      {"^\\s$", {" ", "\n", "\u00a0", "\u2003", "\ufeff"}, {"a", ""}},
      {"^.$", {"a", "🎉", "\t"}, {"\n", "\u2028", "", "ab"}},
      {"^[\\x00-\\x1f]$", {"\x01", "\n", "\x1f"}, {" ", "a"}},
      {"^(?:ab|c+?){2}$", {"abab", "cab", "cc"}, {"ab", "c"}},
      {"^\\u{1F600}[\\uD83D\\uDE01-\\u{1F603}]$", {"😀😁", "😀😃"}, {"😀😀"}},
      {"[a-c-]{2}", {"a-", "xcb"}, {"ax-"}},
      {"^(?<year>[0-9]{4})-\\cJ$", {"2024-\n"}, {"2024-"}},
      {"", {"", "anything"}, {}},
      {"^[^]$", {"a", "\n"}, {"", "ab"}},
  };
  for (const Case& c : cases) {
    const base::Result<Pattern> pattern = Pattern::parse(c.pattern);
    ASSERT_TRUE(pattern) << c.pattern << ": " << pattern.error().message;
    for (const Spelling spelling : {Spelling::plain, Spelling::json}) {
      const base::Result<std::string> regex = pattern->regex(spelling);
      ASSERT_TRUE(regex) << c.pattern << ": " << regex.error().message;
      base::Result<Constraint> constraint = Constraint::compile(
          byte_vocabulary(), "start: T <[3]>\nT: \"<\" /" + *regex + "/ \">\"\n");
      ASSERT_TRUE(constraint) << c.pattern << ": " << constraint.error().message;
      for (const bool wanted : {true, false}) {
        for (const std::string& text : wanted ? c.found : c.not_found) {
          const std::string quoted = nlohmann::json(text).dump();
          std::vector<int32_t> tokens = bytes_of(
              "<" + (spelling == Spelling::json ? quoted.substr(1, quoted.size() - 2) : text) +
              ">");
          tokens.push_back(3);
          EXPECT_EQ(constraint->count_accepted(tokens) == static_cast<int>(tokens.size()), wanted)
              << c.pattern << " in " << quoted << "\n"
              << *regex;
          EXPECT_EQ(*pattern->found_in(text), wanted) << c.pattern << " in " << quoted;
        }
      }
    }
  }
}

TEST(Pattern, RefusesWhatIsNotRegularOrNotAPattern) {
  EXPECT_NE(error_of("(a)\\1").find("back reference"), std::string::npos);
  EXPECT_NE(error_of("a(?!b)").find("look-around"), std::string::npos);
  EXPECT_NE(error_of("\\bword").find("\\b"), std::string::npos);
  EXPECT_NE(error_of("a^b").find("anchor"), std::string::npos);
  EXPECT_NE(error_of("(a").find("("), std::string::npos);
  EXPECT_NE(error_of("[a").find("["), std::string::npos);
  EXPECT_NE(error_of("a{2,1}"), "");
  EXPECT_NE(error_of("a**"), "");
  EXPECT_NE(error_of("\\a"), "");
  EXPECT_NE(error_of("\\uD83D"), "");
  EXPECT_NE(error_of("(a{1000}){1000}").find("repetitions"), std::string::npos);
  EXPECT_NE(error_of(std::string(50, '(') + std::string(50, ')')).find("nested"),
            std::string::npos);
  EXPECT_NE(error_of(std::string(5000, 'a')).find("longer"), std::string::npos);
}

TEST(Pattern, SearchingGivesUpOnWhatWouldTakeForEver) {
  std::string nested = "a";
  for (int i = 0; i < 30; ++i) nested = "(" + nested + ")*";
  const base::Result<Pattern> pattern = Pattern::parse("^" + nested + "$");
  ASSERT_TRUE(pattern);
  const base::Result<bool> found = pattern->found_in(std::string(40, 'a') + "b");
  EXPECT_TRUE(!found || !*found);
}

}  // namespace
}  // namespace model
