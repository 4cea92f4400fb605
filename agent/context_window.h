#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "agent/notes.h"
#include "model/chat.h"

namespace agent {

/// How much of a model's context a conversation takes. Counted by what the server said of its last
/// prompt; what came since, and all if it says nothing, by a token for three bytes, which is more
/// than text takes.
class ContextWindow {
 public:
  /// tokens: of prompt and reply together; 0: not known.
  void set(int tokens) { tokens_ = tokens; }
  /// Tokens that a prompt may have: the window without room for a reply. 0: not known.
  int room() const;
  /// Bytes of one result, of which a reply's calls gave `n`; longer ones are cut. No limit:
  /// SIZE_MAX.
  size_t most_result_bytes(size_t n) const;

  /// The server says that the first n messages, with the tools, are so many tokens.
  void counted(size_t n_messages, int tokens);
  int estimate(std::span<const model::Message> conversation,
               std::span<const model::ToolDeclaration> tools) const;
  /// The most that it can be: what was not counted at a token for each byte, as digits are.
  int most(std::span<const model::Message> conversation,
           std::span<const model::ToolDeclaration> tools) const;
  /// What was counted no longer stands there; but the first n messages still do.
  void changed(size_t first);
  /// Nothing of what was counted stands there any more.
  void forget() { n_counted_ = n_first_ = 0, counted_ = first_ = 0; }

 private:
  int tokens_at(int bytes_of_token, std::span<const model::Message> conversation,
                std::span<const model::ToolDeclaration> tools) const;

  int tokens_ = 0;
  size_t n_counted_ = 0, n_first_ = 0;
  int counted_ = 0, first_ = 0;
};

/// Makes room: the conversation becomes its first messages, notes, and as many of the newest turns
/// as fit in `room` tokens. first: messages that stay. False: nothing could be left out.
bool compact(std::vector<model::Message>& conversation, size_t first,
             std::span<const model::ToolDeclaration> tools, const Notes& notes, int room,
             ContextWindow& window);

/// Makes room by what was said before message `request` of the conversation: the oldest turns
/// between the system text and it become notes. past: all of them, as they were. Sets `request` to
/// where it stands then. False: nothing could be left out.
bool leave_out_past(std::vector<model::Message>& conversation, size_t& request,
                    std::span<const model::Message> past,
                    std::span<const model::ToolDeclaration> tools, int room, ContextWindow& window);

}  // namespace agent
