#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>

#include "sandbox/workspace/changes.h"
#include "sandbox/workspace/journal.h"

namespace sandbox {

/// What a look through a tree is to see of it.
struct View {
  bool inodes = false;    ///< that the files are the very same
  bool top_time = false;  ///< of the folder itself
  bool folder_times = true;
};

/// One line for each entry but .tessera: path, type, mode, time, content or target. Shares no code
/// with what is tested. A closed folder is opened and closed again.
std::string look_through(const std::filesystem::path& top, View view = {});

/// A workspace in a folder of its own, in $TMPDIR.
class WorkspaceTest : public testing::Test {
 protected:
  WorkspaceTest();
  ~WorkspaceTest() override;

  /// Does `work` in the workspace behind a real overlay, in namespaces of its own, with the current
  /// folder there, and returns what was written. `view`, if not null, gets what it looked like.
  /// Skips the test, and returns nothing useful, where that is not possible.
  Layer run(const std::function<void()>& work, std::string* view = nullptr);
  /// A layer whose upper folder is base/upper, for what a program cannot make through an overlay.
  Layer handmade(bool only_adds = false);

  ChangeSet changes(const Layer& layer, const Quota& quota = {});
  Journal journal();
  /// Does and commits it; the id, or the error's sentence.
  std::string commit(const std::function<void()>& work);
  std::string commit(const ChangeSet& set, const Layer& layer);

  static std::string read(const std::filesystem::path& path);
  static void write(const std::filesystem::path& path, const std::string& text);
  /// `added a.txt`, `moved a -> b`, …, one a line.
  static std::string list(const std::vector<Change>& changes);
  template <class T>
  static std::string list(const std::vector<T>& paths_and_whys) {
    std::string text;
    for (const T& e : paths_and_whys) text += e.path + ": " + e.why + "\n";
    return text;
  }

  std::filesystem::path base, workspace;
  policies::Protect protect{{".git", ".vscode", ".idea", ".envrc"}, {".tessera"}};
  Journal::Options options;  ///< not durable: nobody cuts the power
};

}  // namespace sandbox
