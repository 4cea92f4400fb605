#include "model/transcribe.h"

#include "base/text.h"
#include "model/chat_template.h"
#include "model/generate.h"

namespace model {
namespace {

// 30 s are 750 tokens; the instruction needs room, too.
constexpr int kPromptTokens = 1024;

base::Result<std::string> hear(const Engine& engine, Session& session, SoftTokens soft,
                               const TranscribeOptions& options, std::stop_token stop) {
  Attachment attachment{.kind = MediaKind::audio, .parts = {}, .stamps = {}};
  attachment.parts.push_back(std::move(soft));
  Message user{.role = Role::user, .text = options.instruction};
  user.media.push_back({MediaKind::audio, options.instruction.size()});
  const TemplateRendered rendered =
      render_with(engine.checkpoint().chat_template(), engine.tokenizer(), {&user, 1}, {}, {});
  std::vector<Attachment> attachments;
  attachments.push_back(std::move(attachment));
  const base::Result<Prompt> prompt = assemble(tokens(rendered.rendered, engine.tokenizer()),
                                               std::move(attachments), engine.tokenizer());
  if (!prompt) return prompt.error();
  GenerateOptions generating;
  generating.max_tokens = options.max_tokens;
  generating.sampler.temperature = 0;
  const base::Result<Generated> out =
      generate(session, engine.tokenizer(), prompt->positions, generating, {}, stop);
  if (!out) return out.error();
  if (out->finish == Finish::cancelled)
    return base::Error{base::Errc::cancelled, "stopped while listening"};
  return std::string(base::trimmed(out->message.text, " \n"));
}

}  // namespace

std::string Transcript::text() const {
  std::string all;
  for (const HeardPiece& piece : pieces)
    all += (all.empty() || piece.text.empty() ? "" : " ") + piece.text;
  return all;
}

base::Result<Transcript> transcribe(const Engine& engine, std::string_view bytes,
                                    const TranscribeOptions& options,
                                    const std::function<bool(const HeardPiece&)>& on_piece,
                                    std::stop_token stop) {
  const base::Result<media::Sound> sound = media::decode_sound(bytes);
  if (!sound) return sound.error();
  return transcribe(engine, *sound, options, on_piece, stop);
}

base::Result<Transcript> transcribe(const Engine& engine, const media::Sound& sound,
                                    const TranscribeOptions& options,
                                    const std::function<bool(const HeardPiece&)>& on_piece,
                                    std::stop_token stop) {
  Transcript transcript{.seconds = sound.seconds(), .pieces = {}};
  Session session(engine, kPromptTokens + options.max_tokens);
  for (const media::SoundRange& range : media::split_at_silences(sound.samples)) {
    base::Result<SoftTokens> soft =
        engine.embed_audio(std::span(sound.samples).subspan(range.begin, range.end - range.begin));
    if (!soft) return soft.error();
    base::Result<std::string> text = hear(engine, session, std::move(*soft), options, stop);
    if (!text) return text.error();
    transcript.pieces.push_back({static_cast<double>(range.begin) / media::kSoundRate,
                                 static_cast<double>(range.end) / media::kSoundRate,
                                 std::move(*text)});
    if (on_piece && !on_piece(transcript.pieces.back())) break;
  }
  return transcript;
}

}  // namespace model
