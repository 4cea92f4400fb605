#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "tests/model/checkpoint.h"
#include "tests/model/serve/serve.h"
#include "tests/npy.h"

// What the scheduler relies on: numbers of a session do not depend on how its prompt was cut, on
// who is decoded beside it, or on whether it was saved and restored.

namespace model {
namespace {

TEST(SharedSession, LogitsAreTheSameBitForBitWhereverAPromptIsCut) {
  for (const Way& way : all_ways()) {
    const Engine engine = load(way);
    const std::vector<Position> prompt = text(90, 1);
    const std::vector<PositionKey> keys = keys_of(prompt);
    const std::vector<float> expected = cold(engine, prompt);
    for (const int most : {3, 8, 9, 64, 89}) {
      Session session(engine, 4096);
      while (session.size() < 90) ASSERT_TRUE(session.read(prompt, keys, most, {}));
      EXPECT_EQ(copy_of(session.logits()), expected) << way.name << ", pieces of " << most;
    }
  }
}

TEST(SharedSession, DecodedTogetherEachGetsWhatItGetsAloneBitForBit) {
  for (const Way& way : all_ways()) {
    const Engine engine = load(way);
    constexpr int kSessions = 11;  // more than one pass takes
    std::vector<Session> alone, together;
    std::vector<Session*> sessions;
    for (int i = 0; i < kSessions; ++i) {
      const std::vector<Position> prompt = text(1 + 7 * i, static_cast<uint32_t>(i));
      alone.emplace_back(engine, 4096);
      together.emplace_back(engine, 4096);
      ASSERT_TRUE(alone.back().prefill(prompt, {}));
      ASSERT_TRUE(together.back().prefill(prompt, {}));
    }
    for (Session& session : together) sessions.push_back(&session);
    SharedPass pass;
    for (int step = 0; step < 12; ++step) {
      std::vector<TokenId> tokens;
      for (int i = 0; i < kSessions; ++i) tokens.push_back(10 + 13 * i + step);
      ASSERT_TRUE(Session::decode_each(sessions, tokens, pass));
      for (size_t i = 0; i < sessions.size(); ++i) {
        ASSERT_TRUE(alone[i].decode(tokens[i]));
        ASSERT_EQ(copy_of(together[i].logits()), copy_of(alone[i].logits()))
            << way.name << ", session " << i << ", step " << step;
      }
    }
  }
}

TEST(SharedSession, OneWithAnAdapterOfItsOwnIsNotMixedWithTheOthers) {
  const Engine& engine = tiny();
  base::Result<Lora> lora = engine.open_adapter(golden("tiny/lora-f32.gguf"));
  ASSERT_TRUE(lora);
  const auto adapter = std::make_shared<const Lora>(std::move(*lora));
  Session plain(engine, 64), adapted(engine, 64), alone(engine, 64);
  adapted.set_adapter(adapter);
  alone.set_adapter(adapter);
  const std::vector<Position> prompt = text(20, 3);
  for (Session* session : {&plain, &adapted, &alone}) ASSERT_TRUE(session->prefill(prompt, {}));
  SharedPass pass;
  Session* sessions[] = {&plain, &adapted};
  const TokenId tokens[] = {33, 33};
  ASSERT_TRUE(Session::decode_each(sessions, tokens, pass));
  ASSERT_TRUE(alone.decode(33));
  EXPECT_EQ(copy_of(adapted.logits()), copy_of(alone.logits()));
  EXPECT_NE(copy_of(adapted.logits()), copy_of(plain.logits()));
}

TEST(SharedSession, AFullOneIsRefusedBeforeAnyIsTouched) {
  Session full(tiny(), 5), other(tiny(), 64);
  ASSERT_TRUE(full.prefill(text(5, 1), {}));
  ASSERT_TRUE(other.prefill(text(5, 1), {}));
  SharedPass pass;
  Session* sessions[] = {&other, &full};
  const TokenId tokens[] = {20, 20};
  const base::Status status = Session::decode_each(sessions, tokens, pass);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, base::Errc::limit);
  EXPECT_EQ(other.size(), 5);
}

TEST(SharedSession, RestoredItGoesOnBitForBitAsIfItHadReadThePrompt) {
  for (const Way& way : all_ways()) {
    const Engine engine = load(way);
    // Before, at and long after the window of 8, and in two pieces.
    for (const auto& [first, second] : {std::pair{1, 5}, {8, 9}, {9, 40}, {5, 270}}) {
      const std::vector<Position> prompt = text(second + 7, 5);
      const std::vector<PositionKey> keys = keys_of(prompt);
      Session writer(engine, 4096);
      while (writer.size() < first)
        ASSERT_TRUE(writer.read(prompt, keys, first - writer.size(), {}));
      const auto one = writer.save(0);
      while (writer.size() < second)
        ASSERT_TRUE(writer.read(prompt, keys, second - writer.size(), {}));
      const auto two = writer.save(first);
      ASSERT_TRUE(one && two);
      Session reader(engine, 4096);
      ASSERT_TRUE(reader.prefill(text(550, 77), {}));  // rings that hold something else
      const StoredRows pieces[] = {{first, *one}, {second, *two}};
      ASSERT_TRUE(reader.restore(std::span(keys).first(static_cast<size_t>(second)), pieces));
      for (const int end : {second, second + 1}) {
        Session again(engine, 4096);
        ASSERT_TRUE(again.restore(std::span(keys).first(static_cast<size_t>(second)), pieces));
        const auto part = std::span(prompt).first(static_cast<size_t>(end));
        const base::Result<PrefillStats> stats = again.prefill(part, {});
        ASSERT_TRUE(stats);
        EXPECT_EQ(stats->reused, std::min(second, end - 1));
        EXPECT_EQ(copy_of(again.logits()), cold(engine, part)) << way.name << " " << second;
      }
      ASSERT_TRUE(reader.prefill(prompt, {}));
      EXPECT_EQ(copy_of(reader.logits()), cold(engine, prompt)) << way.name;
    }
  }
}

TEST(SharedSession, AStateThatDoesNotFitIsRefusedAndLeavesNothing) {
  const std::vector<PositionKey> keys = keys_of(text(20, 5));
  Session writer(tiny(), 64), reader(tiny(), 64), small(tiny(), 8);
  ASSERT_TRUE(writer.prefill(text(20, 5), {}));
  const auto rows = writer.save(0);
  ASSERT_TRUE(rows);
  const std::span<const std::byte> all(*rows);
  EXPECT_FALSE(small.restore(keys, std::vector<StoredRows>{{20, all}}));
  for (const std::vector<StoredRows>& bad : std::vector<std::vector<StoredRows>>{
           {}, {{20, all.first(all.size() - 1)}}, {{19, all}}, {{21, all}}, {{0, {}}, {20, all}}}) {
    EXPECT_FALSE(reader.restore(keys, bad));
    EXPECT_EQ(reader.size(), 0);
  }
  EXPECT_TRUE(reader.restore(keys, std::vector<StoredRows>{{20, all}}));
  EXPECT_EQ(reader.save(0), rows);
  EXPECT_EQ(reader.reuse(keys), 19);
  EXPECT_FALSE(reader.save(0)) << "the ring holds only the window before position 20";
}

TEST(SharedSession, APassThatIsStoppedLeavesTheCacheAsItWas) {
  Session session(tiny(), 64);
  ASSERT_TRUE(session.prefill(text(20, 5), {}));
  std::stop_source stop;
  stop.request_stop();
  const std::vector<Position> longer = text(20, 5) + text(20, 6);
  const base::Status status = session.read(longer, keys_of(longer), 512, stop.get_token());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, base::Errc::cancelled);
  EXPECT_EQ(session.size(), 20);
  ASSERT_TRUE(session.read(longer, keys_of(longer), 512, {}));
  EXPECT_EQ(copy_of(session.logits()), cold(tiny(), longer));
}

TEST(SharedSession, TheRealCheckpointGivesTheSameBitsCutAndRestored) {
  if (!std::filesystem::exists(real_checkpoint())) GTEST_SKIP() << "no " << real_checkpoint();
  for (const Precision precision : {Precision::f32, Precision::bf16}) {
    const base::Result<Engine> engine =
        Engine::load(real_checkpoint(), {.precision = precision, .threads = 2});
    ASSERT_TRUE(engine);
    const std::vector<Position> prompt = text(24, 1);
    const std::vector<PositionKey> keys = keys_of(prompt);
    const std::vector<float> expected = cold(*engine, prompt);
    Session writer(*engine, 64), reader(*engine, 64);
    for (const int end : {5, 16}) ASSERT_TRUE(writer.read(prompt, keys, end - writer.size(), {}));
    const auto rows = writer.save(0);
    ASSERT_TRUE(rows);
    ASSERT_TRUE(writer.read(prompt, keys, 8, {}));
    EXPECT_EQ(copy_of(writer.logits()), expected);
    ASSERT_TRUE(reader.restore(std::span(keys).first(16), std::vector<StoredRows>{{16, *rows}}));
    ASSERT_TRUE(reader.prefill(prompt, {}));
    EXPECT_EQ(copy_of(reader.logits()), expected);
  }
}

TEST(SharedSession, PooledIsTheMeanOfTheRowsAndOfLengthOne) {
  Session session(tiny(), 4096);
  const std::vector<Position> prompt = text(600, 9);  // two passes
  const base::Result<std::vector<float>> pooled = session.pooled(prompt, {});
  ASSERT_TRUE(pooled);
  ASSERT_EQ(pooled->size(), static_cast<size_t>(tiny().architecture().hidden));
  double squares = 0;
  for (const float v : *pooled) squares += static_cast<double>(v) * static_cast<double>(v);
  EXPECT_NEAR(squares, 1, 1e-5);
  const base::Result<std::vector<float>> other = session.pooled(text(600, 10), {});
  ASSERT_TRUE(other);
  EXPECT_NE(*other, *pooled);
}

TEST(SharedSession, PooledAddsTheRowOfTheReference) {
  const Engine engine = load(all_ways()[0]);
  Session session(engine, 64);
  std::vector<Position> prompt;
  for (const int32_t id : read_npy<int32_t>(golden("tiny/assistant_long_prompt.npy")))
    prompt.push_back({.id = id});
  const std::vector<float> row = read_npy<float>(golden("tiny/assistant_long_target_hidden.npy"));
  const auto before = session.pooled(std::span(prompt).first(prompt.size() - 1), {});
  const auto after = session.pooled(prompt, {});
  ASSERT_TRUE(before && after);
  // Sums of rows are known up to their length: a after - b before is the last position's row for
  // the a and b of least squares, and both are lengths.
  const auto dot = [](const std::vector<float>& x, const std::vector<float>& y) {
    return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
  };
  const double c = dot(*before, *after), p = dot(row, *after), q = dot(row, *before);
  const double a = (p - c * q) / (1 - c * c), b = (c * p - q) / (1 - c * c);
  EXPECT_GT(a, 0);
  EXPECT_GT(b, 0);
  for (size_t i = 0; i < row.size(); ++i)
    EXPECT_NEAR(a * static_cast<double>((*after)[i]) - b * static_cast<double>((*before)[i]),
                static_cast<double>(row[i]), 5e-3);
}

}  // namespace
}  // namespace model
