#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "tools/vega/datum.h"

namespace tools::vega {

/// Reads the bytes behind a "url". The caller decides which paths exist; nothing here opens a
/// socket.
using UrlLoader = std::function<base::Result<std::string>(std::string_view url)>;
/// A loader for files below `folder`: relative paths without "..", no schemes.
/// Errors of it: refused (a path that leaves the folder or names a host), not_found.
UrlLoader folder_loader(std::string folder);

struct LoadContext {
  UrlLoader url = {};  ///< empty: urls are refused
  const Row* datasets =
      nullptr;  ///< the specification's "datasets", for {"name": …}; may be nullptr
  const Row* names = nullptr;  ///< parameters for sequence expressions; may be nullptr
};

/// Reads a Vega-Lite "data" object: values, url, name, sequence; format csv, tsv, dsv, json.
/// Without format.parse, delimited text stays text: as in Vega-Lite, whoever compiles the encodings
/// asks for the types it needs by parse_types(). A value that is no object becomes {"data": value}.
/// Errors: usage (the property and what is wrong), unsupported (graticule, sphere, topojson, by
/// name), corrupt (text that is not its format, with the line), limit (more than kMaxRows rows).
base::Result<Rows> load_data(const Row& data, const LoadContext& context);

/// Delimited text to rows of texts; the first line names the columns.
/// Errors: usage (the delimiter is not one byte), limit.
base::Result<Rows> read_delimited(std::string_view text, char delimiter);
/// Converts texts as Vega's "auto" does: a column is boolean, integer, number, date or text, the
/// first that all its values allow; empty texts become null.
void infer_types(Rows& rows);
/// Converts the columns that `parse` names: {"a": "number", "b": "date:'%Y'"}; null leaves a
/// column.
base::Status parse_types(Rows& rows, const Row& parse);

}  // namespace tools::vega
