#include "tools/file/find.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include "sandbox/workspace/text.h"
#include "tools/file/beneath.h"
#include "tools/file/name_template.h"
#include "tools/file/pattern.h"
#include "tools/file/produce.h"

namespace tools::file {

using base::Errc;
using base::Error;

namespace {

constexpr uint64_t kMaxSearched = 64u << 20;
constexpr uint64_t kMaxSearchedTogether = 4ull << 30;
constexpr size_t kMaxLine = 200;

std::string day_of(int64_t time_ns) {
  base::Result<std::string> day = format_time("find", "%Y-%m-%d", time_ns);
  return day ? *day : "?";
}

bool is_day(const std::string& text) {
  if (text.size() != 10) return false;
  for (size_t i = 0; i < 10; ++i)
    if (i == 4 || i == 7 ? text[i] != '-' : text[i] < '0' || text[i] > '9') return false;
  return true;
}

/// Where `wanted` is first, as a line and its text.
std::optional<std::pair<size_t, std::string>> first_line(const std::string& text,
                                                         const std::string& wanted) {
  const size_t at = text.find(wanted);
  if (at == text.npos) return {};
  const auto line = static_cast<size_t>(
      std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1);
  const size_t begin = at == 0 ? 0 : text.rfind('\n', at - 1) + 1;
  const size_t end = std::min(text.find('\n', at), text.size());
  return std::pair{line, sandbox::printable(text.substr(begin, std::min(end - begin, kMaxLine)))};
}

}  // namespace

base::Result<Found> find(int top, const FindOptions& o) {
  const std::string glob = o.glob.starts_with("./") ? o.glob.substr(2) : o.glob;
  base::Result<Pattern> pattern = Pattern::glob("find", glob, o.ignore_case);
  if (!pattern) return pattern.error();
  if (o.type != "file" && o.type != "folder" && o.type != "link" && o.type != "any")
    return Error{Errc::usage,
                 "find: type is " + in_quotes(o.type) + "; it can be file, folder, link, any"};
  if (o.order != "name" && o.order != "date" && o.order != "size")
    return Error{Errc::usage,
                 "find: order is " + in_quotes(o.order) + "; it can be name, date, size"};
  for (const std::string& day : {o.since, o.until})
    if (!day.empty() && !is_day(day))
      return Error{Errc::usage, "find: " + in_quotes(day) + " is no day such as 2024-05-31"};
  base::Result<Listing> listing = list(top);
  if (!listing) return listing.error();
  Found found;
  uint64_t searched = 0;
  for (Entry& entry : listing->entries) {
    const bool right_type = o.type == "any" || (o.type == "file" && entry.kind == Kind::file) ||
                            (o.type == "folder" && entry.kind == Kind::folder) ||
                            (o.type == "link" && entry.kind == Kind::link);
    if (!right_type || entry.bytes < o.min_bytes || entry.bytes > o.max_bytes) continue;
    if (!pattern->matches(entry.path)) continue;
    if (!o.since.empty() && day_of(entry.mtime_ns) < o.since) continue;
    if (!o.until.empty() && day_of(entry.mtime_ns) > o.until) continue;
    Found::Hit hit;
    if (!o.contains.empty()) {
      if (entry.kind != Kind::file || entry.bytes > kMaxSearched) continue;
      if ((searched += entry.bytes) > kMaxSearchedTogether)
        return Error{Errc::limit, "find: more than 4 GB to search; narrow the glob"};
      base::Result<std::string> text = read_beneath(top, entry.path, kMaxSearched, "find");
      if (!text) continue;  // gone, closed or grown meanwhile
      const auto place = first_line(*text, o.contains);
      if (!place) continue;
      hit.line = place->first;
      hit.text = place->second;
    }
    hit.entry = std::move(entry);
    found.hits.push_back(std::move(hit));
  }
  if (o.order != "name")
    std::stable_sort(found.hits.begin(), found.hits.end(),
                     [&](const Found::Hit& a, const Found::Hit& b) {
                       return o.order == "date" ? a.entry.mtime_ns > b.entry.mtime_ns
                                                : a.entry.bytes > b.entry.bytes;
                     });
  else
    std::stable_sort(
        found.hits.begin(), found.hits.end(),
        [](const Found::Hit& a, const Found::Hit& b) { return a.entry.path < b.entry.path; });
  found.total = found.hits.size();
  if (found.hits.size() > o.limit) found.hits.resize(o.limit);
  return found;
}

std::string found_text(const Found& found) {
  if (found.total == 0) return "nothing was found\n";
  std::string out;
  for (const Found::Hit& hit : found.hits) {
    const Entry& e = hit.entry;
    out += sandbox::printable(e.path);
    if (e.kind == Kind::file) out += "  " + std::to_string(e.bytes) + " bytes";
    if (e.kind == Kind::folder) out += "/";
    if (e.kind == Kind::link) out += " -> " + sandbox::printable(e.target);
    out += "  " + day_of(e.mtime_ns);
    if (hit.line > 0) out += "  line " + std::to_string(hit.line) + ": " + hit.text;
    out += "\n";
  }
  if (found.total > found.hits.size())
    out += "… and " + std::to_string(found.total - found.hits.size()) + " more\n";
  return out;
}

}  // namespace tools::file
