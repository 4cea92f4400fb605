// The conversation: one user message with the profile of each file and the request; then the
// model's plan and call, the observation, and, unless that was an error, the answer. Which of them
// may come is decided by the grammar of each reply (script_grammar.h), so that a reply is always
// one of: a plan with a call, a call, an answer.

#include <algorithm>
#include <limits>
#include <utility>

#include "agent/answer_check.h"
#include "agent/budget.h"
#include "agent/loop.h"
#include "agent/mentions.h"
#include "agent/numbers.h"
#include "agent/percentages.h"
#include "agent/plan_agreement.h"
#include "agent/planned_watch.h"
#include "agent/script_grammar.h"
#include "agent/traps.h"

namespace agent {

using nlohmann::json;

namespace {

constexpr size_t kMaxNamed = 8;  // in a sentence
constexpr int kMostDrafts = 3;

std::string first_names(const std::vector<std::string>& names, size_t most) {
  std::string text;
  for (size_t i = 0; i < std::min(names.size(), most); ++i) text += (i == 0 ? "" : ", ") + names[i];
  if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
  return text;
}

Names names_of(const std::vector<tools::FileProfile>& profiles) {
  Names names;
  for (const tools::FileProfile& profile : profiles) {
    FileNames file{.path = profile.path, .is_table = profile.is_table};
    for (const json& column : profile.columns) {
      if (!column.is_object() || !column.contains("name") || !column["name"].is_string()) continue;
      file.columns.push_back(column_names(column));
    }
    names.files.push_back(std::move(file));
  }
  return names;
}

/// Where the script of a call leaves out what its plan or the request says, a line each.
std::vector<std::string> disagreements_of(const model::FunctionCall& call, const std::string& plan,
                                          const Run& run, const Names& names) {
  if (call.name != "run_lua" || !call.arguments.contains("code")) return {};
  const auto script = call.arguments["code"].get<std::string>();
  std::vector<std::string> lines = disagreements(plan, script, names);
  for (std::string& line : ignored_columns(run.request, script, names))
    lines.push_back(std::move(line));
  if (asks_for_percentage(run.request, plan) && !has_percentage(script))
    lines.emplace_back("the request asks for a percentage, which it does not compute");
  if (ignored_file(run.request, run.files, call.arguments.dump()))
    lines.emplace_back("the request names a file that it does not write");
  return lines;
}

int disagreements_of(const ModelReply& reply, const Run& run, const Names& names) {
  const auto& calls = reply.message.calls;
  if (calls.empty()) return 0;
  return static_cast<int>(disagreements_of(calls.front(), reply.message.text, run, names).size());
}

}  // namespace

base::Result<RunResult> planned_loop(const Run& run) {
  RunResult result;
  const Names names = names_of(run.profiles);
  const PlannedWatch watch(names, new_files(run.request, run.files));
  const AmountsOnly amounts;
  AnswerWords words;
  SeenNumbers seen;
  seen.add(0, run.request);
  collect_numbers(run.request, words);
  for (const tools::FileProfile& profile : run.profiles) {
    seen.add(0, profile.text);
    collect_numbers(profile.path, words);
    for (const json& column : profile.columns)
      if (column.is_object()) collect_numbers(column.value("name", ""), words);
  }
  std::vector<model::Message> conversation = {
      {.role = model::Role::system, .text = run.prompt.system},
      {.role = model::Role::user, .text = user_text(run, false)}};
  ReplyRequest ask{
      .grammar = first_reply_grammar(names), .watch = &watch, .deadline = run.deadline};
  Budget budget(run.options, run.deadline);
  const auto spent = [&](const ModelReply& reply) {
    result.prompt_tokens += reply.prompt_tokens;
    result.completion_tokens += reply.completion_tokens;
    budget.reply(reply.prompt_tokens, reply.completion_tokens);
    result.cost = budget.cost();
  };
  bool answering = false;
  std::string plan;
  for (int turn = 0; turn < run.options.max_turns; ++turn) {
    if (const char* what = budget.used_up()) return out_of_budget(run, std::move(result), what);
    base::Result<ModelReply> reply =
        ask_model(run, conversation, run.prompt.tools, ask, [&](std::string_view text) {
          if (answering) run.event({{"type", "text"}, {"text", text}});
        });
    if (!reply) return ended_by(run, std::move(result), reply.error());
    spent(*reply);
    // A script that does not do what its plan and the request say is seldom right: others for the
    // same plan are drawn, and the one that does most of it is run. What did not come to its end is
    // drawn anew as a whole.
    const bool endless = !answering && reply->cut && reply->message.calls.empty();
    const std::string planned = without_repeats(reply->message.text);
    const bool repeats = planned != reply->message.text;
    int off = endless     ? std::numeric_limits<int>::max()
              : turn == 0 ? disagreements_of(*reply, run, names) + (repeats ? 1 : 0)
                          : 0;
    for (int draw = 1; off > 0 && draw <= kMostDrafts && budget.used_up() == nullptr; ++draw) {
      ReplyRequest another = ask;
      if (!endless) another.grammar = same_plan_grammar(names, planned);
      another.temperature = repeats && draw == 1 ? 0.0f : 0.7f;
      another.seed = static_cast<uint64_t>(draw);
      another.is_draft = true;
      base::Result<ModelReply> draft = ask_model(run, conversation, run.prompt.tools, another, {});
      if (!draft && run.stop.stop_requested())
        return ended_by(run, std::move(result), draft.error());
      if (!draft) break;  // the first is there
      spent(*draft);
      const int less = disagreements_of(*draft, run, names);
      if (draft->message.calls.empty() || less >= off) continue;
      off = less;
      reply = std::move(draft);
    }
    result.context_tokens = reply->prompt_tokens + reply->completion_tokens;
    result.context_length = run.model.context();
    tell_context(run, result);
    conversation.push_back(reply->message);
    if (answering) {
      result.answer = reply->message.text;
      // The grammar has let through only numbers that were seen; this says where.
      run.event(numbers_event(seen.trace(result.answer)));
      result.status = reply->cut ? Status::error : Status::ok;
      return result;
    }
    if (!reply->message.text.empty()) {
      plan = reply->message.text;
      run.event({{"type", "plan"}, {"text", plan}});
    }
    if (reply->message.calls.empty()) {
      // A cut call is never run.
      result.answer = "The model's reply was cut off before it was complete; ask for less at once.";
      return result;
    }
    bool failed = false, percent = false;
    for (const model::FunctionCall& call : reply->message.calls) {
      const int step = tell_call(run, call, result);
      const std::optional<std::string> ignored =
          call.name == "decline" ? std::nullopt
                                 : ignored_file(run.request, run.files, call.arguments.dump());
      if (ignored) {
        result.status = Status::bad_input;
        result.answer = *ignored +
                        " is not here and the script would not write it, so it was not run; "
                        "the files here are " +
                        first_names(run.files, kMaxNamed) + ".";
        return result;
      }
      base::Result<CallMade> made = make_call(run, call, result);
      if (!made) return ended_by(run, std::move(result), made.error());
      const tools::Observation& observation = made->observation;
      for (const std::string& line : disagreements_of(call, plan, run, names))
        result.calls.back().notes.push_back(std::string(kScriptNote) + line);
      if (observation.declined || observation.refused) {
        // Whoever was asked has decided; another script would only ask again.
        result.status = Status::refused;
        result.answer = observation.text;
        return result;
      }
      failed = failed || observation.error;
      percent = percent || has_percentage(call.arguments.dump() + observation.text);
      collect_numbers(observation.text, words);
      seen.add(step, observation.text);
      budget.bytes(bytes_of(run, observation));
      conversation.push_back(std::move(made->message));
      if (observation.error) result.answer = observation.text;
    }
    answering = !failed;
    ask.watch = failed    ? &watch
                : percent ? nullptr
                          : static_cast<const model::ReplyWatch*>(&amounts);
    ask.grammar = failed ? next_reply_grammar(names) : answer_grammar(words);
    // The likeliest repair of a small model is the same call again; another draw is worth more.
    ask.temperature = failed ? 0.7f + 0.3f * static_cast<float>(turn) : 0.0f;
    ask.seed = static_cast<uint64_t>(turn + 1);
  }
  return out_of_budget(run, std::move(result), "turns");
}

}  // namespace agent
