#include "tools/script/answer_files.h"

#include <fcntl.h>

#include "base/json.h"
#include "base/unique_fd.h"
#include "tools/data/workspace.h"
#include "tools/script/file_services.h"

namespace tools::script {

using base::Errc;
using base::Error;
using base::Result;
using nlohmann::json;

namespace {

constexpr uint64_t kMaxMarkdown = 4 << 20;

/// Each step as where from and where to, a zero byte after each; of those one may be empty.
base::Status write_steps(const std::vector<file::Step>& steps) {
  std::string bytes;
  for (const file::Step& step : steps) (((bytes += step.from) += '\0') += step.to) += '\0';
  Result<base::UniqueFd> out = data::create_new("steps");
  if (!out) return out.error();
  return data::write_all(*out, bytes, "steps");
}

Result<json> call(const json& request, const std::shared_ptr<data::Engine>& engine) {
  const base::UniqueFd top(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!top) return Error{Errc::system, "the workspace cannot be opened"};
  file::Services services = file_services(engine);
  // The sandbox keeps nothing of a plan that fails.
  services.apply.dropped_on_failure = request.value("on_a_layer", false);
  if (request.value("hand_over", false)) services.hand_over = write_steps;
  return file::call_tool(top.get(), request["tool"].get<std::string>(), request["arguments"],
                         services);
}

base::Status make_page(const json& request, const std::shared_ptr<data::Engine>& engine) {
  const auto path = request["path"].get<std::string>();
  Result<std::string> text = data::read_whole(path, kMaxMarkdown);
  if (!text && text.error().code == Errc::not_found)
    return Error{Errc::not_found, "report: " + data::no_file(path, false)};
  if (!text) return Error{text.error().code, "report: " + text.error().message};
  Result<std::string> page =
      report::markdown_page(*text, request.value("title", ""), report_assets(engine));
  if (!page) return page.error();
  Result<base::UniqueFd> file = data::create_new("page");
  if (!file) return file.error();
  return data::write_all(*file, *page, "page");
}

}  // namespace

const char* answer_files(const std::string& mode, const json& request,
                         const std::shared_ptr<data::Engine>& engine, Events& events) {
  const auto is_text = [&](const char* key) {
    return request.contains(key) && request[key].is_string();
  };
  if (mode == "report") {
    if (!is_text("path")) return "the request has no path";
    base::Status made = make_page(request, engine);
    made ? events.done(engine->used()) : events.error(made.error().message, engine->used());
    return nullptr;
  }
  if (!is_text("tool") || !request.contains("arguments")) return "the request names no tool";
  Result<json> answer = call(request, engine);
  if (answer) events.send({{"type", "answer"}, {"answer", *answer}});
  answer ? events.done(engine->used()) : events.error(answer.error().message, engine->used());
  return nullptr;
}

}  // namespace tools::script
