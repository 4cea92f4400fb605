#include "policies/policy.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace policies {
namespace {

const char kGood[] = R"({"name": "n", "why": "w", "workspace": "write",
  "limits": {"wall_ms": 1000, "cpu_ms": 2000, "memory_bytes": 16777216, "file_bytes": 4096, "output_bytes": 1024,
             "processes": 3, "open_files": 16},
  "protect": {"read_only": [".git"], "hidden": []}})";

/// kGood with `from` replaced by `to`.
std::string changed(const std::string& from, const std::string& to) {
  std::string text = kGood;
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

std::string message(const std::string& json) {
  base::Result<Policy> policy = parse(json, "p.json");
  return policy ? "" : policy.error().message;
}

TEST(Policy, ReadsEveryField) {
  base::Result<Policy> policy = parse(kGood, "p.json");
  ASSERT_TRUE(policy) << policy.error().message;
  Policy expected{.name = "n",
                  .why = "w",
                  .workspace_writable = true,
                  .limits = {.wall = std::chrono::seconds(1),
                             .cpu = std::chrono::seconds(2),
                             .memory_bytes = 16777216,
                             .file_bytes = 4096,
                             .output_bytes = 1024,
                             .processes = 3,
                             .open_files = 16},
                  .protect = {.read_only = {".git"}, .hidden = {}}};
  EXPECT_EQ(*policy, expected);
}

TEST(Policy, ShippedPoliciesLoadAndStrictIsStricter) {
  for (std::string_view name : builtin_names()) {
    base::Result<Policy> policy = builtin(name);
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(policy->name, name);
  }
  Policy loose = *builtin("default"), strict = *builtin("strict");
  EXPECT_TRUE(loose.workspace_writable);
  EXPECT_FALSE(strict.workspace_writable);
  EXPECT_LT(strict.limits.wall, loose.limits.wall);
  EXPECT_LT(strict.limits.memory_bytes, loose.limits.memory_bytes);
  EXPECT_LT(strict.limits.processes, loose.limits.processes);
  EXPECT_EQ(builtin("lax").error().message, "no policy \"lax\"; built in: default, strict");
}

TEST(Policy, TheDefaultsInTheHeaderAreTheDefaultPolicy) {
  EXPECT_EQ(builtin("default")->limits, Limits{});
}

TEST(Policy, NamesTheFieldThatIsWrong) {
  EXPECT_EQ(message(changed("\"wall_ms\": 1000", "\"wall_ms\": 0")),
            "p.json: limits.wall_ms: 0, expected 1 to 86400000");
  EXPECT_EQ(message(changed("\"wall_ms\": 1000", "\"wall_ms\": -5")),
            "p.json: limits.wall_ms: -5, expected 1 to 86400000");
  EXPECT_EQ(message(changed("\"wall_ms\": 1000", "\"wall_ms\": \"1 s\"")),
            "p.json: limits.wall_ms: \"1 s\", expected 1 to 86400000");
  EXPECT_EQ(message(changed("\"wall_ms\": 1000", "\"wall_ms\": 1e3")),
            "p.json: limits.wall_ms: 1000.0, expected 1 to 86400000");
  EXPECT_EQ(message(changed("\"write\"", "\"all\"")),
            "p.json: workspace: \"all\", expected \"read\" or \"write\"");
  EXPECT_EQ(message(changed("\"hidden\": []", "\"hidden\": \"x\"")),
            "p.json: protect.hidden: expected an array of names");
  EXPECT_EQ(message(changed(".git", "a/b")),
            "p.json: protect.read_only[0]: \"a/b\" is not the name of a file");
  EXPECT_EQ(message(changed(".git", "..")), "p.json: protect.read_only[0]: \"..\" is not the name of a file");
  EXPECT_EQ(message(changed("\"n\"", "7")), "p.json: name: expected text");
}

TEST(Policy, RefusesUnknownMissingAndRepeatedFields) {
  EXPECT_EQ(message(changed("\"wall_ms\"", "\"wal_ms\"")), "p.json: limits.wal_ms: unknown field");
  EXPECT_EQ(message(changed("\"name\"", "\"network\"")), "p.json: network: unknown field");
  EXPECT_EQ(message(changed("\"processes\": 3, ", "")), "p.json: limits.processes: missing");
  EXPECT_EQ(message(changed("\"processes\": 3", "\"processes\": 3, \"processes\": 4000")),
            "p.json: processes: given twice");
  EXPECT_EQ(message(changed("{\"read_only\": [\".git\"], \"hidden\": []}", "[]")),
            "p.json: protect: expected an object");
}

TEST(Policy, RefusesWhatIsNotJson) {
  for (const char* text : {"", "{", "[]", "null", "\xff", "{\"name\": \"\xff\"}", "{} {}"}) {
    EXPECT_EQ(message(text).substr(0, 8), "p.json: ") << text;
  }
  EXPECT_FALSE(parse(std::string(1 << 20, '['), "p.json"));
  EXPECT_FALSE(parse(std::string(60'000, '['), "p.json"));
}

TEST(Policy, LoadsAFileAndNamesIt) {
  std::string path = testing::TempDir() + "tessera-policy-" + std::to_string(getpid()) + ".json";
  std::ofstream(path) << kGood;
  base::Result<Policy> policy = load(path);
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->limits.processes, 3u);
  std::ofstream(path) << changed("\"cpu_ms\": 2000", "\"cpu_ms\": true");
  EXPECT_EQ(load(path).error().message, path + ": limits.cpu_ms: true, expected 1 to 86400000");
  std::remove(path.c_str());
  EXPECT_FALSE(load(path));
}

}  // namespace
}  // namespace policies
