// Which scales a chart has, of which type, over which domains. A unit asks for a scale per channel;
// layers and facets share them, concatenations share all but positions, unless "resolve" says
// otherwise.
#include <algorithm>
#include <cmath>
#include <set>

#include "tools/vega/config.h"
#include "tools/vega/model.h"

namespace tools::vega {

int cell_in(const View& view, int cell, const View& ancestor) {
  const View* at = &view;
  while (at != &ancestor && at->parent != nullptr) {
    cell = at->cells[static_cast<size_t>(cell)].parent;
    at = at->parent;
  }
  return cell;
}

const ScaleEntry* find_scale_entry(const View& view, const std::string& channel) {
  for (const View* at = &view; at != nullptr; at = at->parent)
    if (const auto found = at->own_scales.find(channel); found != at->own_scales.end())
      return found->second.get();
  return nullptr;
}

const ScaleInstance* find_scale(const View& view, int cell, const std::string& channel) {
  const ScaleEntry* entry = find_scale_entry(view, channel);
  if (entry == nullptr) return nullptr;
  const size_t at = static_cast<size_t>(cell_in(view, cell, *entry->owner));
  return at < entry->instances.size() && entry->instances[at].ok ? &entry->instances[at] : nullptr;
}

std::optional<double> band_position(const View& view, const ChannelDef& def, const json& config) {
  if (has(def.def, "bandPosition")) return number(def.def, "bandPosition", 0.5);
  if (def.bin || def.binned) return 0.5;
  if (def.unit) {
    const json position = mark_property(view.mark_def, view.mark, config, "timeUnitBandPosition");
    if (position.is_number()) return position.get<double>();
  }
  return std::nullopt;
}

namespace {

const std::set<std::string> kScaled = {
    "x",           "y",          "xOffset", "yOffset", "theta",       "radius",
    "color",       "fill",       "stroke",  "opacity", "fillOpacity", "strokeOpacity",
    "strokeWidth", "strokeDash", "size",    "angle",   "shape"};
const std::set<std::string> kColors = {"color", "fill", "stroke"};
bool positional(const std::string& channel) {
  return channel == "x" || channel == "y" || channel == "theta" || channel == "radius";
}

ScaleType default_type(const View& view, const std::string& channel, const ChannelDef& def) {
  if (def.discrete_type()) {
    if (kColors.contains(channel) || channel == "shape" || channel == "strokeDash")
      return ScaleType::ordinal;
    if (channel == "x" || channel == "y" || channel == "xOffset" || channel == "yOffset") {
      if (view.is_rect() || view.mark == "rule") return ScaleType::band;
    } else if (view.mark == "arc" && (channel == "theta" || channel == "radius")) {
      return ScaleType::band;
    }
    const json& size = get(view.mark_def, channel.starts_with("x") ? "width" : "height");
    if (has(size, "band")) return ScaleType::band;
    if (truth(get(def.def, "axis"), "tickBand", false) ||
        text(get(def.def, "axis"), "tickBand") == "extent")
      return ScaleType::band;
    return ScaleType::point;
  }
  if (def.temporal()) {
    if (channel == "shape" || channel == "strokeDash") return ScaleType::ordinal;
    return def.unit && def.unit->utc ? ScaleType::utc : ScaleType::time;
  }
  if (kColors.contains(channel) && def.bin) return ScaleType::bin_ordinal;
  if (channel == "shape" || channel == "strokeDash") return ScaleType::ordinal;
  return channel == "radius" ? ScaleType::sqrt : ScaleType::linear;
}

int category(ScaleType type) {
  if (type == ScaleType::band || type == ScaleType::point) return 1;
  if (type == ScaleType::ordinal || type == ScaleType::bin_ordinal) return 2;
  if (is_timed(type)) return 3;
  return 0;
}

class Scales {
 public:
  explicit Scales(Model& model) : model_(model) {}

  // The scales that `view` hands up, by channel.
  std::map<std::string, std::unique_ptr<ScaleEntry>> collect(View& view) {
    std::map<std::string, std::unique_ptr<ScaleEntry>> up;
    if (view.kind == ViewKind::unit) {
      for (const auto& [channel, value] : view.encoding) {
        const ChannelDef* def = value.scaled();
        if (def == nullptr || !kScaled.contains(channel) || def->type == "geojson") continue;
        if (has(def->def, "scale") && def->def["scale"].is_null()) continue;
        auto entry = std::make_unique<ScaleEntry>();
        entry->channel = channel;
        entry->owner = &view;
        entry->type = default_type(view, channel, *def);
        const std::string wish = text(get(def->def, "scale"), "type");
        if (!wish.empty()) {
          const std::optional<ScaleType> type = parse_scale_type(wish);
          if (!type) {
            model_.failure.fail(base::Errc::usage, "encoding." + channel +
                                                       ".scale: there is no type \"" + wish + "\"");
            return up;
          }
          entry->type = *type;
          entry->fixed_type = true;
        }
        entry->users = {{&view, def}};
        if (get(def->def, "scale").is_object()) entry->properties = def->def["scale"];
        up[channel] = std::move(entry);
      }
      return up;
    }
    const json& resolve = get(get(*view.spec, "resolve"), "scale");
    std::map<std::string, std::vector<std::unique_ptr<ScaleEntry>>> gathered;
    std::vector<View*> from;
    for (const auto& child : view.children) {
      auto mine = collect(*child);
      for (auto& [channel, entry] : mine) {
        const bool concat = view.kind == ViewKind::concat;
        std::string how = text(resolve, channel);
        if (how.empty()) {
          const bool position = positional(channel) || channel == "xOffset" || channel == "yOffset";
          how = (concat && position) || (view.kind == ViewKind::facet &&
                                         (channel == "theta" || channel == "radius"))
                    ? "independent"
                    : "shared";
        }
        // Scales of different kinds cannot be one.
        if (how == "shared") {
          auto& list = gathered[channel];
          if (!list.empty() && category(list[0]->type) != category(entry->type))
            how = "independent";
        }
        if (how == "shared")
          gathered[channel].push_back(std::move(entry));
        else
          keep(*child, channel, std::move(entry));
      }
    }
    for (auto& [channel, list] : gathered) {
      auto merged = std::move(list[0]);
      for (size_t i = 1; i < list.size(); ++i) {
        ScaleEntry& other = *list[i];
        merged->users.insert(merged->users.end(), other.users.begin(), other.users.end());
        for (const auto& [key, value] : other.properties.items())
          if (!merged->properties.contains(key)) merged->properties[key] = value;
        if (other.fixed_type && !merged->fixed_type) {
          merged->type = other.type, merged->fixed_type = true;
        } else if (other.fixed_type == merged->fixed_type && other.type == ScaleType::band &&
                   merged->type == ScaleType::point) {
          merged->type = ScaleType::band;
        }
      }
      merged->owner = &view;
      up[channel] = std::move(merged);
    }
    return up;
  }

  void keep(View& view, const std::string& channel, std::unique_ptr<ScaleEntry> entry) {
    entry->owner = &view;
    for (const View* at = &view; at != nullptr; at = at->parent) {
      const std::string part = at->name;
      (void)part;
    }
    entry->name = channel;
    all_.push_back(entry.get());
    view.own_scales[channel] = std::move(entry);
  }

  void domains() {
    for (ScaleEntry* entry : all_) {
      entry->instances.resize(entry->owner->cells.size());
      for (size_t i = 0; i < entry->instances.size(); ++i) {
        domain(*entry, static_cast<int>(i));
        if (model_.failure.failed()) return;
      }
    }
  }

 private:
  // The cells of a user that lie in cell `i` of the owner.
  template <class Visit>
  void each_cell(const ScaleEntry& entry, const View& view, int i, Visit visit) {
    for (size_t c = 0; c < view.cells.size(); ++c)
      if (cell_in(view, static_cast<int>(c), *entry.owner) == i) visit(view.cells[c]);
  }

  std::vector<Row> explicit_domain(const ScaleEntry& entry, const json& domain) {
    std::vector<Row> values;
    for (const json& value : domain) {
      Row one = datum_value(value, model_.failure);
      if (is_timed(entry.type) && one.is_string()) {
        const double ms = parse_date(one.get_ref<const std::string&>());
        if (!std::isnan(ms)) one = number_row(ms);
      }
      if (one.is_object() && one.contains("expr")) one = resolve_expression(one, model_);
      values.push_back(std::move(one));
    }
    return values;
  }

  void domain(ScaleEntry& entry, int i) {
    ScaleInstance& instance = entry.instances[static_cast<size_t>(i)];
    ScaleOptions& options = instance.options;
    options.type = entry.type;
    std::vector<Row> fixed, with;
    bool has_fixed = false;
    for (const auto& [view, def] : entry.users) {
      const json& domain = get(get(def->def, "scale"), "domain");
      if (domain.is_array()) {
        for (Row& value : explicit_domain(entry, domain))
          if (!is_discrete(entry.type) ||
              std::find(fixed.begin(), fixed.end(), value) == fixed.end())
            fixed.push_back(std::move(value));
        has_fixed = true;
      } else if (get(domain, "unionWith").is_array()) {
        for (Row& value : explicit_domain(entry, domain["unionWith"]))
          with.push_back(std::move(value));
      } else if (has(domain, "expr")) {
        const json value = resolve_expression(domain, model_);
        if (value.is_array()) {
          for (Row& one : explicit_domain(entry, value)) fixed.push_back(std::move(one));
          has_fixed = true;
        }
      }
    }
    if (has_fixed) {
      if (is_discrete(entry.type) || is_discretizing(entry.type)) {
        options.domain = fixed;
      } else if (entry.users.size() > 1 && fixed.size() > 2) {
        double low = INFINITY, high = -INFINITY;
        for (const Row& value : fixed)
          low = std::min(low, to_number(value)), high = std::max(high, to_number(value));
        options.domain = {number_row(low), number_row(high)};
        if (entry.users.size() == 1 ||
            get(get(entry.users[0].second->def, "scale"), "domain").size() == fixed.size())
          options.domain = fixed;
      } else {
        options.domain = fixed;
      }
      return;
    }
    if (is_discrete(entry.type))
      discrete_domain(entry, i, options, with);
    else
      continuous_domain(entry, i, instance, with);
  }

  // How a discrete domain is ordered: nothing, ascending, or by an aggregate.
  struct Order {
    bool none = false, descending = false;
    json list;
    std::string op, field;
    bool operator==(const Order&) const = default;
  };

  Order order_of(const View& view, const ChannelDef& def) {
    Order order;
    const json& sort = get(def.def, "sort");
    if (has(def.def, "sort") && sort.is_null()) order.none = true;
    if (sort.is_array()) order.list = sort;
    std::string by;
    if (sort.is_string()) {
      const std::string word = sort.get<std::string>();
      if (word == "descending") {
        order.descending = true;
      } else if (word != "ascending") {
        order.descending = word.starts_with("-");
        by = order.descending ? word.substr(1) : word;
      }
    }
    if (sort.is_object()) {
      order.descending = text(sort, "order") == "descending";
      if (has(sort, "order") && sort["order"].is_null()) order.none = true;
      by = text(sort, "encoding");
      if (by.empty()) {
        order.field = text(sort, "field");
        order.op = text(sort, "op", view.stack.channel.empty() ? "min" : "sum");
        if (order.field.empty() && order.op.empty()) order.op = "count";
      }
    }
    if (!by.empty()) {
      const ChannelDef* other = view.def(by);
      if (other == nullptr || !other->is_field()) return order;
      if (other->aggregate.empty()) {
        order.field = other->column_name;
        order.op = view.stack.channel.empty() ? "min" : "sum";
      } else {
        order.field = other->raw_field;
        order.op = other->aggregate;
      }
    }
    return order;
  }

  void discrete_domain(const ScaleEntry& entry, int i, ScaleOptions& options,
                       const std::vector<Row>& with) {
    std::vector<Row> values;
    std::set<std::string> seen;
    auto add = [&](const Row& value) {
      std::string key;
      append_key(key, value);
      if (seen.insert(key).second) values.push_back(value);
    };
    std::optional<Order> order;
    bool conflict = false;
    for (const auto& [view, def] : entry.users) {
      if (def->is_datum()) {
        add(def->datum);
        continue;
      }
      const Order mine = order_of(*view, *def);
      if (!order)
        order = mine;
      else if (!(*order == mine))
        conflict = true;
      const bool raw = !mine.op.empty();
      each_cell(entry, *view, i, [&](const Cell& cell) {
        for (const Row& row : raw && def->aggregate.empty() ? *cell.source : *cell.rows) {
          const Row* value = def->column.find(row);
          add(value == nullptr ? null_row() : *value);
          if (values.size() > 100000) break;
        }
      });
    }
    for (const Row& value : with) add(value);
    if (values.size() > 100000) {
      model_.failure.fail(base::Errc::limit,
                          "encoding." + entry.channel + " has more than 100000 different values");
      return;
    }
    if (conflict || !order) {
      if (conflict) order = Order{};
    }
    if (order && !order->list.is_null()) {
      std::map<std::string, size_t> rank;
      for (const json& one : order->list) {
        std::string key;
        append_key(key, list_value(entry, one));
        rank.emplace(key, rank.size());
      }
      auto place = [&](const Row& value) {
        std::string key;
        append_key(key, value);
        const auto found = rank.find(key);
        return found == rank.end() ? rank.size() : found->second;
      };
      std::stable_sort(values.begin(), values.end(),
                       [&](const Row& a, const Row& b) { return place(a) < place(b); });
    } else if (order && order->op.empty() && !order->none && entry.users[0].second->bin) {
      sort_by_start(entry, i, order->descending, values);
    } else if (order && !order->op.empty()) {
      sort_by_aggregate(entry, i, *order, values);
    } else if (order && !order->none) {
      std::stable_sort(values.begin(), values.end(), [&](const Row& a, const Row& b) {
        const int c = compare(a, b);
        return order->descending ? c > 0 : c < 0;
      });
    }
    options.domain = std::move(values);
  }

  // A value of a sort list in the terms of the column: month names and date objects for time units.
  Row list_value(const ScaleEntry& entry, const json& one) {
    const ChannelDef& def = *entry.users[0].second;
    if (def.unit && (one.is_string() || one.is_object())) {
      json date = one;
      if (one.is_string()) {
        const TimePart part = def.unit->parts.empty() ? TimePart::year : def.unit->parts.back();
        date = part == TimePart::month ? json{{"month", one}}
               : part == TimePart::day ? json{{"day", one}}
                                       : json{{"year", one}};
      }
      base::Result<double> ms = date_time_ms(date);
      if (ms) return number_row(time_unit_floor(*ms, *def.unit));
    }
    return datum_value(one, model_.failure);
  }

  // Bins as categories stand in the order of their starts, not of their texts.
  void sort_by_start(const ScaleEntry& entry, int i, bool descending, std::vector<Row>& values) {
    std::map<std::string, double> start;
    for (const auto& [view, def] : entry.users) {
      const Field from = Field::key(def->column_name);
      each_cell(entry, *view, i, [&](const Cell& cell) {
        for (const Row& row : *cell.rows)
          start[to_text(def->column.of(row))] =
              from.of(row).is_null() ? -INFINITY : from.number(row);
      });
    }
    std::stable_sort(values.begin(), values.end(), [&](const Row& a, const Row& b) {
      const double p = start[to_text(a)], q = start[to_text(b)];
      return descending ? p > q : p < q;
    });
  }

  void sort_by_aggregate(const ScaleEntry& entry, int i, const Order& order,
                         std::vector<Row>& values) {
    Rows rows;
    const ChannelDef& def = *entry.users[0].second;
    for (const auto& [view, mine] : entry.users) {
      if (!mine->is_field()) continue;
      each_cell(entry, *view, i, [&](const Cell& cell) {
        for (const Row& row : *cell.source) {
          Row small = Row::object();
          small["k"] = mine->column.of(row);
          base::Result<Field> field = order.field.empty() ? Field() : Field::parse(order.field);
          if (!field) continue;
          Row value = order.field.empty() ? Row() : Row(field->of(row));
          if (value.is_null() && !order.field.empty()) value = Field::key(order.field).of(row);
          small["v"] = std::move(value);
          rows.push_back(std::move(small));
        }
      });
      if (entry.users.size() > 1 && entry.owner->kind != ViewKind::facet) break;
    }
    (void)def;
    base::Result<Rows> sums =
        aggregate(rows, {"k"}, {{order.op, order.op == "count" ? "" : "v", "s"}});
    if (!sums) {
      model_.failure.fail(sums.error().code, sums.error().message);
      return;
    }
    std::map<std::string, Row> weight;
    for (const Row& row : *sums) {
      std::string key;
      append_key(key, row["k"]);
      weight[key] = row["s"];
    }
    std::stable_sort(values.begin(), values.end(), [&](const Row& a, const Row& b) {
      std::string ka, kb;
      append_key(ka, a), append_key(kb, b);
      const int c = compare(weight[ka], weight[kb]);
      return order.descending ? c > 0 : c < 0;
    });
  }

  void continuous_domain(ScaleEntry& entry, int i, ScaleInstance& instance,
                         const std::vector<Row>& with) {
    ScaleOptions& options = instance.options;
    double low = INFINITY, high = -INFINITY;
    auto take = [&](double value) {
      if (!std::isfinite(value)) return;
      low = std::min(low, value), high = std::max(high, value);
    };
    auto take_row = [&](const Row* value) {
      if (value != nullptr && !value->is_null()) take(to_number(*value));
    };
    std::vector<Row> samples;
    for (const auto& [view, def] : entry.users) {
      const std::string& channel = def->channel;
      if (def->is_datum()) {
        take_row(&def->datum);
        if (entry.type == ScaleType::quantile) samples.push_back(def->datum);
      } else if (view->stack.channel == channel) {
        if (view->stack.options.offset == StackOptions::Offset::normalize) {
          take(0), take(1);
        } else {
          const Field start = Field::key(view->stack.options.start_as),
                      end = Field::key(view->stack.options.end_as);
          each_cell(entry, *view, i, [&](const Cell& cell) {
            for (const Row& row : *cell.rows) take_row(start.find(row)), take_row(end.find(row));
          });
        }
      } else if (def->bin) {
        const auto found = view->bins.find(def->column_name);
        if (found != view->bins.end()) {
          take(found->second.start), take(found->second.stop);
          instance.bins = found->second;
        }
      } else {
        bool ends = def->unit && !def->end_name.empty() &&
                    band_position(*view, *def, model_.config).has_value() &&
                    (channel == "x" || channel == "y");
        const bool rect = view->is_rect();
        if (!rect && def->unit && !has(def->def, "bandPosition")) {
          const json position =
              mark_property(view->mark_def, view->mark, model_.config, "timeUnitBandPosition");
          ends = ends && position.is_number() && position.get<double>() != 0;
        }
        const double band = ends ? *band_position(*view, *def, model_.config) : 0;
        const bool offset = ends && rect && band != 0.5 &&
                            view->encoding.find(second_channel(channel)) == view->encoding.end();
        if (!rect && band == 0) ends = false;
        std::optional<Field> raw;
        const json& domain = get(get(def->def, "scale"), "domain");
        if (domain == "unaggregated" && !def->raw_field.empty()) {
          base::Result<Field> field = Field::parse(def->raw_field);
          if (field) raw = *field;
        }
        each_cell(entry, *view, i, [&](const Cell& cell) {
          for (const Row& row : raw ? *cell.source : *cell.rows) {
            const Row* value = raw ? raw->find(row) : def->column.find(row);
            if (entry.type == ScaleType::quantile && value != nullptr) samples.push_back(*value);
            if (offset && value != nullptr && value->is_number()) {
              const double start = value->get<double>(), end = to_number(def->end_column.of(row));
              take((start + before(*def, start)) / 2), take((start + end) / 2);
              continue;
            }
            take_row(value);
            if (ends) take_row(def->end_column.find(row));
          }
        });
      }
      // The second end belongs to the same scale.
      if (const auto second = view->encoding.find(second_channel(channel));
          second != view->encoding.end() && !second_channel(channel).empty()) {
        const ChannelDef& other = second->second.main;
        if (other.is_datum()) take_row(&other.datum);
        if (other.is_field())
          each_cell(entry, *view, i, [&](const Cell& cell) {
            for (const Row& row : *cell.rows) take_row(other.column.find(row));
          });
      }
    }
    for (const Row& value : with) take_row(&value);
    if (entry.type == ScaleType::quantile) {
      options.domain = samples;
      return;
    }
    if (entry.type == ScaleType::bin_ordinal) {
      if (instance.bins) {
        const Bins& bins = *instance.bins;
        for (int k = 0; k < 1000; ++k) {
          const double cut = bins.start + k * bins.step;
          if (cut > bins.stop + bins.step * 0.5) break;
          options.domain.push_back(number_row(cut));
        }
      }
      return;
    }
    if (low > high) return;  // no data: the default domain
    options.domain = {number_row(low), number_row(high)};
  }

  // The start of the unit before the one that starts at `start`.
  static double before(const ChannelDef& def, double start) {
    return time_unit_floor(start - 1, *def.unit);
  }

  Model& model_;
  std::vector<ScaleEntry*> all_;
};

}  // namespace

void build_scales(Model& model) {
  Scales scales(model);
  auto top = scales.collect(*model.root);
  for (auto& [channel, entry] : top) scales.keep(*model.root, channel, std::move(entry));
  if (!model.failure.failed()) scales.domains();
}

}  // namespace tools::vega
