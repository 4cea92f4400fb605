#include "model/training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <random>

#include "model/fingerprint.h"
#include "model/training/random.h"
#include "model/training/resume.h"

namespace model::training {

using base::Errc;
using base::Error;

namespace {

/// Endless passes over the data, shuffled anew in each; knows only the seed and how far it is.
class Order {
 public:
  Order(size_t n, uint64_t seed) : seed_(seed), indices_(n) { shuffle(); }
  size_t peek() const { return indices_[at_]; }
  void next() {
    if (++at_ < indices_.size()) return;
    at_ = 0;
    ++pass_;
    shuffle();
  }

 private:
  void shuffle() {
    std::iota(indices_.begin(), indices_.end(), size_t{0});
    std::mt19937_64 random(seed_ * 1000003 + pass_);
    for (size_t i = indices_.size(); i > 1; --i) std::swap(indices_[i - 1], indices_[random() % i]);
  }
  uint64_t seed_, pass_ = 0;
  size_t at_ = 0;
  std::vector<size_t> indices_;
};

std::vector<const Sequence*> pointers(const std::vector<Sequence>& sequences) {
  std::vector<const Sequence*> list;
  for (const Sequence& s : sequences) list.push_back(&s);
  return list;
}

/// The next sequences of `order` that fit into `rows` rows.
std::vector<const Sequence*> take(Order& order, const std::vector<Sequence>& sequences,
                                  size_t prefix, size_t rows) {
  std::vector<const Sequence*> taken;
  size_t used = prefix;
  for (;;) {
    const Sequence& s = sequences[order.peek()];
    const size_t own = s.tokens.size() - prefix;
    if (!taken.empty() && used + own > rows) return taken;
    used += own;
    taken.push_back(&s);
    order.next();
  }
}

base::Result<double> evaluate(TrainableModel& model, const std::vector<Sequence>& sequences,
                              size_t rows, ThreadPool& pool) {
  double loss = 0;
  int tokens = 0;
  for (size_t i = 0; i < sequences.size();) {
    std::vector<const Sequence*> group;
    for (size_t used = 0;
         i < sequences.size() && (group.empty() || used + sequences[i].tokens.size() <= rows);
         ++i) {
      used += sequences[i].tokens.size();
      group.push_back(&sequences[i]);
    }
    const PackedBatch batch = pack(group);
    const base::Result<double> part = model.loss(batch, 1.0f, false, 0, pool);
    if (!part) return part.error();
    loss += *part;
    tokens += batch.labelled();
  }
  return loss / std::max(tokens, 1);
}

/// What identifies a training: its data, what it changes and all that decides the bits.
uint64_t run_of(const TrainOptions& o, const std::vector<Sequence>& sequences,
                const Parameters& parameters) {
  uint64_t hash = o.variant;
  auto add = [&](const auto& values) { hash = hash_bytes(std::as_bytes(std::span(values)), hash); };
  for (const Sequence& s : sequences) {
    add(s.tokens);
    add(s.labels);
    for (const Medium& m : s.media) add(m.path.native());
  }
  for (const Parameter& p : parameters) {
    add(p.name);
    add(p.shape);
  }
  add(std::array{o.steps, o.batch_tokens, o.accumulate, o.warmup_steps,
                 static_cast<int>(o.schedule)});
  add(std::array{o.learning_rate, o.embedder_rate, o.final_fraction, o.weight_decay, o.clip});
  add(std::array{o.seed});
  return hash;
}

}  // namespace

std::optional<Schedule> schedule_named(std::string_view name) {
  if (name == "constant") return Schedule::constant;
  if (name == "linear") return Schedule::linear;
  if (name == "cosine") return Schedule::cosine;
  return std::nullopt;
}

float learning_rate(const TrainOptions& o, int step) {
  const double progress = static_cast<double>(step) / std::max(o.steps, 1);
  double left = 1;
  if (o.schedule == Schedule::linear) left = 1 - progress;
  if (o.schedule == Schedule::cosine) left = 0.5 * (1 + std::cos(progress * 3.14159265358979));
  const double floor = static_cast<double>(o.final_fraction);
  double rate = static_cast<double>(o.learning_rate) * (floor + (1 - floor) * left);
  if (step < o.warmup_steps) rate *= static_cast<double>(step + 1) / o.warmup_steps;
  return static_cast<float>(rate);
}

base::Status train(TrainableModel& model, const std::vector<Sequence>& sequences,
                   const std::vector<Sequence>& held_out, const TrainOptions& options,
                   const std::function<void(const StepReport&)>& report, ThreadPool& pool,
                   std::stop_token stop) {
  const size_t rows = static_cast<size_t>(options.batch_tokens);
  for (const std::vector<Sequence>* set : {&sequences, &held_out})
    for (const Sequence& s : *set)
      if (s.tokens.size() > rows)
        return Error{Errc::usage, "a conversation of " + std::to_string(s.tokens.size()) +
                                      " tokens does not fit a batch of " + std::to_string(rows) +
                                      " (--batch-tokens)"};
  const Parameters parameters = model.parameters();
  AdamW optimizer(parameters);
  optimizer.weight_decay = options.weight_decay;
  optimizer.embedder_rate = options.embedder_rate;
  const uint64_t run = run_of(options, sequences, parameters);
  if (!options.checkpoint.empty() && std::filesystem::exists(options.checkpoint)) {
    const base::Status loaded = load_state(options.checkpoint, parameters, optimizer, run);
    if (!loaded) return loaded.error();
    model.decoder.refresh();
  }
  const size_t prefix = common_prefix(pointers(sequences));
  Order order(sequences.size(), options.seed);
  using Clock = std::chrono::steady_clock;
  for (int step = 0; step < options.steps; ++step) {
    const Clock::time_point start = Clock::now();
    std::vector<std::vector<const Sequence*>> passes;
    for (int pass = 0; pass < options.accumulate; ++pass)
      passes.push_back(take(order, sequences, prefix, rows));
    if (step < optimizer.steps) continue;  // done before the checkpoint; only the order moves on
    std::vector<PackedBatch> batches;
    int labels = 0;
    size_t tokens = 0, batch_rows = 0;
    for (const std::vector<const Sequence*>& taken : passes) {
      for (const Sequence* s : taken) tokens += s->tokens.size();
      batches.push_back(pack(taken));
      batch_rows += static_cast<size_t>(batches.back().rows());
      labels += batches.back().labelled();
    }
    clear_gradients(parameters);
    double loss = 0;
    for (size_t pass = 0; pass < batches.size(); ++pass) {
      const uint64_t noise = mix(options.seed ^ mix(static_cast<uint64_t>(step) * 4096 + pass)) | 1;
      const base::Result<double> part = model.loss(
          batches[pass], 1.0f / static_cast<float>(std::max(labels, 1)), true, noise, pool);
      if (!part) return part.error();
      loss += *part;
    }
    const double size = gradient_norm(parameters, pool);
    if (!std::isfinite(size) || !std::isfinite(loss))
      return Error{Errc::internal, "step " + std::to_string(step + 1) +
                                       ": the loss is not finite; lower --learning-rate"};
    if (options.clip > 0 && size > static_cast<double>(options.clip))
      scale_gradients(parameters, static_cast<float>(static_cast<double>(options.clip) / size),
                      pool);
    const float rate = learning_rate(options, step);
    optimizer.step(parameters, rate, pool);
    model.decoder.refresh();

    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    StepReport r{.step = step + 1,
                 .steps = options.steps,
                 .loss = loss,
                 .gradient_norm = size,
                 .learning_rate = rate,
                 .tokens_per_s = static_cast<double>(tokens) / seconds,
                 .rows_per_s = static_cast<double>(batch_rows) / seconds};
    const bool last = step + 1 == options.steps;
    if (!held_out.empty() && ((step + 1) % options.evaluate_every == 0 || last)) {
      const base::Result<double> held = evaluate(model, held_out, rows, pool);
      if (!held) return held.error();
      r.evaluation = *held;
    }
    if (!options.checkpoint.empty() &&
        ((step + 1) % options.checkpoint_every == 0 || last || stop.stop_requested())) {
      const base::Status saved = save_state(options.checkpoint, parameters, optimizer, run);
      if (!saved) return saved.error();
      r.saved = true;
    }
    report(r);
    if (stop.stop_requested())
      return Error{Errc::cancelled, "stopped after step " + std::to_string(step + 1)};
  }
  return base::Ok{};
}

}  // namespace model::training
