#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/chat.h"
#include "model/model.h"

namespace model {

/// A picture, recording or clip of a message, embedded: one part for a picture, one for each 30 s
/// of sound, one for each frame of a clip.
struct Attachment {
  MediaKind kind = MediaKind::image;
  std::vector<SoftTokens> parts;
  std::vector<std::string> stamps;  ///< of a clip: "00:07" before each frame
};

inline constexpr int kVideoFrames = 32;

/// What a model that hears is told for dictation, before the recording. Source: Gemma 4's model
/// card.
inline constexpr std::string_view kTranscribeInstruction =
    "Transcribe the following speech segment in its original language. Only output the "
    "transcription, with no newlines. When transcribing numbers, write the digits.";

/// bytes: an encoded picture; budget: one of kImageBudgets. Errors: as media::decode and
/// Engine::embed_image.
base::Result<Attachment> attach_image(const Engine& engine, std::string_view bytes, int budget);

/// samples: mono, 16 kHz, cut at silences where they are longer than 30 s; each piece goes to
/// `embed`, such as Engine::embed_audio. Errors: those of `embed`.
using EmbedSound = std::function<base::Result<SoftTokens>(std::span<const float>)>;
base::Result<Attachment> attach_sound(std::span<const float> samples, const EmbedSound& embed);
/// bytes: an encoded recording; cut at silences where it is longer than 30 s. Errors: as
/// media::decode_sound and Engine::embed_audio.
base::Result<Attachment> attach_sound(const Engine& engine, std::string_view bytes);

/// A clip: kVideoFrames frames at even distances with their times; its sound is left aside. Errors:
/// as media::decode_video and Engine::embed_frame.
base::Result<Attachment> attach_video(const Engine& engine, const std::filesystem::path& path);

/// A prompt with what its soft tokens point into. Copies share it: several replies to one prompt
/// that holds pictures live as long as they like.
struct Prompt {
  std::vector<Position> positions;
  std::shared_ptr<const std::vector<Attachment>> attachments = {};
};

/// Puts the attachments where the chat has their slots, in order, each part between its begin and
/// end tokens. Errors: usage (another number or kind of attachments than slots), unsupported (the
/// vocabulary has no such tokens).
base::Result<Prompt> assemble(const ChatTokens& chat, std::vector<Attachment> attachments,
                              const Tokenizer& tokenizer);

}  // namespace model
