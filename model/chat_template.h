#pragma once

#include <span>
#include <string>
#include <string_view>

#include "model/chat.h"
#include "model/tokenizer.h"

namespace model {

/// A conversation rendered by the checkpoint's own template, or by render().
struct TemplateRendered {
  Rendered rendered;
  /// Empty: the template wrote it. Else why render() did: no template, an error or limit in it, or
  /// something that it would lose or let through.
  std::string builtin_because = {};
};

/// Renders with the chat template (Jinja, as checkpoints carry it) where that keeps everything,
/// else with render(). Whatever messages, results and declarations hold stays plain text, as there:
/// only what the template itself spells becomes special tokens. A <bos> that the template leaves
/// out is added where the vocabulary has one.
///
/// render() is used when `source` is empty, cannot be rendered within the limits, or
///  - drops what a person or the system said, the name of a declared function, a call, or media;
///  - is one of Gemma 4's and the conversation has what that one garbles: a property named like a
///  keyword
///    of its schemas, parameters without a type, a key that would not read back, text beside calls;
///  - lets words of the conversation take part in a special token (`<{{ name }}>`);
///  - is one of Gemma 4's and options.empty_thought is not as the template does it.
///
/// `from_model` is not known of a template's text and false everywhere: training uses render().
TemplateRendered render_with(std::string_view source, const Tokenizer& tokenizer,
                             std::span<const Message> messages,
                             std::span<const ToolDeclaration> tools, const RenderOptions& options);

}  // namespace model
