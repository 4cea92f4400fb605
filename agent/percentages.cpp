#include "agent/percentages.h"

#include "agent/spelled_numbers.h"

namespace agent {

bool asks_for_percentage(std::string_view request, std::string_view plan) {
  const auto says_so = [](std::string_view text) {
    return has_any(text, {"percent", "per cent", "%"});
  };
  return says_so(lower_case(request)) && !says_so(plan);
}

bool has_percentage(std::string_view script) {
  return has_any(lower_case(script),
                 {"share", "100", "normalize", "percent", "pct", "growth", "rate", "%"});
}

bool AmountsOnly::allows(std::string_view reply) const {
  return reply.find('%') == std::string_view::npos;
}

std::vector<std::string> AmountsOnly::continuations(std::string_view) const { return {}; }

}  // namespace agent
