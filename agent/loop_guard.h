#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>

#include "model/chat.h"

namespace agent {

/// What a call did to the workspace.
enum class Change {
  none,
  written,  ///< by a file tool: the same call would make the same again
  program   ///< by a script or command, which may do something else each time
};

/// Tells work from going round in circles, by calls and their results. What changed the workspace
/// makes old results worth another look; paging, reading other files and trying other ways is work.
class LoopGuard {
 public:
  struct Verdict {
    bool stop = false;
    std::string say = {};  ///< if it stops: why, for the person; else for the model, or nothing
  };

  Verdict saw(const model::FunctionCall& call, const std::string& result, bool error,
              Change change);
  /// What follows is called by another reply. Calls of one reply are made without having seen each
  /// other's results, so the same one twice is no repetition.
  void next_reply() { in_reply_.clear(); }
  /// Old turns were left out of the conversation, so they may be asked for again.
  void forget();

 private:
  bool cycles() const;

  std::map<std::string, int> times_;   ///< each call with its result, since the last change
  std::set<std::string> known_;        ///< all of them
  std::deque<std::string> last_;       ///< the newest, for cycles
  std::map<std::string, int> errors_;  ///< kinds of errors since something new worked
  std::string last_write_;
  std::map<std::string, int> again_;  ///< calls in a row that gave nothing new
  int nothing_new_ = 0;               ///< how many they are
  int waited_ = 0;                    ///< calls that waited since something new
  std::map<std::string, int> in_reply_;
};

}  // namespace agent
