#pragma once

#include <future>
#include <map>
#include <memory>

#include "agent/chat_model.h"
#include "model/attachment.h"
#include "model/grammar/grammar.h"
#include "model/model.h"

namespace agent {

struct NativeOptions {
  std::filesystem::path checkpoint;
  std::filesystem::path adapter = {};
  std::filesystem::path mmproj = {};              ///< embedders of a GGUF checkpoint that sees
  int image_budget = model::kDefaultImageBudget;  ///< tokens of a chart
  int context = 8192;
  int max_reply_tokens = 400;
};

/// Our own engine under a grammar.
class NativeModel final : public ChatModel {
 public:
  /// Maps the checkpoint and starts building the grammar's vocabulary on a thread of its own.
  /// Errors: as model::Engine::load.
  static base::Result<std::unique_ptr<NativeModel>> load(const NativeOptions& options);

  bool sees() const override { return engine_.sees(); }

  base::Result<ModelReply> reply(std::span<const model::Message> conversation,
                                 std::span<const model::ToolDeclaration> tools,
                                 const ReplyRequest& request,
                                 const std::function<void(std::string_view)>& on_text,
                                 std::stop_token stop) override;

 private:
  NativeModel(model::Engine engine, const NativeOptions& options);
  /// The prompt with the conversation's pictures in it; each is embedded once.
  base::Result<model::Prompt> prompt_of(std::span<const model::Message> conversation,
                                        std::span<const model::ToolDeclaration> tools);
  const NativeOptions options_;
  model::Engine engine_;
  model::Session session_;
  std::map<std::string, model::Attachment> seen_;  // by the bytes of the picture
  std::shared_future<base::Result<model::GrammarVocabulary>> vocabulary_;
};

}  // namespace agent
