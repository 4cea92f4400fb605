#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <variant>

#include "agent/chat_model.h"
#include "agent/native_model.h"
#include "cli/command.h"
#include "cli/model_store.h"

namespace cli {

/// Which model answers a request.
struct ModelOptions {
  std::string model = kDefaultModel, adapter, mmproj;
  std::string endpoint, endpoint_model, endpoint_key_file;
  int context = 0;  ///< tokens of an endpoint's model; 0: what the server says

  /// A model behind a server is held by no grammar of ours.
  bool free() const { return !endpoint.empty(); }
};

/// --model, --endpoint and what belongs to them.
void add_model_options(CLI::App& app, ModelOptions& options);

/// Models for any number of runs at once: one engine for all of them, or a connection each.
class Models {
 public:
  /// What the program's exit code says of a model that cannot be had.
  struct None {
    base::Error error;
    int code;
  };
  struct One {
    std::unique_ptr<agent::ChatModel> model;
    std::string name;
  };
  using Taken = std::variant<One, None>;

  using Notice = std::function<void(const std::string&)>;
  /// quiet: nothing on stderr but what a person has to know. notice: hears that instead, if given.
  Models(ModelOptions options, bool quiet, Notice notice = {})
      : options_(std::move(options)), quiet_(quiet), notice_(std::move(notice)) {}

  const ModelOptions& options() const { return options_; }
  /// Another model. Any thread may call.
  Taken take();

 private:
  Taken native();
  Taken endpoint() const;
  const ModelOptions options_;
  const bool quiet_;
  const Notice notice_;
  std::mutex mutex_;
  std::shared_ptr<agent::NativeEngine> engine_;
};

/// A model for the runs of one thread, taken when the first of them needs it.
class ModelSeat {
 public:
  explicit ModelSeat(Models& models) : models_(models) {}
  const ModelOptions& options() const { return models_.options(); }
  const Models::Taken& get() {
    if (!taken_) taken_ = models_.take();
    return *taken_;
  }
  /// One that could not be had is tried again.
  void forget_failed() {
    if (taken_ && std::holds_alternative<Models::None>(*taken_)) taken_.reset();
  }

 private:
  Models& models_;
  std::optional<Models::Taken> taken_;
};

}  // namespace cli
