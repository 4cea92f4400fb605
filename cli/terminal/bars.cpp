#include "cli/terminal/bars.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/terminal/text.h"

namespace cli {

using nlohmann::json;

namespace {

constexpr size_t kMostBars = 40;
constexpr int kMostColumns = 100;

struct Bar {
  std::string label;
  double value;
  std::string said;  // the value
};

/// The column behind a channel, if it is of that kind and drawn as it is.
std::string field_of(const json& encoding, const char* channel, bool quantitative) {
  if (!encoding.contains(channel) || !encoding[channel].is_object()) return {};
  const json& one = encoding[channel];
  for (const char* changes : {"aggregate", "bin", "timeUnit"})
    if (one.contains(changes)) return {};
  const bool is = one.contains("type") && one["type"] == "quantitative";
  if (is != quantitative || !one.contains("field") || !one["field"].is_string()) return {};
  return one["field"].get<std::string>();
}

std::string text_of(const json& value) {
  if (value.is_string()) return shown_line(value.get<std::string>());
  return value.is_null() ? "–"
                         : shown_line(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

std::string number_text(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.10g", value);
  return text;
}

std::string bar_of(double columns) {
  static constexpr const char* kParts[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = std::max(1, static_cast<int>(std::lround(columns * 8)));
  std::string bar;
  for (int i = 0; i < eighths / 8; ++i) bar += "█";
  return bar + kParts[eighths % 8];
}

}  // namespace

std::string bars_text(const json& spec, const Look& look) {
  const json none = json::object();
  const auto object = [&](const json& in, const char* name) -> const json& {
    return in.is_object() && in.contains(name) && in[name].is_object() ? in[name] : none;
  };
  const json& encoding = object(spec, "encoding");
  const json& data = object(spec, "data");
  if (!spec.is_object() || !spec.contains("mark") || spec["mark"] != "bar" ||
      !data.contains("values") || !data["values"].is_array() || data["values"].empty() ||
      data["values"].size() > kMostBars)
    return {};
  const bool upright = !field_of(encoding, "y", true).empty();
  const std::string label = field_of(encoding, upright ? "x" : "y", false);
  const std::string value = field_of(encoding, upright ? "y" : "x", true);
  const std::string series = field_of(encoding, "color", false);
  if (label.empty() || value.empty()) return {};
  std::vector<Bar> bars;
  int labels = 0, values = 0;
  double most = 0;
  for (const json& row : data["values"]) {
    if (!row.is_object() || !row.contains(label) || !row.contains(value) || !row[value].is_number())
      return {};
    const double number = row[value].get<double>();
    if (!std::isfinite(number)) return {};
    std::string name = text_of(row[label]);
    if (!series.empty() && series != label && row.contains(series))
      name += " · " + text_of(row[series]);
    bars.push_back({cut(name, look.columns / 3), number, number_text(number)});
    labels = std::max(labels, width(bars.back().label));
    values = std::max(values, width(bars.back().said));
    most = std::max(most, std::abs(number));
  }
  const int room = std::max(5, std::min(look.columns, kMostColumns) - labels - values - 4);
  std::string out;
  if (spec.contains("title") && spec["title"].is_string())
    out = styled(cut(shown_line(spec["title"].get<std::string>()), look.columns - 1), kBold, look) +
          "\n";
  for (const Bar& bar : bars) {
    const std::string line = bar.value == 0 ? "" : bar_of(std::abs(bar.value) / most * room);
    out += bar.label + std::string(static_cast<size_t>(labels - width(bar.label) + 1), ' ') +
           styled(line, bar.value < 0 ? kRed : kCyan, look) + (line.empty() ? "" : " ") + bar.said +
           "\n";
  }
  return out;
}

}  // namespace cli
