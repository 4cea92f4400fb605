// A turn is what the model said and the results of its calls; it stays or goes as a whole, since
// servers refuse results without their calls. In place of those that go stands one message: the
// plan, the files, and a line for each call with what came of it. It is made anew from the run's
// calls each time, so nothing is lost by doing it often.

#include "agent/context_window.h"

#include <algorithm>
#include <cstdint>

#include "base/json.h"

namespace agent {
namespace {

using nlohmann::json;

constexpr int kBytesOfToken = 3;
constexpr int kTokensOfMessage = 8;
constexpr int kTokensOfPicture = 1200;
constexpr int kMostReply = 4096;

size_t bytes_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace).size();
}

int tokens_of(const model::Message& message, int bytes_of_token = kBytesOfToken) {
  size_t bytes = message.text.size() + message.reasoning.size();
  for (const model::FunctionCall& call : message.calls)
    bytes += call.name.size() + 40 + bytes_of(call.arguments);
  return static_cast<int>(bytes) / bytes_of_token + kTokensOfMessage +
         kTokensOfPicture * static_cast<int>(message.media.size());
}

}  // namespace

int ContextWindow::room() const {
  return tokens_ == 0 ? 0 : tokens_ - std::min(kMostReply, tokens_ / 4);
}

size_t ContextWindow::most_result_bytes(size_t n) const {
  if (tokens_ == 0) return SIZE_MAX;
  return std::max<size_t>(400, static_cast<size_t>(tokens_) / 2 / std::max<size_t>(n, 1));
}

void ContextWindow::counted(size_t n_messages, int tokens) {
  if (n_first_ == 0) {
    n_first_ = n_messages;
    first_ = tokens;
  }
  n_counted_ = n_messages;
  counted_ = tokens;
}

void ContextWindow::changed(size_t first) {
  n_counted_ = n_first_ <= first ? n_first_ : 0;
  counted_ = n_counted_ > 0 ? first_ : 0;
}

int ContextWindow::tokens_at(int bytes_of_token, std::span<const model::Message> conversation,
                             std::span<const model::ToolDeclaration> tools) const {
  const size_t known = n_counted_ <= conversation.size() ? n_counted_ : 0;
  int tokens = known > 0 ? counted_ : 0;
  if (known == 0)
    for (const model::ToolDeclaration& tool : tools)
      tokens +=
          static_cast<int>(tool.name.size() + tool.description.size() + bytes_of(tool.parameters)) /
              bytes_of_token +
          kTokensOfMessage;
  for (const model::Message& message : conversation.subspan(known))
    tokens += tokens_of(message, bytes_of_token);
  return tokens;
}

int ContextWindow::estimate(std::span<const model::Message> conversation,
                            std::span<const model::ToolDeclaration> tools) const {
  return tokens_at(kBytesOfToken, conversation, tools);
}

int ContextWindow::most(std::span<const model::Message> conversation,
                        std::span<const model::ToolDeclaration> tools) const {
  return tokens_at(1, conversation, tools);
}

bool compact(std::vector<model::Message>& conversation, size_t first,
             std::span<const model::ToolDeclaration> tools, const Notes& notes, int room,
             ContextWindow& window) {
  const std::span<model::Message> all(conversation);
  window.changed(first);
  const int fixed = window.estimate(all.first(std::min(first, all.size())), tools);
  // Notes of an earlier time are made anew.
  size_t begin = first;
  if (begin < all.size() && all[begin].role == model::Role::user &&
      all[begin].text.starts_with(kNotesBegin))
    ++begin;
  const int for_notes = std::max(200, room / 4);
  int left = std::max(0, room - fixed - for_notes);
  size_t kept = all.size();
  for (size_t i = all.size(); i-- > begin;) {
    left -= tokens_of(all[i]);
    // At least the newest turn stays.
    if (left < 0 && kept < all.size()) break;
    if (all[i].role == model::Role::model) kept = i;
  }
  if (kept == all.size()) kept = begin;
  bool changed = kept > begin;
  // One turn that is too long by itself: its results are cut.
  int turns = 0, tokens = 0;
  size_t n_results = 0, n_calls = 0;
  for (size_t i = kept; i < all.size(); ++i) {
    turns += all[i].role == model::Role::model ? 1 : 0;
    n_results += all[i].role == model::Role::tool ? 1 : 0;
    n_calls += all[i].calls.size();
    tokens += tokens_of(all[i]);
  }
  const int for_turns = std::max(300, room - fixed - for_notes);
  if (turns <= 1 && tokens > for_turns && n_results > 0) {
    const size_t each = static_cast<size_t>(for_turns) * kBytesOfToken / 2 / n_results;
    for (size_t i = kept; i < all.size(); ++i) {
      if (all[i].role != model::Role::tool) continue;
      changed = changed || all[i].text.size() > each || !all[i].media.empty();
      all[i].text = cut_in_middle(all[i].text, each);
      all[i].media.clear();
    }
  }
  if (!changed) return false;
  const size_t noted = notes.calls.size() - std::min(notes.calls.size(), n_calls);
  model::Message note{.role = model::Role::user,
                      .text = notes_text(kNotesBegin, notes, notes.calls.first(noted),
                                         static_cast<size_t>(for_notes) * kBytesOfToken)};
  std::vector<model::Message> shorter(
      std::make_move_iterator(conversation.begin()),
      std::make_move_iterator(conversation.begin() + static_cast<std::ptrdiff_t>(first)));
  shorter.push_back(std::move(note));
  shorter.insert(shorter.end(),
                 std::make_move_iterator(conversation.begin() + static_cast<std::ptrdiff_t>(kept)),
                 std::make_move_iterator(conversation.end()));
  conversation = std::move(shorter);
  return true;
}

bool leave_out_past(std::vector<model::Message>& conversation, size_t& request,
                    std::span<const model::Message> past,
                    std::span<const model::ToolDeclaration> tools, int room,
                    ContextWindow& window) {
  if (request < 2) return false;
  // Notes of an earlier time are made anew.
  const size_t begin = conversation[1].text.starts_with(kPastNotesBegin) ? 2 : 1;
  const std::span<const model::Message> all(conversation);
  const int for_notes = std::max(200, room / 10);
  int left = room - ContextWindow().estimate(all.first(1), tools) - for_notes;
  for (const model::Message& message : all.subspan(request)) left -= tokens_of(message);
  size_t kept = request;
  for (size_t i = request; i-- > begin;) {
    left -= tokens_of(all[i]);
    if (left < 0) break;
    if (all[i].role != model::Role::tool) kept = i;
  }
  const size_t n_kept = request - kept;
  if (kept == begin || n_kept > past.size()) return false;
  window.forget();
  const PastNotes notes = notes_of(past.first(past.size() - n_kept));
  const Notes told{.plan = notes_of(past).plan, .files = {}, .calls = notes.calls};
  model::Message note{.role = model::Role::user,
                      .text = notes_text(kPastNotesBegin, told, told.calls,
                                         static_cast<size_t>(for_notes) * kBytesOfToken)};
  conversation.erase(conversation.begin() + 1,
                     conversation.begin() + static_cast<std::ptrdiff_t>(kept));
  conversation.insert(conversation.begin() + 1, std::move(note));
  request = 2 + n_kept;
  return true;
}

}  // namespace agent
