// Stands in for video.cpp in a build without FFmpeg's libraries.

#include "media/video.h"

namespace media {

bool can_decode_video() { return false; }

base::Result<Video> decode_video(const std::filesystem::path& path, int, const VideoBounds&) {
  return base::Error{base::Errc::unsupported,
                     path.string() +
                         ": this build reads no video; install libavformat-dev, libavcodec-dev and "
                         "libswscale-dev (TESSERA_WITH_VIDEO=1 setup/prepare), then rebuild with "
                         "meson setup --reconfigure -Dvideo=enabled build && ninja -C build"};
}

}  // namespace media
