// The scripts are other people's and not part of the program: setup/fetch-vega brings them. What
// they are given is data, never code: the specification stands in a block of type application/json,
// where "<" is spelled \u003c, so that no text in it ends the block. Vega compiles expressions with
// Function(), hence 'unsafe-eval'; nothing else may be loaded or reached.
#include "cli/chart_html.h"

#include <cstdlib>
#include <system_error>

#include "base/file.h"
#include "base/layout.h"

namespace cli {

namespace fs = std::filesystem;

namespace {

constexpr const char* kScripts[] = {"vega.min.js", "vega-lite.min.js", "vega-embed.min.js"};
constexpr uint64_t kMaxScriptBytes = 16u << 20;

bool has_scripts(const fs::path& folder) {
  std::error_code ignored;
  for (const char* name : kScripts)
    if (!fs::is_regular_file(folder / name, ignored)) return false;
  return true;
}

std::string escaped(const std::string& text, bool json) {
  std::string out;
  for (const char c : text) {
    if (c == '<')
      out += json ? "\\u003c" : "&lt;";
    else if (c == '&' && !json)
      out += "&amp;";
    else
      out += c;
  }
  return out;
}

}  // namespace

fs::path find_vega() {
  if (const char* set = std::getenv("TESSERA_VEGA"); set != nullptr && *set != '\0')
    return has_scripts(set) ? fs::path(set) : fs::path();
  const fs::path folder = base::find_part(base::Part::vega);
  return has_scripts(folder) ? folder : fs::path();
}

base::Result<std::string> chart_html(const std::string& spec, const std::string& title) {
  const fs::path folder = find_vega();
  if (folder.empty())
    return base::Error{
        base::Errc::not_found,
        "a chart as HTML needs the scripts vega, vega-lite and vega-embed, which are "
        "not here; run setup/fetch-vega, or write .svg"};
  std::string page =
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src "
      "'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
      escaped(title, false) +
      "</title>\n<style>body { font-family: sans-serif; margin: 1em; }</style>\n";
  for (const char* name : kScripts) {
    base::Result<std::string> script = base::read_file(folder / name, kMaxScriptBytes);
    if (!script) return script.error();
    if (script->find("</script") != script->npos)
      return base::Error{base::Errc::corrupt,
                         (folder / name).string() + ": not the script that was expected"};
    page += "<script>" + *script + "</script>\n";
  }
  page +=
      "</head>\n<body>\n<div id=\"chart\"></div>\n<script id=\"spec\" type=\"application/json\">" +
      escaped(spec, true) +
      "</script>\n<script>\n"
      "vegaEmbed('#chart', JSON.parse(document.getElementById('spec').textContent),\n"
      "  {actions: {export: true, source: false, compiled: false, editor: false}})\n"
      "  .catch(error => { document.getElementById('chart').textContent = String(error); });\n"
      "</script>\n</body>\n</html>\n";
  return page;
}

}  // namespace cli
