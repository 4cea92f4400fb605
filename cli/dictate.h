#pragma once

#include <string>

#include "base/result.h"
#include "media/sound.h"

namespace cli {

/// What the microphone hears, until Enter where `by_hand`, the time is over, or the program is to
/// stop; a bar shows how loud it is. Errors: those of Microphone, usage (nothing but silence),
/// cancelled.
base::Result<media::Sound> record(const std::string& device, int seconds, bool by_hand);

/// A recording as WAV, 16 bits a sample.
std::string wav_of(const media::Sound& sound);

}  // namespace cli
