#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/result.h"
#include "media/image.h"

/// media: see media/image.h. Video stands in a library of its own (Meson option `video`), so that
/// only who asks for it links FFmpeg's libraries.
namespace media {

struct VideoFrame {
  double seconds = 0;  ///< index of the frame / frames_per_second
  Pixels pixels;       ///< turned upright as the file's display matrix says
};

struct Video {
  double frames_per_second = 0;    ///< the average that the file states
  int64_t n_frames = 0;            ///< in the whole video
  std::vector<VideoFrame> frames;  ///< the ones asked for, in order
};

/// What a video may need at most.
struct VideoBounds {
  Bounds frame = {};                             ///< each frame
  int64_t max_total_pixels = 300 * 1000 * 1000;  ///< all frames asked for together
  int64_t max_frames = 500'000;                  ///< in the whole video: time to decode
};

/// Whether this build has FFmpeg's libraries; without them decode_video() is `unsupported`.
bool can_decode_video();

/// Decodes `n_frames` frames of a video file (MP4/MOV, Matroska/WebM, AVI, MPEG-TS), at indices
/// floor(i * total / n_frames). Sound is left aside. n_frames: 1 to 1024.
/// Errors: usage (n_frames out of range, fewer frames in the video, not a regular file), not_found,
/// corrupt, limit (over `bounds`), unsupported (another format or codec; this build has no video).
base::Result<Video> decode_video(const std::filesystem::path& path, int n_frames,
                                 const VideoBounds& bounds = {});

}  // namespace media
