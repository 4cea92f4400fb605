#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include "base/json_line.h"

#include "base/result.h"

/// JSON-RPC 2.0 as the Model Context Protocol uses it, without any transport.
namespace agent::mcp {

// Codes of errors (JSON-RPC 2.0, section 5.1).
inline constexpr int kParseError = -32700, kInvalidRequest = -32600, kMethodNotFound = -32601,
                     kInvalidParams = -32602, kInternalError = -32603;

/// The versions of the protocol that are spoken here, the newest first.
inline constexpr std::string_view kVersions[] = {"2025-11-25", "2025-06-18", "2025-03-26",
                                                 "2024-11-05"};
bool is_known_version(std::string_view version);

/// How this program introduces itself: {"name", "title", "version"}.
nlohmann::json own_name();

struct Message {
  enum class Kind { request, notification, reply };
  Kind kind = Kind::notification;
  nlohmann::json id = nullptr;  ///< text or whole number; null only in replies to the unreadable
  std::string method = {};      ///< of requests and notifications
  nlohmann::json params = nlohmann::json::object();
  nlohmann::json result = nullptr;  ///< of a reply that is no error
  bool failed = false;              ///< of a reply: it is an error
  int error_code = 0;
  std::string error_message = {};  ///< at most 1000 bytes
};

/// What one line, or one HTTP body, holds.
struct Incoming {
  struct Unreadable {
    nlohmann::json id = nullptr;
    int code = kInvalidRequest;
    std::string why;
  };
  bool is_batch = false;
  std::vector<Message> messages = {};  ///< one, or as many as the batch has
  std::vector<Unreadable> unreadable = {};
};

inline constexpr size_t kMaxMessageBytes = 16 << 20;
inline constexpr size_t kMaxBatch = 64;

/// Reads a message or a batch; never fails: what cannot be read stands in `unreadable`.
Incoming read_messages(std::string_view text);

nlohmann::json request_json(int64_t id, std::string_view method, nlohmann::json params);
nlohmann::json notification_json(std::string_view method, nlohmann::json params);
nlohmann::json reply_json(const nlohmann::json& id, nlohmann::json result);
nlohmann::json error_json(const nlohmann::json& id, int code, std::string_view message);

}  // namespace agent::mcp
