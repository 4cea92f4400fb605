// Forms: the first line is the Content-Type, the rest is the body. Parts that were read can be
// written again and read the same.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "server/api/reply.h"

namespace {

using namespace server;

void check(bool fine) {
  if (!fine) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(text.find('\n'), text.size());
  const std::string_view type = text.substr(0, line);
  const std::string_view body = text.substr(std::min(line + 1, text.size()));
  (void)parse_transcription(type, body);
  const Parsed<std::vector<FormPart>> parsed = parse_form(type, body);
  if (const ApiError* error = std::get_if<ApiError>(&parsed)) {
    check(error->status >= 400 && !error->message.empty());
    return 0;
  }
  const auto& parts = std::get<std::vector<FormPart>>(parsed);
  check(parts.size() <= 64);
  // A boundary that occurs nowhere in the input.
  std::string boundary = "b";
  while (text.find(boundary) != std::string_view::npos && boundary.size() < 60) boundary += 'b';
  if (text.find(boundary) != std::string_view::npos) return 0;
  const auto escaped = [](std::string_view raw) {
    std::string out;
    for (const char c : raw) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out;
  };
  std::string again;
  for (const FormPart& part : parts) {
    check(!part.name.empty());
    if (part.name.find("\n") != std::string::npos) return 0;
    again += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + escaped(part.name) +
             "\"\r\n\r\n" + part.bytes + "\r\n";
  }
  const Parsed<std::vector<FormPart>> second =
      parse_form("multipart/form-data; boundary=" + boundary, again + "--" + boundary + "--");
  check(std::holds_alternative<std::vector<FormPart>>(second));
  const auto& read = std::get<std::vector<FormPart>>(second);
  check(read.size() == parts.size());
  for (size_t i = 0; i < parts.size(); ++i)
    check(read[i].name == parts[i].name && read[i].bytes == parts[i].bytes);
  return 0;
}
