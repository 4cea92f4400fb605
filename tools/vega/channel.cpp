#include "tools/vega/channel.h"

#include <algorithm>
#include <set>

#include "tools/vega/transform.h"

namespace tools::vega {

bool is_date_time(const json& value) {
  if (!value.is_object() || value.empty()) return false;
  static const std::set<std::string> parts = {"year",         "quarter", "month",   "date",
                                              "day",          "hours",   "minutes", "seconds",
                                              "milliseconds", "utc",     "week",    "dayofyear"};
  for (const auto& [key, part] : value.items())
    if (!parts.contains(key)) return false;
  return true;
}

Row datum_value(const json& datum, Failure& failure) {
  if (!is_date_time(datum)) return datum;
  const base::Result<double> ms = date_time_ms(datum);
  if (ms) return number_row(*ms);
  failure.fail(ms.error().code, ms.error().message);
  return {};
}

std::string second_channel(const std::string& channel) {
  if (channel == "x") return "x2";
  if (channel == "y") return "y2";
  if (channel == "theta") return "theta2";
  if (channel == "radius") return "radius2";
  return "";
}

static std::string full_type(const std::string& type) {
  if (type == "q" || type == "Q") return "quantitative";
  if (type == "t" || type == "T") return "temporal";
  if (type == "o" || type == "O") return "ordinal";
  if (type == "n" || type == "N") return "nominal";
  std::string lower = type;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return lower;
}

static std::string default_type(const std::string& channel, const json& def,
                                const ChannelDef& result) {
  if (channel == "latitude" || channel == "longitude") return "quantitative";
  if (channel == "row" || channel == "column" || channel == "facet" || channel == "shape" ||
      channel == "strokeDash")
    return "nominal";
  if (channel == "order") return "ordinal";
  if (get(def, "sort").is_array()) return "ordinal";
  if (result.unit) return "temporal";
  if (result.bin || result.binned || (!result.aggregate.empty() && result.argument.empty()))
    return "quantitative";
  const std::string scale = text(get(def, "scale"), "type");
  if (scale == "linear" || scale == "log" || scale == "pow" || scale == "sqrt" ||
      scale == "symlog" || scale == "quantile" || scale == "quantize" || scale == "threshold" ||
      scale == "bin-ordinal")
    return "quantitative";
  if (scale == "time" || scale == "utc") return "temporal";
  if (scale == "ordinal" || scale == "band" || scale == "point") return "ordinal";
  return "nominal";
}

// Letters, digits and underscores only, for the names of derived columns.
static std::string plain(const std::string& name) {
  std::string result;
  for (const char c : name) result += std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return result;
}

ChannelDef parse_channel(const std::string& channel, const json& def, Failure& failure) {
  ChannelDef result;
  result.channel = channel;
  result.def = def;
  if (!def.is_object()) return result;
  if (has(def, "value")) {
    result.kind = ChannelDef::Kind::value;
    result.value = def["value"];
    return result;
  }
  if (has(def, "datum")) {
    result.kind = ChannelDef::Kind::datum;
    result.datum = datum_value(def["datum"], failure);
    result.type = full_type(text(def, "type"));
    if (result.type.empty())
      result.type = is_date_time(def["datum"]) ? "temporal"
                    : def["datum"].is_number() ? "quantitative"
                                               : "nominal";
    return result;
  }
  const json& field = get(def, "field");
  if (field.is_string()) {
    result.raw_field = field.get<std::string>();
  } else if (field.is_object() && has(field, "repeat")) {
    failure.fail(base::Errc::usage,
                 "encoding." + channel + ": \"repeat\" outside of a repeat of that name");
    return result;
  } else if (!field.is_null()) {
    failure.fail(base::Errc::usage, "encoding." + channel + ".field must be text");
    return result;
  }
  const json& aggregate = get(def, "aggregate");
  if (aggregate.is_string()) {
    result.aggregate = aggregate.get<std::string>();
    if (!is_aggregate_op(result.aggregate)) {
      failure.fail(base::Errc::usage,
                   "encoding." + channel + ": there is no aggregate \"" + result.aggregate + "\"");
      return result;
    }
  } else if (aggregate.is_object()) {
    for (const char* op : {"argmin", "argmax"})
      if (has(aggregate, op) && aggregate[op].is_string())
        result.aggregate = op, result.argument = aggregate[op].get<std::string>();
  }
  if (result.raw_field.empty() && result.aggregate.empty()) return result;
  result.kind = ChannelDef::Kind::field;
  const json& bin = get(def, "bin");
  result.binned = bin == "binned" || truth(bin, "binned", false);
  result.bin = !result.binned && (bin.is_object() || bin == true);
  if (has(def, "timeUnit") && !def["timeUnit"].is_null()) {
    base::Result<TimeUnit> unit = parse_time_unit(def["timeUnit"]);
    if (!unit) {
      failure.fail(unit.error().code, "encoding." + channel + ": " + unit.error().message);
      return result;
    }
    result.unit = *unit;
  }
  result.type = full_type(text(def, "type"));
  if (result.type.empty()) result.type = default_type(channel, def, result);
  if (!result.aggregate.empty() && result.argument.empty() && result.type != "ordinal" &&
      result.type != "nominal" && result.type != "temporal")
    result.type = "quantitative";
  if (result.aggregate == "count")
    result.type = result.type.empty() || result.type == "temporal" ? "quantitative" : result.type;
  static const std::set<std::string> types = {"quantitative", "temporal", "ordinal", "nominal",
                                              "geojson"};
  if (!types.contains(result.type)) {
    failure.fail(base::Errc::usage,
                 "encoding." + channel + ": there is no type \"" + text(def, "type") + "\"");
    return result;
  }
  base::Result<Field> source = result.raw_field.empty() ? Field() : Field::parse(result.raw_field);
  if (!source) {
    failure.fail(source.error().code, source.error().message);
    return result;
  }
  const std::string name = result.raw_field.empty() ? "" : source->name();
  if (!result.argument.empty()) {
    result.column_name = result.aggregate + "_" + result.argument;
    base::Result<Field> nested = Field::parse("__row['" + name + "']");
    result.column = Field::key(result.column_name + "|" + name);
    result.column_name += "|" + name;
  } else if (result.bin) {
    std::string tag =
        bin.is_object()
            ? plain(bin.dump(-1, ' ', false, json::error_handler_t::replace))
            : std::string(channel == "x" || channel == "y" ? "maxbins_10" : "maxbins_6");
    result.column_name = "bin_" + tag + "_" + name;
    result.end_name = result.column_name + "_end";
    if (result.discrete_type()) {
      // Bins as categories go by their text, "0 – 10".
      result.column = Field::key(result.column_name + "_range");
      result.end_column = Field::key(result.end_name);
      return result;
    }
  } else if (result.unit && !result.unit->binned) {
    result.column_name = time_unit_name(*result.unit) + "_" + name;
    result.end_name = result.column_name + "_end";
  } else if (result.unit) {
    result.column_name = name;
    result.end_name = name + "_end";
  } else if (!result.aggregate.empty()) {
    result.column_name = name.empty() ? "__" + result.aggregate : result.aggregate + "_" + name;
  } else {
    result.column_name = name;
    result.column = *source;
    return result;
  }
  result.column = Field::key(result.column_name);
  if (!result.end_name.empty()) result.end_column = Field::key(result.end_name);
  return result;
}

static std::string title_case(std::string word) {
  if (!word.empty()) word[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])));
  return word;
}

std::string field_title(const ChannelDef& def, const json& config) {
  if (def.is_datum()) return "";
  if (def.is_count()) return text(config, "countTitle", "Count of Records");
  std::string field;
  for (size_t i = 0; i < def.raw_field.size(); ++i)
    if (def.raw_field[i] != '\\') field += def.raw_field[i];
  if (text(config, "fieldTitle") == "plain") return field;
  if (def.bin) return field + " (binned)";
  if (def.unit && !def.unit->binned) {
    static const char* names[] = {"year",    "quarter", "month",       "week",
                                  "date",    "day",     "dayofyear",   "hours",
                                  "minutes", "seconds", "milliseconds"};
    std::string unit;
    for (const TimePart part : def.unit->parts)
      unit += (unit.empty() ? "" : "-") + std::string(names[static_cast<int>(part)]);
    return field + " (" + unit + ")";
  }
  if (!def.argument.empty())
    return field + " for " + (def.aggregate == "argmax" ? "max " : "min ") + def.argument;
  if (def.aggregate == "count") return text(config, "countTitle", "Count of Records");
  if (!def.aggregate.empty()) return title_case(def.aggregate) + " of " + field;
  return field;
}

}  // namespace tools::vega
