#include "model/checkpoint.h"
#include "model/training/trainer.h"

#include <malloc.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include "base/json.h"

#include "cli/command.h"
#include "cli/model_store.h"
#include "model/training/dataset.h"

// Order: everything that can be wrong with the input is found before the weights are packed; then
// steps, a checkpoint every few of them (a killed run resumes from it), and at the end the adapter.

namespace cli {
namespace {

using namespace model::training;
using model::Precision;

struct Options {
  std::string model, adapter, data, held_out, prompt, out, log, precision = "bf16";
  int rank = 16, max_tokens = 1536;
  float alpha = 0;
  bool skip_long = false;
  TrainOptions train;
};

std::stop_source g_stop;  // set by SIGINT and SIGTERM: finish the step, save, leave

int run(Options o) {
  using base::Errc;
  using base::Error;
  const base::Result<std::filesystem::path> checkpoint = find_checkpoint(o.model);
  if (!checkpoint) return fail(checkpoint.error());
  base::Result<model::Checkpoint> base_model = model::Checkpoint::open(*checkpoint);
  if (!base_model) return fail(base_model.error());
  base::Result<model::Architecture> architecture = base_model->architecture();
  if (!architecture) return fail(architecture.error());
  base::Result<model::Weights> weights = model::Weights::bind(base_model->tensors(), *architecture);
  if (!weights) return fail(weights.error());
  base::Result<model::Tokenizer> tokenizer = base_model->tokenizer();
  if (!tokenizer) return fail(tokenizer.error());
  Preamble preamble;
  if (!o.prompt.empty()) {
    base::Result<Preamble> read = Preamble::open(o.prompt);
    if (!read) return fail(read.error());
    preamble = std::move(*read);
  }
  base::Result<std::vector<Sequence>> sequences =
      read_dataset(o.data, preamble, *tokenizer, o.max_tokens, o.skip_long);
  if (!sequences) return fail(sequences.error());
  std::vector<Sequence> held_out;
  if (!o.held_out.empty()) {
    base::Result<std::vector<Sequence>> read =
        read_dataset(o.held_out, preamble, *tokenizer, o.max_tokens, o.skip_long);
    if (!read) return fail(read.error());
    held_out = std::move(*read);
  }
  size_t tokens = 0, labels = 0;
  for (const Sequence& s : *sequences) {
    tokens += s.tokens.size();
    for (const int32_t l : s.labels) labels += l >= 0 ? 1 : 0;
  }
  std::fprintf(stderr, "train: %zu conversations, %zu tokens, %zu with loss\n", sequences->size(),
               tokens, labels);

  // A pass makes and drops the same large buffers: kept in the heap they need not be zeroed by the
  // kernel each time.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  std::optional<model::Lora> initial;
  if (!o.adapter.empty()) {
    base::Result<model::Lora> opened = model::Lora::open(o.adapter, *architecture);
    if (!opened) return fail(opened.error());
    initial = std::move(*opened);
  }
  float alpha = o.alpha > 0 ? o.alpha : static_cast<float>(2 * o.rank);
  if (!initial) initial = starting_lora(*architecture, o.rank, alpha, o.train.seed);
  // One alpha is written for the whole adapter, so one that was read keeps its own.
  for (const auto& layer : initial->layers)
    for (const model::LowRank& low : layer)
      if (low.rank > 0) alpha = low.scale * static_cast<float>(low.rank);
  model::ThreadPool pool;
  TrainableDecoder decoder(*architecture, *weights, std::move(*initial),
                           o.precision == "f32" ? Precision::f32 : Precision::bf16, pool);
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> log(nullptr, std::fclose);
  if (!o.log.empty()) {
    log.reset(std::fopen(o.log.c_str(), "ae"));
    if (!log) return fail(Error{Errc::system, o.log + ": cannot be written"});
  }
  std::signal(SIGINT, [](int) { g_stop.request_stop(); });
  std::signal(SIGTERM, [](int) { g_stop.request_stop(); });
  const auto start = std::chrono::steady_clock::now();
  const bool person = ::isatty(STDERR_FILENO) == 1;
  int first_step = -1;
  const base::Status done = train(
      decoder, *sequences, held_out, o.train,
      [&](const StepReport& r) {
        if (first_step < 0) first_step = r.step - 1;
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        const double left = seconds / (r.step - first_step) * (r.steps - r.step);
        // One line that changes for a person; into a file a line every ten steps.
        if (person || r.step % 10 == 0 || r.step == r.steps)
          std::fprintf(stderr, "%strain: step %d/%d loss %.4f, %.0f tokens/s, %.0f min left   %s",
                       person ? "\r" : "", r.step, r.steps, r.loss, r.tokens_per_s, left / 60,
                       person ? "" : "\n");
        if (r.evaluation >= 0) std::fprintf(stderr, "train: held-out loss %.4f\n", r.evaluation);
        if (!o.train.checkpoint.empty() && r.step % o.train.checkpoint_every == 0)
          (void)model::write_lora(o.out, decoder.lora(), *architecture, alpha)
              .has_value();  // a look at what is there so far
        if (!log) return;
        nlohmann::json line = {{"step", r.step},
                               {"loss", r.loss},
                               {"norm", r.gradient_norm},
                               {"learning_rate", r.learning_rate},
                               {"tokens_per_s", r.tokens_per_s},
                               {"rows_per_s", r.rows_per_s}};
        if (r.evaluation >= 0) line["held_out_loss"] = r.evaluation;
        std::fprintf(log.get(), "%s\n", line.dump().c_str());
        std::fflush(log.get());
      },
      g_stop.get_token());
  std::fprintf(stderr, "\n");
  if (!done) return fail(done.error());
  const base::Status written = model::write_lora(o.out, decoder.lora(), *architecture, alpha);
  if (!written) return fail(written.error());
  std::fprintf(stderr, "train: wrote %s\n", o.out.c_str());
  return kDone;
}

}  // namespace

void add_train(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* c = app.add_subcommand("train", "Tune a LoRA adapter on conversations.");
  c->add_option("--model", options->model, "GGUF checkpoint")->required();
  c->add_option("--adapter", options->adapter,
                "adapter to start from, instead of a fresh one of --lora-rank");
  c->add_option("--data", options->data, "JSON Lines, one conversation a line")->required();
  c->add_option("--eval", options->held_out, "held-out conversations, for their loss");
  c->add_option("--prompt", options->prompt,
                "JSON with the system text and tools that stand before each conversation");
  c->add_option("--out", options->out, "adapter to write (GGUF)")->required();
  c->add_option("--lora-rank", options->rank, "rank of A and B")->check(CLI::Range(1, 256));
  c->add_option("--lora-alpha", options->alpha, "alpha; twice the rank if not given");
  c->add_option("--steps", options->train.steps, "optimizer steps")
      ->required()
      ->check(CLI::Range(1, 10000000));
  c->add_option("--batch-tokens", options->train.batch_tokens, "tokens of one pass")
      ->check(CLI::Range(16, 65536));
  c->add_option("--accumulate", options->train.accumulate, "passes in a step")
      ->check(CLI::Range(1, 1024));
  c->add_option("--max-tokens", options->max_tokens, "longest conversation");
  c->add_flag("--skip-long", options->skip_long,
              "leave out longer conversations instead of refusing");
  c->add_option("--learning-rate", options->train.learning_rate, "peak learning rate");
  c->add_option("--warmup", options->train.warmup_steps, "steps of warm-up");
  c->add_option("--seed", options->train.seed, "order of the data and start of A");
  c->add_option("--checkpoint", options->train.checkpoint, "file to save to and resume from");
  c->add_option("--checkpoint-every", options->train.checkpoint_every, "steps");
  c->add_option("--eval-every", options->train.evaluate_every, "steps");
  c->add_option("--log", options->log, "JSON Lines, a line a step");
  c->add_option("--precision", options->precision, "bf16 (fast) or f32")
      ->check(CLI::IsMember({"bf16", "f32"}));
  c->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace cli
