#include <gtest/gtest.h>

#include "server/api/reply.h"

namespace server {
namespace {

const std::string kType = "multipart/form-data; boundary=\"x y\"; charset=utf-8";

std::vector<FormPart> parts(const std::string& body, const std::string& type = kType) {
  const Parsed<std::vector<FormPart>> parsed = parse_form(type, body);
  const ApiError* error = std::get_if<ApiError>(&parsed);
  EXPECT_EQ(error, nullptr) << error->message;
  return error == nullptr ? std::get<std::vector<FormPart>>(parsed) : std::vector<FormPart>();
}

std::string error(const std::string& body, const std::string& type = kType) {
  const Parsed<std::vector<FormPart>> parsed = parse_form(type, body);
  const ApiError* found = std::get_if<ApiError>(&parsed);
  return found == nullptr ? "" : found->message;
}

TEST(Form, GivesItsPartsWithTheirBytes) {
  const std::string bytes("\0\r\n--x\r\n--x z\xFF", 15);
  const std::vector<FormPart> read = parts(
      "preamble\r\n--x y\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n"
      "--x y  \r\ncontent-disposition: form-data; filename=\"a \\\"b\\\".wav\"; name=file\r\n"
      "Content-Type: Audio/X-WAV; q=1\r\n\r\n" +
      bytes + "\r\n--x y--\r\nepilogue");
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].name, "model");
  EXPECT_EQ(read[0].bytes, "m");
  EXPECT_EQ(read[1].name, "file");
  EXPECT_EQ(read[1].file_name, "a \"b\".wav");
  EXPECT_EQ(read[1].type, "audio/x-wav");
  EXPECT_EQ(read[1].bytes, bytes);
  EXPECT_TRUE(parts("--x y--\r\n").empty());
  EXPECT_EQ(parts("--x y\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--x y--")[0].bytes,
            "");
}

TEST(Form, SaysWhatIsWrongWithIt) {
  const std::string head = "--x y\r\nContent-Disposition: form-data; name=\"a\"\r\n";
  EXPECT_EQ(error("", "text/plain"),
            "Content-Type is \"text/plain\", expected multipart/form-data");
  EXPECT_EQ(error("", "multipart/form-data"), "Content-Type has no boundary of 1 to 70 characters");
  EXPECT_EQ(error("", "multipart/form-data; boundary=" + std::string(71, 'a')),
            "Content-Type has no boundary of 1 to 70 characters");
  EXPECT_EQ(error("", "multipart/form-data; boundary=\"a"),
            "Content-Type has no boundary of 1 to 70 characters");
  EXPECT_EQ(error("nothing"), "the form does not hold the boundary that Content-Type names");
  EXPECT_EQ(error("--x y"), "the form is cut off, or a boundary is not at the end of its line");
  EXPECT_EQ(error(head + "\r\nabc"), "the form is cut off: its last boundary is missing");
  EXPECT_EQ(error(head + "\r\nabc\r\n--x yz"),
            "the form is cut off, or a boundary is not at the end of its line");
  EXPECT_EQ(error("--x y\r\n\r\nabc\r\n--x y--"), "part 1 of the form has no name");
  EXPECT_EQ(error("--x y\r\nabc\r\n--x y--"),
            "part 1 of the form has no empty line behind its headers");
  EXPECT_EQ(error("--x y\r\nabc\r\n\r\n\r\n--x y--"),
            "part 1 of the form has a header without a colon");
  EXPECT_EQ(error(head + "X: " + std::string(9000, 'a') + "\r\n\r\n\r\n--x y--"),
            "part 1 of the form has headers of more than 8 KiB");
  EXPECT_EQ(error(head + "Content-Transfer-Encoding: base64\r\n\r\n\r\n--x y--"),
            "part 1 of the form is encoded as \"base64\", expected binary");
  std::string many;
  for (int i = 0; i < 65; ++i) many += head + "\r\nv\r\n";
  EXPECT_EQ(error(many + "--x y--"), "the form has more than 64 parts");
}

TEST(Transcription, ReadsItsForm) {
  const std::string field = "\r\n--b\r\nContent-Disposition: form-data; name=";
  const Parsed<TranscriptionRequest> parsed = parse_transcription(
      "multipart/form-data; boundary=b",
      field + "model\r\n\r\nm" + field + "file; filename=a.wav\r\n\r\nRIFF" + field +
          "language\r\n\r\nde" + field + "response_format\r\n\r\nverbose_json" + field +
          "timestamp_granularities[]\r\n\r\nsegment" + field + "stream\r\n\r\ntrue" + field +
          "temperature\r\n\r\n0.25\r\n--b--");
  ASSERT_TRUE(std::holds_alternative<TranscriptionRequest>(parsed))
      << std::get<ApiError>(parsed).message;
  const auto& request = std::get<TranscriptionRequest>(parsed);
  EXPECT_EQ(request.sound, "RIFF");
  EXPECT_EQ(request.model, "m");
  EXPECT_EQ(request.language, "de");
  EXPECT_EQ(request.format, TranscriptionRequest::Format::verbose_json);
  EXPECT_TRUE(request.stream);
  EXPECT_EQ(request.temperature, 0.25F);
}

}  // namespace
}  // namespace server
