// Where the decoder has a screen of its vocabulary, the largest logits are found from upper bounds:
// a few tokens that look best are computed first, then all whose bound reaches the worst of the
// best. Where few tokens may follow (a grammar), only those are computed.
#include "model/outlook.h"

#include <algorithm>
#include <functional>

#include "model/sampler.h"

namespace model {
namespace {

constexpr int kFewTokens = 4096;  // computed one by one: a seventh of what bounds read
constexpr size_t kFirstLook = 8;  // tokens besides the wanted ones that are computed first

size_t area(int rows, int width) { return static_cast<size_t>(rows) * static_cast<size_t>(width); }

void take_allowed(std::span<const float> logits, const TokenMask& allowed, Candidates& out) {
  allowed.for_each(0, static_cast<int>(logits.size()),
                   [&](int32_t id) { out.add(id, logits[static_cast<size_t>(id)]); });
}

/// Adds `some`, none of which is in `out`. Both rise.
void merge(const Candidates& some, Candidates& out) {
  Candidates both;
  size_t a = 0, b = 0;
  while (a < some.size() || b < out.size()) {
    const bool first = b == out.size() || (a < some.size() && some.ids[a] < out.ids[b]);
    first ? both.add(some.ids[a], some.logits[a]) : both.add(out.ids[b], out.logits[b]);
    ++(first ? a : b);
  }
  out = std::move(both);
}

}  // namespace

int Outlook::vocab() const { return decoder_.architecture().vocab_size; }

void Outlook::clear() {
  pieces_.clear();
  states_.clear();
}

void Outlook::add(const float* normed, int n) {
  const int hidden = decoder_.architecture().hidden, first = rows();
  normed_.resize(std::max(normed_.size(), area(first + n, hidden)));
  std::copy_n(normed, area(n, hidden), normed_.data() + area(first, hidden));
  pieces_.insert(pieces_.end(), static_cast<size_t>(n), Piece{first, n});
  states_.insert(states_.end(), static_cast<size_t>(n), State::nothing);
}

const float* Outlook::normed(int row) const {
  return normed_.data() + area(row, decoder_.architecture().hidden);
}

float* Outlook::values(int row) { return values_.data() + area(row, vocab()); }

void Outlook::compute(int row, State wanted) {
  State& state = states_[static_cast<size_t>(row)];
  if (state == State::exact || state == wanted) return;
  const Piece piece = pieces_[static_cast<size_t>(row)];
  values_.resize(std::max(values_.size(), area(rows(), vocab())));
  const int blocks = VocabularyScreen::blocks(vocab());
  block_most_.resize(std::max(block_most_.size(), area(rows(), blocks)));
  const bool bounds = wanted == State::bounds &&
                      decoder_.bounds(normed(piece.first), piece.n, values(piece.first),
                                      block_most_.data() + area(piece.first, blocks), pool_);
  if (!bounds) decoder_.logits(normed(piece.first), piece.n, values(piece.first), pool_);
  std::fill_n(states_.begin() + piece.first, piece.n, bounds ? State::bounds : State::exact);
}

std::span<const float> Outlook::all(int row) {
  compute(row, State::exact);
  return {values(row), static_cast<size_t>(vocab())};
}

void Outlook::compute_each(int row, std::span<const int32_t> ids, std::vector<float>& logits) {
  logits.resize(ids.size());
  decoder_.logits_of(normed(row), ids, logits.data(), pool_);
}

void Outlook::settle(int row, int most, const TokenMask& allowed, Candidates& out) {
  out.clear();
  const State& state = states_[static_cast<size_t>(row)];
  if (state != State::exact) {
    if (allowed.count() <= kFewTokens) {
      allowed.for_each(0, vocab(), [&](int32_t id) { out.ids.push_back(id); });
      return compute_each(row, out.ids, out.logits);
    }
    compute(row, most > 0 ? State::bounds : State::exact);
  }
  if (state == State::bounds) return find_by_bounds(row, static_cast<size_t>(most), allowed, out);
  take_allowed({values(row), static_cast<size_t>(vocab())}, allowed, out);
}

void Outlook::find_by_bounds(int row, size_t most, const TokenMask& allowed, Candidates& out) {
  const float* bounds = values(row);
  const int blocks = VocabularyScreen::blocks(vocab());
  const float* block_most = block_most_.data() + area(row, blocks);
  // Calls each(id, bound) for what is allowed, of the blocks that reach `least` when they are met.
  const auto walk = [&](const float& least, auto&& each) {
    for (int block = 0; block < blocks; ++block) {
      if (!(block_most[block] >= least)) continue;
      const int begin = block * VocabularyScreen::kBlock;
      allowed.for_each(begin, std::min(begin + VocabularyScreen::kBlock, vocab()),
                       [&](int32_t id) { each(id, bounds[id]); });
    }
  };
  // Those with the largest bounds, the least of them in front.
  const size_t looked = most + kFirstLook;
  const auto larger = [&](int32_t a, int32_t b) { return bounds[a] > bounds[b]; };
  std::vector<int32_t>& ids = first_.ids;
  ids.clear();
  float least = kForbidden;
  walk(least, [&](int32_t id, float bound) {
    if (!(bound > least)) return;
    if (ids.size() == looked) {
      std::pop_heap(ids.begin(), ids.end(), larger);
      ids.pop_back();
    }
    ids.push_back(id);
    std::push_heap(ids.begin(), ids.end(), larger);
    if (ids.size() == looked) least = bounds[ids.front()];
  });
  std::sort(ids.begin(), ids.end());
  compute_each(row, ids, first_.logits);
  // What the `most` largest so far have reached.
  std::vector<float> best = first_.logits;
  std::erase_if(best, [](float v) { return !(v > kForbidden); });  // numbers that are none, too
  std::sort(best.begin(), best.end(), std::greater<>());
  const float reached = best.size() < most ? kForbidden : best[most - 1];
  walk(reached, [&](int32_t id, float bound) {
    if (bound >= reached && !std::binary_search(ids.begin(), ids.end(), id)) out.ids.push_back(id);
  });
  compute_each(row, out.ids, out.logits);
  merge(first_, out);
}

int32_t NextLogits::likeliest() const {
  Candidates candidates;
  settle(1, TokenMask::all(static_cast<int>(size())), candidates);
  const auto at = std::max_element(candidates.logits.begin(), candidates.logits.end());
  return candidates.ids[static_cast<size_t>(at - candidates.logits.begin())];
}

size_t NextLogits::size() const {
  return outlook_ ? static_cast<size_t>(outlook_->vocab()) : all_.size();
}

void NextLogits::settle(int most, const TokenMask& allowed, Candidates& out) const {
  if (outlook_) return outlook_->settle(row_, most, allowed, out);
  out.clear();
  take_allowed(all_, allowed, out);
}

}  // namespace model
