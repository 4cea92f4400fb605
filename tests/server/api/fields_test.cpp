#include "server/api/fields.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/json.h"
#include "server/api/reply.h"
#include "tests/golden.h"
#include "tests/server/api/protocols.h"

namespace server {
namespace {

using nlohmann::json;

json golden_json(const std::string& name) {
  const base::Result<std::string> text = base::read_file(golden(name), 1 << 20);
  EXPECT_TRUE(text) << name;
  return json::parse(*text);
}

// The error of a body, or an empty one.
ApiError error_of(const std::string& protocol, const std::string& body) {
  const auto error = [](const auto& parsed) {
    const ApiError* found = std::get_if<ApiError>(&parsed);
    return found != nullptr ? *found : ApiError{.status = 200};
  };
  if (protocol == "embeddings") return error(parse_embeddings(body));
  return error(parse_request(protocol_called(protocol), body));
}

json smallest(const std::string& protocol) {
  if (protocol == "completions") return {{"prompt", "x"}};
  if (protocol == "responses") return {{"input", "x"}};
  if (protocol == "embeddings") return {{"input", "x"}};
  json body = {{"messages", {{{"role", "user"}, {"content", "x"}}}}};
  if (protocol == "messages") body["max_tokens"] = 5;
  return body;
}

// A form with a file; the other fields as the values say, a list as NAME[] parts.
std::string form(const json& fields) {
  std::string body;
  const auto part = [&](const std::string& name, const std::string& text) {
    body += "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + text + "\r\n";
  };
  for (const auto& [name, value] : fields.items()) {
    if (value.is_null()) continue;
    if (value.is_string()) part(name, value);
    for (const json& one : value.is_array() ? value : json::array()) part(name + "[]", one);
  }
  return body + "--b--\r\n";
}

ApiError error_of_form(const json& fields) {
  const Parsed<TranscriptionRequest> parsed =
      parse_transcription("multipart/form-data; boundary=b", form(fields));
  const ApiError* found = std::get_if<ApiError>(&parsed);
  return found != nullptr ? *found : ApiError{.status = 200};
}

TEST(RequestFields, EachOneIsHonouredOrRefusedByItsName) {
  const json all = golden_json("wire/fields.json");
  const json cases = golden_json("wire/cases.json");
  int n_values = 0;
  for (const auto& [protocol, fields] : cases.items()) {
    for (const auto& [name, values] : fields.items()) {
      const auto look = [&, &protocol = protocol, &name = name](const json& value) {
        ++n_values;
        if (protocol == "transcriptions") {
          json form_fields = {{"file", "RIFF"}, {"model", "m"}};
          form_fields[name] = value;
          return error_of_form(form_fields);
        }
        json body = smallest(protocol);
        body[name] = value;
        return error_of(protocol, body.dump());
      };
      EXPECT_FALSE(values["accepted"].empty() && values["refused"].empty()) << protocol << name;
      for (const json& value : values["accepted"]) {
        const ApiError error = look(value);
        EXPECT_EQ(error.status, 200)
            << protocol << " " << name << " " << value << ": " << error.message;
      }
      for (const json& value : values["refused"]) {
        const ApiError error = look(value);
        EXPECT_EQ(error.status, 400) << protocol << " " << name << " " << value;
        EXPECT_TRUE(error.param == name || error.param.starts_with(name + ".") ||
                    error.param.starts_with(name + "["))
            << protocol << " " << name << " " << value << ": " << error.param << ": "
            << error.message;
        EXPECT_NE(error.message.find(name), std::string::npos) << error.message;
      }
    }
  }
  EXPECT_GT(n_values, 500);
  // And no field of the official definitions is without a case.
  for (const auto& [protocol, names] : all.items()) {
    if (protocol == "made with") continue;
    for (const json& name : names)
      EXPECT_TRUE(cases[protocol].contains(name.get<std::string>())) << protocol << " " << name;
  }
}

TEST(RequestFields, AnUnknownOneIsRefusedWithTheNearest) {
  for (const std::string protocol :
       {"chat", "completions", "responses", "messages", "embeddings"}) {
    json body = smallest(protocol);
    body["modle"] = "m";
    const ApiError error = error_of(protocol, body.dump());
    EXPECT_EQ(error.param, "modle");
    EXPECT_EQ(error.code, "unknown_parameter");
    EXPECT_EQ(error.message, "unknown field \"modle\"; did you mean model?");
  }
  json body = smallest("chat");
  body["zzzzzzzzzzzzzzzzzz"] = 1;
  EXPECT_EQ(error_of("chat", body.dump()).message, "unknown field \"zzzzzzzzzzzzzzzzzz\"");
  body = smallest("chat");
  body["stream_options"] = {{"include_usge", true}};
  EXPECT_EQ(error_of("chat", body.dump()).message,
            "unknown field \"stream_options.include_usge\"; did you mean "
            "stream_options.include_usage?");
}

TEST(RequestBody, MustBeOneSoundObject) {
  const auto message = [](const std::string& body) { return error_of("chat", body).message; };
  EXPECT_EQ(message(""), "the body is not JSON: it cannot be read at byte 1");
  EXPECT_EQ(message("{\"messages\": [}"), "the body is not JSON: it cannot be read at byte 15");
  EXPECT_EQ(message("[]"), "the body is not a JSON object");
  EXPECT_EQ(message("{} {}"), "the body is not JSON: it cannot be read at byte 4");
  EXPECT_EQ(message("{\"a\": \"\xC3(\"}"), "the body is not UTF-8: byte 7");
  EXPECT_EQ(message("{\"a\": \"\xED\xA0\x80\"}"), "the body is not UTF-8: byte 7");
  EXPECT_EQ(message(R"({"n": 1, "n": 2})"), "the key \"n\" stands twice in one object");
  EXPECT_EQ(message(R"({"m": [{"a": {"x": 1}, "b": {"x": 1, "y": {}, "x": 3}}]})"),
            "the key \"x\" stands twice in one object");
  EXPECT_EQ(message("{\"n\": 1e999}"), "the body holds a number that is out of range");
  EXPECT_EQ(error_of("chat", "{").code, "invalid_json");
}

TEST(RequestBody, IsBoundedInDepthAndNumber) {
  const std::string deep = "{\"tools\":" + std::string(100'000, '[');
  EXPECT_EQ(error_of("chat", deep).message, "the body is nested more than 100 deep");
  std::string deep_objects = "{\"a\":";
  for (int i = 0; i < 50'000; ++i) deep_objects += "{\"a\":";
  EXPECT_EQ(error_of("chat", deep_objects).message, "the body is nested more than 100 deep");
  std::string many = "{\"input\":[";
  for (size_t i = 0; i < kMaxJsonValues; ++i) many += "1,";
  EXPECT_EQ(error_of("embeddings", many + "1]}").message,
            "the body holds more than 1000000 values");
}

TEST(RequestBody, TextOfAValueKeepsTheOrderOfItsKeys) {
  const std::string body =
      R"({ "a" : [1, {"b": "}"}], "x\u0079" : { "s" : {"z": 1, "a": "\"}" } , "t":2}})";
  EXPECT_EQ(text_at(body, {"xy", "s"}), R"({"z": 1, "a": "\"}" })");
  EXPECT_EQ(text_at(body, {"xy", "t"}), "2");
  EXPECT_EQ(text_at(body, {"a"}), R"([1, {"b": "}"}])");
  EXPECT_EQ(text_at(body, {"nothing"}), "");
  EXPECT_EQ(text_at(body, {"a", "b"}), "");
  const Parsed<Request> parsed = parse_request(
      Protocol::chat,
      R"({"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema",)"
      R"("json_schema":{"name":"n","schema":{"type":"object","properties":{"b":{},"a":{}}}}}})");
  EXPECT_EQ(std::get<Request>(parsed).format.schema,
            R"({"type":"object","properties":{"b":{},"a":{}}})");
}

TEST(Base64, IsReadStrictly) {
  EXPECT_EQ(base::base64_decoded(""), "");
  EXPECT_EQ(base::base64_decoded("TWE="), "Ma");
  EXPECT_EQ(base::base64_decoded("TQ=="), "M");
  EXPECT_EQ(base::base64_decoded("TWFu"), "Man");
  for (const std::string bad :
       {"TWF", "TQ=", "TR==", "TWF=", "TW-_", "TW\nu", "=TWF", "TQ==TQ==", "====", "T===", " TWF"})
    EXPECT_FALSE(base::base64_decoded(bad)) << bad;
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i * 7);
    EXPECT_EQ(base::base64_decoded(base::base64_encoded(bytes)), bytes);
  }
}

TEST(Embeddings, AreWrittenAsNumbersOrBytes) {
  const std::vector<std::vector<float>> vectors = {{0.6F, 0.8F, 0.0F}};
  json plain = json::parse(embeddings_json({}, "m", vectors, 7));
  EXPECT_EQ(plain["data"][0]["embedding"].size(), 3U);
  EXPECT_EQ(plain["usage"]["prompt_tokens"], 7);
  json coded = json::parse(embeddings_json({.base64 = true}, "m", vectors, 7));
  const auto bytes = base::base64_decoded(coded["data"][0]["embedding"].get<std::string>());
  ASSERT_EQ(bytes->size(), 12U);
  EXPECT_EQ(bytes->substr(0, 4), std::string("\x9a\x99\x19\x3f", 4));
  json shorter = json::parse(embeddings_json({.dimensions = 1}, "m", vectors, 7));
  EXPECT_EQ(shorter["data"][0]["embedding"], json::array({1.0}));
}

}  // namespace
}  // namespace server
