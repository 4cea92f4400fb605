#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tools::vega {

/// An sRGB colour; red, green and blue in 0..255 (not rounded), opacity in 0..1.
struct Color {
  double r = 0, g = 0, b = 0, opacity = 1;
};

/// Reads a CSS colour: a name, `transparent`, #rgb, #rgba, #rrggbb, #rrggbbaa, rgb(), rgba(),
/// hsl(), hsla().
std::optional<Color> parse_color(std::string_view text);
/// `rgb(1, 2, 3)` or `rgba(1, 2, 3, 0.5)`, rounded, as d3-color prints it.
std::string rgb_text(const Color& color);
/// `#rrggbb`, rounded.
std::string hex_text(const Color& color);

/// The spaces that Vega interpolates colours in; `long` goes the longer way around the hue circle.
enum class ColorSpace { rgb, hsl, hsl_long, lab, hcl, hcl_long, cubehelix, cubehelix_long };
std::optional<ColorSpace> parse_color_space(std::string_view name);
/// The colour at `t` in 0..1 on the way from a to b. gamma: for rgb and cubehelix.
Color interpolate_color(const Color& a, const Color& b, double t,
                        ColorSpace space = ColorSpace::rgb, double gamma = 1);

/// A named colour scheme of Vega.
struct Scheme {
  bool continuous = false;    ///< false: a palette for categories, used in order
  std::vector<Color> colors;  ///< the palette, or the knots of the ramp
};

/// Looks a scheme up by its name, in any case; `blues-5` is the ramp sampled five times.
/// nullptr where Vega has none of that name.
std::optional<Scheme> find_scheme(std::string_view name);
/// The colour of a continuous scheme at t in 0..1.
Color scheme_color(const Scheme& scheme, double t);
/// `count` colours from a ramp, evenly spaced without its ends, as Vega quantizes one.
std::vector<Color> quantize_scheme(const Scheme& scheme, int count, double begin = 0,
                                   double end = 1);
/// The names of all schemes, for a message that lists them.
std::vector<std::string> scheme_names();

}  // namespace tools::vega
