#include "sandbox/workspace/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

// A step moves whole trees by rename. With P the name in the workspace, N the new tree's place and
// O the place for the old one, it goes through these states, each told by who is where:
//
//   replace   P old, N new  ─exchange─►  P new, N old  ─rename─►  P new, O old
//             without RENAME_EXCHANGE:   P none, N new, O old     in the middle
//   put       P none, N new ─rename─►    P new
//   remove    P old         ─rename─►    O old
//
// so a try that was ended anywhere is continued by looking, and nothing but the plan itself has to
// be written down. Who is who is told by inode numbers: both trees exist all the time, so no other
// file can have theirs. Whether the old tree is as expected is looked at after it was taken, when
// nobody finds it under its name any more.

namespace sandbox {

namespace {

using base::Error;
using base::Ok;
using base::Result;
using base::Status;

using Found = std::optional<Stamp>;

bool is(const Found& found, const std::vector<Stamped>& tree) {
  return found && !tree.empty() && found->ino == tree[0].second.ino &&
         (found->mode & S_IFMT) == (tree[0].second.mode & S_IFMT);
}

struct Worker {
  explicit Worker(const Plan& p) : plan(p), workspace(p.workspace), journal(p.journal) {}

  const Plan& plan;
  // Nobody else is in the journal; the way into the workspace is looked up for each step.
  mutable tree::Folders workspace, journal;

  void tell(std::string_view what) const {
    if (plan.hook != nullptr && *plan.hook) (*plan.hook)(what);
  }

  std::string from(const Step& s) const { return join(plan.from, s.path); }
  std::string aside(const Step& s) const { return join(plan.aside, s.path); }

  /// The places of one step, and who is there.
  struct Places {
    Found p, n, o;
  };

  Result<Places> look(const Step& s) const {
    Places places;
    workspace.close();
    Result<Found> p = tree::look(workspace, s.path);
    if (!p) return p.error();
    places.p = *p;
    if (!s.new_tree.empty()) {
      Result<Found> n = tree::look(journal, from(s));
      if (!n) return n.error();
      places.n = *n;
    }
    if (!s.old_tree.empty()) {
      Result<Found> o = tree::look(journal, aside(s));
      if (!o) return o.error();
      places.o = *o;
    }
    return places;
  }

  int exchange(const Step& s) const {
    if (!plan.exchange) return EINVAL;
    tell("exchange");
    return tree::relocate(journal, from(s), workspace, s.path, RENAME_EXCHANGE);
  }
  int put(const Step& s) const {
    tell("put");
    return tree::relocate(journal, from(s), workspace, s.path, RENAME_NOREPLACE);
  }
  int unput(const Step& s) const {
    tell("take back");
    return tree::relocate(workspace, s.path, journal, from(s), RENAME_NOREPLACE);
  }
  int take(const Step& s) const {
    tell("take");
    return tree::relocate(workspace, s.path, journal, aside(s), RENAME_NOREPLACE);
  }
  int untake(const Step& s) const {
    tell("put back");
    return tree::relocate(journal, aside(s), workspace, s.path, RENAME_NOREPLACE);
  }
  int keep(const Step& s) const {
    tell("keep");
    return tree::relocate(journal, from(s), journal, aside(s), RENAME_NOREPLACE);
  }
  int unkeep(const Step& s) const {
    tell("unkeep");
    return tree::relocate(journal, aside(s), journal, from(s), RENAME_NOREPLACE);
  }

  static Error failed(const Step& s, int error) {
    errno = error;
    return tree::system_error("move " + s.path);
  }

  using Outcome = Result<std::vector<Conflict>>;

  /// Somebody was there first, or the disk failed.
  static Outcome stopped(const Step& s, int error) {
    if (error == EEXIST) return std::vector<Conflict>{{s.path, "was made meanwhile"}};
    if (error == ENOENT || error == ENOTDIR || error == ELOOP) {
      return std::vector<Conflict>{{s.path, "was removed meanwhile"}};
    }
    return failed(s, error);
  }

  /// What was taken, against what was expected. Renaming has changed the ctime.
  Outcome differences(const Step& s, const std::string& where) const {
    Result<std::vector<Stamped>> now = tree::list(journal, where, plan.closed);
    if (!now) return now.error();
    return compare(s.path, *now, s.old_tree, false);
  }

  Outcome forward(const Step& s) const {
    Result<Places> places = look(s);
    if (!places) return places.error();
    const auto& [p, n, o] = *places;
    const std::vector<Conflict> in_order;
    if (!s.old_tree.empty()) {
      if (Status made = tree::make_parents(journal, aside(s)); !made) return made.error();
    }
    if (s.old_tree.empty()) {
      if (is(p, s.new_tree)) return in_order;
      if (!is(n, s.new_tree)) return std::vector<Conflict>{{s.path, "lost its new version"}};
      const int error = put(s);
      return error == 0 ? Outcome(in_order) : stopped(s, error);
    }
    if (s.new_tree.empty()) {
      if (is(o, s.old_tree)) return in_order;
      return taken(s, p);
    }
    if (is(p, s.new_tree) && is(o, s.old_tree)) return in_order;
    bool exchanged = is(p, s.new_tree) && is(n, s.old_tree);
    if (!exchanged && is(p, s.old_tree) && is(n, s.new_tree)) {
      const int error = exchange(s);
      exchanged = error == 0;
      if (!exchanged && error != EINVAL && error != ENOSYS && error != EOPNOTSUPP) {
        return stopped(s, error);
      }
    }
    if (exchanged) {
      Outcome different = differences(s, from(s));
      if (!different || !different->empty()) {
        if (const int error = exchange(s); error != 0) return failed(s, error);
        return different;
      }
      const int error = keep(s);
      return error == 0 ? Outcome(in_order) : failed(s, error);
    }
    if (!is(n, s.new_tree)) return std::vector<Conflict>{{s.path, "was changed meanwhile"}};
    if (!is(o, s.old_tree)) {
      Outcome different = taken(s, p);
      if (!different || !different->empty()) return different;
    }
    const int error = put(s);
    return error == 0 ? Outcome(in_order) : stopped(s, error);
  }

  /// Takes P to O if it is what was expected.
  Outcome taken(const Step& s, const Found& p) const {
    if (!is(p, s.old_tree)) {
      return std::vector<Conflict>{{s.path, p ? "was changed meanwhile" : "was removed meanwhile"}};
    }
    if (const int error = take(s); error != 0) return stopped(s, error);
    Outcome different = differences(s, aside(s));
    if (!different || !different->empty()) {
      if (const int error = untake(s); error != 0 && error != EEXIST) return failed(s, error);
    }
    return different;
  }

  /// True if the step is as before it began.
  Result<bool> backward(const Step& s) const {
    Result<Places> places = look(s);
    if (!places) return places.error();
    auto [p, n, o] = *places;
    int error = 0;
    if (s.old_tree.empty()) {
      if (is(p, s.new_tree)) error = unput(s);
    } else if (s.new_tree.empty()) {
      if (is(o, s.old_tree)) error = p ? EEXIST : untake(s);
    } else if (is(p, s.new_tree)) {
      const bool kept = is(o, s.old_tree);
      if (kept) error = unkeep(s);
      if (error == 0) error = exchange(s);
      if (kept && (error == EINVAL || error == ENOSYS || error == EOPNOTSUPP)) {
        error = keep(s);
        if (error == 0) error = unput(s);
        if (error == 0) error = untake(s);
      }
    } else if (is(o, s.old_tree)) {
      error = p ? EEXIST : untake(s);
    } else if (is(n, s.old_tree)) {
      // The new version was taken away by somebody after the exchange.
      error = p ? EEXIST : tree::relocate(journal, from(s), workspace, s.path, RENAME_NOREPLACE);
    }
    if (error == EEXIST) return false;
    if (error != 0) return failed(s, error);
    return true;
  }

  /// Puts back the modes of closed folders that were opened for a move or a look and stayed open
  /// because the process was ended.
  Status close_folders(int top, const std::string& at, const std::vector<Stamped>& tree) const {
    for (auto e = tree.rbegin(); e != tree.rend(); ++e) {
      if (!S_ISDIR(e->second.mode) || (e->second.mode & 0700) == 0700) continue;
      const std::string path = join(at, e->first);
      Result<Found> now = tree::look(top, path);
      if (!now) return now.error();
      if (!*now || (*now)->ino != e->second.ino) continue;
      if (((*now)->mode & 07777) != ((e->second.mode & 07777) | 0700)) continue;
      if (Status s = tree::set_folder(top, path, e->second.mode & 07777, {}); !s) return s;
    }
    return Ok{};
  }

  Status close_all() const {
    for (const Step& s : plan.steps) {
      for (const auto* tree : {&s.old_tree, &s.new_tree}) {
        if (tree->empty()) continue;
        for (const auto& [top, at] : {std::pair{plan.workspace, s.path},
                                      {plan.journal, from(s)},
                                      {plan.journal, aside(s)}}) {
          if (Status closed = close_folders(top, at, *tree); !closed) return closed;
        }
      }
    }
    return Ok{};
  }

  Status set_folders(bool to) const {
    // The deepest first: its parent may be closed next.
    for (auto f = plan.folders.rbegin(); f != plan.folders.rend(); ++f) {
      tell("folder");
      std::optional<uint32_t> mode;
      std::optional<int64_t> mtime;
      if (f->set_mode) mode = to ? f->to_mode : f->from_mode;
      if (f->set_mtime || !to) mtime = to ? f->to_mtime_ns : f->from_mtime_ns;
      if (Status s = tree::set_folder(plan.workspace, f->path, mode, mtime); !s) return s;
    }
    return Ok{};
  }
};

}  // namespace

Result<std::vector<Conflict>> apply(const Plan& plan) {
  const Worker worker(plan);
  for (const Step& step : plan.steps) {
    Result<std::vector<Conflict>> conflicts = worker.forward(step);
    if (!conflicts || !conflicts->empty()) return conflicts;
  }
  if (Status s = worker.close_all(); !s) return s.error();
  if (Status s = worker.set_folders(true); !s) return s.error();
  return std::vector<Conflict>();
}

Result<std::vector<std::string>> roll_back(const Plan& plan) {
  const Worker worker(plan);
  std::vector<std::string> left;
  for (auto step = plan.steps.rbegin(); step != plan.steps.rend(); ++step) {
    Result<bool> back = worker.backward(*step);
    if (!back) return back.error();
    if (!*back) left.push_back(step->path);
  }
  if (Status s = worker.close_all(); !s) return s.error();
  if (Status s = worker.set_folders(false); !s) return s.error();
  return left;
}

Status relock(const Plan& plan) {
  const Worker worker(plan);
  if (Status s = worker.close_all(); !s) return s;
  for (auto f = plan.folders.rbegin(); f != plan.folders.rend(); ++f) {
    Result<Found> now = tree::look(plan.workspace, f->path);
    if (!now) return now.error();
    if (!*now || ((*now)->mode & 07777) != (f->to_mode | 0700)) continue;
    if (Status s = tree::set_folder(plan.workspace, f->path, f->to_mode, {}); !s) return s;
  }
  return Ok{};
}

}  // namespace sandbox
