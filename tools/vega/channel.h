#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/vega/datum.h"
#include "tools/vega/read.h"
#include "tools/vega/time_unit.h"

namespace tools::vega {

/// One channel of an encoding: a field of the data (perhaps binned, cut to a time unit or
/// aggregated), a datum in the units of the scale, or a plain value.
struct ChannelDef {
  enum class Kind { none, field, datum, value };
  Kind kind = Kind::none;
  json def;  ///< as written
  std::string channel;
  std::string type;       ///< quantitative, temporal, ordinal, nominal
  std::string raw_field;  ///< the field's name before anything was done to it
  std::string aggregate;  ///< "mean", "count", "argmin"…; empty for none
  std::string argument;   ///< of argmin and argmax: the field that is least or greatest
  bool bin = false;       ///< we bin it
  bool binned = false;    ///< the data is binned already
  std::optional<TimeUnit> unit;
  Field column, end_column;           ///< where the value (and the end of its bin or unit) is found
  std::string column_name, end_name;  ///< the same as keys of rows
  Row datum;                          ///< of Kind::datum; dates as milliseconds
  json value;                         ///< of Kind::value

  bool is_field() const { return kind == Kind::field; }
  bool is_datum() const { return kind == Kind::datum; }
  bool scaled() const { return is_field() || is_datum(); }
  bool discrete_type() const { return type == "nominal" || type == "ordinal"; }
  bool quantitative() const { return type == "quantitative"; }
  bool temporal() const { return type == "temporal"; }
  bool is_count() const { return aggregate == "count" && raw_field.empty(); }
  /// Whether the value has an extent: bins and time units.
  bool ranged() const { return bin || binned || unit.has_value(); }
};

/// Reads a channel definition (conditions apart).
ChannelDef parse_channel(const std::string& channel, const json& def, Failure& failure);

/// The title that Vega-Lite gives a field: "Mean of x", "date (year-month)".
std::string field_title(const ChannelDef& def, const json& config);

/// "x2" for "x" and so on; empty where the channel has no second.
std::string second_channel(const std::string& channel);

/// A datum of a specification as a value of rows: a DateTime object becomes milliseconds.
Row datum_value(const json& datum, Failure& failure);
bool is_date_time(const json& value);

}  // namespace tools::vega
