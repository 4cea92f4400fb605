#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>

#include "agent/chat_model.h"
#include "agent/native_model.h"
#include "cli/command.h"
#include "cli/model_store.h"
#include "server/native_backend.h"

namespace cli {

/// Which model answers a request.
struct ModelOptions {
  std::string model = kDefaultModel, adapter, mmproj;
  std::string endpoint, endpoint_model, endpoint_key_file;
  int context = 0;     ///< tokens; 0: what the server says, of our own engine 32,768 at most
  std::string loop;    ///< plan or free; empty: what suits the model
  bool think = false;  ///< a model of the free loop may think before it replies

  bool served() const { return !endpoint.empty(); }
  /// Any but the planner: it works in as many steps as it likes and has all tools. The planner is
  /// what the shipped adapter, or one of --adapter, makes of a model (docs/agent.md).
  bool free() const {
    return served() || loop == "free" ||
           (loop.empty() && model != kDefaultModel && adapter.empty());
  }
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
  /// slots: runs that go on at once.
  Models(ModelOptions options, bool quiet, Notice notice = {}, int slots = 1)
      : options_(std::move(options)), quiet_(quiet), notice_(std::move(notice)), slots_(slots) {}

  const ModelOptions& options() const { return options_; }
  /// Another model. Any thread may call.
  Taken take();

 private:
  /// The checkpoint and the adapter of a native model.
  std::variant<std::pair<std::filesystem::path, std::filesystem::path>, None> files() const;
  Taken planner();
  Taken own();
  Taken endpoint() const;
  const ModelOptions options_;
  const bool quiet_;
  const Notice notice_;
  const int slots_;
  std::mutex mutex_;
  std::shared_ptr<agent::NativeEngine> engine_;     // of the planner
  std::shared_ptr<server::NativeBackend> backend_;  // of any other model
  int n_taken_ = 0;
};

/// A model for the runs of one thread, taken when the first of them needs it.
class ModelSeat {
 public:
  explicit ModelSeat(Models& models) : models_(models) {}
  /// Waits for a checkpoint that is still being read.
  ~ModelSeat() = default;
  ModelSeat(const ModelSeat&) = delete;
  ModelSeat& operator=(const ModelSeat&) = delete;

  const ModelOptions& options() const { return models_.options(); }
  /// Null: `stop` was requested before it was there. Reading a checkpoint cannot be stopped; it
  /// goes on, and whoever asks next gets it.
  const Models::Taken* get(const std::stop_token& stop);
  bool reading() const { return reading_.valid(); }
  /// What was being read is there.
  bool ready() const {
    return reading_.valid() &&
           reading_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  /// One that could not be had is tried again.
  void forget_failed() {
    if (taken_ && std::holds_alternative<Models::None>(*taken_)) taken_.reset();
  }

 private:
  Models& models_;
  std::optional<Models::Taken> taken_;
  std::future<Models::Taken> reading_;
};

}  // namespace cli
