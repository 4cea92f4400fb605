#include "agent/mentions.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "agent/spelled_numbers.h"

namespace agent {
namespace {

bool in_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.' ||
         c == '/' || c == '~' || c == '*' || static_cast<unsigned char>(c) >= 0x80;
}

std::string_view last_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

constexpr char kFilledIn = 1;  // no name holds it

/// `text` with a mark for what a plan of renaming fills in: of "doc_{n:3}.txt", the braces.
std::string with_marks(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t end = at + 1;
    while (text[at] == '{' && end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == ':' ||
            text[end] == '%' || text[end] == '-'))
      ++end;
    if (text[at] != '{' || end == text.size() || text[end] != '}') {
      out += text[at++];
    } else {
      out += kFilledIn;
      at = end + 1;
    }
  }
  return out;
}

/// What a mark can stand for: a number, a date, or a part of a name that is there.
bool can_fill(std::string_view filler, const std::vector<std::string>& files) {
  if (filler.find_first_not_of("0123456789-_") == std::string_view::npos) return true;
  return std::any_of(files.begin(), files.end(), [&](const std::string& file) {
    return lower_case(last_name(file)).find(filler) != std::string::npos;
  });
}

/// Whether `pattern` becomes `name` when its marks are filled in.
bool fills_in(std::string_view name, std::string_view pattern,
              const std::vector<std::string>& files) {
  std::vector<bool> ends(name.size() + 1);  // lengths of `name` that the pattern so far can spell
  ends[0] = true;
  for (const char c : pattern) {
    std::vector<bool> next(ends.size());
    for (size_t at = 0; at < ends.size(); ++at) {
      if (!ends[at]) continue;
      if (c != kFilledIn && at < name.size() && name[at] == c) next[at + 1] = true;
      for (size_t end = at; c == kFilledIn && end < ends.size(); ++end)
        if (!next[end] && can_fill(name.substr(at, end - at), files)) next[end] = true;
    }
    ends = std::move(next);
  }
  return ends[name.size()];
}

/// Whether one of the texts between the quotes of `marked` becomes `name`: "dataset_iris.txt" of
/// "dataset_{1}.txt" where an "iris.rst" is. A mark alone says nothing of a name.
bool is_filled_in(std::string_view name, std::string_view marked,
                  const std::vector<std::string>& files) {
  constexpr size_t kLongest = 120;
  while (!marked.empty() && name.size() <= kLongest) {
    const size_t end = std::min(marked.find('"'), marked.size());
    std::string_view text = last_name(marked.substr(0, end));
    if (text.ends_with('\\')) text.remove_suffix(1);
    const auto marks = static_cast<size_t>(std::count(text.begin(), text.end(), kFilledIn));
    if (marks > 0 && marks < text.size() && text.size() <= kLongest && fills_in(name, text, files))
      return true;
    marked.remove_prefix(std::min(end + 1, marked.size()));
  }
  return false;
}

bool names_a_file(std::string_view name) {
  constexpr std::array<std::string_view, 10> kExtensions = {
      ".csv", ".tsv", ".json", ".ndjson", ".jsonl", ".txt", ".md", ".log", ".xlsx", ".parquet"};
  return name.find('*') == std::string_view::npos &&
         std::any_of(kExtensions.begin(), kExtensions.end(), [&](std::string_view extension) {
           return name.size() > extension.size() && name.ends_with(extension);
         });
}

}  // namespace

std::vector<std::string> new_files(std::string_view request,
                                   const std::vector<std::string>& files) {
  std::vector<std::string> names;
  for (size_t at = 0; at < request.size();) {
    size_t end = at;
    while (end < request.size() && in_name(request[end])) ++end;
    std::string_view word = request.substr(at, end - at);
    at = end + 1;
    while (word.ends_with('.')) word.remove_suffix(1);
    const std::string path = lower_case(word);
    const std::string_view name = last_name(path);
    if (names_a_file(name) && std::none_of(files.begin(), files.end(), [&](const auto& file) {
          return lower_case(last_name(file)) == name;
        }))
      names.emplace_back(word);
  }
  return names;
}

std::optional<std::string> ignored_file(std::string_view request,
                                        const std::vector<std::string>& files,
                                        std::string_view call) {
  const std::string said = lower_case(call);
  const std::string marked = with_marks(said);
  for (const std::string& word : new_files(request, files)) {
    const std::string path = lower_case(word);
    const std::string_view name = last_name(path);
    if (said.find(name) == std::string::npos && !is_filled_in(name, marked, files)) return word;
  }
  return std::nullopt;
}

}  // namespace agent
