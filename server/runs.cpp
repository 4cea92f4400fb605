// A run is a list of events, one JSON text each, that only grows. The run's thread posts them to
// the server's thread, which owns the list; whoever reads it gets what is there and then waits for
// more. So a page that is loaded again, or a second one, sees what the first one saw. A run goes on
// when nobody reads; only a question is then answered with no.
#include "server/runs.h"

#include <atomic>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include "agent/agent.h"
#include "agent/as_json.h"
#include "base/json_line.h"
#include "server/failures.h"
#include "server/http/query.h"
#include "server/relay.h"

namespace server {

namespace {

using base::Errc;
using base::Error;
using nlohmann::json;

constexpr size_t kKept = 50;              // runs
constexpr size_t kMaxRequest = 16 << 10;  // bytes of a request
constexpr size_t kMaxDiff = 64 << 10;     // bytes of all diffs of a question
constexpr size_t kMaxWrite = 256 << 10;   // bytes of a stream that are sent at once
constexpr size_t kMaxEvents = 20'000;     // of a run; a run that is well has some hundred
constexpr auto kLook = std::chrono::milliseconds(100);

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// A question and its answer, between the run's thread and the server's.
struct Asked {
  explicit Asked(int n) : number(n) {}
  const int number;
  std::mutex mutex;
  std::condition_variable_any answered;
  std::optional<bool> answer;
};

struct OneRun {
  std::string id, request, status = "running";
  int64_t time_ms = 0;
  std::stop_source stop;
  // Of the server's thread.
  std::vector<std::string> events;
  std::set<net::steady_timer*> waiting;
  std::shared_ptr<Asked> asked;
  bool ended = false;
  // Of both.
  std::atomic<int> readers{0};

  void add(std::string line) {
    if (events.size() < kMaxEvents) events.push_back(std::move(line));
    for (net::steady_timer* timer : waiting) timer->cancel();
  }
};

/// One who reads a run's events.
struct Reader {
  Reader(std::shared_ptr<OneRun> r, net::steady_timer& t) : run(std::move(r)), timer(t) {
    run->waiting.insert(&timer);
    ++run->readers;
  }
  ~Reader() {
    run->waiting.erase(&timer);
    --run->readers;
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  std::shared_ptr<OneRun> run;
  net::steady_timer& timer;
};

}  // namespace

struct Runs::State : std::enable_shared_from_this<State> {
  explicit State(RunsOptions o) : options(std::move(o)) {}

  RunsOptions options;
  std::optional<tools::Toolbox> toolbox;
  net::thread_pool thread{1};
  // Of the run's thread.
  std::unique_ptr<agent::ChatModel> model;
  std::shared_ptr<OneRun> asking;  // whose questions are the person's
  std::function<void(const json&)> tell;
  std::function<void(std::function<void()>)> on_server;
  std::atomic<std::thread::id> asker = std::thread::id();
  int n_asked = 0;
  // Of the server's thread.
  std::deque<std::shared_ptr<OneRun>> runs;
  std::shared_ptr<OneRun> running;
  int n_runs = 0;
  std::atomic<bool> joining{false};

  bool ask(const sandbox::Question& question);
  agent::RunResult carry_out(const OneRun& run);
  void work(const std::shared_ptr<net::io_context>& io, const std::shared_ptr<OneRun>& run);

  std::shared_ptr<OneRun> find(std::string_view id) const {
    for (const std::shared_ptr<OneRun>& run : runs)
      if (run->id == id) return run;
    return nullptr;
  }
  net::awaitable<void> start(HttpRequest http, std::shared_ptr<Responder> to);
  net::awaitable<void> follow(std::shared_ptr<OneRun> run, size_t from,
                              std::shared_ptr<Responder> to);
  HttpReply list() const;
  static HttpReply answer(OneRun& run, const std::string& body);
};

/// On the run's thread. Who looks into the workspace beside a run is on another one, and is no
/// person's run: nobody is asked for him.
bool Runs::State::ask(const sandbox::Question& question) {
  if (asker.load() != std::this_thread::get_id()) return false;
  const auto asked = std::make_shared<Asked>(++n_asked);
  json event{{"type", "question"},
             {"question", asked->number},
             {"what", question.what},
             {"why", question.why},
             {"seconds", options.ask_time.count() / 1000}};
  if (question.changes != nullptr) {
    json changes = json::array();
    size_t bytes = 0;
    for (const sandbox::Change& change : question.changes->changes) {
      json line = agent::change_json(change);
      if (question.diff && bytes < kMaxDiff) {
        std::string diff = question.diff(change).substr(0, kMaxDiff - bytes);
        bytes += diff.size();
        if (!diff.empty()) line["diff"] = std::move(diff);
      }
      changes.push_back(std::move(line));
    }
    event["changes"] = std::move(changes);
  }
  on_server([run = asking, asked] { run->asked = asked; });
  tell(event);

  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + options.ask_time;
  Clock::time_point seen = Clock::now();
  std::string why = "a person";
  std::unique_lock lock(asked->mutex);
  while (!asked->answer) {
    const std::stop_token stop = asking->stop.get_token();
    asked->answered.wait_for(lock, stop, kLook, [&] { return asked->answer.has_value(); });
    if (asked->answer) break;
    const Clock::time_point now = Clock::now();
    if (asking->readers > 0) seen = now;
    if (stop.stop_requested())
      why = "stopped";
    else if (now >= end)
      why = "no answer in time";
    else if (now - seen >= options.away_time)
      why = "no page is open";
    else
      continue;
    asked->answer = false;
  }
  const bool allow = *asked->answer;
  lock.unlock();
  tell({{"type", "answer"}, {"question", asked->number}, {"allow", allow}, {"by", why}});
  return allow;
}

agent::RunResult Runs::State::carry_out(const OneRun& run) {
  agent::RunResult failed;
  const auto fail = [&](const Error& error) {
    failed.answer = error.message;
    if (error.code == Errc::refused) failed.status = agent::Status::refused;
    return failed;
  };
  if (!model) {
    tell({{"type", "loading"}});
    base::Result<std::unique_ptr<agent::ChatModel>> opened = options.open_model();
    if (!opened) return fail(opened.error());
    model = std::move(*opened);
  }
  base::Result<agent::RunResult> result = agent::run(
      run.request, *model, *toolbox, agent::builtin_prompt(), {}, tell, run.stop.get_token());
  if (!result) return fail(result.error());
  return std::move(*result);
}

void Runs::State::work(const std::shared_ptr<net::io_context>& io,
                       const std::shared_ptr<OneRun>& run) {
  asking = run;
  asker = std::this_thread::get_id();
  on_server = [io](std::function<void()> call) { net::post(*io, std::move(call)); };
  tell = [this, run](const json& event) {
    on_server([run, line = base::line_of(event)]() mutable { run->add(std::move(line)); });
  };
  agent::RunResult result;
  try {
    result = carry_out(*run);
  } catch (...) {
    result.answer = caught().message;
  }
  json event = agent::result_json(result);
  if (run->stop.stop_requested() && result.status != agent::Status::ok) event["status"] = "stopped";
  event["ms"] = now_ms() - run->time_ms;
  on_server([state = shared_from_this(), run, line = base::line_of(event),
             status = event["status"].get<std::string>()]() mutable {
    run->status = std::move(status);
    run->ended = true;
    run->asked = nullptr;
    state->running = nullptr;
    if (run->events.size() >= kMaxEvents) run->events.pop_back();  // the result is always told
    run->add(std::move(line));
  });
  asking = nullptr;
  asker = std::thread::id();
  tell = nullptr;
  on_server = nullptr;  // lets go of the server's context
}

net::awaitable<void> Runs::State::follow(std::shared_ptr<OneRun> run, size_t from,
                                         std::shared_ptr<Responder> to) {
  const std::shared_ptr<net::io_context> io = to->io();
  if (!io) co_return;
  // Its connection may outlive this, and then tells nobody.
  const auto timer = std::make_shared<net::steady_timer>(*io);
  const auto gone = std::make_shared<bool>(false);
  const Reader reader(run, *timer);
  to->when_gone([gone, timer] {
    *gone = true;
    timer->cancel();
  });
  bool alive = co_await to->begin(stream_head(": run " + run->id + "\n\n"));
  while (alive && !*gone) {
    if (from >= run->events.size()) {
      if (run->ended) break;
      timer->expires_after(options.ping);
      boost::system::error_code ignored;
      co_await timer->async_wait(net::redirect_error(net::use_awaitable, ignored));
      if (from >= run->events.size() && !run->ended && !*gone)
        alive = co_await to->write(": ping\n\n");
      continue;
    }
    std::string bytes;
    for (; from < run->events.size() && bytes.size() < kMaxWrite; ++from)
      bytes += "id: " + std::to_string(from) + "\ndata: " + run->events[from] + "\n\n";
    alive = co_await to->write(std::move(bytes));
  }
}

net::awaitable<void> Runs::State::start(HttpRequest http, std::shared_ptr<Responder> to) {
  const json body = json::parse(http.body, nullptr, false);
  const bool asks = body.is_object() && body.size() == 1 && body.contains("request") &&
                    body["request"].is_string();
  const std::string request = asks ? body["request"].get<std::string>() : "";
  std::optional<HttpReply> no;
  if (request.find_first_not_of(" \t\r\n") == std::string::npos)
    no = error_of(400, "The request is empty; say what you want to know or see: {\"request\": …}.");
  else if (request.size() > kMaxRequest)
    no = error_of(400, "The request is longer than " + std::to_string(kMaxRequest) + " bytes.");
  else if (running)
    no = error_of(409, "A run is going on in this workspace; wait for its end, or stop it.");
  else if (joining)
    no = error_of(503, "The server is ending.");
  if (no) {
    co_await to->send(std::move(*no));
    co_return;
  }
  auto run = std::make_shared<OneRun>();
  run->request = request;
  run->time_ms = now_ms();
  // A page that is still open does not take it for one of an earlier process.
  run->id = std::to_string(run->time_ms) + "-" + std::to_string(++n_runs);
  run->add(base::line_of({{"type", "run"}, {"id", run->id}, {"time_ms", run->time_ms}}));
  run->add(base::line_of({{"type", "request"}, {"text", request}}));
  runs.push_back(run);
  if (runs.size() > kKept) runs.pop_front();
  running = run;
  net::post(thread, [this, io = to->io(), run] { work(io, run); });
  co_await follow(run, 0, std::move(to));
}

HttpReply Runs::State::list() const {
  json all = json::array();
  for (const std::shared_ptr<OneRun>& run : runs)
    all.push_back({{"id", run->id},
                   {"request", run->request},
                   {"time_ms", run->time_ms},
                   {"status", run->status}});
  return {.body = base::line_of({{"runs", all}})};
}

HttpReply Runs::State::answer(OneRun& run, const std::string& body) {
  const json given = json::parse(body, nullptr, false);
  if (!given.is_object() || !given.contains("question") || !given["question"].is_number_integer() ||
      !given.contains("allow") || !given["allow"].is_boolean())
    return error_of(400, "An answer is {\"question\": N, \"allow\": true or false}.");
  if (!run.asked || run.asked->number != given["question"].get<int64_t>())
    return error_of(409, "Nobody asks that any more.");
  {
    const std::lock_guard lock(run.asked->mutex);
    if (!run.asked->answer) run.asked->answer = given["allow"].get<bool>();
  }
  run.asked->answered.notify_all();
  run.asked = nullptr;
  return {.body = "{}"};
}

Runs::Runs(std::shared_ptr<State> state) : state_(std::move(state)) {}
Runs::~Runs() { join(); }

base::Result<std::unique_ptr<Runs>> Runs::open(RunsOptions options) {
  auto state = std::make_shared<State>(std::move(options));
  const RunsOptions& o = state->options;
  base::Result<tools::Toolbox> toolbox = tools::Toolbox::open(
      {.workspace = o.workspace,
       .policy = o.policy,
       .audit = o.audit,
       .ask = [s = state.get()](const sandbox::Question& question) { return s->ask(question); }});
  if (!toolbox) return toolbox.error();
  state->toolbox.emplace(std::move(*toolbox));
  return std::unique_ptr<Runs>(new Runs(std::move(state)));
}

void Runs::join() {
  state_->joining = true;
  if (state_->running) state_->running->stop.request_stop();
  state_->thread.join();
}

const tools::Toolbox& Runs::toolbox() const { return *state_->toolbox; }

net::awaitable<void> Runs::handle(std::string path, HttpRequest http,
                                  std::shared_ptr<Responder> to) {
  const std::shared_ptr<State> state = state_;
  const bool post = http.method == "POST";
  if (path.empty() && post) {
    co_await state->start(std::move(http), std::move(to));
    co_return;
  }
  HttpReply reply;
  if (path.empty()) {
    reply = state->list();
  } else {
    const size_t slash = path.find('/', 1);
    const std::string what = slash == std::string::npos ? "" : path.substr(slash);
    std::shared_ptr<OneRun> run = state->find(path.substr(1, slash - 1));
    if (run && what.empty() && !post) {
      const std::string digits = value_in(http.query, "from");
      size_t from = 0;
      std::from_chars(digits.data(), digits.data() + digits.size(), from);
      co_await state->follow(std::move(run), from, std::move(to));
      co_return;
    }
    if (run && what == "/stop" && post) {
      run->stop.request_stop();
      reply.body = "{}";
    } else if (run && what == "/answer" && post) {
      reply = State::answer(*run, http.body);
    } else {
      reply = error_of(404, run ? "There is no such path of a run." : "There is no such run.");
    }
  }
  co_await to->send(std::move(reply));
}

}  // namespace server
