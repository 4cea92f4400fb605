// How long it takes to list, plan and apply a plan over many files: plan [N] [FOLDER]. Makes N
// (default 60,000) small files in a new folder beneath FOLDER (default: the temporary one), renames
// all of them, sorts them into folders by the first letter, and removes them again.

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/unique_fd.h"
#include "tools/file/apply.h"
#include "tools/file/preview.h"
#include "tools/file/produce.h"

namespace {

double ms_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

bool run(int top, const char* name, const char* text) {
  using namespace tools::file;
  const auto start = std::chrono::steady_clock::now();
  const auto listing = list(top);
  const double listed = ms_since(start);
  const auto plan = parse_plan_text(text);
  if (!listing || !plan) return false;
  const auto expansion = expand(*plan, *listing, contents_beneath(top));
  if (!expansion) {
    std::printf("%s: %s\n", name, expansion.error().message.c_str());
    return false;
  }
  const std::string preview = preview_text(*expansion);
  const double planned = ms_since(start);
  const auto done = apply(top, *expansion);
  std::printf("%-28s %7zu steps  list %6.0f ms  plan %6.0f ms  apply %6.0f ms  together %6.0f ms\n",
              name, expansion->steps.size(), listed, planned - listed, ms_since(start) - planned,
              ms_since(start));
  if (!done) std::printf("%s\n", done.error().message.c_str());
  return static_cast<bool>(done);
}

}  // namespace

int main(int argc, char** argv) {
  const int n = argc > 1 ? std::atoi(argv[1]) : 60'000;
  std::string folder =
      (argc > 2 ? std::filesystem::path(argv[2]) : std::filesystem::temp_directory_path()) /
      "tessera-plan-XXXXXX";
  if (!::mkdtemp(folder.data())) return 1;
  std::filesystem::current_path(folder);
  std::filesystem::create_directory("in");
  for (int i = 0; i < n; ++i)
    std::ofstream("in/" + std::string(1, static_cast<char>('a' + i % 26)) + "_" +
                  std::to_string(i) + ".txt")
        << i % 1000;
  const base::UniqueFd top(::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const bool ok =
      run(top.get(), "rename and sort by letter",
          R"([{"op":"rename","files":"in/*","match":"*_*.txt","to":"{1}{n:6}{ext}"},{"op":"sort","files":"in/*","by":"letter","into":"out"}])") &&
      run(top.get(), "dedupe", R"([{"op":"dedupe","files":"**"}])");
  std::filesystem::current_path("/");
  std::filesystem::remove_all(folder);
  return ok ? 0 : 1;
}
