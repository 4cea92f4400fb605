// Recordings from untrusted bytes: what decodes is finite, within [-1, 1] and within bounds, not
// silent, and splits into pieces that cover it; what is refused has a sentence.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "media/sound.h"

// libsndfile 1.2.0 forgets a few kilobytes when the headers of an Ogg Vorbis file are broken.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:vorbis_info_init"; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  constexpr media::SoundBounds kBounds{.max_seconds = 2, .max_values = 20'000};
  const base::Result<media::Sound> sound = media::decode_sound(bytes, kBounds);
  if (!sound) {
    if (sound.error().message.empty()) std::abort();
    return 0;
  }
  if (sound->samples.empty() || sound->seconds() > kBounds.max_seconds) std::abort();
  for (const float sample : sound->samples)
    if (!(sample >= -1 && sample <= 1)) std::abort();
  size_t end = 0;
  for (const media::SoundRange& piece :
       media::split_at_silences(sound->samples, {.max_seconds = 2, .search_seconds = 1})) {
    if (piece.begin != end || piece.end <= piece.begin) std::abort();
    end = piece.end;
  }
  if (end != sound->samples.size()) std::abort();
  return 0;
}
