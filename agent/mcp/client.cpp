#include "agent/mcp/client.h"

#include <algorithm>

#include "base/base64.h"
#include "base/json.h"
#include "tools/toolbox/toolbox.h"

namespace agent::mcp {

using base::Errc;
using base::Error;
using base::Result;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

namespace {

constexpr size_t kMaxListed = 256, kMaxPages = 32;
constexpr size_t kMaxText = 16 << 10;         // of a result, for the model
constexpr size_t kMaxPictures = 4;            // of a result
constexpr size_t kMaxPictureBytes = 4 << 20;  // of one
constexpr int kMaxAsked = 100;                // requests of the server during one of ours
constexpr auto kFarewell = std::chrono::milliseconds(500);

std::string text_at(const json& object, const char* key) {
  const json& value = base::member(object, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

bool is_picture(std::string_view bytes) {
  return bytes.starts_with("\x89PNG") || bytes.starts_with("\xff\xd8\xff") ||
         bytes.starts_with("GIF8") ||
         (bytes.starts_with("RIFF") && bytes.substr(0, 12).ends_with("WEBP"));
}

ToolAnswer refused(const std::string& why) {
  return {.text = "error: " + (why.empty() ? "the server refused the call" : why), .error = true};
}

}  // namespace

ToolAnswer read_tool_result(const json& result) {
  ToolAnswer answer;
  const auto line = [&](const std::string& text) {
    if (!answer.text.empty() && !answer.text.ends_with('\n')) answer.text += '\n';
    // Far more than is shown in the end: its end is shown as well.
    answer.text += text.substr(0, kMaxMessageBytes);
  };
  const json& content = base::member(result, "content");
  if (content.is_array()) {
    for (const json& part : content) {
      const std::string type = text_at(part, "type"), mime = text_at(part, "mimeType");
      if (type == "text") {
        line(text_at(part, "text"));
      } else if (type == "image") {
        const std::string& data = text_at(part, "data");
        std::optional<std::string> bytes;
        if (data.size() <= kMaxPictureBytes * 4 / 3 + 4) bytes = base::base64_decoded(data);
        const bool shown = bytes && is_picture(*bytes) && answer.pictures.size() < kMaxPictures;
        if (shown) answer.pictures.push_back(std::move(*bytes));
        line(shown ? "(a picture, " + mime + ")"
                   : "(a picture that cannot be shown, " + mime + ")");
      } else if (type == "resource") {
        const json& resource = base::member(part, "resource");
        line(text_at(resource, "uri") +
             (base::member(resource, "text").is_string()
                  ? ":\n" + text_at(resource, "text")
                  : " (not text, " + text_at(resource, "mimeType") + ")"));
      } else if (type == "resource_link") {
        line("link: " + text_at(part, "uri") + " " + text_at(part, "description"));
      } else {
        line("(" + (type.empty() ? "something unnamed" : type) + " that cannot be shown)");
      }
    }
  }
  if (answer.text.empty() && base::member(result, "structuredContent").is_object())
    line(base::line_of(base::member(result, "structuredContent")));
  answer.error = base::member(result, "isError") == true;
  if (answer.text.empty()) answer.text = answer.error ? "it failed without a word" : "done";
  answer.text = tools::head_and_tail(answer.text, kMaxText);
  if (answer.error && !answer.text.starts_with("error: ")) answer.text = "error: " + answer.text;
  return answer;
}

Result<std::unique_ptr<Client>> Client::connect(std::unique_ptr<Transport> transport,
                                                const std::filesystem::path& root,
                                                Deadline deadline, std::stop_token stop) {
  std::unique_ptr<Client> client(new Client(std::move(transport), root));
  if (base::Status s = client->introduce(deadline, stop); !s) return s.error();
  return client;
}

base::Status Client::introduce(Deadline deadline, std::stop_token stop) {
  introduced_ = false;
  json capabilities = json::object();
  if (!root_.empty()) capabilities["roots"] = json::object();
  Result<Message> reply = ask_once("initialize",
                                   {{"protocolVersion", kVersions[0]},
                                    {"capabilities", capabilities},
                                    {"clientInfo", own_name()}},
                                   deadline, stop);
  if (!reply) return reply.error();
  if (reply->failed)
    return Error{Errc::corrupt, "the server does not begin: " + reply->error_message};
  version_ = text_at(reply->result, "protocolVersion");
  if (!is_known_version(version_))
    return Error{Errc::unsupported, "the server speaks version \"" + version_.substr(0, 40) +
                                        "\" of the protocol, which is not known here"};
  offers_tools_ = base::member(base::member(reply->result, "capabilities"), "tools").is_object();
  offers_resources_ =
      base::member(base::member(reply->result, "capabilities"), "resources").is_object();
  transport_->agreed(version_);
  if (base::Status s = transport_->exchange(
          notification_json("notifications/initialized", json::object()), {}, deadline, stop);
      !s)
    return s;
  introduced_ = true;
  return base::Ok{};
}

void Client::answer(const Message& request, Deadline deadline, std::stop_token stop) {
  json reply;
  if (request.method == "ping") {
    reply = reply_json(request.id, json::object());
  } else if (request.method == "roots/list" && !root_.empty()) {
    reply = reply_json(request.id,
                       {{"roots", {{{"uri", "file://" + root_.string()}, {"name", "workspace"}}}}});
  } else {
    reply = error_json(request.id, kMethodNotFound, request.method + " is not offered");
  }
  // A server that does not take it will not answer either.
  (void)transport_->exchange(reply, {}, deadline, stop);
}

Result<Message> Client::ask_once(std::string_view method, const json& params, Deadline deadline,
                                 std::stop_token stop) {
  const int64_t id = ++last_id_;
  Message reply;
  int asked = 0;
  const base::Status done = transport_->exchange(
      request_json(id, method, params),
      [&](Message message) {
        if (message.kind == Message::Kind::request && ++asked <= kMaxAsked)
          answer(message, deadline, stop);
        if (message.kind != Message::Kind::reply || message.id != id) return false;
        reply = std::move(message);
        return true;
      },
      deadline, stop);
  if (done) return reply;
  const Errc code = done.error().code;
  if (introduced_ && (code == Errc::limit || code == Errc::cancelled))
    (void)transport_->exchange(
        notification_json("notifications/cancelled",
                          {{"requestId", id}, {"reason", done.error().message}}),
        {}, Clock::now() + kFarewell, {});
  return done.error();
}

Result<Message> Client::ask(std::string_view method, const json& params, Deadline deadline,
                            std::stop_token stop) {
  Result<Message> reply = ask_once(method, params, deadline, stop);
  // The server has forgotten the session, which is begun again once.
  if (reply || reply.error().code != Errc::not_found) return reply;
  if (base::Status s = introduce(deadline, stop); !s) return s.error();
  return ask_once(method, params, deadline, stop);
}

base::Status Client::list(const std::string& what, const std::string& key,
                          const std::function<void(const json&)>& each, Deadline deadline,
                          std::stop_token stop) {
  json params = json::object();
  size_t n = 0;
  for (size_t page = 0; page < kMaxPages; ++page) {
    Result<Message> reply = ask(what + "/list", params, deadline, stop);
    if (!reply) return reply.error();
    const json& list = base::member(reply->result, key.c_str());
    if (reply->failed || !list.is_array())
      return Error{Errc::corrupt, "the server lists no " + what +
                                      (reply->failed ? ": " + reply->error_message : "")};
    for (const json& one : list) {
      if (n++ == kMaxListed) return base::Ok{};
      each(one);
    }
    const std::string cursor = text_at(reply->result, "nextCursor");
    if (cursor.empty()) break;
    params["cursor"] = cursor;
  }
  return base::Ok{};
}

Result<std::vector<ToolInfo>> Client::tools(Deadline deadline, std::stop_token stop) {
  std::vector<ToolInfo> tools;
  if (!offers_tools_) return tools;
  const auto add = [&](const json& one) {
    ToolInfo tool{.name = text_at(one, "name"),
                  .description = text_at(one, "description"),
                  .schema = base::member(one, "inputSchema")};
    if (tool.description.empty()) tool.description = text_at(one, "title");
    if (!tool.name.empty() && tool.schema.is_object()) tools.push_back(std::move(tool));
  };
  if (base::Status s = list("tools", "tools", add, deadline, stop); !s) return s.error();
  return tools;
}

Result<ToolAnswer> Client::resources(Deadline deadline, std::stop_token stop) {
  std::string text;
  const auto add = [&](const json& one, const char* uri) {
    const std::string described = text_at(one, "description");
    if (text.size() < kMaxMessageBytes)
      text += text_at(one, uri) + "  " + text_at(one, "name") +
              (described.empty() ? "" : ": " + described) + "\n";
  };
  base::Status listed = list(
      "resources", "resources", [&](const json& one) { add(one, "uri"); }, deadline, stop);
  if (!listed && listed.error().code != Errc::corrupt) return listed.error();
  if (!listed) return ToolAnswer{.text = "error: " + listed.error().message, .error = true};
  // Few servers have templates, and one that has none may refuse to list them.
  listed = list(
      "resources/templates", "resourceTemplates", [&](const json& one) { add(one, "uriTemplate"); },
      deadline, stop);
  if (!listed && listed.error().code != Errc::corrupt) return listed.error();
  return ToolAnswer{.text = text.empty() ? "there is nothing to read"
                                         : tools::head_and_tail(text, kMaxText)};
}

Result<ToolAnswer> Client::read(const std::string& uri, Deadline deadline, std::stop_token stop) {
  Result<Message> reply = ask("resources/read", {{"uri", uri}}, deadline, stop);
  if (!reply) return reply.error();
  if (reply->failed) return refused(reply->error_message);
  // As a tool would have given them.
  json parts = json::array();
  const json& contents = base::member(reply->result, "contents");
  if (contents.is_array())
    for (const json& one : contents) {
      if (base::member(one, "blob").is_string() && text_at(one, "mimeType").starts_with("image/"))
        parts.push_back({{"type", "image"},
                         {"data", base::member(one, "blob")},
                         {"mimeType", base::member(one, "mimeType")}});
      else
        parts.push_back({{"type", "resource"}, {"resource", one}});
    }
  if (parts.empty()) return refused("there is nothing at " + uri);
  return read_tool_result({{"content", std::move(parts)}});
}

Result<ToolAnswer> Client::call(const std::string& tool, const json& arguments, Deadline deadline,
                                std::stop_token stop) {
  Result<Message> reply =
      ask("tools/call", {{"name", tool}, {"arguments", arguments}}, deadline, stop);
  if (!reply) return reply.error();
  if (reply->failed) return refused(reply->error_message);
  return read_tool_result(reply->result);
}

}  // namespace agent::mcp
