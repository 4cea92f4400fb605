#include "policies/decide.h"

#include <gtest/gtest.h>

namespace policies {
namespace {

using Words = std::vector<std::string>;

Rule command_rule(Verdict verdict, const Words& words, const std::string& why) {
  Rule rule;
  rule.why = why;
  rule.verdict = verdict;
  rule.command = *CommandPattern::parse(words);
  return rule;
}

/// Denies rm, asks for git push, allows ls; otherwise as given.
Policy rules_for(Verdict otherwise) {
  Policy policy;
  policy.name = "p";
  policy.rules = {command_rule(Verdict::deny, {"rm", "**"}, "no rm"),
                  command_rule(Verdict::ask, {"git", "**", "push", "**"}, "may push?"),
                  command_rule(Verdict::allow, {"ls|cat", "**"}, "reads")};
  policy.otherwise.command = otherwise;
  return policy;
}

std::string verdict(const Policy& policy, const Words& argv) {
  return std::string(verdict_name(decide_command(policy, argv).verdict));
}

std::string shell_verdict(const std::string& text, Verdict otherwise = Verdict::allow) {
  return verdict(rules_for(otherwise), {"sh", "-c", text});
}

TEST(Decide, TheStrictestRuleThatMatchesWins) {
  Policy policy = rules_for(Verdict::allow);
  policy.rules.push_back(command_rule(Verdict::allow, {"**"}, "all"));
  policy.rules.push_back(command_rule(Verdict::ask, {"rm", "*"}, "one file"));
  const Decision decision = decide_command(policy, {"rm", "x"});
  EXPECT_EQ(decision.verdict, Verdict::deny);
  EXPECT_EQ(decision.why, "no rm");
  EXPECT_EQ(decision.rule, 0);
  EXPECT_EQ(decision.matches, (std::vector<RuleMatch>{{0, Verdict::deny, "rm x"},
                                                      {3, Verdict::allow, "rm x"},
                                                      {4, Verdict::ask, "rm x"}}));
}

TEST(Decide, WithoutARuleOtherwiseHolds) {
  const Decision decision = decide_command(rules_for(Verdict::ask), {"/usr/bin/sort", "a b"});
  EXPECT_EQ(decision.verdict, Verdict::ask);
  EXPECT_EQ(decision.rule, -1);
  EXPECT_EQ(decision.why, "no rule matches sort 'a b', and otherwise the verdict is ask");
  EXPECT_EQ(verdict(rules_for(Verdict::deny), {"ls"}), "allow");
  EXPECT_EQ(decide_command(rules_for(Verdict::allow), {}).verdict, Verdict::deny);
}

TEST(Decide, PatternsCountWords) {
  const auto matches = [](const Words& pattern, const Words& argv) {
    std::vector<ShellWord> words;
    for (const std::string& word : argv) words.push_back({word});
    return CommandPattern::parse(pattern)->match(words) == Match::yes;
  };
  EXPECT_TRUE(matches({"a"}, {"a"}));
  EXPECT_FALSE(matches({"a"}, {"a", "b"}));
  EXPECT_TRUE(matches({"a", "*"}, {"a", "b"}));
  EXPECT_FALSE(matches({"a", "*"}, {"a"}));
  EXPECT_TRUE(matches({"a", "**"}, {"a"}));
  EXPECT_TRUE(matches({"a", "**", "z"}, {"a", "b", "z", "z"}));
  EXPECT_FALSE(matches({"a", "**", "z"}, {"a", "z", "b"}));
  EXPECT_TRUE(matches({"**"}, {}));
  EXPECT_TRUE(matches({"a|b",
                       "c|"
                       "d"},
                      {"b", "d"}));
  EXPECT_FALSE(matches({"a|b"}, {"a|b"}));
  EXPECT_TRUE(matches(Words(32, "**"), Words(5000, "x")));
}

TEST(Decide, TheFolderOfTheProgramDoesNotMatter) {
  const Policy policy = rules_for(Verdict::allow);
  EXPECT_EQ(verdict(policy, {"/bin/rm", "x"}), "deny");
  EXPECT_EQ(verdict(policy, {"../../bin/rm", "x"}), "deny");
  EXPECT_EQ(verdict(policy, {"rmdir", "x"}), "allow");
  EXPECT_EQ(verdict(policy, {"echo", "rm"}), "allow");
}

TEST(Decide, LooksIntoTheTextOfAShell) {
  EXPECT_EQ(shell_verdict("ls"), "allow");
  EXPECT_EQ(shell_verdict("ls && rm x"), "deny");
  EXPECT_EQ(shell_verdict("echo $(git -C a push)"), "ask");
  EXPECT_EQ(shell_verdict("if ls; then cat x | sort; fi"), "allow");
  EXPECT_EQ(shell_verdict("ls; cat x", Verdict::deny), "allow");
  EXPECT_EQ(shell_verdict("ls; sort x", Verdict::deny), "deny");
  EXPECT_EQ(shell_verdict("bash -lc 'rm x'"), "deny");
  EXPECT_EQ(shell_verdict("eval \"r\"m x"), "deny");
  EXPECT_EQ(shell_verdict("trap 'rm x' EXIT"), "deny");
  const Policy policy = rules_for(Verdict::allow);
  for (const Words& argv : {Words{"bash", "-ec", "rm x"},
                            {"/bin/dash", "-e", "-c", "rm x"},
                            {"bash", "-o", "pipefail", "-c", "rm x"},
                            {"bash", "-eo", "pipefail", "-c", "rm x"},
                            {"bash", "--norc", "-c", "rm x"},
                            {"bash", "--rcfile", "f", "-c", "rm x"},
                            {"sh", "-c", "--", "rm x"},
                            {"env", "A=1", "sh", "-c", "rm x"},
                            {"busybox", "sh", "-c", "rm x"}}) {
    EXPECT_EQ(verdict(policy, argv), "deny") << argv[0] << " " << argv[1];
  }
}

TEST(Decide, LooksPastProgramsThatStartOthers) {
  const Policy policy = rules_for(Verdict::allow);
  for (const Words& argv : {Words{"env", "-i", "rm", "x"},
                            {"timeout", "-k", "1", "5", "/bin/rm", "x"},
                            {"nice", "-n", "3", "rm"},
                            {"xargs", "-0", "rm"},
                            {"sudo", "-u", "a", "nohup", "rm"},
                            {"find", ".", "-name", "x", "-exec", "rm", "{}", "+"},
                            {"busybox", "rm", "x"}}) {
    EXPECT_EQ(verdict(policy, argv), "deny") << argv[0];
  }
  EXPECT_EQ(verdict(policy, {"find", "rm", "-name", "rm"}), "allow");
  EXPECT_EQ(verdict(policy, {"find", ".", "-name", "sh"}), "allow");
  EXPECT_EQ(verdict(policy, {"env", "-S", "rm x"}), "ask");
  // An allowed program behind another does not make that one allowed.
  EXPECT_EQ(verdict(rules_for(Verdict::deny), {"sudo", "ls"}), "deny");
}

TEST(Decide, AsksAboutWhatItCannotReadWhenARuleCouldAskOrDeny) {
  for (const char* text : {"case x in x) rm y;; esac", "f() { rm x; }; f", "cat <<E\nE", "a 'b",
                           "$X y", "eval $X", ". ./x", "sh x.sh", "echo x | sh", "zsh -c 'rm x'",
                           "watch 'rm x'", "r* x", "${X} y", "$'rm' x"}) {
    EXPECT_EQ(shell_verdict(text), "ask") << text;
    EXPECT_EQ(shell_verdict(text, Verdict::deny), "deny") << text;
    Policy lenient;
    lenient.rules = {command_rule(Verdict::allow, {"ls"}, "reads")};
    lenient.otherwise.command = Verdict::allow;
    EXPECT_EQ(verdict(lenient, {"sh", "-c", text}), "allow") << text;
  }
  const Decision decision = decide_command(rules_for(Verdict::allow), {"sh", "-c", "a 'b"});
  EXPECT_EQ(decision.why,
            "part of the command cannot be read (an open quote), and there are rules that ask");
}

TEST(Decide, AnUnknownWordMayBeAnything) {
  EXPECT_EQ(shell_verdict("rm $X"), "deny");
  EXPECT_EQ(shell_verdict("rm *"), "deny");
  EXPECT_EQ(shell_verdict("git $X"), "ask");
  EXPECT_EQ(shell_verdict("git status"), "allow");
  EXPECT_EQ(shell_verdict("echo $X"), "allow");
  EXPECT_EQ(shell_verdict("$X -rf y"), "ask");
  // `ls|cat` must be there whatever $X is, and with `**` it is.
  EXPECT_EQ(shell_verdict("ls $X", Verdict::deny), "allow");
  EXPECT_EQ(shell_verdict("$X a", Verdict::deny), "deny");
}

TEST(Decide, RedirectionsHaveRulesOfTheirOwn) {
  Policy policy;
  policy.rules = {command_rule(Verdict::ask, {">", "**"}, "overwrites"),
                  command_rule(Verdict::allow, {"echo", "**"}, "prints")};
  policy.otherwise.command = Verdict::deny;
  EXPECT_EQ(verdict(policy, {"sh", "-c", "echo x > y"}), "ask");
  EXPECT_EQ(verdict(policy, {"sh", "-c", "echo x >> y"}), "allow");
  EXPECT_EQ(verdict(policy, {"sh", "-c", "echo x > /dev/null"}), "allow");
  EXPECT_EQ(verdict(policy, {"echo", ">", "y"}), "allow");
}

TEST(Decide, ToolsGoByTheirNames) {
  Policy policy;
  Rule rule;
  rule.why = "reads";
  rule.verdict = Verdict::allow;
  rule.tool = *NamePattern::parse("read_*|list");
  policy.rules = {rule};
  rule.why = "secret";
  rule.verdict = Verdict::deny;
  rule.tool = *NamePattern::parse("*secret*");
  policy.rules.push_back(rule);
  policy.otherwise.tool = Verdict::ask;
  EXPECT_EQ(decide_tool(policy, "read_csv").verdict, Verdict::allow);
  EXPECT_EQ(decide_tool(policy, "list").why, "reads");
  EXPECT_EQ(decide_tool(policy, "lists").verdict, Verdict::ask);
  EXPECT_EQ(decide_tool(policy, "read_secrets").verdict, Verdict::deny);
  EXPECT_EQ(decide_tool(policy, "read_secrets").why, "secret");
  EXPECT_EQ(decide_tool(policy, "x").why,
            "no rule matches the tool x, and otherwise the verdict is ask");
}

Policy with_hosts(const Words& hosts) {
  Policy policy;
  policy.name = "p";
  for (const std::string& host : hosts)
    policy.network.hosts.push_back(*HostPattern::parse(host, false));
  return policy;
}

TEST(Decide, HostsMustBeListed) {
  EXPECT_EQ(decide_host({}, "example.net", 443).verdict, Verdict::deny);
  const Policy policy =
      with_hosts({"example.net:443", "*.example.org:8443", "[::1]:80", "10.0.0.1:80"});
  const auto allowed = [&](const char* host, uint16_t port) {
    return decide_host(policy, host, port).verdict == Verdict::allow;
  };
  EXPECT_TRUE(allowed("example.net", 443));
  EXPECT_TRUE(allowed("Example.NET.", 443));
  EXPECT_FALSE(allowed("example.net", 80));
  EXPECT_FALSE(allowed("evil.example.net", 443));
  EXPECT_FALSE(allowed("example.net.evil.com", 443));
  EXPECT_FALSE(allowed("notexample.net", 443));
  EXPECT_TRUE(allowed("a.example.org", 8443));
  EXPECT_TRUE(allowed("a.b.example.org", 8443));
  EXPECT_FALSE(allowed("example.org", 8443));
  EXPECT_FALSE(allowed("evilexample.org", 8443));
  EXPECT_TRUE(allowed("[::1]", 80));
  EXPECT_TRUE(allowed("0:0::0001", 80));
  EXPECT_TRUE(allowed("10.0.0.1", 80));
  for (const char* host :
       {"", ".", "a b", "example.net\n", "example.net/x", "example.net:443", "u@example.net",
        "example..net", "-a.org", "0177.0.0.1", "127.1", "2130706433", "0x7f000001", "[::1%lo]",
        "[example.net]", "p\xc3\xbcpi.org", "*"}) {
    const Decision decision = decide_host(with_hosts({"*:443"}), host, 443);
    EXPECT_EQ(decision.verdict, Verdict::deny) << host;
    EXPECT_NE(decision.why.find("is not a host name or address"), std::string::npos) << host;
  }
  EXPECT_EQ(decide_host(policy, "example.net", 443).why, "the policy p lists example.net:443");
  EXPECT_EQ(decide_host(policy, "a.b", 443).why, "a.b:443 is not among the hosts of the policy p");
  EXPECT_EQ(decide_host(with_hosts({}), "a.b", 443).why, "the policy p gives no network");
}

TEST(Decide, OnlyAHostThatIsSpeltOutIsLiteral) {
  const Policy policy = with_hosts({"*:443", "*.example.org:443", "localhost:443", "10.0.0.1:443"});
  EXPECT_FALSE(decide_host(policy, "a.example.org", 443).literal);
  EXPECT_FALSE(decide_host(policy, "10.0.0.2", 443).literal);
  EXPECT_TRUE(decide_host(policy, "localhost", 443).literal);
  EXPECT_TRUE(decide_host(policy, "10.0.0.1", 443).literal);
}

TEST(Decide, HostRulesOnlyNarrow) {
  Policy policy = with_hosts({"*:443"});
  Rule rule;
  rule.why = "inside";
  rule.verdict = Verdict::deny;
  rule.host = *HostPattern::parse("*.internal:*", true);
  policy.rules = {rule};
  EXPECT_EQ(decide_host(policy, "a.internal", 443).verdict, Verdict::deny);
  EXPECT_EQ(decide_host(policy, "a.internal", 443).why, "inside");
  EXPECT_EQ(decide_host(policy, "example.net", 443).verdict, Verdict::allow);
  policy.rules[0].verdict = Verdict::ask;
  EXPECT_EQ(decide_host(policy, "a.internal", 443).verdict, Verdict::ask);
  // Not listed stays not listed.
  EXPECT_EQ(decide_host(policy, "a.internal", 80).verdict, Verdict::deny);
}

TEST(Decide, TheShippedPoliciesDoWhatTheySay) {
  const auto say = [](const char* policy, const Words& argv) {
    return verdict(*builtin(policy), argv);
  };
  EXPECT_EQ(say("default", {"sh", "-c", "case x in x) rm -rf *;; esac"}), "allow");
  EXPECT_EQ(say("strict", {"sh", "-c", "ls"}), "deny");
  EXPECT_EQ(say("strict", {"ls"}), "allow");
  EXPECT_EQ(say("strict", {"python3", "x.py"}), "ask");
  EXPECT_EQ(say("review", {"sort", "x"}), "allow");
  EXPECT_EQ(say("review", {"sh", "-c", "sort x | uniq -c"}), "allow");
  EXPECT_EQ(say("review", {"sh", "-c", "sort x > y"}), "ask");
  EXPECT_EQ(say("review", {"sudo", "ls"}), "deny");
  EXPECT_EQ(say("open-network", {"git", "push"}), "ask");
  EXPECT_EQ(say("open-network", {"pip", "install", "x"}), "allow");
  EXPECT_TRUE(builtin("review")->commit_asks);
  EXPECT_FALSE(builtin("default")->commit_asks);
  EXPECT_TRUE(builtin("default")->network.none());
  EXPECT_TRUE(builtin("strict")->network.none());
  EXPECT_TRUE(builtin("review")->network.none());
  const Policy open = *builtin("open-network");
  EXPECT_EQ(decide_host(open, "example.net", 443).verdict, Verdict::allow);
  EXPECT_EQ(decide_host(open, "example.net", 22).verdict, Verdict::deny);
  EXPECT_EQ(decide_host(open, "metadata.google.internal", 443).verdict, Verdict::deny);
}

}  // namespace
}  // namespace policies
