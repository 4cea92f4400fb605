#include "tools/script/answer_chart.h"

#include <filesystem>
#include <string>
#include <vector>

#include "base/json.h"
#include "tools/data/value.h"
#include "tools/data/workspace.h"
#include "tools/script/chart_style.h"
#include "tools/vega/check.h"
#include "tools/vega/vega.h"

namespace tools::script {

namespace {

using base::Errc;
using base::Error;
using base::Result;
using nlohmann::json;

constexpr uint64_t kMaxSpecBytes = 64u << 20;
constexpr uint64_t kMaxDataBytes = 512u << 20;

Result<json> parse_spec(const std::string& text, const std::string& path) {
  try {
    return json::parse(text);
  } catch (const json::exception& e) {
    const std::string extension = std::filesystem::path(path).extension();
    for (const char* table : {".csv", ".tsv", ".parquet", ".xlsx", ".sqlite", ".db"})
      if (extension == table)
        return Error{Errc::usage, path +
                                      " is a table, not a Vega-Lite specification; one names it: "
                                      R"({"data": {"url": ")" +
                                      path + R"("}, "mark": "bar", "encoding": {…}})"};
    return Error{Errc::usage,
                 path + " is not a Vega-Lite specification: it is not JSON, " + base::reason(e)};
  }
}

// Puts the file that a "data" object names into it, as text.
base::Status embed_data(json& value, const vega::UrlLoader& load) {
  const auto url = value.find("url");
  if (url == value.end() || !url->is_string()) return base::Ok{};
  const std::string name = url->get<std::string>();
  Result<std::string> text = load(name);
  if (!text) return text.error();
  json format =
      value.contains("format") && value["format"].is_object() ? value["format"] : json::object();
  if (!format.contains("type")) {
    const std::string extension = data::extension(name);
    format["type"] = extension == "csv" || extension == "tsv" ? extension : "json";
  }
  value.erase("url");
  value["values"] = data::to_utf8(*text);
  value["format"] = std::move(format);
  return base::Ok{};
}

// The specification with its data inside, for a page that makes no request.
Result<std::string> embedded(json spec, const vega::UrlLoader& load) {
  // "url" names data only inside of "data"; the channel of that name is an object.
  std::vector<json*> open = {&spec};
  while (!open.empty()) {
    json& value = *open.back();
    open.pop_back();
    if (!value.is_structured()) continue;
    if (value.is_object())
      if (const auto data = value.find("data"); data != value.end() && data->is_object())
        if (base::Status ok = embed_data(*data, load); !ok) return ok.error();
    for (auto it = value.begin(); it != value.end(); ++it)
      if (!value.is_object() || it.key() != "values") open.push_back(&*it);
  }
  return spec.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// What chart.* tells of a chart is plain, and says who made it: it gets its looks again. Anybody
/// may write that, so it has to be of that form too.
Result<json> with_looks(json spec) {
  const json::json_pointer maker("/usermeta/made_by"), rows("/data/values"), encoding("/encoding");
  if (!spec.contains(maker) || !spec[maker].is_string()) return spec;
  const std::optional<ChartKind> kind = chart_kind(spec[maker].get_ref<const std::string&>());
  if (!kind || !spec.contains(rows) || !spec[rows].is_array() || !spec.contains(encoding) ||
      !spec[encoding].contains(*kind == ChartKind::pie ? "color" : "x"))
    return spec;
  return styled(*kind, spec);
}

/// The specification that a request names by its path, or holds. folder: where its data lies.
Result<json> spec_of(const json& request, std::string& folder) {
  const auto inside = request.find("spec");
  if (inside != request.end()) return *inside;
  const std::string path = request["path"].get<std::string>();
  Result<std::string> text = data::read_whole(path, kMaxSpecBytes);
  if (!text && text.error().code == Errc::not_found)
    return Error{Errc::not_found, data::no_file(path, false)};
  if (!text) return text.error();
  const size_t slash = path.rfind('/');
  folder = slash == path.npos ? "" : path.substr(0, slash + 1);
  return parse_spec(*text, path);
}

/// findings: what is wrong with the chart, where somebody wants to know.
Result<std::string> picture(const json& request, const std::string& format, double scale,
                            std::string* findings) {
  std::string folder;
  Result<json> spec = spec_of(request, folder);
  if (spec) spec = with_looks(std::move(*spec));
  if (!spec) return spec.error();
  // Addresses of data are names in the specification's folder.
  vega::Options options{.load = [&](std::string_view url) -> Result<std::string> {
    const std::string name = folder + std::string(url);
    Result<std::string> bytes = data::read_whole(name, kMaxDataBytes);
    if (!bytes && bytes.error().code == Errc::not_found)
      return Error{Errc::not_found, data::no_file(name, false)};
    return bytes;
  }};
  Result<vega::Scene> scene = vega::compile(*spec, options);
  if (!scene) return scene.error();
  if (findings != nullptr)
    *findings = vega::findings_text(vega::check(*spec, *scene, options.load));
  if (format == "svg") return vega::svg(*scene);
  if (format == "pdf") return vega::pdf(*scene);
  if (format == "embedded") return embedded(std::move(*spec), options.load);
  if (format == "check" || format == "check-json") {
    const std::vector<vega::Finding> findings = vega::check(*spec, *scene, options.load);
    if (format == "check") return vega::findings_text(findings);
    return vega::findings_json(findings).dump(-1, ' ', false, json::error_handler_t::replace) +
           "\n";
  }
  if (format == "scene") return vega::scene_json(*scene).dump() + "\n";
  return vega::png(*scene, scale);
}

}  // namespace

const char* answer_chart(const json& request, Events& events) {
  const auto path = request.find("path");
  if (!request.contains("spec") && (path == request.end() || !path->is_string()))
    return "the request has no path";
  // A chart that is to be kept has a name of its own.
  const std::string save = request.value("save", "");
  const std::string name = save.empty() ? "picture" : save;
  const std::string format = request.value("format", "png");
  const double scale = request.value("scale", 2.0);
  if (!(scale > 0 && scale <= 10)) return "the scale is not between 0 and 10";
  std::string findings;
  Result<std::string> bytes = picture(request, format, scale, save.empty() ? nullptr : &findings);
  if (bytes) {
    Result<base::UniqueFd> file = data::create_new(name);
    base::Status written = file ? data::write_all(*file, *bytes, name) : base::Status(file.error());
    if (!written) bytes = written.error();
  }
  if (!bytes) {
    events.error(bytes.error().message);
    return nullptr;
  }
  if (!findings.empty()) events.print(findings);
  events.file(name, 0);
  events.done();
  return nullptr;
}

}  // namespace tools::script
