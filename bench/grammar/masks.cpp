// What grammars of replies cost over a large vocabulary: compiling, copying a compiled one out of
// the cache, and the mask of each token of replies that fit. Times are of the thread, not the
// clock.
//
//   masks CASES.json MODEL.gguf|TOKENIZER.json [ROUNDS=20]
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/generate.h"
#include "model/gguf.h"
#include "model/grammar/grammar_cache.h"
#include "model/grammar/reply_grammar.h"
#include "model/tokenizer_json.h"

namespace {

using namespace model;
using nlohmann::ordered_json;

// The thread's own time: other programs on the machine do not count.
struct Clock {
  using time_point = double;  // us
  static double now() {
    timespec t = {};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_nsec) / 1e3;
  }
};

double us_since(double from) { return Clock::now() - from; }

double at(std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

void print(const char* name, std::vector<double> times) {
  std::sort(times.begin(), times.end());
  std::printf("  %-22s n %6zu  least %7.1f  p50 %8.1f  p99 %8.1f  max %8.1f us\n", name,
              times.size(), at(times, 0), at(times, 0.5), at(times, 0.99),
              times.empty() ? 0 : times.back());
}

std::vector<TokenId> tokens_of(const ordered_json& reply, const Tokenizer& tokenizer) {
  Message message{.role = Role::model};
  for (const ordered_json& call : reply["calls"])
    message.calls.push_back(
        {.name = call["name"].get<std::string>(), .arguments = nlohmann::json(call["arguments"])});
  const std::vector<TokenId> text = tokenizer.encode(reply["text"].get<std::string>());
  std::vector<TokenId> out = text;
  if (message.calls.empty()) {
    out.push_back(tokenizer.special(Special::turn_end));
    return out;
  }
  const std::vector<Message> messages = {{.role = Role::user, .text = "x"}, message};
  const ChatTokens all = tokens(render(messages, {}, {.add_generation_prompt = false}), tokenizer);
  for (size_t i = 0; i < all.ids.size(); ++i)
    if (all.from_model[i]) out.push_back(all.ids[i]);
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: masks CASES.json MODEL.gguf|TOKENIZER.json [ROUNDS]\n");
    return 2;
  }
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 20;
  std::ifstream file(argv[1]);
  const ordered_json cases = ordered_json::parse(file, nullptr, false);
  std::unique_ptr<Gguf> gguf;
  std::unique_ptr<TokenizerJson> json_file;
  std::unique_ptr<Tokenizer> tokenizer;
  if (std::string(argv[2]).ends_with(".json")) {
    json_file = std::make_unique<TokenizerJson>(std::move(*TokenizerJson::open(argv[2])));
    tokenizer = std::make_unique<Tokenizer>(
        std::move(*Tokenizer::from_vocabulary(json_file->vocabulary(kGemmaVocabSize))));
  } else {
    gguf = std::make_unique<Gguf>(std::move(*Gguf::open(argv[2])));
    tokenizer = std::make_unique<Tokenizer>(std::move(*Tokenizer::from_gguf(*gguf)));
  }
  const Clock::time_point begin = Clock::now();
  GrammarCache cache(std::move(*grammar_vocabulary(*tokenizer)));
  std::printf("vocabulary of %d tokens: %.0f ms\n", tokenizer->vocab_size(),
              us_since(begin) / 1000);

  std::vector<double> all_text, all_compiled, all_copied, all_masks;
  for (const ordered_json& c : cases) {
    std::vector<ToolDeclaration> tools;
    if (c.contains("tools"))
      for (const ordered_json& tool : c["tools"])
        tools.push_back({.name = tool["name"].get<std::string>(),
                         .parameters = nlohmann::json(tool["parameters"])});
    const bool required = c.contains("choice");
    const ReplyGrammar reply{
        .tools = tools,
        .choice = required ? CallChoice::required : CallChoice::automatic,
        .format = c.contains("schema") ? ReplyFormat::json_schema : ReplyFormat::text,
        .schema = c.contains("schema") ? c["schema"].dump() : "",
        .closed = !c.contains("open"),
        .tokens = reply_tokens(*tokenizer)};
    std::vector<double> text, compiled, copied, masks;
    std::string lark;
    for (int i = 0; i < rounds; ++i) {
      Clock::time_point from = Clock::now();
      const base::Result<std::string> grammar = reply_grammar(reply);
      text.push_back(us_since(from));
      if (!grammar) {
        std::fprintf(stderr, "%s\n", grammar.error().message.c_str());
        return 1;
      }
      lark = *grammar;
      from = Clock::now();
      const base::Result<Constraint> made = Constraint::compile(cache.vocabulary(), lark);
      compiled.push_back(us_since(from));
      from = Clock::now();
      const base::Result<Constraint> copy = cache.compile(lark);
      if (i > 0) copied.push_back(us_since(from));
      if (!made || !copy) {
        std::fprintf(stderr, "%s\n", made.error().message.c_str());
        return 1;
      }
    }
    TokenMask mask;
    size_t n_tokens = 0;
    std::vector<std::pair<double, std::string>> slowest;
    for (const ordered_json& one : c["replies"]) {
      Constraint constraint = std::move(*cache.compile(lark));
      const std::vector<TokenId> ids = tokens_of(one, *tokenizer);
      n_tokens += ids.size();
      for (size_t i = 0; i < ids.size(); ++i) {
        const Clock::time_point from = Clock::now();
        const base::Status status = constraint.mask(mask);
        const double us = us_since(from);
        masks.push_back(us);
        if (us > 1000) slowest.emplace_back(us, tokenizer->decode(std::span(ids).first(i)));
        if (!status || !mask.contains(ids[i]) || !constraint.accept(ids[i])) {
          std::fprintf(stderr, "%s: a reply that doesn't fit, after %s\n",
                       c["name"].get<std::string>().c_str(),
                       tokenizer->decode(std::span(ids).first(i)).c_str());
          return 1;
        }
      }
    }
    std::printf("%s: %zu bytes of grammar, %zu tokens\n", c["name"].get<std::string>().c_str(),
                lark.size(), n_tokens);
    print("schema to grammar", text);
    print("compile", compiled);
    print("copy from the cache", copied);
    print("mask", masks);
    std::sort(slowest.rbegin(), slowest.rend());
    for (size_t i = 0; i < std::min<size_t>(slowest.size(), 6) && std::getenv("SLOWEST"); ++i)
      std::printf(
          "    %8.0f us after …%s\n", slowest[i].first,
          slowest[i]
              .second.substr(slowest[i].second.size() > 40 ? slowest[i].second.size() - 40 : 0)
              .c_str());
    all_text.insert(all_text.end(), text.begin(), text.end());
    all_compiled.insert(all_compiled.end(), compiled.begin(), compiled.end());
    all_copied.insert(all_copied.end(), copied.begin(), copied.end());
    all_masks.insert(all_masks.end(), masks.begin(), masks.end());
  }
  std::printf("all\n");
  print("schema to grammar", all_text);
  print("compile", all_compiled);
  print("copy from the cache", all_copied);
  print("mask", all_masks);
  return 0;
}
