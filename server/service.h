#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "model/call_parser.h"
#include "model/generate.h"
#include "server/api/reply.h"
#include "server/api/request.h"

namespace server {

struct ModelFacts {
  std::string id = {};                    ///< what clients call it
  std::vector<std::string> aliases = {};  ///< or this
  int64_t created = 0;
  int context = 0;  ///< tokens of a conversation, true
  bool sees = false, hears = false;
  int slots = 1;
};

/// 404, unless `asked` is empty or names the model.
std::optional<ApiError> wrong_model(const ModelFacts& facts, const std::string& asked);

/// How far a request is, for comments in a silent stream.
struct Progress {
  int queued_before = 0;
  int read = 0, prompt_tokens = 0, cached = 0;
};

/// Called on a thread of the backend; must not block.
struct Sink {
  std::function<void(const Progress&)> on_progress = {};
  std::function<void(int choice, const model::ReplyEvent&)> on_event = {};
  std::function<void(int choice, const model::Generated&)> on_done = {};
  /// Once, and last; an empty list with an error.
  std::function<void(std::vector<model::Generated>, std::optional<ApiError>)> on_end = {};
};

/// Whoever answers: the native engine, or in tests a list of replies.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual ModelFacts facts() const = 0;

  /// A request that was looked at whole and may be run: what makes it unacceptable was found out
  /// before any header was sent.
  class Job {
   public:
    virtual ~Job() = default;
    /// What of the tools' schemas is not enforced, one sentence each; for the client.
    virtual std::vector<std::string> not_enforced() const { return {}; }
    virtual int prompt_tokens() const = 0;
    /// Once. The job may be destroyed afterwards. An error means that nothing was started, and that
    /// the sink is not called: the queue is full (429).
    virtual std::optional<ApiError> start(Sink sink, std::stop_token stop) = 0;
  };
  /// Renders, tokenizes, compiles the grammar. Any thread; takes milliseconds, more with pictures.
  virtual Parsed<std::unique_ptr<Job>> prepare(Request request) = 0;

  /// A recording, cut at silences into pieces of at most 30 s, each a job of one choice.
  struct Piece {
    std::unique_ptr<Job> job = {};
    double begin_s = 0, end_s = 0;
  };
  virtual Parsed<std::vector<Piece>> prepare_transcription(const TranscriptionRequest& request) = 0;

  /// Vectors of length 1. Blocks; `stop` is looked at now and then.
  virtual Parsed<std::vector<std::vector<float>>> embed(
      const std::vector<std::vector<model::TokenId>>& inputs, std::stop_token stop) = 0;
  virtual std::vector<model::TokenId> tokenize(std::string_view text, bool special,
                                               bool add_special) = 0;
  virtual std::string token_text(model::TokenId id) = 0;
  /// Gauges and counters, by name without a prefix.
  virtual std::vector<std::pair<std::string, double>> metrics() = 0;
};

}  // namespace server
