#include "policies/pattern.h"

#include <arpa/inet.h>

#include <optional>

// A command pattern is matched by simulating the automaton whose states are the positions in the
// pattern, as the bits of one number: bit i is set when the first i words of the pattern can have
// eaten what was read. Two runs tell `maybe` from `yes`: in the first an unknown word is eaten by
// whatever helps, in the second only by what eats every value it could have.

namespace policies {
namespace {

using base::Errc;
using base::Error;
using base::Result;

constexpr size_t kMaxWords = 32;

/// Whether `text` is one of the alternatives of `pattern`: a|b.
bool is_alternative(std::string_view pattern, std::string_view text) {
  for (;;) {
    const size_t bar = pattern.find('|');
    if (pattern.substr(0, bar) == text) return true;
    if (bar == std::string_view::npos) return false;
    pattern.remove_prefix(bar + 1);
  }
}

bool has_empty_alternative(std::string_view pattern) {
  return pattern.empty() || pattern.front() == '|' || pattern.back() == '|' ||
         pattern.find("||") != std::string_view::npos;
}

/// Positions that are reached without eating a word: past each `**`.
uint64_t skip_any(const std::vector<std::string>& pattern, uint64_t states) {
  for (size_t i = 0; i < pattern.size(); ++i) {
    if ((states >> i & 1) && pattern[i] == "**") states |= uint64_t{1} << (i + 1);
  }
  return states;
}

bool run(const std::vector<std::string>& pattern, const std::vector<ShellWord>& words,
         bool surely) {
  uint64_t states = skip_any(pattern, 1);
  for (const ShellWord& word : words) {
    uint64_t next = 0;
    for (size_t i = 0; i < pattern.size(); ++i) {
      if (!(states >> i & 1)) continue;
      const bool any = pattern[i] == "**";
      const bool one = pattern[i] == "*";
      if (any) next |= uint64_t{1} << i;
      if (word.known && word.single) {
        if (!any && (one || is_alternative(pattern[i], word.text))) next |= uint64_t{1} << (i + 1);
      } else if (surely) {
        if (one && word.single) next |= uint64_t{1} << (i + 1);
      } else {
        next |= uint64_t{1} << (i + 1);
      }
    }
    if (!surely && !word.single) {
      // It may become no word, or as many as the rest of the pattern needs.
      next |= states;
      for (size_t i = 0; i < pattern.size(); ++i)
        if (next >> i & 1) next |= uint64_t{1} << (i + 1);
    }
    states = skip_any(pattern, next);
  }
  return states >> pattern.size() & 1;
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
    return false;
  for (char c : label) {
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) return false;
  }
  return true;
}

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > 253) return false;
  for (;;) {
    const size_t dot = name.find('.');
    if (!is_label(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

/// 127.1, 0177.0.0.1, 0x7f000001 and 2130706433 are addresses to some programs, so a last label
/// that is a number is only taken for the one spelling that all agree on.
bool ends_like_number(std::string_view name) {
  std::string_view last =
      name.substr(name.rfind('.') == std::string_view::npos ? 0 : name.rfind('.') + 1);
  if (last.starts_with("0x")) return true;
  for (char c : last)
    if (c < '0' || c > '9') return false;
  return true;
}

}  // namespace

Result<CommandPattern> CommandPattern::parse(const std::vector<std::string>& words) {
  if (words.empty() || words.size() > kMaxWords) {
    return Error{Errc::corrupt, std::to_string(words.size()) + " words, expected 1 to 32"};
  }
  for (const std::string& word : words) {
    if (word == "*" || word == "**") continue;
    if (has_empty_alternative(word))
      return Error{Errc::corrupt, "\"" + word + "\": an alternative is empty"};
    if (word.find('*') != std::string::npos)
      return Error{Errc::corrupt, "\"" + word + "\": * stands for a whole word only"};
  }
  if (words.front().find('/') != std::string::npos) {
    return Error{Errc::corrupt, "\"" + words.front() + "\": a program is named without its folder"};
  }
  CommandPattern pattern;
  pattern.words_ = words;
  return pattern;
}

Match CommandPattern::match(const std::vector<ShellWord>& words) const {
  if (run(words_, words, true)) return Match::yes;
  return run(words_, words, false) ? Match::maybe : Match::no;
}

Result<NamePattern> NamePattern::parse(std::string_view text) {
  if (has_empty_alternative(text) || text.size() > 256) {
    return Error{Errc::corrupt, "\"" + std::string(text) + "\" is not a name pattern"};
  }
  NamePattern pattern;
  pattern.text_ = text;
  return pattern;
}

static bool glob(std::string_view pattern, std::string_view text) {
  // Back to the last star only: the earlier ones have taken the least they can, which is enough.
  size_t p = 0, t = 0;
  std::optional<size_t> star;
  size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star) {
      p = *star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool NamePattern::match(std::string_view name) const {
  std::string_view rest = text_;
  for (;;) {
    const size_t bar = rest.find('|');
    if (glob(rest.substr(0, bar), name)) return true;
    if (bar == std::string_view::npos) return false;
    rest.remove_prefix(bar + 1);
  }
}

std::string normal_host(std::string_view host) {
  if (host.size() > 255) return "";
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    if (host.find(':') == std::string_view::npos) return "";
  }
  std::string text(host);
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  char shown[INET6_ADDRSTRLEN];
  if (in6_addr v6; inet_pton(AF_INET6, text.c_str(), &v6) == 1 && text.find('\0') == text.npos)
    return inet_ntop(AF_INET6, &v6, shown, sizeof shown);
  if (text.ends_with('.')) text.pop_back();
  if (!is_name(text)) return "";
  in_addr v4;
  if (ends_like_number(text) && inet_pton(AF_INET, text.c_str(), &v4) != 1) return "";
  return text;
}

Result<HostPort> split_host_port(std::string_view text) {
  const size_t colon = text.rfind(':');
  const std::string shown = "\"" + std::string(text.substr(0, 300)) + "\"";
  if (colon == std::string_view::npos || colon == 0 || text.back() == ']') {
    return Error{Errc::corrupt, shown + ": expected HOST:PORT"};
  }
  HostPort result;
  result.host = text.substr(0, colon);
  if (!result.host.starts_with('[') && result.host.find(':') != std::string::npos) {
    return Error{Errc::corrupt, shown + ": an IPv6 address is written [ADDRESS]:PORT"};
  }
  uint32_t port = 0;
  const std::string_view digits = text.substr(colon + 1);
  for (char c : digits)
    port = c >= '0' && c <= '9' && port < 100'000 ? port * 10 + (c - '0') : 100'000;
  if (digits.empty() || port < 1 || port > 65535) {
    return Error{Errc::corrupt, shown + ": the port is not 1 to 65535"};
  }
  result.port = static_cast<uint16_t>(port);
  return result;
}

Result<HostPattern> HostPattern::parse(std::string_view text, bool any_port) {
  HostPort parts;
  if (any_port && text.ends_with(":*")) {
    parts.host = text.substr(0, text.size() - 2);
  } else {
    Result<HostPort> split = split_host_port(text);
    if (!split) return split.error();
    parts = *split;
  }
  HostPattern pattern;
  pattern.port_ = parts.port;
  std::string_view name = parts.host;
  std::string prefix;
  if (name == "*") {
    pattern.host_ = name;
    return pattern;
  }
  if (name.starts_with("*.")) {
    prefix = "*.";
    name.remove_prefix(2);
  }
  if (name.find('*') != std::string_view::npos) {
    return Error{Errc::corrupt, "\"" + std::string(text.substr(0, 300)) +
                                    "\": * can only be the first part of a name"};
  }
  const std::string normal = normal_host(name);
  if (normal.empty() ||
      (!prefix.empty() && (normal.find(':') != std::string::npos || ends_like_number(normal)))) {
    return Error{Errc::corrupt,
                 "\"" + std::string(text.substr(0, 300)) + "\": not a host name or address"};
  }
  pattern.host_ = prefix + normal;
  return pattern;
}

bool HostPattern::match(std::string_view host, uint16_t port) const {
  if (host.empty() || (port_ != 0 && port != port_)) return false;
  if (host_ == "*") return true;
  if (host_.starts_with('*')) {
    const std::string_view below = std::string_view(host_).substr(1);
    return host.size() > below.size() && host.ends_with(below);
  }
  return host == host_;
}

std::string HostPattern::text() const {
  const std::string host = host_.find(':') == std::string::npos ? host_ : "[" + host_ + "]";
  return host + ":" + (port_ == 0 ? "*" : std::to_string(port_));
}

}  // namespace policies
