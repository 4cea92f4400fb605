// md4c makes the HTML of the text; with raw HTML switched off it escapes every < of the author's.
// So an <img or <a in its output is its own, and can be found and changed by the exact form that it
// writes.

#include <glib.h>
#include <md4c-html.h>

#include <memory>

#include "tools/data/workspace.h"
#include "tools/report/html.h"

namespace tools::report {

using base::Errc;
using base::Error;

namespace {

constexpr size_t kMaxMarkdown = 4 << 20;
constexpr size_t kMaxPage = 64 << 20;
constexpr size_t kMaxRows = 500;

constexpr const char* kStyle =
    R"(:root{--ink:#1c1c1e;--paper:#fff;--line:#d8d8dc;--soft:#f4f4f6;--link:#0b57d0}
@media (prefers-color-scheme:dark){:root{--ink:#e8e8ea;--paper:#17181a;--line:#3a3b3f;--soft:#222326;--link:#8ab4f8}}
body{margin:0 auto;max-width:52rem;padding:2rem 1rem;font:1rem/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
h1,h2,h3{line-height:1.2}a{color:var(--link)}img{max-width:100%;height:auto;background:#fff;border-radius:4px}
table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}th,td{border:1px solid var(--line);padding:.3rem .6rem;text-align:left}
th{background:var(--soft)}td.n{text-align:right;font-variant-numeric:tabular-nums}caption{text-align:left;padding:.3rem 0}
code,pre{background:var(--soft);border-radius:4px}code{padding:.1em .3em}pre{padding:.8rem;overflow-x:auto}pre code{padding:0}
blockquote{margin:1rem 0;padding-left:1rem;border-left:3px solid var(--line)}
@media print{body{max-width:none}})";

constexpr const char* kPolicy =
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action "
    "'none'";

std::string percent_decoded(const std::string& text) {
  const std::unique_ptr<char, void (*)(void*)> out(g_uri_unescape_string(text.c_str(), nullptr),
                                                   g_free);
  return out ? out.get() : text;
}

bool is_number(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789.,-+%eE ") == text.npos &&
         text.find_first_of("0123456789") != text.npos;
}

base::Result<std::string> table_html(const std::string& path, const std::string& caption,
                                     const Assets& assets) {
  if (!assets.rows) return Error{Errc::unsupported, "report: no tables can be embedded here"};
  base::Result<std::vector<std::vector<std::string>>> rows = assets.rows(path);
  if (!rows) return rows.error();
  std::string out = "<table>";
  if (!caption.empty()) out += "<caption>" + caption + "</caption>";
  for (size_t i = 0; i < rows->size() && i <= kMaxRows; ++i) {
    out += i == 0 ? "<thead><tr>" : "<tr>";
    for (const std::string& cell : (*rows)[i])
      out += (i == 0            ? "<th>" + escape(cell) + "</th>"
              : is_number(cell) ? "<td class=\"n\">" + escape(cell) + "</td>"
                                : "<td>" + escape(cell) + "</td>");
    out += i == 0 ? "</tr></thead><tbody>" : "</tr>";
  }
  out += rows->empty() ? "</table>" : "</tbody></table>";
  if (rows->size() > kMaxRows + 1)
    out += "<p>" + std::to_string(rows->size() - 1 - kMaxRows) + " more rows</p>";
  return out;
}

bool is_safe_link(const std::string& url) {
  if (!leads_outside(url)) return !url.starts_with("data:");
  std::string start;
  for (const char c : url.substr(0, 8))
    start += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return start.starts_with("http://") || start.starts_with("https://") ||
         start.starts_with("mailto:");
}

/// Puts in what the body refers to.
base::Result<std::string> embed(const std::string& html, const Assets& assets) {
  constexpr std::string_view kImage = "<img src=\"", kAlt = "\" alt=\"", kLink = "<a href=\"";
  std::string out;
  for (size_t at = 0; at < html.size();) {
    const size_t next = html.find('<', at);
    out.append(html, at, std::min(next, html.size()) - at);
    if (next == html.npos) break;
    at = next;
    if (html.compare(at, kLink.size(), kLink) == 0) {
      const size_t end = html.find('"', at + kLink.size());
      if (end == html.npos) break;
      const std::string url = html.substr(at + kLink.size(), end - at - kLink.size());
      out += is_safe_link(unescape(url)) ? std::string(kLink) + url : std::string(kLink) + "#";
      at = end;
    } else if (html.compare(at, kImage.size(), kImage) == 0) {
      const size_t url_end = html.find('"', at + kImage.size());
      const size_t tag_end = html.find('>', at);
      if (url_end == html.npos || tag_end == html.npos) break;
      const std::string path =
          percent_decoded(unescape(html.substr(at + kImage.size(), url_end - at - kImage.size())));
      if (!leads_outside(path) && data::is_table_name(path)) {
        std::string caption;
        if (html.compare(url_end, kAlt.size(), kAlt) == 0)
          caption = html.substr(url_end + kAlt.size(),
                                html.find('"', url_end + kAlt.size()) - url_end - kAlt.size());
        base::Result<std::string> table = table_html(path, caption, assets);
        if (!table) return table.error();
        // A paragraph cannot hold a table.
        out += "</p>" + *table + "<p>";
        at = tag_end + 1;
      } else {
        base::Result<Embedded> picture = embedded(path, assets);
        if (!picture) return picture.error();
        out += std::string(kImage) + escape(picture->uri);
        if (picture->width > 0) out += "\" width=\"" + std::to_string(picture->width);
        at = url_end;
      }
    } else {
      out += html[at++];
    }
    if (out.size() > kMaxPage) return Error{Errc::limit, "report: the page is larger than 64 MB"};
  }
  return out;
}

std::string first_heading(const std::string& html) {
  const size_t begin = html.find("<h1>");
  const size_t end = begin == html.npos ? begin : html.find("</h1>", begin);
  if (end == html.npos) return {};
  std::string text;
  bool in_tag = false;
  for (const char c : html.substr(begin + 4, end - begin - 4)) {
    if (c == '<') in_tag = true;
    if (!in_tag) text += c;
    if (c == '>') in_tag = false;
  }
  return unescape(text);
}

}  // namespace

base::Result<std::string> markdown_page(const std::string& markdown, const std::string& title,
                                        const Assets& assets) {
  if (markdown.size() > kMaxMarkdown)
    return Error{Errc::limit, "report: the Markdown text is larger than 4 MB"};
  std::string body;
  const int status = md_html(
      markdown.data(), static_cast<MD_SIZE>(markdown.size()),
      [](const MD_CHAR* text, MD_SIZE size, void* out) {
        static_cast<std::string*>(out)->append(text, size);
      },
      &body, MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS | MD_FLAG_NOHTML, 0);
  if (status != 0) return Error{Errc::corrupt, "report: the Markdown text cannot be read"};
  base::Result<std::string> embedded = embed(body, assets);
  if (!embedded) return embedded.error();
  std::string shown = title.empty() ? first_heading(body) : title;
  if (shown.empty()) shown = "Report";
  return page_head(shown, kStyle, kPolicy) + *embedded + "</body>\n</html>\n";
}

}  // namespace tools::report
