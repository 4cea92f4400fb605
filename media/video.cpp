// Video through FFmpeg's libraries.
//
// The file is untrusted, and FFmpeg reads a great deal: playlists that name other files and
// addresses, for one. So it gets no path and no protocol, only the bytes of the one file through
// our own reader, and only the containers and codecs listed below.
//
// Indices need the number of frames. A container's own count may be absent or wrong, so the packets
// of the stream are counted first, which decodes nothing. Where a packet turns out not to give a
// frame (a damaged or hidden one), the number of frames that did come out is taken instead and the
// file is read once more.
//
// Colours: the matrix and range that the frame states; if none, BT.709 from 720 lines on and BT.601
// below, limited range.

#include "media/video.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/unique_fd.h"
#include "media/exif.h"
#include "media/picture_bounds.h"

namespace media {
namespace {

using base::Errc;
using base::Error;

constexpr const char* kContainers = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg";
constexpr const char* kCodecs =
    "h264,hevc,vp8,vp9,libvpx,libvpx-vp9,libdav1d,av1,mpeg4,mpeg2video,mpeg1video,mjpeg";
constexpr int kMaxFramesAsked = 1024;

struct Delete {
  void operator()(AVCodecContext* p) const { avcodec_free_context(&p); }
  void operator()(AVPacket* p) const { av_packet_free(&p); }
  void operator()(AVFrame* p) const { av_frame_free(&p); }
  void operator()(SwsContext* p) const { sws_freeContext(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Delete>;

struct Source {
  base::UniqueFd fd;
  int64_t size = 0;
  int64_t at = 0;
};

int read_source(void* user, uint8_t* to, int size) {
  auto* source = static_cast<Source*>(user);
  const ssize_t n = ::pread(source->fd.get(), to, static_cast<size_t>(size), source->at);
  if (n < 0) return AVERROR(errno);
  if (n == 0) return AVERROR_EOF;
  source->at += n;
  return static_cast<int>(n);
}

int64_t seek_source(void* user, int64_t offset, int whence) {
  auto* source = static_cast<Source*>(user);
  whence &= ~AVSEEK_FORCE;
  if (whence == AVSEEK_SIZE) return source->size;
  const int64_t from = whence == SEEK_CUR ? source->at : whence == SEEK_END ? source->size : 0;
  int64_t to = 0;
  if (__builtin_add_overflow(from, offset, &to) || to < 0) return AVERROR(EINVAL);
  return source->at = to;
}

// The open file: reader, container and the best video stream.
class Input {
 public:
  static base::Result<std::unique_ptr<Input>> open(const std::filesystem::path& path);
  ~Input() {
    avformat_close_input(&format_);
    if (io_) av_freep(&io_->buffer);
    avio_context_free(&io_);
  }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  const AVStream& stream() const { return *format_->streams[stream_]; }
  AVRational frame_rate() {
    return av_guess_frame_rate(format_, format_->streams[stream_], nullptr);
  }

  // The next packet of the stream; false at the end. What is damaged is an end too.
  bool next(AVPacket& packet) {
    for (;;) {
      av_packet_unref(&packet);
      if (av_read_frame(format_, &packet) < 0) return false;
      if (packet.stream_index == stream_) return true;
    }
  }

 private:
  Input() = default;
  Source source_;
  AVIOContext* io_ = nullptr;
  AVFormatContext* format_ = nullptr;
  int stream_ = -1;
};

base::Result<std::unique_ptr<Input>> Input::open(const std::filesystem::path& path) {
  const std::string name = path.string();
  std::unique_ptr<Input> input(new Input);
  input->source_.fd.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!input->source_.fd || ::fstat(input->source_.fd.get(), &status) != 0)
    return Error{errno == ENOENT ? Errc::not_found : Errc::system,
                 name + ": " + std::strerror(errno)};
  if (!S_ISREG(status.st_mode)) return Error{Errc::usage, name + ": not a regular file"};
  input->source_.size = status.st_size;

  constexpr int kBufferBytes = 64 << 10;
  auto* buffer = static_cast<uint8_t*>(av_malloc(kBufferBytes));
  input->io_ = buffer ? avio_alloc_context(buffer, kBufferBytes, 0, &input->source_, read_source,
                                           nullptr, seek_source)
                      : nullptr;
  input->format_ = avformat_alloc_context();
  if (!input->io_ || !input->format_) return Error{Errc::internal, name + ": no memory"};
  input->format_->pb = input->io_;
  input->format_->flags |= AVFMT_FLAG_CUSTOM_IO;
  AVDictionary* options = nullptr;
  av_dict_set(&options, "format_whitelist", kContainers, 0);
  av_dict_set(&options, "codec_whitelist", kCodecs, 0);
  av_dict_set(&options, "protocol_whitelist", "", 0);
  av_dict_set(&options, "max_streams", "64", 0);
  const int opened = avformat_open_input(&input->format_, nullptr, nullptr, &options);
  av_dict_free(&options);
  if (opened == AVERROR_INVALIDDATA)
    return Error{Errc::unsupported, name + ": not an MP4, Matroska, WebM, AVI or MPEG video"};
  if (opened < 0) return Error{Errc::corrupt, name + ": the container is damaged or cut off"};
  // Sound and subtitles are not even probed.
  for (unsigned i = 0; i < input->format_->nb_streams; ++i) {
    AVStream* other = input->format_->streams[i];
    if (other->codecpar->codec_type != AVMEDIA_TYPE_VIDEO) other->discard = AVDISCARD_ALL;
  }
  if (avformat_find_stream_info(input->format_, nullptr) < 0)
    return Error{Errc::corrupt, name + ": its streams cannot be told"};
  input->stream_ = av_find_best_stream(input->format_, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (input->stream_ < 0)
    return Error{Errc::unsupported, name + ": no picture that can be decoded"};
  return input;
}

base::Result<int64_t> count_packets(const std::filesystem::path& path, const VideoBounds& bounds) {
  base::Result<std::unique_ptr<Input>> input = Input::open(path);
  if (!input) return input.error();
  const Owned<AVPacket> packet(av_packet_alloc());
  int64_t n = 0;
  while ((*input)->next(*packet)) {
    if (packet->flags & AV_PKT_FLAG_DISCARD) continue;  // before the start of an edit
    if (++n > bounds.max_frames)
      return Error{Errc::limit,
                   path.string() + ": more than " + std::to_string(bounds.max_frames) + " frames"};
  }
  return n;
}

// How a frame must be turned to stand upright, as an EXIF orientation.
int orientation_of(const AVStream& stream) {
  const uint8_t* matrix = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, nullptr);
  if (!matrix) return 1;
  const double left = av_display_rotation_get(reinterpret_cast<const int32_t*>(matrix));
  if (!std::isfinite(left)) return 1;
  switch ((static_cast<int>(std::lround(left / 90)) % 4 + 4) % 4) {
    case 1:
      return 8;
    case 2:
      return 3;
    case 3:
      return 6;
    default:
      return 1;
  }
}

class Converter {
 public:
  base::Result<Pixels> pixels(const std::string& name, const AVFrame& frame,
                              const VideoBounds& bounds) {
    if (std::optional<Error> error = out_of_bounds(name, frame.width, frame.height, bounds.frame))
      return *error;
    context_.reset(sws_getCachedContext(
        context_.release(), frame.width, frame.height, static_cast<AVPixelFormat>(frame.format),
        frame.width, frame.height, AV_PIX_FMT_RGB24,
        SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP, nullptr, nullptr,
        nullptr));
    if (!context_) return Error{Errc::unsupported, name + ": its colours cannot be converted"};
    int space = SWS_CS_ITU601;
    if (frame.colorspace == AVCOL_SPC_BT709 ||
        (frame.colorspace == AVCOL_SPC_UNSPECIFIED && frame.height >= 720))
      space = SWS_CS_ITU709;
    if (frame.colorspace == AVCOL_SPC_BT2020_NCL || frame.colorspace == AVCOL_SPC_BT2020_CL)
      space = SWS_CS_BT2020;
    const int full_range = frame.color_range == AVCOL_RANGE_JPEG ? 1 : 0;
    const int* coefficients = sws_getCoefficients(space);
    sws_setColorspaceDetails(context_.get(), coefficients, full_range, coefficients, 1, 0, 1 << 16,
                             1 << 16);
    // swscale may write a few bytes past a row that is not a multiple of its vectors.
    const size_t row_bytes = 3 * static_cast<size_t>(frame.width);
    const size_t stride = (row_bytes + 63) / 64 * 64;
    std::vector<uint8_t> rows(stride * static_cast<size_t>(frame.height) + 64);
    uint8_t* to[4] = {rows.data(), nullptr, nullptr, nullptr};
    const int strides[4] = {static_cast<int>(stride), 0, 0, 0};
    if (sws_scale(context_.get(), frame.data, frame.linesize, 0, frame.height, to, strides) !=
        frame.height)
      return Error{Errc::corrupt, name + ": a frame cannot be converted"};
    Pixels pixels{.width = frame.width, .height = frame.height, .rgb = {}};
    pixels.rgb.resize(row_bytes * static_cast<size_t>(frame.height));
    for (size_t y = 0; y < static_cast<size_t>(frame.height); ++y)
      std::memcpy(pixels.rgb.data() + row_bytes * y, rows.data() + stride * y, row_bytes);
    return pixels;
  }

 private:
  Owned<SwsContext> context_;
};

struct Decoded {
  Video video;
  int64_t n_seen = 0;  // frames that came out
};

// Decodes up to the last index that `total` frames ask for.
base::Result<Decoded> decode_frames(const std::filesystem::path& path, int n_frames, int64_t total,
                                    const VideoBounds& bounds) {
  const std::string name = path.string();
  base::Result<std::unique_ptr<Input>> input = Input::open(path);
  if (!input) return input.error();
  const AVStream& stream = (*input)->stream();
  const AVCodec* codec = avcodec_find_decoder(stream.codecpar->codec_id);
  const Owned<AVCodecContext> context(codec ? avcodec_alloc_context3(codec) : nullptr);
  const Owned<AVPacket> packet(av_packet_alloc());
  const Owned<AVFrame> frame(av_frame_alloc());
  if (!context || !packet || !frame ||
      avcodec_parameters_to_context(context.get(), stream.codecpar) < 0)
    return Error{Errc::unsupported, name + ": no decoder for its codec"};
  context->pkt_timebase = stream.time_base;
  context->max_pixels = bounds.frame.max_pixels;
  context->thread_count = 0;  // as many as there are processors
  AVDictionary* options = nullptr;
  av_dict_set(&options, "codec_whitelist", kCodecs, 0);
  const int opened = avcodec_open2(context.get(), codec, &options);
  av_dict_free(&options);
  if (opened < 0) return Error{Errc::unsupported, name + ": no decoder for its codec"};

  Decoded decoded;
  decoded.video.n_frames = total;
  const AVRational rate = (*input)->frame_rate();
  if (rate.num <= 0 || rate.den <= 0) return Error{Errc::corrupt, name + ": no frame rate"};
  decoded.video.frames_per_second = av_q2d(rate);
  const int orientation = orientation_of(stream);
  Converter converter;
  const auto is_done = [&] { return std::ssize(decoded.video.frames) == n_frames; };
  const auto wanted = [&] { return std::ssize(decoded.video.frames) * total / n_frames; };
  for (bool more = true; more && !is_done();) {
    more = (*input)->next(*packet);
    // A packet that cannot be decoded gives no frame; the next ones may.
    (void)avcodec_send_packet(context.get(), more ? packet.get() : nullptr);
    while (!is_done() && avcodec_receive_frame(context.get(), frame.get()) == 0) {
      const int64_t index = decoded.n_seen++;
      if (decoded.n_seen > bounds.max_frames)
        return Error{Errc::limit,
                     name + ": more than " + std::to_string(bounds.max_frames) + " frames"};
      if (index != wanted()) continue;
      if (int64_t{frame->width} * frame->height > bounds.max_total_pixels / n_frames)
        return Error{Errc::limit, name + ": " + std::to_string(n_frames) + " frames of " +
                                      std::to_string(frame->width) + "x" +
                                      std::to_string(frame->height) + " pixels; at most " +
                                      std::to_string(bounds.max_total_pixels) +
                                      " pixels in all are read"};
      base::Result<Pixels> pixels = converter.pixels(name, *frame, bounds);
      if (!pixels) return pixels.error();
      decoded.video.frames.push_back(
          {.seconds = static_cast<double>(index) / decoded.video.frames_per_second,
           .pixels = oriented(std::move(*pixels), orientation)});
    }
  }
  return decoded;
}

Error too_few(const std::filesystem::path& path, int64_t total, int n_frames) {
  return Error{Errc::usage, path.string() + ": the video has " + std::to_string(total) +
                                " frames, fewer than the " + std::to_string(n_frames) + " needed"};
}

}  // namespace

bool can_decode_video() { return true; }

base::Result<Video> decode_video(const std::filesystem::path& path, int n_frames,
                                 const VideoBounds& bounds) {
  if (n_frames < 1 || n_frames > kMaxFramesAsked)
    return Error{Errc::usage, path.string() + ": " + std::to_string(n_frames) +
                                  " frames asked for; 1 to " + std::to_string(kMaxFramesAsked)};
  // FFmpeg's libraries would print what they think of a file.
  static std::once_flag quiet;
  std::call_once(quiet, [] { av_log_set_level(AV_LOG_QUIET); });
  base::Result<int64_t> total = count_packets(path, bounds);
  if (!total) return total.error();
  if (*total < n_frames) return too_few(path, *total, n_frames);
  base::Result<Decoded> decoded = decode_frames(path, n_frames, *total, bounds);
  if (!decoded) return decoded.error();
  if (std::ssize(decoded->video.frames) < n_frames) {
    if (decoded->n_seen == 0)
      return Error{Errc::corrupt, path.string() + ": no frame of it can be decoded"};
    if (decoded->n_seen < n_frames) return too_few(path, decoded->n_seen, n_frames);
    decoded = decode_frames(path, n_frames, decoded->n_seen, bounds);
    if (!decoded) return decoded.error();
    if (std::ssize(decoded->video.frames) < n_frames)
      return Error{Errc::corrupt,
                   path.string() + ": its frames differ from one reading to the next"};
  }
  return std::move(decoded->video);
}

}  // namespace media
