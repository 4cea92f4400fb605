#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "cli/terminal/style.h"

namespace cli {

/// One line on standard error that says what is under way and for how long, written over itself
/// until it is hidden. On anything but a terminal it does nothing. Any thread may call.
class StatusLine {
 public:
  explicit StatusLine(const Look& look);
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  /// Shown at once. detail: how far it is, which may change while its time goes on; the end of one
  /// that has no room is shown.
  void say(const std::string& what, const std::string& detail = {});
  /// Away, so that other things can be written.
  void hide();

 private:
  void draw();  // under mutex_
  void keep_drawing();
  const Look look_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string what_, detail_;
  std::chrono::steady_clock::time_point since_;
  size_t frame_ = 0;
  bool shown_ = false, over_ = false;
  std::thread drawer_;
};

/// The line as it stands `after` so long, in at most `columns` columns.
std::string status_text(const std::string& what, const std::string& detail,
                        std::chrono::milliseconds after, size_t frame, int columns);

}  // namespace cli
