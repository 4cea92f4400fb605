#include "model/attachment.h"

#include <cstdio>

#include "media/sound.h"
#include "media/video.h"

// In the prompt a picture is <|image> n x <|image|> <image|>, a recording <|audio> n x <|audio|>
// <audio|>, and a clip for each frame its time, a space and <|image> n x <|video|> <image|>, frames
// parted by a space. Source: docs/model.md, "Media in a prompt".

namespace model {

using base::Errc;
using base::Error;

base::Result<Attachment> attach_image(const Engine& engine, std::string_view bytes, int budget) {
  base::Result<media::Pixels> picture = media::decode(bytes);
  if (!picture) return picture.error();
  base::Result<SoftTokens> soft = engine.embed_image(*picture, budget);
  if (!soft) return soft.error();
  Attachment a{.kind = MediaKind::image, .parts = {}, .stamps = {}};
  a.parts.push_back(std::move(*soft));
  return a;
}

base::Result<Attachment> attach_sound(std::span<const float> samples, const EmbedSound& embed) {
  Attachment a{.kind = MediaKind::audio, .parts = {}, .stamps = {}};
  for (const media::SoundRange& piece : media::split_at_silences(samples)) {
    base::Result<SoftTokens> soft = embed(samples.subspan(piece.begin, piece.end - piece.begin));
    if (!soft) return soft.error();
    a.parts.push_back(std::move(*soft));
  }
  return a;
}

base::Result<Attachment> attach_sound(const Engine& engine, std::string_view bytes) {
  base::Result<media::Sound> sound = media::decode_sound(bytes);
  if (!sound) return sound.error();
  return attach_sound(sound->samples, [&engine](std::span<const float> piece) {
    return engine.embed_audio(piece);
  });
}

base::Result<Attachment> attach_video(const Engine& engine, const std::filesystem::path& path) {
  base::Result<media::Video> video = media::decode_video(path, kVideoFrames);
  if (!video) return video.error();
  Attachment a{.kind = MediaKind::video, .parts = {}, .stamps = {}};
  for (const media::VideoFrame& frame : video->frames) {
    base::Result<SoftTokens> soft = engine.embed_frame(frame.pixels);
    if (!soft) return soft.error();
    const int seconds = static_cast<int>(frame.seconds);
    char stamp[32];
    std::snprintf(stamp, sizeof stamp, "%02d:%02d", seconds / 60, seconds % 60);
    a.parts.push_back(std::move(*soft));
    a.stamps.push_back(stamp);
  }
  return a;
}

static std::string_view kind_name(MediaKind kind) {
  return kind == MediaKind::image ? "picture" : kind == MediaKind::audio ? "recording" : "clip";
}

base::Result<Prompt> assemble(const ChatTokens& chat, std::vector<Attachment> attachments,
                              const Tokenizer& tokenizer) {
  if (chat.media.size() != attachments.size())
    return Error{Errc::usage, "the conversation has " + std::to_string(chat.media.size()) +
                                  " places for media, but " + std::to_string(attachments.size()) +
                                  " were given"};
  Prompt prompt;
  prompt.attachments = std::make_shared<std::vector<Attachment>>(std::move(attachments));
  auto say = [&](const std::vector<TokenId>& ids) {
    for (const TokenId id : ids) prompt.positions.push_back({.id = id});
  };
  size_t next = 0;
  for (size_t at = 0; at < chat.ids.size(); ++at) {
    if (next == chat.media.size() || chat.media[next].position != at) {
      prompt.positions.push_back({.id = chat.ids[at]});
      continue;
    }
    const Attachment& a = (*prompt.attachments)[next];
    if (a.kind != chat.media[next].kind)
      return Error{Errc::usage, "a " + std::string(kind_name(a.kind)) +
                                    " was given where the conversation has a " +
                                    std::string(kind_name(chat.media[next].kind))};
    ++next;
    const bool audio = a.kind == MediaKind::audio;
    const TokenId begin = tokenizer.special(audio ? Special::audio_begin : Special::image_begin);
    const TokenId end = tokenizer.special(audio ? Special::audio_end : Special::image_end);
    const TokenId place = tokenizer.special(audio                        ? Special::audio
                                            : a.kind == MediaKind::video ? Special::video
                                                                         : Special::image);
    if (begin < 0 || end < 0 || place < 0)
      return Error{Errc::unsupported,
                   "this vocabulary has no tokens for a " + std::string(kind_name(a.kind))};
    for (size_t i = 0; i < a.parts.size(); ++i) {
      if (a.kind == MediaKind::video) say(tokenizer.encode((i > 0 ? " " : "") + a.stamps[i] + " "));
      prompt.positions.push_back({.id = begin});
      const SoftTokens& soft = a.parts[i];
      const size_t width = soft.values.size() / static_cast<size_t>(soft.n);
      for (int t = 0; t < soft.n; ++t)
        prompt.positions.push_back(
            {.id = place,
             .soft = std::span(soft.values).subspan(static_cast<size_t>(t) * width, width),
             .patch = !audio});
      prompt.positions.push_back({.id = end});
    }
  }
  return prompt;
}

}  // namespace model
