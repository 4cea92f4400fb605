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
#include "agent/session/recorder.h"
#include "base/json_line.h"
#include "server/failures.h"
#include "server/http/query.h"
#include "server/on_pool.h"
#include "server/past_runs.h"
#include "server/relay.h"
#include "server/reply_news.h"
#include "server/run_chart.h"
#include "server/run_settings.h"

namespace server {

namespace {

using agent::session::Recorder;
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
  std::string after;  // the run whose conversation it goes on with
  bool resumed = false;
  RunSettings settings;
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
  net::thread_pool reader{1};  // of the store
  net::thread_pool drawer{1};  // of charts
  std::stop_source ending;     // of what is drawn
  // Of the run's thread.
  std::shared_ptr<agent::ChatModel> model;
  std::unique_ptr<Recorder> recorder;
  std::shared_ptr<OneRun> asking;  // whose questions are the person's
  std::function<void(const json&)> tell;
  std::function<void(std::function<void()>)> on_server;
  int n_asked = 0;
  // Of the server's thread.
  std::deque<std::shared_ptr<OneRun>> runs;
  std::shared_ptr<OneRun> running;
  std::atomic<bool> joining{false};

  bool ask(const sandbox::Question& question);
  base::Status keep(OneRun& run);
  base::Result<agent::RunResult> carry_out(OneRun& run);
  void work(const std::shared_ptr<net::io_context>& io, const std::shared_ptr<OneRun>& run);

  std::shared_ptr<OneRun> find(std::string_view id) const {
    for (const std::shared_ptr<OneRun>& run : runs)
      if (run->id == id) return run;
    return nullptr;
  }
  net::awaitable<void> start(HttpRequest http, std::shared_ptr<Responder> to);
  net::awaitable<void> resume(std::string id, std::shared_ptr<Responder> to);
  net::awaitable<void> begin(std::shared_ptr<OneRun> run, std::shared_ptr<Responder> to);
  std::optional<HttpReply> busy() const;
  net::awaitable<void> follow(std::shared_ptr<OneRun> run, size_t from,
                              std::shared_ptr<Responder> to);
  net::awaitable<HttpReply> list();
  net::awaitable<HttpReply> chart(std::shared_ptr<OneRun> run, std::string query);
  net::awaitable<std::shared_ptr<OneRun>> past(std::string id);
  static HttpReply answer(OneRun& run, const std::string& body);
};

/// On the run's thread.
bool Runs::State::ask(const sandbox::Question& question) {
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

/// Opens the session of a run. One that cannot be kept is run all the same, and says so.
base::Status Runs::State::keep(OneRun& run) {
  recorder = nullptr;
  if (!options.store) return base::Ok{};
  const auto note = [this](const std::string& sentence) {
    tell({{"type", "notice"}, {"text", sentence}});
  };
  base::Result<std::unique_ptr<Recorder>> opened = Error{Errc::internal, ""};
  if (run.resumed) {
    opened = Recorder::resume(options.store, run.id, note);
    if (!opened) return opened.error();
    run.settings = settings_of((*opened)->info());
  } else {
    std::vector<model::Message> past;
    if (!run.after.empty()) {
      base::Result<agent::session::Saved> saved = options.store->load(run.after);
      if (!saved) return saved.error();
      const auto picture = [&](const std::string& digest) {
        return options.store->picture(digest);
      };
      base::Result<std::vector<model::Message>> said =
          agent::session::conversation_of(*saved, picture, -1);
      if (!said) return said.error();
      // Our own planner has learned conversations of one request.
      if (options.free) past = std::move(*said);
    }
    json setup = options.setup;
    setup["workspace"] = toolbox->workspace().string();
    keep_settings(run.settings, setup);
    opened = Recorder::begin(options.store,
                             {.id = run.id,
                              .parent = run.after,
                              .request = run.request,
                              .workspace = toolbox->workspace().string(),
                              .model = options.model,
                              .setup = std::move(setup)},
                             past, note);
    if (!opened) note("this run is not kept as a session: " + opened.error().message);
  }
  if (opened) recorder = std::move(*opened);
  return base::Ok{};
}

base::Result<agent::RunResult> Runs::State::carry_out(OneRun& run) {
  if (base::Status kept = keep(run); !kept) return kept.error();
  tell({{"type", "request"}, {"text", run.request}});
  const bool free = options.free;
  // One of its own, so that the journal knows whose changes they are.
  base::Result<tools::Toolbox> own = tools::Toolbox::open(
      {.workspace = options.workspace,
       .policy = options.policy,
       .audit = options.audit,
       .ask = [this](const sandbox::Question& question) { return ask(question); },
       .file_tools = free,
       .session = recorder ? run.id : std::string()});
  if (!own) return own.error();
  const agent::Prompt prompt = free ? agent::endpoint_prompt() : agent::builtin_prompt();
  if (recorder) {
    base::Result<std::vector<std::string>> undone = own->take_back(recorder->runs());
    if (!undone)
      return Error{undone.error().code, "what the interrupted step changed cannot be taken back: " +
                                            undone.error().message};
    recorder->with(options.model, agent::digest_of(prompt));
  }
  if (!model) tell({{"type", "loading"}});
  base::Result<std::shared_ptr<agent::ChatModel>> opened = options.open_model(run.settings);
  if (!opened) return opened.error();
  model = std::move(*opened);
  agent::RunOptions limits = free ? agent::kFreeRunOptions : agent::RunOptions{};
  if (run.resumed && recorder) take_limits(recorder->info().setup, limits);
  if (run.settings.seconds > 0) limits.max_time = std::chrono::seconds(run.settings.seconds);
  // The planner's replies take no time worth showing.
  limits.progress = ReplyNews(tell, free);
  return agent::run(run.request, *model, *own, prompt, limits, tell, run.stop.get_token(),
                    recorder.get());
}

void Runs::State::work(const std::shared_ptr<net::io_context>& io,
                       const std::shared_ptr<OneRun>& run) {
  asking = run;
  on_server = [io](std::function<void()> call) { net::post(*io, std::move(call)); };
  tell = [this, run](const json& event) {
    std::string line = base::line_of(event);
    // What only a page hears is no part of the session: whoever resumes it tells the rest again.
    static constexpr std::string_view kOfThePage[] = {"loading", "notice",  "question", "answer",
                                                      "context", "reading", "draft"};
    const std::string type = event.value("type", "");
    if (recorder &&
        std::find(std::begin(kOfThePage), std::end(kOfThePage), type) == std::end(kOfThePage))
      recorder->event(line);
    on_server([run, line = std::move(line)]() mutable { run->add(std::move(line)); });
  };
  base::Result<agent::RunResult> made = Error{Errc::internal, ""};
  try {
    made = carry_out(*run);
  } catch (...) {
    made = caught();
  }
  agent::RunResult result;
  if (made) {
    result = std::move(*made);
  } else {
    result.answer = made.error().message;
    if (made.error().code == Errc::refused) result.status = agent::Status::refused;
  }
  json event = agent::result_json(result);
  if (recorder) event["session"] = run->id;
  const bool stopped = run->stop.stop_requested() && result.status != agent::Status::ok;
  if (recorder)
    recorder->finish(stopped ? "stopped" : event["status"].get<std::string>(),
                     base::line_of(event));
  if (stopped) event["status"] = "stopped";
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
  recorder = nullptr;
  asking = nullptr;
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
  // A session has not all that its process told: whoever heard more still gets the end.
  if (run->ended && !run->events.empty()) from = std::min(from, run->events.size() - 1);
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

std::optional<HttpReply> Runs::State::busy() const {
  if (running)
    return error_of(409, "A run is going on in this workspace; wait for its end, or stop it.");
  if (joining) return error_of(503, "The server is ending.");
  return std::nullopt;
}

net::awaitable<void> Runs::State::start(HttpRequest http, std::shared_ptr<Responder> to) {
  const json body = json::parse(http.body, nullptr, false);
  const auto text = [&](const char* name) {
    return body.is_object() && body.contains(name) && body[name].is_string()
               ? body[name].get<std::string>()
               : std::string();
  };
  auto run = std::make_shared<OneRun>();
  run->request = text("request");
  run->after = text("after");
  // 0: not given; -1: not one that may be.
  const auto number = [&](const char* name, int least, int most) {
    if (!body.is_object() || !body.contains(name)) return 0;
    const json& value = body[name];
    return value.is_number_unsigned() && value >= least && value <= most ? value.get<int>() : -1;
  };
  RunSettings& settings = run->settings;
  settings.thinking = body.is_object() && body.contains("thinking") && body["thinking"] == true;
  settings.seconds = number("seconds", kMinSeconds, kMaxSeconds);
  settings.reply_tokens = number("reply_tokens", kMinReply, kMaxReply);
  std::optional<HttpReply> no;
  if (run->request.find_first_not_of(" \t\r\n") == std::string::npos)
    no = error_of(400, "The request is empty; say what you want to know or see: {\"request\": …}.");
  else if (run->request.size() > kMaxRequest)
    no = error_of(400, "The request is longer than " + std::to_string(kMaxRequest) + " bytes.");
  else if (settings.seconds < 0)
    no = error_of(400, "A run may take " + std::to_string(kMinSeconds) + " to " +
                           std::to_string(kMaxSeconds) + " seconds.");
  else if (settings.reply_tokens < 0)
    no = error_of(400, "A reply may have " + std::to_string(kMinReply) + " to " +
                           std::to_string(kMaxReply) + " tokens.");
  else if (!run->after.empty() && !options.store)
    no = error_of(400, "No sessions are kept here that a request could go on with.");
  else
    no = busy();
  if (no) {
    co_await to->send(std::move(*no));
    co_return;
  }
  run->time_ms = now_ms();
  run->id = settings.id = agent::session::Store::new_id();
  co_await begin(std::move(run), std::move(to));
}

/// What was not finished goes on from its last whole step.
net::awaitable<void> Runs::State::resume(std::string id, std::shared_ptr<Responder> to) {
  const std::shared_ptr<OneRun> before = co_await past(id);
  std::optional<HttpReply> no = busy();
  if (!before)
    no = error_of(404, "There is no such run.");
  else if (before->status != "stopped" && before->status != "interrupted" &&
           before->status != "error")
    no = error_of(409, "This run is done; ask again to go on from it.");
  if (no) {
    co_await to->send(std::move(*no));
    co_return;
  }
  auto run = std::make_shared<OneRun>();
  run->id = run->settings.id = std::move(id);
  run->request = before->request;
  run->time_ms = before->time_ms;
  run->resumed = true;
  std::erase_if(runs, [&](const std::shared_ptr<OneRun>& one) { return one->id == run->id; });
  co_await begin(std::move(run), std::move(to));
}

net::awaitable<void> Runs::State::begin(std::shared_ptr<OneRun> run,
                                        std::shared_ptr<Responder> to) {
  run->add(run_event(run->id, run->time_ms));
  runs.push_back(run);
  if (runs.size() > kKept) runs.pop_front();
  running = run;
  net::post(thread, [this, io = to->io(), run] { work(io, run); });
  co_await follow(run, 0, std::move(to));
}

net::awaitable<HttpReply> Runs::State::list() {
  std::vector<RunInfo> all;
  if (options.store)
    all = co_await on_pool(
        reader, [this] { return past_runs(*options.store, toolbox->workspace().string(), kKept); });
  // Those of this process are known better, and may not be kept at all.
  for (const std::shared_ptr<OneRun>& run : runs) {
    RunInfo info{run->id, run->request, run->status, run->after, run->time_ms};
    const auto same = std::find_if(all.begin(), all.end(),
                                   [&](const RunInfo& other) { return other.id == info.id; });
    if (same != all.end())
      *same = std::move(info);
    else
      all.push_back(std::move(info));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const RunInfo& a, const RunInfo& b) { return a.time_ms < b.time_ms; });
  json list = json::array();
  for (const RunInfo& info : all)
    list.push_back({{"id", info.id},
                    {"request", info.request},
                    {"time_ms", info.time_ms},
                    {"status", info.status},
                    {"after", info.parent}});
  co_return HttpReply{.body = base::line_of({{"runs", list}})};
}

/// A run of this process, or what a session kept of one; null where there is none.
net::awaitable<std::shared_ptr<OneRun>> Runs::State::past(std::string id) {
  if (std::shared_ptr<OneRun> here = find(id)) co_return here;
  if (!options.store || id.empty()) co_return nullptr;
  std::optional<PastRun> kept = co_await on_pool(
      reader, [this, &id] { return past_run(*options.store, toolbox->workspace().string(), id); });
  if (!kept) co_return nullptr;
  auto run = std::make_shared<OneRun>();
  run->id = std::move(kept->info.id);
  run->request = std::move(kept->info.request);
  run->status = std::move(kept->info.status);
  run->time_ms = kept->info.time_ms;
  run->events = std::move(kept->events);
  run->ended = true;
  co_return run;
}

net::awaitable<HttpReply> Runs::State::chart(std::shared_ptr<OneRun> run, std::string query) {
  if (!run->ended) co_return error_of(409, "The run goes on; its charts are there at its end.");
  // An ended run's events stay as they are.
  co_return co_await on_pool(drawer, [this, &run, &query] {
    return run_chart(*toolbox, run->events.back(), query, ending.get_token());
  });
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
  base::Result<tools::Toolbox> toolbox =
      tools::Toolbox::open({.workspace = o.workspace, .policy = o.policy, .audit = o.audit});
  if (!toolbox) return toolbox.error();
  state->toolbox.emplace(std::move(*toolbox));
  return std::unique_ptr<Runs>(new Runs(std::move(state)));
}

void Runs::join() {
  state_->joining = true;
  if (state_->running) state_->running->stop.request_stop();
  state_->ending.request_stop();
  state_->thread.join();
  state_->reader.join();
  state_->drawer.join();
}

const tools::Toolbox& Runs::toolbox() const { return *state_->toolbox; }
bool Runs::free() const { return state_->options.free; }

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
    reply = co_await state->list();
  } else {
    const size_t slash = path.find('/', 1);
    const std::string what = slash == std::string::npos ? "" : path.substr(slash);
    const std::string id = path.substr(1, slash - 1);
    if (what == "/resume" && post) {
      co_await state->resume(id, std::move(to));
      co_return;
    }
    std::shared_ptr<OneRun> run = co_await state->past(id);
    if (run && what.empty() && !post) {
      const std::string digits = value_in(http.query, "from");
      size_t from = 0;
      std::from_chars(digits.data(), digits.data() + digits.size(), from);
      co_await state->follow(std::move(run), from, std::move(to));
      co_return;
    }
    if (run && what == "/chart" && !post) {
      reply = co_await state->chart(std::move(run), http.query);
    } else if (run && what == "/stop" && post) {
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
