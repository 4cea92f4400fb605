// tessera-worker: requests in, events out. It is started inside the sandbox with the workspace as
// its current directory.
//
//   tessera-worker lua      stdin {"script":"…","seed":1,"instructions":N,"lua_bytes":N}
//   tessera-worker profile  stdin {"paths":["…"]}
//   tessera-worker query    stdin {"sql":"…","format":"csv|json|table"}
//   tessera-worker facts    stdin {"path":"…","format":"json|table"}
//   tessera-worker draw     stdin {"path":"spec.json","format":"png|svg|pdf|scene","scale":2}
//   tessera-worker serve    descriptor 3 is a socket: a line is a request like those, with "mode",
//                           and an empty line ends its events; until the socket is closed. One
//                           with "own" is answered by a process of its own, a copy of this one
//
// query and facts answer with events {"type":"text","text":"…"}, which together are the text to
// show, and {"type":"note","text":"…"}.
//
// Events go to descriptor 3 as JSON Lines; the last is {"type":"done"} or
// {"type":"error","message":"…"}. A last event with "spent" says that this worker takes no further
// request: a limit was reached, or DuckDB was used, which is not put away between two scripts. The
// exit status is 0 whenever a last event was sent, 2 when the worker was called wrongly.

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include "base/json.h"

#include "tools/data/profile.h"
#include "tools/script/answer_chart.h"
#include "tools/script/answer_data.h"
#include "tools/script/host.h"

namespace {

using nlohmann::json;

constexpr int kEventsFd = 3;
constexpr size_t kMaxRequest = size_t{1} << 20;

bool read_request(std::string& text) {
  char buffer[65536];
  ssize_t n = 0;
  while ((n = ::read(STDIN_FILENO, buffer, sizeof buffer)) != 0) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 || text.size() + static_cast<size_t>(n) > kMaxRequest) return false;
    text.append(buffer, static_cast<size_t>(n));
  }
  return true;
}

uint64_t number_in(const json& request, const char* name, uint64_t otherwise) {
  const auto it = request.find(name);
  return it != request.end() && it->is_number_unsigned() ? it->get<uint64_t>() : otherwise;
}

int usage(const char* problem) {
  std::fprintf(stderr, "tessera-worker: %s\n", problem);
  return 2;
}

/// What is wrong with the request, or nullptr once its events are sent. engine: fresh.
const char* answer(const std::string& mode, const json& request,
                   std::shared_ptr<tools::data::Engine> engine, tools::script::Serves serves) {
  tools::script::Events events(kEventsFd, serves);
  if (mode == "profile") {
    const auto paths = request.find("paths");
    if (paths == request.end() || !paths->is_array()) return "the request has no paths";
    for (const json& path : *paths)
      if (path.is_string())
        events.send(
            tools::data::profile_event(tools::data::profile_of(path.get<std::string>(), engine)));
    events.done(engine->used());
    return nullptr;
  }
  if (mode == "query" || mode == "facts")
    return tools::script::answer_data(mode, request, engine, events);
  if (mode == "draw") return tools::script::answer_chart(request, events);
  const auto script = request.find("script");
  if (script == request.end() || !script->is_string()) return "the request has no script";
  tools::script::Limits limits;
  limits.instructions = number_in(request, "instructions", limits.instructions);
  limits.lua_bytes = number_in(request, "lua_bytes", limits.lua_bytes);
  limits.seed = number_in(request, "seed", limits.seed);
  tools::script::Host host{.events = std::move(events),
                           .engine = std::move(engine),
                           .limits = limits,
                           .script = script->get<std::string>()};
  tools::script::run_script(host);
  return nullptr;
}

/// Answers in a copy of this process, which is loaded and confined and has nothing of a script yet.
/// What the script leaves behind goes with it. Usage as answer().
const char* answer_apart(const std::string& mode, const json& request,
                         std::shared_ptr<tools::data::Engine> engine) {
  const pid_t child = ::fork();
  if (child < 0) return answer(mode, request, engine, tools::script::Serves::many);
  if (child == 0) {
    const char* problem = answer(mode, request, engine, tools::script::Serves::one_of_many);
    ::_exit(problem == nullptr ? 0 : usage(problem));
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  // Its last line may be cut: this process ends like it, and whoever asked sees that.
  if (WIFSIGNALED(status)) {
    ::signal(WTERMSIG(status), SIG_DFL);
    ::raise(WTERMSIG(status));
  }
  if (status != 0) ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
  return nullptr;
}

int serve() {
  std::string text;
  char buffer[65536];
  auto engine = std::make_shared<tools::data::Engine>(tools::data::find_duckdb());
  engine->preload();
  for (;;) {
    const size_t end = text.find('\n');
    if (end == text.npos) {
      const ssize_t n = ::recv(kEventsFd, buffer, sizeof buffer, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return 0;
      text.append(buffer, static_cast<size_t>(n));
      if (text.size() > kMaxRequest) return usage("the request is larger than 1 MB");
      continue;
    }
    const json request = json::parse(std::string_view(text).substr(0, end), nullptr, false);
    text.erase(0, end + 1);
    if (!request.is_object()) return usage("the request is not a JSON object");
    const std::string mode = request.value("mode", "lua");
    const char* problem = request.value("own", false)
                              ? answer_apart(mode, request, engine)
                              : answer(mode, request, engine, tools::script::Serves::many);
    if (problem != nullptr) return usage(problem);
    if (engine->used()) ::_exit(0);
  }
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__)
// LeakSanitizer looks at its process through ptrace, which the sandbox forbids. ASAN_OPTIONS
// overrides this where the worker runs without the sandbox.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

int main(int argc, char** argv) {
  const std::string mode = argc == 2 ? argv[1] : "";
  if (mode != "lua" && mode != "profile" && mode != "query" && mode != "facts" && mode != "draw" &&
      mode != "serve")
    return usage("call it as: tessera-worker lua|profile|query|facts|draw|serve");
  if (::fcntl(kEventsFd, F_GETFD) < 0) return usage("descriptor 3 is not open");
  if (mode == "serve") return serve();
  std::string text;
  if (!read_request(text)) return usage("the request cannot be read or is larger than 1 MB");
  const json request = json::parse(text, nullptr, false);
  if (!request.is_object()) return usage("the request is not a JSON object");
  auto engine = std::make_shared<tools::data::Engine>(tools::data::find_duckdb());
  if (const char* problem = answer(mode, request, engine, tools::script::Serves::one))
    return usage(problem);
  // Nothing needs to be put away, and DuckDB takes its time to do it.
  ::_exit(0);
}
