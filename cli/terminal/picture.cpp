// Sources: kitty's "Terminal graphics protocol"; iTerm2's "Inline Images Protocol"; DEC STD 070,
// "Sixel". Kitty and iTerm2 get a PNG that we have encoded ourselves, so that nothing of a file
// that somebody made reaches the terminal's decoder but its pixels.

#include "cli/terminal/picture.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>

#include "base/base64.h"
#include "base/unique_fd.h"
#include "media/resize.h"

namespace cli {

namespace {

constexpr int kCellWidth = 8;        // pixels, about, where terminals do not say
constexpr int kWidestPicture = 100;  // a chart is no wider
constexpr size_t kKittyChunk = 4096;

/// As wide as `width` at most, and as high as `height`.
media::Pixels fitted(const media::Pixels& picture, int width, int height) {
  const double scale = std::min({1.0, static_cast<double>(width) / picture.width,
                                 static_cast<double>(height) / picture.height});
  if (scale >= 1) return picture;
  return media::resize_bicubic(picture, std::max(1, static_cast<int>(picture.width * scale)),
                               std::max(1, static_cast<int>(picture.height * scale)));
}

std::string kitty(const std::string& png, int columns) {
  const std::string text = base::base64_encoded(png);
  std::string out;
  for (size_t at = 0; at < text.size(); at += kKittyChunk) {
    const bool more = at + kKittyChunk < text.size();
    // q=2: no answers, which would be read as typed.
    out += "\x1b_G" +
           (at == 0 ? "a=T,f=100,q=2,c=" + std::to_string(columns) + "," : std::string()) +
           "m=" + (more ? "1;" : "0;") + text.substr(at, kKittyChunk) + "\x1b\\";
  }
  return out + "\n";
}

std::string iterm(const std::string& png, int columns) {
  return "\x1b]1337;File=inline=1;preserveAspectRatio=1;size=" + std::to_string(png.size()) +
         ";width=" + std::to_string(columns) + ":" + base::base64_encoded(png) + "\a\n";
}

/// The nearest of xterm's 6 x 6 x 6 colours and 24 greys.
int colour_of_256(const uint8_t* rgb) {
  static constexpr std::array<int, 6> kLevels = {0, 95, 135, 175, 215, 255};
  const auto nearest = [](int value) {
    return static_cast<int>(
        std::min_element(kLevels.begin(), kLevels.end(),
                         [&](int a, int b) { return std::abs(a - value) < std::abs(b - value); }) -
        kLevels.begin());
  };
  const int r = nearest(rgb[0]), g = nearest(rgb[1]), b = nearest(rgb[2]);
  const int mean = (rgb[0] + rgb[1] + rgb[2]) / 3;
  const int grey = std::clamp((mean - 3) / 10, 0, 23), level = 8 + 10 * grey;
  const auto distance = [&](int x, int y, int z) {
    return (x - rgb[0]) * (x - rgb[0]) + (y - rgb[1]) * (y - rgb[1]) + (z - rgb[2]) * (z - rgb[2]);
  };
  const bool is_grey = distance(level, level, level) < distance(kLevels[static_cast<size_t>(r)],
                                                                kLevels[static_cast<size_t>(g)],
                                                                kLevels[static_cast<size_t>(b)]);
  return is_grey ? 232 + grey : 16 + 36 * r + 6 * g + b;
}

std::string colour_code(const uint8_t* rgb, bool true_colour) {
  if (!true_colour) return "5;" + std::to_string(colour_of_256(rgb));
  return "2;" + std::to_string(rgb[0]) + ";" + std::to_string(rgb[1]) + ";" +
         std::to_string(rgb[2]);
}

/// A picture in at most 255 colours: the most frequent ones of its colours, at five bits each.
struct Palette {
  std::vector<std::array<int, 3>> colours;
  std::vector<uint8_t> pixels;
};
Palette palette_of(const media::Pixels& picture) {
  const auto key_at = [&](size_t i) {
    const uint8_t* p = picture.rgb.data() + 3 * i;
    return (p[0] >> 3) << 10 | (p[1] >> 3) << 5 | p[2] >> 3;
  };
  const size_t n = picture.rgb.size() / 3;
  std::map<int, size_t> counts;
  for (size_t i = 0; i < n; ++i) ++counts[key_at(i)];
  std::vector<std::pair<size_t, int>> order;
  for (const auto& [key, count] : counts) order.push_back({count, key});
  std::sort(order.rbegin(), order.rend());
  Palette out;
  std::map<int, uint8_t> index;
  const auto channels = [](int key) {
    const auto wide = [](int five) { return five << 3 | five >> 2; };
    return std::array<int, 3>{wide(key >> 10), wide(key >> 5 & 31), wide(key & 31)};
  };
  for (const auto& [count, key] : order) {
    const std::array<int, 3> colour = channels(key);
    if (out.colours.size() < 255) {
      index[key] = static_cast<uint8_t>(out.colours.size());
      out.colours.push_back(colour);
      continue;
    }
    int best = 1 << 30;
    for (size_t i = 0; i < out.colours.size(); ++i) {
      int distance = 0;
      for (size_t c = 0; c < 3; ++c)
        distance += (colour[c] - out.colours[i][c]) * (colour[c] - out.colours[i][c]);
      if (distance >= best) continue;
      best = distance;
      index[key] = static_cast<uint8_t>(i);
    }
  }
  out.pixels.resize(n);
  for (size_t i = 0; i < n; ++i) out.pixels[i] = index[key_at(i)];
  return out;
}

bool attributes_have_sixel(std::string_view answer) {
  const size_t begin = answer.find("\x1b[?");
  if (begin == answer.npos) return false;
  const size_t end = answer.find('c', begin);
  if (end == answer.npos) return false;
  const std::string list = ";" + std::string(answer.substr(begin + 3, end - begin - 3)) + ";";
  // The first number is the terminal's class.
  return list.find(";4;", 1) != list.npos;
}

/// What the terminal answers to a request for its attributes (DA1), or what there is of it.
std::string terminal_attributes() {
  const base::UniqueFd terminal(::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios before{};
  if (terminal.get() < 0 || ::tcgetattr(terminal.get(), &before) != 0) return {};
  termios raw = before;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  if (::tcsetattr(terminal.get(), TCSANOW, &raw) != 0) return {};
  std::string answer;
  pollfd typed{terminal.get(), POLLIN, 0};
  // What was typed before would be taken for the answer, and be lost.
  if (::poll(&typed, 1, 0) == 0 && ::write(terminal.get(), "\x1b[c", 3) == 3) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
    while (answer.size() < 256 && answer.find('c') == answer.npos) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          end - std::chrono::steady_clock::now());
      pollfd ready{terminal.get(), POLLIN, 0};
      if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) break;
      char byte = 0;
      if (::read(terminal.get(), &byte, 1) != 1) break;
      answer += byte;
    }
  }
  ::tcsetattr(terminal.get(), TCSANOW, &before);
  return answer;
}

}  // namespace

std::optional<Graphics> graphics_named(std::string_view name) {
  for (const Graphics one :
       {Graphics::none, Graphics::blocks, Graphics::sixel, Graphics::iterm, Graphics::kitty})
    if (name == name_of(one)) return one;
  return std::nullopt;
}

const char* name_of(Graphics graphics) {
  static constexpr const char* kNames[] = {"none", "blocks", "sixel", "iterm", "kitty"};
  return kNames[static_cast<int>(graphics)];
}

Graphics graphics_of(const Look& look, const std::function<std::string(const char*)>& variable,
                     const std::function<std::string()>& attributes) {
  if (!look.rich) return Graphics::none;
  const std::string term = variable("TERM"), program = variable("TERM_PROGRAM");
  // A multiplexer keeps its own screen, whatever the terminal around it can do.
  const bool multiplexed =
      !variable("TMUX").empty() || term.starts_with("screen") || term.starts_with("tmux");
  if (!multiplexed) {
    if (term == "xterm-kitty" || term == "xterm-ghostty" || program == "ghostty" ||
        !variable("KITTY_WINDOW_ID").empty())
      return Graphics::kitty;
    if (program == "iTerm.app" || program == "WezTerm" || program == "mintty")
      return Graphics::iterm;
  }
  if (attributes_have_sixel(attributes())) return Graphics::sixel;
  return look.colour ? Graphics::blocks : Graphics::none;
}

Graphics graphics_here(const Look& look) {
  return graphics_of(
      look,
      [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value == nullptr ? "" : value);
      },
      terminal_attributes);
}

base::Result<std::string> picture_text(const media::Pixels& picture, Graphics graphics,
                                       const Look& look) {
  const int columns = std::min(look.columns - 1, kWidestPicture);
  const int rows = std::max(8, look.rows - 4);
  if (graphics == Graphics::none) return std::string();
  if (graphics == Graphics::blocks)
    return half_blocks(fitted(picture, columns, 2 * rows), look.true_colour);
  const media::Pixels fits = fitted(picture, columns * kCellWidth, rows * 2 * kCellWidth);
  if (graphics == Graphics::sixel) return sixels(fits);
  // Twice as fine for screens that are; the terminal scales it to the columns.
  base::Result<std::string> png =
      media::encode_png(fitted(picture, 2 * columns * kCellWidth, 4 * rows * kCellWidth));
  if (!png) return png.error();
  const int wide = std::max(1, fits.width / kCellWidth);
  return graphics == Graphics::kitty ? kitty(*png, wide) : iterm(*png, wide);
}

std::string half_blocks(const media::Pixels& picture, bool true_colour) {
  std::string out;
  for (int y = 0; y < picture.height; y += 2) {
    std::string before;
    for (int x = 0; x < picture.width; ++x) {
      const bool both = y + 1 < picture.height;
      const std::string code =
          "\x1b[38;" + colour_code(picture.at(x, y), true_colour) +
          (both ? ";48;" + colour_code(picture.at(x, y + 1), true_colour) : "") + "m";
      if (code != before) out += code;
      before = code;
      out += "▀";
    }
    out += "\x1b[0m\n";
  }
  return out;
}

std::string sixels(const media::Pixels& picture) {
  const Palette palette = palette_of(picture);
  std::string out =
      "\x1bP0;1q\"1;1;" + std::to_string(picture.width) + ";" + std::to_string(picture.height);
  for (size_t i = 0; i < palette.colours.size(); ++i) {
    out += "#" + std::to_string(i) + ";2";
    for (const int value : palette.colours[i])
      out += ";" + std::to_string((value * 100 + 127) / 255);
  }
  const auto w = static_cast<size_t>(picture.width), h = static_cast<size_t>(picture.height);
  for (size_t top = 0; top < h; top += 6) {
    const size_t bottom = std::min(top + 6, h);
    std::array<bool, 256> used{};
    for (size_t i = top * w; i < bottom * w; ++i) used[palette.pixels[i]] = true;
    for (size_t colour = 0; colour < palette.colours.size(); ++colour) {
      if (!used[colour]) continue;
      out += "#" + std::to_string(colour);
      const auto bits_at = [&](size_t x) {
        int bits = 0;
        for (size_t y = top; y < bottom; ++y)
          bits |= (palette.pixels[y * w + x] == colour ? 1 : 0) << (y - top);
        return bits;
      };
      for (size_t x = 0; x < w;) {
        const int bits = bits_at(x);
        size_t run = 1;
        while (x + run < w && bits_at(x + run) == bits) ++run;
        const char c = static_cast<char>(63 + bits);
        out += run > 3 ? "!" + std::to_string(run) + c : std::string(run, c);
        x += run;
      }
      out += "$";
    }
    out += "-";
  }
  return out + "\x1b\\\n";
}

}  // namespace cli
