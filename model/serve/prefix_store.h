#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>

#include "model/model.h"

namespace model {

struct PrefixStoreOptions {
  std::filesystem::path folder = {};  ///< empty: in memory only; made if it is not there
  uint64_t max_bytes_on_disk = uint64_t{8} << 30;  ///< of the folder, other models' states too
  uint64_t max_bytes_in_memory = uint64_t{1} << 30;
  /// Called now and then while restore() reads files, on its thread; may be empty.
  std::function<void()> between = {};
};

struct PrefixStoreCounts {
  uint64_t stored = 0;    ///< states taken in
  uint64_t restored = 0;  ///< sessions that went on from one
  uint64_t rejected = 0;  ///< files that were damaged or cut, and were removed
  uint64_t bytes_in_memory = 0, bytes_on_disk = 0;
};

/// Keeps what a session holds after the beginnings of prompts, across requests and restarts: a
/// session that is restored computes the same numbers, bit for bit, as one that read the beginning.
///
/// A state names the longest stored state that it goes on from and holds only what is new since, so
/// beginnings that prompts share are kept once. What is used least recently goes first; a state
/// that others go on from stays as long as they do. Files are written by a thread of the store's
/// own. One thread at a time may call; counts() from any.
class PrefixStore {
 public:
  /// Looks through the folder; files that are damaged are removed, those of other checkpoints are
  /// left alone but count. The engine outlives the store.
  PrefixStore(const Engine& engine, PrefixStoreOptions options);
  /// Waits for what is to be written.
  ~PrefixStore();

  /// Length of the longest stored state that `prompt` begins with, 0: none.
  int longest(std::span<const PositionKey> prompt) const;

  /// Brings `session`, which has the engine's own adapter and mask, to the longest such state and
  /// returns its length; 0, and the session untouched or empty, where there is none.
  int restore(std::span<const PositionKey> prompt, Session& session);

  /// Keeps the state of `session`, which has just read `prefix` and nothing more, if there is room.
  void store(std::span<const PositionKey> prefix, const Session& session);

  /// Waits until everything that was stored is on disk.
  void flush();

  PrefixStoreCounts counts() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace model
