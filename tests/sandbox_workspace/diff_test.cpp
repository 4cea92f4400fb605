#include "sandbox/workspace/diff.h"

#include <gtest/gtest.h>

namespace sandbox {
namespace {

std::string lines(int first, int last, int changed = -1) {
  std::string text;
  for (int i = first; i <= last; ++i)
    text += "line " + std::to_string(i) + (i == changed ? "!" : "") + "\n";
  return text;
}

TEST(Diff, ShowsOneChangeWithThreeLinesAround) {
  EXPECT_EQ(unified_diff(lines(1, 9), lines(1, 9, 5), "a/x", "b/x"),
            "--- a/x\n+++ b/x\n@@ -2,7 +2,7 @@\n line 2\n line 3\n line 4\n-line 5\n+line 5!\n"
            " line 6\n line 7\n line 8\n");
  EXPECT_EQ(unified_diff("same\n", "same\n", "a", "b"), "");
}

TEST(Diff, ShowsNewAndRemovedFilesAndAMissingNewline) {
  EXPECT_EQ(unified_diff("", "1\n2\n", "/dev/null", "b"),
            "--- /dev/null\n+++ b\n@@ -0,0 +1,2 @@\n+1\n+2\n");
  EXPECT_EQ(unified_diff("1\n", "", "a", "/dev/null"), "--- a\n+++ /dev/null\n@@ -1 +0,0 @@\n-1\n");
  EXPECT_EQ(unified_diff("1", "1\n", "a", "b"),
            "--- a\n+++ b\n@@ -1 +1 @@\n-1\n\\ No newline at end of file\n+1\n");
}

TEST(Diff, JoinsHunksThatTouchAndPartsThoseThatDoNot) {
  std::string near = lines(1, 30), far = near;
  near.replace(near.find("line 10\n"), 8, "ten\n");
  near.replace(near.find("line 16\n"), 8, "sixteen\n");
  far.replace(far.find("line 5\n"), 7, "five\n");
  far.replace(far.find("line 25\n"), 8, "");
  auto hunks = [](const std::string& text) {
    int n = 0;
    for (size_t at = 0; (at = text.find("\n@@ ", at)) != text.npos; ++at) ++n;
    return n;
  };
  EXPECT_EQ(hunks(unified_diff(lines(1, 30), near, "a", "b")), 1);
  const std::string two = unified_diff(lines(1, 30), far, "a", "b");
  EXPECT_EQ(hunks(two), 2);
  EXPECT_NE(two.find("@@ -2,7 +2,7 @@"), two.npos) << two;
  EXPECT_NE(two.find("@@ -22,7 +22,6 @@"), two.npos) << two;
}

TEST(Diff, SaysSoWhenItDoesNotCompare) {
  using namespace std::string_literals;
  EXPECT_TRUE(is_binary("a\0b"s));
  EXPECT_TRUE(is_binary("\xff\xfe"));
  EXPECT_FALSE(is_binary("Größe\n"));
  EXPECT_EQ(unified_diff("a\0b"s, "text", "a", "b"),
            "--- a\n+++ b\nbinary: 3 bytes before, 4 now\n");
  EXPECT_EQ(unified_diff("12345", "1", "a", "b", {.input_bytes = 4}),
            "--- a\n+++ b\ntoo large to compare: 5 bytes before, 1 now\n");
  EXPECT_EQ(unified_diff(lines(1, 9), lines(11, 19), "a", "b", {.input_lines = 8}),
            "--- a\n+++ b\ntoo many lines to compare: 9 before, 9 now\n");
}

TEST(Diff, CutsALongOneAtALine) {
  const DiffBounds bounds{.output_bytes = 300};
  const std::string text = unified_diff("", lines(1, 5000), "a", "b", bounds);
  EXPECT_LT(text.size(), 350u);
  EXPECT_TRUE(text.ends_with("\n… the rest is not shown\n")) << text;
}

TEST(Diff, CannotSteerATerminal) {
  const std::string text = unified_diff("", "\x1b[2Jhidden\tx\r\n", "a", "b");
  EXPECT_EQ(text.find('\x1b'), text.npos);
  EXPECT_NE(text.find("+?[2Jhidden\tx?\n"), text.npos) << text;
}

TEST(Diff, FindsAShortWayThroughTwoTextsOfTenThousandLines) {
  std::string before = lines(1, 9'990), after = "first\n" + before;
  after.replace(after.find("line 5000\n"), 10, "");
  after += "last\n";
  const std::string text = unified_diff(before, after, "a", "b");
  EXPECT_NE(text.find("+first\n"), text.npos);
  EXPECT_NE(text.find("-line 5000\n"), text.npos);
  EXPECT_NE(text.find("+last\n"), text.npos);
  EXPECT_LT(text.size(), 500u);
  // And one with nothing in common.
  EXPECT_FALSE(unified_diff(lines(1, 10'000), lines(20'001, 30'000), "a", "b").empty());
}

}  // namespace
}  // namespace sandbox
