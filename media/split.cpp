// Energies of 40 ms frames are summed once. A cut may lie between two frames; how loud it is there
// is the energy of the two frames before it and the two after, so that a pause between words wins
// over the short closure of a "t". Among equals the latest wins: longer pieces, fewer of them.

#include <algorithm>
#include <cassert>

#include "media/sound.h"

namespace media {

static constexpr size_t kFrame = 640;
static constexpr size_t kFramesPerSecond = kSoundRate / kFrame;

static std::vector<double> frame_energies(std::span<const float> samples) {
  std::vector<double> energies((samples.size() + kFrame - 1) / kFrame);
  for (size_t i = 0; i < samples.size(); ++i)
    energies[i / kFrame] += double{samples[i]} * double{samples[i]};
  return energies;
}

std::vector<SoundRange> split_at_silences(std::span<const float> samples,
                                          const SplitOptions& options) {
  assert(options.max_seconds >= 2 && options.search_seconds >= 0 &&
         options.search_seconds < options.max_seconds);
  const size_t longest = kFramesPerSecond * static_cast<size_t>(options.max_seconds);
  const size_t search = kFramesPerSecond * static_cast<size_t>(options.search_seconds);
  const std::vector<double> energies = frame_energies(samples);
  const auto loudness = [&](size_t cut) {
    double sum = 0;
    for (size_t frame = cut - std::min<size_t>(cut, 2); frame < cut + 2; ++frame)
      sum += frame < energies.size() ? energies[frame] : 0;
    return sum;
  };
  std::vector<SoundRange> pieces;
  size_t begin = 0;  // in frames
  while (samples.size() > (begin + longest) * kFrame) {
    // More than `longest` is left, so a second can stay behind the cut.
    const size_t last = std::min(begin + longest, samples.size() / kFrame - kFramesPerSecond);
    const size_t first = std::min(begin + longest - search, last);
    size_t best = last;
    for (size_t cut = last; cut-- > first;) {
      if (loudness(cut) < loudness(best)) best = cut;
    }
    pieces.push_back({begin * kFrame, best * kFrame});
    begin = best;
  }
  if (begin * kFrame < samples.size()) pieces.push_back({begin * kFrame, samples.size()});
  return pieces;
}

}  // namespace media
