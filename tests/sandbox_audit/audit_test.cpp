#include "sandbox/audit.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>
#include "base/json.h"

namespace sandbox {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class Audit : public testing::Test {
 protected:
  Audit() {
    char folder[] = "/tmp/tessera-audit-XXXXXX";
    base_ = mkdtemp(folder);
    path_ = base_ / "state/tessera/audit.jsonl";
  }
  ~Audit() override { fs::remove_all(base_); }

  void append(int count, uint64_t rotate_bytes = AuditLog::kRotateBytes) {
    base::Result<AuditLog> log = AuditLog::open(path_, rotate_bytes);
    ASSERT_TRUE(log) << log.error().message;
    for (int i = 0; i < count; ++i) {
      base::Status status =
          log->append({"run-1",
                       "verdict",
                       {{"argv", std::vector<std::string>{"ls", "-l"}}, {"n", int64_t{i}}}});
      ASSERT_TRUE(status) << status.error().message;
    }
  }
  std::string read(const fs::path& path) const {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  std::string text() const { return read(path_); }
  void write(const std::string& text) const {
    std::ofstream(path_, std::ios::trunc | std::ios::binary) << text;
  }
  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    std::istringstream in(text());
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }
  void write_lines(const std::vector<std::string>& lines) const {
    std::string all;
    for (const std::string& line : lines) all += line + "\n";
    write(all);
  }
  AuditCheck check() const {
    base::Result<AuditCheck> result = verify_audit(path_);
    EXPECT_TRUE(result) << result.error().message;
    return result ? *result : AuditCheck{};
  }

  fs::path base_, path_;
};

TEST_F(Audit, ARecordHoldsWhatHappenedAndTheHashOfTheOneBefore) {
  append(1);
  base::Result<AuditLog> log = AuditLog::open(path_);
  ASSERT_TRUE(log);
  ASSERT_TRUE(
      log->append({"r\"2", "outcome", {{"text", "a\n\x1b[31m\xc2\x9b\xff é"}, {"ok", true}}}));
  const std::vector<std::string> all = lines();
  ASSERT_EQ(all.size(), 2u);
  const Json first = Json::parse(all[0]), second = Json::parse(all[1]);
  EXPECT_EQ(first["seq"], 1);
  EXPECT_EQ(first["run"], "run-1");
  EXPECT_EQ(first["kind"], "verdict");
  EXPECT_EQ(first["argv"], Json({"ls", "-l"}));
  EXPECT_EQ(first["n"], 0);
  EXPECT_EQ(first["prev"], std::string(64, '0'));
  EXPECT_EQ(second["seq"], 2);
  EXPECT_EQ(second["run"], "r\"2");
  EXPECT_EQ(second["text"], "a\n\x1b[31m\xc2\x9b\xef\xbf\xbd é");
  EXPECT_EQ(second["ok"], true);
  EXPECT_EQ(second["prev"], first["hash"]);
  EXPECT_EQ(second["time"].get<std::string>().size(), 24u);
  // Nothing that a terminal obeys is in the file.
  EXPECT_EQ(all[1].find('\x1b'), std::string::npos);
  EXPECT_EQ(all[1].find('\x9b'), std::string::npos);
  const AuditCheck result = check();
  EXPECT_TRUE(result.whole()) << result.reason;
  EXPECT_EQ(result.records, 2u);
  EXPECT_EQ(result.last_hash, second["hash"]);
}

TEST_F(Audit, TheFileIsForItsOwnerOnly) {
  const mode_t mask = umask(0);
  append(1);
  umask(mask);
  struct stat st = {};
  ASSERT_EQ(stat(path_.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0600u);
  ASSERT_EQ(stat(path_.parent_path().c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0700u);
}

TEST_F(Audit, RefusesLinksAndFilesThatOthersMayWrite) {
  append(1);
  chmod(path_.c_str(), 0622);
  EXPECT_EQ(AuditLog::open(path_).error().message, path_.string() + ": others may write the file");
  fs::rename(path_, base_ / "elsewhere");
  fs::create_symlink(base_ / "elsewhere", path_);
  EXPECT_EQ(AuditLog::open(path_).error().message, path_.string() + ": is a link");
  fs::remove(path_);
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(AuditLog::open(path_).error().message, path_.string() + ": not a file");
  fs::remove(path_);
  chmod(path_.parent_path().c_str(), 0777);
  EXPECT_EQ(AuditLog::open(path_).error().message,
            path_.parent_path().string() + ": others may write the folder");
}

TEST_F(Audit, ChangingAnyByteIsFoundOnItsLine) {
  append(4);
  const std::string good = text();
  uint64_t line = 1;
  for (size_t i = 0; i < good.size(); ++i) {
    for (char to : {static_cast<char>(good[i] ^ 1), '\n', ' ', '"'}) {
      if (to == good[i]) continue;
      std::string bad = good;
      bad[i] = to;
      write(bad);
      const AuditCheck result = check();
      ASSERT_EQ(result.broken_line, line) << i << " " << result.reason;
      ASSERT_EQ(result.records, line - 1);
      ASSERT_EQ(result.broken_file, path_.string());
    }
    if (good[i] == '\n') ++line;
  }
  write(good);
  EXPECT_TRUE(check().whole());
}

TEST_F(Audit, ALineTakenOutMovedOrRepeatedIsFound) {
  append(6);
  const std::vector<std::string> good = lines();
  std::vector<std::string> bad = good;
  bad.erase(bad.begin() + 2);
  write_lines(bad);
  EXPECT_EQ(check().broken_line, 3u);
  EXPECT_EQ(check().reason, "it is record 4, expected 3: records are missing or were moved");
  bad = good;
  bad.erase(bad.begin());
  write_lines(bad);
  EXPECT_EQ(check().broken_line, 1u);
  bad = good;
  std::swap(bad[1], bad[2]);
  write_lines(bad);
  EXPECT_EQ(check().broken_line, 2u);
  bad = good;
  bad.insert(bad.begin() + 3, good[2]);
  write_lines(bad);
  EXPECT_EQ(check().broken_line, 4u);
  bad = good;
  bad.insert(bad.begin() + 3, "");
  write_lines(bad);
  EXPECT_EQ(check().broken_line, 4u);
  EXPECT_EQ(check().reason, "it is not a record");
}

TEST_F(Audit, ARecordOfAnotherLogDoesNotFit) {
  append(3);
  const std::vector<std::string> ours = lines();
  fs::remove(path_);
  base::Result<AuditLog> log = AuditLog::open(path_);
  ASSERT_TRUE(log);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(log->append({"run-2", "verdict", {}}));
  std::vector<std::string> mixed = lines();
  mixed[1] = ours[1];
  mixed[2] = ours[2];
  write_lines(mixed);
  EXPECT_EQ(check().broken_line, 2u);
  EXPECT_EQ(check().reason, "it does not follow the record before it");
}

TEST_F(Audit, AFileCutAnywhereInALineIsFoundAndSetAside) {
  append(3);
  const std::string good = text();
  const size_t last = good.rfind('\n', good.size() - 2) + 1;
  for (size_t size : {last + 1, last + 40, good.size() - 1}) {
    fs::remove(path_.string() + ".torn");
    write(good.substr(0, size));
    EXPECT_EQ(check().broken_line, 3u);
    EXPECT_EQ(check().reason, "it is cut off; the next append sets it aside");
    append(1);
    const AuditCheck result = check();
    EXPECT_TRUE(result.whole()) << result.reason;
    EXPECT_EQ(result.records, 4u);
    EXPECT_EQ(result.set_aside, 1u);
    EXPECT_EQ(read(path_.string() + ".torn"), good.substr(last, size - last) + "\n");
    EXPECT_EQ(Json::parse(lines()[2])["bytes"], size - last);
  }
  // Cut between two lines nothing shows but the last hash.
  write(good.substr(0, last));
  EXPECT_TRUE(check().whole());
  EXPECT_EQ(check().records, 2u);
  EXPECT_EQ(check().last_hash, Json::parse(good.substr(last))["prev"]);
}

TEST_F(Audit, TheOnlyLineCanBeCutOffToo) {
  append(1);
  write(text().substr(0, 30));
  append(1);
  EXPECT_TRUE(check().whole());
  EXPECT_EQ(check().records, 2u);
}

TEST_F(Audit, DoesNotGoOnAfterALastRecordThatWasChanged) {
  append(2);
  std::string bad = text();
  bad[bad.size() - 100] ^= 1;
  write(bad);
  base::Result<AuditLog> log = AuditLog::open(path_);
  ASSERT_TRUE(log);
  base::Status status = log->append({"r", "k", {}});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, base::Errc::corrupt);
  EXPECT_EQ(text(), bad);
}

TEST_F(Audit, RotationCarriesTheChainOver) {
  append(40, 2000);
  EXPECT_TRUE(fs::exists(path_.string() + ".1"));
  EXPECT_TRUE(fs::exists(path_.string() + ".3"));
  AuditCheck result = check();
  EXPECT_TRUE(result.whole()) << result.reason;
  EXPECT_EQ(result.records, 40u);
  // A crash between renaming and making the next file.
  fs::rename(path_, path_.string() + ".999");
  EXPECT_EQ(check().records, 40u);
  append(1, 2000);
  EXPECT_EQ(check().records, 41u);
  fs::remove(path_.string() + ".2");
  result = check();
  EXPECT_EQ(result.broken_file, path_.string() + ".3");
  EXPECT_EQ(result.broken_line, 1u);
}

TEST_F(Audit, LongTextsAreClippedAndCounted) {
  base::Result<AuditLog> log = AuditLog::open(path_);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->append({"r",
                           "k",
                           {{"text", std::string(5000, 'x')},
                            {"cut", std::string(4095, 'x') + "é"},
                            {"many", std::vector<std::string>(300, "y")}}}));
  ASSERT_TRUE(
      log->append({"r", "k", {{"all", std::vector<std::string>(200, std::string(4096, '\x01'))}}}));
  ASSERT_TRUE(log->append({"r", "k", {}}));
  const Json record = Json::parse(lines()[0]);
  EXPECT_EQ(record["text"], std::string(4096, 'x') + "… (904 more bytes)");
  EXPECT_EQ(record["cut"], std::string(4095, 'x') + "… (2 more bytes)");
  EXPECT_EQ(record["many"].size(), 257u);
  EXPECT_EQ(record["many"][256], "44 more");
  EXPECT_LT(lines()[1].size(), 500'000u);
  EXPECT_TRUE(check().whole()) << check().reason;
}

TEST_F(Audit, RefusesNamesThatAreTheRecordsOwn) {
  base::Result<AuditLog> log = AuditLog::open(path_);
  ASSERT_TRUE(log);
  EXPECT_EQ(log->append({"r", "k", {{"hash", true}}}).error().message,
            "audit: the field hash is there already");
  EXPECT_EQ(log->append({"r", "k", {{"a", true}, {"a", true}}}).error().message,
            "audit: the field a is there already");
  EXPECT_EQ(log->append({"r", "k", {{"a\"b", true}}}).error().message,
            "audit: \"a\"b\" is not the name of a field");
  EXPECT_EQ(log->append({"r", "", {}}).error().message, "audit: a record needs a kind");
  EXPECT_EQ(text(), "");
}

TEST_F(Audit, AFieldThatLooksLikeATornRecordIsNone) {
  base::Result<AuditLog> log = AuditLog::open(path_);
  ASSERT_TRUE(log);
  ASSERT_TRUE(log->append({"\",\"kind\":\"torn\",", "k", {{"x", "\",\"kind\":\"torn\","}}}));
  EXPECT_EQ(check().set_aside, 0u);
}

TEST_F(Audit, FourProcessesAppendAtOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 4; ++i) {
    const pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      base::Result<AuditLog> log = AuditLog::open(path_, 20'000);
      if (!log) _exit(1);
      for (int k = 0; k < 250; ++k)
        if (!log->append({"run", "outcome", {{"n", int64_t{k}}}})) _exit(2);
      _exit(0);
    }
    children.push_back(pid);
  }
  for (pid_t pid : children) {
    int status = -1;
    ASSERT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_EQ(status, 0);
  }
  const AuditCheck result = check();
  EXPECT_TRUE(result.whole()) << result.broken_file << ":" << result.broken_line << result.reason;
  EXPECT_EQ(result.records, 1000u);
}

TEST_F(Audit, FourThreadsAppendAtOnce) {
  base::Result<AuditLog> log = AuditLog::open(path_, 20'000);
  ASSERT_TRUE(log);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 100; ++k) EXPECT_TRUE(log->append({"run", "outcome", {}}));
    });
  }
  threads.clear();
  EXPECT_EQ(check().records, 400u);
  EXPECT_TRUE(check().whole());
}

TEST_F(Audit, AKilledWriterLeavesAChainThatGoesOn) {
  uint64_t before = 0;
  for (int round = 0; round < 10; ++round) {
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    const pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      base::Result<AuditLog> log = AuditLog::open(path_, 5'000);
      if (!log) _exit(1);
      for (;;) {
        if (!log->append({"run", "outcome", {}})) _exit(2);
        if (::write(ready[1], "x", 1) != 1) _exit(3);
      }
    }
    close(ready[1]);
    char byte = 0;
    for (int i = 0; i < 5 + round; ++i) ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    kill(pid, SIGKILL);
    ASSERT_EQ(waitpid(pid, nullptr, 0), pid);
    close(ready[0]);
    append(1, 5'000);
    const AuditCheck result = check();
    ASSERT_TRUE(result.whole()) << result.reason;
    EXPECT_GT(result.records, before + 5);
    before = result.records;
  }
}

TEST_F(Audit, TheTailIsTheLastLines) {
  append(5);
  const std::vector<std::string> all = lines();
  EXPECT_EQ(*audit_tail(path_, 2), (std::vector<std::string>{all[3], all[4]}));
  EXPECT_EQ(*audit_tail(path_, 100), all);
  EXPECT_FALSE(audit_tail(base_ / "none", 1));
  EXPECT_EQ(verify_audit(base_ / "none").error().code, base::Errc::not_found);
}

TEST_F(Audit, TheFolderComesFromTheEnvironment) {
  const auto kept = [](const char* name) {
    const char* value = getenv(name);
    return std::pair(value != nullptr, std::string(value != nullptr ? value : ""));
  };
  const auto state = kept("XDG_STATE_HOME"), home = kept("HOME");
  setenv("HOME", "/home/ann", 1);
  setenv("XDG_STATE_HOME", "/state", 1);
  EXPECT_EQ(AuditLog::default_path(), "/state/tessera/audit.jsonl");
  setenv("XDG_STATE_HOME", "relative", 1);
  EXPECT_EQ(AuditLog::default_path(), "/home/ann/.local/state/tessera/audit.jsonl");
  unsetenv("HOME");
  EXPECT_EQ(AuditLog::default_path(), "");
  unsetenv("XDG_STATE_HOME");
  if (state.first) setenv("XDG_STATE_HOME", state.second.c_str(), 1);
  if (home.first) setenv("HOME", home.second.c_str(), 1);
}

}  // namespace
}  // namespace sandbox
