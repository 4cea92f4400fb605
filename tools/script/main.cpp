// tessera-worker: one request in, events out, done. It is started inside the sandbox with the
// workspace as its current directory.
//
//   tessera-worker lua      stdin {"script":"…","seed":1,"instructions":N,"lua_bytes":N}
//   tessera-worker profile  stdin {"paths":["…"]}
//
// Events go to descriptor 3 as JSON Lines; the last is {"type":"done"} or
// {"type":"error","message":"…"}. The exit status is 0 whenever a last event was sent, 2 when the
// worker was called wrongly.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

#include "tools/data/profile.h"
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

}  // namespace

#if defined(__SANITIZE_ADDRESS__)
// LeakSanitizer looks at its process through ptrace, which the sandbox forbids. ASAN_OPTIONS
// overrides this where the worker runs without the sandbox.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

int main(int argc, char** argv) {
  const std::string mode = argc == 2 ? argv[1] : "";
  if (mode != "lua" && mode != "profile") return usage("call it as: tessera-worker lua|profile");
  if (::fcntl(kEventsFd, F_GETFD) < 0) return usage("descriptor 3 is not open");
  std::string text;
  if (!read_request(text)) return usage("the request cannot be read or is larger than 1 MB");
  const json request = json::parse(text, nullptr, false);
  if (!request.is_object()) return usage("the request is not a JSON object");
  tools::script::Events events(kEventsFd);
  if (mode == "profile") {
    const auto paths = request.find("paths");
    if (paths == request.end() || !paths->is_array()) return usage("the request has no paths");
    for (const json& path : *paths)
      if (path.is_string())
        events.send(tools::data::profile_event(tools::data::profile_of(path.get<std::string>())));
    events.done();
    return 0;
  }
  const auto script = request.find("script");
  if (script == request.end() || !script->is_string()) return usage("the request has no script");
  tools::script::Limits limits;
  limits.instructions = number_in(request, "instructions", limits.instructions);
  limits.lua_bytes = number_in(request, "lua_bytes", limits.lua_bytes);
  limits.seed = number_in(request, "seed", limits.seed);
  tools::script::Host host{
      .events = events,
      .engine = std::make_shared<tools::data::Engine>(tools::data::find_duckdb()),
      .limits = limits,
      .script = script->get<std::string>()};
  tools::script::run_script(host);
  // Nothing needs to be put away, and DuckDB takes its time to do it.
  ::_exit(0);
}
