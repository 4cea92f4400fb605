// Field by field, with nlohmann's at() and get(), which throw where something is missing or of
// another type: what was stored may be damaged. Each reader turns that into an Error once.

#include "agent/session/record.h"

#include "base/sha256.h"

namespace agent::session {

using base::Errc;
using base::Error;
using nlohmann::json;

namespace {

constexpr const char* kRoles[] = {"system", "user", "model", "tool"};
constexpr const char* kMedia[] = {"image", "audio", "video"};

template <size_t N>
size_t index_of(const char* const (&names)[N], const std::string& name) {
  for (size_t i = 0; i < N; ++i)
    if (name == names[i]) return i;
  throw std::out_of_range(name);
}

/// What `read` gives, or that the stored text is no `what`.
template <class Read>
auto careful(const char* what, Read read) -> base::Result<decltype(read())> {
  try {
    return read();
  } catch (const std::exception& error) {  // json's and index_of()'s
    return Error{Errc::corrupt, "a stored " + std::string(what) + " is damaged: " + error.what()};
  }
}

model::Message bare_message(const json& j) {
  model::Message message{.role = static_cast<model::Role>(index_of(kRoles, j.at("role"))),
                         .text = j.at("text")};
  for (const json& call : j.value("calls", json::array()))
    message.calls.push_back({.name = call.at("name"),
                             .arguments = call.at("arguments"),
                             .id = call.at("id"),
                             .arguments_text = call.at("arguments_text")});
  message.reasoning = j.value("reasoning", "");
  message.name = j.value("name", "");
  message.call_id = j.value("call_id", "");
  message.result = j.value("result", json());
  for (const json& media : j.value("media", json::array()))
    message.media.push_back({static_cast<model::MediaKind>(index_of(kMedia, media.at("kind"))),
                             media.at("at"), media.at("digest")});
  return message;
}

}  // namespace

base::Result<json> parse_line(std::string_view line) {
  json value = json::parse(line, nullptr, false);
  if (value.is_discarded()) return Error{Errc::corrupt, "a stored line is no JSON"};
  return value;
}

json message_json(const model::Message& m, Pictures& pictures) {
  json j{{"role", kRoles[static_cast<size_t>(m.role)]}, {"text", m.text}};
  for (const model::FunctionCall& call : m.calls)
    j["calls"].push_back({{"name", call.name},
                          {"arguments", call.arguments},
                          {"id", call.id},
                          {"arguments_text", call.arguments_text}});
  if (!m.reasoning.empty()) j["reasoning"] = m.reasoning;
  if (!m.name.empty()) j["name"] = m.name;
  if (!m.call_id.empty()) j["call_id"] = m.call_id;
  if (!m.result.is_null()) j["result"] = m.result;
  for (const model::Media& media : m.media) {
    std::string digest = base::sha256(media.bytes);
    j["media"].push_back(
        {{"kind", kMedia[static_cast<size_t>(media.kind)]}, {"at", media.at}, {"digest", digest}});
    pictures.try_emplace(std::move(digest), media.bytes);
  }
  return j;
}

base::Result<model::Message> message_of(const json& j, const PictureSource& pictures) {
  base::Result<model::Message> message = careful("message", [&] { return bare_message(j); });
  if (!message) return message.error();
  for (model::Media& media : message->media) {
    base::Result<std::string> bytes = pictures(media.bytes);
    if (!bytes) return bytes.error();
    if (base::sha256(*bytes) != media.bytes)
      return Error{Errc::corrupt, "the stored picture " + media.bytes + " is damaged"};
    media.bytes = std::move(*bytes);
  }
  return message;
}

json reply_json(const ModelReply& reply, const std::vector<std::string>& said, Pictures& pictures) {
  json unreadable = json::array();
  for (const UnreadableCall& call : reply.unreadable)
    unreadable.push_back({{"id", call.id}, {"why", call.why}});
  return {{"message", message_json(reply.message, pictures)},
          {"said", said},
          {"prompt_tokens", reply.prompt_tokens},
          {"completion_tokens", reply.completion_tokens},
          {"cut", reply.cut},
          {"unreadable", unreadable}};
}

base::Result<SaidReply> reply_of(const json& j, const PictureSource& pictures) {
  base::Result<SaidReply> said = careful("reply", [&] {
    SaidReply r{.reply = {.message = {},
                          .prompt_tokens = j.at("prompt_tokens"),
                          .completion_tokens = j.at("completion_tokens"),
                          .cut = j.at("cut")},
                .said = j.at("said")};
    for (const json& call : j.at("unreadable"))
      r.reply.unreadable.push_back({call.at("id"), call.at("why")});
    j.at("message");
    return r;
  });
  if (!said) return said;
  base::Result<model::Message> message = message_of(j["message"], pictures);
  if (!message) return message.error();
  said->reply.message = std::move(*message);
  return said;
}

json observation_json(const tools::Observation& o) {
  json charts = json::array();
  for (const tools::ChartMade& chart : o.charts)
    charts.push_back({{"path", chart.path},
                      {"spec", chart.spec},
                      {"rows", chart.rows},
                      {"warnings", chart.warnings}});
  return {
      {"text", o.text},       {"error", o.error},       {"stopped", static_cast<int>(o.stopped)},
      {"refused", o.refused}, {"declined", o.declined}, {"charts", charts},
      {"files", o.files},     {"run", o.run},           {"same_content", o.same_content},
      {"notes", o.notes}};
}

base::Result<tools::Observation> observation_of(const json& j) {
  return careful("observation", [&] {
    tools::Observation o{.text = j.at("text"), .error = j.at("error")};
    const int stopped = j.at("stopped");
    o.stopped = stopped == 1   ? tools::Stopped::by_time
                : stopped == 2 ? tools::Stopped::by_limit
                               : tools::Stopped::no;
    o.refused = j.at("refused");
    o.declined = j.at("declined");
    for (const json& chart : j.at("charts"))
      o.charts.push_back({.path = chart.at("path"),
                          .spec = chart.at("spec"),
                          .rows = chart.at("rows"),
                          .warnings = chart.at("warnings")});
    o.files = j.at("files").get<std::vector<std::string>>();
    o.run = j.at("run");
    o.same_content = j.value("same_content", false);
    o.notes = j.value("notes", std::vector<std::string>());
    return o;
  });
}

json listing_json(const Listing& listing) {
  json profiles = json::array();
  for (const tools::FileProfile& p : listing.profiles)
    profiles.push_back({{"path", p.path},
                        {"text", p.text},
                        {"is_table", p.is_table},
                        {"columns", p.columns},
                        {"error", p.error}});
  return {{"files", listing.files}, {"profiles", profiles}};
}

base::Result<Listing> listing_of(const json& j) {
  return careful("list of files", [&] {
    Listing listing{.files = j.at("files"), .profiles = {}};
    for (const json& p : j.at("profiles"))
      listing.profiles.push_back({.path = p.at("path"),
                                  .text = p.at("text"),
                                  .is_table = p.at("is_table"),
                                  .columns = p.at("columns"),
                                  .error = p.at("error")});
    return listing;
  });
}

}  // namespace agent::session
