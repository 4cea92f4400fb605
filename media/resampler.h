#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "media/sound.h"

struct SRC_STATE_tag;

namespace media {

/// Turns a stream of mono samples into one of kSoundRate, without delay: output k stands for the
/// time k / 16000 s of the input. At kSoundRate samples pass unchanged.
class Resampler {
 public:
  /// rate: samples per second of the input, within 256 times kSoundRate either way.
  /// Errors: internal (no memory, or such a rate).
  static base::Result<Resampler> make(int rate);

  /// Appends to `out` what `in` makes final. Errors: internal.
  base::Status push(std::span<const float> in, std::vector<float>& out);

  /// Appends the rest, so that n samples pushed gave ceil(n * 16000 / rate) in all.
  /// Errors: internal.
  base::Status finish(std::vector<float>& out);

 private:
  struct Delete {
    void operator()(SRC_STATE_tag* state) const;
  };

  base::Status process(std::span<const float> in, bool last, std::vector<float>& out);

  int rate_ = kSoundRate;
  std::unique_ptr<SRC_STATE_tag, Delete> state_;  ///< null if nothing is to be done
  uint64_t n_in_ = 0;
  uint64_t n_out_ = 0;
};

}  // namespace media
