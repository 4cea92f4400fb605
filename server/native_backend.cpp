// A request becomes a prompt and a grammar on the caller's thread; only pictures and sound, whose
// embedding needs the model's workers, wait for the scheduler to be between two passes. Pictures
// come again with every turn of a conversation: the last ones are kept as they were embedded.
#include "server/native_backend.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <list>
#include <mutex>
#include <random>
#include <set>

#include "base/json.h"
#include "media/image.h"
#include "media/sound.h"
#include "model/chat_template.h"
#include "model/grammar/grammar_cache.h"
#include "model/grammar/reply_grammar.h"
#include "model/hub_config.h"
#include "server/failures.h"
#include "server/loosen_schema.h"

namespace server {

namespace {

using base::Errc;
using base::Error;

constexpr int kUsualContext = 32768;
constexpr size_t kMaxKeptBytes = size_t{256} << 20;  // of embedded pictures and recordings
constexpr int kLeastRoom = 16;                       // tokens of a reply
constexpr int kTranscriptTokens = 400;               // of 30 s of speech

ApiError api_error(const Error& error, std::string param = {}) {
  switch (error.code) {
    case Errc::usage:
    case Errc::corrupt:
    case Errc::unsupported:
    case Errc::not_found:
      return {.message = error.message, .param = std::move(param)};
    case Errc::limit:
      return {.message = error.message, .param = std::move(param), .code = "limit_exceeded"};
    default:
      return {.status = 500, .message = error.message, .type = "server_error"};
  }
}

ApiError too_long(int context, size_t prompt) {
  return {.message = "This model's maximum context length is " + std::to_string(context) +
                     " tokens. However, your messages resulted in " + std::to_string(prompt) +
                     " tokens. Please reduce the length of the messages.",
          .param = "messages",
          .code = "context_length_exceeded"};
}

/// Pictures and recordings as they were embedded, the last used first, by the SHA-256 of their
/// files.
class Kept {
 public:
  using Key = std::array<unsigned char, SHA256_DIGEST_LENGTH + 2>;

  static Key key_of(model::MediaKind kind, int budget, const std::string& bytes) {
    Key key{};
    SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), key.data());
    key[SHA256_DIGEST_LENGTH] = static_cast<unsigned char>(kind);
    key[SHA256_DIGEST_LENGTH + 1] = static_cast<unsigned char>(budget / 10);  // 70 to 1120
    return key;
  }
  std::optional<model::Attachment> find(const Key& key) {
    const std::lock_guard lock(mutex_);
    for (auto it = entries_.begin(); it != entries_.end(); ++it)
      if (it->key == key) {
        entries_.splice(entries_.begin(), entries_, it);
        return it->attachment;
      }
    return std::nullopt;
  }
  void add(const Key& key, const model::Attachment& attachment) {
    const std::lock_guard lock(mutex_);
    entries_.push_front({key, attachment});
    bytes_ += size_of(attachment);
    while (entries_.size() > 1 && bytes_ > kMaxKeptBytes) {
      bytes_ -= size_of(entries_.back().attachment);
      entries_.pop_back();
    }
  }

 private:
  struct Entry {
    Key key;
    model::Attachment attachment;
  };
  static size_t size_of(const model::Attachment& attachment) {
    size_t values = 0;
    for (const model::SoftTokens& part : attachment.parts) values += part.values.size();
    return values * sizeof(float);
  }
  std::mutex mutex_;
  std::list<Entry> entries_;
  size_t bytes_ = 0;
};

size_t tokens_of(const model::Attachment& attachment) {
  size_t n = 0;
  for (const model::SoftTokens& part : attachment.parts) n += static_cast<size_t>(part.n);
  return n;
}

bool may_call(const Request& request) {
  return !request.tools.empty() && request.tool_choice != ToolChoice::none;
}

/// What the choices of a request share while they run; all but `mutex` guarded by it.
struct Running {
  Sink sink;
  std::mutex mutex;
  std::vector<model::Generated> all;
  size_t left = 0;
  std::optional<ApiError> error;
  bool silent = false;  // it was not started after all
  std::stop_source stop;
};

}  // namespace

struct NativeBackend::State {
  State(model::Engine loaded, NativeBackendOptions given)
      : options(std::move(given)), engine(std::move(loaded)) {
    const model::Tokenizer& tokenizer = engine.tokenizer();
    tokens = model::reply_tokens(tokenizer);
    grammars = std::async(std::launch::async, [&tokenizer] {
                 base::Result<model::GrammarVocabulary> words =
                     model::grammar_vocabulary(tokenizer);
                 if (!words) return Grammars(words.error());
                 return Grammars(std::make_shared<model::GrammarCache>(std::move(*words)));
               }).share();
    model::SchedulerOptions& s = options.scheduler;
    const int most = engine.context_length();
    s.context = std::min(s.context > 0 ? s.context : kUsualContext, most);
    scheduler = std::make_unique<model::Scheduler>(engine, s);
  }

  NativeBackendOptions options;
  model::Engine engine;
  model::ReplyTokens tokens;
  using Grammars = base::Result<std::shared_ptr<model::GrammarCache>>;
  std::shared_future<Grammars> grammars;  // built while the weights are mapped
  std::unique_ptr<model::Scheduler> scheduler;
  Kept kept;
  int64_t created = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());

  /// Between two passes of the model, whose workers it needs.
  base::Result<model::SoftTokens> embed_audio(std::span<const float> samples) {
    base::Result<model::SoftTokens> soft = model::SoftTokens{};
    const base::Status status = on_engine(*scheduler, [&](const model::Engine& e) -> base::Status {
      soft = e.embed_audio(samples);
      return base::Ok{};
    });
    if (!status) return status.error();
    return soft;
  }
  /// n_text: tokens of the prompt beside the media.
  Parsed<std::vector<model::Attachment>> attach(const Request& request, size_t n_text);
  Parsed<model::ServeRequest> make(const Request& request, const model::ChatTokens& chat,
                                   std::vector<model::Attachment> attachments,
                                   bool starts_in_reasoning);
  std::vector<int> checkpoints(const model::ChatTokens& chat, size_t prompt_size) const;
  /// What holds the reply to its form; none for plain text.
  Parsed<std::optional<model::Constraint>> constraint(const Request& request,
                                                      std::vector<std::string>& not_enforced) const;
  base::Result<std::string> grammar(const Request& request,
                                    std::vector<std::string>& not_enforced) const;
};

namespace {

class NativeJob final : public Backend::Job {
 public:
  NativeJob(model::Scheduler& scheduler, std::vector<model::ServeRequest> choices,
            std::vector<std::string> not_enforced = {})
      : scheduler_(scheduler),
        choices_(std::move(choices)),
        not_enforced_(std::move(not_enforced)) {}

  std::vector<std::string> not_enforced() const override { return not_enforced_; }
  int prompt_tokens() const override {
    return choices_.empty() ? 0 : static_cast<int>(choices_[0].prompt.positions.size());
  }

  std::optional<ApiError> start(Sink sink, std::stop_token stop) override {
    auto running = std::make_shared<Running>();
    running->sink = std::move(sink);
    running->all.resize(choices_.size());
    running->left = choices_.size();
    // Of the request, and of what remains when one choice fails.
    auto linked = std::make_shared<std::stop_callback<std::function<void()>>>(
        stop, [own = running->stop]() mutable { own.request_stop(); });
    for (size_t i = 0; i < choices_.size(); ++i) {
      base::Status submitted =
          scheduler_.submit(std::move(choices_[i]), sink_of(running, static_cast<int>(i), linked),
                            running->stop.get_token());
      if (submitted) continue;
      {
        const std::lock_guard lock(running->mutex);
        running->silent = true;
      }
      running->stop.request_stop();
      if (submitted.error().code == Errc::limit)
        return ApiError{.status = 429,
                        .message = "The server is busy: " + submitted.error().message + ".",
                        .type = "rate_limit_error",
                        .code = "rate_limit_exceeded",
                        .retry_after_s = 2};
      return api_error(submitted.error());
    }
    return std::nullopt;
  }

 private:
  static model::ServeSink sink_of(const std::shared_ptr<Running>& running, int choice,
                                  std::shared_ptr<void> linked) {
    return {
        .on_progress =
            [running, choice](const model::ServeProgress& p) {
              if (choice == 0 && running->sink.on_progress)
                running->sink.on_progress({.queued_before = p.queued_before,
                                           .read = p.read,
                                           .prompt_tokens = p.prompt_tokens,
                                           .cached = p.cached});
            },
        .on_event =
            [running, choice](const model::ReplyEvent& event) {
              if (running->sink.on_event) running->sink.on_event(choice, event);
            },
        .on_done =
            [running, choice, linked](base::Result<model::Generated> out) {
              const std::unique_lock lock(running->mutex);
              if (running->silent) return;
              if (out) {
                if (running->sink.on_done && !running->error) running->sink.on_done(choice, *out);
                running->all[static_cast<size_t>(choice)] = std::move(*out);
              } else if (!running->error) {
                running->error = api_error(out.error());
                running->stop.request_stop();
              }
              if (--running->left > 0 || !running->sink.on_end) return;
              if (running->error) running->all.clear();
              running->sink.on_end(std::move(running->all), running->error);
            },
    };
  }

  model::Scheduler& scheduler_;
  std::vector<model::ServeRequest> choices_;
  std::vector<std::string> not_enforced_;
};

}  // namespace

Parsed<std::vector<model::Attachment>> NativeBackend::State::attach(const Request& request,
                                                                    size_t n_text) {
  std::vector<model::Attachment> all;
  const auto context = static_cast<size_t>(scheduler->context());
  size_t n = n_text;  // tokens so far: what does not fit is not embedded
  const int budget = request.image_budget > 0   ? request.image_budget
                     : options.image_budget > 0 ? options.image_budget
                                                : model::kDefaultImageBudget;
  for (size_t m = 0; m < request.messages.size(); ++m)
    for (const model::Media& media : request.messages[m].media) {
      const std::string where = "messages[" + std::to_string(m) + "]";
      const bool picture = media.kind == model::MediaKind::image;
      if (media.kind == model::MediaKind::video)
        return ApiError{.message = where + ": clips are not taken; send pictures",
                        .param = "messages"};
      const Kept::Key key = Kept::key_of(media.kind, budget, media.bytes);
      if (n > context) return too_long(scheduler->context(), n);
      if (std::optional<model::Attachment> known = kept.find(key)) {
        n += tokens_of(*known);
        all.push_back(std::move(*known));
        continue;
      }
      // Decoded here, so that the model waits for the embedding alone.
      base::Result<model::Attachment> made =
          model::Attachment{.kind = media.kind, .parts = {}, .stamps = {}};
      if (picture) {
        base::Result<media::Pixels> pixels = media::decode(media.bytes);
        if (!pixels) {
          made = pixels.error();
        } else {
          const base::Status status = on_engine(*scheduler, [&](const auto& e) -> base::Status {
            base::Result<model::SoftTokens> soft = e.embed_image(*pixels, budget);
            if (!soft) return soft.error();
            made->parts.push_back(std::move(*soft));
            return base::Ok{};
          });
          if (!status) made = status.error();
        }
      } else {
        const base::Result<media::Sound> sound = media::decode_sound(media.bytes);
        if (!sound) {
          made = sound.error();
        } else {
          const auto frames = static_cast<size_t>(sound->seconds() * 25);  // 40 ms each
          if (n + frames > context) return too_long(scheduler->context(), n + frames);
          made = model::attach_sound(
              sound->samples, [this](std::span<const float> piece) { return embed_audio(piece); });
        }
      }
      if (!made)
        return api_error({made.error().code, where + ": " + made.error().message}, "messages");
      kept.add(key, *made);
      n += tokens_of(*made);
      all.push_back(std::move(*made));
    }
  return all;
}

std::vector<int> NativeBackend::State::checkpoints(const model::ChatTokens& chat,
                                                   size_t prompt_size) const {
  // Where turns begin: behind the system's and the tools', and before each reply, from where on the
  // next request's prompt may differ, since thoughts of finished turns are left out of it. Soft
  // tokens lengthen the prompt, so that places are counted from its end where there are any.
  const model::TokenId turn = engine.tokenizer().special(model::Special::turn_begin);
  std::vector<int> at;
  const size_t longer = prompt_size - chat.ids.size();
  for (size_t i = 1; i < chat.ids.size(); ++i) {
    if (chat.ids[i] != turn) continue;
    const bool after_media = std::any_of(chat.media.begin(), chat.media.end(),
                                         [&](const auto& slot) { return slot.position < i; });
    const bool before_media = std::any_of(chat.media.begin(), chat.media.end(),
                                          [&](const auto& slot) { return slot.position >= i; });
    if (after_media && before_media) continue;
    at.push_back(static_cast<int>(after_media ? i + longer : i));
  }
  // The first two, which every conversation shares, and the last four.
  constexpr size_t kFirst = 2, kLast = 4;
  if (at.size() > kFirst + kLast)
    at.erase(at.begin() + kFirst, at.end() - static_cast<std::ptrdiff_t>(kLast));
  at.push_back(static_cast<int>(prompt_size));
  at.erase(std::unique(at.begin(), at.end()), at.end());
  return at;
}

Parsed<model::ServeRequest> NativeBackend::State::make(const Request& request,
                                                       const model::ChatTokens& chat,
                                                       std::vector<model::Attachment> attachments,
                                                       bool starts_in_reasoning) {
  const model::Tokenizer& tokenizer = engine.tokenizer();
  base::Result<model::Prompt> prompt = model::assemble(chat, std::move(attachments), tokenizer);
  if (!prompt) return api_error(prompt.error(), "messages");
  const size_t n = prompt->positions.size();
  const int context = scheduler->context();
  if (n + kLeastRoom > static_cast<size_t>(context)) return too_long(context, n);
  const int room = context - static_cast<int>(n);

  model::ServeRequest out;
  out.options = request.generate;
  model::GenerateOptions& o = out.options;
  o.max_tokens = o.max_tokens > 0 ? std::min(o.max_tokens, room) : room;
  if (!request.seed_given) o.sampler.seed = std::random_device{}();
  for (const auto& [id, bias] : request.logit_bias) {
    const int64_t token = std::strtoll(id.c_str(), nullptr, 10);
    if (token < 0 || token >= tokenizer.vocab_size())
      return ApiError{.message = "logit_bias: there is no token " + id, .param = "logit_bias"};
    o.sampler.logit_bias.emplace_back(static_cast<int32_t>(token), bias);
  }
  if (const model::HubConfig* hub = engine.checkpoint().hub()) o.stop_tokens = hub->eos;
  o.starts_in_reasoning = starts_in_reasoning;
  if (may_call(request))
    for (const model::ToolDeclaration& tool : request.tools) o.functions.push_back(tool.name);
  else
    o.suppress.push_back(tokenizer.special(model::Special::call_begin));
  if (base::Status ok = model::check(o); !ok) return api_error(ok.error());

  out.checkpoints = checkpoints(chat, n);
  out.prompt = std::move(*prompt);
  out.conversation = request.conversation;
  return out;
}

Parsed<std::optional<model::Constraint>> NativeBackend::State::constraint(
    const Request& request, std::vector<std::string>& not_enforced) const {
  const bool calls = may_call(request);
  if (!calls && request.format.kind == AnswerFormat::Kind::text) return std::nullopt;
  const base::Result<std::string> text = grammar(request, not_enforced);
  if (!text) return api_error(text.error(), calls ? "tools" : "response_format");
  const Grammars& cache = grammars.get();
  if (!cache) return api_error(cache.error());
  base::Result<model::Constraint> compiled = (*cache)->compile(*text);
  if (!compiled) {
    // The engine quotes the grammar below its first line.
    std::string why = compiled.error().message;
    why.resize(std::min(why.size(), why.find('\n')));
    return ApiError{.message = "The schema cannot be enforced: " + why,
                    .param = calls ? "tools" : "response_format"};
  }
  return std::optional(std::move(*compiled));
}

base::Result<std::string> NativeBackend::State::grammar(
    const Request& request, std::vector<std::string>& not_enforced) const {
  model::ReplyGrammar reply{.tokens = tokens};
  switch (request.tool_choice) {
    case ToolChoice::automatic:
      break;
    case ToolChoice::none:
      reply.choice = model::CallChoice::none;
      break;
    case ToolChoice::required:
      reply.choice = model::CallChoice::required;
      break;
    case ToolChoice::named:
      reply.choice = model::CallChoice::named;
      reply.name = request.named_tool;
      break;
  }
  reply.parallel = request.parallel_tool_calls;
  switch (request.format.kind) {
    case AnswerFormat::Kind::text:
      break;
    case AnswerFormat::Kind::json_object:
      reply.format = model::ReplyFormat::json_object;
      break;
    case AnswerFormat::Kind::json_schema:
      reply.format = model::ReplyFormat::json_schema;
      reply.schema = request.format.schema;
      break;
  }
  std::vector<model::ToolDeclaration> tools;
  if (request.tool_choice != ToolChoice::none) tools = request.tools;
  // One tool of one of the client's many servers with a keyword that no grammar holds should not
  // end every conversation: unless it is declared strict, the rest of its schema is enforced.
  std::set<std::string> loose;
  for (;;) {
    reply.tools = tools;
    base::Result<std::string> made = model::reply_grammar(reply);
    if (made || made.error().code != Errc::usage) return made;
    const std::string& why = made.error().message;
    const auto tool = std::find_if(tools.begin(), tools.end(), [&](const auto& one) {
      return why.starts_with("tool " + one.name + ": schema: ");
    });
    const auto& strict = request.strict_tools;
    if (tool == tools.end() || std::find(strict.begin(), strict.end(), tool->name) != strict.end())
      return made;
    if (loose.insert(tool->name).second) {
      not_enforced.push_back(why);
      tool->parameters = loosened(tool->parameters);
    } else if (const nlohmann::json any{{"type", "object"}}; tool->parameters != any) {
      tool->parameters = any;
    } else {
      return made;
    }
  }
}

NativeBackend::NativeBackend(std::unique_ptr<State> state) : state_(std::move(state)) {}
NativeBackend::~NativeBackend() = default;

base::Result<std::unique_ptr<NativeBackend>> NativeBackend::load(
    const NativeBackendOptions& options) {
  base::Result<model::Engine> engine = model::Engine::load(
      options.checkpoint,
      {.adapter = options.adapter, .mmproj = options.mmproj, .threads = options.threads});
  if (!engine) return engine.error();
  return std::unique_ptr<NativeBackend>(
      new NativeBackend(std::make_unique<State>(std::move(*engine), options)));
}

ModelFacts NativeBackend::facts() const {
  return {.id = state_->options.id,
          .aliases = state_->options.aliases,
          .created = state_->created,
          .context = state_->scheduler->context(),
          .sees = state_->engine.sees(),
          .hears = state_->engine.hears(),
          .slots = state_->options.scheduler.slots};
}

Parsed<std::unique_ptr<Backend::Job>> NativeBackend::prepare(Request request) {
  State& s = *state_;
  const model::Tokenizer& tokenizer = s.engine.tokenizer();
  model::ChatTokens chat;
  bool in_thought = false;
  if (request.raw_prompt) {
    chat.ids = tokenizer.encode(*request.raw_prompt);
    if (tokenizer.bos() >= 0) chat.ids.insert(chat.ids.begin(), tokenizer.bos());
  } else {
    // With the empty thought kept in the running turn, a prompt with tool results continues the one
    // before it token by token.
    const model::TemplateRendered rendered = model::render_with(
        s.engine.checkpoint().chat_template(), tokenizer, request.messages, request.tools,
        {.thinking = request.generate.thinking,
         .empty_thought = model::EmptyThought::current_turn});
    in_thought = model::ends_in_thought(rendered.rendered);
    chat = model::tokens(rendered.rendered, tokenizer);
  }
  if (chat.ids.size() > static_cast<size_t>(s.scheduler->context()))
    return too_long(s.scheduler->context(), chat.ids.size());
  Parsed<std::vector<model::Attachment>> attached = s.attach(request, chat.ids.size());
  if (auto* error = std::get_if<ApiError>(&attached)) return std::move(*error);
  Parsed<model::ServeRequest> made = s.make(
      request, chat, std::move(std::get<std::vector<model::Attachment>>(attached)), in_thought);
  if (auto* error = std::get_if<ApiError>(&made)) return std::move(*error);
  const model::ServeRequest& first = std::get<model::ServeRequest>(made);
  std::vector<std::string> not_enforced;
  Parsed<std::optional<model::Constraint>> held = s.constraint(request, not_enforced);
  if (auto* error = std::get_if<ApiError>(&held)) return std::move(*error);
  const auto& form = std::get<std::optional<model::Constraint>>(held);
  std::vector<model::ServeRequest> choices;
  for (int i = 0; i < request.n; ++i) {
    model::ServeRequest choice{.prompt = first.prompt,
                               .options = first.options,
                               .checkpoints = first.checkpoints,
                               .conversation = first.conversation};
    choice.options.sampler.seed += static_cast<uint64_t>(i);
    if (form) choice.constraint.emplace(form->clone());
    choices.push_back(std::move(choice));
  }
  return std::make_unique<NativeJob>(*s.scheduler, std::move(choices), std::move(not_enforced));
}

Parsed<std::vector<Backend::Piece>> NativeBackend::prepare_transcription(
    const TranscriptionRequest& request) {
  State& s = *state_;
  if (!s.engine.hears())
    return ApiError{.message = "This model does not hear; serve one with an audio embedder.",
                    .param = "model"};
  const base::Result<media::Sound> sound =
      media::decode_sound(request.sound, {.max_seconds = request.max_seconds});
  if (!sound) return api_error({sound.error().code, "file: " + sound.error().message}, "file");
  std::string instruction(model::kTranscribeInstruction);
  if (!request.language.empty()) instruction += " The language is " + request.language + ".";
  if (!request.prompt.empty()) instruction += " " + request.prompt;
  model::Message user{.role = model::Role::user, .text = instruction};
  user.media.push_back({model::MediaKind::audio, instruction.size()});
  const model::Tokenizer& tokenizer = s.engine.tokenizer();
  const model::ChatTokens chat = model::tokens(
      model::render_with(s.engine.checkpoint().chat_template(), tokenizer, {&user, 1}, {}, {})
          .rendered,
      tokenizer);
  Request each;
  each.generate.max_tokens = kTranscriptTokens;
  each.generate.sampler.temperature = request.temperature;
  std::vector<Piece> pieces;
  for (const media::SoundRange& range : media::split_at_silences(sound->samples)) {
    base::Result<model::SoftTokens> soft =
        s.embed_audio(std::span(sound->samples).subspan(range.begin, range.end - range.begin));
    if (!soft) return api_error(soft.error(), "file");
    model::Attachment attachment{.kind = model::MediaKind::audio, .parts = {}, .stamps = {}};
    attachment.parts.push_back(std::move(*soft));
    std::vector<model::Attachment> attachments;
    attachments.push_back(std::move(attachment));
    Parsed<model::ServeRequest> made = s.make(each, chat, std::move(attachments), false);
    if (auto* error = std::get_if<ApiError>(&made)) return std::move(*error);
    // Nobody asks for the same recording's state again.
    std::get<model::ServeRequest>(made).checkpoints.clear();
    std::vector<model::ServeRequest> one;
    one.push_back(std::move(std::get<model::ServeRequest>(made)));
    pieces.push_back({.job = std::make_unique<NativeJob>(*s.scheduler, std::move(one)),
                      .begin_s = static_cast<double>(range.begin) / media::kSoundRate,
                      .end_s = static_cast<double>(range.end) / media::kSoundRate});
  }
  return pieces;
}

std::vector<model::TokenId> NativeBackend::tokenize(std::string_view text, bool special,
                                                    bool add_special) {
  const model::Tokenizer& tokenizer = state_->engine.tokenizer();
  std::vector<model::TokenId> ids =
      special ? tokenizer.encode_special(text) : tokenizer.encode(text);
  if (add_special && tokenizer.bos() >= 0) ids.insert(ids.begin(), tokenizer.bos());
  return ids;
}

std::string NativeBackend::token_text(model::TokenId id) {
  const model::Tokenizer& tokenizer = state_->engine.tokenizer();
  if (tokenizer.is_special(id))
    for (const model::SpecialToken& token : model::kSpecialTokens)
      if (tokenizer.special(token.which) == id) return std::string(token.text);
  return tokenizer.bytes_of(id);
}

Parsed<std::vector<std::vector<float>>> NativeBackend::embed(
    const std::vector<std::vector<model::TokenId>>& inputs, std::stop_token stop) {
  const int context = state_->scheduler->context();
  size_t longest = 0;
  for (const auto& input : inputs) {
    longest = std::max(longest, input.size());
    if (input.empty()) return ApiError{.message = "An input is empty.", .param = "input"};
    if (input.size() > static_cast<size_t>(context)) {
      ApiError error = too_long(context, input.size());
      error.param = "input";
      return error;
    }
  }
  std::vector<std::vector<float>> out;
  // One at a time, so that conversations go on between them.
  for (const auto& input : inputs) {
    if (stop.stop_requested()) return ApiError{.status = 499, .message = "The client has gone."};
    std::vector<model::Position> positions;
    for (const model::TokenId id : input) positions.push_back({.id = id});
    const base::Status status =
        on_engine(*state_->scheduler, [&](const model::Engine& engine) -> base::Status {
          model::Session session(engine, static_cast<int>(input.size()) + 1);
          base::Result<std::vector<float>> vector = session.pooled(positions, stop);
          if (!vector) return vector.error();
          out.push_back(std::move(*vector));
          return base::Ok{};
        });
    if (!status) return api_error(status.error(), "input");
  }
  return out;
}

std::vector<std::pair<std::string, double>> NativeBackend::metrics() {
  const model::SchedulerCounts c = state_->scheduler->counts();
  const auto number = [](auto value) { return static_cast<double>(value); };
  return {{"requests_total", number(c.requests)},
          {"requests_finished_total", number(c.finished)},
          {"requests_cancelled_total", number(c.cancelled)},
          {"requests_refused_total", number(c.refused)},
          {"prompt_tokens_total", number(c.prompt_tokens)},
          {"prompt_tokens_cached_total", number(c.cached_tokens)},
          {"generated_tokens_total", number(c.generated_tokens)},
          {"prefixes_stored_total", number(c.prefixes_stored)},
          {"prefixes_restored_total", number(c.prefixes_restored)},
          {"prefixes_rejected_total", number(c.prefixes_rejected)},
          {"prefix_bytes_in_memory", number(c.prefix_bytes_in_memory)},
          {"prefix_bytes_on_disk", number(c.prefix_bytes_on_disk)},
          {"slots_busy", number(c.slots_busy)},
          {"requests_queued", number(c.queued)}};
}

}  // namespace server
