// GIF through giflib, record by record up to the first picture, so that later frames cost nothing.
//
// A file is a logical screen with a palette, then extensions (the graphic control one says which
// index is transparent) and frames, each with a place on the screen and perhaps a palette of its
// own. Real files have frames that reach beyond the screen, or a screen of 0x0: as in Pillow and in
// browsers the canvas then grows to hold the frame. Where the frame does not reach, and where it is
// transparent, the page shines through: white, whatever the background index says (browsers ignore
// it too).

#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include "media/image.h"
#include "media/picture_bounds.h"

namespace media {
namespace {

base::Error gif_corrupt(const std::string& what) {
  return base::Error{base::Errc::corrupt, "GIF: " + what};
}

int take_bytes(GifFileType* gif, GifByteType* to, int size) {
  auto* rest = static_cast<std::string_view*>(gif->UserData);
  const size_t n = std::min(rest->size(), static_cast<size_t>(std::max(size, 0)));
  std::memcpy(to, rest->data(), n);
  rest->remove_prefix(n);
  return static_cast<int>(n);
}

struct Close {
  void operator()(GifFileType* gif) const { DGifCloseFile(gif, nullptr); }
};

// Reads up to the first frame's description. The transparent index, or NO_TRANSPARENT_COLOR; no
// value if there is no frame.
std::optional<int> find_frame(GifFileType* gif) {
  int transparent = NO_TRANSPARENT_COLOR;
  for (;;) {
    GifRecordType type = UNDEFINED_RECORD_TYPE;
    if (DGifGetRecordType(gif, &type) == GIF_ERROR) return std::nullopt;
    if (type == IMAGE_DESC_RECORD_TYPE) {
      if (DGifGetImageDesc(gif) == GIF_ERROR) return std::nullopt;
      return transparent;
    }
    if (type != EXTENSION_RECORD_TYPE) return std::nullopt;
    int code = 0;
    GifByteType* block = nullptr;  // its first byte is its length
    if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) return std::nullopt;
    while (block) {
      GraphicsControlBlock control{};
      if (code == GRAPHICS_EXT_FUNC_CODE && block[0] == 4 &&
          DGifExtensionToGCB(block[0], block + 1, &control) == GIF_OK)
        transparent = control.TransparentColor;
      if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) return std::nullopt;
    }
  }
}

}  // namespace

base::Result<Pixels> decode_gif(std::string_view bytes, const Bounds& bounds) {
  std::string_view rest = bytes;
  const std::unique_ptr<GifFileType, Close> gif(DGifOpen(&rest, take_bytes, nullptr));
  if (!gif) return gif_corrupt("its header is damaged or cut off");
  // Twice: the screen before anything else is read, and what the frame makes of it.
  if (gif->SWidth > 0 && gif->SHeight > 0) {
    if (std::optional<base::Error> error = out_of_bounds("GIF", gif->SWidth, gif->SHeight, bounds))
      return *error;
  }
  const std::optional<int> transparent = find_frame(gif.get());
  if (!transparent) return gif_corrupt("it has no picture, or is damaged before it");
  const GifImageDesc& frame = gif->Image;
  if (std::optional<base::Error> error = out_of_bounds("GIF", frame.Width, frame.Height, bounds))
    return *error;
  const int width = std::max(gif->SWidth, frame.Left + frame.Width);
  const int height = std::max(gif->SHeight, frame.Top + frame.Height);
  if (std::optional<base::Error> error = out_of_bounds("GIF", width, height, bounds)) return *error;
  const ColorMapObject* palette = frame.ColorMap ? frame.ColorMap : gif->SColorMap;
  if (!palette) return gif_corrupt("no palette");

  Pixels pixels = Pixels::filled(width, height, 255, 255, 255);
  std::vector<GifPixelType> line(static_cast<size_t>(frame.Width));
  const auto read_line = [&](int row) {
    if (DGifGetLine(gif.get(), line.data(), frame.Width) == GIF_ERROR) return false;
    uint8_t* to = pixels.rgb.data() + (pixels.at(frame.Left, frame.Top + row) - pixels.rgb.data());
    for (const GifPixelType index : line) {
      if (index != *transparent) {
        // An index beyond the palette is black, as in Pillow.
        const GifColorType colour =
            index < palette->ColorCount ? palette->Colors[index] : GifColorType{0, 0, 0};
        to[0] = colour.Red;
        to[1] = colour.Green;
        to[2] = colour.Blue;
      }
      to += 3;
    }
    return true;
  };
  // An interlaced frame comes as every eighth row, the rows between those, and so on.
  struct Pass {
    int first, step;
  };
  constexpr Pass kInterlaced[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
  constexpr Pass kPlain[] = {{0, 1}};
  const std::span<const Pass> passes =
      frame.Interlace ? std::span<const Pass>(kInterlaced) : std::span<const Pass>(kPlain);
  for (const Pass& pass : passes) {
    for (int row = pass.first; row < frame.Height; row += pass.step) {
      if (!read_line(row)) return gif_corrupt("its pixels are damaged or cut off");
    }
  }
  return pixels;
}

}  // namespace media
