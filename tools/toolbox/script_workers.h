#pragma once

#include <future>
#include <memory>
#include <mutex>

#include "sandbox/worker.h"

namespace tools {

/// Confined tessera-workers of one workspace, one of them always ready or on its way, so that a
/// script need not wait for a process and for DuckDB to start. A worker is used again only after a
/// call that left nothing behind. Any number of threads may call.
class ScriptWorkers {
 public:
  ScriptWorkers(sandbox::Program program, policies::Policy policy);

  /// A worker of one's own. Errors: as sandbox::run().
  base::Result<std::unique_ptr<sandbox::Worker>> take();
  /// Gives back one that may be used again. Those that may not are simply let go of.
  void give(std::unique_ptr<sandbox::Worker> worker);
  /// Starts the next worker in the background unless one waits. Call when the last one is spent.
  void refill();

 private:
  const sandbox::Program program_;
  const policies::Policy policy_;
  std::mutex mutex_;
  std::unique_ptr<sandbox::Worker> waiting_;
  std::future<base::Result<std::unique_ptr<sandbox::Worker>>> starting_;
};

}  // namespace tools
