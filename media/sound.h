#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"

/// media: see media/image.h.
namespace media {

/// Samples per second of every Sound.
inline constexpr int kSoundRate = 16000;

/// A mono recording at 16 kHz.
struct Sound {
  std::vector<float> samples;  ///< [n], in [-1, 1]

  double seconds() const { return static_cast<double>(samples.size()) / kSoundRate; }
  bool operator==(const Sound&) const = default;
};

/// What a recording may be at most. Nothing is allocated for what a header announces beyond it.
struct SoundBounds {
  int max_seconds = 3600;
  int max_channels = 32;
  int min_rate = 1000;                 ///< samples per second, of the file
  int max_rate = 768'000;              ///< samples per second, of the file
  int64_t max_values = 2'000'000'000;  ///< samples of all channels: time to decode
};

/// The kind of a recording by its first bytes: "WAV", "FLAC", "Ogg", "MP3", or "" for what is none.
std::string_view sound_format(std::string_view bytes);

/// Decodes WAV (PCM, float, A-law, u-law, IMA and Microsoft ADPCM), FLAC, MP3 and Ogg (Vorbis,
/// Opus): the mean of the channels, resampled to 16 kHz. PCM of 16 bits at 16 kHz mono gives
/// exactly s / 32768. n frames at another rate give ceil(n * 16000 / rate) samples, in time with
/// the file. Values beyond [-1, 1] (float files, overshoot) are clamped at the end.
/// A WAV, MP3 or Ogg that ends before it says gives what is there; a FLAC is corrupt then.
/// Errors: unsupported (not such a file); corrupt (damaged, or with values that are not finite);
/// limit (over `bounds`); usage (no samples, or all of them 0).
base::Result<Sound> decode_sound(std::string_view bytes, const SoundBounds& bounds = {});

/// Samples [begin, end) of a recording.
struct SoundRange {
  size_t begin = 0;
  size_t end = 0;
  bool operator==(const SoundRange&) const = default;
};

struct SplitOptions {
  int max_seconds = 30;    ///< the longest piece; at least 2
  int search_seconds = 5;  ///< a cut lies in these last seconds of a piece; below max_seconds
};

/// Cuts a recording into pieces of at most max_seconds, one after the other without a gap, each cut
/// at the quietest place of its last seconds, on the 40 ms grid (640 samples) of the model's audio
/// tokens. The last piece has at least a second, unless it is the only one. No samples, no pieces.
std::vector<SoundRange> split_at_silences(std::span<const float> samples,
                                          const SplitOptions& options = {});

}  // namespace media
