// Outlines of marks. Curves through points follow the definitions of the d3-shape documentation
// (basis: uniform cubic B-spline; cardinal: Hermite with tension; monotone: Fritsch-Carlson slopes
// as in Steffen 1990; natural: the cubic spline with zero second derivatives at its ends), each
// written as cubic Bezier pieces.
#include "tools/vega/path.h"

#include <algorithm>
#include <cmath>

namespace tools::vega {

void Path::move(double x, double y) { commands.push_back({'M', 0, 0, 0, 0, x, y}); }
void Path::line(double x, double y) { commands.push_back({'L', 0, 0, 0, 0, x, y}); }
void Path::curve(double x1, double y1, double x2, double y2, double x, double y) {
  commands.push_back({'C', x1, y1, x2, y2, x, y});
}
void Path::close() { commands.push_back({'Z', 0, 0, 0, 0, 0, 0}); }

void Path::arc(double cx, double cy, double r, double a0, double a1) {
  const double sx = cx + r * std::cos(a0), sy = cy + r * std::sin(a0);
  if (commands.empty() || commands.back().kind == 'Z')
    move(sx, sy);
  else
    line(sx, sy);
  // Quarter turns at most, each within 3e-4 of the circle.
  const int pieces =
      std::clamp(static_cast<int>(std::ceil(std::abs(a1 - a0) / (M_PI / 2) - 1e-9)), 1, 64);
  const double step = (a1 - a0) / pieces, k = 4.0 / 3 * std::tan(step / 4);
  for (int i = 0; i < pieces; ++i) {
    const double from = a0 + i * step, to = from + step;
    curve(cx + r * (std::cos(from) - k * std::sin(from)),
          cy + r * (std::sin(from) + k * std::cos(from)),
          cx + r * (std::cos(to) + k * std::sin(to)), cy + r * (std::sin(to) - k * std::cos(to)),
          cx + r * std::cos(to), cy + r * std::sin(to));
  }
}

namespace {

void polygon(Path& path, std::initializer_list<std::pair<double, double>> points) {
  bool first = true;
  for (const auto& [x, y] : points) {
    first ? path.move(x, y) : path.line(x, y);
    first = false;
  }
  path.close();
}

struct Point {
  double x, y;
};

// Appends a curve through `points` to `path`; `joined` continues with a line instead of a move.
void curve_through(Path& path, const std::vector<Point>& p, const Style& style, bool joined) {
  const size_t n = p.size();
  if (n == 0) return;
  const std::string& kind = style.interpolate;
  auto start = [&](double x, double y) { joined ? path.line(x, y) : path.move(x, y); };
  if (n == 1) {
    start(p[0].x, p[0].y);
    if (!joined) path.close();
    return;
  }
  if (kind == "step" || kind == "step-before" || kind == "step-after") {
    start(p[0].x, p[0].y);
    for (size_t i = 1; i < n; ++i) {
      if (kind == "step-before") {
        path.line(p[i - 1].x, p[i].y);
      } else if (kind == "step-after") {
        path.line(p[i].x, p[i - 1].y);
      } else {
        const double middle = (p[i - 1].x + p[i].x) / 2;
        path.line(middle, p[i - 1].y);
        path.line(middle, p[i].y);
      }
      path.line(p[i].x, p[i].y);
    }
    return;
  }
  const bool closed = kind.ends_with("-closed");
  if (kind.starts_with("basis") || kind == "bundle") {
    std::vector<Point> q = p;
    if (kind == "bundle" || style.interpolate == "bundle") {
      const double beta = style.tension > 0 ? style.tension : 0.85;
      for (size_t i = 0; i < n; ++i) {
        const double t = static_cast<double>(i) / static_cast<double>(n - 1);
        q[i].x = beta * p[i].x + (1 - beta) * (p[0].x + t * (p[n - 1].x - p[0].x));
        q[i].y = beta * p[i].y + (1 - beta) * (p[0].y + t * (p[n - 1].y - p[0].y));
      }
    }
    if (closed && n > 2) {
      q.push_back(p[0]), q.push_back(p[1]), q.push_back(p[2]);
    } else if (kind != "basis-open") {
      q.insert(q.begin(), {q.front(), q.front()});
      q.insert(q.end(), {q.back(), q.back()});
    }
    bool first = true;
    for (size_t i = 0; i + 3 < q.size(); ++i) {
      const Point &a = q[i], &b = q[i + 1], &c = q[i + 2], &d = q[i + 3];
      if (first) start((a.x + 4 * b.x + c.x) / 6, (a.y + 4 * b.y + c.y) / 6);
      first = false;
      path.curve((2 * b.x + c.x) / 3, (2 * b.y + c.y) / 3, (b.x + 2 * c.x) / 3, (b.y + 2 * c.y) / 3,
                 (b.x + 4 * c.x + d.x) / 6, (b.y + 4 * c.y + d.y) / 6);
    }
    if (closed) path.close();
    return;
  }
  std::vector<double> mx, my;  // tangents at the points, for a unit of the parameter
  if (kind.starts_with("cardinal") || kind.starts_with("catmull-rom")) {
    const bool rom = kind.starts_with("catmull-rom");
    const double alpha = rom ? (style.tension > 0 ? style.tension : 0.5) : 0;
    const double k = rom ? 1 : 1 - style.tension;
    std::vector<Point> q;
    if (closed) {
      q.push_back(p[n - 1]);
      q.insert(q.end(), p.begin(), p.end());
      q.push_back(p[0]), q.push_back(p[1]);
    } else if (kind.ends_with("-open")) {
      q = p;
    } else {
      q.push_back(p[0]);
      q.insert(q.end(), p.begin(), p.end());
      q.push_back(p[n - 1]);
    }
    if (q.size() < 4) {
      if (q.size() > 1) start(q[1].x, q[1].y);
      return;
    }
    start(q[1].x, q[1].y);
    for (size_t i = 0; i + 3 < q.size(); ++i) {
      const Point &a = q[i], &b = q[i + 1], &c = q[i + 2], &d = q[i + 3];
      Point c1, c2;
      if (!rom) {
        c1 = {b.x + k * (c.x - a.x) / 6, b.y + k * (c.y - a.y) / 6};
        c2 = {c.x - k * (d.x - b.x) / 6, c.y - k * (d.y - b.y) / 6};
      } else {
        auto gap = [&](const Point& s, const Point& t) {
          return std::pow(std::hypot(t.x - s.x, t.y - s.y), alpha);
        };
        const double d1 = gap(a, b), d2 = gap(b, c), d3 = gap(c, d);
        c1 = b, c2 = c;
        if (d1 > 1e-9) {
          const double w = 2 * d1 * d1 + 3 * d1 * d2 + d2 * d2, m = 3 * d1 * (d1 + d2);
          c1 = {(d1 * d1 * c.x - d2 * d2 * a.x + w * b.x) / m,
                (d1 * d1 * c.y - d2 * d2 * a.y + w * b.y) / m};
        }
        if (d3 > 1e-9) {
          const double w = 2 * d3 * d3 + 3 * d3 * d2 + d2 * d2, m = 3 * d3 * (d3 + d2);
          c2 = {(d3 * d3 * b.x - d2 * d2 * d.x + w * c.x) / m,
                (d3 * d3 * b.y - d2 * d2 * d.y + w * c.y) / m};
        }
      }
      path.curve(c1.x, c1.y, c2.x, c2.y, c.x, c.y);
    }
    if (closed) path.close();
    return;
  }
  if (kind == "monotone" && n > 2) {
    // Along y for marks that grow sideways: swap the axes, and back when drawing.
    const bool swap = style.orient == "horizontal";
    auto X = [&](size_t i) { return swap ? p[i].y : p[i].x; };
    auto Y = [&](size_t i) { return swap ? p[i].x : p[i].y; };
    std::vector<double> slope(n), tangent(n);
    auto sign = [](double v) { return v < 0 ? -1.0 : 1.0; };
    for (size_t i = 0; i + 1 < n; ++i) {
      const double h = X(i + 1) - X(i);
      slope[i] = h != 0 ? (Y(i + 1) - Y(i)) / h : 0;
    }
    for (size_t i = 1; i + 1 < n; ++i) {
      const double h0 = X(i) - X(i - 1), h1 = X(i + 1) - X(i);
      const double mean = h0 + h1 != 0 ? (slope[i - 1] * h1 + slope[i] * h0) / (h0 + h1) : 0;
      tangent[i] = (sign(slope[i - 1]) + sign(slope[i])) *
                   std::min({std::abs(slope[i - 1]), std::abs(slope[i]), 0.5 * std::abs(mean)});
    }
    tangent[0] = X(1) != X(0) ? (3 * slope[0] - tangent[1]) / 2 : tangent[1];
    tangent[n - 1] =
        X(n - 1) != X(n - 2) ? (3 * slope[n - 2] - tangent[n - 2]) / 2 : tangent[n - 2];
    start(p[0].x, p[0].y);
    for (size_t i = 0; i + 1 < n; ++i) {
      const double h = (X(i + 1) - X(i)) / 3;
      const double ax = X(i) + h, ay = Y(i) + h * tangent[i], bx = X(i + 1) - h,
                   by = Y(i + 1) - h * tangent[i + 1];
      swap ? path.curve(ay, ax, by, bx, p[i + 1].x, p[i + 1].y)
           : path.curve(ax, ay, bx, by, p[i + 1].x, p[i + 1].y);
    }
    return;
  }
  if (kind == "natural" && n > 2) {
    auto controls = [n](auto value) {
      // Thomas' algorithm for the first control points.
      const size_t m = n - 1;
      std::vector<double> a(m), b(m), r(m);
      a[0] = 0, b[0] = 2, r[0] = value(0) + 2 * value(1);
      for (size_t i = 1; i + 1 < m; ++i) a[i] = 1, b[i] = 4, r[i] = 4 * value(i) + 2 * value(i + 1);
      a[m - 1] = 2, b[m - 1] = 7, r[m - 1] = 8 * value(m - 1) + value(m);
      for (size_t i = 1; i < m; ++i) {
        const double f = a[i] / b[i - 1];
        b[i] -= f;
        r[i] -= f * r[i - 1];
      }
      a[m - 1] = r[m - 1] / b[m - 1];
      for (size_t i = m - 1; i-- > 0;) a[i] = (r[i] - a[i + 1]) / b[i];
      b[m - 1] = (value(m) + a[m - 1]) / 2;
      for (size_t i = 0; i + 1 < m; ++i) b[i] = 2 * value(i + 1) - a[i + 1];
      return std::pair(a, b);
    };
    const auto [ax, bx] = controls([&](size_t i) { return p[i].x; });
    const auto [ay, by] = controls([&](size_t i) { return p[i].y; });
    start(p[0].x, p[0].y);
    for (size_t i = 0; i + 1 < n; ++i)
      path.curve(ax[i], ay[i], bx[i], by[i], p[i + 1].x, p[i + 1].y);
    return;
  }
  start(p[0].x, p[0].y);
  for (size_t i = 1; i < n; ++i) path.line(p[i].x, p[i].y);
  if (kind == "linear-closed") path.close();
}

}  // namespace

Path line_path(const std::vector<Item>& items, const Style& style) {
  Path path;
  std::vector<Point> run;
  for (const Item& item : items) {
    if (item.defined) {
      run.push_back({item.x, item.y});
    } else {
      curve_through(path, run, style, false);
      run.clear();
    }
  }
  curve_through(path, run, style, false);
  return path;
}

Path area_path(const std::vector<Item>& items, const Style& style) {
  Path path;
  std::vector<Point> top, bottom;
  auto flush = [&] {
    if (!top.empty()) {
      std::reverse(bottom.begin(), bottom.end());
      Style back = style;
      if (style.interpolate == "step-before") back.interpolate = "step-after";
      if (style.interpolate == "step-after") back.interpolate = "step-before";
      curve_through(path, top, style, false);
      if (top.size() > 1) {
        curve_through(path, bottom, back, true);
        path.close();
      } else {
        path.commands.clear();
      }
    }
    top.clear();
    bottom.clear();
  };
  for (const Item& item : items) {
    if (!item.defined) {
      flush();
      continue;
    }
    top.push_back({item.x, item.y});
    bottom.push_back({item.x2, item.y2});
  }
  flush();
  return path;
}

Path trail_path(const std::vector<Item>& items) {
  Path path;
  const Item* last = nullptr;
  for (const Item& item : items) {
    if (!item.defined) {
      last = nullptr;
      continue;
    }
    const double r1 = item.size / 2;
    if (last != nullptr) {
      const double r0 = last->size / 2, dx = item.x - last->x, dy = item.y - last->y,
                   d = std::hypot(dx, dy);
      if (d > 0) {
        const double ux = dy / d, uy = -dx / d;
        path.move(last->x + ux * r0, last->y + uy * r0);
        path.line(item.x + ux * r1, item.y + uy * r1);
        path.line(item.x - ux * r1, item.y - uy * r1);
        path.line(last->x - ux * r0, last->y - uy * r0);
        path.close();
      }
    }
    if (r1 > 0) {
      path.arc(item.x, item.y, r1, 0, 2 * M_PI);
      path.close();
    }
    last = &item;
  }
  return path;
}

Path rect_path(const Item& item, const Style& style) {
  Path path;
  const double x = item.x, y = item.y, w = item.width, h = item.height;
  const double most = std::min(std::abs(w), std::abs(h)) / 2;
  std::array<double, 4> r = style.corner_radius;
  for (double& radius : r) radius = std::clamp(radius, 0.0, most);
  if (r == std::array<double, 4>{0, 0, 0, 0}) {
    polygon(path, {{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}});
    return path;
  }
  const double k = 0.448084975506;  // 1 - kappa: how far a control point lies from the corner
  path.move(x + r[0], y);
  path.line(x + w - r[1], y);
  path.curve(x + w - r[1] * k, y, x + w, y + r[1] * k, x + w, y + r[1]);
  path.line(x + w, y + h - r[2]);
  path.curve(x + w, y + h - r[2] * k, x + w - r[2] * k, y + h, x + w - r[2], y + h);
  path.line(x + r[3], y + h);
  path.curve(x + r[3] * k, y + h, x, y + h - r[3] * k, x, y + h - r[3]);
  path.line(x, y + r[0]);
  path.curve(x, y + r[0] * k, x + r[0] * k, y, x + r[0], y);
  path.close();
  return path;
}

Path arc_path(const Style& style) {
  Path path;
  double inner = std::max(0.0, style.inner_radius), outer = std::max(0.0, style.outer_radius);
  if (outer < inner) std::swap(inner, outer);
  double a0 = style.start_angle - M_PI / 2, a1 = style.end_angle - M_PI / 2;
  if (a1 < a0) std::swap(a0, a1);
  if (outer <= 0) return path;
  if (a1 - a0 >= 2 * M_PI - 1e-9) {
    path.arc(0, 0, outer, a0, a0 + 2 * M_PI);
    path.close();
    if (inner > 0) {
      path.arc(0, 0, inner, a0 + 2 * M_PI, a0);
      path.close();
    }
    return path;
  }
  if (style.pad_angle > 0 && a1 - a0 > style.pad_angle) {
    a0 += style.pad_angle / 2;
    a1 -= style.pad_angle / 2;
  }
  path.arc(0, 0, outer, a0, a1);
  if (inner > 0)
    path.arc(0, 0, inner, a1, a0);
  else
    path.line(0, 0);
  path.close();
  return path;
}

Path symbol_path(std::string_view shape, double size) {
  Path path;
  const double r = std::sqrt(std::max(0.0, size)) / 2;
  if (shape == "circle") {
    path.arc(0, 0, r, 0, 2 * M_PI);
    path.close();
  } else if (shape == "square") {
    polygon(path, {{-r, -r}, {r, -r}, {r, r}, {-r, r}});
  } else if (shape == "cross") {
    const double s = r / 2.5;
    polygon(path, {{-r, -s},
                   {-s, -s},
                   {-s, -r},
                   {s, -r},
                   {s, -s},
                   {r, -s},
                   {r, s},
                   {s, s},
                   {s, r},
                   {-s, r},
                   {-s, s},
                   {-r, s}});
  } else if (shape == "diamond") {
    polygon(path, {{-r, 0}, {0, -r}, {r, 0}, {0, r}});
  } else if (shape == "stroke") {
    path.move(-r, 0);
    path.line(r, 0);
  } else if (shape == "arrow") {
    const double s = r / 7, t = r / 2.5, v = r / 8;
    polygon(path, {{-s, r}, {s, r}, {s, -v}, {t, -v}, {0, -r}, {-t, -v}, {-s, -v}});
  } else if (shape == "wedge") {
    const double h = r * std::sqrt(3.0), o = h - r * std::sqrt(3.0) / 2 * 2 / std::sqrt(3.0),
                 b = r / 4;
    polygon(path, {{0, -h - o + h * 0.5}, {-b, h - o - h * 0.5 + o}, {b, h - o - h * 0.5 + o}});
  } else if (shape.starts_with("triangle")) {
    const double h = r * std::sqrt(3.0) / 1;
    const double half = r, o = shape == "triangle" ? h - r * 2 / std::sqrt(3.0) : 0;
    if (shape == "triangle-down")
      polygon(path, {{-half, -h / 2}, {half, -h / 2}, {0, h / 2}});
    else if (shape == "triangle-left")
      polygon(path, {{h / 2, -half}, {h / 2, half}, {-h / 2, 0}});
    else if (shape == "triangle-right")
      polygon(path, {{-h / 2, -half}, {-h / 2, half}, {h / 2, 0}});
    else if (shape == "triangle")
      polygon(path, {{0, -h - o + h / 2 * 0}, {-half, o}, {half, o}});
    else
      polygon(path, {{0, -h / 2}, {-half, h / 2}, {half, h / 2}});
  } else {
    path = parse_svg_path(shape, std::sqrt(std::max(0.0, size)) / 2);
  }
  return path;
}

Path parse_svg_path(std::string_view text, double scale) {
  Path path;
  // Symbols are small; a long outline would be drawn for every one of them.
  if (text.size() > 4000) return path;
  size_t at = 0;
  auto skip = [&] {
    while (at < text.size() && (text[at] == ' ' || text[at] == ',' || text[at] == '\n' ||
                                text[at] == '\t' || text[at] == '\r'))
      ++at;
  };
  auto read = [&](double& value) {
    skip();
    size_t end = at;
    if (end < text.size() && (text[end] == '-' || text[end] == '+')) ++end;
    bool dot = false, digits = false;
    while (end < text.size() &&
           (std::isdigit(static_cast<unsigned char>(text[end])) || (text[end] == '.' && !dot))) {
      dot |= text[end] == '.';
      digits |= text[end] != '.';
      ++end;
    }
    if (digits && end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
      size_t e = end + 1;
      if (e < text.size() && (text[e] == '-' || text[e] == '+')) ++e;
      if (e < text.size() && std::isdigit(static_cast<unsigned char>(text[e]))) {
        while (e < text.size() && std::isdigit(static_cast<unsigned char>(text[e]))) ++e;
        end = e;
      }
    }
    if (!digits || end - at > 40) return false;
    value = std::strtod(std::string(text.substr(at, end - at)).c_str(), nullptr);
    at = end;
    return std::isfinite(value);
  };
  double x = 0, y = 0, sx = 0, sy = 0, cx = 0,
         cy = 0;  // pen, start of the figure, last control point
  char command = 0, last = 0;
  auto emit_curve = [&](double x1, double y1, double x2, double y2, double ex, double ey) {
    path.curve(x1 * scale, y1 * scale, x2 * scale, y2 * scale, ex * scale, ey * scale);
    cx = x2, cy = y2, x = ex, y = ey;
  };
  while (true) {
    skip();
    if (at >= text.size() || path.commands.size() > 10000) break;
    if (std::isalpha(static_cast<unsigned char>(text[at])))
      command = text[at++];
    else if (command == 0 || command == 'z' || command == 'Z')
      return {};
    const bool relative = std::islower(static_cast<unsigned char>(command));
    const double ox = relative ? x : 0, oy = relative ? y : 0;
    double v[7];
    auto numbers = [&](int n) {
      for (int i = 0; i < n; ++i)
        if (!read(v[i])) return false;
      return true;
    };
    switch (std::toupper(static_cast<unsigned char>(command))) {
      case 'M':
        if (!numbers(2)) return {};
        x = ox + v[0], y = oy + v[1], sx = x, sy = y;
        path.move(x * scale, y * scale);
        command = relative ? 'l' : 'L';
        break;
      case 'L':
        if (!numbers(2)) return {};
        x = ox + v[0], y = oy + v[1];
        path.line(x * scale, y * scale);
        break;
      case 'H':
        if (!numbers(1)) return {};
        x = ox + v[0];
        path.line(x * scale, y * scale);
        break;
      case 'V':
        if (!numbers(1)) return {};
        y = oy + v[0];
        path.line(x * scale, y * scale);
        break;
      case 'C':
        if (!numbers(6)) return {};
        emit_curve(ox + v[0], oy + v[1], ox + v[2], oy + v[3], ox + v[4], oy + v[5]);
        break;
      case 'S': {
        if (!numbers(4)) return {};
        const bool smooth = last == 'C' || last == 'S';
        emit_curve(smooth ? 2 * x - cx : x, smooth ? 2 * y - cy : y, ox + v[0], oy + v[1],
                   ox + v[2], oy + v[3]);
        break;
      }
      case 'Q':
      case 'T': {
        const bool quad = std::toupper(static_cast<unsigned char>(command)) == 'Q';
        if (!numbers(quad ? 4 : 2)) return {};
        const bool smooth = last == 'Q' || last == 'T';
        const double qx = quad ? ox + v[0] : (smooth ? 2 * x - cx : x),
                     qy = quad ? oy + v[1] : (smooth ? 2 * y - cy : y);
        const double ex = ox + v[quad ? 2 : 0], ey = oy + v[quad ? 3 : 1];
        emit_curve(x + 2.0 / 3 * (qx - x), y + 2.0 / 3 * (qy - y), ex + 2.0 / 3 * (qx - ex),
                   ey + 2.0 / 3 * (qy - ey), ex, ey);
        cx = qx, cy = qy;
        break;
      }
      case 'A': {
        if (!numbers(3)) return {};
        // The two flags may stand without a separator.
        double flags[2];
        for (double& flag : flags) {
          skip();
          if (at >= text.size() || (text[at] != '0' && text[at] != '1')) return {};
          flag = text[at++] - '0';
        }
        double e[2];
        if (!read(e[0]) || !read(e[1])) return {};
        const double ex = ox + e[0], ey = oy + e[1];
        double rx = std::abs(v[0]), ry = std::abs(v[1]);
        const double phi = v[2] * M_PI / 180, c = std::cos(phi), s = std::sin(phi);
        if (rx == 0 || ry == 0 || (ex == x && ey == y)) {
          path.line(ex * scale, ey * scale);
          x = ex, y = ey;
          break;
        }
        // From endpoints to centre (SVG 1.1, appendix F.6.5).
        const double hx = (x - ex) / 2, hy = (y - ey) / 2;
        const double px = c * hx + s * hy, py = -s * hx + c * hy;
        const double lambda = px * px / (rx * rx) + py * py / (ry * ry);
        if (lambda > 1) rx *= std::sqrt(lambda), ry *= std::sqrt(lambda);
        const double top = std::max(0.0, rx * rx * ry * ry - rx * rx * py * py - ry * ry * px * px);
        const double f = (flags[0] == flags[1] ? -1 : 1) *
                         std::sqrt(top / (rx * rx * py * py + ry * ry * px * px));
        const double mx = f * rx * py / ry, my = -f * ry * px / rx;
        const double centre_x = c * mx - s * my + (x + ex) / 2,
                     centre_y = s * mx + c * my + (y + ey) / 2;
        const double t0 = std::atan2((py - my) / ry, (px - mx) / rx);
        double dt = std::atan2((-py - my) / ry, (-px - mx) / rx) - t0;
        if (flags[1] == 0 && dt > 0) dt -= 2 * M_PI;
        if (flags[1] == 1 && dt < 0) dt += 2 * M_PI;
        const int pieces =
            std::clamp(static_cast<int>(std::ceil(std::abs(dt) / (M_PI / 2) - 1e-9)), 1, 8);
        const double step = dt / pieces, k = 4.0 / 3 * std::tan(step / 4);
        auto at_angle = [&](double ux, double uy) {
          return Point{centre_x + c * rx * ux - s * ry * uy, centre_y + s * rx * ux + c * ry * uy};
        };
        for (int i = 0; i < pieces; ++i) {
          const double a = t0 + i * step, b = a + step;
          const Point p1 = at_angle(std::cos(a) - k * std::sin(a), std::sin(a) + k * std::cos(a));
          const Point p2 = at_angle(std::cos(b) + k * std::sin(b), std::sin(b) - k * std::cos(b));
          const Point p3 = at_angle(std::cos(b), std::sin(b));
          emit_curve(p1.x, p1.y, p2.x, p2.y, p3.x, p3.y);
        }
        x = ex, y = ey;
        break;
      }
      case 'Z':
        path.close();
        x = sx, y = sy;
        break;
      default:
        return {};
    }
    last = static_cast<char>(std::toupper(static_cast<unsigned char>(command)));
    if (command == 'z' || command == 'Z') last = 0;
  }
  return path;
}

}  // namespace tools::vega
