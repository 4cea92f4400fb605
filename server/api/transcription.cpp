// /v1/audio/transcriptions: a form with a recording. Every other part is a field, read like those
// of a JSON body: it is turned into one first.
#include <charconv>
#include <utility>

#include "base/json.h"
#include "base/utf8.h"
#include "server/api/fields.h"
#include "server/api/reply.h"

namespace server {
namespace {

using nlohmann::json;

constexpr size_t kMaxFieldBytes = 64 * 1024;

// What a form's text means where a number or a truth value is expected; else the text itself.
json typed(const std::string& name, const std::string& text) {
  if (name == "stream") {
    if (text == "true" || text == "True" || text == "1") return true;
    if (text == "false" || text == "False" || text == "0") return false;
  }
  if (name == "temperature") {
    const json number = json::parse(text, nullptr, false);
    if (number.is_number()) return number;
  }
  return text;
}

}  // namespace

Parsed<TranscriptionRequest> parse_transcription(std::string_view content_type,
                                                 std::string_view body) {
  Parsed<std::vector<FormPart>> form = parse_form(content_type, body);
  if (const ApiError* error = std::get_if<ApiError>(&form)) return *error;
  Problem problem;
  TranscriptionRequest request;
  bool has_file = false;
  json value = json::object();
  for (FormPart& part : std::get<std::vector<FormPart>>(form)) {
    std::string name = part.name;
    if (name == "file") {
      if (has_file) problem.say("file", "file is given twice");
      has_file = true;
      request.sound = std::move(part.bytes);
      continue;
    }
    const bool is_list = name.ends_with("[]");
    if (is_list) name.resize(name.size() - 2);
    if (part.bytes.size() > kMaxFieldBytes || !base::is_utf8(part.bytes)) {
      problem.say(part.name,
                  base::utf8_repaired(part.name) + " is not UTF-8 text of at most 64 KiB");
      break;
    }
    if (is_list) {
      if (!value.contains(name)) value[name] = json::array();
      if (value[name].is_array())
        value[name].push_back(part.bytes);
      else
        problem.say(name, name + " is given twice");
    } else if (value.contains(name)) {
      problem.say(name, name + " is given twice");
    } else {
      value[name] = typed(name, part.bytes);
    }
  }
  Fields fields(value, "", problem);
  fields.ignore({"file"});
  if (!has_file || request.sound.empty())
    fields.wrong("file", has_file ? "is empty" : "is missing", "missing_required_parameter");
  request.model = fields.text("model").value_or("");
  request.language = fields.text("language").value_or("");
  if (request.language.size() > 32) fields.wrong("language", "is not the code of a language");
  request.prompt = fields.text("prompt").value_or("");
  const auto format = fields.choice("response_format", {"json", "text", "verbose_json"});
  if (format == "text") request.format = TranscriptionRequest::Format::text;
  if (format == "verbose_json") request.format = TranscriptionRequest::Format::verbose_json;
  request.temperature = static_cast<float>(fields.number("temperature", 0, 1).value_or(0));
  request.stream = fields.flag("stream").value_or(false);
  if (const json* granularities = fields.list("timestamp_granularities", 2))
    for (const json& one : *granularities)
      if (one != "segment" || request.format != TranscriptionRequest::Format::verbose_json)
        fields.wrong("timestamp_granularities",
                     "can only be segment, with response_format verbose_json",
                     "unsupported_parameter");
  if (const auto chunking = fields.text("chunking_strategy"); chunking && *chunking != "auto")
    fields.wrong("chunking_strategy", "can only be auto", "unsupported_parameter");
  fields.refuse(
      {"include", "keywords", "languages", "known_speaker_names", "known_speaker_references"},
      "is not supported");
  fields.finish();
  if (problem) return problem.error();
  return request;
}

}  // namespace server
