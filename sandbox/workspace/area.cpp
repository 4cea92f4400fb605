#include "sandbox/workspace/area.h"

#include "sandbox/workspace/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include "base/json.h"

#include "sandbox/workspace/content.h"
#include "sandbox/workspace/text.h"
#include "sandbox/workspace/tree.h"

// WORKSPACE/.tessera/undo/
//   lock        flock()ed by whoever is at work
//   journal     which folder this is: a copy, or one that came with a download, is not believed
//   0001/       a run
//     run       its record, while it is at rest
//     pending   its record, while something is done; counts before `run`
//     new/      what is to come into the workspace, at its path; also what a conflict kept out
//     old/      the originals that the run took away
//     undone/   what an undo took away
//     way/      what is moved and cannot go straight, while it is on its way
//   aside/      originals that could not go back; no run's, so that they are never forgotten
//
// Both records are replaced by rename. `pending` appears when all that it needs is on disk, and
// that is the moment of the commit: before it recovery removes the folder, after it recovery goes
// on. Its state says where trees come from and where what they replace goes:
//
//   applying  new    -> workspace -> old          undoing  old -> workspace -> undone
//   redoing   undone -> workspace -> old          …back    the same, backwards
//
// and what is moved goes from one name in the workspace to another.
//
// Modes of closed folders that are opened for a look before an undo are in the record, too: that is
// what `checking` is for.

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;
using base::UniqueFd;
using Json = nlohmann::json;

constexpr size_t kMaxRecordBytes = 256 << 20;
constexpr size_t kMaxHeader = 16 << 10;  // the first line of one
constexpr size_t kMaxNotedLabel = 4000;  // which is in that line, with up to three bytes for one
constexpr const char* kFolder = ".tessera/undo";

/// Before it is written, since what cannot be read back cannot be undone.
Error too_long() {
  return Error{Errc::limit, "the names of what was changed are too long to be written down"};
}

bool is_id(const std::string& name) {
  return name.size() >= 4 && name.size() <= 9 &&
         std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Status write_all(int fd, const std::string& text) {
  for (size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return tree::system_error("write the journal");
    done += static_cast<size_t>(n);
  }
  return Ok{};
}

/// What no copy of the folder has. The time of birth cannot be chosen by anybody.
Result<std::string> identity(int folder) {
  struct statx info {};
  if (statx(folder, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &info) != 0) {
    return tree::system_error("stat the journal");
  }
  const bool born = (info.stx_mask & STATX_BTIME) != 0;
  return Json({{"format", 1},
               {"folder", info.stx_ino},
               {"seconds", born ? info.stx_btime.tv_sec : 0},
               {"nanoseconds", born ? info.stx_btime.tv_nsec : 0}})
             .dump() +
         "\n";
}

/// What is moved lies in no folder of the journal.
uint64_t sum(const std::vector<Step>& steps, std::vector<Stamped> Step::*tree) {
  uint64_t bytes = 0;
  for (const Step& step : steps) {
    if (!step.from.empty()) continue;
    for (const auto& [path, stamp] : step.*tree) bytes += stamp.size;
  }
  return bytes;
}

// Making .tessera dates the workspace anew, which undo would not give back. The old time waits in
// an attribute, so that the next call dates it back if this one is killed in between. Where there
// are no attributes, only that is lost.
constexpr const char* kTimeAttribute = "user.tessera.time";

Status make_folder(int top, const StepHook& hook) {
  struct stat before {};
  if (fstat(top, &before) != 0) return tree::system_error("stat the workspace");
  const int64_t time = tree::stamp_of(before).mtime_ns;
  const std::string self = tree::self(top);
  hook("remember the time");
  (void)setxattr(self.c_str(), kTimeAttribute, &time, sizeof time, XATTR_CREATE);
  hook("make .tessera");
  if (mkdirat(top, ".tessera", 0700) != 0) {
    const int error = errno;
    (void)removexattr(self.c_str(), kTimeAttribute);
    errno = error;
    return error == EEXIST ? Status(Ok{}) : tree::system_error("make .tessera");
  }
  hook("date the workspace back");
  if (Status s = tree::set_folder(top, "", {}, time); !s) return s;
  hook("forget the time");
  (void)removexattr(self.c_str(), kTimeAttribute);
  return Ok{};
}

/// What a make_folder() that was killed left to do. What was done to the workspace later counts.
Status finish_folder(int top) {
  const std::string self = tree::self(top);
  int64_t time = 0;
  if (getxattr(self.c_str(), kTimeAttribute, &time, sizeof time) != sizeof time) return Ok{};
  struct stat now {
  }, made{};
  constexpr int64_t kSecond = 1'000'000'000;
  if (fstat(top, &now) == 0 && fstatat(top, ".tessera", &made, AT_SYMLINK_NOFOLLOW) == 0 &&
      tree::stamp_of(now).mtime_ns - tree::stamp_of(made).mtime_ns < kSecond) {
    if (Status s = tree::set_folder(top, "", {}, time); !s) return s;
  }
  (void)removexattr(self.c_str(), kTimeAttribute);
  return Ok{};
}

}  // namespace

std::string Area::place(const std::string& id) const { return (path_ / kFolder / id).string(); }

Result<std::optional<Area>> Area::enter(const std::filesystem::path& workspace, Create create,
                                        const AreaOptions& options) {
  Area area;
  area.path_ = workspace;
  area.options_ = &options;
  Result<UniqueFd> top = tree::open_top(workspace);
  if (!top) return top.error();
  area.workspace_ = std::move(*top);
  if (Status s = finish_folder(area.workspace()); !s) return s.error();
  const std::string where = (workspace / kFolder).string();
  area.journal_ = tree::open_beneath(area.workspace(), kFolder, O_RDONLY | O_DIRECTORY);
  bool fresh = false;
  if (!area.journal_ && errno == ENOENT) {
    if (create == Create::no) return std::optional<Area>();
    if (Status s = make_folder(area.workspace(), area.hook()); !s) return s.error();
    UniqueFd parent = tree::open_beneath(area.workspace(), ".tessera", O_PATH | O_DIRECTORY);
    if (!parent) return tree::system_error((workspace / ".tessera").string());
    UniqueFd ignore(openat(parent.get(), ".gitignore",
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (ignore) {
      if (Status s = write_all(ignore.get(), "*\n"); !s) return s.error();
    }
    if (mkdirat(parent.get(), "undo", 0700) != 0 && errno != EEXIST) {
      return tree::system_error("make " + where);
    }
    area.journal_ = tree::open_beneath(area.workspace(), kFolder, O_RDONLY | O_DIRECTORY);
    fresh = true;
  }
  if (!area.journal_) return tree::system_error("open " + where);
  struct stat outer {
  }, inner{};
  if (fstat(area.workspace(), &outer) != 0 || fstat(area.journal(), &inner) != 0) {
    return tree::system_error("stat " + where);
  }
  if (outer.st_dev != inner.st_dev) {
    return Error{Errc::refused, where + " is not on the file system of the workspace"};
  }
  area.lock_ =
      UniqueFd(openat(area.journal(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!area.lock_) return tree::system_error("open " + where + "/lock");
  while (flock(area.lock_.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return tree::system_error("lock " + where);
  }
  if (Status s = area.check_identity(fresh); !s) return s.error();
  if (Status s = area.recover(); !s) return s.error();
  return std::optional<Area>(std::move(area));
}

Status Area::check_identity(bool fresh) const {
  Result<std::string> expected = identity(journal());
  if (!expected) return expected.error();
  UniqueFd file(openat(journal(), "journal", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file) {
    Result<std::string> text = content::read(file.get(), 4096);
    if (!text) return text.error();
    if (*text == *expected) return Ok{};
  }
  Result<std::vector<std::string>> runs = ids();
  if (!runs) return runs.error();
  if (!file && (fresh || runs->empty())) return write_file("", "journal", *expected);
  return Error{Errc::corrupt, (path_ / kFolder).string() +
                                  " is the journal of another folder, a copy perhaps; nothing was "
                                  "touched. Move it away to begin a new one"};
}

Result<std::vector<std::string>> Area::ids() const {
  UniqueFd folder = tree::open_beneath(journal(), "", O_RDONLY | O_DIRECTORY);
  if (!folder) return tree::system_error("open the journal");
  Result<std::vector<std::string>> names = tree::names(std::move(folder));
  if (!names) return names;
  std::erase_if(*names, [](const std::string& name) { return !is_id(name); });
  std::sort(names->begin(), names->end(), [](const std::string& a, const std::string& b) {
    return std::pair(a.size(), a) < std::pair(b.size(), b);
  });
  return names;
}

Result<std::string> Area::new_id() {
  Result<std::vector<std::string>> runs = ids();
  if (!runs) return runs.error();
  std::string id = std::to_string(runs->empty() ? 1 : std::stol(runs->back()) + 1);
  id.insert(0, id.size() < 4 ? 4 - id.size() : 0, '0');
  hook()("new run");
  for (const std::string& folder : {id, id + "/new", id + "/old", id + "/undone"}) {
    if (mkdirat(journal(), folder.c_str(), 0700) != 0)
      return tree::system_error("make " + place(id));
  }
  return id;
}

Result<std::optional<Record>> Area::read_file(const std::string& id, const char* name,
                                              bool header_only) const {
  UniqueFd fd = tree::open_beneath(journal(), join(id, name), O_RDONLY | O_NONBLOCK);
  if (!fd && errno == ENOENT) return std::optional<Record>();
  const std::string origin = place(id) + "/" + name;
  struct stat info {};
  if (!fd || fstat(fd.get(), &info) != 0) return tree::system_error("open " + origin);
  if (!S_ISREG(info.st_mode) || static_cast<uint64_t>(info.st_size) > kMaxRecordBytes) {
    return Error{Errc::corrupt, origin + " is damaged; nothing was touched"};
  }
  Result<std::string> text = content::read(fd.get(), header_only ? kMaxHeader : kMaxRecordBytes);
  if (!text) return text.error();
  char last = 0;
  if (header_only && pread(fd.get(), &last, 1, info.st_size - 1) == 1 && last == '\n') {
    text->resize(std::min(text->size(), text->find('\n') + 1));
  }
  Result<Record> record = parse_record(*text, origin, header_only);
  if (!record) return record.error();
  if (record->id != id) return Error{Errc::corrupt, origin + " is of another run, " + record->id};
  return std::optional<Record>(std::move(*record));
}

Result<Record> Area::read(const std::string& id, bool header_only) const {
  if (is_id(id)) {
    Result<std::optional<Record>> record = read_file(id, "run", header_only);
    if (!record) return record.error();
    if (*record) return std::move(**record);
  }
  return Error{Errc::not_found, "no run " + id + " in " + (path_ / kFolder).string()};
}

Status Area::write_file(const std::string& id, const char* name, const std::string& text) const {
  if (text.size() > kMaxRecordBytes) return too_long();
  UniqueFd folder = tree::open_beneath(journal(), id, O_RDONLY | O_DIRECTORY);
  if (!folder) return tree::system_error("open " + place(id));
  const std::string fresh = std::string(name) + ".tmp";
  UniqueFd fd(openat(folder.get(), fresh.c_str(),
                     O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return tree::system_error("write " + place(id) + "/" + fresh);
  hook()("write");
  if (Status s = write_all(fd.get(), text); !s) return s;
  if (options_->durable && fsync(fd.get()) != 0) return tree::system_error("write " + place(id));
  hook()(name);
  if (renameat(folder.get(), fresh.c_str(), folder.get(), name) != 0) {
    return tree::system_error("write " + place(id) + "/" + name);
  }
  if (options_->durable && fsync(folder.get()) != 0)
    return tree::system_error("write " + place(id));
  return Ok{};
}

Status Area::remove_file(const std::string& id, const char* name) const {
  hook()("remove");
  UniqueFd folder = tree::open_beneath(journal(), id, O_RDONLY | O_DIRECTORY);
  if (!folder || (unlinkat(folder.get(), name, 0) != 0 && errno != ENOENT)) {
    return tree::system_error("remove " + place(id) + "/" + name);
  }
  if (options_->durable && fsync(folder.get()) != 0)
    return tree::system_error("write " + place(id));
  return Ok{};
}

Status Area::write(const Record& record) const {
  return write_file(record.id, "run", serialize(record));
}

Plan Area::plan(const Record& record) const {
  Plan plan;
  plan.workspace = workspace(), plan.journal = journal(), plan.hook = &hook(),
  plan.exchange = options_->exchange;
  const std::string id = record.id + "/";
  plan.way = id + "way";
  switch (record.state) {
    case RunState::undoing:
    case RunState::undoing_back:
      plan.from = id + "old", plan.aside = id + "undone";
      plan.closed = tree::Closed::open;
      break;
    case RunState::redoing:
    case RunState::redoing_back:
      plan.from = id + "undone", plan.aside = id + "old";
      break;
    default:
      plan.from = id + "new", plan.aside = id + "old";
      plan.steps = record.steps, plan.folders = record.folders;
      return plan;
  }
  plan.steps = record.undo_steps, plan.folders = record.undo_folders;
  return plan;
}

Status Area::announce_check(Record record) const {
  record.state = RunState::checking;
  return write_file(record.id, "pending", serialize(record));
}

Status Area::end_check(const std::string& id) const { return remove_file(id, "pending"); }

/// Writes down where things came to, with the times that later changes are told by.
Status Area::come_to_rest(Record& record) const {
  // Empty: what could not go back was set aside.
  (void)unlinkat(journal(), (record.id + "/way").c_str(), AT_REMOVEDIR);
  if (record.state == RunState::applying || record.state == RunState::redoing ||
      record.state == RunState::undoing_back) {
    for (FolderStep& f : record.folders) {
      if (f.set_mtime || !f.after) continue;
      Result<std::optional<Stamp>> now = tree::look(workspace(), *f.after);
      if (!now) return now.error();
      if (*now) f.to_mtime_ns = (*now)->mtime_ns;
    }
  }
  switch (record.state) {
    case RunState::applying:
    case RunState::redoing:
    case RunState::undoing_back:
      record.state = RunState::committed;
      record.bytes = sum(record.steps, &Step::old_tree);
      record.undo_steps.clear(), record.undo_folders.clear();
      break;
    case RunState::applying_back:
      record.state = RunState::kept;
      record.bytes = sum(record.steps, &Step::new_tree);
      break;
    case RunState::undoing:
      record.state = RunState::undone;
      record.bytes = sum(record.undo_steps, &Step::old_tree);
      break;
    default:  // redoing_back: the steps are those of the redo, so the record of before stays
      record.state = RunState::undone;
      return remove_file(record.id, "pending");
  }
  // Of a few, the renames reach the disk before the record, as they were made before it: file
  // systems write out such things in their order.
  if (options_->durable && record.steps.size() > kFewEntries) {
    if (Status s = tree::flush(journal()); !s) return s;
  }
  if (Status s = write(record); !s) return s;
  return remove_file(record.id, "pending");
}

Result<std::string> Area::set_aside(const std::string& from, const std::string& name) const {
  if (mkdirat(journal(), "aside", 0700) != 0 && errno != EEXIST)
    return tree::system_error("make " + place("aside"));
  tree::Folders folders(journal());
  constexpr size_t kLongest = 240;  // with a number it is still a name
  for (int n = 1;; ++n) {
    std::string to = "aside/" + name;
    if (n > 1) to = "aside/" + name.substr(0, kLongest) + "." + std::to_string(n);
    const int error = tree::relocate(folders, from, folders, to, RENAME_NOREPLACE);
    if (error == 0) return to;
    if (error == EEXIST) continue;
    errno = error;
    return tree::system_error("move " + place(from) + " to " + place(to));
  }
}

Result<std::vector<Conflict>> Area::drive(Record& record) const {
  std::vector<Conflict> conflicts;
  std::optional<Error> failure;
  if (record.state == RunState::checking) {
    Plan plan = this->plan(record);
    for (const auto& [from, aside] : {std::pair{"new", "old"}, {"old", "undone"}}) {
      plan.from = join(record.id, from), plan.aside = join(record.id, aside);
      if (Status s = relock(plan); !s) return s.error();
      plan.steps = record.undo_steps, plan.folders = record.undo_folders;
    }
    if (Status s = end_check(record.id); !s) return s.error();
    return conflicts;
  }
  const bool forward = record.state == RunState::applying || record.state == RunState::undoing ||
                       record.state == RunState::redoing;
  if (forward) {
    Result<std::vector<Conflict>> met = apply(plan(record));
    if (met && met->empty()) {
      if (Status s = come_to_rest(record); !s) return s.error();
      return conflicts;
    }
    record.state = record.state == RunState::applying  ? RunState::applying_back
                   : record.state == RunState::undoing ? RunState::undoing_back
                                                       : RunState::redoing_back;
    if (Status s = write_file(record.id, "pending", serialize(record)); !s) return s.error();
    if (met) {
      conflicts = std::move(*met);
    } else {
      failure = met.error();
    }
  }
  Result<std::vector<Left>> left = roll_back(plan(record));
  if (!left) return left.error();
  for (const Left& original : *left) {
    std::string where = "called " + original.place;
    if (original.in_journal) {
      Result<std::string> kept = set_aside(original.place, name_of(original.path));
      if (!kept) return kept.error();
      where = "in " + place(*kept);
    }
    conflicts.push_back({original.path, "was made meanwhile; the original is " + where});
    // For whoever asks later: a recovery has nobody to tell.
    const std::string note = "; " + printable(original.path) + " is " + printable(where);
    if (record.label.size() + note.size() <= kMaxNotedLabel) record.label += note;
  }
  if (!left->empty() && record.state == RunState::redoing_back) {
    Result<Record> undone = read(record.id, false);
    if (!undone) return undone.error();
    undone->label = record.label;
    if (Status s = write(*undone); !s) return s.error();
  }
  if (Status s = come_to_rest(record); !s) return s.error();
  if (failure) return *failure;
  return conflicts;
}

Result<std::vector<Conflict>> Area::carry_out(Record& record) const {
  const std::string text = serialize(record);
  // The steps back of a run are written beside its own later, and its header may grow.
  const bool first = record.state == RunState::applying;
  if (text.size() > (first ? kMaxRecordBytes / 2 : kMaxRecordBytes - kMaxHeader)) return too_long();
  if (Status s = write_file(record.id, "pending", text); !s) return s.error();
  return drive(record);
}

Status Area::forget(const std::string& id) const {
  // Without its record it is a run that was never committed, so recovery would go on here.
  if (Status s = remove_file(id, "run"); !s) return s;
  hook()("forget");
  return tree::remove(journal(), id);
}

Status Area::recover() const {
  Result<std::vector<std::string>> runs = ids();
  if (!runs) return runs.error();
  for (const std::string& id : *runs) {
    Result<std::optional<Record>> pending = read_file(id, "pending", false);
    if (!pending) return pending.error();
    if (*pending) {
      // An open one would be taken for one that somebody changed meanwhile.
      if ((*pending)->state != RunState::checking) {
        if (Status s = close_trees(plan(**pending)); !s) return s;
      }
      if (Result<std::vector<Conflict>> done = drive(**pending); !done) return done.error();
      continue;
    }
    UniqueFd run = tree::open_beneath(journal(), join(id, "run"), O_PATH | O_NOFOLLOW);
    if (run) continue;
    if (errno != ENOENT) return tree::system_error("open " + place(id) + "/run");
    if (Status s = tree::remove(journal(), id); !s) return s;
  }
  return Ok{};
}

}  // namespace sandbox
