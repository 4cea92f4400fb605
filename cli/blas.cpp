#include "cli/blas.h"

#include <cblas.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "model/gemm/kernel.h"

namespace cli {

void choose_blas_kernels(int argc, char** argv) {
#if defined(__x86_64__)
  constexpr const char* kVariable = "OPENBLAS_CORETYPE";
  constexpr std::string_view kWithModel[] = {"run",        "chat",   "serve",    "batch",
                                             "watch",      "bench",  "generate", "train",
                                             "transcribe", "listen", "sessions", "logits"};
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (std::ranges::find(kWithModel, command) == std::end(kWithModel)) return;
  if (command != "train" && model::best_gemm_kernel().native) return;
  // What 0.3.21 takes for an Intel processor newer than itself, for one.
  if (std::string_view(openblas_get_corename()) != "Prescott") return;
  if (!__builtin_cpu_supports("avx2") || std::getenv(kVariable) != nullptr) return;
  setenv(kVariable, __builtin_cpu_supports("avx512bw") ? "SkylakeX" : "Haswell", 1);
  char path[PATH_MAX] = {};
  // By its own name: a process called "exe" would tell nobody what it is.
  if (readlink("/proc/self/exe", path, sizeof(path) - 1) > 0 &&
      std::string_view(path).find("/ld-") == std::string_view::npos)  // not the loader's
    execv(path, argv);
  unsetenv(kVariable);
#else
  (void)argc, (void)argv;
#endif
}

}  // namespace cli
