// chart.*: reads the options out of the braces, plans the chart (chart_spec.h), draws it
// (tools/chart) and writes the picture to a file that did not exist.

#include <algorithm>
#include "base/json.h"

#include "tools/chart/chart.h"
#include "tools/data/workspace.h"
#include "tools/script/chart_spec.h"
#include "tools/script/host.h"
#include "tools/script/lua_support.h"

namespace tools::script {
namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

constexpr int kMaxChartFiles = 1000;

base::Result<ChartOptions> read_options(lua_State* lua, const std::string& who) {
  ChartOptions options;
  if (lua_isnoneornil(lua, 2)) return options;
  if (!lua_istable(lua, 2))
    return Error{Errc::usage, who + ": the options are not a table, as in {x=\"a\", y=\"b\"}"};
  const std::vector<std::string> names = {"x", "y", "color", "title", "save", "bins"};
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

template <ChartKind kind>
base::Result<int> draw(lua_State* lua) {
  const std::string who = chart_name(kind);
  const data::Table* table = to_table(lua, 1);
  if (!table) return Error{Errc::usage, who + ": the first argument is not a table"};
  base::Result<ChartOptions> options = read_options(lua, who);
  if (!options) return options.error();
  base::Result<ChartPlan> plan = plan_chart(kind, *table, *options);
  if (!plan) return plan.error();
  const json spec = json::parse(plan->spec, nullptr, false);
  base::Result<chart::Drawn> drawn = chart::draw_png(spec);
  if (!drawn) return drawn.error();
  std::string path;
  base::Result<base::UniqueFd> file = new_picture(who, options->save, path);
  if (!file) return file.error();
  if (base::Status ok = data::write_all(*file, drawn->png, path); !ok) return ok.error();
  Host& host = host_of(lua);
  host.events.send({{"type", "chart"},
                    {"path", path},
                    {"spec", spec},
                    {"width", drawn->width},
                    {"height", drawn->height},
                    {"rows", plan->rows},
                    {"blank", drawn->blank},
                    {"warnings", drawn->warnings}});
  std::string text = path + ": " + plan->first;
  for (const std::string& line : plan->lines) text += "\n" + line;
  host.events.print(text);
  return 0;
}

// chart.name that does not exist: a sentence that names those that do.
base::Result<int> no_chart(lua_State* lua) {
  const std::string name = lua_type(lua, 2) == LUA_TSTRING ? lua_tostring(lua, 2) : "";
  return Error{Errc::usage,
               "no chart." + name.substr(0, 60) + "; charts: bar, line, scatter, pie, box, hist"};
}

}  // namespace

void open_charts(lua_State* lua) {
  constexpr luaL_Reg kLibrary[] = {
      {"bar", call<draw<ChartKind::bar>>},         {"line", call<draw<ChartKind::line>>},
      {"scatter", call<draw<ChartKind::scatter>>}, {"pie", call<draw<ChartKind::pie>>},
      {"box", call<draw<ChartKind::box>>},         {"hist", call<draw<ChartKind::hist>>}};
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
