#include "agent/chart_look.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/text.h"

namespace agent {

using nlohmann::json;

namespace {

// What people tell apart at a glance; bars that lie, stand in groups or on each other are bars.
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kFamilies = {{
    {"bar chart", "bar"},
    {"horizontal bar chart", "bar"},
    {"grouped bar chart", "bar"},
    {"stacked bar chart", "bar"},
    {"histogram", "bar"},
    {"line chart", "line"},
    {"area chart", "area"},
    {"scatter plot", "point"},
    {"pie chart", "arc"},
    {"box plot", "boxplot"},
    {"heat map", "rect"},
}};

std::string_view family_of(std::string_view kind) {
  for (const auto& [name, family] : kFamilies)
    if (name == kind) return family;
  return {};
}

std::string mark_of(const json& spec) {
  if (!spec.is_object() || !spec.contains("mark")) return {};
  const json& mark = spec["mark"];
  if (mark.is_string()) return mark.get<std::string>();
  return mark.is_object() && mark.contains("type") && mark["type"].is_string()
             ? mark["type"].get<std::string>()
             : "";
}

std::string with_article(const std::string& kind) {
  return (std::string_view("aeiou").find(kind.front()) == std::string_view::npos ? "a " : "an ") +
         kind;
}

}  // namespace

std::optional<ChartLook> read_look(std::string_view said) {
  said = base::trimmed(said, " ");
  if (said.ends_with('.')) said.remove_suffix(1);
  if (said == "blank") return ChartLook{};
  const size_t at = said.find(';');
  if (at == said.npos) return std::nullopt;
  ChartLook look = {.kind = std::string(base::trimmed(said.substr(0, at), " ")),
                    .state = std::string(base::trimmed(said.substr(at + 1), " "))};
  const bool known = look.state == "complete" || look.state == "no legend" || look.cut();
  if (family_of(look.kind).empty() || !known) return std::nullopt;
  return look;
}

std::string describe(const ChartLook& look) {
  if (look.blank()) return "blank";
  return with_article(look.kind) + ", " +
         (look.state == "complete" ? "nothing cut off" : look.state);
}

std::string doubt_about(const ChartLook& look, const json& spec) {
  if (look.blank()) return "it looks blank";
  if (look.cut()) return "it looks " + look.state;
  std::string mark = mark_of(spec);
  if (mark == "circle" || mark == "square") mark = "point";
  bool known = false;
  for (const auto& [name, family] : kFamilies) known = known || family == mark;
  if (known && mark != family_of(look.kind)) return "it looks like " + with_article(look.kind);
  return {};
}

}  // namespace agent
