#pragma once

#include <gtest/gtest.h>

#include <memory>

#include "tests/tools/workspace.h"
#include "tools/data/engine.h"

namespace tools::data {

/// A workspace and an engine that runs.
class EngineTest : public testing::Test {
 protected:
  void SetUp() override {
    const base::Status ok = engine->execute("SELECT 1");
    ASSERT_TRUE(ok) << ok.error().message;
  }
  TemporaryWorkspace workspace;
  std::shared_ptr<Engine> engine = std::make_shared<Engine>(find_duckdb());
};

}  // namespace tools::data
