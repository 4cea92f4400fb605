#include <malloc.h>
#include <unistd.h>

#include <climits>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/file.h"
#include "cli/command.h"
#include "cli/model_store.h"
#include "cli/stop.h"
#include "cli/train_log.h"
#include "model/checkpoint.h"
#include "model/embedder_tensors.h"
#include "model/fingerprint.h"
#include "model/lora_peft.h"
#include "model/quantize.h"
#include "model/training/dataset.h"
#include "model/training/starting_lora.h"
#include "model/training/trainer.h"
#include "model/training/tuned_checkpoint.h"

// Order: everything that can be wrong with the input is found before the weights are packed; then
// steps, a checkpoint every few of them (a killed run resumes from it), and at the end the adapter
// or, after a full tuning, the checkpoint.

namespace cli {
namespace {

using namespace model::training;
using base::Errc;
using base::Error;
using model::Precision;
namespace fs = std::filesystem;

struct TrainSetup {
  std::string model, mmproj, adapter, data, held_out, prompt, out, mmproj_out, log, curve;
  std::string tune = "lora", projections = "all", embedders = "keep", schedule = "cosine",
              precision = "bf16", type = "BF16", choices = "all";
  int image_budget = model::kDefaultImageBudget;
  LoraOptions lora{.alpha = 0};
  DecoderOptions decoder;
  DatasetOptions data_options;
  TrainOptions train;
};

/// The files a training reads. Members point into each other.
struct Files {
  std::optional<model::Checkpoint> checkpoint, media, adapter;
  model::Architecture architecture;
  model::Weights weights;

  /// Where an embedder is: trained with the adapter, in a file of its own, or with the model.
  const model::TensorSource* holding(bool (*present)(const model::TensorSource&)) const {
    for (const std::optional<model::Checkpoint>* file : {&adapter, &media, &checkpoint})
      if (*file && present((*file)->tensors())) return &(*file)->tensors();
    return nullptr;
  }
};

base::Status open_files(const TrainSetup& o, Files& files) {
  const base::Result<fs::path> path = find_checkpoint(o.model);
  if (!path) return path.error();
  auto open = [](const fs::path& from, std::optional<model::Checkpoint>& to) -> base::Status {
    base::Result<model::Checkpoint> opened = model::Checkpoint::open(from);
    if (!opened) return opened.error();
    to = std::move(*opened);
    return base::Ok{};
  };
  base::Status done = open(*path, files.checkpoint);
  if (done && !o.mmproj.empty()) done = open(o.mmproj, files.media);
  if (done && !o.adapter.empty() && !model::is_peft(o.adapter))
    done = open(o.adapter, files.adapter);
  if (!done) return done;
  base::Result<model::Architecture> architecture = files.checkpoint->architecture();
  if (!architecture) return architecture.error();
  files.architecture = std::move(*architecture);
  base::Result<model::Weights> weights =
      model::Weights::bind(files.checkpoint->tensors(), files.architecture);
  if (!weights) return weights.error();
  files.weights = std::move(*weights);
  return base::Ok{};
}

/// Root mean square of the decoder's scaled table rows, by a few hundred of them.
float row_size(const Files& files) {
  const model::Matrix& table = files.weights.embedding;
  std::vector<float> row(static_cast<size_t>(table.in));
  double squares = 0;
  int n = 0;
  for (int i = 0; i < table.out; i += std::max(1, table.out / 512), ++n) {
    table.dequantize(i, 1, row.data());
    for (const float v : row) squares += static_cast<double>(v) * static_cast<double>(v);
  }
  return files.architecture.embedding_scale *
         static_cast<float>(std::sqrt(squares / (static_cast<double>(n) * table.in)));
}

struct Embedders {
  std::optional<model::VisionWeights> vision;
  std::optional<model::AudioWeights> audio;
  bool fresh_vision = false, fresh_audio = false;

  MediaRules rules(int budget) const {
    return {.side = vision ? vision->side : 0,
            .places = vision ? vision->places : 0,
            .budget = budget,
            .frame = audio ? audio->frame : 0};
  }
};

base::Result<Embedders> embedders(const TrainSetup& o, const Files& files) {
  Embedders e;
  const int hidden = files.architecture.hidden;
  if (const model::TensorSource* tensors = files.holding(model::VisionEmbedder::present)) {
    const base::Result<model::VisionEmbedder> v = model::VisionEmbedder::bind(*tensors, hidden);
    if (!v) return v.error();
    e.vision = v->weights();
  }
  if (const model::TensorSource* tensors = files.holding(model::AudioEmbedder::present)) {
    const base::Result<model::AudioEmbedder> a = model::AudioEmbedder::bind(*tensors, hidden);
    if (!a) return a.error();
    e.audio = a->weights();
  }
  if (o.embedders != "new") return e;
  const float size = row_size(files);
  e.fresh_vision = !e.vision;
  e.fresh_audio = !e.audio;
  if (!e.vision) e.vision = fresh_vision(hidden, size, o.train.seed);
  if (!e.audio) e.audio = fresh_audio(hidden, size, o.train.seed);
  return e;
}

/// What is trained, in its form on disk.
base::Status write_result(const TrainSetup& o, const Files& files, TrainableModel& model,
                          float alpha, model::ThreadPool& pool) {
  std::optional<model::VisionWeights> vision;
  std::optional<model::AudioWeights> audio;
  // Those that came with an adapter stay with it, trained or not.
  auto belong = [&](bool (*present)(const model::TensorSource&)) {
    return model.train_embedders || (files.adapter && present(files.adapter->tensors()));
  };
  if (model.vision && belong(model::VisionEmbedder::present)) vision = model.vision->weights();
  if (model.audio && belong(model::AudioEmbedder::present)) audio = model.audio->weights();
  if (o.tune == "lora") {
    std::vector<model::NamedTensor> tensors;
    if (vision) tensors = tensors_of(*vision);
    if (audio)
      for (model::NamedTensor& t : tensors_of(*audio)) tensors.push_back(std::move(t));
    return model::write_lora(o.out, model.decoder.lora(), files.architecture, alpha, tensors);
  }
  base::Status done = write_tuned(*files.checkpoint->gguf(), o.out, model.decoder.parameters(),
                                  *model::tensor_type(o.type), pool);
  if (done && (vision || audio))
    done = model::write_mmproj(o.mmproj_out, vision ? &*vision : nullptr, audio ? &*audio : nullptr,
                               true);
  return done;
}

/// Hash of what decides the bits of a training beside its own options and data: the checkpoint,
/// the factors of the adapter, and the embedders where they stay as they are.
uint64_t variant_of(const TrainSetup& o, const Files& files, const model::Lora& initial,
                    const Embedders& parts) {
  const bool keep = o.embedders == "keep";
  const std::array<float, 3> variant{o.decoder.lora_dropout, o.precision == "f32" ? 1.0f : 0.0f,
                                     keep ? 0.0f : 1.0f};
  uint64_t hash = model::hash_bytes(std::as_bytes(std::span(variant)));
  auto add = [&](std::span<const std::byte> bytes) { hash = model::hash_bytes(bytes, hash); };
  for (const auto& layer : initial.layers)
    for (const model::LowRank& low : layer) add(std::as_bytes(std::span(&low.scale, 1)));
  for (const model::Checkpoint::Named& t : files.checkpoint->named_tensors()) add(t.tensor->data);
  std::vector<model::NamedTensor> kept;
  if (keep && parts.vision) kept = tensors_of(*parts.vision);
  if (keep && parts.audio)
    for (model::NamedTensor& t : tensors_of(*parts.audio)) kept.push_back(std::move(t));
  for (const model::NamedTensor& t : kept) add(std::as_bytes(std::span(t.values)));
  add(std::as_bytes(std::span(o.decoder.choices)));
  return hash;
}

/// The tokens of the data, and the kKept first ones, which are the commonest pieces of text. A loss
/// among these alone leaves the others where the model has them.
std::vector<int32_t> tokens_of(std::initializer_list<const std::vector<Sequence>*> sets,
                               int vocabulary) {
  constexpr int kKept = 8192;
  std::vector<bool> present(static_cast<size_t>(vocabulary), false);
  std::fill_n(present.begin(), std::min(kKept, vocabulary), true);
  for (const std::vector<Sequence>* set : sets)
    for (const Sequence& s : *set) {
      for (const int32_t t : s.tokens) present[static_cast<size_t>(t)] = true;
      for (const int32_t l : s.labels)
        if (l >= 0) present[static_cast<size_t>(l)] = true;
    }
  std::vector<int32_t> list;
  for (int i = 0; i < vocabulary; ++i)
    if (present[static_cast<size_t>(i)]) list.push_back(i);
  return list;
}

void count(const std::vector<Sequence>& sequences) {
  size_t tokens = 0, labels = 0, pictures = 0, sounds = 0;
  for (const Sequence& s : sequences) {
    tokens += s.tokens.size();
    for (const int32_t l : s.labels) labels += l >= 0 ? 1 : 0;
    for (const Medium& m : s.media) ++(m.kind == model::MediaKind::image ? pictures : sounds);
  }
  std::fprintf(stderr, "train: %zu conversations, %zu tokens, %zu with loss", sequences.size(),
               tokens, labels);
  if (pictures + sounds > 0)
    std::fprintf(stderr, ", %zu pictures, %zu pieces of sound", pictures, sounds);
  std::fprintf(stderr, "\n");
}

bool any(const std::vector<Sequence>& sequences, model::MediaKind kind) {
  for (const Sequence& s : sequences)
    for (const Medium& m : s.media)
      if (m.kind == kind) return true;
  return false;
}

/// Finds before the work what would lose it: a file that cannot be written, or that is named twice.
/// Errors: usage, not_found (no such folder), system (it cannot be written to).
base::Status check_outputs(const TrainSetup& o) {
  const base::Result<fs::path> model = find_checkpoint(o.model);
  if (!model) return model.error();
  using Named = std::pair<const char*, fs::path>;
  const Named inputs[] = {{"--model", *model},    {"--data", o.data},       {"--eval", o.held_out},
                          {"--prompt", o.prompt}, {"--adapter", o.adapter}, {"--mmproj", o.mmproj}};
  const Named outputs[] = {{"--out", o.out},
                           {"--mmproj-out", o.mmproj_out},
                           {"--checkpoint", o.train.checkpoint},
                           {"--curve", o.curve},
                           {"--log", o.log}};
  for (const Named& out : outputs) {
    const auto& [option, path] = out;
    if (path.empty()) continue;
    std::error_code ignored;
    // The others get their names when they are whole, so a device would be replaced.
    const bool appended = &out == std::end(outputs) - 1;
    if (fs::is_directory(path, ignored) ||
        (!appended && fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)))
      return Error{Errc::usage, path.string() + ": not a file (" + option + ")"};
    const fs::path folder = fs::absolute(path, ignored).parent_path();
    if (!fs::is_directory(folder, ignored))
      return Error{Errc::not_found, folder.string() + ": no such folder (" + option + ")"};
    if (!appended && ::access(folder.c_str(), W_OK | X_OK) != 0)
      return Error{Errc::system, folder.string() + ": cannot be written to (" + option + ")"};
    auto clash = [&](const Named& other) {
      return Error{Errc::usage,
                   path.string() + ": " + other.first + " and " + option + " are one file"};
    };
    for (const Named& other : outputs) {
      if (&other == &out) break;
      if (!other.second.empty() && base::same_file(path, other.second)) return clash(other);
    }
    for (const Named& other : inputs) {
      if (other.second.empty() || !base::same_file(path, other.second)) continue;
      // An adapter may go on in its own file.
      const bool goes_on =
          &out == outputs && other.first == inputs[4].first && !model::is_peft(o.adapter);
      if (!goes_on) return clash(other);
    }
  }
  return base::Ok{};
}

int run(TrainSetup o) {
  const base::Status writable = check_outputs(o);
  if (!writable) return fail(writable.error());
  Files files;
  const base::Status opened = open_files(o, files);
  if (!opened) return fail(opened.error());
  const bool full = o.tune == "full";
  if (full && files.checkpoint->gguf() == nullptr)
    return fail(Error{Errc::unsupported,
                      o.model + ": a folder; for a full tuning convert it first (tessera model "
                                "convert)"});
  if (full && !o.adapter.empty())
    return fail(Error{Errc::usage, "--adapter belongs to --tune lora"});
  if (full && o.choices == "data")
    return fail(Error{Errc::usage, "--loss-among data belongs to --tune lora"});
  if (full && o.embedders != "keep" && o.mmproj_out.empty())
    return fail(Error{Errc::usage, "--mmproj-out names the file for the trained embedders"});
  const base::Result<std::array<bool, model::kProjections>> projections =
      projections_named(o.projections);
  if (!projections) return fail(projections.error());
  o.lora.projections = *projections;
  base::Result<Embedders> parts = embedders(o, files);
  if (!parts) return fail(parts.error());
  o.data_options.media = parts->rules(o.image_budget);

  const base::Result<model::Tokenizer> tokenizer = files.checkpoint->tokenizer();
  if (!tokenizer) return fail(tokenizer.error());
  if (tokenizer->vocab_size() > files.architecture.vocab_size)
    return fail(Error{Errc::corrupt, o.model + ": " + std::to_string(tokenizer->vocab_size()) +
                                         " pieces, but a table of " +
                                         std::to_string(files.architecture.vocab_size) + " rows"});
  Preamble preamble;
  if (!o.prompt.empty()) {
    base::Result<Preamble> read = Preamble::open(o.prompt);
    if (!read) return fail(read.error());
    preamble = std::move(*read);
  }
  o.data_options.max_tokens = std::min(
      {o.data_options.max_tokens, o.train.batch_tokens, files.architecture.context_length});
  const base::Result<std::vector<Sequence>> sequences =
      read_dataset(o.data, preamble, *tokenizer, o.data_options);
  if (!sequences) return fail(sequences.error());
  std::vector<Sequence> held_out;
  if (!o.held_out.empty()) {
    base::Result<std::vector<Sequence>> read =
        read_dataset(o.held_out, preamble, *tokenizer, o.data_options);
    if (!read) return fail(read.error());
    held_out = std::move(*read);
  }
  count(*sequences);
  // A fresh embedder that nothing speaks to stays away.
  auto spoken_to = [&](model::MediaKind kind) {
    return any(*sequences, kind) || any(held_out, kind);
  };
  if (parts->fresh_vision && !spoken_to(model::MediaKind::image)) parts->vision.reset();
  if (parts->fresh_audio && !spoken_to(model::MediaKind::audio)) parts->audio.reset();
  base::Result<TrainLog> log = TrainLog::open(o.log, o.curve);
  if (!log) return fail(log.error());

  // A pass makes and drops the same large buffers: kept in the heap they need not be zeroed by the
  // kernel each time.
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  model::Lora initial;
  initial.layers.resize(static_cast<size_t>(files.architecture.n_layers));
  if (o.lora.alpha <= 0) o.lora.alpha = static_cast<float>(2 * o.lora.rank);
  o.lora.seed = o.train.seed;
  if (!o.adapter.empty()) {
    base::Result<model::Lora> read = model::Lora::open(o.adapter, files.architecture);
    if (!read) return fail(read.error());
    initial = std::move(*read);
  } else if (!full) {
    initial = starting_lora(files.architecture, o.lora);
  }
  // One alpha is written for the whole adapter, so one that was read keeps its own.
  float alpha = o.lora.alpha;
  for (const auto& layer : initial.layers)
    for (const model::LowRank& low : layer)
      if (low.rank > 0 && low.scale != 0) alpha = low.scale * static_cast<float>(low.rank);
  o.train.schedule = *schedule_named(o.schedule);
  o.decoder.full = full;
  if (o.choices == "data")
    o.decoder.choices = tokens_of({&*sequences, &held_out}, files.architecture.vocab_size);
  o.train.variant = variant_of(o, files, initial, *parts);
  model::ThreadPool pool;
  const Precision precision = o.precision == "f32" ? Precision::f32 : Precision::bf16;
  TrainableModel model{.decoder = TrainableDecoder(files.architecture, files.weights,
                                                   std::move(initial), precision, pool, o.decoder)};
  if (parts->vision) model.vision.emplace(std::move(*parts->vision), precision);
  if (parts->audio) model.audio.emplace(std::move(*parts->audio), precision);
  model.train_embedders = o.embedders != "keep";
  size_t trained = 0;
  for (const Parameter& p : model.parameters()) trained += p.value->size();
  if (trained == 0) return fail(Error{Errc::usage, "nothing is trained"});
  std::fprintf(stderr, "train: %.2f million parameters change\n",
               static_cast<double>(trained) / 1e6);

  stop_on_signals();  // finishes the step, saves, leaves
  bool told = false;
  log->start(o.train.steps);
  const base::Status done = train(
      model, *sequences, held_out, o.train,
      [&](const StepReport& r) {
        log->report(r);
        if (!r.saved || full || r.step == r.steps) return;
        const base::Status look = write_result(o, files, model, alpha, pool);  // so far
        if (!look && !told) {
          log->end_line();
          std::fprintf(stderr, "train: not written: %s\n", look.error().message.c_str());
        }
        told = told || !look;
      },
      pool, program_stop());
  log->end_line();
  // What was stopped without a state to resume from is worth keeping as it is.
  base::Status written = base::Ok{};
  if (done || (done.error().code == Errc::cancelled && o.train.checkpoint.empty())) {
    written = write_result(o, files, model, alpha, pool);
    if (written) std::fprintf(stderr, "train: wrote %s\n", o.out.c_str());
  }
  if (const base::Status drawn = log->draw(); !drawn)
    std::fprintf(stderr, "train: no curve: %s\n", drawn.error().message.c_str());
  if (!written) return fail(written.error());
  if (!done) return fail(done.error());
  return kDone;
}

void add_what(CLI::App* c, TrainSetup& o) {
  c->add_option("--tune", o.tune, "lora (an adapter) or full (every weight)")
      ->check(CLI::IsMember({"lora", "full"}));
  c->add_option("--lora-rank", o.lora.rank, "rank of A and B")->check(CLI::Range(1, 256));
  c->add_option("--lora-alpha", o.lora.alpha, "alpha; twice the rank if not given");
  c->add_option("--lora-dropout", o.decoder.lora_dropout, "share of A's input that is dropped")
      ->check(CLI::Range(0.0, 0.9));
  c->add_option("--lora-projections", o.projections,
                "q, k, v, o, gate, up, down, attention, mlp or all, separated by commas");
  c->add_flag("--rslora", o.lora.rank_stabilized, "scale by alpha / sqrt(rank)");
  c->add_option("--mmproj", o.mmproj, "GGUF with the embedders of pictures and sound");
  c->add_option("--embedders", o.embedders,
                "keep (as they are), train, or new (also start those that are missing)")
      ->check(CLI::IsMember({"keep", "train", "new"}));
  c->add_option("--embedder-rate", o.train.embedder_rate, "their learning rate, as a factor");
  c->add_option("--image-budget", o.image_budget, "most soft tokens of a picture")
      ->check(CLI::IsMember({70, 140, 280, 560, 1120}));
  c->add_option("--mmproj-out", o.mmproj_out, "after a full tuning: GGUF to write for embedders");
  c->add_option("--type", o.type, "after a full tuning: BF16, F16 or F32")
      ->check(CLI::IsMember({"BF16", "F16", "F32"}, CLI::ignore_case));
}

void add_how(CLI::App* c, TrainOptions& t, TrainSetup& o) {
  c->add_option("--steps", t.steps, "optimizer steps")->required()->check(CLI::Range(1, 10000000));
  c->add_option("--batch-tokens", t.batch_tokens, "tokens of one pass")
      ->check(CLI::Range(16, 65536));
  c->add_option("--accumulate", t.accumulate, "passes in a step")->check(CLI::Range(1, 1024));
  c->add_option("--learning-rate", t.learning_rate, "peak learning rate");
  c->add_option("--warmup", t.warmup_steps, "steps of warm-up");
  c->add_option("--schedule", o.schedule, "constant, linear or cosine, after the warm-up")
      ->check(CLI::IsMember({"constant", "linear", "cosine"}));
  c->add_option("--final-rate", t.final_fraction, "of the learning rate, where the schedule ends")
      ->check(CLI::Range(0.0, 1.0));
  c->add_option("--weight-decay", t.weight_decay, "of matrices, as AdamW has it");
  c->add_option("--clip", t.clip, "largest norm of a gradient; 0: any");
  c->add_option("--seed", t.seed, "order of the data, dropout and fresh weights");
  c->add_option("--loss-among", o.choices,
                "all tokens, or data: those that occur in the data and the commonest; faster")
      ->check(CLI::IsMember({"all", "data"}));
  c->add_flag("--recompute", o.decoder.recompute,
              "hold the activations of one layer alone: less memory, a third more work");
  c->add_option("--precision", o.precision, "bf16 (fast) or f32")
      ->check(CLI::IsMember({"bf16", "f32"}));
  c->add_option("--checkpoint", t.checkpoint, "file to save to and resume from");
  c->add_option("--checkpoint-every", t.checkpoint_every, "steps")->check(CLI::Range(1, 10000000));
  c->add_option("--eval-every", t.evaluate_every, "steps")->check(CLI::Range(1, 10000000));
  c->add_option("--log", o.log, "JSON Lines, a line a step");
  c->add_option("--curve", o.curve, "PNG of the loss, drawn at the end");
}

}  // namespace

void add_train(CLI::App& app, Action& action) {
  auto options = std::make_shared<TrainSetup>();
  TrainSetup& o = *options;
  CLI::App* c = app.add_subcommand("train", "Tune a model, or an adapter to it, on conversations.");
  c->add_option("--model", o.model, "checkpoint (GGUF file or folder)")->required();
  c->add_option("--adapter", o.adapter,
                "adapter to start from, instead of a fresh one of --lora-rank");
  c->add_option("--data", o.data, "JSON Lines, one conversation a line")->required();
  c->add_option("--eval", o.held_out, "held-out conversations, for their loss");
  c->add_option("--prompt", o.prompt,
                "JSON with the system text and tools that stand before each conversation");
  c->add_option("--max-tokens", o.data_options.max_tokens, "longest conversation");
  c->add_flag("--skip-long", o.data_options.skip_long,
              "leave out longer conversations instead of refusing");
  c->add_option("--out", o.out, "adapter or checkpoint to write (GGUF)")->required();
  add_what(c, o);
  add_how(c, o.train, o);
  c->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace cli
