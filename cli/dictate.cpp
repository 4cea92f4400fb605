#include "cli/dictate.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "cli/stop.h"
#include "cli/terminal/status_line.h"
#include "media/microphone.h"

namespace cli {

using base::Errc;
using base::Error;

namespace {

/// Whether a line was entered. A terminal hands lines over whole.
bool entered() {
  pollfd waiting{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  if (::poll(&waiting, 1, 0) <= 0) return false;
  char line[256];
  return ::read(STDIN_FILENO, line, sizeof line) >= 0;
}

/// How loud samples are, as a bar of eight.
std::string level(std::span<const float> samples) {
  float most = 0;
  for (const float s : samples) most = std::max(most, std::fabs(s));
  // 6 dB a step; eight steps are what 16 bits of a room can tell apart.
  const int steps = most > 0 ? std::clamp(9 + static_cast<int>(std::log2(most)), 0, 8) : 0;
  std::string bar;
  for (int i = 0; i < 8; ++i) bar += i < steps ? "▮" : "▯";
  return bar;
}

}  // namespace

base::Result<media::Sound> record(const std::string& device, int seconds, bool by_hand) {
  StatusLine status(look_of(STDERR_FILENO));
  base::Result<media::Microphone> microphone = media::Microphone::open(device);
  if (!microphone) return microphone.error();
  media::Sound sound;
  const size_t most = static_cast<size_t>(seconds) * media::kSoundRate;
  while (sound.samples.size() < most) {
    if (program_stop().stop_requested()) return Error{Errc::cancelled, "stopped while listening"};
    if (by_hand && entered()) break;
    const base::Result<std::span<const float>> heard = microphone->read();
    if (!heard) return heard.error();
    const size_t n = std::min(heard->size(), most - sound.samples.size());
    sound.samples.insert(sound.samples.end(), heard->begin(),
                         heard->begin() + static_cast<std::ptrdiff_t>(n));
    if (n > 0) status.say(level(*heard) + (by_hand ? " listening; Enter ends" : " listening"));
  }
  if (std::all_of(sound.samples.begin(), sound.samples.end(), [](float s) { return s == 0; }))
    return Error{Errc::usage,
                 "the microphone " + device +
                     " gave no sound; see whether it is muted, or name another with --device"};
  return sound;
}

std::string wav_of(const media::Sound& sound) {
  const auto n_bytes = static_cast<uint32_t>(2 * sound.samples.size());
  std::string wav;
  const auto number = [&wav](uint32_t value, int n) {
    for (int i = 0; i < n; ++i) wav += static_cast<char>(value >> (8 * i) & 0xff);
  };
  wav += "RIFF", number(36 + n_bytes, 4), wav += "WAVEfmt ";
  number(16, 4), number(1, 2), number(1, 2);  // PCM of one channel
  number(media::kSoundRate, 4), number(2 * media::kSoundRate, 4), number(2, 2), number(16, 2);
  wav += "data", number(n_bytes, 4);
  for (const float s : sound.samples)
    number(static_cast<uint32_t>(std::lround(std::clamp(s * 32768.0f, -32768.0f, 32767.0f))), 2);
  return wav;
}

}  // namespace cli
