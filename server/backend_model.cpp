// The backend calls its sink on threads of its own; what it says is put into a box, and the thread
// that waits for the reply takes it out. The box is shared: a backend that is told to stop may
// still speak when nobody waits any more.
#include "server/backend_model.h"

#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/text.h"

namespace server {

namespace {

using base::Errc;
using base::Error;

struct Box {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::string text;      // of the answer, not yet told
  int read = 0, of = 0;  // of the prompt, not yet told if `of` is not 0
  bool ended = false;
  std::vector<model::Generated> all;
  std::optional<ApiError> error;
};

Sink sink_to(const std::shared_ptr<Box>& box) {
  return {.on_progress =
              [box](const Progress& progress) {
                if (progress.queued_before > 0) return;
                {
                  const std::lock_guard lock(box->mutex);
                  box->read = progress.read;
                  box->of = progress.prompt_tokens;
                }
                box->changed.notify_one();
              },
          .on_event =
              [box](int, const model::ReplyEvent& event) {
                if (event.kind != model::ReplyEvent::Kind::text) return;
                {
                  const std::lock_guard lock(box->mutex);
                  box->text += event.text;
                }
                box->changed.notify_one();
              },
          .on_done = {},
          .on_end =
              [box](std::vector<model::Generated> all, std::optional<ApiError> error) {
                {
                  const std::lock_guard lock(box->mutex);
                  box->all = std::move(all);
                  box->error = std::move(error);
                  box->ended = true;
                }
                box->changed.notify_one();
              }};
}

Error as_error(const ApiError& error) {
  const bool long_one = error.code == "context_length_exceeded" || error.status == 429;
  return {long_one ? Errc::limit : Errc::internal, error.message};
}

/// Starts a job of one choice and waits for its end, on this thread.
base::Result<model::Generated> carry_out(Backend::Job& job,
                                         std::chrono::steady_clock::time_point deadline,
                                         const std::stop_token& stop,
                                         const std::function<void(std::string_view)>& on_text,
                                         const std::function<void(int, int)>& on_read) {
  const auto box = std::make_shared<Box>();
  std::stop_source end;
  const std::stop_callback linked(stop, [&end] { end.request_stop(); });
  if (const std::optional<ApiError> full = job.start(sink_to(box), end.get_token()))
    return as_error(*full);
  std::unique_lock lock(box->mutex);
  for (;;) {
    // The backend ends a job that is stopped, so this waits for it either way.
    const bool in_time = box->changed.wait_until(
        lock, deadline, [&] { return box->ended || box->of > 0 || !box->text.empty(); });
    if (!in_time) {
      end.request_stop();
      return Error{Errc::limit, "the time for this request is used up"};
    }
    const std::string text = std::exchange(box->text, {});
    const int read = box->read, of = std::exchange(box->of, 0);
    if (box->ended && text.empty()) break;
    lock.unlock();
    if (on_read && of > 0) on_read(read, of);
    if (on_text && !text.empty()) on_text(text);
    lock.lock();
  }
  if (stop.stop_requested()) return Error{Errc::cancelled, "stopped while the model was replying"};
  if (box->error) return as_error(*box->error);
  if (box->all.empty()) return Error{Errc::internal, "the model gave no reply"};
  return std::move(box->all.front());
}

}  // namespace

Request BackendModel::request_of(std::span<const model::Message> conversation,
                                 std::span<const model::ToolDeclaration> tools) const {
  Request asked;
  asked.messages.assign(conversation.begin(), conversation.end());
  asked.tools.assign(tools.begin(), tools.end());
  asked.thinking_given = asked.seed_given = true;
  asked.generate.thinking = thinking_;
  asked.generate.max_tokens = reply_tokens_;
  asked.conversation = conversation_;
  asked.stream = true;
  return asked;
}

int BackendModel::prompt_tokens(std::span<const model::Message> conversation,
                                std::span<const model::ToolDeclaration> tools) {
  const Parsed<std::unique_ptr<Backend::Job>> prepared =
      backend_.prepare(request_of(conversation, tools));
  const auto* job = std::get_if<std::unique_ptr<Backend::Job>>(&prepared);
  return job != nullptr ? (*job)->prompt_tokens() : 0;
}

agent::ModelReply BackendModel::taken(model::Generated generated) {
  agent::ModelReply reply{.message = std::move(generated.message),
                          .prompt_tokens = generated.prompt_tokens,
                          .completion_tokens = static_cast<int>(generated.tokens.size()),
                          .cut = generated.finish == model::Finish::length};
  for (model::FunctionCall& call : reply.message.calls)
    call.id = "call_" + std::to_string(++n_calls_);
  for (const std::string& why : generated.errors) {
    const std::string id = "call_" + std::to_string(++n_calls_);
    reply.message.calls.push_back({.name = "unreadable", .id = id});
    reply.unreadable.push_back({id, why});
  }
  return reply;
}

base::Result<agent::ModelReply> BackendModel::reply(
    std::span<const model::Message> conversation, std::span<const model::ToolDeclaration> tools,
    const agent::ReplyRequest& request, const std::function<void(std::string_view)>& on_text,
    std::stop_token stop) {
  Request asked = request_of(conversation, tools);
  asked.generate.sampler.temperature = request.temperature;
  asked.generate.sampler.seed = request.seed;
  if (!request.schema.empty())
    asked.format = {.kind = AnswerFormat::Kind::json_schema, .schema = request.schema};
  Parsed<std::unique_ptr<Backend::Job>> prepared = backend_.prepare(asked);
  if (std::holds_alternative<ApiError>(prepared) && !request.schema.empty()) {
    // A schema that no grammar can hold a reply to: the run checks the answer.
    asked.format = {};
    prepared = backend_.prepare(std::move(asked));
  }
  if (const auto* error = std::get_if<ApiError>(&prepared)) return as_error(*error);
  base::Result<model::Generated> made =
      carry_out(*std::get<std::unique_ptr<Backend::Job>>(prepared), request.deadline, stop, on_text,
                request.on_read);
  if (!made) return made.error();
  return taken(std::move(*made));
}

base::Result<std::string> BackendModel::transcript(std::string_view recording,
                                                   std::chrono::steady_clock::time_point deadline,
                                                   std::stop_token stop) {
  Parsed<std::vector<Backend::Piece>> pieces =
      backend_.prepare_transcription({.sound = std::string(recording)});
  if (const auto* error = std::get_if<ApiError>(&pieces)) return as_error(*error);
  std::string text;
  for (const Backend::Piece& piece : std::get<std::vector<Backend::Piece>>(pieces)) {
    const base::Result<model::Generated> made = carry_out(*piece.job, deadline, stop, {}, {});
    // What was heard in time is kept; a full queue or context is no transcript.
    const bool late = std::chrono::steady_clock::now() >= deadline;
    if (!made && made.error().code == Errc::limit && late && !text.empty()) break;
    if (!made) return made.error();
    const std::string_view said = base::trimmed(made->message.text);
    if (!said.empty()) text += (text.empty() ? "" : " ") + std::string(said);
  }
  return text;
}

}  // namespace server
