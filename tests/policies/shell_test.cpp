#include "policies/shell.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace policies {
namespace {

/// The commands of `text`, sorted, one a line; unknown words in <>; what could not be read last.
std::string split(const std::string& text) {
  const ShellText shell = split_shell(text);
  std::vector<std::string> lines;
  for (const ShellCommand& command : shell.commands) {
    std::string line;
    for (const ShellWord& word : command) {
      if (!line.empty()) line += ' ';
      line += word.known ? word.text : "<" + word.text + (word.single ? ">" : "…>");
    }
    lines.push_back(line);
  }
  std::sort(lines.begin(), lines.end());
  std::string all;
  for (const std::string& line : lines) all += (all.empty() ? "" : "\n") + line;
  if (!shell.unread.empty()) all += "!" + shell.unread;
  return all;
}

TEST(Shell, SplitsAtEverySeparator) {
  EXPECT_EQ(split("a; b && c || d | e & f\ng |& h"), "a\nb\nc\nd\ne\nf\ng\nh");
  EXPECT_EQ(split("a;b&&c||d|e&f"), "a\nb\nc\nd\ne\nf");
  EXPECT_EQ(split(""), "");
  EXPECT_EQ(split(" \t\n"), "");
  EXPECT_EQ(split("a # b; c\nd"), "a\nd");
  EXPECT_EQ(split("a b#c"), "a b#c");
  EXPECT_EQ(split("a \\\n b"), "a b");
  EXPECT_EQ(split("a\\\nb"), "ab");
}

TEST(Shell, TakesQuotesAway) {
  EXPECT_EQ(split("r'm' \"-rf\" a\\ b"), "rm -rf a b");
  EXPECT_EQ(split("\"a;b\" 'c&&d' e\\;f"), "a;b c&&d e;f");
  EXPECT_EQ(split("''a \"\""), "a ");
  EXPECT_EQ(split(R"(a "b\"c\$d\e")"), R"(a b"c$d\e)");
  EXPECT_EQ(split("a '$(b)' \"\\$(c)\""), "a $(b) $(c)");
}

TEST(Shell, ReadsCommandsInsideSubstitutionsAndSubshells) {
  EXPECT_EQ(split("a $(b; c)"), "a <…>\nb\nc");
  EXPECT_EQ(split("a \"x$(b)y\""), "a <xy>\nb");
  EXPECT_EQ(split("a `b \\`c\\``"), "a <…>\nb <…>\nc");
  EXPECT_EQ(split("(a; b) && (c)"), "a\nb\nc");
  EXPECT_EQ(split("a <(b) >(c)"), "a <> <>\nb\nc");
  EXPECT_EQ(split("X=$(a) b"), "a\nb");
  EXPECT_EQ(split("X=$(a)"), "a");
  EXPECT_EQ(split("a <$(b)"), "a\nb");
  EXPECT_EQ(split("a $(b $(c \"$(d)\"))"), "a <…>\nb <…>\nc <>\nd");
}

TEST(Shell, KnowsWhatItCannotKnow) {
  EXPECT_EQ(split("$A x"), "<…> x");
  EXPECT_EQ(split("a \"$B\" \"$@\" ${C} \"${D[@]}\""), "a <> <…> <…> <…>");
  EXPECT_EQ(split("a *.c b? [x] ~/d"), "a <*.c…> <b?…> <[x]…> <~/d>");
  EXPECT_EQ(split("a {b,c} {1..3} {} {x}"), "a <{b,c}…> <{1..3}…> {} {x}");
  EXPECT_EQ(split("r$'\\x6d' x"), "<r> x");
  EXPECT_EQ(split("a $((1 + 2)) $"), "a <…> $");
  EXPECT_EQ(split("[ -f x ]"), "[ -f x ]");
}

TEST(Shell, SkipsReservedWordsAndAssignments) {
  EXPECT_EQ(split("if a; then b; elif c; then d; else e; fi"), "a\nb\nc\nd\ne");
  EXPECT_EQ(split("while a; do b; done; until c\ndo d\ndone"), "a\nb\nc\nd");
  EXPECT_EQ(split("for x in 1 $(a) *; do b $x; done"), "a\nb <…>");
  EXPECT_EQ(split("{ a; b; }; ! c"), "a\nb\nc");
  EXPECT_EQ(split("A=1 B+=2 c d=3"), "c d=3");
  EXPECT_EQ(split("'if' a; \\then b"), "if a\nthen b");
  EXPECT_EQ(split("'A'=1 b"), "A=1 b");
}

TEST(Shell, GivesRedirectionsThatWrite) {
  EXPECT_EQ(split("a > b"), "> b\na");
  EXPECT_EQ(split("a 2>b c"), "> b\na c");
  EXPECT_EQ(split("a >>b <c"), ">> b\na");
  EXPECT_EQ(split(">b a"), "> b\na");
  EXPECT_EQ(split("a >|b; c <>d; e >&f; g &>h; i &>>j"), "> b\n> d\n> f\n> h\n>> j\na\nc\ne\ng\ni");
  EXPECT_EQ(split("a 2>&1 >&- > /dev/null 2>/dev/stderr <<< x"), "a");
  EXPECT_EQ(split("a > $X"), "> <…>\na");
}

TEST(Shell, StopsAtWhatHasAGrammarOfItsOwn) {
  EXPECT_EQ(split("a; case $x in b) rm;; esac"), "a!case");
  EXPECT_EQ(split("cat <<E\nrm\nE"), "!a here document");
  EXPECT_EQ(split("f() { rm x; }"), "!a function, an array or a pattern in ( )");
  EXPECT_EQ(split("f () { rm x; }"), "!a function, an array or a pattern in ( )");
  EXPECT_EQ(split("a=(rm x)"), "!a function, an array or a pattern in ( )");
  EXPECT_EQ(split("((x = 1))"), "!((");
  EXPECT_EQ(split("[[ -f x && -f y ]]"), "![[");
  EXPECT_EQ(split("for x do rm; done"), "!for without in");
  EXPECT_EQ(split("a 'b"), "!an open quote");
  EXPECT_EQ(split("a \"b"), "!an open quote");
  EXPECT_EQ(split("a $(b"), "!an open parenthesis");
  EXPECT_EQ(split("a )"), "!a closing parenthesis");
  EXPECT_EQ(split("a $((b); c)"), "!arithmetic");
  EXPECT_EQ(split("a $((1 + $(b)))"), "!arithmetic");
  EXPECT_EQ(split("a ${x:-$(b)}"), "!${ }");
  EXPECT_EQ(split("a ${x@P}"), "!${ }");
  EXPECT_EQ(split("{fd}>x rm y"), "!a named descriptor");
  // A plain sh runs `rm b` here.
  EXPECT_EQ(split("a &>x rm b"), "> x!words after &>");
  EXPECT_EQ(split(std::string("a\0b", 3)), "!a zero byte");
}

TEST(Shell, IsBoundedInSizeDepthAndCommands) {
  EXPECT_EQ(split(std::string(65'537, 'a')), "!more than 64 KiB");
  std::string deep, many;
  for (int i = 0; i < 20; ++i) deep = "a $(" + deep + ")";
  for (int i = 0; i < 1001; ++i) many += "a;";
  EXPECT_EQ(split_shell(deep).unread, "more than 16 levels");
  EXPECT_EQ(split_shell(many).unread, "more than 1000 commands");
  EXPECT_EQ(split_shell(many).commands.size(), 1000u);
  // Backticks in backticks double their backslashes and cannot go deep in 64 KiB; parentheses can.
  EXPECT_EQ(split_shell(std::string(60'000, '(')).unread, "((");
  std::string spaced;
  for (int i = 0; i < 30'000; ++i) spaced += "( ";
  EXPECT_EQ(split_shell(spaced).unread, "more than 16 levels");
}

}  // namespace
}  // namespace policies
