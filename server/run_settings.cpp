#include "server/run_settings.h"

#include <algorithm>

namespace server {

using nlohmann::json;

void keep_settings(const RunSettings& settings, json& setup) {
  if (settings.thinking) setup["think"] = true;
  if (settings.seconds > 0) setup["max_seconds"] = settings.seconds;
  if (settings.reply_tokens > 0) setup["reply_tokens"] = settings.reply_tokens;
}

RunSettings settings_of(const agent::session::Info& session) {
  const auto number = [&](const char* name, int least, int most) {
    const json& value = base::member(session.setup, name);
    return value.is_number_integer() && value >= least && value <= most ? value.get<int>() : 0;
  };
  return {.id = session.id,
          .thinking = base::member(session.setup, "think") == true,
          .reply_tokens = number("reply_tokens", kMinReply, kMaxReply),
          .seconds = number("max_seconds", kMinSeconds, 24 * kMaxSeconds)};
}

void take_limits(const json& setup, agent::RunOptions& limits) {
  const auto amount = [](const json& value) {
    return value.is_number() && value > 0 && value < 1e15 ? value.get<double>() : 0;
  };
  if (const double turns = amount(base::member(setup, "max_turns")); turns >= 1)
    limits.max_turns = static_cast<int>(std::min(turns, 100.0));
  limits.max_tokens = static_cast<int64_t>(amount(base::member(setup, "max_tokens")));
  limits.max_bytes = static_cast<int64_t>(amount(base::member(setup, "max_bytes")));
  const json& prices = base::member(setup, "prices");
  if (prices.is_array() && prices.size() == 2)
    limits.prices = {.prompt = amount(prices[0]), .completion = amount(prices[1])};
  limits.max_cost = amount(base::member(setup, "max_cost"));
}

}  // namespace server
