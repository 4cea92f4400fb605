#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/serve/scheduler.h"
#include "server/service.h"

namespace server {

struct NativeBackendOptions {
  std::filesystem::path checkpoint = {};
  std::filesystem::path adapter = {};  ///< LoRA, empty: none
  std::filesystem::path mmproj = {};   ///< embedders of a GGUF checkpoint that sees or hears
  int threads = 0;                     ///< 0: one per CPU
  std::string id = {};                 ///< what clients call the model
  std::vector<std::string> aliases = {};
  int image_budget = 0;  ///< tokens of a picture, 0: the model's usual
  model::SchedulerOptions scheduler =
      {};  ///< a context of 0 asks for the checkpoint's, at most 32,768
};

/// Our own engine behind a scheduler, with a grammar for whatever has a form: calls, JSON.
class NativeBackend final : public Backend {
 public:
  /// Maps the checkpoint; the grammar's vocabulary is built meanwhile. Errors: as Engine::load.
  static base::Result<std::unique_ptr<NativeBackend>> load(const NativeBackendOptions& options);
  /// Cancels what runs.
  ~NativeBackend() override;

  ModelFacts facts() const override;
  Parsed<std::unique_ptr<Job>> prepare(Request request) override;
  Parsed<std::vector<Piece>> prepare_transcription(const TranscriptionRequest& request) override;
  Parsed<std::vector<std::vector<float>>> embed(
      const std::vector<std::vector<model::TokenId>>& inputs, std::stop_token stop) override;
  std::vector<model::TokenId> tokenize(std::string_view text, bool special,
                                       bool add_special) override;
  std::string token_text(model::TokenId id) override;
  std::vector<std::pair<std::string, double>> metrics() override;

  struct State;

 private:
  explicit NativeBackend(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace server
