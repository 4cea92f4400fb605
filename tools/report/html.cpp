#include "tools/report/html.h"

#include <glib.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/utf8.h"
#include "media/png_write.h"
#include "tools/data/workspace.h"

namespace tools::report {

using base::Errc;
using base::Error;

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

bool begins(std::string_view text, size_t at, std::string_view what) {
  if (text.size() - std::min(at, text.size()) < what.size()) return false;
  for (size_t i = 0; i < what.size(); ++i)
    if (lower(text[at + i]) != what[i]) return false;
  return true;
}

/// Reads the attributes from `at` on; returns the place behind the tag's >.
size_t read_attributes(std::string_view html, size_t at, Piece& piece) {
  while (at < html.size() && html[at] != '>') {
    if (is_space(html[at]) || html[at] == '/') {
      ++at;
      continue;
    }
    const size_t name_begin = at;
    // A = at the beginning belongs to the name.
    do ++at;
    while (at < html.size() && !is_space(html[at]) && html[at] != '=' && html[at] != '>' &&
           html[at] != '/');
    const std::string name = lowered(html.substr(name_begin, at - name_begin));
    while (at < html.size() && is_space(html[at])) ++at;
    std::string value;
    if (at < html.size() && html[at] == '=') {
      ++at;
      while (at < html.size() && is_space(html[at])) ++at;
      if (at < html.size() && (html[at] == '"' || html[at] == '\'')) {
        const char quote = html[at];
        const size_t end = std::min(html.find(quote, at + 1), html.size());
        value = unescape(html.substr(at + 1, end - at - 1));
        at = std::min(end + 1, html.size());
      } else {
        const size_t begin = at;
        while (at < html.size() && !is_space(html[at]) && html[at] != '>') ++at;
        value = unescape(html.substr(begin, at - begin));
      }
    }
    piece.attributes.emplace_back(name, value);
  }
  return std::min(at + 1, html.size());
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string unescape(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 10> kNames = {{{"amp", '&'},
                                                                         {"lt", '<'},
                                                                         {"gt", '>'},
                                                                         {"quot", '"'},
                                                                         {"apos", '\''},
                                                                         {"colon", ':'},
                                                                         {"sol", '/'},
                                                                         {"Tab", '\t'},
                                                                         {"NewLine", '\n'},
                                                                         {"period", '.'}}};
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '&') {
      out += text[i];
      continue;
    }
    size_t end = i + 1;
    while (end < text.size() && end < i + 12 &&
           (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '#'))
      ++end;
    const std::string name(text.substr(i + 1, end - i - 1));
    const size_t after = end < text.size() && text[end] == ';' ? end : end - 1;
    if (name.size() > 1 && name[0] == '#') {
      const bool hex = name[1] == 'x' || name[1] == 'X';
      const unsigned long point =
          std::strtoul(name.c_str() + (hex ? 2 : 1), nullptr, hex ? 16 : 10);
      if (point > 0 && point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF)) {
        base::append_utf8(out, static_cast<uint32_t>(point));
        i = after;
        continue;
      }
    }
    const auto known =
        std::find_if(kNames.begin(), kNames.end(), [&](const auto& n) { return n.first == name; });
    if (known == kNames.end()) {
      out += '&';
      continue;
    }
    out += known->second;
    i = after;
  }
  return out;
}

std::vector<Piece> pieces_of(std::string_view html) {
  std::vector<Piece> out;
  size_t at = 0;
  auto add = [&](Piece::Kind kind, size_t end) -> Piece& {
    out.push_back({.kind = kind, .source = html.substr(at, end - at)});
    at = end;
    return out.back();
  };
  while (at < html.size()) {
    if (html[at] != '<') {
      add(Piece::text, std::min(html.find('<', at), html.size()));
      continue;
    }
    if (html.compare(at, 4, "<!--") == 0) {
      // <!--> and <!---> are whole comments to a browser.
      const size_t end = html.find("-->", at + 2);
      add(Piece::comment, end == html.npos ? html.size() : end + 3);
      continue;
    }
    const bool close = at + 1 < html.size() && html[at + 1] == '/';
    size_t name_at = at + (close ? 2 : 1);
    if (name_at < html.size() && (html[name_at] == '!' || html[name_at] == '?')) {
      const size_t end = html.find('>', at);
      add(Piece::comment, end == html.npos ? html.size() : end + 1);
      continue;
    }
    if (name_at >= html.size() || !std::isalpha(static_cast<unsigned char>(html[name_at]))) {
      add(Piece::text, at + 1);
      continue;
    }
    size_t end = name_at;
    while (end < html.size() && !is_space(html[end]) && html[end] != '>' && html[end] != '/') ++end;
    Piece piece{.kind = close ? Piece::close : Piece::open,
                .name = lowered(html.substr(name_at, end - name_at))};
    end = read_attributes(html, end, piece);
    piece.source = html.substr(at, end - at);
    at = end;
    const std::string name = piece.name;
    out.push_back(std::move(piece));
    if (close || (name != "script" && name != "style" && name != "title" && name != "textarea"))
      continue;
    size_t stop = at;
    while (stop < html.size() && !begins(html, stop, "</" + name)) ++stop;
    if (stop > at) add(Piece::raw, stop).name = name;
  }
  return out;
}

bool leads_outside(const std::string& url) {
  std::string clean;  // a browser drops these wherever they stand
  for (const char c : url)
    if (static_cast<unsigned char>(c) > 0x20) clean += lower(c == '\\' ? '/' : c);
  if (clean.starts_with("data:") || clean.starts_with("#")) return false;
  if (clean.starts_with("//")) return true;
  const size_t colon = clean.find(':');
  return colon != clean.npos && colon < clean.find_first_of("/?#");
}

base::Result<Embedded> embedded(const std::string& path, const Assets& assets) {
  if (leads_outside(path))
    return Error{Errc::usage, "report: \"" + path.substr(0, 200) +
                                  "\" lies outside the page; save the file in the workspace"};
  if (path.starts_with("data:")) return Embedded{.uri = path};
  std::string extension = lowered(data::extension(path));
  if (extension == "jpg") extension = "jpeg";
  if (extension == "svg") extension = "svg+xml";
  if (extension != "png" && extension != "jpeg" && extension != "gif" && extension != "webp" &&
      extension != "svg+xml")
    return Error{Errc::unsupported,
                 "report: \"" + path + "\" is no picture (png, jpeg, gif, webp, svg)"};
  if (!assets.bytes) return Error{Errc::unsupported, "report: no files can be embedded here"};
  base::Result<std::string> bytes = assets.bytes(path);
  if (!bytes) return bytes.error();
  const std::unique_ptr<char, void (*)(void*)> text(
      g_base64_encode(reinterpret_cast<const guchar*>(bytes->data()), bytes->size()), g_free);
  Embedded picture{.uri = "data:image/" + extension + ";base64," + text.get()};
  // The charts of a high resolution are not to be shown twice as large for it.
  picture.width = media::png_shown_width(*bytes);
  return picture;
}

std::string external_in_css(std::string_view css) {
  for (size_t at = 0; at < css.size(); ++at) {
    if (begins(css, at, "@import")) return "@import";
    if (css[at] == '\\') return "a backslash, which can hide a reference";
    for (const std::string_view call : {"url(", "image-set(", "image("}) {
      if (!begins(css, at, call)) continue;
      size_t begin = at + call.size();
      while (begin < css.size() &&
             (is_space(css[begin]) || css[begin] == '"' || css[begin] == '\''))
        ++begin;
      const size_t end = std::min(css.find(')', begin), css.size());
      const std::string url(css.substr(begin, end - begin));
      if (!begins(url, 0, "data:") && !url.starts_with("#"))
        return std::string(call) + url.substr(0, 100) + ")";
    }
  }
  return {};
}

std::string page_head(const std::string& title, const std::string& css, const std::string& policy) {
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta http-equiv=\"Content-Security-Policy\" content=\"" +
         escape(policy) +
         "\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
         escape(title) + "</title>\n<style>\n" + css + "\n</style>\n</head>\n<body>\n";
}

}  // namespace tools::report
