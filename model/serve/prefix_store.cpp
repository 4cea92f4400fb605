// An index of states, each with its keys in memory and its rows in memory, on disk or both; a tree
// by "goes on from". Files are named <fingerprint>-<id>.prefix, sixteen hexadecimal digits each, so
// that one folder serves several checkpoints. The time of a file is when it was last used.
//
// A state that is not on disk yet waits for the writer and cannot be let go; a new state
// for which there is no room then is not kept.
#include "model/serve/prefix_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "model/serve/prefix_file.h"

namespace model {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxStates = 4096;
constexpr int kMaxChain = 256;  // states that go on from each other
constexpr std::string_view kSuffix = ".prefix";
constexpr auto kOldTemporary = std::chrono::hours(1);  // its writer is gone

using Rows = std::shared_ptr<const std::vector<std::byte>>;
using Clock = fs::file_time_type::clock;

std::string hex(uint64_t value) {
  std::string digits(16, '0');
  for (size_t i = 16; i-- > 0; value >>= 4) digits[i] = "0123456789abcdef"[value & 15];
  return digits;
}

struct Node {
  PrefixHeader header;
  int depth = 1;
  int n_children = 0;
  Rows rows = nullptr;
  bool on_disk = false;
  bool waiting = false;  // for the writer
  fs::file_time_type used = {};

  uint64_t key_bytes() const { return header.keys.size() * sizeof(PositionKey); }
  uint64_t file_bytes() const { return prefix_file_bytes(header.keys.size(), header.rows_bytes); }
};

// A file of another checkpoint.
struct Foreign {
  fs::path path;
  uint64_t bytes = 0;
  fs::file_time_type used = {};
};

}  // namespace

class PrefixStore::State {
 public:
  State(const Engine& engine, PrefixStoreOptions options)
      : options_(std::move(options)),
        fingerprint_(engine.fingerprint()),
        measure_(engine, engine.context_length()) {
    if (options_.folder.empty()) return;
    std::error_code error;
    if (fs::create_directories(options_.folder, error))
      fs::permissions(options_.folder, fs::perms::owner_all, error);
    // What others may write could be made up: without files then.
    struct stat folder;
    if (::stat(options_.folder.c_str(), &folder) != 0 || !S_ISDIR(folder.st_mode) ||
        folder.st_uid != ::geteuid() || (folder.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
      options_.folder.clear();
      return;
    }
    scan();
    make_room_on_disk(0);
    writer_ = std::thread([this] { write(); });
  }

  ~State() {
    if (!writer_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    writer_.join();
  }

  int longest(std::span<const PositionKey> prompt) {
    const std::lock_guard lock(mutex_);
    const Node* node = find(prompt);
    return node == nullptr ? 0 : node->header.end;
  }

  int restore(std::span<const PositionKey> prompt, Session& session) {
    std::unique_lock lock(mutex_);
    while (Node* node = find(prompt)) {
      const int length = node->header.end;
      std::vector<Rows> held;
      std::vector<StoredRows> pieces;
      Node* broken = nullptr;
      ++node->n_children;  // stays while room is made
      for (Node* at : chain(*node)) {
        Rows rows = at->rows;
        if (rows == nullptr) {
          rows = load(*at, lock);
          if (rows == nullptr) {
            broken = at;
            break;
          }
        }
        touch(*at);
        pieces.push_back({at->header.end, *rows});
        held.push_back(std::move(rows));
      }
      --node->n_children;
      if (broken != nullptr) {
        ++counts_.rejected;
        drop_with_children(*broken);
        continue;
      }
      lock.unlock();
      const base::Status restored =
          session.restore(prompt.first(static_cast<size_t>(length)), pieces);
      lock.lock();
      if (restored) {
        ++counts_.restored;
        return length;
      }
      return 0;
    }
    return 0;
  }

  void store(std::span<const PositionKey> prefix, const Session& session) {
    const int end = session.size();
    if (static_cast<size_t>(end) != prefix.size() || end == 0 || end > kMaxPrefixPositions) return;
    std::unique_lock lock(mutex_);
    Node* parent = find(prefix);
    if (parent != nullptr && parent->header.end == end) {
      for (Node* at : chain(*parent)) touch(*at);
      return;
    }
    if (parent != nullptr && parent->depth >= kMaxChain) return;
    Node node;
    PrefixHeader& h = node.header;
    h.fingerprint = fingerprint_;
    h.parent = parent == nullptr ? 0 : parent->header.id;
    h.begin = parent == nullptr ? 0 : parent->header.end;
    h.end = end;
    h.keys.assign(prefix.begin() + h.begin, prefix.end());
    h.id = prefix_id(h.parent, h.keys);
    h.rows_bytes = session.state_bytes(h.begin, end);
    node.depth = parent == nullptr ? 1 : parent->depth + 1;
    if (nodes_.contains(h.id)) return;  // two states of one hash: the older one stays
    const bool to_disk = !options_.folder.empty();
    if (parent != nullptr) ++parent->n_children;  // stays while room is made
    if (nodes_.size() >= kMaxStates)
      if (Node* leaf = oldest([](const Node& n) { return n.n_children == 0; })) drop(*leaf);
    const bool room = nodes_.size() < kMaxStates &&
                      make_room_in_memory(h.rows_bytes + node.key_bytes()) &&
                      (!to_disk || make_room_on_disk(node.file_bytes()));
    std::optional<std::vector<std::byte>> rows;
    if (room) {
      lock.unlock();  // copying takes a while, and the writer has use for the time
      rows = session.save(h.begin);
      lock.lock();
    }
    if (!rows) {
      if (parent != nullptr) --parent->n_children;
      return;
    }
    node.rows = std::make_shared<const std::vector<std::byte>>(std::move(*rows));
    node.waiting = to_disk;
    node.used = Clock::now();
    counts_.bytes_in_memory += h.rows_bytes + node.key_bytes();
    if (to_disk) counts_.bytes_on_disk += node.file_bytes();
    ++counts_.stored;
    if (to_disk) queue_.push_back({h, node.rows});
    const uint64_t id = h.id;
    children_[h.parent].push_back(id);
    nodes_.emplace(id, std::move(node));
    if (parent != nullptr)
      for (Node* at : chain(*parent)) touch(*at);
    if (!to_disk) return;
    changed_.notify_all();
  }

  void flush() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return queue_.empty() && !writing_; });
  }

  PrefixStoreCounts counts() {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  fs::path path_of(const PrefixHeader& header) const {
    return options_.folder /
           (hex(header.fingerprint) + "-" + hex(header.id) + std::string(kSuffix));
  }

  // The longest state that `prompt` begins with; none that ends inside of one of its images.
  Node* find(std::span<const PositionKey> prompt) {
    Node* best = nullptr;
    std::vector<std::pair<uint64_t, size_t>> open = {{0, 0}};  // states, and where they end
    while (!open.empty()) {
      const auto [id, at] = open.back();
      open.pop_back();
      const auto children = children_.find(id);
      if (children == children_.end()) continue;
      for (const uint64_t child_id : children->second) {
        Node& child = nodes_.at(child_id);
        const size_t end = static_cast<size_t>(child.header.end);
        if (end > prompt.size() || !std::equal(child.header.keys.begin(), child.header.keys.end(),
                                               prompt.begin() + static_cast<int64_t>(at)))
          continue;
        open.emplace_back(child_id, end);
        const bool cuts = end < prompt.size() && prompt[end - 1].patch && prompt[end].patch;
        if (!cuts && (best == nullptr || child.header.end > best->header.end)) best = &child;
      }
    }
    return best;
  }

  // From the first state to `node`.
  std::vector<Node*> chain(Node& node) {
    std::vector<Node*> out = {&node};
    while (out.back()->header.parent != 0) out.push_back(&nodes_.at(out.back()->header.parent));
    std::reverse(out.begin(), out.end());
    return out;
  }

  void touch(Node& node) {
    node.used = Clock::now();
    if (!node.on_disk) return;
    std::error_code error;
    fs::last_write_time(path_of(node.header), node.used, error);
  }

  // Reads rows from disk, and keeps them in memory if there is room.
  Rows load(Node& node, std::unique_lock<std::mutex>& lock) {
    const fs::path path = path_of(node.header);
    lock.unlock();  // the node stays: only this thread lets states go
    base::Result<std::vector<std::byte>> read =
        read_prefix_rows(path, node.header, options_.between);
    lock.lock();
    if (!read) return nullptr;
    Rows rows = std::make_shared<const std::vector<std::byte>>(std::move(*read));
    if (!make_room_in_memory(node.header.rows_bytes)) return rows;
    node.rows = rows;
    counts_.bytes_in_memory += node.header.rows_bytes;
    return rows;
  }

  // Forgets a state, which nothing goes on from, and its file.
  void drop(Node& node) {
    const PrefixHeader h = std::move(node.header);
    counts_.bytes_in_memory -= h.keys.size() * sizeof(PositionKey);
    if (node.rows != nullptr) counts_.bytes_in_memory -= h.rows_bytes;
    if (node.on_disk || node.waiting)
      counts_.bytes_on_disk -= prefix_file_bytes(h.keys.size(), h.rows_bytes);
    std::error_code error;
    if (node.on_disk) fs::remove(path_of(h), error);
    std::vector<uint64_t>& siblings = children_[h.parent];
    std::erase(siblings, h.id);
    if (siblings.empty()) children_.erase(h.parent);
    if (h.parent != 0) --nodes_.at(h.parent).n_children;
    nodes_.erase(h.id);
  }

  void drop_with_children(const Node& node) {
    std::vector<uint64_t> ids = {node.header.id};
    for (size_t i = 0; i < ids.size(); ++i)
      if (const auto children = children_.find(ids[i]); children != children_.end())
        ids.insert(ids.end(), children->second.begin(), children->second.end());
    for (size_t i = ids.size(); i-- > 0;) drop(nodes_.at(ids[i]));
  }

  // The least recently used state that `may` go.
  template <class May>
  Node* oldest(const May& may) {
    Node* found = nullptr;
    for (auto& [id, node] : nodes_)
      if (!node.waiting && may(node) && (found == nullptr || node.used < found->used))
        found = &node;
    return found;
  }

  bool make_room_in_memory(uint64_t bytes) {
    if (bytes > options_.max_bytes_in_memory) return false;
    while (counts_.bytes_in_memory + bytes > options_.max_bytes_in_memory) {
      Node* node = oldest(
          [](const Node& n) { return n.rows != nullptr && (n.on_disk || n.n_children == 0); });
      if (node == nullptr) return false;
      if (!node->on_disk) {
        drop(*node);
        continue;
      }
      node->rows = nullptr;
      counts_.bytes_in_memory -= node->header.rows_bytes;
    }
    return true;
  }

  bool make_room_on_disk(uint64_t bytes) {
    if (bytes > options_.max_bytes_on_disk) return false;
    while (counts_.bytes_on_disk + bytes > options_.max_bytes_on_disk) {
      Node* node = oldest([](const Node& n) { return n.on_disk && n.n_children == 0; });
      const auto foreign =
          std::min_element(foreign_.begin(), foreign_.end(),
                           [](const Foreign& a, const Foreign& b) { return a.used < b.used; });
      if (foreign != foreign_.end() && (node == nullptr || foreign->used < node->used)) {
        std::error_code error;
        fs::remove(foreign->path, error);
        counts_.bytes_on_disk -= foreign->bytes;
        foreign_.erase(foreign);
      } else if (node != nullptr) {
        drop(*node);
      } else {
        return false;
      }
    }
    return true;
  }

  void scan() {
    // Where states stand is read first, their keys one state after the other: those of a full
    // folder would take far more memory than the store may.
    struct Found {
      fs::path path;
      int begin = 0;
      fs::file_time_type used = {};
    };
    std::vector<Found> found;
    std::error_code error;
    const auto reject = [&](const fs::path& path) {
      ++counts_.rejected;
      fs::remove(path, error);
    };
    for (const auto& entry : fs::directory_iterator(options_.folder, error)) {
      const fs::path& path = entry.path();
      const std::string name = path.filename().string();
      std::error_code ignored;
      const fs::file_time_type used = entry.last_write_time(ignored);
      if (name.ends_with(".tmp") && name.find(kSuffix) != std::string::npos) {
        if (Clock::now() - used > kOldTemporary) fs::remove(path, ignored);
        continue;
      }
      if (name.size() != 33 + kSuffix.size() || !name.ends_with(kSuffix)) continue;
      if (!name.starts_with(hex(fingerprint_) + "-")) {
        foreign_.push_back({path, entry.file_size(ignored), used});
        counts_.bytes_on_disk += foreign_.back().bytes;
        continue;
      }
      const base::Result<PrefixHeader> outline = read_prefix_outline(path);
      if (outline && found.size() < kMaxStates)
        found.push_back({path, outline->begin, used});
      else
        reject(path);
    }
    // A state comes after the one it goes on from.
    std::sort(found.begin(), found.end(),
              [](const Found& a, const Found& b) { return a.begin < b.begin; });
    for (const Found& file : found)
      if (!take(file.path, file.used)) reject(file.path);
  }

  // Whether the state in that file is one of this checkpoint's, with what it goes on from, and
  // there is room for its keys.
  bool take(const fs::path& path, fs::file_time_type used) {
    const base::Result<PrefixHeader> outline = read_prefix_outline(path);
    if (!outline) return false;
    const uint64_t most = options_.max_bytes_in_memory - counts_.bytes_in_memory;
    if (static_cast<uint64_t>(outline->end - outline->begin) > most / sizeof(PositionKey))
      return false;
    base::Result<PrefixHeader> header = read_prefix_header(path);
    if (!header) return false;
    Node node{.header = std::move(*header)};
    const PrefixHeader& h = node.header;
    const auto parent = nodes_.find(h.parent);
    const bool follows =
        h.parent == 0 || (parent != nodes_.end() && parent->second.header.end == h.begin &&
                          parent->second.depth < kMaxChain);
    if (h.fingerprint != fingerprint_ || path.filename() != path_of(h).filename() || !follows ||
        h.end > measure_.context() || h.rows_bytes != measure_.state_bytes(h.begin, h.end) ||
        node.key_bytes() > most)
      return false;
    node.on_disk = true;
    node.used = used;
    counts_.bytes_in_memory += node.key_bytes();
    counts_.bytes_on_disk += node.file_bytes();
    if (h.parent != 0) {
      node.depth = parent->second.depth + 1;
      ++parent->second.n_children;
    }
    children_[h.parent].push_back(h.id);
    nodes_.emplace(h.id, std::move(node));
    return true;
  }

  void write() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const Waiting job = std::move(queue_.front());
      queue_.pop_front();
      writing_ = true;
      lock.unlock();
      const base::Status written = write_prefix(path_of(job.header), job.header, *job.rows);
      lock.lock();
      writing_ = false;
      const auto at = nodes_.find(job.header.id);
      std::error_code error;
      if (at == nodes_.end()) {
        if (written) fs::remove(path_of(job.header), error);
      } else if (at->second.waiting) {
        at->second.waiting = false;
        at->second.on_disk = written.has_value();
        if (!written) counts_.bytes_on_disk -= at->second.file_bytes();
      }
      changed_.notify_all();
    }
  }

  struct Waiting {
    PrefixHeader header;
    Rows rows;
  };

  PrefixStoreOptions options_;
  const uint64_t fingerprint_;
  const Session measure_;  // of which only the shape counts

  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<uint64_t, Node> nodes_;  // by id
  std::unordered_map<uint64_t, std::vector<uint64_t>> children_;
  std::vector<Foreign> foreign_;
  PrefixStoreCounts counts_;
  std::deque<Waiting> queue_;
  bool writing_ = false, stopping_ = false;
  std::thread writer_;
};

PrefixStore::PrefixStore(const Engine& engine, PrefixStoreOptions options)
    : state_(std::make_unique<State>(engine, std::move(options))) {}
PrefixStore::~PrefixStore() = default;
int PrefixStore::longest(std::span<const PositionKey> prompt) const {
  return state_->longest(prompt);
}
int PrefixStore::restore(std::span<const PositionKey> prompt, Session& session) {
  return state_->restore(prompt, session);
}
void PrefixStore::store(std::span<const PositionKey> prefix, const Session& session) {
  state_->store(prefix, session);
}
void PrefixStore::flush() { state_->flush(); }
PrefixStoreCounts PrefixStore::counts() const { return state_->counts(); }

}  // namespace model
