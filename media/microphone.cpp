#include "media/microphone.h"

#include <alsa/asoundlib.h>

#include <array>
#include <cerrno>
#include <utility>

#include "media/sound.h"

namespace media {

namespace {

constexpr unsigned kLatencyMicroseconds = 200'000;
constexpr size_t kAtOnce = kSoundRate / 20;

base::Error failed(const std::string& device, int code) {
  const std::string what = "the microphone " + device + ": " + snd_strerror(code);
  if (code == -ENOENT || code == -ENODEV || code == -ENXIO)
    return {base::Errc::not_found, what + "; name another with --device (arecord -L lists them)"};
  if (code == -EBUSY || code == -EACCES || code == -EPERM)
    return {base::Errc::refused,
            what + "; another program has it, or this user is not in the group audio"};
  return {base::Errc::system, what};
}

void say_nothing(const char*, int, const char*, int, const char*, ...) {}

}  // namespace

struct Microphone::State {
  State(snd_pcm_t* opened, std::string name) : pcm(opened), device(std::move(name)) {}
  ~State() { snd_pcm_close(pcm); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  snd_pcm_t* const pcm;
  const std::string device;
  std::array<int16_t, kAtOnce> frames{};
  std::array<float, kAtOnce> samples{};
};

Microphone::Microphone(std::unique_ptr<State> state) : state_(std::move(state)) {}
Microphone::Microphone(Microphone&&) noexcept = default;
Microphone& Microphone::operator=(Microphone&&) noexcept = default;
Microphone::~Microphone() = default;

base::Result<Microphone> Microphone::open(const std::string& device) {
  snd_lib_error_set_handler(say_nothing);  // else it writes on standard error
  snd_pcm_t* pcm = nullptr;
  if (const int code = snd_pcm_open(&pcm, device.c_str(), SND_PCM_STREAM_CAPTURE, 0); code < 0)
    return failed(device, code);
  auto state = std::make_unique<State>(pcm, device);
  if (const int code = snd_pcm_set_params(pcm, SND_PCM_FORMAT_S16, SND_PCM_ACCESS_RW_INTERLEAVED, 1,
                                          kSoundRate, 1, kLatencyMicroseconds);
      code < 0)
    return failed(device, code);
  return Microphone(std::move(state));
}

base::Result<std::span<const float>> Microphone::read() {
  State& s = *state_;
  snd_pcm_sframes_t n = snd_pcm_readi(s.pcm, s.frames.data(), s.frames.size());
  if (n < 0) {
    // It waited too long for us: what was said meanwhile is lost, what comes now is not.
    if (const int code = snd_pcm_recover(s.pcm, static_cast<int>(n), 1); code < 0)
      return failed(s.device, code);
    n = 0;
  }
  for (size_t i = 0; i < static_cast<size_t>(n); ++i)
    s.samples[i] = static_cast<float>(s.frames[i]) / 32768.0f;
  return std::span<const float>(s.samples.data(), static_cast<size_t>(n));
}

}  // namespace media
