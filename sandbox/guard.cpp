#include "sandbox/guard.h"

#include <time.h>
#include <unistd.h>

#include <chrono>

#include "sandbox/cgroup.h"
#include "sandbox/workspace/preview.h"

namespace sandbox {

namespace {

using base::Errc;
using base::Error;
using base::Ok;
using base::Result;
using base::Status;

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  constexpr size_t kShown = 200;
  if (text.size() > kShown) text = text.substr(0, kShown) + " …";
  return text;
}

const char* kind_of(ProxyEvent::Kind kind) {
  switch (kind) {
    case ProxyEvent::Kind::refused:
      return "refused";
    case ProxyEvent::Kind::failed:
      return "failed";
    case ProxyEvent::Kind::allowed:
      return "allowed";
    case ProxyEvent::Kind::closed:
      return "closed";
  }
  return "";
}

}  // namespace

std::string list_changes(const ChangeSet& set, size_t limit) {
  std::string text;
  size_t shown = 0;
  auto line = [&](const std::string& words) {
    if (shown++ < limit) text += words + "\n";
  };
  for (const Change& c : set.changes) {
    std::string size;
    if (c.kind == ChangeKind::added) size = " (" + std::to_string(c.new_size) + " bytes)";
    if (c.kind == ChangeKind::removed) size = " (" + std::to_string(c.old_size) + " bytes)";
    if (c.kind == ChangeKind::changed)
      size = " (" + std::to_string(c.old_size) + " -> " + std::to_string(c.new_size) + " bytes)";
    line(std::string(kind_name(c.kind)) + ": " + (c.from.empty() ? "" : c.from + " -> ") + c.path +
         size);
  }
  for (const Refusal& r : set.refusals) line("not kept: " + r.path + ": " + r.why);
  if (shown > limit) text += "and " + std::to_string(shown - limit) + " more\n";
  return text;
}

Result<std::filesystem::path> workspace_folder(const std::filesystem::path& named) {
  std::error_code ec;
  std::filesystem::path folder = std::filesystem::canonical(named, ec);
  if (ec) return Error{Errc::not_found, named.string() + ": there is no such folder (--workspace)"};
  if (!std::filesystem::is_directory(folder, ec))
    return Error{Errc::usage, named.string() + ": not a folder (--workspace)"};
  return folder;
}

Result<Guard> Guard::open(GuardOptions options) {
  Result<std::filesystem::path> folder = workspace_folder(options.workspace);
  if (!folder) return folder.error();
  const std::filesystem::path workspace = *folder;
  options.workspace = workspace;
  std::error_code ec;
  auto state = std::make_unique<State>(std::move(options));
  state->session = std::to_string(now_ms()) + "-" + std::to_string(getpid());
  if (!state->options.audit.empty()) {
    Result<AuditLog> audit = AuditLog::open(state->options.audit);
    if (!audit) return audit.error();
    state->audit = std::move(*audit);
  }
  // What a killed process left: groups, and a commit that was cut short.
  Cgroup::sweep();
  if (std::filesystem::exists(workspace / ".tessera/undo", ec)) {
    Result<Journal> journal = Journal::open(workspace);
    if (!journal) return journal.error();
    if (Result<std::vector<Journal::Info>> runs = journal->list(); !runs) return runs.error();
  }
  return Guard(std::move(state));
}

Status Guard::log(const std::string& kind, std::vector<std::pair<std::string, AuditValue>> fields) {
  if (!state_->audit) return Ok{};
  return state_->audit->append({.run = state_->session, .kind = kind, .fields = std::move(fields)});
}

void Guard::log_proxy(const ProxyEvent& e) {
  (void)log("proxy", {{"event", std::string(kind_of(e.kind))},
                      {"method", e.method},
                      {"host", e.host},
                      {"port", int64_t{e.port}},
                      {"address", e.address},
                      {"why", e.why},
                      {"sent_bytes", static_cast<int64_t>(e.sent_bytes)},
                      {"received_bytes", static_cast<int64_t>(e.received_bytes)}});
}

Status Guard::settle(const policies::Decision& decision, const std::string& what) {
  bool allowed = decision.verdict == policies::Verdict::allow;
  std::string by = "policy";
  if (decision.verdict == policies::Verdict::ask) {
    by = state_->options.ask ? "person" : "nobody to ask";
    allowed = state_->options.ask && state_->options.ask({.what = what, .why = decision.why});
  }
  if (Status s = log("verdict", {{"what", what},
                                 {"verdict", std::string(policies::verdict_name(decision.verdict))},
                                 {"allowed", allowed},
                                 {"by", by},
                                 {"why", decision.why}});
      !s) {
    return s;
  }
  if (allowed) return Ok{};
  std::string message = what + ": ";
  if (decision.verdict == policies::Verdict::deny)
    message += "the policy " + policy().name + " refuses it: " + decision.why;
  else if (by == "person")
    message += "you said no";
  else
    message += "the policy " + policy().name + " wants you to be asked (" + decision.why +
               "), and nobody can be; use --yes";
  return Error{Errc::refused, message};
}

Status Guard::allow_tool(const std::string& name, const std::string& arguments) {
  const policies::Decision decision = policies::decide_tool(policy(), name);
  // A tool that is simply allowed is logged by its outcome.
  if (decision.verdict == policies::Verdict::allow) return Ok{};
  constexpr size_t kShown = 2000;
  const std::string shown =
      arguments.size() <= kShown ? arguments : arguments.substr(0, kShown) + " …";
  return settle(decision, "tool " + name + (shown.empty() ? "" : " " + shown));
}

Status Guard::allow_command(const std::vector<std::string>& argv) {
  return settle(policies::decide_command(policy(), argv), "run: " + joined(argv));
}

Result<Guard::Run> Guard::run(Program program, const std::string& label, bool dry,
                              std::stop_token stop) {
  if (Status s = allow_command(program.argv); !s) return s.error();
  program.workspace = workspace();
  program.workspace_writable = true;
  program.network = true;
  program.on_proxy = [this](const ProxyEvent& e) { log_proxy(e); };
  Result<Outcome> outcome = state_->runner.run(program, policy(), stop);
  if (Status s = log("outcome", {{"argv", program.argv},
                                 {"end", outcome ? describe(*outcome) : outcome.error().message},
                                 {"wall_ms", outcome ? int64_t{outcome->wall.count()} : 0}});
      !s) {
    return s.error();
  }
  if (!outcome) return outcome.error();
  Run run{.outcome = std::move(*outcome), .kept = {}};
  if (run.outcome.layer && !std::holds_alternative<Exited>(run.outcome.end)) {
    run.kept.dropped = "the program was ended before it was done";
    run.outcome.layer.reset();
  }
  if (run.outcome.layer) {
    Result<Kept> kept = keep(*run.outcome.layer, label, dry);
    if (!kept) return kept.error();
    run.kept = std::move(*kept);
    run.outcome.layer.reset();
  } else if (state_->audit) {
    if (Status s = state_->audit->flush(); !s) return s.error();
  }
  return run;
}

Result<Kept> Guard::keep(const Layer& layer, const std::string& label, bool dry) {
  const policies::Limits& limits = policy().limits;
  return keep(find_changes(layer, workspace(), policy().protect,
                           {.bytes = limits.disk_bytes, .files = limits.files}),
              layer, label, dry);
}

Result<Kept> Guard::keep(const std::vector<Rearrangement>& steps, Snapshot before,
                         const std::string& label, bool dry) {
  Layer layer;
  layer.before = std::move(before);
  return keep(rearrange(steps, layer.before, workspace(), policy().protect,
                        {.files = policy().limits.files}, now_ms() * 1'000'000),
              layer, label, dry);
}

Result<Kept> Guard::keep(Result<ChangeSet> changes, const Layer& layer, const std::string& label,
                         bool dry) {
  Kept kept;
  if (!changes) {
    kept.dropped = changes.error().message;
  } else {
    kept.changes = std::move(*changes);
    if (kept.changes.empty() && kept.changes.refusals.empty() && kept.changes.conflicts.empty())
      return kept;
    const size_t n = kept.changes.changes.size();
    const Question question{
        .what = "keep: " + std::to_string(n) + (n == 1 ? " change by " : " changes by ") + label,
        .why = "The policy " + policy().name + " asks before changes are kept.",
        .changes = &kept.changes,
        .diff = [&](const Change& change) {
          Result<std::string> text = preview(layer, workspace(), change);
          return text ? *text : text.error().message + "\n";
        }};
    if (dry) {
      kept.dropped = "only a trial";
    } else if (policy().commit_asks && !kept.changes.empty() && !state_->options.ask) {
      kept.dropped = "the policy " + policy().name + " wants you to be asked; use --yes";
      kept.refused = true;
    } else if (policy().commit_asks && !kept.changes.empty() && !state_->options.ask(question)) {
      kept.dropped = "you said no";
      kept.refused = true;
    } else {
      Result<Journal> journal = Journal::open(workspace());
      Result<Journal::Committed> committed =
          journal ? journal->commit(kept.changes, layer, label, now_ms())
                  : Result<Journal::Committed>(journal.error());
      if (committed)
        kept.run = committed->id;
      else
        kept.dropped = committed.error().message;
    }
  }
  std::vector<std::string> changed, refused;
  for (const Change& c : kept.changes.changes)
    changed.push_back(std::string(kind_name(c.kind)) + ": " + c.path);
  for (const Refusal& r : kept.changes.refusals) refused.push_back(r.path + ": " + r.why);
  if (Status s = log("commit", {{"journal", kept.run},
                                {"by", label},
                                {"changes", changed},
                                {"refused", refused},
                                {"dropped", kept.dropped}});
      !s) {
    return s.error();
  }
  if (state_->audit) {
    if (Status s = state_->audit->flush(); !s) return s.error();
  }
  return kept;
}

}  // namespace sandbox
