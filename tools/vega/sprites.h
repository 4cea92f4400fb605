#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "tools/vega/scene.h"

typedef struct _cairo cairo_t;
typedef struct _cairo_surface cairo_surface_t;

namespace tools::vega {

/// The symbols of marks with this many items or more stand on eighths of a pixel, by every painter:
/// nobody sees a sixteenth of a pixel, and 64 pictures of a symbol are enough for all of them.
constexpr size_t kManySymbols = 1000;
constexpr double kSubPixels = 8;

/// Pixels that may be written to: 32 bits each, and the part of them that is not clipped.
struct Canvas {
  uint32_t* first = nullptr;
  size_t stride = 0;  ///< pixels from one row to the next
  int x1 = 0, y1 = 0, x2 = 0, y2 = 0;
};

/// A colour as Cairo keeps it: 8 bits a channel, multiplied by its opacity, 0xAARRGGBB.
uint32_t premultiplied(double red, double green, double blue, double alpha);

/// How much of each pixel the symbols of one mark cover, drawn once per outline and eighth of a
/// pixel and then copied. The copies are what Cairo draws at the same place, to one level per
/// channel.
class Sprites {
 public:
  /// scale: pixels per scene unit
  explicit Sprites(double scale);
  ~Sprites();
  Sprites(const Sprites&) = delete;
  Sprites& operator=(const Sprites&) = delete;

  /// Draws a symbol with its centre at pixel (x, y), which is on eighths. fill, stroke: colours, or
  /// nullopt for none. False where it must be drawn the plain way: it is large, reaches beyond the
  /// canvas, or is one of too many different ones.
  bool draw(const Canvas& canvas, const Item& item, const Style& style, double x, double y,
            std::optional<uint32_t> fill, std::optional<uint32_t> stroke);

 private:
  struct Mask {
    int x = 0, y = 0, width = 0, height = 0;  ///< of its corner, from the centre's pixel
    std::vector<uint8_t> coverage;
    bool usable = false;
  };
  struct Outline {
    std::array<std::unique_ptr<Mask>, 64> fill, stroke;
  };
  using Key = std::tuple<const Style*, double, double, float>;

  const Mask& mask(std::unique_ptr<Mask>& kept, const Item& item, const Style& style, bool stroked,
                   int phase);
  static bool inside(const Canvas& canvas, const Mask& mask, int x, int y);
  static void blend(const Canvas& canvas, const Mask& mask, int x, int y, uint32_t color);

  double scale_;
  cairo_surface_t* surface_;
  cairo_t* cairo_;
  std::map<Key, Outline> outlines_;
  Key last_key_;
  Outline* last_ = nullptr;
};

}  // namespace tools::vega
