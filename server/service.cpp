#include "server/service.h"

#include <algorithm>

namespace server {

std::optional<ApiError> wrong_model(const ModelFacts& facts, const std::string& asked) {
  const auto& aliases = facts.aliases;
  if (asked.empty() || asked == facts.id ||
      std::find(aliases.begin(), aliases.end(), asked) != aliases.end())
    return std::nullopt;
  return ApiError{.status = 404,
                  .message = "The model '" + asked + "' does not exist here; this server has '" +
                             facts.id + "'.",
                  .param = "model",
                  .code = "model_not_found"};
}

}  // namespace server
