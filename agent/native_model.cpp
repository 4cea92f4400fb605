#include "agent/native_model.h"

#include <algorithm>

#include "model/generate.h"

namespace agent {

using base::Errc;
using base::Error;

base::Result<std::unique_ptr<NativeModel>> NativeModel::load(const NativeOptions& options) {
  base::Result<model::Engine> engine = model::Engine::load(
      options.checkpoint, {.adapter = options.adapter, .mmproj = options.mmproj});
  if (!engine) return engine.error();
  return std::unique_ptr<NativeModel>(new NativeModel(std::move(*engine), options));
}

NativeModel::NativeModel(model::Engine engine, const NativeOptions& options)
    : options_(options), engine_(std::move(engine)), session_(engine_, options.context) {
  const model::Tokenizer& tokenizer = engine_.tokenizer();
  vocabulary_ = std::async(std::launch::async, [&tokenizer] {
                  return model::grammar_vocabulary(tokenizer);
                }).share();
}

base::Result<model::Prompt> NativeModel::prompt_of(std::span<const model::Message> conversation,
                                                   std::span<const model::ToolDeclaration> tools) {
  std::vector<model::Attachment> attachments;
  for (const model::Message& message : conversation)
    for (const model::Media& media : message.media) {
      auto known = seen_.find(media.bytes);
      if (known == seen_.end()) {
        base::Result<model::Attachment> made =
            model::attach_image(engine_, media.bytes, options_.image_budget);
        if (!made) return made.error();
        known = seen_.emplace(media.bytes, std::move(*made)).first;
      }
      attachments.push_back(known->second);
    }
  return model::assemble(
      model::tokens(
          model::render(conversation, tools, {.empty_thought = model::EmptyThought::current_turn}),
          engine_.tokenizer()),
      std::move(attachments), engine_.tokenizer());
}

base::Result<ModelReply> NativeModel::reply(std::span<const model::Message> conversation,
                                            std::span<const model::ToolDeclaration> tools,
                                            const ReplyRequest& request,
                                            const std::function<void(std::string_view)>& on_text,
                                            std::stop_token stop) {
  const model::Tokenizer& tokenizer = engine_.tokenizer();
  const base::Result<model::Prompt> prompt = prompt_of(conversation, tools);
  if (!prompt) return prompt.error();
  const std::vector<model::Position>& positions = prompt->positions;
  if (positions.size() + 16 > static_cast<size_t>(options_.context))
    return Error{Errc::limit, "the conversation has " + std::to_string(positions.size()) +
                                  " tokens, the context holds " + std::to_string(options_.context)};
  // Read here, while the vocabulary is still being built; generate() finds it read.
  base::Result<model::PrefillStats> read = session_.prefill(positions, stop);
  if (!read) return read.error();
  const base::Result<model::GrammarVocabulary>& vocabulary = vocabulary_.get();
  if (!vocabulary) return vocabulary.error();
  base::Result<model::Constraint> constraint =
      model::Constraint::compile(*vocabulary, request.grammar);
  if (!constraint) return Error{Errc::internal, "grammar: " + constraint.error().message};

  std::vector<std::string> names;
  for (const model::ToolDeclaration& tool : tools) names.push_back(tool.name);
  const model::GenerateOptions options{
      .max_tokens = std::min(options_.max_reply_tokens,
                             options_.context - static_cast<int>(positions.size()) - 1),
      .sampler = {.temperature = request.temperature, .seed = request.seed},
      .constraint = &*constraint,
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
