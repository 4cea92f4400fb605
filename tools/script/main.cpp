// tessera-worker: requests in, events out. It is started inside the sandbox with the workspace as
// its current directory.
//
//   tessera-worker lua      stdin {"script":"…","seed":1,"instructions":N,"lua_bytes":N}
//   tessera-worker profile  stdin {"paths":["…"]}
//   tessera-worker query    stdin {"sql":"…","format":"csv|json|table"}
//   tessera-worker facts    stdin {"path":"…","format":"json|table"}
//   tessera-worker draw     stdin {"path":"spec.json","format":"png","scale":2}, or another format;
//                           "spec" in place of the path; with "save" a file of that name
//                           of answer_chart.h
//   tessera-worker files    stdin {"tool":"find_files","arguments":{…}}; with "hand_over" the steps
//                           of a plan are left in the file /out/steps where that is enough
//   tessera-worker report   stdin {"path":"report.md","title":"…"}
//   tessera-worker serve    descriptor 3 is a socket: a line is a request like those, with "mode",
//                           and an empty line ends its events; until the socket is closed. One
//                           with "own" is answered by a process of its own, a copy of this one
//                           that is made ahead
//
// query and facts answer with events {"type":"text","text":"…"}, which together are the text to
// show, and {"type":"note","text":"…"}, which lua sends of its notes, too.
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
#include "tools/script/answer_files.h"
#include "tools/script/host.h"
#include "tools/script/spare.h"

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

std::unique_ptr<tools::script::Host> prepared(std::shared_ptr<tools::data::Engine> engine) {
  auto host = std::make_unique<tools::script::Host>(
      tools::script::Host{.events = tools::script::Events(kEventsFd),
                          .engine = std::move(engine),
                          .limits = {},
                          .script = {}});
  tools::script::prepare_script(*host);
  return host;
}

/// What is wrong with the request, or nullptr once its events are sent. engine: fresh. host: one
/// that is prepared, or nullptr.
const char* answer(const json& request, std::shared_ptr<tools::data::Engine> engine,
                   tools::script::Serves serves, std::unique_ptr<tools::script::Host>& host) {
  const std::string mode = request.value("mode", "lua");
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
  if (mode == "files" || mode == "report")
    return tools::script::answer_files(mode, request, engine, events);
  const auto script = request.find("script");
  if (script == request.end() || !script->is_string()) return "the request has no script";
  tools::script::Limits limits;
  limits.instructions = number_in(request, "instructions", limits.instructions);
  limits.lua_bytes = number_in(request, "lua_bytes", limits.lua_bytes);
  limits.seed = number_in(request, "seed", limits.seed);
  if (!host) host = prepared(std::move(engine));
  host->events = std::move(events);
  host->limits = limits;
  host->script = script->get<std::string>();
  tools::script::run_script(*host);
  host.reset();
  return nullptr;
}

/// Ends this process as a copy of it ended; returns if that was well.
void end_like(pid_t copy) {
  int status = 0;
  while (::waitpid(copy, &status, 0) < 0 && errno == EINTR) {
  }
  // Its last line may be cut: this process ends like it, and whoever asked sees that.
  if (WIFSIGNALED(status)) {
    ::signal(WTERMSIG(status), SIG_DFL);
    ::raise(WTERMSIG(status));
  }
  if (status != 0) ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

int serve() {
  std::string text;
  auto engine = std::make_shared<tools::data::Engine>(tools::data::find_duckdb());
  engine->preload();
  std::unique_ptr<tools::script::Host> host = prepared(engine);
  // Answers in a copy; what the script leaves behind goes with it.
  const auto answer_apart = [&](const std::string& line) {
    const json request = json::parse(line, nullptr, false);
    const char* problem = answer(request, engine, tools::script::Serves::one_of_many, host);
    ::_exit(problem == nullptr ? 0 : usage(problem));
  };
  tools::script::Spare spare;
  for (;;) {
    if (!host) host = prepared(engine);
    if (!spare) spare = tools::script::Spare::make(answer_apart);
    std::string line;
    if (!tools::script::read_line(kEventsFd, text, kMaxRequest, line))
      return text.size() > kMaxRequest ? usage("the request is larger than 1 MB") : 0;
    const json request = json::parse(line, nullptr, false);
    if (!request.is_object()) return usage("the request is not a JSON object");
    if (request.value("own", false) && spare) {
      end_like(spare.hand_over(line));
      continue;
    }
    if (const char* problem = answer(request, engine, tools::script::Serves::many, host))
      return usage(problem);
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
      mode != "files" && mode != "report" && mode != "serve")
    return usage("call it as: tessera-worker lua|profile|query|facts|draw|files|report|serve");
  if (::fcntl(kEventsFd, F_GETFD) < 0) return usage("descriptor 3 is not open");
  if (mode == "serve") return serve();
  std::string text;
  if (!read_request(text)) return usage("the request cannot be read or is larger than 1 MB");
  json request = json::parse(text, nullptr, false);
  if (!request.is_object()) return usage("the request is not a JSON object");
  auto engine = std::make_shared<tools::data::Engine>(tools::data::find_duckdb());
  request["mode"] = mode;
  std::unique_ptr<tools::script::Host> host;
  if (const char* problem = answer(request, engine, tools::script::Serves::one, host))
    return usage(problem);
  // Nothing needs to be put away, and DuckDB takes its time to do it.
  ::_exit(0);
}
