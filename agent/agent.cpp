#include "agent/agent.h"

#include <algorithm>
#include <filesystem>

#include "agent/mentions.h"
#include "agent/numbers.h"
#include "agent/script_grammar.h"
#include "base/file.h"

// The conversation: one user message with the profile of each file and the request; then the
// model's plan and call, the observation, and, unless that was an error, the answer. Which of them
// may come is decided by the grammar of each reply (script_grammar.h), so that a reply is always
// one of: a plan with a call, a call, an answer.

namespace agent {

using nlohmann::json;

namespace {

constexpr size_t kMaxFiles = 200;    // listed
constexpr size_t kMaxProfiled = 12;  // with columns
constexpr size_t kMaxPictureBytes = 32 << 20;
constexpr size_t kMaxNamed = 8;            // in a sentence
constexpr size_t kMaxProfileBytes = 6000;  // of all profiles together, about 2,500 tokens

bool claims_to_be_a_table(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  for (const char* known : {".csv", ".tsv", ".json", ".ndjson", ".jsonl"})
    if (extension == known) return true;
  return false;
}

std::string joined(const std::vector<std::string>& names, size_t most) {
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
      ColumnNames names_of_column{.name = column["name"].get<std::string>(),
                                  .type = column_type(column.value("type", "text"))};
      // The values are complete when there are as many as distinct ones.
      if (column.contains("values") && column["values"].is_array() &&
          column["values"].size() == column.value("distinct", size_t{0}))
        for (const json& value : column["values"])
          if (value.is_string()) names_of_column.values.push_back(value.get<std::string>());
      file.columns.push_back(std::move(names_of_column));
    }
    names.files.push_back(std::move(file));
  }
  return names;
}

// A model that cannot see learns nothing from the line of a picture, and the charts of earlier runs
// would change what it makes of the same request.
bool is_picture(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

std::string user_text(const std::vector<tools::FileProfile>& profiles, const std::string& request) {
  std::string text;
  const bool only_pictures = std::all_of(profiles.begin(), profiles.end(),
                                         [](const auto& p) { return is_picture(p.path); });
  for (const tools::FileProfile& profile : profiles) {
    if (is_picture(profile.path) && !only_pictures) continue;
    if (text.size() + profile.text.size() > kMaxProfileBytes && !text.empty()) {
      text += profile.path + "\n\n";
      continue;
    }
    text += profile.text;
    while (text.ends_with('\n')) text.pop_back();
    text += "\n\n";
  }
  return text + request;
}

}  // namespace

base::Result<RunResult> run(const std::string& request, ChatModel& model,
                            const tools::Toolbox& toolbox, const Prompt& prompt,
                            const RunOptions& options, const EventSink& event,
                            std::stop_token stop) {
  const auto deadline = std::chrono::steady_clock::now() + options.max_time;
  base::Result<std::vector<std::string>> files = toolbox.files(kMaxFiles);
  if (!files) return files.error();
  RunResult result;
  if (files->empty()) {
    result.status = Status::bad_input;
    result.answer = toolbox.workspace().string() +
                    " has no files to work with; put a table (CSV, TSV, JSON) there, or name "
                    "another folder with --workspace";
    return result;
  }
  std::vector<std::string> profiled(
      files->begin(), files->begin() + static_cast<int64_t>(std::min(files->size(), kMaxProfiled)));
  base::Result<std::vector<tools::FileProfile>> profiles = toolbox.profile(profiled, stop);
  if (!profiles) return profiles.error();
  for (size_t i = kMaxProfiled; i < files->size(); ++i)
    profiles->push_back({.path = (*files)[i], .text = (*files)[i]});
  for (const tools::FileProfile& profile : *profiles)
    event({{"type", "observation"}, {"tool", "profile"}, {"text", profile.text}});

  // Broken tables alone cannot be worked with; saying so beats guessing.
  const bool all_broken = std::all_of(profiles->begin(), profiles->end(), [](const auto& p) {
    return !p.error.empty() && claims_to_be_a_table(p.path);
  });
  if (all_broken && !profiles->empty()) {
    result.status = Status::bad_input;
    result.answer = profiles->front().error + "; correct the file and ask again";
    return result;
  }

  const Names names = names_of(*profiles);
  AnswerWords words;
  collect_numbers(request, words);
  for (const tools::FileProfile& profile : *profiles) {
    collect_numbers(profile.path, words);
    for (const json& column : profile.columns)
      if (column.is_object()) collect_numbers(column.value("name", ""), words);
  }
  std::vector<model::Message> conversation = {
      {.role = model::Role::system, .text = prompt.system},
      {.role = model::Role::user, .text = user_text(*profiles, request)}};
  ReplyRequest ask{.grammar = first_reply_grammar(names)};
  bool answering = false;
  for (int turn = 0; turn < options.max_turns; ++turn) {
    if (std::chrono::steady_clock::now() > deadline) {
      result.answer = "The time for this request is used up (--max-seconds).";
      result.out_of_budget = true;
      event({{"type", "budget"}, {"what", "seconds"}});
      return result;
    }
    base::Result<ModelReply> reply = model.reply(
        conversation, prompt.tools, ask,
        [&](std::string_view text) {
          if (answering) event({{"type", "text"}, {"text", text}});
        },
        stop);
    if (!reply) return reply.error();
    result.prompt_tokens += reply->prompt_tokens;
    result.completion_tokens += reply->completion_tokens;
    conversation.push_back(reply->message);
    if (answering) {
      result.answer = reply->message.text;
      result.status = reply->cut ? Status::error : Status::ok;
      return result;
    }
    if (!reply->message.text.empty()) event({{"type", "plan"}, {"text", reply->message.text}});
    if (reply->message.calls.empty()) {
      // A cut call is never run.
      result.answer = "The model's reply was cut off before it was complete; ask for less at once.";
      return result;
    }
    bool failed = false;
    for (const model::FunctionCall& call : reply->message.calls) {
      event({{"type", "call"}, {"tool", call.name}, {"arguments", call.arguments}});
      const std::optional<std::string> ignored =
          call.name == "decline" ? std::nullopt
                                 : ignored_file(request, *files, call.arguments.dump());
      if (ignored) {
        result.status = Status::bad_input;
        result.answer = *ignored +
                        " is not here and the script would not write it, so it was not run; "
                        "the files here are " +
                        joined(*files, kMaxNamed) + ".";
        return result;
      }
      base::Result<tools::Observation> output = toolbox.call(call.name, call.arguments, stop);
      if (!output) return output.error();
      ++result.tool_calls;
      event({{"type", "observation"}, {"tool", call.name}, {"text", output->text}});
      if (output->declined) {
        result.status = Status::refused;
        result.answer = output->text;
        return result;
      }
      if (output->refused) {
        // Whoever is asked has decided; another script would only ask again.
        result.status = Status::refused;
        result.answer = output->text;
        return result;
      }
      model::Message observed{
          .role = model::Role::tool, .text = output->text, .name = call.name, .call_id = call.id};
      for (tools::ChartMade& chart : output->charts) {
        if (model.sees()) {
          // A picture that cannot be read again is one the model does without; its rows are text.
          base::Result<std::string> bytes =
              base::read_file(toolbox.workspace() / chart.path, kMaxPictureBytes);
          if (bytes)
            observed.media.push_back(
                {model::MediaKind::image, output->text.size(), std::move(*bytes)});
        }
        result.artifacts.push_back(chart.path);
        for (const std::string& warning : chart.warnings)
          event({{"type", "observation"},
                 {"tool", "chart check"},
                 {"text", chart.path + ": " + warning}});
        result.charts.push_back(std::move(chart));
      }
      result.artifacts.insert(result.artifacts.end(), output->files.begin(), output->files.end());
      failed = failed || output->error;
      collect_numbers(output->text, words);
      conversation.push_back(std::move(observed));
      if (output->error) result.answer = output->text;
    }
    answering = !failed;
    ask.grammar = failed ? next_reply_grammar(names) : answer_grammar(words);
    // The likeliest repair of a small model is the same call again; another draw is worth more.
    ask.temperature = failed ? 0.7f + 0.3f * static_cast<float>(turn) : 0.0f;
    ask.seed = static_cast<uint64_t>(turn + 1);
  }
  if (result.answer.empty())
    result.answer =
        "No answer after " + std::to_string(options.max_turns) + " turns (--max-turns).";
  result.out_of_budget = true;
  event({{"type", "budget"}, {"what", "turns"}});
  return result;
}

}  // namespace agent
