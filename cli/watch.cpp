// inotify says that something happened, and a walk over the folder what: so nothing is missed when
// its queue overflows, or in a folder that has just come. A file is ready when it has kept its size
// and its time for a while. What a run made is known from the undo journal, and is no new file.

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>

#include "base/file.h"
#include "base/net.h"
#include "base/sha256.h"
#include "cli/ask.h"
#include "cli/request.h"
#include "cli/stop.h"
#include "cli/tasks.h"
#include "cli/terminal/markdown.h"
#include "cli/terminal/text.h"
#include "sandbox/workspace/journal.h"

namespace cli {
namespace {

using agent::session::Info;
using agent::session::Store;
using base::Errc;
using base::Error;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr size_t kMaxFiles = 100'000;
constexpr int kMaxDepth = 8;  // as far as a run looks
constexpr auto kTick = std::chrono::milliseconds(100);
constexpr uint32_t kEvents = IN_CREATE | IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB | IN_MOVED_TO |
                             IN_MOVED_FROM | IN_DELETE | IN_ONLYDIR;

struct WatchOptions {
  std::string task, task_file, out = "-";
  Setup setup;
  int settle_ms = 1000;
  bool existing = false, yes = false;
};

/// Tells one state of a file from another.
struct State {
  ino_t inode = 0;
  off_t size = 0;
  int64_t time_ns = 0;
  bool operator==(const State&) const = default;
};

class Folder {
 public:
  static base::Result<Folder> open(const std::string& path) {
    Folder folder;
    folder.path_ = path;
    folder.notes_ = base::UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!folder.notes_) return Error{Errc::system, std::string("inotify: ") + std::strerror(errno)};
    return folder;
  }
  int descriptor() const { return notes_.get(); }

  /// Every file that a run would see, and watches each folder. Errors: not_found, limit, system.
  base::Result<std::map<std::string, State>> files() const {
    std::map<std::string, State> found;
    if (base::Status watched = watch(path_); !watched) return watched.error();
    std::error_code error;
    std::filesystem::recursive_directory_iterator it(
        path_, std::filesystem::directory_options::skip_permission_denied, error);
    if (error) return Error{Errc::not_found, path_ + ": " + error.message()};
    for (; it != std::filesystem::recursive_directory_iterator(); it.increment(error)) {
      if (error) break;  // something went away meanwhile; another event says so
      std::error_code gone;
      const bool is_folder =
          it->symlink_status(gone).type() == std::filesystem::file_type::directory;
      if (it->path().filename().string().starts_with(".") || it.depth() > kMaxDepth) {
        if (is_folder) it.disable_recursion_pending();
        continue;
      }
      if (is_folder) {
        base::Status watched = watch(it->path());
        if (!watched && watched.error().code != Errc::not_found) return watched.error();
        continue;
      }
      struct stat st = {};
      if (::lstat(it->path().c_str(), &st) != 0 || !S_ISREG(st.st_mode)) continue;
      if (found.size() == kMaxFiles)
        return Error{Errc::usage,
                     path_ + ": more than " + std::to_string(kMaxFiles) + " files to watch"};
      found[it->path().lexically_relative(path_).string()] = {
          st.st_ino, st.st_size, int64_t{st.st_mtim.tv_sec} * 1'000'000'000 + st.st_mtim.tv_nsec};
    }
    return found;
  }

 private:
  base::Status watch(const std::filesystem::path& folder) const {
    if (::inotify_add_watch(notes_.get(), folder.c_str(), kEvents) >= 0) return base::Ok{};
    if (errno == ENOSPC)
      return Error{Errc::system, "there are more folders in " + path_ +
                                     " than may be watched; raise fs.inotify.max_user_watches"};
    return Error{errno == ENOENT || errno == ENOTDIR ? Errc::not_found : Errc::system,
                 folder.string() + ": " + std::strerror(errno)};
  }

  std::string path_;
  base::UniqueFd notes_;
};

/// Which files are new, and since when they have not changed.
class Arrivals {
 public:
  void know(const std::string& path) { known_.insert(path); }
  /// All that is at a path or below it.
  void know_below(const std::string& top, const std::map<std::string, State>& files) {
    for (const auto& [path, state] : files)
      if (path == top || path.starts_with(top + "/")) known_.insert(path);
  }
  /// A new file that has settled, or none; it is known from then on.
  std::optional<std::string> next(const std::map<std::string, State>& files,
                                  std::chrono::milliseconds settle) {
    const Clock::time_point now = Clock::now();
    // What went away may come again, and is new then.
    std::erase_if(known_, [&](const std::string& path) { return !files.contains(path); });
    std::erase_if(waiting_, [&](const auto& one) { return !files.contains(one.first); });
    std::optional<std::string> ready;
    for (const auto& [path, state] : files) {
      if (known_.contains(path)) continue;
      const auto [seen, is_new] = waiting_.try_emplace(path, Waiting{state, now});
      if (!is_new && !(seen->second.state == state)) seen->second = {state, now};
      if (!ready && now - seen->second.since >= settle) ready = path;
    }
    if (ready) {
      known_.insert(*ready);
      waiting_.erase(*ready);
    }
    return ready;
  }
  bool waiting() const { return !waiting_.empty(); }

 private:
  struct Waiting {
    State state;
    Clock::time_point since;
  };
  std::set<std::string> known_;
  std::map<std::string, Waiting> waiting_;
};

class Watch {
 public:
  Watch(const WatchOptions& o, Folder folder, ResultLines results, std::shared_ptr<Store> store,
        ModelSeat& seat)
      : o_(o),
        folder_(std::move(folder)),
        results_(std::move(results)),
        store_(std::move(store)),
        seat_(seat),
        notes_(io_, folder_.descriptor()),
        timer_(io_) {}
  ~Watch() { notes_.release(); }  // the folder closes it

  base::Status go() {
    base::Result<std::map<std::string, State>> there = folder_.files();
    if (!there) return there.error();
    for (const auto& [path, state] : *there)
      if (!o_.existing || results_.done().contains(path)) arrivals_.know(path);
    std::fprintf(stderr, "watching %s\n", shown(o_.setup.workspace).c_str());
    read_notes();
    tick();
    io_.run();
    return ended_;
  }

 private:
  void read_notes() {
    notes_.async_read_some(net::buffer(buffer_), [this](boost::system::error_code error, size_t) {
      if (error) return;
      changed_ = true;
      read_notes();
    });
  }

  /// The next look, after the time that a signal may have to wait.
  void tick() {
    timer_.expires_after(kTick);
    timer_.async_wait([this](boost::system::error_code) {
      if (program_stop().stop_requested()) return io_.stop();
      if (base::Status looked = look(); !looked) {
        ended_ = looked;
        return io_.stop();
      }
      tick();
    });
  }

  base::Status look() {
    if (!changed_ && !arrivals_.waiting() && !first_) return base::Ok{};
    first_ = changed_ = false;
    base::Result<std::map<std::string, State>> files = folder_.files();
    if (!files) return files.error();
    if (const std::string own = own_results(); !own.empty()) arrivals_.know_below(own, *files);
    const std::optional<std::string> file =
        arrivals_.next(*files, std::chrono::milliseconds(o_.settle_ms));
    if (!file) return base::Ok{};
    changed_ = true;  // there may be more
    return carry_out_for(*file);
  }

  /// The file with the results, if it lies in the folder.
  std::string own_results() const {
    if (o_.out == "-") return {};
    std::error_code error;
    return std::filesystem::weakly_canonical(o_.out, error)
        .lexically_relative(o_.setup.workspace)
        .string();
  }

  std::string request_for(const std::string& file) const {
    std::string request = o_.task;
    const size_t at = request.find("{file}");
    if (at == request.npos) return request + " (the new file is " + file + ")";
    return request.replace(at, 6, file);
  }

  base::Status carry_out_for(const std::string& file) {
    const auto began = Clock::now();
    Work work{.request = request_for(file), .setup = o_.setup};
    work.task = "watch " + base::sha256(base::line_of({o_.setup.workspace, file, work.request}));
    // Only one that was interrupted: the same name may be another file today.
    if (base::Result<std::optional<Info>> before = store_->of_task(work.task);
        before && *before && ((*before)->status == "running" || (*before)->status == "stopped") &&
        !store_->locked((*before)->id))
      work.resume = (*before)->id;
    const Done done = carry_out(
        work, seat_, {.store = store_, .ask = o_.yes ? ask_person(true) : nullptr, .tell = {}});
    if (done.status == "stopped") return base::Ok{};
    if (base::Status own = know_own(done); !own) return own;
    std::fprintf(stderr, "%s: %s\n", shown(file).c_str(), outcome_words(done.result).c_str());
    const json line = result_line(file, done.result, Clock::now() - began);
    const Look look = look_of(STDOUT_FILENO);
    if (o_.out != "-" || !look.rich) return results_.add(file, line);
    // A person looks on.
    std::printf("%s\n", markdown(line["answer"], look).c_str());
    std::fflush(stdout);
    return base::Ok{};
  }

  /// Takes what the run made for known.
  base::Status know_own(const Done& done) {
    base::Result<std::map<std::string, State>> files = folder_.files();
    if (!files) return files.error();
    for (const json& artifact : done.result["artifacts"])
      arrivals_.know_below(artifact.value("path", ""), *files);
    base::Result<agent::session::Saved> saved = store_->load(done.session);
    if (!saved) return base::Ok{};  // it never began
    for (const agent::session::Step& step : saved->happened.steps) {
      if (step.run.empty()) continue;
      base::Result<sandbox::Journal> journal = sandbox::Journal::open(o_.setup.workspace);
      if (!journal) return journal.error();
      base::Result<sandbox::Journal::Run> run = journal->run(step.run);
      if (!run) continue;  // forgotten to make room
      for (const sandbox::Change& change : run->changes)
        if (change.kind != sandbox::ChangeKind::removed) arrivals_.know_below(change.path, *files);
    }
    return base::Ok{};
  }

  const WatchOptions& o_;
  Folder folder_;
  ResultLines results_;
  const std::shared_ptr<Store> store_;
  ModelSeat& seat_;
  Arrivals arrivals_;
  net::io_context io_;
  net::posix::stream_descriptor notes_;
  net::steady_timer timer_;
  alignas(inotify_event) std::array<char, 16 << 10> buffer_{};
  bool changed_ = false, first_ = true;
  base::Status ended_ = base::Ok{};
};

int run(WatchOptions o) {
  if (!o.task_file.empty()) {
    base::Result<std::string> text = base::read_file(o.task_file, 1 << 20);
    if (!text) return fail(of_file(o.task_file, text.error()));
    base::Result<Task> task = task_of(*text, std::filesystem::absolute(o.task_file).parent_path());
    if (!task) return fail(of_file(o.task_file, task.error()));
    if (!task->workspace.empty())
      return fail({Errc::usage, o.task_file + ": the folder that is watched is the workspace"});
    o.task = task->request;
    if (!task->policy.empty()) o.setup.policy = task->policy;
  }
  if (o.task.find_first_not_of(" \t\n") == std::string::npos)
    return fail({Errc::usage, "there is no task; say with --task what is to be done"});
  if (base::Result<policies::Policy> policy = policies::find(o.setup.policy); !policy)
    return fail(policy.error());
  std::error_code error;
  const std::string named = o.setup.workspace;
  o.setup.workspace = std::filesystem::canonical(named, error).string();
  if (error || !std::filesystem::is_directory(o.setup.workspace))
    return fail({Errc::not_found, named + ": no such folder"});
  base::Result<std::shared_ptr<Store>> store = open_sessions();  // it says what a run made
  if (!store) return fail(store.error());
  base::Result<ResultLines> results = ResultLines::open(o.out);
  if (!results) return fail(results.error());
  base::Result<Folder> folder = Folder::open(o.setup.workspace);
  if (!folder) return fail(folder.error());
  Models models(o.setup.model, false);
  ModelSeat seat(models);
  if (const auto* none = std::get_if<Models::None>(seat.get({}))) {
    (void)fail(none->error);
    return none->code;
  }
  stop_on_signals();
  Watch watch(o, std::move(*folder), std::move(*results), *store, seat);
  if (base::Status ended = watch.go(); !ended) return fail(ended.error());
  return kDone;
}

}  // namespace

void add_watch(CLI::App& app, Action& action) {
  auto o = std::make_shared<WatchOptions>();
  CLI::App* c = app.add_subcommand("watch", "Carries a request out for each new file of a folder.");
  c->add_option("folder", o->setup.workspace, "the folder, which is the workspace")->required();
  CLI::Option* task = c->add_option(
      "--task", o->task, "the request; {file} in it is the new file, which else is named after it");
  c->add_option("--task-file", o->task_file, "JSON: {\"request\", \"policy\"?}")->excludes(task);
  c->add_option(
      "--out", o->out,
      "results, a line each (default: standard output, where a terminal gets the answers alone)");
  c->add_option("--settle-ms", o->settle_ms, "how long a file must not have changed (1000)")
      ->check(CLI::Range(10, 600'000));
  c->add_flag("--existing", o->existing,
              "also for the files that are there and have no line in --out");
  c->add_option("--policy", o->setup.policy, "name or file of the sandbox's policy");
  add_model_options(*c, o->setup.model);
  add_budget_options(*c, o->setup);
  c->add_flag("--yes", o->yes, "allow what the policy would ask about");
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
