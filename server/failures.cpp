#include "server/failures.h"

#include <exception>
#include <new>
#include <string>

namespace server {

base::Error caught() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return {base::Errc::internal, "The server has not enough memory for this request."};
  } catch (const std::exception& e) {
    return {base::Errc::internal, std::string("The server failed: ") + e.what()};
  } catch (...) {
    return {base::Errc::internal, "The server failed."};
  }
}

base::Status on_engine(model::Scheduler& scheduler,
                       const std::function<base::Status(const model::Engine&)>& task) {
  base::Status status = base::Error{base::Errc::internal, "the task was not run"};
  // On the scheduler's thread, which an exception would end, and the program with it.
  scheduler.with_engine([&](const model::Engine& engine) {
    try {
      status = task(engine);
    } catch (...) {
      status = caught();
    }
  });
  return status;
}

}  // namespace server
