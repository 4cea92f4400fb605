#include "server/run_chart.h"

#include <charconv>

#include "base/json.h"
#include "server/http/query.h"
#include "server/relay.h"

namespace server {

HttpReply run_chart(const tools::Toolbox& toolbox, const std::string& result,
                    const std::string& query, std::stop_token stop) {
  const std::string format = value_in(query, "format"), digits = value_in(query, "n");
  if (format != "svg" && format != "vega") return error_of(400, "A chart's format is svg or vega.");
  size_t n = 0;
  const char* end = digits.data() + digits.size();
  const std::from_chars_result read = std::from_chars(digits.data(), end, n);
  if (read.ec != std::errc() || read.ptr != end)
    return error_of(400, "A chart has a number: n=0 is the first.");
  const nlohmann::json told = nlohmann::json::parse(result, nullptr, false);
  const nlohmann::json charts =
      told.is_object() ? told.value("charts", nlohmann::json::array()) : nlohmann::json::array();
  if (n >= charts.size() || !charts[n].contains("spec"))
    return error_of(404, "The run has no such chart.");
  const base::Result<tools::DataAnswer> drawn =
      toolbox.draw_spec(charts[n]["spec"], format == "svg" ? "svg" : "embedded", std::move(stop));
  if (!drawn) return error_of(500, drawn.error().message);
  if (!drawn->error.empty()) return error_of(400, drawn->error);
  if (format == "vega") return {.body = drawn->text};
  return {.type = "image/svg+xml",
          .headers = {{"Content-Disposition", "attachment"}},
          .body = drawn->text};
}

}  // namespace server
