#pragma once

#include <cstdlib>
#include <filesystem>

/// The real checkpoint, Gemma 3 270M (Q4_K_M): $TESSERA_MODEL, else where the program keeps it. The
/// file need not exist.
inline std::filesystem::path real_checkpoint() {
  if (const char* path = std::getenv("TESSERA_MODEL")) return path;
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::filesystem::path base =
      cache != nullptr && *cache != '\0'
          ? std::filesystem::path(cache)
          : std::filesystem::path(home == nullptr ? "" : home) / ".cache";
  return base / "tessera" / "models" / "gemma-3-270m-q4_k_m.gguf";
}
