#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace media {

/// What a recording device of this machine hears, by ALSA; its device "default" is that of
/// PulseAudio or PipeWire where one of them runs.
class Microphone {
 public:
  /// Records from here on. Errors: not_found (no such device), refused (others have it, or this
  /// user may not), system.
  static base::Result<Microphone> open(const std::string& device);

  /// The next samples, some 50 ms: mono at 16 kHz, in [-1, 1). Valid until the next call.
  /// Errors: system (the device went away).
  base::Result<std::span<const float>> read();

  Microphone(Microphone&&) noexcept;
  Microphone& operator=(Microphone&&) noexcept;
  ~Microphone();

 private:
  struct State;
  explicit Microphone(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace media
