// The conversation with a model that is not ours: the same first message, then as many calls as it
// likes, until a reply has none; that is the answer. Nothing here relies on a reply's form. Numbers
// of the answer that no step showed are named to the model once, and to the person if they stay.

#include <algorithm>
#include <map>

#include "agent/answer_check.h"
#include "agent/beneath.h"
#include "agent/loop.h"

namespace agent {

using base::Errc;
using nlohmann::json;

namespace {

constexpr int kMostTimes = 3;          // that one call may fail in one way
constexpr int kMostCut = 2;            // replies in a row that broke off or were empty
constexpr size_t kMaxShown = 8 << 20;  // bytes of a picture that is shown
constexpr size_t kShortened = 200;     // bytes left of an old result
constexpr size_t kKeptWhole = 2;       // results that are not shortened

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& one : list) text += (text.empty() ? "" : ", ") + one;
  return text;
}

model::Message user_says(std::string text) {
  return {.role = model::Role::user, .text = std::move(text)};
}

/// How often a call gave one and the same result.
class Repeats {
 public:
  int count(const model::FunctionCall& call, const std::string& result) {
    Last& last = seen_[call.name + " " +
                       call.arguments.dump(-1, ' ', false, json::error_handler_t::replace)];
    last.times = last.result == result ? last.times + 1 : 1;
    last.result = result;
    return last.times;
  }
  void forget() { seen_.clear(); }

 private:
  struct Last {
    std::string result;
    int times = 0;
  };
  std::map<std::string, Last> seen_;
};

/// Makes room: of all results but the newest only the beginning stays. False: there was none.
bool shorten(std::vector<model::Message>& conversation) {
  size_t newer = 0;
  bool shortened = false;
  for (auto it = conversation.rbegin(); it != conversation.rend(); ++it) {
    if (it->role != model::Role::tool || ++newer <= kKeptWhole) continue;
    if (it->text.size() > kShortened + 40) {
      it->text.resize(kShortened);
      it->text += "\n(the rest was left out to save space)";
      shortened = true;
    }
    shortened = shortened || !it->media.empty();
    it->media.clear();
  }
  return shortened;
}

/// The picture that read_file told about, for a model that sees. The tool has looked at the path;
/// no link is followed here either.
void show_picture(const Run& run, const model::FunctionCall& call, CallMade& made) {
  if (call.name != "read_file" || made.observation.error || !run.model.sees()) return;
  if (!call.arguments.contains("path") || !call.arguments["path"].is_string()) return;
  base::Result<std::string> bytes =
      read_beneath(run.toolbox.workspace(), call.arguments["path"].get<std::string>(), kMaxShown);
  if (!bytes || !(bytes->starts_with("\x89PNG") || bytes->starts_with("\xff\xd8\xff"))) return;
  made.message.media.push_back(
      {model::MediaKind::image, made.message.text.size(), std::move(*bytes)});
}

/// The loop and what it remembers.
class FreeLoop {
 public:
  explicit FreeLoop(const Run& run) : run_(run) {
    seen_.add(run.request);
    seen_.add(run.notes);
    for (const tools::FileProfile& profile : run.profiles) {
      seen_.add(profile.path);
      seen_.add(profile.text);
      // As the planner's answers may: names of columns that the text leaves out too.
      for (const json& column : profile.columns)
        if (column.is_object()) seen_.add(column.value("name", ""));
    }
    conversation_ = {{.role = model::Role::system, .text = run.prompt.system},
                     user_says(user_text(run, true))};
  }

  base::Result<RunResult> go() {
    for (int turn = 0; turn < run_.options.max_turns; ++turn) {
      if (late()) return out_of_budget(run_, std::move(result_), "seconds");
      base::Result<ModelReply> reply = run_.model.reply(
          conversation_, run_.prompt.tools, ReplyRequest{.deadline = run_.deadline}, {}, run_.stop);
      if (!reply) {
        if (reply.error().code != Errc::limit) return reply.error();
        if (late()) return out_of_budget(run_, std::move(result_), "seconds");
        if (!shorten(conversation_)) return reply.error();
        run_.event({{"type", "observation"},
                    {"tool", "context"},
                    {"text", "the conversation was too long; older results were shortened"}});
        continue;
      }
      result_.prompt_tokens += reply->prompt_tokens;
      result_.completion_tokens += reply->completion_tokens;
      const base::Result<bool> over = take(std::move(*reply));
      if (!over) return over.error();
      if (*over) return std::move(result_);
    }
    return out_of_budget(run_, std::move(result_), "turns");
  }

 private:
  bool late() const { return std::chrono::steady_clock::now() >= run_.deadline; }

  bool end(Status status, std::string answer) {
    result_.status = status;
    result_.answer = std::move(answer);
    return true;
  }

  /// True: the run is over.
  base::Result<bool> take(ModelReply reply) {
    const bool empty = reply.message.text.empty() && reply.message.calls.empty();
    if (reply.cut || empty) return broken(reply);
    n_broken_ = 0;
    conversation_.push_back(reply.message);
    if (reply.message.calls.empty()) return answer(reply.message.text);
    if (!reply.message.text.empty()) run_.event({{"type", "plan"}, {"text", reply.message.text}});
    for (const model::FunctionCall& call : reply.message.calls) {
      const base::Result<bool> over = carry_out(call, reply.unreadable);
      if (!over || *over) return over;
    }
    return false;
  }

  /// A reply that was cut off, of which nothing is run, or that says nothing.
  bool broken(const ModelReply& reply) {
    if (++n_broken_ >= kMostCut)
      return end(Status::error,
                 reply.cut ? "The model's reply was cut off before it was complete; ask for less "
                             "at once, or give the server more room."
                           : "The model replied with nothing.");
    if (!reply.message.text.empty())
      conversation_.push_back({.role = model::Role::model, .text = reply.message.text});
    conversation_.push_back(user_says(
        reply.cut ? "Your reply was cut off because it was too long, and nothing in it was run. Do "
                    "it in smaller steps, with less text."
                  : "Your reply was empty. Call a tool, or give the answer."));
    return false;
  }

  bool answer(const std::string& text) {
    const std::vector<std::string> missing = seen_.missing(text);
    if (!missing.empty() && !corrected_) {
      corrected_ = true;
      const std::string names = joined(missing);
      run_.event({{"type", "observation"},
                  {"tool", "number check"},
                  {"text", "not found in any step: " + names}});
      conversation_.push_back(user_says(
          "Check your answer: these numbers of it stand in no result, file or request: " + names +
          ". Compute them with a tool, or leave them out. Then give the whole answer "
          "again."));
      return false;
    }
    std::string said = text;
    if (!missing.empty()) said += "\nnot found in any step: " + joined(missing);
    run_.event({{"type", "text"}, {"text", said}});
    return end(Status::ok, std::move(said));
  }

  base::Result<bool> carry_out(const model::FunctionCall& call,
                               const std::vector<UnreadableCall>& unreadable) {
    run_.event({{"type", "call"}, {"tool", call.name}, {"arguments", call.arguments}});
    CallMade made;
    const auto unread = std::find_if(unreadable.begin(), unreadable.end(),
                                     [&](const auto& one) { return one.id == call.id; });
    if (unread != unreadable.end()) {
      made.observation = {
          .text = "error: " + unread->why + "; nothing was run. Write the call again",
          .error = true};
      made.message = {.role = model::Role::tool,
                      .text = made.observation.text,
                      .name = call.name,
                      .call_id = call.id};
      run_.event({{"type", "observation"}, {"tool", call.name}, {"text", made.observation.text}});
    } else {
      base::Result<CallMade> done = make_call(run_, call, result_);
      if (!done) return done.error();
      made = std::move(*done);
    }
    const tools::Observation& observation = made.observation;
    if (observation.declined || observation.refused)
      // Whoever was asked has decided; another call would only ask again.
      return end(Status::refused, observation.text);
    seen_.add(observation.text);
    show_picture(run_, call, made);
    if (!observation.files.empty()) repeats_.forget();  // the same call may do something else now
    const int times = repeats_.count(call, observation.text);
    if (observation.error && times >= kMostTimes)
      return end(Status::error, "The model made the same failing call " + std::to_string(times) +
                                    " times (" + call.name + "): " + observation.text);
    if (times > 1)
      made.message.text += observation.error
                               ? "\nThis call failed in the same way before. Change it."
                               : "\nThis call gave the same result before. Use it.";
    conversation_.push_back(std::move(made.message));
    return false;
  }

  const Run& run_;
  RunResult result_;
  SeenNumbers seen_;
  Repeats repeats_;
  std::vector<model::Message> conversation_;
  bool corrected_ = false;
  int n_broken_ = 0;
};

}  // namespace

base::Result<RunResult> free_loop(const Run& run) { return FreeLoop(run).go(); }

}  // namespace agent
