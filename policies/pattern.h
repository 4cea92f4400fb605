#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "policies/shell.h"

namespace policies {

/// How surely a pattern matches words of which some are only known when they are run.
enum class Match { no, maybe, yes };

/// Words that a command must have, first the program without its folder. Each is `*` (any one
/// word), `**` (any number of words, none too), or a literal with alternatives: `rm|rmdir`.
class CommandPattern {
 public:
  /// words: 1 to 32.
  /// Errors: corrupt, naming the word.
  static base::Result<CommandPattern> parse(const std::vector<std::string>& words);

  /// `maybe`: it depends on the value of a word that is not known.
  Match match(const std::vector<ShellWord>& words) const;

  const std::vector<std::string>& words() const { return words_; }
  bool operator==(const CommandPattern& other) const { return words_ == other.words_; }

 private:
  std::vector<std::string> words_;
};

/// A name with alternatives in which `*` stands for any text: `read_*|list_files`.
class NamePattern {
 public:
  /// Errors: corrupt.
  static base::Result<NamePattern> parse(std::string_view text);

  bool match(std::string_view name) const;

  const std::string& text() const { return text_; }
  bool operator==(const NamePattern&) const = default;

 private:
  std::string text_;
};

/// HOST:PORT, where HOST is a name, an address ([…] around IPv6), `*.NAME` for the names below
/// NAME, or `*` for every name and address.
class HostPattern {
 public:
  /// any_port: PORT may be `*`.
  /// Errors: corrupt.
  static base::Result<HostPattern> parse(std::string_view text, bool any_port);

  /// host: as normal_host() gives it.
  bool match(std::string_view host, uint16_t port) const;
  /// Whether it names one host and no wildcard stands in it.
  bool literal() const { return !host_.starts_with('*'); }

  /// As written, in lower case.
  std::string text() const;
  bool operator==(const HostPattern&) const = default;

 private:
  std::string host_;   ///< in lower case, an IPv6 address without brackets
  uint16_t port_ = 0;  ///< 0 is any
};

/// A host name or address as patterns compare it: in lower case, without the dot at its end and
/// without the brackets of IPv6. Empty if no host is spelt so.
std::string normal_host(std::string_view host);

/// A host as it was written, and a port.
struct HostPort {
  std::string host;
  uint16_t port = 0;
};
/// Takes HOST:PORT apart. The port is 1 to 65535; the host is not looked at.
/// Errors: corrupt.
base::Result<HostPort> split_host_port(std::string_view text);

}  // namespace policies
