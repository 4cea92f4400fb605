// The policies that are part of the program, and the way from a name to one.

#include "policies/policy.h"

namespace policies {

extern const std::string_view embedded_default;
extern const std::string_view embedded_strict;
extern const std::string_view embedded_review;
extern const std::string_view embedded_open_network;

std::vector<std::string_view> builtin_names() {
  return {"default", "strict", "review", "open-network"};
}

std::string_view builtin_text(std::string_view name) {
  if (name == "default") return embedded_default;
  if (name == "strict") return embedded_strict;
  if (name == "review") return embedded_review;
  if (name == "open-network") return embedded_open_network;
  return {};
}

base::Result<Policy> builtin(std::string_view name) {
  const std::string_view text = builtin_text(name);
  if (!text.empty()) return parse(text, std::string(name) + " policy");
  std::string known;
  for (std::string_view one : builtin_names()) {
    if (!known.empty()) known += ", ";
    known += one;
  }
  return base::Error{base::Errc::not_found,
                     "no policy \"" + std::string(name) + "\"; built in: " + known};
}

base::Result<Policy> find(const std::string& name_or_path) {
  std::error_code ignored;
  if (std::filesystem::is_regular_file(name_or_path, ignored)) return load(name_or_path);
  return builtin(name_or_path);
}

}  // namespace policies
