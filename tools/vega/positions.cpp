// Where marks stand. A point takes the middle of a band, bin or time unit; a rectangle takes the
// whole of it, less the spacing of bins; a range takes the second channel, the stack's start or the
// base line for its other end.
#include "tools/vega/positions.h"

#include <algorithm>
#include <cmath>

#include "tools/vega/config.h"

namespace tools::vega {

static int slot(const std::string& channel) {
  if (channel == "x") return 0;
  if (channel == "y") return 1;
  if (channel == "theta") return 2;
  if (channel == "radius") return 3;
  if (channel == "xOffset") return 4;
  return 5;
}

Positions::Positions(const View& view, int cell, Model& model)
    : view_(view),
      cell_(cell),
      model_(model),
      width_(view.cells[static_cast<size_t>(cell)].width),
      height_(view.cells[static_cast<size_t>(cell)].height) {
  for (const char* channel : {"x", "y", "theta", "radius", "xOffset", "yOffset"})
    scales_[slot(channel)] = find_scale(view, cell, channel);
  for (const std::string channel : {"x", "y", "theta", "radius"}) {
    Place& place = places_[slot(channel)];
    const auto encoded = [&](const std::string& name) {
      const auto found = view.encoding.find(name);
      return found == view.encoding.end() ? nullptr : &found->second;
    };
    place.channel = encoded(channel);
    place.offset = encoded(channel + "Offset");
    const json& fixed = get(view.mark_def, channel + "Offset");
    if (fixed.is_number()) place.fixed_offset = fixed.get<double>();
    place.own = &get(view.mark_def, channel);
    if (place.channel == nullptr || !place.channel->main.scaled()) continue;
    const ChannelDef& main = place.channel->main;
    place.band_position = number(main.def, "bandPosition", 0.5);
    place.has_band_position = has(main.def, "bandPosition");
    place.band = band_position(view, main, model.config).value_or(0);
  }
  stack_start_ = Field::key(view.stack.options.start_as);
  stack_end_ = Field::key(view.stack.options.end_as);
}

const json& Positions::property(std::string_view name) const {
  for (const auto& [known, value] : properties_)
    if (known == name) return value;
  properties_.emplace_back(
      name, mark_property(view_.mark_def, view_.mark, model_.config, std::string(name)));
  return properties_.back().second;
}

double Positions::property(std::string_view name, double fallback) const {
  const json& value = property(name);
  const double result = value.is_number() ? value.get<double>() : fallback;
  return std::isfinite(result) ? result : fallback;
}

const ScaleInstance* Positions::scale(const std::string& channel) const {
  return scales_[slot(channel)];
}

double Positions::value_of(const json& value, const std::string& channel) const {
  if (value == "width") return width_;
  if (value == "height") return height_;
  if (value.is_number()) return value.get<double>();
  if (value.is_object() && value.contains("expr")) {
    const json result = resolve_expression(value, model_);
    return result.is_number() ? result.get<double>() : 0;
  }
  (void)channel;
  return 0;
}

// The scale's value of a field or datum; `band` is where in a band, bin or unit (0 its start, 1 its
// end).
double Positions::scaled(const ScaleInstance& scale, const ChannelDef& def, const Row& row,
                         double band) const {
  const Row* value = def.is_datum() ? &def.datum : def.column.find(row);
  if (value == nullptr) value = &null_row();
  const ScaleType type = scale.options.type;
  if (type == ScaleType::band || type == ScaleType::point || type == ScaleType::ordinal) {
    const double start = scale.scale.position(*value);
    return start + scale.scale.bandwidth() * band;
  }
  if (value->is_null()) return scale.scale.position(0.0);  // as JavaScript's Number(null) does
  const double start = to_number(*value);
  if (band != 0 && def.ranged() && !def.end_name.empty() && def.is_field()) {
    const double end = to_number(def.end_column.of(row));
    if (std::isfinite(end)) return scale.scale.position(start + (end - start) * band);
  }
  return scale.scale.position(start);
}

double Positions::offset(const std::string& channel, const Row& row, bool middle,
                         bool& nested) const {
  nested = false;
  const Place& place = places_[slot(channel)];
  double sum = place.fixed_offset;
  if (place.offset == nullptr) return sum;
  const ChannelDef* def = place.offset->scaled();
  const ScaleInstance* instance = channel == "x"   ? scales_[slot("xOffset")]
                                  : channel == "y" ? scales_[slot("yOffset")]
                                                   : nullptr;
  if (def != nullptr && instance != nullptr) {
    nested = true;
    sum += scaled(*instance, *def, row, middle ? 0.5 : 0);
  } else if (place.offset->main.kind == ChannelDef::Kind::value) {
    sum += value_of(place.offset->main.value, channel);
  }
  return sum;
}

double Positions::base_line(const std::string& channel, Default fallback) const {
  if (channel == "theta") return fallback == Default::zero_or_max ? 2 * M_PI : 0;
  if (channel == "radius")
    return fallback == Default::zero_or_max || fallback == Default::mid
               ? std::min(width_, height_) / 2
               : 0;
  if (fallback == Default::mid) return size(channel) / 2;
  if (const ScaleInstance* instance = fallback == Default::zero_or_min ? scale(channel) : nullptr) {
    const ScaleType type = instance->options.type;
    if (type == ScaleType::linear || type == ScaleType::pow || type == ScaleType::sqrt ||
        type == ScaleType::symlog) {
      const auto& domain = instance->options.domain;
      const bool has_zero =
          instance->options.zero ||
          (domain.size() >= 2 && domain.front().is_number() && domain.back().is_number() &&
           domain.front().get<double>() <= 0 && domain.back().get<double>() >= 0 &&
           get(get(view_.def(channel) != nullptr ? view_.def(channel)->def : json(), "scale"),
               "domain")
               .is_array());
      if (has_zero) return instance->scale.position(0.0);
    }
  }
  const bool far = (channel == "y") == (fallback == Default::zero_or_min);
  return far ? size(channel) : 0;
}

double Positions::point(const std::string& channel, const Row& row, Default fallback) const {
  const Place& place = places_[slot(channel)];
  bool nested = false;
  if (place.channel != nullptr) {
    const ChannelDef& main = place.channel->main;
    for (const Condition& condition : place.channel->conditions) {
      const base::Result<bool> holds = condition.test(row);
      if (holds && *holds && condition.then.kind == ChannelDef::Kind::value)
        return value_of(condition.then.value, channel) + offset(channel, row, true, nested);
    }
    if (main.kind == ChannelDef::Kind::value)
      return value_of(main.value, channel) + offset(channel, row, true, nested);
    const ScaleInstance* instance = scale(channel);
    if (main.scaled() && instance == nullptr) {
      // "scale": null means that the field already is a position.
      return main.is_field() ? main.column.number(row) : to_number(main.datum);
    }
    if (main.scaled()) {
      const double moved = offset(channel, row, true, nested);
      if (view_.stack.channel == channel && main.is_field()) {
        const double end = stack_end_.number(row);
        const bool middle = place.has_band_position || channel == "theta";
        if (middle) {
          const double at = place.band_position;
          const double start = stack_start_.number(row);
          return instance->scale.position(start + (end - start) * at) + moved;
        }
        return instance->scale.position(end) + moved;
      }
      const bool bands = instance->options.type == ScaleType::band;
      const double band = !bands ? place.band : nested ? 0 : place.band_position;
      return scaled(*instance, main, row, band) + moved;
    }
  }
  // The mark's own x, y; then the default.
  const json& own = *place.own;
  if (!own.is_null() && channel != "theta" && channel != "radius")
    return value_of(own, channel) + offset(channel, row, true, nested);
  if (own.is_number()) return own.get<double>();
  return base_line(channel, fallback) + offset(channel, row, true, nested);
}

double Positions::second(const std::string& channel, const Row& row, Default fallback) const {
  const std::string name = second_channel(channel);
  const json& fixed = get(view_.mark_def, name + "Offset");
  double moved = fixed.is_number() ? fixed.get<double>() : 0;
  // Both ends of a range move with the channel's offset.
  bool nested = false;
  const ChannelDef* offset_def = view_.def(channel + "Offset");
  if (offset_def != nullptr)
    moved +=
        offset(channel, row, true, nested) - (get(view_.mark_def, channel + "Offset").is_number()
                                                  ? view_.mark_def[channel + "Offset"].get<double>()
                                                  : 0);
  const ScaleInstance* instance = scale(channel);
  if (view_.stack.channel == channel && instance != nullptr)
    return instance->scale.position(stack_start_.number(row)) + moved;
  if (const auto found = view_.encoding.find(name); found != view_.encoding.end()) {
    const ChannelDef& main = found->second.main;
    if (main.kind == ChannelDef::Kind::value) return value_of(main.value, channel) + moved;
    if (main.scaled() && instance != nullptr) {
      const bool bands = instance->options.type == ScaleType::band;
      return scaled(*instance, main, row, bands ? number(main.def, "bandPosition", 0.5) : 0) +
             moved;
    }
  }
  const json& own = get(view_.mark_def, name);
  if (!own.is_null()) return value_of(own, channel) + moved;
  const json& length = get(view_.mark_def, channel == "x" ? "width" : "height");
  if (length.is_number() && !view_.is_rect())
    return point(channel, row, fallback) + length.get<double>();
  return base_line(channel, fallback) + moved;
}

// A place and a size: bands, and bars of a given width.
std::pair<double, double> Positions::sized(const std::string& channel, const Row& row) const {
  const bool tick = view_.mark == "tick";
  const bool across = tick ? (view_.orient == "vertical") == (channel == "x")
                           : (view_.orient == "vertical" && channel == "x") ||
                                 (view_.orient == "horizontal" && channel == "y");
  const char* key = channel == "x" ? "width" : "height";
  const ScaleInstance* instance = scale(channel);
  const ScaleInstance* nested_scale = scale(channel + "Offset");
  const ChannelDef* def = view_.def(channel);
  const bool band =
      instance != nullptr && def != nullptr && instance->options.type == ScaleType::band;
  bool nested = false;
  double bandwidth = band ? instance->scale.bandwidth() : 0;
  const bool by_offset = nested_scale != nullptr && view_.def(channel + "Offset") != nullptr;
  if (by_offset && nested_scale->options.type == ScaleType::band)
    bandwidth = nested_scale->scale.bandwidth();

  double part = 1, length = NAN;
  const json& own = property(key);
  if (own.is_number()) length = own.get<double>();
  if (has(own, "band")) part = number(own, "band", 1);
  const auto read_size_channel = [&] {
    const auto encoded = view_.encoding.find("size");
    if (encoded == view_.encoding.end()) return;
    const ChannelDef& size = encoded->second.main;
    if (size.kind == ChannelDef::Kind::value && size.value.is_number())
      length = size.value.get<double>();
    const ScaleInstance* sizes = find_scale(view_, cell_, "size");
    if (size.scaled() && sizes != nullptr)
      length = scaled(*sizes, size, row, size.ranged() ? 0.5 : 0);
  };
  if (std::isnan(length) && tick) {
    // The thickness is across the tick, its length (size, bandSize) along it.
    if (across) {
      length = property("thickness", 1);
    } else {
      json size = property("size");
      if (size.is_null()) size = property("bandSize");
      if (size.is_number()) length = size.get<double>();
      read_size_channel();
    }
  } else if (std::isnan(length) && across) {
    read_size_channel();
    if (std::isnan(length)) {
      const json& size = property("size");
      if (size.is_number()) length = size.get<double>();
      if (std::isnan(length) && band) {
        const json& discrete = property("discreteBandSize");
        if (discrete.is_number()) length = discrete.get<double>();
        if (has(discrete, "band")) part = number(discrete, "band", 1);
      }
    }
  }
  const double least = property("minBandSize", 0.25);
  if (std::isnan(length)) {
    if (band || (by_offset && nested_scale->options.type == ScaleType::band)) {
      const double wide = bandwidth * part, size = std::max(least, wide);
      const double moved = offset(channel, row, false, nested);
      double start =
          (def != nullptr && instance != nullptr ? scaled(*instance, *def, row, 0) : 0) + moved;
      if (part != 1) start += bandwidth * (1 - part) / 2;
      return {start, start + size};
    }
    const ScaleType type = instance != nullptr ? instance->options.type : ScaleType::linear;
    if (def == nullptr || instance == nullptr) {
      const json& scale_config = get(model_.config, "scale");
      const char* padding = view_.mark == "bar" ? "barBandPaddingInner"
                            : tick              ? "tickBandPaddingInner"
                                                : "rectBandPaddingInner";
      length = (1 - number(scale_config, padding, 0)) * size(channel) * part;
    } else if (type == ScaleType::point || type == ScaleType::ordinal) {
      length = (instance->scale.step() > 0 ? instance->scale.step() : 20) - 2;
    } else {
      length = property("continuousBandSize", 5);
    }
  }
  const double centre = point(channel, row, Default::mid);
  return {centre - length / 2, centre + length / 2};
}

std::pair<double, double> Positions::rect(const std::string& channel, const Row& row) const {
  const ChannelDef* def = view_.def(channel);
  const ScaleInstance* instance = scale(channel);
  const std::string second_name = second_channel(channel);
  const bool has_second = view_.encoding.contains(second_name) || has(view_.mark_def, second_name);
  const bool tick = view_.mark == "tick";
  const bool across = (view_.orient == "vertical" && channel == "x") ||
                      (view_.orient == "horizontal" && channel == "y") || tick;
  const ScaleType type = instance != nullptr ? instance->options.type : ScaleType::linear;
  const bool discrete =
      type == ScaleType::band || type == ScaleType::point || type == ScaleType::ordinal;
  const json& own = property(channel == "x" ? "width" : "height");
  bool fixed_size = own.is_number();
  if (across && !tick && (view_.encoding.contains("size") || property("size").is_number()))
    fixed_size = true;
  if (def != nullptr && def->is_field() && instance != nullptr && !discrete && !fixed_size &&
      view_.stack.channel != channel &&
      (def->bin || (def->binned && has_second) || (def->unit && !has_second))) {
    double start = def->column.number(row), end = 0;
    if (def->binned && has_second) {
      const ChannelDef& other = view_.encoding.at(second_name).main;
      end = other.is_field() ? other.column.number(row) : to_number(other.datum);
    } else {
      end = def->end_column.number(row);
    }
    double part = 1;
    if (has(own, "band")) part = number(own, "band", 1);
    const double band = band_position(view_, *def, model_.config).value_or(0.5);
    double from = start, to = end;
    if (def->unit && band != 0.5) {
      const double before = time_unit_floor(start - 1, *def->unit);
      from = before + (start - before) * (0.5 + band);
      to = start + (end - start) * (0.5 + band);
    }
    const double length = to - from;
    from += length * (1 - part) / 2;
    to -= length * (1 - part) / 2;
    double a = instance->scale.position(from), b = instance->scale.position(to);
    const double whole = std::abs(instance->scale.position(end) - instance->scale.position(start));
    const double least = property("minBandSize", 0.25);
    const double spacing = property("binSpacing", 0);
    const double grow = whole < least ? 0.5 * (least - whole) : -spacing / 2;
    const double sign = b >= a ? 1 : -1;
    bool nested = false;
    const double moved = 0.5 + offset(channel, row, false, nested);
    return {a - sign * grow + moved, b + sign * grow + moved};
  }
  const bool field_on_bands = def != nullptr && discrete && instance != nullptr;
  if ((field_on_bands || across) && !has_second) return sized(channel, row);
  if (fixed_size && !has_second) {
    const double centre = point(channel, row, Default::mid);
    return {centre - own.get<double>() / 2, centre + own.get<double>() / 2};
  }
  return {point(channel, row, Default::zero_or_max), second(channel, row, Default::zero_or_min)};
}

}  // namespace tools::vega
