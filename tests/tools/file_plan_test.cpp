// Plans of operations: what they come down to, and that applying them does exactly that.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <random>
#include <thread>
#include "base/json.h"

#include "base/unique_fd.h"
#include "media/image.h"
#include "tests/tools/workspace.h"
#include "tools/file/apply.h"
#include "tools/file/beneath.h"
#include "tools/file/preview.h"
#include "tools/file/produce.h"
#include "tools/file/shorten.h"

namespace tools::file {
namespace {

namespace fs = std::filesystem;
/// Expects that a text holds another, and shows it if not.
void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), text.npos) << text << "\nlacks: " << part;
}

/// What lies in a folder: contents of files, "/" for folders, "-> target" for links.
std::map<std::string, std::string> contents_of(const fs::path& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string path = entry.path().lexically_relative(folder);
    if (entry.is_symlink()) {
      out[path] = "-> " + fs::read_symlink(entry.path()).string();
    } else if (entry.is_directory()) {
      out[path] = "/";
    } else {
      std::ifstream file(entry.path(), std::ios::binary);
      out[path] = std::string((std::istreambuf_iterator<char>(file)), {});
    }
  }
  return out;
}

class FilePlan : public testing::Test {
 protected:
  FilePlan() : top_(::open(workspace_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

  base::Result<Expansion> plan(const std::string& text) {
    base::Result<std::vector<Operation>> operations = parse_plan_text(text);
    if (!operations) return operations.error();
    base::Result<Listing> listing = list(top_.get());
    if (!listing) return listing.error();
    return expand(*operations, *listing, contents_beneath(top_.get()));
  }
  /// "" if it was applied, else the error.
  std::string run(const std::string& text, const ApplyOptions& options = {}) {
    base::Result<Expansion> expansion = plan(text);
    if (!expansion) return expansion.error().message;
    base::Status done = apply(top_.get(), *expansion, options);
    return done ? "" : done.error().message;
  }
  std::string text_of(const std::string& text) {
    base::Result<Expansion> expansion = plan(text);
    return expansion ? preview_text(*expansion) : "error: " + expansion.error().message;
  }
  std::map<std::string, std::string> now() { return contents_of(workspace_.path()); }

  TemporaryWorkspace workspace_;
  base::UniqueFd top_;
};

TEST_F(FilePlan, NamesCanTradePlaces) {
  for (const char* name : {"a", "b", "c"}) workspace_.write(name, name);
  EXPECT_EQ(run(R"([{"op":"rename","files":["a","b","c"],"regex":"^a$|^b$|^c$","to":"{n}"}])"), "");
  EXPECT_EQ(now(), (std::map<std::string, std::string>{{"1", "a"}, {"2", "b"}, {"3", "c"}}));
  // 1 -> 2 -> 3 -> 4 is a chain; then 2 3 4 -> 3 4 2 is a cycle.
  EXPECT_EQ(run(R"([{"op":"rename","files":"?","to":"{n}","start":2}])"), "");
  EXPECT_EQ(now(), (std::map<std::string, std::string>{{"2", "a"}, {"3", "b"}, {"4", "c"}}));
  workspace_.write("x1", "first");
  workspace_.write("x2", "second");
  const std::string swap =
      R"([{"op":"rename","files":"x1","to":"x3"},{"op":"rename","files":"x2","to":"x1"},
          {"op":"rename","files":"x3","to":"x2"}])";
  EXPECT_EQ(run(swap), "");
  EXPECT_EQ(workspace_.read("x1"), "second");
  EXPECT_EQ(workspace_.read("x2"), "first");
}

TEST_F(FilePlan, ACycleIsShownWithoutItsSpareName) {
  workspace_.write("ab", "1");
  workspace_.write("ba", "2");
  EXPECT_EQ(text_of(R"([{"op":"rename","files":"??","match":"??","to":"{2}{1}"}])"),
            "move    ba -> ab\nmove    ab -> ba\n2 moves\n");
  EXPECT_EQ(run(R"([{"op":"rename","files":"??","match":"??","to":"{2}{1}"}])"), "");
  EXPECT_EQ(now(), (std::map<std::string, std::string>{{"ab", "2"}, {"ba", "1"}}));
}

TEST_F(FilePlan, TemplatesKnowCapturesCountersDatesAndCase) {
  workspace_.write("IMG_0007.JPG", "x");
  workspace_.write("IMG_0012.JPG", "y");
  const timespec times[2] = {{1'700'000'000, 0}, {1'700'000'000, 0}};  // 2023-11-14
  ASSERT_EQ(::utimensat(AT_FDCWD, "IMG_0012.JPG", times, 0), 0);
  EXPECT_EQ(run(R"([{"op":"rename","files":"IMG_0012.JPG","match":"IMG_*.*",
                     "to":"{date:%Y}/{1}-{n:3}{ext:lower}"}])"),
            "");
  EXPECT_TRUE(workspace_.has("2023/0012-001.jpg"));
  EXPECT_EQ(
      run(R"x([{"op":"rename","files":"*.JPG","regex":"^IMG_0*([0-9]+)","to":"photo {1}"}])x"), "");
  EXPECT_TRUE(workspace_.has("photo 7.JPG"));
  expect_part(text_of(R"([{"op":"rename","files":"*.JPG","to":"{5}"}])"), "is no capture");
  expect_part(text_of(R"([{"op":"rename","files":"*.JPG","to":"{nme}"}])"),
              "there is no placeholder {nme}");
}

TEST_F(FilePlan, CollisionsAreRefusedNumberedSkippedOrReplaced) {
  workspace_.write("a/x.txt", "a");
  workspace_.write("b/x.txt", "b");
  workspace_.write("x.txt", "top");
  expect_part(text_of(R"([{"op":"move","files":"a/x.txt","to":"b/"}])"),
              "\"b/x.txt\" is taken already");
  expect_part(text_of(R"([{"op":"move","files":["a/x.txt","x.txt"],"to":"c/"}])"),
              "both \"a/x.txt\" and \"x.txt\" would become \"c/x.txt\"");
  EXPECT_EQ(text_of(R"([{"op":"move","files":"a/x.txt","to":"b/","on_collision":"skip"}])"),
            "skipped \"a/x.txt\": \"b/x.txt\" is taken\nnothing to do\n");
  EXPECT_EQ(run(R"([{"op":"move","files":["a/x.txt","x.txt"],"to":"b/","on_collision":"number"}])"),
            "");
  EXPECT_EQ(workspace_.read("b/x (2).txt"), "a");
  EXPECT_EQ(workspace_.read("b/x (3).txt"), "top");
  workspace_.write("x.txt", "new");
  EXPECT_EQ(run(R"([{"op":"move","files":"x.txt","to":"b/","on_collision":"replace"}])"), "");
  EXPECT_EQ(workspace_.read("b/x.txt"), "new");
}

TEST_F(FilePlan, FilesGoIntoMoreFoldersThanAreKeptOpen) {
  Expansion expansion;
  for (int i = 0; i < 200; ++i) {
    const std::string n = std::to_string(i);
    workspace_.write("in/" + n, n);
    expansion.steps.push_back({.kind = StepKind::mkdir, .to = "out" + n});
    expansion.steps.push_back(
        {.kind = StepKind::move, .from = "in/" + n, .to = "out" + n + "/new"});
  }
  const base::Status done = apply(top_.get(), expansion);
  ASSERT_TRUE(done) << done.error().message;
  for (int i = 0; i < 200; ++i) {
    const std::string n = std::to_string(i);
    EXPECT_EQ(workspace_.read("out" + n + "/new"), n);
  }
}

TEST_F(FilePlan, ASkippedFileIsInTheWayOfOthers) {
  workspace_.write("a", "a");
  workspace_.write("b", "b");
  workspace_.write("c", "c");
  // b -> c is taken, so b stays, and a -> b is taken too.
  EXPECT_EQ(
      run(R"([{"op":"rename","files":["a","b"],"regex":"^(a|b)$","to":"{1}","on_collision":"skip"},
                    {"op":"rename","files":"a","to":"b","on_collision":"skip"},
                    {"op":"rename","files":"b","to":"c","on_collision":"skip"}])"),
      "");
  EXPECT_EQ(now(), (std::map<std::string, std::string>{{"a", "a"}, {"b", "b"}, {"c", "c"}}));
}

TEST_F(FilePlan, WhatCannotBeIsRefusedWithThePath) {
  workspace_.write("folder/deep/x", "x");
  workspace_.write("plain", "x");
  fs::create_symlink("plain", "link");
  fs::create_symlink("folder", "door");
  ASSERT_EQ(::mkfifo("pipe", 0600), 0);
  const std::string long_name(256, 'n');
  for (const auto& [text, part] : std::vector<std::pair<std::string, std::string>>{
           {R"([{"op":"move","files":"folder","to":"folder/deep/"}])",
            "the folder \"folder\" cannot go into itself"},
           {R"([{"op":"copy","files":"folder","to":"folder/copy"}])", "cannot go into itself"},
           {R"([{"op":"move","files":"plain","to":"../plain"}])", "leads out of the workspace"},
           {R"([{"op":"move","files":"/etc/passwd","to":"x"}])", "is not relative"},
           {R"([{"op":"move","files":"plain","to":"plain/x"}])",
            "is a file where a folder is needed"},
           {R"([{"op":"move","files":"link","to":"folder/"}])",
            "\"link\" is a relative link (to \"plain\")"},
           {R"([{"op":"copy","files":"link","to":"l2"}])", "is neither a file nor a folder"},
           {R"([{"op":"move","files":"door/deep/x","to":"y"}])", "lies behind the link \"door\""},
           {R"([{"op":"move","files":"plain","to":"door/y"}])", "\"door\" is a link"},
           {R"([{"op":"move","files":"pipe","to":"p"}])", "\"pipe\" is neither a file"},
           {R"([{"op":"move","files":"plian","to":"p"}])",
            "there is no file \"plian\"; the nearest are \"plain\""},
           {R"([{"op":"move","files":"*.png","to":"p/"}])", "no file matches \"*.png\""},
           {R"([{"op":"rename","files":"plain","to":")" + long_name + R"("}])",
            "longer than 255 bytes"},
           {R"([{"op":"rename","files":"plain","to":"a\nb"}])", "has a control character"},
           {R"([{"op":"move","files":".tessera/x","to":"x"}])", "Tessera's own folder"},
           {R"([{"op":"delete","files":"folder"}])", "is not empty; set recursive"},
           {R"([{"op":"mvoe","files":"a","to":"b"}])", "there is no op \"mvoe\""},
           {R"([{"op":"move","files":"a","too":"b"}])", "there is no field \"too\""},
           {R"([{"op":"move","files":"a"}])", "\"to\" is missing"},
           {R"([{"op":"move","files":[],"to":"b"}])", "is an empty list"},
           {R"([{"op":"sort","files":"*","by":"colour"}])",
            "it can be extension, date, size, letter"},
           {R"([{"op":"rename","files":"plain","regex":"(","to":"b"}])", "is no pattern"},
           {R"([{"op":"rename","files":"plain","regex":"(x*)*y","to":"b"}])", "none of the names"},
           {R"([{"op":"archive","files":"plain","to":"x.rar"}])", "must end in .zip"},
           {R"([{"op":"convert","files":"plain","to":"png"}])", "is no picture"},
           {"[[[[[[[[[[[[[[[[[[[[", "nested too deeply"},
           {"{", "the plan is not JSON"},
           {"7", "a plan is a JSON list"},
       })
    expect_part(text_of(text), part);
}

TEST_F(FilePlan, AReadOnlyFolderIsRefusedBeforeAnythingIsDone) {
  Listing listing;
  listing.entries = {{.path = "closed", .kind = Kind::folder, .read_only = true},
                     {.path = "closed/a", .kind = Kind::file},
                     {.path = "b", .kind = Kind::file}};
  for (const char* text : {R"([{"op":"delete","files":"closed/a"}])",
                           R"([{"op":"delete","files":"closed","recursive":true}])",
                           R"([{"op":"move","files":"b","to":"closed/"}])",
                           R"([{"op":"move","files":"closed/a","to":"c"}])",
                           R"([{"op":"mkdir","path":"closed/d"}])"}) {
    base::Result<Expansion> expansion = expand(*parse_plan_text(text), listing, {});
    ASSERT_FALSE(expansion) << text;
    expect_part(expansion.error().message, "the folder \"closed\" is read-only");
  }
}

TEST_F(FilePlan, NamesThatOnlyLookDifferentAreRefused) {
  workspace_.write("x", "x");
  workspace_.write("caf\xC3\xA9.txt", "composed");
  expect_part(text_of("[{\"op\":\"rename\",\"files\":\"x\",\"to\":\"cafe\xCC\x81.txt\"}]"),
              "different Unicode characters");
  // Twins that are there already do not stop another plan.
  workspace_.write("cafe\xCC\x81.txt", "decomposed");
  EXPECT_EQ(run("[{\"op\":\"rename\",\"files\":\"x\",\"to\":\"na\xC3\xAFve\"}]"), "");
  // And renaming one form to the other is no collision.
  fs::remove("caf\xC3\xA9.txt");
  EXPECT_EQ(run("[{\"op\":\"rename\",\"files\":\"cafe\xCC\x81.txt\",\"to\":\"caf\xC3\xA9.txt\"}]"),
            "");
  EXPECT_EQ(workspace_.read("caf\xC3\xA9.txt"), "decomposed");
}

TEST_F(FilePlan, CaseOnlyRenamesAndStrangeOldNamesWork) {
  workspace_.write("Readme.TXT", "r");
  workspace_.write("line\nbreak", "l");
  workspace_.write("\xff\xfe", "bytes");
  EXPECT_EQ(run(R"([{"op":"rename","files":"Readme.TXT","to":"{name:lower}"}])"), "");
  EXPECT_EQ(run(R"([{"op":"rename","files":["line*","*"],"order":"size","to":"{n}.txt"}])"), "");
  EXPECT_EQ(now().size(), 3u);
  EXPECT_EQ(workspace_.read("1.txt"), "l");
}

TEST_F(FilePlan, SortMakesFoldersByExtensionDateSizeAndLetter) {
  for (const char* name : {"a.CSV", "b.csv", "c.txt", "1", "\xC3\xA4.md"})
    workspace_.write(name, name);
  EXPECT_EQ(text_of(R"([{"op":"sort","files":"*","by":"extension","into":"s"}])"),
            "mkdir   s\nmkdir   s/no extension\nmkdir   s/csv\nmkdir   s/txt\nmkdir   s/md\n"
            "move    1 -> s/no extension/1\nmove    a.CSV -> s/csv/a.CSV\n"
            "move    b.csv -> s/csv/b.csv\nmove    c.txt -> s/txt/c.txt\n"
            "move    \xC3\xA4.md -> s/md/\xC3\xA4.md\n5 new folders, 5 moves\n");
  EXPECT_EQ(run(R"([{"op":"sort","files":"*","by":"letter"}])"), "");
  EXPECT_TRUE(workspace_.has("A/a.CSV"));
  EXPECT_TRUE(workspace_.has("0-9/1"));
  EXPECT_TRUE(workspace_.has("\xC3\x84/\xC3\xA4.md"));
  EXPECT_EQ(run(R"([{"op":"sort","files":"**","by":"size","into":"all"}])"), "");
  EXPECT_TRUE(workspace_.has("all/small/c.txt"));
}

TEST_F(FilePlan, DedupeKeepsOneOfEachContent) {
  workspace_.write("old.txt", "same");
  workspace_.write("new copy.txt", "same");
  workspace_.write("other.txt", "diff");
  workspace_.write("empty1", "");
  workspace_.write("empty2", "");
  const timespec times[2] = {{1000, 0}, {1000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, "old.txt", times, 0), 0);
  EXPECT_EQ(text_of(R"([{"op":"dedupe","files":"**"}])"),
            "delete  new copy.txt  (same as old.txt)\n1 deletion\n");
  EXPECT_EQ(text_of(R"([{"op":"dedupe","files":"**","keep":"newest"}])"),
            "delete  old.txt  (same as new copy.txt)\n1 deletion\n");
  EXPECT_EQ(text_of(R"([{"op":"dedupe","files":"**","keep":"shortest"}])"),
            "delete  new copy.txt  (same as old.txt)\n1 deletion\n");
  EXPECT_EQ(run(R"([{"op":"dedupe","files":"**"}])"), "");
  EXPECT_EQ(now().size(), 4u);
}

TEST_F(FilePlan, MergeKeepsOneHeaderAndRefusesAnother) {
  workspace_.write("1.csv", "a,b\n1,2");
  workspace_.write("2.csv",
                   "\xEF\xBB\xBF"
                   "a,b\r\n3,4\r\n");
  workspace_.write("3.csv", "a,c\n5,6\n");
  EXPECT_EQ(run(R"([{"op":"merge","files":["1.csv","2.csv"],"to":"all.csv","remove":true}])"), "");
  EXPECT_EQ(workspace_.read("all.csv"), "a,b\n1,2\n3,4\r\n");
  EXPECT_FALSE(workspace_.has("1.csv"));
  const auto before = now();
  EXPECT_EQ(run(R"([{"op":"delete","files":"3.csv"},{"op":"mkdir","path":"x"}])"), "");
  workspace_.write("3.csv", "a,c\n5,6\n");
  fs::remove("x");
  const std::string sentence = "that of \"3.csv\" is \"a,c\"";
  // The preview refuses it already.
  const auto merged = plan(R"([{"op":"merge","files":["3.csv","all.csv"],"to":"m.csv"}])");
  ASSERT_FALSE(merged);
  expect_part(merged.error().message, "the first line of \"all.csv\" is \"a,b\", " + sentence);
  // What the plan makes itself is compared when it is there, and what was done is taken back.
  workspace_.write("4.csv", "a,c\n7,8\n");
  expect_part(run(R"([{"op":"mkdir","path":"x"},
                      {"op":"merge","files":["3.csv","4.csv"],"to":"x/c.csv","remove":true},
                      {"op":"merge","files":["x/c.csv","all.csv"],"to":"x/m.csv"}])"),
              "the first line of \"x/c.csv\" is \"a,c\", that of \"all.csv\" is \"a,b\"; "
              "nothing was changed");
  fs::remove(workspace_.path() / "4.csv");
  EXPECT_EQ(now(), before);
  EXPECT_EQ(run(R"([{"op":"merge","files":"*.csv","to":"m.txt"}])"), "");
  EXPECT_EQ(workspace_.read("m.txt"), "a,c\n5,6\na,b\n1,2\n3,4\r\n");
}

TEST_F(FilePlan, ArchivesHoldTheFilesAndAreTheSameBytesAgain) {
  workspace_.write("d/\xC3\xA4.txt", "hello");
  workspace_.write("d/e/f.bin", std::string(100'000, 'z'));
  for (const char* end : {"zip", "tar.gz"}) {
    const std::string name = std::string("x.") + end;
    EXPECT_EQ(run(R"([{"op":"archive","files":"d","to":")" + name + R"("}])"), "");
    EXPECT_EQ(run(R"([{"op":"archive","files":"d","to":"again.)" + std::string(end) + R"("}])"),
              "");
    EXPECT_EQ(workspace_.read(name), workspace_.read("again." + std::string(end)));
  }
  EXPECT_EQ(workspace_.read("x.zip").substr(0, 2), "PK");
  expect_part(workspace_.read("x.zip"), "d/\xC3\xA4.txt");
  fs::create_directory("out");
  ASSERT_EQ(std::system("tar -xzf x.tar.gz -C out"), 0);
  EXPECT_EQ(contents_of("out/d"), contents_of("d"));
  workspace_.write("d/\xff", "not UTF-8");
  expect_part(run(R"([{"op":"archive","files":"d","to":"bad.tgz"}])"), "\\xff\" is not UTF-8");
  fs::remove("d/\xff");
  EXPECT_EQ(run(R"([{"op":"archive","files":"d","to":"gone.zip","remove":true}])"), "");
  EXPECT_FALSE(workspace_.has("d"));
}

TEST_F(FilePlan, ConvertMakesPicturesAndRefusesBrokenOnes) {
  const std::string png = *media::encode_png(media::Pixels::filled(5, 4, 200, 10, 10));
  workspace_.write("p.png", png);
  EXPECT_EQ(run(R"([{"op":"convert","files":"p.png","to":"jpg"}])"), "");
  const std::string jpeg = workspace_.read("p.jpg");
  ASSERT_EQ(media::format_of(jpeg), media::Format::jpeg);
  base::Result<media::Pixels> pixels = media::decode(jpeg);
  ASSERT_TRUE(pixels);
  EXPECT_EQ(pixels->width, 5);
  EXPECT_NEAR(pixels->rgb[0], 200, 3);
  workspace_.write("broken.png", png.substr(0, 40));
  const auto before = now();
  expect_part(
      run(R"([{"op":"delete","files":"p.jpg"},{"op":"convert","files":"broken.png","to":"jpeg"}])"),
      "nothing was changed");
  EXPECT_EQ(now(), before);
}

TEST_F(FilePlan, ALinkPutInTheWayLaterLeadsNowhere) {
  workspace_.write("a/x", "x");
  workspace_.write("y", "y");
  const TemporaryWorkspace outside;
  fs::current_path(workspace_.path());
  base::Result<Expansion> expansion = plan(R"([{"op":"move","files":"y","to":"a/"}])");
  ASSERT_TRUE(expansion);
  fs::rename("a", "b");
  fs::create_directory_symlink(outside.path(), "a");
  const auto before = now();
  base::Status done = apply(top_.get(), *expansion);
  ASSERT_FALSE(done);
  expect_part(done.error().message, "nothing was changed");
  EXPECT_EQ(now(), before);
  EXPECT_TRUE(fs::is_empty(outside.path()));
}

TEST_F(FilePlan, MovesAcrossFileSystemsCopyAndCanBeTakenBack) {
  workspace_.write("d/e/x", "x");
  workspace_.write("d/y", "y");
  fs::create_symlink("y", "d/link");
  fs::permissions("d/y", fs::perms::owner_read);
  const auto before = now();
  const ApplyOptions copying{.never_rename = true};
  EXPECT_EQ(run(R"([{"op":"move","files":"d","to":"moved"}])", copying), "");
  EXPECT_EQ(workspace_.read("moved/e/x"), "x");
  EXPECT_FALSE(workspace_.has("d"));
  EXPECT_EQ(fs::status("moved/y").permissions(), fs::perms::owner_read);
  EXPECT_EQ(run(R"([{"op":"move","files":"moved","to":"d"}])", copying), "");
  base::Result<Expansion> expansion = plan(
      R"([{"op":"move","files":"d","to":"moved"},{"op":"delete","files":"moved/e","recursive":true}])");
  ASSERT_TRUE(expansion);
  expansion->steps.push_back({.kind = StepKind::remove, .from = "not there"});
  EXPECT_FALSE(apply(top_.get(), *expansion, copying));
  EXPECT_EQ(now(), before);
}

TEST_F(FilePlan, ARealOtherFileSystemIsHandled) {
  if (::geteuid() != 0) GTEST_SKIP() << "mounting needs root";
  fs::create_directory("disk");
  workspace_.write("d/x", "x");
  const pid_t child = ::fork();
  if (child == 0) {  // mounts of its own
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", "disk", "tmpfs", 0, nullptr) != 0)
      ::_exit(77);
    const base::UniqueFd top(::open(".", O_RDONLY | O_DIRECTORY));
    base::Result<Listing> listing = list(top.get());
    base::Result<Expansion> expansion = expand(
        *parse_plan_text(
            R"([{"op":"move","files":"d","to":"disk/"},{"op":"delete","files":"disk/d","recursive":true},{"op":"mkdir","path":"z"}])"),
        *listing, {});
    const bool ok = expansion && apply(top.get(), *expansion) && fs::is_empty("disk") &&
                    !fs::exists("d") && fs::exists("z");
    ::_exit(ok ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "no mounts here";
  EXPECT_EQ(status, 0);
}

TEST_F(FilePlan, CopiesOfCopiesAreBounded) {
  workspace_.write("d/x", "x");
  std::string text = "[";
  for (int i = 0; i < 30; ++i)
    text +=
        R"({"op":"copy","files":"d","to":"e"},{"op":"move","files":"e","to":"d/"},{"op":"rename","files":"d/e","to":"f)" +
        std::to_string(i) + "\"},";
  text.back() = ']';
  expect_part(text_of(text), "more than 400000");
}

// Random plans
// ---------------------------------------------------------------------------------------------------

class RandomPlan {
 public:
  explicit RandomPlan(unsigned seed) : random_(seed) {}

  void make_files(const TemporaryWorkspace& workspace) {
    const int n = 5 + pick(15);
    for (int i = 0; i < n; ++i) {
      const std::string folder = one_of({"", "", "a/", "b/", "a/c/"});
      const std::string name = folder + one_of({"x", "y", "z", "IMG", "caf\xC3\xA9"}) +
                               std::to_string(pick(4)) + one_of({".txt", ".csv", "", ".TXT"});
      workspace.write(name, "h,i\n" + std::string(one_of({"one", "two", "three"})) + "\n");
      const timespec times[2] = {{pick(5) * 86'400'000, 0}, {pick(5) * 86'400'000, 0}};
      ::utimensat(AT_FDCWD, name.c_str(), times, 0);
    }
  }

  nlohmann::json plan() {
    nlohmann::json out = nlohmann::json::array();
    const int n = 1 + pick(4);
    for (int i = 0; i < n; ++i) out.push_back(operation());
    return out;
  }

 private:
  int pick(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  std::string one_of(std::initializer_list<const char*> list) {
    return list.begin()[pick(static_cast<int>(list.size()))];
  }
  std::string files() {
    return one_of(
        {"*", "**", "*.txt", "**/*.csv", "a/*", "a/", "b", "*/", "a/**", "[xy]*", "{a,b}/*"});
  }
  nlohmann::json operation() {
    nlohmann::json o;
    const std::string collision = one_of({"refuse", "number", "number", "skip", "replace"});
    switch (pick(9)) {
      case 0:
        return {{"op", "mkdir"}, {"path", one_of({"a", "n/e/w", "b/x"})}};
      case 1:
      case 2:
        o = {{"op", "move"}, {"files", files()}, {"to", one_of({"b/", "n/", "a/c/", "", "q"})}};
        break;
      case 3:
        o = {{"op", "copy"}, {"files", files()}, {"to", one_of({"b/", "k/", "a/c/"})}};
        break;
      case 4:
        o = {{"op", "rename"},
             {"files", files()},
             {"to", one_of({"{n}", "{stem:upper}{ext}", "{n:2}-{name}", "x{n}.txt",
                            "{date:%Y}/{name}", "y{n}{ext}"})}};
        break;
      case 5:
        o = {{"op", "sort"},
             {"files", files()},
             {"by", one_of({"extension", "date", "size", "letter"})}};
        if (pick(2)) o["into"] = one_of({"sorted", "a"});
        break;
      case 6:
        return {{"op", "delete"}, {"files", files()}, {"recursive", pick(2) == 1}};
      case 7:
        return {{"op", "dedupe"},
                {"files", files()},
                {"keep", one_of({"oldest", "newest", "shortest"})}};
      default:
        o = {{"op", one_of({"merge", "archive"})}, {"files", files()}, {"remove", pick(2) == 1}};
        o["to"] =
            o["op"] == "merge" ? one_of({"m.csv", "a/m.txt"}) : one_of({"z.zip", "b/z.tar.gz"});
    }
    o["on_collision"] = collision;
    return o;
  }
  std::mt19937 random_;
};

TEST(FilePlanShortened, AFileThatIsMovedTwiceGoesStraightToItsLastPlace) {
  const auto shortened = [](const std::vector<std::string>& steps) {
    std::vector<Step> made;
    for (const std::string& text : steps) {
      const size_t space = text.find(' '), arrow = text.find(" > ");
      const std::string what = text.substr(0, space);
      const std::string first = text.substr(space + 1, arrow - space - 1);
      Step step{.kind = what == "mkdir"    ? StepKind::mkdir
                        : what == "remove" ? StepKind::remove
                        : what == "copy"   ? StepKind::copy
                                           : StepKind::move};
      (what == "mkdir" ? step.to : step.from) = first;
      if (arrow != text.npos) step.to = text.substr(arrow + 3);
      made.push_back(step);
    }
    std::string out;
    for (const Step& step : shorten(made))
      out += (out.empty() ? "" : ", ") + (step.from.empty() ? "mkdir" : step.from) +
             (step.to.empty() ? "" : " > " + step.to);
    return out;
  };
  EXPECT_EQ(shortened({"move in/a > in/b", "mkdir out", "move in/b > out/b"}),
            "mkdir > out, in/a > out/b");
  EXPECT_EQ(shortened({"move a > b", "move b > c", "move c > d"}), "a > d");
  EXPECT_EQ(shortened({"move a > b", "move b > a"}), "a > b, b > a");
  // What has to do with either place keeps its turn.
  EXPECT_EQ(shortened({"move a > b", "move c > a", "move b > d"}), "a > b, c > a, b > d");
  EXPECT_EQ(shortened({"move a > b", "mkdir a", "move b > a/b"}), "a > b, mkdir > a, b > a/b");
  EXPECT_EQ(shortened({"move a > b", "copy b > c", "move b > d"}), "a > b, b > c, b > d");
  EXPECT_EQ(shortened({"move in/a > in/b", "move in > on", "move on/b > c"}),
            "in/a > in/b, in > on, on/b > c");
  EXPECT_EQ(shortened({"move d > e", "move e/x > y", "move e > f"}), "d > e, e/x > y, e > f");
  EXPECT_EQ(shortened({"move in/a > b", "remove in", "move b > c"}), "in/a > b, in, b > c");
}

TEST(FilePlanRandom, ThePreviewIsWhatHappensAndAFailureChangesNothing) {
  int applied = 0, refused = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    const TemporaryWorkspace workspace;
    RandomPlan random(seed);
    random.make_files(workspace);
    const nlohmann::json plan = random.plan();
    SCOPED_TRACE("seed " + std::to_string(seed) + ": " + plan.dump());
    const base::UniqueFd top(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const auto before = contents_of(".");
    base::Result<Listing> listing = list(top.get());
    ASSERT_TRUE(listing);
    base::Result<std::vector<Operation>> operations = parse_plan(plan);
    ASSERT_TRUE(operations) << operations.error().message;
    base::Result<Expansion> expansion = expand(*operations, *listing, contents_beneath(top.get()));
    if (!expansion) {
      ++refused;
      expect_part(expansion.error().message, "operation ");
      continue;
    }
    const ApplyOptions options{.dropped_on_failure = false, .never_rename = seed % 3 == 0};
    Expansion failing = *expansion;
    failing.steps.push_back({.kind = StepKind::remove, .from = "surely/not there"});
    base::Status failed = apply(top.get(), failing, options);
    ASSERT_FALSE(failed);
    ASSERT_EQ(contents_of("."), before) << failed.error().message;
    base::Status done = apply(top.get(), *expansion, options);
    ASSERT_TRUE(done) << done.error().message;
    ++applied;
    const auto after = contents_of(".");
    std::map<std::string, std::string> expected;
    for (const Entry& entry : expansion->after.entries) {
      const auto made = after.find(entry.path);
      expected[entry.path] = entry.kind == Kind::folder ? "/"
                             : !entry.origin.empty()    ? before.at(entry.origin)
                             : made != after.end()      ? made->second
                                                        : "missing";
    }
    ASSERT_EQ(after, expected) << preview_text(*expansion);
  }
  EXPECT_GE(applied, 100);
  EXPECT_GE(refused, 10);
}

}  // namespace
}  // namespace tools::file
