#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace agent {

/// What a look at the picture of a chart found. Whoever looks says it as `bar chart; complete`,
/// `line chart; cut off at the left`, `pie chart; no legend` or `blank`: what recipes/inspection.py
/// teaches.
struct ChartLook {
  std::string kind = {};   ///< "horizontal bar chart"; empty: blank
  std::string state = {};  ///< "complete", "no legend", "cut off at the left"

  bool blank() const { return kind.empty(); }
  bool cut() const { return state.starts_with("cut off"); }
};

/// What the looker is asked.
inline constexpr std::string_view kLookQuestion = "Check this chart.";

/// Nothing where `said` is not of that form.
std::optional<ChartLook> read_look(std::string_view said);

/// "a horizontal bar chart, nothing cut off".
std::string describe(const ChartLook& look);

/// What speaks against the picture being what `spec` asks for, as a clause ("it looks blank");
/// empty: nothing. A look may err, so it is for the person to judge.
std::string doubt_about(const ChartLook& look, const nlohmann::json& spec);

}  // namespace agent
