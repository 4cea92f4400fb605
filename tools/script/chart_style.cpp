// The helpers decide here what a person would: the order of names, where an axis begins, whether
// names fit below their bars. What comes out is an ordinary specification for tools/vega.
#include "tools/script/chart_style.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/json.h"
#include "tools/script/chart_words.h"
#include "tools/vega/bounds.h"
#include "tools/vega/calendar.h"
#include "tools/vega/datum.h"
#include "tools/vega/natural_order.h"

namespace tools::script {
namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

constexpr double kWidth = 800, kHeight = 500;
constexpr double kPlotWidth = 690;  // about what an axis and its title leave of it
constexpr double kLegendWidth = 110;
constexpr size_t kMaxBars = 2'000, kMaxSeries = 200;
constexpr double kMaxMagnitude = 1e300;
constexpr const char* kInk = "#262626";

// Okabe and Ito's palette without black and yellow, then six more that stay apart for colour-blind
// readers.
json palette() {
  return {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9",
          "#6B4226", "#7A7A7A", "#332288", "#882255", "#999933", "#1B5E4A"};
}

json config() {
  const json ramp = {"#440154", "#482878", "#3E4989", "#31688E", "#26828E",
                     "#1F9E89", "#35B779", "#6ECE58", "#B5DE2B"};
  return {
      {"view", {{"stroke", nullptr}}},
      {"range", {{"category", palette()}, {"ramp", ramp}, {"heatmap", ramp}}},
      {"mark", {{"color", "#0072B2"}}},
      {"title",
       {{"fontSize", 18}, {"color", kInk}, {"anchor", "start"}, {"offset", 14}, {"limit", 760}}},
      {"axis",
       {{"labelFontSize", 12},
        {"titleFontSize", 13},
        {"titleFontWeight", "normal"},
        {"labelColor", "#525252"},
        {"titleColor", kInk},
        {"gridColor", "#E4E4E4"},
        {"domainColor", "#8C8C8C"},
        {"tickColor", "#8C8C8C"},
        {"titlePadding", 10},
        {"labelLimit", 260}}},
      {"legend",
       {{"labelFontSize", 12},
        {"titleFontSize", 13},
        {"titleFontWeight", "normal"},
        {"labelColor", "#525252"},
        {"titleColor", kInk},
        {"labelLimit", 170},
        {"symbolLimit", 30}}},
      {"line", {{"strokeWidth", 2.2}}},
      {"text", {{"fontSize", 11}, {"color", kInk}}}};
}

// One channel: its values, one per row.
struct Channel {
  std::string title, type;
  std::vector<json> values;
  bool present = false;
  bool years = false;    // whole numbers that are years: 2012, not 2,012
  bool natural = false;  // names in an order of their own

  bool named() const { return type == "nominal" || type == "ordinal"; }

  // The different values in the order of their first appearance.
  json names() const {
    std::set<std::string> seen;
    json list = json::array();
    for (const json& value : values)
      if (seen.insert(value.dump(-1, ' ', false, json::error_handler_t::replace)).second)
        list.push_back(value);
    return list;
  }
  std::vector<double> numbers() const {
    std::vector<double> list;
    for (const json& value : values)
      if (value.is_number()) list.push_back(value.get<double>());
    return list;
  }
};

const json& member(const json& object, const char* name) {
  static const json none;
  const auto it = object.is_object() ? object.find(name) : object.end();
  return object.is_object() && it != object.end() ? *it : none;
}

// "2014-03-05" or "2014-03-05 10:20:00" as UTC; the shifts of a local zone would move days.
std::optional<double> milliseconds(const json& value) {
  if (!value.is_string()) return std::nullopt;
  std::string text = value.get<std::string>();
  if (text.size() > 10 && text[10] == ' ') text[10] = 'T', text += 'Z';
  const double ms = vega::parse_date(text);
  return std::isfinite(ms) ? std::optional(ms) : std::nullopt;
}

Channel read(const json& plain, const char* channel) {
  Channel column;
  const json& def = member(member(plain, "encoding"), channel);
  if (!def.is_object()) return column;
  const json& field = member(def, "field");
  if (!field.is_string()) return column;
  column.present = true;
  column.title = human_title(field.get<std::string>());
  const json& type = member(def, "type");
  column.type = type.is_string() ? type.get<std::string>() : "nominal";
  // Different names stay different even where what is shown of them agrees.
  std::map<std::string, std::string> shown;
  std::map<std::string, int> uses;
  for (const json& row : plain["data"]["values"]) {
    json value = member(row, field.get_ref<const std::string&>().c_str());
    if (value.is_string()) {
      const auto [it, fresh] = shown.try_emplace(value.get<std::string>());
      if (fresh) {
        std::string clean = clean_text(it->first);
        if (clean.empty()) clean = "(empty)";
        const int n = ++uses[clean];
        it->second = n == 1 ? clean : clean + " (" + std::to_string(n) + ")";
      }
      value = it->second;
    }
    column.values.push_back(std::move(value));
  }
  if (column.type == "temporal") {
    std::vector<json> times;
    size_t read = 0, known = 0;
    for (const json& value : column.values) {
      const std::optional<double> ms = milliseconds(value);
      read += ms.has_value();
      known += !value.is_null();
      times.push_back(ms ? json(*ms) : json());
    }
    if (read * 2 < known)
      column.type = "ordinal";  // "2014 Q1": names in order
    else
      column.values = std::move(times);
  }
  if (column.named())
    for (json& value : column.values)
      if (value.is_null()) value = "(missing)";
  const std::vector<double> numbers = column.numbers();
  if (!numbers.empty() && numbers.size() == column.values.size() && column.type != "temporal") {
    const auto [lo, hi] = std::minmax_element(numbers.begin(), numbers.end());
    const bool whole =
        std::all_of(numbers.begin(), numbers.end(), [](double v) { return v == std::floor(v); });
    const bool says_so = column.title.find("year") != std::string::npos ||
                         column.title.find("Year") != std::string::npos;
    column.years = whole && (says_so ? *lo >= 1000 && *hi <= 3000 : *lo >= 1700 && *hi <= 2100);
  }
  return column;
}

std::string shown(const json& value) {
  return value.is_string() ? value.get<std::string>() : plain_number(value.get<double>());
}

// Names in their own order: numbers by size, months, weekdays and dates by the calendar; others as
// the rows have them.
json ordered(Channel& column) {
  json names = column.names();
  const bool numbers =
      std::all_of(names.begin(), names.end(), [](const json& v) { return v.is_number(); });
  if (numbers) {
    std::sort(names.begin(), names.end());
    column.natural = true;
    return names;
  }
  std::vector<std::string> texts;
  for (const json& name : names)
    texts.push_back(name.is_primitive() && !name.is_null() ? vega::to_text(name) : "");
  const std::optional<vega::NaturalOrder> order = vega::natural_order(texts);
  if (!order) return names;
  column.natural = true;
  std::vector<size_t> places(texts.size());
  for (size_t i = 0; i < places.size(); ++i) places[i] = i;
  std::stable_sort(places.begin(), places.end(),
                   [&](size_t a, size_t b) { return order->keys[a] < order->keys[b]; });
  json sorted = json::array();
  for (const size_t i : places) sorted.push_back(names[i]);
  return sorted;
}

// Sorted, up or down, and long enough not to be so by chance.
bool sorted_on_purpose(const std::vector<double>& values) {
  return values.size() > 3 && (std::is_sorted(values.begin(), values.end()) ||
                               std::is_sorted(values.rbegin(), values.rend()));
}

// Whether an axis of readings should begin at zero: when the data nearly does.
bool reaches_for_zero(const Channel& column) {
  const std::vector<double> numbers = column.numbers();
  if (numbers.empty()) return true;
  const auto [lo, hi] = std::minmax_element(numbers.begin(), numbers.end());
  return *lo == *hi || (*lo >= 0 && *lo <= 0.35 * *hi) || (*hi <= 0 && *hi >= 0.35 * *lo);
}

Error too_many(size_t count, size_t most, const char* what) {
  return {Errc::limit, "chart: " + std::to_string(count) + " " + what +
                           " are too many to draw; at most " + std::to_string(most)};
}

class Styler {
 public:
  Styler(ChartKind kind, const json& plain) : kind_(kind), plain_(plain) {}

  base::Result<json> run() {
    x_ = read(plain_, kind_ == ChartKind::pie ? "color" : "x");
    y_ = read(plain_, kind_ == ChartKind::pie ? "theta" : "y");
    if (kind_ != ChartKind::pie) color_ = read(plain_, "color");
    own_color_ = color_.present && member(member(plain_["encoding"], "color"), "field") ==
                                       member(member(plain_["encoding"], "x"), "field");
    if (base::Status ok = check(); !ok) return ok.error();
    spec_ = {{"width", kWidth},
             {"height", kHeight},
             {"autosize", {{"type", "fit"}, {"contains", "padding"}}},
             {"padding", 14},
             {"background", "white"},
             {"config", config()},
             {"encoding", json::object()}};
    const json& title = member(plain_, "title");
    if (title.is_string()) spec_["title"] = clean_text(title.get_ref<const std::string&>(), 240);
    switch (kind_) {
      case ChartKind::bar:
      case ChartKind::box:
        bars();
        break;
      case ChartKind::line:
      case ChartKind::area:
        lines();
        break;
      case ChartKind::scatter:
        points();
        break;
      case ChartKind::hist:
        histogram();
        break;
      case ChartKind::heatmap:
        cells();
        break;
      case ChartKind::pie:
        pie();
        break;
    }
    rows();
    return std::move(spec_);
  }

 private:
  base::Status check() {
    for (const Channel* column : {&x_, &y_})
      for (const double value : column->numbers())
        if (column->type != "temporal" && std::abs(value) > kMaxMagnitude) {
          const char* channel = column == &x_ ? "x" : "y";
          return Error{
              Errc::usage,
              "chart: a value of \"" +
                  clean_text(vega::to_text(member(member(plain_["encoding"], channel), "field")),
                             60) +
                  "\" is too large to draw: " + plain_number(value)};
        }
    const size_t names = x_.named() ? x_.names().size() : 0;
    if (kind_ == ChartKind::pie) {
      double total = 0;
      for (size_t i = 0; i < y_.values.size(); ++i) {
        const double value = y_.values[i].is_number() ? y_.values[i].get<double>() : 0;
        if (value < 0)
          return Error{Errc::usage, "chart: a pie cannot show a negative value (" +
                                        shown(x_.values[i]) + ": " + grouped_digits(value, 2) +
                                        ")"};
        total += value;
      }
      if (total <= 0) return Error{Errc::usage, "chart: all slices of the pie are zero"};
      if (names > kMaxSeries) return too_many(names, kMaxSeries, "slices");
      return base::Ok{};
    }
    if (names > kMaxBars) return too_many(names, kMaxBars, "bars");
    if (kind_ == ChartKind::box && names > kMaxSeries) return too_many(names, kMaxSeries, "boxes");
    if (y_.named() && y_.names().size() > kMaxBars)
      return too_many(y_.names().size(), kMaxBars, "names on an axis");
    if (color_.present && color_.named() && !own_color_ && color_.names().size() > kMaxSeries)
      return too_many(color_.names().size(), kMaxSeries, "series");
    return base::Ok{};
  }

  double width_of(const std::string& text, double font_size) {
    if (!metrics_) metrics_ = vega::pango_metrics();
    vega::Style style;
    style.font_size = font_size;
    return metrics_->width(text, style);
  }

  double widest(const json& names, double font_size) {
    double width = 0;
    for (const json& name : names)
      width = std::max(width, width_of(name.is_primitive() ? vega::to_text(name) : "", font_size));
    return width;
  }

  bool has_legend() const { return color_.present && !own_color_; }
  double plot_width() const { return kPlotWidth - (has_legend() ? kLegendWidth : 0); }

  json axis_of(const Channel& column) const {
    json axis = {{"title", column.title}};
    if (column.years) axis["format"] = "d";
    return axis;
  }

  // A channel of names, in their order; of numbers or of times.
  json channel(const char* field, Channel& column, bool zero) {
    json def = {{"field", field}, {"type", column.type}, {"axis", axis_of(column)}};
    if (column.named()) {
      def["sort"] = ordered(column);
      def["axis"].erase("format");
    } else if (column.type == "temporal") {
      def["scale"] = {{"type", "utc"}};
      // One moment, or a few of a kind, need no ticks between them.
      const json names = column.names();
      if (names.size() <= 2) def["axis"]["values"] = names;
    } else {
      def["scale"] = {{"zero", zero}};
      const std::vector<double> numbers = column.numbers();
      if (std::all_of(numbers.begin(), numbers.end(), [](double v) { return v == std::floor(v); }))
        def["axis"]["tickMinStep"] = 1;
    }
    return def;
  }

  // Names below a plot: level if they fit, else every other one if they have an order, else turned.
  void fit_names(json& def, const Channel& column) {
    const json& names = def["sort"];
    const double room = plot_width() / static_cast<double>(std::max<size_t>(names.size(), 1));
    def["axis"]["labelAngle"] = 0;
    if (widest(names, 12) + 6 <= room) return;
    if (column.natural)
      def["axis"]["labelOverlap"] = "greedy", def["axis"]["labelSeparation"] = 4;
    else
      def["axis"]["labelAngle"] = -45, def["axis"]["labelLimit"] = 130,
      def["axis"]["labelOverlap"] = "greedy";
  }

  void add_color(bool as_names) {
    if (!color_.present) return;
    json def = {{"field", "c"}, {"type", color_.type}};
    if (color_.type == "quantitative" && !as_names) {
      const std::vector<double> numbers = color_.numbers();
      const bool whole =
          std::all_of(numbers.begin(), numbers.end(), [](double v) { return v == std::floor(v); });
      as_names = whole && color_.names().size() <= 8;
    }
    if (color_.named() || as_names) {
      def["type"] = "nominal";
      def["sort"] = ordered(color_);
    }
    if (own_color_)
      def["legend"] = nullptr;
    else
      def["legend"] = {{"title", color_.title == "series" ? json() : json(color_.title)}};
    if (color_.type == "temporal" && def["type"] == "temporal") def["scale"] = {{"type", "utc"}};
    spec_["encoding"]["color"] = std::move(def);
  }

  void bars() {
    const bool box = kind_ == ChartKind::box;
    const std::vector<double> y = y_.numbers();
    const bool by_value = !box && !color_.present && sorted_on_purpose(y) &&
                          !(x_.type != "nominal" && sorted_on_purpose(x_.numbers()));
    bool on_time = false;
    double thick = 0;
    if (x_.type == "temporal") {
      // Dates keep their distances unless that would make the bars too thin to see.
      std::vector<double> times = x_.numbers();
      std::sort(times.begin(), times.end());
      times.erase(std::unique(times.begin(), times.end()), times.end());
      double gap = INFINITY;
      for (size_t i = 1; i < times.size(); ++i) gap = std::min(gap, times[i] - times[i - 1]);
      thick =
          times.size() > 1 ? 0.75 * plot_width() * gap / (times.back() - times.front() + gap) : 0;
      on_time = !box && !color_.present && times.size() > 1 && (thick >= 3 || times.size() > 60);
      if (!on_time) {
        for (json& value : x_.values)
          if (value.is_number()) value = date_name(value.get<double>());
        x_.type = "ordinal";
      }
    }
    json x = channel("x", x_, false);
    if (by_value && x_.named()) x["sort"] = x_.names();
    json yd = channel("y", y_, !box || reaches_for_zero(y_));
    const json stack = member(member(plain_["encoding"], "y"), "stack");
    const bool stacked = stack.is_string();
    yd["stack"] = stack;
    if (stack == "normalize") in_percent(yd);
    add_color(true);
    const size_t names = x_.named() ? x["sort"].size() : 1;
    const bool side_by_side = color_.present && !own_color_ && !stacked;
    const size_t lanes = side_by_side ? color_.names().size() : 1;
    const double slot = plot_width() / static_cast<double>(names);
    const bool lying = x_.named() && !x_.natural && widest(x["sort"], 12) + 6 > slot;
    double lane = lying ? 22 : slot * 0.8 / static_cast<double>(lanes);
    if (lying) {
      const double per_lane = static_cast<double>(names * lanes) <= 10 ? 26 : 20;
      spec_["height"] =
          std::clamp(130 + static_cast<double>(names) *
                               (static_cast<double>(lanes) * per_lane + (lanes > 1 ? 12 : 6)),
                     320.0, 1200.0);
      lane = (spec_["height"].get<double>() - 120) * 0.8 / static_cast<double>(names * lanes);
      x["axis"]["labelAngle"] = 0, x["axis"]["maxExtent"] = 320;
      if (lane < 8) x["axis"]["labelOverlap"] = "greedy";
    } else if (x_.named()) {
      fit_names(x, x_);
    }
    x["axis"]["grid"] = false, x["axis"]["ticks"] = false;
    if (x_.named()) x["scale"] = {{"paddingInner", names > 60 ? 0.1 : 0.3}, {"paddingOuter", 0.15}};
    yd["axis"]["domain"] = false, yd["axis"]["ticks"] = false;
    json& encoding = spec_["encoding"];
    encoding[lying ? "y" : "x"] = x;
    encoding[lying ? "x" : "y"] = yd;
    if (side_by_side)
      encoding[lying ? "yOffset" : "xOffset"] = {
          {"field", "c"}, {"type", "nominal"}, {"sort", ordered(color_)}};
    if (box) {
      spec_["mark"] = {{"type", "boxplot"}, {"size", std::clamp(lane * 0.7, 4.0, 70.0)}};
      return;
    }
    json bar = {{"type", "bar"}};
    if (on_time) {
      bar["width"] = thick;
      encoding["x"]["scale"]["padding"] = thick / 2 + 4;
      label_times(encoding["x"]["axis"]);
    } else if (lane > 96) {
      bar[lying ? "height" : "width"] = 96;
    }
    const size_t most = lying ? 60 : 40;
    std::vector<std::string> texts;
    if (y.size() == y_.values.size() && y.size() <= most && !stacked) texts = value_texts(y);
    double width = 0;
    for (const std::string& text : texts) width = std::max(width, width_of(text, 11));
    if (texts.empty() || (on_time ? thick : lane) < (lying ? 12 : width + 2)) {
      spec_["mark"] = bar;
      return;
    }
    texts_ = std::move(texts);
    // Values below bars need room above the names.
    const auto [low, high] = std::minmax_element(y.begin(), y.end());
    if (*low < 0)
      encoding[lying ? "x" : "y"]["scale"]["domainMin"] =
          *low - (std::max(*high, 0.0) - *low) * (lying ? 0.1 : 0.06);
    spec_["layer"] = json::array({{{"mark", bar}}});
    for (const bool below : {false, true}) {
      const bool any = std::any_of(y.begin(), y.end(), [&](double v) { return (v < 0) == below; });
      if (!any) continue;
      json mark = {{"type", "text"}};
      if (lying)
        mark["align"] = below ? "right" : "left", mark["dx"] = below ? -4 : 4,
        mark["baseline"] = "middle";
      else
        mark["baseline"] = below ? "top" : "bottom", mark["dy"] = below ? 4 : -3;
      spec_["layer"].push_back(
          {{"transform", json::array({{{"filter", below ? "datum.y < 0" : "datum.y >= 0"}}})},
           {"mark", mark},
           {"encoding",
            {{"text", {{"field", "t"}, {"type", "nominal"}}}, {"color", {{"value", kInk}}}}}});
    }
  }

  // Parts of a whole: an axis up to 100 %.
  static void in_percent(json& channel) {
    channel["axis"]["format"] = ".0%";
    channel["axis"].erase("tickMinStep");
  }

  // Few bars are labelled each, as finely as their dates need it.
  void label_times(json& axis) {
    json times = x_.names();
    if (times.size() > 24) return;
    std::sort(times.begin(), times.end());
    bool years = true, months = true, days = true;
    std::set<double> different;
    for (const json& time : times) {
      const vega::DateParts p = vega::date_parts(time.get<double>(), vega::Zone::utc);
      days = days && p.hour == 0 && p.minute == 0 && p.second == 0;
      months = months && days && p.day == 1;
      years = years && months && p.month == 0;
      different.insert(p.year);
    }
    axis["values"] = times;
    axis["format"] = years                  ? "%Y"
                     : months               ? "%b %Y"
                     : different.size() > 1 ? "%Y-%m-%d"
                     : days                 ? "%b %d"
                                            : "%b %d %H:%M";
    axis["labelOverlap"] = "greedy", axis["labelFlush"] = false, axis["labelSeparation"] = 4;
  }

  static std::string date_name(double ms) {
    const vega::DateParts p = vega::date_parts(ms, vega::Zone::utc);
    char text[64];
    const bool time = p.hour != 0 || p.minute != 0 || p.second != 0;
    std::snprintf(text, sizeof text,
                  time ? "%04.0f-%02.0f-%02.0f %02.0f:%02.0f" : "%04.0f-%02.0f-%02.0f", p.year,
                  p.month + 1, p.day, p.hour, p.minute);
    return text;
  }

  void lines() {
    const bool area = kind_ == ChartKind::area;
    json x = channel("x", x_, false);
    if (x_.named()) fit_names(x, x_);
    if (x_.type == "quantitative") x["scale"]["nice"] = false;
    x["axis"]["grid"] = false;
    json y = channel("y", y_, area || reaches_for_zero(y_));
    y["axis"]["domain"] = false, y["axis"]["ticks"] = false;
    add_color(true);
    if (const json& stack = member(member(plain_["encoding"], "y"), "stack"); stack.is_string()) {
      y["stack"] = stack;
      if (stack == "normalize") in_percent(y);
    }
    spec_["encoding"]["x"] = x;
    spec_["encoding"]["y"] = y;
    if (area) {
      spec_["mark"] = {{"type", "area"}, {"line", true}, {"opacity", 0.85}};
      return;
    }
    // Few points are shown as such; a line through one would not be seen.
    std::map<std::string, size_t> sizes;
    for (size_t i = 0; i < x_.values.size(); ++i)
      ++sizes[color_.present ? vega::to_text(color_.values[i]) : ""];
    bool dots = false;
    for (const auto& [name, size] : sizes) dots |= size <= 24;
    spec_["mark"] = {{"type", "line"}, {"point", dots}};
  }

  void points() {
    for (Channel* column : {&x_, &y_}) {
      const bool below = column == &x_;
      json def = channel(below ? "x" : "y", *column, reaches_for_zero(*column));
      if (column->named() && below) fit_names(def, *column);
      spec_["encoding"][below ? "x" : "y"] = std::move(def);
    }
    add_color(false);
    const bool many = x_.values.size() > 500;
    spec_["mark"] = {{"type", "point"},
                     {"filled", true},
                     {"size", many ? 24 : 50},
                     {"opacity", many ? 0.5 : 0.75}};
  }

  void histogram() {
    const std::vector<double> numbers = x_.numbers();
    json bin = member(plain_["encoding"]["x"], "bin");
    if (!bin.is_object()) bin = {{"maxbins", 20}};
    if (std::all_of(numbers.begin(), numbers.end(), [](double v) { return v == std::floor(v); }))
      bin["minstep"] = 1;
    json axis = axis_of(x_);
    axis["grid"] = false;
    spec_["encoding"] = {
        {"x", {{"field", "x"}, {"type", "quantitative"}, {"bin", bin}, {"axis", axis}}},
        {"y",
         {{"aggregate", "count"},
          {"type", "quantitative"},
          {"axis",
           {{"title", "count"}, {"domain", false}, {"ticks", false}, {"tickMinStep", 1}}}}}};
    spec_["mark"] = "bar";
  }

  void cells() {
    for (Channel* column : {&x_, &y_})
      if (column->type == "temporal") {
        for (json& value : column->values)
          if (value.is_number()) value = date_name(value.get<double>());
        column->type = "ordinal";
      } else if (column->type == "quantitative") {
        column->type = "ordinal";
      }
    json x = channel("x", x_, false), y = channel("y", y_, false);
    x["axis"]["ticks"] = y["axis"]["ticks"] = false;
    x["axis"]["domain"] = y["axis"]["domain"] = false;
    const double columns = static_cast<double>(std::max<size_t>(x["sort"].size(), 1));
    const double lines = static_cast<double>(std::max<size_t>(y["sort"].size(), 1));
    spec_["height"] = std::clamp(130 + 24 * lines, 500.0, 1200.0);
    const double width = (kPlotWidth - kLegendWidth) / columns;
    fit_names(x, x_);
    const std::vector<double> numbers = color_.numbers();
    const bool whole =
        std::all_of(numbers.begin(), numbers.end(), [](double v) { return v == std::floor(v); });
    json legend = {{"title", color_.title}};
    if (whole) legend["tickMinStep"] = 1;
    spec_["encoding"] = {{"x", x}, {"y", y}};
    const json color = {{"field", "c"}, {"type", "quantitative"}, {"legend", legend}};
    if (numbers.size() == color_.values.size() && numbers.size() <= 150)
      texts_ = value_texts(numbers);
    double widest = 0;
    for (const std::string& text : texts_) widest = std::max(widest, width_of(text, 11));
    if (texts_.empty() || widest + 8 > width) {
      texts_.clear();
      spec_["encoding"]["color"] = color;
      spec_["mark"] = "rect";
      return;
    }
    const auto [lo, hi] = std::minmax_element(numbers.begin(), numbers.end());
    const std::string pale = "datum.c > " + vega::number_text(*lo + 0.6 * (*hi - *lo));
    spec_["layer"] = json::array(
        {{{"mark", "rect"}, {"encoding", {{"color", color}}}},
         {{"mark", "text"},
          {"encoding",
           {{"text", {{"field", "t"}, {"type", "nominal"}}},
            {"color", {{"condition", {{"test", pale}, {"value", kInk}}}, {"value", "white"}}}}}}});
  }

  static std::string percent(double part) {
    const double value = part * 100;
    if (value > 0 && value < 0.05) return "<0.1%";
    if (value > 99.95 && value < 100) return ">99.9%";
    return grouped_digits(value, value >= 9.95 && value == std::round(value) ? 0 : 1) + "%";
  }

  // The largest slice first, unless the names have an order of their own; names in the legend,
  // shares beside the slices that have room for them.
  void pie() {
    x_.type = "nominal";
    for (json& value : x_.values) value = value.is_null() ? "(missing)" : json(shown_name(value));
    json names = ordered(x_);
    std::map<std::string, double> sizes;
    double total = 0;
    for (size_t i = 0; i < x_.values.size(); ++i) {
      const double value = y_.values[i].is_number() ? y_.values[i].get<double>() : 0;
      sizes[x_.values[i].get<std::string>()] += value;
      total += value;
    }
    if (!x_.natural)
      std::stable_sort(names.begin(), names.end(), [&](const json& a, const json& b) {
        return sizes[a.get<std::string>()] > sizes[b.get<std::string>()];
      });
    for (const json& value : x_.values) {
      const double share = sizes[value.get<std::string>()] / total;
      texts_.push_back(share >= 0.025 ? percent(share) : "");
    }
    const json order = {{"field", "o"}, {"type", "quantitative"}};
    for (const json& value : x_.values)
      places_.push_back(std::find(names.begin(), names.end(), value) - names.begin());
    json scale = {{"domain", names}};
    // Neighbours must differ, the last and the first too.
    const size_t colors = palette().size();
    if (names.size() > colors) {
      scale["range"] = json::array();
      for (size_t i = 0; i < names.size(); ++i)
        scale["range"].push_back(
            palette()[i + 1 == names.size() && i % colors == 0 ? 1 : i % colors]);
    }
    spec_["encoding"] = {{"theta", {{"field", "y"}, {"type", "quantitative"}, {"stack", true}}},
                         {"order", order},
                         {"color",
                          {{"field", "x"},
                           {"type", "nominal"},
                           {"sort", names},
                           {"scale", scale},
                           {"legend", {{"title", x_.title}}}}}};
    spec_["layer"] = json::array(
        {{{"mark",
           {{"type", "arc"},
            {"outerRadius", 175},
            {"stroke", "white"},
            {"strokeWidth", names.size() > 1 ? 1 : 0}}}},
         {{"mark", {{"type", "text"}, {"radius", 198}, {"fontSize", 12}}},
          {"encoding",
           {{"text", {{"field", "t"}, {"type", "nominal"}}}, {"color", {{"value", kInk}}}}}}});
  }

  static std::string shown_name(const json& value) {
    return value.is_string() ? value.get<std::string>() : vega::to_text(value);
  }

  void rows() {
    json values = json::array();
    for (size_t i = 0; i < x_.values.size(); ++i) {
      json row = {{"x", x_.values[i]}};
      if (y_.present) row["y"] = y_.values[i];
      if (color_.present) row["c"] = color_.values[i];
      if (i < texts_.size()) row["t"] = texts_[i];
      if (i < places_.size()) row["o"] = places_[i];
      values.push_back(std::move(row));
    }
    spec_["data"] = {{"values", std::move(values)}};
  }

  ChartKind kind_;
  const json& plain_;
  Channel x_, y_, color_;
  bool own_color_ = false;
  json spec_;
  std::vector<std::string> texts_;
  std::vector<int64_t> places_;
  std::unique_ptr<vega::TextMetrics> metrics_;
};

}  // namespace

base::Result<json> styled(ChartKind kind, const json& plain) {
  try {
    return Styler(kind, plain).run();
  } catch (const json::exception& error) {
    return Error{Errc::internal, std::string("chart: ") + error.what()};
  }
}

}  // namespace tools::script
