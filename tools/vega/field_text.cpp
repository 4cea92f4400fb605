// Values of fields as words: numbers by d3's formats, dates by strftime's, lists line by line.
#include "tools/vega/field_text.h"

#include <algorithm>
#include <cmath>

#include "tools/vega/format.h"

namespace tools::vega {

std::string lines_of(const json& value) {
  if (value.is_array()) {
    std::string all;
    for (const json& line : value) all += (all.empty() ? "" : "\n") + to_text(line);
    return all;
  }
  return value.is_null() ? "" : to_text(value);
}

static std::string format_number(double value, const std::string& specifier) {
  base::Result<NumberFormat> format = NumberFormat::parse(specifier);
  return format ? (*format)(value) : number_text(value);
}

std::string format_field(const ChannelDef& def, const Row& value, const std::string& format,
                         const std::string& format_type, const Model& model) {
  if (value.is_null()) return "null";
  const bool time_by_type =
      format_type == "time" || (format_type.empty() && (def.temporal() || def.unit.has_value()));
  if (time_by_type) {
    const double ms = to_number(value);
    if (std::isnan(ms)) return to_text(value);
    std::string pattern = format;
    if (pattern.empty() && def.unit) pattern = time_unit_format(*def.unit);
    if (pattern.empty()) pattern = text(model.config, "timeFormat", "%b %d, %Y");
    return format_time(ms, pattern, def.unit && def.unit->utc ? Zone::utc : Zone::local);
  }
  if (def.quantitative() || format_type == "number" || !format.empty()) {
    std::string specifier = format;
    if (specifier.empty()) specifier = text(model.config, "numberFormat");
    const double number = to_number(value);
    return std::isnan(number) ? to_text(value) : format_number(number, specifier);
  }
  return lines_of(value);
}

void apply_label_expression(const json& expression, const std::vector<Row>& values, bool fraction,
                            std::vector<std::string>& labels, Model& model) {
  if (!expression.is_string()) return;
  const base::Result<Expression> parsed =
      Expression::parse(expression.get_ref<const std::string&>());
  if (!parsed) return model.failure.fail(parsed.error().code, parsed.error().message);
  const size_t n = std::min(values.size(), labels.size());
  const double steps = fraction && values.size() > 1 ? static_cast<double>(values.size() - 1) : 1;
  for (size_t i = 0; i < n; ++i) {
    const Row datum = {
        {"value", values[i]}, {"label", labels[i]}, {"index", static_cast<double>(i) / steps}};
    Scope scope;
    scope.datum = &datum;
    scope.names = &model.names;
    scope.budget = &model.budget;
    const base::Result<Row> label = parsed->evaluate(scope);
    if (label)
      labels[i] = lines_of(*label);
    else if (label.error().code == base::Errc::limit)
      return model.failure.fail(label.error().code, label.error().message);
  }
}

}  // namespace tools::vega
