// Streamable HTTP: each message is a POST; its answer is one message as JSON, or a stream of
// server-sent events with some before it. A stream that ends too early is gone on with by a GET.
// None is kept open in between, so a server's own requests are heard only while it is asked
// something.

#include <algorithm>
#include <charconv>
#include <thread>

#include "agent/endpoint/wire.h"
#include "agent/mcp/transport.h"

namespace agent::mcp {

using base::Errc;
using base::Error;

namespace {

constexpr int kMaxStreams = 100;  // for one answer

/// Takes the data of events out of a stream as it comes.
class EventReader {
 public:
  /// False: an event is larger than a message may be.
  bool push(std::string_view bytes, const std::function<void(std::string_view)>& on_data) {
    const size_t looked = unread_.size();
    unread_ += bytes;
    size_t begin = 0;
    for (size_t end = 0; (end = unread_.find('\n', std::max(begin, looked))) != std::string::npos;
         begin = end + 1) {
      std::string_view line = std::string_view(unread_).substr(begin, end - begin);
      if (line.ends_with('\r')) line.remove_suffix(1);
      if (line.starts_with("id:")) last_id_ = trimmed(line.substr(3));
      if (line.starts_with("retry:")) set_retry(trimmed(line.substr(6)));
      if (line.starts_with("data:")) {
        line.remove_prefix(5);
        if (line.starts_with(' ')) line.remove_prefix(1);
        if (has_data_) data_ += '\n';
        data_ += line;
        has_data_ = true;
      }
      if (!line.empty() || !has_data_) continue;
      if (!data_.empty()) on_data(data_);
      data_.clear();
      has_data_ = false;
    }
    unread_.erase(0, begin);
    return unread_.size() + data_.size() <= kMaxMessageBytes;
  }

  /// Of the last event that has one; empty: the stream cannot be gone on with.
  const std::string& last_id() const { return last_id_; }
  std::chrono::milliseconds retry() const { return retry_; }
  /// Another stream goes on where the last one ended.
  void begin() {
    unread_.clear();
    data_.clear();
    has_data_ = false;
  }

 private:
  static std::string trimmed(std::string_view text) {
    if (text.starts_with(' ')) text.remove_prefix(1);
    // It goes into the head of a request.
    const bool fits = text.size() <= 1000 && std::all_of(text.begin(), text.end(), [](char c) {
                        return c > 0x20 && c < 0x7f;
                      });
    return fits ? std::string(text) : "";
  }
  void set_retry(const std::string& text) {
    int ms = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), ms).ec == std::errc())
      retry_ = std::chrono::milliseconds(std::clamp(ms, 0, 30'000));
  }

  std::string unread_, data_, last_id_;
  bool has_data_ = false;
  std::chrono::milliseconds retry_{1000};
};

class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(const ServerConfig& server)
      : headers_(server.headers),
        client_(server.url, {.max_reply_bytes = 4 * kMaxMessageBytes}),
        path_(server.url.base.empty() ? "/" : server.url.base) {}

  void agreed(const std::string& version) override { version_ = version; }

  base::Status exchange(const nlohmann::json& message, const OnMessage& on_message,
                        Deadline deadline, std::stop_token stop) override {
    const bool first = message.value("method", "") == "initialize";
    if (first) session_.clear();
    HttpFields fields = headers_;
    if (!session_.empty()) fields.emplace_back("Mcp-Session-Id", session_);
    if (!version_.empty() && !first) fields.emplace_back("MCP-Protocol-Version", version_);
    const std::string body = base::line_of(message), who = client_.url().authority();
    std::string reply;
    EventReader events;
    bool heard = false, too_large = false;
    const auto take = [&](std::string_view text) {
      if (!on_message || heard) return;
      for (Message& one : read_messages(text).messages) heard = on_message(std::move(one)) || heard;
    };
    const auto on_piece = [&](const HttpReplyHead& h, std::string_view piece) {
      // Before the answer is whole, because a reply to what the server asks needs it.
      if (first && !h.session.empty()) session_ = h.session;
      if (h.status == 200 && h.type.starts_with("text/event-stream")) {
        too_large = !events.push(piece, take);
      } else {
        reply += piece;
        too_large = reply.size() > kMaxMessageBytes;
      }
      // Where nothing is waited for, a server that keeps its stream open is not either.
      return (on_message || h.status >= 300) && !heard && !too_large;
    };
    base::Result<HttpReplyHead> head = client_.ask(path_, &body, on_piece, deadline, stop, fields);
    if (head && first && !head->session.empty()) session_ = head->session;
    // A stream that ends before the answer is gone on with where it ended.
    for (int i = 0; i < kMaxStreams && on_message && !heard && !too_large; ++i) {
      const bool broke =
          head ? head->type.starts_with("text/event-stream") : head.error().code == Errc::corrupt;
      if (!broke || events.last_id().empty()) break;
      if (base::Status waited = wait(events.retry(), deadline, stop); !waited) return waited;
      events.begin();
      HttpFields more = fields;
      more.emplace_back("Last-Event-ID", events.last_id());
      head = client_.ask(path_, nullptr, on_piece, deadline, stop, more);
    }
    if (!head) return head.error();
    if (too_large) return Error{Errc::limit, who + " sent a message larger than 16 MiB"};
    if (head->status < 200 || head->status >= 300) return refusal(*head, reply);
    if (!heard && head->type.starts_with("application/json")) take(reply);
    if (on_message && !heard)
      return Error{Errc::corrupt,
                   who + " did not answer the request (" + std::to_string(head->status) + ")"};
    return base::Ok{};
  }

 private:
  static base::Status wait(std::chrono::milliseconds time, Deadline deadline,
                           const std::stop_token& stop) {
    const auto end = std::chrono::steady_clock::now() + time;
    if (end > deadline) return Error{Errc::limit, "the server took too long"};
    while (std::chrono::steady_clock::now() < end) {
      if (stop.stop_requested()) return Error{Errc::cancelled, "the run was stopped"};
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return base::Ok{};
  }

  Error refusal(const HttpReplyHead& head, const std::string& body) {
    const std::string said = error_sentence(body);
    const std::string why = client_.url().authority() + " answered " + std::to_string(head.status) +
                            (said.empty() ? "" : ": " + said);
    if (head.status == 401 || head.status == 403)
      return {Errc::refused, why +
                                 " (give what it wants in \"headers\"; a login in a browser is "
                                 "not offered)"};
    if (head.status >= 300 && head.status < 400)
      return {Errc::refused, why + " (it sends to another address, which is not followed)"};
    if (head.status == 404) return {Errc::not_found, why};
    return {Errc::corrupt, why};
  }

  const HttpFields headers_;
  HttpClient client_;
  std::string path_, session_, version_;
};

}  // namespace

std::unique_ptr<Transport> http_transport(const ServerConfig& server) {
  return std::make_unique<HttpTransport>(server);
}

}  // namespace agent::mcp
