// A move waits until a later step names its source or its target, or a folder on the way to one of
// them. If that step moves the very thing on, the two become one; else the move takes place before
// it. A step that names none of these neither needs the move nor is in its way, so that the two may
// change places.

#include "tools/file/shorten.h"

#include <functional>
#include <map>
#include <unordered_map>
#include <utility>

#include "tools/file/beneath.h"

namespace tools::file {

namespace {

class Shortener {
 public:
  void add(const Step& step) {
    if (step.kind != StepKind::move) {
      for (const std::string* path : {&step.from, &step.to}) settle(*path);
      for (const std::string& path : step.sources) settle(path);
      out.push_back(step);
      return;
    }
    const bool in_the_way = named(step.to) || by_source_.contains(step.from) ||
                            folders_.contains(step.from) || inside(step.from);
    if (in_the_way) settle_all();
    if (const auto first = by_target_.find(step.from); first != by_target_.end()) {
      Step whole = step;
      const size_t number = first->second;
      whole.from = waiting_[number].from;
      forget(number);
      wait(std::move(whole));
      return;
    }
    wait(step);
  }

  void settle_all() {
    for (auto& [number, step] : waiting_) out.push_back(std::move(step));
    waiting_.clear();
    by_source_.clear();
    by_target_.clear();
    folders_.clear();
  }

  std::vector<Step> out;

 private:
  /// Whether a move that waits has to do with `path`: what lies there, on the way to it or in it.
  bool named(const std::string& path) const {
    return by_source_.contains(path) || by_target_.contains(path) || folders_.contains(path) ||
           inside(path);
  }

  bool inside(const std::string& path) const {
    bool found = false;
    each_folder(path, [&](const std::string& folder) {
      found = found || by_source_.contains(folder) || by_target_.contains(folder);
    });
    return found;
  }

  void settle(const std::string& path) {
    if (!path.empty() && named(path)) settle_all();
  }

  static void each_folder(const std::string& path, const std::function<void(std::string)>& what) {
    for (std::string at = parent_of(path); !at.empty(); at = parent_of(at)) what(at);
  }

  void wait(Step step) {
    const size_t number = next_++;
    by_source_[step.from] = number;
    by_target_[step.to] = number;
    for (const std::string* path : {&step.from, &step.to})
      each_folder(*path, [&](const std::string& folder) { ++folders_[folder]; });
    waiting_.emplace(number, std::move(step));
  }

  void forget(size_t number) {
    const Step& step = waiting_[number];
    by_source_.erase(step.from);
    by_target_.erase(step.to);
    for (const std::string* path : {&step.from, &step.to}) {
      each_folder(*path, [&](const std::string& folder) {
        if (--folders_[folder] == 0) folders_.erase(folder);
      });
    }
    waiting_.erase(number);
  }

  std::map<size_t, Step> waiting_;  ///< in their order
  std::unordered_map<std::string, size_t> by_source_, by_target_;
  std::unordered_map<std::string, size_t> folders_;  ///< on the way to either, and of how many
  size_t next_ = 0;
};

}  // namespace

std::vector<Step> shorten(const std::vector<Step>& steps) {
  Shortener shortener;
  for (const Step& step : steps) shortener.add(step);
  shortener.settle_all();
  return std::move(shortener.out);
}

}  // namespace tools::file
