// The conversation with a model that is not ours: the same first message, then as many calls as it
// likes, until a reply has none; that is the answer. Nothing here relies on a reply's form. Numbers
// of the answer that no step showed are named to the model once, and to the person if they stay.
// Three tools are the loop's own: update_plan, task (a conversation of its own for a part of the
// work) and decline, which ends it.

#include <algorithm>
#include <future>
#include <optional>
#include <utility>

#include "agent/answer_check.h"
#include "agent/answer_schema.h"
#include "agent/budget.h"
#include "agent/context_window.h"
#include "agent/extensions.h"
#include "agent/loop.h"
#include "agent/loop_guard.h"
#include "agent/work_plan.h"

namespace agent {

using base::Errc;
using nlohmann::json;

namespace {

constexpr int kMostCut = 2;        // replies in a row that broke off or were empty
constexpr int kMostFull = 6;       // times in a row that the context was full
constexpr size_t kMostAtOnce = 4;  // calls that run side by side
constexpr int kMostRepairs = 4;    // times that charts are asked for again

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& one : list) text += (text.empty() ? "" : ", ") + one;
  return text;
}

model::Message user_says(std::string text) {
  return {.role = model::Role::user, .text = std::move(text)};
}

/// Whether a call reads, and neither a person nor a hook has to be asked, so that it may run beside
/// others.
bool only_reads(const Run& run, const model::FunctionCall& call) {
  if (run.options.extensions != nullptr && run.options.extensions->hooks.around_calls())
    return false;
  for (const char* name : {"read_file", "list_files", "find_files", "profile"})
    if (call.name == name)
      return policies::decide_tool(run.toolbox.guard().policy(), name).verdict ==
             policies::Verdict::allow;
  return false;
}

/// What a call that worked did to the workspace. A chart is a result that lies in a file.
Change change_of(const model::FunctionCall& call, const tools::Observation& observation) {
  if (observation.error || observation.run.empty() || observation.same_content) return Change::none;
  if (call.name == "write_file" || call.name == "edit_file" || call.name == "file_plan")
    return Change::written;
  return observation.files.empty() && !observation.charts.empty() ? Change::none : Change::program;
}

/// What a call gave, for the guard: of charts what was drawn, wherever it lies.
std::string result_of(const tools::Observation& observation) {
  std::string text = observation.text;
  for (const tools::ChartMade& chart : observation.charts) {
    for (size_t at = 0; (at = text.find(chart.path, at)) != text.npos;)
      text.erase(at, chart.path.size());
    text += std::to_string(std::hash<json>()(chart.spec));
  }
  return text;
}

/// The loop and what it remembers. `depth`: 1 for a sub-task.
class FreeLoop {
 public:
  FreeLoop(const Run& run, Budget& budget, int depth) : run_(run), budget_(budget), depth_(depth) {
    seen_.add(0, run.request);
    seen_.add(0, run.notes);
    for (const tools::FileProfile& profile : run.profiles) {
      seen_.add(0, profile.path);
      seen_.add(0, profile.text);
      // As the planner's answers may: names of columns that the text leaves out too.
      for (const json& column : profile.columns)
        if (column.is_object()) seen_.add(0, column.value("name", ""));
    }
    conversation_ = {{.role = model::Role::system, .text = run.prompt.system}};
    if (run.recorder != nullptr && depth == 0)
      for (const model::Message& message : run.recorder->past()) {
        // What the model said itself is no proof of a number.
        if (message.role != model::Role::model) seen_.add(0, message.text);
        conversation_.push_back(message);
      }
    conversation_.push_back(user_says(user_text(run, true) + schema_text()));
    n_first_ = conversation_.size();
    tools_ = run.prompt.tools;
    // A sub-task has none of its own.
    if (depth > 0)
      std::erase_if(tools_, [](const model::ToolDeclaration& tool) { return tool.name == "task"; });
  }

  base::Result<RunResult> go() {
    while (true) {
      if (const char* what = budget_.used_up())
        return out_of_budget(run_, std::move(result_), what);
      if (own_turns_ > 0 && n_turns_ >= own_turns_)
        return out_of_budget(run_, std::move(result_), "turns");
      window_.set(run_.model.context());
      make_it_fit();
      const size_t n_messages = conversation_.size();
      base::Result<ModelReply> reply = ask_model(
          run_, conversation_, answering_ ? std::span<const model::ToolDeclaration>() : tools_,
          ReplyRequest{.schema = answering_ ? run_.options.schema : "", .deadline = run_.deadline},
          {}, left_out_);
      if (!reply) {
        if (reply.error().code != Errc::limit)
          return ended_by(run_, std::move(result_), reply.error());
        if (const char* what = budget_.used_up())
          return out_of_budget(run_, std::move(result_), what);
        // The estimate was too low, or the window is smaller than it is said to be.
        window_.set(run_.model.context());
        const int fits = window_.estimate(conversation_, tools_) * 7 / 10;
        const int room = window_.room() > 0 ? std::min(window_.room(), fits) : fits;
        if (++n_full_ > kMostFull || !make_room(room)) return reply.error();
        continue;
      }
      n_full_ = 0;
      spend(*reply, n_messages);
      const base::Result<bool> over = take(std::move(*reply));
      if (!over) return ended_by(run_, std::move(result_), over.error());
      if (*over) return std::move(result_);
    }
  }

  /// At most so many turns of the budget.
  void limit_turns(int turns) { own_turns_ = std::max(1, turns); }
  const SeenNumbers& seen() const { return seen_; }
  bool declined() const { return declined_; }

 private:
  std::string schema_text() const {
    if (run_.options.schema.empty() || depth_ > 0) return {};
    return "\n\nGive the final answer as JSON alone, without other text, that fits this JSON "
           "Schema:\n" +
           run_.options.schema;
  }

  bool end(Status status, std::string answer) {
    result_.status = status;
    result_.answer = std::move(answer);
    return true;
  }

  /// Counts a reply; of a server that does not say how much it was, an estimate.
  void spend(const ModelReply& reply, size_t n_messages) {
    const int prompt =
        reply.prompt_tokens > 0 ? reply.prompt_tokens : window_.estimate(conversation_, tools_);
    const int completion = reply.completion_tokens > 0
                               ? reply.completion_tokens
                               : static_cast<int>(reply.message.text.size() / 3) + 1;
    if (reply.prompt_tokens > 0) window_.counted(n_messages, reply.prompt_tokens);
    result_.prompt_tokens += prompt;
    result_.completion_tokens += completion;
    result_.context_tokens = prompt + completion;
    result_.context_length = run_.model.context();
    budget_.turn();
    ++n_turns_;
    budget_.reply(prompt, completion);
    result_.cost = budget_.cost();
    tell_context(run_, result_);
  }

  bool fits() const { return window_.estimate(conversation_, tools_) <= window_.room(); }

  /// Before a reply is asked for. Counting costs as much as preparing a reply, so only what may not
  /// fit is counted.
  void make_it_fit() {
    const auto count = [&] {
      if (const int n = run_.model.prompt_tokens(conversation_, tools_); n > 0)
        window_.counted(conversation_.size(), n);
    };
    if (window_.room() == 0 || window_.most(conversation_, tools_) <= window_.room()) return;
    count();
    int room = window_.room();
    for (int n = 0; !fits() && n < kMostFull; ++n, room = room * 3 / 4) {
      make_room(room);
      count();
    }
  }

  bool make_room(int room) {
    const std::ptrdiff_t before = std::ssize(conversation_);
    bool changed = false;
    if (run_.recorder != nullptr && depth_ == 0) {
      // As it was, for whoever goes on with it.
      run_.recorder->conversation(conversation_, left_out_);
      size_t request = n_first_ - 1;
      changed =
          leave_out_past(conversation_, request, run_.recorder->past(), tools_, room, window_);
      n_first_ = request + 1;
    }
    if (!changed || window_.estimate(conversation_, tools_) > room) {
      const Notes notes{.plan = result_.plan, .files = result_.artifacts, .calls = result_.calls};
      changed = compact(conversation_, n_first_, tools_, notes, room, window_) || changed;
    }
    if (!changed) return false;
    left_out_ += before - std::ssize(conversation_);
    guard_.forget();
    run_.event({{"type", "observation"},
                {"tool", "context"},
                {"text", "the conversation was too long; older turns were replaced by notes"}});
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
    n_calls_ = reply.message.calls.size();
    guard_.next_reply();
    const std::vector<model::FunctionCall>& calls = reply.message.calls;
    const auto readable = [&](const model::FunctionCall& call) {
      return std::none_of(reply.unreadable.begin(), reply.unreadable.end(),
                          [&](const UnreadableCall& one) { return one.id == call.id; });
    };
    for (size_t i = 0; i < calls.size();) {
      size_t n = 0;
      while (i + n < calls.size() && n < kMostAtOnce && readable(calls[i + n]) &&
             only_reads(run_, calls[i + n]))
        ++n;
      const base::Result<bool> over =
          n > 1 ? side_by_side({calls.data() + i, n}) : carry_out(calls[i], reply.unreadable);
      if (!over || *over) return over;
      i += std::max<size_t>(n, 1);
      if (const char* what = budget_.used_up();
          what != nullptr && std::string_view(what) != "turns") {
        result_ = out_of_budget(run_, std::move(result_), what);
        return true;
      }
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
    std::string said = text;
    const bool structured = !run_.options.schema.empty() && depth_ == 0;
    if (structured) {
      const base::Result<std::string> json = json_answer(text, run_.options.schema);
      if (!json) {
        if (answering_)
          return end(Status::error, "The model's answer: " + json.error().message + ": " + text);
        answering_ = true;
        run_.event(
            {{"type", "observation"}, {"tool", "schema check"}, {"text", json.error().message}});
        conversation_.push_back(user_says("Your answer cannot be used: " + json.error().message +
                                          ". Give it again, as JSON alone that fits the schema."));
        return false;
      }
      said = *json;
    }
    const AnswerTrace trace = seen_.trace(said);
    if (!trace.missing.empty() && !corrected_ && !answering_) {
      corrected_ = true;
      const std::string names = joined(trace.missing);
      run_.event({{"type", "observation"},
                  {"tool", "number check"},
                  {"text", "not found in any step: " + names}});
      conversation_.push_back(user_says(
          "Check your answer: these numbers of it stand in no result, file or request: " + names +
          ". Compute them with a tool, or leave them out. Then give the whole answer "
          "again."));
      return false;
    }
    result_.not_found = trace.missing;
    if (!trace.missing.empty() && !structured)
      said += "\nnot found in any step: " + joined(trace.missing);
    run_.event(numbers_event(trace));
    run_.event({{"type", "text"}, {"text", said}});
    return end(Status::ok, std::move(said));
  }

  base::Result<bool> carry_out(const model::FunctionCall& call,
                               const std::vector<UnreadableCall>& unreadable) {
    const int step = tell_call(run_, call, result_);
    const auto unread = std::find_if(unreadable.begin(), unreadable.end(),
                                     [&](const auto& one) { return one.id == call.id; });
    if (unread != unreadable.end())
      return own_result(call, "error: " + unread->why + "; nothing was run. Write the call again",
                        true);
    if (call.name == "update_plan") return update_plan(call);
    if (call.name == "task" && depth_ == 0) return sub_task(call, step);
    base::Result<CallMade> made = make_call(run_, call, result_);
    if (!made) return made.error();
    return observe(call, std::move(*made), step);
  }

  /// Calls that only read, all at once; what they gave is looked at in their order. None is made
  /// whose result the session has.
  base::Result<bool> side_by_side(std::span<const model::FunctionCall> calls) {
    std::vector<std::future<base::Result<tools::Observation>>> outputs(calls.size());
    const auto begin = [&](size_t first) {
      for (size_t i = first; i < calls.size(); ++i)
        outputs[i] = std::async(std::launch::async, [this, &call = calls[i]] {
          return run_.toolbox.call(call.name, call.arguments, run_.stop);
        });
    };
    for (size_t i = 0; i < calls.size(); ++i) {
      const int step = tell_call(run_, calls[i], result_);
      base::Result<CallMade> made = call_made(
          run_, calls[i],
          [&] {
            if (!outputs[i].valid()) begin(i);
            return outputs[i].get();
          },
          result_);
      if (!made) return made.error();
      const base::Result<bool> over = observe(calls[i], std::move(*made), step);
      if (!over || *over) return over;
    }
    return false;
  }

  /// What a tool gave, for the numbers, the guard and the model.
  base::Result<bool> observe(const model::FunctionCall& call, CallMade made, int step) {
    const tools::Observation& observation = made.observation;
    if (observation.declined || observation.refused) {
      // Whoever was asked has decided; another call would only ask again.
      declined_ = observation.declined;
      return end(Status::refused, observation.text);
    }
    budget_.bytes(bytes_of(run_, observation));
    made.message.text = cut_in_middle(observation.text, window_.most_result_bytes(n_calls_));
    for (model::Media& picture : made.message.media)
      picture.at = std::min(picture.at, made.message.text.size());
    if (!observation.error) {
      seen_.add(step, made.message.text);
      seen_.add_parameters(call.arguments.dump(-1, ' ', false, json::error_handler_t::replace));
    }
    ask_for_repair(observation, made.message.text);
    return judged(call, std::move(made.message), observation, change_of(call, observation));
  }

  /// Whether it goes round in circles; then the result goes to the model.
  bool judged(const model::FunctionCall& call, model::Message message,
              const tools::Observation& observation, Change change) {
    const LoopGuard::Verdict verdict =
        guard_.saw(call, result_of(observation), observation.error, change);
    if (verdict.stop) {
      run_.event({{"type", "observation"}, {"tool", "loop guard"}, {"text", verdict.say}});
      return end(Status::error, verdict.say);
    }
    if (!verdict.say.empty()) message.text += "\n" + verdict.say;
    conversation_.push_back(std::move(message));
    return false;
  }

  /// A call that the loop answers itself.
  base::Result<bool> own_result(const model::FunctionCall& call, const std::string& text,
                                bool error) {
    run_.event({{"type", "observation"},
                {"step", result_.calls.size() + 1},
                {"tool", call.name},
                {"text", text}});
    remember(result_, call, text, error);
    budget_.bytes(text.size());
    return judged(call,
                  {.role = model::Role::tool,
                   .text = cut_in_middle(text, window_.most_result_bytes(n_calls_)),
                   .name = call.name,
                   .call_id = call.id},
                  {.text = text, .error = error}, Change::none);
  }

  base::Result<bool> update_plan(const model::FunctionCall& call) {
    const base::Result<WorkPlan> plan = read_plan(call.arguments);
    if (!plan) return own_result(call, "error: " + plan.error().message, true);
    result_.plan = plan->text();
    run_.event({{"type", "plan"}, {"text", result_.plan}, {"steps", plan->steps}});
    return own_result(call, "the plan is kept", false);
  }

  /// A conversation of its own, with the same files, tools and budget; its answer is the result.
  base::Result<bool> sub_task(const model::FunctionCall& call, int step) {
    const json& request = call.arguments.contains("request") ? call.arguments["request"] : json();
    if (!request.is_string() || request.get_ref<const std::string&>().empty())
      return own_result(call, "error: task needs request, a text", true);
    const std::string text = request.get<std::string>();
    const EventSink event = [this, step](const json& e) {
      json told = e;
      told["task"] = step;
      run_.event(told);
    };
    const Run run{.request = text,
                  .model = run_.model,
                  .toolbox = run_.toolbox,
                  .prompt = run_.prompt,
                  .options = run_.options,
                  .event = event,
                  .stop = run_.stop,
                  .deadline = run_.deadline,
                  .recorder = run_.recorder,
                  .files = run_.files,
                  .profiles = run_.profiles,
                  .sub_task = true,
                  .notes = run_.notes};
    FreeLoop loop(run, budget_, depth_ + 1);
    loop.limit_turns(budget_.turns_left() / 2);
    base::Result<RunResult> done = loop.go();
    if (!done) return done.error();
    result_.tool_calls += done->tool_calls;
    result_.prompt_tokens += done->prompt_tokens;
    result_.completion_tokens += done->completion_tokens;
    result_.cost = budget_.cost();
    result_.charts.insert(result_.charts.end(), done->charts.begin(), done->charts.end());
    for (const std::string& file : done->artifacts)
      if (std::find(result_.artifacts.begin(), result_.artifacts.end(), file) ==
          result_.artifacts.end())
        result_.artifacts.push_back(file);
    if (done->cancelled) return base::Error{Errc::cancelled, "stopped"};
    // A person's no is a no to all of it.
    if (done->status == Status::refused && !loop.declined())
      return end(Status::refused, done->answer);
    // Only what was found in its steps vouches for numbers here.
    for (const TracedNumber& number : loop.seen().trace(done->answer).traced)
      seen_.add_value(step, number.value);
    return own_result(call, (done->status == Status::ok ? "" : "error: ") + done->answer,
                      done->status != Status::ok);
  }

  /// One more try for charts that cannot be read; what comes of it is taken as it is.
  void ask_for_repair(const tools::Observation& observation, std::string& text) {
    if (observation.charts.empty()) return;
    if (std::exchange(repairing_, false) || n_repairs_ >= kMostRepairs) return;
    for (const tools::ChartMade& chart : observation.charts) {
      if (chart.warnings.empty()) continue;
      repairing_ = true;
      text += "\nA check of " + chart.path + " found: " + joined(chart.warnings) +
              ". Draw it once more so that this does not happen, if it can be helped.";
    }
    n_repairs_ += repairing_ ? 1 : 0;
  }

  const Run& run_;
  Budget& budget_;
  const int depth_;
  RunResult result_;
  SeenNumbers seen_;
  LoopGuard guard_;
  ContextWindow window_;
  std::vector<model::ToolDeclaration> tools_;
  std::vector<model::Message> conversation_;
  size_t n_first_ = 0, n_calls_ = 1;
  std::ptrdiff_t left_out_ = 0;  // messages that the conversation is shorter by
  bool corrected_ = false, answering_ = false, declined_ = false, repairing_ = false;
  int n_broken_ = 0, n_full_ = 0, n_turns_ = 0, own_turns_ = 0, n_repairs_ = 0;
};

}  // namespace

base::Result<RunResult> free_loop(const Run& run) {
  if (!run.options.schema.empty())
    if (base::Status ok = check_schema(run.options.schema); !ok) return ok.error();
  Budget budget(run.options, run.deadline);
  return FreeLoop(run, budget, 0).go();
}

}  // namespace agent
