// Every example of docs/lua.md, run by the worker: what it prints must be what stands below it.

#include <gtest/gtest.h>

#include "tests/tools/call_worker.h"
#include "tests/tools/fenced_blocks.h"
#include "tests/tools/workspace.h"

namespace {

TEST(LuaDocs, EveryExamplePrintsWhatStandsBelowIt) {
  const std::vector<Block> blocks = blocks_of(TESSERA_LUA_DOCS);
  const TemporaryWorkspace workspace;
  int examples = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].kind.starts_with("csv "))
      workspace.write(blocks[i].kind.substr(4), blocks[i].text);
    if (blocks[i].kind != "lua") continue;
    ASSERT_TRUE(i + 1 < blocks.size() && blocks[i + 1].kind == "text")
        << "the example in line " << blocks[i].line << " has no output";
    const Reply reply = call_worker("lua", nlohmann::json{{"script", blocks[i].text}}.dump());
    EXPECT_EQ(reply.observation + "\n", blocks[i + 1].text) << "line " << blocks[i].line;
    ++examples;
  }
  EXPECT_GE(examples, 25);
}

TEST(LuaDocs, NameEveryFunction) {
  std::ifstream file(TESSERA_LUA_DOCS);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const TemporaryWorkspace workspace;
  workspace.write("a.csv", "a\n1\n");
  // The worker's own list of methods, and the library's functions.
  Reply reply =
      call_worker("lua", nlohmann::json{{"script",
                                         "for name in pairs(data) do print('data.' .. name) end "
                                         "for name in pairs(chart) do print('chart.' .. name) end"}}
                             .dump());
  std::istringstream names(reply.observation);
  int n = 0;
  for (std::string name; std::getline(names, name); ++n)
    EXPECT_NE(text.find(name + "("), text.npos) << name;
  EXPECT_GE(n, 18);
  reply = call_worker("lua", R"x({"script":"data.read('a.csv'):no_such_method()"})x");
  const size_t at = reply.observation.find("methods: ");
  ASSERT_NE(at, std::string::npos) << reply.observation;
  std::string list = reply.observation.substr(at + 9);
  for (const char* more : {"pivot", "unpivot", "window", "sample", "day", "week", "hour", "notes",
                           "to_csv", "to_json", "to_parquet", "to_xlsx"})
    list += std::string(", ") + more;
  std::istringstream methods(list);
  for (std::string name; std::getline(methods >> std::ws, name, ',');)
    EXPECT_TRUE(text.find("`t:" + name) != text.npos || text.find("`" + name + "`") != text.npos)
        << name;
}

}  // namespace
