#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tools/report/report.h"

namespace tools::report {

/// & < > " ' as entities.
std::string escape(std::string_view text);
/// Named and numbered entities of ASCII as characters.
std::string unescape(std::string_view text);

/// One tag of an HTML text, or the text up to the next one.
struct Piece {
  enum Kind { text, open, close, comment, raw } kind = text;  ///< raw: inside script or style
  std::string_view source{};                                  ///< as it stands there
  std::string name{};                                         ///< of a tag, in lower case
  std::vector<std::pair<std::string, std::string>>
      attributes{};  ///< names in lower case, unescaped
};

/// Cuts an HTML text into tags and texts the way a browser does, as far as references go.
std::vector<Piece> pieces_of(std::string_view html);

/// A picture inside a page.
struct Embedded {
  std::string uri{};  ///< data:
  int width = 0;      ///< CSS pixels that the file wants to be shown at; 0: it does not say
};

/// The picture that is referred to. Errors: usage (it leads elsewhere), unsupported (the kind of
/// file).
base::Result<Embedded> embedded(const std::string& path, const Assets& assets);

/// Whether a URL loads from outside: it has a scheme other than data:, or begins with //.
bool leads_outside(const std::string& url);

/// The first thing that a style sheet would load from outside, or "".
std::string external_in_css(std::string_view css);

/// The head of a page up to and with <body>. policy: the content of its security policy.
std::string page_head(const std::string& title, const std::string& css, const std::string& policy);

}  // namespace tools::report
