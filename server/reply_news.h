#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "agent/agent.h"
#include "base/json.h"

namespace server {

/// What a page hears of a reply while it is made, as events: how much of its prompt is read
/// ("reading"), its words so far ("draft", of which a plan or an answer is told again when it is
/// whole) and, once it is there, how full the context is ("context"). At most a few a second.
class ReplyNews {
 public:
  /// words: false leaves out all but "context", for replies that take no time worth showing.
  ReplyNews(std::function<void(const nlohmann::json&)> tell, bool words)
      : tell_(std::move(tell)), words_(words) {}
  void operator()(const agent::ReplyProgress& progress);

 private:
  bool due();
  void tell_draft();

  std::function<void(const nlohmann::json&)> tell_;
  bool words_;
  std::string draft_;  // what was not told yet
  std::chrono::steady_clock::time_point told_ = {};
};

}  // namespace server
