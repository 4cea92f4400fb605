#include "agent/grammar_text.h"

#include <algorithm>

#include "agent/script_grammar.h"
#include "base/utf8.h"

namespace agent {

using std::string;
using std::string_view;

string joined(const std::vector<string>& parts, string_view between) {
  string out;
  for (size_t i = 0; i < parts.size(); ++i) out += (i ? string(between) : "") + parts[i];
  return out;
}

string any_of(const std::set<string>& texts) {
  std::vector<string> parts;
  for (const string& text : texts) parts.push_back(lark_quoted(text));
  return joined(parts, " | ");
}

std::set<string> quoted(const std::set<string>& names) {
  std::set<string> out;
  for (const string& name : names) out.insert(lua_quoted(name));
  return out;
}

string unquoted(string_view quoted) { return string(quoted.substr(1, quoted.size() - 2)); }

std::vector<Renaming> renamings(string_view script) {
  static constexpr string_view kTo = "\", to=\"";
  std::vector<Renaming> found;
  for (const string_view field : {"match=\"", "regex=\""}) {
    for (size_t at = script.find(field); at != string_view::npos; at = script.find(field, at)) {
      at += field.size();
      const size_t end = script.find('"', at);
      if (end == string_view::npos || !script.substr(end).starts_with(kTo)) continue;
      const string_view to = script.substr(end + kTo.size());
      found.push_back({script.substr(at, end - at), to.substr(0, to.find('"')), field[0] == 'r'});
    }
  }
  return found;
}

std::vector<PlanLink> plan_links(string_view plan) {
  std::vector<PlanLink> links;
  for (size_t at = 0; at <= plan.size();) {
    const size_t end = std::min(plan.find("; ", at), plan.size());
    const string_view link = plan.substr(at, end - at);
    const size_t equals = std::min(link.find('='), link.size());
    links.push_back({link.substr(0, equals), link.substr(std::min(equals + 1, link.size()))});
    at = end + (end < plan.size() ? 2 : 1);
  }
  return links;
}

bool has_control(string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

string lua_quoted(string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  string out = "\"";
  while (!text.empty()) {
    size_t n = base::utf8_length(text);
    unsigned char c = static_cast<unsigned char>(text[0]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[0];
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (n == 0 || c < 0x20 || c == 0x7f) {
      out += {'\\', 'x', kHex[c >> 4], kHex[c & 15]};
      n = 1;
    } else {
      out += text.substr(0, n);
    }
    text.remove_prefix(n);
  }
  return out + "\"";
}

string lark_quoted(string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  string out = "\"";
  for (char ch : text) {
    unsigned char c = static_cast<unsigned char>(ch);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += ch;
    } else if (c < 0x20 || c == 0x7f) {
      out += {'\\', 'u', '0', '0', kHex[c >> 4], kHex[c & 15]};
    } else {
      out += ch;
    }
  }
  return out + "\"";
}

}  // namespace agent
