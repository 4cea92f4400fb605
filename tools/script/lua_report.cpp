// report.*: pages of one file, saved in the workspace.

#include "tools/data/workspace.h"
#include "tools/script/file_services.h"
#include "tools/script/host.h"
#include "tools/script/lua_support.h"

namespace tools::script {
namespace {

using base::Errc;
using base::Error;
using base::Result;

Result<int> save(lua_State* lua, const std::string& who, const std::string& path,
                 const Result<std::string>& page) {
  if (!page) return page.error();
  if (data::extension(path) != "html")
    return Error{Errc::usage, who + ": \"" + path + "\" must end in .html"};
  Result<base::UniqueFd> file = data::create_new(path);
  if (!file) return Error{file.error().code, who + ": " + file.error().message};
  if (base::Status s = data::write_all(*file, *page, path); !s) return s.error();
  host_of(lua).events.file(path, 0);
  lua_pushlstring(lua, path.data(), path.size());
  return 1;
}

/// report.markdown(text, path [, title])
Result<int> markdown(lua_State* lua) {
  Result<std::string> text = text_argument(lua, 1, "report.markdown", "the text");
  if (!text) return text.error();
  Result<std::string> path = text_argument(lua, 2, "report.markdown", "the path");
  if (!path) return path.error();
  std::string title;
  if (!lua_isnoneornil(lua, 3)) {
    Result<std::string> given = text_argument(lua, 3, "report.markdown", "the title");
    if (!given) return given.error();
    title = *given;
  }
  return save(lua, "report.markdown", *path,
              report::markdown_page(*text, title, report_assets(host_of(lua).engine)));
}

/// report.page({title =, html =, css =, js =}, path)
Result<int> page(lua_State* lua) {
  if (!lua_istable(lua, 1))
    return Error{Errc::usage,
                 "report.page: the first argument is a record {title =, html =, css =, js =}"};
  Result<std::string> path = text_argument(lua, 2, "report.page", "the path");
  if (!path) return path.error();
  report::Page page;
  for (lua_pushnil(lua); lua_next(lua, 1) != 0; lua_pop(lua, 1)) {
    const std::string key = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "";
    std::string* field = key == "title"  ? &page.title
                         : key == "html" ? &page.html
                         : key == "css"  ? &page.css
                         : key == "js"   ? &page.js
                                         : nullptr;
    if (!field)
      return Error{Errc::usage,
                   "report.page: there is no field \"" + key + "\"; fields: title, html, css, js"};
    Result<std::string> value = text_argument(lua, -1, "report.page", key.c_str());
    if (!value) return value.error();
    *field = std::move(*value);
  }
  return save(lua, "report.page", *path,
              report::build_page(page, report_assets(host_of(lua).engine)));
}

}  // namespace

void open_reports(lua_State* lua) {
  constexpr luaL_Reg kLibrary[] = {
      {"markdown", call<markdown>}, {"page", call<page>}, {nullptr, nullptr}};
  lua_newtable(lua);
  luaL_setfuncs(lua, kLibrary, 0);
  lua_setglobal(lua, "report");
}

}  // namespace tools::script
