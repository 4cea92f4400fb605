#include "model/model.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "model/hub_config.h"

namespace model {

using base::Errc;
using base::Error;

static constexpr int kChunk = 512;            // positions of one pass, unless an image is longer
static constexpr int kMaxImageTokens = 1120;  // the largest budget

base::Result<Engine> Engine::load(const std::filesystem::path& path, const LoadOptions& options) {
  base::Result<Checkpoint> file = Checkpoint::open(path);
  if (!file) return file.error();
  if (file->kind() == CheckpointKind::drafter)
    return Error{Errc::usage, path.filename().string() +
                                  ": this is a drafter; it speeds up the model it was made for"};
  if (file->kind() == CheckpointKind::projector)
    return Error{Errc::usage,
                 path.filename().string() +
                     ": holds only embedders of pictures and sound; give it as --mmproj "
                     "beside the model"};
  base::Result<Architecture> architecture = file->architecture();
  if (!architecture) return architecture.error();
  base::Result<Weights> weights = Weights::bind(file->tensors(), *architecture);
  if (!weights) return weights.error();
  std::optional<Tokenizer> tokenizer;
  if (base::Result<Tokenizer> read = file->tokenizer())
    tokenizer = std::move(*read);
  else if (options.need_tokenizer)
    return read.error();
  std::optional<Lora> lora;
  if (!options.adapter.empty()) {
    base::Result<Lora> opened = Lora::open(options.adapter, *architecture);
    if (!opened) return opened.error();
    lora = std::move(*opened);
  }
  std::optional<Checkpoint> media_file;
  if (!options.mmproj.empty()) {
    base::Result<Checkpoint> opened = Checkpoint::open(options.mmproj);
    if (!opened) return opened.error();
    media_file = std::move(*opened);
  }
  auto parts = std::make_unique<Parts>(
      Parts{std::move(*file), std::move(media_file), std::move(*architecture), std::move(*weights),
            std::move(tokenizer), std::make_unique<ThreadPool>(options.threads)});
  const TensorSource& media =
      parts->media_file ? parts->media_file->tensors() : parts->file.tensors();
  const int hidden = parts->architecture.hidden;
  if (VisionEmbedder::present(media)) {
    base::Result<VisionEmbedder> vision = VisionEmbedder::bind(media, hidden);
    if (!vision) return vision.error();
    parts->vision = std::move(*vision);
  }
  if (AudioEmbedder::present(media)) {
    base::Result<AudioEmbedder> audio = AudioEmbedder::bind(media, hidden);
    if (!audio) return audio.error();
    parts->audio = std::move(*audio);
  }
  if (parts->media_file && !parts->vision && !parts->audio)
    return Error{Errc::usage,
                 options.mmproj.filename().string() +
                     ": holds no embedder of pictures or sound (no v.patch_embd.weight, "
                     "no mm.a.input_projection.weight)"};
  parts->decoder.emplace(parts->architecture, parts->weights, lora ? &*lora : nullptr,
                         options.precision, options.max_packed_bytes, *parts->pool);
  return Engine(std::move(parts));
}

MediaIds Engine::media_ids() const {
  if (const HubConfig* hub = parts_->file.hub(); hub != nullptr && hub->media.image >= 0)
    return {hub->media.image, hub->media.audio, hub->media.video};
  if (!parts_->tokenizer) return {};
  const Tokenizer& t = *parts_->tokenizer;
  return {t.special(Special::image), t.special(Special::audio), t.special(Special::video)};
}

base::Result<SoftTokens> Engine::embed_image(const media::Pixels& picture, int budget) const {
  if (!sees())
    return Error{Errc::unsupported,
                 "this checkpoint does not see pictures; give the file with its vision embedder "
                 "(--mmproj)"};
  return parts_->vision->embed(picture, budget, PixelScale::multiply, *parts_->pool);
}

base::Result<SoftTokens> Engine::embed_frame(const media::Pixels& video_frame) const {
  if (!sees())
    return Error{Errc::unsupported,
                 "this checkpoint does not see video; give the file with its vision embedder "
                 "(--mmproj)"};
  return parts_->vision->embed(video_frame, kVideoFrameBudget, PixelScale::divide, *parts_->pool);
}

base::Result<SoftTokens> Engine::embed_audio(std::span<const float> samples) const {
  if (!hears())
    return Error{Errc::unsupported,
                 "this checkpoint does not hear; give the file with its audio embedder (--mmproj)"};
  return parts_->audio->embed(samples, *parts_->pool);
}

base::Result<Lora> Engine::open_adapter(const std::filesystem::path& path) const {
  return Lora::open(path, parts_->architecture);
}

Session::Session(const Engine& engine, int context)
    : engine_(engine),
      cache_(engine.architecture(), std::min(context, engine.context_length()),
             engine.sees() ? std::max(kChunk, kMaxImageTokens) : kChunk,
             engine.parts_->decoder->precision() == Precision::f32 ? KvType::f32 : KvType::f16),
      logits_(static_cast<size_t>(engine.architecture().vocab_size)) {}

Session::Held Session::held(const Position& position) {
  Held h{.id = position.id, .soft = 0, .patch = position.patch};
  if (!position.soft.empty()) {
    h.soft = 14695981039346656037u;  // FNV-1a over the words
    for (const float v : position.soft) {
      uint32_t bits;
      std::memcpy(&bits, &v, sizeof bits);
      h.soft = (h.soft ^ bits) * 1099511628211u;
    }
    h.soft |= 1;
  }
  return h;
}

void Session::clear() {
  cache_.truncate(0);
  held_.clear();
}

void Session::set_adapter(std::shared_ptr<const Lora> adapter) {
  if (adapter != adapter_) clear();
  adapter_ = std::move(adapter);
}

void Session::set_mask(ImageMask mask) {
  if (mask != mask_) clear();
  mask_ = mask;
}

base::Status Session::check(std::span<const Position> prompt) const {
  if (prompt.empty()) return Error{Errc::usage, "the prompt is empty"};
  if (prompt.size() > static_cast<size_t>(cache_.context()))
    return Error{Errc::limit, "the prompt has " + std::to_string(prompt.size()) +
                                  " tokens, the context holds " + std::to_string(cache_.context())};
  int image = 0;
  for (const Position& p : prompt) {
    if (p.id < 0 || p.id >= engine_.architecture().vocab_size)
      return Error{Errc::usage, "token id " + std::to_string(p.id) +
                                    " is outside the vocabulary of " +
                                    std::to_string(engine_.architecture().vocab_size)};
    if (!p.soft.empty() && p.soft.size() != static_cast<size_t>(engine_.architecture().hidden))
      return Error{Errc::usage, "a soft token has " + std::to_string(p.soft.size()) +
                                    " values, expected " +
                                    std::to_string(engine_.architecture().hidden)};
    image = p.patch ? image + 1 : 0;
    if (image > cache_.slack())
      return Error{Errc::limit, "an image of more than " + std::to_string(cache_.slack()) +
                                    " tokens; two pictures need a token between them"};
  }
  return base::Ok{};
}

size_t Session::chunk_length(std::span<const Position> prompt, size_t at) {
  const size_t left = prompt.size() - at;
  if (left <= kChunk) return left;
  size_t end = at + kChunk;
  if (!prompt[end - 1].patch || !prompt[end].patch) return kChunk;
  size_t begin = end;  // of the image that the border would cut
  while (begin > at && prompt[begin - 1].patch) --begin;
  if (begin > at) return begin - at;
  while (end < prompt.size() && prompt[end].patch) ++end;
  return end - at;
}

void Session::run(std::span<const Position> chunk) {
  const size_t hidden = static_cast<size_t>(engine_.architecture().hidden);
  stream_.resize(std::max(stream_.size(), chunk.size() * hidden));
  const int past = cache_.size();
  std::vector<ImageBlock> images;
  for (size_t i = 0; i < chunk.size(); ++i) {
    if (chunk[i].soft.empty())
      engine_.parts_->decoder->embed(chunk[i].id, stream_.data() + i * hidden);
    else
      std::copy(chunk[i].soft.begin(), chunk[i].soft.end(),
                stream_.begin() + static_cast<int64_t>(i * hidden));
    held_.push_back(held(chunk[i]));
    if (!chunk[i].patch) continue;
    images.resize(chunk.size());
    size_t begin = i, end = i;
    while (begin > 0 && chunk[begin - 1].patch) --begin;
    while (end < chunk.size() && chunk[end].patch) ++end;
    images[i] = {past + static_cast<int>(begin), past + static_cast<int>(end)};
  }
  engine_.parts_->decoder->forward(stream_, static_cast<int>(chunk.size()),
                                   {.images = images, .mask = mask_, .adapter = adapter_.get()},
                                   cache_, work_, *engine_.parts_->pool);
  const auto last = stream_.begin() + static_cast<int64_t>((chunk.size() - 1) * hidden);
  hidden_.assign(last, last + static_cast<int64_t>(hidden));
}

base::Result<PrefillStats> Session::prefill(std::span<const Position> prompt,
                                            std::stop_token stop) {
  const base::Status checked = check(prompt);
  if (!checked) return checked.error();
  size_t shared = 0;
  while (shared < held_.size() && shared < prompt.size() && held_[shared] == held(prompt[shared]))
    ++shared;
  // The logits of the last position are computed anew; an image is computed as a whole, since its
  // patches see each other.
  shared = std::min(shared, prompt.size() - 1);
  while (shared > 0 && prompt[shared - 1].patch &&
         (prompt[shared].patch || (shared < held_.size() && held_[shared].patch)))
    --shared;
  if (!cache_.truncate(static_cast<int>(shared))) {
    shared = 0;
    cache_.truncate(0);
  }
  held_.resize(shared);
  PrefillStats stats{.reused = static_cast<int>(shared)};
  size_t n = 0;
  for (size_t at = shared; at < prompt.size(); at += n) {
    if (stop.stop_requested()) return Error{Errc::cancelled, "stopped while reading the prompt"};
    n = chunk_length(prompt, at);
    run(prompt.subspan(at, n));
    stats.computed += static_cast<int>(n);
  }
  engine_.parts_->decoder->logits(hidden_.data(), 1, logits_.data(), *engine_.parts_->pool);
  n_extended_ = 0;
  return stats;
}

base::Status Session::decode(TokenId token) {
  const base::Status extended = extend({&token, 1});
  if (!extended) return extended.error();
  keep(1);
  return base::Ok{};
}

base::Status Session::extend(std::span<const TokenId> tokens) {
  if (tokens.empty() || tokens.size() > kChunk)
    return Error{Errc::usage, std::to_string(tokens.size()) + " tokens in one pass"};
  if (static_cast<size_t>(cache_.size()) + tokens.size() > static_cast<size_t>(cache_.context()))
    return Error{Errc::limit,
                 "the context of " + std::to_string(cache_.context()) + " tokens is full"};
  std::vector<Position> positions;
  for (const TokenId token : tokens) positions.push_back({.id = token});
  const base::Status checked = check(positions);
  if (!checked) return checked.error();
  run(positions);
  n_extended_ = static_cast<int>(tokens.size());
  extended_.resize(tokens.size() * logits_.size());
  engine_.parts_->decoder->logits(stream_.data(), n_extended_, extended_.data(),
                                  *engine_.parts_->pool);
  return base::Ok{};
}

std::span<const float> Session::logits_after(int i) const {
  return std::span(extended_).subspan(static_cast<size_t>(i) * logits_.size(), logits_.size());
}

void Session::keep(int n) {
  n = std::clamp(n, 1, n_extended_);
  const size_t hidden = static_cast<size_t>(engine_.architecture().hidden);
  const int size = cache_.size() - (n_extended_ - n);
  // Cannot fail: a chunk is shorter than the slack of the ring.
  cache_.truncate(size);
  held_.resize(static_cast<size_t>(size));
  const auto row = stream_.begin() + static_cast<int64_t>(static_cast<size_t>(n - 1) * hidden);
  hidden_.assign(row, row + static_cast<int64_t>(hidden));
  const std::span<const float> logits = logits_after(n - 1);
  std::copy(logits.begin(), logits.end(), logits_.begin());
  n_extended_ = 0;
}

void Session::fill_with_noise(int n, uint64_t seed) {
  clear();
  std::mt19937_64 random(seed);
  cache_.extend(n);
  const Architecture& a = engine_.architecture();
  std::vector<float> noise(8192 +
                           64 * static_cast<size_t>(a.key_width(0) + a.key_width(a.n_layers - 1)));
  for (float& v : noise) v = static_cast<float>(random() >> 40) / static_cast<float>(1 << 23) - 1;
  for (int layer = 0; layer < a.n_layers; ++layer)
    for (int p = 0; p < n; ++p) {
      const float* row = noise.data() + random() % 8192;
      cache_.write(layer, p, row, row);
    }
  held_.assign(static_cast<size_t>(n), Held{.id = -1, .soft = 0, .patch = false});
}

base::Result<std::vector<float>> Session::all_logits(std::span<const Position> prompt) {
  const base::Status checked = check(prompt);
  if (!checked) return checked.error();
  clear();
  const size_t vocab = logits_.size();
  if (prompt.size() > (size_t{8} << 30) / (vocab * sizeof(float)))
    return Error{Errc::limit,
                 "logits of " + std::to_string(prompt.size()) + " positions would take over 8 GiB"};
  std::vector<float> out(prompt.size() * vocab);
  size_t n = 0;
  for (size_t at = 0; at < prompt.size(); at += n) {
    n = chunk_length(prompt, at);
    run(prompt.subspan(at, n));
    engine_.parts_->decoder->logits(stream_.data(), static_cast<int>(n), out.data() + at * vocab,
                                    *engine_.parts_->pool);
  }
  return out;
}

}  // namespace model
