// What a person adds: the files that name MCP servers, skills and hooks, and what servers say.

#include <gtest/gtest.h>

#include "agent/hooks.h"
#include "agent/mcp/client.h"
#include "agent/mcp/config.h"
#include "agent/skills.h"
#include "base/base64.h"
#include "policies/decide.h"

namespace agent {
namespace {

using nlohmann::json;

std::string error_of(const std::string& server, bool variables = true) {
  const auto servers =
      mcp::parse_servers(R"({"mcpServers": {"a": )" + server + "}}", "f.json", variables);
  return servers ? "" : servers.error().message;
}

TEST(McpConfig, AServersProgramMayReadAndReachWhatItsEntryNames) {
  const auto servers = mcp::parse_servers(
      R"({"mcpServers": {"git-1": {"command": "x", "args": ["y"], "network": ["api.example.com"],
          "read": ["/opt/tools"], "tool_timeout_sec": 5, "unknown": 1}}})",
      "f.json", true);
  ASSERT_TRUE(servers) << servers.error().message;
  const policies::Policy policy = mcp::server_policy(servers->front());
  EXPECT_FALSE(policy.workspace_writable);
  EXPECT_TRUE(policy.paths.write.empty());
  EXPECT_EQ(policy.paths.read, std::vector<std::filesystem::path>{"/opt/tools"});
  EXPECT_EQ(policies::decide_host(policy, "api.example.com", 443).verdict,
            policies::Verdict::allow);
  EXPECT_EQ(policies::decide_host(policy, "api.example.com", 80).verdict, policies::Verdict::deny);
  EXPECT_EQ(policies::decide_host(policy, "example.com", 443).verdict, policies::Verdict::deny);
  EXPECT_EQ(servers->front().call_time, std::chrono::seconds(5));
}

TEST(McpConfig, WhatCannotBeUsedIsNamed) {
  for (const auto& [entry, part] : std::vector<std::pair<std::string, std::string>>{
           {"7", "not an object"},
           {"{}", "either"},
           {R"({"command": "x", "url": "http://h/"})", "either"},
           {R"({"command": ""})", "no program"},
           {R"({"command": "x", "args": "y"})", "args"},
           {R"({"command": "x", "network": ["*:x"]})", "network"},
           {R"({"command": "x", "read": ["~/.ssh"]})", ".ssh"},
           {R"({"command": "x", "read": ["../x"]})", "absolute"},
           {R"({"command": "x", "env": {"A": "${B"}})", "without }"},
           {R"({"url": "ftp://h/"})", "http"},
           {R"({"url": "http://h/", "type": "sse"})", "sse"},
           {R"({"url": "http://h/", "headers": {"A": "b\r\nC: d"}})", "headers"},
           {R"({"url": "http://h/", "tool_timeout_sec": 0})", "3600"}})
    EXPECT_NE(error_of(entry).find(part), std::string::npos) << entry << ": " << error_of(entry);
  EXPECT_NE(error_of(R"({"command": "x", "env": {"A": "${HOME}"}})", false).find("workspace"),
            std::string::npos);
  EXPECT_EQ(error_of(R"({"command": "x", "env": {"A": "${NO_SUCH:-b}"}})"), "");
  EXPECT_FALSE(mcp::parse_servers(R"({"mcpServers": {"a__b": {"command": "x"}}})", "f", true));
  EXPECT_FALSE(mcp::parse_servers("[]", "f", true));
}

TEST(McpClient, AResultBecomesTextAndPicturesWithinBounds) {
  const std::string png = base::base64_encoded("\x89PNG\r\n\x1a\n");
  json content = json::array({{{"type", "text"}, {"text", std::string(100'000, 'x')}}});
  for (int i = 0; i < 6; ++i)
    content.push_back({{"type", "image"}, {"data", png}, {"mimeType", "image/png"}});
  content.push_back({{"type", "image"}, {"data", "no base64"}, {"mimeType", "image/png"}});
  const mcp::ToolAnswer answer = mcp::read_tool_result({{"content", content}, {"isError", true}});
  EXPECT_EQ(answer.pictures.size(), 4u);
  EXPECT_LT(answer.text.size(), 17'000u);
  EXPECT_TRUE(answer.error);
  EXPECT_TRUE(answer.text.starts_with("error: xxx"));
  EXPECT_EQ(mcp::read_tool_result({{"structuredContent", {{"a", 1}}}}).text, R"({"a":1})");
  EXPECT_EQ(mcp::read_tool_result(7).text, "done");
}

TEST(Skills, FrontMatterHasANameAndADescription) {
  const auto skill = parse_skill(
      "---\r\nname: \"a-b\"\ndescription: |\n  one\n  two\nlicense: x\n---\n# Body\n---\nmore");
  ASSERT_TRUE(skill) << skill.error().message;
  EXPECT_EQ(skill->name, "a-b");
  EXPECT_EQ(skill->description, "one two");
  EXPECT_EQ(skill->body, "# Body\n---\nmore");
  for (const std::string text : {"", "name: a", "---\nname: a\ndescription: b\n",
                                 "---\nname: a/b\ndescription: c\n---\n", "---\nname: a\n---\n"})
    EXPECT_FALSE(parse_skill(text)) << text;
  EXPECT_FALSE(parse_skill("---\nname: a\ndescription: " + std::string(2000, 'x') + "\n---\nbody"));
}

TEST(Hooks, OnlyTheFirstCodeTwoSpeaksAndAnyFailureRefuses) {
  const auto refusal = [](const std::string& script) {
    const json file{{"before_call", {{{"command", {"sh", "-c", script}}, {"timeout_sec", 1}}}}};
    const auto hooks = Hooks::parse(file.dump(), "h", "/");
    EXPECT_TRUE(hooks);
    return hooks->before_call("t", json::object()).value_or("allowed");
  };
  EXPECT_EQ(refusal("grep -q before_call"), "allowed");
  EXPECT_EQ(refusal("echo no, never >&2; exit 2"), "no, never");
  EXPECT_EQ(refusal("exit 5"), "the hook sh failed with code 5");
  EXPECT_NE(refusal("sleep 20 & sleep 20").find("took longer"), std::string::npos);
  // What it leaves behind is not waited for.
  EXPECT_EQ(refusal("sleep 20 & exit 0"), "allowed");
}

}  // namespace
}  // namespace agent
