#include "agent/native_model.h"

#include <algorithm>

#include "agent/chart_look.h"
#include "model/generate.h"
#include "model/transcribe.h"

namespace agent {

using base::Errc;
using base::Error;

namespace {

/// A conversation as tokens, with what is attached to it in its place.
base::Result<model::Prompt> spelled(std::span<const model::Message> conversation,
                                    std::span<const model::ToolDeclaration> tools,
                                    std::vector<model::Attachment> attachments,
                                    const model::Tokenizer& tokenizer) {
  return model::assemble(
      model::tokens(
          model::render(conversation, tools, {.empty_thought = model::EmptyThought::current_turn}),
          tokenizer),
      std::move(attachments), tokenizer);
}

/// A checkpoint of its own, of the same file: what is mapped is there already.
const base::Result<model::Engine>& with_adapter(std::optional<base::Result<model::Engine>>& engine,
                                                const NativeOptions& options,
                                                const std::filesystem::path& adapter) {
  if (!engine) engine = model::Engine::load(options.checkpoint, {.adapter = adapter});
  return *engine;
}

}  // namespace

base::Result<std::shared_ptr<NativeEngine>> NativeEngine::load(const NativeOptions& options) {
  base::Result<model::Engine> engine = model::Engine::load(
      options.checkpoint, {.adapter = options.adapter, .mmproj = options.mmproj});
  if (!engine) return engine.error();
  auto shared = std::shared_ptr<NativeEngine>(
      new NativeEngine{.options = options, .engine = std::move(*engine)});
  const model::Tokenizer& tokenizer = shared->engine.tokenizer();
  shared->vocabulary = std::async(std::launch::async, [&tokenizer] {
                         return model::grammar_vocabulary(tokenizer);
                       }).share();
  return shared;
}

NativeModel::NativeModel(std::shared_ptr<NativeEngine> engine)
    : shared_(std::move(engine)), session_(shared_->engine, shared_->options.context) {}

base::Result<model::Prompt> NativeModel::prompt_of(std::span<const model::Message> conversation,
                                                   std::span<const model::ToolDeclaration> tools) {
  std::vector<model::Attachment> attachments;
  for (const model::Message& message : conversation)
    for (const model::Media& media : message.media) {
      auto known = seen_.find(media.bytes);
      if (known == seen_.end()) {
        base::Result<model::Attachment> made =
            model::attach_image(shared_->engine, media.bytes, shared_->options.image_budget);
        if (!made) return made.error();
        known = seen_.emplace(media.bytes, std::move(*made)).first;
      }
      attachments.push_back(known->second);
    }
  return spelled(conversation, tools, std::move(attachments), shared_->engine.tokenizer());
}

base::Result<std::string> NativeModel::transcript(std::string_view recording,
                                                  std::chrono::steady_clock::time_point deadline,
                                                  std::stop_token stop) {
  const std::lock_guard replying(shared_->replying);
  const model::Engine* engine = &shared_->engine;
  if (!engine->hears()) {
    const NativeOptions& options = shared_->options;
    const base::Result<model::Engine>& ears = with_adapter(shared_->ears, options, options.ears);
    if (!ears) return ears.error();
    engine = &*ears;
  }
  const base::Result<model::Transcript> heard = model::transcribe(
      *engine, recording, {},
      [&](const model::HeardPiece&) { return std::chrono::steady_clock::now() < deadline; }, stop);
  if (!heard) return heard.error();
  return heard->text();
}

base::Result<std::string> NativeModel::read_chart(std::string_view picture, std::stop_token stop) {
  constexpr int kBudget = 140, kContext = 512, kMostTokens = 32;  // as the eyes were trained
  const std::lock_guard replying(shared_->replying);
  const NativeOptions& options = shared_->options;
  const base::Result<model::Engine>& eyes = with_adapter(shared_->eyes, options, options.eyes);
  if (!eyes) return eyes.error();
  const model::Engine& engine = *eyes;
  base::Result<model::Attachment> attached = model::attach_image(engine, picture, kBudget);
  if (!attached) return attached.error();
  std::vector<model::Attachment> attachments;
  attachments.push_back(std::move(*attached));
  const model::Message question = {.role = model::Role::user,
                                   .text = std::string(kLookQuestion),
                                   .media = {{.kind = model::MediaKind::image}}};
  const base::Result<model::Prompt> prompt =
      spelled({&question, 1}, {}, std::move(attachments), engine.tokenizer());
  if (!prompt) return prompt.error();
  model::Session session(engine, kContext);
  base::Result<model::Generated> said =
      model::generate(session, engine.tokenizer(), prompt->positions, {.max_tokens = kMostTokens},
                      {}, std::move(stop));
  if (!said) return said.error();
  if (said->finish == model::Finish::cancelled)
    return Error{Errc::cancelled, "stopped while the model was looking"};
  return std::move(said->message.text);
}

base::Result<ModelReply> NativeModel::reply(std::span<const model::Message> conversation,
                                            std::span<const model::ToolDeclaration> tools,
                                            const ReplyRequest& request,
                                            const std::function<void(std::string_view)>& on_text,
                                            std::stop_token stop) {
  const std::lock_guard replying(shared_->replying);
  const model::Tokenizer& tokenizer = shared_->engine.tokenizer();
  const NativeOptions& own = shared_->options;
  const base::Result<model::Prompt> prompt = prompt_of(conversation, tools);
  if (!prompt) return prompt.error();
  const std::vector<model::Position>& positions = prompt->positions;
  if (positions.size() + 16 > static_cast<size_t>(own.context))
    return Error{Errc::limit, "the conversation has " + std::to_string(positions.size()) +
                                  " tokens, the context holds " + std::to_string(own.context)};
  // Read here, while the vocabulary is still being built; generate() finds it read.
  const auto on_progress = [&](int done) {
    if (request.on_read) request.on_read(done, static_cast<int>(positions.size()));
  };
  base::Result<model::PrefillStats> read = session_.prefill(positions, stop, on_progress);
  if (!read) return read.error();
  on_progress(session_.size());
  const base::Result<model::GrammarVocabulary>& vocabulary = shared_->vocabulary.get();
  if (!vocabulary) return vocabulary.error();
  base::Result<model::Constraint> constraint =
      model::Constraint::compile(*vocabulary, request.grammar);
  if (!constraint) return Error{Errc::internal, "grammar: " + constraint.error().message};

  std::vector<std::string> names;
  for (const model::ToolDeclaration& tool : tools) names.push_back(tool.name);
  const model::GenerateOptions options{
      .max_tokens =
          std::min(own.max_reply_tokens, own.context - static_cast<int>(positions.size()) - 1),
      .sampler = {.temperature = request.temperature, .seed = request.seed},
      .constraint = &*constraint,
      .watch = request.watch,
      .functions = std::move(names)};
  base::Result<model::Generated> generated = model::generate(
      session_, tokenizer, positions, options,
      [&](const model::ReplyEvent& event) {
        if (event.kind == model::ReplyEvent::Kind::text && on_text) on_text(event.text);
      },
      stop);
  if (!generated) return generated.error();
  if (generated->finish == model::Finish::cancelled)
    return Error{Errc::cancelled, "stopped while the model was replying"};
  ModelReply reply{.message = std::move(generated->message),
                   .prompt_tokens = generated->prompt_tokens,
                   .completion_tokens = static_cast<int>(generated->tokens.size()),
                   .cut = generated->finish == model::Finish::length};
  return reply;
}

}  // namespace agent
