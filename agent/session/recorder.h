#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/session/store.h"

namespace agent::session {

/// Writes one run to its session as it happens; and for a session that was interrupted, tells the
/// run what it did before. A run depends on nothing but what its steps gave, so one that goes
/// through the same code again with the old outcomes comes to where it was, and tells the same
/// events on the way.
///
/// A session that cannot be written any more is no reason to end a run: the person is told, and the
/// run goes on. Belongs to one thread at a time.
class Recorder {
 public:
  /// A new session; id, created_ms and n_past are set here unless `info` has an id. Errors: system.
  static base::Result<std::unique_ptr<Recorder>> begin(
      std::shared_ptr<Store> store, Info info, const std::vector<model::Message>& past,
      std::function<void(const std::string&)> notice);
  /// Goes on with an interrupted one: what came after its last whole step is dropped.
  /// Errors: refused (somebody works on it), usage (it is done), not_found, corrupt, system.
  static base::Result<std::unique_ptr<Recorder>> resume(
      std::shared_ptr<Store> store, const std::string& id,
      std::function<void(const std::string&)> notice);

  const Info& info() const { return info_; }
  /// Ids in the undo journal of what its whole steps changed.
  std::vector<std::string> runs() const;
  /// What was said before the request.
  std::span<const model::Message> past() const { return past_; }
  PictureSource pictures() const;

  /// What it is run with, once known. prompt: SHA-256 of the system text and the tools.
  void with(std::string model, std::string prompt);

  struct Outcome {
    nlohmann::json json;
    Pictures pictures = {};
    std::string run = {};  ///< id in the undo journal
  };
  /// The outcome of the next step: the old one, or that of `work`, written before this returns.
  /// Errors: corrupt (the session took another step here, or cannot be read), those of `work`.
  base::Result<nlohmann::json> step(const std::string& kind, const std::string& asked,
                                    const std::function<base::Result<Outcome>()>& work);
  /// The conversation as a model is asked to go on with it. left_out: by how many messages it is
  /// shorter than all that was said, of which all but the newest were told before.
  void conversation(std::span<const model::Message> messages, std::ptrdiff_t left_out = 0);
  /// What the model answered to that; replaced by what the conversation has there later.
  void said(const model::Message& message);
  /// A line that was told. Written with the step it belongs to.
  void event(const std::string& line);
  /// The end: its last event.
  void finish(const std::string& status, const std::string& line);

 private:
  Recorder(std::shared_ptr<Store> store, Info info, Lock lock,
           std::function<void(const std::string&)> notice)
      : store_(std::move(store)),
        info_(std::move(info)),
        lock_(std::move(lock)),
        notice_(std::move(notice)) {}
  /// Writes `fresh_`.
  void flush();

  std::shared_ptr<Store> store_;
  Info info_;
  Lock lock_;
  std::function<void(const std::string&)> notice_;
  std::vector<model::Message> past_;
  Happened all_;     // what is stored, to store it again if the file is lost
  Happened fresh_;   // what is not yet
  size_t next_ = 0;  // step
  size_t n_recalled_ = 0;
  int n_events_ = 0;
  int n_messages_ = 0;
  bool behind_ = false;  // the last write failed
};

/// The conversation of a session for another request to go on with: without the system text, and
/// each call with a result. n_steps: only so many replies and what they called; -1: all.
/// Errors: usage (it has fewer steps), corrupt, those of Store::picture().
base::Result<std::vector<model::Message>> conversation_of(const Saved& saved,
                                                          const PictureSource& pictures,
                                                          int n_steps);

}  // namespace agent::session
