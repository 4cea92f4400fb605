// Every plan of docs/files.md, on the files that it shows: the preview must be what stands below
// it, and applying must leave what the preview says.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <ctime>
#include <set>
#include <sstream>
#include "base/json.h"

#include "base/unique_fd.h"
#include "tests/tools/fenced_blocks.h"
#include "tests/tools/workspace.h"
#include "tools/file/apply.h"
#include "tools/file/preview.h"
#include "tools/file/produce.h"

namespace tools::file {
namespace {

/// A line is a day, a name up to its extension's end, and the content with | for line breaks.
void make_files(const std::string& text, const TemporaryWorkspace& workspace) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const size_t dot = line.find('.');
    const size_t end = line.find(' ', dot);
    ASSERT_NE(end, line.npos) << line;
    std::string content = line.substr(end + 1);
    for (char& c : content) c = c == '|' ? '\n' : c;
    const std::string name = line.substr(11, end - 11);
    workspace.write(name, content);
    std::tm day{};
    ASSERT_NE(::strptime(line.substr(0, 10).c_str(), "%Y-%m-%d", &day), nullptr) << line;
    const timespec times[2] = {{::timegm(&day), 0}, {::timegm(&day), 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, name.c_str(), times, 0), 0);
  }
}

TEST(FileDocs, EveryPlanDoesWhatStandsBelowIt) {
  const std::vector<Block> blocks = blocks_of(TESSERA_FILE_DOCS);
  std::string files;
  std::set<std::string> operations;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].kind == "files") files = blocks[i].text;
    if (blocks[i].kind != "json") continue;
    SCOPED_TRACE("line " + std::to_string(blocks[i].line));
    ASSERT_TRUE(i + 1 < blocks.size() && blocks[i + 1].kind == "text") << "no output below";
    const TemporaryWorkspace workspace;
    make_files(files, workspace);
    const base::UniqueFd top(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    base::Result<std::vector<Operation>> plan = parse_plan_text(blocks[i].text);
    ASSERT_TRUE(plan) << plan.error().message;
    for (const Operation& o : *plan) operations.insert(verb_name(o.verb));
    base::Result<Listing> listing = list(top.get());
    ASSERT_TRUE(listing);
    base::Result<Expansion> expansion = expand(*plan, *listing, contents_beneath(top.get()));
    ASSERT_TRUE(expansion) << expansion.error().message;
    EXPECT_EQ(preview_text(*expansion), blocks[i + 1].text);
    const base::Status done = apply(
        top.get(), *expansion,
        {.convert_table = [](const std::string&, const std::string&) -> base::Result<std::string> {
          return std::string("[]\n");  // the data engine's part is tested with the worker
        }});
    ASSERT_TRUE(done) << done.error().message;
    base::Result<Listing> after = list(top.get());
    ASSERT_TRUE(after);
    std::vector<std::string> expected, actual;
    for (const Entry& e : expansion->after.entries) expected.push_back(e.path);
    for (const Entry& e : after->entries) actual.push_back(e.path);
    EXPECT_EQ(actual, expected);
  }
  EXPECT_EQ(operations.size(), 10u) << "an operation has no example";
}

}  // namespace
}  // namespace tools::file
