// How long it takes to bring the moves of many small files from a layer into a workspace, and back:
// commit [N] [FOLDER]. Makes N (default 60,000) files in a new folder beneath FOLDER (default: the
// temporary one), and beside them the layer that a run leaves which renamed each and sorted them
// into folders by their first letter: a mark that the old name is gone, and the file at its new
// place. Then the same as a plan of steps, which needs no layer. Needs root, for the marks. Times
// of the clock, and of the processor in brackets, in milliseconds.

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "sandbox/workspace/changes.h"
#include "sandbox/workspace/journal.h"
#include "sandbox/workspace/rearrange.h"

namespace {

namespace fs = std::filesystem;

double clock_ms() {
  return std::chrono::duration<double, std::milli>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

double processor_ms() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto ms = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_usec) / 1e3;
  };
  return ms(used.ru_utime) + ms(used.ru_stime);
}

/// Prints what `work` took; false if it failed.
template <class Work>
bool timed(const char* name, const Work& work) {
  const double clock = clock_ms(), processor = processor_ms();
  const auto done = work();
  std::printf("%-14s %8.0f ms (%.0f)\n", name, clock_ms() - clock, processor_ms() - processor);
  if (!done) std::printf("%s\n", done.error().message.c_str());
  return static_cast<bool>(done);
}

std::string letter(int i) { return std::string(1, static_cast<char>('a' + i % 26)); }

bool make_layer(const fs::path& upper, const fs::path& workspace, int n) {
  fs::create_directories(upper / "in");
  for (int i = 0; i < 26; ++i) fs::create_directories(upper / "out" / letter(i));
  for (int i = 0; i < n; ++i) {
    const std::string old_name = letter(i) + "_" + std::to_string(i) + ".txt";
    if (::mknod((upper / "in" / old_name).c_str(), S_IFCHR, 0) != 0) return false;
    const fs::path moved = upper / "out" / letter(i) / (std::to_string(i) + ".txt");
    std::ofstream(moved) << i % 1000;
    fs::last_write_time(moved, fs::last_write_time(workspace / "in" / old_name));
  }
  return true;
}

/// What such a run is as a plan.
std::vector<sandbox::Rearrangement> make_plan(int n) {
  std::vector<sandbox::Rearrangement> steps = {{"", "out"}};
  for (int i = 0; i < 26; ++i) steps.push_back({"", "out/" + letter(i)});
  for (int i = 0; i < n; ++i) {
    const std::string old_name = "in/" + letter(i) + "_" + std::to_string(i) + ".txt";
    const std::string spare = "in/" + std::to_string(i) + ".txt";
    steps.push_back({old_name, spare});
    steps.push_back({spare, "out/" + letter(i) + "/" + std::to_string(i) + ".txt"});
  }
  return steps;
}

}  // namespace

int main(int argc, char** argv) {
  const int n = argc > 1 ? std::atoi(argv[1]) : 60'000;
  std::string folder =
      (argc > 2 ? fs::path(argv[2]) : fs::temp_directory_path()) / "tessera-commit-XXXXXX";
  if (!::mkdtemp(folder.data())) return 1;
  const fs::path workspace = fs::path(folder) / "workspace", upper = fs::path(folder) / "upper";
  fs::create_directories(workspace / "in");
  for (int i = 0; i < n; ++i)
    std::ofstream(workspace / "in" / (letter(i) + "_" + std::to_string(i) + ".txt")) << i % 1000;
  if (!make_layer(upper, workspace, n)) {
    std::printf("the marks need root\n");
    return 1;
  }
  ::sync();  // what was made so far is not to be written out by what is measured
  const policies::Protect protect{{".git"}, {".tessera"}};
  sandbox::Layer layer;
  layer.upper = base::UniqueFd(::open(upper.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  sandbox::ChangeSet changes;
  const sandbox::Quota quota{.files = 300'000};
  auto journal = sandbox::Journal::open(workspace);
  const bool ok = journal &&
                  timed("snapshot",
                        [&] {
                          auto before = sandbox::take_snapshot(workspace, protect);
                          if (before) layer.before = *before;
                          return before;
                        }) &&
                  timed("find changes",
                        [&] {
                          auto found = sandbox::find_changes(layer, workspace, protect, quota);
                          if (found) changes = *found;
                          return found;
                        }) &&
                  timed("commit", [&] { return journal->commit(changes, layer, "bench", 0); }) &&
                  timed("undo", [&] { return journal->undo(""); }) &&
                  timed("snapshot",
                        [&] {
                          auto before = sandbox::take_snapshot(workspace, protect);
                          layer = {};
                          if (before) layer.before = *before;
                          return before;
                        }) &&
                  timed("rearrange",
                        [&] {
                          auto found = sandbox::rearrange(make_plan(n), layer.before, workspace,
                                                          protect, quota, 0);
                          if (found) changes = *found;
                          return found;
                        }) &&
                  timed("commit", [&] { return journal->commit(changes, layer, "bench", 0); }) &&
                  timed("undo", [&] { return journal->undo(""); });
  fs::remove_all(folder);
  return ok ? 0 : 1;
}
