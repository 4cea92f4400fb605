// Pages of one file: what goes in, what stays out, and that a browser shows them.

#include <gtest/gtest.h>

#include <cstdlib>

#include "media/png_write.h"
#include "tests/tools/workspace.h"
#include "tools/report/html.h"

namespace tools::report {
namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

Assets assets() {
  return {.bytes = [](const std::string& path) -> base::Result<std::string> {
            if (path == "a b.png") return std::string("\x89PNG");
            return base::Error{base::Errc::not_found, "no file " + path};
          },
          .rows = [](const std::string&) -> base::Result<std::vector<std::vector<std::string>>> {
            return std::vector<std::vector<std::string>>{{"shop", "sum"}, {"<Bern>", "1,200"}};
          }};
}

std::string page(const std::string& markdown) {
  base::Result<std::string> out = markdown_page(markdown, "", assets());
  return out ? *out : "error: " + out.error().message;
}

TEST(Report, PicturesOfAHighResolutionAreNotShownLarger) {
  const std::vector<uint32_t> pixels(120 * 10, 0xFFFFFF);
  Assets with = assets();
  with.bytes = [&](const std::string&) -> base::Result<std::string> {
    return media::write_png({pixels.data(), 120, 10, 120, 2});
  };
  const base::Result<std::string> markdown = markdown_page("![c](c.png)", "", with);
  ASSERT_TRUE(markdown) << markdown.error().message;
  EXPECT_TRUE(has(*markdown, "\" width=\"60\" alt=\"c\">")) << *markdown;
  const base::Result<std::string> own = build_page({.html = "<img src=c.png>"}, with);
  ASSERT_TRUE(own) << own.error().message;
  EXPECT_TRUE(has(*own, "\" width=\"60\">")) << *own;
  const base::Result<std::string> sized = build_page({.html = "<img src=c.png height=9>"}, with);
  ASSERT_TRUE(sized) << sized.error().message;
  EXPECT_FALSE(has(*sized, "width=\"60\"")) << *sized;
}

TEST(Report, MarkdownBecomesOnePageWithPicturesAndTables) {
  const std::string out = page(
      "# Sales & more\n\n![chart](<a b.png>)\n\n![By shop](sums.csv)\n\n| a | b |\n|---|--:|\n| 1 "
      "| 2 |\n");
  EXPECT_TRUE(has(out, "<title>Sales &amp; more</title>")) << out;
  EXPECT_TRUE(has(out, "<img src=\"data:image/png;base64,iVBORw==\" alt=\"chart\">")) << out;
  EXPECT_TRUE(has(out, "<caption>By shop</caption><thead><tr><th>shop</th><th>sum</th>")) << out;
  EXPECT_TRUE(has(out, "<td>&lt;Bern&gt;</td><td class=\"n\">1,200</td>")) << out;
  EXPECT_TRUE(has(out, "<td align=\"right\">2</td>")) << out;
  EXPECT_TRUE(has(out, "default-src &#39;none&#39;")) << out;
  EXPECT_TRUE(has(out, "prefers-color-scheme:dark"));
  EXPECT_TRUE(external_references(out).empty());
}

TEST(Report, RawHtmlAndLinksOfOtherKindsDoNothing) {
  const std::string out = page(
      "<script>alert(1)</script>\n\na <img src=x onerror=alert(1)> b\n\n[x](javascript:alert(1)) "
      "[y](https://example.org/) [z](JaVaScRiPt&colon;alert(1)) [d](data:text/html,x)\n\n"
      "![\"><script>](<a b.png>)\n");
  EXPECT_FALSE(has(out, "<script"));
  EXPECT_FALSE(has(out, "<img src=x"));
  EXPECT_FALSE(has(out, "href=\"javascript"));
  EXPECT_FALSE(has(out, "href=\"JaVa"));
  EXPECT_FALSE(has(out, "href=\"data:"));
  EXPECT_TRUE(has(out, "<a href=\"https://example.org/\">y</a>"));
  EXPECT_TRUE(has(out, "<a href=\"#\">x</a>"));
}

TEST(Report, PicturesFromElsewhereAndMissingOnesAreRefused) {
  EXPECT_TRUE(has(page("![x](http://example.org/a.png)"),
                  "error: report: \"http://example.org/a.png\" lies outside"));
  EXPECT_TRUE(has(page("![x](//example.org/a.png)"), "lies outside"));
  EXPECT_TRUE(has(page("![x](gone.png)"), "error: no file gone.png"));
  EXPECT_TRUE(has(page("![x](a.exe)"), "is no picture"));
}

std::string built(const Page& page) {
  base::Result<std::string> out = build_page(page, assets());
  return out ? *out : "error: " + out.error().message;
}

TEST(Report, APageIsBuiltFromItsParts) {
  const std::string out =
      built({.title = "T<",
             .html = "<!doctype html><html><head><title>old</title></head><body "
                     "class=x><p id=\"n\">1 < 2</p><img src='a b.png'></body></html>",
             .css = "p{color:red}",
             .js = "document.title='</script>'"});
  EXPECT_TRUE(has(out, "<title>T&lt;</title>")) << out;
  EXPECT_FALSE(has(out, "old"));
  EXPECT_TRUE(has(out, "<p id=\"n\">1 &lt; 2</p><img src=\"data:image/png;base64,iVBORw==\">"))
      << out;
  EXPECT_TRUE(has(out, "document.title='<\\/script>'")) << out;
  EXPECT_TRUE(external_references(out).empty());
}

TEST(Report, WhatWouldLoadFromOutsideIsRefusedByName) {
  for (const auto& [html, part] : std::vector<std::pair<std::string, std::string>>{
           {"<img src=http://x.org/a.png>", "<img src=\"http://x.org/a.png\"> loads from outside"},
           {"<IMG SRC=\"ht&#116;p://x.org/a.png\">", "loads from outside"},
           {"<img src='//x.org/a.png'>", "loads from outside"},
           {"<img src=\" \thttps:\\\\x.org/a\">", "loads from outside"},
           {"<script src=\"a.js\"></script>", "pass its text in css or js"},
           {"<script src=\"https://x.org/a.js\"></script>", "loads from outside"},
           {"<link rel=stylesheet href=a.css>", "<link>"},
           {"<iframe srcdoc=x>", "<iframe>"},
           {"<p style=\"background:url(http://x.org)\">", "url(http://x.org)"},
           {"<style>@import 'http://x.org/a.css'</style>", "@import"},
           {"<meta http-equiv=refresh content='0;url=http://x.org'>", "another page"},
           {"<base href='http://x.org/'>", "<base>"},
           {"<svg><image xlink:href='http://x.org/a.png'/></svg>", "loads from outside"},
           {"<form action='https://x.org/'>", "loads from outside"},
           {"<video poster='https://x.org/a.png'>", "loads from outside"}})
    EXPECT_TRUE(has(built({.html = html}), part)) << built({.html = html});
  EXPECT_TRUE(has(built({.css = "a{background:url(x.png)}"}), "the css has url(x.png)"));
  EXPECT_TRUE(has(built({.css = "</style><script>"}), "would end it"));
  // A link that is clicked is no request of the page.
  EXPECT_TRUE(has(built({.html = "<a href=\"https://example.org/\">x</a>"}), "<a href=\"https"));
}

TEST(Report, BrokenHtmlEndsSomewhere) {
  for (const char* html : {"<", "<a", "<a b='", "<!--", "<script>", "<style>x", "</", "<a =\"",
                           "&#;", "&#x110000;", "<p a=b", "<!-->x"})
    EXPECT_FALSE(built({.html = html}).empty());
}

TEST(Report, ABrowserRunsThePageWithoutAnyRequest) {
  const char* browser = "/usr/bin/chromium";
  if (!std::filesystem::exists(browser)) GTEST_SKIP() << "there is no /usr/bin/chromium";
  const TemporaryWorkspace workspace;
  workspace.write("page.html",
                  built({.html = "<p id=out>before</p>",
                         .js = "document.getElementById('out').textContent='it '+'runs';"
                               "fetch('http://127.0.0.1:9/').catch(()=>document.body."
                               "append('refused'))"}));
  const std::string command = std::string(browser) +
                              " --headless --no-sandbox --disable-gpu --virtual-time-budget=2000 "
                              "--user-data-dir=profile --dump-dom file://" +
                              (workspace.path() / "page.html").string() +
                              " > dom.html 2> log.txt < /dev/null";
  ASSERT_EQ(std::system(command.c_str()), 0) << workspace.read("log.txt");
  EXPECT_TRUE(has(workspace.read("dom.html"), "<p id=\"out\">it runs</p>"));
  EXPECT_TRUE(has(workspace.read("dom.html"), "refused"));
}

}  // namespace
}  // namespace tools::report
