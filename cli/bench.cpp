// Speed of a model on this machine: reading prompts and making replies, medians of a few rounds,
// and what the memory of this machine could give a reply.
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <memory>
#include <numeric>
#include <random>

#include "base/json.h"
#include "cli/command.h"
#include "cli/model_store.h"
#include "model/integer/kernel.h"
#include "model/model.h"

namespace cli {
namespace {

using Clock = std::chrono::steady_clock;

struct BenchOptions {
  std::string model, adapter, precision = "fast";
  int prompt = 512, tokens = 64, depth = 0, rounds = 3, threads = 0;
  bool json = false;
};

double seconds_since(Clock::time_point from) {
  return std::chrono::duration<double>(Clock::now() - from).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

constexpr int kLeastText = 32;  // tokens before a reply

/// Any tokens do: nothing depends on what they are.
std::vector<model::Position> random_prompt(int n, int vocabulary) {
  std::mt19937 random(1);
  std::uniform_int_distribution<model::TokenId> token(0, std::min(vocabulary, 50000) - 1);
  std::vector<model::Position> prompt(static_cast<size_t>(n));
  for (model::Position& p : prompt) p.id = token(random);
  return prompt;
}

/// Of a reply something depends on what it says: which logits are computed. So it follows a text,
/// of which as many tokens are read as are asked for, at least a few.
std::vector<model::Position> text_prompt(const model::Tokenizer& tokenizer, int n) {
  constexpr std::string_view kText =
      "The table holds the sales of each shop by month. In March the shop at the harbour sold more "
      "than all the others together, since the market was closed for repairs until the end of the "
      "quarter. The manager asks how much of the yearly total came from that one month, and "
      "whether "
      "the shops in the hills made up for it in summer, when visitors stay longer and buy less. ";
  std::vector<model::Position> prompt;
  const std::vector<model::TokenId> ids = tokenizer.encode(kText);
  while (prompt.size() < static_cast<size_t>(std::max(n, kLeastText)))
    prompt.push_back({.id = ids[prompt.size() % ids.size()]});
  return prompt;
}

/// Bytes a second that the threads together read from memory, the best of a few rounds.
double read_bandwidth(int threads) {
  model::ThreadPool pool(threads);
  constexpr size_t kBytes = size_t{256} << 20;
  constexpr int kPiece = 1 << 16;
  std::vector<uint64_t> data(kBytes / sizeof(uint64_t), 1);
  std::atomic<uint64_t> total = 0;
  double best = 0;
  for (int round = 0; round < 4; ++round) {
    const Clock::time_point at = Clock::now();
    pool.parallel_for(static_cast<int>(data.size()), kPiece, [&](int, int begin, int end) {
      total += std::accumulate(data.begin() + begin, data.begin() + end, uint64_t{0});
    });
    best = std::max(best, static_cast<double>(kBytes) / seconds_since(at));
  }
  return total == 0 ? 0 : best;
}

size_t peak_bytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss) * 1024;
}

int run(const BenchOptions& o) {
  const base::Result<std::filesystem::path> path = find_checkpoint(o.model);
  if (!path) return fail(path.error());
  Clock::time_point at = Clock::now();
  const base::Result<model::Engine> engine =
      model::Engine::load(*path, {.precision = model::precision_named(o.precision),
                                  .adapter = o.adapter,
                                  .threads = o.threads});
  if (!engine) return fail(engine.error());
  const double load = seconds_since(at);
  const int context = std::max(o.prompt, std::max(o.depth, kLeastText) + o.tokens * o.rounds);
  if (context > engine->context_length())
    return fail({base::Errc::usage,
                 "this model holds " + std::to_string(engine->context_length()) +
                     " tokens; the prompt, or the depth and the replies of all rounds, take " +
                     std::to_string(context)});
  std::vector<double> reading, replying;
  const std::vector<model::Position> prompt =
      random_prompt(o.prompt, engine->architecture().vocab_size);
  for (int round = 0; round < o.rounds && o.prompt > 0; ++round) {
    model::Session session(*engine, context);
    at = Clock::now();
    if (const auto done = session.prefill(prompt, {}); !done) return fail(done.error());
    session.next().likeliest();
    reading.push_back(seconds_since(at));
  }
  model::Session session(*engine, context);
  model::TokenId token = 0;
  if (o.tokens > 0) {
    const std::vector<model::Position> text = text_prompt(engine->tokenizer(), o.depth);
    if (const auto done = session.prefill(text, {}); !done) return fail(done.error());
    token = session.next().likeliest();
  }
  for (int round = 0; round < o.rounds && o.tokens > 0; ++round) {
    at = Clock::now();
    for (int i = 0; i < o.tokens; ++i) {
      if (const base::Status done = session.decode(token); !done) return fail(done.error());
      token = session.next().likeliest();
    }
    replying.push_back(seconds_since(at));
  }
  const size_t peak = peak_bytes();
  const double prefill = reading.empty() ? 0 : o.prompt / median(reading);
  const double decode = replying.empty() ? 0 : o.tokens / median(replying);
  const double bandwidth = read_bandwidth(o.threads);
  std::error_code error;
  const double weights = static_cast<double>(std::filesystem::file_size(*path, error));
  if (o.json) {
    const nlohmann::json out = {{"prefill_tokens_per_s", prefill},
                                {"decode_tokens_per_s", decode},
                                {"prompt_tokens", o.prompt},
                                {"decoded_tokens", o.tokens},
                                {"depth", o.depth},
                                {"threads", model::ThreadPool(o.threads).n_threads()},
                                {"precision", o.precision},
                                {"kernel", model::best_integer_kernel().name},
                                {"load_s", load},
                                {"peak_bytes", peak},
                                {"read_bytes_per_s", bandwidth}};
    std::printf("%s\n", out.dump().c_str());
    return kDone;
  }
  std::printf("loaded in %.2f s, at most %.0f MiB of memory, kernel %s\n", load,
              static_cast<double>(peak) / (1 << 20), model::best_integer_kernel().name);
  if (!reading.empty()) std::printf("reading %d tokens: %.1f tokens/s\n", o.prompt, prefill);
  if (!replying.empty())
    std::printf("replying, %d tokens after %d: %.1f tokens/s\n", o.tokens, o.depth, decode);
  if (!replying.empty() && !error)
    std::printf("memory is read at %.1f GB/s, enough for %.1f tokens/s of this file\n",
                bandwidth / 1e9, bandwidth / weights);
  return kDone;
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  CLI::App* c = app.add_subcommand("bench", "How fast a model is on this machine.");
  auto o = std::make_shared<BenchOptions>();
  c->add_option("--model", o->model, "GGUF checkpoint or folder");
  c->add_option("--adapter", o->adapter, "LoRA adapter (GGUF)");
  c->add_option("-p,--prompt", o->prompt, "tokens of the prompt")->check(CLI::Range(0, 1 << 20));
  c->add_option("-n,--tokens", o->tokens, "tokens of the reply")->check(CLI::Range(0, 4096));
  c->add_option("-d,--depth", o->depth, "tokens before the reply")->check(CLI::Range(0, 1 << 20));
  c->add_option("-r,--rounds", o->rounds, "rounds; the median counts")->check(CLI::Range(1, 99));
  c->add_option("-t,--threads", o->threads, "threads, 0: one per processor")
      ->check(CLI::Range(0, 1024));
  c->add_option("--precision", o->precision,
                "fast (bf16, int16 or int8, by the model and processor), int16, int8, bf16 or f32 "
                "(reference)")
      ->check(CLI::IsMember({"fast", "int16", "int8", "bf16", "f32"}));
  c->add_flag("--json", o->json, "one line of JSON");
  c->callback([o, &action] { action = [o] { return run(*o); }; });
}

}  // namespace cli
