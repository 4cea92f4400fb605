#include "model/serve/prefix_store.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "tests/model/serve/serve.h"

namespace model {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// Reads `prompt` up to each of `ends` and stores the state there.
void keep(PrefixStore& store, std::span<const Position> prompt, std::initializer_list<int> ends,
          const Engine& engine = tiny()) {
  const std::vector<PositionKey> keys = keys_of(prompt);
  Session session(engine, 4096);
  for (const int end : ends) {
    while (session.size() < end) ASSERT_TRUE(session.read(prompt, keys, end - session.size(), {}));
    store.store(std::span(keys).first(static_cast<size_t>(end)), session);
  }
}

/// Positions of `prompt` that come out of the store; what follows is as after a cold run.
int found(PrefixStore& store, std::span<const Position> prompt, const Engine& engine = tiny()) {
  Session session(engine, 4096);
  const int length = store.restore(keys_of(prompt), session);
  EXPECT_EQ(session.size(), length);
  EXPECT_TRUE(session.prefill(prompt, {}));
  EXPECT_EQ(copy_of(session.logits()), cold(engine, prompt));
  return length;
}

TEST(PrefixStore, FindsTheLongestBeginningInMemory) {
  PrefixStore store(tiny(), {});
  const std::vector<Position> system = text(60, 1), a = system + text(40, 2),
                              b = system + text(40, 3);
  EXPECT_EQ(found(store, a), 0);
  keep(store, a, {60, 80, 100});
  EXPECT_EQ(found(store, a), 100);
  EXPECT_EQ(found(store, b), 60);
  EXPECT_EQ(found(store, a + text(5, 4)), 100);
  EXPECT_EQ(found(store, std::span(a).first(99)), 80);
  EXPECT_EQ(found(store, text(60, 9)), 0);
  keep(store, b, {60, 100});
  EXPECT_EQ(found(store, b), 100);
  EXPECT_EQ(store.counts().stored, 4U) << "the shared beginning is kept once";
}

TEST(PrefixStore, SharedBeginningsAreKeptOnce) {
  PrefixStore store(tiny(), {});
  const std::vector<Position> prompt = text(1000, 1);
  keep(store, prompt, {900});
  const uint64_t one = store.counts().bytes_in_memory;
  keep(store, prompt, {900, 950});
  EXPECT_LT(store.counts().bytes_in_memory - one, one / 8);
}

TEST(PrefixStore, StatesOutliveTheStore) {
  for (const Way& way : all_ways()) {
    const TemporaryFolder folder;
    const Engine engine = load(way);
    const std::vector<Position> prompt = text(200, 1);
    {
      PrefixStore store(engine, {.folder = folder.path()});
      keep(store, prompt, {100, 150}, engine);
    }
    EXPECT_EQ(folder.files().size(), 2U);
    for (const fs::path& file : folder.files())
      EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    // A new engine of the same file: the fingerprint has to be the same.
    const Engine again = load(way);
    PrefixStore store(again, {.folder = folder.path()});
    EXPECT_EQ(store.longest(keys_of(prompt)), 150);
    EXPECT_EQ(found(store, prompt, again), 150) << way.name;
    EXPECT_EQ(store.counts().restored, 1U);
    EXPECT_EQ(store.counts().rejected, 0U);
  }
}

TEST(PrefixStore, AFileWithAnyByteChangedIsIgnoredAndRemoved) {
  const TemporaryFolder folder;
  const std::vector<Position> prompt = text(12, 1);
  {
    PrefixStore store(tiny(), {.folder = folder.path()});
    keep(store, prompt, {12});
  }
  ASSERT_EQ(folder.files().size(), 1U);
  const fs::path path = folder.files()[0];
  const std::string good = read(path);
  // Every byte of the header and the keys, and bytes all over the rows; first, last, and one of
  // each place in a word among them.
  std::vector<size_t> places;
  for (size_t i = 0; i < 72 + 12 * 16; ++i) places.push_back(i);
  for (size_t i = places.size(); i < good.size(); i += 1009) places.push_back(i);
  places.push_back(good.size() - 1);
  for (const size_t at : places) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << (at % 8)));
    write(path, bad);
    PrefixStore store(tiny(), {.folder = folder.path()});
    Session session(tiny(), 64);
    EXPECT_EQ(store.restore(keys_of(prompt), session), 0) << "byte " << at;
    EXPECT_EQ(session.size(), 0);
    EXPECT_EQ(store.counts().rejected, 1U) << "byte " << at;
    EXPECT_EQ(store.counts().bytes_on_disk, 0U);
    EXPECT_FALSE(fs::exists(path)) << "byte " << at;
  }
  write(path, good);
  PrefixStore store(tiny(), {.folder = folder.path()});
  EXPECT_EQ(found(store, prompt), 12);
}

TEST(PrefixStore, AFileThatIsCutOrTooLongIsIgnoredAndRemoved) {
  const TemporaryFolder folder;
  const std::vector<Position> prompt = text(12, 1);
  {
    PrefixStore store(tiny(), {.folder = folder.path()});
    keep(store, prompt, {12});
  }
  const fs::path path = folder.files()[0];
  const std::string good = read(path);
  for (const size_t size : {size_t{0}, size_t{1}, size_t{8}, size_t{71}, size_t{72}, size_t{100},
                            size_t{72 + 12 * 16}, good.size() / 2, good.size() - 1}) {
    write(path, good.substr(0, size));
    PrefixStore store(tiny(), {.folder = folder.path()});
    EXPECT_EQ(store.longest(keys_of(prompt)), 0) << size;
    EXPECT_EQ(store.counts().rejected, 1U);
    EXPECT_FALSE(fs::exists(path)) << size;
  }
  write(path, good + "x");
  EXPECT_EQ(PrefixStore(tiny(), {.folder = folder.path()}).longest(keys_of(prompt)), 0);
  // Cut while the store is open.
  write(path, good);
  PrefixStore store(tiny(), {.folder = folder.path()});
  EXPECT_EQ(store.longest(keys_of(prompt)), 12);
  write(path, good.substr(0, good.size() - 7));
  EXPECT_EQ(found(store, prompt), 0);
  EXPECT_EQ(store.counts().rejected, 1U);
  EXPECT_EQ(store.longest(keys_of(prompt)), 0);
}

TEST(PrefixStore, WhatGoesOnFromADamagedStateGoesWithIt) {
  const TemporaryFolder folder;
  const std::vector<Position> prompt = text(100, 1);
  {
    PrefixStore store(tiny(), {.folder = folder.path()});
    keep(store, prompt, {40});
  }
  const fs::path first = folder.files()[0];
  {
    PrefixStore store(tiny(), {.folder = folder.path()});
    keep(store, prompt, {40, 60, 80});
  }
  ASSERT_EQ(folder.files().size(), 3U);
  std::string bad = read(first);
  bad.back() = static_cast<char>(bad.back() ^ 1);
  write(first, bad);
  {
    PrefixStore store(tiny(), {.folder = folder.path()});
    EXPECT_EQ(store.longest(keys_of(prompt)), 80);
    EXPECT_EQ(found(store, prompt), 0);
    EXPECT_TRUE(folder.files().empty());
    EXPECT_EQ(store.counts().bytes_on_disk, 0U);
    EXPECT_EQ(store.counts().bytes_in_memory, 0U);
    keep(store, prompt, {40, 60, 80});
  }
  fs::remove(first);
  PrefixStore store(tiny(), {.folder = folder.path()});
  EXPECT_EQ(store.longest(keys_of(prompt)), 0);
  EXPECT_TRUE(folder.files().empty());
}

TEST(PrefixStore, StatesOfAnotherCheckpointAreNotUsedAndNotRemoved) {
  const TemporaryFolder folder;
  const std::vector<Position> prompt = text(50, 1);
  const std::vector<Way> ways = all_ways();
  for (const Way& way : ways) {
    const Engine engine = load(way);
    PrefixStore store(engine, {.folder = folder.path()});
    EXPECT_EQ(store.longest(keys_of(prompt)), 0) << way.name;
    keep(store, prompt, {50}, engine);
  }
  EXPECT_EQ(folder.files().size(), ways.size());
  // Under a name as if it were of this checkpoint, it is found out.
  const Engine engine = load(ways[0]);
  std::string own;
  {
    const TemporaryFolder other;
    PrefixStore store(engine, {.folder = other.path()});
    keep(store, prompt, {50}, engine);
    store.flush();
    own = other.files()[0].filename().string();
  }
  for (const fs::path& file : folder.files())
    if (file.filename().string() != own) write(folder.path() / own, read(file));
  PrefixStore store(engine, {.folder = folder.path()});
  EXPECT_EQ(store.longest(keys_of(prompt)), 0);
  EXPECT_EQ(store.counts().rejected, 1U);
  EXPECT_EQ(folder.files().size(), ways.size() - 1);
}

TEST(PrefixStore, BoundsOfMemoryAndDiskAreKeptAndTheLeastRecentlyUsedGoes) {
  const TemporaryFolder folder;
  uint64_t one = 0;
  {
    PrefixStore store(tiny(), {});
    keep(store, text(50, 1), {50});
    one = store.counts().bytes_in_memory;
  }
  for (const bool on_disk : {false, true}) {
    PrefixStoreOptions options{.max_bytes_on_disk = 4 * one, .max_bytes_in_memory = 3 * one};
    if (on_disk) options.folder = folder.path();
    PrefixStore store(tiny(), options);
    for (uint32_t i = 0; i < 12; ++i) {
      keep(store, text(50, i), {50});
      if (on_disk) store.flush();
      // The first is used all the time, so it stays.
      EXPECT_EQ(found(store, text(50, 0)), 50) << i;
      const PrefixStoreCounts counts = store.counts();
      EXPECT_LE(counts.bytes_in_memory, 3 * one);
      EXPECT_LE(counts.bytes_on_disk, 4 * one);
      uint64_t bytes = 0;
      if (on_disk)
        for (const fs::path& file : folder.files()) bytes += fs::file_size(file);
      EXPECT_EQ(counts.bytes_on_disk, bytes);
    }
    EXPECT_EQ(found(store, text(50, 11)), 50);
    EXPECT_EQ(found(store, text(50, 3)), 0);
    // Larger than all there is.
    keep(store, text(1000, 99), {1000});
    EXPECT_EQ(store.longest(keys_of(text(1000, 99))), 0);
    EXPECT_LE(store.counts().bytes_in_memory, 3 * one);
  }
  // A smaller bound at the next start.
  PrefixStore store(tiny(), {.folder = folder.path(), .max_bytes_on_disk = one + one / 2});
  EXPECT_LE(store.counts().bytes_on_disk, one + one / 2);
  EXPECT_EQ(folder.files().size(), 1U);
}

TEST(PrefixStore, AFolderThatCannotBeMadeLeavesMemory) {
  PrefixStore store(tiny(), {.folder = "/proc/no/such"});
  keep(store, text(30, 1), {30});
  EXPECT_EQ(found(store, text(30, 1)), 30);
  EXPECT_EQ(store.counts().bytes_on_disk, 0U);
}

TEST(PrefixStore, KeepsPicturesWholeAndApart) {
  const auto soft = [](int n, float value) {
    return std::vector<float>(
        static_cast<size_t>(n) * static_cast<size_t>(tiny().architecture().hidden), value);
  };
  const std::vector<float> one = soft(1, 0.5f), two = soft(1, -0.25f);
  const auto with_picture = [](const std::vector<float>& patch) {
    std::vector<Position> out = text(20, 1);
    for (int i = 0; i < 6; ++i) out.push_back({.id = 501, .soft = patch, .patch = true});
    return out + text(10, 2);
  };
  PrefixStore store(tiny(), {});
  keep(store, with_picture(one), {20, 26});
  EXPECT_EQ(found(store, with_picture(one)), 26);
  EXPECT_EQ(found(store, with_picture(two)), 20);
}

}  // namespace
}  // namespace model
