#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace model {

using TokenId = int32_t;

/// The tokens that steer a conversation. Text never becomes one of them (Tokenizer::encode).
enum class Special : uint8_t {
  pad,
  eos,
  bos,
  unk,
  mask,
  tool_begin,      ///< <|tool> opens a declaration
  tool_end,        ///< <tool|>
  call_begin,      ///< <|tool_call>
  call_end,        ///< <tool_call|>
  response_begin,  ///< <|tool_response>, also the model's stop after its calls
  response_end,    ///< <tool_response|>
  quote,           ///< <|"|>, around every string of a declaration, call or response
  think,           ///< <|think|> in the system turn asks for reasoning
  channel_begin,   ///< <|channel>
  channel_end,     ///< <channel|>
  turn_begin,      ///< <|turn>
  turn_end,        ///< <turn|>
  image_begin,
  audio_begin,
  image,  ///< <|image|>, the place of an image's embeddings
  audio,
  image_end,
  audio_end,
  video,
};

struct SpecialToken {
  Special which;
  std::string_view text;  ///< spelling in Gemma 4's vocabulary and template
  TokenId gemma4_id;      ///< id in Gemma's vocabulary of 262,144 pieces
};

/// In the order of the enum. Gemma 3's vocabulary is the same list of pieces with the special slots
/// named otherwise (105 is <start_of_turn>, 48 is <unused42>): the ids hold there too.
inline constexpr std::array kSpecialTokens = {
    SpecialToken{Special::pad, "<pad>", 0},
    SpecialToken{Special::eos, "<eos>", 1},
    SpecialToken{Special::bos, "<bos>", 2},
    SpecialToken{Special::unk, "<unk>", 3},
    SpecialToken{Special::mask, "<mask>", 4},
    SpecialToken{Special::tool_begin, "<|tool>", 46},
    SpecialToken{Special::tool_end, "<tool|>", 47},
    SpecialToken{Special::call_begin, "<|tool_call>", 48},
    SpecialToken{Special::call_end, "<tool_call|>", 49},
    SpecialToken{Special::response_begin, "<|tool_response>", 50},
    SpecialToken{Special::response_end, "<tool_response|>", 51},
    SpecialToken{Special::quote, "<|\"|>", 52},
    SpecialToken{Special::think, "<|think|>", 98},
    SpecialToken{Special::channel_begin, "<|channel>", 100},
    SpecialToken{Special::channel_end, "<channel|>", 101},
    SpecialToken{Special::turn_begin, "<|turn>", 105},
    SpecialToken{Special::turn_end, "<turn|>", 106},
    SpecialToken{Special::image_begin, "<|image>", 255999},
    SpecialToken{Special::audio_begin, "<|audio>", 256000},
    SpecialToken{Special::image, "<|image|>", 258880},
    SpecialToken{Special::audio, "<|audio|>", 258881},
    SpecialToken{Special::image_end, "<image|>", 258882},
    SpecialToken{Special::audio_end, "<audio|>", 258883},
    SpecialToken{Special::video, "<|video|>", 258884},
};

/// Size of the Gemma 3 and Gemma 4 text vocabularies, the one `gemma4_id` speaks of.
inline constexpr int kGemmaVocabSize = 262144;

constexpr std::string_view special_text(Special which) {
  return kSpecialTokens[static_cast<size_t>(which)].text;
}

}  // namespace model
