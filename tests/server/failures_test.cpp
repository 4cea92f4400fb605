#include "server/failures.h"

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include "tests/model/serve/serve.h"

namespace server {
namespace {

TEST(Failures, ATaskThatThrowsOnTheEnginesThreadIsAnErrorAndTheNextOneRuns) {
  model::Scheduler scheduler(model::tiny(), {.slots = 1, .context = 64});
  const auto failed = [&](auto throws) {
    return on_engine(scheduler, [&](const model::Engine&) -> base::Status {
      throws();
      return base::Ok{};
    });
  };
  const base::Status memory = failed([] { throw std::bad_alloc(); });
  ASSERT_FALSE(memory);
  EXPECT_EQ(memory.error().code, base::Errc::internal);
  EXPECT_EQ(memory.error().message, "The server has not enough memory for this request.");
  const base::Status other = failed([] { throw std::runtime_error("broken"); });
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().message, "The server failed: broken");
  ASSERT_FALSE(failed([] { throw 5; }));

  const base::Status own = on_engine(scheduler, [](const model::Engine&) -> base::Status {
    return base::Error{base::Errc::corrupt, "not a picture"};
  });
  ASSERT_FALSE(own);
  EXPECT_EQ(own.error().message, "not a picture");
  EXPECT_TRUE(failed([] {}));
}

}  // namespace
}  // namespace server
