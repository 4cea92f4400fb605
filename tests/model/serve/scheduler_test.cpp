#include "model/serve/scheduler.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "tests/model/serve/serve.h"

namespace model {
namespace {

using namespace std::chrono_literals;

/// What a request heard; wait() until it is over.
class Heard {
 public:
  ServeSink sink() {
    return {.on_progress =
                [this](const ServeProgress& p) {
                  const std::lock_guard lock(mutex_);
                  progress.push_back(p);
                  changed_.notify_all();
                },
            .on_event =
                [this](const ReplyEvent& event) {
                  const std::lock_guard lock(mutex_);
                  if (event.kind == ReplyEvent::Kind::text) text += event.text;
                  ++n_events;
                  changed_.notify_all();
                },
            .on_done =
                [this](base::Result<Generated> result) {
                  if (before_done) before_done();
                  const std::lock_guard lock(mutex_);
                  ++n_done;
                  this->result = std::move(result);
                  changed_.notify_all();
                }};
  }
  const base::Result<Generated>& wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return n_done > 0; });
    return *result;
  }
  template <class Ready>
  void wait_for(const Ready& ready) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ready(); });
  }

  std::vector<ServeProgress> progress;
  std::string text;
  int n_events = 0, n_done = 0;
  std::optional<base::Result<Generated>> result;
  std::function<void()> before_done;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

GenerateOptions options(int max_tokens, uint64_t seed = 1) {
  GenerateOptions out;
  out.max_tokens = max_tokens;
  out.sampler.temperature = 1;
  out.sampler.seed = seed;
  // Replies of a model that knows nothing: let them run to their full length.
  for (const Special which : {Special::eos, Special::turn_end, Special::turn_begin,
                              Special::response_begin, Special::channel_begin, Special::call_begin})
    if (const TokenId id = tiny().tokenizer().special(which); id >= 0) out.suppress.push_back(id);
  return out;
}

ServeRequest request(std::vector<Position> prompt, GenerateOptions o, std::string conversation = {},
                     std::vector<int> checkpoints = {}) {
  ServeRequest out;
  out.prompt.positions = std::move(prompt);
  out.options = std::move(o);
  out.conversation = std::move(conversation);
  out.checkpoints = std::move(checkpoints);
  return out;
}

Generated alone(const Engine& engine, const std::vector<Position>& prompt,
                const GenerateOptions& o) {
  Session session(engine, 4096);
  base::Result<Generated> out = generate(session, engine.tokenizer(), prompt, o, {}, {});
  EXPECT_TRUE(out) << out.error().message;
  return out ? std::move(*out) : Generated{};
}

/// Runs until stopped: a request that holds a slot.
struct Held {
  Heard heard;
  std::stop_source stop;
  void start(Scheduler& scheduler) {
    ASSERT_TRUE(
        scheduler.submit(request(text(5, 99), options(4000)), heard.sink(), stop.get_token()));
    heard.wait_for([&] { return heard.n_events > 0; });
  }
  void end() {
    stop.request_stop();
    heard.wait();
  }
};

TEST(Scheduler, FourConversationsTogetherGetWhatEachGetsAlone) {
  for (const Way& way : all_ways()) {
    const Engine engine = load(way);
    std::vector<Heard> heard(7);
    std::vector<std::vector<Position>> prompts;
    std::vector<GenerateOptions> wanted;
    std::vector<Generated> lone;  // before: the engine's workers serve one at a time
    for (size_t i = 0; i < heard.size(); ++i) {
      prompts.push_back(
          text(i == 2 ? 1500 : 20 + 30 * static_cast<int>(i), static_cast<uint32_t>(i)));
      wanted.push_back(options(10 + 5 * static_cast<int>(i), i));
      wanted.back().logprobs = i % 2 == 0 ? 2 : -1;
      lone.push_back(alone(engine, prompts[i], wanted[i]));
    }
    Scheduler scheduler(engine, {.slots = 4, .context = 4096});
    for (size_t i = 0; i < heard.size(); ++i)
      ASSERT_TRUE(scheduler.submit(request(prompts[i], wanted[i]), heard[i].sink(), {}));
    for (size_t i = 0; i < heard.size(); ++i) {
      const base::Result<Generated>& out = heard[i].wait();
      ASSERT_TRUE(out) << out.error().message;
      const Generated& expected = lone[i];
      EXPECT_EQ(out->tokens, expected.tokens) << way.name << " " << i;
      EXPECT_EQ(out->message.text, expected.message.text);
      EXPECT_EQ(heard[i].text, expected.message.text);
      EXPECT_EQ(out->finish, Finish::length);
      EXPECT_EQ(out->prompt_tokens, static_cast<int>(prompts[i].size()));
      ASSERT_EQ(out->logprobs.size(), expected.logprobs.size());
      for (size_t t = 0; t < out->logprobs.size(); ++t)
        EXPECT_EQ(out->logprobs[t].chosen.logprob, expected.logprobs[t].chosen.logprob);
      EXPECT_EQ(heard[i].n_done, 1);
    }
    const SchedulerCounts counts = scheduler.counts();
    EXPECT_EQ(counts.requests, 7U);
    EXPECT_EQ(counts.finished, 7U);
    EXPECT_EQ(counts.slots_busy, 0);
    EXPECT_EQ(counts.queued, 0);
    EXPECT_EQ(counts.generated_tokens, 7U * 10 + 5 * 21);
  }
}

TEST(Scheduler, ALongPromptDoesNotStopThoseWhoAreAnswered) {
  Heard talks, reads;  // before the scheduler, whose end cancels what still talks
  Scheduler scheduler(tiny(), {.slots = 2, .context = 4096});
  ASSERT_TRUE(scheduler.submit(request(text(5, 1), options(4000)), talks.sink(), {}));
  talks.wait_for([&] { return talks.n_events > 0; });
  int events_before = 0;
  ASSERT_TRUE(scheduler.submit(request(text(2000, 2), options(1)), reads.sink(), {}));
  reads.wait_for([&] { return !reads.progress.empty() && reads.progress.back().read >= 0; });
  events_before = talks.n_done;
  const base::Result<Generated>& out = reads.wait();
  ASSERT_TRUE(out);
  EXPECT_EQ(events_before, 0);
  // 2,000 positions in pieces of 128, each after a step of the other.
  EXPECT_GE(reads.progress.size(), 16U);
  int before = 0;
  for (const ServeProgress& p : reads.progress) {
    EXPECT_GE(p.read, before);
    before = p.read;
    EXPECT_EQ(p.prompt_tokens, 2000);
  }
  EXPECT_EQ(before, 2000);
}

TEST(Scheduler, ACancelledRequestLeavesItsSlotAndTheOthersAsTheyWere) {
  Scheduler scheduler(tiny(), {.slots = 2, .context = 4096, .max_queued = 4});
  Heard steady, reading, waiting;
  Held replying;
  const std::vector<Position> prompt = text(30, 1);
  const GenerateOptions o = options(300);
  replying.start(scheduler);
  ASSERT_TRUE(scheduler.submit(request(prompt, o), steady.sink(), {}));
  std::stop_source stop_waiting;
  ASSERT_TRUE(scheduler.submit(request(text(9, 3), options(4000)), waiting.sink(),
                               stop_waiting.get_token()));
  waiting.wait_for([&] { return !waiting.progress.empty(); });
  EXPECT_EQ(waiting.progress[0].queued_before, 1);
  stop_waiting.request_stop();
  const base::Result<Generated>& given_up = waiting.wait();
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().code, base::Errc::cancelled);
  replying.end();
  const base::Result<Generated>& cut = replying.heard.wait();
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->finish, Finish::cancelled);
  EXPECT_GT(cut->tokens.size(), 0U);
  // One that stops while its prompt is read.
  std::stop_source stop_reading;
  ServeSink sink = reading.sink();
  sink.on_progress = [&](const ServeProgress& p) {
    if (p.read > 0) stop_reading.request_stop();
  };
  ASSERT_TRUE(scheduler.submit(request(text(4000, 4), options(5)), sink, stop_reading.get_token()));
  const base::Result<Generated>& unread = reading.wait();
  ASSERT_FALSE(unread);
  EXPECT_EQ(unread.error().code, base::Errc::cancelled);
  // One that is stopped before it is submitted.
  Heard late;
  ASSERT_TRUE(
      scheduler.submit(request(text(9, 5), options(5)), late.sink(), stop_reading.get_token()));
  EXPECT_FALSE(late.wait());
  const base::Result<Generated>& out = steady.wait();
  ASSERT_TRUE(out);
  EXPECT_EQ(out->tokens, alone(tiny(), prompt, o).tokens);
  EXPECT_EQ(scheduler.counts().cancelled, 4U);
  EXPECT_EQ(scheduler.counts().slots_busy, 0);
}

TEST(Scheduler, WhoLeavesInTheMiddleOfWhatTheEngineDoesIsFreedBeforeItsEnd) {
  Scheduler scheduler(tiny(), {.slots = 2, .context = 4096});
  Held one, other;
  one.start(scheduler);
  other.start(scheduler);
  Heard waiting;
  std::stop_source left;
  ASSERT_TRUE(scheduler.submit(request(text(5, 3), options(4)), waiting.sink(), left.get_token()));
  // The work of a task stands for a long pass: what happens before it returns is in its middle.
  scheduler.with_engine([&](const Engine& engine) {
    one.stop.request_stop();
    left.request_stop();
    Session session(engine, 64);
    EXPECT_TRUE(session.prefill(text(8, 4), {}));
    EXPECT_EQ(one.heard.n_done, 1);
    EXPECT_EQ(waiting.n_done, 1);
    EXPECT_EQ(other.heard.n_done, 0);
    EXPECT_EQ(scheduler.counts().slots_busy, 1);
    EXPECT_EQ(scheduler.counts().queued, 0);
  });
  EXPECT_TRUE(one.heard.wait());
  EXPECT_EQ(waiting.wait().error().code, base::Errc::cancelled);
  other.end();
  EXPECT_EQ(one.heard.n_done, 1);
  EXPECT_EQ(scheduler.counts().slots_busy, 0);
}

TEST(Scheduler, ServesConversationsInTurnsAndEachFirstComeFirstServed) {
  Scheduler scheduler(tiny(), {.slots = 1, .context = 4096});
  Held held;
  held.start(scheduler);
  std::vector<Heard> heard(6);
  std::mutex mutex;
  std::vector<std::string> order;
  const char* conversations[] = {"a", "a", "a", "b", "b", "c"};
  for (size_t i = 0; i < 6; ++i) {
    heard[i].before_done = [&, i] {
      const std::lock_guard lock(mutex);
      order.push_back(conversations[i] + std::to_string(i));
    };
    ASSERT_TRUE(
        scheduler.submit(request(text(10, static_cast<uint32_t>(i)), options(2), conversations[i]),
                         heard[i].sink(), {}));
  }
  heard[2].wait_for(
      [&] { return !heard[2].progress.empty() && heard[2].progress.back().queued_before == 6; });
  held.end();
  for (Heard& h : heard) h.wait();
  EXPECT_EQ(order, (std::vector<std::string>{"a0", "b3", "c5", "a1", "b4", "a2"}));
  // Its place was told as it came nearer, and 0 while it ran.
  int before = 7;
  for (const ServeProgress& p : heard[2].progress) {
    // Others that came in between may have moved it back once, to the last place.
    EXPECT_TRUE(p.queued_before < before || p.queued_before <= 6);
    before = p.queued_before;
  }
  EXPECT_EQ(heard[2].progress.back().queued_before, 0);
}

TEST(Scheduler, AFullQueueRefusesAndTheRestIsServed) {
  Scheduler scheduler(tiny(), {.slots = 1, .context = 4096, .max_queued = 2});
  Held held;
  held.start(scheduler);
  Heard heard[2], refused;
  for (Heard& h : heard)
    ASSERT_TRUE(scheduler.submit(request(text(9, 1), options(2)), h.sink(), {}));
  const base::Status status = scheduler.submit(request(text(9, 1), options(2)), refused.sink(), {});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, base::Errc::limit);
  EXPECT_EQ(scheduler.counts().queued, 2);
  held.end();
  for (Heard& h : heard) EXPECT_TRUE(h.wait());
  EXPECT_EQ(scheduler.counts().refused, 1U);
  EXPECT_EQ(refused.n_done, 0);
  // With no queue at all, free slots still serve.
  Scheduler none(tiny(), {.slots = 1, .context = 64, .max_queued = 0});
  Heard one;
  ASSERT_TRUE(none.submit(request(text(9, 1), options(2)), one.sink(), {}));
  EXPECT_TRUE(one.wait());
}

TEST(Scheduler, SaysWhatIsWrongWithARequest) {
  Scheduler scheduler(tiny(), {.slots = 1, .context = 32});
  Heard heard;
  const auto submitted = [&](ServeRequest r) {
    const base::Status status = scheduler.submit(std::move(r), heard.sink(), {});
    return status ? base::Errc::internal : status.error().code;
  };
  EXPECT_EQ(submitted(request({}, options(2))), base::Errc::usage);
  EXPECT_EQ(submitted(request({{.id = -1}}, options(2))), base::Errc::usage);
  EXPECT_EQ(submitted(request(text(5, 1), options(0))), base::Errc::usage);
  EXPECT_EQ(submitted(request(text(5, 1), options(2), {}, {6})), base::Errc::usage);
  EXPECT_EQ(submitted(request(text(5, 1), options(2), {}, {3, 3})), base::Errc::usage);
  EXPECT_EQ(submitted(request(text(5, 1), options(2), {}, {0})), base::Errc::usage);
  EXPECT_EQ(heard.n_done, 0);
  ASSERT_TRUE(scheduler.submit(request(text(33, 1), options(2)), heard.sink(), {}));
  const base::Result<Generated>& out = heard.wait();
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, base::Errc::limit);
  // A reply that fills the context ends there.
  Heard full;
  ASSERT_TRUE(scheduler.submit(request(text(20, 1), options(100)), full.sink(), {}));
  ASSERT_TRUE(full.wait());
  EXPECT_EQ(full.result->value().finish, Finish::length);
  EXPECT_EQ(full.result->value().tokens.size(), 13U);
}

TEST(Scheduler, AGrammarHoldsAndTextItForcesIsTheSameAsAlone) {
  const base::Result<GrammarVocabulary> vocabulary = grammar_vocabulary(tiny().tokenizer());
  ASSERT_TRUE(vocabulary);
  const std::string grammar = R"(start: "the answer is " /[0-9]{3}/ ", and that is all there is")";
  base::Result<Constraint> constraint = Constraint::compile(*vocabulary, grammar);
  ASSERT_TRUE(constraint);
  const std::vector<Position> prompt = text(40, 1);
  GenerateOptions o;
  o.max_tokens = 200;
  Constraint mine = constraint->clone();
  GenerateOptions with = o;
  with.constraint = &mine;
  const Generated expected = alone(tiny(), prompt, with);
  Scheduler scheduler(tiny(), {.slots = 4, .context = 4096});
  Held held;
  held.start(scheduler);
  Heard heard[2];
  for (Heard& h : heard) {
    ServeRequest r = request(prompt, o);
    r.constraint = constraint->clone();
    ASSERT_TRUE(scheduler.submit(std::move(r), h.sink(), {}));
  }
  for (Heard& h : heard) {
    ASSERT_TRUE(h.wait());
    EXPECT_EQ(h.result->value().message.text, expected.message.text);
    EXPECT_EQ(h.result->value().tokens, expected.tokens);
    EXPECT_EQ(h.result->value().finish, Finish::stop);
  }
  held.end();
}

TEST(Scheduler, TheNextTurnReusesTheSlotOfItsConversation) {
  Scheduler scheduler(tiny(), {.slots = 3, .context = 4096});
  const std::vector<Position> system = text(200, 1);
  std::map<std::string, std::vector<Position>> history = {
      {"a", system + text(30, 2)}, {"b", system + text(30, 3)}, {"c", text(200, 4)}};
  for (int turn = 0; turn < 3; ++turn)
    for (auto& [conversation, prompt] : history) {
      Heard heard;
      ASSERT_TRUE(
          scheduler.submit(request(prompt, options(20), conversation, {200}), heard.sink(), {}));
      ASSERT_TRUE(heard.wait());
      const Generated& out = heard.result->value();
      if (turn > 0) {
        EXPECT_EQ(out.reused_tokens, static_cast<int>(prompt.size()) - 10 - 1);
      }
      EXPECT_EQ(heard.progress.back().cached, out.reused_tokens);
      for (const TokenId token : out.tokens) prompt.push_back({.id = token});
      prompt = prompt + text(10, static_cast<uint32_t>(turn));
    }
  EXPECT_EQ(scheduler.counts().prompt_tokens, 2U * (230 + 260 + 290) + 200 + 230 + 260);
}

TEST(Scheduler, PrefixesOutliveSlotsAndSchedulers) {
  const TemporaryFolder folder;
  const std::vector<Position> system = text(1000, 1);
  const SchedulerOptions o{.slots = 1, .context = 4096, .prefix_folder = folder.path()};
  const GenerateOptions wanted = options(20);
  const std::vector<Position> first = system + text(40, 2), second = first + text(30, 3);
  {
    Scheduler scheduler(tiny(), o);
    Heard heard, other, back;
    ASSERT_TRUE(scheduler.submit(request(first, wanted, "a", {1000, 1040}), heard.sink(), {}));
    ASSERT_TRUE(heard.wait());
    EXPECT_EQ(heard.result->value().reused_tokens, 0);
    EXPECT_EQ(heard.result->value().tokens, alone(tiny(), first, wanted).tokens);
    // Another one takes the only slot; the next turn comes back from the store.
    ASSERT_TRUE(scheduler.submit(request(text(300, 9), wanted, "b", {}), other.sink(), {}));
    ASSERT_TRUE(other.wait());
    ASSERT_TRUE(
        scheduler.submit(request(second, wanted, "a", {1000, 1040, 1070}), back.sink(), {}));
    ASSERT_TRUE(back.wait());
    EXPECT_EQ(back.result->value().reused_tokens, 1040);
    EXPECT_EQ(back.result->value().tokens, alone(tiny(), second, wanted).tokens);
    EXPECT_EQ(scheduler.counts().prefixes_stored, 3U);
    EXPECT_EQ(scheduler.counts().prefixes_restored, 1U);
    EXPECT_EQ(scheduler.counts().cached_tokens, 1040U);
  }
  Scheduler scheduler(tiny(), o);
  const std::vector<Position> third = second + text(20, 5);
  for (const auto& [prompt, reused] : {std::pair{third, 1070}, {system + text(40, 7), 1000}}) {
    Heard heard;
    ASSERT_TRUE(scheduler.submit(request(prompt, wanted), heard.sink(), {}));
    ASSERT_TRUE(heard.wait());
    EXPECT_EQ(heard.result->value().reused_tokens, reused);
    EXPECT_GE(reused, static_cast<int>(prompt.size()) * 95 / 100);
    EXPECT_EQ(heard.result->value().tokens, alone(tiny(), prompt, wanted).tokens);
  }
}

TEST(Scheduler, RepliesToOnePromptReadItOnce) {
  Scheduler scheduler(tiny(), {.slots = 4, .context = 4096});
  const std::vector<Position> prompt = text(1500, 1);
  std::vector<Heard> heard(3);
  for (size_t i = 0; i < heard.size(); ++i)
    ASSERT_TRUE(scheduler.submit(request(prompt, options(30, i), {}, {1500}), heard[i].sink(), {}));
  // The engine's workers serve one at a time: `alone` waits for all.
  for (Heard& one : heard) ASSERT_TRUE(one.wait());
  for (size_t i = 0; i < heard.size(); ++i) {
    EXPECT_EQ(heard[i].result->value().reused_tokens, i == 0 ? 0 : 1499);
    EXPECT_EQ(heard[i].result->value().tokens, alone(tiny(), prompt, options(30, i)).tokens);
  }
  EXPECT_EQ(scheduler.counts().cached_tokens, 2U * 1499);
  EXPECT_EQ(scheduler.counts().prefixes_restored, 2U);
}

TEST(Scheduler, WhoWaitsForAReaderThatLeavesReadsForItself) {
  Scheduler scheduler(tiny(), {.slots = 2, .context = 4096});
  const std::vector<Position> prompt = text(3000, 1);
  Heard first, second;
  std::stop_source stop;
  ASSERT_TRUE(
      scheduler.submit(request(prompt, options(5), {}, {3000}), first.sink(), stop.get_token()));
  ASSERT_TRUE(scheduler.submit(request(prompt, options(5), {}, {3000}), second.sink(), {}));
  first.wait_for([&] { return !first.progress.empty() && first.progress.back().read > 0; });
  stop.request_stop();
  first.wait();
  ASSERT_TRUE(second.wait());
  EXPECT_EQ(second.result->value().tokens, alone(tiny(), prompt, options(5)).tokens);
}

TEST(Scheduler, ARequestOnTheSideDoesNotTakeTheSlotOfItsConversation) {
  Scheduler scheduler(tiny(), {.slots = 2, .context = 4096});
  const std::vector<Position> prompt = text(500, 1);
  for (const auto& [p, reused] :
       {std::pair{prompt, 0}, {text(60, 2), 0}, {prompt + text(10, 3), 499}}) {
    Heard heard;
    ASSERT_TRUE(scheduler.submit(request(p, options(1), "a"), heard.sink(), {}));
    ASSERT_TRUE(heard.wait());
    EXPECT_GE(heard.result->value().reused_tokens, reused);
  }
}

TEST(Scheduler, RunsTasksBetweenPassesOnItsThread) {
  Scheduler scheduler(tiny(), {.slots = 2, .context = 4096});
  Held held;
  held.start(scheduler);
  std::vector<float> embedding;
  std::thread::id where;
  scheduler.with_engine([&](const Engine& engine) {
    where = std::this_thread::get_id();
    Session session(engine, 64);
    embedding = std::move(*session.pooled(text(30, 1), {}));
    scheduler.with_engine([&](const Engine&) { EXPECT_EQ(std::this_thread::get_id(), where); });
  });
  EXPECT_NE(where, std::this_thread::get_id());
  held.end();
  scheduler.with_engine([](const Engine&) {});  // the pass that it left is over then
  Session session(tiny(), 64);
  EXPECT_EQ(embedding, *session.pooled(text(30, 1), {}));
  std::vector<std::thread> threads;
  std::atomic<int> done = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] { scheduler.with_engine([&](const Engine&) { ++done; }); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(done, 4);
}

TEST(Scheduler, ItsEndCancelsWhatRunsAndWhatWaits) {
  Heard heard[5];
  {
    Scheduler scheduler(tiny(), {.slots = 2, .context = 4096});
    for (Heard& h : heard)
      ASSERT_TRUE(scheduler.submit(request(text(9, 1), options(4000)), h.sink(), {}));
    heard[0].wait_for([&] { return heard[0].n_events > 0; });
  }
  for (Heard& h : heard) {
    ASSERT_EQ(h.n_done, 1);
    if (h.result->has_value())
      EXPECT_EQ(h.result->value().finish, Finish::cancelled);
    else
      EXPECT_EQ(h.result->error().code, base::Errc::cancelled);
  }
}

TEST(Scheduler, ManyThreadsThatComeAndGoGetTheirOwnAnswers) {
  Scheduler scheduler(tiny(), {.slots = 4, .context = 256, .max_queued = 64});
  std::vector<std::vector<TokenId>> expected;
  for (uint32_t i = 0; i < 4; ++i)
    expected.push_back(alone(tiny(), text(30, i), options(15, i)).tokens);
  std::vector<std::thread> threads;
  for (uint32_t t = 0; t < 6; ++t)
    threads.emplace_back([&, t] {
      for (uint32_t i = 0; i < 10; ++i) {
        const uint32_t which = (t + i) % 4;
        Heard heard;
        std::stop_source stop;
        ASSERT_TRUE(scheduler.submit(
            request(text(30, which), options(15, which), std::to_string(t), {10, 20}), heard.sink(),
            stop.get_token()));
        if (i % 3 == 2) {
          heard.wait_for([&] { return heard.n_done > 0 || !heard.progress.empty(); });
          stop.request_stop();
        }
        const base::Result<Generated>& out = heard.wait();
        if (!out) {
          EXPECT_EQ(out.error().code, base::Errc::cancelled);
          continue;
        }
        if (out->finish == Finish::cancelled)
          EXPECT_TRUE(std::equal(out->tokens.begin(), out->tokens.end(), expected[which].begin()));
        else
          EXPECT_EQ(out->tokens, expected[which]);
        (void)scheduler.counts();
      }
    });
  for (std::thread& thread : threads) thread.join();
  const SchedulerCounts counts = scheduler.counts();
  EXPECT_EQ(counts.requests, 60U);
  EXPECT_EQ(counts.finished + counts.cancelled, 60U);
}

}  // namespace
}  // namespace model
