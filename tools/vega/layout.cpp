// From the inside out: a plot with its axes, then facets with headers and concatenations as grids
// of what they hold, with legends beside and a title above. A group covers what its parts cover;
// places are whole pixels, as Vega rounds.
#include "tools/vega/layout.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "tools/vega/config.h"
#include "tools/vega/field_text.h"
#include "tools/vega/grid.h"
#include "tools/vega/guides.h"
#include "tools/vega/marks.h"

namespace tools::vega {
namespace {

class Layout {
 public:
  Layout(Model& model, const TextMetrics& metrics)
      : model_(model), metrics_(metrics), axes_(model, metrics) {}

  Drawn draw(View& view, int cell, const json& cell_title) {
    if (view.kind == ViewKind::facet) return facet(view, cell);
    if (view.kind == ViewKind::concat) return concat(view, cell);
    return plot(view, cell, cell_title);
  }

 private:
  static const View* facet_above(const View& view) {
    for (const View* at = view.parent; at != nullptr; at = at->parent)
      if (at->kind == ViewKind::facet) return at;
    return nullptr;
  }

  // Whether a facet around shows this axis in its headers.
  bool in_header(const AxisSpec& spec, const View& view) {
    const View* facet = facet_above(view);
    if (facet == nullptr) return false;
    if (text(get(get(*facet->spec, "resolve"), "axis"), spec.channel) == "independent")
      return false;
    const ScaleEntry* entry = find_scale_entry(*spec.view, spec.channel);
    for (const View* at = facet; at != nullptr; at = at->parent)
      if (at == entry->owner) return true;
    return false;
  }

  void background(View& view, Group& group) {
    json fill, stroke;
    const json& own = get(*view.spec, "view");
    auto property = [&](const char* name) -> json {
      if (has(own, name)) return own[name];
      const json& style = get(own, "style");
      if (style.is_string())
        if (const json& value =
                get(get(get(model_.config, "style"), style.get_ref<const std::string&>()), name);
            !value.is_null())
          return value;
      if (const json& cell = get(get(get(model_.config, "style"), "cell"), name); !cell.is_null())
        return cell;
      return get(get(model_.config, "view"), name);
    };
    fill = property("fill");
    stroke = property("stroke");
    if (fill.is_string()) group.item.fill = fill.get<std::string>();
    if (stroke.is_string()) group.item.stroke = stroke.get<std::string>();
    if (const json width = property("strokeWidth"); width.is_number())
      group.item.stroke_width = width.get<float>();
    if (const json opacity = property("strokeOpacity"); opacity.is_number())
      group.item.stroke_opacity = opacity.get<float>();
    if (const json opacity = property("fillOpacity"); opacity.is_number())
      group.item.fill_opacity = opacity.get<float>();
    if (const json opacity = property("opacity"); opacity.is_number())
      group.item.opacity = opacity.get<float>();
    if (const json radius = property("cornerRadius"); radius.is_number())
      group.style.corner_radius.fill(radius.get<double>());
    if (const json dash = property("strokeDash"); dash.is_array())
      for (const json& part : dash)
        if (part.is_number()) group.style.dash.push_back(part.get<double>());
  }

  Drawn plot(View& view, int cell, const json& cell_title) {
    Drawn drawn;
    Group& group = drawn.group;
    const Cell& place = view.cells[static_cast<size_t>(cell)];
    group.item.width = place.width, group.item.height = place.height;
    background(view, group);
    Box all{0, 0, place.width, place.height}, xs = all, ys = all;
    std::vector<AxisSpec> specs = axes_.specs(view);
    std::vector<Mark> above;
    for (const AxisSpec& spec : specs)
      if (auto grid = axes_.grid(spec, unit_cell(spec, view, cell), place.width, place.height)) {
        (spec.channel == "x" ? ys : xs).unite(grid->box);
        group.marks.push_back(std::move(grid->mark));
      }
    for (const AxisSpec& spec : specs) {
      if (in_header(spec, view)) continue;
      if (auto axis = axes_.axis(spec, unit_cell(spec, view, cell), place.width, place.height)) {
        (spec.channel == "x" ? ys : xs).unite(axis->box);
        (spec.zindex > 0 ? above : group.marks).push_back(std::move(axis->mark));
      }
    }
    each_unit(view, [&](View& unit) {
      std::vector<Mark> marks = make_marks(unit, cell, model_);
      const json clip = get(unit.mark_def, "clip");
      const bool series = unit.is_path() && marks.size() > 0 && path_grouped(unit);
      for (Mark& mark : marks) {
        if (clip == true) {
          // What is cut off takes no room.
          Group window;
          window.clip = true;
          window.item.width = place.width, window.item.height = place.height;
          Mark wrapper;
          wrapper.type = MarkType::group;
          wrapper.role = "scope";
          window.marks.push_back(std::move(mark));
          wrapper.groups.push_back(std::move(window));
          group.marks.push_back(std::move(wrapper));
          continue;
        }
        const Box box = mark_bounds(mark, metrics_);
        if (series)
          xs.unite(box), ys.unite(box);
        else
          all.unite(box);
        group.marks.push_back(std::move(mark));
      }
    });
    for (Mark& mark : above) group.marks.push_back(std::move(mark));
    legends(view, cell, group, all, xs, ys, place.width, place.height);
    all.unite(xs);
    all.unite(ys);
    json title = get(*view.spec, "title");
    if (!cell_title.is_null()) title = cell_title;
    add_title(view, title, group, all, place.width, place.height, cell_title.is_null());
    drawn.inner = all;
    drawn.box = all;
    if (!group.item.stroke.empty() && group.item.opacity != 0 && group.item.stroke_opacity != 0)
      drawn.box = all.grown(group.item.stroke_width / 2.0);
    return drawn;
  }

  // Lines that are split into series lie in groups of their own, which count like axes.
  static bool path_grouped(const View& unit) {
    for (const char* channel : {"color", "fill", "stroke", "opacity", "strokeWidth", "strokeDash",
                                "size", "detail", "shape"}) {
      const auto found = unit.encoding.find(channel);
      if (found == unit.encoding.end()) continue;
      if (unit.mark == "trail" && std::string_view(channel) == "size") continue;
      const ChannelDef* def = found->second.scaled();
      if ((def != nullptr && def->is_field() && def->aggregate.empty()) ||
          !found->second.list.empty())
        return true;
    }
    return false;
  }

  static int unit_cell(const AxisSpec&, const View&, int cell) { return cell; }

  void add_title(View& view, const json& title, Group& group, Box& all, double width, double height,
                 bool own) {
    std::optional<TitleSpec> spec = read_title(title, model_);
    if (!spec) return;
    if (own) {
      const bool leaf = view.kind == ViewKind::unit || view.kind == ViewKind::layer;
      if (leaf && !has(title, "frame") && !has(get(model_.config, "title"), "frame") &&
          !has(title, "anchor"))
        spec->frame = "group";
      if (!leaf && !has(title, "anchor") && text(get(model_.config, "title"), "anchor") == "middle")
        spec->anchor = "start", spec->style.align = text(title, "align", "left");
    }
    group.marks.push_back(place_title(*spec, width, height, all, metrics_));
  }

  void legends(View& view, int cell, Group& group, Box& all, const Box& xs, const Box& ys,
               double width, double height) {
    std::vector<DrawnLegend> list = make_legends(view, cell, model_, metrics_);
    std::map<std::string, std::vector<DrawnLegend*>> sides;
    for (DrawnLegend& legend : list) sides[legend.orient].push_back(&legend);
    for (auto& [orient, members] : sides) {
      if (orient == "none") continue;
      double offset = 0;
      for (const DrawnLegend* one : members) offset = std::max(offset, one->offset);
      const bool row = orient == "top" || orient == "bottom";
      GridOptions grid;
      grid.columns = row ? 0 : 1;
      grid.row_padding = grid.column_padding = 18;
      std::vector<Box> boxes;
      for (const DrawnLegend* one : members)
        boxes.push_back({0, 0, one->group.item.width, one->group.item.height});
      std::vector<Place> places = grid_places(boxes, grid);
      double w = 0, h = 0;
      for (size_t i = 0; i < members.size(); ++i)
        w = std::max(w, places[i].x + boxes[i].x2), h = std::max(h, places[i].y + boxes[i].y2);
      double x = 0, y = 0;
      if (orient == "right") x = std::ceil(xs.x2) + offset;
      if (orient == "left") x = std::floor(xs.x1) - offset - w;
      if (orient == "top") y = std::floor(ys.y1) - offset - h;
      if (orient == "bottom") y = std::ceil(ys.y2) + offset;
      if (orient == "top-left") x = offset, y = offset;
      if (orient == "top-right") x = width - offset - w, y = offset;
      if (orient == "bottom-left") x = offset, y = height - offset - h;
      if (orient == "bottom-right") x = width - offset - w, y = height - offset - h;
      for (size_t i = 0; i < members.size(); ++i) {
        members[i]->group.item.x = x + places[i].x;
        members[i]->group.item.y = y + places[i].y;
      }
    }
    for (DrawnLegend& legend : list) {
      all.unite(Box{legend.group.item.x, legend.group.item.y,
                    legend.group.item.x + legend.group.item.width,
                    legend.group.item.y + legend.group.item.height});
      Mark mark;
      mark.type = MarkType::group;
      mark.role = "legend";
      mark.groups.push_back(std::move(legend.group));
      group.marks.push_back(std::move(mark));
    }
  }

  double spacing(const View& view, const char* config_key, const char* direction) {
    const json& own = get(*view.spec, "spacing");
    if (own.is_number()) return own.get<double>();
    const double standard = number(get(model_.config, config_key), "spacing", 20);
    return number(own, direction, standard);
  }

  void alignment(const View& view, GridOptions& grid, const std::string& standard) {
    const json& align = get(*view.spec, "align");
    grid.row_align = grid.column_align = align.is_string() ? align.get<std::string>() : standard;
    if (align.is_object())
      grid.row_align = text(align, "row", standard),
      grid.column_align = text(align, "column", standard);
    const json& center = get(*view.spec, "center");
    if (center.is_boolean()) grid.center_row = grid.center_column = center.get<bool>();
    grid.center_row = truth(center, "row", grid.center_row);
    grid.center_column = truth(center, "column", grid.center_column);
  }

  // Puts finished cells into their places in `group`; what they cover goes into `all`.
  static void settle(Mark& mark, Drawn& cell, const Place& place, Box& all) {
    cell.group.item.x = place.x, cell.group.item.y = place.y;
    all.unite(cell.box.moved(place.x, place.y));
    mark.groups.push_back(std::move(cell.group));
  }

  Drawn concat(View& view, int cell) {
    Drawn drawn;
    std::vector<Drawn> parts;
    std::vector<Box> boxes;
    const bool flush = text(*view.spec, "bounds") == "flush";
    for (const auto& child : view.children) {
      parts.push_back(draw(*child, cell, json()));
      if (model_.failure.failed()) return drawn;
      const Drawn& part = parts.back();
      boxes.push_back(flush ? Box{0, 0, part.group.item.width, part.group.item.height} : part.box);
    }
    GridOptions grid;
    grid.columns = static_cast<int>(std::clamp(number(*view.spec, "columns", 0), 0.0, 10000.0));
    grid.row_padding = spacing(view, "concat", "row");
    grid.column_padding = spacing(view, "concat", "column");
    alignment(view, grid, truth(*view.spec, "repeated", false) ? "all" : "each");
    const std::vector<Place> places = grid_places(boxes, grid);
    Box all;
    for (size_t i = 0; i < parts.size(); ++i) {
      Mark mark;
      mark.type = MarkType::group;
      mark.role = "scope";
      settle(mark, parts[i], places[i], all);
      drawn.group.marks.push_back(std::move(mark));
    }
    all.add(0, 0);
    const Box around = all;
    legends(view, cell, drawn.group, all, around, around, 0, 0);
    add_title(view, get(*view.spec, "title"), drawn.group, all, 0, 0, true);
    drawn.box = drawn.inner = all;
    return drawn;
  }

  // A label or title of a header, from the field's "header" object.
  json header_text(const ChannelDef& def, const std::string& channel, const Row& value) {
    const json& header = get(def.def, "header");
    if (has(def.def, "header") && (header.is_null() || get(header, "labels") == false)) return {};
    std::string label =
        format_field(def, value, text(header, "format"), text(header, "formatType"), model_);
    if (def.bin) {
      const double start = to_number(value);
      (void)start;
    }
    if (const json& expression = get(header, "labelExpr"); expression.is_string()) {
      base::Result<Expression> parsed = Expression::parse(expression.get_ref<const std::string&>());
      if (!parsed) {
        model_.failure.fail(parsed.error().code, parsed.error().message);
        return {};
      }
      Row datum = {{"value", value}, {"label", label}};
      Scope scope;
      scope.datum = &datum;
      scope.names = &model_.names;
      if (base::Result<Row> result = parsed->evaluate(scope)) label = lines_of(*result);
    }
    json title = {{"text", label}, {"style", "guide-label"}, {"frame", "group"}};
    const std::string kind = channel == "row"      ? "headerRow"
                             : channel == "column" ? "headerColumn"
                                                   : "headerFacet";
    auto property = [&](const char* name) -> json {
      if (has(header, name)) return header[name];
      if (has(get(model_.config, kind), name)) return model_.config[kind][name];
      return get(get(model_.config, "header"), name);
    };
    const json padding = property("labelPadding");
    title["offset"] = padding.is_number() ? padding : json(10);
    for (const auto& [from, to] : {std::pair{"labelFontSize", "fontSize"},
                                   {"labelColor", "color"},
                                   {"labelFont", "font"},
                                   {"labelFontWeight", "fontWeight"},
                                   {"labelFontStyle", "fontStyle"},
                                   {"labelLimit", "limit"},
                                   {"labelAnchor", "anchor"},
                                   {"labelAlign", "align"},
                                   {"labelBaseline", "baseline"}})
      if (const json value_of = property(from); !value_of.is_null()) title[to] = value_of;
    std::string orient = channel == "row" ? "left" : "top";
    if (const json own = property("labelOrient"); own.is_string()) orient = own.get<std::string>();
    if (const json own = property("orient"); own.is_string()) orient = own.get<std::string>();
    title["orient"] = orient;
    const json angle = property("labelAngle");
    if (angle.is_number()) {
      title["angle"] = angle;
      const double a = std::fmod(std::fmod(angle.get<double>(), 360) + 360, 360);
      // Text that is not along its side hangs by its near end.
      if (orient == "left" || orient == "right") {
        if (!title.contains("align"))
          title["align"] = a < 90 || a > 270   ? (orient == "left" ? "right" : "left")
                           : a > 90 && a < 270 ? (orient == "left" ? "left" : "right")
                                               : "center";
        if (!title.contains("baseline")) title["baseline"] = a == 0 || a == 180 ? "middle" : "top";
      } else {
        if (!title.contains("align") && a != 0) title["align"] = a < 180 ? "right" : "left";
        if (!title.contains("baseline") && a != 0) title["baseline"] = "middle";
      }
    }
    if (!title.contains("anchor")) title["anchor"] = "middle";
    if (!title.contains("limit")) title["limit"] = 0;
    return title;
  }

  // A header or footer of a row or column: a label and axes around an empty plot.
  std::optional<Drawn> header(View& child, const std::vector<AxisSpec>& specs,
                              const std::set<std::string>& orients, int cell, bool row,
                              const json& label) {
    Drawn drawn;
    const Cell& place = child.cells[static_cast<size_t>(cell)];
    const double width = row ? 0 : place.width, height = row ? place.height : 0;
    drawn.group.item.width = width, drawn.group.item.height = height;
    Box all{0, 0, width, height};
    bool any = false;
    for (const AxisSpec& spec : specs) {
      if (!orients.contains(spec.orient) || !in_header(spec, child)) continue;
      if (auto axis = axes_.axis(spec, cell, width, height)) {
        all.unite(axis->box);
        drawn.group.marks.push_back(std::move(axis->mark));
        any = true;
      }
    }
    if (std::optional<TitleSpec> title = read_title(label, model_)) {
      drawn.group.marks.push_back(place_title(*title, width, height, all, metrics_));
      any = true;
    }
    drawn.box = drawn.inner = all;
    if (!any) return std::nullopt;
    return drawn;
  }

  Drawn facet(View& view, int parent) {
    Drawn drawn;
    View& child = *view.children[0];
    std::vector<int> cells;
    for (size_t i = 0; i < child.cells.size(); ++i)
      if (child.cells[i].parent == parent) cells.push_back(static_cast<int>(i));
    const bool wrap = view.facets.contains("facet");
    const auto& values = view.facet_values[static_cast<size_t>(parent)];
    auto count = [&](const char* channel) {
      return values.contains(channel) ? std::max<size_t>(1, values.at(channel).size()) : 1;
    };
    const size_t columns =
        wrap ? static_cast<size_t>(std::clamp(number(*view.spec, "columns", 0), 0.0, 10000.0))
             : count("column");
    const size_t per_row = columns == 0 ? std::max<size_t>(1, cells.size())
                                        : std::min(std::max<size_t>(1, cells.size()), columns);

    std::vector<Drawn> parts;
    std::vector<Box> boxes;
    const bool flush = text(*view.spec, "bounds") == "flush";
    for (const int cell : cells) {
      json title;
      if (wrap) {
        const ChannelDef& def = view.facets.at("facet");
        title =
            header_text(def, "facet",
                        child.cells[static_cast<size_t>(cell)].facet.value(def.column_name, Row()));
      }
      parts.push_back(draw(child, cell, title));
      if (model_.failure.failed()) return drawn;
      boxes.push_back(flush
                          ? Box{0, 0, parts.back().group.item.width, parts.back().group.item.height}
                          : parts.back().box);
    }
    GridOptions grid;
    grid.columns = static_cast<int>(per_row);
    grid.row_padding = spacing(view, "facet", "row");
    grid.column_padding = spacing(view, "facet", "column");
    alignment(view, grid, "all");
    const std::vector<Place> places = grid_places(boxes, grid);
    Box body;
    Mark mark;
    mark.type = MarkType::group;
    mark.role = "scope";
    for (size_t i = 0; i < parts.size(); ++i)
      body.unite(parts[i].box.moved(places[i].x, places[i].y));
    for (size_t i = 0; i < parts.size(); ++i) {
      Box unused;
      settle(mark, parts[i], places[i], unused);
    }
    Box all = body;
    const size_t rows = cells.empty() ? 0 : (cells.size() + per_row - 1) / per_row;

    std::vector<AxisSpec> specs = child.kind == ViewKind::unit || child.kind == ViewKind::layer
                                      ? axes_.specs(child)
                                      : std::vector<AxisSpec>();
    auto label = [&](const char* channel, size_t i) -> json {
      if (!view.facets.contains(channel)) return {};
      return header_text(view.facets.at(channel), channel, values.at(channel)[i]);
    };
    // Edges of what is drawn so far, on each side.
    double left = std::floor(body.empty() ? 0 : body.x1),
           top = std::floor(body.empty() ? 0 : body.y1),
           right = std::ceil(body.empty() ? 0 : body.x2),
           bottom = std::ceil(body.empty() ? 0 : body.y2);
    std::vector<Mark> headers;
    auto place_headers = [&](const char* role, bool row, bool far,
                             const std::set<std::string>& orients, const char* channel) {
      Mark list;
      list.type = MarkType::group;
      list.role = role;
      double edge = row ? (far ? right : left) : (far ? bottom : top);
      const double start = edge;
      for (size_t i = 0; i < (row ? rows : per_row); ++i) {
        size_t index = row ? i * per_row : (far ? (rows - 1) * per_row + i : i);
        if (index >= cells.size() && !row)
          index = index >= per_row ? index - per_row : cells.size();
        if (index >= cells.size()) continue;
        json text_of = *channel != 0 ? label(channel, i) : json();
        if (!text_of.is_null()) {
          const std::string orient = text(text_of, "orient");
          if (!orients.contains(orient)) text_of = json();
        }
        std::optional<Drawn> one = header(child, specs, orients, cells[index], row, text_of);
        if (!one) continue;
        Place place;
        if (row)
          place = {start, places[index].y};
        else
          place = {places[index].x, start};
        const Box box = one->box.moved(place.x, place.y);
        all.unite(box);
        if (row)
          edge = far ? std::max(edge, box.x2) : std::min(edge, box.x1);
        else
          edge = far ? std::max(edge, box.y2) : std::min(edge, box.y1);
        Box unused;
        settle(list, *one, place, unused);
      }
      (row ? (far ? right : left) : (far ? bottom : top)) = edge;
      if (!list.groups.empty()) headers.push_back(std::move(list));
    };
    if (!cells.empty()) {
      place_headers("row-header", true, false, {"left"}, "row");
      place_headers("column-header", false, false, {"top"}, "column");
      place_headers("row-footer", true, true, {"right"}, "row");
      place_headers("column-footer", false, true, {"bottom"}, "column");
    }
    for (const auto& [channel, def] : view.facets) {
      const json& head = get(def.def, "header");
      if (has(def.def, "header") && head.is_null()) continue;
      std::string words;
      if (has(head, "title"))
        words = lines_of(head["title"]);
      else if (has(def.def, "title"))
        words = lines_of(def.def["title"]);
      else
        words = field_title(def, model_.config);
      const std::string kind = channel == "row"      ? "headerRow"
                               : channel == "column" ? "headerColumn"
                                                     : "headerFacet";
      if (has(get(model_.config, kind), "title") && model_.config[kind]["title"].is_null())
        continue;
      if (has(get(model_.config, "header"), "title") && model_.config["header"]["title"].is_null())
        continue;
      if (words.empty()) continue;
      auto property = [&](const char* name) -> json {
        if (has(head, name)) return head[name];
        if (has(get(model_.config, kind), name)) return model_.config[kind][name];
        return get(get(model_.config, "header"), name);
      };
      json title = {
          {"text", words}, {"style", "guide-title"}, {"frame", "group"}, {"anchor", "middle"}};
      const json padding = property("titlePadding");
      title["offset"] = padding.is_number() ? padding : json(10);
      for (const auto& [from, to] : {std::pair{"titleFontSize", "fontSize"},
                                     {"titleColor", "color"},
                                     {"titleFont", "font"},
                                     {"titleFontWeight", "fontWeight"},
                                     {"titleAngle", "angle"},
                                     {"titleAnchor", "anchor"},
                                     {"titleAlign", "align"},
                                     {"titleBaseline", "baseline"}})
        if (const json value_of = property(from); !value_of.is_null()) title[to] = value_of;
      std::string orient = channel == "row" ? "left" : "top";
      if (const json own = property("titleOrient"); own.is_string())
        orient = own.get<std::string>();
      if (const json own = property("orient"); own.is_string()) orient = own.get<std::string>();
      title["orient"] = orient;
      std::optional<TitleSpec> spec = read_title(title, model_);
      if (!spec) continue;
      Drawn one;
      Box zero{0, 0, 0, 0};
      one.group.marks.push_back(place_title(*spec, 0, 0, zero, metrics_));
      const double part = spec->anchor == "start" ? 0 : spec->anchor == "end" ? 1 : 0.5;
      const double x = std::floor(body.x1 + part * body.width() + 0.5),
                   y = std::floor(body.y1 +
                                  (spec->anchor == "start" && (orient == "left") ? 1
                                   : spec->anchor == "end" && orient == "left"   ? 0
                                                                                 : part) *
                                      body.height() +
                                  0.5);
      if (body.empty()) continue;
      Place place;
      // The title of rows or columns keeps a distance to their labels, of its own.
      const double apart = channel == "facet" ? 0 : 10;
      if (orient == "left") place = {std::floor(left) - apart, y};
      if (orient == "right") place = {std::ceil(right) + apart, y};
      if (orient == "top") place = {x, std::floor(top) - apart};
      if (orient == "bottom") place = {x, std::ceil(bottom) + apart};
      Mark list;
      list.type = MarkType::group;
      list.role = channel == "row" ? "row-title" : "column-title";
      one.box = zero;
      settle(list, one, place, all);
      headers.push_back(std::move(list));
    }
    for (Mark& one : headers) drawn.group.marks.push_back(std::move(one));
    drawn.group.marks.push_back(std::move(mark));
    if (all.empty()) all = {0, 0, 0, 0};
    all.add(0, 0);
    const Box around = all;
    legends(view, parent, drawn.group, all, around, around, 0, 0);
    add_title(view, get(*view.spec, "title"), drawn.group, all, 0, 0, true);
    drawn.box = drawn.inner = all;
    return drawn;
  }

  Model& model_;
  const TextMetrics& metrics_;
  AxisMaker axes_;
};

}  // namespace

Drawn draw_root(Model& model, const TextMetrics& metrics) {
  return Layout(model, metrics).draw(*model.root, 0, json());
}

}  // namespace tools::vega
