#include "base/utf8.h"

#include <gtest/gtest.h>

namespace base {
namespace {

std::string spelled(uint32_t point) {
  std::string out;
  append_utf8(out, point);
  return out;
}

TEST(Utf8, LengthsAreThoseOfWellFormedSequences) {
  const struct {
    std::string_view text;
    size_t length;
  } cases[] = {
      {"", 0},
      {std::string_view("\0", 1), 1},
      {"ab", 1},
      {"üb", 2},
      {"€b", 3},
      {"😀b", 4},
      {"\x80", 0},  // goes on with nothing
      {"\xc3", 0},  // cut off
      {"\xc3(", 0},
      {"\xe2\x82", 0},
      {"\xf0\x9f\x98", 0},
      {"\xc0\x80", 0},  // longer than needed
      {"\xc1\xbf", 0},
      {"\xe0\x9f\xbf", 0},
      {"\xf0\x8f\xbf\xbf", 0},
      {"\xe0\xa0\x80", 3},
      {"\xf0\x90\x80\x80", 4},
      {"\xed\x9f\xbf", 3},
      {"\xed\xa0\x80", 0},  // a surrogate
      {"\xed\xbf\xbf", 0},
      {"\xee\x80\x80", 3},
      {"\xf4\x8f\xbf\xbf", 4},
      {"\xf4\x90\x80\x80", 0},  // past U+10FFFF
      {"\xf5\x80\x80\x80", 0},
      {"\xff", 0},
  };
  for (const auto& one : cases)
    EXPECT_EQ(utf8_length(one.text), one.length) << testing::PrintToString(one.text);
}

TEST(Utf8, CodePointsButSurrogatesAreCharacters) {
  for (uint32_t point = 0; point <= 0x10FFFF; point += point < 0x10000 ? 1 : 0xFF) {
    const std::string text = spelled(point);
    const bool surrogate = point >= 0xD800 && point < 0xE000;
    ASSERT_EQ(utf8_length(text), surrogate ? 0 : text.size()) << point;
    ASSERT_EQ(is_utf8(text), !surrogate) << point;
  }
}

TEST(Utf8, IsAllOfATextOrNot) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8(std::string_view("a\0b", 3)));
  EXPECT_TRUE(is_utf8("Zürich €😀"));
  EXPECT_FALSE(is_utf8("Z\xfcrich"));
  EXPECT_FALSE(is_utf8("Z\xc3\xbc\xc3"));
  EXPECT_FALSE(is_utf8("\xc0\x80"));
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));
}

TEST(Utf8, IsCutBetweenCharacters) {
  EXPECT_EQ(utf8_cut("aüb", 0), "");
  EXPECT_EQ(utf8_cut("aüb", 1), "a");
  EXPECT_EQ(utf8_cut("aüb", 2), "a");
  EXPECT_EQ(utf8_cut("aüb", 3), "aü");
  EXPECT_EQ(utf8_cut("aüb", 4), "aüb");
  EXPECT_EQ(utf8_cut("aüb", 9), "aüb");
  EXPECT_EQ(utf8_cut("", 3), "");
  for (size_t most = 0; most < 4; ++most) EXPECT_EQ(utf8_cut("😀", most), "");
  EXPECT_EQ(utf8_cut("😀", 4), "😀");
  // Of bytes that are no UTF-8, too, it stays within the text.
  EXPECT_EQ(utf8_cut("\x80\x80\x80", 2), "");
  EXPECT_EQ(utf8_cut("\xfc\xfc\xfc", 2), "\xfc\xfc");
}

TEST(Utf8, AnUnfinishedEndIsOneThatMoreBytesCouldFinish) {
  const std::string_view text = "a😀";
  for (size_t n = 0; n <= text.size(); ++n)
    EXPECT_EQ(utf8_unfinished(text.substr(0, n)), n < 2 || n == text.size() ? 0 : n - 1) << n;
  EXPECT_EQ(utf8_unfinished("\xe2\x82"), 2u);
  EXPECT_EQ(utf8_unfinished("\xed\xa0"), 0u);
  EXPECT_EQ(utf8_unfinished("\xc0"), 0u);
  EXPECT_EQ(utf8_unfinished("\x80\x80"), 0u);
}

TEST(Utf8, ByteAfterByteIsRepaired) {
  EXPECT_EQ(utf8_repaired(""), "");
  EXPECT_EQ(utf8_repaired("Zürich €😀"), "Zürich €😀");
  EXPECT_EQ(utf8_repaired("Z\xfcrich"), "Z\uFFFDrich");
  EXPECT_EQ(utf8_repaired("\xe2\x82"), "\uFFFD\uFFFD");
  EXPECT_EQ(utf8_repaired("\xe2\x82\xc3\xbc"), "\uFFFD\uFFFDü");
}

}  // namespace
}  // namespace base
