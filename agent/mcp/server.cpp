#include "agent/mcp/server.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "agent/mcp/rpc.h"

namespace agent::mcp {

using base::Errc;
using base::Error;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

namespace {

constexpr size_t kMaxWaiting = 64;  // calls
constexpr int kTickMs = 250;
constexpr auto kProgressEach = std::chrono::seconds(1);

/// The answers to a batch, which are sent together (up to version 2025-03-26).
struct Batch {
  size_t open = 0;
  json replies = json::array();
};

struct Call {
  json id;
  std::string tool;
  json arguments;
  json progress_token = nullptr;
  std::shared_ptr<Batch> batch;
  std::stop_source stop{};
  Clock::time_point began{}, told{};
  bool called_off = false;
};

class Session {
 public:
  Session(const Offer& offer, int out) : offer_(offer), out_(out) {
    worker_ = std::jthread([this] { work(); });
  }

  ~Session() {
    {
      std::lock_guard lock(mutex_);
      ended_ = true;
      waiting_.clear();
      if (running_) running_->stop.request_stop();
    }
    changed_.notify_all();
  }

  void take(std::string_view line) {
    if (line.find_first_not_of(" \t\r") == line.npos) return;
    Incoming in = read_messages(line);
    std::shared_ptr<Batch> batch;
    if (in.is_batch) {
      batch = std::make_shared<Batch>();
      batch->open = in.unreadable.size() +
                    static_cast<size_t>(std::count_if(
                        in.messages.begin(), in.messages.end(),
                        [](const Message& one) { return one.kind == Message::Kind::request; }));
    }
    for (const Incoming::Unreadable& one : in.unreadable)
      answer(error_json(one.id, one.code, one.why), batch);
    for (Message& message : in.messages) take(std::move(message), batch);
  }

  /// A line that was not even read.
  void refuse_line() {
    answer(error_json(nullptr, kParseError, "the line is longer than 16 MiB"), nullptr);
  }

  /// Tells whoever wants to know that a call is still being carried out.
  void tick() {
    std::lock_guard lock(mutex_);
    const Clock::time_point now = Clock::now();
    if (!running_ || running_->progress_token.is_null() || now - running_->told < kProgressEach)
      return;
    running_->told = now;
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(now - running_->began).count();
    write(notification_json("notifications/progress",
                            {{"progressToken", running_->progress_token},
                             {"progress", seconds},
                             {"message", running_->tool + ": " + std::to_string(seconds) + " s"}}));
  }

  bool is_idle() {
    std::lock_guard lock(mutex_);
    return waiting_.empty() && !running_;
  }
  bool is_broken() {
    std::lock_guard lock(mutex_);
    return broken_;
  }

 private:
  void take(Message message, const std::shared_ptr<Batch>& batch) {
    if (message.kind == Message::Kind::notification) {
      if (message.method == "notifications/cancelled")
        call_off(message.params.value("requestId", json()));
      return;
    }
    if (message.kind != Message::Kind::request) return;  // nothing was asked from here
    if (message.method == "ping") return answer(reply_json(message.id, json::object()), batch);
    if (message.method == "initialize")
      return answer(reply_json(message.id, introduction(message.params)), batch);
    if (message.method == "tools/list")
      return answer(reply_json(message.id, {{"tools", offer_.list()}}), batch);
    if (message.method != "tools/call")
      return answer(
          error_json(message.id, kMethodNotFound, "there is no method " + message.method + " here"),
          batch);
    const json name = message.params.value("name", json());
    const json arguments = message.params.value("arguments", json::object());
    if (!name.is_string() || !offer_.has(name.get<std::string>()))
      return answer(error_json(message.id, kInvalidParams, "Unknown tool: " + base::line_of(name)),
                    batch);
    if (!arguments.is_object())
      return answer(error_json(message.id, kInvalidParams, "\"arguments\" is not an object"),
                    batch);
    Call call{
        .id = message.id, .tool = name.get<std::string>(), .arguments = arguments, .batch = batch};
    const json meta = message.params.value("_meta", json());
    if (meta.is_object() && meta.contains("progressToken") &&
        (meta["progressToken"].is_string() || meta["progressToken"].is_number_integer()))
      call.progress_token = meta["progressToken"];
    {
      std::unique_lock lock(mutex_);
      if (waiting_.size() < kMaxWaiting) {
        waiting_.push_back(std::move(call));
        lock.unlock();
        changed_.notify_all();
        return;
      }
    }
    answer(error_json(message.id, kInternalError, "too many calls wait already; ask again later"),
           batch);
  }

  static json introduction(const json& params) {
    const json wanted = params.value("protocolVersion", json());
    const bool known = wanted.is_string() && is_known_version(wanted.get_ref<const std::string&>());
    return {{"protocolVersion", known ? wanted : json(kVersions[0])},
            {"capabilities", {{"tools", json::object()}}},
            {"serverInfo", own_name()},
            {"instructions", Offer::instructions()}};
  }

  void call_off(const json& id) {
    std::unique_lock lock(mutex_);
    if (running_ && running_->id == id) {
      running_->called_off = true;
      running_->stop.request_stop();
      return;
    }
    const auto at = std::find_if(waiting_.begin(), waiting_.end(),
                                 [&](const Call& call) { return call.id == id; });
    if (at == waiting_.end()) return;
    const std::shared_ptr<Batch> batch = at->batch;
    waiting_.erase(at);
    settle(batch, nullptr);
  }

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
      if (ended_) return;
      running_.emplace(std::move(waiting_.front()));
      waiting_.pop_front();
      running_->began = running_->told = Clock::now();
      // Only this thread takes `running_` away, so the call stays where it is.
      Call& call = *running_;
      lock.unlock();
      base::Result<json> result = offer_.call(call.tool, call.arguments, call.stop.get_token());
      lock.lock();
      const json reply = result ? reply_json(call.id, std::move(*result))
                                : error_json(call.id, kInternalError, result.error().message);
      settle(call.batch, call.called_off ? json(nullptr) : reply);
      running_.reset();
    }
  }

  void answer(const json& reply, const std::shared_ptr<Batch>& batch) {
    std::lock_guard lock(mutex_);
    settle(batch, reply);
  }

  /// One answer less to wait for; null: there is none. With the lock.
  void settle(const std::shared_ptr<Batch>& batch, const json& reply) {
    if (!batch) {
      if (!reply.is_null()) write(reply);
      return;
    }
    if (!reply.is_null()) batch->replies.push_back(reply);
    if (--batch->open == 0 && !batch->replies.empty()) write(batch->replies);
  }

  /// With the lock, so that lines do not mix.
  void write(const json& message) {
    const std::string line = base::line_of(message) + "\n";
    for (std::string_view rest = line; !rest.empty() && !broken_;) {
      const ssize_t n = ::write(out_, rest.data(), rest.size());
      if (n > 0) rest.remove_prefix(static_cast<size_t>(n));
      if (n > 0 || (n < 0 && errno == EINTR)) continue;
      pollfd room{out_, POLLOUT, 0};
      broken_ = !(n < 0 && errno == EAGAIN && poll(&room, 1, -1) > 0);
    }
  }

  const Offer& offer_;
  const int out_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Call> waiting_;
  std::optional<Call> running_;
  bool ended_ = false, broken_ = false;
  std::jthread worker_;  // last: it uses all of the others
};

}  // namespace

base::Status serve(const Offer& offer, int in, int out, std::stop_token stop) {
  Session session(offer, out);
  std::string unread;
  bool over = false, too_long = false;  // too_long: the rest of the line is passed over
  std::array<char, 65536> buffer{};
  while (!stop.stop_requested() && !session.is_broken()) {
    if (over && session.is_idle()) break;
    // A reader that has gone shows as an error on `out` at once.
    pollfd watched[2] = {{over ? -1 : in, POLLIN, 0}, {out, 0, 0}};
    const int ready = poll(watched, 2, kTickMs);
    session.tick();
    if (ready < 0 && errno != EINTR) return Error{Errc::system, strerror(errno)};
    if (ready <= 0) continue;
    if ((watched[1].revents & (POLLERR | POLLNVAL)) != 0) break;
    if (watched[0].revents == 0) continue;
    const ssize_t n = ::read(in, buffer.data(), buffer.size());
    if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (n < 0) return Error{Errc::system, std::string("standard input: ") + strerror(errno)};
    over = n == 0;
    const size_t looked = unread.size();
    unread.append(buffer.data(), static_cast<size_t>(n));
    if (over && !unread.empty()) unread += '\n';  // a last line without its end
    size_t begin = 0;
    for (size_t end = 0; (end = unread.find('\n', std::max(begin, looked))) != std::string::npos;
         begin = end + 1) {
      if (too_long)
        session.refuse_line();
      else
        session.take(std::string_view(unread).substr(begin, end - begin));
      too_long = false;
    }
    unread.erase(0, begin);
    if (unread.size() > kMaxMessageBytes) {
      too_long = true;
      unread.clear();
    }
  }
  return base::Ok{};
}

}  // namespace agent::mcp
