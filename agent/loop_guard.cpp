#include "agent/loop_guard.h"

#include <cctype>

#include "base/json.h"

namespace agent {
namespace {

using nlohmann::json;

constexpr int kMostSame = 3;         // one call with one result
constexpr int kMostErrors = 4;       // calls in a row that fail in one way, whatever they are
constexpr int kMostNothingNew = 12;  // calls in a row that were all made before, with these results
constexpr size_t kLongestCycle = 3;
constexpr size_t kRounds = 3;
constexpr size_t kMaxKind = 300;

/// An error without the lines it names: two scripts that fail alike fail in different lines.
std::string kind_of(const std::string& error) {
  std::string kind;
  for (size_t i = 0; i < error.size() && kind.size() < kMaxKind; ++i) {
    const bool place = kind.ends_with(":") || kind.ends_with("line ");
    if (place && std::isdigit(static_cast<unsigned char>(error[i])) != 0) {
      while (i + 1 < error.size() && std::isdigit(static_cast<unsigned char>(error[i + 1])) != 0)
        ++i;
      kind += '#';
      continue;
    }
    kind += error[i];
  }
  return kind;
}

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
  const std::string made = call.name + " " +
                           call.arguments.dump(-1, ' ', false, json::error_handler_t::replace) +
                           '\n' + result;
  if (change == Change::written && made == last_write_) change = Change::none;
  if (change == Change::written) last_write_ = made;
  if (change != Change::none) times_.clear();
  if (change == Change::program) last_.clear();
  const int times = ++times_[made];
  const bool novel = known_.insert(made).second;
  if (novel) again_.clear();
  const int again = novel ? 0 : ++again_[made];
  nothing_new_ = novel ? 0 : nothing_new_ + 1;
  if (change != Change::program) last_.push_back(made);
  while (last_.size() > kLongestCycle * kRounds) last_.pop_front();

  int alike = 0;
  if (error)
    alike = ++errors_[call.name + " " + kind_of(result)];
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
