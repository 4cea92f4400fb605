#include "tools/vega/config.h"

namespace tools::vega {

// What Vega and Vega-Lite document as their defaults.
static const char kDefaults[] = R"json({
  "background": "white", "padding": 5, "timeFormat": "%b %d, %Y", "countTitle": "Count of Records",
  "normalizedNumberFormat": ".0%",
  "view": {"continuousWidth": 300, "continuousHeight": 300, "step": 20, "stroke": "#ddd", "fill": "transparent"},
  "mark": {"color": "#4c78a8", "invalid": "break-paths-show-path-domains", "timeUnitBandSize": 1},
  "bar": {"binSpacing": 1, "continuousBandSize": 5, "minBandSize": 0.25, "timeUnitBandPosition": 0.5},
  "rect": {"binSpacing": 0, "continuousBandSize": 5, "minBandSize": 0.25, "timeUnitBandPosition": 0.5},
  "image": {"binSpacing": 0, "continuousBandSize": 5, "minBandSize": 0.25, "timeUnitBandPosition": 0.5},
  "tick": {"binSpacing": 0, "continuousBandSize": 5, "minBandSize": 0.25, "timeUnitBandPosition": 0.5, "thickness": 1},
  "rule": {"color": "black"}, "text": {"color": "black"},
  "boxplot": {"size": 14, "extent": 1.5, "box": {}, "median": {"color": "white"}, "outliers": {}, "rule": {}, "ticks": null},
  "errorbar": {"center": "mean", "rule": true, "ticks": false},
  "errorband": {"band": {"opacity": 0.3}, "borders": false},
  "scale": {"pointPadding": 0.5, "barBandPaddingInner": 0.1, "rectBandPaddingInner": 0, "tickBandPaddingInner": 0.25,
    "bandWithNestedOffsetPaddingInner": 0.2, "bandWithNestedOffsetPaddingOuter": 0.2, "minBandSize": 2,
    "minFontSize": 8, "maxFontSize": 40, "minOpacity": 0.3, "maxOpacity": 0.8, "minSize": 4,
    "minStrokeWidth": 1, "maxStrokeWidth": 4, "quantileCount": 4, "quantizeCount": 4, "zero": true},
  "header": {"titlePadding": 10, "labelPadding": 10},
  "facet": {"spacing": 20}, "concat": {"spacing": 20},
  "axis": {"minExtent": 0, "maxExtent": 200, "bandPosition": 0.5, "domain": true, "domainWidth": 1,
    "domainColor": "#888", "gridWidth": 1, "gridColor": "#ddd", "labels": true,
    "labelLimit": 180, "labelOffset": 0, "labelPadding": 2, "ticks": true, "tickColor": "#888", "tickOffset": 0,
    "tickRound": true, "tickSize": 5, "tickWidth": 1, "titlePadding": 4},
  "legend": {"orient": "right", "padding": 0, "gridAlign": "each", "columnPadding": 10, "rowPadding": 2,
    "gradientLength": 200, "gradientThickness": 16,
    "gradientStrokeColor": "#ddd", "gradientStrokeWidth": 0, "gradientLabelOffset": 2, "labelAlign": "left",
    "labelBaseline": "middle", "labelLimit": 160, "labelOffset": 4, "labelOverlap": true, "symbolLimit": 30,
    "symbolType": "circle", "symbolSize": 100, "symbolOffset": 0, "symbolStrokeWidth": 1.5,
    "symbolBaseFillColor": "transparent", "symbolBaseStrokeColor": "#888", "titleLimit": 180, "titleOrient": "top",
    "titlePadding": 5, "offset": 18, "gradientHorizontalMaxLength": 200, "gradientHorizontalMinLength": 100,
    "gradientVerticalMaxLength": 200, "gradientVerticalMinLength": 64},
  "title": {"orient": "top", "anchor": "middle", "offset": 4, "subtitlePadding": 3},
  "style": {
    "guide-label": {"fill": "#000", "font": "sans-serif", "fontSize": 10},
    "guide-title": {"fill": "#000", "font": "sans-serif", "fontSize": 11, "fontWeight": "bold"},
    "group-title": {"fill": "#000", "font": "sans-serif", "fontSize": 13, "fontWeight": "bold"},
    "group-subtitle": {"fill": "#000", "font": "sans-serif", "fontSize": 12}},
  "range": {"category": {"scheme": "tableau10"}, "ordinal": {"scheme": "blues"},
    "heatmap": {"scheme": "yellowgreenblue"}, "ramp": {"scheme": "blues"},
    "diverging": {"scheme": "blueorange"},
    "symbol": ["circle", "square", "triangle-up", "cross", "diamond", "triangle-right", "triangle-down", "triangle-left"]}
})json";

static void overlay(json& target, const json& source, int depth) {
  if (depth > 16) return;
  for (const auto& [key, value] : source.items()) {
    if (value.is_object() && target.contains(key) && target[key].is_object() && depth < 3)
      overlay(target[key], value, depth + 1);
    else
      target[key] = value;
  }
}

json merged_config(const json& own) {
  json config = json::parse(kDefaults);
  if (own.is_object()) {
    overlay(config, own, 0);
    // A range that is given replaces the default one whole: a list and a scheme do not mix.
    if (get(own, "range").is_object()) config["range"].update(own["range"]);
  }
  return config;
}

json mark_property(const json& mark, const std::string& type, const json& config,
                   const std::string& name) {
  if (mark.contains(name)) return mark[name];
  const json& style = get(mark, "style");
  auto from_style = [&](const json& one) -> const json& {
    return one.is_string() ? get(get(get(config, "style"), one.get_ref<const std::string&>()), name)
                           : get(config, "");
  };
  if (style.is_array()) {
    for (auto it = style.rbegin(); it != style.rend(); ++it)
      if (const json& value = from_style(*it); !value.is_null()) return value;
  } else if (const json& value = from_style(style); !value.is_null()) {
    return value;
  }
  // The configuration of a mark type is a style of that name too.
  if (const json& value = get(get(get(config, "style"), type), name); !value.is_null())
    return value;
  if (has(get(config, type), name)) return get(get(config, type), name);
  return get(get(config, "mark"), name);
}

json style_property(const json& config, const std::string& style, const std::string& name) {
  return get(get(get(config, "style"), style), name);
}

}  // namespace tools::vega
