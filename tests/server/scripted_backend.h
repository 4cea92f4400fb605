#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <list>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "model/call_parser.h"
#include "server/service.h"

namespace server {

/// A backend that says what a list tells it to, for tests of the wire and of clients. A rule
/// applies when the last message's text (or the result of a tool) holds `when` and the request has
/// tools or not as `tools` says; each is used `times` times. Replies are spelled as Gemma writes
/// them, special tokens included. What no rule applies to fails with 500.
struct ScriptedRule {
  std::string when = {};
  int tools = -1;  ///< 0: only without tools, 1: only with, -1: either
  std::string reply = {};
  int times = 1;
  int delay_ms = 0;  ///< before each piece of text
  bool cut = false;  ///< as if max_tokens had been reached
};

class ScriptedBackend final : public Backend {
 public:
  ScriptedBackend(std::vector<ScriptedRule> rules, int context, const std::string& log)
      : rules_(std::move(rules)), context_(context) {
    if (!log.empty()) log_.open(log, std::ios::app);
  }
  ~ScriptedBackend() override {
    for (std::thread& thread : threads_) thread.join();
  }

  ModelFacts facts() const override {
    return {.id = "scripted",
            .aliases = {"gemma-4-12b"},
            .created = 1,
            .context = context_,
            .sees = true,
            .hears = true,
            .slots = 4};
  }

  /// From here on whatever is asked of it throws, as where memory is short.
  std::atomic<bool> throws{false};

  static int count(const Request& request) {
    size_t bytes = request.raw_prompt ? request.raw_prompt->size() : 0;
    for (const model::Message& m : request.messages)
      bytes += m.text.size() + m.reasoning.size() + m.result.dump().size() + 16;
    for (const model::ToolDeclaration& tool : request.tools)
      bytes += tool.description.size() + tool.parameters.dump().size();
    return static_cast<int>(bytes / 4 + 1);
  }

  Parsed<std::unique_ptr<Job>> prepare(Request request) override {
    if (throws) throw std::bad_alloc();
    const int prompt = count(request);
    write_log(request, prompt);
    if (prompt > context_)
      return ApiError{.message = "This model's maximum context length is " +
                                 std::to_string(context_) +
                                 " tokens. However, your messages resulted in " +
                                 std::to_string(prompt) + " tokens.",
                      .param = "messages",
                      .code = "context_length_exceeded"};
    std::string last = request.raw_prompt.value_or("");
    if (!request.messages.empty()) {
      const model::Message& m = request.messages.back();
      last = m.text + (m.result.is_null() ? "" : m.result.dump());
    }
    const std::lock_guard lock(mutex_);
    for (ScriptedRule& rule : rules_) {
      if (rule.times == 0 || last.find(rule.when) == std::string::npos) continue;
      if (rule.tools >= 0 && (rule.tools == 1) == request.tools.empty()) continue;
      --rule.times;
      std::vector<std::string> functions;
      for (const model::ToolDeclaration& tool : request.tools) functions.push_back(tool.name);
      return std::make_unique<ScriptedJob>(*this, rule, std::move(functions), prompt, request.n);
    }
    return ApiError{
        .status = 500, .message = "no rule for: " + last.substr(0, 300), .type = "server_error"};
  }

  Parsed<std::vector<Piece>> prepare_transcription(const TranscriptionRequest& request) override {
    if (throws) throw std::runtime_error("no sound");
    std::vector<Piece> pieces;
    std::vector<std::string> texts = {"hello", "world"};
    if (!request.prompt.empty()) texts.push_back(request.prompt);
    for (const std::string& text : texts) {
      ScriptedRule rule{.reply = text + "<turn|>"};
      pieces.push_back(
          {.job = std::make_unique<ScriptedJob>(*this, rule, std::vector<std::string>(), 1, 1),
           .begin_s = static_cast<double>(pieces.size()),
           .end_s = static_cast<double>(pieces.size() + 1)});
    }
    if (request.sound.empty()) pieces.clear();
    return pieces;
  }
  Parsed<std::vector<std::vector<float>>> embed(
      const std::vector<std::vector<model::TokenId>>& inputs, std::stop_token) override {
    if (throws) throw 5;
    return std::vector<std::vector<float>>(inputs.size(), {0.6f, 0.8f});
  }
  std::vector<model::TokenId> tokenize(std::string_view text, bool, bool add_special) override {
    if (throws) throw std::bad_alloc();
    std::vector<model::TokenId> ids;
    if (add_special) ids.push_back(2);
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string token_text(model::TokenId id) override {
    if (throws) throw std::bad_alloc();
    return std::string(1, static_cast<char>(id));
  }
  std::vector<std::pair<std::string, double>> metrics() override {
    return {{"running", static_cast<double>(running_.load())},
            {"cancelled_total", static_cast<double>(cancelled_.load())}};
  }

 private:
  class ScriptedJob final : public Job {
   public:
    ScriptedJob(ScriptedBackend& backend, ScriptedRule rule, std::vector<std::string> functions,
                int prompt, int n)
        : backend_(backend),
          rule_(std::move(rule)),
          functions_(std::move(functions)),
          prompt_(prompt),
          n_(n) {}
    int prompt_tokens() const override { return prompt_; }
    std::optional<ApiError> start(Sink sink, std::stop_token stop) override {
      const std::lock_guard lock(backend_.mutex_);
      backend_.threads_.emplace_back([&backend = backend_, rule = rule_, functions = functions_,
                                      prompt = prompt_, n = n_, sink = std::move(sink), stop] {
        ++backend.running_;
        std::vector<model::Generated> all;
        for (int i = 0; i < n && !stop.stop_requested(); ++i)
          all.push_back(say(rule, functions, prompt, i, sink, stop));
        if (stop.stop_requested()) ++backend.cancelled_;
        --backend.running_;
        sink.on_end(std::move(all), std::nullopt);
      });
      return std::nullopt;
    }

   private:
    static model::Generated say(const ScriptedRule& rule, const std::vector<std::string>& functions,
                                int prompt, int choice, const Sink& sink, std::stop_token stop) {
      model::StreamParser parser({.functions = functions});
      model::Generated out;
      out.message.role = model::Role::model;
      out.prompt_tokens = prompt;
      const auto hear = [&](std::vector<model::ReplyEvent> events) {
        for (model::ReplyEvent& event : events) {
          if (event.kind == model::ReplyEvent::Kind::text) out.message.text += event.text;
          if (event.kind == model::ReplyEvent::Kind::reasoning) out.message.reasoning += event.text;
          if (event.kind == model::ReplyEvent::Kind::call) out.message.calls.push_back(event.call);
          if (event.kind == model::ReplyEvent::Kind::bad_call) {
            out.errors.push_back(event.error);
            out.bad_calls.push_back(event.text);
          }
          if (sink.on_event) sink.on_event(choice, event);
        }
      };
      std::string_view rest = rule.reply;
      while (!rest.empty() && !stop.stop_requested()) {
        bool special = false;
        for (const model::SpecialToken& token : model::kSpecialTokens)
          if (rest.starts_with(token.text)) {
            rest.remove_prefix(token.text.size());
            hear(parser.push_special(token.which));
            special = true;
            break;
          }
        out.tokens.push_back(5);
        out.logprobs.push_back({.chosen = {5, -1}, .top = {}});
        if (special) continue;
        // A few bytes at a time, as tokens are; characters may be cut. Whole files come faster.
        const size_t most = rule.reply.size() < 100'000 ? 5 : 64;
        const size_t n = std::max<size_t>(1, std::min<size_t>(most, rest.find('<', 1)));
        if (rule.delay_ms > 0)
          std::this_thread::sleep_for(std::chrono::milliseconds(rule.delay_ms));
        hear(parser.push_text(rest.substr(0, n)));
        rest.remove_prefix(std::min(n, rest.size()));
      }
      hear(parser.finish());
      out.finish = stop.stop_requested()        ? model::Finish::cancelled
                   : rule.cut                   ? model::Finish::length
                   : !out.message.calls.empty() ? model::Finish::tool_calls
                                                : model::Finish::stop;
      if (sink.on_done) sink.on_done(choice, out);
      return out;
    }

    ScriptedBackend& backend_;
    ScriptedRule rule_;
    std::vector<std::string> functions_;
    int prompt_, n_;
  };

  void write_log(const Request& request, int prompt) {
    if (!log_.is_open()) return;
    nlohmann::json messages = nlohmann::json::array();
    static constexpr const char* kRoles[] = {"system", "user", "model", "tool"};
    for (const model::Message& m : request.messages) {
      nlohmann::json calls = nlohmann::json::array();
      for (const model::FunctionCall& call : m.calls)
        calls.push_back({{"name", call.name}, {"id", call.id}, {"arguments", call.arguments}});
      messages.push_back({{"role", kRoles[static_cast<int>(m.role)]},
                          {"text", m.text},
                          {"reasoning", m.reasoning},
                          {"calls", calls},
                          {"call_id", m.call_id},
                          {"result", m.result},
                          {"media", m.media.size()}});
    }
    nlohmann::json tools = nlohmann::json::array();
    for (const model::ToolDeclaration& tool : request.tools) tools.push_back(tool.name);
    const nlohmann::json line{{"protocol", static_cast<int>(request.protocol)},
                              {"stream", request.stream},
                              {"messages", messages},
                              {"tools", tools},
                              {"max_tokens", request.generate.max_tokens},
                              {"prompt_tokens", prompt}};
    const std::lock_guard lock(mutex_);
    log_ << line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
  }

  std::mutex mutex_;
  std::vector<ScriptedRule> rules_;
  int context_;
  std::ofstream log_;
  std::list<std::thread> threads_;
  std::atomic<int> running_{0}, cancelled_{0};
};

}  // namespace server
