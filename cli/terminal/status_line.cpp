#include "cli/terminal/status_line.h"

#include <cstdio>

#include "cli/terminal/text.h"

namespace cli {

namespace {
constexpr std::chrono::milliseconds kFrame{120};
constexpr const char* kFrames[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
}  // namespace

std::string status_text(const std::string& what, const std::string& detail,
                        std::chrono::milliseconds after, size_t frame, int columns) {
  const auto seconds = after.count() / 1000;
  const std::string time = seconds < 1    ? ""
                           : seconds < 60 ? " · " + std::to_string(seconds) + " s"
                                          : " · " + std::to_string(seconds / 60) + " min " +
                                                std::to_string(seconds % 60) + " s";
  // What is said may be long, the time has to be seen.
  const int room = columns - 2 - width(time);
  std::string said = cut(shown_line(what), room);
  if (!detail.empty()) said += cut_front(" · " + shown_line(detail), room - width(said));
  return kFrames[frame % std::size(kFrames)] + (" " + said) + time;
}

StatusLine::StatusLine(const Look& look) : look_(look) {
  if (look_.rich) drawer_ = std::thread([this] { keep_drawing(); });
}

StatusLine::~StatusLine() {
  hide();
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
  if (drawer_.joinable()) drawer_.join();
}

void StatusLine::say(const std::string& what, const std::string& detail) {
  if (!look_.rich) return;
  const std::lock_guard lock(mutex_);
  if (!shown_ || what != what_) since_ = std::chrono::steady_clock::now();
  what_ = what;
  detail_ = detail;
  shown_ = true;
  draw();
  changed_.notify_all();
}

void StatusLine::hide() {
  const std::lock_guard lock(mutex_);
  if (!shown_) return;
  shown_ = false;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
}

void StatusLine::draw() {
  const auto after = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - since_);
  const std::string line =
      "\r" + styled(status_text(what_, detail_, after, frame_++, look_.columns - 1), kDim, look_) +
      "\x1b[K";
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

void StatusLine::keep_drawing() {
  std::unique_lock lock(mutex_);
  while (!over_) {
    if (shown_) {
      changed_.wait_for(lock, kFrame);
      if (shown_ && !over_) draw();
    } else {
      changed_.wait(lock);
    }
  }
}

}  // namespace cli
