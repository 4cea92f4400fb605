#include "media/video.h"

#include <gtest/gtest.h>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/opt.h>
}

#include <fstream>

#include "base/file.h"
#include "tests/golden.h"

namespace {

using base::Errc;
using media::Video;

// A file that goes away again.
struct Temporary {
  explicit Temporary(const std::string& name)
      : path(std::filesystem::temp_directory_path() /
             ("tessera-video-" + std::to_string(::getpid()) + "-" + name)) {}
  ~Temporary() { std::filesystem::remove(path); }
  std::filesystem::path path;
};

// Frame i of a test video: gray, 4 * i + 16 bright, and a lighter block in its upper left corner.
constexpr int kBlock = 60;
int brightness(int64_t index) { return static_cast<int>(4 * index + 16); }

struct Settings {
  int n_frames = 40;
  int width = 96;
  int height = 64;
  int frames_per_second = 10;
  AVCodecID codec = AV_CODEC_ID_MPEG4;
  double rotation = 0;  // degrees counterclockwise that a viewer is to turn it
};

// Writes such a video with frames that refer forward and back.
void write_video(const std::filesystem::path& path, const Settings& settings) {
  AVFormatContext* format = nullptr;
  ASSERT_GE(avformat_alloc_output_context2(&format, nullptr, nullptr, path.c_str()), 0);
  const AVCodec* codec = avcodec_find_encoder(settings.codec);
  ASSERT_NE(codec, nullptr);
  AVCodecContext* context = avcodec_alloc_context3(codec);
  context->width = settings.width;
  context->height = settings.height;
  context->time_base = {1, settings.frames_per_second};
  context->framerate = {settings.frames_per_second, 1};
  context->pix_fmt = settings.codec == AV_CODEC_ID_MJPEG ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
  context->gop_size = 12;
  context->max_b_frames = settings.codec == AV_CODEC_ID_MJPEG ? 0 : 2;
  context->bit_rate = 2'000'000;
  context->thread_count = 1;
  if (format->oformat->flags & AVFMT_GLOBALHEADER) context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  ASSERT_GE(avcodec_open2(context, codec, nullptr), 0);
  AVStream* stream = avformat_new_stream(format, nullptr);
  stream->time_base = context->time_base;
  stream->avg_frame_rate = context->framerate;
  ASSERT_GE(avcodec_parameters_from_context(stream->codecpar, context), 0);
  if (settings.rotation != 0) {
    auto* matrix = reinterpret_cast<int32_t*>(
        av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t)));
    av_display_rotation_set(matrix, -settings.rotation);
  }
  ASSERT_GE(avio_open(&format->pb, path.c_str(), AVIO_FLAG_WRITE), 0);
  ASSERT_GE(avformat_write_header(format, nullptr), 0);
  AVFrame* frame = av_frame_alloc();
  frame->format = context->pix_fmt;
  frame->width = settings.width;
  frame->height = settings.height;
  ASSERT_GE(av_frame_get_buffer(frame, 0), 0);
  AVPacket* packet = av_packet_alloc();
  for (int i = 0; i <= settings.n_frames; ++i) {
    if (i < settings.n_frames) {
      ASSERT_GE(av_frame_make_writable(frame), 0);
      const auto luma = [&](int gray) {  // limited range, but for MJPEG
        return settings.codec == AV_CODEC_ID_MJPEG ? gray : 16 + gray * 219 / 255;
      };
      for (int y = 0; y < settings.height; ++y)
        for (int x = 0; x < settings.width; ++x)
          frame->data[0][y * frame->linesize[0] + x] =
              static_cast<uint8_t>(luma(brightness(i) + (x < 16 && y < 16 ? kBlock : 0)));
      for (int plane = 1; plane < 3; ++plane)
        for (int y = 0; y < settings.height / 2; ++y)
          memset(frame->data[plane] + y * frame->linesize[plane], 128,
                 static_cast<size_t>(settings.width / 2));
      frame->pts = i;
    }
    ASSERT_GE(avcodec_send_frame(context, i < settings.n_frames ? frame : nullptr), 0);
    while (avcodec_receive_packet(context, packet) == 0) {
      av_packet_rescale_ts(packet, context->time_base, stream->time_base);
      packet->duration = av_rescale_q(1, context->time_base, stream->time_base);
      ASSERT_GE(av_interleaved_write_frame(format, packet), 0);
    }
  }
  ASSERT_GE(av_write_trailer(format), 0);
  av_packet_free(&packet);
  av_frame_free(&frame);
  avcodec_free_context(&context);
  avio_closep(&format->pb);
  avformat_free_context(format);
}

// Which frame of the test video this is, from its gray.
int64_t index_of(const media::Pixels& pixels) {
  const uint8_t* pixel = pixels.at(pixels.width / 2, pixels.height / 2);
  return std::lround((pixel[0] - 16) / 4.0);
}

TEST(Video, FramesAreTheOnesAtFloorOfTheirShare) {
  for (const std::string name : {"a.mp4", "a.mkv", "a.avi"}) {
    Temporary file(name);
    write_video(file.path, {});
    for (const int n : {1, 3, 7, 32, 40}) {
      const base::Result<Video> video = media::decode_video(file.path, n);
      ASSERT_TRUE(video) << video.error().message;
      EXPECT_EQ(video->n_frames, 40) << name;
      EXPECT_NEAR(video->frames_per_second, 10, 1e-6) << name;
      ASSERT_EQ(video->frames.size(), static_cast<size_t>(n));
      for (int i = 0; i < n; ++i) {
        const media::VideoFrame& frame = video->frames[static_cast<size_t>(i)];
        const int index = i * 40 / n;
        EXPECT_NEAR(frame.seconds, index / 10.0, 1e-9) << name;
        EXPECT_EQ(index_of(frame.pixels), index) << name << " " << n << " " << i;
      }
    }
  }
}

TEST(Video, ColoursComeBackNearlyAsTheyWere) {
  for (const AVCodecID codec : {AV_CODEC_ID_MPEG4, AV_CODEC_ID_MJPEG}) {
    Temporary file("colours.mkv");
    write_video(file.path, {.n_frames = 12, .codec = codec});
    const base::Result<Video> video = media::decode_video(file.path, 12);
    ASSERT_TRUE(video) << video.error().message;
    for (size_t i = 0; i < 12; ++i) {
      const media::Pixels& pixels = video->frames[i].pixels;
      ASSERT_EQ(pixels.width, 96);
      ASSERT_EQ(pixels.height, 64);
      for (const auto& [x, y, extra] : {std::tuple{5, 5, kBlock}, {60, 40, 0}, {5, 60, 0}})
        for (int c = 0; c < 3; ++c)
          EXPECT_NEAR(pixels.at(x, y)[c], brightness(static_cast<int64_t>(i)) + extra, 6)
              << i << " " << x << "," << y;
    }
  }
}

TEST(Video, OddWidthsHaveNoPadding) {
  Temporary file("odd.mkv");
  write_video(file.path, {.n_frames = 3, .width = 70, .height = 34});
  const base::Result<Video> video = media::decode_video(file.path, 1);
  ASSERT_TRUE(video) << video.error().message;
  EXPECT_EQ(video->frames[0].pixels.rgb.size(), 3u * 70 * 34);
}

TEST(Video, IsTurnedUprightAsThePhoneHeldIt) {
  // The light block's corner after turning: upper right for 90 degrees to the right, and so on.
  const std::tuple<double, bool, bool> cases[] = {
      {-90, true, false}, {180, true, true}, {90, false, true}};
  for (const auto& [rotation, right, bottom] : cases) {
    Temporary file("turned.mp4");
    write_video(file.path, {.n_frames = 4, .rotation = rotation});
    const base::Result<Video> video = media::decode_video(file.path, 1);
    ASSERT_TRUE(video) << video.error().message;
    const media::Pixels& pixels = video->frames[0].pixels;
    EXPECT_EQ(pixels.width, rotation == 180 ? 96 : 64);
    EXPECT_EQ(pixels.height, rotation == 180 ? 64 : 96);
    const int x = right ? pixels.width - 5 : 5;
    const int y = bottom ? pixels.height - 5 : 5;
    EXPECT_NEAR(pixels.at(x, y)[0], brightness(0) + kBlock, 8) << rotation;
    EXPECT_NEAR(pixels.at(pixels.width - 1 - x, y)[0], brightness(0), 8) << rotation;
  }
}

TEST(Video, FewerFramesThanAskedForIsAnErrorThatSaysHowMany) {
  Temporary file("short.mp4");
  write_video(file.path, {.n_frames = 5});
  EXPECT_TRUE(media::decode_video(file.path, 5));
  const base::Result<Video> video = media::decode_video(file.path, 6);
  ASSERT_FALSE(video);
  EXPECT_EQ(video.error().code, Errc::usage);
  EXPECT_NE(video.error().message.find("has 5 frames, fewer than the 6 needed"), std::string::npos)
      << video.error().message;
  EXPECT_EQ(media::decode_video(file.path, 0).error().code, Errc::usage);
  EXPECT_EQ(media::decode_video(file.path, 1025).error().code, Errc::usage);
}

TEST(Video, BoundsAreLimits) {
  Temporary file("bounds.mp4");
  write_video(file.path, {.n_frames = 10});
  const auto code = [&](const media::VideoBounds& bounds) {
    const base::Result<Video> video = media::decode_video(file.path, 4, bounds);
    return video ? "fine" : base::errc_name(video.error().code);
  };
  EXPECT_EQ(code({}), "fine");
  EXPECT_EQ(code({.frame = {.max_side = 95}}), "limit");
  EXPECT_EQ(code({.max_total_pixels = 4 * 96 * 64 - 1}), "limit");
  EXPECT_EQ(code({.max_total_pixels = 4 * 96 * 64}), "fine");
  EXPECT_EQ(code({.max_frames = 9}), "limit");
}

TEST(Video, OtherFilesAreErrors) {
  EXPECT_EQ(media::decode_video("/nowhere/at/all.mp4", 1).error().code, Errc::not_found);
  EXPECT_EQ(media::decode_video("/", 1).error().code, Errc::usage);
  Temporary text("text.mp4");
  // A playlist must not make us open what it names.
  Temporary target("target.mp4");
  write_video(target.path, {.n_frames = 3});
  for (const std::string& content : {std::string("not a video"), std::string(),
                                     "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" +
                                         target.path.string() + "\n#EXT-X-ENDLIST\n",
                                     "ffconcat version 1.0\nfile " + target.path.string() + "\n"}) {
    ASSERT_TRUE(base::write_file(text.path, content));
    const base::Result<Video> video = media::decode_video(text.path, 1);
    ASSERT_FALSE(video);
    EXPECT_TRUE(video.error().code == Errc::unsupported || video.error().code == Errc::corrupt)
        << video.error().message;
  }
}

TEST(Video, BrokenFilesNeverCrash) {
  Temporary file("whole.mkv");
  write_video(file.path, {.n_frames = 12, .width = 32, .height = 32});
  const std::string bytes = *base::read_file(file.path, size_t{1} << 24);
  Temporary broken("broken.mkv");
  int n_fine = 0;
  for (size_t i = 0; i < bytes.size(); i += 1 + bytes.size() / 60) {
    ASSERT_TRUE(base::write_file(broken.path, bytes.substr(0, i)));
    n_fine += media::decode_video(broken.path, 3).has_value();
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x55);
    ASSERT_TRUE(base::write_file(broken.path, changed));
    n_fine += media::decode_video(broken.path, 3).has_value();
  }
  EXPECT_GT(n_fine, 0);
}

}  // namespace
