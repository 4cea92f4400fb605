// The escape suite: every line of tests/programs/catalogue.json that is not Lua, once inside the
// sandbox, with the exact outcome and a host that is as it was, and once without, where the program
// must say that it got out, which shows that it can tell. The lines of the group `works` must do
// the same in both.
//
// With TESSERA_ESCAPE_PEER set, the controls run under that command instead, and nothing is
// asserted: each prints `peer GROUP/NAME contained` or `escaped` (see bench/sandbox/peers.py).

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "catalogue.h"
#include "fixture.h"
#include "scene.h"

namespace sandbox {
namespace {

std::string test_name(const testing::TestParamInfo<Threat>& info) {
  return info.param.group + "_" + info.param.name;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "; ") + line;
  return text;
}

bool needs_python(const Threat& threat) {
  return threat.program.size() > 3 && threat.program.substr(threat.program.size() - 3) == ".py";
}

class Escape : public testing::TestWithParam<Threat> {
 protected:
  void SetUp() override {
    if (!machine_lacks().empty()) GTEST_SKIP() << "this machine does not allow " << machine_lacks();
    if (needs_python(GetParam()) && access("/usr/bin/python3", X_OK) != 0)
      GTEST_SKIP() << "no /usr/bin/python3";
  }
};

class EscapeInside : public Escape {};
class EscapeControl : public Escape {};
class HonestProgram : public Escape {};

TEST_P(EscapeInside, IsContained) {
  const Threat& threat = GetParam();
  Scene scene;
  const Seen seen = scene.inside(threat);
  if (!threat.known_hole.empty()) {
    RecordProperty("known_hole", threat.known_hole);
    GTEST_SKIP() << "known hole: " << threat.known_hole << "; it ended with " << seen.end << " "
                 << joined(seen.host);
  }
  if (threat.only_output) {
    EXPECT_EQ(seen.out, threat.inside + "\n") << threat.threat << "\n" << seen.end;
  } else if (threat.inside.size() > 3 && threat.inside.substr(threat.inside.size() - 3) == "...") {
    // The rest is as long as the program could make it.
    const std::string start = threat.inside.substr(0, threat.inside.size() - 3);
    EXPECT_EQ(seen.end.substr(0, start.size()), start) << threat.threat;
  } else {
    EXPECT_EQ(seen.end, threat.inside) << threat.threat;
  }
  EXPECT_EQ(joined(seen.host), "") << threat.threat;
  EXPECT_EQ(seen.all_output.find(scene.token()), std::string::npos) << "the secret was printed";
}

TEST_P(EscapeControl, IsDetected) {
  const Threat& threat = GetParam();
  if (!threat.no_control.empty()) GTEST_SKIP() << "no control: " << threat.no_control;
  Scene scene;
  const char* peer = getenv("TESSERA_ESCAPE_PEER");
  if (peer == nullptr && !scene.lacks(threat.needs).empty())
    GTEST_SKIP() << "no control: " << scene.lacks(threat.needs);
  const Seen seen = scene.control(threat);
  if (peer != nullptr) {
    // Where the host shows it, that counts: a program may have reached only what is private to it.
    const bool host_shows = threat.control.rfind("escaped:", 0) != 0 &&
                            threat.control.rfind("exit code", 0) != 0 && threat.group != "time";
    const bool says_so = seen.end.rfind("still running", 0) == 0 ||
                         seen.end.rfind("exit code 10", 0) == 0 ||
                         seen.all_output.find(scene.token()) != std::string::npos;
    const bool contained = seen.host.empty() && (host_shows || !says_so);
    std::printf("peer %s/%s %s %s %s\n", threat.group.c_str(), threat.name.c_str(),
                contained ? "contained" : "escaped", seen.end.substr(0, 60).c_str(),
                joined(seen.host).substr(0, 200).c_str());
    return;
  }
  const std::string all = "\n" + seen.end.substr(0, seen.end.find(": ")) + "\n" + seen.out + "\n" +
                          joined(seen.host) + "\n";
  std::vector<std::string> lines = seen.host;
  lines.push_back(seen.end.substr(0, seen.end.find(": ")));
  for (size_t at = 0; at < seen.out.size();) {
    const size_t end = std::min(seen.out.find('\n', at), seen.out.size());
    lines.push_back(seen.out.substr(at, end - at));
    at = end + 1;
  }
  EXPECT_NE(std::find(lines.begin(), lines.end(), threat.control), lines.end())
      << threat.threat << "\nexpected: " << threat.control << "\ngot: " << all.substr(0, 2000);
}

TEST_P(HonestProgram, DoesTheSameAsWithoutASandbox) {
  const Threat& threat = GetParam();
  std::string control;
  {
    Scene scene;
    control = scene.control(threat).end;
  }
  Scene scene;
  const Seen seen = scene.inside(threat);
  EXPECT_EQ(seen.end, control) << threat.threat;
  EXPECT_EQ(seen.end.substr(0, threat.inside.size()), threat.inside) << threat.threat;
  EXPECT_EQ(joined(seen.host), "");
  for (const auto& [path, content] : threat.files.items()) {
    FILE* file = fopen((scene.workspace() / path).c_str(), "r");
    ASSERT_NE(file, nullptr) << path;
    char text[4096];
    const size_t n = fread(text, 1, sizeof text, file);
    fclose(file);
    EXPECT_EQ(std::string(text, n), content.get<std::string>()) << path;
  }
}

std::vector<Threat> hostile() {
  return catalogue(
      {"files", "reading", "stays", "network", "kernel", "processes", "time", "resources"});
}

INSTANTIATE_TEST_SUITE_P(Catalogue, EscapeInside, testing::ValuesIn(hostile()), test_name);
INSTANTIATE_TEST_SUITE_P(Catalogue, EscapeControl, testing::ValuesIn(hostile()), test_name);
INSTANTIATE_TEST_SUITE_P(Catalogue, HonestProgram, testing::ValuesIn(catalogue({"works"})),
                         test_name);

}  // namespace
}  // namespace sandbox
