#include "agent/percentages.h"

#include <algorithm>
#include <span>

#include "agent/spelled_numbers.h"

namespace agent {

namespace {

bool names_any(std::string_view text, std::span<const std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

}  // namespace

bool asks_for_percentage(std::string_view request, std::string_view plan) {
  static constexpr std::string_view kWords[] = {"percent", "per cent", "%"};
  return names_any(lower_case(request), kWords) && !names_any(plan, kWords);
}

bool has_percentage(std::string_view script) {
  static constexpr std::string_view kWords[] = {"share", "100",    "normalize", "percent",
                                                "pct",   "growth", "rate",      "%"};
  return names_any(lower_case(script), kWords);
}

bool AmountsOnly::allows(std::string_view reply) const {
  return reply.find('%') == std::string_view::npos;
}

std::vector<std::string> AmountsOnly::continuations(std::string_view) const { return {}; }

}  // namespace agent
