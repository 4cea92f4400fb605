#include "agent/loop_guard.h"

#include "agent/call_key.h"

namespace agent {
namespace {

constexpr int kMostSame = 3;         // one call with one result
constexpr int kMostErrors = 4;       // calls in a row that fail in one way, whatever they are
constexpr int kMostNothingNew = 12;  // calls in a row that were all made before, with these results
constexpr int kMostWaits = 10;       // times that it waited for something that did not come
constexpr size_t kLongestCycle = 3;
constexpr size_t kRounds = 3;

}  // namespace

bool LoopGuard::cycles() const {
  for (size_t period = 1; period <= kLongestCycle; ++period) {
    const size_t n = period * kRounds;
    if (last_.size() < n) continue;
    bool same = true;
    for (size_t i = last_.size() - n + period; i < last_.size(); ++i)
      same = same && last_[i] == last_[i - period];
    if (same) return true;
  }
  return false;
}

void LoopGuard::forget() {
  times_.clear();
  known_.clear();
  last_.clear();
  again_.clear();
  nothing_new_ = 0;
}

LoopGuard::Verdict LoopGuard::saw(const model::FunctionCall& call, const std::string& result,
                                  bool error, Change change) {
  const std::string made = call_key(call, result, error);
  if (change == Change::written && made == last_write_) change = Change::none;
  if (change == Change::written) last_write_ = made;
  if (change == Change::program) last_write_.clear();
  if (change != Change::none) times_.clear();
  if (change == Change::program) last_.clear();
  const int in_reply = ++in_reply_[made];
  if (in_reply > kMostNothingNew)
    return {true, "The model made the same call " + std::to_string(in_reply) +
                      " times in one reply (" + call.name + ")."};
  if (in_reply > 1) return {};
  const bool novel = known_.insert(made).second;
  if (novel) waited_ = 0;
  const bool waited = !error && waits(call) && ++waited_ <= kMostWaits;
  // What was seen before it waited is worth another look.
  if (waited) times_.clear();
  if (waited) last_.clear();
  if (novel || waited) again_.clear();
  const int times = ++times_[made];
  const int again = novel ? 0 : ++again_[made];
  nothing_new_ = novel || waited ? 0 : nothing_new_ + 1;
  if (change != Change::program) last_.push_back(made);
  while (last_.size() > kLongestCycle * kRounds) last_.pop_front();

  int alike = 0;
  if (error)
    alike = ++errors_[call.name + " " + kind_of_error(result)];
  else if (novel)
    errors_.clear();

  const std::string name = " (" + call.name + ")";
  if (error && times >= kMostSame)
    return {true, "The model made the same failing call " + std::to_string(times) + " times" +
                      name + ": " + result};
  if (alike >= kMostErrors)
    return {true, "The model tried " + std::to_string(alike) + " ways that failed alike" + name +
                      ": " + result};
  // A result that is looked at again between new ones is no loop.
  if ((times >= kMostSame && again >= kMostSame - 1) || cycles())
    return {true,
            "The model went round in circles: it made the same call again and again with the same "
            "result" +
                name + "."};
  if (nothing_new_ >= kMostNothingNew)
    return {true, "The model went round in circles: its last " + std::to_string(nothing_new_) +
                      " calls repeated earlier ones and gave nothing new."};
  if (error && times > 1) return {false, "This call failed in the same way before. Change it."};
  if (alike > 1)
    return {false,
            "It failed for the same reason before. Try a different approach: look at the data "
            "first, use another "
            "tool or a simpler call."};
  if (times > 1) return {false, "This call gave the same result before. Use it."};
  return {};
}

}  // namespace agent
