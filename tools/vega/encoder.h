#pragma once

#include <string>
#include <unordered_map>

#include "tools/vega/model.h"

namespace tools::vega {

/// A channel that gives each row a value: conditions first, then a field through its scale, or a
/// value.
class Encoder {
 public:
  Encoder(const View& view, int cell, const std::string& channel);
  /// Whether the unit has this channel.
  explicit operator bool() const { return channel_ != nullptr; }

  /// The value of one row, kept until the next call; nullptr where the channel says nothing.
  const Row* at(const Row& row);

 private:
  const Row* of(const ChannelDef& def, const Row& row);
  const Row* keep(Row value);

  const Channel* channel_ = nullptr;
  const ScaleInstance* scale_ = nullptr;
  bool by_text_ = false;  // the scale goes by a value's text
  Row kept_;
  std::string key_;
  std::unordered_map<std::string, Row> cache_;
};

/// A number as float; `fallback` where it is none.
float as_float(const Row& value, float fallback);
/// CSS text, a gradient as the JSON that Item has it in, or "".
std::string as_paint(const Row& value);

}  // namespace tools::vega
