#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "cli/terminal/style.h"
#include "media/image.h"

namespace cli {

/// How a terminal can be made to show a picture.
enum class Graphics { none, blocks, sixel, iterm, kitty };

/// kitty, iterm, sixel, blocks or none.
std::optional<Graphics> graphics_named(std::string_view name);
const char* name_of(Graphics graphics);

/// What the terminal can do. variable: the environment. attributes: what it answers when it is
/// asked for them, asked only where the environment does not say.
Graphics graphics_of(const Look& look, const std::function<std::string(const char*)>& variable,
                     const std::function<std::string()>& attributes);

/// The same with this program's environment and terminal. It reads the answer of the controlling
/// terminal from its input, for half a second at most, and not where something was typed already.
Graphics graphics_here(const Look& look);

/// A picture as what is written to show it, at most as wide as the look; "" for Graphics::none.
/// Errors: as media::encode_png().
base::Result<std::string> picture_text(const media::Pixels& picture, Graphics graphics,
                                       const Look& look);

/// The two by which others are made: half blocks, two pixels a character; and DEC's sixels.
std::string half_blocks(const media::Pixels& picture, bool true_colour);
std::string sixels(const media::Pixels& picture);

}  // namespace cli
