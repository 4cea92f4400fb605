#include <cstdio>

#include "cli/blas.h"
#include "cli/command.h"
#include "cli/stop.h"
#include "cli/terminal/style.h"
#include "cli/terminal/text.h"
#include "cli/usage.h"

namespace cli {

Exit exit_code(const base::Error& error) {
  switch (error.code) {
    case base::Errc::usage:
    case base::Errc::not_found:
    case base::Errc::corrupt:
    case base::Errc::unsupported:
      return kUsage;
    case base::Errc::refused:
      return kRefused;
    case base::Errc::limit:
      return kBudget;
    default:
      return kInternal;
  }
}

base::Error of_file(const std::string& file, const base::Error& error) {
  return {error.code == base::Errc::limit ? base::Errc::usage : error.code,
          file + ": " + error.message};
}

void complain(const std::string& sentence) {
  const Look look = look_of(2);
  std::fputs(fitted({{"tessera: ", kRed}, {shown(sentence)}}, look).c_str(), stderr);
}

int fail(const base::Error& error) {
  complain(error.message);
  return exit_code(error);
}

}  // namespace cli

int main(int argc, char** argv) {
  cli::choose_blas_kernels(argc, argv);
  cli::leave_on_signals();
  CLI::App app("Tessera: a private agent for data, charts and files.", "tessera");
  app.require_subcommand(1);
  app.set_version_flag("--version", "tessera " TESSERA_VERSION, "the version");
  cli::Action action;
  cli::add_run(app, action);
  cli::add_chat(app, action);
  cli::add_sessions(app, action);
  cli::add_batch(app, action);
  cli::add_watch(app, action);
  cli::add_chart(app, action);
  cli::add_changes(app, action);
  cli::add_undo(app, action);
  cli::add_data(app, action);
  cli::add_files(app, action);
  cli::add_report(app, action);
  cli::add_sandbox(app, action);
  cli::add_policy(app, action);
  cli::add_audit(app, action);
  cli::add_doctor(app, action);
  cli::add_examples(app, action);
  cli::add_bench(app, action);
  cli::add_generate(app, action);
  cli::add_logits(app, action);
  cli::add_model(app, action);
  cli::add_mcp(app, action);
  cli::add_serve(app, action);
  cli::add_tokenize(app, action);
  cli::add_transcribe(app, action);
  cli::add_listen(app, action);
  cli::add_train(app, action);
  cli::add_describe(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // help and version
    std::fprintf(stderr, "tessera: %s\n", cli::usage_sentence(app, error).c_str());
    return cli::kUsage;
  }
  return action();
}
