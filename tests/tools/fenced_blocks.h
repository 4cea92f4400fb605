#pragma once

#include <fstream>
#include <string>
#include <vector>

/// A fenced block of a Markdown file. kind: what follows the fence.
struct Block {
  std::string kind, text;
  int line = 0;
};

/// All of them, in order.
inline std::vector<Block> blocks_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<Block> blocks;
  std::string line;
  bool inside = false;
  for (int n = 1; std::getline(file, line); ++n) {
    if (line.starts_with("```")) {
      inside = !inside;
      if (inside) blocks.push_back({.kind = line.substr(3), .text = {}, .line = n});
    } else if (inside) {
      blocks.back().text += line + "\n";
    }
  }
  return blocks;
}
