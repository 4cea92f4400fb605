#include "model/training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

#include "base/file.h"

// Checkpoint, little-endian: "TSRACKP1" | u64 steps done | u64 floats per part | parameters | first
// moments | second moments. The three parts list every A and B in layer and projection order.

namespace model::training {

using base::Errc;
using base::Error;

namespace {

constexpr char kMagic[] = "TSRACKP1";

template <class Visit>
void for_each_vector(Lora& lora, Visit&& visit) {
  for (auto& layer : lora.layers)
    for (LowRank& low : layer)
      if (low.rank > 0) {
        visit(low.a);
        visit(low.b);
      }
}

uint64_t parameter_count(Lora& lora) {
  uint64_t n = 0;
  for_each_vector(lora, [&](std::vector<float>& v) { n += v.size(); });
  return n;
}

base::Status save(const std::filesystem::path& path, Lora& parameters, AdamW& optimizer) {
  std::string bytes(kMagic, 8);
  auto append = [&](const void* p, size_t n) { bytes.append(static_cast<const char*>(p), n); };
  const uint64_t steps = static_cast<uint64_t>(optimizer.steps),
                 count = parameter_count(parameters);
  append(&steps, 8);
  append(&count, 8);
  for (Lora* part : {&parameters, &optimizer.first, &optimizer.second})
    for_each_vector(*part,
                    [&](std::vector<float>& v) { append(v.data(), v.size() * sizeof(float)); });
  return base::write_file(path, bytes);
}

base::Status load(const std::filesystem::path& path, Lora& parameters, AdamW& optimizer) {
  base::Result<std::string> bytes = base::read_file(path, size_t{1} << 32);
  if (!bytes) return bytes.error();
  const uint64_t count = parameter_count(parameters);
  uint64_t header[2] = {};
  if (bytes->size() != 24 + 3 * count * sizeof(float) || bytes->compare(0, 8, kMagic) != 0)
    return Error{
        Errc::corrupt,
        path.string() + ": not a checkpoint of this model and rank; remove it to start anew"};
  std::memcpy(header, bytes->data() + 8, 16);
  if (header[1] != count)
    return Error{Errc::corrupt, path.string() + ": its count of parameters is wrong"};
  optimizer.steps = static_cast<int64_t>(header[0]);
  const char* at = bytes->data() + 24;
  for (Lora* part : {&parameters, &optimizer.first, &optimizer.second})
    for_each_vector(*part, [&](std::vector<float>& v) {
      std::memcpy(v.data(), at, v.size() * sizeof(float));
      at += v.size() * sizeof(float);
    });
  return base::Ok{};
}

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

size_t common_prefix(const std::vector<Sequence>& sequences) {
  size_t shared = sequences[0].tokens.size();
  for (const Sequence& s : sequences) {
    size_t i = 0;
    while (i < shared && i < s.tokens.size() && s.tokens[i] == sequences[0].tokens[i]) ++i;
    shared = i;
  }
  return shared;
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

int labelled(const PackedBatch& batch) {
  return static_cast<int>(
      std::count_if(batch.labels.begin(), batch.labels.end(), [](int32_t l) { return l >= 0; }));
}

double evaluate(TrainableDecoder& decoder, const std::vector<Sequence>& sequences, size_t rows) {
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
    loss += decoder.loss(batch, 1.0f, false);
    tokens += labelled(batch);
  }
  return loss / std::max(tokens, 1);
}

}  // namespace

base::Status train(TrainableDecoder& decoder, const std::vector<Sequence>& sequences,
                   const std::vector<Sequence>& held_out, const TrainOptions& options,
                   const std::function<void(const StepReport&)>& report, std::stop_token stop) {
  AdamW optimizer(decoder.lora());
  optimizer.weight_decay = options.weight_decay;
  if (!options.checkpoint.empty() && std::filesystem::exists(options.checkpoint)) {
    const base::Status loaded = load(options.checkpoint, decoder.lora(), optimizer);
    if (!loaded) return loaded.error();
  }
  const size_t prefix = sequences.size() > 1 ? common_prefix(sequences) : 0;
  const size_t rows = static_cast<size_t>(options.batch_tokens);
  for (const Sequence& s : sequences)
    if (s.tokens.size() > rows)
      return Error{Errc::usage, "a conversation of " + std::to_string(s.tokens.size()) +
                                    " tokens does not fit a batch of " + std::to_string(rows) +
                                    " (--batch-tokens)"};
  Order order(sequences.size(), options.seed);
  using Clock = std::chrono::steady_clock;
  for (int step = 0; step < options.steps; ++step) {
    const Clock::time_point start = Clock::now();
    std::vector<PackedBatch> batches;
    size_t tokens = 0, batch_rows = 0;
    int labels = 0;
    for (int i = 0; i < options.accumulate; ++i) {
      const std::vector<const Sequence*> taken = take(order, sequences, prefix, rows);
      for (const Sequence* s : taken) tokens += s->tokens.size();
      batches.push_back(pack(taken));
      batch_rows += static_cast<size_t>(batches.back().rows());
      labels += labelled(batches.back());
    }
    if (step < optimizer.steps) continue;  // done before the checkpoint; only the order moves on
    decoder.clear_gradient();
    double loss = 0;
    for (const PackedBatch& batch : batches)
      loss += decoder.loss(batch, 1.0f / static_cast<float>(std::max(labels, 1)), true);
    const double size = norm(decoder.gradient());
    if (!std::isfinite(size) || !std::isfinite(loss))
      return Error{Errc::internal, "step " + std::to_string(step + 1) +
                                       ": the loss is not finite; lower --learning-rate"};
    if (options.clip > 0 && size > static_cast<double>(options.clip)) {
      const float shrink = static_cast<float>(static_cast<double>(options.clip) / size);
      for_each_vector(decoder.gradient(), [&](std::vector<float>& v) {
        for (float& x : v) x *= shrink;
      });
    }
    const double progress = static_cast<double>(step) / std::max(options.steps, 1);
    const double cosine = 0.5 * (1 + std::cos(progress * 3.14159265358979));
    const double floor = static_cast<double>(options.final_fraction);
    double rate = static_cast<double>(options.learning_rate) * (floor + (1 - floor) * cosine);
    if (step < options.warmup_steps) rate *= static_cast<double>(step + 1) / options.warmup_steps;
    optimizer.step(decoder.lora(), decoder.gradient(), static_cast<float>(rate));

    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    StepReport r{.step = step + 1,
                 .steps = options.steps,
                 .loss = loss,
                 .gradient_norm = size,
                 .learning_rate = static_cast<float>(rate),
                 .tokens_per_s = static_cast<double>(tokens) / seconds,
                 .rows_per_s = static_cast<double>(batch_rows) / seconds};
    const bool last = step + 1 == options.steps;
    if (!held_out.empty() && ((step + 1) % options.evaluate_every == 0 || last))
      r.evaluation = evaluate(decoder, held_out, rows);
    report(r);
    if (!options.checkpoint.empty() &&
        ((step + 1) % options.checkpoint_every == 0 || last || stop.stop_requested())) {
      const base::Status saved = save(options.checkpoint, decoder.lora(), optimizer);
      if (!saved) return saved.error();
    }
    if (stop.stop_requested())
      return Error{Errc::cancelled, "stopped after step " + std::to_string(step + 1)};
  }
  return base::Ok{};
}

}  // namespace model::training
