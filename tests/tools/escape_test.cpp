// The part of the escape suite that is Lua (tests/programs/catalogue.json): each script runs as a
// model's script does, through the toolbox, and once in the plain interpreter, where it must say
// that it got out.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "tests/sandbox/catalogue.h"
#include "tests/sandbox/fixture.h"
#include "tests/sandbox/scene.h"
#include "tools/toolbox/toolbox.h"

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

class Script : public testing::TestWithParam<Threat> {
 protected:
  void SetUp() override {
    if (!machine_lacks().empty()) GTEST_SKIP() << "this machine does not allow " << machine_lacks();
  }
};
class ScriptInside : public Script {};
class ScriptControl : public Script {};

TEST_P(ScriptInside, IsContained) {
  const Threat& threat = GetParam();
  Scene scene;
  base::Result<tools::Toolbox> toolbox =
      tools::Toolbox::open({.workspace = scene.workspace(), .policy = policy_of(threat)});
  if (!toolbox) GTEST_SKIP() << toolbox.error().message;
  std::optional<tools::Toolbox> open(std::move(*toolbox));
  tools::Observation seen;
  for (int i = 0; i < threat.runs; ++i) {
    base::Result<tools::Observation> observation = open->run_lua(scene.script(threat), {});
    ASSERT_TRUE(observation) << observation.error().message;
    seen = *observation;
  }
  const std::string& expected = threat.inside;
  // What a person sees: an error starts with `error: ` and a forged one does not.
  EXPECT_EQ(seen.error, expected.rfind("error: ", 0) == 0);
  const bool by_time = expected.find("timed out") != std::string::npos;
  EXPECT_EQ(seen.stopped, by_time ? tools::Stopped::by_time : tools::Stopped::no);
  if (expected.size() > 3 && expected.substr(expected.size() - 3) == "...") {
    EXPECT_EQ(seen.text.substr(0, expected.size() - 3), expected.substr(0, expected.size() - 3));
    EXPECT_LE(seen.text.size(), 65536u) << "the observation has a bound";
  } else if (threat.group == "lua_works") {
    EXPECT_EQ(seen.text.substr(0, expected.size()), expected) << threat.threat;
  } else {
    EXPECT_EQ(seen.text, expected) << threat.threat;
  }
  EXPECT_TRUE(seen.files.empty());
  EXPECT_TRUE(seen.charts.empty());
  open.reset();  // it keeps a worker ready
  EXPECT_EQ(joined(scene.what_happened()), "") << threat.threat;
  EXPECT_EQ(seen.text.find(scene.token()), std::string::npos) << "the secret was printed";
}

TEST_P(ScriptControl, IsDetected) {
  const Threat& threat = GetParam();
  if (!threat.no_control.empty()) GTEST_SKIP() << "no control: " << threat.no_control;
  if (access("/usr/bin/lua5.4", X_OK) != 0) GTEST_SKIP() << "no control: no /usr/bin/lua5.4";
  Scene scene;
  const Seen seen = scene.control(threat);
  std::vector<std::string> lines = seen.host;
  lines.push_back(seen.end.substr(0, seen.end.find(": ")));
  lines.push_back(seen.out.substr(0, seen.out.find('\n')));
  EXPECT_NE(std::find(lines.begin(), lines.end(), threat.control), lines.end())
      << threat.threat << "\nexpected: " << threat.control << "\ngot: " << seen.end.substr(0, 2000)
      << "\n"
      << joined(seen.host);
}

INSTANTIATE_TEST_SUITE_P(Catalogue, ScriptInside,
                         testing::ValuesIn(catalogue({"lua", "lua_time", "lua_works"})), test_name);
INSTANTIATE_TEST_SUITE_P(Catalogue, ScriptControl,
                         testing::ValuesIn(catalogue({"lua", "lua_time"})), test_name);

}  // namespace
}  // namespace sandbox
