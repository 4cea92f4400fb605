#include "sandbox/workspace/apply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <algorithm>

#include "sandbox/workspace/schedule.h"

// A step moves whole trees by rename. With P the name in the workspace, N the new tree's place and
// O the place for the old one, it goes through these states, each told by who is where:
//
//   replace   P old, N new  ─exchange─►  P new, N old  ─rename─►  P new, O old
//             without RENAME_EXCHANGE:   P none, N new, O old     in the middle
//   put       P none, N new ─rename─►    P new
//   remove    P old         ─rename─►    O old
//   move      F tree        ─rename─►    P tree
//             by way of W:               W tree           in the middle (schedule.h says when)
//
// with F the name that a move begins at, and W a place in the journal. So a try that was ended
// anywhere is continued by looking, and nothing but the plan itself has to be written down. Who is
// who is told by inode numbers: both trees exist all the time, so no other file can have theirs,
// but for another hard link: moved or not, those are the same. Whether the old tree is as expected
// is looked at after it was taken, when nobody finds it under its name any more.

namespace sandbox {

namespace {

using base::Error;
using base::Ok;
using base::Result;
using base::Status;
using base::UniqueFd;

using Found = std::optional<Stamp>;

bool is(const Found& found, const std::vector<Stamped>& tree) {
  return found && !tree.empty() && found->ino == tree[0].second.ino &&
         (found->mode & S_IFMT) == (tree[0].second.mode & S_IFMT);
}

struct Applier {
  explicit Applier(const Plan& p) : plan(p), workspace(p.workspace), journal(p.journal) {}

  const Plan& plan;
  // Nobody else is in the journal; the way into the workspace is looked up for each step, because
  // steps move folders, and others may. While nothing but files is moved, many one after the other,
  // it is looked up now and then: a folder that somebody moves away in between stays that folder.
  mutable tree::Folders workspace, journal;
  mutable size_t n_files_moved = 0;

  void tell(std::string_view what) const {
    if (plan.hook != nullptr && *plan.hook) (*plan.hook)(what);
  }

  static const std::string& stored(const Step& s) { return s.store.empty() ? s.path : s.store; }
  std::string from(const Step& s) const { return join(plan.from, stored(s)); }
  std::string aside(const Step& s) const { return join(plan.aside, stored(s)); }
  /// Of a move.
  std::string way(const Step& s) const {
    return join(plan.way, std::to_string(&s - plan.steps.data()));
  }

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

  /// Looks up the way into the workspace anew.
  Result<Found> look_again(const std::string& path) const {
    workspace.close();
    return tree::look(workspace, path);
  }

  Result<Found> look_on_the_way(const Step& s) const { return tree::look(journal, way(s)); }

  Status make_way() const {
    const int folder = mkdirat(plan.journal, plan.way.c_str(), 0700);
    if (folder != 0 && errno != EEXIST) return tree::system_error("make " + plan.way);
    return Ok{};
  }

  /// Whether both names are there and are one file. `links`: `b` is a name of its own, else one
  /// that the file system takes for `a`.
  Result<bool> one_file(const std::string& a, const std::string& b, bool& links) const {
    Result<Found> one = tree::look(plan.workspace, a), other = tree::look(plan.workspace, b);
    if (!one || !other) return one ? other.error() : one.error();
    if (!*one || !*other || (*one)->ino != (*other)->ino) return false;
    Result<bool> one_name = tree::one_name(plan.workspace, a, b);
    if (!one_name) return one_name;
    links = !*one_name;
    return true;
  }

  /// Moves within the workspace. 0 or errno.
  int rename_within(const Step& s, const std::string& a, const std::string& b) const {
    const int error = tree::relocate(workspace, a, workspace, b, RENAME_NOREPLACE);
    if (error != EEXIST) return error;
    bool links = false;
    const Result<bool> same = one_file(a, b, links);
    if (!same || !*same) return error;
    if (links) return 0;
    if (!make_way()) return errno;
    tell("take out of the way");
    if (const int out = tree::relocate(workspace, a, journal, way(s), RENAME_NOREPLACE); out != 0)
      return out;
    tell("give another case");
    return tree::relocate(journal, way(s), workspace, b, RENAME_NOREPLACE);
  }

  /// A move that goes straight.
  Outcome moved(const Step& s) const {
    Result<Found> at = tree::look(workspace, s.from);
    if (!at) return at.error();
    if (is(*at, s.new_tree)) {
      tell("move");
      if (const int error = rename_within(s, s.from, s.path); error != 0) return stopped(s, error);
      return checked(s, s.path, [&] {
        tell("move back");
        return rename_within(s, s.path, s.from);
      });
    }
    Result<Found> there = tree::look(workspace, s.path);
    if (!there) return there.error();
    if (is(*there, s.new_tree)) return std::vector<Conflict>();
    // Ended while it got its name in another case.
    Result<Found> between = look_on_the_way(s);
    if (!between) return between.error();
    if (!is(*between, s.new_tree)) return lost(s, *at);
    tell("give another case");
    const int error = tree::relocate(journal, way(s), workspace, s.path, RENAME_NOREPLACE);
    return error == 0 ? Outcome(std::vector<Conflict>()) : stopped(s, error);
  }

  static Outcome lost(const Step& s, const Found& at) {
    return std::vector<Conflict>{{s.from, at ? "was changed meanwhile" : "was removed meanwhile"}};
  }

  /// What was moved and lies at `where` now, a name in the workspace, against what was expected.
  Outcome checked(const Step& s, const std::string& where,
                  const std::function<int()>& give_back) const {
    Result<std::vector<Stamped>> now = tree::list(workspace, where, plan.closed);
    return checked(s, std::move(now), give_back);
  }

  Outcome checked(const Step& s, Result<std::vector<Stamped>> now,
                  const std::function<int()>& give_back) const {
    Outcome different = now ? Outcome(compare(s.from, *now, s.new_tree, false)) : now.error();
    if (!different || !different->empty()) {
      if (const int error = give_back(); error != 0 && error != EEXIST) return failed(s, error);
    }
    return different;
  }

  /// The first half of a move by way of the journal.
  Outcome taken_out(const Step& s) const {
    Result<Found> between = look_on_the_way(s);
    if (!between) return between.error();
    if (is(*between, s.new_tree)) return std::vector<Conflict>();
    Result<Found> at = look_again(s.from);
    if (!at) return at.error();
    if (!is(*at, s.new_tree)) {
      Result<Found> there = tree::look(workspace, s.path);
      if (!there) return there.error();
      return is(*there, s.new_tree) ? Outcome(std::vector<Conflict>()) : lost(s, *at);
    }
    if (Status made = make_way(); !made) return made.error();
    tell("take out of the way");
    const int error = tree::relocate(workspace, s.from, journal, way(s), RENAME_NOREPLACE);
    if (error != 0) return stopped(s, error);
    return checked(s, tree::list(journal, way(s), plan.closed), [&] {
      tell("move back");
      return tree::relocate(journal, way(s), workspace, s.from, RENAME_NOREPLACE);
    });
  }

  /// The second half.
  Outcome put_in_place(const Step& s) const {
    Result<Found> between = look_on_the_way(s);
    if (!between) return between.error();
    if (is(*between, s.new_tree)) {
      workspace.close();
      tell("move");
      const int error = tree::relocate(journal, way(s), workspace, s.path, RENAME_NOREPLACE);
      return error == 0 ? Outcome(std::vector<Conflict>()) : stopped(s, error);
    }
    Result<Found> there = look_again(s.path);
    if (!there) return there.error();
    if (is(*there, s.new_tree)) return std::vector<Conflict>();
    return lost(s, {});
  }

  Outcome forward(const Turn& turn) const {
    const Step& s = plan.steps[turn.step];
    constexpr size_t kMovesByOneLook = 64;
    const bool of_a_file =
        turn.part == Turn::Part::whole && !s.from.empty() && !S_ISDIR(s.new_tree[0].second.mode);
    if (!of_a_file) n_files_moved = 0;
    if (n_files_moved % kMovesByOneLook == 0) workspace.close();
    if (of_a_file) ++n_files_moved;
    if (turn.part == Turn::Part::take) return taken_out(s);
    if (turn.part == Turn::Part::put) return put_in_place(s);
    return s.from.empty() ? forward(s) : moved(s);
  }

  /// True if it is as before this turn.
  Result<bool> backward(const Turn& turn) const {
    const Step& s = plan.steps[turn.step];
    if (s.from.empty()) return backward(s);
    Result<Found> there = look_again(s.path);
    if (!there) return there.error();
    Result<Found> between = look_on_the_way(s);
    if (!between) return between.error();
    const bool arrived = is(*there, s.new_tree), half = is(*between, s.new_tree);
    int error = 0;
    if (turn.part == Turn::Part::put) {
      if (arrived && !half) {
        tell("move back");
        error = tree::relocate(workspace, s.path, journal, way(s), RENAME_NOREPLACE);
      }
    } else if (half) {
      tell("move back");
      error = tree::relocate(journal, way(s), workspace, s.from, RENAME_NOREPLACE);
    } else if (arrived && turn.part == Turn::Part::whole) {
      tell("move back");
      error = rename_within(s, s.path, s.from);
    }
    if (error == EEXIST) return false;
    if (error != 0) return failed(s, error);
    return true;
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

  /// Of a step that could not be taken back.
  Result<Left> left(const Step& s) const {
    if (!s.from.empty()) {
      Result<Found> between = look_on_the_way(s);
      if (!between) return between.error();
      const bool half = is(*between, s.new_tree);
      return Left{s.from, half ? way(s) : s.path, half};
    }
    Result<Places> places = look(s);
    if (!places) return places.error();
    return Left{s.path, is(places->o, s.old_tree) ? aside(s) : from(s), true};
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
        const bool any = std::any_of(tree->begin(), tree->end(), [](const Stamped& e) {
          return S_ISDIR(e.second.mode) && (e.second.mode & 0700) != 0700;
        });
        if (!any) continue;
        std::vector<std::pair<int, std::string>> places = {{plan.workspace, s.path}};
        if (s.from.empty()) {
          places.insert(places.end(), {{plan.journal, from(s)}, {plan.journal, aside(s)}});
        } else {
          places.insert(places.end(), {{plan.workspace, s.from}, {plan.journal, way(s)}});
        }
        for (const auto& [top, at] : places) {
          if (Status closed = close_folders(top, at, *tree); !closed) return closed;
        }
      }
    }
    return Ok{};
  }

  Status set_folders(bool to) const {
    // The deepest first: its parent may be closed next.
    for (auto f = plan.folders.rbegin(); f != plan.folders.rend(); ++f) {
      const std::optional<std::string>& path = to ? f->after : f->before;
      if (!path) continue;
      tell("folder");
      std::optional<uint32_t> mode;
      std::optional<int64_t> mtime;
      if (f->set_mode) mode = to ? f->to_mode : f->from_mode;
      if (f->set_mtime || !to) mtime = to ? f->to_mtime_ns : f->from_mtime_ns;
      if (Status s = tree::set_folder(plan.workspace, *path, mode, mtime); !s) return s;
    }
    return Ok{};
  }
};

}  // namespace

Result<std::vector<Conflict>> apply(const Plan& plan) {
  const Applier worker(plan);
  for (const Turn& turn : schedule(plan.steps)) {
    Result<std::vector<Conflict>> conflicts = worker.forward(turn);
    if (!conflicts || !conflicts->empty()) return conflicts;
  }
  if (Status s = worker.close_all(); !s) return s.error();
  if (Status s = worker.set_folders(true); !s) return s.error();
  return std::vector<Conflict>();
}

Result<std::vector<Left>> roll_back(const Plan& plan) {
  const Applier worker(plan);
  std::vector<Left> left;
  const std::vector<Turn> turns = schedule(plan.steps);
  for (auto turn = turns.rbegin(); turn != turns.rend(); ++turn) {
    Result<bool> back = worker.backward(*turn);
    if (!back) return back.error();
    if (*back) continue;
    Result<Left> what = worker.left(plan.steps[turn->step]);
    if (!what) return what.error();
    left.push_back(std::move(*what));
  }
  if (Status s = worker.close_all(); !s) return s.error();
  if (Status s = worker.set_folders(false); !s) return s.error();
  return left;
}

Status close_trees(const Plan& plan) { return Applier(plan).close_all(); }

Status relock(const Plan& plan) {
  if (Status s = close_trees(plan); !s) return s;
  for (auto f = plan.folders.rbegin(); f != plan.folders.rend(); ++f) {
    if (!f->after) continue;
    Result<Found> now = tree::look(plan.workspace, *f->after);
    if (!now) return now.error();
    if (!*now || ((*now)->mode & 07777) != (f->to_mode | 0700)) continue;
    if (Status s = tree::set_folder(plan.workspace, *f->after, f->to_mode, {}); !s) return s;
  }
  return Ok{};
}

}  // namespace sandbox
