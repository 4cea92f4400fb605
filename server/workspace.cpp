#include "server/workspace.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "agent/as_json.h"
#include "agent/beneath.h"
#include "base/json_line.h"
#include "sandbox/workspace/journal.h"
#include "sandbox/workspace/tree.h"
#include "server/http/query.h"
#include "server/on_pool.h"
#include "server/relay.h"
#include "server/table_rows.h"

namespace server {

namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

constexpr size_t kMaxFiles = 2000;      // listed
constexpr size_t kMaxFile = 64u << 20;  // bytes of a file that is handed out
constexpr size_t kMaxDiff = 256 << 10;  // bytes of all diffs of a run
constexpr size_t kMaxChanges = 1000;    // of a run, shown

HttpReply wrong(const Error& error) {
  switch (error.code) {
    case Errc::not_found:
      return error_of(404, error.message);
    case Errc::refused:
      return error_of(409, error.message);
    case Errc::usage:
    case Errc::limit:
    case Errc::corrupt:
    case Errc::unsupported:
      return error_of(400, error.message);
    default:
      return error_of(500, error.message);
  }
}

/// Whether a path is one that the list of files could show: relative, nothing hidden on the way.
bool showable(const std::string& path) {
  if (path.empty() || path.size() > 4096 || path.find('\0') != std::string::npos) return false;
  const std::filesystem::path p(path);
  if (p.is_absolute()) return false;
  for (const std::filesystem::path& part : p)
    if (part.empty() || part.string().starts_with('.')) return false;
  return true;
}

HttpReply not_showable() {
  return error_of(400, "That is not the path of a file of the workspace.");
}

/// A name for a new file in the workspace itself.
bool plain_name(const std::string& name) {
  if (name.empty() || name.size() > 255 || name[0] == '.') return false;
  for (const char c : name)
    if (c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
  return true;
}

HttpReply files(const tools::Toolbox& toolbox) {
  base::Result<std::vector<std::string>> paths = toolbox.files(kMaxFiles + 1);
  if (!paths) return wrong(paths.error());
  json list = json::array();
  for (const std::string& path : *paths) {
    if (list.size() == kMaxFiles) break;
    std::error_code ec;
    const uintmax_t bytes = std::filesystem::file_size(toolbox.workspace() / path, ec);
    list.push_back({{"path", path}, {"bytes", ec ? 0 : bytes}});
  }
  return {.body = base::line_of({{"files", list}, {"more", paths->size() > kMaxFiles}})};
}

HttpReply file(const tools::Toolbox& toolbox, const std::string& path) {
  if (!showable(path)) return not_showable();
  base::Result<std::string> bytes = agent::read_beneath(toolbox.workspace(), path, kMaxFile);
  if (!bytes && bytes.error().code == Errc::limit)
    return error_of(400, path + ": larger than the page hands out; copy it from the folder.");
  if (!bytes && bytes.error().code == Errc::system) return error_of(500, bytes.error().message);
  if (!bytes) return error_of(404, path + ": there is no such file.");
  if (path.ends_with(".png")) return {.type = "image/png", .body = std::move(*bytes)};
  return {.type = "application/octet-stream",
          .headers = {{"Content-Disposition", "attachment"}},
          .body = std::move(*bytes)};
}

HttpReply add_file(const tools::Toolbox& toolbox, const std::string& name,
                   const std::string& bytes) {
  if (!plain_name(name))
    return error_of(400, "A file's name has no slash and does not begin with a dot.");
  base::Result<base::UniqueFd> top = sandbox::tree::open_top(toolbox.workspace());
  if (!top) return wrong(top.error());
  // EXCL: what is there is never written over, a link neither.
  const base::UniqueFd fd(::openat(top->get(), name.c_str(),
                                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd && errno == EEXIST)
    return error_of(409, name + " is in the workspace already; give it another name.");
  if (!fd) return error_of(500, name + ": " + std::strerror(errno));
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::write(fd.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const std::string why = std::strerror(errno);
      ::unlinkat(top->get(), name.c_str(), 0);
      return error_of(500, name + ": " + why);
    }
    done += static_cast<size_t>(n);
  }
  return {.status = 201, .body = base::line_of({{"path", name}, {"bytes", bytes.size()}})};
}

/// Columns and the first rows, through the data engine in the sandbox. Its texts are passed on as
/// they are, since columns stand in their order there.
HttpReply table(const tools::Toolbox& toolbox, const std::string& path, std::stop_token stop) {
  if (!showable(path)) return not_showable();
  const base::Result<tools::DataAnswer> rows = toolbox.data_query(
      "SELECT * FROM " + sql_text(path) + " LIMIT " + std::to_string(kTableRows), "json", stop);
  if (!rows) return wrong(rows.error());
  if (!rows->error.empty()) return error_of(400, rows->error);
  const base::Result<tools::DataAnswer> profile = toolbox.data_profile(path, "json", stop);
  if (!profile) return wrong(profile.error());
  if (!profile->error.empty()) return error_of(400, profile->error);
  if (!json::accept(rows->text) || !json::accept(profile->text))
    return error_of(500, path + ": the data engine said something that is not JSON.");
  return {.body = "{\"profile\":" + profile->text + ",\"rows\":" + rows->text + "}"};
}

/// A folder in which nothing was changed gets no journal by being looked at.
bool has_journal(const tools::Toolbox& toolbox) {
  std::error_code ec;
  return std::filesystem::exists(toolbox.workspace() / ".tessera/undo", ec);
}

HttpReply changes(const tools::Toolbox& toolbox, const std::string& id) {
  if (!has_journal(toolbox)) {
    if (!id.empty()) return error_of(404, "No run has changed anything here.");
    return {.body = R"({"runs":[]})"};
  }
  base::Result<sandbox::Journal> journal = sandbox::Journal::open(toolbox.workspace());
  if (!journal) return wrong(journal.error());
  json lines = json::array();
  if (id.empty()) {
    base::Result<std::vector<sandbox::Journal::Info>> runs = journal->list();
    if (!runs) return wrong(runs.error());
    for (const sandbox::Journal::Info& run : *runs) lines.push_back(agent::run_json(run));
    return {.body = base::line_of({{"runs", lines}})};
  }
  base::Result<sandbox::Journal::Run> run = journal->run(id);
  if (!run) return wrong(run.error());
  size_t bytes = 0;
  for (const sandbox::Change& change : run->changes) {
    if (lines.size() == kMaxChanges) break;
    json line = agent::change_json(change);
    if (bytes < kMaxDiff) {
      base::Result<std::string> diff = journal->diff(id, change);
      if (diff) {
        line["diff"] = diff->substr(0, kMaxDiff - bytes);
        bytes += diff->size();
      }
    }
    lines.push_back(std::move(line));
  }
  return {.body =
              base::line_of({{"changes", lines}, {"more", run->changes.size() > lines.size()}})};
}

HttpReply undo(const tools::Toolbox& toolbox, const std::string& body) {
  const json given = json::parse(body, nullptr, false);
  if (!given.is_object() || !given.contains("run") || !given["run"].is_string() ||
      given["run"].get_ref<const std::string&>().empty())
    return error_of(400, "An undo names its run: {\"run\": \"0001\"}.");
  const auto flag = [&](const char* name) {
    return given.contains(name) && given[name].is_boolean() && given[name].get<bool>();
  };
  if (!has_journal(toolbox)) return error_of(404, "No run has changed anything here.");
  base::Result<sandbox::Journal> journal = sandbox::Journal::open(toolbox.workspace());
  if (!journal) return wrong(journal.error());
  const std::string id = given["run"].get<std::string>();
  base::Result<sandbox::Journal::Undone> undone =
      flag("redo") ? journal->redo(id) : journal->undo(id, flag("keep_mine"));
  if (!undone) return wrong(undone.error());
  json left = json::array();
  for (const sandbox::Conflict& c : undone->kept)
    left.push_back({{"path", c.path}, {"why", c.why}});
  return {.body = base::line_of({{"run", undone->id}, {"left", left}})};
}

}  // namespace

Workspace::Workspace(const tools::Toolbox& toolbox)
    : toolbox_(toolbox), pool_(std::make_unique<net::thread_pool>(2)) {}

void Workspace::join() {
  stop_.request_stop();
  pool_->stop();
  pool_->join();
}

net::awaitable<HttpReply> Workspace::answer(std::string path, HttpRequest http) {
  const bool post = http.method == "POST";
  co_return co_await on_pool(*pool_, [this, post, &path, &http]() -> HttpReply {
    if (path == "files" && !post) return files(toolbox_);
    if (path == "files" && post) return add_file(toolbox_, value_in(http.query, "name"), http.body);
    if (path == "file" && !post) return file(toolbox_, value_in(http.query, "path"));
    if (path == "table" && !post)
      return table(toolbox_, value_in(http.query, "path"), stop_.get_token());
    if (path == "rows" && !post) {
      const std::string file = value_in(http.query, "path");
      if (!showable(file)) return not_showable();
      return table_rows(toolbox_, file, http.query, stop_.get_token());
    }
    if (path == "changes" && !post) return changes(toolbox_, "");
    if (path.starts_with("changes/") && !post)
      return changes(toolbox_, path.substr(std::strlen("changes/")));
    if (path == "undo" && post) return undo(toolbox_, http.body);
    return error_of(404, "The page has no such path.");
  });
}

}  // namespace server
