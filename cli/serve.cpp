// The server: a backend on the model, endpoints on the backend, HTTP around them. On a signal it
// stops listening, cancels what runs, and ends.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "agent/native_model.h"
#include "base/file.h"
#include "cli/chart_html.h"
#include "cli/command.h"
#include "cli/model_store.h"
#include "cli/request.h"
#include "cli/terminal/status_line.h"
#include "cli/terminal/text.h"
#include "server/backend_model.h"
#include "server/endpoints.h"
#include "server/http/checks.h"
#include "server/native_backend.h"
#include "server/page/page.h"

namespace cli {
namespace {

using base::Errc;
using base::Error;

struct ServeOptions {
  std::string model = kDefaultModel, key_file, prefix_folder, workspace, policy = "default";
  server::NativeBackendOptions backend;
  server::HttpOptions http{.port = 8080};
  server::EndpointOptions endpoints;
  double ping_s = 5, prefix_gb = 8;
  bool no_prefix_files = false;
};

base::Result<std::string> key_of(const ServeOptions& o) {
  if (o.key_file.empty()) {
    // By a file or the environment alone: a command line is read by everybody on the machine.
    const char* key = std::getenv("TESSERA_API_KEY");
    return std::string(key == nullptr ? "" : key);
  }
  base::Result<std::string> text = base::read_file(o.key_file, 4096);
  if (!text) return text.error();
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r' || text->back() == ' '))
    text->pop_back();
  if (text->empty()) return Error{Errc::usage, o.key_file + ": holds no key"};
  return text;
}

/// Our own planner is held by the agent's grammars, which the backend knows nothing of: an engine
/// of its own, read when it is first needed. Any other model is the server's engine. served: once
/// it is there.
server::RunsOptions runs_of(const ServeOptions& o,
                            const std::unique_ptr<server::NativeBackend>& served) {
  const server::NativeBackendOptions& b = o.backend;
  Setup setup{.workspace = o.workspace, .policy = o.policy};
  setup.model.model = o.model;
  setup.model.adapter = b.adapter.string();
  server::RunsOptions options{.workspace = o.workspace,
                              .audit = sandbox::AuditLog::default_path(),
                              .store = sessions_for_run(),
                              .model = b.id,
                              .free = setup.model.free(),
                              .ping = o.endpoints.ping};
  options.setup = setup_json(setup);
  if (options.free) {
    options.open_model =
        [&served](
            const server::RunSettings& run) -> base::Result<std::shared_ptr<agent::ChatModel>> {
      return std::shared_ptr<agent::ChatModel>(std::make_shared<server::BackendModel>(
          *served, run.thinking, run.id,
          run.reply_tokens > 0 ? run.reply_tokens : server::BackendModel::kReplyTokens));
    };
    return options;
  }
  agent::NativeOptions native{.checkpoint = b.checkpoint, .adapter = b.adapter, .mmproj = b.mmproj};
  if (native.adapter.empty()) native.adapter = shipped_adapter();
  options.open_model =
      [native, kept = std::shared_ptr<agent::ChatModel>()](
          const server::RunSettings&) mutable -> base::Result<std::shared_ptr<agent::ChatModel>> {
    if (kept) return kept;
    auto engine = agent::NativeEngine::load(native);
    if (!engine) return engine.error();
    kept = std::make_shared<agent::NativeModel>(std::move(*engine));
    return kept;
  };
  return options;
}

/// Of a checkpoint: a file, or a folder of files.
uint64_t bytes_of(const std::filesystem::path& checkpoint) {
  std::error_code ec;
  const auto size_of = [&ec](const std::filesystem::path& file) -> uint64_t {
    const uintmax_t bytes = std::filesystem::file_size(file, ec);
    return ec ? 0 : bytes;
  };
  if (std::filesystem::is_regular_file(checkpoint, ec)) return size_of(checkpoint);
  uint64_t bytes = 0;
  std::filesystem::directory_iterator entry(checkpoint, ec);
  while (!ec && entry != std::filesystem::directory_iterator()) {
    if (entry->is_regular_file(ec)) bytes += size_of(entry->path());
    entry.increment(ec);
  }
  return bytes;
}

/// The web page, where there may be one: a browser knows no key, and who reaches the page from
/// another machine would work in this one's folder.
base::Result<std::unique_ptr<server::Page>> page_of(
    const ServeOptions& o, const std::unique_ptr<server::NativeBackend>& served) {
  const bool here = server::is_loopback(o.http.host) && o.endpoints.api_key.empty();
  if (!here && !o.workspace.empty())
    return Error{
        Errc::usage,
        "--workspace is for the web page, which is only on this machine and without a key; "
        "leave out --host and the key, or --workspace"};
  if (!here) return std::unique_ptr<server::Page>();
  server::PageOptions page{.model = o.backend.id,
                           .file = o.backend.checkpoint.string(),
                           .bytes = bytes_of(o.backend.checkpoint),
                           .vega = find_vega()};
  std::unique_ptr<server::Runs> runs;
  if (!o.workspace.empty()) {
    base::Result<policies::Policy> policy = policies::find(o.policy);
    if (!policy) return policy.error();
    server::RunsOptions options = runs_of(o, served);
    options.policy = std::move(*policy);
    if (!options.free) page.context = agent::NativeOptions{}.context;
    base::Result<std::unique_ptr<server::Runs>> opened = server::Runs::open(std::move(options));
    if (!opened) return opened.error();
    runs = std::move(*opened);
  }
  return std::make_unique<server::Page>(std::move(page), std::move(runs));
}

int run(ServeOptions o) {
  const base::Result<std::string> key = key_of(o);
  if (!key) return fail(key.error());
  if (key->empty() && !server::is_loopback(o.http.host))
    return fail({Errc::usage, o.http.host +
                                  ": other machines could use the model; give a key with "
                                  "--api-key-file or TESSERA_API_KEY, or listen on 127.0.0.1"});
  o.endpoints.api_key = *key;
  o.endpoints.ping = std::chrono::milliseconds(static_cast<int>(o.ping_s * 1000));
  // Other machines call this one by names that it does not know. A page cannot know the key.
  o.endpoints.any_host = !server::is_loopback(o.http.host);
  const base::Result<std::filesystem::path> path = find_checkpoint(o.model);
  if (!path) return fail(path.error());
  server::NativeBackendOptions& b = o.backend;
  b.checkpoint = *path;
  if (b.id.empty()) {
    b.id =
        path->filename().empty() ? path->parent_path().filename().string() : path->stem().string();
    if (!std::filesystem::exists(o.model)) b.id = o.model;
  }
  if (!o.no_prefix_files)
    b.scheduler.prefix_folder =
        o.prefix_folder.empty() ? usual_prefix_folder() : std::filesystem::path(o.prefix_folder);
  b.scheduler.max_prefix_bytes_on_disk = static_cast<uint64_t>(o.prefix_gb * (1 << 30));

  if (!o.workspace.empty()) {
    const base::Result<std::filesystem::path> folder = sandbox::workspace_folder(o.workspace);
    if (!folder) return fail(folder.error());
    o.workspace = folder->string();
  }
  std::unique_ptr<server::NativeBackend> served;
  base::Result<std::unique_ptr<server::Page>> page = page_of(o, served);
  if (!page) return fail(page.error());
  o.endpoints.page = page->get();

  const Look look = look_of(STDERR_FILENO);
  StatusLine status(look);
  status.say("reading the model");
  if (!look.rich) std::fprintf(stderr, "reading the model ...\n");
  base::Result<std::unique_ptr<server::NativeBackend>> backend = server::NativeBackend::load(b);
  status.hide();
  if (!backend) return fail(of_file(o.model, backend.error()));
  served = std::move(*backend);
  server::Endpoints endpoints(*served, o.endpoints);
  base::Result<std::unique_ptr<server::HttpServer>> http = endpoints.listen(o.http);
  if (!http) return fail(http.error());
  const server::ModelFacts facts = served->facts();
  const bool six = o.http.host.find(':') != std::string::npos;
  std::printf("%s (context %d%s%s) at %s://%s%s%s:%d/v1\n", facts.id.c_str(), facts.context,
              facts.sees ? ", sees" : "", facts.hears ? ", hears" : "",
              o.http.certificate.empty() ? "http" : "https", six ? "[" : "", o.http.host.c_str(),
              six ? "]" : "", (*http)->port());
  std::fflush(stdout);
  if (!o.workspace.empty())
    std::fprintf(stderr, "the page for %s is at %s://%s%s%s:%d/\n", shown_line(o.workspace).c_str(),
                 o.http.certificate.empty() ? "http" : "https", six ? "[" : "", o.http.host.c_str(),
                 six ? "]" : "", (*http)->port());
  if (look.rich) std::fprintf(stderr, "%s\n", styled("Ctrl-C ends the server", kDim, look).c_str());
  net::signal_set signals(*(*http)->io(), SIGINT, SIGTERM);
  signals.async_wait([&](const boost::system::error_code& ec, int) {
    if (ec) return;
    (*http)->stop();
    signals.clear();  // the second one does not wait
  });
  (*http)->run();
  // In this order: nothing is prepared any more, nothing computed, nothing sent.
  if (*page) (*page)->join();
  endpoints.join();
  served.reset();
  return kDone;
}

}  // namespace

void add_serve(CLI::App& app, Action& action) {
  auto o = std::make_shared<ServeOptions>();
  CLI::App* c = app.add_subcommand(
      "serve", "Serve a model to programs that speak OpenAI's or Anthropic's API.");
  c->add_option("--host", o->http.host, "address to listen on (127.0.0.1)");
  c->add_option("--port", o->http.port, "port to listen on (8080); 0: any free one");
  c->add_option("--model", o->model, "checkpoint: a name or a path");
  c->add_option("--adapter", o->backend.adapter, "LoRA adapter");
  c->add_option("--mmproj", o->backend.mmproj, "GGUF with the embedders of pictures and sound");
  c->add_option("--workspace", o->workspace, "folder that the web page works in");
  c->add_option("--policy", o->policy, "name or file of the policy of the page's runs")
      ->needs("--workspace");
  c->add_option("--id", o->backend.id, "what clients call the model (default: its name)");
  c->add_option("--alias", o->backend.aliases, "another name for it; may be given again")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  c->add_option("--slots", o->backend.scheduler.slots, "conversations at once (4)")
      ->check(CLI::Range(1, 64));
  c->add_option("--context", o->backend.scheduler.context,
                "tokens of each (the checkpoint's, at most 32768)")
      ->check(CLI::Range(256, 1 << 20));
  c->add_option("--max-queued", o->backend.scheduler.max_queued, "requests that may wait (64)")
      ->check(CLI::Range(0, 100000));
  c->add_option("--image-budget", o->backend.image_budget,
                "tokens of a picture: 70, 140, 280, 560 or 1120")
      ->check(CLI::IsMember({70, 140, 280, 560, 1120}));
  c->add_option("--threads", o->backend.threads, "of the model (one per CPU)")
      ->check(CLI::Range(1, 1024));
  c->add_option("--prefix-folder", o->prefix_folder,
                "where states of prompts are kept across restarts");
  c->add_option("--prefix-gb", o->prefix_gb, "most of it on disk (8)")
      ->check(CLI::Range(0.0, 10000.0));
  c->add_flag("--no-prefix-files", o->no_prefix_files, "keep states of prompts in memory only");
  c->add_option("--api-key-file", o->key_file,
                "file with the key that clients give (or TESSERA_API_KEY)");
  c->add_option("--allow-host", o->endpoints.allowed_hosts,
                "a name that clients call this server by; may be given again")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  c->add_option("--allow-origin", o->endpoints.allowed_origins,
                "an origin whose pages may use it; may be given again")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  CLI::Option* certificate =
      c->add_option("--tls-cert", o->http.certificate, "PEM certificate: speak TLS");
  c->add_option("--tls-key", o->http.private_key, "its private key")->needs(certificate);
  c->add_option("--ping-seconds", o->ping_s, "a silent stream gets a comment (5)")
      ->check(CLI::Range(0.1, 600.0));
  c->add_option("--max-connections", o->http.max_connections, "clients at once (256)")
      ->check(CLI::Range(1, 100000));
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
