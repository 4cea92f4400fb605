// The page's server with a model that is a list of replies; the sandbox and the data engine are
// real:
//   page-server REPLIES.json WORKSPACE POLICY ASK_MS [SESSIONS.db [PORT [free]]]
// WORKSPACE may be "". With SESSIONS.db runs are kept there; free: the model is not held by
// grammars and goes on from earlier requests. Prints "listening PORT" and serves until its standard
// input ends.
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <thread>

#include "base/layout.h"
#include "server/endpoints.h"
#include "server/page/page.h"
#include "tests/server/scripted_backend.h"

namespace {

class Replies final : public agent::ChatModel {
 public:
  Replies(nlohmann::json list, bool free) : list_(std::move(list)), free_(free) {}
  bool constrained() const override { return !free_; }
  base::Result<agent::ModelReply> reply(std::span<const model::Message> conversation,
                                        std::span<const model::ToolDeclaration>,
                                        const agent::ReplyRequest&,
                                        const std::function<void(std::string_view)>& on_text,
                                        std::stop_token stop) override {
    if (next_ == list_.size())
      return base::Error{base::Errc::internal, "the test has no more replies"};
    const nlohmann::json& one = list_[next_++];
    for (int waited = 0; waited < one.value("delay_ms", 0); waited += 10) {
      if (stop.stop_requested()) return base::Error{base::Errc::cancelled, "stopped"};
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    agent::ModelReply reply;
    reply.message.role = model::Role::model;
    reply.message.text = one.value("text", "");
    reply.prompt_tokens = one.value("prompt_tokens", 0);
    reply.completion_tokens = one.value("completion_tokens", 0);
    if (one.value("says_first_request", false))
      for (const model::Message& message : conversation)
        if (message.role == model::Role::user) {
          reply.message.text += message.text;
          break;
        }
    if (one.contains("code"))
      reply.message.calls.push_back({.name = "run_lua", .arguments = {{"code", one["code"]}}});
    // In pieces, as a model says it.
    for (size_t at = 0; at < reply.message.text.size(); at += 7) {
      std::this_thread::sleep_for(std::chrono::milliseconds(one.value("piece_ms", 0)));
      on_text(std::string_view(reply.message.text).substr(at, 7));
    }
    return reply;
  }

 private:
  nlohmann::json list_;
  bool free_;
  size_t next_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  std::ifstream file(argv[1]);
  std::unique_ptr<server::Runs> runs;
  if (argv[2][0] != '\0') {
    server::RunsOptions options{.workspace = argv[2], .policy = *policies::builtin(argv[3])};
    options.free = argc > 7;
    const std::shared_ptr<agent::ChatModel> model =
        std::make_shared<Replies>(nlohmann::json::parse(file), options.free);
    options.open_model = [model](const server::RunSettings&) {
      return base::Result<std::shared_ptr<agent::ChatModel>>(model);
    };
    if (argc > 5) {
      base::Result<std::shared_ptr<agent::session::Store>> store =
          agent::session::Store::open({.path = argv[5]});
      if (!store) return 1;
      options.store = *store;
    }
    options.ask_time = std::chrono::milliseconds(std::atoi(argv[4]));
    options.away_time = std::chrono::milliseconds(500);
    base::Result<std::unique_ptr<server::Runs>> opened = server::Runs::open(std::move(options));
    if (!opened) {
      std::fprintf(stderr, "%s\n", opened.error().message.c_str());
      return 1;
    }
    runs = std::move(*opened);
  }
  server::Page page({.model = "scripted",
                     .file = "/models/scripted.gguf",
                     .bytes = 5'000'000'000,
                     .vega = base::find_part(base::Part::vega)},
                    std::move(runs));
  server::ScriptedBackend backend({}, 32768, "");
  server::Endpoints endpoints(backend, {.page = &page});
  auto http = endpoints.listen({.port = static_cast<uint16_t>(argc > 6 ? std::atoi(argv[6]) : 0)});
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
  page.join();
  endpoints.join();
  watcher.join();
  return 0;
}
