// A page is rebuilt tag by tag: what could load something is either embedded or refused. That the
// security policy of the page forbids every request is the second wall.

#include <algorithm>
#include <array>

#include "tools/report/html.h"

namespace tools::report {

using base::Errc;
using base::Error;

namespace {

constexpr size_t kMaxPageSource = 8 << 20;
constexpr size_t kMaxBuiltPage = 64 << 20;

constexpr const char* kPagePolicy =
    "default-src 'none'; img-src data:; media-src data:; font-src data:; style-src "
    "'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// Tags that load or embed something by being there.
constexpr std::array<std::string_view, 9> kRefused = {
    "iframe", "frame", "frameset", "object", "embed", "applet", "base", "portal", "link"};
/// Attributes that name what is loaded.
constexpr std::array<std::string_view, 14> kLoads = {
    "src",        "srcset",   "poster", "background", "data", "action",  "formaction",
    "xlink:href", "manifest", "ping",   "codebase",   "cite", "archive", "imagesrcset"};

template <size_t n>
bool is_in(const std::array<std::string_view, n>& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// What is wrong with an attribute, or "".
std::string problem_of(const Piece& tag, const std::string& name, const std::string& value) {
  const std::string where = "<" + tag.name + " " + name + "=\"" + value.substr(0, 100) + "\">";
  if (name == "style") {
    const std::string found = external_in_css(value);
    return found.empty() ? "" : where + " loads " + found;
  }
  // Where a link goes when it is clicked is not loaded; what svg's use and image name is.
  const bool loads =
      is_in(kLoads, name) || (name == "href" && tag.name != "a" && tag.name != "area");
  if (loads && leads_outside(value)) return where + " loads from outside the page";
  if (name == "srcset" && value.find(':') != value.npos && value.find("data:") == value.npos)
    return where + " loads from outside the page";
  if (tag.name == "meta" && name == "http-equiv" && value.size() == 7)
    return where + " can lead to another page";
  return {};
}

bool is_frame_of_document(const std::string& name) {
  return name == "html" || name == "head" || name == "body" || name == "title";
}

base::Result<std::string> rebuilt(const Piece& tag, const Assets& assets) {
  std::string out = "<" + tag.name;
  int width = 0;
  bool sized = false;
  for (const auto& [name, given] : tag.attributes) {
    std::string value = given;
    if (std::string problem = problem_of(tag, name, value); !problem.empty())
      return Error{Errc::usage, "page: " + problem};
    if (name == "srcset" || name == "imagesrcset") continue;  // src is embedded
    const bool picture = (tag.name == "img" && name == "src") || name == "poster" ||
                         (tag.name == "image" && (name == "href" || name == "xlink:href"));
    if (picture && !value.empty() && value[0] != '#') {
      base::Result<Embedded> found = embedded(value, assets);
      if (!found) return found.error();
      value = found->uri;
      if (tag.name == "img") width = found->width;
    } else if (name == "src" && !value.starts_with("data:")) {
      return Error{Errc::usage, "page: <" + tag.name + " src=\"" + value.substr(0, 100) +
                                    "\"> is a file of its own; pass its text in css or js"};
    }
    sized = sized || name == "width" || name == "height";
    out += " " + name + "=\"" + escape(value) + "\"";
  }
  if (width > 0 && !sized) out += " width=\"" + std::to_string(width) + "\"";
  return out + ">";
}

}  // namespace

base::Result<std::string> build_page(const Page& page, const Assets& assets) {
  if (page.html.size() + page.css.size() + page.js.size() > kMaxPageSource)
    return Error{Errc::limit, "page: html, css and js are larger than 8 MB together"};
  if (const std::string found = external_in_css(page.css); !found.empty())
    return Error{Errc::usage, "page: the css has " + found + ", which loads from outside the page"};
  if (page.css.find("</") != page.css.npos)
    return Error{Errc::usage, "page: the css has \"</\", which would end it"};
  std::string body, css = page.css;
  for (const Piece& piece : pieces_of(page.html)) {
    switch (piece.kind) {
      case Piece::comment:
        break;
      case Piece::text:
        body += piece.source == "<" ? std::string("&lt;") : std::string(piece.source);
        break;
      case Piece::raw:
        if (piece.name == "title") break;
        if (piece.name == "style") {
          const std::string found = external_in_css(piece.source);
          if (!found.empty())
            return Error{Errc::usage, "page: <style> has " + found + ", which loads from outside"};
        }
        body += piece.source;
        break;
      case Piece::close:
        if (!is_frame_of_document(piece.name)) body += "</" + piece.name + ">";
        break;
      case Piece::open: {
        if (is_frame_of_document(piece.name)) break;
        if (is_in(kRefused, piece.name))
          return Error{Errc::usage, "page: <" + piece.name +
                                        "> loads from outside the page; pass its content in html, "
                                        "css or js"};
        base::Result<std::string> tag = rebuilt(piece, assets);
        if (!tag) return tag.error();
        if (piece.name != "meta") body += *tag;
        break;
      }
    }
    if (body.size() > kMaxBuiltPage) return Error{Errc::limit, "page: it is larger than 64 MB"};
  }
  std::string js = page.js;
  for (size_t at = 0; (at = js.find("</", at)) != js.npos; at += 3) js.replace(at, 2, "<\\/");
  for (size_t at = 0; (at = js.find("<!--", at)) != js.npos; at += 4) js.replace(at, 2, "<\\!");
  std::string out =
      page_head(page.title.empty() ? "Page" : page.title, css, kPagePolicy) + body + "\n";
  if (!js.empty()) out += "<script>\n" + js + "\n</script>\n";
  return out + "</body>\n</html>\n";
}

std::vector<std::string> external_references(const std::string& html) {
  std::vector<std::string> out;
  for (const Piece& piece : pieces_of(html)) {
    if (piece.kind == Piece::raw && piece.name == "style")
      if (const std::string found = external_in_css(piece.source); !found.empty())
        out.push_back("<style> has " + found);
    if (piece.kind != Piece::open) continue;
    if (is_in(kRefused, piece.name)) out.push_back("<" + piece.name + ">");
    for (const auto& [name, value] : piece.attributes) {
      if (std::string problem = problem_of(piece, name, value); !problem.empty())
        out.push_back(problem);
      else if (name == "src" && !value.starts_with("data:"))
        out.push_back("<" + piece.name + " src=\"" + value.substr(0, 100) + "\">");
    }
  }
  return out;
}

}  // namespace tools::report
