// Sound files through libsndfile, read from memory. libsndfile opens some thirty formats, several
// of them rarely looked at; only bytes that begin like one of ours reach it, and what it then says
// it found is checked again. Samples come in blocks of bounded size, are mixed and resampled at
// once, so memory is that of the result, which max_seconds bounds, whatever the header announces.

#include "media/sound.h"

#include <sndfile.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "media/resampler.h"

namespace media {
namespace {

using base::Errc;
using base::Error;

enum class Container { unknown, wav, flac, mp3, ogg };

Container container_of(std::string_view bytes) {
  const bool riff =
      bytes.starts_with("RIFF") || bytes.starts_with("RIFX") || bytes.starts_with("RF64");
  if (riff && bytes.size() >= 12 && bytes.substr(8, 4) == "WAVE") return Container::wav;
  if (bytes.starts_with("fLaC")) return Container::flac;
  if (bytes.starts_with("OggS")) return Container::ogg;
  if (bytes.starts_with("ID3")) return Container::mp3;
  // A frame of MPEG audio: 11 set bits, a version, a layer (00 would be AAC).
  if (bytes.size() >= 2 && bytes[0] == '\xff') {
    const auto second = static_cast<unsigned char>(bytes[1]);
    if ((second & 0xE0) == 0xE0 && (second & 0x18) != 0x08 && (second & 0x06) != 0)
      return Container::mp3;
  }
  return Container::unknown;
}

std::string name_of(Container container) {
  switch (container) {
    case Container::wav:
      return "WAV";
    case Container::flac:
      return "FLAC";
    case Container::mp3:
      return "MP3";
    case Container::ogg:
      return "Ogg";
    case Container::unknown:
      break;
  }
  return "sound";
}

bool is_ours(Container container, int format) {
  const int subtype = format & SF_FORMAT_SUBMASK;
  switch (format & SF_FORMAT_TYPEMASK) {
    case SF_FORMAT_WAV:
    case SF_FORMAT_WAVEX:
    case SF_FORMAT_RF64:
      switch (subtype) {
        case SF_FORMAT_PCM_U8:
        case SF_FORMAT_PCM_16:
        case SF_FORMAT_PCM_24:
        case SF_FORMAT_PCM_32:
        case SF_FORMAT_FLOAT:
        case SF_FORMAT_DOUBLE:
        case SF_FORMAT_ULAW:
        case SF_FORMAT_ALAW:
        case SF_FORMAT_IMA_ADPCM:
        case SF_FORMAT_MS_ADPCM:
          return container == Container::wav;
        default:
          return false;
      }
    case SF_FORMAT_FLAC:
      return container == Container::flac || container == Container::mp3;  // behind an ID3 tag
    case SF_FORMAT_MPEG:
      return container == Container::mp3;
    case SF_FORMAT_OGG:
      return container == Container::ogg &&
             (subtype == SF_FORMAT_VORBIS || subtype == SF_FORMAT_OPUS);
    default:
      return false;
  }
}

// A file in memory, as libsndfile wants it.
struct Memory {
  std::string_view bytes;
  sf_count_t at = 0;
};

sf_count_t memory_size(void* user) {
  return static_cast<sf_count_t>(static_cast<Memory*>(user)->bytes.size());
}

sf_count_t memory_seek(sf_count_t offset, int whence, void* user) {
  auto* memory = static_cast<Memory*>(user);
  const sf_count_t size = memory_size(user);
  const sf_count_t from = whence == SEEK_CUR ? memory->at : whence == SEEK_END ? size : 0;
  sf_count_t to = 0;
  if (!__builtin_add_overflow(from, offset, &to)) memory->at = std::clamp<sf_count_t>(to, 0, size);
  return memory->at;
}

sf_count_t memory_read(void* to, sf_count_t count, void* user) {
  auto* memory = static_cast<Memory*>(user);
  const sf_count_t n = std::clamp<sf_count_t>(count, 0, memory_size(user) - memory->at);
  if (n > 0) std::memcpy(to, memory->bytes.data() + memory->at, static_cast<size_t>(n));
  memory->at += n;
  return n;
}

sf_count_t memory_write(const void*, sf_count_t, void*) { return 0; }

sf_count_t memory_tell(void* user) { return static_cast<Memory*>(user)->at; }

struct Close {
  void operator()(SNDFILE* file) const { sf_close(file); }
};

// libsndfile's counts where it does not know.
bool is_known(sf_count_t frames) { return frames >= 0 && frames < SF_COUNT_MAX; }

// What is wrong with what the header says, if anything.
base::Status check_header(const std::string& name, const SF_INFO& info, const SoundBounds& bounds) {
  if (info.channels < 1 || info.samplerate < 1)
    return Error{Errc::corrupt, name + ": " + std::to_string(info.channels) + " channels at " +
                                    std::to_string(info.samplerate) + " Hz"};
  if (info.channels > bounds.max_channels)
    return Error{Errc::limit, name + ": " + std::to_string(info.channels) + " channels; at most " +
                                  std::to_string(bounds.max_channels) + " are read"};
  if (info.samplerate < bounds.min_rate || info.samplerate > bounds.max_rate)
    return Error{Errc::limit, name + ": " + std::to_string(info.samplerate) + " Hz; " +
                                  std::to_string(bounds.min_rate) + " to " +
                                  std::to_string(bounds.max_rate) + " Hz are read"};
  return base::Ok{};
}

Error too_long(const std::string& name, const SoundBounds& bounds) {
  return Error{Errc::limit, name + ": longer than " + std::to_string(bounds.max_seconds) +
                                " seconds, or too many channels for its length"};
}

}  // namespace

std::string_view sound_format(std::string_view bytes) {
  if (bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WAVE") return "WAV";
  if (bytes.starts_with("fLaC")) return "FLAC";
  if (bytes.starts_with("OggS")) return "Ogg";
  // A tag, or the first frame of layer III.
  if (bytes.starts_with("ID3") ||
      (bytes.size() > 1 && bytes[0] == '\xFF' && (bytes[1] & 0xE6) == 0xE2))
    return "MP3";
  return {};
}

base::Result<Sound> decode_sound(std::string_view bytes, const SoundBounds& bounds) {
  const Container container = container_of(bytes);
  const std::string name = name_of(container);
  if (container == Container::unknown)
    return Error{Errc::unsupported, "sound: not a WAV, FLAC, MP3 or Ogg (Vorbis, Opus) file"};
  Memory memory{.bytes = bytes};
  SF_VIRTUAL_IO io{memory_size, memory_seek, memory_read, memory_write, memory_tell};
  SF_INFO info{};
  const std::unique_ptr<SNDFILE, Close> file(sf_open_virtual(&io, SFM_READ, &info, &memory));
  // Why it failed is told through a variable that all threads share; we do without.
  if (!file) return Error{Errc::corrupt, name + ": its header is damaged, cut off or of no use"};
  if (!is_ours(container, info.format))
    return Error{Errc::unsupported, name + ": its encoding is not one that is read here"};
  if (base::Status status = check_header(name, info, bounds); !status) return status.error();
  const auto n_channels = static_cast<size_t>(info.channels);
  const int64_t max_frames =
      std::min(int64_t{bounds.max_seconds} * info.samplerate, bounds.max_values / info.channels);
  if (is_known(info.frames) && info.frames > max_frames) return too_long(name, bounds);

  base::Result<Resampler> resampler = Resampler::make(info.samplerate);
  if (!resampler) return resampler.error();
  constexpr size_t kBlockFrames = 4096;
  std::vector<float> block(kBlockFrames * n_channels);
  std::vector<float> mono(kBlockFrames);
  Sound sound;
  int64_t n_frames = 0;
  bool silent = true;
  for (;;) {
    const sf_count_t got = sf_readf_float(file.get(), block.data(), kBlockFrames);
    if (got <= 0) break;
    n_frames += got;
    if (n_frames > max_frames) return too_long(name, bounds);
    for (size_t i = 0; i < static_cast<size_t>(got); ++i) {
      double sum = 0;
      for (size_t c = 0; c < n_channels; ++c) sum += block[i * n_channels + c];
      mono[i] = static_cast<float>(sum / static_cast<double>(n_channels));
      if (!std::isfinite(mono[i]))
        return Error{Errc::corrupt, name + ": sample " +
                                        std::to_string(n_frames - got + static_cast<int64_t>(i)) +
                                        " is not a finite number"};
      silent = silent && mono[i] == 0;
    }
    const std::span<const float> mixed(mono.data(), static_cast<size_t>(got));
    if (base::Status status = resampler->push(mixed, sound.samples); !status) return status.error();
  }
  if (sf_error(file.get()) != SF_ERR_NO_ERROR)
    return Error{Errc::corrupt, name + ": damaged after " + std::to_string(n_frames) + " samples"};
  if ((info.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_FLAC && is_known(info.frames) &&
      n_frames < info.frames)
    return Error{Errc::corrupt, name + ": cut off after " + std::to_string(n_frames) + " of " +
                                    std::to_string(info.frames) + " samples"};
  if (n_frames == 0) return Error{Errc::usage, name + ": the recording is empty"};
  if (silent)
    return Error{Errc::usage, name + ": the recording is silent, every sample of it is 0"};
  if (base::Status status = resampler->finish(sound.samples); !status) return status.error();
  for (float& sample : sound.samples) sample = std::clamp(sample, -1.0f, 1.0f);
  return sound;
}

}  // namespace media
