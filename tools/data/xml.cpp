#include "tools/data/xml.h"
#include "base/utf8.h"

#include <charconv>
#include <cstdint>

namespace tools::data {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view local(std::string_view name) {
  const size_t colon = name.find(':');
  return colon == name.npos ? name : name.substr(colon + 1);
}

/// What XML does not allow becomes U+FFFD.
void append_point(std::string& out, uint32_t point) {
  if (point == 0 || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) point = 0xfffd;
  base::append_utf8(out, point);
}

std::string resolved(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t amp = std::min(text.find('&'), text.size());
    out.append(text.substr(0, amp));
    text.remove_prefix(amp);
    if (text.empty()) break;
    const size_t end = text.find(';');
    if (end == text.npos || end > 10) {
      out += '&';
      text.remove_prefix(1);
      continue;
    }
    const std::string_view entity = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    if (entity == "amp")
      out += '&';
    else if (entity == "lt")
      out += '<';
    else if (entity == "gt")
      out += '>';
    else if (entity == "quot")
      out += '"';
    else if (entity == "apos")
      out += '\'';
    else if (entity.size() > 1 && entity[0] == '#') {
      const bool hex = entity[1] == 'x';
      const std::string_view digits = entity.substr(hex ? 2 : 1);
      uint32_t point = 0;
      std::from_chars(digits.data(), digits.data() + digits.size(), point, hex ? 16 : 10);
      append_point(out, point);
    }
  }
  return out;
}

}  // namespace

XmlReader::Event XmlReader::next() {
  if (close_next_) {
    close_next_ = false;
    return Event::close;
  }
  while (!rest_.empty()) {
    if (rest_[0] != '<') {
      const size_t end = std::min(rest_.find('<'), rest_.size());
      text_ = rest_.substr(0, end);
      raw_ = false;
      rest_.remove_prefix(end);
      return Event::text;
    }
    const auto skip = [&](std::string_view begin, std::string_view end) {
      if (rest_.substr(0, begin.size()) != begin) return false;
      const size_t at = rest_.find(end, begin.size());
      text_ = rest_.substr(begin.size(), at == rest_.npos ? 0 : at - begin.size());
      rest_ = at == rest_.npos ? std::string_view() : rest_.substr(at + end.size());
      return true;
    };
    if (skip("<!--", "-->") || skip("<?", "?>")) continue;
    if (skip("<![CDATA[", "]]>")) {
      raw_ = true;
      return Event::text;
    }
    if (skip("<!", ">")) continue;
    // A '>' inside quotes does not end the tag.
    size_t end = 1;
    char quote = '\0';
    for (; end < rest_.size(); ++end) {
      const char c = rest_[end];
      if (quote) {
        if (c == quote) quote = '\0';
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '>') {
        break;
      }
    }
    if (end >= rest_.size()) break;
    std::string_view tag = rest_.substr(1, end - 1);
    rest_.remove_prefix(end + 1);
    const bool closing = !tag.empty() && tag[0] == '/';
    if (closing) tag.remove_prefix(1);
    const bool empty = !tag.empty() && tag.back() == '/';
    if (empty) tag.remove_suffix(1);
    size_t n = 0;
    while (n < tag.size() && !is_space(tag[n])) ++n;
    name_ = local(tag.substr(0, n));
    attributes_ = tag.substr(n);
    close_next_ = empty && !closing;
    return closing ? Event::close : Event::open;
  }
  rest_ = {};
  return Event::end;
}

std::optional<std::string> XmlReader::attribute(std::string_view name) const {
  std::string_view rest = attributes_;
  while (true) {
    while (!rest.empty() && is_space(rest[0])) rest.remove_prefix(1);
    const size_t equal = rest.find('=');
    if (equal == rest.npos) return std::nullopt;
    std::string_view found = rest.substr(0, equal);
    while (!found.empty() && is_space(found.back())) found.remove_suffix(1);
    rest.remove_prefix(equal + 1);
    while (!rest.empty() && is_space(rest[0])) rest.remove_prefix(1);
    if (rest.empty() || (rest[0] != '"' && rest[0] != '\'')) return std::nullopt;
    const size_t end = rest.find(rest[0], 1);
    if (end == rest.npos) return std::nullopt;
    if (local(found) == name) return resolved(rest.substr(1, end - 1));
    rest.remove_prefix(end + 1);
  }
}

std::string XmlReader::text() const { return raw_ ? std::string(text_) : resolved(text_); }

}  // namespace tools::data
