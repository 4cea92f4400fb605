#include "policies/decide.h"

#include <algorithm>
#include <initializer_list>

// Every rule that matches counts and the strictest verdict wins, so the order of rules means
// nothing. A command is first matched as it stands. Then it is looked into: the text after a
// shell's -c (policies/shell.h) is split and each of its commands is judged by itself; of a program
// that starts another, ask and deny rules are tried on every tail of its words, since where the
// other one begins depends on options that are not worth knowing. What cannot be read is worth an
// `ask` as soon as any rule could have said so.

namespace policies {
namespace {

constexpr size_t kMaxTail = 64;
constexpr int kMaxDepth = 6;
constexpr int kMaxLooks = 2000;

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Shells whose -c text is read as split_shell() does.
bool is_shell(std::string_view name) {
  return is_one_of(name, {"sh", "bash", "dash", "ash", "ksh", "mksh", "rbash"});
}

/// Programs that run text in a way that is not read here.
bool is_unread_shell(std::string_view name) {
  return is_one_of(name, {"zsh", "fish", "csh", "tcsh", "pwsh", "nu", "xonsh", "su", "runuser",
                          "script", "watch", "parallel", "source", ".", "alias", "ssh"});
}

bool starts_another(std::string_view name) {
  return is_one_of(name,
                   {"env",     "nice",    "nohup",    "timeout",  "sudo",      "doas",    "pkexec",
                    "time",    "command", "exec",     "builtin",  "stdbuf",    "setsid",  "ionice",
                    "chrt",    "taskset", "xargs",    "busybox",  "toybox",    "find",    "fd",
                    "strace",  "ltrace",  "gdb",      "flock",    "chroot",    "unshare", "nsenter",
                    "setpriv", "prlimit", "fakeroot", "setarch",  "linux64",   "linux32", "chronic",
                    "ifne",    "entr",    "sem",      "unbuffer", "catchsegv", "valgrind"});
}

std::string base_name(const std::string& program) {
  const size_t slash = program.rfind('/');
  return slash == std::string::npos ? program : program.substr(slash + 1);
}

class CommandJudge {
 public:
  CommandJudge(const Policy& policy, Decision& decision) : policy_(policy), decision_(decision) {
    decision_.verdict = Verdict::allow;
    for (const Rule& rule : policy.rules)
      careful_ = careful_ || (rule.command && rule.verdict != Verdict::allow);
  }

  void judge(ShellCommand words) { look(std::move(words), 0, false); }

  void text(const std::string& text, int depth) {
    if (depth > kMaxDepth) return unread("more than 6 shells in each other");
    const ShellText shell = split_shell(text);
    for (const ShellCommand& command : shell.commands) look(command, depth + 1, true);
    if (!shell.unread.empty()) unread(shell.unread);
  }

  /// Names who decided, once everything was looked at.
  void conclude() {
    if (!seen_) otherwise("the command");
    for (const RuleMatch& match : decision_.matches) {
      if (match.verdict != decision_.verdict) continue;
      decision_.rule = static_cast<int>(match.rule);
      decision_.why = policy_.rules[match.rule].why;
      return;
    }
    decision_.why = decision_.verdict == unread_verdict_ && !unread_why_.empty() &&
                            decision_.verdict != policy_.otherwise.command
                        ? unread_why_
                        : otherwise_why_;
  }

  const std::string& unread_part() const { return unread_part_; }

 private:
  void stricter(Verdict verdict) {
    decision_.verdict = std::max(decision_.verdict, verdict);
    seen_ = true;
  }

  void otherwise(const std::string& subject) {
    stricter(policy_.otherwise.command);
    if (otherwise_why_.empty()) {
      otherwise_why_ = "no rule matches " + subject + ", and otherwise the verdict is " +
                       std::string(verdict_name(policy_.otherwise.command));
    }
  }

  void unread(const std::string& what) {
    if (unread_part_.empty()) unread_part_ = what;
    const Verdict verdict =
        std::max(careful_ ? Verdict::ask : Verdict::allow, policy_.otherwise.command);
    stricter(verdict);
    unread_verdict_ = std::max(unread_verdict_, verdict);
    if (otherwise_why_.empty()) otherwise("what cannot be read (" + what + ")");
    if (unread_why_.empty())
      unread_why_ =
          "part of the command cannot be read (" + what + "), and there are rules that ask";
  }

  /// Notes the rules that match; true when one surely does.
  bool match(const ShellCommand& words, bool narrowing_only) {
    bool surely = false;
    for (size_t i = 0; i < policy_.rules.size(); ++i) {
      const Rule& rule = policy_.rules[i];
      if (!rule.command || (narrowing_only && rule.verdict == Verdict::allow)) continue;
      const Match match = rule.command->match(words);
      if (match == Match::no || (match == Match::maybe && rule.verdict == Verdict::allow)) continue;
      surely = surely || match == Match::yes;
      const Verdict verdict = match == Match::yes ? rule.verdict : Verdict::ask;
      stricter(verdict);
      RuleMatch note{i, verdict, shell_line(words)};
      if (std::find(decision_.matches.begin(), decision_.matches.end(), note) ==
          decision_.matches.end())
        decision_.matches.push_back(std::move(note));
    }
    return surely;
  }

  /// in_shell: the words come from a shell's text, so `>` can be a redirection.
  void look(ShellCommand words, int depth, bool in_shell) {
    if (words.empty()) return;
    if (depth > kMaxDepth || ++looks_ > kMaxLooks) return unread("too many commands in each other");
    const bool redirection = in_shell && (words[0].text == ">" || words[0].text == ">>");
    if (words[0].known && !redirection) words[0].text = base_name(words[0].text);
    const bool surely = match(words, false);
    if (redirection) return;
    const bool read = words[0].known && inside(words, depth);
    if (!surely && !read) otherwise(shell_line(words));
    if (!words[0].known || !starts_another(words[0].text)) return;
    // `find` names files too; a program begins only behind these.
    const bool is_find = is_one_of(words[0].text, {"find", "fd"});
    if (words[0].text == "env") {
      for (const ShellWord& word : words)
        if (word.text.starts_with("-S") || word.text.starts_with("--split")) unread("env -S");
    }
    for (size_t i = 1; i < words.size(); ++i) {
      if (i > kMaxTail) return unread("more than 64 words after " + words[0].text);
      if (is_find && words[i - 1].known &&
          !is_one_of(words[i - 1].text, {"-exec", "-execdir", "-ok", "-okdir", "-x", "-X"}))
        continue;
      ShellCommand tail(words.begin() + static_cast<ptrdiff_t>(i), words.end());
      if (tail[0].known) tail[0].text = base_name(tail[0].text);
      if (++looks_ > kMaxLooks) return unread("too many commands in each other");
      match(tail, true);
      if (tail[0].known) inside(tail, depth);
    }
  }

  /// Looks into what a shell or a builtin is given. True when the words are only a wrapping and
  /// all inside was judged by itself.
  bool inside(const ShellCommand& words, int depth) {
    const std::string& name = words[0].text;
    if (is_unread_shell(name)) {
      unread("what " + name + " runs");
      return false;
    }
    if (name == "eval" || name == "trap") {
      std::string joined;
      for (size_t i = 1; i < words.size() && (name == "eval" || i == 1); ++i) {
        if (!words[i].known || !words[i].single) {
          unread(name + " of a text that is made when it runs");
          return false;
        }
        joined += words[i].text + " ";
      }
      text(joined, depth + 1);
      return name == "eval";
    }
    return is_shell(name) && shell(words, depth);
  }

  bool shell(const ShellCommand& words, int depth) {
    bool has_text = false;
    size_t i = 1;
    for (; i < words.size(); ++i) {
      if (!words[i].known || !words[i].single) break;
      const std::string& word = words[i].text;
      if (word == "--" || word == "-") {
        ++i;
        break;
      }
      if (word.size() < 2 || (word[0] != '-' && word[0] != '+')) break;
      if (word == "--rcfile" || word == "--init-file") {
        ++i;
        continue;
      }
      if (word.starts_with("--")) continue;
      // Bash takes some of its long options with one dash, too.
      if (is_one_of(word.substr(1), {"norc", "noprofile", "rcfile", "init-file", "posix", "login",
                                     "restricted", "noediting", "verbose", "debugger"}))
        break;
      if (word[0] == '-' && word.find('c') != std::string::npos) has_text = true;
      // Each o and O takes a word of its own.
      i += static_cast<size_t>(
          std::count_if(word.begin() + 1, word.end(), [](char c) { return c == 'o' || c == 'O'; }));
    }
    if (i < words.size() && has_text && words[i].known && words[i].single) {
      text(words[i].text, depth + 1);
      return true;
    }
    unread("what " + words[0].text +
           (has_text ? " is given when it runs" : " reads from a file or its input"));
    return false;
  }

  const Policy& policy_;
  Decision& decision_;
  bool careful_ = false;  ///< some rule of commands asks or denies
  bool seen_ = false;     ///< something had a say
  Verdict unread_verdict_ = Verdict::allow;
  std::string unread_part_, unread_why_, otherwise_why_;
  int looks_ = 0;
};

}  // namespace

Decision decide_command(const Policy& policy, const std::vector<std::string>& argv) {
  Decision decision;
  if (argv.empty() || argv[0].empty()) {
    decision.why = "no command is given";
    return decision;
  }
  ShellCommand words;
  for (const std::string& word : argv) words.push_back({word});
  CommandJudge judge(policy, decision);
  judge.judge(std::move(words));
  judge.conclude();
  return decision;
}

Decision decide_tool(const Policy& policy, std::string_view name) {
  Decision decision;
  for (size_t i = 0; i < policy.rules.size(); ++i) {
    const Rule& rule = policy.rules[i];
    if (!rule.tool || !rule.tool->match(name)) continue;
    decision.matches.push_back({i, rule.verdict, std::string(name)});
    if (decision.rule >= 0 && rule.verdict <= decision.verdict) continue;
    decision.verdict = rule.verdict;
    decision.why = rule.why;
    decision.rule = static_cast<int>(i);
  }
  if (decision.rule < 0) {
    decision.verdict = policy.otherwise.tool;
    decision.why = "no rule matches the tool " + std::string(name) +
                   ", and otherwise the verdict is " +
                   std::string(verdict_name(policy.otherwise.tool));
  }
  return decision;
}

Decision decide_host(const Policy& policy, std::string_view host, uint16_t port) {
  Decision decision;
  const std::string normal = normal_host(host);
  std::string shown = normal.find(':') == std::string::npos ? normal : "[" + normal + "]";
  shown += ":" + std::to_string(port);
  if (normal.empty()) {
    decision.why = "\"" + std::string(host.substr(0, 255)) + "\" is not a host name or address";
    return decision;
  }
  if (policy.network.none()) {
    decision.why = "the policy " + policy.name + " gives no network";
    return decision;
  }
  decision.why = shown + " is not among the hosts of the policy " + policy.name;
  for (const HostPattern& pattern : policy.network.hosts) {
    if (!pattern.match(normal, port)) continue;
    if (decision.verdict != Verdict::allow || pattern.literal())
      decision.why = "the policy " + policy.name + " lists " + pattern.text();
    decision.verdict = Verdict::allow;
    decision.literal = decision.literal || pattern.literal();
  }
  const bool listed = decision.verdict == Verdict::allow;
  for (size_t i = 0; i < policy.rules.size(); ++i) {
    const Rule& rule = policy.rules[i];
    if (!rule.host || !rule.host->match(normal, port)) continue;
    decision.matches.push_back({i, rule.verdict, shown});
    if (!listed || rule.verdict <= decision.verdict) continue;
    decision.verdict = rule.verdict;
    decision.why = rule.why;
    decision.rule = static_cast<int>(i);
  }
  return decision;
}

base::Result<bool> rule_matches_line(const Rule& rule, std::string_view line) {
  Policy policy;
  policy.rules = {rule};
  Decision decision;
  CommandJudge judge(policy, decision);
  judge.text(std::string(line), 0);
  if (!judge.unread_part().empty() && decision.matches.empty()) {
    return base::Error{base::Errc::usage, "cannot be read: " + judge.unread_part()};
  }
  return !decision.matches.empty();
}

}  // namespace policies
