// WebP through libwebp, which returns codes and never jumps or throws. A still picture is one
// frame that covers its canvas; of an animation the demuxer finds the first frame, a still picture
// of its own at an offset on the canvas.

#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "media/image.h"
#include "media/picture_bounds.h"

namespace media {
namespace {

base::Error webp_corrupt(const std::string& what) {
  return base::Error{base::Errc::corrupt, "WebP: " + what};
}

const uint8_t* data_of(std::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

// A still picture of the announced size.
base::Result<Pixels> decode_still(std::string_view bytes, int width, int height, bool has_alpha) {
  const size_t area = static_cast<size_t>(width) * static_cast<size_t>(height);
  Pixels pixels{.width = width, .height = height, .rgb = {}};
  pixels.rgb.resize(3 * area);
  if (!has_alpha) {
    if (!WebPDecodeRGBInto(data_of(bytes), bytes.size(), pixels.rgb.data(), 3 * area, 3 * width))
      return webp_corrupt("its pixels are damaged or cut off");
    return pixels;
  }
  std::vector<uint8_t> rgba(4 * area);
  if (!WebPDecodeRGBAInto(data_of(bytes), bytes.size(), rgba.data(), 4 * area, 4 * width))
    return webp_corrupt("its pixels are damaged or cut off");
  rgba_over_white(rgba.data(), area, pixels.rgb.data());
  return pixels;
}

base::Result<Pixels> decode_first_frame(std::string_view bytes, int width, int height) {
  const WebPData data{.bytes = data_of(bytes), .size = bytes.size()};
  const std::unique_ptr<WebPDemuxer, decltype(&WebPDemuxDelete)> demuxer(WebPDemux(&data),
                                                                         WebPDemuxDelete);
  WebPIterator frame{};
  if (!demuxer || !WebPDemuxGetFrame(demuxer.get(), 1, &frame))
    return webp_corrupt("no first frame");
  const std::string_view still(reinterpret_cast<const char*>(frame.fragment.bytes),
                               frame.fragment.size);
  const int x = frame.x_offset;
  const int y = frame.y_offset;
  const int frame_width = frame.width;
  const int frame_height = frame.height;
  WebPDemuxReleaseIterator(&frame);  // the fragment lies in `bytes`
  if (x < 0 || y < 0 || frame_width < 1 || frame_height < 1 || frame_width > width - x ||
      frame_height > height - y)
    return webp_corrupt("its first frame lies outside the canvas");
  WebPBitstreamFeatures features{};
  if (WebPGetFeatures(data_of(still), still.size(), &features) != VP8_STATUS_OK ||
      features.has_animation || features.width != frame_width || features.height != frame_height)
    return webp_corrupt("its first frame is not what it announces");
  base::Result<Pixels> pixels = decode_still(still, frame_width, frame_height, features.has_alpha);
  if (!pixels || (frame_width == width && frame_height == height)) return pixels;
  Pixels canvas = Pixels::filled(width, height, 255, 255, 255);
  for (int row = 0; row < frame_height; ++row) {
    std::copy_n(pixels->at(0, row), 3 * frame_width,
                canvas.rgb.data() + (canvas.at(x, y + row) - canvas.rgb.data()));
  }
  return canvas;
}

}  // namespace

base::Result<Pixels> decode_webp(std::string_view bytes, const Bounds& bounds) {
  WebPBitstreamFeatures features{};
  if (WebPGetFeatures(data_of(bytes), bytes.size(), &features) != VP8_STATUS_OK)
    return webp_corrupt("its header is damaged or cut off");
  if (std::optional<base::Error> error =
          out_of_bounds("WebP", features.width, features.height, bounds))
    return *error;
  if (features.has_animation) return decode_first_frame(bytes, features.width, features.height);
  return decode_still(bytes, features.width, features.height, features.has_alpha);
}

}  // namespace media
