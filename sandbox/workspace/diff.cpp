#include "sandbox/workspace/diff.h"

#include <algorithm>
#include <dtl/dtl.hpp>
#include <unordered_map>
#include <vector>

#include "base/utf8.h"

// dtl finds the shortest edit (Wu, Manber, Myers, Miller, O(NP)). It is given numbers, one for each
// different line, because it compares a lot; two texts of 10,000 lines without one in common take
// it 0.25 s. The common beginning and end are cut off first, since most edits are small.

namespace sandbox {

namespace {

constexpr size_t kContext = 3;

using Lines = std::vector<std::string_view>;

/// Each with its newline, so that a missing one at the end is a difference.
Lines split(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

struct LineEdit {
  char sign;  // ' ', '-' or '+'
  std::string_view line;
};

void append_line(std::string& out, const LineEdit& step) {
  out += step.sign;
  for (char c : step.line) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') break;
    out += (byte < 0x20 && c != '\t') || byte == 0x7f ? '?' : c;
  }
  out += '\n';
  if (!step.line.ends_with('\n')) out += "\\ No newline at end of file\n";
}

std::string sizes(std::string_view a, std::string_view b) {
  return std::to_string(a.size()) + " bytes before, " + std::to_string(b.size()) + " now\n";
}

}  // namespace

bool is_binary(std::string_view text) {
  return !base::is_utf8(text) || text.find('\0') != text.npos;
}

std::string unified_diff(std::string_view old_text, std::string_view new_text,
                         std::string_view old_name, std::string_view new_name,
                         const DiffBounds& bounds) {
  if (old_text == new_text) return "";
  std::string out = "--- " + std::string(old_name) + "\n+++ " + std::string(new_name) + "\n";
  if (std::max(old_text.size(), new_text.size()) > bounds.input_bytes) {
    return out + "too large to compare: " + sizes(old_text, new_text);
  }
  if (is_binary(old_text) || is_binary(new_text)) {
    return out + "binary: " + sizes(old_text, new_text);
  }
  const Lines a = split(old_text), b = split(new_text);
  size_t head = 0, tail = 0;
  const size_t shorter = std::min(a.size(), b.size());
  while (head < shorter && a[head] == b[head]) ++head;
  while (tail < shorter - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) ++tail;
  if (std::max(a.size(), b.size()) - head - tail > bounds.input_lines) {
    return out + "too many lines to compare: " + std::to_string(a.size()) + " before, " +
           std::to_string(b.size()) + " now\n";
  }
  std::unordered_map<std::string_view, int> numbers;
  auto number = [&](const Lines& lines) {
    std::vector<int> result;
    for (size_t i = head; i < lines.size() - tail; ++i) {
      result.push_back(
          numbers.try_emplace(lines[i], static_cast<int>(numbers.size())).first->second);
    }
    return result;
  };
  const std::vector<int> x = number(a), y = number(b);
  dtl::Diff<int, std::vector<int>> diff(x, y);
  diff.compose();

  std::vector<LineEdit> steps;
  for (size_t i = head - std::min(head, kContext); i < head; ++i) steps.push_back({' ', a[i]});
  size_t i = head, k = head;
  for (const auto& [element, info] : diff.getSes().getSequence()) {
    if (info.type == dtl::SES_ADD) {
      steps.push_back({'+', b[k++]});
    } else if (info.type == dtl::SES_DELETE) {
      steps.push_back({'-', a[i++]});
    } else {
      steps.push_back({' ', a[i]});
      ++i, ++k;
    }
  }
  for (size_t n = 0; n < std::min(tail, kContext); ++n) steps.push_back({' ', a[i + n]});

  // Hunks: runs of changes with at most 2 * kContext equal lines between them.
  size_t old_line = head - std::min(head, kContext), new_line = old_line;
  for (size_t at = 0; at < steps.size();) {
    size_t change = at;
    while (change < steps.size() && steps[change].sign == ' ') ++change;
    if (change == steps.size()) break;
    const size_t first = std::max(at, change - std::min(change, kContext));
    old_line += first - at, new_line += first - at;
    size_t last = change;  // one past the hunk's last change
    for (size_t n = change, equal = 0; n < steps.size() && equal <= 2 * kContext; ++n) {
      if (steps[n].sign == ' ') {
        ++equal;
      } else {
        equal = 0;
        last = n + 1;
      }
    }
    const size_t end = std::min(steps.size(), last + kContext);
    size_t olds = 0, news = 0;
    std::string body;
    for (size_t n = first; n < end; ++n) {
      olds += steps[n].sign != '+';
      news += steps[n].sign != '-';
      append_line(body, steps[n]);
    }
    auto range = [](size_t line, size_t count) {
      return std::to_string(count == 0 ? line : line + 1) +
             (count == 1 ? "" : "," + std::to_string(count));
    };
    body.insert(0, "@@ -" + range(old_line, olds) + " +" + range(new_line, news) + " @@\n");
    if (out.size() + body.size() > bounds.output_bytes) {
      const size_t room = bounds.output_bytes - std::min(bounds.output_bytes, out.size());
      const size_t newline = room == 0 ? body.npos : body.rfind('\n', room - 1);
      if (newline != body.npos) out += body.substr(0, newline + 1);
      return out + "… the rest is not shown\n";
    }
    out += body;
    old_line += olds, new_line += news;
    at = end;
  }
  return out;
}

}  // namespace sandbox
