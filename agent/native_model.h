#pragma once

#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "agent/chat_model.h"
#include "model/attachment.h"
#include "model/grammar/grammar.h"
#include "model/model.h"

namespace agent {

struct NativeOptions {
  std::filesystem::path checkpoint;
  std::filesystem::path adapter = {};
  std::filesystem::path mmproj = {};  ///< embedders of a GGUF checkpoint that sees
  /// An adapter with embedders that reads charts (agent/chart_look.h); empty: nobody looks at them.
  std::filesystem::path eyes = {};
  /// An adapter with an embedder of sound that writes down spoken requests; empty: as the
  /// checkpoint hears, if it does.
  std::filesystem::path ears = {};
  int image_budget = model::kDefaultImageBudget;  ///< tokens of a chart
  int context = 8192;
  int max_reply_tokens = 400;
};

/// A loaded checkpoint with the vocabulary of its grammars; any number of conversations share it.
struct NativeEngine {
  NativeOptions options;
  model::Engine engine;
  std::mutex replying = {};  ///< its workers serve one conversation at a time
  /// The same checkpoint with another adapter, read when first needed; by `replying`.
  std::optional<base::Result<model::Engine>> eyes = {}, ears = {};
  std::shared_future<base::Result<model::GrammarVocabulary>> vocabulary = {};

  /// Maps the checkpoint and starts building the vocabulary on a thread of its own.
  /// Errors: as model::Engine::load.
  static base::Result<std::shared_ptr<NativeEngine>> load(const NativeOptions& options);
};

/// Our own engine under a grammar.
class NativeModel final : public ChatModel {
 public:
  /// One conversation, for one thread. The engine is shared by all that are made of it.
  explicit NativeModel(std::shared_ptr<NativeEngine> engine);

  bool sees() const override { return shared_->engine.sees(); }
  bool hears() const override { return shared_->engine.hears() || !shared_->options.ears.empty(); }
  base::Result<std::string> transcript(std::string_view recording,
                                       std::chrono::steady_clock::time_point deadline,
                                       std::stop_token stop) override;

  bool reads_charts() const override { return !shared_->options.eyes.empty(); }
  base::Result<std::string> read_chart(std::string_view picture, std::stop_token stop) override;

  base::Result<ModelReply> reply(std::span<const model::Message> conversation,
                                 std::span<const model::ToolDeclaration> tools,
                                 const ReplyRequest& request,
                                 const std::function<void(std::string_view)>& on_text,
                                 std::stop_token stop) override;

 private:
  /// The prompt with the conversation's pictures in it; each is embedded once.
  base::Result<model::Prompt> prompt_of(std::span<const model::Message> conversation,
                                        std::span<const model::ToolDeclaration> tools);
  std::shared_ptr<NativeEngine> shared_;
  model::Session session_;
  std::map<std::string, model::Attachment> seen_;  // by the bytes of the picture
};

}  // namespace agent
