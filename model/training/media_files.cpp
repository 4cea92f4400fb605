#include "model/training/media_files.h"

#include <string>

#include "base/file.h"
#include "media/image.h"
#include "media/sound.h"

namespace model::training {

using base::Errc;
using base::Error;

namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 30;

Error about(const std::filesystem::path& path, const Error& error) {
  return Error{error.code, path.string() + ": " + error.message};
}

base::Result<media::Pixels> picture_of(const std::filesystem::path& path) {
  const base::Result<std::string> bytes = base::read_file(path, kMaxFileBytes);
  if (!bytes) return bytes.error();  // names the file itself
  base::Result<media::Pixels> picture = media::decode(*bytes);
  if (!picture) return about(path, picture.error());
  return picture;
}

base::Result<media::Sound> sound_of(const std::filesystem::path& path) {
  const base::Result<std::string> bytes = base::read_file(path, kMaxFileBytes);
  if (!bytes) return bytes.error();
  base::Result<media::Sound> sound = media::decode_sound(*bytes);
  if (!sound) return about(path, sound.error());
  return sound;
}

}  // namespace

base::Result<std::vector<Medium>> measure(MediaKind kind, const std::filesystem::path& path,
                                          const MediaRules& rules) {
  if (kind == MediaKind::video)
    return Error{Errc::unsupported, path.string() +
                                        ": clips cannot be learned from, only "
                                        "pictures and recordings"};
  if ((kind == MediaKind::image ? rules.side : rules.frame) == 0)
    return Error{Errc::unsupported, path.string() + ": the checkpoint has no embedder of " +
                                        (kind == MediaKind::image ? "pictures" : "sound") +
                                        "; --mmproj names one, --embedders new starts one"};
  if (kind == MediaKind::image) {
    const base::Result<media::Pixels> picture = picture_of(path);
    if (!picture) return picture.error();
    const base::Result<PatchGrid> grid =
        patch_grid(picture->width, picture->height, rules.budget, rules.side);
    if (!grid) return about(path, grid.error());
    if (grid->columns > rules.places || grid->rows > rules.places)
      return Error{Errc::usage, path.string() + ": more patches than the position table has"};
    return std::vector<Medium>{
        {.kind = kind, .row = 0, .n = grid->tokens(), .grid = *grid, .path = path}};
  }
  const base::Result<media::Sound> sound = sound_of(path);
  if (!sound) return sound.error();
  std::vector<Medium> pieces;
  const size_t frame = static_cast<size_t>(rules.frame);
  for (const media::SoundRange& piece : media::split_at_silences(sound->samples))
    pieces.push_back({.kind = kind,
                      .row = 0,
                      .n = static_cast<int>((piece.end - piece.begin + frame - 1) / frame),
                      .grid = {},
                      .path = path,
                      .begin = piece.begin,
                      .end = piece.end});
  return pieces;
}

base::Result<std::vector<float>> read_medium(const Medium& medium, int side) {
  if (medium.kind == MediaKind::image) {
    const base::Result<media::Pixels> picture = picture_of(medium.path);
    if (!picture) return picture.error();
    return cut_patches(*picture, medium.grid, side, PixelScale::multiply);
  }
  base::Result<media::Sound> sound = sound_of(medium.path);
  if (!sound) return sound.error();
  if (sound->samples.size() < medium.end)
    return Error{Errc::corrupt, medium.path.string() + ": shorter than when training began"};
  return std::vector<float>(sound->samples.begin() + static_cast<ptrdiff_t>(medium.begin),
                            sound->samples.begin() + static_cast<ptrdiff_t>(medium.end));
}

}  // namespace model::training
