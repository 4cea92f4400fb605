#include "tools/vega/encoder.h"

namespace tools::vega {

// Values of a discrete scale are remembered; a channel has few.
static constexpr size_t kMaxKept = 100000;

Encoder::Encoder(const View& view, int cell, const std::string& channel) {
  const auto found = view.encoding.find(channel);
  if (found == view.encoding.end()) return;
  channel_ = &found->second;
  scale_ = find_scale(view, cell, channel);
  by_text_ = scale_ != nullptr && scale_->options.type == ScaleType::ordinal;
}

const Row* Encoder::at(const Row& row) {
  if (channel_ == nullptr) return nullptr;
  for (const Condition& condition : channel_->conditions) {
    const base::Result<bool> holds = condition.test(row);
    if (holds && *holds) return of(condition.then, row);
  }
  if (channel_->main.kind == ChannelDef::Kind::none) return nullptr;
  return of(channel_->main, row);
}

const Row* Encoder::keep(Row value) {
  kept_ = std::move(value);
  return &kept_;
}

const Row* Encoder::of(const ChannelDef& def, const Row& row) {
  if (def.kind == ChannelDef::Kind::value) return &def.value;
  if (!def.scaled()) return nullptr;
  const Row* value = def.is_datum() ? &def.datum : def.column.find(row);
  if (value == nullptr) value = &null_row();
  if (scale_ == nullptr) return value;
  const ScaleType type = scale_->options.type;
  if (def.bin && def.is_field() && type != ScaleType::bin_ordinal && !by_text_) {
    const double start = to_number(*value), end = def.end_column.number(row);
    return keep(scale_->scale.at((start + end) / 2));
  }
  if (by_text_ || value->is_string()) {
    key_.clear();
    append_key(key_, *value);
    const auto found = cache_.find(key_);
    if (found != cache_.end()) return &found->second;
    if (cache_.size() >= kMaxKept) return keep(scale_->scale.at(*value));
    return &cache_.emplace(key_, scale_->scale.at(*value)).first->second;
  }
  if (value->is_null() && (type == ScaleType::linear || type == ScaleType::sequential))
    return keep(scale_->scale.at(0));
  return keep(scale_->scale.at(*value));
}

float as_float(const Row& value, float fallback) {
  return value.is_number() ? static_cast<float>(value.get<double>()) : fallback;
}

std::string as_paint(const Row& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object()) return value.dump(-1, ' ', false, json::error_handler_t::replace);
  return "";
}

}  // namespace tools::vega
