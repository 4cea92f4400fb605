#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent.h"
#include "model/chat.h"

namespace agent {

/// What is kept of turns that are left out.
struct Notes {
  std::string plan;                 ///< steps and what the model wants to remember
  std::vector<std::string> files;   ///< that were made
  std::span<const MadeCall> calls;  ///< all of the run
};

/// Notes of this run and of requests before it, as messages of a conversation.
inline constexpr std::string_view kNotesBegin = "Notes on the work so far";
inline constexpr std::string_view kPastNotesBegin = "Notes on what was asked and done before";

/// calls: those of `notes` that are told; the oldest are left out if they are too many. most:
/// bytes.
std::string notes_text(std::string_view begin, const Notes& notes, std::span<const MadeCall> calls,
                       size_t most);

/// Turns of earlier requests as notes: what was asked, the calls, the answers, the plan.
struct PastNotes {
  std::string plan;
  std::vector<MadeCall> calls;  ///< of the tools "request" and "answer" what was said
};
PastNotes notes_of(std::span<const model::Message> past);

/// A text of at most `most` bytes, cut in its middle at lines where there are some.
std::string cut_in_middle(const std::string& text, size_t most);

}  // namespace agent
