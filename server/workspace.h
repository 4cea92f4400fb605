#pragma once

#include <memory>
#include <string>

#include "base/net.h"
#include "server/http/http_server.h"
#include "tools/toolbox/toolbox.h"

namespace server {

/// What the page shows of a workspace, and the two things a person does there: add a file, and take
/// a run back.
class Workspace {
 public:
  /// The toolbox outlives it.
  explicit Workspace(const tools::Toolbox& toolbox);
  /// Lets what is being read end. Before the server ends.
  void join();

  /// path: what follows /tessera/.
  ///   GET  files                 {files: [{path, bytes}], more}
  ///   POST files?name=N          the body as a new file; 409 where there is one already
  ///   GET  file?path=P           its bytes
  ///   GET  table?path=P          {profile, rows}: columns, and the first rows
  ///   GET  rows?path=P&…         more of its rows, sorted and filtered (table_rows.h)
  ///   GET  changes, changes/RUN  the journal's runs; {changes: [{kind, path, …, diff}]}
  ///   POST undo {run, redo, keep_mine}
  net::awaitable<HttpReply> answer(std::string path, HttpRequest http);

 private:
  const tools::Toolbox& toolbox_;
  std::unique_ptr<net::thread_pool> pool_;
  std::stop_source stop_;
};

}  // namespace server
