// Streamable HTTP: each message is a POST; its answer is one message as JSON, or a stream of
// server-sent events with some before it. No stream is kept open in between, so a server's own
// requests are heard only while it is asked something.

#include <algorithm>

#include "agent/endpoint/wire.h"
#include "agent/mcp/transport.h"

namespace agent::mcp {

using base::Errc;
using base::Error;

namespace {

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
      if (line.starts_with("data:")) {
        line.remove_prefix(5);
        if (line.starts_with(' ')) line.remove_prefix(1);
        if (has_data_) data_ += '\n';
        data_ += line;
        has_data_ = true;
      }
      if (!line.empty() || !has_data_) continue;
      on_data(data_);
      data_.clear();
      has_data_ = false;
    }
    unread_.erase(0, begin);
    return unread_.size() + data_.size() <= kMaxMessageBytes;
  }

 private:
  std::string unread_, data_;
  bool has_data_ = false;
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
    const std::string body = line_of(message);
    std::string reply;
    EventReader events;
    bool heard = false, too_large = false;
    const auto take = [&](std::string_view text) {
      if (!on_message || heard) return;
      for (Message& one : read_messages(text).messages) heard = on_message(std::move(one)) || heard;
    };
    const base::Result<HttpReplyHead> head = client_.ask(
        path_, &body,
        [&](const HttpReplyHead& h, std::string_view piece) {
          // Before the answer is whole, because a reply to what the server asks needs it.
          if (first && !h.session.empty()) session_ = h.session;
          if (h.status == 200 && h.type.starts_with("text/event-stream")) {
            too_large = !events.push(piece, take);
          } else {
            reply += piece;
            too_large = reply.size() > kMaxMessageBytes;
          }
          return !heard && !too_large;
        },
        deadline, stop, fields);
    if (!head) return head.error();
    if (first && !head->session.empty()) session_ = head->session;
    const std::string who = client_.url().authority();
    if (too_large) return Error{Errc::limit, who + " sent a message larger than 16 MiB"};
    if (head->status < 200 || head->status >= 300) return refusal(*head, reply);
    if (!heard && head->type.starts_with("application/json")) take(reply);
    if (on_message && !heard)
      return Error{Errc::corrupt,
                   who + " did not answer the request (" + std::to_string(head->status) + ")"};
    return base::Ok{};
  }

 private:
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
