#include "agent/native_model.h"

#include <algorithm>
#include <cmath>

#include "model/call_parser.h"

// Greedy decoding under a mask: a token the grammar forbids gets -infinity. Where the grammar
// leaves one continuation, its tokens go through the model in one pass and no logits are looked at.

namespace agent {

using base::Errc;
using base::Error;

base::Result<std::unique_ptr<NativeModel>> NativeModel::load(const NativeOptions& options) {
  base::Result<model::Engine> engine =
      model::Engine::load(options.checkpoint, {.adapter = options.adapter});
  if (!engine) return engine.error();
  return std::unique_ptr<NativeModel>(new NativeModel(std::move(*engine), options));
}

NativeModel::NativeModel(model::Engine engine, const NativeOptions& options)
    : options_(options), engine_(std::move(engine)), session_(engine_, options.context) {
  const model::Tokenizer& tokenizer = engine_.tokenizer();
  vocabulary_ = std::async(std::launch::async, [&tokenizer] {
                  return model::GrammarVocabulary::build(
                      {.vocab_size = tokenizer.vocab_size(),
                       .bytes_of = [&](int32_t id) { return tokenizer.bytes_of(id); },
                       .is_special = [&](int32_t id) { return tokenizer.is_special(id); },
                       .eos = tokenizer.eos(),
                       .encode = [&](std::string_view text) { return tokenizer.encode(text); }});
                }).share();
}

base::Result<ModelReply> NativeModel::reply(std::span<const model::Message> conversation,
                                            std::span<const model::ToolDeclaration> tools,
                                            const ReplyRequest& request,
                                            const std::function<void(std::string_view)>& on_text,
                                            std::stop_token stop) {
  const model::Tokenizer& tokenizer = engine_.tokenizer();
  const model::ChatTokens chat = model::tokens(
      model::render(conversation, tools, {.empty_thought = model::EmptyThought::current_turn}),
      tokenizer);
  std::vector<model::Position> positions;
  for (const model::TokenId id : chat.ids) positions.push_back({.id = id});
  if (positions.size() + 16 > static_cast<size_t>(options_.context))
    return Error{Errc::limit, "the conversation has " + std::to_string(positions.size()) +
                                  " tokens, the context holds " + std::to_string(options_.context)};
  base::Result<model::PrefillStats> read = session_.prefill(positions, stop);
  if (!read) return read.error();

  const base::Result<model::GrammarVocabulary>& vocabulary = vocabulary_.get();
  if (!vocabulary) return vocabulary.error();
  base::Result<model::Constraint> constraint =
      model::Constraint::compile(*vocabulary, request.grammar);
  if (!constraint) return Error{Errc::internal, "grammar: " + constraint.error().message};

  std::vector<std::string> names;
  for (const model::ToolDeclaration& tool : tools) names.push_back(tool.name);
  model::StreamParser parser(tokenizer, {.functions = names});
  ModelReply reply{.message = {.role = model::Role::model},
                   .prompt_tokens = static_cast<int>(positions.size())};
  auto hear = [&](model::TokenId token) {
    for (model::ReplyEvent& event : parser.push(token)) {
      if (event.kind == model::ReplyEvent::Kind::text) {
        reply.message.text += event.text;
        if (on_text) on_text(event.text);
      }
      if (event.kind == model::ReplyEvent::Kind::call)
        reply.message.calls.push_back(std::move(event.call));
    }
  };
  model::TokenMask mask(tokenizer.vocab_size());
  std::vector<float> allowed;  // logits under the mask, for sampling
  model::Sampler sampler({.temperature = request.temperature, .seed = request.seed});
  const int room = std::min(options_.max_reply_tokens,
                            options_.context - static_cast<int>(positions.size()) - 1);
  while (reply.completion_tokens < room && !parser.ended() && !constraint->is_finished()) {
    if (stop.stop_requested())
      return Error{Errc::cancelled, "stopped while the model was replying"};
    std::vector<model::TokenId> next = constraint->forced();
    if (next.empty()) {
      const base::Status masked = constraint->mask(mask);
      if (!masked) return masked.error();
      const std::span<const float> raw = session_.logits();
      model::TokenId best = -1;
      if (request.temperature > 0) allowed.assign(raw.size(), -INFINITY);
      for (int word = 0; word < static_cast<int>(mask.words().size()); ++word)
        for (uint32_t bits = mask.words()[static_cast<size_t>(word)]; bits != 0; bits &= bits - 1) {
          const int id = word * 32 + __builtin_ctz(bits);
          if (id >= tokenizer.vocab_size()) continue;
          if (request.temperature > 0)
            allowed[static_cast<size_t>(id)] = raw[static_cast<size_t>(id)];
          if (best < 0 || raw[static_cast<size_t>(id)] > raw[static_cast<size_t>(best)]) best = id;
        }
      if (best < 0) return Error{Errc::internal, "grammar: no token may follow"};
      next = {request.temperature > 0 ? sampler.sample(allowed) : best};
    }
    for (const model::TokenId token : next) {
      const base::Status accepted = constraint->accept(token);
      if (!accepted) return accepted.error();
      hear(token);
      positions.push_back({.id = token});
      ++reply.completion_tokens;
    }
    if (parser.ended() || constraint->is_finished()) break;
    if (next.size() == 1) {
      const base::Status decoded = session_.decode(next[0]);
      if (!decoded) return decoded.error();
    } else {
      base::Result<model::PrefillStats> extended = session_.prefill(positions, stop);
      if (!extended) return extended.error();
    }
  }
  reply.cut = !parser.ended() && !constraint->is_finished();
  for (model::ReplyEvent& event : parser.finish())
    if (event.kind == model::ReplyEvent::Kind::text) reply.message.text += event.text;
  return reply;
}

}  // namespace agent
