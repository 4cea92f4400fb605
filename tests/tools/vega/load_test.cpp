#include "tools/vega/load.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include "base/json.h"

namespace tools::vega {
namespace {

std::string refusal(const Row& data, const LoadContext& context = {}) {
  base::Result<Rows> rows = load_data(data, context);
  return rows ? "" : rows.error().message;
}

TEST(Load, BareValuesBecomeRows) {
  base::Result<Rows> rows = load_data({{"values", {1, "a", Row::object({{"x", 2}})}}}, {});
  ASSERT_TRUE(rows);
  EXPECT_EQ(Row(*rows), (Row::array({{{"data", 1}}, {{"data", "a"}}, {{"x", 2}}})));
}

TEST(Load, AFileIsReadOnlyBelowItsFolder) {
  namespace fs = std::filesystem;
  fs::path folder = fs::temp_directory_path() / ("vega_load_test_" + std::to_string(getpid()));
  fs::create_directories(folder / "data");
  std::ofstream(folder / "data" / "t.csv") << "a,b\n1,x\n";
  std::ofstream(folder / "secret.json") << "[1]";
  fs::create_symlink(folder / "secret.json", folder / "data" / "link.json");
  LoadContext context{.url = folder_loader(folder.string() + "/data")};
  base::Result<Rows> rows = load_data({{"url", "t.csv"}}, context);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(Row(*rows), (Row::array({{{"a", "1"}, {"b", "x"}}})));
  for (const char* url : {"../secret.json", "x/../../secret.json", "link.json",
                          "https://example.org/a.json", "/etc/passwd", "missing.json", "."}) {
    EXPECT_NE(refusal({{"url", url}}, context), "") << url;
  }
  fs::remove_all(folder);
}

TEST(Load, WhatIsNotSupportedIsNamed) {
  EXPECT_NE(refusal({{"graticule", true}}).find("graticule"), std::string::npos);
  EXPECT_NE(refusal({{"sphere", true}}).find("sphere"), std::string::npos);
  EXPECT_NE(refusal({{"values", "{}"}, {"format", {{"type", "topojson"}}}}).find("topojson"),
            std::string::npos);
  EXPECT_NE(refusal({{"name", "nowhere"}}).find("nowhere"), std::string::npos);
  EXPECT_NE(
      refusal({{"values", "a\n1"}, {"format", {{"type", "csv"}, {"parse", {{"a", "colour"}}}}}})
          .find("colour"),
      std::string::npos);
}

TEST(Load, DatasetsAreFoundByName) {
  Row sets = {{"t", {{{"a", 1}}}}};
  base::Result<Rows> rows = load_data({{"name", "t"}}, {.url = {}, .datasets = &sets});
  ASSERT_TRUE(rows);
  EXPECT_EQ(Row(*rows), (Row::array({{{"a", 1}}})));
}

TEST(Load, ASequenceIsCounted) {
  base::Result<Rows> rows =
      load_data({{"sequence", {{"start", 0}, {"stop", 1}, {"step", 0.25}, {"as", "u"}}}}, {});
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 4u);
  EXPECT_EQ((*rows)[3]["u"], 0.75);
  EXPECT_NE(refusal({{"sequence", {{"start", 0}, {"stop", 1e12}}}}), "");
  EXPECT_NE(refusal({{"sequence", {{"start", 0}, {"stop", 5}, {"step", 0}}}}), "");
}

TEST(Load, BrokenJsonIsRefusedWithItsLine) {
  EXPECT_NE(refusal({{"values", "[1,\n2,\n}"}, {"format", {{"type", "json"}}}}).find("line 3"),
            std::string::npos);
  EXPECT_NE(refusal({{"values", std::string(100000, '[')}, {"format", {{"type", "json"}}}})
                .find("nested"),
            std::string::npos);
}

TEST(Load, DeepInlineValuesAreRefused) {
  Row deep = 1;
  for (int i = 0; i < 200; ++i) deep = Row::array({std::move(deep)});
  EXPECT_NE(refusal({{"values", Row::array({deep})}}).find("nested"), std::string::npos);
}

}  // namespace
}  // namespace tools::vega
