#include "agent/mcp/rpc.h"

#include <algorithm>

#include "agent/endpoint/wire.h"

namespace agent::mcp {

using nlohmann::json;

namespace {

constexpr size_t kMaxName = 200, kMaxErrorText = 1000;

bool is_id(const json& id) {
  return id.is_number_integer() ||
         (id.is_string() && id.get_ref<const std::string&>().size() <= 1000);
}

/// Empty if `value` is a message, which is then in `out`; else why not.
std::string read_one(const json& value, Message& out) {
  if (!value.is_object()) return "a message is a JSON object";
  const auto field = [&](const char* name) -> const json& {
    static const json none;
    const auto at = value.find(name);
    return at == value.end() ? none : *at;
  };
  if (field("jsonrpc") != "2.0") return "\"jsonrpc\" is not \"2.0\"";
  const json& id = field("id");
  if (value.contains("method")) {
    if (!field("method").is_string() || field("method").get_ref<const std::string&>().empty() ||
        field("method").get_ref<const std::string&>().size() > kMaxName)
      return "\"method\" is not a name";
    out.method = field("method").get<std::string>();
    if (value.contains("id") && !is_id(id)) return "\"id\" is neither text nor a whole number";
    out.kind = value.contains("id") ? Message::Kind::request : Message::Kind::notification;
    out.id = id;
    if (value.contains("params")) {
      if (!field("params").is_object()) return "\"params\" is not an object";
      out.params = field("params");
    }
    return {};
  }
  out.kind = Message::Kind::reply;
  if (!is_id(id) && !id.is_null()) return "\"id\" is neither text nor a whole number";
  out.id = id;
  if (value.contains("error")) {
    const json& error = field("error");
    if (!error.is_object()) return "\"error\" is not an object";
    out.failed = true;
    const auto code = error.find("code"), message = error.find("message");
    if (code != error.end() && code->is_number_integer()) {
      const auto n = code->get<int64_t>();
      out.error_code = n >= INT32_MIN && n <= INT32_MAX ? static_cast<int>(n) : 0;
    }
    if (message != error.end() && message->is_string())
      out.error_message = message->get<std::string>().substr(0, kMaxErrorText);
    return {};
  }
  if (!value.contains("result")) return "a message has \"method\", \"result\" or \"error\"";
  out.result = field("result");
  return {};
}

}  // namespace

bool is_known_version(std::string_view version) {
  return std::find(std::begin(kVersions), std::end(kVersions), version) != std::end(kVersions);
}

json own_name() {
  return {{"name", "tessera"}, {"title", "Tessera"}, {"version", TESSERA_VERSION}};
}

Incoming read_messages(std::string_view text) {
  Incoming in;
  const auto refuse = [&](const json& id, int code, std::string why) {
    in.unreadable.push_back({id, code, std::move(why)});
  };
  if (text.size() > kMaxMessageBytes) {
    refuse(nullptr, kParseError, "the message is larger than 16 MiB");
    return in;
  }
  const json value = parse_bounded(text);
  if (value.is_discarded()) {
    refuse(nullptr, kParseError, "not JSON, or nested more than 64 levels deep");
    return in;
  }
  in.is_batch = value.is_array();
  if (in.is_batch && (value.empty() || value.size() > kMaxBatch)) {
    in.is_batch = false;  // one error answers it (JSON-RPC 2.0, section 6)
    refuse(nullptr, kInvalidRequest, "a batch has 1 to 64 messages");
    return in;
  }
  const auto take = [&](const json& one) {
    Message message;
    std::string why = read_one(one, message);
    if (why.empty()) {
      in.messages.push_back(std::move(message));
      return;
    }
    const bool named = one.is_object() && one.contains("id") && is_id(one["id"]);
    refuse(named ? one["id"] : json(), kInvalidRequest, std::move(why));
  };
  if (in.is_batch)
    for (const json& one : value) take(one);
  else
    take(value);
  return in;
}

json request_json(int64_t id, std::string_view method, json params) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}};
}

json notification_json(std::string_view method, json params) {
  return {{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}};
}

json reply_json(const json& id, json result) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}};
}

json error_json(const json& id, int code, std::string_view message) {
  return {{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", message}}}};
}

}  // namespace agent::mcp
