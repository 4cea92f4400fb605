// Colours: CSS text to sRGB, the spaces to mix them in, and Vega's schemes.
//
// Lab and HCL are CIE's, for the D50 white point as d3 has them; cubehelix is Green's (2011).
// Mixing in a space with a hue takes the shorter way around, or the way as the numbers go for the
// _long spaces.
#include "tools/vega/color.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "tools/vega/color_names.h"
#include "tools/vega/datum.h"
#include "tools/vega/not_a_number.h"
#include "tools/vega/scheme_table.h"

namespace tools::vega {
namespace {

constexpr double kRadians = M_PI / 180;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

std::optional<Color> parse_hex(std::string_view digits) {
  uint32_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  auto byte = [&](int shift) { return static_cast<double>((value >> shift) & 0xFF); };
  auto nibble = [&](int shift) { return static_cast<double>((value >> shift) & 0xF) * 17; };
  switch (digits.size()) {
    case 3:
      return Color{nibble(8), nibble(4), nibble(0), 1};
    case 4:
      return Color{nibble(12), nibble(8), nibble(4), nibble(0) / 255};
    case 6:
      return Color{byte(16), byte(8), byte(0), 1};
    case 8:
      return Color{byte(24), byte(16), byte(8), byte(0) / 255};
    default:
      return std::nullopt;
  }
}

double hsl_channel(double h, double m1, double m2) {
  return (h < 60    ? m1 + (m2 - m1) * h / 60
          : h < 180 ? m2
          : h < 240 ? m1 + (m2 - m1) * (240 - h) / 60
                    : m1) *
         255;
}

// h in degrees, s and l in 0..1; a NaN hue or saturation is grey.
Color from_hsl(double h, double s, double l, double opacity) {
  h = std::fmod(h, 360);
  if (h < 0) h += 360;
  if (std::isnan(h) || std::isnan(s)) h = s = 0;
  double m2 = l + (l < 0.5 ? l : 1 - l) * s;
  double m1 = 2 * l - m2;
  return {hsl_channel(h >= 240 ? h - 240 : h + 120, m1, m2), hsl_channel(h, m1, m2),
          hsl_channel(h < 120 ? h + 240 : h - 120, m1, m2), opacity};
}

// The arguments of rgb() or hsl(): three or four numbers, with a mark for those in percent.
struct ColorArguments {
  double value[4] = {0, 0, 0, 1};
  bool percent[4] = {};
  int n = 0;
};
std::optional<ColorArguments> parse_arguments(std::string_view text) {
  ColorArguments out;
  while (true) {
    while (!text.empty() && (text[0] == ' ' || text[0] == ',' || text[0] == '/')) {
      text.remove_prefix(1);
    }
    if (text.empty()) break;
    if (out.n == 4) return std::nullopt;
    size_t end = text.find_first_of(" ,/");
    std::string_view part = text.substr(0, end);
    text.remove_prefix(part.size());
    if (part.ends_with("deg")) part.remove_suffix(3);
    if (part.ends_with('%')) {
      out.percent[out.n] = true;
      part.remove_suffix(1);
    }
    double value = text_number(part);
    if (part.empty() || !std::isfinite(value)) return std::nullopt;
    out.value[out.n++] = value;
  }
  if (out.n < 3) return std::nullopt;
  if (out.percent[3]) out.value[3] /= 100;
  return out;
}

}  // namespace

std::optional<Color> parse_color(std::string_view given) {
  while (!given.empty() && std::isspace(static_cast<unsigned char>(given.front()))) {
    given.remove_prefix(1);
  }
  while (!given.empty() && std::isspace(static_cast<unsigned char>(given.back()))) {
    given.remove_suffix(1);
  }
  if (given.empty() || given.size() > 100) return std::nullopt;
  if (given[0] == '#') return parse_hex(given.substr(1));
  std::string text = lower(given);
  if (text == "transparent") return Color{0, 0, 0, 0};
  if (text.back() == ')') {
    bool hsl = text.starts_with("hsl");
    size_t open = text.find('(');
    std::string_view name = std::string_view(text).substr(0, open);
    if (name != "rgb" && name != "rgba" && name != "hsl" && name != "hsla") return std::nullopt;
    std::optional<ColorArguments> a =
        parse_arguments(std::string_view(text).substr(open + 1, text.size() - open - 2));
    if (!a) return std::nullopt;
    double opacity = std::clamp(a->value[3], 0.0, 1.0);
    if (hsl) return from_hsl(a->value[0], a->value[1] / 100, a->value[2] / 100, opacity);
    for (int i = 0; i < 3; ++i) {
      if (a->percent[i]) a->value[i] = a->value[i] * 255 / 100;
    }
    return Color{a->value[0], a->value[1], a->value[2], opacity};
  }
  auto found =
      std::lower_bound(std::begin(kNamedColors), std::end(kNamedColors), text,
                       [](const NamedColor& c, const std::string& t) { return c.name < t; });
  if (found == std::end(kNamedColors) || found->name != text) return std::nullopt;
  return Color{static_cast<double>(found->rgb >> 16), static_cast<double>((found->rgb >> 8) & 0xFF),
               static_cast<double>(found->rgb & 0xFF), 1};
}

static int channel(double value) {
  if (std::isnan(value)) return 0;
  return static_cast<int>(std::floor(std::clamp(value, 0.0, 255.0) + 0.5));
}

std::string rgb_text(const Color& color) {
  std::string out = color.opacity >= 1 ? "rgb(" : "rgba(";
  out += std::to_string(channel(color.r)) + ", " + std::to_string(channel(color.g)) + ", " +
         std::to_string(channel(color.b));
  if (color.opacity < 1) out += ", " + number_text(std::max(0.0, color.opacity));
  return out + ")";
}

std::string hex_text(const Color& color) {
  char buffer[8];
  std::snprintf(buffer, sizeof buffer, "#%02x%02x%02x", channel(color.r), channel(color.g),
                channel(color.b));
  return buffer;
}

std::optional<ColorSpace> parse_color_space(std::string_view name) {
  static constexpr std::pair<std::string_view, ColorSpace> kSpaces[] = {
      {"rgb", ColorSpace::rgb},
      {"hsl", ColorSpace::hsl},
      {"hsl-long", ColorSpace::hsl_long},
      {"lab", ColorSpace::lab},
      {"hcl", ColorSpace::hcl},
      {"hcl-long", ColorSpace::hcl_long},
      {"cubehelix", ColorSpace::cubehelix},
      {"cubehelix-long", ColorSpace::cubehelix_long},
  };
  std::string text = lower(name);
  for (const auto& [known, space] : kSpaces) {
    if (known == text) return space;
  }
  return std::nullopt;
}

namespace {

// A colour in some space; the first is the hue where the space has one. NaN is "any".
struct Triple {
  double a = 0, b = 0, c = 0;
};

Triple to_hsl(const Color& color) {
  double r = color.r / 255, g = color.g / 255, b = color.b / 255;
  double min = std::min({r, g, b}), max = std::max({r, g, b});
  double s = max - min, l = (max + min) / 2, h = kNan;
  if (s > 0) {
    h = r == max ? (g - b) / s + (g < b ? 6 : 0) : g == max ? (b - r) / s + 2 : (r - g) / s + 4;
    s /= l < 0.5 ? max + min : 2 - max - min;
    h *= 60;
  } else {
    s = l > 0 && l < 1 ? 0 : kNan;
  }
  return {h, s, l};
}

constexpr double kXn = 0.96422, kYn = 1, kZn = 0.82521;
constexpr double kT0 = 4.0 / 29, kT1 = 6.0 / 29, kT2 = 3 * kT1 * kT1, kT3 = kT1 * kT1 * kT1;

Triple to_lab(const Color& color) {
  auto linear = [](double x) {
    x /= 255;
    return x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4);
  };
  auto f = [](double t) { return t > kT3 ? std::pow(t, 1.0 / 3) : t / kT2 + kT0; };
  double r = linear(color.r), g = linear(color.g), b = linear(color.b);
  double y = f((0.2225045 * r + 0.7168786 * g + 0.0606169 * b) / kYn), x = y, z = y;
  if (!(r == g && g == b)) {
    x = f((0.4360747 * r + 0.3850649 * g + 0.1430804 * b) / kXn);
    z = f((0.0139322 * r + 0.0971045 * g + 0.7141733 * b) / kZn);
  }
  return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

Color from_lab(const Triple& lab, double opacity) {
  auto f = [](double t) { return t > kT1 ? t * t * t : kT2 * (t - kT0); };
  auto encode = [](double x) {
    return 255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055);
  };
  double y = (lab.a + 16) / 116;
  double x = kXn * f(std::isnan(lab.b) ? y : y + lab.b / 500);
  double z = kZn * f(std::isnan(lab.c) ? y : y - lab.c / 200);
  y = kYn * f(y);
  return {encode(3.1338561 * x - 1.6168667 * y - 0.4906146 * z),
          encode(-0.9787684 * x + 1.9161415 * y + 0.0334540 * z),
          encode(0.0719453 * x - 0.2289914 * y + 1.4052427 * z), opacity};
}

// Hue, chroma, luminance.
Triple to_hcl(const Color& color) {
  Triple lab = to_lab(color);
  if (lab.b == 0 && lab.c == 0) return {kNan, 0 < lab.a && lab.a < 100 ? 0 : kNan, lab.a};
  double h = std::atan2(lab.c, lab.b) / kRadians;
  return {h < 0 ? h + 360 : h, std::hypot(lab.b, lab.c), lab.a};
}

Color from_hcl(const Triple& hcl, double opacity) {
  if (std::isnan(hcl.a)) return from_lab({hcl.c, 0, 0}, opacity);
  return from_lab({hcl.c, std::cos(hcl.a * kRadians) * hcl.b, std::sin(hcl.a * kRadians) * hcl.b},
                  opacity);
}

constexpr double kA = -0.14861, kB = 1.78277, kC = -0.29227, kD = -0.90649, kE = 1.97294;

Triple to_cubehelix(const Color& color) {
  double r = color.r / 255, g = color.g / 255, b = color.b / 255;
  constexpr double kED = kE * kD, kEB = kE * kB, kBCDA = kB * kC - kD * kA;
  double l = (kBCDA * b + kED * r - kEB * g) / (kBCDA + kED - kEB);
  double bl = b - l, k = (kE * (g - l) - kC * bl) / kD;
  double s = std::sqrt(k * k + bl * bl) / (kE * l * (1 - l));
  double h = s != 0 && !std::isnan(s) ? std::atan2(k, bl) / kRadians - 120 : kNan;
  return {h < 0 ? h + 360 : h, s, l};
}

Color from_cubehelix(const Triple& helix, double opacity) {
  double h = std::isnan(helix.a) ? 0 : (helix.a + 120) * kRadians, l = helix.c;
  double a = std::isnan(helix.b) ? 0 : helix.b * l * (1 - l);
  double cos = std::cos(h), sin = std::sin(h);
  return {255 * (l + a * (kA * cos + kB * sin)), 255 * (l + a * (kC * cos + kD * sin)),
          255 * (l + a * (kE * cos)), opacity};
}

// Between a and b; where one of them is any value, the other's.
double mix(double a, double b, double t) {
  double d = b - a;
  if (std::isnan(d) || d == 0) return std::isnan(a) ? b : a;
  return a + t * d;
}

double mix_hue(double a, double b, double t, bool whole) {
  double d = b - a;
  if (std::isnan(d) || d == 0) return std::isnan(a) ? b : a;
  if (!whole && (d > 180 || d < -180)) d -= 360 * std::floor(d / 360 + 0.5);
  return a + t * d;
}

double mix_gamma(double a, double b, double t, double gamma) {
  if (gamma == 1) return mix(a, b, t);
  if (std::isnan(b - a) || a == b) return std::isnan(a) ? b : a;
  double low = std::pow(a, gamma), high = std::pow(b, gamma);
  return std::pow(low + t * (high - low), 1 / gamma);
}

}  // namespace

Color interpolate_color(const Color& a, const Color& b, double t, ColorSpace space, double gamma) {
  double opacity = mix(a.opacity, b.opacity, t);
  bool whole = space == ColorSpace::hsl_long || space == ColorSpace::hcl_long ||
               space == ColorSpace::cubehelix_long;
  auto mixed = [&](const Triple& u, const Triple& v, double power) {
    return Triple{mix_hue(u.a, v.a, t, whole), mix(u.b, v.b, t), mix(u.c, v.c, std::pow(t, power))};
  };
  switch (space) {
    case ColorSpace::rgb:
      return {mix_gamma(a.r, b.r, t, gamma), mix_gamma(a.g, b.g, t, gamma),
              mix_gamma(a.b, b.b, t, gamma), opacity};
    case ColorSpace::hsl:
    case ColorSpace::hsl_long: {
      Triple m = mixed(to_hsl(a), to_hsl(b), 1);
      return from_hsl(m.a, m.b, m.c, opacity);
    }
    case ColorSpace::lab: {
      Triple u = to_lab(a), v = to_lab(b);
      return from_lab({mix(u.a, v.a, t), mix(u.b, v.b, t), mix(u.c, v.c, t)}, opacity);
    }
    case ColorSpace::hcl:
    case ColorSpace::hcl_long: {
      Triple m = mixed(to_hcl(a), to_hcl(b), 1);
      return from_hcl(m, opacity);
    }
    case ColorSpace::cubehelix:
    case ColorSpace::cubehelix_long:
      return from_cubehelix(mixed(to_cubehelix(a), to_cubehelix(b), gamma), opacity);
  }
  return a;
}

std::optional<Scheme> find_scheme(std::string_view given) {
  std::string name = lower(given);
  int count = 0;
  if (size_t dash = name.rfind('-'); dash != std::string::npos) {
    std::string_view digits = std::string_view(name).substr(dash + 1);
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (error != std::errc() || *end != 0 || count < 1 || count > 1000) return std::nullopt;
    name.resize(dash);
  }
  for (const SchemeEntry& entry : kSchemes) {
    if (entry.name != name) continue;
    Scheme scheme{.continuous = entry.continuous, .colors = {}};
    for (size_t i = 0; i + 6 <= entry.colors.size(); i += 6) {
      scheme.colors.push_back(*parse_hex(entry.colors.substr(i, 6)));
    }
    if (count > 0 && scheme.continuous) {
      scheme = {.continuous = false, .colors = quantize_scheme(scheme, count)};
    }
    return scheme;
  }
  return std::nullopt;
}

Color scheme_color(const Scheme& scheme, double t) {
  if (scheme.colors.empty() || std::isnan(t)) return {};
  double n = static_cast<double>(scheme.colors.size()) - 1;
  if (n < 1) return scheme.colors[0];
  double at = t * n;
  double i = std::clamp(std::floor(at), 0.0, n - 1);
  return interpolate_color(scheme.colors[static_cast<size_t>(i)],
                           scheme.colors[static_cast<size_t>(i) + 1], at - i);
}

std::vector<Color> quantize_scheme(const Scheme& scheme, int count, double begin, double end) {
  std::vector<Color> out;
  count = std::clamp(count, 0, 1000);
  for (int i = 1; i <= count; ++i) {
    double t = static_cast<double>(i) / (count + 1);
    out.push_back(scheme_color(scheme, begin + t * (end - begin)));
  }
  return out;
}

std::vector<std::string> scheme_names() {
  std::vector<std::string> names;
  for (const SchemeEntry& entry : kSchemes) names.emplace_back(entry.name);
  return names;
}

}  // namespace tools::vega
