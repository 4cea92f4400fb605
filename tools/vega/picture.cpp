// Scenes as files: PNG from pixels in memory, PDF from Cairo's own writer.
#include <cairo-pdf.h>
#include <cairo.h>
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "media/png_write.h"
#include "tools/vega/paint.h"
#include "tools/vega/vega.h"

namespace tools::vega {

// Memory for pixels in pages of 2 MB: the kernel hands them out one by one on first touch, and a
// thousand small ones cost more than drawing a chart does.
static uint32_t* allocate_pixels(size_t bytes) {
  constexpr size_t kPage = size_t{2} << 20;
  const size_t whole = (bytes + kPage - 1) / kPage * kPage;
  if (bytes < kPage) return static_cast<uint32_t*>(std::malloc(bytes));
  void* memory = std::aligned_alloc(kPage, whole);
  if (memory != nullptr) madvise(memory, whole, MADV_HUGEPAGE);
  return static_cast<uint32_t*>(memory);
}

base::Result<Raster> rasterize(const Scene& scene, double scale, Painting how) {
  const double w = std::ceil(scene.width * scale), h = std::ceil(scene.height * scale);
  if (!(w >= 1 && h >= 1))
    return base::Error{base::Errc::usage, "the chart is empty: its size is 0"};
  if (w > 32000 || h > 32000 || w * h > 1e8)
    return base::Error{base::Errc::limit, "the picture would be larger than 100 million pixels"};
  Raster raster;
  raster.width = static_cast<int>(w), raster.height = static_cast<int>(h);
  const size_t count = static_cast<size_t>(raster.width) * static_cast<size_t>(raster.height);
  raster.pixels = {allocate_pixels(4 * count), std::free};
  if (raster.pixels == nullptr)
    return base::Error{base::Errc::internal, "no memory for the picture"};
  // Without a background the picture is white: PNGs here have no transparency.
  std::fill_n(raster.pixels.get(), count, 0xFFFFFFFFU);
  cairo_surface_t* surface = cairo_image_surface_create_for_data(
      reinterpret_cast<unsigned char*>(raster.pixels.get()), CAIRO_FORMAT_RGB24, raster.width,
      raster.height, 4 * raster.width);
  cairo_t* cairo = cairo_create(surface);
  cairo_scale(cairo, scale, scale);
  paint(cairo, scene, how);
  const bool good = cairo_status(cairo) == CAIRO_STATUS_SUCCESS;
  cairo_destroy(cairo);
  cairo_surface_finish(surface);
  cairo_surface_destroy(surface);
  if (!good) return base::Error{base::Errc::internal, "the picture could not be painted"};
  return raster;
}

base::Result<std::string> png(const Scene& scene, double scale) {
  const base::Result<Raster> raster = rasterize(scene, scale);
  if (!raster) return raster.error();
  std::string bytes = media::write_png({raster->pixels.get(), raster->width, raster->height,
                                        static_cast<size_t>(raster->width), scale});
  if (bytes.empty()) return base::Error{base::Errc::internal, "no memory for the PNG"};
  return bytes;
}

static cairo_status_t append(void* closure, const unsigned char* data, unsigned int length) {
  static_cast<std::string*>(closure)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

base::Result<std::string> pdf(const Scene& scene) {
  if (!(scene.width > 0 && scene.height > 0))
    return base::Error{base::Errc::usage, "the chart is empty: its size is 0"};
  std::string bytes;
  // A scene unit is a CSS pixel: 1/96 inch, where PDF counts in 1/72.
  cairo_surface_t* surface =
      cairo_pdf_surface_create_for_stream(append, &bytes, scene.width * 0.75, scene.height * 0.75);
  // A fixed date keeps the bytes the same every time.
  cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, "2000-01-01T00:00:00Z");
  cairo_t* cairo = cairo_create(surface);
  cairo_scale(cairo, 0.75, 0.75);
  paint(cairo, scene);
  cairo_show_page(cairo);
  const bool good = cairo_status(cairo) == CAIRO_STATUS_SUCCESS;
  cairo_destroy(cairo);
  cairo_surface_finish(surface);
  cairo_surface_destroy(surface);
  if (!good) return base::Error{base::Errc::internal, "the picture could not be painted"};
  return bytes;
}

}  // namespace tools::vega
