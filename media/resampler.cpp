// libsamplerate's best sinc filter (passband to 96 % of the smaller half rate, 145 dB). The filter
// is centred on each output sample, so there is no delay to undo; only its count of samples at the
// end can differ by a few from the one we promise, and is cut or filled with silence.

#include "media/resampler.h"

#include <samplerate.h>

#include <algorithm>
#include <string>

namespace media {

void Resampler::Delete::operator()(SRC_STATE_tag* state) const { src_delete(state); }

base::Result<Resampler> Resampler::make(int rate) {
  Resampler resampler;
  resampler.rate_ = rate;
  if (rate == kSoundRate) return resampler;
  int error = 0;
  resampler.state_.reset(src_new(SRC_SINC_BEST_QUALITY, 1, &error));
  if (!resampler.state_ || !src_is_valid_ratio(static_cast<double>(kSoundRate) / rate))
    return base::Error{base::Errc::internal, "resampling from " + std::to_string(rate) + " Hz"};
  return resampler;
}

base::Status Resampler::push(std::span<const float> in, std::vector<float>& out) {
  n_in_ += in.size();
  return process(in, false, out);
}

base::Status Resampler::finish(std::vector<float>& out) {
  if (base::Status status = process({}, true, out); !status) return status;
  const uint64_t rate = static_cast<uint64_t>(rate_);
  const uint64_t wanted = (n_in_ * kSoundRate + rate - 1) / rate;
  if (n_out_ > wanted) {
    out.resize(out.size() - std::min(out.size(), static_cast<size_t>(n_out_ - wanted)));
  } else {
    out.resize(out.size() + static_cast<size_t>(wanted - n_out_));
  }
  n_out_ = wanted;
  return base::Ok{};
}

base::Status Resampler::process(std::span<const float> in, bool last, std::vector<float>& out) {
  if (!state_) {
    out.insert(out.end(), in.begin(), in.end());
    n_out_ += in.size();
    return base::Ok{};
  }
  float block[4096];
  const float nothing = 0;
  for (;;) {
    SRC_DATA data{};
    data.data_in = in.empty() ? &nothing : in.data();
    data.input_frames = static_cast<long>(in.size());
    data.data_out = block;
    data.output_frames = std::size(block);
    data.end_of_input = last ? 1 : 0;
    data.src_ratio = static_cast<double>(kSoundRate) / rate_;
    if (const int error = src_process(state_.get(), &data))
      return base::Error{base::Errc::internal, std::string("resampling: ") + src_strerror(error)};
    in = in.subspan(static_cast<size_t>(data.input_frames_used));
    out.insert(out.end(), block, block + data.output_frames_gen);
    n_out_ += static_cast<uint64_t>(data.output_frames_gen);
    if (data.output_frames_gen == 0 && (in.empty() || data.input_frames_used == 0)) break;
  }
  return base::Ok{};
}

}  // namespace media
