// chart.*: reads the options out of the braces, plans the chart (chart_spec.h), gives it its looks
// (chart_style.h), draws it (tools/vega) and writes the picture to a file that did not exist.
// chart.spec takes the specification as it is.

#include <algorithm>
#include <cmath>
#include "base/json.h"

#include "tools/data/workspace.h"
#include "tools/script/chart_spec.h"
#include "tools/script/chart_style.h"
#include "tools/script/host.h"
#include "tools/script/lua_json.h"
#include "tools/script/lua_support.h"
#include "tools/vega/check.h"
#include "tools/vega/vega.h"

namespace tools::script {
namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

constexpr int kMaxChartFiles = 1000;
constexpr double kScale = 2;  // pixels per unit
constexpr uint64_t kMaxDataBytes = 64u << 20;
constexpr const char* kCharts =
    "bar, line, scatter, pie, box, hist, area, heatmap, histogram, boxplot, spec";

base::Result<ChartOptions> read_options(lua_State* lua, const std::string& who) {
  ChartOptions options;
  if (lua_isnoneornil(lua, 2)) return options;
  if (!lua_istable(lua, 2))
    return Error{Errc::usage, who + ": the options are not a table, as in {x=\"a\", y=\"b\"}"};
  const std::vector<std::string> names = {"x", "y", "color", "stack", "title", "save", "bins"};
  for (lua_pushnil(lua); lua_next(lua, 2) != 0; lua_pop(lua, 1)) {
    const std::string name = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "";
    if (std::find(names.begin(), names.end(), name) == names.end())
      return Error{Errc::usage, who + ": no option \"" + name.substr(0, 60) +
                                    "\"; options: " + data::suggest(names, name)};
  }
  const auto text = [&](const char* name, std::optional<std::string>& out) -> base::Status {
    if (lua_getfield(lua, 2, name) != LUA_TNIL) {
      base::Result<std::string> value = text_argument(lua, -1, who, name);
      if (!value) return value.error();
      out = *value;
    }
    lua_pop(lua, 1);
    return base::Ok{};
  };
  for (const auto& [name, out] : {std::pair{"x", &options.x},
                                  {"color", &options.color},
                                  {"stack", &options.stack},
                                  {"title", &options.title},
                                  {"save", &options.save}})
    if (base::Status ok = text(name, *out); !ok) return ok.error();
  if (lua_getfield(lua, 2, "y") == LUA_TTABLE) {
    const auto n = static_cast<lua_Integer>(lua_rawlen(lua, -1));
    for (lua_Integer i = 1; i <= std::min<lua_Integer>(n, 100); ++i) {
      lua_rawgeti(lua, -1, i);
      base::Result<std::string> value = text_argument(lua, -1, who, "y");
      if (!value) return value.error();
      lua_pop(lua, 1);
      options.y.push_back(std::move(*value));
    }
  } else if (!lua_isnil(lua, -1)) {
    base::Result<std::string> value = text_argument(lua, -1, who, "y");
    if (!value) return value.error();
    options.y.push_back(std::move(*value));
  }
  if (lua_getfield(lua, 2, "bins") != LUA_TNIL) {
    base::Result<int64_t> bins = whole_argument(lua, -1, who, "bins");
    if (!bins) return bins.error();
    options.bins = static_cast<int>(std::clamp<int64_t>(*bins, 1, 200));
  }
  return options;
}

// A new file for the picture: chart.png, chart-2.png, … or the one the script names.
base::Result<base::UniqueFd> new_picture(const std::string& who,
                                         const std::optional<std::string>& save,
                                         std::string& path) {
  if (save) {
    path = *save;
    if (data::extension(path).empty()) path += ".png";
    if (data::extension(path) != "png")
      return Error{Errc::usage, who + ": \"" + path + "\" must end in .png"};
    base::Result<base::UniqueFd> file = data::create_new(path);
    if (!file) return Error{file.error().code, who + ": " + file.error().message};
    return file;
  }
  for (int i = 1; i <= kMaxChartFiles; ++i) {
    path = i == 1 ? "chart.png" : "chart-" + std::to_string(i) + ".png";
    base::Result<base::UniqueFd> file = data::create_new(path);
    if (file || file.error().code != Errc::usage) return file;
  }
  return Error{Errc::limit, who + ": there are 1000 charts already"};
}

// Data of a specification: files of the workspace.
base::Result<std::string> load(std::string_view url) {
  base::Result<std::string> bytes = data::read_whole(std::string(url), kMaxDataBytes);
  if (!bytes && bytes.error().code == Errc::not_found)
    return Error{Errc::not_found, data::no_file(std::string(url), false)};
  return bytes;
}

// What is drawn, what is said about it, and what those who check it are given.
struct Chart {
  std::string who;
  json drawn, told;
  std::optional<std::string> save;
  std::string text;  // after the file's name and ": "
  uint64_t rows = 0;
};

base::Result<int> draw_and_tell(lua_State* lua, const Chart& chart) {
  const vega::Options options{.load = load};
  base::Result<vega::Scene> scene = vega::compile(chart.drawn, options);
  if (!scene) return Error{scene.error().code, chart.who + ": " + scene.error().message};
  base::Result<std::string> png = vega::png(*scene, kScale);
  if (!png) return Error{png.error().code, chart.who + ": " + png.error().message};
  json warnings = json::array();
  bool blank = false;
  for (const vega::Finding& finding : vega::check(chart.drawn, *scene, options.load)) {
    warnings.push_back(finding.text);
    blank |= finding.code == "blank";
  }
  std::string path;
  base::Result<base::UniqueFd> file = new_picture(chart.who, chart.save, path);
  if (!file) return file.error();
  if (base::Status ok = data::write_all(*file, *png, path); !ok) return ok.error();
  Host& host = host_of(lua);
  host.events.send({{"type", "chart"},
                    {"path", path},
                    {"spec", chart.told},
                    {"width", std::lround(scene->width * kScale)},
                    {"height", std::lround(scene->height * kScale)},
                    {"rows", chart.rows},
                    {"blank", blank},
                    {"warnings", warnings}});
  host.events.print(path + ": " + chart.text);
  return 0;
}

template <ChartKind kind>
base::Result<int> draw(lua_State* lua) {
  const std::string who = chart_name(kind);
  const data::Table* table = to_table(lua, 1);
  if (!table) return Error{Errc::usage, who + ": the first argument is not a table"};
  base::Result<ChartOptions> options = read_options(lua, who);
  if (!options) return options.error();
  base::Result<ChartPlan> plan = plan_chart(kind, *table, *options);
  if (!plan) return plan.error();
  Chart chart{.who = who,
              .drawn = {},
              .told = json::parse(plan->spec, nullptr, false),
              .save = options->save,
              .text = plan->first,
              .rows = plan->rows};
  // So that whoever draws it again (answer_chart.cpp) gives it the same looks.
  chart.told["usermeta"] = {{"made_by", who}};
  base::Result<json> drawn = styled(kind, chart.told);
  if (!drawn) return drawn.error();
  chart.drawn = std::move(*drawn);
  for (const std::string& line : plan->lines) chart.text += "\n" + line;
  return draw_and_tell(lua, chart);
}

// chart.spec(specification [, table [, {save = …}]]): a Lua table or JSON text; the rows of a table
// become its data.
base::Result<int> draw_spec(lua_State* lua) {
  const std::string who = "chart.spec";
  json spec;
  if (lua_type(lua, 1) == LUA_TSTRING) {
    size_t size = 0;
    const char* text = lua_tolstring(lua, 1, &size);
    try {
      spec = json::parse(std::string_view(text, size));
    } catch (const json::exception& error) {
      return Error{Errc::usage, who + ": the specification is not JSON: " + base::reason(error)};
    }
  } else if (lua_istable(lua, 1)) {
    base::Result<json> read = json_argument(lua, 1, who);
    if (!read) return read.error();
    spec = std::move(*read);
  }
  if (!spec.is_object())
    return Error{Errc::usage, who +
                                  ": the first argument is a Vega-Lite specification, as a Lua "
                                  "table or as JSON text"};
  Chart chart{.who = who, .drawn = {}, .told = {}, .save = {}, .text = "chart"};
  if (!lua_isnoneornil(lua, 2)) {
    const data::Table* table = to_table(lua, 2);
    if (!table)
      return Error{Errc::usage,
                   who + ": the second argument is not a table of data.read or data.query"};
    base::Result<json> rows = rows_json(*table, who);
    if (!rows) return rows.error();
    chart.rows = rows->size();
    chart.text += ", " + data::counted(chart.rows, "row");
    spec["data"] = {{"values", std::move(*rows)}};
  }
  if (!lua_isnoneornil(lua, 3)) {
    if (!lua_istable(lua, 3))
      return Error{Errc::usage, who + ": the options are not a table, as in {save=\"a.png\"}"};
    if (lua_getfield(lua, 3, "save") != LUA_TNIL) {
      base::Result<std::string> save = text_argument(lua, -1, who, "save");
      if (!save) return save.error();
      chart.save = *save;
    }
    lua_pop(lua, 1);
  }
  chart.drawn = chart.told = spec;
  return draw_and_tell(lua, chart);
}

// chart.name that does not exist: a sentence that names those that do.
base::Result<int> no_chart(lua_State* lua) {
  const std::string name = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "";
  return Error{Errc::usage, "no chart." + name.substr(0, 60) + "; charts: " + kCharts};
}

}  // namespace

void open_charts(lua_State* lua) {
  constexpr luaL_Reg kLibrary[] = {{"bar", call<draw<ChartKind::bar>>},
                                   {"line", call<draw<ChartKind::line>>},
                                   {"scatter", call<draw<ChartKind::scatter>>},
                                   {"pie", call<draw<ChartKind::pie>>},
                                   {"box", call<draw<ChartKind::box>>},
                                   {"boxplot", call<draw<ChartKind::box>>},
                                   {"hist", call<draw<ChartKind::hist>>},
                                   {"histogram", call<draw<ChartKind::hist>>},
                                   {"area", call<draw<ChartKind::area>>},
                                   {"heatmap", call<draw<ChartKind::heatmap>>},
                                   {"spec", call<draw_spec>}};
  lua_newtable(lua);
  for (const luaL_Reg& f : kLibrary) {
    lua_pushcfunction(lua, f.func);
    lua_setfield(lua, -2, f.name);
  }
  lua_createtable(lua, 0, 1);
  lua_pushcfunction(lua, call<no_chart>);
  lua_setfield(lua, -2, "__index");
  lua_setmetatable(lua, -2);
  lua_setglobal(lua, "chart");
}

}  // namespace tools::script
