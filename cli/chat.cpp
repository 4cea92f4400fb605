// tessera chat: requests one after the other, each a session that goes on with the one before.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "base/text.h"
#include "base/utf8.h"
#include "cli/changes.h"
#include "cli/data.h"
#include "cli/dictate.h"
#include "cli/line_editor.h"
#include "cli/run_view.h"
#include "cli/sessions.h"
#include "cli/stop.h"
#include "cli/terminal/chat_command.h"
#include "cli/terminal/complete.h"
#include "cli/terminal/status_line.h"
#include "cli/terminal/text.h"
#include "sandbox/audit.h"

namespace cli {
namespace {

struct ChatOptions {
  Work work;
  ViewOptions view;
  bool go_on = false;
  std::string microphone = "default";
};

constexpr int kMaxSpokenSeconds = 120;
constexpr size_t kMaxSpoken = 4000;  // bytes of a line

/// Beside the sessions; empty where there is no place for it.
std::filesystem::path history_file() {
  std::filesystem::path path = sandbox::AuditLog::default_path();
  if (path.empty()) return path;
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  return error ? std::filesystem::path() : path.replace_filename("chat_history");
}

/// One line that can stand in the editor.
std::string line_of_speech(const std::string& text) {
  std::string line = shown_line(text);
  line.resize(base::utf8_cut(line, kMaxSpoken).size());
  return std::string(base::trimmed(line, base::kSpaces));
}

class Chat {
 public:
  Chat(const ChatOptions& options, std::shared_ptr<agent::session::Store> store)
      : work_(options.work),
        view_(options.view),
        microphone_(options.microphone),
        store_(std::move(store)),
        lines_(history_file(),
               [this](std::string_view line) { return complete(line, work_.setup.workspace); }) {
    view_.workspace = work_.setup.workspace;
  }

  int go() {
    if (lines_.edits()) {
      greet();
      // Once, before somebody types.
      if (view_.charts.empty()) view_.charts = name_of(graphics_here(look_of(1)));
    }
    for (std::string line;;) {
      end_on_signals();
      const LineEditor::Got got = lines_.read(line, std::exchange(draft_, {}));
      if (got == LineEditor::Got::end) break;
      if (got == LineEditor::Got::interrupted || line.find_first_not_of(" \t\r") == line.npos)
        continue;
      if (const std::optional<CommandLine> command = command_of(line)) {
        if (command->name == "quit") break;
        obey(*command);
      } else {
        ask(line);
        if (lines_.edits()) std::fputs("\n", stderr);
        // Who ends the program with it does not want the next request.
        if (stop_signal() == SIGTERM || (stop_signal() != 0 && !lines_.edits())) break;
      }
      std::fflush(stdout);
    }
    const bool reading = std::any_of(abandoned_.begin(), abandoned_.end(),
                                     [](const auto& one) { return one.second->reading(); });
    if (reading || (seat_ && seat_->reading())) leave_now(code_);
    return code_;
  }

 private:
  std::string model_name() const {
    const ModelOptions& m = work_.setup.model;
    if (!m.served()) return m.model;
    return (m.endpoint_model.empty() ? "the first model" : m.endpoint_model) + " of " + m.endpoint;
  }

  void greet() const {
    const Look look = look_of(2);
    const auto said = [&](const std::string& text) { return styled(text, kDim, look); };
    std::fprintf(
        stderr, "%s %s\n", styled("tessera", kBold | kCyan, look).c_str(),
        said(cut(shown_line("· " + model_name() + " · " + work_.setup.workspace), look.columns - 9))
            .c_str());
    std::fprintf(stderr, "%s\n", said("/help lists commands, Ctrl-D leaves").c_str());
  }

  /// What became of a line; where nobody sits, the program's exit code says it.
  void count(int code) {
    if (code != kDone && !lines_.edits()) code_ = code;
  }

  std::pair<std::unique_ptr<Models>, std::unique_ptr<ModelSeat>> models_of(
      const ModelOptions& options) {
    // Each run has a view of its own, and notices come while one is on.
    auto models =
        std::make_unique<Models>(options, look_of(2).rich, [this](const std::string& sentence) {
          if (now_ != nullptr)
            now_->note(sentence);
          else
            std::fprintf(stderr, "note: %s\n", shown(sentence).c_str());
        });
    auto seat = std::make_unique<ModelSeat>(*models);
    return {std::move(models), std::move(seat)};
  }

  ModelSeat& seat() {
    if (!models_) std::tie(models_, seat_) = models_of(work_.setup.model);
    return *seat_;
  }

  void ask(const std::string& request) {
    RunView view(view_);
    seat();
    now_ = &view;
    Work work = work_;
    work.request = request;
    const Done done = carry_out(work, *seat_, view.around(store_));
    seat_->forget_failed();
    count(view.done(done));
    now_ = nullptr;
    if (done.status == "stopped" && !done.session.empty())
      std::fprintf(stderr, "`tessera sessions resume %s` goes on with it\n", done.session.c_str());
    if (done.session.empty() || done.status == "stopped" || done.code == kModel) return;
    base::Result<std::vector<model::Message>> past =
        past_of(*store_, done.session, work_.setup.model, -1);
    if (!past) return count(fail(past.error()));
    work_.parent = done.session;
    work_.past = std::move(*past);
  }

  void obey(const CommandLine& command) {
    const std::string& name = command.name;
    const std::string& argument = command.argument;
    const std::string& workspace = work_.setup.workspace;
    if (name == "help") {
      std::fputs(help_text().c_str(), stdout);
    } else if (name == "data") {
      if (argument.empty()) return count(fail({base::Errc::usage, "name a file: /data sales.csv"}));
      stop_on_signals();
      count(show_profile(workspace, work_.setup.policy, argument, false));
    } else if (name == "changes") {
      count(show_changes({.workspace = workspace, .run = argument, .diff = !argument.empty()}));
    } else if (name == "undo") {
      count(undo_run({.workspace = workspace, .run = argument}));
    } else if (name == "model") {
      change_model(argument);
    } else if (name == "speak") {
      speak();
    } else if (name == "sessions") {
      count(list_sessions(workspace, false));
    } else if (name == "new") {
      work_.parent.clear();
      work_.past.clear();
      std::fputs("what was said is forgotten; files stay as they are\n", stdout);
    } else {
      const std::string_view nearest = nearest_command(name);
      count(fail({base::Errc::usage,
                  "there is no /" + cut(shown_line(name), 40) + "; " +
                      (nearest.empty() ? "/help lists the commands"
                                       : "did you mean /" + std::string(nearest) + "?")}));
    }
  }

  /// Another model takes the place of the one there is once it is there itself.
  void change_model(const std::string& name) {
    if (!name.empty()) {
      ModelOptions options = work_.setup.model;
      (options.served() ? options.endpoint_model : options.model) = name;
      // Made for the other model.
      if (!options.served()) options.adapter.clear(), options.mmproj.clear();
      auto [models, seat] = models_of(options);
      stop_on_signals();
      const Models::Taken* taken = seat->get(program_stop());
      if (taken == nullptr) {
        // It goes on being read, for nobody; the chat does not wait for it.
        std::erase_if(abandoned_, [](const auto& one) { return one.second->ready(); });
        abandoned_.emplace_back(std::move(models), std::move(seat));
        return count(fail({base::Errc::cancelled, "stopped while the model was being read"}));
      }
      if (const auto* none = std::get_if<Models::None>(taken)) {
        fail(none->error);
        return count(none->code);
      }
      if (seat_ && seat_->reading()) abandoned_.emplace_back(std::move(models_), std::move(seat_));
      seat_ = std::move(seat);
      models_ = std::move(models);
      work_.setup.model = options;
    }
    std::printf("%s\n", shown_line(model_name()).c_str());
  }

  /// What is said into the microphone becomes the draft of the next line.
  void speak() {
    using base::Errc;
    if (!lines_.edits())
      return count(fail({Errc::usage,
                         "/speak listens to who sits at a terminal; use tessera "
                         "transcribe for a recording"}));
    stop_on_signals();
    StatusLine status(look_of(2));
    status.say("reading the model");
    const Models::Taken* taken = seat().get(program_stop());
    status.hide();
    if (taken == nullptr)
      return count(fail({Errc::cancelled, "stopped while the model was being read"}));
    if (const auto* none = std::get_if<Models::None>(taken)) {
      fail(none->error);
      seat_->forget_failed();
      return count(none->code);
    }
    const Models::One& one = *std::get_if<Models::One>(taken);
    if (!one.model->hears())
      return count(fail(
          {Errc::unsupported, one.name + " does not hear; take a model with an embedder of sound "
                                         "(tessera chat --model M --mmproj FILE)"}));
    std::fputs("Speak; Enter ends.\n", stderr);
    const base::Result<media::Sound> sound = record(microphone_, kMaxSpokenSeconds, true);
    if (!sound) return count(fail(sound.error()));
    status.say("writing down");
    const base::Result<std::string> text = one.model->transcript(
        wav_of(*sound), std::chrono::steady_clock::time_point::max(), program_stop());
    status.hide();
    if (!text) return count(fail(text.error()));
    draft_ = line_of_speech(*text);
    if (draft_.empty()) count(fail({Errc::usage, "no words were heard"}));
  }

  Work work_;
  ViewOptions view_;
  const std::string microphone_;
  std::shared_ptr<agent::session::Store> store_;
  LineEditor lines_;
  std::string draft_;  // of the next line
  std::vector<std::pair<std::unique_ptr<Models>, std::unique_ptr<ModelSeat>>> abandoned_;
  std::unique_ptr<Models> models_;
  std::unique_ptr<ModelSeat> seat_;
  RunView* now_ = nullptr;  // of the run that is on
  int code_ = kDone;
};

int chat(ChatOptions& o) {
  const base::Result<std::filesystem::path> workspace =
      sandbox::workspace_folder(o.work.setup.workspace);
  if (!workspace) return fail(workspace.error());
  o.work.setup.workspace = workspace->string();
  if (base::Result<policies::Policy> policy = policies::find(o.work.setup.policy); !policy) {
    fail(policy.error());
    return kUsage;
  }
  base::Result<std::shared_ptr<agent::session::Store>> store = begin_sessions(o.work, o.go_on);
  if (!store) return fail(store.error());
  return Chat(o, std::move(*store)).go();
}

}  // namespace

void add_chat(CLI::App& app, Action& action) {
  auto o = std::make_shared<ChatOptions>();
  CLI::App* c = app.add_subcommand(
      "chat", "Requests one after the other, each going on with the one before.");
  add_setup_options(*c, o->work.setup);
  c->add_flag("--continue", o->go_on, "begin with the last session of this workspace");
  c->add_flag("--yes", o->view.yes, "allow what the policy would ask about");
  c->add_option("--device", o->microphone, "ALSA's name of the microphone for /speak (default)");
  add_view_options(*c, o->view);
  c->callback([o, &action] { action = [o] { return chat(*o); }; });
}

}  // namespace cli
