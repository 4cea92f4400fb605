#include "server/http/query.h"

#include <algorithm>

namespace server {

namespace {

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

std::string value_in(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (!pair.starts_with(name) || pair.size() <= name.size() || pair[name.size()] != '=') continue;
    std::string value;
    for (size_t i = name.size() + 1; i < pair.size(); ++i) {
      const bool coded =
          pair[i] == '%' && i + 2 < pair.size() && hex(pair[i + 1]) >= 0 && hex(pair[i + 2]) >= 0;
      value += coded ? static_cast<char>(hex(pair[i + 1]) * 16 + hex(pair[i + 2])) : pair[i];
      i += coded ? 2 : 0;
    }
    return value;
  }
  return {};
}

}  // namespace server
