// What the scene alone does not tell: the specification is walked view by view, as it was written,
// with the data and encodings that each view inherits, and compared with the domains of the scene.
#include "tools/vega/check.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "base/json.h"
#include "tools/vega/natural_order.h"
#include "tools/vega/read.h"

namespace tools::vega {
namespace {

constexpr size_t kMaxViews = 1000;
constexpr int kMaxDepth = 32;

// A channel as some view sees it.
struct Seen {
  const json* def = nullptr;
  std::string path;
};

struct UnitView {
  std::string mark, orient, path;
  std::map<std::string, Seen> encoding;
  const json* data = nullptr;
  bool transformed = false;  // rows or their order are not those of the data
};

std::string mark_of(const json& spec) {
  const json& mark = get(spec, "mark");
  return mark.is_string() ? mark.get<std::string>() : text(mark, "type");
}

void collect(const json& spec, UnitView inherited, int depth, std::vector<UnitView>& views) {
  if (depth > kMaxDepth || views.size() >= kMaxViews || !spec.is_object()) return;
  if (has(spec, "data")) inherited.data = &get(spec, "data");
  if (has(spec, "transform")) inherited.transformed = true;
  const json& encoding = get(spec, "encoding");
  if (encoding.is_object())
    for (const auto& [channel, def] : encoding.items())
      inherited.encoding[channel] = {&def, inherited.path + "/encoding/" + channel};
  if (has(spec, "mark")) {
    inherited.mark = mark_of(spec);
    inherited.orient = text(get(spec, "mark"), "orient");
    views.push_back(std::move(inherited));
    return;
  }
  for (const char* key : {"layer", "hconcat", "vconcat", "concat"}) {
    const json& list = get(spec, key);
    if (!list.is_array()) continue;
    for (size_t i = 0; i < list.size(); ++i) {
      UnitView child = inherited;
      child.path += "/" + std::string(key) + "/" + std::to_string(i);
      collect(list[i], std::move(child), depth + 1, views);
    }
  }
  if (has(spec, "spec")) {
    inherited.path += "/spec";
    collect(get(spec, "spec"), std::move(inherited), depth + 1, views);
  }
}

bool binned(const json& def) {
  const json& bin = get(def, "bin");
  return bin.is_object() || bin == true || bin == "binned";
}

// As Vega-Lite guesses it.
std::string type_of(const json& def) {
  const std::string type = text(def, "type");
  if (!type.empty()) return type;
  if (has(def, "aggregate") || binned(def)) return "quantitative";
  if (has(def, "timeUnit")) return "temporal";
  return "nominal";
}

bool discrete(const json& def) {
  const std::string type = type_of(def);
  return type == "nominal" || type == "ordinal";
}

std::string in_quotes(const std::string& text) {
  return "\"" + (utf16_length(text) > 60 ? utf16_substring(text, 0, 60) + "…" : text) + "\"";
}

// The domains of the scales of one channel.
std::vector<json> domains_of(const Scene& scene, const std::string& channel) {
  std::vector<json> domains;
  for (const SceneScale& scale : scene.scales)
    if (scale.name == channel) domains.push_back(json::parse(scale.domain, nullptr, false));
  return domains;
}

class Checker {
 public:
  Checker(const json& spec, const Scene& scene, const UrlLoader& load)
      : spec_(spec), scene_(scene), load_(load) {}

  std::vector<Finding> run() {
    std::vector<UnitView> views;
    collect(spec_, {}, 0, views);
    for (const UnitView& view : views) {
      check_base(view);
      check_names(view);
      check_path(view);
      check_rows(view);
    }
    return std::move(findings_);
  }

 private:
  // A property that many views inherit is one finding.
  void add(const char* code, std::string text, const std::string& path) {
    if (reported_.insert({code, path}).second)
      findings_.push_back({code, std::move(text), path, std::nullopt});
  }

  void check_base(const UnitView& view) {
    if (view.mark != "bar") return;
    const auto measure = [&](const char* channel) {
      const auto it = view.encoding.find(channel);
      return it != view.encoding.end() && type_of(*it->second.def) == "quantitative" &&
             !binned(*it->second.def) && !view.encoding.count(std::string(channel) + "2");
    };
    const bool x = measure("x"), y = measure("y");
    for (const char* channel : {"x", "y"}) {
      if (!(channel[0] == 'x' ? x : y)) continue;
      // Both quantitative: bars stand on x unless they are said to lie.
      if (x && y && (channel[0] == 'x') != (view.orient == "horizontal")) continue;
      const Seen& seen = view.encoding.at(channel);
      const json& scale = get(*seen.def, "scale");
      const bool own = has(scale, "zero") || has(scale, "domain") || has(scale, "domainMin") ||
                       has(scale, "type");
      size_t without = 0, all = 0;
      double from = 0;
      for (const json& domain : domains_of(scene_, channel)) {
        if (!domain.is_array() || domain.size() < 2 || !domain.front().is_number() ||
            !domain.back().is_number())
          continue;
        ++all;
        const double lo = std::min(domain.front().get<double>(), domain.back().get<double>());
        const double hi = std::max(domain.front().get<double>(), domain.back().get<double>());
        if (lo > 0 || hi < 0) {
          if (without++ == 0) from = lo > 0 ? lo : hi;
        }
      }
      if (without > 0 && (own || without == all))
        add("non_zero_base",
            "the bars begin at " + number_text(from) +
                ", not at zero, so their lengths do not compare",
            seen.path + (has(*seen.def, "scale") ? "/scale" : ""));
    }
  }

  void check_names(const UnitView& view) {
    for (const auto& [channel, seen] : view.encoding) {
      if (channel != "x" && channel != "y" && channel != "color" && channel != "xOffset") continue;
      const json& def = *seen.def;
      if (!has(def, "field") || !discrete(def) || binned(def) || has(def, "timeUnit")) continue;
      // An order that somebody chose is no mistake.
      const json& sort = get(def, "sort");
      const std::string how = sort.is_string() ? sort.get<std::string>() : "";
      if (sort.is_structured() || (!how.empty() && how != "ascending" && how != "descending"))
        continue;
      if (has(get(def, "scale"), "domain")) continue;
      if (has(def, "sort") && sort.is_null() && !is_path(view.mark)) continue;
      for (const json& domain : domains_of(scene_, channel)) {
        std::vector<std::string> names;
        for (const json& value : domain)
          if (value.is_string()) names.push_back(value.get<std::string>());
        if (names.size() < 3 || names.size() != domain.size()) continue;
        const std::optional<NaturalOrder> order = natural_order(names);
        if (!order || is_in_order(*order)) continue;
        add("wrong_order",
            "the " + std::string(order->kind) + " on " + channel +
                " stand in the order of their letters or rows (" + in_quotes(names[0]) + ", " +
                in_quotes(names[1]) + ", " + in_quotes(names[2]) + ", …), not in their own",
            seen.path);
        break;
      }
    }
  }

  static bool is_path(const std::string& mark) {
    return mark == "line" || mark == "area" || mark == "trail";
  }

  void check_path(const UnitView& view) {
    if (!is_path(view.mark)) return;
    for (const char* channel : {"x", "y"}) {
      const auto it = view.encoding.find(channel);
      if (it == view.encoding.end()) continue;
      const json& def = *it->second.def;
      if (type_of(def) != "temporal" && !(has(def, "timeUnit") && !discrete(def))) continue;
      if (get(def, "sort") == "descending" || truth(get(def, "scale"), "reverse", false))
        add("wrong_order", "time runs backwards along the " + view.mark, it->second.path);
      const auto order = view.encoding.find("order");
      const bool ordered = order != view.encoding.end() && has(*order->second.def, "field");
      if ((ordered || (has(def, "sort") && get(def, "sort").is_null())) &&
          goes_back(scene_.root, channel[0] == 'x', 0))
        add("wrong_order",
            "the points of the " + view.mark + " are not joined in the order of time",
            ordered ? order->second.path : it->second.path);
    }
  }

  // Whether a path of the scene turns round along an axis.
  static bool goes_back(const Group& group, bool along_x, int depth) {
    if (depth > 200) return false;
    for (const Mark& mark : group.marks) {
      for (const Group& child : mark.groups)
        if (goes_back(child, along_x, depth + 1)) return true;
      if (mark.role != "mark" || (mark.type != MarkType::line && mark.type != MarkType::area &&
                                  mark.type != MarkType::trail))
        continue;
      bool forth = false, back = false;
      for (size_t i = 1; i < mark.items.size(); ++i) {
        const double a = along_x ? mark.items[i - 1].x : mark.items[i - 1].y;
        const double b = along_x ? mark.items[i].x : mark.items[i].y;
        forth |= b > a + 1e-9;
        back |= b < a - 1e-9;
      }
      if (forth && back) return true;
    }
    return false;
  }

  const Rows* rows_of(const json& data) {
    const auto [it, fresh] = rows_.try_emplace(&data);
    if (fresh) {
      const json& datasets = get(spec_, "datasets");
      const json none = json::object();
      base::Result<Rows> rows =
          load_data(data, {.url = load_, .datasets = &datasets, .names = &none});
      if (rows) it->second = std::move(*rows);
    }
    return it->second ? &*it->second : nullptr;
  }

  // Rows that a domain written into the specification leaves out.
  void check_rows(const UnitView& view) {
    if (view.transformed || view.data == nullptr || !view.data->is_object()) return;
    for (const auto& [channel, seen] : view.encoding) {
      const json& def = *seen.def;
      const json& given = get(get(def, "scale"), "domain");
      if (!given.is_array() || !get(def, "field").is_string() || has(def, "aggregate") ||
          binned(def) || has(def, "timeUnit"))
        continue;
      const base::Result<Field> field = Field::parse(text(def, "field"));
      if (!field) continue;
      const Rows* rows = rows_of(*view.data);
      if (rows == nullptr) continue;
      const std::string path = seen.path + "/scale/domain";
      if (discrete(def)) {
        // The scale that was drawn may have the domains of other views in it, too.
        std::set<std::string> known;
        bool drawn = false;
        for (const json& domain : domains_of(scene_, channel)) {
          std::set<std::string> names;
          for (const json& value : domain) names.insert(to_text(value));
          const bool ours = std::all_of(given.begin(), given.end(), [&](const json& value) {
            return names.count(to_text(value)) > 0;
          });
          if (ours && (!drawn || names.size() < known.size())) known = std::move(names);
          drawn |= ours;
        }
        if (!drawn) continue;
        std::set<std::string> missing;
        std::string first;
        for (const Row& row : *rows) {
          const Row& value = field->of(row);
          if (!is_valid(value) || known.count(to_text(value))) continue;
          if (missing.insert(to_text(value)).second && missing.size() == 1) first = to_text(value);
        }
        if (!missing.empty())
          add("missing_category",
              std::to_string(missing.size()) +
                  (missing.size() == 1 ? " category of " : " categories of ") +
                  in_quotes(text(def, "field")) + " in the data " +
                  (missing.size() == 1 ? "is" : "are") + " not in the domain of " + channel +
                  (missing.size() == 1 ? ": " : ", such as ") + in_quotes(first),
              path);
      } else if (type_of(def) == "quantitative" && given.size() == 2 && given[0].is_number() &&
                 given[1].is_number() && (channel == "x" || channel == "y")) {
        const double lo = std::min(given[0].get<double>(), given[1].get<double>());
        const double hi = std::max(given[0].get<double>(), given[1].get<double>());
        size_t outside = 0;
        double first = 0;
        for (const Row& row : *rows) {
          const double value = is_valid(field->of(row)) ? field->number(row) : NAN;
          if (!std::isfinite(value) || (value >= lo && value <= hi)) continue;
          if (outside++ == 0) first = value;
        }
        if (outside > 0)
          add("outside_domain",
              std::to_string(outside) + (outside == 1 ? " value of " : " values of ") +
                  in_quotes(text(def, "field")) + (outside == 1 ? " lies" : " lie") +
                  " outside the domain of " + channel + ", such as " + number_text(first),
              path);
      }
    }
  }

  const json& spec_;
  const Scene& scene_;
  const UrlLoader& load_;
  std::map<const json*, std::optional<Rows>> rows_;
  std::set<std::pair<std::string, std::string>> reported_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> check(const json& spec, const Scene& scene, const UrlLoader& load) {
  std::vector<Finding> findings = check_scene(scene);
  try {
    for (Finding& finding : Checker(spec, scene, load).run())
      findings.push_back(std::move(finding));
  } catch (const json::exception&) {
    // compile() has accepted the specification; a property of a type that only this file reads
    // differently ends the comparison, and what the scene showed stands.
  }
  return findings;
}

json findings_json(const std::vector<Finding>& findings) {
  json list = json::array();
  for (const Finding& f : findings) {
    json one = {{"code", f.code}, {"text", f.text}};
    if (!f.path.empty()) one["path"] = f.path;
    if (f.box) {
      json box = json::array();
      for (const double v : {f.box->x1, f.box->y1, f.box->x2, f.box->y2})
        box.push_back(std::round(v * 10) / 10);
      one["box"] = std::move(box);
    }
    list.push_back(std::move(one));
  }
  return {{"findings", std::move(list)}};
}

std::string findings_text(const std::vector<Finding>& findings) {
  if (findings.empty()) return "no findings\n";
  std::string out;
  for (const Finding& f : findings) {
    out += f.code + ": " + f.text;
    if (!f.path.empty()) {
      out += " (" + f.path + ")";
    } else if (f.box) {
      char place[80];
      std::snprintf(place, sizeof place, " (at %.0f, %.0f)", f.box->x1, f.box->y1);
      out += place;
    }
    out += "\n";
  }
  return out;
}

}  // namespace tools::vega
