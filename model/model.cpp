#include "model/model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "model/attention/attention.h"
#include "model/fingerprint.h"
#include "model/hub_config.h"
#include "model/lora_peft.h"

namespace model {

using base::Errc;
using base::Error;

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
  std::optional<Checkpoint> media_file, adapter_file;
  if (!options.adapter.empty() && !is_peft(options.adapter)) {
    base::Result<Checkpoint> opened = Checkpoint::open(options.adapter);
    if (!opened) return opened.error();
    adapter_file = std::move(*opened);
  }
  if (!options.mmproj.empty()) {
    base::Result<Checkpoint> opened = Checkpoint::open(options.mmproj);
    if (!opened) return opened.error();
    media_file = std::move(*opened);
  }
  auto parts = std::make_unique<Parts>(Parts{
      std::move(*file), std::move(media_file), std::move(adapter_file), std::move(*architecture),
      std::move(*weights), std::move(tokenizer), std::make_unique<ThreadPool>(options.threads)});
  auto source = [&](bool (*present)(const TensorSource&)) -> const TensorSource& {
    if (parts->adapter_file && present(parts->adapter_file->tensors()))
      return parts->adapter_file->tensors();
    return parts->media_file ? parts->media_file->tensors() : parts->file.tensors();
  };
  const TensorSource& pictures = source(VisionEmbedder::present);
  const TensorSource& sounds = source(AudioEmbedder::present);
  const int hidden = parts->architecture.hidden;
  if (VisionEmbedder::present(pictures)) {
    base::Result<VisionEmbedder> vision = VisionEmbedder::bind(pictures, hidden);
    if (!vision) return vision.error();
    parts->vision = std::move(*vision);
  }
  if (AudioEmbedder::present(sounds)) {
    base::Result<AudioEmbedder> audio = AudioEmbedder::bind(sounds, hidden);
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
  parts->fingerprint = model::fingerprint({path, options.adapter},
                                          {static_cast<uint64_t>(parts->decoder->precision()),
                                           static_cast<uint64_t>(parts->decoder->packed())});
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

static int slack_of(const Engine& engine) {
  return engine.sees() ? std::max(Session::kChunk, kMaxImageTokens) : Session::kChunk;
}

Session::Session(const Engine& engine, int context)
    : engine_(engine),
      cache_(engine.architecture(), std::min(context, engine.context_length()), slack_of(engine),
             engine.parts_->decoder->precision() == Precision::f32 ? KvType::f32 : KvType::f16),
      outlook_(*engine.parts_->decoder, *engine.parts_->pool),
      hidden_(static_cast<size_t>(engine.architecture().hidden)) {
  look_on(hidden_, 1);
}

std::vector<PositionKey> keys_of(std::span<const Position> prompt) {
  std::vector<PositionKey> keys;
  keys.reserve(prompt.size());
  for (const Position& position : prompt) {
    PositionKey key{.id = position.id, .soft = 0, .patch = position.patch};
    if (!position.soft.empty()) {
      key.soft = 14695981039346656037u;  // FNV-1a over the words
      for (const float v : position.soft) {
        uint32_t bits;
        std::memcpy(&bits, &v, sizeof bits);
        key.soft = (key.soft ^ bits) * 1099511628211u;
      }
      key.soft |= 1;
    }
    keys.push_back(key);
  }
  return keys;
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

static base::Status check_id(TokenId id, int vocab_size) {
  if (id >= 0 && id < vocab_size) return base::Ok{};
  return Error{Errc::usage, "token id " + std::to_string(id) + " is outside the vocabulary of " +
                                std::to_string(vocab_size)};
}

base::Status Session::check(const Engine& engine, int context, std::span<const Position> prompt) {
  const Architecture& a = engine.architecture();
  context = std::min(context, engine.context_length());
  if (prompt.empty()) return Error{Errc::usage, "the prompt is empty"};
  if (prompt.size() > static_cast<size_t>(context))
    return Error{Errc::limit, "the prompt has " + std::to_string(prompt.size()) +
                                  " tokens, the context holds " + std::to_string(context)};
  int image = 0;
  for (const Position& p : prompt) {
    if (base::Status known = check_id(p.id, a.vocab_size); !known) return known;
    if (!p.soft.empty() && p.soft.size() != static_cast<size_t>(a.hidden))
      return Error{Errc::usage, "a soft token has " + std::to_string(p.soft.size()) +
                                    " values, expected " + std::to_string(a.hidden)};
    image = p.patch ? image + 1 : 0;
    if (image > slack_of(engine))
      return Error{Errc::limit, "an image of more than " + std::to_string(slack_of(engine)) +
                                    " tokens; two pictures need a token between them"};
  }
  return base::Ok{};
}

base::Status Session::check(std::span<const TokenId> tokens) const {
  if (static_cast<size_t>(cache_.size()) + tokens.size() > static_cast<size_t>(cache_.context()))
    return Error{Errc::limit,
                 "the context of " + std::to_string(cache_.context()) + " tokens is full"};
  for (const TokenId token : tokens)
    if (base::Status known = check_id(token, engine_.architecture().vocab_size); !known)
      return known;
  return base::Ok{};
}

size_t Session::chunk_length(std::span<const Position> prompt, size_t at, size_t most) {
  const size_t left = prompt.size() - at;
  if (left <= most) return left;
  size_t end = at + most;
  if (!prompt[end - 1].patch || !prompt[end].patch) return most;
  size_t begin = end;  // of the image that the border would cut
  while (begin > at && prompt[begin - 1].patch) --begin;
  if (begin > at) return begin - at;
  while (end < prompt.size() && prompt[end].patch) ++end;
  return end - at;
}

bool Session::run(std::span<const Position> chunk, std::span<const PositionKey> keys,
                  const Rows& rows, std::stop_token stop) {
  const size_t hidden = static_cast<size_t>(engine_.architecture().hidden);
  stream_.resize(std::max(stream_.size(), chunk.size() * hidden));
  std::vector<ImageBlock> images;
  constexpr int kRows = 32;  // that a worker embeds at a time
  engine_.parts_->pool->parallel_for(
      static_cast<int>(chunk.size()), kRows, [&](int, int begin, int end) {
        for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
          float* row = stream_.data() + i * hidden;
          if (chunk[i].soft.empty())
            engine_.parts_->decoder->embed(chunk[i].id, row);
          else
            std::copy(chunk[i].soft.begin(), chunk[i].soft.end(), row);
        }
      });
  for (size_t i = 0; i < chunk.size(); ++i) {
    if (!chunk[i].patch) continue;
    images.resize(chunk.size());
    if (images[i].begin >= 0) continue;
    size_t end = i;
    while (end < chunk.size() && chunk[end].patch) ++end;
    for (size_t j = i; j < end; ++j)
      images[j] = {cache_.size() + static_cast<int>(i), cache_.size() + static_cast<int>(end)};
  }
  if (!engine_.parts_->decoder->forward(stream_, static_cast<int>(chunk.size()),
                                        {.images = images,
                                         .mask = mask_,
                                         .adapter = adapter_.get(),
                                         .reading = rows.reading,
                                         .last_only = rows.last_only,
                                         .stop = std::move(stop)},
                                        cache_, work_, *engine_.parts_->pool))
    return false;
  held_.insert(held_.end(), keys.begin(), keys.end());
  const auto last = stream_.begin() + static_cast<int64_t>((chunk.size() - 1) * hidden);
  hidden_.assign(last, last + static_cast<int64_t>(hidden));
  n_extended_ = 0;
  return true;
}

bool Session::run(std::span<const TokenId> tokens, std::stop_token stop) {
  std::vector<Position> positions;
  for (const TokenId token : tokens) positions.push_back({.id = token});
  return run(positions, keys_of(positions), {}, std::move(stop));
}

void Session::look_on(const std::vector<float>& rows, int n) {
  outlook_.clear();
  outlook_.add(rows.data(), n);
  shared_ = nullptr;
  end_row_ = n - 1;
}

int Session::shared(std::span<const PositionKey> keys) const {
  size_t n = 0;
  while (n < held_.size() && n < keys.size() && held_[n] == keys[n]) ++n;
  return static_cast<int>(n);
}

int Session::reusable(std::span<const PositionKey> keys) const {
  size_t shared = static_cast<size_t>(this->shared(keys));
  // The logits of the last position are computed anew; an image is computed as a whole, since its
  // patches see each other.
  shared = std::min(shared, keys.size() - 1);
  while (shared > 0 && keys[shared - 1].patch &&
         (keys[shared].patch || (shared < held_.size() && held_[shared].patch)))
    --shared;
  return cache_.can_truncate(static_cast<int>(shared)) ? static_cast<int>(shared) : 0;
}

int Session::reuse(std::span<const PositionKey> keys) {
  const int shared = reusable(keys);
  cache_.truncate(shared);
  held_.resize(static_cast<size_t>(shared));
  n_extended_ = 0;
  return shared;
}

base::Status Session::read(std::span<const Position> prompt, std::span<const PositionKey> keys,
                           int most, std::stop_token stop) {
  const size_t at = static_cast<size_t>(size());
  const size_t n = chunk_length(prompt, at, static_cast<size_t>(std::clamp(most, 1, kChunk)));
  if (!run(prompt.subspan(at, n), keys.subspan(at, n), {.reading = true, .last_only = true},
           std::move(stop)))
    return Error{Errc::cancelled, "stopped while reading the prompt"};
  if (at + n == prompt.size()) look_on(hidden_, 1);
  return base::Ok{};
}

base::Result<PrefillStats> Session::prefill(std::span<const Position> prompt, std::stop_token stop,
                                            const std::function<void(int)>& on_progress) {
  const base::Status checked = check(prompt);
  if (!checked) return checked.error();
  const std::vector<PositionKey> keys = keys_of(prompt);
  PrefillStats stats{.reused = reuse(keys)};
  while (static_cast<size_t>(size()) < prompt.size()) {
    if (on_progress) on_progress(size());
    if (const base::Status piece = read(prompt, keys, kChunk, stop); !piece) return piece.error();
  }
  stats.computed = size() - stats.reused;
  return stats;
}

base::Result<std::vector<float>> Session::pooled(std::span<const Position> prompt,
                                                 std::stop_token stop) {
  const base::Status checked = check(prompt);
  if (!checked) return checked.error();
  clear();
  const std::vector<PositionKey> keys = keys_of(prompt);
  const size_t hidden = static_cast<size_t>(engine_.architecture().hidden);
  std::vector<double> sum(hidden);
  for (size_t at = 0; at < prompt.size();) {
    const size_t n = chunk_length(prompt, at, kChunk);
    if (!run(prompt.subspan(at, n), std::span(keys).subspan(at, n), {.reading = true}, stop))
      return Error{Errc::cancelled, "stopped while reading the text"};
    for (size_t i = 0; i < n * hidden; ++i) sum[i % hidden] += static_cast<double>(stream_[i]);
    at += n;
  }
  double squares = 0;
  for (const double v : sum) squares += v * v;
  const double length = std::sqrt(squares);
  std::vector<float> out(hidden);
  for (size_t i = 0; i < hidden && length > 0; ++i) out[i] = static_cast<float>(sum[i] / length);
  return out;
}

std::optional<std::vector<std::byte>> Session::save(int begin) const {
  if (begin < 0 || !cache_.can_save(begin)) return std::nullopt;
  std::vector<std::byte> rows(cache_.state_bytes(begin, size()));
  cache_.save(begin, rows.data());
  return rows;
}

base::Status Session::restore(std::span<const PositionKey> keys,
                              std::span<const StoredRows> pieces) {
  clear();
  n_extended_ = 0;
  if (keys.size() > static_cast<size_t>(cache_.context()))
    return Error{Errc::limit, "a stored state has " + std::to_string(keys.size()) +
                                  " positions, the context holds " +
                                  std::to_string(cache_.context())};
  int begin = 0;
  for (const StoredRows& piece : pieces) {
    if (piece.end <= begin || static_cast<size_t>(piece.end) > keys.size() ||
        piece.rows.size() != cache_.state_bytes(begin, piece.end))
      return Error{Errc::corrupt, "a stored state does not fit this model"};
    begin = piece.end;
  }
  if (static_cast<size_t>(begin) != keys.size())
    return Error{Errc::corrupt, "a stored state ends at " + std::to_string(begin) + ", not at " +
                                    std::to_string(keys.size())};
  for (const StoredRows& piece : pieces) cache_.restore(piece.end, piece.rows.data());
  held_.assign(keys.begin(), keys.end());
  return base::Ok{};
}

base::Status Session::decode(TokenId token) {
  if (const base::Status checked = check({&token, 1}); !checked) return checked;
  run({&token, 1});
  look_on(hidden_, 1);
  return base::Ok{};
}

base::Status Session::decode_each(std::span<Session* const> sessions,
                                  std::span<const TokenId> tokens, SharedPass& pass) {
  for (size_t i = 0; i < sessions.size(); ++i)
    if (const base::Status checked = sessions[i]->check({&tokens[i], 1}); !checked) return checked;
  std::vector<size_t> together;
  for (size_t i = 0; i < sessions.size(); ++i) {
    if (sessions[i]->adapter_ == nullptr)
      together.push_back(i);
    else if (const base::Status alone = sessions[i]->decode(tokens[i]); !alone)
      return alone;
  }
  if (together.empty()) return base::Ok{};
  const Engine& engine = sessions[together[0]]->engine_;
  const Decoder& decoder = *engine.parts_->decoder;
  const size_t hidden = static_cast<size_t>(engine.architecture().hidden);
  if (!pass.outlook) pass.outlook.emplace(decoder, *engine.parts_->pool);
  pass.outlook->clear();
  for (size_t at = 0; at < together.size(); at += kFewRows) {
    const size_t n = std::min(together.size() - at, static_cast<size_t>(kFewRows));
    std::vector<KvCache*> caches;
    pass.stream.resize(std::max(pass.stream.size(), n * hidden));
    for (size_t i = 0; i < n; ++i) {
      caches.push_back(&sessions[together[at + i]]->cache_);
      decoder.embed(tokens[together[at + i]], pass.stream.data() + i * hidden);
    }
    decoder.forward_each(pass.stream, caches, {}, pass.work, *engine.parts_->pool);
    pass.outlook->add(pass.stream.data(), static_cast<int>(n));
    for (size_t i = 0; i < n; ++i) {
      Session& session = *sessions[together[at + i]];
      const auto row = pass.stream.begin() + static_cast<int64_t>(i * hidden);
      session.hidden_.assign(row, row + static_cast<int64_t>(hidden));
      session.held_.push_back({.id = tokens[together[at + i]]});
      session.n_extended_ = 0;
      session.shared_ = &*pass.outlook;
      session.end_row_ = static_cast<int>(at + i);
    }
  }
  return base::Ok{};
}

base::Status Session::append(std::span<const TokenId> tokens, std::stop_token stop) {
  if (const base::Status checked = check(tokens); !checked) return checked;
  while (!tokens.empty()) {
    const size_t n = std::min(tokens.size(), static_cast<size_t>(kChunk));
    if (stop.stop_requested() || !run(tokens.first(n), stop))
      return Error{Errc::cancelled, "stopped while the model was replying"};
    tokens = tokens.subspan(n);
    if (tokens.empty()) look_on(hidden_, 1);
  }
  return base::Ok{};
}

base::Status Session::extend(std::span<const TokenId> tokens) {
  if (tokens.empty() || tokens.size() > kChunk)
    return Error{Errc::usage, std::to_string(tokens.size()) + " tokens in one pass"};
  if (const base::Status checked = check(tokens); !checked) return checked;
  run(tokens);
  n_extended_ = static_cast<int>(tokens.size());
  look_on(stream_, n_extended_);
  return base::Ok{};
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
  look_on(hidden_, 1);
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
  held_.assign(static_cast<size_t>(n), PositionKey{.id = -1});
}

base::Result<std::vector<float>> Session::all_logits(std::span<const Position> prompt) {
  const base::Status checked = check(prompt);
  if (!checked) return checked.error();
  clear();
  const size_t vocab = static_cast<size_t>(engine_.architecture().vocab_size);
  const std::vector<PositionKey> keys = keys_of(prompt);
  if (prompt.size() > (size_t{8} << 30) / (vocab * sizeof(float)))
    return Error{Errc::limit,
                 "logits of " + std::to_string(prompt.size()) + " positions would take over 8 GiB"};
  std::vector<float> out(prompt.size() * vocab);
  size_t n = 0;
  for (size_t at = 0; at < prompt.size(); at += n) {
    n = chunk_length(prompt, at, kChunk);
    run(prompt.subspan(at, n), std::span(keys).subspan(at, n), {.reading = true}, {});
    engine_.parts_->decoder->logits(stream_.data(), static_cast<int>(n), out.data() + at * vocab,
                                    *engine_.parts_->pool);
  }
  return out;
}

}  // namespace model
