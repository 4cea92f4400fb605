// Where the decoder has a screen of its vocabulary, the largest logits are found from upper bounds:
// a few tokens that look best are computed first, then all whose bound reaches the worst of the
// best. Where few tokens may follow (a grammar), only those are computed.
#include "model/outlook.h"

#include <algorithm>
#include <functional>

#include "model/sampler.h"

namespace model {
namespace {

constexpr size_t kFewTokens = 4096;  // computed one by one: a seventh of what bounds read
constexpr size_t kFirstLook = 8;     // tokens besides the wanted ones that are computed first

size_t area(int rows, int width) { return static_cast<size_t>(rows) * static_cast<size_t>(width); }

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
  const bool bounds = wanted == State::bounds &&
                      decoder_.bounds(normed(piece.first), piece.n, values(piece.first), pool_);
  if (!bounds) decoder_.logits(normed(piece.first), piece.n, values(piece.first), pool_);
  std::fill_n(states_.begin() + piece.first, piece.n, bounds ? State::bounds : State::exact);
}

std::span<const float> Outlook::all(int row) {
  compute(row, State::exact);
  return {values(row), static_cast<size_t>(vocab())};
}

void Outlook::compute_each(int row, std::vector<float>& logits) {
  chosen_.resize(ids_.size());
  decoder_.logits_of(normed(row), ids_, chosen_.data(), pool_);
  for (size_t i = 0; i < ids_.size(); ++i) logits[static_cast<size_t>(ids_[i])] = chosen_[i];
}

void Outlook::settle(int row, int most, std::vector<float>& logits) {
  const auto vocab = static_cast<size_t>(this->vocab());
  const State& state = states_[static_cast<size_t>(row)];
  if (state != State::exact) {
    ids_.clear();
    for (size_t i = 0; i < vocab && ids_.size() <= kFewTokens; ++i)
      if (logits[i] > kForbidden) ids_.push_back(static_cast<int32_t>(i));
    if (ids_.size() <= kFewTokens) return compute_each(row, logits);
    compute(row, most > 0 ? State::bounds : State::exact);
  }
  const float* values = this->values(row);
  for (size_t i = 0; i < vocab; ++i) logits[i] = logits[i] > kForbidden ? values[i] : kForbidden;
  if (state == State::exact) return;

  // Those with the largest bounds, the least of them in front.
  const size_t wanted = static_cast<size_t>(most), looked = wanted + kFirstLook;
  const auto larger = [&](int32_t a, int32_t b) {
    return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
  };
  ids_.clear();
  float least = kForbidden;
  for (size_t i = 0; i < vocab; ++i) {
    if (!(logits[i] > least)) continue;
    if (ids_.size() == looked) {
      std::pop_heap(ids_.begin(), ids_.end(), larger);
      ids_.pop_back();
    }
    ids_.push_back(static_cast<int32_t>(i));
    std::push_heap(ids_.begin(), ids_.end(), larger);
    if (ids_.size() == looked) least = logits[static_cast<size_t>(ids_.front())];
  }
  compute_each(row, logits);
  // The `most` largest so far, the least of them in front.
  std::vector<float> best = chosen_;
  std::erase_if(best, [](float v) { return !(v > kForbidden); });  // numbers that are none, too
  std::sort(best.begin(), best.end(), std::greater<>());
  const float reached = best.size() < wanted ? kForbidden : best[wanted - 1];
  ids_.clear();
  for (size_t i = 0; i < vocab; ++i) {
    if (logits[i] > kForbidden && logits[i] >= reached)
      ids_.push_back(static_cast<int32_t>(i));
    else
      logits[i] = kForbidden;
  }
  compute_each(row, logits);
}

int32_t NextLogits::likeliest() const {
  std::vector<float> logits(size());
  settle(1, logits);
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

size_t NextLogits::size() const {
  return outlook_ ? static_cast<size_t>(outlook_->vocab()) : all_.size();
}

void NextLogits::settle(int most, std::vector<float>& logits) const {
  if (outlook_) return outlook_->settle(row_, most, logits);
  for (size_t i = 0; i < logits.size(); ++i)
    logits[i] = logits[i] > kForbidden ? all_[i] : kForbidden;
}

}  // namespace model
