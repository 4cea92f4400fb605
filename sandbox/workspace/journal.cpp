#include "sandbox/workspace/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "sandbox/workspace/area.h"
#include "sandbox/workspace/commit_plan.h"
#include "sandbox/workspace/preview.h"
#include "sandbox/workspace/stage.h"
#include "sandbox/workspace/text.h"
#include "sandbox/workspace/tree.h"
#include "sandbox/workspace/undo_plan.h"

// A commit: lock; copy the new trees out of the layer; look whether the workspace still is what the
// snapshot says; write the plan down; move. area.cpp has the format and the states, commit_plan.cpp
// the plan, apply.cpp the moves, undo_plan.cpp the way back, which is a plan like the first.

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;
using base::UniqueFd;

constexpr size_t kMaxLabel = 1000;

Journal::Info info_of(const Record& record) {
  return {.id = record.id,
          .label = record.label,
          .time_ms = record.time_ms,
          .state = record.state,
          .n_changes = record.n_changes,
          .bytes = record.bytes};
}

Result<std::vector<std::string>> prune_area(const Area& area, size_t keep_runs,
                                            uint64_t keep_bytes) {
  Result<std::vector<std::string>> ids = area.ids();
  if (!ids) return ids.error();
  std::vector<std::string> forgotten;
  uint64_t bytes = 0;
  size_t runs = 0;
  bool full = false;
  for (auto id = ids->rbegin(); id != ids->rend(); ++id) {
    Result<Record> record = area.read(*id, true);
    if (!record) return record.error();
    bytes += record->bytes;
    ++runs;
    full = full || (runs > 1 && (runs > keep_runs || bytes > keep_bytes));
    if (full) forgotten.push_back(*id);
  }
  std::reverse(forgotten.begin(), forgotten.end());
  for (const std::string& id : forgotten) {
    if (Status s = area.forget(id); !s) return s.error();
  }
  return forgotten;
}

/// read_side() of what one of a run's folders has of `path`, in whichever tree that lies.
Result<std::string> read_stored(int journal, const std::string& folder, const std::string& path,
                                const DiffBounds& bounds) {
  for (int level = 0; level <= kMaxDepth; ++level) {
    const std::string at = join(folder, level == 0 ? path : store_within(level, path));
    Result<std::optional<Stamp>> found = tree::look(journal, at);
    if (!found) return found.error();
    if (*found) return read_side(journal, at, bounds);
    // Most runs have no such tree.
    if (level == 0 && !tree::open_beneath(journal, join(folder, ".tessera"), O_PATH)) break;
  }
  return std::string();
}

/// The record of `id`, or of the newest in `state`. Errors: not_found, usage (in another state).
Result<Record> find(const Area& area, const std::string& id, RunState state) {
  const std::string wanted(state_name(state));
  if (!id.empty()) {
    Result<Record> record = area.read(id, false);
    if (!record) return record;
    if (record->state == state) return record;
    return Error{Errc::usage,
                 "run " + id + " is " + std::string(state_name(record->state)) + ", not " + wanted};
  }
  Result<std::vector<std::string>> ids = area.ids();
  if (!ids) return ids.error();
  for (auto at = ids->rbegin(); at != ids->rend(); ++at) {
    Result<Record> header = area.read(*at, true);
    if (!header) return header;
    if (header->state == state) return area.read(*at, false);
  }
  return Error{Errc::not_found,
               state == RunState::undone ? "no run is undone" : "every run is undone already"};
}

}  // namespace

Result<Journal> Journal::open(const std::filesystem::path& workspace, Options options) {
  if (!options.at_step) options.at_step = [](std::string_view) {};
  Journal journal(workspace, std::move(options));
  Result<std::optional<Area>> area = Area::enter(workspace, Area::Create::no, journal.options_);
  if (!area) return area.error();
  return journal;
}

Result<Journal::Committed> Journal::commit(const ChangeSet& set, const Layer& layer,
                                           std::string_view label, int64_t time_ms) {
  if (set.empty()) return Committed{};
  Result<std::optional<Area>> entered = Area::enter(workspace_, Area::Create::yes, options_);
  if (!entered) return entered.error();
  Area& area = **entered;
  Result<std::string> id = area.new_id();
  if (!id) return id.error();
  Record record{.id = *id,
                .label = printable(label.substr(0, kMaxLabel)),
                .time_ms = time_ms,
                .state = RunState::applying,
                .n_changes = set.changes.size(),
                .changes = set.changes};
  // Until the plan is written nothing has happened, and what was copied may go.
  auto give_up = [&](const Error& error) {
    (void)tree::remove(area.journal(), *id);
    return error;
  };
  const std::string fresh = *id + "/new";
  std::vector<uint64_t> hashes;
  if (Status s = stage(set, layer, area.workspace(), area.journal(), fresh, options_.durable,
                       hashes, area.hook());
      !s) {
    return give_up(s.error());
  }
  Result<std::vector<Conflict>> conflicts = find_conflicts(set, layer.before, area.workspace());
  if (!conflicts) return give_up(conflicts.error());
  if (Status s = plan_commit(set, layer.before, area.workspace(), area.journal(), hashes, record);
      !s) {
    return give_up(s.error());
  }
  // Folders alone are nothing that somebody would miss.
  const bool worth_keeping =
      std::any_of(set.entries.begin(), set.entries.end(),
                  [](const NewEntry& entry) { return !entry.moved && !S_ISDIR(entry.mode); });
  if (!conflicts->empty()) {
    if (!worth_keeping) {
      return give_up({Errc::refused, "nothing was changed: " + describe(*conflicts)});
    }
    record.state = RunState::kept;
    for (const NewEntry& entry : set.entries) record.bytes += entry.moved ? 0 : entry.size;
    if (Status s = area.write(record); !s) return s.error();
  } else {
    conflicts = area.carry_out(record);
    if (!conflicts) return conflicts.error();
  }
  if (!conflicts->empty()) {
    std::string message = "nothing was changed: " + describe(*conflicts);
    if (worth_keeping) message += "; the run's own versions are in " + area.place(*id) + "/new";
    return Error{Errc::refused, message};
  }
  Result<std::vector<std::string>> pruned =
      prune_area(area, options_.keep_runs, options_.keep_bytes);
  if (!pruned) return pruned.error();
  return Committed{*id, std::move(*pruned)};
}

Result<std::vector<Journal::Info>> Journal::list() {
  Result<std::optional<Area>> area = Area::enter(workspace_, Area::Create::no, options_);
  if (!area) return area.error();
  std::vector<Info> result;
  if (!*area) return result;
  Result<std::vector<std::string>> ids = (*area)->ids();
  if (!ids) return ids.error();
  for (const std::string& id : *ids) {
    Result<Record> record = (*area)->read(id, true);
    if (!record) return record.error();
    result.push_back(info_of(*record));
  }
  return result;
}

Result<Journal::Run> Journal::run(const std::string& id) {
  Result<std::optional<Area>> area = Area::enter(workspace_, Area::Create::no, options_);
  if (!area) return area.error();
  const Error none{Errc::not_found, "no run has changed " + workspace_.string()};
  if (!*area) return none;
  std::string wanted = id;
  if (wanted.empty()) {
    Result<std::vector<std::string>> ids = (*area)->ids();
    if (!ids) return ids.error();
    if (ids->empty()) return none;
    wanted = ids->back();
  }
  Result<Record> record = (*area)->read(wanted, false);
  if (!record) return record.error();
  return Run{info_of(*record), std::move(record->changes)};
}

Result<std::string> Journal::diff(const std::string& id, const Change& change,
                                  const DiffBounds& bounds) {
  Result<std::optional<Area>> entered = Area::enter(workspace_, Area::Create::no, options_);
  if (!entered) return entered.error();
  if (!*entered) return Error{Errc::not_found, "no run has changed " + workspace_.string()};
  const Area& area = **entered;
  Result<Record> record = area.read(id, true);
  if (!record) return record.error();
  const bool committed = record->state == RunState::committed;
  std::string old_text, new_text;
  if (change.kind != ChangeKind::added) {
    Result<std::string> text =
        committed ? read_stored(area.journal(), id + "/old", old_path(change), bounds)
                  : read_side(area.workspace(), old_path(change), bounds);
    if (!text) return text;
    old_text = std::move(*text);
  }
  if (change.kind != ChangeKind::removed) {
    const std::string store = record->state == RunState::kept ? id + "/new" : id + "/undone";
    Result<std::string> text = committed ? read_side(area.workspace(), change.path, bounds)
                                         : read_stored(area.journal(), store, change.path, bounds);
    if (!text) return text;
    new_text = std::move(*text);
  }
  // A file that moved is there once.
  if (change.kind == ChangeKind::moved) {
    if (old_text.empty()) old_text = new_text;
    if (new_text.empty()) new_text = old_text;
  }
  return change_diff(change, old_text, new_text, bounds);
}

Result<Journal::Undone> Journal::turn(const std::string& id, RunState from, bool keep_mine) {
  const bool undo = from == RunState::committed;
  Result<std::optional<Area>> entered = Area::enter(workspace_, Area::Create::no, options_);
  if (!entered) return entered.error();
  if (!*entered) return Error{Errc::not_found, "no run has changed " + workspace_.string()};
  const Area& area = **entered;
  Result<Record> record = find(area, id, from);
  if (!record) return record.error();
  const bool closed = holds_closed_folders(undo ? record->steps : record->undo_steps,
                                           undo ? record->folders : record->undo_folders);
  if (closed) {
    if (Status s = area.announce_check(*record); !s) return s.error();
  }
  Result<WayBack> back =
      undo ? plan_undo(area.workspace(), *record) : plan_redo(area.workspace(), *record);
  const bool blocked = back && !back->conflicts.empty() && !keep_mine;
  if (closed && (!back || blocked)) {
    if (Status s = area.end_check(record->id); !s) return s.error();
  }
  if (!back) return back.error();
  auto refusal = [&](const std::vector<Conflict>& conflicts) {
    return Error{Errc::refused, std::string("nothing was ") + (undo ? "undone" : "redone") + ": " +
                                    describe(conflicts)};
  };
  if (blocked) return refusal(back->conflicts);
  record->state = undo ? RunState::undoing : RunState::redoing;
  record->undo_steps = std::move(back->steps);
  record->undo_folders = std::move(back->folders);
  Result<std::vector<Conflict>> conflicts = area.carry_out(*record);
  if (!conflicts) return conflicts.error();
  if (!conflicts->empty()) return refusal(*conflicts);
  return Undone{record->id, std::move(back->conflicts)};
}

Result<Journal::Undone> Journal::undo(const std::string& id, bool keep_mine) {
  return turn(id, RunState::committed, keep_mine);
}

Result<Journal::Undone> Journal::redo(const std::string& id) {
  return turn(id, RunState::undone, false);
}

Result<std::vector<std::string>> Journal::prune(size_t keep_runs, uint64_t keep_bytes) {
  Result<std::optional<Area>> area = Area::enter(workspace_, Area::Create::no, options_);
  if (!area) return area.error();
  if (!*area) return std::vector<std::string>();
  return prune_area(**area, keep_runs, keep_bytes);
}

}  // namespace sandbox
