#include "sandbox/workspace/schedule.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>

// Everything could go by way of the journal: first all that leaves its name, the deepest first, so
// that a folder is empty of what goes elsewhere before it goes itself; then all that gets a name,
// from the top down, so that its folder is there. Both halves are right whatever the steps are, and
// a replacement, which is both, comes in between.
//
// Most moves need one rename instead of two. A move can take place
//
//   among the puts   if what it moves is still under its old name then: no folder above it leaves,
//                    and nothing is put there before;
//   among the takes  if its new name is already free, in a folder that is there and stays.
//
// The undo of a sort into new folders is of the second kind, the sort itself of the first.

namespace sandbox {

namespace {

using Names = std::unordered_set<std::string_view>;

/// Whether a folder above `path` is in the set; asks once for many paths of one folder.
class Above {
 public:
  explicit Above(const Names& names) : names_(names) {}

  bool operator()(std::string_view path) {
    const size_t slash = path.rfind('/');
    if (slash == std::string_view::npos) return false;
    const std::string_view folder = path.substr(0, slash);
    if (folder == last_ && known_) return found_;
    last_ = folder, known_ = true;
    found_ = names_.contains(folder);
    for (size_t at = folder.rfind('/'); !found_ && at != std::string_view::npos && at > 0;
         at = folder.rfind('/', at - 1)) {
      found_ = names_.contains(folder.substr(0, at));
    }
    return found_;
  }

 private:
  const Names& names_;
  std::string_view last_;
  bool known_ = false, found_ = false;
};

/// The name that a step makes free; empty: none.
std::string_view source(const Step& step) {
  return !step.from.empty() ? step.from : !step.old_tree.empty() ? step.path : std::string_view();
}

}  // namespace

std::vector<Turn> schedule(const std::vector<Step>& steps) {
  Names taken, put, all;
  for (const Step& step : steps) {
    if (const std::string_view name = source(step); !name.empty()) taken.insert(name);
    if (!step.new_tree.empty()) put.insert(step.path);
  }
  all = taken;
  all.insert(put.begin(), put.end());
  Above above_taken(taken), above_any(all);
  std::vector<Turn> takes, replaces, puts;
  for (size_t i = 0; i < steps.size(); ++i) {
    const Step& step = steps[i];
    if (step.from.empty()) {
      (step.old_tree.empty() ? puts : step.new_tree.empty() ? takes : replaces).push_back({i});
    } else if (!put.contains(step.from) && !above_taken(step.from)) {
      puts.push_back({i});
    } else if (!taken.contains(step.path) && !above_any(step.path)) {
      takes.push_back({i});
    } else {
      takes.push_back({i, Turn::Part::take});
      puts.push_back({i, Turn::Part::put});
    }
  }
  std::sort(takes.begin(), takes.end(), [&](const Turn& a, const Turn& b) {
    return path_less(source(steps[b.step]), source(steps[a.step]));
  });
  std::sort(puts.begin(), puts.end(), [&](const Turn& a, const Turn& b) {
    return path_less(steps[a.step].path, steps[b.step].path);
  });
  takes.insert(takes.end(), replaces.begin(), replaces.end());
  takes.insert(takes.end(), puts.begin(), puts.end());
  return takes;
}

}  // namespace sandbox
