#include "model/model.h"

#include <algorithm>

namespace model {

using base::Errc;
using base::Error;

static constexpr int kChunk = 512;  // positions of one pass

base::Result<Engine> Engine::load(const std::filesystem::path& path, const LoadOptions& options) {
  base::Result<Checkpoint> file = Checkpoint::open(path);
  if (!file) return file.error();
  base::Result<Architecture> architecture = file->architecture();
  if (!architecture) return architecture.error();
  base::Result<Weights> weights = Weights::bind(file->tensors(), *architecture);
  if (!weights) return weights.error();
  base::Result<Tokenizer> tokenizer = file->tokenizer();
  if (!tokenizer) return tokenizer.error();
  std::optional<Lora> lora;
  if (!options.adapter.empty()) {
    base::Result<Lora> opened = Lora::open(options.adapter, *architecture);
    if (!opened) return opened.error();
    lora = std::move(*opened);
  }
  auto parts = std::make_unique<Parts>(Parts{std::move(*file), std::move(*architecture),
                                             std::move(*weights), std::move(*tokenizer),
                                             std::make_unique<ThreadPool>(options.threads)});
  parts->decoder.emplace(parts->architecture, parts->weights, lora ? &*lora : nullptr,
                         options.precision, *parts->pool);
  return Engine(std::move(parts));
}

Session::Session(const Engine& engine, int context)
    : engine_(engine),
      cache_(engine.architecture(), std::min(context, engine.context_length()), kChunk),
      logits_(static_cast<size_t>(engine.architecture().vocab_size)) {}

base::Status Session::check(std::span<const Position> prompt) const {
  if (prompt.empty()) return Error{Errc::usage, "the prompt is empty"};
  if (prompt.size() > static_cast<size_t>(cache_.context()))
    return Error{Errc::limit, "the prompt has " + std::to_string(prompt.size()) +
                                  " tokens, the context holds " + std::to_string(cache_.context())};
  for (const Position& p : prompt) {
    if (p.id < 0 || p.id >= engine_.architecture().vocab_size)
      return Error{Errc::usage, "token id " + std::to_string(p.id) +
                                    " is outside the vocabulary of " +
                                    std::to_string(engine_.architecture().vocab_size)};
    if (!p.soft.empty() && p.soft.size() != static_cast<size_t>(engine_.architecture().hidden))
      return Error{Errc::usage, "a soft token has " + std::to_string(p.soft.size()) +
                                    " values, expected " +
                                    std::to_string(engine_.architecture().hidden)};
  }
  return base::Ok{};
}

void Session::run(std::span<const Position> chunk) {
  const size_t hidden = static_cast<size_t>(engine_.architecture().hidden);
  stream_.resize(std::max(stream_.size(), chunk.size() * hidden));
  for (size_t i = 0; i < chunk.size(); ++i) {
    if (chunk[i].soft.empty())
      engine_.parts_->decoder->embed(chunk[i].id, stream_.data() + i * hidden);
    else
      std::copy(chunk[i].soft.begin(), chunk[i].soft.end(),
                stream_.begin() + static_cast<int64_t>(i * hidden));
    held_.push_back(chunk[i].soft.empty() ? chunk[i].id : -1);
  }
  engine_.parts_->decoder->forward(stream_, static_cast<int>(chunk.size()), cache_, work_,
                                   *engine_.parts_->pool);
}

base::Result<PrefillStats> Session::prefill(std::span<const Position> prompt,
                                            std::stop_token stop) {
  const base::Status checked = check(prompt);
  if (!checked) return checked.error();
  size_t shared = 0;
  while (shared < held_.size() && shared < prompt.size() && held_[shared] == prompt[shared].id &&
         prompt[shared].soft.empty())
    ++shared;
  shared =
      std::min(shared, prompt.size() - 1);  // the logits of the last position are computed anew
  if (!cache_.truncate(static_cast<int>(shared))) {
    shared = 0;
    cache_.truncate(0);
  }
  held_.resize(shared);
  PrefillStats stats{.reused = static_cast<int>(shared)};
  size_t n = 0;
  for (size_t at = shared; at < prompt.size(); at += n) {
    if (stop.stop_requested()) return Error{Errc::cancelled, "stopped while reading the prompt"};
    n = std::min<size_t>(kChunk, prompt.size() - at);
    run(prompt.subspan(at, n));
    stats.computed += static_cast<int>(n);
  }
  const size_t hidden = static_cast<size_t>(engine_.architecture().hidden);
  engine_.parts_->decoder->logits(stream_.data() + (n - 1) * hidden, logits_,
                                  *engine_.parts_->pool);
  return stats;
}

base::Status Session::decode(TokenId token) {
  if (cache_.size() + 1 > cache_.context())
    return Error{Errc::limit,
                 "the context of " + std::to_string(cache_.context()) + " tokens is full"};
  const Position position{.id = token};
  const base::Status checked = check({&position, 1});
  if (!checked) return checked.error();
  run({&position, 1});
  engine_.parts_->decoder->logits(stream_.data(), logits_, *engine_.parts_->pool);
  return base::Ok{};
}

base::Result<std::vector<float>> Session::all_logits(std::span<const Position> prompt) {
  const base::Status checked = check(prompt);
  if (!checked) return checked.error();
  cache_.truncate(0);
  held_.clear();
  const size_t vocab = static_cast<size_t>(engine_.architecture().vocab_size);
  const size_t hidden = static_cast<size_t>(engine_.architecture().hidden);
  if (prompt.size() > (size_t{8} << 30) / (vocab * sizeof(float)))
    return Error{Errc::limit,
                 "logits of " + std::to_string(prompt.size()) + " positions would take over 8 GiB"};
  std::vector<float> out(prompt.size() * vocab);
  for (size_t at = 0; at < prompt.size(); at += kChunk) {
    const size_t n = std::min<size_t>(kChunk, prompt.size() - at);
    run(prompt.subspan(at, n));
    for (size_t i = 0; i < n; ++i)
      engine_.parts_->decoder->logits(stream_.data() + i * hidden,
                                      std::span(out).subspan((at + i) * vocab, vocab),
                                      *engine_.parts_->pool);
  }
  return out;
}

}  // namespace model
