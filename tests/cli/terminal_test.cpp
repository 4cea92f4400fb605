#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "cli/terminal/bars.h"
#include "cli/terminal/chat_command.h"
#include "cli/terminal/complete.h"
#include "cli/terminal/diff.h"
#include "cli/terminal/markdown.h"
#include "cli/terminal/picture.h"
#include "cli/terminal/status_line.h"
#include "cli/terminal/text.h"

namespace cli {
namespace {

Look plain(int columns) { return {.rich = true, .columns = columns}; }
Look coloured(int columns) { return {.rich = true, .colour = true, .columns = columns}; }

TEST(Text, WidthIsInColumns) {
  const struct {
    const char* text;
    int columns;
  } cases[] = {{"", 0},
               {"abc", 3},
               {"größe", 5},
               {"e\xcc\x81", 1},
               {"日本", 4},
               {"한국어", 6},
               {"😀", 2},
               {"…", 1},
               {"│─", 2},
               {"\xff", 1},
               {"a\xe2\x80\x8d"
                "b",
                2},
               {"ｆｕｌｌ", 8},
               {"ｱ", 1}};
  for (const auto& one : cases) EXPECT_EQ(width(one.text), one.columns) << one.text;
}

TEST(Text, NothingAnyTerminalObeysIsLeft) {
  const struct {
    std::string text, shown;
  } cases[] = {{"a\nb\tc", "a\nb\tc"},
               {"\x1b[31mred\x1b[0m", "red"},
               {"\x1b[2J\x1b[10;1Htop", "top"},
               {"\x1b]0;title\x07"
                "b",
                "?]0;title?b"},
               {"\x1b]52;c;cm0=\x1b\\", "?]52;c;cm0=?\\"},
               {"\x1bPq#0\x1b\\", "?Pq#0?\\"},
               {"\x1b[12", "?[12"},
               {"a\rb\x08\x7f", "a?b??"},
               {"\xc2\x9b"
                "31m",
                "?31m"},
               {"\x9b"
                "31m",
                "\xef\xbf\xbd"
                "31m"},
               {"\xe2\x80\xae"
                "gnp.exe",
                "\xef\xbf\xbd"
                "gnp.exe"},
               {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
               {std::string("a\0b", 3), "a?b"},
               {"größe 日本", "größe 日本"}};
  for (const auto& one : cases) EXPECT_EQ(shown(one.text), one.shown);
}

TEST(Text, IsCutByColumns) {
  EXPECT_EQ(cut("abc", 3), "abc");
  EXPECT_EQ(cut("abcd", 3), "ab…");
  EXPECT_EQ(cut("日本語", 5), "日本…");
  EXPECT_EQ(cut("日本語", 4), "日…");
  EXPECT_EQ(cut("ab", 0), "");
}

TEST(Markdown, IsLaidOut) {
  const struct {
    const char* name;
    int columns;
    std::string text, out;
  } cases[] = {
      {"paragraphs are wrapped", 12, "one two three four\nfive\n\nsix",
       "one two\nthree four\nfive\n\nsix\n"},
      {"long words are broken", 10, "abcdefghijklm", "abcdefghij\nklm\n"},
      {"wide text is broken anywhere", 10, "日本語日本語", "日本語日本\n語\n"},
      {"lists", 20, "- one\n- two\n  - deep\n\n1. a\n2. b",
       "• one\n• two\n  • deep\n\n1. a\n2. b\n"},
      {"items hang", 10, "- one two three", "• one two\n  three\n"},
      {"tasks", 20, "- [x] done\n- [ ] open", "☑ done\n☐ open\n"},
      {"an empty item", 20, "- \n- b", "•\n• b\n"},
      {"headings", 20, "# Top\ntext", "Top\n\ntext\n"},
      {"code keeps its form", 20, "```lua\nif x then\n\ty()\nend\n```",
       "  if x then\n      y()\n  end\n"},
      {"quotes", 20, "> a\n>\n> b", "│ a\n│\n│ b\n"},
      {"links", 40, "[here](http://a.b) <http://c.d>", "here (http://a.b) http://c.d\n"},
      {"pictures", 40, "![sales](a.png)", "[picture: sales]\n"},
      {"html is text", 40, "<b>x</b>\n\n<script>y</script>", "<b>x</b>\n\n<script>y</script>\n"},
      {"numbers to the right", 40,
       "| shop | amount |\n|---|---|\n| Bern | 1,320.50 |\n| Chur | 80 |",
       "shop    amount\n────  ────────\nBern  1,320.50\nChur        80\n"},
      {"aligned as it says", 40, "| a | b |\n|:-:|--:|\n| xxx | yy |\n| x | y |",
       " a    b\n───  ──\nxxx  yy\n x    y\n"},
      {"wide cells", 40, "| 城市 | n |\n|---|---|\n| 日本 | 1 |\n| a | 22 |",
       "城市   n\n────  ──\n日本   1\na     22\n"},
      {"cells are wrapped", 20, "| name | what it does |\n|---|---|\n| x | one two three four |",
       "name  what it does\n────  ──────────────\nx     one two three\n      four\n"},
      {"too many columns", 12, "| aa | bb | cc | dd |\n|---|---|---|---|\n| 1 | 2 | 3 | 4444444 |",
       "aa: 1\nbb: 2\ncc: 3\ndd: 4444444\n"},
      {"entities obey nothing", 40, "a &amp; &#x41; &#27;[31m &#155;31m", "a & A ?[31m ?31m\n"},
      {"control characters", 40, "a\x1b]0;x\x07 `\x1b[5m`", "a?]0;x? ``\n"},
      {"nothing", 40, "", ""},
  };
  for (const auto& one : cases)
    EXPECT_EQ(markdown(one.text, plain(one.columns)), one.out) << one.name;
}

TEST(Markdown, StylesEndWithTheirLine) {
  EXPECT_EQ(markdown("a **b** *c*", coloured(40)), "a \x1b[1mb\x1b[0m \x1b[3mc\x1b[0m\n");
  EXPECT_EQ(markdown("**one two**", coloured(10)), "\x1b[1mone two\x1b[0m\n");
  EXPECT_EQ(markdown("**three fours**", coloured(10)),
            "\x1b[1mthree\x1b[0m\n\x1b[1mfours\x1b[0m\n");
}

TEST(Markdown, ComesBlockByBlockAsItWouldWhole) {
  const std::string text =
      "# Title\n\nSome text\nover lines.\n\n```\ncode\n\nmore code\n```\n\n- one\n- two\n\n"
      "| a | b |\n|---|---|\n| x | 1 |\n\n> quote\n\nThe end.";
  const std::string whole = markdown(text, plain(40));
  for (const size_t step : {size_t{1}, size_t{3}, size_t{7}, text.size()}) {
    MarkdownStream stream(plain(40));
    std::string out;
    size_t n_early = 0;
    for (size_t i = 0; i < text.size(); i += step) {
      out += stream.add(text.substr(i, step));
      if (i + step < text.size() / 2) n_early = out.size();
    }
    EXPECT_TRUE(n_early > 0 || step == text.size()) << "nothing is shown before the end";
    EXPECT_EQ(out + stream.end(), whole) << "in pieces of " << step;
  }
}

/// Whatever a text is made of, what is shown has no control character but line breaks.
TEST(Markdown, IsHarmlessWhateverItIsGiven) {
  const char* parts[] = {"\x1b[2J",
                         "\x1b]8;;http://x\x07",
                         "| a |\n|---|\n| ",
                         "\xc2\x9b",
                         "&#7;",
                         "&#x9b;",
                         "```\n",
                         "> ",
                         "- ",
                         "1. ",
                         "[x](\x1b",
                         ")",
                         "\n\n",
                         "\r",
                         "\t",
                         "\xff",
                         "**",
                         "`",
                         "![",
                         "<!--",
                         "\xe2\x80\xae",
                         "日"};
  unsigned seed = 7;
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (int k = 0; k < 12; ++k) {
      seed = seed * 1103515245 + 12345;
      text += parts[(seed >> 16) % std::size(parts)];
    }
    const std::string out = markdown(text, plain(20));
    for (size_t at = 0; at < out.size(); ++at) {
      const auto c = static_cast<unsigned char>(out[at]);
      ASSERT_TRUE(c >= 0x20 || c == '\n') << "byte " << int{c} << " of " << text;
      ASSERT_FALSE(c == 0x7f || (c == 0xc2 && static_cast<unsigned char>(out[at + 1]) < 0xa0));
    }
  }
}

TEST(Picture, TheTerminalIsKnownByWhatItSays) {
  using Variables = std::map<std::string, std::string>;
  const std::string sixel = "\x1b[?62;4;22c", none = "\x1b[?62;22c";
  const struct {
    const char* name;
    Look look;
    Variables variables;
    std::string attributes;
    Graphics graphics;
  } cases[] = {
      {"kitty", coloured(80), {{"TERM", "xterm-kitty"}}, none, Graphics::kitty},
      {"kitty by its window", coloured(80), {{"KITTY_WINDOW_ID", "1"}}, none, Graphics::kitty},
      {"iTerm2", coloured(80), {{"TERM_PROGRAM", "iTerm.app"}}, none, Graphics::iterm},
      {"a multiplexer in kitty",
       coloured(80),
       {{"KITTY_WINDOW_ID", "1"}, {"TMUX", "x"}},
       none,
       Graphics::blocks},
      {"sixel by its answer", coloured(80), {{"TERM", "xterm"}}, sixel, Graphics::sixel},
      {"class 4 is no sixel", coloured(80), {}, "\x1b[?4;22c", Graphics::blocks},
      {"half an answer", coloured(80), {}, "\x1b[?62;4", Graphics::blocks},
      {"no answer", coloured(80), {}, "", Graphics::blocks},
      {"no colours", plain(80), {}, "", Graphics::none},
      {"no terminal", Look(), {{"KITTY_WINDOW_ID", "1"}}, sixel, Graphics::none},
  };
  for (const auto& one : cases) {
    const auto variable = [&](const char* name) {
      const auto found = one.variables.find(name);
      return found == one.variables.end() ? "" : found->second;
    };
    EXPECT_EQ(graphics_of(one.look, variable, [&] { return one.attributes; }), one.graphics)
        << one.name;
  }
}

TEST(Picture, IsSpelledAsEachProtocolSays) {
  media::Pixels picture = media::Pixels::filled(2, 3, 255, 0, 0);
  for (int c = 0; c < 3; ++c) picture.rgb[c] = c == 2 ? 255 : 0;  // the first pixel is blue
  EXPECT_EQ(half_blocks(picture, true),
            "\x1b[38;2;0;0;255;48;2;255;0;0m▀\x1b[38;2;255;0;0;48;2;255;0;0m▀\x1b[0m\n"
            "\x1b[38;2;255;0;0m▀▀\x1b[0m\n");
  EXPECT_EQ(half_blocks(picture, false),
            "\x1b[38;5;21;48;5;196m▀\x1b[38;5;196;48;5;196m▀\x1b[0m\n\x1b[38;5;196m▀▀\x1b[0m\n");
  // Red has bits 2 and 4 in the first column, all of three in the second.
  EXPECT_EQ(sixels(picture), "\x1bP0;1q\"1;1;2;3#0;2;100;0;0#1;2;0;0;100#0EF$#1@?$-\x1b\\\n");
  const media::Pixels large = media::Pixels::filled(3000, 2000, 1, 2, 3);
  for (const Graphics graphics : {Graphics::kitty, Graphics::iterm}) {
    const base::Result<std::string> text = picture_text(large, graphics, coloured(80));
    ASSERT_TRUE(text);
    const bool kitty = graphics == Graphics::kitty;
    EXPECT_TRUE(text->starts_with(kitty ? "\x1b_Ga=T,f=100,q=2,c=" : "\x1b]1337;File=inline=1;"));
    EXPECT_TRUE(text->ends_with(kitty ? "\x1b\\\n" : "\a\n"));
    for (size_t at = 0; kitty && (at = text->find("\x1b_G", at)) != text->npos; ++at)
      EXPECT_LE(text->find("\x1b\\", at) - text->find(';', at) - 1, 4096u);
  }
  // 79 columns and 20 rows hold it, with two pixels in each.
  const base::Result<std::string> blocks = picture_text(large, Graphics::blocks, coloured(80));
  ASSERT_TRUE(blocks);
  EXPECT_EQ(std::count(blocks->begin(), blocks->end(), '\n'), 20);
  EXPECT_EQ(*picture_text(large, Graphics::none, coloured(80)), "");
}

TEST(Picture, ManyColoursBecomeAFewInSixels) {
  media::Pixels picture = media::Pixels::filled(64, 64, 0, 0, 0);
  unsigned seed = 1;
  for (uint8_t& channel : picture.rgb) {
    seed = seed * 1103515245 + 12345;
    channel = static_cast<uint8_t>(seed >> 16);
  }
  const std::string text = sixels(picture);
  EXPECT_NE(text.find("#254;2;"), text.npos);
  EXPECT_EQ(text.find("#255;2;"), text.npos);
}

TEST(Bars, AreDrawnOfBarChartsAlone) {
  const auto chart = [](const char* mark, const char* rows) {
    return nlohmann::json::parse(
        std::string(R"({"title":"Sales","mark":")") + mark +
        R"(","encoding":{"x":{"field":"shop","type":"nominal"},"y":{"field":"n","type":"quantitative"}},"data":{"values":)" +
        rows + "}}");
  };
  const char* rows =
      R"([{"shop":"Bern","n":16},{"shop":"日本","n":-4.5},{"shop":"\u001b[2Jx","n":0}])";
  EXPECT_EQ(bars_text(chart("bar", rows), plain(28)),
            "Sales\nBern ████████████████ 16\n日本 ████▌ -4.5\nx    0\n");
  EXPECT_EQ(bars_text(chart("line", rows), plain(28)), "");
  for (const char* bad :
       {"[]", "3", "[3]", R"([{"shop":"a"}])", R"([{"shop":"a","n":"1"}])", R"([{"n":1}])", "null"})
    EXPECT_EQ(bars_text(chart("bar", bad), plain(28)), "") << bad;
  for (const char* bad :
       {"null", "[]", "{}", R"({"mark":"bar","encoding":[],"data":{"values":[{}]}})"})
    EXPECT_EQ(bars_text(nlohmann::json::parse(bad), plain(28)), "") << bad;
}

TEST(Chat, LinesAreCommandsOrRequests) {
  const struct {
    const char *line, *name, *argument;
  } cases[] = {{"/help", "help", ""},
               {"  /data  my file.csv ", "data", "my file.csv"},
               {"/", "", ""},
               {"/undo\t0003", "undo", "0003"},
               {"sum of a", nullptr, ""},
               {"/home/me/a.csv by shop", nullptr, ""},
               {"/a.csv", nullptr, ""},
               {"", nullptr, ""}};
  for (const auto& one : cases) {
    const std::optional<CommandLine> command = command_of(one.line);
    ASSERT_EQ(command.has_value(), one.name != nullptr) << one.line;
    if (!command) continue;
    EXPECT_EQ(command->name, one.name);
    EXPECT_EQ(command->argument, one.argument);
  }
}

TEST(Chat, TheNearestCommandIsNamed) {
  const struct {
    std::string name, nearest;
  } cases[] = {{"modle", "model"},
               {"chnages", "changes"},
               {"sess", "sessions"},
               {"udno", "undo"},
               {"q", "quit"},
               {"exit", "quit"},
               {"xyz", ""},
               {"", ""},
               {std::string(1000, 'a'), ""}};
  for (const auto& one : cases) EXPECT_EQ(nearest_command(one.name), one.nearest) << one.name;
  for (const ChatCommand& one : chat_commands())
    EXPECT_NE(help_text().find("/" + std::string(one.name)), std::string::npos);
}

TEST(Completion, IsOfCommandsAndOfFilesInTheWorkspace) {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / ("complete." + std::to_string(getpid()));
  fs::create_directories(folder / "sales 2024/more");
  for (const char* name : {"sales.csv", "städte.csv", "stühle.csv", ".hidden", "a\x1b[2Jb.csv",
                           "sales 2024/may.csv", "sales 2024/june.csv"})
    std::ofstream(folder / name) << "x\n";
  const struct {
    const char *line, *common;
    size_t begin, n;
  } cases[] = {{"/mo", "model ", 1, 1},
               {"/s", "s", 1, 2},
               {"/", "", 1, 9},
               {"/nothing", "", 1, 0},
               {"/data ", "s", 6, 4},
               {"/data sales 2024/m", "sales 2024/m", 6, 2},
               {"/data sales 2024/may", "sales 2024/may.csv ", 6, 1},
               {"/model sal", "", 0, 0},
               {"draw sal", "sales", 5, 2},
               {"draw \"sales.", "sales.csv ", 6, 1},
               {"draw st", "st", 5, 2},  // not half of an umlaut
               {"draw .h", ".hidden ", 5, 1},
               {"draw a", "", 5, 0},  // would not be shown as it is
               {"draw ../", "", 5, 0},
               {"draw /etc/", "", 5, 0}};
  for (const auto& one : cases) {
    const Completion found = complete(one.line, folder);
    EXPECT_EQ(found.candidates.size(), one.n) << one.line;
    EXPECT_EQ(found.common(), one.common) << one.line;
    EXPECT_EQ(found.candidates.empty() ? one.begin : found.begin, one.begin) << one.line;
  }
  fs::remove_all(folder);
  EXPECT_EQ(in_columns({"a", "bbb", "cc"}, {.columns = 12}), "a    cc\nbbb\n");
  EXPECT_NE(in_columns(std::vector<std::string>(70, "x"), {}).find("… and 10 more"),
            std::string::npos);
}

TEST(StatusLine, SaysTheTimeEvenIfItIsNarrow) {
  using std::chrono::milliseconds;
  EXPECT_EQ(status_text("running run_lua", "", milliseconds(300), 0, 80), "⠋ running run_lua");
  EXPECT_EQ(status_text("running run_lua", "", milliseconds(61'000), 1, 80),
            "⠙ running run_lua · 1 min 1 s");
  EXPECT_EQ(status_text("running run_lua", "", milliseconds(3000), 0, 14), "⠋ runni… · 3 s");
  EXPECT_EQ(status_text("a\nb\x1b[2J", "", milliseconds(0), 0, 80), "⠋ a b");
  EXPECT_EQ(status_text("reading", "5 of 9 tokens", milliseconds(2000), 0, 80),
            "⠋ reading · 5 of 9 tokens · 2 s");
  // Of what is being written the end is the newest.
  EXPECT_EQ(status_text("writing", "one two\x1b[2J three", milliseconds(0), 0, 20),
            "⠋ writing · …o three");
  EXPECT_EQ(status_text("writing", "one two", milliseconds(0), 0, 12), "⠋ writing");
}

TEST(Diff, IsColouredByItsLines) {
  EXPECT_EQ(diff_text("--- a\n+++ b\n@@ -1 +1 @@\n-x\x1b[2J\n+y\n z\n", coloured(80)),
            "\x1b[1m--- a\x1b[0m\n\x1b[1m+++ b\x1b[0m\n\x1b[36m@@ -1 +1 @@\x1b[0m\n"
            "\x1b[31m-x\x1b[0m\n\x1b[32m+y\x1b[0m\n z\n");
  EXPECT_EQ(diff_text("-x\n+y\n", plain(80)), "-x\n+y\n");
}

}  // namespace
}  // namespace cli
