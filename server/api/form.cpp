// multipart/form-data (RFC 7578 over RFC 2046). A body is
//
//   [preamble CRLF] --BOUNDARY CRLF part (CRLF --BOUNDARY CRLF part)… CRLF --BOUNDARY-- [epilogue]
//
// and a part is header lines, an empty line and bytes. Everything is a view into the body until a
// part is whole; each byte is looked at a bounded number of times.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"
#include "base/utf8.h"
#include "server/api/fields.h"
#include "server/api/reply.h"

namespace server {
namespace {

constexpr size_t kMaxFormParts = 64;
constexpr size_t kMaxHeaderBytes = 8 * 1024;
using base::npos;

ApiError bad(std::string message, int status = 400) {
  return {.status = status, .message = std::move(message), .code = "invalid_form"};
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// A header's value: `form-data; name="a"; filename="b"`. Returns a parameter's value, without its
// quotes and backslashes. A second one of the same name is not seen.
std::optional<std::string> parameter(std::string_view value, std::string_view name) {
  size_t at = value.find(';');
  while (at != npos && at < value.size()) {
    ++at;
    const size_t equals = value.find_first_of("=;", at);
    if (equals == npos) return std::nullopt;
    const std::string key = lower(base::trimmed(value.substr(at, equals - at), base::kSpaces));
    if (value[equals] == ';') {
      at = equals;
      continue;
    }
    size_t i = equals + 1;
    while (i < value.size() && (value[i] == ' ' || value[i] == '\t')) ++i;
    std::string found;
    if (i < value.size() && value[i] == '"') {
      for (++i; i < value.size() && value[i] != '"'; ++i) {
        // Browsers escape a quote only; a backslash before anything else is one.
        if (value[i] == '\\' && i + 1 < value.size() &&
            (value[i + 1] == '"' || value[i + 1] == '\\'))
          ++i;
        found += value[i];
      }
      if (i == value.size()) return std::nullopt;  // not closed
      at = value.find(';', i);
    } else {
      at = value.find(';', i);
      found = base::trimmed(value.substr(i, at == npos ? npos : at - i), base::kSpaces);
    }
    if (key == name) return found;
  }
  return std::nullopt;
}

// 1 to 70 of the characters that RFC 2046 lists.
bool is_boundary(std::string_view text) {
  if (text.empty() || text.size() > 70 || text.back() == ' ') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("'()+_,-./:=? ").find(c) != npos;
  });
}

std::variant<FormPart, ApiError> read_part(std::string_view text, size_t number) {
  const std::string which = "part " + std::to_string(number) + " of the form";
  FormPart part;
  bool has_disposition = false;
  size_t header_bytes = 0;
  while (true) {
    const size_t end = text.find("\r\n");
    if (end == npos) return bad(which + " has no empty line behind its headers");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    if (line.empty()) break;
    header_bytes += line.size();
    if (header_bytes > kMaxHeaderBytes) return bad(which + " has headers of more than 8 KiB");
    const size_t colon = line.find(':');
    if (colon == npos) return bad(which + " has a header without a colon");
    const std::string name = lower(base::trimmed(line.substr(0, colon), base::kSpaces));
    const std::string_view value = base::trimmed(line.substr(colon + 1), base::kSpaces);
    if (name == "content-disposition") {
      if (lower(base::trimmed(value.substr(0, value.find(';')), base::kSpaces)) != "form-data")
        return bad(which + " is not form-data");
      part.name = parameter(value, "name").value_or("");
      part.file_name = base::utf8_repaired(parameter(value, "filename").value_or(""));
      has_disposition = true;
    } else if (name == "content-type") {
      part.type = lower(base::trimmed(value.substr(0, value.find(';')), base::kSpaces));
    } else if (name == "content-transfer-encoding" && lower(value) != "binary" &&
               lower(value) != "8bit" && lower(value) != "7bit") {
      return bad(which + " is encoded as " + in_quotes(value) + ", expected binary");
    }
  }
  if (!has_disposition || part.name.empty()) return bad(which + " has no name");
  if (!base::is_utf8(part.name)) return bad(which + ": its name is not UTF-8");
  part.bytes = text;
  return part;
}

}  // namespace

Parsed<std::vector<FormPart>> parse_form(std::string_view content_type, std::string_view body) {
  if (lower(base::trimmed(content_type.substr(0, content_type.find(';')), base::kSpaces)) !=
      "multipart/form-data")
    return bad("Content-Type is " + in_quotes(content_type) + ", expected multipart/form-data",
               415);
  const std::optional<std::string> boundary = parameter(content_type, "boundary");
  if (!boundary || !is_boundary(*boundary))
    return bad("Content-Type has no boundary of 1 to 70 characters");
  const std::string between = "\r\n--" + *boundary;

  // The first boundary stands at the beginning, or behind lines that mean nothing.
  size_t at = body.starts_with(std::string_view(between).substr(2)) ? between.size() - 2 : npos;
  if (at == npos) {
    at = body.find(between);
    if (at == npos) return bad("the form does not hold the boundary that Content-Type names");
    at += between.size();
  }
  std::vector<FormPart> parts;
  while (true) {
    if (body.substr(at).starts_with("--")) return parts;
    while (at < body.size() && (body[at] == ' ' || body[at] == '\t')) ++at;
    if (!body.substr(at).starts_with("\r\n"))
      return bad("the form is cut off, or a boundary is not at the end of its line");
    at += 2;
    const size_t end = body.find(between, at);
    if (end == npos) return bad("the form is cut off: its last boundary is missing");
    if (parts.size() == kMaxFormParts)
      return bad("the form has more than " + std::to_string(kMaxFormParts) + " parts");
    std::variant<FormPart, ApiError> part = read_part(body.substr(at, end - at), parts.size() + 1);
    if (const ApiError* error = std::get_if<ApiError>(&part)) return *error;
    parts.push_back(std::move(std::get<FormPart>(part)));
    at = end + between.size();
  }
}

}  // namespace server
