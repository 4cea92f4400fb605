#include "sandbox/audit.h"

#include <cstdio>
#include <memory>

#include "cli/command.h"

namespace cli {
namespace {

struct AuditOptions {
  std::string file;
  size_t count = 20;
};

base::Result<std::filesystem::path> log_path(const AuditOptions& o) {
  if (!o.file.empty()) return std::filesystem::path(o.file);
  const std::filesystem::path path = sandbox::AuditLog::default_path();
  if (path.empty())
    return base::Error{base::Errc::usage, "no home folder is known; name the log file"};
  return path;
}

int verify(const AuditOptions& o) {
  base::Result<std::filesystem::path> path = log_path(o);
  if (!path) return fail(path.error());
  base::Result<sandbox::AuditCheck> check = sandbox::verify_audit(*path);
  if (!check) return fail(check.error());
  if (!check->whole()) {
    std::fprintf(stderr, "tessera: %s: line %llu: %s\n", check->broken_file.c_str(),
                 static_cast<unsigned long long>(check->broken_line), check->reason.c_str());
    return kTool;
  }
  std::printf("ok: %llu records, last hash %s\n", static_cast<unsigned long long>(check->records),
              check->last_hash.empty() ? "none" : check->last_hash.c_str());
  if (check->set_aside > 0)
    std::printf("%llu cut-off lines were set aside in %s.torn\n",
                static_cast<unsigned long long>(check->set_aside), path->c_str());
  return kDone;
}

int show(const AuditOptions& o) {
  base::Result<std::filesystem::path> path = log_path(o);
  if (!path) return fail(path.error());
  base::Result<std::vector<std::string>> lines = sandbox::audit_tail(*path, o.count);
  if (!lines) return fail(lines.error());
  for (const std::string& line : *lines) std::printf("%s\n", line.c_str());
  return kDone;
}

}  // namespace

void add_audit(CLI::App& app, Action& action) {
  auto o = std::make_shared<AuditOptions>();
  CLI::App* c = app.add_subcommand("audit", "The log of every verdict and outcome.");
  c->require_subcommand(1);
  CLI::App* v = c->add_subcommand("verify", "Whether the log is whole; exit code 6 if not.");
  v->add_option("file", o->file, "log file (default: the user's own)");
  CLI::App* s = c->add_subcommand("show", "The last records, one JSON object a line.");
  s->add_option("file", o->file, "log file (default: the user's own)");
  s->add_option("-n", o->count, "how many (default 20)");
  v->callback([o, &action] { action = [o] { return verify(*o); }; });
  s->callback([o, &action] { action = [o] { return show(*o); }; });
}

}  // namespace cli
