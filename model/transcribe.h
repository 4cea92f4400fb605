#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "media/sound.h"
#include "model/attachment.h"
#include "model/model.h"

namespace model {

struct TranscribeOptions {
  std::string instruction{kTranscribeInstruction};
  int max_tokens = 400;  ///< longest text of one piece
};

/// What a model is told besides of names and words that may be said.
inline std::string words_hint(std::string_view words) {
  return "These names and words may be said: " + std::string(words) + ".";
}

/// What was heard in a part of a recording.
struct HeardPiece {
  double begin_s = 0, end_s = 0;
  std::string text;
};

struct Transcript {
  double seconds = 0;  ///< of the recording
  std::vector<HeardPiece> pieces;
  std::string text() const;  ///< the pieces' texts, a space between them
};

/// Speech to text: the recording and a short instruction go to the model, which writes down what it
/// hears. Recordings over 30 s are cut at silences and read piece by piece, each on its own.
/// bytes: an encoded recording. on_piece: hears each piece as it is done; false ends there.
/// Errors: as media::decode_sound and Engine::embed_audio (unsupported: the model does not hear),
/// cancelled.
base::Result<Transcript> transcribe(const Engine& engine, std::string_view bytes,
                                    const TranscribeOptions& options,
                                    const std::function<bool(const HeardPiece&)>& on_piece,
                                    std::stop_token stop);

/// The same for a recording that is decoded.
base::Result<Transcript> transcribe(const Engine& engine, const media::Sound& sound,
                                    const TranscribeOptions& options,
                                    const std::function<bool(const HeardPiece&)>& on_piece,
                                    std::stop_token stop);

}  // namespace model
