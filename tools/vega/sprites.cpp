// Symbols by copying. Cairo spends some ten microseconds on a small circle: flattening its curves,
// sorting edges. Its result depends only on the outline and on where in a pixel the centre lies, so
// each such picture (how much of each pixel is covered) is drawn once, on a small surface of its
// own, and then blended by the arithmetic that Cairo and pixman use.
#include "tools/vega/sprites.h"

#include <cairo.h>

#include <algorithm>
#include <cmath>

#include "tools/vega/outline.h"

namespace tools::vega {
namespace {

constexpr int kSide = 96;             // of the surface; larger symbols are drawn the plain way
constexpr size_t kMaxOutlines = 512;  // at most 512 * 128 masks of 9 KB, in truth far less

// Each channel of `color` times a / 255, rounded.
uint32_t scaled(uint32_t color, uint32_t a) {
  uint32_t even = (color & 0xFF00FF) * a + 0x800080;
  even = ((even + ((even >> 8) & 0xFF00FF)) >> 8) & 0xFF00FF;
  uint32_t odd = ((color >> 8) & 0xFF00FF) * a + 0x800080;
  odd = (odd + ((odd >> 8) & 0xFF00FF)) & 0xFF00FF00;
  return even | odd;
}

uint32_t channel(double value) {
  const uint32_t fixed = static_cast<uint32_t>(std::clamp(value, 0.0, 1.0) * 65536);
  return (fixed - (fixed >> 16)) >> 8;
}

}  // namespace

uint32_t premultiplied(double red, double green, double blue, double alpha) {
  return channel(alpha) << 24 | channel(red * alpha) << 16 | channel(green * alpha) << 8 |
         channel(blue * alpha);
}

Sprites::Sprites(double scale) : scale_(scale) {
  surface_ = cairo_image_surface_create(CAIRO_FORMAT_A8, kSide, kSide);
  cairo_ = cairo_create(surface_);
}

Sprites::~Sprites() {
  cairo_destroy(cairo_);
  cairo_surface_destroy(surface_);
}

const Sprites::Mask& Sprites::mask(std::unique_ptr<Mask>& kept, const Item& item,
                                   const Style& style, bool stroked, int phase) {
  if (kept != nullptr) return *kept;
  kept = std::make_unique<Mask>();
  if (cairo_status(cairo_) != CAIRO_STATUS_SUCCESS) return *kept;
  const int half = kSide / 2;
  cairo_identity_matrix(cairo_);
  cairo_set_operator(cairo_, CAIRO_OPERATOR_CLEAR);
  cairo_paint(cairo_);
  cairo_set_operator(cairo_, CAIRO_OPERATOR_OVER);
  cairo_set_source_rgba(cairo_, 0, 0, 0, 1);
  cairo_translate(cairo_, half + phase % 8 / kSubPixels, half + phase / 8 / kSubPixels);
  cairo_scale(cairo_, scale_, scale_);
  if (item.angle != 0) cairo_rotate(cairo_, item.angle * M_PI / 180);
  trace(cairo_, symbol_path(style.shape, item.size));
  if (stroked) {
    set_line(cairo_, style, item.stroke_width);
    cairo_stroke(cairo_);
  } else {
    cairo_fill(cairo_);
  }
  cairo_surface_flush(surface_);
  const uint8_t* data = cairo_image_surface_get_data(surface_);
  const size_t stride = static_cast<size_t>(cairo_image_surface_get_stride(surface_));
  int x1 = kSide, y1 = kSide, x2 = -1, y2 = -1;
  for (int y = 0; y < kSide; ++y)
    for (int x = 0; x < kSide; ++x)
      if (data[static_cast<size_t>(y) * stride + static_cast<size_t>(x)] != 0)
        x1 = std::min(x1, x), x2 = std::max(x2, x), y1 = std::min(y1, y), y2 = std::max(y2, y);
  // What touches the edge may go on beyond it.
  if (x1 == 0 || y1 == 0 || x2 == kSide - 1 || y2 == kSide - 1) return *kept;
  kept->usable = true;
  if (x2 < 0) return *kept;
  kept->x = x1 - half, kept->y = y1 - half;
  kept->width = x2 - x1 + 1, kept->height = y2 - y1 + 1;
  for (int y = y1; y <= y2; ++y) {
    const uint8_t* row = data + static_cast<size_t>(y) * stride;
    kept->coverage.insert(kept->coverage.end(), row + x1, row + x2 + 1);
  }
  return *kept;
}

bool Sprites::inside(const Canvas& canvas, const Mask& mask, int x, int y) {
  return x + mask.x >= canvas.x1 && y + mask.y >= canvas.y1 &&
         x + mask.x + mask.width <= canvas.x2 && y + mask.y + mask.height <= canvas.y2;
}

void Sprites::blend(const Canvas& canvas, const Mask& mask, int x, int y, uint32_t color) {
  const uint8_t* coverage = mask.coverage.data();
  for (int row = 0; row < mask.height; ++row) {
    uint32_t* target = canvas.first + static_cast<size_t>(y + mask.y + row) * canvas.stride +
                       static_cast<size_t>(x + mask.x);
    for (int i = 0; i < mask.width; ++i, ++target) {
      const uint32_t covered = *coverage++;
      if (covered == 0) continue;
      const uint32_t over = covered == 255 ? color : scaled(color, covered);
      *target = over + scaled(*target, 255 - (over >> 24));
    }
  }
}

bool Sprites::draw(const Canvas& canvas, const Item& item, const Style& style, double x, double y,
                   std::optional<uint32_t> fill, std::optional<uint32_t> stroke) {
  if (!std::isfinite(item.size) || !std::isfinite(item.angle) || !std::isfinite(item.stroke_width))
    return false;
  const Key key{&style, item.size, item.angle, item.stroke_width};
  if (last_ == nullptr || key != last_key_) {
    auto found = outlines_.find(key);
    if (found == outlines_.end()) {
      if (outlines_.size() >= kMaxOutlines) return false;
      found = outlines_.try_emplace(key).first;
    }
    last_key_ = key;
    last_ = &found->second;
  }
  if (!(std::abs(x) < 1e6 && std::abs(y) < 1e6)) return false;
  const double left = std::floor(x), top = std::floor(y);
  const int phase =
      static_cast<int>((x - left) * kSubPixels) + 8 * static_cast<int>((y - top) * kSubPixels);
  const size_t at = static_cast<size_t>(phase);
  const int px = static_cast<int>(left), py = static_cast<int>(top);
  const Mask* area = fill ? &mask(last_->fill[at], item, style, false, phase) : nullptr;
  const Mask* line = stroke ? &mask(last_->stroke[at], item, style, true, phase) : nullptr;
  for (const Mask* one : {area, line})
    if (one != nullptr && (!one->usable || !inside(canvas, *one, px, py))) return false;
  if (area != nullptr) blend(canvas, *area, px, py, *fill);
  if (line != nullptr) blend(canvas, *line, px, py, *stroke);
  return true;
}

}  // namespace tools::vega
