#include "media/sound.h"

#include <gtest/gtest.h>
#include <sndfile.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <numeric>
#include <random>

#include "base/file.h"
#include "tests/golden.h"
#include "tests/npy.h"

// libsndfile 1.2.0 forgets a few kilobytes when the headers of an Ogg Vorbis file are broken.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:vorbis_info_init"; }

namespace {

using base::Errc;
using media::Sound;
using media::SoundRange;

struct Buffer {
  std::string bytes;
  sf_count_t at = 0;
};

// Writes interleaved samples through libsndfile.
std::string encode(const std::vector<float>& samples, int channels, int rate, int format) {
  Buffer buffer;
  SF_VIRTUAL_IO io{
      [](void* user) { return static_cast<sf_count_t>(static_cast<Buffer*>(user)->bytes.size()); },
      [](sf_count_t offset, int whence, void* user) {
        auto* b = static_cast<Buffer*>(user);
        const auto size = static_cast<sf_count_t>(b->bytes.size());
        return b->at = offset + (whence == SEEK_CUR ? b->at : whence == SEEK_END ? size : 0);
      },
      [](void* to, sf_count_t count, void* user) {
        auto* b = static_cast<Buffer*>(user);
        const sf_count_t n = std::min(count, static_cast<sf_count_t>(b->bytes.size()) - b->at);
        std::memcpy(to, b->bytes.data() + b->at, static_cast<size_t>(n));
        b->at += n;
        return n;
      },
      [](const void* from, sf_count_t count, void* user) {
        auto* b = static_cast<Buffer*>(user);
        const auto end = static_cast<size_t>(b->at + count);
        if (b->bytes.size() < end) b->bytes.resize(end);
        std::memcpy(b->bytes.data() + b->at, from, static_cast<size_t>(count));
        b->at += count;
        return count;
      },
      [](void* user) { return static_cast<Buffer*>(user)->at; }};
  SF_INFO info{};
  info.samplerate = rate;
  info.channels = channels;
  info.format = format;
  SNDFILE* file = sf_open_virtual(&io, SFM_WRITE, &info, &buffer);
  EXPECT_NE(file, nullptr) << sf_strerror(nullptr);
  if (!file) return "";
  sf_command(file, SFC_SET_CLIPPING, nullptr, SF_TRUE);
  sf_writef_float(file, samples.data(), static_cast<sf_count_t>(samples.size()) / channels);
  sf_close(file);
  return buffer.bytes;
}

constexpr int kWavFloat = SF_FORMAT_WAV | SF_FORMAT_FLOAT;
constexpr int kWav16 = SF_FORMAT_WAV | SF_FORMAT_PCM_16;

std::vector<float> sine(double hertz, int rate, double seconds, double amplitude = 0.5) {
  std::vector<float> samples(static_cast<size_t>(seconds * rate));
  for (size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<float>(
        amplitude * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / rate));
  return samples;
}

// The amplitude and the phase (radians, against sin) of one frequency, away from the edges, and
// what is left of the samples without it.
struct Tone {
  double amplitude, phase, residue_rms;
};

Tone tone(const std::vector<float>& samples, double hertz) {
  const size_t edge = 1600;
  // A whole number of periods of every frequency that is a multiple of 10 Hz.
  const size_t n = (samples.size() - 2 * edge) / 1600 * 1600;
  const double w = 2 * std::numbers::pi * hertz / media::kSoundRate;
  double s = 0;
  double c = 0;
  for (size_t i = edge; i < edge + n; ++i) {
    s += samples[i] * std::sin(w * static_cast<double>(i));
    c += samples[i] * std::cos(w * static_cast<double>(i));
  }
  s *= 2.0 / static_cast<double>(n);
  c *= 2.0 / static_cast<double>(n);
  double residue = 0;
  for (size_t i = edge; i < edge + n; ++i) {
    const double rest = samples[i] - s * std::sin(w * static_cast<double>(i)) -
                        c * std::cos(w * static_cast<double>(i));
    residue += rest * rest;
  }
  return {std::hypot(s, c), std::atan2(c, s), std::sqrt(residue / static_cast<double>(n))};
}

std::string file(const std::string& name) {
  base::Result<std::string> bytes = base::read_file(golden(name), size_t{1} << 24);
  EXPECT_TRUE(bytes) << name;
  return bytes ? *bytes : "";
}

TEST(Sound, WavOf16BitsIsTheGoldenWaveformExactly) {
  for (const std::string n : {"7777", "3200"}) {
    std::vector<float> expected = read_npy<float>(golden("tiny/audio_waveform_" + n + ".npy"));
    const base::Result<Sound> sound = media::decode_sound(file("tiny/media/speech_" + n + ".wav"));
    ASSERT_TRUE(sound) << sound.error().message;
    EXPECT_EQ(sound->samples.size(), std::stoul(n));
    EXPECT_EQ(sound->samples, expected);
  }
}

TEST(Sound, SixteenBitsBecomeExactly32768ths) {
  std::string wav = encode({0.25f, 0, 0, 0}, 1, 16000, kWav16);
  const int16_t values[4] = {-32768, 32767, 1, -1};
  std::memcpy(wav.data() + wav.size() - 8, values, 8);
  const base::Result<Sound> sound = media::decode_sound(wav);
  ASSERT_TRUE(sound) << sound.error().message;
  EXPECT_EQ(sound->samples,
            (std::vector<float>{-1.0f, 32767 / 32768.0f, 1 / 32768.0f, -1 / 32768.0f}));
}

TEST(Sound, ChannelsAreAveraged) {
  const base::Result<Sound> stereo =
      media::decode_sound(encode({0.5f, 0.25f, -0.5f, 0.5f, 1, 1}, 2, 16000, kWavFloat));
  ASSERT_TRUE(stereo) << stereo.error().message;
  EXPECT_EQ(stereo->samples, (std::vector<float>{0.375f, 0, 1}));
}

TEST(Sound, ValuesBeyondOneAreClamped) {
  const base::Result<Sound> sound = media::decode_sound(encode({0.5f, 2, -3}, 1, 16000, kWavFloat));
  ASSERT_TRUE(sound) << sound.error().message;
  EXPECT_EQ(sound->samples, (std::vector<float>{0.5f, 1, -1}));
}

TEST(Sound, EveryFormatGivesTheSameTone) {
  struct Case {
    const char* name;
    int format, rate, channels;
    double tolerance;
  };
  const Case cases[] = {
      {"u8", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 16000, 1, 0.01},
      {"24 bit", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 16000, 1, 1e-4},
      {"32 bit", SF_FORMAT_WAV | SF_FORMAT_PCM_32, 44100, 2, 1e-3},
      {"double", SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 48000, 1, 1e-3},
      {"extensible", SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, 48000, 2, 1e-3},
      {"RF64", SF_FORMAT_RF64 | SF_FORMAT_PCM_16, 16000, 1, 1e-3},
      {"u-law", SF_FORMAT_WAV | SF_FORMAT_ULAW, 8000, 1, 0.02},
      {"IMA ADPCM", SF_FORMAT_WAV | SF_FORMAT_IMA_ADPCM, 16000, 1, 0.02},
      {"FLAC", SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 44100, 2, 1e-3},
      {"Vorbis", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44100, 2, 0.02},
      {"Opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, 48000, 1, 0.02},
      {"MP3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, 44100, 1, 0.02},
  };
  for (const Case& c : cases) {
    const std::vector<float> mono = sine(440, c.rate, 1);
    std::vector<float> samples;
    for (const float sample : mono)
      samples.insert(samples.end(), static_cast<size_t>(c.channels), sample);
    const std::string bytes = encode(samples, c.channels, c.rate, c.format);
    const base::Result<Sound> sound = media::decode_sound(bytes);
    ASSERT_TRUE(sound) << c.name << ": " << sound.error().message;
    EXPECT_NEAR(sound->seconds(), 1, c.tolerance >= 0.01 ? 0.1 : 1e-9) << c.name;
    const Tone heard = tone(sound->samples, 440);
    EXPECT_NEAR(heard.amplitude, 0.5, c.tolerance) << c.name;
    EXPECT_LT(heard.residue_rms, c.tolerance) << c.name;
    // Whatever is cut off: an answer or an error, at once.
    for (size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 12)
      (void)media::decode_sound(std::string_view(bytes).substr(0, size));
  }
}

TEST(Sound, ResamplingKeepsASineInFrequencyAmplitudeAndTime) {
  for (const int rate : {8000, 11025, 22050, 44100, 48000, 96000, 192000}) {
    for (const double hertz : {100.0, 440.0, 1000.0, 3000.0}) {
      const std::vector<float> samples = sine(hertz, rate, 1);
      const base::Result<Sound> sound = media::decode_sound(encode(samples, 1, rate, kWavFloat));
      ASSERT_TRUE(sound) << sound.error().message;
      const Tone heard = tone(sound->samples, hertz);
      EXPECT_NEAR(heard.amplitude, 0.5, 1e-3) << rate << " " << hertz;
      EXPECT_NEAR(heard.phase, 0, 1e-3) << rate << " " << hertz;
      EXPECT_LT(heard.residue_rms, 5e-4) << rate << " " << hertz;
    }
  }
}

TEST(Sound, ResamplingSuppressesWhatWouldAliasByMoreThan60Decibels) {
  for (const int rate : {44100, 48000, 96000}) {
    for (const double hertz : {9000.0, 12000.0, 15000.0, 20000.0}) {
      const base::Result<Sound> sound =
          media::decode_sound(encode(sine(hertz, rate, 1), 1, rate, kWavFloat));
      ASSERT_TRUE(sound) << sound.error().message;
      double energy = 0;
      for (size_t i = 1600; i < 14400; ++i) energy += double{sound->samples[i]} * sound->samples[i];
      const double rms = std::sqrt(energy / 12800);
      EXPECT_LT(20 * std::log10(rms / (0.5 / std::numbers::sqrt2)), -60) << rate << " " << hertz;
    }
  }
}

TEST(Sound, ResampledLengthIsTheCeilingOfTheTime) {
  for (const int rate : {1000, 8000, 11025, 22050, 44100, 48000, 768000}) {
    for (const size_t n :
         {size_t{1}, size_t{2}, size_t{47}, size_t{441}, size_t{4096}, size_t{12345}}) {
      const base::Result<Sound> sound =
          media::decode_sound(encode(std::vector<float>(n, 0.25f), 1, rate, kWavFloat));
      ASSERT_TRUE(sound) << sound.error().message;
      const size_t r = static_cast<size_t>(rate);
      EXPECT_EQ(sound->samples.size(), (n * 16000 + r - 1) / r) << rate << " " << n;
    }
  }
}

TEST(Sound, ResamplingStaysInTimeOverManyBlocks) {
  const std::vector<float> samples = sine(500, 44100, 20);
  const base::Result<Sound> sound = media::decode_sound(encode(samples, 1, 44100, kWav16));
  ASSERT_TRUE(sound) << sound.error().message;
  const Tone heard = tone(sound->samples, 500);
  EXPECT_NEAR(heard.amplitude, 0.5, 1e-3);
  EXPECT_NEAR(heard.phase, 0, 1e-3);
  EXPECT_LT(heard.residue_rms, 5e-4);
}

TEST(Sound, EmptyAndSilentRecordingsAreUsageErrorsWithASentence) {
  const base::Result<Sound> empty = media::decode_sound(encode({}, 1, 16000, kWav16));
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, Errc::usage);
  EXPECT_EQ(empty.error().message, "WAV: the recording is empty");
  const base::Result<Sound> silent =
      media::decode_sound(encode(std::vector<float>(44100), 1, 44100, kWav16));
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, Errc::usage);
  EXPECT_EQ(silent.error().message, "WAV: the recording is silent, every sample of it is 0");
}

TEST(Sound, ValuesThatAreNotFiniteAreAnError) {
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    const base::Result<Sound> sound =
        media::decode_sound(encode({0.5f, 0.25f, value, 0}, 1, 16000, kWavFloat));
    ASSERT_FALSE(sound);
    EXPECT_EQ(sound.error().code, Errc::corrupt);
    EXPECT_EQ(sound.error().message, "WAV: sample 2 is not a finite number");
  }
}

TEST(Sound, BoundsAreLimitsThatSayWhichOne) {
  const std::vector<float> second(16000, 0.25f);
  const auto code = [](const std::string& bytes, const media::SoundBounds& bounds) {
    const base::Result<Sound> sound = media::decode_sound(bytes, bounds);
    return sound ? std::string("fine") : sound.error().message;
  };
  const std::string wav = encode(second, 1, 16000, kWav16);
  EXPECT_EQ(code(wav, {.max_seconds = 1}), "fine");
  const std::string longer = encode(sine(440, 16000, 1.01), 1, 16000, kWav16);
  EXPECT_TRUE(code(longer, {.max_seconds = 1}).starts_with("WAV: longer than 1 seconds"));
  EXPECT_EQ(code(encode(second, 40, 16000, kWav16), {}), "WAV: 40 channels; at most 32 are read");
  EXPECT_EQ(code(encode(second, 1, 999, kWav16), {}), "WAV: 999 Hz; 1000 to 768000 Hz are read");
  EXPECT_EQ(code(encode(second, 1, 800000, kWav16), {}),
            "WAV: 800000 Hz; 1000 to 768000 Hz are read");
  EXPECT_EQ(media::decode_sound(longer, {.max_seconds = 1}).error().code, Errc::limit);
  EXPECT_EQ(media::decode_sound(wav, {.max_values = 15999}).error().code, Errc::limit);
}

// 36 bits of STREAMINFO say how many samples a FLAC has.
TEST(Sound, ALyingSampleCountIsRefusedBeforeItIsAllocated) {
  std::string flac = encode(sine(440, 16000, 1), 1, 16000, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  flac[21] = static_cast<char>(flac[21] | 0x0f);
  EXPECT_EQ(media::decode_sound(flac).error().code, Errc::limit);
  // Five seconds announced, one there.
  std::string more = encode(sine(440, 16000, 1), 1, 16000, SF_FORMAT_FLAC | SF_FORMAT_PCM_16);
  more[23] = 1;
  EXPECT_EQ(media::decode_sound(more).error().code, Errc::corrupt);
  // A WAV whose data chunk says 4 GiB: what is there is read.
  std::string wav = encode(sine(440, 16000, 1), 1, 16000, kWav16);
  const size_t data = wav.find("data");
  for (size_t i = 4; i < 8; ++i) wav[data + i] = '\xff';
  const base::Result<Sound> sound = media::decode_sound(wav);
  ASSERT_TRUE(sound) << sound.error().message;
  EXPECT_EQ(sound->samples.size(), 16000u);
}

TEST(Sound, OtherFilesAreUnsupported) {
  const std::string aiff = encode({0.5f, 0.5f}, 1, 16000, SF_FORMAT_AIFF | SF_FORMAT_PCM_16);
  const std::string gsm = encode(sine(440, 8000, 1), 1, 8000, SF_FORMAT_WAV | SF_FORMAT_GSM610);
  for (const std::string& bytes : {std::string(), std::string("text"), aiff, gsm,
                                   std::string("RIFF....WEBP"), std::string("\xff\xf1\x50\x80")})
    EXPECT_EQ(media::decode_sound(bytes).error().code, Errc::unsupported);
  EXPECT_EQ(media::decode_sound("text").error().message,
            "sound: not a WAV, FLAC, MP3 or Ogg (Vorbis, Opus) file");
  for (const std::string_view bytes : {"fLaC", "OggS", "RIFF....WAVE"})
    EXPECT_EQ(media::decode_sound(bytes).error().code, Errc::corrupt) << bytes;
}

// Speech-like: noise with pauses at the given seconds, each a fifth of a second long.
std::vector<float> noise_with_pauses(double seconds, const std::vector<double>& pauses) {
  std::mt19937 random(3);
  std::vector<float> samples(static_cast<size_t>(seconds * 16000));
  for (float& sample : samples)
    sample = static_cast<float>(static_cast<int>(random() % 2001) - 1000) / 4000;
  for (const double pause : pauses) {
    const auto begin = static_cast<size_t>(pause * 16000);
    for (size_t i = begin; i < std::min(begin + 3200, samples.size()); ++i) samples[i] *= 0.01f;
  }
  return samples;
}

void expect_exact_cover(const std::vector<SoundRange>& pieces, size_t n, size_t longest) {
  size_t end = 0;
  for (const SoundRange& piece : pieces) {
    EXPECT_EQ(piece.begin, end);
    EXPECT_EQ(piece.begin % 640, 0u);
    EXPECT_GT(piece.end, piece.begin);
    EXPECT_LE(piece.end - piece.begin, longest);
    end = piece.end;
  }
  EXPECT_EQ(end, n);
}

TEST(Split, PiecesCoverEveryLengthWithoutGaps) {
  EXPECT_TRUE(media::split_at_silences({}).empty());
  const std::vector<float> samples = noise_with_pauses(200, {10, 27, 55, 56, 83, 110, 150});
  for (const size_t n : {size_t{1}, size_t{639}, size_t{16000}, size_t{479999}, size_t{480000},
                         size_t{480001}, size_t{480640}, size_t{495999}, size_t{960000},
                         size_t{960001}, size_t{2000001}, size_t{3200000}}) {
    const std::vector<SoundRange> pieces = media::split_at_silences(std::span(samples).first(n));
    expect_exact_cover(pieces, n, 480000);
    if (n <= 480000) {
      EXPECT_EQ(pieces.size(), 1u) << n;
    } else {
      EXPECT_GE(pieces.size(), 2u) << n;
      EXPECT_GE(pieces.back().end - pieces.back().begin, 16000u) << n;
    }
  }
}

TEST(Split, CutsLieInThePausesOfTheLastSeconds) {
  // From each cut, the pause that lies 25 to 30 seconds on; the one at 31 is too early for it.
  const std::vector<float> samples = noise_with_pauses(100, {5, 27, 31, 54, 80});
  const std::vector<SoundRange> pieces = media::split_at_silences(samples);
  ASSERT_EQ(pieces.size(), 4u);
  expect_exact_cover(pieces, samples.size(), 480000);
  const double pauses[] = {27, 54, 80};
  for (size_t i = 0; i < 3; ++i) {
    const double cut = static_cast<double>(pieces[i].end) / 16000;
    EXPECT_GE(cut, pauses[i] + 0.04) << i;
    EXPECT_LE(cut, pauses[i] + 0.16) << i;
  }
}

TEST(Split, TheLengthOfAPieceIsTheCallers) {
  const std::vector<float> samples = noise_with_pauses(60, {9, 18, 27, 36, 45, 54});
  const std::vector<SoundRange> pieces =
      media::split_at_silences(samples, {.max_seconds = 10, .search_seconds = 2});
  expect_exact_cover(pieces, samples.size(), 160000);
  EXPECT_EQ(pieces.size(), 7u);
  expect_exact_cover(media::split_at_silences(samples, {.max_seconds = 2, .search_seconds = 0}),
                     samples.size(), 32000);
}

}  // namespace
