#include "policies/policy.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace policies {
namespace {

const char kGood[] = R"({"name": "n", "why": "w", "workspace": "write", "commit": "ask",
  "network": {"hosts": ["Example.Net:443", "*.example.org:8443"]},
  "rules": [{"why": "r", "verdict": "deny", "command": ["rm|rmdir", "**"],
             "examples": {"match": ["rm -rf build"], "not": ["ls"]}}],
  "otherwise": {"command": "allow", "tool": "ask"},
  "limits": {"wall_ms": 1000, "cpu_ms": 2000, "memory_bytes": 16777216, "file_bytes": 4096, "output_bytes": 1024,
             "processes": 3, "open_files": 16, "disk_bytes": 8192, "files": 7},
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
  Policy expected;
  expected.name = "n";
  expected.why = "w";
  expected.workspace_writable = true;
  expected.commit_asks = true;
  expected.network.hosts = {*HostPattern::parse("example.net:443", false),
                            *HostPattern::parse("*.example.org:8443", false)};
  Rule rule;
  rule.why = "r";
  rule.verdict = Verdict::deny;
  rule.command = *CommandPattern::parse({"rm|rmdir", "**"});
  rule.examples = {.match = {"rm -rf build"}, .not_match = {"ls"}};
  expected.rules = {rule};
  expected.otherwise = {.command = Verdict::allow, .tool = Verdict::ask};
  expected.limits = {.wall = std::chrono::seconds(1),
                     .cpu = std::chrono::seconds(2),
                     .memory_bytes = 16777216,
                     .file_bytes = 4096,
                     .output_bytes = 1024,
                     .processes = 3,
                     .open_files = 16,
                     .disk_bytes = 8192,
                     .files = 7};
  expected.protect = {.read_only = {".git"}, .hidden = {}};
  EXPECT_EQ(*policy, expected);
  EXPECT_TRUE(policy->paths.read.empty() && policy->paths.write.empty());
}

TEST(Policy, ShippedPoliciesLoadAndStrictIsStricter) {
  for (std::string_view name : builtin_names()) {
    base::Result<Policy> policy = builtin(name);
    ASSERT_TRUE(policy) << policy.error().message;
    EXPECT_EQ(policy->name, name);
    EXPECT_FALSE(builtin_text(name).empty());
    // Everything a rule is for is documented by an example.
    EXPECT_FALSE(policy->rules.empty());
  }
  Policy loose = *builtin("default"), strict = *builtin("strict");
  EXPECT_TRUE(loose.workspace_writable);
  EXPECT_FALSE(strict.workspace_writable);
  EXPECT_LT(strict.limits.wall, loose.limits.wall);
  EXPECT_LT(strict.limits.memory_bytes, loose.limits.memory_bytes);
  EXPECT_LT(strict.limits.processes, loose.limits.processes);
  EXPECT_EQ(builtin("lax").error().message,
            "no policy \"lax\"; built in: default, strict, review, open-network");
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
  EXPECT_EQ(message(changed(".git", "..")),
            "p.json: protect.read_only[0]: \"..\" is not the name of a file");
  EXPECT_EQ(message(changed("\"n\"", "7")), "p.json: name: expected text");
  EXPECT_EQ(message(changed("\"disk_bytes\": 8192", "\"disk_bytes\": 0")),
            "p.json: limits.disk_bytes: 0, expected 4096 to 1099511627776");
  EXPECT_EQ(message(changed("\"files\": 7", "\"files\": 0")),
            "p.json: limits.files: 0, expected 1 to 1000000");
  EXPECT_EQ(message(changed("\"commit\": \"ask\"", "\"commit\": true")),
            "p.json: commit: true, expected \"auto\" or \"ask\"");
  EXPECT_EQ(message(changed("\"command\": \"allow\"", "\"command\": \"maybe\"")),
            "p.json: otherwise.command: \"maybe\", expected \"allow\", \"ask\" or \"deny\"");
}

TEST(Policy, RefusesUnknownMissingAndRepeatedFields) {
  EXPECT_EQ(message(changed("\"wall_ms\"", "\"wal_ms\"")), "p.json: limits.wal_ms: unknown field");
  EXPECT_EQ(message(changed("\"name\"", "\"nam\"")), "p.json: nam: unknown field");
  EXPECT_EQ(message(changed("\"commit\": \"ask\",", "")), "p.json: commit: missing");
  EXPECT_EQ(message(changed("\"processes\": 3, ", "")), "p.json: limits.processes: missing");
  EXPECT_EQ(message(changed("\"processes\": 3", "\"processes\": 3, \"processes\": 4000")),
            "p.json: processes: given twice");
  EXPECT_EQ(message(changed("{\"read_only\": [\".git\"], \"hidden\": []}", "[]")),
            "p.json: protect: expected an object");
}

TEST(Policy, RefusesANetworkThatIsNotClear) {
  const std::string hosts = "{\"hosts\": [\"Example.Net:443\", \"*.example.org:8443\"]}";
  EXPECT_EQ(message(changed(hosts, "\"none\"")), "");
  EXPECT_EQ(message(changed(hosts, "\"all\"")),
            "p.json: network: expected \"none\" or an object with hosts");
  EXPECT_EQ(message(changed(hosts, "{\"hosts\": []}")),
            "p.json: network.hosts: no host; write \"network\": \"none\"");
  const auto complaint = [&](const std::string& host) {
    return message(changed("Example.Net:443", host));
  };
  const std::string field = "p.json: network.hosts[0]: ";
  EXPECT_EQ(complaint("example.net"), field + "\"example.net\": expected HOST:PORT");
  EXPECT_EQ(complaint("example.net:*"), field + "\"example.net:*\": the port is not 1 to 65535");
  EXPECT_EQ(complaint("example.net:0"), field + "\"example.net:0\": the port is not 1 to 65535");
  EXPECT_EQ(complaint("a.*.org:1"),
            field + "\"a.*.org:1\": * can only be the first part of a name");
  EXPECT_EQ(complaint("py*:1"), field + "\"py*:1\": * can only be the first part of a name");
  EXPECT_EQ(complaint("http://a:1"),
            field + "\"http://a:1\": an IPv6 address is written [ADDRESS]:PORT");
  EXPECT_EQ(complaint("a/b:1"), field + "\"a/b:1\": not a host name or address");
  EXPECT_EQ(complaint("0177.0.0.1:1"), field + "\"0177.0.0.1:1\": not a host name or address");
  EXPECT_EQ(complaint("[::1]:8080"), "");
  EXPECT_EQ(complaint("*:443"), "");
}

TEST(Policy, ChecksTheExamplesOfEachRule) {
  EXPECT_EQ(message(changed("\"rm -rf build\"", "\"git rm x\"")),
            "p.json: rules[0].examples.match[0]: \"git rm x\" does not match the rule");
  EXPECT_EQ(message(changed("\"ls\"", "\"ls && rm x\"")),
            "p.json: rules[0].examples.not[0]: \"ls && rm x\" matches the rule");
  EXPECT_EQ(message(changed("\"ls\"", "\"ls '\"")),
            "p.json: rules[0].examples.not[0]: \"ls '\" cannot be read: an open quote");
  EXPECT_EQ(message(changed("[\"rm -rf build\"]", "[]")),
            "p.json: rules[0].examples.match: expected at least one example");
  EXPECT_EQ(message(changed("\"command\": [\"rm|rmdir\", \"**\"]", "\"tool\": \"rm*\"")), "");
  EXPECT_EQ(message(changed("\"command\": [\"rm|rmdir\", \"**\"]", "\"host\": \"rm:*\"")),
            "p.json: rules[0].examples.match[0]: \"rm -rf build\": expected HOST:PORT");
}

TEST(Policy, RefusesARuleThatSaysNothingOrTooMuch) {
  EXPECT_EQ(message(changed("\"command\": [\"rm|rmdir\", \"**\"],", "")),
            "p.json: rules[0]: expected exactly one of command, tool and host");
  EXPECT_EQ(message(changed("\"verdict\": \"deny\",", "\"verdict\": \"deny\", \"tool\": \"x\",")),
            "p.json: rules[0]: expected exactly one of command, tool and host");
  EXPECT_EQ(message(changed("[\"rm|rmdir\", \"**\"]", "[]")),
            "p.json: rules[0].command: 0 words, expected 1 to 32");
  EXPECT_EQ(message(changed("rm|rmdir", "rm|")),
            "p.json: rules[0].command: \"rm|\": an alternative is empty");
  EXPECT_EQ(message(changed("rm|rmdir", "rm*")),
            "p.json: rules[0].command: \"rm*\": * stands for a whole word only");
  EXPECT_EQ(message(changed("rm|rmdir", "/bin/rm")),
            "p.json: rules[0].command: \"/bin/rm\": a program is named without its folder");
  EXPECT_EQ(message(changed("\"why\": \"r\", ", "")), "p.json: rules[0].why: missing");
  std::string allow = changed("\"command\": [\"rm|rmdir\", \"**\"]", "\"host\": \"a:1\"");
  allow.replace(allow.find("\"deny\""), 6, "\"allow\"");
  EXPECT_EQ(message(allow),
            "p.json: rules[0].verdict: a host is allowed by listing it in network.hosts");
}

TEST(Policy, RefusesPathsThatNoProgramMaySee) {
  const auto with = [](const std::string& paths) {
    return message(changed("\"network\"", "\"paths\": " + paths + ", \"network\""));
  };
  EXPECT_EQ(with("{}"), "");
  EXPECT_EQ(with("{\"read\": [\"/usr/share\", \"/srv/data\"], \"write\": [\"/srv/out\"]}"), "");
  EXPECT_EQ(with("{\"red\": []}"), "p.json: paths.red: unknown field");
  EXPECT_EQ(with("{\"read\": [\"data\"]}"),
            "p.json: paths.read[0]: \"data\": expected /... or ~/... without ..");
  EXPECT_EQ(with("{\"read\": [\"/srv/../etc\"]}"),
            "p.json: paths.read[0]: \"/srv/../etc\": expected /... or ~/... without ..");
  EXPECT_EQ(
      with("{\"read\": [\"/etc/passwd\"]}"),
      "p.json: paths.read[0]: \"/etc/passwd\" holds the system's configuration (/etc); no policy "
      "can give it to a program");
  EXPECT_EQ(
      with("{\"write\": [\"/srv/ok\", \"/usr/lib\"]}"),
      "p.json: paths.write[1]: \"/usr/lib\" holds programs of the system (/usr), which no run may "
      "change; no policy can give it to a program");
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
