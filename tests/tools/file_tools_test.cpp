// Finding, reading, writing and editing files, by the one description of the tools.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include "base/json.h"

#include "base/unique_fd.h"
#include "media/image.h"
#include "tests/tools/workspace.h"
#include "tools/file/service.h"

namespace tools::file {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class FileTools : public testing::Test {
 protected:
  FileTools() : top_(::open(workspace_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

  std::string call(const std::string& tool, const json& arguments) {
    base::Result<json> answer = call_tool(top_.get(), tool, arguments, services_);
    return answer ? (*answer)["text"].get<std::string>() : "error: " + answer.error().message;
  }
  void expect_part(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), text.npos) << text << "\nlacks: " << part;
  }

  TemporaryWorkspace workspace_;
  base::UniqueFd top_;
  Services services_;
};

TEST_F(FileTools, FindGoesByPatternTypeSizeDateAndContent) {
  workspace_.write("a.csv", "shop,sum\nBern,3\n");
  workspace_.write("d/b.csv", std::string(2000, 'x'));
  workspace_.write("d/.hidden", "x");
  fs::create_symlink("/etc", "d/link");
  for (const char* name : {"a.csv", "d/b.csv"}) {
    const timespec times[2] = {{1'700'000'000, 0}, {1'700'000'000, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, name, times, 0), 0);
  }
  EXPECT_EQ(call("find_files", {{"glob", "**/*.csv"}}),
            "a.csv  16 bytes  2023-11-14\nd/b.csv  2000 bytes  2023-11-14\n");
  EXPECT_EQ(call("find_files", {{"glob", "./*.csv"}}), "a.csv  16 bytes  2023-11-14\n");
  EXPECT_EQ(call("find_files", {{"glob", "**"}, {"min_bytes", 100}}),
            "d/b.csv  2000 bytes  2023-11-14\n");
  EXPECT_EQ(call("find_files", {{"contains", "Bern"}}),
            "a.csv  16 bytes  2023-11-14  line 2: Bern,3\n");
  EXPECT_EQ(call("find_files", {{"since", "2023-11-15"}}), "nothing was found\n");
  EXPECT_EQ(call("find_files", {{"order", "size"}, {"limit", 1}}),
            "d/b.csv  2000 bytes  2023-11-14\n… and 1 more\n");
  expect_part(call("find_files", {{"type", "folder"}}), "d/");
  expect_part(call("find_files", {{"type", "link"}}), "d/link -> /etc");
  expect_part(call("find_files", {{"type", "dir"}}), "can be one of");
  expect_part(call("find_files", {{"pattern", "x"}}),
              "there is no argument \"pattern\"; arguments: ");
  expect_part(call("find_files", {{"since", "yesterday"}}), "is no day");
}

TEST_F(FileTools, ReadShowsLinesWhateverTheEncoding) {
  workspace_.write("t.txt", "one\ntwo\nthree\n");
  workspace_.write("latin.txt", "caf\xE9\n");
  workspace_.write("wide.txt", std::string("\xFF\xFE"
                                           "h\0i\0",
                                           6));
  workspace_.write("bytes.bin", std::string("\0\1\2", 3));
  workspace_.write("long.txt", std::string(100'000, 'y'));
  EXPECT_EQ(call("read_file", {{"path", "t.txt"}}),
            "t.txt: UTF-8 text, 3 lines\none\ntwo\nthree\n");
  EXPECT_EQ(call("read_file", {{"path", "t.txt"}, {"first", 2}, {"last", 2}}),
            "t.txt: UTF-8 text, 3 lines; these are 2 to 2\ntwo\n");
  EXPECT_EQ(call("read_file", {{"path", "latin.txt"}}),
            "latin.txt: ISO-8859-1 text, 1 line\ncaf\xC3\xA9\n");
  EXPECT_EQ(call("read_file", {{"path", "wide.txt"}}), "wide.txt: UTF-16LE text, 1 line\nhi\n");
  expect_part(call("read_file", {{"path", "bytes.bin"}}), "is no text");
  EXPECT_LT(call("read_file", {{"path", "long.txt"}}).size(), 17'000u);
  expect_part(call("read_file", {{"path", "t.txt"}, {"first", 9}}),
              "has 3 lines, so there is no line 9");
  expect_part(call("read_file", {{"path", "tt.txt"}}),
              "there is no file \"tt.txt\"; the nearest are \"t.txt\"");
  expect_part(call("read_file", {{"path", "../x"}}), "leads out of the workspace");
  fs::create_symlink("/etc/hostname", "out");
  expect_part(call("read_file", {{"path", "out"}}), "links are not followed");
}

TEST_F(FileTools, ReadTellsWhatPicturesAndSoundsAre) {
  workspace_.write("p.png", *media::encode_png(media::Pixels::filled(7, 5, 1, 2, 3)));
  expect_part(call("read_file", {{"path", "p.png"}}), "p.png: PNG picture, 7 x 5 pixels, ");
  // A second of 16-bit sound at 8000 samples a second.
  std::string wav = "RIFF";
  const auto u32 = [&](uint32_t n) { wav.append(reinterpret_cast<const char*>(&n), 4); };
  const auto u16 = [&](uint16_t n) { wav.append(reinterpret_cast<const char*>(&n), 2); };
  u32(36 + 16000), wav += "WAVEfmt ", u32(16), u16(1), u16(1), u32(8000), u32(16000), u16(2),
      u16(16);
  wav += "data", u32(16000);
  for (int i = 0; i < 8000; ++i) u16(static_cast<uint16_t>(i % 100));
  workspace_.write("s.wav", wav);
  expect_part(call("read_file", {{"path", "s.wav"}}), "s.wav: WAV sound, 1.0 seconds, 16044 bytes");
  workspace_.write("broken.png", "\x89PNG\r\n\x1a\n");
  expect_part(call("read_file", {{"path", "broken.png"}}), "error: read: \"broken.png\": ");
}

TEST_F(FileTools, PdfTextComesFromAProgramAndOnlyInTheSandbox) {
  workspace_.write("a.pdf",
                   "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 "
                   "obj<</Type/Pages/Kids[3 0 R]/Count "
                   "1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 "
                   "R/Resources<</Font<</F 5 0 R>>>>>>endobj\n4 0 obj<</Length 40>>stream\nBT /F "
                   "12 Tf 20 100 Td "
                   "(Hello there) Tj ET\nendstream endobj\n5 0 "
                   "obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"
                   "endobj\ntrailer<</Root 1 0 R>>\n");
  expect_part(call("read_file", {{"path", "a.pdf"}}), "inside the sandbox only");
  services_.read.may_run_programs = true;  // as the worker says, and our own file
  const std::string text = call("read_file", {{"path", "a.pdf"}});
  if (text.find("poppler-utils") != text.npos) GTEST_SKIP() << text;
  expect_part(text, "a.pdf: text of a PDF, ");
  expect_part(text, "Hello there");
  workspace_.write("b.pdf", "%PDF-1.4\nnothing");
  expect_part(call("read_file", {{"path", "b.pdf"}}), "pdftotext cannot read \"b.pdf\"");
}

TEST_F(FileTools, WriteMakesFoldersAndShowsWhatChanged) {
  EXPECT_EQ(call("write_file", {{"path", "n/e/w.txt"}, {"text", "a\nb\n"}}),
            "made n/e/w.txt, 4 bytes\n");
  EXPECT_EQ(workspace_.read("n/e/w.txt"), "a\nb\n");
  fs::permissions("n/e/w.txt", fs::perms::owner_all);
  expect_part(call("write_file", {{"path", "n/e/w.txt"}, {"text", "a\nc\n"}}), "-b\n+c\n");
  EXPECT_EQ(fs::status("n/e/w.txt").permissions(), fs::perms::owner_all);
  expect_part(call("write_file", {{"path", "n/e"}, {"text", ""}}), "is a folder");
  fs::create_symlink("w.txt", "n/e/l");
  expect_part(call("write_file", {{"path", "n/e/l"}, {"text", ""}}), "is a link");
  fs::create_directory_symlink("/tmp", "door");
  expect_part(call("write_file", {{"path", "door/x"}, {"text", ""}}), "error: ");
  expect_part(call("write_file", {{"path", "a\nb"}, {"text", ""}}), "control character");
  expect_part(call("write_file", {{"path", ".tessera/x"}, {"text", ""}}), "Tessera's own");
}

TEST_F(FileTools, EditReplacesOnePlaceOrSaysWhyNot) {
  workspace_.write("c.txt", "alpha = 1\nbeta = 2\nalpha = 1\n");
  expect_part(call("edit_file", {{"path", "c.txt"}, {"old", "beta = 2"}, {"new", "beta = 3"}}),
              "-beta = 2\n+beta = 3\n");
  expect_part(call("edit_file", {{"path", "c.txt"}, {"old", "alpha = 1"}, {"new", "x"}}),
              "is there 2 times (lines 1, 3)");
  expect_part(call("edit_file", {{"path", "c.txt"}, {"old", "beta=3"}, {"new", "x"}}),
              "the nearest is line 2: \"beta = 3\"");
  expect_part(call("edit_file", {{"path", "d.txt"}, {"old", "a"}, {"new", "x"}}),
              "the nearest are \"c.txt\"");
  expect_part(call("edit_file", {{"path", "c.txt"}, {"old", ""}, {"new", "x"}}), "is empty");
  call("edit_file", {{"path", "c.txt"}, {"old", "alpha"}, {"new", "omega"}, {"all", true}});
  EXPECT_EQ(workspace_.read("c.txt"), "omega = 1\nbeta = 3\nomega = 1\n");
}

TEST_F(FileTools, APlanIsShownOrApplied) {
  workspace_.write("a.txt", "x");
  const json plan = json::parse(R"([{"op":"move","files":"*.txt","to":"t/"}])");
  EXPECT_EQ(call("file_plan", {{"plan", plan}}),
            "mkdir   t\nmove    a.txt -> t/a.txt\n1 new folder, 1 move\n");
  EXPECT_TRUE(workspace_.has("a.txt"));
  expect_part(call("file_plan", {{"plan", plan}, {"apply", true}}), "done:\n");
  EXPECT_TRUE(workspace_.has("t/a.txt"));
  expect_part(call("file_plan", {{"plan", "x"}}), "plan must be of type array");
  expect_part(call("nothing", json::object()), "there is no file tool");
}

TEST_F(FileTools, EveryToolIsDescribedBySchema) {
  for (const ToolInfo& info : tool_infos()) {
    const json schema = json::parse(info.schema, nullptr, false);
    ASSERT_TRUE(schema.is_object()) << info.name;
    EXPECT_EQ(schema["type"], "object");
    EXPECT_FALSE(info.description.empty());
    for (const json& name : schema.value("required", json::array()))
      EXPECT_TRUE(schema["properties"].contains(name.get<std::string>())) << info.name;
  }
  EXPECT_EQ(tool_infos().size(), 5u);
}

}  // namespace
}  // namespace tools::file
