#include "cli/tasks.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/file.h"
#include "cli/terminal/text.h"

namespace cli {

using base::Errc;
using base::Error;
using nlohmann::json;

namespace {

constexpr size_t kMaxResults = size_t{1} << 30;

Error system_error(const std::string& path) {
  return {Errc::system, path + ": " + std::strerror(errno)};
}

base::Status write_all(int fd, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return system_error(path);
    text.remove_prefix(static_cast<size_t>(n));
  }
  return base::Ok{};
}

}  // namespace

base::Result<Task> task_of(std::string_view text, const std::filesystem::path& base) {
  const json j = json::parse(text, nullptr, false);
  if (j.is_discarded()) return Error{Errc::usage, "no JSON"};
  if (!j.is_object()) return Error{Errc::usage, "not a JSON object"};
  Task task;
  for (const auto& [name, value] : j.items()) {
    std::string* field = name == "id"          ? &task.id
                         : name == "request"   ? &task.request
                         : name == "workspace" ? &task.workspace
                         : name == "policy"    ? &task.policy
                                               : nullptr;
    if (field == nullptr)
      return Error{Errc::usage,
                   "unknown field " + name + "; a task has id, request, workspace and policy"};
    if (!value.is_string() || value.get_ref<const std::string&>().empty())
      return Error{Errc::usage, name + " is no text, or empty"};
    *field = value.get<std::string>();
  }
  if (task.request.find_first_not_of(" \t\n") == std::string::npos)
    return Error{Errc::usage, "there is no request"};
  if (!task.workspace.empty()) {
    task.workspace = (base / task.workspace).string();
    std::error_code error;
    if (!std::filesystem::is_directory(task.workspace, error))
      return Error{Errc::usage, task.workspace + ": no such folder"};
  }
  if (!task.policy.empty())
    if (base::Result<policies::Policy> policy = policies::find(task.policy); !policy)
      return Error{Errc::usage, policy.error().message};
  return task;
}

base::Result<ResultLines> ResultLines::open(const std::string& path) {
  ResultLines lines;
  lines.path_ = path;
  if (path == "-") return lines;
  lines.file_ = base::UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!lines.file_) return system_error(path);
  if (::flock(lines.file_.get(), LOCK_EX | LOCK_NB) != 0)
    return Error{Errc::refused, path + ": another process is writing its results there"};
  base::Result<std::string> text = base::read_file(path, kMaxResults);
  if (!text) return text.error();
  size_t begin = 0;
  for (size_t number = 1; begin < text->size(); ++number) {
    const size_t end = text->find('\n', begin);
    if (end == text->npos) break;
    const json line =
        json::parse(std::string_view(*text).substr(begin, end - begin), nullptr, false);
    if (!line.is_object() || !line.contains("id") || !line["id"].is_string() ||
        !line.contains("status"))
      return Error{Errc::usage, path + ":" + std::to_string(number) +
                                    ": not a result; name another file with --out"};
    lines.done_.insert(line["id"].get<std::string>());
    lines.failed_ += line["status"] == "ok" ? 0 : 1;
    begin = end + 1;
  }
  if (begin < text->size() && ::ftruncate(lines.file_.get(), static_cast<off_t>(begin)) != 0)
    return system_error(path);
  return lines;
}

base::Status ResultLines::add(const std::string& id, const json& line) {
  const std::string text = base::line_of(line) + "\n";
  if (!file_) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    if (std::fflush(stdout) != 0) return system_error("standard output");
  } else {
    if (base::Status written = write_all(file_.get(), path_, text); !written) return written;
    if (::fdatasync(file_.get()) != 0) return system_error(path_);
  }
  done_.insert(id);
  failed_ += line.value("status", "") == "ok" ? 0 : 1;
  return base::Ok{};
}

json result_line(const std::string& id, const json& result, std::chrono::duration<double> took) {
  return {{"id", id},
          {"status", result.value("status", "error")},
          {"answer", result.value("answer", "")},
          {"charts", result.value("charts", json::array())},
          {"artifacts", result.value("artifacts", json::array())},
          {"session", result.value("session", "")},
          {"seconds", std::round(took.count() * 1000) / 1000}};
}

std::string outcome_words(const json& result) {
  const std::string status = result.value("status", "error");
  if (status == "ok") return status;
  const std::string answer = shown_line(result.value("answer", ""));
  return answer.empty() ? status : status + ": " + cut(answer, 100);
}

}  // namespace cli
