// A server whose model is a list of replies, for tests that drive real clients:
//   scripted-server RULES.json LOG.jsonl [CONTEXT]
// prints "listening PORT" and serves until it is told to end or its standard input does.
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "server/endpoints.h"
#include "tests/server/scripted_backend.h"

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  std::ifstream file(argv[1]);
  const nlohmann::json list = nlohmann::json::parse(file);
  std::vector<server::ScriptedRule> rules;
  for (const nlohmann::json& one : list)
    rules.push_back({.when = one.value("when", ""),
                     .tools = one.value("tools", -1),
                     .reply = one.value("reply", ""),
                     .times = one.value("times", 1),
                     .delay_ms = one.value("delay_ms", 0),
                     .cut = one.value("cut", false)});
  server::ScriptedBackend backend(std::move(rules), argc > 3 ? std::atoi(argv[3]) : 32768, argv[2]);
  server::Endpoints endpoints(backend, {});
  auto http = endpoints.listen({});
  if (!http) {
    std::fprintf(stderr, "%s\n", http.error().message.c_str());
    return 1;
  }
  std::printf("listening %d\n", (*http)->port());
  std::fflush(stdout);
  std::thread watcher([&] {
    char byte = 0;
    while (::read(STDIN_FILENO, &byte, 1) > 0) {
    }
    (*http)->stop();
  });
  (*http)->run();
  endpoints.join();
  watcher.join();
  return 0;
}
