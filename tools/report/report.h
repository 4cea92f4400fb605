#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

/// tools::report: pages that are one file and load nothing from anywhere. What goes into them is
/// untrusted; a page's own Content-Security-Policy forbids every request.
namespace tools::report {

/// Where a page takes what it embeds from. A path is as it stands in the document, decoded.
struct Assets {
  /// The bytes of a file. Errors: those of reading it.
  std::function<base::Result<std::string>(const std::string& path)> bytes = {};
  /// The rows of a table file, the header first. Errors: those of reading it.
  std::function<base::Result<std::vector<std::vector<std::string>>>(const std::string& path)> rows =
      {};
};

/// A Markdown text as one HTML page, for light and dark screens. Pictures (png, jpeg, gif, webp,
/// svg) are embedded, `![caption](sales.csv)` becomes a table; raw HTML is shown as text, links
/// that are not http, https, mailto or within the page lead nowhere. title: "" is the first
/// heading. Errors: usage (a picture from elsewhere), limit (4 MB of text, 64 MB of page), those of
/// assets.
base::Result<std::string> markdown_page(const std::string& markdown, const std::string& title,
                                        const Assets& assets);

struct Page {
  std::string title{};
  std::string html{};  ///< of the body, or a whole document
  std::string css{};
  std::string js{};
};

/// A small web page as one file. Pictures that lie in the workspace are embedded.
/// Errors: usage: the first reference to something outside the page, with its tag or rule; limit.
base::Result<std::string> build_page(const Page& page, const Assets& assets);

/// What in a finished page would be loaded from elsewhere, a sentence each; empty is as it should
/// be.
std::vector<std::string> external_references(const std::string& html);

}  // namespace tools::report
